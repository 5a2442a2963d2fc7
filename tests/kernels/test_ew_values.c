/* labels: unit */
/* The elementwise kernels: special values, exact operations, and the promise that an element does not depend on where it
 * stands, on every build that this CPU runs. */
#include "kernels/kernel_testing.h"

#define INF ((double)INFINITY)
#define NOT ((double)NAN)

/* ---- f(x) for values with an exact answer ---- */
typedef struct special {
  bp_ew op;
  double x, y;
} special;
static const special specials[] = {
    {BP_EW_exp, 0, 1},
    {BP_EW_exp, -0.0, 1},
    {BP_EW_exp, INF, INF},
    {BP_EW_exp, -INF, 0},
    {BP_EW_exp, NOT, NOT},
    {BP_EW_exp, 1e30, INF},
    {BP_EW_exp, -1e30, 0},
    {BP_EW_exp, 1000, INF},
    {BP_EW_exp, -1000, 0},
    {BP_EW_expm1, 0, 0},
    {BP_EW_expm1, -0.0, -0.0},
    {BP_EW_expm1, INF, INF},
    {BP_EW_expm1, -INF, -1},
    {BP_EW_expm1, -100, -1},
    {BP_EW_expm1, NOT, NOT},
    {BP_EW_expm1, 1e-30, 1e-30},
    {BP_EW_log, 1, 0},
    {BP_EW_log, 0, -INF},
    {BP_EW_log, -0.0, -INF},
    {BP_EW_log, -1, NOT},
    {BP_EW_log, INF, INF},
    {BP_EW_log, -INF, NOT},
    {BP_EW_log, NOT, NOT},
    {BP_EW_log2, 8, 3},
    {BP_EW_log2, 0.125, -3},
    {BP_EW_log2, 0, -INF},
    {BP_EW_log2, 0x1p-149, -149},
    {BP_EW_log2, 0x1p127, 127},
    {BP_EW_log2, -1, NOT},
    {BP_EW_log2, INF, INF},
    {BP_EW_log1p, 0, 0},
    {BP_EW_log1p, -0.0, -0.0},
    {BP_EW_log1p, -1, -INF},
    {BP_EW_log1p, -1.5, NOT},
    {BP_EW_log1p, INF, INF},
    {BP_EW_log1p, -INF, NOT},
    {BP_EW_log1p, NOT, NOT},
    {BP_EW_log1p, 1e-30, 1e-30},
    {BP_EW_sin, 0, 0},
    {BP_EW_sin, -0.0, -0.0},
    {BP_EW_sin, INF, NOT},
    {BP_EW_sin, NOT, NOT},
    {BP_EW_cos, 0, 1},
    {BP_EW_cos, -INF, NOT},
    {BP_EW_cos, NOT, NOT},
    {BP_EW_tan, -0.0, -0.0},
    {BP_EW_asin, 2, NOT},
    {BP_EW_acos, 1, 0},
    {BP_EW_atan, -0.0, -0.0},
    {BP_EW_sinh, -INF, -INF},
    {BP_EW_cosh, -INF, INF},
    {BP_EW_tanh, 0, 0},
    {BP_EW_tanh, -0.0, -0.0},
    {BP_EW_tanh, INF, 1},
    {BP_EW_tanh, -INF, -1},
    {BP_EW_tanh, 1000, 1},
    {BP_EW_tanh, NOT, NOT},
    {BP_EW_tanh, 0x1p-149, 0x1p-149},
    {BP_EW_tanh, -1e-30, -1e-30},
    {BP_EW_sigmoid, 0, 0.5},
    {BP_EW_sigmoid, -0.0, 0.5},
    {BP_EW_sigmoid, INF, 1},
    {BP_EW_sigmoid, -INF, 0},
    {BP_EW_sigmoid, 1000, 1},
    {BP_EW_sigmoid, -1000, 0},
    {BP_EW_sigmoid, NOT, NOT},
    {BP_EW_softplus, INF, INF},
    {BP_EW_softplus, -INF, 0},
    {BP_EW_softplus, 1000, 1000},
    {BP_EW_softplus, -1000, 0},
    {BP_EW_softplus, NOT, NOT},
    {BP_EW_relu, -1, 0},
    {BP_EW_relu, 2, 2},
    {BP_EW_relu, 0, 0},
    {BP_EW_relu, NOT, NOT},
    {BP_EW_relu, -INF, 0},
    {BP_EW_relu, INF, INF},
    {BP_EW_heaviside, 0, 1},
    {BP_EW_heaviside, -0.0, 1},
    {BP_EW_heaviside, -1e-30, 0},
    {BP_EW_heaviside, 3, 1},
    {BP_EW_sign, 3, 1},
    {BP_EW_sign, -3, -1},
    {BP_EW_sign, 0, 0},
    {BP_EW_sign, NOT, NOT},
    {BP_EW_abs, -0.0, 0},
    {BP_EW_abs, -INF, INF},
    {BP_EW_neg, 0, -0.0},
    {BP_EW_copy, -0.0, -0.0},
    {BP_EW_copy, NOT, NOT},
    {BP_EW_round, 0.5, 0},
    {BP_EW_round, 1.5, 2},
    {BP_EW_round, 2.5, 2},
    {BP_EW_round, -0.5, -0.0},
    {BP_EW_round, -2.5, -2},
    {BP_EW_round, 8388609, 8388609},
    {BP_EW_round, INF, INF},
    {BP_EW_round, NOT, NOT},
    {BP_EW_floor, -0.5, -1},
    {BP_EW_floor, 0.5, 0},
    {BP_EW_floor, -0.0, -0.0},
    {BP_EW_floor, -INF, -INF},
    {BP_EW_ceil, -0.5, -0.0},
    {BP_EW_ceil, 0.5, 1},
    {BP_EW_ceil, NOT, NOT},
    {BP_EW_floor, NOT, NOT},
    {BP_EW_sqrt, -0.0, -0.0},
    {BP_EW_sqrt, -1, NOT},
    {BP_EW_rsqrt, 0, INF},
    {BP_EW_rsqrt, INF, 0},
    {BP_EW_reciprocal, 0, INF},
    {BP_EW_reciprocal, -0.0, -INF},
    {BP_EW_square, -3, 9},
    {BP_EW_erf, 0, 0},
    {BP_EW_erf, INF, 1},
    {BP_EW_erfc, -INF, 2},
    {BP_EW_lgamma, 1, 0},
    {BP_EW_lgamma, 2, 0},
    {BP_EW_lgamma, 0, INF},
    {BP_EW_digamma, 0, -INF},
    {BP_EW_digamma, -0.0, INF},
    {BP_EW_digamma, -3, NOT},
    {BP_EW_digamma, INF, INF},
    {BP_EW_digamma, NOT, NOT},
};

