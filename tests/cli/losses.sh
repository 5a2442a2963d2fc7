#!/usr/bin/env bash
# Losses, output units, weights and several targets on the command line: what they print, and what they refuse.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
plane >plane.csv
awk 'BEGIN {
  print "x,y,u,v,a,b,w,c"
  for (i = 0; i < 80; i++) {
    x = (i % 9 - 4) / 2; y = (i % 7 - 3) / 2
    print x "," y "," 2 * x - y "," x * y "," (x > 0) "," (y > 0) "," i % 3 "," (x + y > 0.1 ? "up" : "down")
  }
}' >many.csv
awk 'BEGIN {
  print "x,y,c"
  for (i = 0; i < 40; i++) print i % 2 "," int(i / 2) % 2 "," ((i % 2) != (int(i / 2) % 2) ? "yes" : "no")
}' >xor.csv
fast="--hidden 8 --epochs 6 --threads 1"
formulas=0

# ---- losses by name, with a setting, and as a formula ----
for loss in mse half_squared_error rss gaussian:2 gaussian_variance mae laplace:2 quantile:0.9 huber:0.5 \
  'abs(y - p) + 0.1*(y - p)^2'; do
  succeeds train many.csv --target u --features x,y --loss "$loss" $fast --out l.safetensors
  check "the summary names $loss" holds out "adam on $loss"
  succeeds evaluate l.safetensors many.csv
  check "evaluate names $loss" holds out "($loss)"
done
# the setting is in standard deviations of the target, whatever that is measured in
awk -F, -v OFS=, 'NR > 1 { $3 *= 1024 } 1' many.csv >larger.csv
for data in many larger; do
  succeeds train $data.csv --target u --features x,y --loss huber:0.5 $fast --json --out l.safetensors
  python3 -c 'import json; print(json.load(open("out"))["train"]["loss"])' >$data.loss
done
check "huber:0.5 in other units is the same" cmp many.loss larger.loss
for loss in cross_entropy binary_cross_entropy kl hinge perceptron 'log(1 + exp((1 - 2*y)*z))'; do
  succeeds train many.csv --target c --features x,y --loss "$loss" $fast --out l.safetensors
  succeeds evaluate l.safetensors many.csv --json
  check "accuracy with $loss" json 'j["accuracy"] > 0.4 and j["loss"] is not None'
done
succeeds train many.csv --target c --features x,y --loss mse --output sigmoid $fast --out l.safetensors
check "one warning says why" holds err "the gradient vanishes when the answer is wrong and certain; that of binary_cross_entropy does not"
check "only once" [ "$(grep -c vanishes err)" -eq 1 ]
succeeds inspect l.safetensors
check "inspect shows the unit" holds out "sigmoid"

# ---- a formula sees the target as the losses with names do ----
awk 'BEGIN { print "x,y"; for (i = 0; i < 200; i++) print i / 32 "," 1000 + 50 * sin(i / 32) }' >far.csv
for loss in mse '(y - p)^2' '(y - z)^2' '(y_raw - p_raw)^2 / 1000'; do
  succeeds train far.csv --target y --loss "$loss" --hidden 16 --epochs 100 --threads 1 --dtype f64 --out far.safetensors
  succeeds evaluate far.safetensors far.csv --json
  cp out "far.$((++formulas)).json"
done
check "the same loss and RMSE by name and by formula" python3 - <<'PYTHON'
import json
mse, *same, raw = (json.load(open(f"far.{i}.json")) for i in (1, 2, 3, 4))
assert mse["rmse"] < 12, mse["rmse"]
for other in same:
    assert abs(other["rmse"] / mse["rmse"] - 1) < 1e-9 and abs(other["loss"] / mse["loss"] - 1) < 1e-9
assert abs(raw["rmse"] ** 2 / 1000 / raw["loss"] - 1) < 1e-9 and raw["rmse"] < 12
PYTHON
succeeds inspect far.safetensors
check "inspect shows what y is" grep -qE '^y +\(y - 10[0-9.]+\) / [0-9.]+$' out
succeeds inspect far.safetensors --json
check "and its JSON" json 'j["targets"][0]["name"] == "y" and 1000 < j["targets"][0]["mean"] < 1020 and 20 < j["targets"][0]["scale"] < 60'

# ---- spread ----
succeeds train many.csv --target u --features x,y --loss gaussian_variance $fast --out g.safetensors
succeeds predict g.safetensors many.csv
check "mean and standard deviation" [ "$(head -1 out)" = "prediction_u,prediction_u_sd" ]

