#!/usr/bin/env bash
# One arithmetic, one result: kernels that round alike give the same bytes, each names its arithmetic, and a run goes on with its own alone.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"
flowers >flowers.csv
how="--target kind --task classification --ignore id --hidden 24,24 --normalize batch --dropout 0.2 --valid 0.2 --epochs 4 --seed 3 --quiet"
run version --json
read -ra kernels < <(python3 -c 'import json; print(json.load(open("out"))["cpu"])')
declare -A arithmetic

# with ISA ARGUMENTS...: runs the command with these kernels.
with() { BACKPROP_ISA=$1 run "${@:2}"; }

for isa in "${kernels[@]}"; do
  with "$isa" version
  arithmetic[$isa]=$(sed -n 's/^arithmetic *//p' out)
  check "$isa: version names the arithmetic" grep -qxE "fused multiply-add|separate multiply and add" <<<"${arithmetic[$isa]}"
  for dtype in f32 f64; do
    with "$isa" train flowers.csv $how --dtype $dtype --threads 1 --out "$isa.$dtype.safetensors"
    check "$isa: $dtype is trained" [ "$status" -eq 0 ]
    with "$isa" train flowers.csv $how --dtype $dtype --threads 3 --out again.safetensors
    check "$isa: $dtype has the same bytes with 3 threads" cmp "$isa.$dtype.safetensors" again.safetensors
  done
  run inspect "$isa.f32.safetensors" --json
  check "$isa: the model names the arithmetic" [ "$(python3 -c 'import json; print(json.load(open("out"))["record"]["arithmetic"])')" = "${arithmetic[$isa]}" ]
  run inspect "$isa.f32.safetensors"
  check "$isa: so does inspect" holds out ", ${arithmetic[$isa]}"
  with "$isa" train flowers.csv $how --threads 1 --checkpoint "$isa.ckpt" --checkpoint-every 3epochs --out part.safetensors
  check "$isa: a checkpoint is written" [ -s "$isa.ckpt" ]
done

# then NOW: a checkpoint of one, resumed by the other.
for then in "${kernels[@]}"; do
  for now in "${kernels[@]}"; do
    cp "$then.ckpt" here.ckpt
    rm -f resumed.safetensors
    with "$now" resume here.ckpt --quiet --out resumed.safetensors --threads 2
    if [ "${arithmetic[$then]}" = "${arithmetic[$now]}" ]; then
      for dtype in f32 f64; do
        check "$then and $now agree in $dtype" cmp "$then.$dtype.safetensors" "$now.$dtype.safetensors"
      done
      check "$now goes on with the checkpoint of $then" [ "$status" -eq 0 ]
      check "$now ends $then's run with the same bytes" cmp resumed.safetensors "$then.f32.safetensors"
    else
      check "$now refuses the checkpoint of $then" [ "$status" -eq 2 ]
      check "in one line" one_line err
      check "that names both" holds err "was computed with ${arithmetic[$then]}, this run has ${arithmetic[$now]}"
      check "and says what to do" grep -qE 'go on with BACKPROP_ISA(=baseline$| unset, on a CPU that has it$)' err
      check "and writes nothing" [ ! -e resumed.safetensors ]
    fi
  done
  # A model is used with any arithmetic.
  for now in "${kernels[@]}"; do
    with "$now" predict "$then.f32.safetensors" flowers.csv
    check "$now predicts with the model of $then" [ "$status" -eq 0 ]
  done
done
finish
