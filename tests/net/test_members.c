/* labels: unit oom */
/* An ensemble in one network: its arrays and their names, and what it computes beside what each member computes alone. */
#include <stdio.h>

#include "backprop/ops.h"
#include "backprop/program.h"
#include "base/fail.h"
#include "net/net_fixtures.h"

enum { INPUTS = 7, ROWS = 11, MEMBERS = 3, LAYERS = 10, UNITS = 2, PARAMS_MAX = 80, MOST = 64 };

static const double edges_a[] = {-1, 0, 0.5, 2}, edges_b[] = {-0.25, 1};
static const bp_piecewise_column pieces[] = {{1, 4, edges_a}, {5, 2, edges_b}};

/* Every kind of layer: 7 columns and 4 pieces; two blocks of 2 and 3 columns become 1 and 2 columns. */
static bp_status add_every_layer(bp_context *ctx, bp_net *net) {
  const bp_embedding_block blocks[] = {{0, 2, 1}, {2, 3, 2}};
  bp_dense_options maxout = {.size = sizeof maxout, .units = 4, .activation = {BP_MAXOUT, 3, false}, .no_bias = true};
  bp_norm_options batch = {.size = sizeof batch, .activation = {BP_PRELU, 0, true}};
  bp_norm_options layer = {.size = sizeof layer, .activation = {BP_TANH, 0, false}};
  bp_skip_options near = {.size = sizeof near, .from = 3}, far = {.size = sizeof far, .from = -1};
  BP_TRY(bp_net_piecewise(ctx, net, pieces, 2));
  BP_TRY(bp_net_embedding(ctx, net, blocks, 2));
  BP_TRY(bp_net_dropout(ctx, net, 0.25));
  BP_TRY(bp_net_add_dense(ctx, net, &maxout));
  BP_TRY(bp_net_batch_norm(ctx, net, &batch));
  BP_TRY(bp_net_dropout(ctx, net, 0.5));
  BP_TRY(bp_net_skip(ctx, net, &near));
  BP_TRY(bp_net_layer_norm(ctx, net, &layer));
  BP_TRY(bp_net_skip(ctx, net, &far));
  return bp_net_dense(ctx, net, UNITS, BP_IDENTITY, BP_INIT_AUTO);
}

/* A network with arrays that hide nothing. */
typedef struct ensemble {
  bp_net *net;
  int members;
  void *params[PARAMS_MAX];
} ensemble;

static ensemble ensemble_new(bp_context *ctx, bp_dtype dtype, int members) {
  ensemble e = {.members = members};
  uint32_t noise = 5;
  bt_assert_ok(ctx, bp_net_new(ctx, INPUTS, dtype, &e.net));
  bt_assert_ok(ctx, bp_net_set_members(ctx, e.net, members));
  bt_assert_ok(ctx, add_every_layer(ctx, e.net));
  assert_true(bp_net_params(e.net) <= PARAMS_MAX);
  for (int p = 0; p < bp_net_params(e.net); p++)
    e.params[p] = malloc((size_t)bp_net_param(e.net, p).elements * sizeof(double));
  bp_net_init(e.net, 3, e.params);
  for (int p = 0; p < bp_net_params(e.net); p++)
    for (int64_t i = 0; i < bp_net_param(e.net, p).elements; i++) {
      double change = bp_net_param(e.net, p).rank == 1 ? 0.4 * nt_noise(&noise) : 0;
      if (dtype == BP_F64)
        ((double *)e.params[p])[i] += change;
      else
        ((float *)e.params[p])[i] += (float)change;
    }
  return e;
}

static void ensemble_release(ensemble *e) {
  for (int p = 0; p < bp_net_params(e->net); p++) free(e->params[p]);
  bp_net_free(e->net);
}

/* ---- arrays ---- */

