#!/usr/bin/env bash
# `predict` and `evaluate`: the CSV that comes out, measures for people and as JSON, and what is refused.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
succeeds train flowers.csv --ignore id --epochs 40 --hidden 16 --out flowers.safetensors
succeeds train plane.csv --epochs 300 --hidden none --lr 0.05 --out plane.safetensors

# csv EXPRESSION [FILE]: true for the rows `r` (lists of texts, the header first) of out.
csv() {
  python3 - "$1" "${2:-out}" <<'PYTHON'
import csv, sys
with open(sys.argv[2], newline="") as file:
    r = list(csv.reader(file))
if not eval(sys.argv[1]):
    print("false:", sys.argv[1], "in", r[:4], "...")
    sys.exit(1)
PYTHON
}

# ---- predict ----
succeeds predict flowers.safetensors flowers.csv
check "a header and a class for each row" csv 'r[0] == ["prediction"] and len(r) == 91 and {x[0] for x in r[1:]} == {"iris", "rose", "tulip"}'
check "nothing else is said" [ ! -s err ]
succeeds predict flowers.safetensors flowers.csv --keep id,kind
check "kept columns stand in front" csv 'r[0] == ["id", "kind", "prediction"] and r[1][0] == "f000" and sum(x[1] == x[2] for x in r[1:]) >= 85'
succeeds predict flowers.safetensors flowers.csv --proba
check "probabilities, named by class" csv 'r[0] == ["iris", "rose", "tulip"] and all(abs(sum(map(float, x)) - 1) < 1e-6 for x in r[1:])'
succeeds predict flowers.safetensors flowers.csv --out p.csv --threads 2
check "nothing on standard output" [ ! -s out ]
"$backprop" predict flowers.safetensors flowers.csv >again.csv 2>err
check "a file holds the same" cmp p.csv again.csv
cut -d, -f1,2,3,4 flowers.csv >unlabelled.csv
"$backprop" predict flowers.safetensors - <unlabelled.csv >again.csv 2>err
check "without the target, from standard input" cmp p.csv again.csv
awk -F, -v OFS=, '{ print $4, $3, $5, $2 }' flowers.csv >shuffled.csv
succeeds predict flowers.safetensors shuffled.csv
check "columns go by name, not by place" cmp out p.csv
head -1 flowers.csv >none.csv
run predict flowers.safetensors none.csv
check "no rows: refused as data, or a header alone" [ "$status" -eq 3 -o "$(cat out)" = prediction ]
succeeds predict plane.safetensors plane.csv --keep y
check "values in the units of the target" csv 'all(abs(float(x[0]) - float(x[1])) < 0.2 for x in r[1:])'

# ---- quoting ----
printf 'x,"a, name",label\n1,"one, two","say ""hi"""\n2,"three",plain\n3,"one, two","say ""hi"""\n4,three,plain\n' >quoted.csv
succeeds train quoted.csv --epochs 200 --hidden 4 --out quoted.safetensors
succeeds predict quoted.safetensors quoted.csv --keep '"a, name"'
check "fields with commas and quotes come back" csv 'r[0] == ["a, name", "prediction"] and r[1] == ["one, two", "say \"hi\""]'
succeeds predict quoted.safetensors quoted.csv --proba
check "class names too" csv 'r[0] == ["plain", "say \"hi\""]'
printf 'id,x,y\n007,1,a\n008,2,b\n009,3,a\n010,4,b\n' >zeros.csv
succeeds train zeros.csv --ignore id --epochs 2 --hidden 4 --out zeros.safetensors
succeeds predict zeros.safetensors zeros.csv --keep id
check "what is only copied is copied exactly" csv '[x[0] for x in r] == ["id", "007", "008", "009", "010"]'

# ---- what a model remembers about reading ----
printf 'x,y\n1,a\n-999,b\n3,a\n4,b\n' >missing.csv
succeeds train missing.csv --missing=-999 --epochs 2 --hidden 4 --out missing.safetensors
succeeds inspect missing.safetensors --json
check "-999 was a missing value" json 'j["columns"][0]["indicator"] and j["columns"][0]["missing"] == 3'
succeeds predict missing.safetensors missing.csv --proba
tail -3 out | head -1 >with
printf 'x\n1\n-999\n3\n4\n' >later.csv
succeeds predict missing.safetensors later.csv --proba
tail -3 out | head -1 >without
check "and still is when the model is used" cmp with without
printf 'code,y\n1,a\n2,b\n1,a\n2,b\n' >codes.csv
succeeds train codes.csv --text code --epochs 2 --hidden 4 --out codes.safetensors
succeeds predict codes.safetensors codes.csv
check "text stays text" [ ! -s err ]

# ---- a long file goes through in pieces: in little memory, to the same predictions, from a pipe as well ----
{ head -n 1 flowers.csv; for _ in $(seq 1500); do tail -n +2 flowers.csv; done; } >long.csv
succeeds predict flowers.safetensors flowers.csv --keep id,kind
{ head -n 1 out; for _ in $(seq 1500); do tail -n +2 out; done; } >expected
succeeds predict flowers.safetensors long.csv --keep id,kind --out long.out
check "135000 rows are predicted as 90 are" cmp long.out expected
"$backprop" predict flowers.safetensors - --keep id,kind <long.csv >out
check "from a pipe as well" cmp out expected
cat >memory.py <<'PYTHON'
import resource, subprocess, sys
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
sys.exit(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > int(sys.argv[1]) * 1024)
PYTHON
if (ulimit -v 200000 && "$backprop" version >/dev/null 2>&1); then # no sanitizer, which keeps what is freed
  check "in less than 16 MB" python3 memory.py 16 "$backprop" predict flowers.safetensors long.csv --threads 1
