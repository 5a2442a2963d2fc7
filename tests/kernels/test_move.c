/* labels: unit */
/* Conversion, gathering, scattering, strided copies and filling, against plain loops. Operands end at a closed page. */
#include "kernels/kernel_testing.h"

static const size_t type_size[4] = {4, 8, 1, 4};

static double get(const void *p, int type, int64_t i) {
  switch (type) {
  case 0: return (double)((const float *)p)[i];
  case 1: return ((const double *)p)[i];
  case 2: return ((const uint8_t *)p)[i];
  default: return ((const int32_t *)p)[i];
  }
}

/* What a number becomes in a type: truncated, saturated, 0 for NaN. */
static double converted(double x, int type) {
  if (type == 0) return (double)(float)x;
  if (type == 1) return x;
  const double low = type == 2 ? 0 : -2147483648.0, high = type == 2 ? 255 : 2147483647.0;
  return isnan(x) ? 0 : x < low ? low : x > high ? high : trunc(x);
}
static void set(void *p, int type, int64_t i, double x) {
  if (type == 0)
    ((float *)p)[i] = (float)x;
  else if (type == 1)
    ((double *)p)[i] = x;
  else if (type == 2)
    ((uint8_t *)p)[i] = (uint8_t)converted(x, 2);
  else
    ((int32_t *)p)[i] = (int32_t)converted(x, 3);
}
static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void every_pair_of_types_converts(void **state) {
  (void)state;
  static const double values[] = {0,
                                  -0.0,
                                  1,
                                  -1,
                                  0.9,
                                  -0.9,
                                  1.5,
                                  254.99,
                                  255,
                                  255.5,
                                  256,
                                  1e10,
                                  -1e10,
                                  2147483647,
                                  2147483648.0,
                                  -2147483648.0,
                                  -2147483649.0,
                                  3e38,
                                  (double)NAN,
                                  (double)INFINITY,
                                  -(double)INFINITY,
                                  16777217};
  enum { VALUES = sizeof values / sizeof *values, MOST = 75 };
  kt_block in = kt_new(MOST * 8), out = kt_new(MOST * 8);
  for (int to = 0; to < 4; to++) {
    for (int from = 0; from < 4; from++) {
      for (int n = 0; n <= MOST; n++) {
        void *x = kt_at_end(&in, (size_t)n * type_size[from]), *y = kt_at_end(&out, (size_t)n * type_size[to]);
        for (int i = 0; i < n; i++) set(x, from, i, values[(i + n) % VALUES]);
        bp_convert(y, to, x, from, n);
        kt_check_before(&out, (size_t)n * type_size[to]);
        for (int i = 0; i < n; i++) {
          if (!same(get(y, to, i), converted(get(x, from, i), to))) {
            fail_msg("type %d to %d: %.17g became %.17g", from, to, get(x, from, i), get(y, to, i));
          }
        }
      }
    }
  }
  kt_free(&in);
  kt_free(&out);
}

static void rows_are_gathered_and_converted(void **state) {
  (void)state;
  enum { TABLE = 9, ROWS = 13 };
  static const int32_t index[ROWS] = {8, 0, 3, 3, 1, 7, 8, 2, 6, 5, 4, 0, 8};
  for (int to = 0; to < 2; to++) {
    for (int from = 0; from < 4; from++) {
      for (int columns = 1; columns <= 40; columns += 3) {
        const size_t in_size = TABLE * (size_t)columns * type_size[from],
                     out_size = ROWS * (size_t)columns * type_size[to];
        kt_block in = kt_new(in_size), out = kt_new(out_size);
        void *table = kt_at_end(&in, in_size), *y = kt_at_end(&out, out_size);
        for (int i = 0; i < TABLE * columns; i++) set(table, from, i, (i * 37) % 256);
        bp_gather_rows(y, to, table, from, index, ROWS, columns);
        kt_check_before(&out, out_size);
        for (int r = 0; r < ROWS; r++) {
          for (int c = 0; c < columns; c++) {
            assert_true(get(y, to, r * columns + c) == get(table, from, index[r] * columns + c));
          }
        }
        kt_free(&in);
        kt_free(&out);
      }
    }
  }
}

/* In order: the same row is met several times, and float addition does not commute with that. */
static void rows_are_added_in_order(void **state) {
  (void)state;
  enum { TABLE = 5, ROWS = 11, COLUMNS = 19 };
  static const int32_t index[ROWS] = {1, 4, 1, 0, 1, 4, 4, 3, 1, 0, 1};
  static float y32[TABLE * COLUMNS], want32[TABLE * COLUMNS], x32[ROWS * COLUMNS];
  static double y64[TABLE * COLUMNS], want64[TABLE * COLUMNS], x64[ROWS * COLUMNS];
  uint64_t seed = 9;
  for (int i = 0; i < TABLE * COLUMNS; i++)
    y32[i] = want32[i] = (float)(y64[i] = want64[i] = (double)(float)kt_uniform(&seed));
  for (int i = 0; i < ROWS * COLUMNS; i++) x32[i] = (float)(x64[i] = 1e5 * kt_uniform(&seed));
  for (int r = 0; r < ROWS; r++) {
    for (int c = 0; c < COLUMNS; c++) {
      want32[index[r] * COLUMNS + c] += x32[r * COLUMNS + c];
      want64[index[r] * COLUMNS + c] += x64[r * COLUMNS + c];
    }
  }
  bp_scatter_add_rows(y32, x32, BP_KF32, index, ROWS, COLUMNS);
  bp_scatter_add_rows(y64, x64, BP_KF64, index, ROWS, COLUMNS);
  assert_memory_equal(y32, want32, sizeof y32);
  assert_memory_equal(y64, want64, sizeof y64);
}

