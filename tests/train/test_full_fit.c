/* L-BFGS and Levenberg-Marquardt through bp_fit(): against closed forms of linear least squares, against a gradient by hand, and what
 * does not go with them. */
/* labels: unit grad oom */
#include "backprop/ops.h"
#include "train/hand_net.h"

static const bp_optimizer methods[] = {BP_LBFGS, BP_LM};

/* ---- linear least squares: the network is one identity layer ---- */

enum { UNKNOWNS = TT_COLUMNS + 1, MANY = 2500 }; /* MANY rows are more than one piece */

/* Solves a [n,n] x = b by elimination with row exchanges; x replaces b. */
static void eliminate(double *a, double *b, int n) {
  for (int k = 0; k < n; k++) {
    int pivot = k;
    for (int i = k + 1; i < n; i++)
      if (fabs(a[i * n + k]) > fabs(a[pivot * n + k])) pivot = i;
    for (int j = 0; j < n; j++) {
      double t = a[k * n + j];
      a[k * n + j] = a[pivot * n + j];
      a[pivot * n + j] = t;
    }
    double t = b[k];
    b[k] = b[pivot];
    b[pivot] = t;
    for (int i = 0; i < n; i++) {
      double factor = i == k ? 0 : a[i * n + k] / a[k * n + k];
      for (int j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  for (int k = 0; k < n; k++) b[k] /= a[k * n + k];
}

/* The minimum of (1/rows) Σ weight (x·w + b - y)² + (l2/2)‖w‖² for one target: w, then b. weights NULL: ones. */
static void normal_equations(const double *x, const double *y, const double *weights, int rows, double l2,
                             double *out) {
  double a[UNKNOWNS * UNKNOWNS] = {0}, sum = 0;
  memset(out, 0, UNKNOWNS * sizeof *out);
  for (int r = 0; r < rows; r++) sum += weights ? weights[r] : 1;
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < UNKNOWNS; i++) {
      double xi = i < TT_COLUMNS ? x[r * TT_COLUMNS + i] : 1, w = (weights ? weights[r] : 1) / sum;
      for (int j = 0; j < UNKNOWNS; j++)
        a[i * UNKNOWNS + j] += 2 * w * xi * (j < TT_COLUMNS ? x[r * TT_COLUMNS + j] : 1);
      out[i] += 2 * w * xi * y[r];
    }
  for (int i = 0; i < TT_COLUMNS; i++) a[i * UNKNOWNS + i] += l2;
  eliminate(a, out, UNKNOWNS);
}

typedef struct line {
  double x[MANY * TT_COLUMNS], y[MANY], weights[MANY];
} line;

/* NEW; free(). A bent line, so that some error is left. */
static line *line_new(void) {
  line *l = malloc(sizeof *l);
  uint32_t seed = 7;
  assert_non_null(l);
  for (int i = 0; i < MANY * TT_COLUMNS; i++) l->x[i] = tt_noise(&seed);
  for (int r = 0; r < MANY; r++) {
    const double *x = l->x + r * TT_COLUMNS;
    l->y[r] = 0.5 + 2 * x[0] - x[1] + 0.3 * x[2] * x[3] + 0.1 * tt_noise(&seed);
    l->weights[r] = 1 + 0.9 * tt_noise(&seed);
  }
  return l;
}

static bp_source rows_of(const line *l) {
  return (bp_source){.rows = MANY,
                     .columns = TT_COLUMNS,
                     .dtype = BP_F64,
                     .features = l->x,
                     .scale = 1,
                     .target_dtype = BP_F64,
                     .outputs = 1,
                     .targets = l->y};
}

static bp_fit_result fit_line(bp_context *ctx, const bp_source *rows, const bp_fit_options *o, double *w, double *b) {
  bp_net *net = NULL;
  bp_fit_result result = {0};
  void *const params[] = {w, b};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, BP_F64, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO));
  bp_net_init(net, 1, params);
  bt_assert_ok(ctx, bp_fit(ctx, net, params, rows, NULL, o, &result));
  bp_net_free(net);
  return result;
}