/* heaviside(NaN) is 0: no comparison with a NaN is true. */
static void special_values_are_exact(void **state) {
  (void)state;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    for (size_t i = 0; kernels && i < 2 * sizeof specials / sizeof *specials; i++) {
      const special *s = &specials[i / 2];
      const bp_real real = i % 2 ? BP_KF64 : BP_KF32;
      double x, y = 99;
      kt_set(&x, real, 0, s->x);
      kernels->ew[real][s->op](&y, (const void *const[]){&x}, 1);
      const double got = kt_get(&y, real, 0);
      const double want =
          s->y == s->x && s->y != 0 ? kt_get(&x, real, 0) : s->y; /* x itself, as far as the type holds it */
      const bool same =
          isnan(want) ? isnan(got) : got == want && (s->op == BP_EW_sign || !signbit(got) == !signbit(want));
      if (!same) fail_msg("%s %s(%g) is %.17g, not %g", bp_isa_name((bp_isa)isa), bp_ew_name(s->op), s->x, got, want);
    }
  }
}

/* ---- operations of two arguments, over all pairs of interesting values ---- */
static double expected_of_two(bp_ew op, double a, double b) {
  switch (op) {
  case BP_EW_add: return a + b;
  case BP_EW_sub: return a - b;
  case BP_EW_mul: return a * b;
  case BP_EW_div: return a / b;
  case BP_EW_max: return isnan(a) ? a : isnan(b) ? b : b > a ? b : a;
  case BP_EW_min: return isnan(a) ? a : isnan(b) ? b : b < a ? b : a;
  case BP_EW_max_share: return a > b ? 1 : a < b ? 0 : a == b ? 0.5 : NAN;
  case BP_EW_mul_no_nan: return b == 0 ? 0 : a * b;
  case BP_EW_div_no_nan: return b == 0 ? 0 : a / b;
  case BP_EW_equal: return a == b;
  case BP_EW_not_equal: return a != b;
  case BP_EW_less: return a < b;
  case BP_EW_less_equal: return a <= b;
  case BP_EW_greater: return a > b;
  default: return a >= b;
  }
}