static void each_member_has_arrays_of_its_own(void **state) {
  ensemble one = ensemble_new(bt_ctx(state), BP_F64, 1), e = ensemble_new(bt_ctx(state), BP_F64, MEMBERS);
  int n = bp_net_params(one.net);
  assert_int_equal(bp_net_members(one.net), 1);
  assert_int_equal(bp_net_members(e.net), MEMBERS);
  assert_int_equal(bp_net_params(e.net), MEMBERS * n);
  assert_int_equal(bp_net_size(e.net), MEMBERS * bp_net_size(one.net));
  assert_int_equal(bp_net_layers(e.net), LAYERS);
  assert_int_equal(bp_net_inputs(e.net), INPUTS);
  assert_int_equal(bp_net_outputs(e.net), UNITS); /* of one member */
  for (int p = 0; p < MEMBERS * n; p++) {
    bp_param_info a = bp_net_param(one.net, p % n), b = bp_net_param(e.net, p);
    char name[80];
    (void)snprintf(name, sizeof name, "members.%d.%s", p / n, a.name);
    assert_string_equal(b.name, name);
    assert_int_equal(b.member, p / n);
    assert_int_equal(a.member, 0);
    assert_true(b.layer == a.layer && b.rank == a.rank && b.elements == a.elements && b.is_weight == a.is_weight);
    assert_true(b.is_state == a.is_state && b.is_table == a.is_table && b.dims[0] == a.dims[0]);
  }
  assert_string_equal(bp_net_param(e.net, 2 * n).name, "members.2.layers.1.embedding.0.weight");
  assert_int_equal(bp_net_param(e.net, -1).layer, -1);
  assert_int_equal(bp_net_param(e.net, MEMBERS * n).layer, -1);
  ensemble_release(&one);
  ensemble_release(&e);
}

/* The first member starts as the network alone would; every other array of random numbers differs from the same of the first. */
static void members_start_by_random_numbers_of_their_own(void **state) {
  bp_context *ctx = bt_ctx(state);
  ensemble one = ensemble_new(ctx, BP_F64, 1), e = ensemble_new(ctx, BP_F64, MEMBERS);
  int n = bp_net_params(one.net);
  bp_net_init(one.net, 9, one.params);
  bp_net_init(e.net, 9, e.params);
  for (int p = 0; p < MEMBERS * n; p++) {
    bp_param_info info = bp_net_param(e.net, p);
    bool same = memcmp(e.params[p], one.params[p % n], (size_t)info.elements * sizeof(double)) == 0;
    assert_int_equal(same, p < n || !info.is_weight);
  }
  ensemble_release(&one);
  ensemble_release(&e);
}

static void numbers_of_members_out_of_range_are_refused(void **state) {
  static const int bad[] = {0, -1, 65, INT32_MAX, INT32_MIN};
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 3, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_set_members(ctx, net, 64));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bt_assert_fails(ctx, BP_E_ARG, bp_net_set_members(ctx, net, bad[i]));
    bt_assert_message(ctx, "members, expected 1 to 64");
    assert_int_equal(bp_net_members(net), 64);
  }
  bt_assert_ok(ctx, bp_net_set_members(ctx, net, 1));
  assert_int_equal(bp_net_params(net), 0);
  bp_net_free(net);
}

/* 64 members of the longest names: nothing is cut. */
static void the_last_of_most_members_has_its_whole_name(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_norm_options o = {.size = sizeof o};
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 3, BP_F32, &net));
  for (int i = 0; i < 1000; i++) bt_assert_ok(ctx, bp_net_batch_norm(ctx, net, &o));
  bt_assert_ok(ctx, bp_net_set_members(ctx, net, 64));
  assert_string_equal(bp_net_param(net, bp_net_params(net) - 1).name, "members.63.layers.999.running_var");
  assert_string_equal(bp_net_param(net, bp_net_params(net) - 2).name, "members.63.layers.999.running_mean");
  bp_net_free(net);
}

/* ---- what is computed ---- */

/* The graph of an application of all members, and of each alone with the same variables. */
typedef struct graphs {
  bp_graph *g;
  bp_var inputs[2 + PARAMS_MAX], all, each[LAYERS];
  size_t n_inputs;
  bp_net_training training;
} graphs;

static graphs graphs_new(bp_context *ctx, const ensemble *e) {
  graphs s = {.n_inputs = 2 + (size_t)bp_net_params(e->net)};
  bt_assert_ok(ctx, bp_graph_new(ctx, &s.g));
  s.inputs[0] = bp_input(s.g, "x", bp_net_dtype(e->net), 2, (int64_t[]){BP_BATCH, INPUTS});
  s.inputs[1] = bp_input(s.g, "step", BP_F64, 0, NULL);
  bp_net_declare(e->net, s.g, s.inputs + 2);
  s.training = (bp_net_training){.size = sizeof s.training, .seed = 4, .step = s.inputs[1], .batch = ROWS};
  return s;
}

