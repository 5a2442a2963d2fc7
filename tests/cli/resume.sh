#!/usr/bin/env bash
# Stopped at any step, by a signal or by death, and resumed: the same file, byte for byte. And what `resume` refuses.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
how="--target kind --task classification --ignore id --hidden 8 --batch-size 8 --epochs 40 --valid 0.2 --patience 35 --seed 4"
succeeds train flowers.csv $how --threads 1 --out whole.safetensors --log whole.jsonl

# ---- signals and death ----
: >out
: >err
random=12345
signals=(INT KILL TERM KILL)
for threads in 1 2; do
  for ((i = 0; i < ${BT_STOPS:-4}; i++)); do # BT_STOPS=20 stops more often
    signal=${signals[i % 4]}
    random=$(((random * 1103515245 + 12345) % 2147483648))
    step=$((random / 65536 % 300))
    check "stopped by $signal at step $step, $threads threads" python3 "$source_root/tests/cli/stop_and_resume.py" "$backprop" $signal $step $threads flowers.csv $how
  done
done

# ---- what is told, and where it is kept ----
python3 - "$backprop" <<'PYTHON' >out 2>err
import signal, subprocess, sys
run = subprocess.Popen([sys.argv[1], "train", "flowers.csv", "--ignore", "id", "--hidden", "8", "--epochs", "900000", "--out", "long.safetensors",
                        "--progress", "plain"], stderr=subprocess.PIPE, text=True)
for line in run.stderr:
    if line.startswith("epoch 1/"):
        run.send_signal(signal.SIGTERM)
        break
sys.stderr.write(run.stderr.read().splitlines()[-1] + "\n")
sys.exit(run.wait())
PYTHON
status=$?
check "SIGTERM ends with 143" [ "$status" -eq 143 ]
check "it says how to go on" holds err "to go on: backprop resume long.safetensors.checkpoint"
check "the checkpoint is there" [ -s long.safetensors.checkpoint ]
check "no model is" [ ! -e long.safetensors ]

# ---- SIGUSR1, the log, --json ----
cat >usr1.py <<'PYTHON'
import os, signal, subprocess, sys, time
run = subprocess.Popen([sys.argv[1], "train", "flowers.csv", "--ignore", "id", "--hidden", "8", "--epochs", "900000", "--out", "u.safetensors",
                        "--progress", "plain"], stderr=subprocess.PIPE, text=True)
for line in run.stderr:
    if line.startswith("epoch 1/"):
        break
run.send_signal(signal.SIGUSR1)
for i in range(5000):
    if os.path.exists("u.safetensors.checkpoint"):
        break
    time.sleep(0.001)
there, alive = os.path.exists("u.safetensors.checkpoint"), run.poll() is None
run.kill()
run.wait()
sys.exit(0 if there and alive else f"checkpoint {there}, still running {alive}")
PYTHON
check "SIGUSR1 writes a checkpoint and goes on" python3 usr1.py "$backprop"

"$backprop" train flowers.csv $how --threads 1 --out logged.safetensors --log logged.jsonl --checkpoint l.ckpt --checkpoint-every 15epochs --quiet
rm -f logged.safetensors
succeeds resume l.ckpt --json
check "it goes on in the middle" json 'j["epochs"] > 15 and j["model"] == "logged.safetensors" and j["stopped_by"] in ("epochs", "patience")'
check "the same model" cmp logged.safetensors whole.safetensors
strip() { sed 's/"seconds": [^,]*, //' "$1"; }
check "the log has the epochs before it too" cmp <(strip whole.jsonl) <(strip logged.jsonl)
cp flowers.csv moved.csv
succeeds resume l.ckpt moved.csv --out elsewhere.safetensors --quiet
check "the data may be named anew, and the model too" cmp elsewhere.safetensors whole.safetensors

# ---- each optimiser goes on from what it remembers; the plateau too ----
for optimizer in "sgd --momentum 0.9 --schedule plateau:1:0.5" "adam --amsgrad --schedule cosine --warmup 3" nadam adagrad \
  "rmsprop --momentum 0.5" adadelta rprop "lbfgs --memory 3" "lm --loss mse"; do
  succeeds train flowers.csv --target kind --ignore id --hidden 8 --epochs 10 --seed 4 --optimizer $optimizer --out o.safetensors \
    --checkpoint o.ckpt --checkpoint-every 4epochs --quiet
  mv o.safetensors o.whole
  succeeds resume o.ckpt --threads 2 --quiet
  check "$optimizer goes on to the same model" cmp o.safetensors o.whole
