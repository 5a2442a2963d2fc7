/* The multiply-add peak: every build counts what it does, and the measure is of the order of the machine. */
#include "backprop/info.h"
#include "kernels/kernels.h"
#include "support/testing.h"

/* 12 chains of whole vectors: 16, 32 or 64 bytes of elements, two operations each. */
static void every_build_counts_its_operations(void **state) {
  static const int64_t bytes[BP_ISA_COUNT] = {[BP_ISA_BASELINE] = 16, [BP_ISA_AVX2] = 32, [BP_ISA_AVX512] = 64};
  (void)state;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *k = bp_kernels_of((bp_isa)isa);
    if (k == NULL) continue;
    for (int real = 0; real < BP_REAL_COUNT; real++) {
      int64_t flops = 0;
      double sum = k->peak[real](10, &flops);
      assert_true(sum > 0 && sum < 1e4); /* 12 chains, none beyond 11 + 10 */
      assert_int_equal(flops, 2 * 12 * 10 * bytes[isa] / (real == BP_KF64 ? 8 : 4));
    }
  }
}

static void the_peak_is_that_of_a_processor(void **state) {
  (void)state;
  double narrow = bp_measure_peak(BP_F32, 0.02), wide = bp_measure_peak(BP_F64, 0.02);
  assert_true(narrow > 1e8 && narrow < 1e13);
  assert_true(wide > 1e8 && wide < 1e13);
  assert_true(bp_measure_peak(BP_F32, 0) > 0); /* one run at least */
  assert_true(bp_measure_peak(BP_I32, 1) == 0 && bp_measure_peak(BP_U8, 1) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(every_build_counts_its_operations),
                                     BT_TEST(the_peak_is_that_of_a_processor)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
