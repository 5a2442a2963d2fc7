#!/usr/bin/env bash
# Every wrong command line is told in one line and exit status 2, and leaves no file.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
touch out err

# ---- commands ----
refuses 2 "did you mean train" trian flowers.csv
refuses 2 "did you mean predict" predcit
refuses 2 "unknown command 'frobnicate'" frobnicate
refuses 2 "expected a command first" --epochs 3
refuses 2 "unknown command ''" ""
refuses 2 "train needs DATA" train
refuses 2 "predict needs MODEL DATA" predict
refuses 2 "usage: backprop version" version x
check "no blank at its end" bash -c '! grep -q " $" err'
refuses 2 "predict needs DATA" predict model.safetensors
refuses 2 "evaluate needs DATA" evaluate model.safetensors
refuses 2 "inspect needs MODEL" inspect
refuses 2 "unexpected argument 'more'" train flowers.csv more
refuses 2 "unexpected argument" version 1
refuses 2 "an argument is empty" train ""
refuses 2 "did you mean evaluate" help evalute

# ---- names of options ----
refuses 2 "did you mean --epochs?" train flowers.csv --epoch 3
refuses 2 "did you mean --batch-size?" train flowers.csv --batchsize 3
refuses 2 "did you mean --batch-size?" train flowers.csv --batch_size=3
refuses 2 "unknown option --mixup; see" train flowers.csv --mixup 0.5
refuses 2 "unknown option --l3" train flowers.csv --l3 0.5
refuses 2 "unknown option -x" train flowers.csv -x
refuses 2 "unknown option -qx" train flowers.csv -qx
refuses 2 "--epochs is an option of train, not of predict" predict m.safetensors flowers.csv --epochs 3
refuses 2 "--proba is an option of predict" evaluate m.safetensors flowers.csv --proba
refuses 2 "--json is no option of predict" predict m.safetensors flowers.csv --json
refuses 2 "unknown option --" train flowers.csv --=3
refuses 2 "unexpected argument '--epochs'" train flowers.csv -- --epochs

# ---- values that are missing, doubled, empty ----
refuses 2 "--epochs needs a value: expected a whole number from 1 to 1000000, or auto" train flowers.csv --epochs
refuses 2 "--out needs a value, and --json looks like an option; if it is the value, write --out=--json" train flowers.csv --out --json
refuses 2 "--epochs is given twice" train flowers.csv --epochs 3 --epochs 3
refuses 2 "--epochs is given twice" train flowers.csv -e 3 --epochs=3
refuses 2 "--json is given twice" train flowers.csv --json --json
refuses 2 "--json takes no value, but has 'yes'" train flowers.csv --json=yes
for option in hidden activation normalize dropout dropout-input embed bias-init loss init dtype optimizer lr schedule warmup momentum beta1 beta2 rho epsilon l1 l2 weight-decay clip-norm clip-value max-norm batch-size epochs valid valid-labels patience seed \
  threads target task features ignore labels delimiter header text out progress log config checkpoint checkpoint-every time-limit tolerance; do
  refuses 2 "--$option: the value is empty; expected" train flowers.csv "--$option="
  refuses 2 "--$option: the value is empty; expected" train flowers.csv "--$option" ""
done

# ---- values out of range ----
for bad in 0 -1 1.5 1e3 abc 1000001 99999999999999999999 -99999999999999999999 nan inf +3 " 3" "3 " 0x10 "3,"; do
  refuses 2 "--epochs $bad: expected a whole number from 1 to 1000000, or auto" train flowers.csv --epochs "$bad"
done
for bad in 0 -0.1 -0 abc nan NaN inf -inf 1e999 1001 0x1p3 1,5 "1 " ..5 1e-999; do
  refuses 2 "--lr" train flowers.csv "--lr=$bad"
  check "--lr=$bad names value and range" holds err "--lr $bad: expected a number above 0 and at most 1000, or auto"