# ---- several targets ----
succeeds train many.csv --target u,v --ignore a,b,w,c --hidden 8 --epochs 40 --threads 1 --out m.safetensors
check "both targets are named" holds out "u, v: regression"
succeeds predict m.safetensors many.csv --keep u,v
check "a column for each" [ "$(head -1 out)" = "u,v,prediction_u,prediction_v" ]
succeeds evaluate m.safetensors many.csv
check "a line for each target" [ "$(grep -cE '^(u|v) ' out)" -eq 2 ]
succeeds evaluate m.safetensors many.csv --json
check "both in JSON" json '[t["target"] for t in j["targets"]] == ["u", "v"] and j["r2"] > 0.5'
succeeds train many.csv --target a,b --features x,y --hidden 8 --epochs 40 --threads 1 --out ml.safetensors
check "0 and 1 are labels" holds err "multi-label classification, loss binary_cross_entropy"
check "the summary calls the task by its name" holds out "a, b: multi-label classification"
succeeds inspect ml.safetensors
check "so does inspect" holds out "multi-label classification"
succeeds inspect ml.safetensors --json
check "and its JSON" json 'j["task"] == "multi-label classification"'
succeeds evaluate ml.safetensors many.csv
check "and evaluate" holds out "multi-label classification"
succeeds train many.csv --target a,b --features x,y $fast --valid 0.25 --patience 5 --metric accuracy --out s.safetensors
for metric in f1 auc mcc brier; do
  succeeds train many.csv --target c --features x,y $fast --valid 0.25 --patience 5 --metric $metric --out s.safetensors
done
succeeds train many.csv --target u --features x,y $fast --valid 0.25 --patience 5 --metric r2 --out s.safetensors
refuses 2 "metric is auc, but the targets are values" train many.csv --target u --task regression --features x,y $fast --valid 0.25 --patience 5 --metric auc
succeeds evaluate ml.safetensors many.csv --json
check "labels have an accuracy" json 'j["accuracy"] > 0.9'

# ---- weights ----
succeeds train many.csv --target c --features x,y --weight w --class-weight balanced --label-smoothing 0.1 $fast --out w.safetensors
succeeds evaluate w.safetensors many.csv
cut -d, -f1,2,8 many.csv >without.csv
succeeds evaluate w.safetensors without.csv
check "a missing weight is told" holds err "the column of weights 'w' is not there"
succeeds predict w.safetensors without.csv

# ---- the perceptron ----
rosenblatt="--loss perceptron --hidden none --optimizer sgd --lr 1 --batch-size 1"
succeeds train many.csv --target c --features x,y $rosenblatt --epochs 200 --out p.safetensors
check "it ends without errors" holds out "separable: no errors in epoch"
succeeds train many.csv --target c --features x,y $rosenblatt --epochs 200 --json --out p.safetensors
check "JSON says so" json 'j["stopped_by"] == "separated" and j["epochs"] < 200 and j["train"]["accuracy"] == 1'
succeeds train xor.csv $rosenblatt --epochs 30 --out x.safetensors
check "xor is not separable" holds out "not separable within 30 epochs"
succeeds train many.csv --target c --features x,y --loss perceptron --output heaviside --hidden none --optimizer sgd --batch-size full \
  --epochs 300 --out p.safetensors
check "its batch form ends too" holds out "separable: no errors in epoch"
succeeds train many.csv --target c --features x,y --loss binary_cross_entropy --hidden none --optimizer sgd --lr 1 --batch-size 1 \
  --epochs 20 --out p.safetensors
check "logistic regression is the same update with another unit" holds out "2-1, 3 parameters"

# ---- refused before anything is read ----
refuses 2 "tau is 1.5, expected a number above 0 and below 1" train missing.csv --loss quantile:1.5
refuses 2 "there is no loss 'msee'; did you mean mse?" train missing.csv --loss msee
refuses 2 "loss mse has no setting" train missing.csv --loss mse:3
refuses 2 "does not go with output identity: it needs a mean above 0" train missing.csv --loss poisson --output identity
refuses 2 "label smoothing is for" train missing.csv --loss mse --label-smoothing 0.1
refuses 2 "--label-smoothing" train missing.csv --label-smoothing 1

# ---- refused with the data ----
refuses 2 "column 4: unknown name 'q'" train many.csv --target u --task regression --loss '(y-q)^2'
refuses 2 "for each row" train many.csv --target u,v --loss '(y-p)^2'
refuses 2 "loss quantile is for values" train many.csv --target c --task classification --loss quantile
refuses 3 "regression needs numbers" train many.csv --target c --loss mae
refuses 3 "expects 0 to inf" train many.csv --target u --loss poisson
refuses 3 "expects 0 to 1" train many.csv --target u --task regression --loss binary_cross_entropy
refuses 2 "the target is one column of numbers" train many.csv --target u --task regression --loss cross_entropy
refuses 3 "add up to" train many.csv --target a,b --loss cross_entropy
refuses 3 "there is no column 'z' (weight)" train many.csv --target c --weight z
refuses 3 "'c' is a target twice" train many.csv --target c,c
refuses 2 "the target has no class 'upp'; did you mean 'up'?" train many.csv --target c --task classification --class-weight upp=2
refuses 3 "classification has one target" train many.csv --target a,b --task classification
finish
