#!/usr/bin/env bash
# `inspect`: the layer table that everyone understands, columns, training record, and the same as JSON.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
succeeds train flowers.csv --ignore id --hidden 128,128 --activation relu,tanh --epochs 2 --valid 0.2 --seed 9 --out m.safetensors

succeeds inspect m.safetensors
for words in "layers.0" "dense" "relu" "[rows, 128]" "16,512" "softmax" "total" "kind: classification, 3 classes: iris, rose, tulip" \
  "cross_entropy" "length" "(x - " "blue, red" "; missing: " "72 rows, 18 for validation; 2 epochs" "--seed 9" "--hidden 128,128" \
  "backprop 0."; do
  check "it says '$words'" holds out "$words"
done
check "no line is wider than a terminal" fits_terminal out
check "settings that were given" grep -q '^settings  --hidden 128,128 --activation relu,tanh' out
tr -s '\n ' ' ' <out >joined
check "and what training decided" holds joined "decided --preset plain --members 1 --loss cross_entropy --output softmax --lr 0.001 --beta1 0.9 --beta2 0.999 --epsilon 1e-08 --batch-size"
check "nothing that is off" bash -c '! grep -qE -- "--(momentum|rho|memory|dropout|l1|amsgrad|clip-norm|metric|skip) |auto" joined'

succeeds inspect m.safetensors --json
check "what was promised" json '
  j["parameters"] == sum(l["parameters"] for l in j["layers"]) == 6 * 128 + 129 * 128 + 129 * 3
  and [l["name"] for l in j["layers"]] == ["layers.0", "layers.1", "layers.2"]
  and [l["output"] for l in j["layers"]] == [[128], [128], [3]] and all(l["type"] == "dense" for l in j["layers"])
  and [l["activation"] for l in j["layers"]] == ["relu", "tanh", "identity"] and j["output_unit"] == "softmax"'
check "columns" json '
  [c["name"] for c in j["columns"]] == ["length", "width", "colour"] and j["columns"][2]["categories"] == ["blue", "red"]
  and j["target"] == "kind" and j["classes"] == ["iris", "rose", "tulip"] and sum(c["inputs"] for c in j["columns"]) == j["inputs"] == 5'
check "resolved settings" json '
  (lambda r: r["optimizer"] == "adam" and r["lr"] == 0.001 and r["beta2"] == 0.999 and r["batch_size"] > 0 and r["epochs"] == 2
  and r["patience"] == 0 and r["amsgrad"] is False and "rho" not in r and "memory" not in r and "seed" not in r)(j["record"]["resolved"])'
check "the record" json '
  j["record"]["seed"] == 9 and j["record"]["settings"]["hidden"] == "128,128" and j["record"]["rows"] == 72
  and len(j["record"]["history"]["train_loss"]) == 2 and "out" not in j["record"]["settings"] and "threads" not in j["record"]["settings"]'

sed 's/^[0-9]/-&/' plane.csv >below.csv
succeeds train below.csv --hidden none --epochs 2 --out below.safetensors
succeeds inspect below.safetensors
check "a mean below zero is added" holds out "(x + 2.3750) / "

succeeds train plane.csv --hidden none --epochs 2 --optimizer adamw --batch-size full --out line.safetensors
succeeds inspect line.safetensors
check "a linear model" holds out "identity"
check "--hidden none is a setting" holds out "--hidden none"
check "a full batch is as it was given" holds out "--batch-size full"
check "the decay of adamw was decided" bash -c 'sed -n "/^decided/,/^made/p" out | grep -q -- "--weight-decay 0.01"'
succeeds inspect line.safetensors --json
check "one layer" json 'j["parameters"] == 3 and len(j["layers"]) == 1 and j["classes"] == [] and j["task"] == "regression"'

# every kind of layer, in columns as wide as what stands in them
succeeds train flowers.csv --ignore id --hidden 8,8 --activation leaky_relu:0.2,prelu:unit --normalize batch --dropout 0.5 \
  --dropout-input 0.1 --residual --embed colour=2 --init orthogonal:1.4 --bias-init 0.1 --epochs 2 --out layers.safetensors
