/* Gradients of a model on a table: layer by layer against backpropagation written out by hand, and against differences. */
/* labels: grad */
#include "backprop/diagnose.h"
#include "backprop/predict.h"
#include "model/model_fixtures.h"

enum { WIDEST = 16, LAYERS = 3 };

/* Two hidden layers of tanh, trained for a moment. */
static bp_model *deep_model(bp_context *ctx, const bp_table *table, bp_dtype dtype) {
  bp_train_options options = bt_small(dtype);
  bool numbers = bp_table_type(table, bp_table_columns(table) - 1) == BP_COLUMN_NUMBER;
  options.task = numbers ? BP_TASK_REGRESSION : BP_TASK_CLASSIFICATION;
  options.n_hidden = 2;
  options.hidden[0] = 7;
  options.hidden[1] = 4;
  return bt_train(ctx, table, &options);
}

/* ---- an oracle that shares no code with the library ---- */

/* A network at a row: z[0] is the row, z[l + 1] the output of layer l, delta[l + 1] its error signal. */
typedef struct by_hand {
  const bp_model *model;
  double z[LAYERS + 1][WIDEST], delta[LAYERS + 1][WIDEST];
  double weight_gradient[LAYERS][WIDEST * WIDEST], bias_gradient[LAYERS][WIDEST]; /* sums over rows */
  double loss, signals[LAYERS], outputs[LAYERS]; /* sums over rows of the loss, ‖δ‖², ‖z‖² */
} by_hand;

static double weight(const bp_model *model, int param, int64_t i) {
  const void *data = bp_model_param(model, param);
  return bp_net_dtype(bp_model_net(model)) == BP_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

/* Columns of bt_table_of() as the network's inputs. */
static void prepare(by_hand *h, const double *values) {
  bp_column_info width = bp_model_column(h->model, 0), colour = bp_model_column(h->model, 1);
  h->z[0][0] = ((isnan(values[0]) ? width.missing : values[0]) - width.mean) / width.scale;
  h->z[0][1] = isnan(values[0]);
  for (int c = 0; c < (int)colour.n_categories; c++) h->z[0][2 + c] = values[1] == c;
}

static void forward(by_hand *h) {
  for (int l = 0; l < LAYERS; l++) {
    bp_layer_info info = bp_net_layer(bp_model_net(h->model), l);
    for (int j = 0; j < (int)info.outputs; j++) {
      double a = weight(h->model, 2 * l + 1, j);
      for (int i = 0; i < (int)info.inputs; i++) a += h->z[l][i] * weight(h->model, 2 * l, i * info.outputs + j);
      h->z[l + 1][j] = l < LAYERS - 1 ? tanh(a) : a;
      h->outputs[l] += h->z[l + 1][j] * h->z[l + 1][j];
    }
  }
}

/* δ of the last layer: p - y for softmax and cross entropy, 2 (z - y) for the squared error of one output. */
static void start_backward(by_hand *h, bt_target kind, int truth, double y) {
  int n = (int)bp_net_outputs(bp_model_net(h->model));
  double *z = h->z[LAYERS], sum = 0;
  if (kind == BT_VALUE) {
    h->loss += (z[0] - y) * (z[0] - y);
    h->delta[LAYERS][0] = 2 * (z[0] - y);
    return;
  }
  for (int j = 0; j < n; j++) sum += exp(z[j]);
  h->loss += log(sum) - z[truth];
  for (int j = 0; j < n; j++) h->delta[LAYERS][j] = exp(z[j]) / sum - (j == truth);
}

/* δ_{l-1} = W_l (δ_l ⊙ φ'(a_l)), ∂R/∂W_l = z_{l-1} (δ_l ⊙ φ'(a_l))ᵀ for W [inputs, outputs]. */
static void backward(by_hand *h) {
  for (int l = LAYERS - 1; l >= 0; l--) {
    bp_layer_info info = bp_net_layer(bp_model_net(h->model), l);
    memset(h->delta[l], 0, sizeof h->delta[l]);
    for (int j = 0; j < (int)info.outputs; j++) {
      double z = h->z[l + 1][j], signal = h->delta[l + 1][j], g = signal * (l < LAYERS - 1 ? 1 - z * z : 1);
      h->signals[l] += signal * signal;
      h->bias_gradient[l][j] += g;
      for (int i = 0; i < (int)info.inputs; i++) {
        h->weight_gradient[l][i * info.outputs + j] += h->z[l][i] * g;
        h->delta[l][i] += weight(h->model, 2 * l, i * info.outputs + j) * g;
      }
    }
  }
}

static double norm(const double *values, int64_t n, double rows) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += values[i] / rows * (values[i] / rows);
  return sqrt(sum);
}

