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

refuses 4 "plane.csv" inspect plane.csv
refuses 5 "nothing.safetensors" inspect nothing.safetensors
refuses 5 "" inspect .
finish
