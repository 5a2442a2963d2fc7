#!/usr/bin/env bash
# The model file in other hands: read by Python's safetensors, applied by NumPy from its own metadata, the predictions are the same.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
python=${BACKPROP_PYTHON:-$source_root/build/python/bin/python3} # scripts/install-deps --optional makes it
command -v "$python" >/dev/null || python=python3
"$python" -c 'import numpy, safetensors' 2>/dev/null || skip "$python has no numpy or no safetensors (scripts/install-deps --optional, or set BACKPROP_PYTHON to one that has)"
flowers >flowers.csv
plane >plane.csv

cat >forward.py <<'PYTHON'
"""A forward pass from the file alone: tensors as in a PyTorch state_dict, everything else from __metadata__."""
import csv, json, sys
import numpy as np
from safetensors import safe_open

model_file, data_file, expected_file = sys.argv[1:]
with safe_open(model_file, framework="np") as file:
    meta = file.metadata()
    tensors = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}
assert meta["format"] == "backprop"
model, encoding = json.loads(meta["backprop.model"]), json.loads(meta["backprop.encoding"])

def inputs(row):
    for f in encoding["features"]:
        text, missing = row[f["name"]], row[f["name"]] == ""
        if f["type"] == "number":
            yield ((f["fill"] if missing else float(text)) - f["mean"]) / f["scale"]
        else:
            yield from (float((f["fill"] if missing else text) == c) for c in f["categories"])
        if f["indicator"]:
            yield float(missing)

with open(data_file, newline="") as file:
    z = np.array([list(inputs(row)) for row in csv.DictReader(file)])
assert z.shape[1] == model["inputs"]
units = {"identity": lambda a: a, "tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a)), "relu": lambda a: np.maximum(a, 0)}
for i, layer in enumerate(model["layers"]):
    weight, bias = tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]
    assert weight.shape == (layer["units"], z.shape[1])
    z = units[layer["activation"]](z @ weight.T + bias)
if model["loss"] == "cross_entropy":
    z = np.exp(z - z.max(axis=1, keepdims=True))
    z /= z.sum(axis=1, keepdims=True)
elif model["loss"] == "binary_cross_entropy":
    z = 1 / (1 + np.exp(-z))
    z = np.hstack([1 - z, z])
else:
    z = z * encoding["target"]["scale"] + encoding["target"]["mean"]
expected = np.loadtxt(expected_file, delimiter=",", skiprows=1, ndmin=2)
error = np.abs(z - expected).max() / np.abs(expected).max()
limit = 1e-5 if model["dtype"] == "float32" else 1e-12
print(model_file, "differs by", error)
sys.exit(not error < limit)
PYTHON

compare() { "$python" forward.py "$1" "$2" out >report 2>err || { cat report; false; }; }
succeeds train flowers.csv --ignore id --epochs 5 --hidden 16,9 --activation tanh,relu --out a.safetensors
succeeds predict a.safetensors flowers.csv --proba
check "softmax, float32" compare a.safetensors flowers.csv
succeeds train flowers.csv --ignore id --epochs 5 --hidden 7 --activation sigmoid --dtype f64 --out b.safetensors
succeeds predict b.safetensors flowers.csv --proba
check "softmax, float64" compare b.safetensors flowers.csv
grep -v tulip flowers.csv >two.csv
succeeds train two.csv --ignore id --epochs 5 --hidden 7 --loss binary_cross_entropy --dtype f64 --out c.safetensors
succeeds predict c.safetensors two.csv --proba
check "sigmoid" compare c.safetensors two.csv
succeeds train plane.csv --epochs 5 --hidden 7 --dtype f64 --out d.safetensors
succeeds predict d.safetensors plane.csv
check "values" compare d.safetensors plane.csv
finish