/* Gradients of rows are of size 1 and cancel in their sum: hence 1e-12. */
static void check_layers(const by_hand *h, const bp_layer_gradient *layers, double rows) {
  for (int l = 0; l < LAYERS; l++) {
    bp_layer_info info = bp_net_layer(bp_model_net(h->model), l);
    double weights = 0;
    for (int64_t i = 0; i < info.inputs * info.outputs; i++) weights += pow(weight(h->model, 2 * l, i), 2);
    bt_assert_close(layers[l].output, sqrt(h->outputs[l] / rows), 1e-12, 0);
    bt_assert_close(layers[l].error_signal, sqrt(h->signals[l] / rows), 1e-12, 0);
    bt_assert_close(layers[l].weight, sqrt(weights), 1e-12, 0);
    bt_assert_close(layers[l].weight_gradient, norm(h->weight_gradient[l], info.inputs * info.outputs, rows), 1e-11,
                    1e-12);
    bt_assert_close(layers[l].bias_gradient, norm(h->bias_gradient[l], info.outputs, rows), 1e-11, 1e-12);
  }
}

/* rows: more than one piece of the program when above 1024. */
static void compare(bp_context *ctx, bt_target kind, bp_dtype dtype, int rows, int threads) {
  static by_hand h;
  static double values[1024 * 2];
  bp_table *table = bt_table_of(ctx, kind, rows);
  memset(&h, 0, sizeof h);
  h.model = deep_model(ctx, table, dtype);
  bp_layer_gradient layers[LAYERS];
  double loss, mean = 0, spread = 0;
  bt_assert_ok(ctx, bp_model_values(ctx, h.model, table, values));
  for (int r = 0; r < rows && kind == BT_VALUE; r++) mean += bp_table_number(table, r, 2) / rows;
  for (int r = 0; r < rows && kind == BT_VALUE; r++) spread += pow(bp_table_number(table, r, 2) - mean, 2) / rows;
  for (int r = 0; r < rows; r++) {
    int truth = r % (kind == BT_TWO ? 2 : 3); /* classes sort as cat, dog, owl */
    prepare(&h, values + 2 * r);
    forward(&h);
    start_backward(&h, kind, truth, kind == BT_VALUE ? (bp_table_number(table, r, 2) - mean) / sqrt(spread) : 0);
    backward(&h);
  }
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, h.model, table, threads, &loss, layers));
  bt_assert_close(loss, h.loss / rows, 1e-12, 0);
  check_layers(&h, layers, rows);
  bp_model_free((bp_model *)(uintptr_t)h.model);
  bp_table_free(table);
}

static void layers_of_a_classifier(void **state) { compare(bt_ctx(state), BT_THREE, BP_F64, BT_ROWS, 1); }
static void layers_of_a_regression(void **state) { compare(bt_ctx(state), BT_VALUE, BP_F64, 1000, 2); }
static void layers_of_float32_in_float64(void **state) { compare(bt_ctx(state), BT_TWO, BP_F32, 300, 1); }

/* 3 x 1,000 rows go through in pieces; each row three times is the same mean. */
static void pieces_add_up(void **state) {
  enum { ROWS = 1000, TIMES = 3 };
  static double x[ROWS * TIMES], y[ROWS * TIMES];
  bp_context *ctx = bt_ctx(state);
  bp_layer_gradient once[LAYERS], thrice[LAYERS];
  double a, b;
  for (int r = 0; r < ROWS * TIMES; r++) x[r] = sin(r % ROWS), y[r] = cos(3.0 * (r % ROWS));
  bp_table *tables[2];
  for (int t = 0; t < 2; t++) {
    bt_assert_ok(ctx, bp_table_new(ctx, t == 0 ? ROWS : (int64_t)ROWS * TIMES, &tables[t]));
    bt_assert_ok(ctx, bp_table_add_numbers(ctx, tables[t], "x", x));
    bt_assert_ok(ctx, bp_table_add_numbers(ctx, tables[t], "y", y));
  }
  bp_model *model = deep_model(ctx, tables[0], BP_F32);
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, model, tables[0], 1, &a, once));
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, model, tables[1], 2, &b, thrice));
  bt_assert_close(b, a, 1e-13, 0);
  for (int l = 0; l < LAYERS; l++) {
    bt_assert_close(thrice[l].output, once[l].output, 1e-12, 0);
    bt_assert_close(thrice[l].error_signal, once[l].error_signal, 1e-12, 0);
    bt_assert_close(thrice[l].weight_gradient, once[l].weight_gradient, 1e-10, 0);
    bt_assert_close(thrice[l].bias_gradient, once[l].bias_gradient, 1e-10, 0);
  }
  bp_model_free(model);
  bp_table_free(tables[0]);
  bp_table_free(tables[1]);
}