/* Runs a program for `outputs`, whose results follow one another in `to`, MOST · ROWS numbers apart. */
static void run(bp_context *ctx, const graphs *s, const ensemble *e, const bp_var *outputs, size_t n, char *to) {
  static double x[ROWS * INPUTS];
  static float x32[ROWS * INPUTS];
  double step = 3;
  const void *values[2 + PARAMS_MAX] = {x, &step};
  void *results[16];
  bp_program *program = NULL;
  bp_workspace *workspace = NULL;
  uint32_t noise = 11;
  for (int i = 0; i < ROWS * INPUTS; i++) x[i] = 1.5 * nt_noise(&noise), x32[i] = (float)x[i];
  if (bp_net_dtype(e->net) == BP_F32) values[0] = x32;
  for (int p = 0; p < bp_net_params(e->net); p++) values[2 + p] = e->params[p];
  for (size_t i = 0; i < n; i++) results[i] = to + i * MOST * ROWS * sizeof(double);
  bt_assert_ok(ctx, bp_graph_status(s->g));
  bt_assert_ok(ctx, bp_compile(outputs, n, s->inputs, s->n_inputs, NULL, &program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, program, 2, &workspace));
  bt_assert_ok(ctx, bp_run(program, workspace, ROWS, values, results));
  bp_workspace_free(workspace);
  bp_program_free(program);
}

/* Columns m · width … of `all` [rows, members · width] are `alone` [rows, width], bit for bit. */
static void check_columns(bp_dtype dtype, const char *all, const char *alone, int members, int m, int64_t width) {
  size_t size = bp_dtype_size(dtype) * (size_t)width;
  for (int r = 0; r < ROWS; r++)
    bt_assert_same_bits(all + (size_t)(r * members + m) * size, alone + (size_t)r * size, size);
}

static char wide[MOST * ROWS * sizeof(double) * 16], narrow[MOST * ROWS * sizeof(double) * 16];

static void check_use(bp_context *ctx, bp_dtype dtype) {
  ensemble e = ensemble_new(ctx, dtype, MEMBERS);
  int n = bp_net_params(e.net) / MEMBERS;
  graphs s = graphs_new(ctx, &e);
  s.all = bp_net_apply(e.net, s.inputs[0], s.inputs + 2);
  assert_int_equal(bp_var_dim(s.all, 1), MEMBERS * UNITS);
  run(ctx, &s, &e, &s.all, 1, wide);
  for (int m = 0; m < MEMBERS; m++) {
    bp_var alone = bp_net_apply_member(e.net, s.inputs[0], s.inputs + 2 + m * n);
    run(ctx, &s, &e, &alone, 1, narrow);
    check_columns(dtype, wide, narrow, MEMBERS, m, UNITS);
  }
  bp_graph_free(s.g);
  ensemble_release(&e);
}

static void an_ensemble_is_its_members_side_by_side(void **state) {
  check_use(bt_ctx(state), BP_F32);
  check_use(bt_ctx(state), BP_F64);
}

/* bp_net_eval() of a network of one member with the arrays of member m. */
static void a_member_is_the_network_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  ensemble e = ensemble_new(ctx, BP_F64, MEMBERS), one = ensemble_new(ctx, BP_F64, 1);
  int n = bp_net_params(one.net);
  double x[ROWS * INPUTS], all[ROWS * MEMBERS * UNITS], alone[ROWS * UNITS];
  uint32_t noise = 2;
  for (int i = 0; i < ROWS * INPUTS; i++) x[i] = nt_noise(&noise);
  bt_assert_ok(ctx, bp_net_eval(ctx, e.net, e.params, ROWS, x, all));
  for (int m = 0; m < MEMBERS; m++) {
    bt_assert_ok(ctx, bp_net_eval(ctx, one.net, e.params + m * n, ROWS, x, alone));
    check_columns(BP_F64, (char *)all, (char *)alone, MEMBERS, m, UNITS);
  }
  ensemble_release(&e);
  ensemble_release(&one);
}

