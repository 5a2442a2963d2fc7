#!/usr/bin/env bash
# Each key of a model and of a checkpoint is taken out in turn: what docs/formats.md calls optional is not missed, all else is refused by name.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
python3 - <<'PYTHON'
import gzip, struct
images = bytes((i * 31 + j * 7 * (i % 3)) % 256 for i in range(60) for j in range(4))
open("train-images-idx3-ubyte", "wb").write(struct.pack(">HBBIII", 0, 8, 3, 60, 2, 2) + images)
open("train-labels-idx1-ubyte", "wb").write(struct.pack(">HBBI", 0, 8, 1, 60) + bytes(i % 3 for i in range(60)))
with open("many.csv", "w") as file:
    file.write("a,b,w,y1,y2,id\n")
    for i in range(60):
        file.write(f"{i * 7 % 11},{i * 5 % 13},{1 + i % 2},{i % 7 + 0.5},{i % 5 - 0.25},n{i}\n")
PYTHON
fast="--quiet --threads 1 --epochs 2"
succeeds train flowers.csv --ignore id --hidden 6,6 --activation leaky_relu:0.2,prelu --normalize batch --dropout 0.2 --residual --embed 2 $fast --out flowers.safetensors
cut -d, -f1,2,6 many.csv >plain.csv
succeeds train many.csv --target y1,y2 --weight w --ignore id --hidden 4 --normalize layer --loss huber:1.5 $fast --out many.safetensors
succeeds train plane.csv --target y --hidden 4 --loss '(y - p)^2' $fast --out plane.safetensors
succeeds train train-images-idx3-ubyte --labels train-labels-idx1-ubyte --hidden 4 $fast --out images.safetensors
succeeds train flowers.csv --ignore id --hidden 4 --valid 0.2 --optimizer adam $fast --checkpoint run.ckpt --checkpoint-every 1epochs --out run.safetensors

cat >keys.py <<'PYTHON'
"""keys.py BACKPROP FILE OPTIONAL MODE ARGUMENT...: takes out each key of a safetensors file and says what happens that should not."""
import copy, json, struct, subprocess, sys

backprop, path, optional, mode, *arguments = sys.argv[1:]
optional = set(optional.split())
data = open(path, "rb").read()
size, = struct.unpack("<Q", data[:8])
header, tensors = json.loads(data[8:8 + size]), data[8 + size:]
texts = header.pop("__metadata__")
json_keys = ["backprop.model", "backprop.encoding", "backprop.checkpoint", "backprop.run"]

def write(metadata, leave_out=None):
    entries, block = {}, b""
    for name in sorted(header, key=lambda n: header[n]["data_offsets"]):
        begin, end = header[name]["data_offsets"]
        if name != leave_out:
            entries[name] = dict(header[name], data_offsets=[len(block), len(block) + end - begin])
            block += tensors[begin:end]
    text = json.dumps({"__metadata__": metadata, **entries}).encode()
    text += b" " * (-len(text) % 8)
    open("cut.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + block)

def outcome():
    out = subprocess.run([backprop, *arguments], capture_output=True, stdin=subprocess.DEVNULL)
    if mode == "checkpoint" and out.returncode == 0:
        return 0, open("resumed.safetensors", "rb").read(), ""
    return out.returncode, out.stdout, out.stderr.decode()

def places(value, path=()):
    """The path of every key, at any depth."""
    if isinstance(value, dict):
        for key in value:
            yield path + (key,)
            yield from places(value[key], path + (key,))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, path + (i,))

def without(value, path):
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return value

def judge(what, name, statuses):
    global tried
    tried += 1
    status, out, err = outcome()
    if name in optional:
        if (status, out) != (0, expected):
            print(f"{path}: without {what}, which is optional: status {status}: {err.strip()}")
    elif status not in statuses or err.count("\n") != 1:
        print(f"{path}: without {what}: status {status}, expected one of {statuses}: {err.strip()}")

tried = 0
write(texts)
status, expected, err = outcome()
assert status == 0, err
for key in texts:
    write({k: v for k, v in texts.items() if k != key})
    judge(key, key, [4])
for key in json_keys:
    if key not in texts:
        continue
    value = json.loads(texts[key])
    for place in places(value):
        write({**texts, key: json.dumps(without(value, place))})
        # another run is the fault of the options or of the data
        judge(f"{key}: {'.'.join(map(str, place))}", place[-1], [2, 3] if key == "backprop.run" else [4])
for name in header:
    write(texts, name)
    judge(f"tensor {name}", None, [4])
print(f"{tried} tried", file=sys.stderr)
PYTHON

# What the page calls optional, in the order of the page.
optional=$(python3 - "$source_root/docs/formats.md" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
text = text[text.index("## Model files"):]
print(*re.findall(r"`([a-z.]+)` (?:\| optional|\(optional)", text))
PYTHON
)
check "the page names what is optional" [ "$optional" = "backprop.version backprop.checksum backprop.record members output bias weight backprop.version backprop.checksum backprop.note arithmetic" ]

# A layer without bias that loses the word has no tensor for it; the command needs its note.
tried() {
  python3 keys.py "$backprop" "$@" >out 2>err
  status=$?
  check "$1: each key of $(cat err)" [ "$status" -eq 0 -a ! -s out ]
}
models=${optional/bias/}
tried flowers.safetensors "$models" model predict cut.safetensors flowers.csv
tried many.safetensors "$models" model predict cut.safetensors plain.csv
tried plane.safetensors "$models" model evaluate cut.safetensors plane.csv --json
tried images.safetensors "$models" model predict cut.safetensors train-images-idx3-ubyte
tried run.ckpt "backprop.version backprop.checksum arithmetic" checkpoint resume cut.safetensors --quiet --out resumed.safetensors --checkpoint other.ckpt

# ---- without a record ----
python3 - <<'PYTHON'
import json, struct
data = open("plane.safetensors", "rb").read()
size, = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + size])
del header["__metadata__"]["backprop.record"]
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
open("bare.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data[8 + size:])
PYTHON
succeeds inspect bare.safetensors
check "a model without a record is told" holds out "trained   how is not recorded in the file"
succeeds inspect bare.safetensors --json
check "its record is empty" python3 -c 'import json; assert json.load(open("out"))["record"] == {}'
finish
