#!/usr/bin/env bash
# labels: cli long
# The presets: what is trained by default, the options about it, what is refused, and that a strong run can be resumed.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
how="flowers.csv --target kind --task classification --ignore id --seed 4"

# description MODEL WHAT, from its file: layers in a line, members, format, pieces of the column that has most.
description() {
  python3 - "$1" "$2" <<'PYTHON'
import json, struct, sys
with open(sys.argv[1], "rb") as file:
    size, = struct.unpack("<Q", file.read(8))
    model = json.loads(json.loads(file.read(size))["__metadata__"]["backprop.model"])
layers = [f"{layer['type']}{layer.get('units', '')}" for layer in model["layers"]]
print({"layers": " ".join(layers), "members": model.get("members", 1), "format": model["format"],
       "pieces": max([0] + [len(c["edges"]) - 1 for layer in model["layers"] for c in layer.get("columns", [])])}[sys.argv[2]])
PYTHON
}
has() { check "$1 has $2 $3, not $(description "$1" "$2")" [ "$(description "$1" "$2")" = "$3" ]; }

# ---- by default ----
succeeds train $how --epochs 3 --out strong.safetensors
has strong.safetensors members 8
has strong.safetensors format 2
has strong.safetensors layers "piecewise dense64 dense64 dense3"
check "it says that members judge it" holds_either out "left out" "leave out"
succeeds train $how --epochs 3 --preset strong --out same.safetensors --quiet
has same.safetensors layers "piecewise dense64 dense64 dense3"
succeeds train $how --epochs 3 --out again.safetensors --threads 2 --quiet
check "the same file with 2 threads" cmp strong.safetensors again.safetensors
succeeds train plane.csv --target y --epochs 2 --out plane.safetensors --quiet
has plane.safetensors members 8

# ---- options ----
# layers_are LAYERS MEMBERS LEAST MOST FORMAT OPTIONS...: pieces of a column are between LEAST and MOST.
pieces() { [ "$(description m.safetensors pieces)" -ge "$1" ] && [ "$(description m.safetensors pieces)" -le "$2" ]; }
layers_are() {
  local layers=$1 members=$2 least=$3 most=$4 format=$5
  shift 5
  succeeds train $how --epochs 1 --out m.safetensors --quiet "$@"
  has m.safetensors layers "$layers"
  has m.safetensors members "$members"
  has m.safetensors format "$format"
  check "train $* cuts columns in $least to $most pieces" pieces "$least" "$most"
}
layers_are "dense128 dense128 dense3" 1 0 0 1 --preset plain
layers_are "dense8 dense3" 1 0 0 1 --hidden 8
layers_are "dense3" 1 0 0 1 --hidden none
layers_are "dense128 dense128 dense3" 1 0 0 1 --activation relu
layers_are "dense8 dense3" 3 0 0 2 --hidden 8 --members 3
layers_are "piecewise dense8 dense3" 1 2 4 2 --hidden 8 --pieces 4
layers_are "piecewise dense64 dense64 dense3" 2 2 16 2 --members 2
layers_are "piecewise dense64 dense64 dense3" 8 2 3 2 --pieces 3
layers_are "dense64 dense64 dense3" 8 0 0 2 --pieces 0
layers_are "piecewise dense64 dense64 dense3" 8 2 16 2 --pieces auto --members auto --effort auto --hidden auto --activation auto
layers_are "piecewise dense32 dense32 dense3" 4 2 16 2 --effort 1
layers_are "piecewise dense96 dense96 dense3" 32 2 16 2 --effort 5
layers_are "piecewise dense8 dense3" 8 2 16 2 --hidden 8 --preset strong
layers_are "piecewise dense64 dense64 dense3" 1 2 16 2 --members 1
layers_are "piecewise dense64 dense64 dense3" 64 2 16 2 --members 64
layers_are "dense128 dense128 dense3" 1 0 0 1 --optimizer rprop

# A configuration file has the same names; the command line is heard last.
printf 'preset = strong\nmembers = 2\npieces = 4\neffort = 1\nmetric = calibrated_loss\npatience = 3\n' >strong.conf
layers_are "piecewise dense32 dense32 dense3" 2 2 4 2 --config strong.conf
layers_are "piecewise dense32 dense32 dense3" 3 2 4 2 --config strong.conf --members 3
run inspect m.safetensors
for setting in "--preset strong" "--members 3" "--pieces 4" "--effort 1" "--metric calibrated_loss" "--patience 3"; do
  check "inspect shows $setting" bash -c 'tr -s " \n" " " <out | grep -qF -- "$1"' - "$setting"
done

