#!/usr/bin/env bash
# Settings and data that cannot be trained with: a clear line, the right exit status, and the model that was there stays.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
printf 'a,y\n1,x\n' >one_row.csv
printf 'a,y\n1,x\n2,x\n3,x\n' >one_class.csv
printf 'a,y\n1,x\n2,z\n' >two_rows.csv
printf 'a,y\n' >no_rows.csv
printf 'a,y\n1,-3\n2,0.5\n3,1\n' >below.csv
printf 'a,y\n1,2.5\n2,nan\n3,inf\n4,1\n' >infinite.csv
printf 'a,y\n5,1.5\n5,2.5\n5,3.5\n' >constant.csv
echo "the model that was there" >kept.safetensors
cp kept.safetensors copy

# kept STATUS WORDS ARGUMENTS...: refused, and the old model is as it was.
kept() {
  local expected=$1 words=$2
  shift 2
  run "$@" --out kept.safetensors --quiet
  check "backprop $* ends with $expected" [ "$status" -eq "$expected" ]
  check "backprop $* says one line" is_error
  check "backprop $* says '$words'" holds err "$words"
  check "backprop $* leaves the old model" cmp copy kept.safetensors
  check "backprop $* leaves no other file" [ -z "$(find . -name '*tmp' -o -name '*checkpoint')" ]
}

# ---- settings: 2 ----
while IFS='|' read -r words arguments; do
  [ -n "$words" ] || continue
  kept 2 "$words" train $arguments
done <<'TABLE'
--lr nan: expected a number above 0|flowers.csv --lr nan
--lr 0: expected a number above 0|flowers.csv --lr 0
--lr 1e30: expected a number above 0 and at most 1000|flowers.csv --lr 1e30
--lr -1: expected|flowers.csv --lr -1
--momentum 1: expected a number from 0 and below 1|flowers.csv --optimizer sgd --momentum 1
--beta1 1: expected|flowers.csv --beta1 1
--beta2 1: expected|flowers.csv --beta2 1
--epsilon 0: expected|flowers.csv --epsilon 0
--epochs 0: expected|flowers.csv --epochs 0
--batch-size 0: expected|flowers.csv --batch-size 0
--patience needs validation rows|flowers.csv --patience 3 --hidden 8
--metric is what --patience goes by|flowers.csv --valid 0.2 --metric accuracy --patience 0
metric is rmse, but the targets are classes|flowers.csv --target kind --ignore id --task classification --valid 0.2 --patience 3 --metric rmse
metric is accuracy, but the targets are values|plane.csv --target y --task regression --valid 0.2 --patience 3 --metric accuracy
--tolerance 1: expected|flowers.csv --tolerance 1
--tolerance nan: expected|flowers.csv --tolerance nan
--time-limit 0: expected a time|flowers.csv --time-limit 0
--valid 1: expected|flowers.csv --valid 1
--valid 0: expected|flowers.csv --valid 0
--checkpoint-every 0: expected|flowers.csv --checkpoint-every 0
--loss|plane.csv --target y --task regression --loss nonsense
--clip-norm -1: expected|flowers.csv --clip-norm -1
--l2 inf: expected|flowers.csv --l2 inf
TABLE

# ---- data: 3 ----
while IFS='|' read -r words arguments; do
  [ -n "$words" ] || continue
  kept 3 "$words" train $arguments
done <<'TABLE'
no rows|no_rows.csv --target y --task classification
has one class|one_row.csv --target y --task classification --valid 0.5
cannot be split for validation|two_rows.csv --target y --task classification --valid 0.5
class|one_class.csv --target y --task classification
class|flowers.csv --target kind --task regression
infinite|infinite.csv --target y --task regression
constant|constant.csv --target y --task regression
TABLE
run train below.csv --target y --task regression --loss binary_cross_entropy --out kept.safetensors --quiet
check "a target outside the output's range is refused" [ "$status" -eq 3 ]
check "in one line" is_error
check "with the value" holds err "-3"
check "and the old model stays" cmp copy kept.safetensors
run train plane.csv --target y --task regression --loss cross_entropy --out kept.safetensors --quiet
check "classes for values are refused" [ "$status" -eq 2 ] || [ "$status" -eq 3 ]
check "in one line too" is_error
check "and the old model stays again" cmp copy kept.safetensors

# ---- divergence: 6 ----
run train plane.csv --target y --task regression --hidden 16 --activation relu --optimizer sgd --lr 900 --out kept.safetensors --quiet
check "divergence ends with 6" [ "$status" -eq 6 ]
check "it is one line" is_error
check "it names the step" holds err "at step "
check "it names the layer" holds err "layers."
check "it names the cause" holds err "try a smaller learning rate than 900"
check "before the first epoch is through there is no good model: the old one stays" cmp copy kept.safetensors
finish
