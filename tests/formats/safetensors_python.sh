#!/usr/bin/env bash
# safetensors_python.sh - a model file, read and written again by the format's own implementation in Python.
# labels: cli
set -eu
python=${BACKPROP_PYTHON:-$TEST_SOURCE/build/python/bin/python3} # scripts/install-deps --optional makes it
command -v "$python" >/dev/null || python=python3
"$python" -c 'import safetensors.numpy' 2>/dev/null || { echo "skipped: $python has no module safetensors (scripts/install-deps --optional, or set BACKPROP_PYTHON to one that has)"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$BACKPROP" train "$TEST_SOURCE/data/digits.csv.gz" --hidden 8 --epochs 1 --out "$folder/model.safetensors" >/dev/null 2>&1
"$BACKPROP" predict "$folder/model.safetensors" "$TEST_SOURCE/data/digits.csv.gz" >"$folder/before.csv"

# Ours is read; theirs, with its own order of keys and tensors, is read back by us and predicts the same.
"$python" - "$folder" <<'PYTHON'
import json
import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

folder = sys.argv[1]
with safe_open(f"{folder}/model.safetensors", framework="numpy") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    metadata = file.metadata()
shapes = {name: tensor.shape for name, tensor in tensors.items()}
assert shapes["layers.0.weight"][0] == 8 and shapes["layers.1.weight"] == (10, 8), shapes
assert all(tensor.dtype == numpy.float32 for tensor in tensors.values())
for value in metadata.values():
    if value.startswith("{"):
        json.loads(value)
save_file(tensors, f"{folder}/again.safetensors", metadata=metadata)
PYTHON

"$BACKPROP" predict "$folder/again.safetensors" "$TEST_SOURCE/data/digits.csv.gz" >"$folder/after.csv"
cmp "$folder/before.csv" "$folder/after.csv"