static bp_fit_options mse(bp_optimizer optimizer) {
  return (bp_fit_options){
      .size = sizeof(bp_fit_options), .objective.loss = BP_LOSS_MSE, .optimizer = optimizer, .threads = 1};
}

static void linear_least_squares_ends_at_the_normal_equations(void **state) {
  line *l = line_new();
  for (int m = 0; m < 2; m++)
    for (int variant = 0; variant < 3; variant++) { /* plain; l2; row weights */
      double w[UNKNOWNS], expected[UNKNOWNS];
      bp_source rows = rows_of(l);
      bp_fit_options o = mse(methods[m]);
      o.l2 = variant == 1 ? 0.3 : 0;
      rows.weights = variant == 2 ? l->weights : NULL;
      bp_fit_result r = fit_line(bt_ctx(state), &rows, &o, w, w + TT_COLUMNS);
      normal_equations(l->x, l->y, rows.weights, MANY, o.l2, expected);
      for (int i = 0; i < UNKNOWNS; i++) bt_assert_close(w[i], expected[i], 0, 1e-8);
      assert_int_equal(r.stopped_by, BP_STOP_TOLERANCE);
      assert_true(r.epochs < 60 && r.steps == r.epochs);
      bp_fit_result_release(bt_ctx(state), &r);
    }
  free(l);
}

/* ---- a network: where it ends, the gradient by hand is nothing ---- */

static void the_gradient_vanishes_where_it_ends(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(11);
  for (int m = 0; m < 2; m++) {
    tt_model model = tt_model_new(ctx, BP_F64, HIDDEN, 3);
    bp_source rows = tt_values(d, 0, ROWS);
    bp_fit_options o = mse(methods[m]);
    bp_fit_result r = {0};
    double w[ALL], g[ALL] = {0}, loss = 0;
    o.l2 = 0.01;
    o.epochs = 2000;
    bt_assert_ok(ctx, bp_fit(ctx, model.net, model.params, &rows, NULL, &o, &r));
    hand_start(&model, w);
    for (int row = 0; row < ROWS; row++) loss += hand_row(w, d, row, BP_LOSS_MSE, 1.0 / ROWS, g) / ROWS;
    for (int p = 0; p < 4; p++)
      for (int i = parts[p].begin; parts[p].weight && i < parts[p].begin + parts[p].size; i++) g[i] += o.l2 * w[i];
    for (int i = 0; i < ALL; i++) bt_assert_close(g[i], 0, 0, 2e-9);
    bt_assert_close(r.history[r.epochs - 1].train_loss, loss, 1e-12, 0);
    assert_int_equal(r.stopped_by, BP_STOP_TOLERANCE);
    for (int e = 1; e < r.epochs; e++) assert_true(isfinite(r.history[e].train_loss));
    bp_fit_result_release(ctx, &r);
    tt_model_release(&model);
  }
  free(d);
}

/* Without penalties each iteration's loss is below the one before. */
static void the_loss_falls_at_every_iteration(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(11);
  for (int dtype = 0; dtype < 2; dtype++)
    for (int m = 0; m < 2; m++) {
      tt_model model = tt_model_new(ctx, dtype ? BP_F64 : BP_F32, HIDDEN, 3);
      bp_source rows = m == 0 ? tt_classes(d, 0, 300) : tt_values(d, 0, 300);
      bp_fit_options o = mse(methods[m]);
      bp_fit_result r = {0};
      o.objective.loss = m == 0 ? BP_LOSS_CROSS_ENTROPY : BP_LOSS_MSE;
      o.epochs = 30;
      bt_assert_ok(ctx, bp_fit(ctx, model.net, model.params, &rows, NULL, &o, &r));
      assert_true(r.epochs == 30 || (m == 1 && r.stopped_by == BP_STOP_TOLERANCE)); /* the values can be met exactly */
      for (int e = 1; e < r.epochs; e++) assert_true(r.history[e].train_loss < r.history[e - 1].train_loss);
      assert_true(m == 0 ? r.history[29].train_accuracy > 0.9 : isnan(r.history[0].train_accuracy));
      assert_true(r.history[r.epochs - 1].train_loss < 0.3 * r.history[0].train_loss);
      bp_fit_result_release(ctx, &r);
      tt_model_release(&model);
    }
  free(d);
}

