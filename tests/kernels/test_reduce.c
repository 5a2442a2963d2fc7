/* labels: unit */
/* Reductions and logsumexp against plain loops in long double, on every build that this CPU runs: all shapes of row and
 * column, strides, NaN, and the promise that a split changes no bit. Inputs end at a closed page. */
#include "kernels/kernel_testing.h"

static const char *const names[] = {"sum", "max", "min", "prod"};

static long double start_of(bp_reduce_op op) {
  if (op == BP_REDUCE_MAX) return -(long double)INFINITY;
  if (op == BP_REDUCE_MIN) return (long double)INFINITY;
  return op == BP_REDUCE_PROD ? 1 : 0;
}
static long double join(bp_reduce_op op, long double a, long double b) {
  if (op == BP_REDUCE_SUM) return a + b;
  if (op == BP_REDUCE_PROD) return a * b;
  if (isnan(a) || isnan(b)) return isnan(a) ? a : b;
  return op == BP_REDUCE_MAX ? (b > a ? b : a) : (b < a ? b : a);
}

typedef struct shape {
  int64_t outer, reduce, inner, outer_gap, reduce_gap, out_gap;
} shape;

static bp_reduce reduction_of(const shape *s, const void *in, void *out) {
  const int64_t reduce_stride = s->inner + s->reduce_gap;
  return (bp_reduce){
      s->outer, s->reduce, s->inner, s->reduce * reduce_stride + s->outer_gap, reduce_stride, s->inner + s->out_gap,
      in,       out};
}
static int64_t in_extent(const bp_reduce *g) {
  if (!g->outer || !g->reduce || !g->inner) return 0;
  return (g->outer - 1) * g->outer_stride + (g->reduce - 1) * g->reduce_stride + g->inner;
}
static int64_t out_extent(const bp_reduce *g) {
  return g->outer && g->inner ? (g->outer - 1) * g->out_stride + g->inner : 0;
}

/* The result of a build is near the long double loop, and max and min are exact. */
static void check_against_loop(const bp_reduce *g, bp_reduce_op op, bp_real real, const char *isa) {
  for (int64_t o = 0; o < g->outer; o++) {
    for (int64_t i = 0; i < g->inner; i++) {
      long double exact = start_of(op), size = 0;
      for (int64_t r = 0; r < g->reduce; r++) {
        const long double x = (long double)kt_get(g->in, real, o * g->outer_stride + r * g->reduce_stride + i);
        exact = join(op, exact, x);
        size += fabsl(x);
      }
      const long double got = (long double)kt_get(g->out, real, o * g->out_stride + i);
      const long double eps = real == BP_KF64 ? 0x1p-52L : 0x1p-23L;
      long double allowed = 0;
      if (op == BP_REDUCE_SUM)
        allowed = eps * size *
                  (g->inner == 1 && g->reduce_stride == 1 ? 10 + (long double)g->reduce / 16 : (long double)g->reduce);
      if (op == BP_REDUCE_PROD) allowed = eps * fabsl(exact) * (long double)g->reduce;
      if (got == exact || fabsl(got - exact) <= allowed) continue;
      fail_msg("%s %s %s: outer %d reduce %d inner %d is %g, not %g", isa, names[op], kt_name(real), (int)g->outer,
               (int)g->reduce, (int)g->inner, (double)got, (double)exact);
    }
  }
}

static void check_shape(const shape *s) {
  bp_reduce g = reduction_of(s, NULL, NULL);
  const size_t in_count = (size_t)in_extent(&g), out_count = (size_t)out_extent(&g);
  kt_block in = kt_new(in_count * 8 + 8), out = kt_new(out_count * 8 + 8);
  for (int real = 0; real < BP_REAL_COUNT; real++) {
    const size_t size = kt_size((bp_real)real);
    void *x = kt_at_end(&in, in_count * size);
    uint64_t seed = 11;
    g.in = x;
    for (int64_t o = 0; o < g.outer; o++) {
      for (int64_t r = 0; r < g.reduce; r++) {
        for (int64_t i = 0; i < g.inner; i++) {
          kt_set(x, (bp_real)real, o * g.outer_stride + r * g.reduce_stride + i, 1 + 0.5 * kt_uniform(&seed));
        }
      }
    }
    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
      const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
      for (int op = 0; kernels && op < BP_REDUCE_COUNT; op++) {
        g.out = kt_at_end(&out, out_count * size);
        kernels->reduce[real][op](&g);
        kt_check_before(&out, out_count * size);
        check_against_loop(&g, (bp_reduce_op)op, (bp_real)real, bp_isa_name((bp_isa)isa));
      }
    }
  }
  kt_free(&in);
  kt_free(&out);
}

