#!/usr/bin/env bash
# labels: cli data
# MNIST, where its files are: IDX images with labels, accuracy, memory, and the same bytes from 1 and 2 threads.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
mnist=${BACKPROP_MNIST:-}
[ -n "$mnist" ] && ls "$mnist"/train-images-idx3-ubyte* >/dev/null 2>&1 || skip "no MNIST (set BACKPROP_MNIST to its folder)"
images() { ls "$mnist/$1-images-idx3-ubyte"* | head -1; }
labels() { ls "$mnist/$1-labels-idx1-ubyte"* | head -1; }

train="$(images train) --labels $(labels train) --target label --task classification"
test="$(images t10k) --labels $(labels t10k)"
memory() { python3 -c 'import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=open("megabytes", "w"))
sys.exit(status)' "$@"; }

memory "$backprop" train $train --epochs 2 --seed 1 --json --threads 1 --out one.safetensors >out 2>err
status=$?
check "it trains" [ "$status" -eq 0 ]
check "118,282 parameters, 2 x 469 steps" json 'j["parameters"] == 118282 and j["steps"] == 938'
# 47 MB are the images themselves.
case $("$backprop" version --json) in
*sanitizers*) ;;
*) check "within 87 MB ($(cat megabytes) MB)" [ "$(cat megabytes)" -lt 87 ] ;;
esac
memory "$backprop" train $train --epochs 1 --seed 1 --json --threads 1 --valid 0.2 --patience 5 --out part.safetensors >out 2>err
status=$?
check "48,000 rows to learn from and 12,000 to validate" json 'j["rows"] == 48000 and j["valid_rows"] == 12000 and j["valid"]["accuracy"] > 0.9'
case $("$backprop" version --json) in
*sanitizers*) ;;
*) check "no copies of the images for it: within 87 MB ($(cat megabytes) MB)" [ "$(cat megabytes)" -lt 87 ] ;;
esac
run train $train --epochs 2 --seed 1 --json --threads 2 --out two.safetensors
check "the same bytes from two threads" cmp one.safetensors two.safetensors
run evaluate one.safetensors $test --json
# Two epochs give 0.955 to 0.965; less means that something is wrong.
check "accuracy on the test images" json 'j["rows"] == 10000 and j["accuracy"] > 0.95'
run predict one.safetensors "$(images t10k)"
check "a digit for each image" bash -c '[ "$(wc -l <out)" -eq 10001 ] && [ "$(sed 1d out | sort -u | tr -d "\n")" = 0123456789 ]'
run inspect one.safetensors
check "784 bytes" holds out "pixel0..783"
check "118,282 parameters in all" holds out "118,282"
refuses 3 "labels" train "$(images train)" --labels "$(labels t10k)"
finish
