#!/usr/bin/env bash
# Names that drive a terminal, forge a line or turn the writing: no command shows them as they are, to people; programs get them whole.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
cat >hostile.py <<'PYTHON'
import csv, json, random, sys
# A title, a clear screen, CSI as C1, a forged line, a turned word, an isolate, DEL, a bell and a line separator.
evil = ["\x1b]0;owned\x07", "\x1b[2J", "\u009b31m", "a\nrows      1000000", "exe.\u202etxt", "\u2066x\u2069", "b\x7f", "c\u2028d", "\u061c\u200f"]
rng = random.Random(1)
with open("evil.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow([f"n{e}" for e in evil] + ["words" + evil[0], "kind" + evil[2]])
    for i in range(90):
        out.writerow([f"{rng.random():.3f}" for _ in evil] + [evil[i % 9] + "w", "class" + evil[i // 9 % 9]])
with open("values.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow([f"n{e}" for e in evil] + [f"y{evil[0]}", f"y{evil[4]}"])
    for i in range(90):
        out.writerow([f"{rng.random():.3f}" for _ in range(11)])
json.dump(evil, open("evil.json", "w"))
PYTHON
cat >visible.py <<'PYTHON'
import sys, unicodedata
for path in sys.argv[1:]:
    text = open(path, "rb").read().decode("utf-8")  # fails where it is none
    bad = [c for c in text if c != "\n" and (unicodedata.category(c) in ("Cc", "Zl", "Zp") or 0x202a <= ord(c) <= 0x202e
           or 0x2066 <= ord(c) <= 0x2069 or ord(c) in (0x61c, 0x200e, 0x200f))]
    forged = [line for line in text.split("\n") if line.startswith("rows      1000000")]
    if bad or forged:
        sys.exit(f"{path}: {bad} {forged}")
PYTHON
python3 hostile.py
evil_columns=$(python3 -c 'import json; print(",".join("n" + e for e in json.load(open("evil.json")) if "\n" not in e))')
is_visible() { python3 visible.py out err; }
# shows ARGUMENTS...: whatever comes of it, what is said is clean.
shows() {
  run "$@"
  check "backprop $1 $2 shows nothing that drives a terminal" is_visible
}

shows train evil.csv --task classification --epochs 2 --hidden 3 --out m --valid 0.2
check "training was possible" [ "$status" -eq 0 ]
shows train values.csv --target 9,10 --epochs 2 --hidden 3 --out v
check "training was possible" [ "$status" -eq 0 ]
for model in m v; do
  data=evil.csv
  [ $model = v ] && data=values.csv
  shows inspect $model
  shows inspect $model --gradients $data
  shows evaluate $model $data
  shows gradcheck $model $data
  shows inspect $model --json
  check "JSON of $model is faithful" json '
    [c["name"] for c in j["columns"]][:9] == ["n" + e for e in json.load(open("evil.json"))]'
  shows evaluate $model $data --json
done
run inspect m --json
check "classes are faithful" json 'sorted(j["classes"]) == sorted("class" + e for e in json.load(open("evil.json")))'
run predict m evil.csv
python3 - <<'PYTHON'
import csv, json, sys
evil = json.load(open("evil.json"))
rows = list(csv.reader(open("out", newline="", encoding="utf-8")))
sys.exit(not all(row[0] in ["class" + e for e in evil] for row in rows[1:]))
PYTHON
check "predictions are faithful" [ $? -eq 0 ]

# ---- messages: foreign names in what is refused ----
tail -n +1 evil.csv | sed 's/0\.[0-9]*,/inf,/' >infinite.csv
shows train infinite.csv --out w
shows predict m values.csv
shows predict v evil.csv
shows evaluate v evil.csv
shows train evil.csv --target nosuch --out w
shows train evil.csv --ignore "$evil_columns" --features nothing --out w
shows predict m evil.csv --keep $'n\033[2K'
cp evil.csv $'\033]0;x\a\302\233\342\200\256.csv'
shows train $'\033]0;x\a\302\233\342\200\256.csv' --target nosuch --out w
shows train $'\033]0;x\a\302\233\342\200\256.csv' --epochs 1 --hidden 2 --out w
shows inspect $'\033[2Jnothing'
shows predict $'\377\376' evil.csv
# a model whose loss, settings and version are hostile
python3 - <<'PYTHON'
import json, struct
data = open("v", "rb").read()
size, = struct.unpack("<Q", data[:8])
def write(name, change):
    header = json.loads(data[8:8 + size])
    meta = header["__metadata__"]
    change(meta)
    text = json.dumps(header).encode()
    open(name, "wb").write(struct.pack("<Q", len(text)) + text + data[8 + size:])
def record(meta):
    r = json.loads(meta["backprop.record"])
    r["settings"] = json.dumps({"\x1b[2J\u009b": "\u202e\x1b]0;x\x07\nforged"})
    r["version"] = "\x1b[31m\u2028"
    meta["backprop.record"] = json.dumps(r)
def described(key, value):
    def change(meta):
        m = json.loads(meta["backprop.model"])
        m[key] = value
        meta["backprop.model"] = json.dumps(m)
    return change
write("record", record)
write("loss", described("loss", {"expression": "(y - p)^2 \x1b[2J \u202e"}))
write("name", described("loss", "\x1b[2J\u202e"))
write("task", described("task", "\x1b[2J\u009b"))
write("layer", described("layers", [{"type": "\x1b[2J"}]))
write("field", described("layers", [{"type": "dense", "units": 2, "activation": "\u009b", "\x1b": 1}]))
write("newer", lambda meta: meta.update({"backprop.encoding": "{\x1b\u202e"}))
write("format", lambda meta: meta.update({"format": "\x1b[2J"}))
PYTHON
for model in record loss name task layer field newer format; do
  shows inspect $model
  shows inspect $model --json
  shows evaluate $model values.csv
  run predict $model values.csv
  check "predict $model says nothing that drives a terminal" python3 visible.py err
  shows resume $model
done
finish
