/* labels: grad */
/* Every elementwise operation at special points: zeros of both signs, kinks, poles, ties, huge and tiny numbers, infinities and NaN.
 *
 * The gradient is one, whichever way it is computed; so is the Hessian, in all four pairs of modes and as products; it is
 * symmetric; and where the gradient is smooth it is what differences of the gradient say.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "backprop/autodiff.h"
#include "graph/node.h"
#include "support/testing.h"

enum { ARGS = 3, MODES = 4 };
static const double values[] = {0,   -0.0, 1,     -1,     2,      -2,     0.5,      -0.5,      3,   -5, 5,
                                1.5, 700,  1e200, -1e200, 1e-200, 1e-300, INFINITY, -INFINITY, NAN, 20, -20};
enum { VALUES = sizeof values / sizeof *values };

static int smooth_points;

/* ---- one operation at one point ---- */
typedef struct point {
  bp_op op;
  bp_dtype dtype;
  int n; /* differentiable arguments */
  double at[ARGS];
} point;

typedef struct slopes {
  double y, gradient[4][ARGS];        /* reverse, forward, and as rows of a Jacobian by both */
  double hessian[MODES][ARGS * ARGS]; /* by pairs of modes */
  double product[2][ARGS];            /* Hessian times ones: forward over reverse, reverse over reverse */
} slopes;

/* The orders of polygamma are numbers. */
static bp_var build(const point *p, bp_graph *g, const bp_var *x) {
  bp_node node = {.op = (uint16_t)p->op, .dtype = (uint8_t)p->dtype};
  bp_shape scalar = {.rank = 0};
  for (int i = 0; i < p->n; i++) node.arg[i] = x[i].id;
  if (p->op == BP_OP_polygamma) return bp_polygamma(2, x[0]);
  return bp_node_append(g, node, &scalar);
}

static void fill(bp_var *v, int n, bp_var like) {
  for (int i = 0; i < n; i++)
    if (bp_var_is_zero(v[i])) v[i] = bp_scalar(like.graph, bp_var_dtype(like), 0);
}

static size_t build_all(bp_context *ctx, const point *p, bp_graph *g, const bp_var *x, bp_var *out) {
  static const bp_mode modes[] = {BP_MODE_FORWARD, BP_MODE_REVERSE};
  size_t n = (size_t)p->n, k = 0;
  bp_var y = out[k++] = build(p, g, x), one = bp_scalar(g, p->dtype, 1), ones[ARGS] = {one, one, one};
  bt_assert_ok(ctx, bp_grad(y, x, n, out + k)), k += n;
  for (size_t i = 0; i < n; i++) bt_assert_ok(ctx, bp_jvp(&y, 1, &x[i], &one, 1, &out[k++]));
  for (int m = 0; m < 2; m++) bt_assert_ok(ctx, bp_jacobian(y, x, n, modes[m], out + k)), k += n;
  for (int m = 0; m < MODES; m++)
    bt_assert_ok(ctx, bp_hessian_by(y, x, n, modes[m / 2], modes[m % 2], out + k)), k += n * n;
  bt_assert_ok(ctx, bp_hvp(y, x, ones, n, out + k)), k += n;
  bt_assert_ok(ctx, bp_vhp(y, x, ones, n, out + k)), k += n;
  fill(out, (int)k, y);
  return k;
}

enum { OUTPUTS = 1 + 4 * ARGS + MODES * ARGS * ARGS + 2 * ARGS };

static double get(const void *at, bp_dtype t) { return t == BP_F64 ? *(const double *)at : (double)*(const float *)at; }

