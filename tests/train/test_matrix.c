/* train/test_matrix.c - every activation, loss and optimiser with every other that it fits: gradients, falling losses, threads.
 *
 * The lists are those of the public headers, so that a new activation, loss or optimiser is covered as soon as it has a number.
 * Gradients are taken of every (activation, loss). Of the cube that training needs all pairs are covered, (activation, loss),
 * (loss, optimiser) and (activation, optimiser), the third being another one from pair to pair; with BT_CUBE=1 all of it.
 */
/* labels: grad prop long */
#include "backprop/ops.h"
#include "backprop/program.h"
#include "train/train_fixtures.h"

/* ---- targets: what a loss can be for ---- */
enum { FORMS = 3, WIDTH = 3 };
static const struct {
  const char *name;
  bool classes;
  int64_t width;
} forms[FORMS] = {{"3 classes", true, 3}, {"2 classes", true, 2}, {"values", false, WIDTH}};

/* A loss with targets that it takes. */
typedef struct problem {
  int form;
  bp_objective objective; /* resolved */
} problem;
enum { PROBLEMS_MAX = BP_LOSS_COUNT * FORMS };

/* Σ sqrt(1 + (p - y)²) - 1, which is smooth and grows as |p - y| does */
static bp_var pseudo_huber(void *user, bp_var z, bp_var p, bp_var y) {
  bp_var one = bp_scalar(z.graph, bp_var_dtype(z), 1);
  (void)user;
  return bp_sum(bp_sub(bp_sqrt(bp_add(one, bp_square(bp_sub(p, y)))), one), BP_LAST_AXIS);
}

/* All losses with all targets that they take, smoothed where they can be; the number of them. Each loss takes some. */
static int list_problems(bp_context *ctx, problem *out) {
  int n = 0;
  for (int loss = BP_LOSS_AUTO; loss < BP_LOSS_COUNT; loss++) {
    int before = n;
    for (int form = 0; form < FORMS; form++) {
      bp_objective o = {
          .loss = (bp_loss)loss, .label_smoothing = 0.1, .rows = pseudo_huber, .expression = "sum((y - p)^2)"};
      bool classes = forms[form].classes;
      bp_status status = bp_objective_resolve(ctx, &o, classes, forms[form].width, &out[n].objective);
      o.label_smoothing = 0;
      if (status != BP_OK) status = bp_objective_resolve(ctx, &o, classes, forms[form].width, &out[n].objective);
      if (status == BP_OK) out[n++].form = form;
    }
    if (n == before) fail_msg("loss %s takes no targets", bp_loss_name((bp_loss)loss));
  }
  return n;
}

/* ---- rows ---- */
typedef struct rows_data {
  tt_data *d;
  int32_t two_classes[TT_ROWS_MAX];
  double shares[TT_ROWS_MAX * WIDTH]; /* above 0, each row adds up to 1: values for any loss */
  double weights[TT_ROWS_MAX];
} rows_data;

static rows_data *rows_new(void) {
  rows_data *r = malloc(sizeof *r);
  assert_non_null(r);
  r->d = tt_data_new(3);
  for (int i = 0; i < TT_ROWS_MAX; i++) {
    double *s = r->shares + (size_t)i * WIDTH, sum = 0;
    r->two_classes[i] = r->d->classes[i] > 0;
    r->weights[i] = 0.5 + i % 3;
    for (int j = 0; j < WIDTH; j++) sum += s[j] = r->d->values64[i * WIDTH + j];
    for (int j = 0; j < WIDTH; j++) s[j] /= sum;
  }
  return r;
}

static void rows_free(rows_data *r) {
  free(r->d);
  free(r);
}

static bp_source rows_source(const rows_data *r, int form, int64_t rows) {
  bp_source s = tt_classes(r->d, 0, rows);
  s.dtype = BP_F64;
  s.features = r->d->x64;
  s.weights = r->weights;
  s.outputs = forms[form].width;
  if (form == 1) s.targets = r->two_classes;
  if (!forms[form].classes) s.target_dtype = BP_F64, s.targets = r->shares;
  return s;
}

