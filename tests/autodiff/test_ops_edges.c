/* Elementwise operations of two and three arguments, and the derivatives at kinks, ties and the ends of a domain: each is the
 * one value that ops.h promises. */
/* labels: grad */
#include "autodiff/op_check.h"

/* ---- two and three arguments at random points ---- */
enum { POINTS = 1000 };
#define TWO(name)                                                                                                      \
  static bp_var two_##name(const bp_var *x) { return (bp_##name)(x[0], x[1]); }
TWO(add)
TWO(sub)
TWO(mul)
TWO(div)
TWO(pow)
TWO(atan2)
TWO(max)
TWO(min)
TWO(equal)
TWO(not_equal)
TWO(less)
TWO(less_equal)
TWO(greater)
TWO(greater_equal)
static bp_var choose(const bp_var *x) { return (bp_where)((bp_greater)(x[0], bp_scalar(x[0].graph, bp_var_dtype(x[0]), 0)), bp_sin(x[1]), bp_square(x[2])); }
static bp_var stopped(const bp_var *x) { return (bp_mul)(bp_stop_gradient(bp_square(x[0])), x[1]); }

#define ORACLE(name, expression)                                                                                       \
  static void name##_oracle(const double *const *x, double *y) {                                                       \
    for (int k = 0; k < POINTS; k++) {                                                                                 \
      double a = x[0][k], b = x[1][k];                                                                                 \
      y[k] = expression;                                                                                               \
    }                                                                                                                  \
  }
ORACLE(add, a + b)
ORACLE(sub, a - b)
ORACLE(mul, a *b)
ORACLE(div, a / b)
ORACLE(pow, pow(a, b))
ORACLE(atan2, atan2(a, b))
ORACLE(max, fmax(a, b))
ORACLE(min, fmin(a, b))
ORACLE(equal, a == b)
ORACLE(not_equal, a != b)
ORACLE(less, a < b)
ORACLE(less_equal, a <= b)
ORACLE(greater, a > b)
ORACLE(greater_equal, a >= b)
ORACLE(stopped, a *a *b)
static void choose_oracle(const double *const *x, double *y) {
  for (int k = 0; k < POINTS; k++) y[k] = x[0][k] > 0 ? sin(x[1][k]) : x[2][k] * x[2][k];
}

/* No two equal, so that no difference crosses a tie; some equal on purpose. */
static void part(int i, double *x) {
  for (int k = 0; k < POINTS; k++) x[k] = k % 2 == i ? fabs(x[k]) + 0.6 : -fabs(x[k]) - 0.6;
}
static void tie(int i, double *x) {
  for (int k = 0; k < POINTS; k++) x[k] = k % 3 == 0 ? 0.5 : k % 3 == 1 && i == 1 ? 2 : 1;
}

#define PAIR {1, {POINTS}}, {1, {POINTS}}
#define SMALL .value_f32 = 1.3e-7, .value_f64 = 2.3e-16
static const op_case cases[] = {
    {"add", two_add, 2, {PAIR}, 0.3, 3, .oracle = add_oracle, SMALL},
    {"sub", two_sub, 2, {PAIR}, 0.3, 3, .oracle = sub_oracle, SMALL},
    {"mul", two_mul, 2, {PAIR}, 0.3, 3, .oracle = mul_oracle, SMALL},
    {"div", two_div, 2, {PAIR}, 0.3, 3, .oracle = div_oracle, SMALL},
    {"pow", two_pow, 2, {PAIR}, 0.3, 3, .oracle = pow_oracle, .value_f32 = 1.3e-7, .value_f64 = 3e-16, .difference = 1e-6, .second = 1e-5},
    {"atan2", two_atan2, 2, {PAIR}, 0.3, 3, .oracle = atan2_oracle, SMALL},
    {"max", two_max, 2, {PAIR}, -1, 1, .fill = part, .oracle = max_oracle},
    {"min", two_min, 2, {PAIR}, -1, 1, .fill = part, .oracle = min_oracle},
    {"equal", two_equal, 2, {PAIR}, -1, 1, .fill = tie, .oracle = equal_oracle, .difference = INFINITY},
    {"not_equal", two_not_equal, 2, {PAIR}, -1, 1, .fill = tie, .oracle = not_equal_oracle, .difference = INFINITY},
    {"less", two_less, 2, {PAIR}, -1, 1, .fill = part, .oracle = less_oracle},
    {"less_equal", two_less_equal, 2, {PAIR}, -1, 1, .fill = part, .oracle = less_equal_oracle},
    {"greater", two_greater, 2, {PAIR}, -1, 1, .fill = part, .oracle = greater_oracle},
    {"greater_equal", two_greater_equal, 2, {PAIR}, -1, 1, .fill = part, .oracle = greater_equal_oracle},
    {"where", choose, 3, {PAIR, {1, {POINTS}}}, -1, 1, .fill = part, .oracle = choose_oracle, .value_f32 = 2e-7, .value_f64 = 4e-16},
    {"stop_gradient", stopped, 2, {PAIR}, -1, 1, .oracle = stopped_oracle, .value_f32 = 2e-7, .value_f64 = 4e-16, .difference = INFINITY,
     .second = INFINITY},
};