static void every_shape_is_right(void **state) {
  (void)state;
  for (int n = 0; n <= 70; n++) check_shape(&(shape){3, n, 1, n % 3, 0, n % 2});
  for (int n = 250; n <= 400; n += 13) check_shape(&(shape){2, n, 1, 0, 0, 0});
  for (int outer = 1; outer <= 40; outer++) check_shape(&(shape){outer, 10, 1, outer % 3, 0, 0});
  for (int inner = 2; inner <= 80; inner++) check_shape(&(shape){2, 5, inner, inner % 3, inner % 2, inner % 4});
  check_shape(&(shape){2, 7, 1, 0, 3, 0}); /* one column out of several */
  check_shape(&(shape){0, 7, 3, 0, 0, 0});
  check_shape(&(shape){3, 7, 0, 0, 0, 0});
  check_shape(&(shape){3, 0, 4, 0, 0, 0});
}

static void empty_reductions_are_neutral(void **state) {
  (void)state;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    if (!kernels) continue;
    const double expected[BP_REDUCE_COUNT] = {0, -(double)INFINITY, (double)INFINITY, 1};
    for (int op = 0; op < BP_REDUCE_COUNT; op++) {
      double y[3] = {9, 9, 9};
      kernels->reduce[BP_KF64][op](&(bp_reduce){1, 0, 1, 0, 1, 1, y, y});
      kernels->reduce[BP_KF64][op](&(bp_reduce){1, 0, 2, 0, 2, 2, y, y + 1});
      for (int i = 0; i < 3; i++) assert_true(y[i] == expected[op]);
    }
  }
}

/* A NaN anywhere makes its own row NaN, and no other. */
static void max_and_min_hand_nan_on(void **state) {
  (void)state;
  static const int lengths[] = {1, 5, 10, 16, 17, 31, 33, 100, 300};
  static float x[3 * 300], y[3], z[300];
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    for (size_t l = 0; kernels && l < sizeof lengths / sizeof *lengths; l++) {
      const int n = lengths[l];
      for (int at = 0; at < n; at += 1 + at / 7) {
        for (int op = BP_REDUCE_MAX; op <= BP_REDUCE_MIN; op++) {
          for (int i = 0; i < 3 * n; i++) x[i] = (float)(i % 5);
          x[n + at] = NAN;
          kernels->reduce[BP_KF32][op](&(bp_reduce){3, n, 1, n, 1, 1, x, y});
          assert_true(!isnan(y[0]) && isnan(y[1]) && !isnan(y[2]));
          kernels->reduce[BP_KF32][op](&(bp_reduce){1, 3, n, 0, n, n, x, z});
          for (int i = 0; i < n; i++) assert_int_equal(isnan(z[i]) != 0, i == at);
        }
      }
    }
  }
}

/* The same bits from every build, and from rows or columns worked alone. */
static void neither_build_nor_split_changes_a_bit(void **state) {
  (void)state;
  enum { OUTER = 21, MOST = 300 };
  static const int lengths[] = {1, 3, 10, 16, 20, 32, 33, 100, 255, 256, 300};
  static double x[OUTER * MOST], whole[OUTER * MOST], other[OUTER * MOST];
  uint64_t seed = 3;
  for (int i = 0; i < OUTER * MOST; i++) x[i] = kt_uniform(&seed);
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
    const int n = lengths[l];
    for (int op = 0; op < BP_REDUCE_COUNT; op++) {
      bp_kernels_of(BP_ISA_BASELINE)->reduce[BP_KF64][op](&(bp_reduce){OUTER, n, 1, n, 1, 1, x, whole});
      for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
        const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
        if (!kernels) continue;
        for (int o = 0; o < OUTER; o++)
          kernels->reduce[BP_KF64][op](&(bp_reduce){1, n, 1, n, 1, 1, x + o * n, other + o});
        assert_memory_equal(whole, other, OUTER * sizeof(double));
      }
      if (n == 1) continue;
      /* A column worked alone is a chain like those beside it; only dense rows have lanes. */
      bp_kernels_of(BP_ISA_BASELINE)->reduce[BP_KF64][op](&(bp_reduce){1, OUTER, n, 0, n, n, x, whole});
      for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
        const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
        if (!kernels) continue;
        for (int i = 0; i < n; i++) kernels->reduce[BP_KF64][op](&(bp_reduce){1, OUTER, 1, 0, n, 1, x + i, other + i});
        assert_memory_equal(whole, other, (size_t)n * sizeof(double));
      }
    }
  }
}

