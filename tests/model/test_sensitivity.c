/* Derivatives of a model's outputs: against differences of its predictions, formulas by hand, and each other. */
/* labels: grad */
#include <pthread.h>
#include <stdlib.h>

#include "backprop/sensitivity.h"
#include "model/model_fixtures.h"

static bp_sensitivity *sensitivity_of(bp_context *ctx, const bp_model *model, bp_space space, bool raw,
                                      int64_t max_rows) {
  bp_sensitivity_options options = {.size = sizeof options, .space = space, .raw = raw, .max_rows = max_rows};
  bp_sensitivity *s = NULL;
  bt_assert_ok(ctx, bp_sensitivity_new(ctx, model, &options, &s));
  return s;
}

/* ---- three columns of numbers, one of them with missing values ---- */

enum { ROWS = 40, WIDTH = 3 };

static void make_columns(double columns[WIDTH][ROWS], double *y) {
  for (int r = 0; r < ROWS; r++) {
    columns[0][r] = 100 + 7 * sin(r);                        /* far from 0, wide */
    columns[1][r] = 1e-3 * ((r * 13) % 11);                  /* tiny */
    columns[2][r] = r % 9 == 4 ? NAN : cos(3.0 * r) + r % 2; /* missing now and then */
    y[r] = 5e3 + 40 * columns[0][r] + 1e5 * columns[1][r] * (r % 9 == 4 ? 0 : columns[2][r]);
  }
}

/* A trained regression model of float64, or (kinds > 0) a classifier. */
static bp_model *train_on_columns(bp_context *ctx, int kinds, double *x) {
  static double columns[WIDTH][ROWS], y[ROWS];
  bp_train_options options = bt_small(BP_F64);
  bp_table *table = NULL;
  options.fit.epochs = 30;
  options.task = kinds > 0 ? BP_TASK_CLASSIFICATION : BP_TASK_REGRESSION;
  make_columns(columns, y);
  for (int r = 0; r < ROWS && kinds > 0; r++) y[r] = r % kinds;
  bt_assert_ok(ctx, bp_table_new(ctx, ROWS, &table));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "a", columns[0]));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "b", columns[1]));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "c", columns[2]));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "y", y));
  bp_model *model = bt_train(ctx, table, &options);
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, x));
  bp_table_free(table);
  return model;
}

/* ∂y/∂x of every row by central differences of predictions, in the units of the columns. */
static void differences(bp_context *ctx, const bp_model *model, const double *x, const double *step, double *jacobian) {
  double *moved = malloc(ROWS * WIDTH * sizeof *moved), *up = malloc(ROWS * 8 * sizeof *up),
         *down = malloc(ROWS * 8 * sizeof *down);
  int64_t outputs = bp_model_outputs(model);
  bp_predictor *p = NULL;
  bt_assert_ok(ctx, bp_predictor_new(ctx, model, NULL, &p));
  for (int c = 0; c < WIDTH; c++) {
    memcpy(moved, x, ROWS * WIDTH * sizeof *moved);
    for (int r = 0; r < ROWS; r++) moved[r * WIDTH + c] += step[c];
    bt_assert_ok(ctx, bp_predict_f64(p, ROWS, moved, up));
    for (int r = 0; r < ROWS; r++) moved[r * WIDTH + c] = x[r * WIDTH + c] - step[c];
    bt_assert_ok(ctx, bp_predict_f64(p, ROWS, moved, down));
    for (int r = 0; r < ROWS; r++)
      for (int64_t o = 0; o < outputs; o++)
        jacobian[(r * outputs + o) * WIDTH + c] = (up[r * outputs + o] - down[r * outputs + o]) / (2 * step[c]);
  }
  bp_predictor_free(p);
  free(moved);
  free(up);
  free(down);
}

/* Steps of 1e-5 of a column's spread: errors of 1e-10 of the curvature, 1e-11 of rounding. kinds 5: more outputs than columns,
 * so forward mode; else reverse mode. */
