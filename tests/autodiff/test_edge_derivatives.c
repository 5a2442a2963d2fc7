/* labels: grad */
/* Derivatives where something is special: branches not taken, ties, huge logits, variables that depend on each other or on
 * nothing; higher orders; and what the drivers refuse.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 2, 0};
static const int64_t one_batch[] = {1, -1};

static bp_graph *new_graph(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  return g;
}

static bp_var vector(bp_graph *g, bp_dtype t, int64_t n) { return bp_input(g, "x", t, 1, &n); }
static bp_var scalar(bp_graph *g) { return bp_input(g, "x", BP_F64, 0, NULL); }
static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

/* The values of an output at x, in every way. */
static void value_at(bp_context *ctx, bp_var y, bp_var x, const double *at, double *values) {
  bp_dtype t = bp_var_dtype(x);
  void *place = bt_array(x, 1), *result;
  for (int64_t i = 0; i < bt_elements(x, 1); i++) bt_set(place, t, i, at[i]);
  bt_function f = {"edge", &y, 1, &x, 1, (const void *const[]){place}, 1};
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, &result, NULL);
  for (int64_t i = 0; i < bt_elements(y, 1); i++) values[i] = bt_get(result, bp_var_dtype(y), i);
  free(result);
  free(place);
}

static void assert_values(bp_context *ctx, bp_var y, bp_var x, const double *at, const double *want, int n,
                          double tolerance) {
  double got[16];
  assert_int_equal(bt_elements(y, 1), n);
  value_at(ctx, y, x, at, got);
  bt_assert_close_f64(got, want, (size_t)n, tolerance, tolerance);
}

static bp_var gradient_of_sum(bp_context *ctx, bp_var y, bp_var x) {
  bp_var g;
  bt_assert_ok(ctx, bp_grad(bp_sum(y, BP_ALL_AXES), &x, 1, &g));
  return g;
}

/* ---- branches that were not taken ---- */
typedef bp_var (*function)(bp_var x);

static bp_var positive(bp_var x) { return bp_greater(x, number(x, 0)); }
static bp_var root_or_zero(bp_var x) { return bp_where(positive(x), bp_sqrt(x), number(x, 0)); }
static bp_var log_or_zero(bp_var x) { return bp_where(positive(x), bp_log(x), number(x, 0)); }
static bp_var zero_or_quotient(bp_var x) {
  return bp_where(bp_equal(x, number(x, 0)), number(x, 1), bp_div(bp_sin(x), x));
}
static bp_var power_or_x(bp_var x) { return bp_where(positive(x), bp_pow(x, number(x, 0.5)), x); }
static bp_var log_of_root(bp_var x) { return bp_where(positive(x), bp_log(bp_sqrt(x)), bp_square(x)); }
static bp_var nested(bp_var x) {
  return bp_where(positive(x), bp_where(bp_less(x, number(x, 2)), bp_sqrt(x), bp_log(x)), number(x, 3));
}
static bp_var used_after(bp_var x) { return bp_exp(bp_mul(number(x, 2), log_or_zero(x))); } /* x², 1 */
static bp_var through_a_sum(bp_var x) {
  bp_var r = bp_rsqrt(x);
  return bp_where(positive(x), bp_add(bp_mul(r, r), r), x);
}
static bp_var through_a_product(bp_var x) { /* 1 / x in a matrix product, row by row */
  bp_var m = bp_matmul(bp_reshape(bp_log(x), 2, ((const int64_t[]){5, 1})),
                       bp_reshape(number(x, 2), 2, ((const int64_t[]){1, 1})));
  return bp_where(positive(x), bp_reshape(m, 1, (const int64_t[]){5}), number(x, 0));
}
static bp_var through_an_extreme(bp_var x) {
  int64_t dims[] = {5, 1};
  return bp_where(positive(x), bp_reduce_max(bp_reshape(bp_log(x), 2, dims), BP_LAST_AXIS), number(x, 0));
}