/* ---- networks ---- */
/* NEW TT_COLUMNS - units (activation) - as many as the objective wants. */
static tt_model model_new(bp_context *ctx, bp_dtype dtype, int64_t units, int activation,
                          const bp_objective *objective) {
  tt_model m = {0};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, dtype, &m.net));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, units, (bp_activation)activation, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, bp_objective_units(objective), BP_IDENTITY, BP_INIT_AUTO));
  for (int p = 0; p < bp_net_params(m.net); p++) m.params[p] = malloc(tt_bytes(&m, p));
  bp_net_init(m.net, 1, m.params);
  return m;
}

static const char *named(const char *what, int activation, const problem *p, int optimizer) {
  static char text[160];
  (void)snprintf(text, sizeof text, "%s: %s, %s of %s, %s", what, bp_activation_name((bp_activation)activation),
                 bp_loss_name(p->objective.loss), forms[p->form].name, bp_optimizer_name((bp_optimizer)optimizer));
  return text;
}

/* ---- gradients: a step of plain SGD shows the one that training uses; the objective is written down again here ---- */
enum { FEW_ROWS = 12, FEW_UNITS = 3 };
static const double l1 = 0.003, l2 = 0.02;

typedef struct evaluator {
  bp_program *program;
  bp_workspace *workspace;
  const void *in[2 + TT_PARAMS_MAX];
  const tt_model *model;
  const double *weights;
} evaluator;

/* NEW program of the rows' losses. */
static evaluator evaluator_new(bp_context *ctx, const tt_model *m, const problem *p, const bp_source *source) {
  evaluator e = {.model = m, .weights = source->weights};
  bp_graph *g;
  bp_var in[2 + TT_PARAMS_MAX];
  int n = bp_net_params(m->net);
  const int64_t dims[] = {BP_BATCH, TT_COLUMNS}, target[] = {BP_BATCH, source->outputs};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  in[0] = bp_input(g, "x", BP_F64, 2, dims);
  in[1] = bp_input(g, "y", source->target_dtype, forms[p->form].classes ? 1 : 2, target);
  bp_net_declare(m->net, g, in + 2);
  bp_var loss = bp_objective_rows(&p->objective, bp_net_apply(m->net, in[0], in + 2), in[1], true);
  bt_assert_ok(ctx, bp_compile(&loss, 1, in, (size_t)n + 2, NULL, &e.program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, e.program, 1, &e.workspace));
  e.in[0] = source->features, e.in[1] = source->targets;
  for (int i = 0; i < n; i++) e.in[2 + i] = m->params[i];
  bp_graph_free(g);
  return e;
}

static void evaluator_release(evaluator *e) {
  bp_workspace_free(e->workspace);
  bp_program_free(e->program);
}

/* Σ w ℓ / Σ w + l1 Σ|W| + l2/2 Σ W² */
static double objective_at(const evaluator *e) {
  double losses[FEW_ROWS], sum = 0, weights = 0, penalty = 0;
  void *out[] = {losses};
  assert_int_equal(bp_run(e->program, e->workspace, FEW_ROWS, e->in, out), BP_OK);
  for (int i = 0; i < FEW_ROWS; i++) sum += e->weights[i] * losses[i], weights += e->weights[i];
  for (int p = 0; p < bp_net_params(e->model->net); p++) {
    bp_param_info info = bp_net_param(e->model->net, p);
    const double *w = e->model->params[p];
    for (int64_t i = 0; i < info.elements && info.is_weight; i++) penalty += l1 * fabs(w[i]) + l2 / 2 * w[i] * w[i];
  }
  return sum / weights + penalty;
}

static double central(const evaluator *e, double *w, double h) {
  double at = *w, up, down;
  *w = at + h, up = objective_at(e);
  *w = at - h, down = objective_at(e);
  *w = at;
  return (up - down) / (2 * h);
}

/* Whether a derivative agrees with a difference to a ten-millionth, beside rounding errors of the objective. A kink lies between the points of a long step now and then,
 * then no long step agrees with anything; so shorter ones are taken, down to one that a rounding error would spoil. */
