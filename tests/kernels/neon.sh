#!/usr/bin/env bash
# labels: nightly
# The tests of the kernels on 64-bit ARM: the baseline build there is NEON. Cross-compiled with Debian's gcc-aarch64-linux-gnu and
# libc6-dev-arm64-cross, run by qemu-user; skipped where one of them is missing. There is no cmocka for the other machine,
# so a header of the same name stands in for what these tests use of it.
set -eu
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/support"
cat >"$work/support/testing.h" <<'END'
#ifndef BT_TESTING_H
#define BT_TESTING_H
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define assert_true(c)                                                                                                 \
  do {                                                                                                                 \
    if (!(c)) fail_msg("%s:%d: %s", __FILE__, __LINE__, #c);                                                           \
  } while (0)
#define fail_msg(...) exit((printf(__VA_ARGS__), printf("\n"), 1))
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_null(p) assert_true((p) == NULL)
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)
#define print_message(...) printf(__VA_ARGS__)
#define bt_assert_close(a, b, r, t) assert_true(fabs((a) - (b)) <= (r)*fabs(b) + (t))
struct CMUnitTest {
  const char *name;
  void (*test)(void **);
};
#define cmocka_unit_test(f) {#f, f}
static int run_tests(const struct CMUnitTest *tests, size_t n) {
  for (size_t i = 0; i < n; i++) {
    tests[i].test(NULL);
    printf("OK %s\n", tests[i].name);
  }
  return 0;
}
#define cmocka_run_group_tests(tests, setup, teardown) run_tests(tests, sizeof tests / sizeof *tests)
#endif
END
flags=(-O2 -std=gnu11 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Wshadow -Wconversion -Werror
  "-I$TEST_SOURCE/src" "-I$TEST_SOURCE/include" "-I$TEST_BUILD/include")
isa=(-DBP_ISA=baseline -DBP_ISA_NAME=baseline -DBP_ISA_BASELINE_BUILD=1)
for source in "$TEST_SOURCE"/src/kernels/*.c "$TEST_SOURCE/src/base/cpu.c"; do
  define=()
  [[ $source != *_kernel.c ]] || define=("${isa[@]}")
  $cc "${flags[@]}" "${define[@]}" -c "$source" -o "$work/$(basename "$source" .c).o"
done
for test in gemm ew_values ew_accuracy reduce move; do
  $cc -O2 -std=gnu11 -D_GNU_SOURCE -ffp-contract=off "-I$work" "-I$TEST_SOURCE/src" "-I$TEST_SOURCE/include" \
    "-I$TEST_SOURCE/tests" "$TEST_SOURCE/tests/kernels/test_$test.c" "$work"/*.o -static -lm -o "$work/test_$test"
  echo "== $test"
  qemu-aarch64 "$work/test_$test" | tee "$work/log"
  [ "${PIPESTATUS[0]}" = 0 ] || { echo "kernels.$test failed on NEON"; exit 1; }
done