static void validation_rows_may_stop_it(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  tt_model model = tt_model_new(ctx, BP_F32, 20, 3);
  bp_source rows = tt_classes(d, 0, 20), valid = tt_classes(d, 100, 200); /* too few rows not to be learnt by heart */
  bp_fit_options o = {.size = sizeof o, .optimizer = BP_LBFGS, .patience = 3, .threads = 1};
  bp_fit_result r = {0};
  bt_assert_ok(ctx, bp_fit(ctx, model.net, model.params, &rows, &valid, &o, &r));
  assert_int_equal(r.stopped_by, BP_STOP_PATIENCE);
  assert_int_equal(r.best_epoch, r.epochs - 3);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&model);
  free(d);
}

/* ---- constants, and no minimum ---- */

static bp_var squares_on_a_tower(void *user, bp_var z, bp_var p, bp_var y) {
  (void)z;
  bp_var squares = bp_mean(bp_square(bp_sub(p, y)), BP_AXIS(1));
  return bp_add(squares, bp_scalar(p.graph, bp_var_dtype(p), *(const double *)user));
}

static bp_var signed_error(void *user, bp_var z, bp_var p, bp_var y) {
  (void)user;
  (void)z;
  return bp_mean(bp_sub(p, y), BP_AXIS(1));
}

static bp_fit_options callback(bp_loss_fn rows, double *user) {
  bp_fit_options o = mse(BP_LBFGS);
  o.objective.loss = BP_LOSS_CALLBACK;
  o.objective.rows = rows;
  o.objective.user = user;
  return o;
}

/* The gradient is what it is without the constant, and leads to the same weights. */
static void a_constant_in_the_loss_changes_nothing_but_rounding(void **state) {
  line *l = line_new();
  bp_source rows = rows_of(l);
  double constants[] = {0, 1e3, 1e9, -1e12}, expected[UNKNOWNS];
  normal_equations(l->x, l->y, NULL, MANY, 0, expected);
  for (size_t c = 0; c < sizeof constants / sizeof *constants; c++) {
    double w[UNKNOWNS];
    bp_fit_options o = callback(squares_on_a_tower, &constants[c]);
    bp_fit_result r = fit_line(bt_ctx(state), &rows, &o, w, w + TT_COLUMNS);
    for (int i = 0; i < UNKNOWNS; i++) bt_assert_close(w[i], expected[i], 0, 1e-8);
    assert_int_equal(r.stopped_by, BP_STOP_TOLERANCE);
    bp_fit_result_release(bt_ctx(state), &r);
  }
  free(l);
}

static void a_loss_without_a_minimum_is_told_from_one_that_has_it(void **state) {
  line *l = line_new();
  bp_source rows = rows_of(l);
  double w[UNKNOWNS];
  bp_fit_options o = callback(signed_error, NULL);
  bp_fit_result r = fit_line(bt_ctx(state), &rows, &o, w, w + TT_COLUMNS);
  assert_int_equal(r.stopped_by, BP_STOP_UNBOUNDED);
  assert_string_equal(bp_stop_name(r.stopped_by), "unbounded");
  for (int i = 0; i < UNKNOWNS; i++) assert_true(isfinite(w[i]));
  assert_true(isfinite(r.history[r.epochs - 1].train_loss) && r.history[r.epochs - 1].train_loss < -1e100);
  bp_fit_result_release(bt_ctx(state), &r);
  free(l);
}

