/* Uniform numbers of every build against the plain generator, in any range and cut anywhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "kernels/kernels.h"
#include "support/testing.h"

enum { NUMBERS = 1000 };
static const uint64_t key = 0x0123456789abcdef, step = 0x1122334455667788;

/* Number i of the stream, from the block that holds it. */
static double number(bp_real real, int64_t i) {
  int64_t each = real == BP_KF64 ? 2 : 4, block = i / each, w = i % each;
  const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)step, (uint32_t)(step >> 32)};
  const uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
  uint32_t out[4];
  bp_philox(counter, k, out);
  if (real == BP_KF32) return (double)(out[w] >> 8) / 16777216.0;
  return (double)((out[2 * w] | (uint64_t)out[2 * w + 1] << 32) >> 11) / 9007199254740992.0;
}

static double element(bp_real real, const void *data, int64_t i) {
  return real == BP_KF64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void check_range(const bp_kernels *kernels, bp_real real, int64_t first, int64_t n) {
  size_t size = real == BP_KF64 ? 8 : 4;
  double room[NUMBERS + 2];
  unsigned char *out = (unsigned char *)room + size;
  memset(room, 0xaa, sizeof room);
  kernels->uniform[real](out, key, step, first, n);
  for (int64_t i = 0; i < n; i++) assert_true(element(real, out, i) == number(real, first + i));
  for (size_t b = 0; b < size; b++) assert_true(out[-1 - (int)b] == 0xaa && out[(size_t)n * size + b] == 0xaa);
}

static void every_range_is_that_of_the_plain_generator(void **state) {
  (void)state;
  static const int64_t firsts[] = {0, 1, 2, 3, 4, 5, 63, 64, 1000003, ((int64_t)1 << 34) - 5, ((int64_t)1 << 40) + 1};
  static const int64_t counts[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 127, 128, 130, NUMBERS};
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    for (int real = 0; kernels != NULL && real < BP_REAL_COUNT; real++)
      for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
          check_range(kernels, (bp_real)real, firsts[f], counts[c]);
  }
}

/* A mean of n uniform numbers is 1/2 within 5 / sqrt(12 n); another step or key gives other numbers. */
static void numbers_are_uniform_and_streams_differ(void **state) {
  (void)state;
  enum { MANY = 100000 };
  float *a = malloc(MANY * sizeof *a), *b = malloc(MANY * sizeof *b);
  const bp_kernels *kernels = bp_kernels_use();
  double sum = 0, product = 0;
  kernels->uniform[BP_KF32](a, key, 0, 0, MANY);
  kernels->uniform[BP_KF32](b, key, 1, 0, MANY);
  for (int i = 0; i < MANY; i++) {
    assert_true(a[i] >= 0 && a[i] < 1);
    sum += (double)a[i];
    product += ((double)a[i] - 0.5) * ((double)b[i] - 0.5);
  }
  bt_assert_close(sum / MANY, 0.5, 0, 5 / sqrt(12.0 * MANY));
  bt_assert_close(product / MANY, 0, 0, 5 / (12 * sqrt((double)MANY)));
  free(a);
  free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(every_range_is_that_of_the_plain_generator),
                                     BT_TEST(numbers_are_uniform_and_streams_differ)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