static bool agrees(const evaluator *e, double *w, double derivative, double *difference) {
  double rounding = 5e-12 * (1 + fabs(objective_at(e)));
  for (double h = 2e-3; h > 1e-5; h /= 8) {
    *difference = (4 * central(e, w, h / 2) - central(e, w, h)) / 3; /* Richardson: the error is of order h⁴ */
    if (fabs(*difference - derivative) <= 1e-7 * fabs(derivative) + rounding) return true;
  }
  return false;
}

static void check_gradient(bp_context *ctx, const rows_data *data, int activation, const problem *p) {
  bp_source source = rows_source(data, p->form, FEW_ROWS);
  tt_model m = model_new(ctx, BP_F64, FEW_UNITS, activation, &p->objective), moved;
  uint32_t noise = 5;
  for (int i = 0; i < bp_net_params(m.net); i++)
    for (int64_t k = 0; k < bp_net_param(m.net, i).elements; k++) ((double *)m.params[i])[k] += tt_noise(&noise);
  moved = model_new(ctx, BP_F64, FEW_UNITS, activation, &p->objective);
  for (int i = 0; i < bp_net_params(m.net); i++) memcpy(moved.params[i], m.params[i], tt_bytes(&m, i));

  bp_fit_options o = {.size = sizeof o, .objective = p->objective, .lr = 1, .l1 = l1, .l2 = l2};
  o.batch_size = FEW_ROWS, o.epochs = 1, o.threads = 1;
  bp_fit_result result;
  bt_assert_ok(ctx, bp_fit(ctx, moved.net, moved.params, &source, NULL, &o, &result));
  bp_fit_result_release(ctx, &result);
  evaluator e = evaluator_new(ctx, &m, p, &source);
  for (int i = 0; i < bp_net_params(m.net); i++)
    for (int64_t k = 0; k < bp_net_param(m.net, i).elements; k++) {
      double *w = (double *)m.params[i] + k, derivative = *w - ((double *)moved.params[i])[k], difference;
      if (!agrees(&e, w, derivative, &difference))
        fail_msg("%s: %s[%lld]: derivative %.15g, difference %.15g", named("gradient", activation, p, BP_SGD),
                 bp_net_param(m.net, i).name, (long long)k, derivative, difference);
    }
  evaluator_release(&e);
  tt_model_release(&moved);
  tt_model_release(&m);
}

static void gradients_of_every_activation_with_every_loss_agree_with_differences(void **state) {
  static problem problems[PROBLEMS_MAX];
  int n = list_problems(bt_ctx(state), problems);
  rows_data *data = rows_new();
  for (int a = 0; a < BP_ACTIVATION_COUNT; a++)
    for (int i = 0; i < n; i++) check_gradient(bt_ctx(state), data, a, &problems[i]);
  rows_free(data);
}

/* ---- training ---- */
/* Two batches an epoch, one of them short; large enough that threads share their work. */
enum { ROWS = 448, BATCH = 256, UNITS = 32, EPOCHS = 5 };

static bool takes(const problem *p, int optimizer) {
  return optimizer != BP_LM || bp_objective_square_weight(&p->objective) > 0;
}

/* Of plain gradient descent. The pairs do without; in the cube selu with the Gaussian loss diverges otherwise. */
static double sgd_clip_norm = 0;

static tt_model train(bp_context *ctx, const rows_data *data, int activation, const problem *p, int optimizer,
                      int threads, double fall[2]) {
  bp_source source = rows_source(data, p->form, ROWS);
  tt_model m = model_new(ctx, BP_F32, UNITS, activation, &p->objective);
  bp_fit_result result;
  bp_fit_options o = {.size = sizeof o, .objective = p->objective, .optimizer = (bp_optimizer)optimizer};
  o.batch_size = bp_optimizer_full_batch(o.optimizer) ? 0 : BATCH;
  o.epochs = EPOCHS, o.seed = 1, o.threads = threads;
  if (optimizer == BP_SGD)
    o.lr = 0.01, o.clip_norm = sgd_clip_norm; /* its default lr is for losses of the size of cross_entropy */
  if (bp_fit(ctx, m.net, m.params, &source, NULL, &o, &result) != BP_OK)
    fail_msg("%s: %s", named("training", activation, p, optimizer), bp_error_message(ctx));
  fall[0] = result.history[0].train_loss, fall[1] = result.history[result.epochs - 1].train_loss;
  bp_fit_result_release(ctx, &result);
  return m;
}