done

# ---- refusals: nothing is written ----
awk -F, -v OFS=, 'NR == 30 { $2 += 0.25 } { print }' flowers.csv >other.csv
check "the other data differ" bash -c '! cmp -s flowers.csv other.csv'
head -60 flowers.csv >fewer.csv
refuses 3 "the data are not those of the checkpoint" resume l.ckpt other.csv --out no.safetensors
refuses 3 "the data are not those of the checkpoint" resume l.ckpt fewer.csv --out no.safetensors
refuses 2 "--lr is an option of train, not of resume" resume l.ckpt --lr 0.5
refuses 2 "--valid 0.3: expected the name of a file" resume l.ckpt --valid 0.3
refuses 2 "--valid-labels needs --valid FILE" resume l.ckpt --valid-labels nosuch
refuses 2 "--log-norms is for the log" resume o.ckpt --log-norms
refuses 4 "it is a trained model, not a checkpoint" resume whole.safetensors
refuses 4 "it is the checkpoint of a training run, not a model" predict l.ckpt flowers.csv
refuses 5 "no.ckpt" resume no.ckpt
refuses 4 "" resume flowers.csv
head -c 3000 l.ckpt >cut.ckpt
refuses 4 "cut.ckpt" resume cut.ckpt
refuses 2 "checkpoint-every" train flowers.csv --checkpoint-every 5minutes
refuses 2 "expected the name of a file" train flowers.csv --checkpoint -
refuses 2 "would overwrite" train flowers.csv --checkpoint flowers.csv
refuses 2 "would overwrite" train flowers.csv --out m --checkpoint ./m
refuses 5 "cannot write there" train flowers.csv --checkpoint nowhere/c
refuses 2 "--time-limit 5x: expected a time such as 30s" train flowers.csv --time-limit 5x
refuses 2 "resume needs CHECKPOINT" resume

# ---- other ends ----
succeeds train flowers.csv --ignore id --hidden 8 --epochs 900000 --time-limit 0.2s --json --out t.safetensors
check "the time limit ends it" json 'j["stopped_by"] == "time" and 0.15 < j["seconds"] < 5 and j["epochs"] > 0'
# the limit of a run counts anew when it is resumed, or is the one that resume is given
succeeds train flowers.csv --ignore id --hidden 8 --epochs 900000 --time-limit 0.3s --json --out t.safetensors
first=$(python3 -c 'import json; print(json.load(open("out"))["epochs"])')
succeeds resume t.safetensors.checkpoint --json
check "it goes on for as long again" json "j['stopped_by'] == 'time' and j['epochs'] > $first and 0.5 < j['seconds'] < 5"
succeeds resume t.safetensors.checkpoint --time-limit 0.01s --json
check "or for another time" json 'j["stopped_by"] == "time" and 0.5 < j["seconds"] < 5'
succeeds train flowers.csv --ignore id --hidden 8 --epochs 2000 --time-limit 0.01s --json --out t.safetensors
check "it was stopped" json 'j["stopped_by"] == "time"'
succeeds resume t.safetensors.checkpoint --time-limit none --json
check "or without a limit to the end" json 'j["stopped_by"] == "epochs" and j["epochs"] == 2000'
succeeds train flowers.csv --ignore id --hidden 8 --epochs 5000 --tolerance 0.02 --json --out t.safetensors
check "the tolerance ends it" json 'j["stopped_by"] == "tolerance" and 5 < j["epochs"] < 5000'
succeeds train flowers.csv --ignore id --hidden 8 --epochs 900000 --time-limit 0.2s
check "the summary says why it ended" holds out "by --time-limit after"
succeeds train flowers.csv --ignore id --hidden 8 --epochs 5000 --tolerance 0.02
check "and of the tolerance" holds out "the loss changed by less than 0.02 of itself"
finish
