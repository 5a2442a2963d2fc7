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

succeeds inspect m.safetensors --json
check "what was promised" json '
  j["parameters"] == sum(l["parameters"] for l in j["layers"]) == 6 * 128 + 129 * 128 + 129 * 3
  and [l["name"] for l in j["layers"]] == ["layers.0", "layers.1", "layers.2"]
  and [l["output"] for l in j["layers"]] == [[128], [128], [3]] and all(l["type"] == "dense" for l in j["layers"])
  and [l["activation"] for l in j["layers"]] == ["relu", "tanh", "identity"] and j["output_unit"] == "softmax"'
check "columns" json '
  [c["name"] for c in j["columns"]] == ["length", "width", "colour"] and j["columns"][2]["categories"] == ["blue", "red"]
  and j["target"] == "kind" and j["classes"] == ["iris", "rose", "tulip"] and sum(c["inputs"] for c in j["columns"]) == j["inputs"] == 5'
check "the record" json '
  j["record"]["seed"] == 9 and j["record"]["settings"]["hidden"] == "128,128" and j["record"]["rows"] == 72
  and len(j["record"]["history"]["train_loss"]) == 2 and "out" not in j["record"]["settings"] and "threads" not in j["record"]["settings"]'

succeeds train plane.csv --hidden none --epochs 2 --out line.safetensors
succeeds inspect line.safetensors
check "a linear model" holds out "identity"
succeeds inspect line.safetensors --json
check "one layer" json 'j["parameters"] == 3 and len(j["layers"]) == 1 and j["classes"] == [] and j["task"] == "regression"'

# every kind of layer, in columns as wide as what stands in them
succeeds train flowers.csv --ignore id --hidden 8,8 --activation leaky_relu:0.2,prelu:unit --normalize batch --dropout 0.5 \
  --dropout-input 0.1 --skip --embed colour=2 --init orthogonal:1.4 --bias-init 0.1 --epochs 2 --out layers.safetensors
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
    --dropout-input 0.1 --skip --embed colour=2 --init orthogonal:1.4 --bias-init 0.1 --epochs 2 --out "$threads.safetensors" --threads $threads
  check "the same file with $threads threads" cmp layers.safetensors "$threads.safetensors"
done

refuses 4 "plane.csv" inspect plane.csv
refuses 5 "nothing.safetensors" inspect nothing.safetensors
refuses 5 "" inspect .
finish