/* Outputs of every layer, those of members side by side; what is computed once for all is there for each. */
static void each_layer_has_the_outputs_of_all_members(void **state) {
  bp_context *ctx = bt_ctx(state);
  ensemble e = ensemble_new(ctx, BP_F64, MEMBERS), one = ensemble_new(ctx, BP_F64, 1);
  int n = bp_net_params(one.net);
  graphs s = graphs_new(ctx, &e);
  s.all = bp_net_apply_each(e.net, s.inputs[0], s.inputs + 2, s.each);
  for (int l = 0; l < LAYERS; l++) assert_int_equal(bp_var_dim(s.each[l], 1), MEMBERS * bp_net_layer(e.net, l).outputs);
  run(ctx, &s, &e, s.each, LAYERS, wide);
  for (int m = 0; m < MEMBERS; m++) {
    bp_var own[LAYERS];
    (void)bp_net_apply_each(one.net, s.inputs[0], s.inputs + 2 + m * n, own);
    run(ctx, &s, &e, own, LAYERS, narrow);
    for (size_t l = 0; l < LAYERS; l++)
      check_columns(BP_F64, wide + l * MOST * ROWS * sizeof(double), narrow + l * MOST * ROWS * sizeof(double), MEMBERS,
                    m, bp_net_layer(e.net, (int)l).outputs);
  }
  bp_graph_free(s.g);
  ensemble_release(&e);
  ensemble_release(&one);
}

/* ---- training ---- */

/* A network that only drops: where a member's output is 0, it dropped. The first member drops what the network alone does. */
static void members_drop_by_masks_of_their_own(void **state) {
  enum { WIDTH = 40 };
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  bp_graph *g = NULL;
  double x[WIDTH], z[MEMBERS * WIDTH], alone[WIDTH], step = 7;
  int differ[MEMBERS] = {0};
  for (int i = 0; i < WIDTH; i++) x[i] = 1;
  bt_assert_ok(ctx, bp_net_new(ctx, WIDTH, BP_F64, &net));
  bt_assert_ok(ctx, bp_net_dropout(ctx, net, 0.5));
  for (int members = 1; members <= MEMBERS; members += MEMBERS - 1) {
    bt_assert_ok(ctx, bp_net_set_members(ctx, net, members));
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var inputs[] = {bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, WIDTH}), bp_input(g, "step", BP_F64, 0, NULL)};
    bp_net_training t = {.size = sizeof t, .seed = 4, .step = inputs[1], .batch = 1};
    bp_var out = bp_net_apply_training(net, inputs[0], NULL, &t, NULL);
    bt_assert_ok(ctx, bp_eval(&out, 1, inputs, 2, 1, (const void *[]){x, &step}, (void *[]){members == 1 ? alone : z}));
    bp_graph_free(g);
  }
  bt_assert_same_bits(z, alone, sizeof alone);
  for (int m = 1; m < MEMBERS; m++)
    for (int i = 0; i < WIDTH; i++) {
      assert_true(z[m * WIDTH + i] == 0 || z[m * WIDTH + i] == 2);
      differ[m] += z[m * WIDTH + i] != z[(m - 1) * WIDTH + i];
    }
  for (int m = 1; m < MEMBERS; m++) assert_true(differ[m] > WIDTH / 5 && differ[m] < WIDTH * 4 / 5);
  bp_net_free(net);
}

/* Each member has the statistics of its own batch: those of the network alone, given that nothing is dropped. */
static void members_move_statistics_of_their_own(void **state) {
  enum { STATES = 2, PARAMS = 6 }; /* dense, batch_norm */
  bp_context *ctx = bt_ctx(state);
  bp_norm_options norm = {.size = sizeof norm};
  double x[ROWS * INPUTS], after[MEMBERS][STATES][3], alone[STATES][3], z[ROWS * 3 * MEMBERS], step = 0;
  uint32_t noise = 8;
  void *params[MEMBERS * PARAMS];
  bp_net *net = NULL;
  for (int i = 0; i < ROWS * INPUTS; i++) x[i] = nt_noise(&noise);
  bt_assert_ok(ctx, bp_net_new(ctx, INPUTS, BP_F64, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 3, BP_TANH, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_batch_norm(ctx, net, &norm));
  bt_assert_ok(ctx, bp_net_set_members(ctx, net, MEMBERS));
  for (int p = 0; p < MEMBERS * PARAMS; p++) params[p] = malloc(INPUTS * 3 * sizeof(double));
  bp_net_init(net, 1, params);
  for (int m = -1; m < MEMBERS; m++) { /* -1: all at once */
    bp_graph *g = NULL;
    int n = m < 0 ? MEMBERS : 1, first = m < 0 ? 0 : m * PARAMS;
    bp_var inputs[2 + MEMBERS * PARAMS], states[MEMBERS * PARAMS], outputs[1 + MEMBERS * STATES];
    const void *values[2 + MEMBERS * PARAMS] = {x, &step};
    void *results[1 + MEMBERS * STATES] = {z};
    bt_assert_ok(ctx, bp_net_set_members(ctx, net, n));
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    inputs[0] = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, INPUTS});
    inputs[1] = bp_input(g, "step", BP_F64, 0, NULL);
    bp_net_declare(net, g, inputs + 2);
    for (int p = 0; p < n * PARAMS; p++) values[2 + p] = params[first + p];
    bp_net_training t = {.size = sizeof t, .step = inputs[1], .batch = ROWS};
    outputs[0] = bp_net_apply_training(net, inputs[0], inputs + 2, &t, states);
    for (int k = 0; k < n * STATES; k++) {
      outputs[1 + k] = states[k / STATES * PARAMS + 4 + k % STATES];
      results[1 + k] = m < 0 ? after[k / STATES][k % STATES] : alone[k % STATES];
    }
    bt_assert_ok(ctx,
                 bp_eval(outputs, (size_t)(1 + n * STATES), inputs, (size_t)(2 + n * PARAMS), ROWS, values, results));
    if (m >= 0) bt_assert_same_bits(after[m], alone, sizeof alone);
    bp_graph_free(g);
  }
  assert_memory_not_equal(after[0], after[1], sizeof after[0]);
  for (int p = 0; p < MEMBERS * PARAMS; p++) free(params[p]);
  bp_net_free(net);
}

