#!/usr/bin/env bash
# `train`: the summary, JSON, log, configuration, what it refuses to overwrite, and the same file from the same seed.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
fast="--hidden 8 --epochs 4 --ignore id --threads 1"

# ---- a summary ----
succeeds train flowers.csv --ignore id --hidden 8,6 --epochs 4 --seed 1
check "the model is where the default says" [ -s model.safetensors ]
for words in "flowers.csv: 90 rows, 5 columns" "kind: classification, 3 classes" "8-6-3" "tanh" "parameters" \
  "adam on cross_entropy" "4 epochs" "model.safetensors (" "add --valid 0.2 --patience 10" "accuracy"; do
  check "the summary has '$words'" holds out "$words"
done
check "nothing was replaced" bash -c '! grep -q replaces out'
check "results go to standard output, epochs do not" bash -c '! grep -qE "^ *(epoch|[0-9]+/[0-9]+) " out'
check "plain lines for a log" holds err "epoch 4/4 loss "
check "no escape codes in a log" bash -c '! grep -q $'"'\\033'"' err'
check "the target that was chosen is told" holds err "kind"
TZ=UTC touch -d "2024-02-29 12:00" model.safetensors
TZ=UTC succeeds train flowers.csv $fast
check "an old model of another year is told" holds out " bytes; replaces the file of 29 Feb 2024)"
TZ=UTC succeeds train flowers.csv $fast
check "a new one with its time" grep -qE "replaces the file of [0-9]+ [A-Z][a-z]+ [0-9:]{5}\)" out
succeeds train flowers.csv $fast --quiet --out quiet.safetensors
check "--quiet prints nothing" [ ! -s out ]
check "--quiet says nothing" [ ! -s err ]
succeeds train plane.csv --hidden 8 --epochs 4 --threads 1 --out plane.safetensors
check "a number is a regression" holds out "y: regression"
check "its loss is mse" holds out "adam on mse"

# ---- JSON ----
succeeds train flowers.csv $fast --valid 0.2 --json --out j.safetensors
check "one line" one_line out
check "nothing was replaced, for programs" json 'j["replaced"] is None'
succeeds train flowers.csv $fast --valid 0.2 --json --out j.safetensors
check "now something was" json 'abs(j["replaced"] - __import__("time").time()) < 1000'
check "what was promised" json 'j["model"] == "j.safetensors" and j["epochs"] == 4 and j["steps"] > 0 and j["parameters"] == (5 + 1) * 8 + 9 * 3
  and j["seconds"] >= 0 and j["seconds_reading"] >= 0 and j["stopped_by"] == "epochs"
  and 0 <= j["train"]["accuracy"] <= 1 and j["valid"]["loss"] > 0 and 0 <= j["valid"]["accuracy"] <= 1
  and j["rows"] == 72 and j["valid_rows"] == 18'
succeeds train flowers.csv $fast --json
check "no validation rows" json 'j["valid"] is None'
succeeds train plane.csv --hidden 8 --epochs 4 --valid plane.csv --json
check "a regression has no accuracy" json '"accuracy" not in j["train"] and j["valid_rows"] == 80'

# ---- log ----
succeeds train flowers.csv $fast --valid 0.2 --log log.jsonl --out l.safetensors
check "a line for each epoch" [ "$(wc -l <log.jsonl)" -eq 4 ]
tail -1 log.jsonl >out
check "each is an object" json 'j["epoch"] == 4 and j["train"]["loss"] > 0 and j["valid"]["accuracy"] >= 0'
succeeds train flowers.csv $fast --log log.jsonl --log-norms --out n.safetensors
check "with norms of each layer" bash -c '[ "$(grep -c "\"norms\"" log.jsonl)" -eq 4 ]'
tail -1 log.jsonl >out
check "of weights, gradient and update" json 'len(j["norms"]) == 2 and j["norms"][1]["layer"] == "layers.1" and all(n[k] > 0 for n in j["norms"] for k in ("weights", "gradient", "update"))'
succeeds train flowers.csv $fast --out m.safetensors
check "which change nothing" cmp n.safetensors m.safetensors
refuses 2 "--log-norms is for the log" train flowers.csv $fast --log-norms
succeeds train flowers.csv $fast --log - --json
check "the log can go to standard output" [ "$(wc -l <out)" -eq 5 ]

# ---- early stopping ----
awk -F, -v OFS=, 'NR % 3 == 0 { $5 = NR % 2 ? "iris" : "rose" } { print }' flowers.csv >noisy.csv # what it learns by heart fails
succeeds train noisy.csv --ignore id --hidden 32 --valid 0.3 --patience 2 --epochs 500 --lr 0.05 --json --threads 1
check "patience stops" json 'j["stopped_by"] == "patience" and j["epochs"] < 500 and j["best_epoch"] == j["epochs"] - 2'

# ---- the same seed, the same file ----
succeeds train flowers.csv --ignore id --valid 0.2 --epochs 3 --seed 5 --threads 1 --out one.safetensors
succeeds train flowers.csv --ignore id --valid 0.2 --epochs 3 --seed 5 --threads 2 --out two.safetensors
succeeds train flowers.csv --ignore id --valid 0.2 --epochs 3 --seed 5 --out "cores.safetensors"
succeeds train flowers.csv --ignore id --valid 0.2 --epochs 3 --seed 6 --threads 1 --out other.safetensors
check "1 and 2 threads give the same bytes" cmp one.safetensors two.safetensors
check "so do all cores" cmp one.safetensors cores.safetensors
check "another seed gives others" bash -c '! cmp -s one.safetensors other.safetensors'
cp flowers.csv renamed.csv
succeeds train renamed.csv --ignore id --valid 0.2 --epochs 3 --seed 5 --out renamed.safetensors
check "nor does the name of the data matter" cmp one.safetensors renamed.safetensors

