/* CPU features and counts. */
#include "base/cpu.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "support/testing.h"

static void builds_have_names(void **state) {
  (void)state;
  assert_string_equal(bp_isa_name(BP_ISA_BASELINE), "baseline");
  assert_string_equal(bp_isa_name(BP_ISA_AVX2), "avx2");
  assert_string_equal(bp_isa_name(BP_ISA_AVX512), "avx512");
  assert_string_equal(bp_isa_name(BP_ISA_COUNT), "?");
}

static void what_runs_wide_runs_plain(void **state) {
  (void)state;
  assert_true(bp_cpu_can(BP_ISA_BASELINE));
  for (int isa = 1; isa < BP_ISA_COUNT; isa++)
    if (bp_cpu_can((bp_isa)isa)) assert_true(bp_cpu_can((bp_isa)(isa - 1)));
  assert_false(bp_cpu_can(BP_ISA_COUNT));
}

static void a_wish_lowers_the_build_and_never_raises_it(void **state) {
  (void)state;
  bp_isa best = bp_isa_choose(NULL);
  assert_true(bp_cpu_can(best));
  assert_true(best + 1 == BP_ISA_COUNT || !bp_cpu_can((bp_isa)(best + 1)));
  for (int isa = 0; isa < BP_ISA_COUNT; isa++)
    assert_int_equal(bp_isa_choose(bp_isa_name((bp_isa)isa)), isa <= (int)best ? isa : (int)best);
  assert_int_equal(bp_isa_choose("sse9"), best);
  assert_int_equal(bp_isa_choose(""), best);
}

static void the_environment_is_asked_once(void **state) {
  (void)state;
  assert_int_equal(setenv("BACKPROP_ISA", "baseline", 1), 0);
  assert_int_equal(bp_cpu_isa(), BP_ISA_BASELINE);
  assert_int_equal(unsetenv("BACKPROP_ISA"), 0);
  assert_int_equal(bp_cpu_isa(), BP_ISA_BASELINE);
}

static void the_count_of_cores_is_plausible(void **state) {
  (void)state;
  assert_true(bp_core_count() >= 1);
  assert_true(bp_core_count() <= sysconf(_SC_NPROCESSORS_CONF));
}

static void quotas_are_rounded_up_to_cores(void **state) {
  (void)state;
  static const struct {
    const char *line;
    int cores;
  } rows[] = {
      {"max 100000\n", 0},
      {"200000 100000\n", 2},
      {"250000 100000\n", 3},
      {"1000 100000\n", 1},
      {"", 0},
      {"100000", 0},
      {"100000 0", 0},
      {"-5 100000", 0},
      {"100000 -100000", 0},
      {"x y", 0},
      {"9223372036854775807 1", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(bp_quota_cores(rows[i].line), rows[i].cores);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(builds_have_names),
      cmocka_unit_test(what_runs_wide_runs_plain),
      cmocka_unit_test(a_wish_lowers_the_build_and_never_raises_it),
      cmocka_unit_test(the_environment_is_asked_once),
      cmocka_unit_test(quotas_are_rounded_up_to_cores),
      cmocka_unit_test(the_count_of_cores_is_plausible),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