/* A row of weight 2 is the row twice, one of weight 0 is not there. */
static void a_weight_is_a_repeated_row(void **state) {
  enum { ROWS = 30 };
  double x[ROWS], y[ROWS], w[ROWS], ones[ROWS * 2], twice_x[ROWS * 2], twice_y[ROWS * 2], a, b;
  bp_context *ctx = bt_ctx(state);
  bp_layer_gradient weighted[2], repeated[2];
  int n = 0;
  for (int r = 0; r < ROWS; r++) {
    x[r] = sin(r), y[r] = cos(3.0 * r), w[r] = r % 3;
    for (int k = 0; k < r % 3; k++, n++) twice_x[n] = x[r], twice_y[n] = y[r], ones[n] = 1;
  }
  bp_table *tables[2];
  for (int t = 0; t < 2; t++) {
    bt_assert_ok(ctx, bp_table_new(ctx, t == 0 ? ROWS : n, &tables[t]));
    bt_assert_ok(ctx, bp_table_add_numbers(ctx, tables[t], "x", t == 0 ? x : twice_x));
    bt_assert_ok(ctx, bp_table_add_numbers(ctx, tables[t], "w", t == 0 ? w : ones));
    bt_assert_ok(ctx, bp_table_add_numbers(ctx, tables[t], "y", t == 0 ? y : twice_y));
  }
  bp_train_options options = bt_small(BP_F64);
  options.weight = "w";
  options.task = BP_TASK_REGRESSION;
  bp_model *model = bt_train(ctx, tables[0], &options);
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, model, tables[0], 1, &a, weighted));
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, model, tables[1], 1, &b, repeated));
  bt_assert_close(a, b, 1e-13, 0);
  for (int l = 0; l < 2; l++) {
    bt_assert_close(weighted[l].output, repeated[l].output, 1e-12, 0);
    bt_assert_close(weighted[l].error_signal, repeated[l].error_signal, 1e-12, 0);
    bt_assert_close(weighted[l].weight_gradient, repeated[l].weight_gradient, 1e-11, 1e-13);
    bt_assert_close(weighted[l].bias_gradient, repeated[l].bias_gradient, 1e-11, 1e-13);
  }
  bp_model_check_options all = {.size = sizeof all, .rows = 1000, .elements = 1000};
  bp_param_check checks[2][2 * 2];
  for (int t = 0; t < 2; t++) {
    bt_assert_ok(ctx, bp_model_gradcheck(ctx, model, tables[t], &all, &b, checks[t]));
    bt_assert_close(b, a, 1e-12, 0);
  }
  bp_model_check_options one = {.size = sizeof one, .rows = 1}; /* row 0 has no weight */
  bt_assert_fails(ctx, BP_E_DATA, bp_model_gradcheck(ctx, model, tables[0], &one, NULL, checks[0]));
  bt_assert_message(ctx, "add up to 0");
  bp_model_free(model);
  bp_table_free(tables[0]);
  bp_table_free(tables[1]);
}

/* ---- differences ---- */

static void check_gradients(bp_context *ctx, bt_target kind, bp_dtype dtype) {
  bp_table *table = bt_table_of(ctx, kind, BT_ROWS);
  bp_model *model = deep_model(ctx, table, dtype);
  bp_model_check_options all = {.size = sizeof all, .rows = 1000, .elements = 1000};
  bp_param_check params[2 * LAYERS];
  bp_layer_gradient layers[LAYERS];
  double loss, same;
  bt_assert_ok(ctx, bp_model_gradcheck(ctx, model, table, &all, &loss, params));
  for (int p = 0; p < 2 * LAYERS; p++) {
    assert_int_equal(params[p].checked, bp_net_param(bp_model_net(model), p).elements);
    assert_true(params[p].error <= 1);
  }
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, model, table, 1, &same, layers));
  bt_assert_close(loss, same, 1e-12, 0);
  bp_model_free(model);
  bp_table_free(table);
}