static void check_training(bp_context *ctx, const rows_data *data, int activation, const problem *p, int optimizer) {
  double fall[2], other_fall[2];
  tt_model m = train(ctx, data, activation, p, optimizer, 1, fall);
  if (!(fall[1] < fall[0]))
    fail_msg("%s: from %g to %g", named("the loss does not fall", activation, p, optimizer), fall[0], fall[1]);
  for (int threads = 2; threads <= 3; threads++) {
    tt_model other = train(ctx, data, activation, p, optimizer, threads, other_fall);
    if (!tt_same_params(&m, &other) || fall[0] != other_fall[0] || fall[1] != other_fall[1])
      fail_msg("%s", named(threads == 2 ? "2 threads differ" : "3 threads differ", activation, p, optimizer));
    tt_model_release(&other);
  }
  tt_model_release(&m);
}

static void every_activation_learns_with_every_loss(void **state) {
  static problem problems[PROBLEMS_MAX];
  int n = list_problems(bt_ctx(state), problems);
  rows_data *data = rows_new();
  for (int a = 0; a < BP_ACTIVATION_COUNT; a++)
    for (int i = 0; i < n; i++) {
      int optimizer = (a + i) % BP_OPTIMIZER_COUNT;
      check_training(bt_ctx(state), data, a, &problems[i], takes(&problems[i], optimizer) ? optimizer : BP_ADAM);
    }
  rows_free(data);
}

static void every_loss_is_lowered_by_every_optimizer_that_takes_it(void **state) {
  static problem problems[PROBLEMS_MAX];
  int n = list_problems(bt_ctx(state), problems);
  rows_data *data = rows_new();
  for (int i = 0; i < n; i++)
    for (int optimizer = 0; optimizer < BP_OPTIMIZER_COUNT; optimizer++)
      if (takes(&problems[i], optimizer))
        check_training(bt_ctx(state), data, (i + 3 * optimizer) % BP_ACTIVATION_COUNT, &problems[i], optimizer);
  rows_free(data);
}

static void every_activation_learns_with_every_optimizer(void **state) {
  static problem problems[PROBLEMS_MAX];
  int n = list_problems(bt_ctx(state), problems);
  rows_data *data = rows_new();
  for (int a = 0; a < BP_ACTIVATION_COUNT; a++)
    for (int optimizer = 0; optimizer < BP_OPTIMIZER_COUNT; optimizer++) {
      int i = (3 * a + optimizer) % n;
      while (!takes(&problems[i], optimizer)) i = (i + 1) % n;
      check_training(bt_ctx(state), data, a, &problems[i], optimizer);
    }
  rows_free(data);
}

/* The cube itself: 8,000 times three trainings, a minute. */
static void every_activation_learns_with_every_loss_and_every_optimizer(void **state) {
  static problem problems[PROBLEMS_MAX];
  if (!getenv("BT_CUBE")) skip();
  int n = list_problems(bt_ctx(state), problems), trained = 0;
  sgd_clip_norm = 1;
  rows_data *data = rows_new();
  for (int a = 0; a < BP_ACTIVATION_COUNT; a++)
    for (int i = 0; i < n; i++)
      for (int optimizer = 0; optimizer < BP_OPTIMIZER_COUNT; optimizer++) {
        if (!takes(&problems[i], optimizer)) continue;
        check_training(bt_ctx(state), data, a, &problems[i], optimizer);
        trained++;
      }
  print_message("%d activations, %d losses with their targets, %d optimisers: %d combinations learnt\n",
                BP_ACTIVATION_COUNT, n, BP_OPTIMIZER_COUNT, trained);
  sgd_clip_norm = 0;
  rows_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(gradients_of_every_activation_with_every_loss_agree_with_differences),
      BT_TEST(every_activation_learns_with_every_loss),
      BT_TEST(every_loss_is_lowered_by_every_optimizer_that_takes_it),
      BT_TEST(every_activation_learns_with_every_optimizer),
      BT_TEST(every_activation_learns_with_every_loss_and_every_optimizer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
