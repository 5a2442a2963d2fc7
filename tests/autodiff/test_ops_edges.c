/* Derivatives at kinks, zeros and the ends of a domain, in both modes: each is the one value that ops.h promises. The special
 * points of the older operations are in ops_table.h. */
/* labels: grad */
#include "autodiff/op_check.h"

/* ---- one point ---- */
typedef struct point {
  const char *name;
  bp_var (*build)(const bp_var *x);
  double x[2], y, dy[2]; /* value and gradient */
} point;

#define ONE(name, expression)                                                                                          \
  static bp_var name(const bp_var *x) { return expression; }
ONE(at_atan2, (bp_atan2)(x[0], x[1]))
ONE(at_acosh, bp_acosh(x[0]))
ONE(at_clip, bp_clip(x[0], -1, 2))
ONE(at_norm, bp_norm(bp_stack(x, 2, 0), BP_ALL_AXES))
ONE(at_prod, bp_prod(bp_stack(x, 2, 0), BP_ALL_AXES))
static bp_var zero_like(bp_var x) { return bp_scalar(x.graph, bp_var_dtype(x), 0); }
ONE(nan_not_chosen, (bp_where)((bp_equal)(x[1], x[1]), bp_square(x[0]), (bp_div)(x[0], zero_like(x[0]))))

#define INF INFINITY
static const point points[] = {
    {"acosh at 1", at_acosh, {1}, 0, {INF}},
    {"clip, inside", at_clip, {0.5}, 0.5, {1}},
    {"clip at its low end", at_clip, {-1}, -1, {1}},
    {"clip at its high end", at_clip, {2}, 2, {1}},
    {"clip beyond", at_clip, {2.5}, 2, {0}},
    {"atan2 at the origin", at_atan2, {0, 0}, 0, {0, 0}},
    {"atan2 of large ones", at_atan2, {1e200, 1e200}, 0.78539816339744831, {5e-201, -5e-201}},
    {"atan2 of small ones", at_atan2, {1e-200, 0}, 1.5707963267948966, {0, -1e200}},
    {"norm at 0", at_norm, {0, 0}, 0, {0, 0}},
    {"norm of large ones", at_norm, {3e200, 4e200}, 5e200, {0.6, 0.8}},
    {"prod with a 0", at_prod, {0, 5}, 0, {5, 0}},
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
    print_error("%s: value %g, reverse (%g, %g), forward (%g, %g); expected %g, (%g, %g)\n", p->name, y[0], y[1], y[2],
                y[3], y[4], p->y, p->dy[0], p->dy[1]);
  assert_true(good);
  bp_graph_free(g);
}

static void derivatives_at_edges_are_as_documented(void **state) {
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) check_point(bt_ctx(state), &points[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(derivatives_at_edges_are_as_documented)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