static void pairs_of_special_values_are_exact(void **state) {
  (void)state;
  static const double values[] = {0, -0.0, 1, -1, 2.5, 0x1p-149, 0x1p127, -0x1p127, INF, -INF, NOT};
  enum { N = sizeof values / sizeof *values };
  static const bp_ew ops[] = {BP_EW_add,     BP_EW_sub,           BP_EW_mul,       BP_EW_div,        BP_EW_max,
                              BP_EW_min,     BP_EW_equal,         BP_EW_not_equal, BP_EW_less,       BP_EW_less_equal,
                              BP_EW_greater, BP_EW_greater_equal, BP_EW_max_share, BP_EW_mul_no_nan, BP_EW_div_no_nan};
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    for (int real = 0; kernels && real < BP_REAL_COUNT; real++) {
      double a[N * N], b[N * N], y[N * N];
      for (int i = 0; i < N * N; i++) {
        kt_set(a, (bp_real)real, i, values[i / N]);
        kt_set(b, (bp_real)real, i, values[i % N]);
      }
      for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        kernels->ew[real][ops[o]](y, (const void *const[]){a, b}, N * N);
        for (int i = 0; i < N * N; i++) {
          double want = expected_of_two(ops[o], values[i / N], values[i % N]);
          if (real == BP_KF32) want = (double)(float)want;
          const double got = kt_get(y, (bp_real)real, i);
          if (isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want)) continue;
          fail_msg("%s %s(%g, %g) is %g, not %g", bp_isa_name((bp_isa)isa), bp_ew_name(ops[o]), values[i / N],
                   values[i % N], got, want);
        }
      }
    }
  }
}

static void where_takes_what_the_condition_says(void **state) {
  (void)state;
  static const double conditions[] = {0, -0.0, 1, -2, NOT, INF, 0x1p-149};
  enum { N = sizeof conditions / sizeof *conditions, LENGTH = 5 * N };
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    for (int real = 0; kernels && real < BP_REAL_COUNT; real++) {
      double c[LENGTH], a[LENGTH], b[LENGTH], y[LENGTH];
      for (int i = 0; i < LENGTH; i++) {
        kt_set(c, (bp_real)real, i, conditions[i % N]);
        kt_set(a, (bp_real)real, i, conditions[i % N] != 0 ? i : NOT); /* what is not taken must not matter */
        kt_set(b, (bp_real)real, i, conditions[i % N] != 0 ? NOT : -i);
      }
      kernels->ew[real][BP_EW_where](y, (const void *const[]){c, a, b}, LENGTH);
      for (int i = 0; i < LENGTH; i++) {
        assert_true(kt_get(y, (bp_real)real, i) == (conditions[i % N] != 0 ? i : -i));
      }
    }
  }
}

/* ---- positions ---- */
enum { LONGEST = 131 };

static void fill_arguments(void *p, bp_real real, uint64_t seed) {
  static const double odd[] = {0, -0.0, INF, -INF, NOT, 0x1p-149, -0x1p-130, 1e30, -1e30, 88.9, -104, 1e7, -0.9999};
  enum { ODD = sizeof odd / sizeof *odd };
  for (int i = 0; i < LONGEST; i++) {
    kt_set(p, real, i, i % 5 == 2 ? odd[(i / 5) % ODD] : 4 * kt_uniform(&seed));
  }
}