/* ---- threads and memory ---- */

static void the_bits_do_not_depend_on_threads(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(4);
  for (int m = 0; m < 2; m++) {
    tt_model one = {0};
    for (int threads = 1; threads <= 3; threads++) {
      tt_model model = tt_model_new(ctx, BP_F32, 40, 3);
      bp_source rows = tt_values(d, 0, 400);
      bp_fit_options o = mse(methods[m]);
      bp_fit_result r = {0};
      o.epochs = 5;
      o.l2 = 0.001;
      o.threads = threads;
      bt_assert_ok(ctx, bp_fit(ctx, model.net, model.params, &rows, NULL, &o, &r));
      bp_fit_result_release(ctx, &r);
      if (threads == 1) {
        one = model;
        continue;
      }
      assert_true(tt_same_params(&one, &model));
      tt_model_release(&model);
    }
    tt_model_release(&one);
  }
  free(d);
}

static bp_status fit_once(bp_context *ctx, void *user) {
  const bp_optimizer *optimizer = user;
  tt_data *d = tt_data_new(1);
  float w[TT_COLUMNS * TT_CLASSES], b[TT_CLASSES];
  void *const params[] = {w, b};
  bp_net *net = NULL;
  bp_source rows = tt_values(d, 0, 30);
  bp_fit_options o = mse(*optimizer);
  bp_fit_result result = {.epochs = 777};
  o.epochs = 18;
  o.l2 = 0.01;
  bp_status status = bp_net_new(ctx, TT_COLUMNS, BP_F32, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) bp_net_init(net, 1, params);
  if (status == BP_OK) {
    status = bp_fit(ctx, net, params, &rows, NULL, &o, &result);
    if (status != BP_OK) assert_true(result.epochs == 777 && result.history == NULL);
    if (status == BP_OK) bp_fit_result_release(ctx, &result);
  }
  bp_net_free(net);
  free(d);
  return status;
}

static void a_failed_allocation_ends_the_fit_cleanly(void **state) {
  (void)state;
  for (int m = 0; m < 2; m++) {
    bp_optimizer optimizer = methods[m];
    assert_true(bt_alloc_sweep(fit_once, &optimizer) > 20);
  }
}

static void an_iteration_does_not_allocate(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_alloc_state *memory = &bt_fixture_of(state)->memory;
  tt_data *d = tt_data_new(11);
  for (int m = 0; m < 2; m++) {
    size_t calls[2];
    for (int more = 0; more < 2; more++) {
      tt_model model = tt_model_new(ctx, BP_F32, HIDDEN, 3);
      bp_source rows = tt_values(d, 0, 300);
      bp_fit_options o = mse(methods[m]);
      bp_fit_result r = {0};
      o.epochs = more ? 6 : 2; /* the history has room for 16 at first */
      size_t before = memory->calls;
      bt_assert_ok(ctx, bp_fit(ctx, model.net, model.params, &rows, NULL, &o, &r));
      calls[more] = memory->calls - before;
      assert_int_equal(r.epochs, o.epochs);
      bp_fit_result_release(ctx, &r);
      tt_model_release(&model);
    }
    assert_int_equal(calls[0], calls[1]);
  }
  free(d);
}

/* ---- what is refused ---- */

