#!/usr/bin/env bash
# The demo runs, fits a terminal, and what it shows is a network that has learnt.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
[ -f "$source_root/data/digits.csv.gz" ] || skip "no data/digits.csv.gz"
BACKPROP=$backprop "$source_root/scripts/demo" "$work/build" >out 2>err
status=$?
check "the demo ends well" [ "$status" -eq 0 ]
grep -v -e "$work" -e "$backprop" out >here # the paths of this test are long
check "it fits a terminal" fits_terminal here
check "the layer table" holds out "layers.1     dense    softmax      [rows, 10]"
check "pictures" holds out "@@"
check "the truth beside the answer" grep -qE 'a [0-9]: says [0-9], [0-9.]+%' out
check "more than 19 of 20 right" awk '/^accuracy/ { found = $2 > 0.95 } END { exit !found }' out
BACKPROP=$backprop "$source_root/scripts/demo" "$work/build" >again 2>err
# Only times differ from run to run.
check "every run shows the same" cmp <(grep -v '^training' out) <(grep -v '^training' again)
finish