done
refuses 2 "--momentum 1: expected a number from 0 and below 1" train flowers.csv --optimizer sgd --momentum 1
refuses 2 "--momentum -0.5: expected" train flowers.csv --optimizer sgd --momentum -0.5
for bad in 0 0steps -1 5x steps 1.5 1e3 5epochss ""; do
  refuses 2 "--checkpoint-every" train flowers.csv "--checkpoint-every=$bad"
done
for bad in 0 0s -1 5x s 1s1m 1h1h 1m30 . 1e3s inf 1s2 ""; do
  refuses 2 "--time-limit" train flowers.csv "--time-limit=$bad"
done
refuses 2 "--l2 -1: expected a number from 0 to 1000" train flowers.csv --l2 -1
refuses 2 "--l1 0.1,-1: expected a number from 0 to 1000, or one for each layer with weights" train flowers.csv --l1 0.1,-1
for bad in "0.1," ",0.1" x "0.1,,0.2" nan "0.1 "; do refuses 2 "--l2 $bad: expected a number" train flowers.csv "--l2=$bad"; done
for option in beta1 beta2 rho epsilon; do
  for bad in 0 1 -0.1 nan x; do
    refuses 2 "--$option $bad: expected a number above 0 and below 1, or auto" train flowers.csv "--$option=$bad"
  done
done
for option in weight-decay clip-norm clip-value max-norm; do
  for bad in -1 nan inf x; do refuses 2 "--$option $bad: expected a number from 0 to" train flowers.csv "--$option=$bad"; done
done
refuses 2 "--schedule cosin: expected constant, step:EPOCHS:FACTOR, exponential:FACTOR, linear:END, cosine:END" train flowers.csv --schedule cosin
check "a schedule is suggested" holds err "did you mean cosine?"
for bad in step: step:0 step:1:1 constant:1 cosine:2 "cosine " :; do
  refuses 2 "--schedule $bad: expected constant" train flowers.csv "--schedule=$bad"
done
for bad in steps -1 1.5steps 2x nan; do
  refuses 2 "--warmup $bad: expected a number of epochs, or of steps, as 2epochs or 500steps" train flowers.csv "--warmup=$bad"
done
refuses 2 "--batch-size 0: expected full, a whole number from 1 to 1073741824, or auto" train flowers.csv --batch-size 0
refuses 2 "--batch-size Full: expected" train flowers.csv --batch-size Full
refuses 2 "--seed -1: expected a whole number from 0 to 18446744073709551615" train flowers.csv --seed -1
refuses 2 "--seed 18446744073709551616: expected" train flowers.csv --seed 18446744073709551616
refuses 2 "--threads 1025: expected a whole number from 0 to 1024" train flowers.csv --threads 1025
refuses 2 "--patience -1: expected" train flowers.csv --patience -1
refuses 2 "--valid 0: expected the name of a file, or a number above 0 and at most 0.9" train flowers.csv --valid 0
refuses 2 "--valid 1: expected" train flowers.csv --valid 1
refuses 2 "--valid -0.2: expected" train flowers.csv --valid -0.2
refuses 2 "--valid nan: expected" train flowers.csv --valid nan
refuses 2 "--hidden 0: expected units of each layer" train flowers.csv --hidden 0
for bad in "128," ,128 128,,128 128x a -5 16777217 999999999999 "8 ,8" none,8; do
  refuses 2 "--hidden $bad: expected units of each layer, from 1 to 16777216" train flowers.csv "--hidden=$bad"
done
refuses 2 "--hidden" train flowers.csv --hidden "$(printf '8,%.0s' {1..64})8"

# ---- names ----
refuses 2 "--activation rellu: expected auto, one name, or one for each hidden layer, some with a setting" \
  train flowers.csv --activation rellu
