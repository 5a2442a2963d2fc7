#!/usr/bin/env bash
# --skip and --comment: kept in the model, so that its data are read as those of the training were, unless they are given anew.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
(printf 'made by, a logger\nof, last, week, and more\n' && plane | sed '20i! moved') >logged.csv
plane >plain.csv
fast="--hidden none --epochs 2 --quiet --out m.safetensors"
refuses 3 "logged.csv" train logged.csv $fast
refuses 2 "--comment" train logged.csv $fast --comment xy
refuses 2 "--skip" train logged.csv $fast --skip -1
succeeds train logged.csv $fast --skip 2 --comment '!'
succeeds predict m.safetensors logged.csv
cp out kept.csv
check "the lines left out are told" holds err "note: the first lines of the data are left out, as many as in training; --skip 0 keeps them"
check "every row has its prediction" [ "$(wc -l <kept.csv)" -eq 81 ]
refuses 3 "" predict m.safetensors plain.csv --quiet
succeeds predict m.safetensors plain.csv --skip 0
check "the table without these lines is predicted alike" cmp -s out kept.csv
check "and nothing is told" [ ! -s err ]
"$backprop" predict m.safetensors - <logged.csv >out 2>err
check "standard input is read as the file is" cmp -s out kept.csv
succeeds evaluate m.safetensors logged.csv
finish