static void branches_not_taken_leave_the_gradient_clean(void **state) {
  static const double at[5] = {-1, 0, 0.25, 1, 4};
  static const struct {
    function f;
    double first[5], second[5];
  } rows[] = {
      {root_or_zero, {0, 0, 1, 0.5, 0.25}, {0, 0, -2, -0.25, -0.03125}},
      {log_or_zero, {0, 0, 4, 1, 0.25}, {0, 0, -16, -1, -0.0625}},
      {zero_or_quotient,
       {0.30116867893975674, 0, -0.08281366122978806, -0.30116867893975674, -0.11611074925915747},
       {-0.23913362692838303, 0, -0.32710654717978827, -0.23913362692838303, 0.24725599845656077}},
      {power_or_x, {1, 1, 1, 0.5, 0.25}, {0, 0, -2, -0.25, -0.03125}},
      {log_of_root, {-2, 0, 2, 0.5, 0.125}, {2, 2, -8, -0.5, -0.03125}},
      {nested, {0, 0, 1, 0.5, 0.25}, {0, 0, -2, -0.25, -0.0625}},
      {used_after, {0, 0, 0.5, 2, 8}, {0, 0, 2, 2, 2}},
      {through_a_sum, {1, 1, -20, -1.5, -0.125}, {0, 0, 152, 2.75, 0.0546875}},
      {through_a_product, {0, 0, 8, 2, 0.5}, {0, 0, -32, -2, -0.125}},
      {through_an_extreme, {0, 0, 4, 1, 0.25}, {0, 0, -16, -1, -0.0625}},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_graph *g = new_graph(state);
    bp_var x = vector(g, BP_F64, 5), one = number(x, 1), y = rows[i].f(x),
           ones = bp_broadcast(one, 1, (const int64_t[]){5}), y_dot, d2;
    bp_var d1 = gradient_of_sum(ctx, y, x);
    print_message("-- where, case %d\n", (int)i);
    assert_values(ctx, d1, x, at, rows[i].first, 5, 1e-9);
    bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &ones, 1, &y_dot));
    assert_values(ctx, y_dot, x, at, rows[i].first, 5, 1e-9);
    assert_values(ctx, gradient_of_sum(ctx, d1, x), x, at, rows[i].second, 5, 1e-9);
    bt_assert_ok(ctx, bp_jvp(&d1, 1, &x, &ones, 1, &d2));
    assert_values(ctx, d2, x, at, rows[i].second, 5, 1e-9);
    bp_graph_free(g);
  }
}

/* ---- ties ---- */

static void elements_that_tie_share_the_cotangent_equally(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = vector(g, BP_F64, 8);
  const double at[8] = {3, 1, 3, 3, 0, 0, 3, 2};
  const double largest[8] = {0.25, 0, 0.25, 0.25, 0, 0, 0.25, 0}, smallest[8] = {0, 0, 0, 0, 0.5, 0.5, 0, 0};
  assert_values(ctx, gradient_of_sum(ctx, bp_reduce_max(x, 1), x), x, at, largest, 8, 1e-15);
  assert_values(ctx, gradient_of_sum(ctx, bp_reduce_min(x, 1), x), x, at, smallest, 8, 1e-15);
  /* [2,2,2] over the axes 0 and 2: {3,1,0,0} and {3,3,3,2} */
  bp_var cube = bp_reshape(x, 3, (const int64_t[]){2, 2, 2});
  const double apart[8] = {1, 0, 1 / 3.0, 1 / 3.0, 0, 0, 1 / 3.0, 0};
  assert_values(ctx, gradient_of_sum(ctx, bp_reduce_max(cube, BP_AXIS(0) | BP_AXIS(2)), x), x, at, apart, 8, 1e-15);
  bp_graph_free(g);
}

/* ---- huge logits ---- */

static void logits_of_any_size_give_finite_values_and_gradients(void **state) {
  static const struct {
    double z[2], logsumexp, softmax[2], loss[2];
  } rows[] = {
      {{1e30, 0}, 1e30, {1, 0}, {0, 1e30}},
      {{-1e30, 0}, 0, {0, 1}, {1e30, 0}},
      {{1e30, 1e30}, 1e30, {0.5, 0.5}, {0.69314718055994531, 0.69314718055994531}},
      {{-1e30, -1e30}, -1e30, {0.5, 0.5}, {0.69314718055994531, 0.69314718055994531}},
      {{1e5, 99999},
       100000.31326168752,
       {0.73105857863000488, 0.26894142136999512},
       {0.31326168751822283, 1.3132616875182228}},
      {{0, -90}, 0, {1, 8.194012623990515e-40}, {8.194012623990515e-40, 90}},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
    bp_dtype t = i % 2 == 0 ? BP_F64 : BP_F32;
    double tolerance = t == BP_F64 ? 1e-15 : 2e-7;
    bp_graph *g = new_graph(state);
    bp_var z = vector(g, t, 2), lse = bp_logsumexp(z);
    const int32_t classes[] = {0, 1};
    bp_var loss = bp_softmax_cross_entropy(bp_broadcast(z, 2, ((const int64_t[]){2, 2})),
                                           bp_constant(g, BP_I32, 1, (const int64_t[]){2}, classes));
    const double *p = rows[i / 2].softmax, difference[2] = {2 * p[0] - 1, 2 * p[1] - 1}, none[2] = {0, 0};
    assert_values(ctx, lse, z, rows[i / 2].z, &rows[i / 2].logsumexp, 1, tolerance);
    assert_values(ctx, bp_softmax(z), z, rows[i / 2].z, p, 2, tolerance);
    assert_values(ctx, gradient_of_sum(ctx, lse, z), z, rows[i / 2].z, p, 2, tolerance);
    assert_values(ctx, gradient_of_sum(ctx, bp_softmax(z), z), z, rows[i / 2].z, none, 2, tolerance);
    assert_values(ctx, loss, z, rows[i / 2].z, rows[i / 2].loss, 2, i / 2 == 5 ? 1e-15 : tolerance);
    assert_values(ctx, gradient_of_sum(ctx, loss, z), z, rows[i / 2].z, difference, 2, 2 * tolerance);
    bp_graph_free(g);
  }
}