static slopes slopes_at(bp_context *ctx, const point *p) {
  bp_graph *g;
  bp_var x[ARGS], out[OUTPUTS];
  double in64[ARGS], to[OUTPUTS];
  float in32[ARGS];
  const void *from[ARGS];
  void *at[OUTPUTS];
  slopes s = {0};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  for (int i = 0; i < p->n; i++) {
    x[i] = bp_input(g, "x", p->dtype, 0, NULL);
    in64[i] = p->at[i], in32[i] = (float)p->at[i];
    from[i] = p->dtype == BP_F64 ? (const void *)&in64[i] : (const void *)&in32[i];
  }
  size_t n = (size_t)p->n, k = build_all(ctx, p, g, x, out), i = 0;
  for (size_t j = 0; j < k; j++) at[j] = &to[j];
  bt_assert_ok(ctx, bp_eval(out, k, x, n, 0, from, at));
  s.y = get(at[i++], p->dtype);
  for (int way = 0; way < 4; way++)
    for (size_t j = 0; j < n; j++) s.gradient[way][j] = get(at[i++], p->dtype);
  for (int m = 0; m < MODES; m++)
    for (size_t j = 0; j < n * n; j++) s.hessian[m][j] = get(at[i++], p->dtype);
  for (int m = 0; m < 2; m++)
    for (size_t j = 0; j < n; j++) s.product[m][j] = get(at[i++], p->dtype);
  bp_graph_free(g);
  return s;
}