check "train tells what the hidden layers are" holds out "leaky_relu:0.2,prelu:unit, batch normalisation, dropout 0.5, skip connections"
succeeds inspect layers.safetensors
for words in "embedding  1 table" "dropout    rate 0.1" "batch_norm leaky_relu:0.2" "batch_norm prelu:unit" "skip       from layers.4" \
  "--normalize batch" "--init orthogonal:1.4"; do
  check "it says '$words'" holds out "$words"
done
check "rows of the table are aligned" test "$(grep -oE '^.*\[rows' out | awk '{ print length($0) }' | sort -u | wc -l)" = 1
succeeds inspect layers.safetensors --json
check "layers with their settings" json '
  [l["type"] for l in j["layers"]] == ["embedding", "dropout", "dense", "batch_norm", "dropout", "dense", "batch_norm", "dropout", "skip", "dense"]
  and j["layers"][1]["rate"] == 0.1 and j["layers"][8]["from"] == 4 and j["layers"][2]["bias"] is False and j["layers"][9]["bias"] is True
  and j["layers"][3]["activation"] == "leaky_relu:0.2" and j["layers"][3]["momentum"] == 0.1
  and j["parameters"] == sum(l["parameters"] for l in j["layers"])'
succeeds evaluate layers.safetensors flowers.csv
for threads in 1 2 3; do
  succeeds train flowers.csv --ignore id --hidden 8,8 --activation leaky_relu:0.2,prelu:unit --normalize batch --dropout 0.5 \
    --dropout-input 0.1 --residual --embed colour=2 --init orthogonal:1.4 --bias-init 0.1 --epochs 2 --out "$threads.safetensors" --threads $threads
  check "the same file with $threads threads" cmp layers.safetensors "$threads.safetensors"
done

refuses 4 "plane.csv" inspect plane.csv
refuses 5 "nothing.safetensors" inspect nothing.safetensors
refuses 5 "" inspect .
# ---- gradients of each layer ----
succeeds inspect m.safetensors --gradients flowers.csv
for words in "gradients on 90 rows" "layers.2" "|dR/dz|" "|dR/dW|" "|dR/db|"; do
  check "it says '$words'" holds out "$words"
done
succeeds inspect m.safetensors --gradients flowers.csv --json
check "norms of every layer" json '
  j["gradients"]["rows"] == 90 and [l["name"] for l in j["gradients"]["layers"]] == ["layers.0", "layers.1", "layers.2"]
  and all(l[k] > 0 for l in j["gradients"]["layers"] for k in ["output", "error_signal", "weight", "weight_gradient", "bias_gradient"])
  and j["parameters"] == 6 * 128 + 129 * 128 + 129 * 3'
succeeds evaluate m.safetensors flowers.csv --json
mv out evaluated
succeeds inspect m.safetensors --gradients flowers.csv --json
check "the loss is that of evaluate" python3 -c '
import json; a = json.load(open("evaluated"))["loss"]; b = json.load(open("out"))["gradients"]["loss"]; assert abs(a - b) < 1e-6 * (1 + a)'
refuses 2 "goes with --gradients" inspect m.safetensors --delimiter comma
refuses 5 "nothere.csv" inspect m.safetensors --gradients nothere.csv
cut -d, -f1-4 flowers.csv >few.csv
refuses 3 "few.csv" inspect m.safetensors --gradients few.csv

# ---- gradcheck ----
succeeds gradcheck m.safetensors flowers.csv
check "it says that they agree" holds out "gradients agree"
check "a line for each parameter" [ "$(grep -c '^layers\..*agrees$' out)" -eq 6 ]
check "no line is wider than 100 columns" [ "$(awk 'length > 100' out | wc -l)" -eq 0 ]
succeeds gradcheck m.safetensors flowers.csv --rows 7 --elements 5 --json
check "the same for programs" json '
  j["agrees"] and j["rows"] == 7 and j["error"] <= 1 and len(j["parameters"]) == 6 and j["checked"] == 5 * 5 + 3
  and j["parameters"][0]["shape"] == [5, 128] and all(p["agrees"] and p["checked"] <= 5 for p in j["parameters"])'
run gradcheck m.safetensors flowers.csv --relative 1e-15
check "what cannot be met ends with 1" [ "$status" -eq 1 ]
check "and one line that names the worst" holds err "by the rules"
check "the table is there all the same" holds out "GRADIENTS DIFFER"
refuses 3 "few.csv" gradcheck m.safetensors few.csv
refuses 2 "DATA" gradcheck m.safetensors

finish