static void one_row_of_nan_leaves_the_others_alone(void **state) {
  bp_graph *g = new_graph(state);
  bp_var x = vector(g, BP_F64, 4), z = bp_reshape(x, 2, (const int64_t[]){2, 2});
  const double at[4] = {NAN, 1, 2, 2}, lse[2] = {NAN, 2 + 0.69314718055994531}, p[4] = {NAN, NAN, 0.5, 0.5};
  assert_values(bt_ctx(state), bp_logsumexp(z), x, at, lse, 2, 1e-15);
  assert_values(bt_ctx(state), gradient_of_sum(bt_ctx(state), bp_logsumexp(z), x), x, at, p, 4, 1e-15);
  bp_graph_free(g);
}

/* ---- variables that depend on each other, or on nothing ---- */

static void a_variable_that_depends_on_another_counts_for_both(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var a = scalar(g), b = bp_square(a), y = bp_mul(a, b); /* a³, or a b */
  bp_var x[2] = {a, b}, x_bar[2], x_dot[2] = {number(a, 2), number(a, 5)}, y_dot, one = number(a, 1);
  bt_assert_ok(ctx, bp_vjp(&y, &one, 1, x, 2, x_bar));
  const double three = 3, along_a = 27, along_b = 3, both = 2 * 27 + 5 * 3;
  assert_values(ctx, x_bar[0], a, &three, &along_a, 1, 0); /* 3a² */
  assert_values(ctx, x_bar[1], a, &three, &along_b, 1, 0); /* a */
  bt_assert_ok(ctx, bp_jvp(&y, 1, x, x_dot, 2, &y_dot));
  assert_values(ctx, y_dot, a, &three, &both, 1, 0);
  bp_graph_free(g);
}

static void the_same_variable_twice_and_an_output_that_is_a_variable(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var a = scalar(g), y[3] = {bp_exp(a), a, bp_exp(a)}, y_bar[3], x[2] = {a, a}, x_bar[2], y_dot[3];
  for (int i = 0; i < 3; i++) y_bar[i] = number(a, i + 1);
  bt_assert_ok(ctx, bp_vjp(y, y_bar, 3, x, 2, x_bar));
  const double at = 0, want = 1 + 2 + 3, two = 2;
  assert_values(ctx, x_bar[0], a, &at, &want, 1, 0);
  assert_values(ctx, x_bar[1], a, &at, &want, 1, 0);
  bp_var dots[2] = {number(a, 1), number(a, 1)};
  bt_assert_ok(ctx, bp_jvp(y, 3, x, dots, 2, y_dot));
  for (int i = 0; i < 3; i++) assert_values(ctx, y_dot[i], a, &at, &two, 1, 0);
  bp_graph_free(g);
}

