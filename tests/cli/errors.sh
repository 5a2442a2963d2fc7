#!/usr/bin/env bash
# Exit statuses, one line for each error, full disks, closed pipes, little memory, and signals.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
cp flowers.csv flowers.data
fast="--hidden 8 --epochs 2 --ignore id --threads 1"
succeeds train flowers.csv $fast --out m.safetensors

# ---- 3: bad data ----
refuses 5 "nothere.csv" train nothere.csv
refuses 5 "nothere: cannot open it: No such file" train nothere
mkdir folder
refuses 5 "folder: cannot read it: Is a directory" train folder
refuses 3 "flowers.data: the kind of data is taken from the name" train flowers.data
: >empty.csv
refuses 3 "empty.csv" train empty.csv
printf 'a,b\n1,2\n3\n' >ragged.csv
refuses 3 "ragged.csv:3:" train ragged.csv
printf 'a,a\n1,2\n3,4\n' >twice.csv
refuses 3 "'a'" train twice.csv --header yes
refuses 3 "set header to no" train twice.csv --header yes
printf 'a,,b\n1,2,3\n3,4,5\n' >nameless.csv
refuses 3 "nameless.csv" train nameless.csv --header yes
printf 'x,y\n1,a\n2,a\n3,a\n' >single.csv
refuses 3 "class" train single.csv --quiet
printf 'x,y\n1,3\n2,3\n3,3\n' >same.csv
refuses 3 "one class, '3'" train same.csv --target y
printf 'x,y\n1,a\n1,b\n1,a\n' >constant.csv
refuses 3 "" train constant.csv --quiet
head -c 2000 /dev/urandom >noise.csv
refuses 3 "noise.csv" train noise.csv
gzip -c flowers.csv | head -c 200 >cut.csv.gz
refuses 3 "cut.csv.gz" train cut.csv.gz
refuses 3 "did you mean" train flowers.csv --target kinds --quiet
refuses 3 "did you mean" train flowers.csv --ignore lenght --quiet
refuses 3 "colour" train flowers.csv --features length,colors --quiet
cut -d, -f2- flowers.csv >no-id.csv
refuses 2 "needs classes" train no-id.csv --target length --task regression --loss cross_entropy --quiet

# ---- 4: bad models ----
printf 'not a model' >bad.safetensors
for command in inspect "predict" "evaluate"; do
  data=flowers.csv
  [ "$command" = inspect ] && data=
  refuses 4 "bad.safetensors" $command bad.safetensors $data
done

# ---- 5: input and output ----
if [ -w /dev/full ]; then
  for arguments in "help train" "help --man" "version" "inspect m.safetensors" "evaluate m.safetensors flowers.csv" \
    "predict m.safetensors flowers.csv" "train flowers.csv $fast --json --quiet --out x.safetensors"; do
    "$backprop" $arguments >/dev/full 2>err
    status=$?
    check "$arguments to a full disk ends with 5" [ "$status" -eq 5 ]
    check "$arguments says so in one line" is_error
  done
  refuses 5 "/dev/full: cannot write" predict m.safetensors flowers.csv --out /dev/full
  run train flowers.csv $fast --quiet --out /dev/full
  check "a model to a full disk" [ "$status" -eq 5 ]
  run train flowers.csv $fast --quiet --log /dev/full --out logged.safetensors
  check "a log to a full disk ends with 5" [ "$status" -eq 5 ]
  check "and tells the reason of the first write" holds err "/dev/full: cannot write: No space left on device"
  check "but the model is there" [ -s logged.safetensors ]
fi
mkfifo pipe.csv
printf 'length,width\n1,2\n' >pipe.csv &
timeout $((10 * TEST_TIME)) "$backprop" predict m.safetensors pipe.csv >out 2>err
status=$?
check "bad data from a named pipe end with 3" [ "$status" -eq 3 ]
check "and are told in one line" is_error
rm pipe.csv
python3 -c 'print("length,width,colour"); [print("1,2,red") for _ in range(50000)]' >long.csv
"$backprop" predict m.safetensors long.csv 2>err | head -1 >out
check "a closed pipe ends by SIGPIPE" [ "${PIPESTATUS[0]}" -eq 141 ]
check "and without a word" [ ! -s err ]

# ---- 6: divergence ----
refuses 6 "no model was written" train flowers.csv $fast --optimizer sgd --lr 1000 --activation relu --quiet --out diverged.safetensors

# ---- 7: memory ----
if (ulimit -v 200000 && "$backprop" version >/dev/null 2>&1); then
  (ulimit -v 200000 && "$backprop" train flowers.csv --ignore id --hidden 30000,30000 --epochs 1 --quiet --out big.safetensors >out 2>err)
  status=$?
  check "too large a network ends with 7" [ "$status" -eq 7 ]
  check "out of memory is one line" is_error
  check "and no file" [ ! -e big.safetensors ]
fi

# ---- 130 and 143: signals ----
# The data are large enough to train for minutes; the signal is sent when the first line of progress is there.
python3 -c 'print("a,b,c,y"); [print(f"{i % 97},{i % 89},{i % 83},{i % 7}") for i in range(30000)]' >large.csv
echo old >kept.safetensors
for signal in INT TERM; do
  expected=$([ $signal = INT ] && echo 130 || echo 143)
  # A shell without job control starts background commands with SIGINT ignored; Python does not.
  python3 - "$backprop" $signal <<'PYTHON' >out 2>err
import signal, subprocess, sys
p = subprocess.Popen([sys.argv[1], "train", "large.csv", "--epochs", "1000", "--batch-size", "64", "--out", "kept.safetensors", "--progress", "plain"],
                     stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
for line in p.stderr:
    if line.startswith("epoch 1/"):
        p.send_signal(getattr(signal, "SIG" + sys.argv[2]))
        break
rest = p.stderr.read()
sys.stderr.write(rest.splitlines()[-1] + "\n" if rest else "")
sys.exit(p.wait())
PYTHON
  status=$?
  check "SIG$signal ends with $expected" [ "$status" -eq $expected ]
  check "SIG$signal is told in one line" holds err "stopped by SIG$signal in epoch"
  check "SIG$signal leaves the old model" [ "$(cat kept.safetensors)" = old ]
  check "SIG$signal leaves no temporary file" bash -c '! ls -A | grep -q "tmp$"'
done
finish