/* ---- logsumexp ---- */
static long double logsumexp_l(const void *x, bp_real real, int64_t n) {
  long double top = -(long double)INFINITY, sum = 0;
  for (int64_t c = 0; c < n; c++) {
    const long double v = (long double)kt_get(x, real, c);
    if (isnan(v)) return v;
    if (v > top) top = v;
  }
  if (isinf(top)) return top;
  for (int64_t c = 0; c < n; c++) sum += expl((long double)kt_get(x, real, c) - top);
  return top + logl(sum);
}

static void logsumexp_is_right_for_every_width(void **state) {
  (void)state;
  enum { ROWS = 19 };
  static const int widths[] = {1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 31, 63, 64, 65, 100, 129, 300};
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    const int n = widths[w];
    kt_block in = kt_new((size_t)(ROWS * n) * 8), out = kt_new(ROWS * 8);
    for (int real = 0; real < BP_REAL_COUNT; real++) {
      const size_t size = kt_size((bp_real)real);
      char *x = kt_at_end(&in, (size_t)(ROWS * n) * size);
      uint64_t seed = 23;
      for (int i = 0; i < ROWS * n; i++) kt_set(x, (bp_real)real, i, (i / n % 4 == 3 ? 300 : 4) * kt_uniform(&seed));
      kt_set(x, (bp_real)real, 5 * n, 1e30); /* finite for any finite row */
      kt_set(x, (bp_real)real, 6 * n, (double)INFINITY);
      kt_set(x, (bp_real)real, 7 * n + n - 1, (double)NAN);
      for (int i = 0; i < n; i++) kt_set(x, (bp_real)real, 8 * n + i, -(double)INFINITY);
      kt_set(x, (bp_real)real, 9 * n, -(double)INFINITY);
      for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
        const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
        if (!kernels) continue;
        void *y = kt_at_end(&out, ROWS * size);
        kernels->logsumexp[real](y, x, ROWS, n);
        kt_check_before(&out, ROWS * size);
        for (int r = 0; r < ROWS; r++) {
          const char *row = x + (size_t)(r * n) * size;
          const long double exact = logsumexp_l(row, (bp_real)real, n);
          const double got = kt_get(y, (bp_real)real, r);
          char alone[8];
          kernels->logsumexp[real](alone, row, 1, n);
          assert_memory_equal(alone, (char *)y + (size_t)r * size, size); /* whatever rows came with it */
          if (!isfinite(exact)) {
            assert_true(isnan(exact) ? isnan(got) : (long double)got == exact);
            continue;
          }
          /* Relative to the maximum: the sum may cancel it. */
          const long double eps = real == BP_KF64 ? 0x1p-52L : 0x1p-23L;
          long double scale = fabsl(exact) + 6;
          assert_true(fabsl((long double)got - exact) <= 2 * eps * scale);
        }
      }
    }
    kt_free(&in);
    kt_free(&out);
  }
}

static void logsumexp_of_nothing_is_minus_infinity(void **state) {
  (void)state;
  double y[2] = {1, 1};
  bp_kernels_use()->logsumexp[BP_KF64](y, y, 2, 0);
  assert_true(y[0] == -(double)INFINITY && y[1] == -(double)INFINITY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_shape_is_right),
      cmocka_unit_test(empty_reductions_are_neutral),
      cmocka_unit_test(max_and_min_hand_nan_on),
      cmocka_unit_test(neither_build_nor_split_changes_a_bit),
      cmocka_unit_test(logsumexp_is_right_for_every_width),
      cmocka_unit_test(logsumexp_of_nothing_is_minus_infinity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
