#!/usr/bin/env bash
# Closed pipes, closed standard descriptors, and calls that signals interrupt.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
python3 -c 'print("length,width,colour"); [print("1,2,red") for _ in range(50000)]' >long.csv
fast="--hidden 8 --epochs 2 --ignore id --target kind --threads 1"
succeeds train flowers.csv $fast --quiet --out m.safetensors

# ---- nobody reads standard output ----
# The reader is gone before anything is written, whatever the parent does with SIGPIPE.
quiet() {
  python3 - "$backprop" "$@" <<'PYTHON' >out 2>err
import os, signal, subprocess, sys
for disposition in signal.SIG_DFL, signal.SIG_IGN:
    read, write = os.pipe()
    os.close(read)
    p = subprocess.run(sys.argv[1:], stdout=write, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, restore_signals=False,
                       preexec_fn=lambda: signal.signal(signal.SIGPIPE, disposition))
    os.close(write)
    if p.returncode != -signal.SIGPIPE or p.stderr:
        print(disposition, p.returncode, p.stderr)
        sys.exit(1)
PYTHON
  check "a closed pipe ends $* quietly" [ $? -eq 0 ]
}
quiet help
quiet help train
quiet help --man
quiet help --completion bash
quiet version
quiet version --json
quiet predict m.safetensors long.csv --quiet
quiet predict m.safetensors flowers.csv --quiet --out /dev/stdout
quiet evaluate m.safetensors flowers.csv --quiet
quiet evaluate m.safetensors flowers.csv --json --quiet
quiet inspect m.safetensors
quiet inspect m.safetensors --json
quiet inspect m.safetensors --gradients flowers.csv --quiet
quiet gradcheck m.safetensors flowers.csv --quiet
quiet diff "x^2" x=3
quiet diff "x^2" x=3 --json
quiet diff "x^2" x=3 --trace
quiet diff "x^2" x=3 --dot
quiet bench --seconds 0.2 --only "inference 2-" --quiet
quiet train flowers.csv $fast --json --quiet --out piped.safetensors
check "the model was there before its report" cmp -s piped.safetensors m.safetensors
quiet train flowers.csv $fast --quiet --out -
echo old >kept.safetensors
quiet train flowers.csv $fast --quiet --log - --out kept.safetensors
check "a log that nobody reads ends the run; the old model is there" [ "$(cat kept.safetensors)" = old ]

# ---- nobody reads the messages ----
python3 - "$backprop" train flowers.csv $fast --progress plain --out unheard.safetensors <<'PYTHON' >out 2>err
import os, subprocess, sys
read, write = os.pipe()
os.close(read)
sys.exit(subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=write).returncode)
PYTHON
check "a closed pipe for messages does not end training" [ $? -eq 0 ]
check "and the model is the same" cmp -s unheard.safetensors m.safetensors

# ---- descriptors 0, 1 and 2 are closed ----
"$backprop" predict m.safetensors flowers.csv --out expected.csv 2>err
for closed in "<&-" ">&-" "2>&-" "<&- >&-" ">&- 2>&-" "<&- 2>&-" "<&- >&- 2>&-"; do
  rm -f p.csv l.jsonl n.safetensors
  eval '"$backprop" predict m.safetensors flowers.csv --out p.csv' "$closed"
  check "predict --out with $closed" [ $? -eq 0 ]
  check "the predictions are the same with $closed" cmp -s p.csv expected.csv
  eval '"$backprop" train flowers.csv $fast --progress plain --json --log l.jsonl --out n.safetensors' "$closed" >/dev/null
  status=$?
  expected=$([[ $closed = *" >&-"* || $closed = ">&-"* ]] && echo 5 || echo 0)
  check "train with $closed ends with $expected" [ $status -eq "$expected" ]
  check "the log holds lines of JSON only" [ "$(grep -vc '^{.*}$' l.jsonl)" -eq 0 ]
  check "the model is the same with $closed" cmp -s n.safetensors m.safetensors
done
for command in version help "predict m.safetensors flowers.csv" "evaluate m.safetensors flowers.csv" "inspect m.safetensors" \
  "diff x*x x=1" "train flowers.csv $fast --out -"; do
  "$backprop" $command >&- 2>err
  status=$?
  check "$command without standard output ends with 5" [ $status -eq 5 ]
  check "$command says that" holds err "standard output: cannot write: Bad file descriptor"
done
"$backprop" predict m.safetensors - <&- >out 2>err
status=$?
check "predict - without standard input ends with 5" [ $status -eq 5 ]
check "predict - says that" holds err "standard input: cannot read it: Bad file descriptor"
"$backprop" train flowers.csv --config - <&- >out 2>err
status=$?
check "--config - without standard input ends with 5" [ $status -eq 5 ]
check "--config - says that" holds err "Bad file descriptor"

