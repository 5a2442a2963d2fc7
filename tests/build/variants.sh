#!/usr/bin/env bash
# labels: nightly install
#
# variants.sh - the ways in which others build: link-time optimisation, other optimisation, the other signedness of char, small
# enums, assertions on, gcc and clang, a command that needs no shared library. Each builds without a warning, and trains the model and
# makes the predictions of the tested command, byte for byte.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "variants: $*" >&2
  exit 1
}
logged() {
  "$@" >"$work/log" 2>&1 && return
  tail -30 "$work/log"
  fail "it fails: $*"
}

cd "$work"
awk 'BEGIN {
  print "x,kind,y"
  for (i = 0; i < 400; i++) printf "%.6f,%s,%.6f\n", i / 40, i % 3 ? "ä" : "b", sin(i / 40) + i % 3
}' >table.csv
# results COMMAND FOLDER: what it makes of the table
results() {
  mkdir -p "$2"
  logged "$1" train table.csv --epochs 8 --hidden 16,8 --seed 3 --threads 2 --quiet --out "$2/model.safetensors"
  logged "$1" train table.csv --target kind --epochs 8 --activation gelu --dtype f64 --seed 3 --quiet --out "$2/classes.safetensors"
  logged "$1" predict "$2/model.safetensors" table.csv --out "$2/y.csv"
  logged "$1" predict "$2/classes.safetensors" table.csv --proba --out "$2/kind.csv"
}
results "$BACKPROP" expected

# variant NAME OPTIONS-OF-CMAKE…
variant() {
  local name=$1
  shift
  case " ${VARIANTS:-$name} " in *" $name "*) ;; *) return 0 ;; esac
  logged cmake -S "$TEST_SOURCE" -B build -DBACKPROP_TESTS=OFF -DBACKPROP_WERROR=ON "$@"
  logged nice cmake --build build -j "${JOBS:-2}"
  ! grep -i 'warning' log || fail "$name: a warning"
  results build/bin/backprop results
  diff -r expected results || fail "$name: other bytes"
  logged cmake --install build --prefix "$work/usr"
  echo '#include <backprop/backprop.h>
int main(void) { return bp_status_name(BP_OK)[0] != 66; }' >user.c
  logged cc user.c -Iusr/include "$(find usr -name libbackprop.a)" -lz -lm -pthread -o user
  logged ./user
  echo "-- $name: the same bytes"
  if [ "$name" = static ]; then ! ldd build/bin/backprop | grep -v 'statically linked' || fail "the command needs a shared library"; fi
  rm -rf build results usr user
}
variant O3 '-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O3 -DNDEBUG' -DBACKPROP_KERNEL_FLAGS=-O3 -DCMAKE_C_FLAGS=-funsigned-char
variant Os '-DCMAKE_C_FLAGS_RELWITHDEBINFO=-Os' -DBACKPROP_KERNEL_FLAGS=-Os '-DCMAKE_C_FLAGS=-fsigned-char -fshort-enums -D_FORTIFY_SOURCE=2'
variant lto -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
variant static -DBUILD_SHARED_LIBS=OFF -DZLIB_USE_STATIC_LIBS=ON -DCMAKE_EXE_LINKER_FLAGS=-static
variant static_pie -DBUILD_SHARED_LIBS=OFF -DZLIB_USE_STATIC_LIBS=ON '-DCMAKE_EXE_LINKER_FLAGS=-static-pie'
if command -v clang >/dev/null; then
  variant clang_Os -DCMAKE_C_COMPILER=clang '-DCMAKE_C_FLAGS_RELWITHDEBINFO=-Os' '-DCMAKE_C_FLAGS=-funsigned-char'
  if command -v llvm-ar >/dev/null && command -v ld.lld >/dev/null; then
    variant clang_lto -DCMAKE_C_COMPILER=clang -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
  fi
else
  echo "-- there is no clang: left out"
fi