static void every_case_holds(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check(bt_ctx(state), &cases[i]);
}

/* ---- one point ---- */
typedef struct point {
  const char *name;
  bp_var (*build)(const bp_var *x);
  double x[2], y, dy[2]; /* value and gradient */
} point;

#define ONE(name, expression)                                                                                          \
  static bp_var name(const bp_var *x) { return expression; }
ONE(at_abs, bp_abs(x[0]))
ONE(at_sign, bp_sign(x[0]))
ONE(at_sqrt, bp_sqrt(x[0]))
ONE(at_rsqrt, bp_rsqrt(x[0]))
ONE(at_log, bp_log(x[0]))
ONE(at_relu, bp_relu(x[0]))
ONE(at_floor, bp_floor(x[0]))
ONE(at_heaviside, bp_heaviside(x[0]))
ONE(at_acosh, bp_acosh(x[0]))
ONE(at_clip, bp_clip(x[0], -1, 2))
ONE(at_norm, bp_norm(bp_stack(x, 2, 0), BP_ALL_AXES))
ONE(at_prod, bp_prod(bp_stack(x, 2, 0), BP_ALL_AXES))
ONE(at_reduce_max, bp_reduce_max(bp_stack(x, 2, 0), BP_ALL_AXES))
ONE(at_reduce_min, bp_reduce_min(bp_stack(x, 2, 0), BP_ALL_AXES))
static bp_var zero_like(bp_var x) { return bp_scalar(x.graph, bp_var_dtype(x), 0); }
ONE(log_or_zero, (bp_where)((bp_greater)(x[0], zero_like(x[0])), bp_log(x[0]), zero_like(x[0])))
ONE(sqrt_or_other, (bp_where)((bp_greater)(x[0], zero_like(x[0])), bp_sqrt(x[0]), x[1]))
ONE(nan_not_chosen, (bp_where)((bp_equal)(x[1], x[1]), bp_square(x[0]), (bp_div)(x[0], zero_like(x[0]))))