static void no_dependence_gives_the_symbolic_zero_or_zeros(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var a = scalar(g), b = bp_input(g, "b", BP_F64, 2, (const int64_t[]){BP_BATCH, 3}), y = bp_sin(a),
         one = number(a, 1), out, zero = {g, 0};
  bt_assert_ok(ctx, bp_vjp(&y, &one, 1, &b, 1, &out));
  assert_true(bp_var_is_zero(out));
  bt_assert_ok(ctx, bp_vjp(&y, &zero, 1, &a, 1, &out));
  assert_true(bp_var_is_zero(out));
  bt_assert_ok(ctx, bp_jvp(&y, 1, &a, &zero, 1, &out));
  assert_true(bp_var_is_zero(out));
  bt_assert_ok(ctx, bp_jvp(&y, 1, &b, &b, 1, &out));
  assert_true(bp_var_is_zero(out));
  bt_assert_ok(ctx, bp_grad(y, &b, 1, &out));
  char shape[64];
  assert_string_equal(bp_var_shape_text(out, shape, sizeof shape), "[batch,3]");
  bt_assert_ok(ctx, bp_hvp(y, &b, &b, 1, &out));
  assert_string_equal(bp_var_shape_text(out, shape, sizeof shape), "[batch,3]");
  bt_assert_ok(ctx, bp_vjp(&y, &one, 1, &(bp_var){g, bp_stop_gradient(y).id}, 1, &out)); /* made later than y */
  assert_true(bp_var_is_zero(out));
  bp_graph_free(g);
}

static void what_is_stopped_or_assigned_is_constant(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = scalar(g), y = bp_mul(x, bp_stop_gradient(bp_square(x))), d, one = number(x, 1);
  const double three = 3, nine = 9;
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &d));
  assert_values(ctx, d, x, &three, &nine, 1, 0);
  bp_var root = bp_assign(x, bp_square(x));
  bt_assert_ok(ctx, bp_vjp(&root, &one, 1, &x, 1, &d));
  assert_true(bp_var_is_zero(d));
  bp_graph_free(g);
}

static void whole_numbers_carry_no_derivative(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = vector(g, BP_F64, 3), y = bp_sum(bp_mul(bp_cast(bp_cast(x, BP_I32), BP_F64), x), BP_ALL_AXES), d;
  const double at[3] = {1.5, -2.5, 7}, want[3] = {1, -2, 7};
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &d));
  assert_values(ctx, d, x, at, want, 3, 0);
  bp_graph_free(g);
}

/* ---- higher orders ---- */

static void derivatives_nest_to_any_order(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = scalar(g), one = number(x, 1), y = bp_mul(bp_sin(x), bp_exp(x));
  const double at = 0.7;
  /* dⁿ/dxⁿ eˣ sin x = 2^(n/2) eˣ sin(x + nπ/4) */
  for (int n = 1; n <= 6; n++) {
    bp_var next;
    if (n % 2 == 1)
      bt_assert_ok(ctx, bp_grad(y, &x, 1, &next));
    else
      bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &one, 1, &next));
    y = next;
    double want = pow(2, n / 2.0) * exp(at) * sin(at + n * 0.78539816339744831);
    assert_values(ctx, y, x, &at, &want, 1, 1e-13);
  }
  bp_graph_free(g);
}

/* d/dx (x · d/dy (x + y)) = 1: the inner tangent is not mistaken for the outer one. */
static void perturbations_are_not_confused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = scalar(g), y = bp_square(x), one = number(x, 1), sum = bp_add(x, y), inner, outer;
  bt_assert_ok(ctx, bp_jvp(&sum, 1, &y, &one, 1, &inner)); /* 1: along y alone */
  inner = bp_mul(x, inner);
  bt_assert_ok(ctx, bp_jvp(&inner, 1, &x, &one, 1, &outer));
  const double at = 3, want = 1;
  assert_values(ctx, outer, x, &at, &want, 1, 0);
  bp_graph_free(g);
}

/* Rosenbrock's function (1 - a)² + 100 (b - a²)²: its Hessian by hand. */
static void hessian_vector_products_are_those_by_hand(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x[2] = {scalar(g), scalar(g)}, v[2] = {number(x[0], 2), number(x[0], -1)}, hv[2];
  bp_var y = bp_add(bp_square(bp_sub(number(x[0], 1), x[0])),
                    bp_mul(number(x[0], 100), bp_square(bp_sub(x[1], bp_square(x[0])))));
  bt_assert_ok(ctx, bp_hvp(y, x, v, 2, hv));
  const double a = 1.5, b = -0.5;
  const void *values[2] = {&a, &b};
  bt_function f = {"rosenbrock", hv, 2, x, 2, values, 1};
  void *results[2];
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, results, NULL);
  const double aa = 2 - 400 * (b - 3 * a * a), ab = -400 * a, bb = 200;
  bt_assert_close(bt_get(results[0], BP_F64, 0), aa * 2 - ab, 1e-14, 0);
  bt_assert_close(bt_get(results[1], BP_F64, 0), ab * 2 - bb, 1e-14, 0);
  bt_free_arrays(results, 2);
  bp_graph_free(g);
}

