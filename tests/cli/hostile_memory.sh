#!/usr/bin/env bash
# labels: cli long
#
# Memory that a small file, or an endless pipe, can take: what docs/formats.md states, and --max-memory beyond it. Sanitizers take
# memory of their own, so it is left out there, as what is long is; the fuzz targets read such files under them.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
plane >plane.csv
succeeds train plane.csv --hidden 2 --epochs 1 --out m --quiet
python3 - <<'PYTHON'
import gzip, struct
gzip.open("rows.csv.gz", "wb").write(b"a,y\n" + b"1,2\n" * 10_000_000)
gzip.open("line.csv.gz", "wb").write(b"a" * 95_000_000)
gzip.open("model.gz", "wb").write(open("m", "rb").read() + bytes(95_000_000))
header = b'{"a":[' + b"[]," * 31_000_000 + b"[]]}"
gzip.open("header.gz", "wb").write(struct.pack("<Q", len(header)) + header)
open("categories.csv", "w").write("c,y\n" + "".join(f"k{i},{i % 5}\n" for i in range(40000)))
PYTHON
# peak LIMIT COMMAND: its status and message stay; the command took no more than so many MiB.
cat >peak.py <<'PYTHON'
import os, resource, subprocess, sys
status = subprocess.run(["bash", "-c", sys.argv[2]], stdout=open("out", "w"), stderr=open("err", "w"), timeout=100 * int(os.environ["TEST_TIME"])).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
open("peak", "w").write(f"{peak:.0f} MiB")
sys.exit(99 if peak > int(sys.argv[1]) else status)
PYTHON
bounded() { # LIMIT STATUS WORDS COMMAND
  python3 peak.py "$1" "$4"
  status=$?
  check "$4 ends with $2 within $1 MiB ($(cat peak))" [ "$status" -eq "$2" ]
  check "$4 says '$3'" holds err "$3"
}
limit=150 # 64 MiB, 512 times 100 kB, and the program itself
bounded $limit 7 "raise --max-memory" "'$backprop' train rows.csv.gz --epochs 1 --quiet"
bounded $limit 3 "without the end of a line" "'$backprop' train line.csv.gz"
bounded $limit 7 "raise --max-memory" "'$backprop' predict m line.csv.gz"
bounded $limit 7 "raise --max-memory" "'$backprop' predict model.gz plane.csv"
bounded $limit 7 "raise --max-memory" "'$backprop' evaluate header.gz plane.csv"
bounded $limit 7 "raise --max-memory" "'$backprop' inspect header.gz"
bounded $limit 7 "raise --max-memory" "'$backprop' resume header.gz"
bounded 200 3 "without the end of a line" "yes | tr -d '\\n' | '$backprop' predict m -"
bounded 200 3 "without the end of a line" "yes | tr -d '\\n' | '$backprop' train -"
bounded 200 3 "a NUL byte" "'$backprop' train - </dev/zero"
bounded 200 3 "a NUL byte" "'$backprop' predict m - </dev/zero"
bounded 200 0 "40000 different texts" "'$backprop' train categories.csv --task regression --epochs 1 --hidden 2 --max-categories 0"
bounded 200 0 "40000 different texts" "'$backprop' train categories.csv --task regression --epochs 1 --hidden 2 --max-categories 0 --embed 2"

# ---- checkpoints that say more than they hold: told before memory is taken for it ----
flowers >flowers.csv
succeeds train flowers.csv --target kind --ignore id --hidden 4 --epochs 4 --checkpoint-every 2epochs --out c --quiet
succeeds train plane.csv --optimizer lbfgs --hidden 4 --epochs 4 --checkpoint-every 2epochs --out l --quiet
forged() { # FROM STATUS WORDS CODE: the note, or all that the checkpoint says of its run
  python3 "$source_root/tests/cli/forge_checkpoint.py" "$1" forged.checkpoint "$4"
  bounded 40 "$2" "$3" "'$backprop' resume forged.checkpoint --out forged --quiet # $4"
}
claim="layers = r['model']['layers']; layers[0]['units'] = 20000; layers.insert(1, layers[0])"
forged c.checkpoint 2 "layers[0].units 4, that of this run 20000" "n['options']['hidden'] = '20000,20000'"
forged c.checkpoint 4 "tensors; this run needs" "n['options']['hidden'] = '20000,20000'; $claim"
forged c.checkpoint 2 "layers[0].units 4, that of this run 16000000" "n['options']['hidden'] = '16000000'"
forged c.checkpoint 4 "tensor params.layers.0.weight: another type or shape" \
  "n['options']['hidden'] = '16000000'; r['model']['layers'][0]['units'] = 16000000"
forged c.checkpoint 2 "layers[0].units 4, that of this run 1000" "n['options']['hidden'] = ','.join(['1000'] * 64)"
forged c.checkpoint 4 "history: another type or shape" "texts['backprop.checkpoint'] = texts['backprop.checkpoint'].replace('\"epoch\":5', '\"epoch\":1000000')"
forged l.checkpoint 2 "made with memory 10, this run has 1000" "n['options']['memory'] = '1000'"
forged l.checkpoint 4 "tensor method: another type or shape" \
  "n['options']['memory'] = '1000'; r['settings']['memory'] = '1000'"
forged l.checkpoint 4 "tensor params.layers.0.weight: another type or shape" \
  "n['options']['hidden'] = '9000000'; r['model']['layers'][0]['units'] = 9000000"

# ---- honest tables, and the option ----
bounded 600 3 "'y'" "'$backprop' train rows.csv.gz --epochs 1 --max-memory 2G"
bounded 600 3 "'y'" "'$backprop' train rows.csv.gz --epochs 1 --max-memory none"
refuses 7 "more memory than the 1 MiB that were allowed" predict m plane.csv --max-memory 1M
refuses 2 "--max-memory much: expected a number of bytes, as 500M or 8G, or none" predict m plane.csv --max-memory much
refuses 2 "max-memory" predict m plane.csv --max-memory 0
refuses 2 "max-memory" predict m plane.csv --max-memory 99999999T
finish