#define INF INFINITY
static const point points[] = {
    {"abs at 0", at_abs, {0}, 0, {0}},
    {"abs at -2", at_abs, {-2}, 2, {-1}},
    {"sign at 3", at_sign, {3}, 1, {0}},
    {"sqrt at 0", at_sqrt, {0}, 0, {INF}},
    {"sqrt below 0", at_sqrt, {-1}, NAN, {NAN}},
    {"rsqrt at 0", at_rsqrt, {0}, INF, {-INF}},
    {"log at 0", at_log, {0}, -INF, {INF}},
    {"log below 0", at_log, {-2}, NAN, {-0.5}},
    {"relu at 0", at_relu, {0}, 0, {0}},
    {"floor at 2", at_floor, {2}, 2, {0}},
    {"heaviside at 0", at_heaviside, {0}, 1, {0}},
    {"acosh at 1", at_acosh, {1}, 0, {INF}},
    {"clip, inside", at_clip, {0.5}, 0.5, {1}},
    {"clip at its low end", at_clip, {-1}, -1, {1}},
    {"clip at its high end", at_clip, {2}, 2, {1}},
    {"clip beyond", at_clip, {2.5}, 2, {0}},
    {"max, tie", two_max, {3, 3}, 3, {1, 0}},
    {"min, tie", two_min, {3, 3}, 3, {1, 0}},
    {"max of NaN and 1", two_max, {NAN, 1}, NAN, {0, 0}},
    {"0^0", two_pow, {0, 0}, 1, {0, 0}},
    {"0^1", two_pow, {0, 1}, 0, {1, 0}},
    {"0^2", two_pow, {0, 2}, 0, {0, 0}},
    {"0^-1", two_pow, {0, -1}, INF, {-INF, 0}},
    {"0^(1/2)", two_pow, {0, 0.5}, 0, {INF, 0}},
    {"(-2)^3", two_pow, {-2, 3}, -8, {12, 0}},
    {"(-2)^(1/2)", two_pow, {-2, 0.5}, NAN, {NAN, 0}},
    {"2^0", two_pow, {2, 0}, 1, {0, 0.69314718055994531}},
    {"atan2 at the origin", two_atan2, {0, 0}, 0, {0, 0}},
    {"atan2 of large ones", two_atan2, {1e200, 1e200}, 0.78539816339744831, {5e-201, -5e-201}},
    {"atan2 of small ones", two_atan2, {1e-200, 0}, 1.5707963267948966, {0, -1e200}},
    {"norm at 0", at_norm, {0, 0}, 0, {0, 0}},
    {"norm of large ones", at_norm, {3e200, 4e200}, 5e200, {0.6, 0.8}},
    {"prod with a 0", at_prod, {0, 5}, 0, {5, 0}},
    {"reduce_max, tie", at_reduce_max, {3, 3}, 3, {0.5, 0.5}},
    {"reduce_min, tie", at_reduce_min, {3, 3}, 3, {0.5, 0.5}},
    {"where, log not chosen", log_or_zero, {0}, 0, {0}},
    {"where, log of -1 not chosen", log_or_zero, {-1}, 0, {0}},
    {"where, sqrt not chosen", sqrt_or_other, {0, 4}, 4, {0, 1}},
    {"where, NaN not chosen", nan_not_chosen, {3, 1}, 9, {6, 0}},
    {"where, on a NaN", nan_not_chosen, {3, NAN}, INF, {INF, 0}},
};

static bool same(double actual, double expected) {
  if (isnan(expected)) return isnan(actual);
  return actual == expected || fabs(actual - expected) <= 1e-15 * fabs(expected);
}

/* The gradient in reverse mode, and each of its elements in forward mode. */
static void check_point(bp_context *ctx, const point *p) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x[2] = {bp_input(g, "a", BP_F64, 0, NULL), bp_input(g, "b", BP_F64, 0, NULL)};
  bp_var one = bp_scalar(g, BP_F64, 1), zero = {g, 0}, out[5] = {p->build(x)};
  bt_assert_ok(ctx, bp_grad(out[0], x, 2, &out[1]));
  bt_assert_ok(ctx, bp_jvp(out, 1, x, (bp_var[]){one, zero}, 2, &out[3]));
  bt_assert_ok(ctx, bp_jvp(out, 1, x, (bp_var[]){zero, one}, 2, &out[4]));
  for (int i = 3; i < 5; i++)
    if (bp_var_is_zero(out[i])) out[i] = bp_scalar(g, BP_F64, 0);
  double y[5];
  const void *from[] = {&p->x[0], &p->x[1]};
  void *to[] = {&y[0], &y[1], &y[2], &y[3], &y[4]};
  bt_assert_ok(ctx, bp_eval(out, 5, x, 2, 0, from, to));
  bool good = same(y[0], p->y);
  for (int i = 0; i < 2; i++) good = good && same(y[1 + i], p->dy[i]) && same(y[3 + i], p->dy[i]);
  if (!good)
    print_error("%s: value %g, reverse (%g, %g), forward (%g, %g); expected %g, (%g, %g)\n", p->name, y[0], y[1], y[2], y[3], y[4],
                p->y, p->dy[0], p->dy[1]);
  assert_true(good);
  bp_graph_free(g);
}

static void derivatives_at_edges_are_as_documented(void **state) {
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) check_point(bt_ctx(state), &points[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(every_case_holds), BT_TEST(derivatives_at_edges_are_as_documented)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