# ---- when it ends ----
awk 'BEGIN { srand(1); print "a,b,y"; for (i = 0; i < 120; i++) print rand() "," rand() "," (rand() < 0.5 ? "no" : "yes") }' >noise.csv
succeeds train noise.csv --target y --json --out m.safetensors
check "it stops where nothing can be learnt" json 'j["stopped_by"] == "patience" and j["epochs"] < 100 and j["valid_rows"] == 120'
succeeds train $how --epochs 200 --metric accuracy --json --out m.safetensors
check "it stops by itself, judged by all of its rows" json 'j["stopped_by"] == "patience" and j["epochs"] < 200 and
  j["rows"] == 90 and j["valid_rows"] == 90 and j["valid"]["accuracy"] > 0.9'
succeeds train $how --epochs 3 --patience 0 --json --out m.safetensors
check "--patience 0 goes to the end" json 'j["stopped_by"] == "epochs" and j["epochs"] == 3'
has m.safetensors members 8
for metric in auto loss calibrated_loss accuracy log_loss; do
  succeeds train $how --epochs 3 --metric $metric --patience auto --quiet --out m.safetensors
done
succeeds train $how --epochs 4 --preset plain --members 3 --patience 2 --metric calibrated_loss --quiet --out m.safetensors
succeeds train $how --epochs 4 --hidden 8 --valid 0.2 --patience 2 --metric calibrated_loss --quiet --out m.safetensors
succeeds train $how --epochs 4 --members 1 --valid 0.2 --metric accuracy --json --out m.safetensors
check "one member is judged by rows set aside" json 'j["rows"] == 72 and j["valid_rows"] == 18'
head -21 flowers.csv >few.csv
succeeds train few.csv --target kind --ignore id --json --epochs 2 --out m.safetensors
check "few rows are learnt whole" json 'j["rows"] == 20 and j["valid_rows"] == 0'
has m.safetensors members 8

# ---- refused: 2 ----
while IFS='|' read -r words arguments; do
  [ -n "$words" ] || continue
  refuses 2 "$words" train $how --out no.safetensors --quiet $arguments
done <<'TABLE'
--preset best: expected one of auto, strong, plain|--preset best
--members 0: expected a whole number from 1 to 64, or auto|--members 0
--members 65: expected a whole number from 1 to 64, or auto|--members 65
--members x: expected a whole number from 1 to 64, or auto|--members x
--pieces 513: expected a whole number from 0 to 512, or auto|--pieces 513
--pieces -1: expected|--pieces -1
--effort 0: expected a whole number from 1 to 5, or auto|--effort 0
--effort 6: expected a whole number from 1 to 5, or auto|--effort 6
--effort is for the strong preset; add --preset strong|--effort 3 --preset plain
--effort is for the strong preset; add --preset strong|--effort 3 --hidden 8
--effort is for the strong preset; add --preset strong|--effort 3 --optimizer lbfgs
--metric is what --patience goes by|--metric calibrated_loss --patience 0
--metric is what --patience goes by|--metric calibrated_loss --preset plain
--metric is what --patience goes by|--metric calibrated_loss --preset plain --members 3
--metric is what --patience goes by|--metric calibrated_loss --members 1
--patience needs validation rows; add --valid 0.1|--patience 3 --preset plain
--patience needs validation rows; add --valid 0.1|--patience 3 --members 1
lbfgs fits one network, and this is an ensemble of 3|--optimizer lbfgs --members 3
lbfgs fits one network, and this is an ensemble of 8|--optimizer lbfgs --preset strong
metric is rmse, but the targets are classes|--metric rmse
TABLE
refuses 2 "metric is calibrated_loss, but the targets are values" train plane.csv --target y --metric calibrated_loss \
  --out no.safetensors --quiet
printf 'members = 65\n' >bad.conf
refuses 2 "members" train $how --config bad.conf --out no.safetensors --quiet
printf 'preset = best\n' >bad.conf
refuses 2 "preset" train $how --config bad.conf --out no.safetensors --quiet

# ---- the model is used as any other ----
succeeds evaluate strong.safetensors flowers.csv --json
check "it is evaluated" json 'j["rows"] == 90 and j["accuracy"] > 0.3'
succeeds predict strong.safetensors flowers.csv
cp out whole.csv
check "a prediction for each row" [ "$(wc -l <whole.csv)" -eq 91 ]
(head -1 flowers.csv && sed -n 42p flowers.csv) >one.csv
succeeds predict strong.safetensors one.csv
check "a row alone is predicted as among others" [ "$(tail -1 out)" = "$(sed -n 42p whole.csv)" ]
succeeds inspect strong.safetensors
succeeds gradcheck strong.safetensors flowers.csv
# Within the memory that files of this size may take, and every layer that learns has a signal.
for effort in 3 5; do
  succeeds train $how --epochs 1 --effort $effort --quiet --out m.safetensors
  succeeds inspect m.safetensors --gradients flowers.csv
done

# ---- stopped and resumed ----
succeeds train $how --out whole.safetensors --threads 1 --quiet
: >out
: >err
for stop in "TERM 5" "KILL 40"; do
  check "stopped by ${stop/ / at step }, and resumed" python3 "$source_root/tests/cli/stop_and_resume.py" "$backprop" $stop 1 $how
done
finish