static void check_jacobian(bp_context *ctx, int kinds) {
  static const double step[WIDTH] = {5e-5, 3e-8, 1e-5};
  static double x[ROWS * WIDTH], output[ROWS * 8], expected[ROWS * 8], jacobian[ROWS * 8 * WIDTH],
      quotient[ROWS * 8 * WIDTH];
  bp_model *model = train_on_columns(ctx, kinds, x);
  int64_t outputs = bp_model_outputs(model);
  double scale[WIDTH] = {0};
  bt_assert_ok(ctx, bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, ROWS, x, output, jacobian));
  differences(ctx, model, x, step, quotient);
  for (int64_t i = 0; i < ROWS * outputs * WIDTH; i++) scale[i % WIDTH] = fmax(scale[i % WIDTH], fabs(quotient[i]));
  for (int64_t i = 0; i < ROWS * outputs * WIDTH; i++)
    bt_assert_close(jacobian[i], quotient[i], 1e-6, 1e-7 * scale[i % WIDTH]);
  bp_predictor *p = NULL;
  bt_assert_ok(ctx, bp_predictor_new(ctx, model, NULL, &p));
  bt_assert_ok(ctx, bp_predict_f64(p, ROWS, x, expected));
  bt_assert_close_f64(output, expected, (size_t)(ROWS * outputs), 1e-13, 0);
  assert_true(scale[0] > 0 && scale[1] > 0 && scale[2] > 0);
  bp_predictor_free(p);
  bp_model_free(model);
}

static void jacobian_of_values_is_that_of_differences(void **state) { check_jacobian(bt_ctx(state), 0); }
static void jacobian_of_two_classes_is_that_of_differences(void **state) { check_jacobian(bt_ctx(state), 2); }
static void jacobian_by_columns_is_that_of_differences(void **state) { check_jacobian(bt_ctx(state), 5); }

/* Probabilities sum to 1, so their derivatives sum to 0; a missing number does not move anything. */
static void derivatives_of_probabilities_sum_to_zero(void **state) {
  static double x[ROWS * WIDTH], jacobian[ROWS * 5 * WIDTH];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = train_on_columns(ctx, 5, x);
  bt_assert_ok(ctx, bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, ROWS, x, NULL, jacobian));
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < WIDTH; c++) {
      double sum = 0, most = 0;
      for (int o = 0; o < 5; o++) {
        double d = jacobian[(r * 5 + o) * WIDTH + c];
        sum += d;
        most = fmax(most, fabs(d));
      }
      bt_assert_close(sum, 0, 0, 1e-14 * (1 + most));
      assert_int_equal(most == 0, isnan(x[r * WIDTH + c]));
    }
  bp_model_free(model);
}

/* ---- by hand ---- */

static double weight(const bp_model *model, int param, int64_t i) {
  return ((const double *)bp_model_param(model, param))[i];
}

/* One hidden layer of tanh h = tanh(x W + b), z = h U + c. With t_k = 1 - h_k²:
 *   ∂z/∂x_i = Σ_k W_ik t_k U_k      ∂²z/∂x_i∂x_j = Σ_k W_ik W_jk (-2 h_k t_k) U_k */
static void formulas(const bp_model *model, const double *x, double *gradient, double *hessian) {
  bp_layer_info hidden = bp_net_layer(bp_model_net(model), 0);
  int n = (int)hidden.inputs, units = (int)hidden.outputs;
  memset(gradient, 0, (size_t)n * sizeof *gradient);
  memset(hessian, 0, (size_t)(n * n) * sizeof *hessian);
  for (int k = 0; k < units; k++) {
    double a = weight(model, 1, k);
    for (int i = 0; i < n; i++) a += x[i] * weight(model, 0, i * units + k);
    double h = tanh(a), t = 1 - h * h, u = weight(model, 2, k);
    for (int i = 0; i < n; i++) {
      gradient[i] += weight(model, 0, i * units + k) * t * u;
      for (int j = 0; j < n; j++)
        hessian[i * n + j] += weight(model, 0, i * units + k) * weight(model, 0, j * units + k) * (-2 * h * t) * u;
    }
  }
}