# ---- configuration ----
printf '# settings\nhidden = 8\nepochs=9\n ignore =  id \nthreads = 1\nquiet = no\n' >train.conf
succeeds train flowers.csv --config train.conf --epochs 4 --out conf.safetensors
succeeds train flowers.csv $fast --out args.safetensors
check "a file and the command line come to the same, the command line going first" cmp conf.safetensors args.safetensors
printf '\357\273\277hidden = 8\r\nepochs = 4\r\nignore = id\r\n' >dos.conf
succeeds train flowers.csv -c dos.conf -o dos.safetensors
check "carriage returns and a byte order mark are nothing" cmp dos.safetensors args.safetensors

# ---- options in other words ----
succeeds train flowers.csv -e4 --hidden=8 --ignore=id -j 1 -o=x.safetensors
check "-oFILE takes what follows" [ -s "=x.safetensors" ]
succeeds train --epochs 4 --hidden 8 --ignore id -o dash.safetensors -- flowers.csv
check "-- ends the options" cmp dash.safetensors args.safetensors
"$backprop" train - $fast --out stdin.safetensors <flowers.csv >out 2>err
status=$?
check "- is standard input" cmp stdin.safetensors args.safetensors
"$backprop" train flowers.csv $fast --out - >piped.safetensors 2>err
status=$?
check "--out - is standard output" cmp piped.safetensors args.safetensors
check "the summary then goes to standard error" holds err "90 rows"
for how in "--hidden 8 --activation relu" "--optimizer sgd --momentum 0.9 --nesterov" "--loss mse" "--loss binary_cross_entropy" "--dtype f64" \
  "--optimizer adamw --schedule cosine --warmup 5steps" "--optimizer nadam --schedule one_cycle:0.2 --beta2 0.99" \
  "--optimizer adagrad --schedule linear:0.1 --warmup 1" "--optimizer rmsprop --momentum 0.5 --rho 0.95 --schedule step:1:0.5" \
  "--optimizer adadelta --schedule exponential" "--optimizer rprop" "--optimizer lbfgs --memory 5" "--optimizer lm --loss mse" "--amsgrad --schedule plateau:1 --valid 0.2" \
  "--l1 0.001 --l2 0,0.01,0.02 --hidden 8,8" "--clip-norm 1 --clip-value 0.1 --max-norm 2 --weight-decay 0.1" \
  "--hidden none" "--batch-size full" "--batch-size 1" "--l2 0.01" "--init he_normal" "--features length,colour --target kind" \
  "--target 4" "--text length" "--missing 0.1,0.2" "--delimiter , --header yes"; do
  succeeds train flowers.csv --epochs 2 --ignore id $how --out how.safetensors
done

succeeds train flowers.csv --epochs 2 --ignore id --schedule cosine:0.1 --warmup 5steps --l2 0,0.01,0.02 --out how.safetensors
succeeds inspect how.safetensors --json
for setting in '"schedule": *"cosine:0.1"' '"warmup": *"5steps"' '"l2": *"0,0.01,0.02"' '"clip-norm": *"\?0'; do
  check "the record has $setting" grep -q -- "$setting" out
done

succeeds train flowers.csv --ignore id --hidden 8 --optimizer lbfgs --l2 0.01 --out how.safetensors
check "the summary says why a method ended" holds out ": no step makes the loss smaller"

succeeds train plane.csv --hidden 8 --loss 'p - y' --optimizer lbfgs --out how.safetensors
check "a loss without a minimum is told" holds out "the loss falls without end, it has no least value"
for loss in '(y-p)^2' '(y-p)^2 + 1e9'; do
  succeeds train plane.csv --hidden 8 --loss "$loss" --optimizer lbfgs --epochs 60 --out tower.safetensors
  succeeds evaluate tower.safetensors plane.csv --json
  cp out "$(printf %s "$loss" | wc -c).json"
done
check "a constant in the loss does not stop it at once" python3 - 7.json 13.json <<'PYTHON'
import json, sys
plain, tower = (json.load(open(name)) for name in sys.argv[1:])
sys.exit(tower["rmse"] > 1.2 * plain["rmse"])
PYTHON

# ---- outputs are looked at before training ----
cp flowers.csv safe.csv
refuses 2 "would overwrite flowers.csv, which" train flowers.csv $fast --out flowers.csv
refuses 2 "would overwrite flowers.csv, which" train flowers.csv $fast --out ./flowers.csv
ln -s flowers.csv link.csv
refuses 2 "would overwrite flowers.csv, which" train flowers.csv $fast --out link.csv
refuses 2 "would overwrite safe.csv, which" train flowers.csv $fast --valid safe.csv --log safe.csv
refuses 2 "--log ./m would overwrite m, which" train flowers.csv $fast --out m --log ./m
check "the data are as they were" cmp flowers.csv safe.csv
refuses 5 "--out nowhere/m.safetensors: cannot write there" train flowers.csv $fast --out nowhere/m.safetensors
refuses 5 "is a folder" train flowers.csv $fast --out .
refuses 5 "--log nowhere/log: cannot write there" train flowers.csv $fast --log nowhere/log
refuses 2 "both want standard output" train flowers.csv $fast --out - --json
finish