/* ---- strided copies ---- */
typedef struct copy {
  int rank;
  int64_t dims[4], strides[4], offset; /* offset: of the element [0, 0, …] in the source */
} copy;

static void check_copy(const copy *c, size_t size) {
  int64_t count = 1, last = c->offset;
  for (int i = 0; i < c->rank; i++) {
    count *= c->dims[i];
    if (c->strides[i] > 0 && c->dims[i] > 0) last += (c->dims[i] - 1) * c->strides[i];
  }
  const size_t in_size = (size_t)(last + 1) * size, out_size = (size_t)count * size;
  kt_block in = kt_new(in_size), out = kt_new(out_size + 1);
  unsigned char *x = kt_at_end(&in, in_size), *y = kt_at_end(&out, out_size);
  for (size_t i = 0; i < in_size; i++) x[i] = (unsigned char)(i * 131 + i / 251);
  bp_copy_strided(y, x + (size_t)c->offset * size, size, c->rank, c->dims, c->strides);
  kt_check_before(&out, out_size);
  for (int64_t n = 0; n < count; n++) {
    int64_t rest = n, at = c->offset;
    for (int i = c->rank - 1; i >= 0; i--) {
      at += rest % c->dims[i] * c->strides[i];
      rest /= c->dims[i];
    }
    if (memcmp(y + (size_t)n * size, x + (size_t)at * size, size) != 0) {
      fail_msg("rank %d, first axes %d %d, strides %d %d, size %d: element %d differs", c->rank, (int)c->dims[0],
               (int)c->dims[1], (int)c->strides[0], (int)c->strides[1], (int)size, (int)n);
    }
  }
  kt_free(&in);
  kt_free(&out);
}

static void check_all_sizes(const copy *c) {
  check_copy(c, 1);
  check_copy(c, 4);
  check_copy(c, 8);
}

static void strided_copies_follow_their_strides(void **state) {
  (void)state;
  static const copy copies[] = {
      {0, {0}, {0}, 0},
      {1, {7}, {1}, 0},
      {1, {7}, {3}, 0},
      {1, {7}, {0}, 0},
      {1, {7}, {-2}, 12},
      {1, {0}, {1}, 0},
      {2, {5, 6}, {6, 1}, 0},
      {2, {5, 6}, {9, 1}, 0},
      {2, {5, 6}, {0, 1}, 0},
      {2, {5, 6}, {1, 0}, 0},
      {2, {5, 6}, {0, 0}, 0},
      {2, {5, 6}, {12, 2}, 0},
      {2, {5, 6}, {-6, 1}, 24},
      {2, {0, 6}, {6, 1}, 0},
      {2, {5, 0}, {1, 5}, 0},
      {2, {5, 1}, {1, 5}, 0},
      {2, {1, 5}, {1, 1}, 0},
      {3, {3, 4, 5}, {20, 5, 1}, 0},
      {3, {3, 4, 5}, {1, 3, 12}, 0},
      {3, {3, 4, 5}, {4, 1, 12}, 0},
      {3, {3, 4, 5}, {0, 1, 4}, 0},
      {4, {2, 3, 4, 5}, {60, 5, 15, 1}, 0},
      {4, {2, 3, 4, 5}, {1, 2, 6, 24}, 0},
      {3, {3, 0, 5}, {0, 1, 4}, 0},
  };
  for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) check_all_sizes(&copies[i]);
}

static void transposes_of_every_size_are_right(void **state) {
  (void)state;
  for (int64_t rows = 1; rows <= 37; rows++) {
    for (int64_t columns = 1; columns <= 37; columns += 1 + columns / 6) {
      check_all_sizes(&(copy){2, {columns, rows}, {1, columns}, 0});
      check_all_sizes(&(copy){2, {columns, rows}, {1, columns + 3}, 0});
    }
  }
  check_all_sizes(&(copy){2, {200, 130}, {1, 200}, 0});
}

static void a_fill_writes_all_and_only_that(void **state) {
  (void)state;
  kt_block out = kt_new(100 * 8);
  for (int real = 0; real < BP_REAL_COUNT; real++) {
    for (int n = 0; n <= 100; n++) {
      void *y = kt_at_end(&out, (size_t)n * kt_size((bp_real)real));
      bp_fill(y, (bp_real)real, -2.5, n);
      kt_check_before(&out, (size_t)n * kt_size((bp_real)real));
      for (int i = 0; i < n; i++) assert_true(kt_get(y, (bp_real)real, i) == -2.5);
    }
  }
  kt_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pair_of_types_converts),
      cmocka_unit_test(rows_are_gathered_and_converted),
      cmocka_unit_test(rows_are_added_in_order),
      cmocka_unit_test(strided_copies_follow_their_strides),
      cmocka_unit_test(transposes_of_every_size_are_right),
      cmocka_unit_test(a_fill_writes_all_and_only_that),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