refuses 2 "--activation tanh,relu6: expected" train flowers.csv --activation tanh,relu6
refuses 2 "as leaky_relu:0.2, elu:1, maxout:3, prelu:unit" train flowers.csv --activation elu:-1
refuses 2 "--normalize groups: expected one of none, batch, layer" train flowers.csv --normalize groups
refuses 2 "--dropout 1: expected a number from 0 and below 1" train flowers.csv --dropout 1
refuses 2 "--dropout-input nan: expected a number from 0 and below 1" train flowers.csv --dropout-input nan
refuses 2 "--dropout: there is no hidden layer with --hidden none" train flowers.csv --hidden none --dropout 0.1
refuses 2 "--normalize: there is no hidden layer with --hidden none" train flowers.csv --hidden none --normalize batch
refuses 2 "lbfgs" train flowers.csv --target kind --task classification --optimizer lbfgs --normalize batch
refuses 2 "batch size is 1, but layer 1 (batch_norm) divides by the deviation within a batch" train flowers.csv --quiet --hidden 8,8 --normalize batch --batch-size 1
refuses 2 "lbfgs" train flowers.csv --target kind --task classification --optimizer lbfgs --dropout 0.1
refuses 2 "--residual needs two hidden layers" train flowers.csv --hidden 8 --residual
refuses 2 "embed 'wide': expected a width from 1 to 4096 or auto" train flowers.csv --target kind --task classification --embed wide
refuses 2 "embed: there is no column 'color' to learn from" train flowers.csv --target kind --task classification --embed color=2
refuses 2 "embed: column 'length' holds no categories" train flowers.csv --target kind --task classification --embed length=2
refuses 2 "--init he_normal:0: expected a name, and a factor" train flowers.csv --init he_normal:0
refuses 2 "--activation: 3 names for 2 hidden layers; expected 1 or 2" train flowers.csv --activation tanh,relu,tanh
refuses 2 "--activation: there is no hidden layer" train flowers.csv --hidden none --activation relu
refuses 2 "--loss: there is no loss 'crossentropy'; did you mean cross_entropy?" \
  train flowers.csv --loss crossentropy
refuses 2 "--optimizer ADAM: expected one of sgd, adam" train flowers.csv --optimizer ADAM
refuses 2 "--init xavier: expected a name, and a factor behind a colon or none, of auto, glorot_uniform" train flowers.csv --init xavier
refuses 2 "--dtype f16: expected one of f32, f64" train flowers.csv --dtype f16
refuses 2 "--task guess: expected one of auto, classification, regression" train flowers.csv --task guess
refuses 2 "--header maybe: expected one of auto, yes, no" train flowers.csv --header maybe
refuses 2 "--delimiter ab: expected auto, comma, semicolon, tab" train flowers.csv --delimiter ab
refuses 2 "--progress dots: expected one of auto, bar, plain, none" train flowers.csv --progress dots

# ---- what does not go together ----
refuses 2 "--momentum is for sgd" train flowers.csv --momentum 0.9
refuses 2 "--nesterov is for sgd" train flowers.csv --nesterov
refuses 2 "adam has no rho; expected one of rmsprop, adadelta with it" train nowhere.csv --rho 0.5
refuses 2 "sgd has no amsgrad; expected one of adam, adamw with it" train nowhere.csv --optimizer sgd --amsgrad
refuses 2 "rprop takes all rows at once; expected a full batch" train nowhere.csv --optimizer rprop --batch-size 8
refuses 2 "lbfgs takes all rows at once; expected a full batch" train nowhere.csv --optimizer lbfgs --batch-size 128
refuses 2 "lbfgs has no lr" train nowhere.csv --optimizer lbfgs --lr 0.1
refuses 2 "--momentum is for sgd and rmsprop" train nowhere.csv --optimizer lm --momentum 0.9
refuses 2 "adam has no memory; expected one of lbfgs with it" train nowhere.csv --memory 5
refuses 2 "lm is for least squares, but loss cross_entropy is no sum of squares" train flowers.csv --quiet --optimizer lm
refuses 2 "rprop finds its own step sizes" train nowhere.csv --optimizer rprop --schedule cosine
refuses 2 "one_cycle begins with a warm-up of its own" train nowhere.csv --schedule one_cycle --warmup 2
refuses 2 "weight_decay is 10 and lr 0.1, expected a product below 1" train nowhere.csv --lr 0.1 --weight-decay 10
refuses 2 "l2: 2 numbers for 3 layers with weights; expected one, or one for each" train flowers.csv --quiet --l2 0.1,0.2
refuses 2 "--nesterov needs a momentum" train flowers.csv --optimizer sgd --nesterov
refuses 2 "class weight: class 'iris' is named twice" train flowers.csv --target kind --quiet --class-weight iris=1,iris=2
refuses 2 "class weight: the target has no class 'a,1'" train flowers.csv --target kind --quiet --class-weight '"a,1"=2'
refuses 2 "embed 'colour=4': what it is for was given a width before" train flowers.csv --target kind --quiet --embed colour=3,colour=4
refuses 3 "there is no column 'idx' (ignore)" train flowers.csv --target kind --ignore '"id"x'
refuses 2 "standard input can be read once" train - --valid -
check "settings come from standard input too" bash -c \
  'echo "epoch = 3" | "$0" train flowers.csv --config - 2>&1 | grep -q "standard input:1: unknown option epoch; did you mean epochs"' "$backprop"
