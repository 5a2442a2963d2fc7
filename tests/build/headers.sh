#!/usr/bin/env bash
# labels: install
#
# headers.sh - the public headers in other people's projects: each alone, and included twice, has no warning from gcc or clang, in any C
# from C11 and any C++ from C++11 on, and none where its macros are used; a C++ program links both libraries.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "headers: $*" >&2
  exit 1
}

# A source for each header: it includes it twice and uses every macro that is a value.
mkdir "$work/c" "$work/c++"
for header in "$TEST_SOURCE"/include/backprop/*.h "$TEST_BUILD"/include/backprop/*.h; do
  name=$(basename "$header" .h)
  {
    printf '#include <backprop/%s.h>\n#include <backprop/%s.h>\n' "$name" "$name"
    echo 'void use(void);'
    echo 'void use(void) {'
    sed -nE '/_H$|API|NODISCARD/!s/^# *define (BP_[A-Z0-9_]+) +[^ ].*/  (void)(\1);/p' "$header" | sort -u
    echo '}'
  } >"$work/c/$name.c"
  cp "$work/c/$name.c" "$work/c++/$name.cc"
done
grep -q 'BP_BATCH' "$work/c/graph.c" || fail "the macros were not found"

include=("-I$TEST_SOURCE/include" "-I$TEST_BUILD/include")
warnings=(-Werror -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-align -Wcast-qual -Wwrite-strings)
in_c=(-Wstrict-prototypes -Wmissing-prototypes)
in_cxx=(-Wold-style-cast -Wzero-as-null-pointer-constant)
compiled() {
  "$@" "${warnings[@]}" "${include[@]}" -fsyntax-only >"$work/log" 2>&1 && return
  head -20 "$work/log"
  fail "$1 $2: the headers have warnings"
}
compilers=0
for compiler in gcc clang g++ clang++; do
  command -v $compiler >/dev/null || { echo "-- $compiler is not there: left out"; continue; }
  case $compiler in
    *++) language=c++ standards='c++11 c++14 c++17 c++20 c++2b' options=("${in_cxx[@]}") sources=("$work"/c++/*.cc) ;;
    *) language=c standards='c11 gnu11 c17 c2x' options=("${in_c[@]}") sources=("$work"/c/*.c) ;;
  esac
  for standard in $standards; do
    $compiler "-std=$standard" -x $language -fsyntax-only /dev/null 2>/dev/null || { echo "-- $compiler has no $standard: left out"; continue; }
    compiled $compiler "-std=$standard" "${options[@]}" "${sources[@]}"
  done
  compilers=$((compilers + 1))
done
[ $compilers -gt 0 ] || { echo "no compiler called gcc, clang, g++ or clang++"; exit 77; }

# A C++ program that calls the library, through both.
cat >"$work/user.cc" <<'CXX'
#include <backprop/backprop.h>
#include <cmath>
int main() {
  bp_context *context = nullptr;
  bp_graph *graph = nullptr;
  double result[2] = {0, 0};
  void *out[] = {&result[0], &result[1]};
  if (bp_context_new(nullptr, &context) != BP_OK || bp_graph_new(context, &graph) != BP_OK) return 1;
  const int64_t size[] = {1};
  const double three[] = {3};
  bp_var x = bp_constant(graph, BP_F64, 1, size, three), y = bp_sum(bp_mul(bp_exp(x), x), BP_ALL_AXES), slope;
  if (bp_grad(y, &x, 1, &slope) != BP_OK) return 2;
  const bp_var both[] = {y, slope};
  if (bp_eval(both, 2, nullptr, 0, 0, nullptr, out) != BP_OK) return 3;
  bp_graph_free(graph);
  bp_context_free(context);
  const double expected[] = {3 * std::exp(3.0), 4 * std::exp(3.0)};
  for (int i = 0; i < 2; i++)
    if (std::fabs(result[i] - expected[i]) > 1e-12 * expected[i]) return 4;
  return 0;
}
CXX
for compiler in g++ clang++; do
  command -v $compiler >/dev/null || continue
  $compiler -std=c++11 "${warnings[@]}" "${in_cxx[@]}" "${include[@]}" "$work/user.cc" "$TEST_BUILD/lib/libbackprop.so" -o "$work/shared"
  LD_LIBRARY_PATH=$TEST_BUILD/lib "$work/shared" || fail "the C++ program of $compiler with the shared library ends with $?"
  $compiler -std=c++20 "${include[@]}" "$work/user.cc" "$TEST_BUILD/lib/libbackprop.a" -lz -lm -pthread -o "$work/static"
  "$work/static" || fail "the C++ program of $compiler with the static library ends with $?"
done
