#!/usr/bin/env bash
# What `resume` writes is named by the command line or lies beside the checkpoint, whatever the checkpoint says; what it reads is an
# ordinary file.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
mkdir runs models runs/deep outside
how="--target kind --ignore id --hidden 4 --epochs 6 --seed 3 --quiet"
train() { "$backprop" train flowers.csv $how --checkpoint-every 2epochs "$@" >out 2>err || echo "training failed: $(cat err)"; }

forge() { python3 "$source_root/tests/cli/forge_checkpoint.py" "$@"; }

# ---- ordinary use ----
train --out whole --checkpoint whole.ckpt --log whole.jsonl
train --out runs/m --log runs/m.jsonl
mv runs/m m.first && rm runs/m.jsonl
succeeds resume runs/m.checkpoint --quiet
check "the default checkpoint lies beside the model" cmp runs/m whole
check "the log goes where it was" [ -s runs/m.jsonl ]
rm runs/m
(cd outside && "$backprop" resume ../runs/m.checkpoint ../flowers.csv --quiet) >out 2>err
status=$?
check "from another folder, with DATA" [ "$status" -eq 0 ]
check "the model is beside the checkpoint" cmp runs/m whole
train --out models/m --checkpoint runs/a.ckpt
mv models/m models/first
refuses 2 "its run had the --out 'models/m', which is not in the checkpoint's folder; a file does not decide what is written: give --out FILE" \
  resume runs/a.ckpt --quiet
succeeds resume runs/a.ckpt --out models/m --quiet
check "the model is where it was told" cmp models/m whole
train --out ./models/../models/m --checkpoint ./models/m.ckpt
succeeds resume models/m.ckpt --quiet
train --out "$PWD/models/absolute" --checkpoint models/m.ckpt
rm models/absolute
succeeds resume "models/m.ckpt" --quiet
check "an absolute path into the folder" cmp models/absolute whole
train --out runs/deep/m --checkpoint runs/a.ckpt
rm runs/deep/m
(cd outside && "$backprop" resume "$OLDPWD/runs/a.ckpt" ../flowers.csv --quiet) >out 2>err
status=$?
check "a folder below the checkpoint's" cmp runs/deep/m whole
ln -s runs latest
train --out runs/m --checkpoint latest/a.ckpt
succeeds resume latest/a.ckpt --quiet
python3 - "$backprop" <<'PYTHON' >out 2>err
import signal, subprocess, sys
run = subprocess.Popen([sys.argv[1], "train", "flowers.csv", "--ignore", "id", "--hidden", "8", "--epochs", "900000", "--out", "models/long",
                        "--checkpoint", "runs/l.ckpt", "--progress", "plain"], stderr=subprocess.PIPE, text=True)
for line in run.stderr:
    if line.startswith("epoch 1/"):
        run.send_signal(signal.SIGTERM)
        break
sys.stderr.write(run.stderr.read().splitlines()[-1] + "\n")
PYTHON
check "a run that was stopped says the whole command" holds err "to go on: backprop resume runs/l.ckpt --out models/long"

# ---- hostile notes: nothing is written, nothing is waited for ----
train --out runs/m --log runs/m.jsonl --checkpoint runs/a.ckpt
echo "precious" >precious
cp precious runs/precious
cp precious runs/.hidden
ln -s ../precious runs/link
ln -s ../outside runs/away
ln precious runs/hard
mkfifo runs/fifo
touch outside/victim
before=$(find . -type f -newer flowers.csv ! -path './out' ! -path './err' -exec cksum {} + | sort -k3)
attack() { # CODE: the note is changed so, and must be refused before anything is written
  forge runs/a.ckpt runs/evil.ckpt "$1"
  timeout $((20 * TEST_TIME)) "$backprop" resume runs/evil.ckpt --quiet >out 2>err </dev/null
  status=$?
  check "refused: $1" [ "$status" -ge 2 -a "$status" -le 5 ]
  check "in one line: $1" is_error
  rm runs/evil.ckpt
}
for option in out log; do
  # shellcheck disable=SC2088 # a name, not a folder of somebody's
  for name in precious .hidden link away/victim hard fifo ../precious ./m deep/../../precious "$PWD/precious" /dev/null /dev/stdout - "" . .. deep deep/ \
    a.ckpt//x nowhere/m ../runs/m "deep/.ssh" "~/x/.."; do
    attack "n['files']['$option'] = '$name'"
  done
  attack "n['files']['$option'] = 7; n['options']['$option'] = '../precious'"
  attack "del n['files']; n['options']['$option'] = 'precious'"
  attack "n['files'] = ['precious']; n['options']['$option'] = '$PWD/precious'"
done
for name in '\x1b[2Jm' 'm\nz' 'm\u202ez'; do attack "n['files']['out'] = '$name'"; done
attack "n['options']['config'] = 'precious'"
# However long a name is, the message goes on to what can be done.
attack "n['files']['out'] = 'x' * 9000"
check "a long name of an output: what to do" holds err "give --out FILE"
attack "n['data'] = 'x' * 9000"
check "a long name of data: what to do" holds err "give DATA behind it"
for data in runs/fifo /dev/zero /dev/stdin - runs nowhere.csv ""; do
  attack "n['data'] = '$data'"
  attack "n['options']['valid'] = '$data'; n['options']['labels'] = '$data'"
done
attack "n['options']['labels'] = '/dev/zero'"
for change in "epochs'] = '1000000000000000000'" "threads'] = '1000000000'" "lr'] = 'nan'" "lr'] = '-1'" "hidden'] = '99999999999'" "batch-size'] = '0'" \
  "checkpoint-every'] = '0'" "time-limit'] = '1e999'" "seed'] = '-1'" "%s%n'] = 'x'" "out'] = 7" "momentum'] = 'inf'" "hidden'] = 5"; do
  attack "n['options']['$change"
done
attack "n['options'] = 3"
attack "n = [n]"
attack "n['options']['hidden'] = '16777216,16777216,16777216'"
after=$(find . -type f -newer flowers.csv ! -path './out' ! -path './err' -exec cksum {} + | sort -k3)
check "no file was changed or made" [ "$before" = "$after" ]
forge runs/a.ckpt runs/evil.ckpt "n['options']['checkpoint'] = '../precious'"
succeeds resume runs/evil.ckpt --quiet
check "a checkpoint is written where it was read" holds precious precious
finish
