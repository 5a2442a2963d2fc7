#!/usr/bin/env bash
# torch.sh - optimisers, schedules, clipping and weight decay beside PyTorch's: from the same weights, over the same rows, the losses of
# 50 steps are the same, and so are the weights after them.
# labels: nightly
set -eu
python=${BACKPROP_PYTHON:-python3}
for candidate in "$python" /usr/bin/python3; do
  if "$candidate" -c 'import torch' 2>/dev/null; then python=$candidate found=yes; break; fi
done
[ "${found:-}" ] || { echo "skipped: $python has no module torch (set BACKPROP_PYTHON to one that has)"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/compare.py" <<'PYTHON'
import csv, json, math, random, struct, subprocess, sys, warnings
warnings.simplefilter("ignore")
import torch
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, RMSprop, Rprop
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, OneCycleLR, StepLR

backprop, folder = sys.argv[1:]
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
STEPS = 50

random.seed(3)
with open(f"{folder}/data.csv", "w") as file:
    print("a,b,c,y", file=file)
    for _ in range(60):
        a, b, c = (random.uniform(-2, 2) for _ in range(3))
        print(f"{a},{b},{c},{math.sin(a) + b * c + random.gauss(0, 0.1)}", file=file)

def train(*options):
    subprocess.run([backprop, "train", f"{folder}/data.csv", "--target", "y", "--task", "regression", "--hidden", "9", "--dtype", "f64",
                    "--batch-size", "full", "--seed", "5", "--quiet", "--out", f"{folder}/m", "--log", f"{folder}/log", *options], check=True)
    with open(f"{folder}/log") as file:
        losses = [json.loads(line)["train"]["loss"] for line in file]
    with open(f"{folder}/m", "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    meta, tensors = header.pop("__metadata__"), {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        assert t["dtype"] == "F64"
        tensors[name] = torch.tensor(struct.unpack(f"<{(end - begin) // 8}d", data[begin:end])).reshape(t["shape"])
    return losses, tensors, json.loads(meta["backprop.encoding"])

# A step so small that it changes no bit leaves the weights of the start in the file.
_, start, encoding = train("--epochs", "1", "--optimizer", "sgd", "--lr", "1e-300")
with open(f"{folder}/data.csv", newline="") as file:
    rows = list(csv.DictReader(file))
x = torch.tensor([[(float(row[f["name"]]) - f["mean"]) / f["scale"] for f in encoding["features"]] for row in rows])
target = encoding["target"]
y = torch.tensor([[(float(row["y"]) - target["mean"]) / target["scale"]] for row in rows])

def theirs(make, schedule=None, l1=0, l2=0, clip=None):
    w = {name: value.clone().requires_grad_() for name, value in start.items()}
    matrices = [value for name, value in w.items() if name.endswith("weight")]
    biases = [value for name, value in w.items() if name.endswith("bias")]
    optimizer = make(matrices, biases)
    scheduler = schedule(optimizer) if schedule else None
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        h = torch.tanh(x @ w["layers.0.weight"].T + w["layers.0.bias"])
        loss = ((h @ w["layers.1.weight"].T + w["layers.1.bias"] - y) ** 2).mean()
        losses.append(loss.item())
        (loss + sum(l1 * m.abs().sum() + l2 / 2 * (m ** 2).sum() for m in matrices)).backward()
        if clip:
            clip(matrices + biases)
        optimizer.step()
        if scheduler and len(losses) < STEPS:
            scheduler.step()
    return losses, w

def plain(kind, **settings):
    return lambda matrices, biases: kind(matrices + biases, **settings)

def decayed(kind, decay, **settings):
    return lambda matrices, biases: kind([{"params": matrices, "weight_decay": decay}, {"params": biases, "weight_decay": 0}], **settings)

clip_norm = lambda params: torch.nn.utils.clip_grad_norm_(params, 0.2)
clip_value = lambda params: torch.nn.utils.clip_grad_value_(params, 0.05)
cases = [
    ("--optimizer sgd --lr 0.05", theirs(plain(SGD, lr=0.05))),
    ("--optimizer sgd --lr 0.05 --momentum 0.9", theirs(plain(SGD, lr=0.05, momentum=0.9))),
    ("--optimizer sgd --lr 0.05 --momentum 0.9 --nesterov", theirs(plain(SGD, lr=0.05, momentum=0.9, nesterov=True))),
    ("--optimizer adam --lr 0.01", theirs(plain(Adam, lr=0.01))),
    ("--optimizer adam --lr 0.01 --beta1 0.8 --beta2 0.9 --epsilon 1e-4", theirs(plain(Adam, lr=0.01, betas=(0.8, 0.9), eps=1e-4))),
    ("--optimizer adam --lr 0.05 --beta2 0.9 --amsgrad", theirs(plain(Adam, lr=0.05, betas=(0.9, 0.9), amsgrad=True))),
    ("--optimizer adamw --lr 0.01", theirs(decayed(AdamW, 0.01, lr=0.01))),
    ("--optimizer adamw --lr 0.01 --weight-decay 0.3", theirs(decayed(AdamW, 0.3, lr=0.01))),
    ("--optimizer adagrad --lr 0.05", theirs(plain(Adagrad, lr=0.05))),
    ("--optimizer rmsprop --lr 0.01", theirs(plain(RMSprop, lr=0.01, alpha=0.9))),
    ("--optimizer rmsprop --lr 0.01 --rho 0.99 --momentum 0.5", theirs(plain(RMSprop, lr=0.01, alpha=0.99, momentum=0.5))),
    ("--optimizer adadelta", theirs(plain(Adadelta, lr=1))),
    ("--optimizer rprop", theirs(plain(Rprop, lr=0.01))),
    ("--optimizer sgd --lr 0.1 --l2 0.05", theirs(plain(SGD, lr=0.1), l2=0.05)),
    ("--optimizer adam --lr 0.01 --l1 0.01 --l2 0.02", theirs(plain(Adam, lr=0.01), l1=0.01, l2=0.02)),
    ("--optimizer sgd --lr 0.2 --clip-norm 0.2", theirs(plain(SGD, lr=0.2), clip=clip_norm)),
    ("--optimizer sgd --lr 0.2 --clip-value 0.05", theirs(plain(SGD, lr=0.2), clip=clip_value)),
    ("--optimizer sgd --lr 0.2 --schedule cosine", theirs(plain(SGD, lr=0.2), lambda o: CosineAnnealingLR(o, STEPS))),
    ("--optimizer sgd --lr 0.2 --schedule step:10:0.5", theirs(plain(SGD, lr=0.2), lambda o: StepLR(o, 10, 0.5))),
    ("--optimizer sgd --lr 0.2 --schedule exponential:0.95", theirs(plain(SGD, lr=0.2), lambda o: ExponentialLR(o, 0.95))),
    ("--optimizer sgd --lr 0.2 --schedule one_cycle", theirs(plain(SGD, lr=0.2), lambda o: OneCycleLR(o, 0.2, STEPS, cycle_momentum=False))),
]

# Sums in another order differ by some 1e-16 each; PyTorch adds 1e-6 to the norm when it clips.
failed = 0
for options, (losses, w) in cases:
    ours, weights, _ = train("--epochs", str(STEPS), *options.split())
    assert len(ours) == STEPS and losses[-1] < 0.98 * losses[0]
    loss_error = max(abs(a - b) / abs(b) for a, b in zip(ours, losses))
    weight_error = max((weights[name] - w[name]).abs().max().item() for name in w)
    limit = 1e-5 if "clip-norm" in options else 1e-11
    good = loss_error < limit and weight_error < limit
    failed += not good
    print(f"{'same  ' if good else 'DIFFER'} losses by {loss_error:.1e}, weights by {weight_error:.1e}: {options}")
print(f"torch {torch.__version__}: {len(cases) - failed} of {len(cases)} the same for {STEPS} steps")
sys.exit(failed > 0)
PYTHON
"$python" "$folder/compare.py" "$BACKPROP" "$folder"