/* In the network's own inputs and raw outputs the formulas stand as they are. */
static void derivatives_by_inputs_are_the_formulas(void **state) {
  enum { INPUTS = 4 };
  static const double x[3 * INPUTS] = {0.3, -1.2, 0, 0.7, 2, 1, 1, -0.1, 0, 0, 0, 0};
  static double columns[ROWS * WIDTH];
  double g[INPUTS], h[INPUTS * INPUTS], jacobian[3 * INPUTS], hessian[3 * INPUTS * INPUTS];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = train_on_columns(ctx, 0, columns);
  bp_sensitivity *s = sensitivity_of(ctx, model, BP_SPACE_INPUTS, true, 0);
  assert_int_equal(bp_sensitivity_width(s), INPUTS);
  assert_int_equal(bp_sensitivity_outputs(s), 1);
  bt_assert_ok(ctx, bp_sensitivity_jacobian(s, 3, x, NULL, jacobian));
  bt_assert_ok(ctx, bp_sensitivity_hessian(s, 3, x, 0, hessian));
  for (int r = 0; r < 3; r++) {
    formulas(model, x + r * INPUTS, g, h);
    bt_assert_close_f64(jacobian + r * INPUTS, g, INPUTS, 1e-12, 1e-14);
    bt_assert_close_f64(hessian + r * INPUTS * INPUTS, h, INPUTS * INPUTS, 1e-12, 1e-14);
  }
  bp_sensitivity_free(s);
  bp_model_free(model);
}

/* The same in units of the columns: by the chain rule ∂y/∂c_i = S ∂z/∂x_i / s_i, and S / (s_i s_j) for second derivatives, with S
 * the scale of the target and s_i those of the columns. S is found from the outputs: y = S z + mean. */
static void derivatives_by_columns_follow_the_chain_rule(void **state) {
  static double columns[ROWS * WIDTH];
  double x[4], g[4], h[16], y, z, gradient[WIDTH], hessian[WIDTH * WIDTH], dy[4], slope[WIDTH];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = train_on_columns(ctx, 0, columns);
  bp_sensitivity *raw = sensitivity_of(ctx, model, BP_SPACE_INPUTS, true, 0);
  bp_sensitivity *scaled = sensitivity_of(ctx, model, BP_SPACE_INPUTS, false, 0);
  bp_sensitivity *s = sensitivity_of(ctx, model, BP_SPACE_COLUMNS, false, 0);
  for (int c = 0; c < WIDTH; c++) {
    bp_column_info info = bp_model_column(model, c);
    slope[c] = 1 / info.scale;
    x[c] = (columns[c] - info.mean) / info.scale;
  }
  x[3] = 0; /* the indicator of the last column */
  formulas(model, x, g, h);
  bt_assert_ok(ctx, bp_sensitivity_gradient(scaled, 1, x, 0, &y, dy));
  bt_assert_ok(ctx, bp_sensitivity_gradient(raw, 1, x, 0, &z, g));
  double S = dy[0] / g[0];
  bt_assert_ok(ctx, bp_sensitivity_gradient(s, 1, columns, 0, &z, gradient));
  bt_assert_ok(ctx, bp_sensitivity_hessian(s, 1, columns, 0, hessian));
  bt_assert_close(z, y, 1e-12, 0);
  for (int i = 0; i < WIDTH; i++) {
    bt_assert_close(gradient[i], S * g[i] * slope[i], 1e-10, 0);
    for (int j = 0; j < WIDTH; j++)
      bt_assert_close(hessian[i * WIDTH + j], S * h[i * 4 + j] * slope[i] * slope[j], 1e-9, 0);
  }
  bp_sensitivity_free(s);
  bp_sensitivity_free(scaled);
  bp_sensitivity_free(raw);
  bp_model_free(model);
}

/* ---- the parts agree ---- */

