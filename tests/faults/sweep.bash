#!/usr/bin/env bash
# sweep.bash - every command of backprop, to be run with every call failing; sourced with $limit: about so many runs of a family.
# With ONLY=TEXT only rows whose name holds it, with KIND=TEXT only families; JOBS runs at once; SHOWN=N lines of what is wrong.
# shellcheck source=tests/cli/common.bash
. "$TEST_SOURCE/tests/cli/common.bash"
interposer=$TEST_BUILD/tests/fault_interposer.so
[ -e "$interposer" ] || skip "needs 64-bit Linux with glibc, and a native build without sanitizers or coverage"
limit=${limit:?}
jobs=${JOBS:-$(nproc)}
bad=0

# sweep NAME [options of fault_sweep] -- ARGUMENTS...
sweep() {
  local name=$1 given=()
  shift
  case $name in *"${ONLY:-}"*) ;; *) return ;; esac
  while [ "$1" != -- ]; do given+=("$1") && shift; done
  shift
  "$TEST_BUILD/tests/fault_sweep" --interposer "$interposer" --name "$name" --jobs "$jobs" --limit "$limit" --kind "${KIND:-}" --shown "${SHOWN:-12}" "${given[@]}" -- \
    "$backprop" "$@" || bad=1
}

# ---- what is read ----
flowers >flowers.csv
plane >plane.csv
gzip -c flowers.csv >flowers.csv.gz
python3 - <<'PYTHON'
import struct
pixels = bytes((i * 7 + i // 16 * 31) % 256 for i in range(40 * 16))
open("images-idx3-ubyte", "wb").write(struct.pack(">IIII", 0x803, 40, 4, 4) + pixels)
open("labels-idx1-ubyte", "wb").write(struct.pack(">II", 0x801, 40) + bytes(i % 3 for i in range(40)))
with open("long.csv", "w") as file:
    print("id,length,width,colour,kind", file=file)
    for i in range(4000):
        print(f"f{i},{i % 30 / 10},{i % 7},{['blue', 'red'][i % 2]},rose", file=file)
PYTHON
common="--target kind --ignore id --hidden 6 --epochs 3 --batch-size 16 --quiet"
printf 'hidden = 6\nepochs = 3\ntarget = kind\nignore = id\nquiet = yes\n' >train.conf
"$backprop" train flowers.csv $common --valid 0.2 --out model.safetensors || exit 1
"$backprop" train plane.csv --quiet --epochs 3 --hidden 5 --out plane.safetensors || exit 1
"$backprop" train flowers.csv $common --valid 0.2 --out stopped.safetensors --checkpoint begun.checkpoint --checkpoint-every 2epochs || exit 1
for file in new.safetensors new.checkpoint new.csv new.jsonl; do echo old >$file; done
whole="cp \$FILE tried.checkpoint && '$backprop' resume tried.checkpoint --out tried.safetensors --quiet 2>/dev/null; s=\$?; \
  cmp -s tried.safetensors stopped.safetensors && rm -f tried.*; [ \$s -eq 0 ]"

# ---- every command ----
printf '%-22s %8s %8s %8s %8s %8s\n' command runs "0, same" 7 5 other
sweep train --out new.safetensors -- train flowers.csv $common --valid 0.2 --out new.safetensors
sweep "train, new file" --out fresh.safetensors -- train flowers.csv $common --valid 0.2 --out fresh.safetensors
sweep "train, checkpoints" --out new.safetensors --between new.checkpoint --accept "$whole" -- \
  train flowers.csv $common --valid 0.2 --out new.safetensors --checkpoint new.checkpoint --checkpoint-every 1epochs
sweep "train, summary" --masked --out new.safetensors -- \
  train plane.csv --hidden 4 --epochs 2 --out new.safetensors --progress plain
sweep "train --json" --masked --out new.safetensors -- \
  train plane.csv --hidden 4 --epochs 2 --out new.safetensors --json --quiet
sweep "train --config" --out new.safetensors -- train flowers.csv --config train.conf --out new.safetensors
sweep "train, gzip" --out new.safetensors -- train flowers.csv.gz $common --out new.safetensors
sweep "train, IDX" --out new.safetensors -- \
  train images-idx3-ubyte --labels labels-idx1-ubyte --hidden 4 --epochs 2 --quiet --out new.safetensors
sweep "train, formula" --out new.safetensors -- \
  train plane.csv --hidden 4 --epochs 2 --loss "(y-p)^2" --optimizer sgd --quiet --out new.safetensors
sweep "train, lbfgs" --out new.safetensors -- \
  train plane.csv --hidden 4 --epochs 3 --optimizer lbfgs --quiet --out new.safetensors
sweep "train, lm" --out new.safetensors -- \
  train plane.csv --hidden 4 --epochs 3 --optimizer lm --quiet --out new.safetensors
sweep "train, options" --out new.safetensors --between new.jsonl --accept true -- \
  train flowers.csv --hidden 6,6 --epochs 3 --batch-size 16 --target kind --ignore id --quiet --valid flowers.csv.gz --normalize batch \
  --dropout 0.1 --embed 2 --schedule cosine --patience 2 --metric accuracy --class-weight balanced --l2 0.01 --clip-norm 1 --threads 2 \
  --log new.jsonl --log-norms --out new.safetensors
sweep "train --out -" -- train flowers.csv $common --out -
sweep resume --out new.safetensors --between begun.checkpoint --accept "$whole" -- \
  resume begun.checkpoint --quiet --out new.safetensors
sweep predict -- predict model.safetensors flowers.csv --quiet
sweep "predict --out" --out new.csv -- predict model.safetensors long.csv --keep id,colour --proba --quiet --out new.csv
sweep "predict, stdin" --stdin flowers.csv -- predict model.safetensors - --quiet
sweep "predict, gzip" -- predict model.safetensors flowers.csv.gz --quiet
sweep evaluate -- evaluate model.safetensors flowers.csv --quiet
sweep "evaluate --json" -- evaluate model.safetensors flowers.csv --json --quiet
sweep "evaluate, regression" -- evaluate plane.safetensors plane.csv --json --quiet
sweep inspect -- inspect model.safetensors
sweep "inspect --json" -- inspect model.safetensors --json
sweep "inspect --gradients" -- inspect model.safetensors --gradients flowers.csv --quiet
sweep gradcheck -- gradcheck model.safetensors flowers.csv --quiet
sweep diff -- diff "a = x*y; sin(a) + norm(w)^2" x=1.5 y=2 "w=[1,2,3]"
sweep "diff --json" -- diff "exp(x) * w" x=1.5 "w=[1,2,3]" --json
sweep "diff --order 2" -- diff "a = x*y; sin(a) + w @ w" x=1.5 y=2 "w=[1,2,3]" --order 2 --json
sweep "diff --trace" -- diff "a = x*y; sin(a) + a^2" x=1.5 y=2 --trace
sweep "diff --along" -- diff "sum(exp(x) * w)" x=1.5 "w=[1,2,3]" --along x=1 --mode forward --order 2
sweep "diff --dot" -- diff "a = x*y; sin(a) + a^2" x=1.5 y=2 --dot
sweep "diff --check" -- diff "a = x*y; sin(a) + a^2" x=1.5 y=2 --check
sweep bench --masked -- bench --seconds 0.02 --only "inference 2-" --json --quiet
sweep version -- version
sweep "version --json" -- version --json
sweep "help, overview" -- help
sweep help -- help train
sweep "man page" -- help --man
sweep completion -- help --completion zsh
exit $bad
