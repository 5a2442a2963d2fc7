/* Inverse hyperbolic functions, log10, the gamma family and clip at a thousand random points each: value in units in the last
 * place against the C library in long double (series of our own for digamma and its derivatives), both modes, second order;
 * and their special points. The others are in ops_table.h. */
/* labels: grad */
#include "autodiff/op_check.h"

enum { POINTS = 1000, SPECIAL = 6, SHIFT = 1000 };

typedef long double (*oracle_fn)(long double x);
typedef struct row {
  const char *name;
  bp_var (*build)(bp_var x);
  oracle_fn oracle;
  double lo, hi;
  double ulp32, ulp64;
  double special[SPECIAL][2]; /* x, y; {0, 0} ends the list unless it stands first */
} row;

/* ---- the gamma family: recurrences up to w = x + 1000, then the first terms of the asymptotic series ---- */
static long double digamma_oracle(long double x) {
  long double sum = 0, w = x;
  for (int k = 0; k < SHIFT; k++, w += 1) sum += 1 / w;
  return logl(w) - 0.5L / w - 1 / (12 * w * w) + 1 / (120 * w * w * w * w) - sum;
}
static long double polygamma_oracle(int n, long double x) {
  long double sum = 0, w = x, factorial = 1;
  for (int k = 0; k < SHIFT; k++, w += 1) {
    long double power = w;
    for (int i = 0; i < n; i++) power *= w;
    sum += 1 / power;
  }
  for (int k = 2; k <= n; k++) factorial *= k;
  sum += powl(w, -n) * (1.0L / n + 0.5L / w + (n + 1) / (12 * w * w) -
                        (long double)(n + 1) * (n + 2) * (n + 3) / (720 * w * w * w * w));
  return n % 2 == 1 ? factorial * sum : -factorial * sum;
}
static long double trigamma_oracle(long double x) { return polygamma_oracle(1, x); }
static long double tetragamma_oracle(long double x) { return polygamma_oracle(2, x); }
static long double hexagamma_oracle(long double x) { return polygamma_oracle(5, x); }
static bp_var trigamma(bp_var x) { return bp_polygamma(1, x); }
static bp_var tetragamma(bp_var x) { return bp_polygamma(2, x); }
static bp_var hexagamma(bp_var x) { return bp_polygamma(5, x); }

static long double clip_oracle(long double x) { return fminl(fmaxl(x, -1), 2); }
static bp_var clip(bp_var x) { return bp_clip(x, -1, 2); }

#define INF INFINITY
static const row rows[] = {
    {"log10", bp_log10, log10l, 0.1, 9, 0.6, 1.5, {{1000, 3}, {0, -INF}, {-1, NAN}}},
    {"asinh", bp_asinh, asinhl, -9, 9, 0.6, 2, {{0, 0}, {-INF, -INF}}},
    {"acosh", bp_acosh, acoshl, 1.2, 9, 0.6, 2, {{1, 0}, {0.5, NAN}, {INF, INF}}},
    {"atanh", bp_atanh, atanhl, -0.8, 0.8, 0.6, 2, {{1, INF}, {-1, -INF}, {2, NAN}}},
    {"lgamma", bp_lgamma, lgammal, 0.2, 9, 0.6, 2, {{0, INF}, {-1, INF}, {1, 0}, {2, 0}}},
    {"digamma", bp_digamma, digamma_oracle, 2, 9, 0.6, 1.25, {{0, -INF}, {-0.0, INF}, {-1, NAN}, {INF, INF}}},
    {"digamma, negative", bp_digamma, digamma_oracle, -1.45, -1.1, 0.6, 1.25, {{-2, NAN}}},
    {"polygamma 1", trigamma, trigamma_oracle, 0.2, 9, 0.6, 6, {{0, INF}, {-1, INF}, {INF, 0}}},
    {"polygamma 2", tetragamma, tetragamma_oracle, 0.3, 9, 0.6, 6, {{0, -INF}, {-0.0, INF}, {-1, NAN}, {INF, -0.0}}},
    {"polygamma 1, negative", trigamma, trigamma_oracle, -1.8, -1.2, 0.6, 20, {{-3, INF}}},
    {"polygamma 5", hexagamma, hexagamma_oracle, 0.6, 3, 0.6, 8, {{0, INF}}},
    {"clip", clip, clip_oracle, -9, 9, 0, 0, {{-1, -1}, {2, 2}, {NAN, NAN}}},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* ---- derivatives ---- */
static const row *current;
static bp_var build_current(const bp_var *x) { return current->build(x[0]); }

/* Away from kinks and steps, which central differences cannot see. */
static void avoid_steps(int i, double *x) {
  if (i != 0) return;
  for (int k = 0; k < POINTS; k++) {
    double near = 2 * x[k] - nearbyint(2 * x[k]);
    if (fabs(near) < 0.05) x[k] += 0.04;
  }
}

static void derivatives_hold(void **state) {
  for (int i = 0; i < ROWS; i++) {
    current = &rows[i];
    bool smooth = rows[i].ulp64 > 0;
    op_case c = {.name = rows[i].name,
                 .build = build_current,
                 .n_x = 1,
                 .x = {{1, {POINTS}}},
                 .lo = rows[i].lo,
                 .hi = rows[i].hi,
                 .fill = smooth ? NULL : avoid_steps,
                 .difference = 1e-5,
                 .second = 1e-4};
    op_check(bt_ctx(state), &c);
  }
}

/* ---- values ---- */
static void evaluate(bp_context *ctx, const row *r, bp_dtype t, int n, const void *x, void *y) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var in = bp_input(g, "x", t, 1, (int64_t[]){n}), out = r->build(in);
  bt_assert_ok(ctx, bp_eval(&out, 1, &in, 1, 0, &x, &y));
  bp_graph_free(g);
}