static void gradient_is_a_row_and_hvp_a_product(void **state) {
  static double x[ROWS * WIDTH], jacobian[ROWS * 5 * WIDTH], gradient[ROWS * WIDTH], value[ROWS], output[ROWS * 5],
      v[ROWS * WIDTH], hv[ROWS * WIDTH], hessian[ROWS * WIDTH * WIDTH];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = train_on_columns(ctx, 5, x);
  for (int i = 0; i < ROWS * WIDTH; i++) v[i] = sin(i);
  bp_sensitivity *s = sensitivity_of(ctx, model, BP_SPACE_COLUMNS, false, 7); /* pieces of 7 rows */
  bt_assert_ok(ctx, bp_sensitivity_jacobian(s, ROWS, x, output, jacobian));
  for (int o = 0; o < 5; o++) {
    bt_assert_ok(ctx, bp_model_gradient(ctx, model, BP_SPACE_COLUMNS, ROWS, x, o, value, gradient));
    bt_assert_ok(ctx, bp_model_hvp(ctx, model, BP_SPACE_COLUMNS, ROWS, x, o, v, hv));
    bt_assert_ok(ctx, bp_sensitivity_hessian(s, ROWS, x, o, hessian));
    for (int r = 0; r < ROWS; r++) {
      bt_assert_close(value[r], output[r * 5 + o], 1e-14, 0);
      bt_assert_close_f64(gradient + r * WIDTH, jacobian + (r * 5 + o) * WIDTH, WIDTH, 1e-10, 1e-13);
      for (int i = 0; i < WIDTH; i++) {
        double sum = 0, size = 0;
        for (int j = 0; j < WIDTH; j++) {
          double part = hessian[(r * WIDTH + i) * WIDTH + j] * v[r * WIDTH + j];
          sum += part;
          size += fabs(part);
        }
        bt_assert_close(hv[r * WIDTH + i], sum, 0, 1e-11 * size);
      }
    }
  }
  bp_sensitivity_free(s);
  bp_model_free(model);
}

/* A row alone, in pieces and among others: the same bits. A category has no derivative, and lets others be. */
static void rows_do_not_see_each_other_and_categories_have_none(void **state) {
  double x[BT_ROWS * 2], all[BT_ROWS * 6], one[6];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, x));
  bt_assert_ok(ctx, bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, BT_ROWS, x, NULL, all));
  bp_sensitivity *s = sensitivity_of(ctx, model, BP_SPACE_COLUMNS, false, 1);
  for (int r = 0; r < BT_ROWS; r++) {
    bt_assert_ok(ctx, bp_sensitivity_jacobian(s, 1, x + r * 2L, NULL, one));
    for (int o = 0; o < 3; o++) {
      bt_assert_same_bits(&one[o * 2], &all[r * 6 + o * 2], sizeof *one);
      assert_true(isnan(one[o * 2 + 1]) && isnan(all[r * 6 + o * 2 + 1]));
      assert_int_equal(one[o * 2] == 0, r == 5); /* its width is missing */
    }
  }
  const double v[] = {0, 1000};
  double hv[2];
  bt_assert_ok(ctx, bp_sensitivity_hvp(s, 1, x, 1, v, hv));
  assert_true(hv[0] == 0 && isnan(hv[1]));
  bp_sensitivity_free(s);
  bp_table_free(table);
  bp_model_free(model);
}

/* ---- threads and memory ---- */

enum { USERS = 3 };

typedef struct user {
  const bp_model *model;
  const double *x;
  bool good;
  double jacobian[ROWS * 5 * WIDTH];
} user;

static void *use_model(void *argument) {
  user *u = argument;
  bp_context *ctx = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return NULL;
  u->good = true;
  for (int i = 0; i < 5 && u->good; i++)
    u->good = bp_model_jacobian(ctx, u->model, BP_SPACE_COLUMNS, ROWS, u->x, NULL, u->jacobian) == BP_OK;
  bp_context_free(ctx);
  return NULL;
}

static void many_threads_differentiate_one_model(void **state) {
  static user users[USERS];
  static double x[ROWS * WIDTH], expected[ROWS * 5 * WIDTH];
  pthread_t threads[USERS];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = train_on_columns(ctx, 5, x);
  bt_assert_ok(ctx, bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, ROWS, x, NULL, expected));
  for (int i = 0; i < USERS; i++) {
    users[i].model = model;
    users[i].x = x;
    assert_int_equal(pthread_create(&threads[i], NULL, use_model, &users[i]), 0);
  }
  for (int i = 0; i < USERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(users[i].good);
    bt_assert_same_bits(users[i].jacobian, expected, sizeof expected);
  }
  bp_model_free(model);
}