static void gradients_agree_with_differences(void **state) {
  for (bt_target kind = BT_TWO; kind <= BT_VALUE; kind++) {
    check_gradients(bt_ctx(state), kind, BP_F32);
    check_gradients(bt_ctx(state), kind, BP_F64);
  }
}

/* Differences are good to some 1e-10, so 1e-15 cannot be met: the check can fail, and says where. */
static void what_is_allowed_is_respected(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  bp_model *model = deep_model(ctx, table, BP_F64);
  bp_model_check_options strict = {.size = sizeof strict, .relative = 1e-15, .rows = 5, .elements = 3};
  bp_param_check params[2 * LAYERS] = {{0}};
  bt_assert_fails(ctx, BP_E_CHECK, bp_model_gradcheck(ctx, model, table, &strict, NULL, params));
  bt_assert_message(ctx, "layers.");
  int differ = 0;
  for (int p = 0; p < 2 * LAYERS; p++) {
    assert_int_equal(params[p].checked, 3);
    differ += params[p].error > 1;
    bt_assert_close(params[p].derivative, params[p].difference, 1e-4, 1e-9); /* and yet they are near */
  }
  assert_true(differ > 0);
  bp_model_free(model);
  bp_table_free(table);
}

/* ---- refusals and memory ---- */

static void refuses_what_cannot_be_measured(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = bt_table_of(ctx, BT_VALUE, BT_ROWS), *empty = bt_table_of(ctx, BT_VALUE, 0), *bare = NULL;
  bp_model *model = deep_model(ctx, table, BP_F32);
  bp_layer_gradient layers[LAYERS];
  bp_param_check params[2 * LAYERS];
  bp_model_check_options size = {.size = 2}, rows = {.size = sizeof rows, .rows = -1};
  const double one[] = {1};
  const char *const red[] = {"red"};
  bt_assert_fails(ctx, BP_E_DATA, bp_model_layer_gradients(ctx, model, empty, 1, NULL, layers));
  bt_assert_fails(ctx, BP_E_DATA, bp_model_gradcheck(ctx, model, empty, NULL, NULL, params));
  bt_assert_ok(ctx, bp_table_new(ctx, 1, &bare));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, bare, "width", one));
  bt_assert_ok(ctx, bp_table_add_text(ctx, bare, "colour", red));
  bt_assert_fails(ctx, BP_E_DATA, bp_model_layer_gradients(ctx, model, bare, 1, NULL, layers));
  bt_assert_message(ctx, "price");
  bt_assert_fails(ctx, BP_E_DATA, bp_model_gradcheck(ctx, model, bare, NULL, NULL, params));
  bt_assert_fails(ctx, BP_E_ARG, bp_model_gradcheck(ctx, model, table, &size, NULL, params));
  bt_assert_fails(ctx, BP_E_ARG, bp_model_gradcheck(ctx, model, table, &rows, NULL, params));
  bp_table_free(bare);
  bp_table_free(empty);
  bp_model_free(model);
  bp_table_free(table);
}

static bp_status diagnose(bp_context *ctx, void *user) {
  bp_context *quiet = NULL;
  bp_layer_gradient layers[2];
  bp_param_check params[4];
  bp_model_check_options few = {.size = sizeof few, .rows = 2, .elements = 1};
  (void)user;
  assert_int_equal(bp_context_new(NULL, &quiet), BP_OK);
  bp_table *table = bt_table_of(quiet, BT_TWO, 4); /* their own memory does not fail */
  bp_model *model = bt_small_model(quiet, BT_TWO, BP_F32);
  bp_status status = bp_model_layer_gradients(ctx, model, table, 1, NULL, layers);
  if (status == BP_OK) status = bp_model_gradcheck(ctx, model, table, &few, NULL, params);
  bp_model_free(model);
  bp_table_free(table);
  bp_context_free(quiet);
  return status;
}

static void survives_without_memory(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(diagnose, NULL) > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(layers_of_a_classifier),           BT_TEST(layers_of_a_regression),
      BT_TEST(layers_of_float32_in_float64),     BT_TEST(pieces_add_up),
      BT_TEST(a_weight_is_a_repeated_row),       BT_TEST(gradients_agree_with_differences),
      BT_TEST(what_is_allowed_is_respected),     BT_TEST(refuses_what_cannot_be_measured),
      cmocka_unit_test(survives_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