/* Any offset and any length give the bits that the element has in the whole array (of a NaN, a NaN); in place too; nothing beyond the
 * operands is read (they end at a closed page) and nothing before or after the output is written. */
static void check_positions(bp_ew_fn fn, bp_ew op, bp_real real, const char *isa) {
  const size_t size = kt_size(real);
  const int arity = bp_ew_arity(op);
  char whole[3][LONGEST * 8], expected[LONGEST * 8];
  const void *in[3] = {whole[0], whole[1], whole[2]};
  for (int a = 0; a < 3; a++) fill_arguments(whole[a], real, (uint64_t)a + 1);
  fn(expected, in, LONGEST);
  kt_block blocks[4];
  for (int a = 0; a < 4; a++) blocks[a] = kt_new(LONGEST * 8);
  for (int n = 0; n <= LONGEST; n += n < 36 ? 1 : 19) {
    for (int offset = 0; offset + n <= LONGEST; offset += 1 + offset / 5) {
      void *ends[4];
      for (int a = 0; a < 4; a++) ends[a] = kt_at_end(&blocks[a], (size_t)n * size);
      for (int a = 0; a < arity; a++) memcpy(ends[a], whole[a] + (size_t)offset * size, (size_t)n * size);
      fn(ends[3], (const void *const[]){ends[0], ends[1], ends[2]}, n);
      const bool apart = kt_all_same(ends[3], expected, offset, n, real);
      fn(ends[0], (const void *const[]){ends[0], ends[1], ends[2]}, n);
      const bool in_place = kt_all_same(ends[0], expected, offset, n, real);
      if (!apart || !in_place)
        fail_msg("%s %s %s: %d elements from %d differ", isa, bp_ew_name(op), kt_name(real), n, offset);
      kt_check_before(&blocks[3], (size_t)n * size);
      kt_check_before(&blocks[0], (size_t)n * size);
    }
    /* Another argument in place, and room after the output. */
    char *start = kt_at_start(&blocks[3]);
    const int last = arity - 1;
    memcpy(start, whole[last], (size_t)n * size);
    const void *arguments[3] = {whole[0], whole[1], whole[2]};
    arguments[last] = start;
    fn(start, arguments, n);
    assert_true(kt_all_same(start, expected, 0, n, real));
    for (char *p = start + (size_t)n * size; p < blocks[3].end; p++) assert_int_equal(*p, (char)0xff);
  }
  for (int a = 0; a < 4; a++) kt_free(&blocks[a]);
}

static void an_element_does_not_depend_on_its_place(void **state) {
  (void)state;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    for (int real = 0; kernels && real < BP_REAL_COUNT; real++) {
      for (int op = 0; op < BP_EW_COUNT; op++) {
        check_positions(kernels->ew[real][op], (bp_ew)op, (bp_real)real, bp_isa_name((bp_isa)isa));
      }
    }
  }
}

static void names_and_arities_come_from_the_list(void **state) {
  (void)state;
  assert_string_equal(bp_ew_name(BP_EW_tanh), "tanh");
  assert_int_equal(bp_ew_arity(BP_EW_tanh), 1);
  assert_int_equal(bp_ew_arity(BP_EW_pow), 2);
  assert_int_equal(bp_ew_arity(BP_EW_where), 3);
  assert_non_null(bp_kernels_use());
  assert_non_null(bp_kernels_of(BP_ISA_BASELINE));
  assert_int_equal(bp_kernels_of(BP_ISA_BASELINE)->isa, BP_ISA_BASELINE);
  assert_null(bp_kernels_of(BP_ISA_COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(special_values_are_exact),
      cmocka_unit_test(pairs_of_special_values_are_exact),
      cmocka_unit_test(where_takes_what_the_condition_says),
      cmocka_unit_test(an_element_does_not_depend_on_its_place),
      cmocka_unit_test(names_and_arities_come_from_the_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