refuses 2 "expected one of bash, zsh, fish" help --completion none
refuses 2 "--patience needs validation rows" train flowers.csv --patience 3 --hidden 8
refuses 2 "--patience needs validation rows" train flowers.csv --patience 3 --preset plain
refuses 2 "--effort is for the strong preset" train flowers.csv --effort 2 --hidden 8
refuses 2 "--valid-labels needs --valid FILE" train flowers.csv --valid 0.2 --valid-labels x
refuses 2 "--man and --completion" help --man --completion bash

# ---- configuration files ----
conf() { printf '%b' "$1" >bad.conf; }
conf 'epochs = 3\nepoch = 4\n'
refuses 2 "bad.conf:2: unknown option epoch; did you mean epochs?" train flowers.csv --config bad.conf
# However long it is, what was written leaves room for what to do.
long=$(printf 'x%.0s' {1..9000})
for text in "$long = 3" "$long" "hidden = $long"; do
  echo "$text" >long.conf
  case $text in *=*) words="expected\|see: backprop help train" ;; *) words="expected name = value" ;; esac
  run train flowers.csv --config long.conf
  check "a long line of a configuration ends with 2" [ "$status" -eq 2 ]
  check "a long line of a configuration: one line" is_error
  check "a long line of a configuration: what to do" grep -q "$words" err
done
refuses 2 "see: backprop help train" train flowers.csv "--$long" 3
refuses 2 "see: backprop help train" train flowers.csv "-$long"
refuses 2 "usage: backprop train" train flowers.csv "$long"
refuses 2 "see: backprop help" "$long"
refuses 2 "expected" train flowers.csv --hidden "$long"
conf '\n# fine\nepochs = 3\n\nepochs = 4\n'
refuses 2 "bad.conf:5: epochs is given twice" train flowers.csv --config bad.conf
conf 'epochs 3\n'
refuses 2 "bad.conf:1: 'epochs 3' has no '='" train flowers.csv --config bad.conf
conf 'epochs = many'
refuses 2 "bad.conf:1: epochs many: expected a whole number" train flowers.csv --config bad.conf
conf 'epochs =\n'
refuses 2 "bad.conf:1: epochs: the value is empty" train flowers.csv --config bad.conf
conf 'json = maybe\n'
refuses 2 "bad.conf:1: json maybe: expected yes or no" train flowers.csv --config bad.conf
conf 'config = bad.conf\n'
refuses 2 "bad.conf:1: config belongs on the command line" train flowers.csv --config bad.conf
conf 'proba = yes\n'
refuses 2 "bad.conf:1: proba is an option of predict, not of train" train flowers.csv --config bad.conf
conf 'epochs = 3\0\n'
refuses 2 "zero byte" train flowers.csv --config bad.conf
refuses 5 "nowhere.conf: cannot open the configuration" train flowers.csv --config nowhere.conf
refuses 5 "cannot read the configuration" train flowers.csv --config .

finish
