#!/usr/bin/env bash
# labels: install slow long
#
# subproject.sh - a project takes this one in by FetchContent, with targets and options of common names, another C standard, a unity
# build, and warnings for its own code that are errors: nothing collides or leaks, it gets no test and no install rule, and links
# both libraries. What the library refuses, it refuses by name: a missing zlib, and flags that
# break the arithmetic.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "subproject: $*" >&2
  exit 1
}

cat >"$work/user.c" <<'C'
#include <backprop/backprop.h>
int main(void) { return bp_status_name(BP_OK)[0] != 'B'; }
C
cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(Outer C)
foreach(name bench check demo format tests quick lint asan tsan coverage fuzz uninstall m replay)
  add_custom_target(${name})
endforeach()
option(TESTS "" ON)
option(COVERAGE "" ON)
option(BUILD_SHARED_LIBS "" OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_UNITY_BUILD ON)
string(APPEND CMAKE_C_FLAGS " -Werror -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wcast-qual -Wundef -Wunused-macros")
enable_testing()
include(FetchContent)
FetchContent_Declare(Backprop SOURCE_DIR ${BACKPROP} OVERRIDE_FIND_PACKAGE)
find_package(Backprop REQUIRED)
foreach(variable CMAKE_BUILD_TYPE CMAKE_C_VISIBILITY_PRESET CMAKE_POSITION_INDEPENDENT_CODE THREADS_PREFER_PTHREAD_FLAG)
  if(${variable})
    message(FATAL_ERROR "${variable} leaks: ${${variable}}")
  endif()
endforeach()
if(NOT CMAKE_C_STANDARD EQUAL 99)
  message(FATAL_ERROR "CMAKE_C_STANDARD leaks: ${CMAKE_C_STANDARD}")
endif()
add_executable(shared user.c)
target_link_libraries(shared PRIVATE Backprop::backprop)
add_executable(static user.c)
target_link_libraries(static PRIVATE Backprop::backprop_static)
install(TARGETS shared)
CMAKE
cmake -S "$work" -B "$work/build" -DBACKPROP="$TEST_SOURCE" >"$work/log" 2>&1 || { cat "$work/log"; fail "it cannot be configured"; }
nice cmake --build "$work/build" -j "${JOBS:-2}" >"$work/log" 2>&1 || { tail -20 "$work/log"; fail "it does not build"; }
"$work/build/shared"
"$work/build/static"
ctest --test-dir "$work/build" -N | grep -q '^Total Tests: 0$' || fail "it has tests of ours: $(ctest --test-dir "$work/build" -N)"
cmake --install "$work/build" --prefix "$work/usr" >/dev/null
[ "$(cd "$work/usr" && find . -type f)" = ./bin/shared ] || fail "files of ours were installed: $(find "$work/usr" -type f)"

# Without zlib, or cmocka where tests are wanted: it is named.
if cmake -S "$TEST_SOURCE" -B "$work/none" -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON >"$work/log" 2>&1; then fail "zlib is not missed"; fi
grep -q 'scripts/install-deps' "$work/log" && grep -q zlib1g-dev "$work/log" || fail "a missing zlib is not named"
if cmake -S "$TEST_SOURCE" -B "$work/no_cmocka" -DCMAKE_DISABLE_FIND_PACKAGE_cmocka=ON -DBACKPROP_TESTS=ON >"$work/log" 2>&1; then fail "cmocka is not missed"; fi
grep -q 'scripts/install-deps' "$work/log" && grep -q libcmocka-dev "$work/log" || fail "a missing cmocka is not named"
# libm is linked by name, wherever the linker finds it.
cmake -S "$TEST_SOURCE" -B "$work/libm" -DBACKPROP_TESTS=OFF >/dev/null 2>&1
grep -q -- ' -lm' "$work/libm/CMakeFiles/backprop.dir/link.txt" || fail "the library is not linked with -lm"

# Flags that break the arithmetic.
cc=${CC:-cc}
echo '#include "base/target.h"' >"$work/target.c"
refused() {
  local text=$1
  shift
  if "$cc" "$@" "-I$TEST_SOURCE/src" -fsyntax-only "$work/target.c" 2>"$work/log"; then fail "$* is not refused"; fi
  grep -q -e "$text" "$work/log" || { cat "$work/log"; fail "$*: no $text in what is said"; }
}
"$cc" -O2 "-I$TEST_SOURCE/src" -fsyntax-only "$work/target.c" || fail "plain flags are refused"
refused '-ffast-math' -ffast-math
refused '-ffast-math' -Ofast
refused '-ffast-math' -ffinite-math-only
[ "$(uname -m)" != x86_64 ] || refused '-msse2 -mfpmath=sse' -mfpmath=387 -std=c11
refused 'little-endian' -U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__