/* ---- refusals: returned, recorded on the graph, and *out a null variable of it ---- */
typedef bp_status (*attempt)(bp_graph *g, bp_var x, bp_var *out);

static bp_status vector_gradient(bp_graph *g, bp_var x, bp_var *out) { return (void)g, bp_grad(x, &x, 1, out); }
static bp_status wrong_shape(bp_graph *g, bp_var x, bp_var *out) {
  bp_var y = bp_sin(x), seed = bp_scalar(g, BP_F64, 1);
  return bp_vjp(&y, &seed, 1, &x, 1, out);
}
static bp_status wrong_type(bp_graph *g, bp_var x, bp_var *out) {
  bp_var y = bp_sin(x), dot = bp_cast(x, BP_F32);
  (void)g;
  return bp_jvp(&y, 1, &x, &dot, 1, out);
}
static bp_status null_variable(bp_graph *g, bp_var x, bp_var *out) {
  bp_var y = bp_sum(x, BP_ALL_AXES);
  return bp_grad(y, &(bp_var){g, 0}, 1, out);
}
static bp_status unknown_variable(bp_graph *g, bp_var x, bp_var *out) {
  return bp_grad(bp_sum(x, BP_ALL_AXES), &(bp_var){g, 12345}, 1, out);
}
static bp_status after_an_error(bp_graph *g, bp_var x, bp_var *out) {
  bp_var y = bp_sum(bp_add(x, bp_input(g, "", BP_F64, 1, (const int64_t[]){5})), BP_ALL_AXES);
  return bp_grad(y, &x, 1, out);
}

static void mistakes_are_refused_and_recorded(void **state) {
  static const struct {
    attempt f;
    bp_status status;
    const char *message;
  } rows[] = {
      {vector_gradient, BP_E_SHAPE, "grad: y is [4], expected a scalar"},
      {wrong_shape, BP_E_SHAPE, "vjp: cotangent 0 is float64[], its variable is float64[4]"},
      {wrong_type, BP_E_SHAPE, "jvp: tangent 0 is float32[4], its variable is float64[4]"},
      {null_variable, BP_E_ARG, "vjp: x 0 is no variable of this graph"},
      {unknown_variable, BP_E_ARG, "vjp: x 0 is no variable of this graph"},
      {after_an_error, BP_E_GRAPH, "add: shapes [4] and [5] do not broadcast"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_graph *g = new_graph(state);
    bp_var x = vector(g, BP_F64, 4), out = {NULL, 77};
    bt_assert_fails(ctx, rows[i].status, rows[i].f(g, x, &out));
    bt_assert_message(ctx, rows[i].message);
    assert_ptr_equal(out.graph, g);
    assert_int_equal(out.id, 0);
    assert_true(bp_graph_status(g) != BP_OK);
    assert_non_null(strstr(bp_graph_message(g), rows[i].message));
    assert_true(bp_var_is_zero(bp_sin(x)));
    bp_graph_free(g);
  }
}

static void variables_of_another_graph_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state), *other = new_graph(state);
  bp_var x = scalar(g), foreign = scalar(other), y = bp_sin(x), out;
  bt_assert_fails(ctx, BP_E_ARG, bp_vjp(&y, &foreign, 1, &x, 1, &out));
  assert_int_equal(bp_graph_status(other), BP_OK);
  bp_graph_free(g);
  bp_graph_free(other);
  bp_var none = {NULL, 0};
  assert_int_equal(bp_grad(none, &none, 1, &out), BP_E_ARG);
  assert_int_equal(bp_hvp(none, &none, &none, 1, &out), BP_E_ARG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(branches_not_taken_leave_the_gradient_clean),
      BT_TEST(elements_that_tie_share_the_cotangent_equally),
      BT_TEST(logits_of_any_size_give_finite_values_and_gradients),
      BT_TEST(one_row_of_nan_leaves_the_others_alone),
      BT_TEST(a_variable_that_depends_on_another_counts_for_both),
      BT_TEST(the_same_variable_twice_and_an_output_that_is_a_variable),
      BT_TEST(no_dependence_gives_the_symbolic_zero_or_zeros),
      BT_TEST(what_is_stopped_or_assigned_is_constant),
      BT_TEST(whole_numbers_carry_no_derivative),
      BT_TEST(derivatives_nest_to_any_order),
      BT_TEST(perturbations_are_not_confused),
      BT_TEST(hessian_vector_products_are_those_by_hand),
      BT_TEST(mistakes_are_refused_and_recorded),
      BT_TEST(variables_of_another_graph_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