/* |y - reference| in units in the last place of the reference. */
static double ulps(double y, long double reference, int digits, int least) {
  if ((long double)y == reference) return 0;
  int exponent = reference == 0 ? least : (int)ilogbl(reference);
  return (double)(fabsl((long double)y - reference) / ldexpl(1, (exponent < least ? least : exponent) - digits));
}

static void values_are_close(void **state) {
  int bad = 0;
  for (int i = 0; i < ROWS; i++) {
    const row *r = &rows[i];
    uint64_t seed = 77;
    double x64[POINTS], y64[POINTS], worst32 = 0, worst64 = 0;
    float x32[POINTS], y32[POINTS];
    for (int k = 0; k < POINTS; k++) x64[k] = oc_uniform(&seed, r->lo, r->hi), x32[k] = (float)x64[k];
    evaluate(bt_ctx(state), r, BP_F64, POINTS, x64, y64);
    evaluate(bt_ctx(state), r, BP_F32, POINTS, x32, y32);
    for (int k = 0; k < POINTS; k++) {
      worst64 = fmax(worst64, ulps(y64[k], r->oracle((long double)x64[k]), 52, -1022));
      worst32 = fmax(worst32, ulps((double)y32[k], r->oracle((long double)x32[k]), 23, -126));
    }
    if (getenv("OP_CHECK_PRINT") != NULL || !(worst32 <= r->ulp32 && worst64 <= r->ulp64))
      print_message("%-24s float32 %.3g of %.3g ulp, float64 %.3g of %.3g ulp\n", r->name, worst32, r->ulp32, worst64,
                    r->ulp64);
    bad += !(worst32 <= r->ulp32 && worst64 <= r->ulp64);
  }
  assert_int_equal(bad, 0);
}

static void special_points_are_exact(void **state) {
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < SPECIAL; k++) {
      double x = rows[i].special[k][0], expected = rows[i].special[k][1], y;
      float x32 = (float)x, y32, expected32 = (float)expected;
      if (k > 0 && x == 0 && expected == 0) break;
      evaluate(bt_ctx(state), &rows[i], BP_F64, 1, &x, &y);
      evaluate(bt_ctx(state), &rows[i], BP_F32, 1, &x32, &y32);
      bool same = (isnan(y) && isnan(expected)) || (y == expected && !signbit(y) == !signbit(expected));
      bool same32 = (isnan(y32) && isnan(expected32)) || (y32 == expected32 && !signbit(y32) == !signbit(expected32));
      if (!same || !same32)
        print_error("%s(%g) is %g and %g, expected %g\n", rows[i].name, x, y, (double)y32, expected);
      assert_true(same && same32);
    }
}

/* ψ'(1) = π²/6, ψ''(1) = -2 ζ(3), ψ'(1/2) = π²/2, ψ'(-1/2) = π²/2 + 4, ψ'''(1) = π⁴/15 (Abramowitz and Stegun 6.4). */
static void polygamma_has_its_published_values(void **state) {
  static const struct {
    int order;
    double x, y;
  } published[] = {{1, 1, 1.6449340668482264365},    {2, 1, -2.4041138063191885708}, {1, 0.5, 4.9348022005446793094},
                   {1, -0.5, 8.9348022005446793094}, {3, 1, 6.4939394022668291491},  {0, 1, -0.57721566490153286061}};
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
    bp_graph *g;
    bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
    bp_var in = bp_input(g, "x", BP_F64, 0, NULL), out = bp_polygamma(published[i].order, in);
    const void *x = &published[i].x;
    double y;
    void *to = &y;
    bt_assert_ok(bt_ctx(state), bp_eval(&out, 1, &in, 1, 0, &x, &to));
    bt_assert_close(y, published[i].y, 1e-15, 0);
    bp_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(values_are_close), BT_TEST(special_points_are_exact),
                                     BT_TEST(derivatives_hold), BT_TEST(polygamma_has_its_published_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
