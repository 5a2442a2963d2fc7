#!/usr/bin/env bash
# common.bash - what the tests of the command share: an empty folder to work in, small data, and checks that count.
# A test sources it, calls the checks, and ends with `finish`.

set -u
backprop=${BACKPROP:?the path of the command}
export source_root=${TEST_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset NO_COLOR LC_ALL BACKPROP_ISA
export LANG=C.UTF-8
checks=0 failures=0

skip() {
  echo "skipped: $*"
  exit 77
}

finish() {
  echo "$((checks - failures)) passed, $failures failed"
  [ "$failures" -eq 0 ]
  exit
}

# check TEXT COMMAND...: the command succeeds.
check() {
  local text=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failures=$((failures + 1))
    echo "FAILED: $text"
    echo "  status ${status:-}; standard error:" && sed 's/^/  | /' err
    echo "  standard output:" && head -20 out | sed 's/^/  | /'
  fi
}

# run ARGUMENTS...: runs the command; leaves $status and the files out and err.
run() {
  "$backprop" "$@" >out 2>err </dev/null
  status=$?
}

# succeeds ARGUMENTS...
succeeds() {
  run "$@"
  check "backprop $* ends with 0" [ "$status" -eq 0 ]
}

holds() { grep -qF -- "$2" "$1"; }
# The words that C libraries have for an error of the system.
holds_either() { holds "$1" "$2" || holds "$1" "$3"; }
fits_terminal() { [ "$(wc -L <"$1")" -le 80 ]; }
one_line() { [ "$(wc -l <"$1")" -eq 1 ]; }
is_error() { one_line err && [ "$(head -c 10 err)" = "backprop: " ]; }
same_files() { [ "$(ls -A)" = "$1" ]; }

# refuses STATUS WORDS ARGUMENTS...: ends with that status and one line that holds the words; nothing on standard output and no
# new file.
refuses() {
  local expected=$1 words=$2
  shift 2
  : >out
  : >err
  local before
  before=$(ls -A)
  run "$@"
  check "backprop $* ends with $expected" [ "$status" -eq "$expected" ]
  check "backprop $* says one line" is_error
  check "backprop $* says '$words'" holds err "$words"
  check "backprop $* prints nothing" [ ! -s out ]
  check "backprop $* leaves no file" same_files "$before"
}

# json EXPRESSION: true for the JSON object `j` in out.
json() {
  python3 - "$1" <<'PYTHON'
import json, math, sys
with open("out") as file:
    j = json.load(file)
if not eval("(" + sys.argv[1] + ")"):
    print("false:", sys.argv[1], "in", j)
    sys.exit(1)
PYTHON
}

# 90 rows of three kinds, a number and a word that tell them apart, and one number that is sometimes missing.
flowers() {
  python3 - <<'PYTHON'
kinds = ["iris", "rose", "tulip"]
print("id,length,width,colour,kind")
for i in range(90):
    k = i % 3
    width = "" if i % 11 == 5 else f"{0.1 * (i * 7 % 10):.1f}"
    print(f"f{i:03d},{k + 0.05 * (i * 13 % 11):.2f},{width},{['blue', 'red', 'red'][k]},{kinds[k]}")
PYTHON
}

# 80 rows: y = 3 a - 2 b + 5
plane() {
  python3 - <<'PYTHON'
print("a,b,y")
for i in range(80):
    a, b = (i * 7 % 20) / 4, (i * 11 % 30) / 6
    print(f"{a},{b},{3 * a - 2 * b + 5}")
PYTHON
}