static bool alike(double a, double b, bp_dtype t) {
  double tolerance = t == BP_F64 ? 1e-13 : 1e-5;
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return a == b || fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

/* Second derivatives. What overflows may be infinite or NaN, as the order of the factors has it; and so may what is taken at
 * infinity, or where the gradient is so large that its own derivative overflows. A value that underflows has lost what its
 * derivative by log a^b would need. */
static bool alike_second(const point *p, const slopes *s, double a, double b) {
  double least = p->dtype == BP_F64 ? 2.3e-308 : 1.2e-38, most = p->dtype == BP_F64 ? 1e150 : 1e18;
  bool far = isinf(p->at[0]) || isinf(p->at[1]) || isinf(s->y);
  if (alike(a, b, p->dtype) || (!isfinite(a) && !isfinite(b))) return true;
  for (int i = 0; i < p->n; i++) far = far || fabs(s->gradient[0][i]) > most;
  return (far && (isnan(a) || isnan(b))) || (p->op == BP_OP_pow && fabs(s->y) < least);
}

/* ---- all operations, all points ---- */
typedef void (*look_fn)(bp_context *ctx, const point *p, int *wrong);

static int arguments_of(bp_op op) {
  if (bp_op_table[op].op_class != BP_CLASS_ELEMENTWISE) return 0;
  if (op == BP_OP_tanh_slope || op == BP_OP_sigmoid_slope || op == BP_OP_tanh_unit_slope ||
      op == BP_OP_sigmoid_unit_slope)
    return 0; /* their second argument is a function of the first */
  return op == BP_OP_polygamma ? 1 : bp_op_table[op].arity;
}

/* As float32 has it: beyond its range infinite. */
static double rounded(double x) {
  if (fabs(x) > (double)FLT_MAX) return x > 0 ? INFINITY : -INFINITY;
  return (double)(float)x;
}

static void at_every_point(void **state, look_fn look) {
  int wrong = 0, points = 0;
  for (int op = 0; op < BP_OP_COUNT; op++) {
    int n = arguments_of((bp_op)op), count = n == 0 ? 0 : n == 1 ? VALUES : n == 2 ? VALUES * VALUES : 4 * VALUES;
    for (int k = 0; k < 2 * count; k++, points++) {
      point p = {(bp_op)op, k % 2 == 0 ? BP_F64 : BP_F32, n, {values[k / 2 % VALUES]}};
      p.at[1] = n == 3 ? (double[]){-1, 0, 1, -5}[k / 2 / VALUES] : values[k / 2 / VALUES % VALUES];
      p.at[2] = n == 3 ? (double[]){1, 0, 2, 5}[k / 2 / VALUES] : 0;
      if (p.dtype == BP_F32)
        for (int i = 0; i < ARGS; i++) p.at[i] = rounded(p.at[i]);
      look(bt_ctx(state), &p, &wrong);
    }
  }
  print_message("%d points, %d wrong\n", points, wrong);
  assert_int_equal(wrong, 0);
  assert_true(points > 5000);
}

static void tell(const point *p, const char *what, double a, double b, int *wrong) {
  if ((*wrong)++ < 40)
    print_error("%s %s at (%g, %g, %g): %s: %.9g and %.9g\n", bp_op_table[p->op].name, bp_dtype_name(p->dtype),
                p->at[0], p->at[1], p->at[2], what, a, b);
}

static void ways_agree(bp_context *ctx, const point *p, int *wrong) {
  static const char *const gradient_ways[] = {"", "reverse, forward", "reverse, Jacobian forward",
                                              "reverse, Jacobian reverse"};
  slopes s = slopes_at(ctx, p);
  for (int way = 1; way < 4; way++)
    for (int i = 0; i < p->n; i++)
      if (!alike(s.gradient[0][i], s.gradient[way][i], p->dtype))
        tell(p, gradient_ways[way], s.gradient[0][i], s.gradient[way][i], wrong);
  for (int m = 0; m < MODES; m++)
    for (int i = 0; i < p->n * p->n; i++) {
      double transposed = s.hessian[m][i % p->n * p->n + i / p->n];
      if (!alike_second(p, &s, s.hessian[m][i], s.hessian[0][i]))
        tell(p, "Hessians of two modes", s.hessian[m][i], s.hessian[0][i], wrong);
      if (!alike_second(p, &s, s.hessian[m][i], transposed))
        tell(p, "not symmetric", s.hessian[m][i], transposed, wrong);
    }
  for (int i = 0; i < p->n; i++)
    if (!alike_second(p, &s, s.product[0][i], s.product[1][i]))
      tell(p, "products", s.product[0][i], s.product[1][i], wrong);
}

static void one_gradient_and_one_symmetric_hessian_however_they_are_computed(void **state) {
  at_every_point(state, ways_agree);
}

/* ---- against differences ---- */
/* The difference of the gradient's element i along x[j], and whether it is the same on both sides; where it is huge, the gradient
 * jumps: at a kink. */
static bool difference(bp_context *ctx, const point *p, int i, int j, double *out) {
  double h = 1e-5 * fmax(1, fabs(p->at[j])), g[3];
  for (int side = -1; side <= 1; side++) {
    point q = *p;
    q.at[j] += side * h;
    g[side + 1] = slopes_at(ctx, &q).gradient[0][i];
  }
  double left = (g[1] - g[0]) / h, right = (g[2] - g[1]) / h;
  *out = (g[2] - g[0]) / (2 * h);
  return fabs(*out) < 1e4 && isfinite(g[1]) && fabs(left - right) <= 1e-3 * fmax(1, fabs(*out));
}

static void differences_agree(bp_context *ctx, const point *p, int *wrong) {
  point wide = *p;
  wide.dtype = BP_F64;
  for (int i = 0; i < p->n; i++)
    if (fabs(p->at[i]) > 6 || isnan(p->at[i]) || (p->at[i] != 0 && fabs(p->at[i]) < 0.1)) return;
  slopes s = slopes_at(ctx, p), w = slopes_at(ctx, &wide);
  for (int k = 0; k < p->n * p->n; k++) {
    double d, at = w.hessian[0][k], tolerance = p->dtype == BP_F64 ? 1e-12 : 1e-4;
    if (!difference(ctx, &wide, k / p->n, k % p->n, &d)) continue;
    smooth_points++;
    double near = p->op == BP_OP_pow && p->at[0] == 0 ? 1e-4 : 1e-6; /* h log h */
    if (!(fabs(d - at) <= near * fmax(1, fabs(d)))) tell(p, "Hessian, difference", at, d, wrong);
    if (!(fabs(s.hessian[0][k] - at) <= tolerance * fmax(1, fabs(at))))
      tell(p, "Hessian, its float64", s.hessian[0][k], at, wrong);
  }
}

static void hessians_are_what_differences_say_where_the_gradient_is_smooth(void **state) {
  smooth_points = 0;
  at_every_point(state, differences_agree);
  print_message("%d second derivatives\n", smooth_points);
  assert_true(smooth_points > 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(hessians_are_what_differences_say_where_the_gradient_is_smooth),
      BT_TEST(one_gradient_and_one_symmetric_hessian_however_they_are_computed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
