#!/usr/bin/env bash
# labels: nightly
#
# large_files.sh - tables beyond 4 GiB: what stands behind that place is read, predicted, written and named in messages as if it stood
# at the beginning; and the bound of memory is told by its line.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/../cli/common.bash"
free_disk=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
free_memory=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
[ "$free_disk" -ge 16 ] || skip "16 GiB of disk are needed in $work, and $free_disk are free"
[ "$free_memory" -ge 14 ] || skip "14 GiB of memory are needed, and $free_memory are free"
same() { cmp -s "$1" "$2"; }

# ---- CSV: 68,000 rows of 65,000 bytes, the last with other numbers; the large cell is other text in each row ----
make_csv() {
  python3 - "$1" "$2" <<'PYTHON'
import math, sys
name, rows = sys.argv[1], int(sys.argv[2])
with open(name, "w") as file:
    file.write("a,note,y\n")
    for i in range(rows):
        a = i % 1000 / 100 if i < 67990 else i - 67988
        file.write(f"{a},{i:010}{'x' * 64980},{math.sin(a):.6f}\n")
PYTHON
}
make_csv large.csv 68000
{ head -1 large.csv; tail -10 large.csv; } >end.csv
check "the file is beyond 4 GiB" [ "$(stat -c %s large.csv)" -gt 4294967296 ]
awk 'BEGIN { print "a,note,y"; for (i = 0; i < 500; i++) printf "%s,n%d,%.6f\n", i / 50, i, sin(i / 50) }' >train.csv
succeeds train train.csv --ignore note --target y --epochs 20 --seed 1 --out model.safetensors
succeeds predict model.safetensors end.csv --keep note --out end_predicted.csv
succeeds predict model.safetensors large.csv --keep note --out predicted.csv
check "what is written is beyond 4 GiB" [ "$(stat -c %s predicted.csv)" -gt 4294967296 ]
check "all rows are there" [ "$(wc -l <predicted.csv)" -eq 68001 ]
tail -10 predicted.csv >tail_of_predicted
tail -10 end_predicted.csv >tail_of_end
check "the rows behind 4 GiB are predicted as those of a small file" same tail_of_predicted tail_of_end
rm -f predicted.csv

succeeds evaluate model.safetensors large.csv --json
check "evaluate counts all rows" grep -q '"rows": *68000' out
succeeds train large.csv --ignore note --target y --epochs 1 --seed 1 --json --out of_large.safetensors
check "training takes all rows" grep -q '"rows": *68000' out
run train large.csv --ignore note --target y --epochs 1 --max-memory 1G --out none.safetensors
check "a bound of 1 GiB ends with 7" [ "$status" -eq 7 ]
check "in one line that names the option" bash -c '[ "$(wc -l <err)" -eq 1 ] && grep -q -- --max-memory err'

printf '1,two\n' >>large.csv
run train large.csv --ignore note --target y --epochs 1 --out none.safetensors
check "a short row behind 4 GiB ends with 3" [ "$status" -eq 3 ]
check "and is named by its line" grep -q 'large.csv:68002' err
rm -f large.csv

# ---- IDX: 70,000 rows of 63,000 bytes, all zero but the last 10 rows ----
python3 - <<'PYTHON'
import struct
def write(name, rows, columns, first):
    with open(name, "wb") as file:
        file.write(bytes([0, 0, 8, 2]) + struct.pack(">II", rows, columns))
        file.truncate(12 + rows * columns)
        for k in range(10):
            file.seek(12 + (first + k) * columns)
            file.write(bytes((k * 7 + j) % 256 for j in range(500)))
write("large-idx2-ubyte", 70000, 63000, 69990)
write("small-idx2-ubyte", 10, 63000, 0)
for name, rows in ("large-labels-idx1-ubyte", 70000), ("small-labels-idx1-ubyte", 10):
    with open(name, "wb") as file:
        file.write(bytes([0, 0, 8, 1]) + struct.pack(">I", rows) + bytes(i % 2 for i in range(rows)))
PYTHON
check "the file is beyond 4 GiB" [ "$(stat -c %s large-idx2-ubyte)" -gt 4294967296 ]
succeeds train small-idx2-ubyte --labels small-labels-idx1-ubyte --hidden none --epochs 2 --seed 1 --out idx.safetensors
succeeds predict idx.safetensors small-idx2-ubyte --out small_predicted.csv
succeeds predict idx.safetensors large-idx2-ubyte --out predicted.csv
check "a prediction for each row" [ "$(wc -l <predicted.csv)" -eq 70001 ]
tail -10 predicted.csv >tail_of_predicted
tail -10 small_predicted.csv >tail_of_end
check "the rows behind 4 GiB are predicted as those of a small file" same tail_of_predicted tail_of_end
succeeds evaluate idx.safetensors large-idx2-ubyte --labels large-labels-idx1-ubyte --json
check "evaluate counts all rows" grep -q '"rows": *70000' out
truncate -s -1 large-idx2-ubyte
run predict idx.safetensors large-idx2-ubyte --out predicted.csv
check "a missing byte at the end ends with 3" [ "$status" -eq 3 ]
check "and both sizes are told" grep -q '4409999999.*4410000000' err
finish