/* ---- errors and memory ---- */

static void after_an_error_every_result_is_null(void **state) {
  bp_context *ctx = bt_ctx(state);
  ensemble e = ensemble_new(ctx, BP_F64, MEMBERS);
  int n = bp_net_params(e.net);
  graphs s = graphs_new(ctx, &e);
  bp_var states[PARAMS_MAX], bad = bp_input(s.g, "bad", BP_F64, 2, (int64_t[]){BP_BATCH, INPUTS + 1});
  for (int l = 0; l < LAYERS; l++) s.each[l] = s.inputs[0];
  for (int p = 0; p < n; p++) states[p] = s.inputs[0];
  assert_true(bp_var_is_zero(bp_net_apply_each(e.net, bad, s.inputs + 2, s.each)));
  bt_assert_fails(ctx, BP_E_SHAPE, bp_graph_status(s.g));
  assert_true(bp_var_is_zero(bp_net_apply_member(e.net, s.inputs[0], s.inputs + 2)));
  assert_true(bp_var_is_zero(bp_net_apply_training(e.net, s.inputs[0], s.inputs + 2, &s.training, states)));
  for (int l = 0; l < LAYERS; l++) assert_true(bp_var_is_zero(s.each[l]));
  for (int p = 0; p < n; p++) assert_true(bp_var_is_zero(states[p]));
  bp_graph_free(s.g);
  ensemble_release(&e);
}

static bp_status make_and_apply(bp_context *ctx, void *user) {
  bp_net *net = NULL;
  bp_graph *g = NULL;
  bp_var params[PARAMS_MAX];
  (void)user;
  bp_status status = bp_net_new(ctx, INPUTS, BP_F32, &net);
  if (status == BP_OK) status = add_every_layer(ctx, net);
  if (status == BP_OK) status = bp_net_set_members(ctx, net, MEMBERS);
  if (status == BP_OK) status = bp_graph_new(ctx, &g);
  if (status == BP_OK) {
    bp_var x = bp_input(g, "x", BP_F32, 2, (int64_t[]){BP_BATCH, INPUTS});
    bp_net_declare(net, g, params);
    bp_var z = bp_net_apply(net, x, params);
    status = bp_graph_status(g);
    assert_int_equal(bp_var_is_zero(z), status != BP_OK);
  }
  bp_graph_free(g);
  bp_net_free(net);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(make_and_apply, NULL) >= 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(each_member_has_arrays_of_its_own),
      BT_TEST(members_start_by_random_numbers_of_their_own),
      BT_TEST(numbers_of_members_out_of_range_are_refused),
      BT_TEST(the_last_of_most_members_has_its_whole_name),
      BT_TEST(an_ensemble_is_its_members_side_by_side),
      BT_TEST(a_member_is_the_network_alone),
      BT_TEST(each_layer_has_the_outputs_of_all_members),
      BT_TEST(members_drop_by_masks_of_their_own),
      BT_TEST(members_move_statistics_of_their_own),
      BT_TEST(after_an_error_every_result_is_null),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