static const double list[] = {0.1, 0.1};
static const struct {
  bp_fit_options options;
  const char *words;
} refused[] = {
    {{.optimizer = BP_LBFGS, .batch_size = 8},
     "batch size is 8, but lbfgs takes all rows at once; expected a full batch"},
    {{.optimizer = BP_LM, .batch_size = 39}, "batch size is 39, but lm takes all rows at once"},
    {{.optimizer = BP_LBFGS, .lr = 0.1}, "lbfgs has no lr; expected one of sgd, adam"},
    {{.optimizer = BP_LM, .momentum = 0.1}, "lm has no momentum"},
    {{.optimizer = BP_LM, .memory = 5}, "lm has no memory; expected one of lbfgs with it"},
    {{.optimizer = BP_LBFGS, .memory = -5}, "memory is -5, expected 1 to 1000"},
    {{.optimizer = BP_LBFGS, .l1 = 0.1}, "lbfgs has no l1"},
    {{.optimizer = BP_LBFGS, .l1_layers = list, .n_l1_layers = 2}, "lbfgs has no l1"},
    {{.optimizer = BP_LBFGS, .clip_norm = 0.1}, "lbfgs has no clip_norm"},
    {{.optimizer = BP_LM, .clip_value = 0.1}, "lm has no clip_value"},
    {{.optimizer = BP_LM, .max_norm = 0.1}, "lm has no max_norm"},
    {{.optimizer = BP_LM, .weight_decay = 0.1}, "lm has no weight_decay"},
    {{.optimizer = BP_LBFGS, .schedule = {.kind = BP_SCHEDULE_COSINE}}, "lbfgs finds its own step sizes"},
    {{.optimizer = BP_LM}, "lm is for least squares, but loss cross_entropy is no sum of squares; expected mse"},
};

static void what_does_not_fit_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source rows = tt_classes(d, 0, ROWS);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    tt_model m = tt_model_new(ctx, BP_F32, HIDDEN, 3);
    bp_fit_options o = refused[i].options;
    bp_fit_result result = {.epochs = 777};
    o.size = sizeof o;
    bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
    bt_assert_message(ctx, refused[i].words);
    assert_int_equal(result.epochs, 777);
    tt_model_release(&m);
  }
  free(d);
}

static void a_loss_that_is_no_number_at_the_start_is_told(void **state) {
  bp_context *ctx = bt_ctx(state);
  float x[4 * TT_COLUMNS], y[4 * TT_CLASSES] = {0};
  for (int i = 0; i < 4 * TT_COLUMNS; i++) x[i] = 3e38f;
  bp_source rows = {.rows = 4,
                    .columns = TT_COLUMNS,
                    .dtype = BP_F32,
                    .features = x,
                    .scale = 1,
                    .target_dtype = BP_F32,
                    .outputs = TT_CLASSES,
                    .targets = y};
  for (int m = 0; m < 2; m++) {
    float w[TT_COLUMNS * TT_CLASSES], b[TT_CLASSES], before[TT_COLUMNS * TT_CLASSES];
    void *const params[] = {w, b};
    bp_net *net = NULL;
    bp_fit_options o = mse(methods[m]);
    bp_fit_result r = {0};
    bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, BP_F32, &net));
    bt_assert_ok(ctx, bp_net_dense(ctx, net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
    bp_net_init(net, 1, params);
    memcpy(before, w, sizeof w);
    bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, net, params, &rows, NULL, &o, &r));
    bt_assert_message(ctx, "where minimisation begins");
    bt_assert_same_bits(w, before, sizeof w);
    assert_int_equal(r.epochs, 0);
    bp_fit_result_release(ctx, &r);
    bp_net_free(net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(linear_least_squares_ends_at_the_normal_equations),
      BT_TEST(the_gradient_vanishes_where_it_ends),
      BT_TEST(the_loss_falls_at_every_iteration),
      BT_TEST(validation_rows_may_stop_it),
      BT_TEST(a_constant_in_the_loss_changes_nothing_but_rounding),
      BT_TEST(a_loss_without_a_minimum_is_told_from_one_that_has_it),
      BT_TEST(the_bits_do_not_depend_on_threads),
      BT_TEST(a_failed_allocation_ends_the_fit_cleanly),
      BT_TEST(an_iteration_does_not_allocate),
      BT_TEST(what_does_not_fit_is_refused),
      BT_TEST(a_loss_that_is_no_number_at_the_start_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