fi
{ cat long.csv; tail -n 1 long.csv | sed 's/,[^,]*,/,tall,/'; } >late.csv
rm -f late.out
refuses 3 "late.csv:135002: column 'length'" predict flowers.safetensors late.csv --out late.out
check "and no half file is left" [ ! -e late.out ]
check "nor a temporary one" [ -z "$(find . -name '.backprop-out-*')" ]

# ---- predict refuses ----
cut -d, -f1,3- flowers.csv >lacks.csv
refuses 3 "'length'" predict flowers.safetensors lacks.csv
sed 's/$/,1/;1s/,1$/,surplus/' flowers.csv >surplus.csv
refuses 3 "surplus" predict flowers.safetensors surplus.csv
refuses 3 "did you mean 'colour'" predict flowers.safetensors flowers.csv --keep color
refuses 2 "is named twice" predict flowers.safetensors flowers.csv --keep id,id
refuses 2 "--proba is for classification" predict plane.safetensors plane.csv --proba
refuses 2 "would overwrite flowers.csv, which" predict flowers.safetensors flowers.csv --out flowers.csv
refuses 2 "would overwrite flowers.safetensors, which" predict flowers.safetensors flowers.csv --out flowers.safetensors
refuses 5 "cannot write there" predict flowers.safetensors flowers.csv --out nowhere/p.csv
refuses 5 "nothere.safetensors" predict nothere.safetensors flowers.csv
refuses 4 "flowers.csv" predict flowers.csv flowers.csv
head -c 300 flowers.safetensors >cut.safetensors
refuses 4 "cut.safetensors" predict cut.safetensors flowers.csv
refuses 5 "nothere.csv" predict flowers.safetensors nothere.csv
echo old >p.csv
refuses 3 "surplus" predict flowers.safetensors surplus.csv --out p.csv
check "a failure leaves the old file" [ "$(cat p.csv)" = old ]
sed 's/,blue,/,purple,/' flowers.csv >purple.csv
succeeds predict flowers.safetensors purple.csv
check "a category never seen is one warning" [ "$(grep -c 'warning.*purple' err)" -eq 1 ]

# ---- evaluate ----
succeeds evaluate flowers.safetensors flowers.csv
for words in "rows      90" "accuracy" "nats" "bits" "precision" "confusion" "tulip" \
  "top 2" "MCC" "ROC AUC" "PR AUC" "Brier" "ECE" "by rows"; do
  check "the report has '$words'" holds out "$words"
done
succeeds evaluate flowers.safetensors flowers.csv --json
check "measures of classes" json '
  j["rows"] == 90 and j["loss"] == j["log_loss"] and abs(j["log_loss_bits"] * math.log(2) - j["loss"]) < 1e-12
  and [c["class"] for c in j["classes"]] == ["iris", "rose", "tulip"] and all(c["rows"] == 30 for c in j["classes"])
  and sum(map(sum, j["confusion"])) == 90
  and abs(j["accuracy"] - sum(j["confusion"][i][i] for i in range(3)) / 90) < 1e-12 and 0 <= j["auc"] <= 1
  and abs(j["balanced_accuracy"] - j["macro"]["recall"]) < 1e-12 and j["weighted"]["rows"] == 90
  and j["top_k"]["k"] == 2 and j["top_k"]["accuracy"] >= j["accuracy"] and 0 <= j["brier"] <= 2
  and all(set(c) == {"class", "rows", "precision", "recall", "f1"} for c in j["classes"])'
succeeds evaluate plane.safetensors plane.csv --json
check "measures of values" json 'set(j) == {"rows", "loss", "rmse", "mae", "median_error", "max_error", "bias", "r2", "coverage"}
  and j["median_error"] <= j["max_error"] and j["rmse"] < 0.2 and j["r2"] > 0.99 and j["mae"] <= j["rmse"]'
succeeds evaluate plane.safetensors plane.csv
check "for people" holds out "RMSE"
succeeds evaluate zeros.safetensors zeros.csv --json
check "two classes have an area under the curve" json '0 <= j["auc"] <= 1'
refuses 3 "'kind' is missing" evaluate flowers.safetensors unlabelled.csv
sed 's/,rose$/,lily/' flowers.csv >lily.csv
refuses 3 "lily" evaluate flowers.safetensors lily.csv

# 30 classes do not fit a terminal: the worst mistakes instead of the matrix.
python3 -c 'print("x,y"); [print(f"{i % 15},class number {i % 30}") for i in range(300)]' >many.csv
succeeds train many.csv --hidden 8 --epochs 3 --out many.safetensors
COLUMNS=80 run evaluate many.safetensors many.csv
check "wide matrices are left to JSON" holds out "most frequent mistakes"
check "no line is wider than a terminal" fits_terminal out

finish