# ---- the true reason ----
if [ -w /dev/full ]; then
  for arguments in "version --json" "evaluate m.safetensors flowers.csv --json" "diff x*x x=1 --json" "diff x*x x=1" \
    "predict m.safetensors long.csv" "train flowers.csv $fast --json --quiet --out x.safetensors" \
    "train flowers.csv $fast --quiet --log - --out x.safetensors" "train flowers.csv $fast --quiet --out -"; do
    "$backprop" $arguments >/dev/full 2>err
    status=$?
    check "$arguments to a full disk ends with 5" [ $status -eq 5 ]
    check "$arguments says why" holds err "standard output: cannot write: No space left on device"
  done
fi
# A limit of the size of files is an error of the write too, and no signal that ends the command.
limited() { # WORDS ARGUMENTS...
  local words=$1
  shift
  check "a limited file of $* begins as one that is not there" [ ! -e limited ]
  (ulimit -f 1 && exec "$backprop" "$@") >out 2>err
  status=$?
  check "$* with files of 1 KiB ends with 5" [ $status -eq 5 ]
  check "$* says why in one line" is_error
  check "$* says '$words'" holds err "$words"
  check "$* leaves nothing" [ ! -e limited ]
}
limited "limited: cannot write: File too large" train flowers.csv $fast --quiet --out limited
limited "limited: cannot write: File too large" predict m.safetensors long.csv --quiet --out limited
limited "standard output: cannot write: File too large" predict m.safetensors long.csv --quiet

# ---- what cannot be written in the end is told before work is lost, or what is left is told ----
# So few descriptors that training could begin, and its model not be written.
made=0
for most in 4 5 6 7 8 9 10 11 12 13; do # a shell that starts the command on another machine needs 12
  (ulimit -n $most && "$backprop" version) >out 2>err || continue # its libraries need some too
  rm -f few few.checkpoint few.jsonl
  (ulimit -n $most && exec "$backprop" train flowers.csv $fast --checkpoint-every 1epochs --progress plain --log few.jsonl --out few) >out 2>err
  status=$?
  if [ $status -eq 0 ]; then
    made=$((made + 1))
    check "with $most descriptors the model is the same" cmp -s few m.safetensors
    check "with $most descriptors there is a checkpoint" [ -s few.checkpoint ]
  else
    check "with $most descriptors it ends with 5" [ $status -eq 5 ]
    check "with $most descriptors it says why" holds_either err "Too many open files" "No file descriptors available"
    check "with $most descriptors nothing was trained" [ "$(grep -c '^epoch' err)" -eq 0 -a ! -e few.jsonl ]
  fi
done
check "a few descriptors are enough" [ $made -ge 2 ]
if [ -w /dev/full ]; then
  mkdir elsewhere
  refuses 5 "/dev/full: cannot write: No space left on device; the new model is lost" train flowers.csv $fast --quiet --out /dev/full --checkpoint k
  run train flowers.csv $fast --quiet --out /dev/full --checkpoint elsewhere/k --checkpoint-every 1epochs
  check "a full disk ends training with 5" [ $status -eq 5 ]
  check "and says how to go on" holds err "go on from the checkpoint: backprop resume elsewhere/k --out /dev/full"
  succeeds resume elsewhere/k --out elsewhere/m --quiet
  check "which gives the same model" cmp -s elsewhere/m m.safetensors
fi
echo precious >old
(ulimit -f 1 && exec "$backprop" train flowers.csv $fast --quiet --out old) >out 2>err
check "a limit of files says what became of the old file" holds err "the new model is lost; the old file is as it was"
check "and it is so" [ "$(cat old)" = precious ]

# ---- two trainings at once to one file: one of them, whole ----
for seed in 1 2; do succeeds train flowers.csv $fast --seed $seed --quiet --out seed$seed; done
for _ in 1 2 3 4 5; do
  rm -f both both.checkpoint
  "$backprop" train flowers.csv $fast --seed 1 --quiet --checkpoint-every 1epochs --out both 2>err &
  "$backprop" train flowers.csv $fast --seed 2 --quiet --checkpoint-every 1epochs --out both 2>out
  check "the second of two ends with 0" [ $? -eq 0 ]
  wait $!
  check "the first of two ends with 0" [ $? -eq 0 ]
  cmp -s both seed1 || cmp -s both seed2
  check "one file, whole" [ $? -eq 0 ]
  succeeds resume both.checkpoint --out resumed --quiet
  check "nothing is left behind" [ -z "$(find . -maxdepth 1 -name '.backprop*')" ]
done
finish