static void differentiating_allocates_nothing(void **state) {
  static double x[ROWS * WIDTH], jacobian[ROWS * 5 * WIDTH], hessian[ROWS * WIDTH * WIDTH];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = train_on_columns(ctx, 5, x);
  bp_sensitivity *s = sensitivity_of(ctx, model, BP_SPACE_COLUMNS, false, 0);
  size_t calls = bt_fixture_of(state)->memory.calls;
  bt_assert_ok(ctx, bp_sensitivity_jacobian(s, ROWS, x, NULL, jacobian));
  bt_assert_ok(ctx, bp_sensitivity_hessian(s, ROWS, x, 1, hessian));
  bt_assert_ok(ctx, bp_sensitivity_jacobian(s, 0, x, NULL, jacobian));
  assert_int_equal(bt_fixture_of(state)->memory.calls, calls);
  bp_sensitivity_free(s);
  bp_model_free(model);
}

static bp_status differentiate(bp_context *ctx, void *target) {
  bp_context *quiet = NULL;
  double x[2] = {1, 0}, jacobian[6], hv[2];
  assert_int_equal(bp_context_new(NULL, &quiet), BP_OK);
  bp_model *model = bt_small_model(quiet, *(bt_target *)target, BP_F32); /* its own memory does not fail */
  bp_status status = bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, 1, x, NULL, jacobian);
  if (status == BP_OK) status = bp_model_hvp(ctx, model, BP_SPACE_COLUMNS, 1, x, 0, x, hv);
  bp_model_free(model);
  bp_context_free(quiet);
  return status;
}

static void survives_without_memory(void **state) {
  bt_target value = BT_VALUE, two = BT_TWO;
  (void)state;
  assert_true(bt_alloc_sweep(differentiate, &value) > 50);
  assert_true(bt_alloc_sweep(differentiate, &two) > 50);
}

/* ---- refusals ---- */

static void refuses_what_is_not_there(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  double x[] = {1, 0}, infinite[] = {-INFINITY, 0}, out[6];
  bp_sensitivity *s = NULL;
  bp_sensitivity_options size = {.size = 3}, space = {.size = sizeof space, .space = BP_SPACE_COUNT};
  bp_sensitivity_options rows = {.size = sizeof rows, .max_rows = -1};
  bt_assert_fails(ctx, BP_E_ARG, bp_sensitivity_new(ctx, model, &size, &s));
  bt_assert_fails(ctx, BP_E_ARG, bp_sensitivity_new(ctx, model, &space, &s));
  bt_assert_fails(ctx, BP_E_ARG, bp_sensitivity_new(ctx, model, &rows, &s));
  assert_null(s);
  s = sensitivity_of(ctx, model, BP_SPACE_COLUMNS, false, 0);
  bt_assert_fails(ctx, BP_E_ARG, bp_sensitivity_gradient(s, 1, x, 3, NULL, out));
  bt_assert_message(ctx, "expected 0 to 2");
  bt_assert_fails(ctx, BP_E_ARG, bp_sensitivity_gradient(s, 1, x, -1, NULL, out));
  bt_assert_fails(ctx, BP_E_ARG, bp_sensitivity_jacobian(s, -1, x, NULL, out));
  bt_assert_fails(ctx, BP_E_ARG, bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, -1, x, NULL, out));
  bt_assert_fails(ctx, BP_E_DATA, bp_sensitivity_jacobian(s, 1, infinite, NULL, out));
  bp_sensitivity_free(s);
  bp_sensitivity_free(NULL);
  bp_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(jacobian_of_values_is_that_of_differences),  BT_TEST(jacobian_of_two_classes_is_that_of_differences),
      BT_TEST(jacobian_by_columns_is_that_of_differences), BT_TEST(derivatives_of_probabilities_sum_to_zero),
      BT_TEST(derivatives_by_inputs_are_the_formulas),     BT_TEST(derivatives_by_columns_follow_the_chain_rule),
      BT_TEST(gradient_is_a_row_and_hvp_a_product),        BT_TEST(rows_do_not_see_each_other_and_categories_have_none),
      BT_TEST(many_threads_differentiate_one_model),       BT_TEST(differentiating_allocates_nothing),
      cmocka_unit_test(survives_without_memory),           BT_TEST(refuses_what_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
