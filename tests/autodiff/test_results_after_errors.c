/* labels: grad oom */
/* What functions that give variables leave in their results when they fail: a null variable of a graph that holds the error, so
 * that a program may go on building and learns of the first mistake from the last call. Every such function, after an error
 * recorded before, with each of its variables bad in each way, and with each of its allocations failing.
 */
#include <math.h>
#include <string.h>

#include "variable_functions.h"

/* ---- what must hold ---- */
static void poison(bp_var *out) {
  for (int i = 0; i < RESULTS; i++) out[i] = (bp_var){(bp_graph *)1, 0xffffffff};
}

static bool poisoned(bp_var v) { return v.graph == (bp_graph *)1 || v.id == 0xffffffff; }

/* Nothing crashes on a null variable, and nothing hides the error: message, of graph g. */
static void go_on_building(bp_context *ctx, bp_graph *g, bp_var dead, bp_var x, const char *message) {
  char text[64];
  const bp_status refused = bp_graph_status(g) == BP_E_NOMEM ? BP_E_NOMEM : BP_E_GRAPH;
  bp_var next = bp_mul(bp_exp(dead), bp_add(dead, x)), derivative = {(bp_graph *)1, 7};
  assert_true(bp_var_is_zero(dead) && bp_var_is_zero(next));
  assert_int_equal(bp_var_rank(dead), 0);
  assert_int_equal(bp_var_dim(dead, 0), 0);
  assert_string_equal(bp_var_name(dead), "");
  assert_string_equal(bp_var_shape_text(dead, text, sizeof text), "[]");
  bp_var_set_name(dead, "dead");
  (void)bp_var_dtype(dead), (void)bp_var_op(dead);
  assert_true(isnan(bp_item(dead)));
  assert_null(bp_values(dead));
  double number, *place = &number;
  void *value = place;
  assert_int_equal(bp_grad(next, &dead, 1, &derivative), refused);
  assert_true(derivative.graph == g && derivative.id == 0);
  next = bp_scalar(g, BP_F64, 1);
  assert_true(next.id == 0);
  bt_assert_fails(ctx, refused, bp_eval(&next, 1, NULL, 0, 0, NULL, &value));
  assert_string_equal(bp_error_message(ctx), message);
  bp_program *program = NULL;
  char *printed = NULL;
  bt_assert_fails(ctx, refused, bp_compile(&dead, 1, NULL, 0, NULL, &program));
  bt_assert_fails(ctx, refused, bp_graph_print(&dead, 1, &printed));
  bt_assert_fails(ctx, refused, bp_backward(dead, &dead, 1, &value));
  bt_assert_fails(ctx, refused, bp_gradcheck(&dead, 1, &dead, 1, NULL, 0, 0, NULL, NULL, NULL));
  assert_true(bp_minimize(ctx, dead, &dead, 1, &value, NULL, NULL) != BP_OK);
  assert_string_equal(bp_graph_message(g), message);
}

/* After a failure: null variables of one graph, which holds the error. */
static void check_failure(const struct function *f, const given *s, const char *how, const bp_var *out) {
  char message[1024];
  bp_graph *g = out[0].graph;
  if (poisoned(out[0]) || g == NULL) fail_msg("%s, %s: the result is not of a graph", f->name, how);
  for (size_t i = 0; i < f->n_out; i++)
    if (out[i].graph != g || out[i].id != 0) fail_msg("%s, %s: result %zu is no null variable", f->name, how, i);
  if (bp_graph_status(g) == BP_OK) fail_msg("%s, %s: the graph holds no error", f->name, how);
  (void)strncpy(message, bp_graph_message(g), sizeof message - 1), message[sizeof message - 1] = '\0';
  for (size_t i = 0; i < f->n_out; i++) go_on_building(s->ctx, g, out[i], s->v[X], message);
}

static void check_success(const struct function *f, const given *s, const char *how, const bp_var *out) {
  if (bp_graph_status(s->g) != BP_OK) fail_msg("%s, %s: BP_OK, but %s", f->name, how, bp_graph_message(s->g));
  for (size_t i = 0; i < f->n_out; i++)
    if (poisoned(out[i])) fail_msg("%s, %s: result %zu is not set", f->name, how, i);
}

/* ---- the cases ---- */
static void after_an_error_recorded_before(void **state) {
  for (int i = 0; i < 2 * FUNCTIONS; i++) {
    const struct function *f = &functions[i / 2];
    given s;
    bp_var out[RESULTS];
    given_new(bt_ctx(state), i % 2 != 0, &s);
    (void)bp_add(s.v[X], s.v[ROWS] = bp_reshape(s.v[ROWS], 1, (const int64_t[]){12}));
    poison(out);
    bp_status status = f->call(&s, out), expected = bp_graph_status(s.g);
    if (status != BP_E_GRAPH && status != expected) fail_msg("%s gives %s", f->name, bp_status_name(status));
    check_failure(f, &s, "after an error", out);
    assert_non_null(strstr(bp_graph_message(s.g), "add: shapes [4] and [12] do not broadcast"));
    given_free(&s);
  }
}

enum { NULL_OF_GRAPH, NULL_OF_NONE, FOREIGN, UNKNOWN, REWOUND, WAYS };
static const char *const way_names[] = {"the null variable", "no graph", "another graph", "no such id", "rewound"};

static bp_var bad_one(const given *s, const given *other, int which, int way) {
  bp_var v = s->v[which];
  switch (way) {
  case NULL_OF_GRAPH: return (bp_var){s->g, 0};
  case NULL_OF_NONE: return (bp_var){NULL, 0};
  case FOREIGN: return other->v[which];
  case UNKNOWN: return (bp_var){s->g, 0xfffffffe};
  default: break;
  }
  size_t size = bp_graph_size(s->g); /* one like it, made and taken back */
  bp_var copy = bp_mul(v, v);
  bp_graph_rewind(s->g, size);
  assert_true(bp_graph_size(s->g) == size && copy.id >= size);
  return copy;
}

static void with_each_variable_bad_in_each_way(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int i = 0; i < 2 * FUNCTIONS; i++)
    for (int which = 0; which < GIVEN; which++)
      for (int way = 0; way < WAYS; way++) {
        const struct function *f = &functions[i / 2];
        bool seed = (f->seeds & BIT(which)) != 0 && (way == NULL_OF_GRAPH || way == NULL_OF_NONE);
        bool good = seed || ((f->uses | f->seeds) & BIT(which)) == 0;
        if (good && !seed && which != GIVEN - 1) continue; /* what is not used is tried once */
        given s, other;
        bp_var out[RESULTS];
        given_new(ctx, i % 2 != 0, &s);
        given_new(ctx, i % 2 != 0, &other);
        if (way == REWOUND && (which == INDEX || i % 2 == 0 ||
                               (f->seeds & SEVERAL) != 0)) { /* has no copy, or the graph does not rewind */
          given_free(&s), given_free(&other);
          continue;
        }
        s.v[which] = bad_one(&s, &other, which, way);
        poison(out);
        bp_status status = f->call(&s, out);
        if (status == BP_OK && way == FOREIGN && f->uses == BIT(which))
          good = out[0].graph == other.g; /* all of one graph */
        bool alone = (f->uses & ~BIT(which)) == 0 && status != BP_OK && out[0].graph == NULL;
        if ((status == BP_OK) != good)
          fail_msg("%s with variable %d bad (%s) gives %s", f->name, which, way_names[way], bp_status_name(status));
        if (status == BP_OK)
          check_success(f, way == FOREIGN ? &other : &s, way_names[way], out);
        else if (!alone) /* where no variable has a graph there is none to record on */
          check_failure(f, &s, way_names[way], out);
        else if (way != NULL_OF_NONE || out[0].id != 0)
          fail_msg("%s with variable %d: %s", f->name, which, way_names[way]);
        given_free(&s);
        given_free(&other);
      }
}

/* The n-th allocation of each function fails, for n = 0, 1, 2 … until it succeeds. */
static void with_each_allocation_failing(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  for (int i = 0; i < 2 * FUNCTIONS; i++) {
    const struct function *f = &functions[i / 2];
    bool failed = true;
    for (size_t n = 0; failed; n++) {
      given s;
      bp_var out[RESULTS];
      given_new(fixture->ctx, i % 2 != 0, &s);
      poison(out);
      fixture->memory.failed = false;
      fixture->memory.fail_at = fixture->memory.calls + n;
      bp_status status = f->call(&s, out);
      failed = fixture->memory.failed;
      fixture->memory.fail_at = BT_NEVER;
      bool resolving = strncmp(f->name, "objective of", 12) == 0 && bp_graph_status(s.g) == BP_OK;
      if ((status == BP_OK) == failed || (failed && status != BP_E_NOMEM))
        fail_msg("%s, allocation %zu: %s: %s", f->name, n, bp_status_name(status), bp_error_message(s.ctx));
      if (failed && !resolving) check_failure(f, &s, "out of memory", out);
      if (failed && !resolving) assert_int_equal(bp_graph_status(s.g), BP_E_NOMEM);
      if (!failed) check_success(f, &s, "with memory", out);
      given_free(&s);
    }
  }
}

/* ---- the array of results may be that of an argument ---- */
enum { N = 2 };
typedef struct pair {
  bp_var x[N], v[N], y[N], scalar;
} pair;

static void one_branch(void *user, bp_graph *g, const bp_var *args, bp_var *results) {
  (void)user, (void)g;
  results[0] = bp_sin(args[1]);
  results[1] = bp_mul(args[0], args[1]);
}
static void swap_step(void *user, bp_graph *g, const bp_var *state, const bp_var *constants, const bp_var *x,
                      bp_var *next, bp_var *y) {
  (void)user, (void)g, (void)constants, (void)x, (void)y;
  next[0] = bp_sin(state[1]);
  next[1] = bp_mul(state[0], state[1]);
}

typedef bp_status (*pair_fn)(pair *p, bp_var *out);
static bp_status pair_vjp(pair *p, bp_var *out) { return bp_vjp(p->y, p->v, N, p->x, N, out); }
static bp_status pair_jvp(pair *p, bp_var *out) { return bp_jvp(p->y, N, p->x, p->v, N, out); }
static bp_status pair_grad(pair *p, bp_var *out) { return bp_grad(p->scalar, p->x, N, out); }
static bp_status pair_hvp(pair *p, bp_var *out) { return bp_hvp(p->scalar, p->x, p->v, N, out); }
static bp_status pair_vhp(pair *p, bp_var *out) { return bp_vhp(p->scalar, p->x, p->v, N, out); }
static bp_status pair_normal(pair *p, bp_var *out) { return bp_normal_product(p->y, N, p->x, p->v, N, out); }
static bp_status pair_gauss(pair *p, bp_var *out) {
  return bp_gauss_newton_product(p->scalar, p->y, N, p->x, p->v, N, out);
}
static bp_status pair_forward(pair *p, bp_var *out) { return bp_jacobian(p->y[0], p->x, N, BP_MODE_FORWARD, out); }
static bp_status pair_reverse(pair *p, bp_var *out) { return bp_jacobian(p->y[0], p->x, N, BP_MODE_REVERSE, out); }
static bp_status pair_cond(pair *p, bp_var *out) {
  bp_cond(p->scalar, p->x, N, one_branch, one_branch, NULL, N, out);
  return bp_graph_status(out[0].graph);
}
static bp_status pair_scan(pair *p, bp_var *out) {
  bp_scan(p->scalar.graph, &(bp_loop_args){.init = p->x, .n_state = N}, 3, swap_step, NULL, out, NULL);
  return bp_graph_status(p->scalar.graph);
}
static const pair_fn pair_fns[] = {pair_vjp,   pair_jvp,     pair_grad,    pair_hvp,  pair_vhp, pair_normal,
                                   pair_gauss, pair_forward, pair_reverse, pair_cond, pair_scan};

static pair new_pair(bp_graph *g) {
  pair p;
  for (int i = 0; i < N; i++) p.x[i] = bp_input(g, "x", BP_F64, 1, (const int64_t[]){3});
  for (int i = 0; i < N; i++) p.v[i] = bp_input(g, "v", BP_F64, 1, (const int64_t[]){3});
  p.y[0] = bp_square(p.x[0]); /* nothing depends on x[1]: zeros in its shape are to be made */
  p.y[1] = bp_exp(p.x[0]);
  p.scalar = bp_sum(bp_mul(p.y[0], p.y[1]), BP_ALL_AXES);
  return p;
}

/* Values of out[n] at fixed numbers; 18 are room enough. */
static void evaluate(bp_context *ctx, const pair *p, const bp_var *out, size_t n, double (*values)[18]) {
  const bp_var inputs[] = {p->x[0], p->x[1], p->v[0], p->v[1]};
  const void *at[] = {numbers, numbers + 2, numbers + 4, numbers + 6};
  for (size_t i = 0; i < n; i++) {
    memset(values[i], 0, sizeof values[i]);
    if (out[i].id != 0) bt_assert_ok(ctx, bp_eval(&out[i], 1, inputs, 4, 0, at, &(void *){values[i]}));
  }
}

static void results_may_overwrite_arguments(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t f = 0; f < sizeof pair_fns / sizeof *pair_fns; f++)
    for (int into = 0; into < 3; into++) {
      bp_graph *g;
      bp_var apart[N];
      double want[N][18], got[N][18];
      char a[32], b[32];
      bt_assert_ok(ctx, bp_graph_new(ctx, &g));
      const pair p = new_pair(g);
      pair changed = p;
      bp_var *out = into == 0 ? changed.x : into == 1 ? changed.v : changed.y;
      bt_assert_ok(ctx, pair_fns[f](&changed, apart));
      bt_assert_ok(ctx, pair_fns[f](&changed, out));
      for (int i = 0; i < N; i++)
        assert_string_equal(bp_var_shape_text(apart[i], a, sizeof a), bp_var_shape_text(out[i], b, sizeof b));
      evaluate(ctx, &p, apart, N, want);
      evaluate(ctx, &p, out, N, got);
      bt_assert_same_bits(want, got, sizeof want);
      bp_graph_free(g);
    }
}

/* The value and the gradient over the variables, from both ends; a Hessian over its variables; an expression over its name. */
static void larger_results_may_overwrite_arguments(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  const pair p = new_pair(g);
  double want[4][18], got[4][18];
  bp_var apart[4], x[2 * N + 1];
  bt_assert_ok(ctx, bp_value_and_grad(p.scalar, p.x, N, apart));
  evaluate(ctx, &p, apart, N + 1, want);
  for (int at = 0; at < 2; at++) {
    memcpy(x + at, p.x, sizeof p.x);
    bt_assert_ok(ctx, bp_value_and_grad(p.scalar, x + at, N, x));
    evaluate(ctx, &p, x, N + 1, got);
    bt_assert_same_bits(want, got, (N + 1) * sizeof *want);
  }
  memcpy(x, p.x, sizeof p.x);
  bt_assert_ok(ctx, bp_hessian(p.scalar, p.x, N, apart));
  bt_assert_ok(ctx, bp_hessian(p.scalar, x, N, x));
  evaluate(ctx, &p, apart, 4, want);
  evaluate(ctx, &p, x, 4, got);
  bt_assert_same_bits(want, got, sizeof want);
  bp_expression_name name = {"x", p.x[0], false};
  bt_assert_ok(ctx, bp_expression_parse(g, BP_F64, "x^2", &name, 1, &name.var));
  assert_true(name.used && name.var.id != p.x[0].id);
  bp_graph_free(g);
}

/* ---- nothing given ---- */
static void nothing_is_a_number_of_variables_too(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  char text[32];
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  const pair p = new_pair(g);
  bp_var out[RESULTS];
  poison(out);
  bt_assert_ok(ctx, bp_vjp(NULL, NULL, 0, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_jvp(NULL, 0, NULL, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_vjp(p.y, p.v, N, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_jvp(NULL, 0, p.x, p.v, N, NULL));
  bt_assert_ok(ctx, bp_vjp(NULL, NULL, 0, p.x, N, out));
  assert_true(out[0].graph == g && out[0].id == 0 && out[1].graph == g && out[1].id == 0);
  poison(out);
  bt_assert_ok(ctx, bp_jvp(p.y, N, NULL, NULL, 0, out));
  assert_true(out[0].graph == g && out[0].id == 0 && out[1].graph == g && out[1].id == 0);
  bt_assert_ok(ctx, bp_normal_product(NULL, 0, NULL, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_normal_product(NULL, 0, p.x, p.v, N, out));
  assert_string_equal(bp_var_shape_text(out[1], text, sizeof text), "[3]");
  poison(out);
  bt_assert_ok(ctx, bp_gauss_newton_product(p.scalar, NULL, 0, p.x, p.v, N, out));
  assert_string_equal(bp_var_shape_text(out[1], text, sizeof text), "[3]");
  bt_assert_ok(ctx, bp_normal_product(p.y, N, NULL, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_gauss_newton_product(p.scalar, p.y, N, NULL, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_grad(p.scalar, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_hvp(p.scalar, NULL, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_vhp(p.scalar, NULL, NULL, 0, NULL));
  for (bp_mode mode = BP_MODE_AUTO; mode <= BP_MODE_REVERSE; mode++)
    bt_assert_ok(ctx, bp_jacobian(p.y[0], NULL, 0, mode, NULL));
  bt_assert_ok(ctx, bp_hessian(p.scalar, NULL, 0, NULL));
  bt_assert_ok(ctx, bp_value_and_grad(p.scalar, NULL, 0, out));
  assert_int_equal(out[0].id, p.scalar.id);
  bt_assert_ok(ctx, bp_eval(NULL, 0, p.x, N, 0, (const void *[]){numbers, numbers}, NULL));
  bt_assert_ok(ctx, bp_eval(NULL, 0, NULL, 0, 0, NULL, NULL));
  bp_graph_free(g);
}

/* Where there is no graph there is nothing to record on: a status where there is one, and null variables. */
static void without_a_graph_there_are_null_variables(void **state) {
  bp_context *ctx = bt_ctx(state);
  const bp_var none = {NULL, 0};
  bp_var out[RESULTS];
  double number = 1;
  poison(out);
  assert_int_equal(bp_grad(none, &none, 1, out), BP_E_ARG);
  assert_true(out[0].graph == NULL && out[0].id == 0);
  poison(out);
  assert_int_equal(bp_value_and_grad(none, NULL, 0, out), BP_E_ARG);
  assert_true(out[0].graph == NULL && out[0].id == 0);
  assert_int_equal(bp_graph_status(NULL), BP_E_ARG);
  assert_true(bp_graph_message(NULL)[0] != '\0');
  assert_true(bp_graph_size(NULL) == 0 && bp_graph_context(NULL) == NULL);
  bp_graph_rewind(NULL, 1);
  out[0] = bp_input(NULL, "x", BP_F64, 0, NULL);
  out[1] = bp_scalar(NULL, BP_F64, 1);
  out[2] = bp_constant(NULL, BP_F64, 0, NULL, &number);
  out[3] = bp_variable(NULL, "x", BP_F64, 0, NULL, &number);
  out[4] = bp_custom(NULL, &custom_op, &none, 1);
  out[5] = bp_concat(NULL, 0, 0);
  out[6] = bp_stack(&none, 1, 0);
  out[7] = bp_add(none, none);
  out[8] = bp_loss_rows(BP_LOSS_AUTO, none, none);
  out[9] = bp_sparse_times(NULL, none);
  for (int i = 0; i < 10; i++) assert_true(out[i].graph == NULL && out[i].id == 0);
  poison(out);
  assert_int_equal(bp_expression_parse(NULL, BP_F64, "1", NULL, 0, out), BP_E_ARG);
  bp_cond(none, &none, 1, branch, branch, NULL, 2, out + 1);
  bp_scan(NULL, &(bp_loop_args){.init = &none, .n_state = 1}, 1, step, NULL, out + 3, NULL);
  bp_while(NULL, &(bp_loop_args){.init = &none, .n_state = 1}, 1, small, step, NULL, out + 4, out + 5);
  for (int i = 0; i < 6; i++) assert_true(out[i].graph == NULL && out[i].id == 0);
  void *value = &number;
  assert_int_equal(bp_eval(&none, 1, NULL, 0, 0, NULL, &value), BP_E_ARG);
  assert_int_equal(bp_backward(none, &none, 1, &value), BP_E_ARG);
  assert_int_equal(bp_gradcheck(&none, 1, NULL, 0, NULL, 0, 0, NULL, NULL, NULL), BP_E_ARG);
  bt_assert_fails(ctx, BP_E_ARG, bp_minimize(ctx, none, &none, 1, &value, NULL, NULL));
  bt_assert_fails(ctx, BP_E_ARG, bp_least_squares(ctx, none, &none, 1, &value, NULL, NULL));
}

static void what_was_not_made_can_be_freed(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_fit_result fitted = {0};
  bp_metrics measured = {0};
  bp_context_free(NULL);
  bp_graph_free(NULL);
  bp_string_free(ctx, NULL);
  bp_sparse_free(NULL);
  bp_trace_free(NULL);
  bp_program_free(NULL);
  bp_workspace_free(NULL);
  bp_net_free(NULL);
  bp_table_free(NULL);
  bp_table_stream_free(NULL);
  bp_model_free(NULL);
  bp_predictor_free(NULL);
  bp_sensitivity_free(NULL);
  bp_checkpoint_free(NULL);
  bp_fit_result_release(ctx, &fitted);
  bp_metrics_release(ctx, &measured);
}

/* A null variable among good ones is told by those who compute, with the error of the graph that the others have. */
static void who_computes_finds_the_graph_among_all_variables(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  double number = 1;
  void *value = &number;
  bp_program *program = NULL;
  bp_sparse *pattern;
  const bp_var none = {NULL, 0};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 0, NULL);
  bt_assert_fails(ctx, BP_E_ARG, bp_eval(&none, 1, &x, 1, 0, (const void *[]){&number}, &value));
  bt_assert_message(ctx, "output 0");
  (void)bp_clip(x, 1, 0);
  bt_assert_fails(ctx, BP_E_GRAPH, bp_eval(&none, 1, &x, 1, 0, (const void *[]){&number}, &value));
  bt_assert_message(ctx, "clip");
  bt_assert_fails(ctx, BP_E_GRAPH, bp_compile(&none, 1, &x, 1, NULL, &program));
  bt_assert_message(ctx, "clip");
  bt_assert_fails(ctx, BP_E_ARG, bp_sparse_from_pattern(ctx, -1, 0, (const int64_t[]){0}, NULL, &pattern));
  bt_assert_fails(ctx, BP_E_ARG, bp_graph_status(g)); /* brings its message back */
  bt_assert_message(ctx, "clip");
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(after_an_error_recorded_before),
      BT_TEST(with_each_variable_bad_in_each_way),
      BT_TEST(with_each_allocation_failing),
      BT_TEST(results_may_overwrite_arguments),
      BT_TEST(larger_results_may_overwrite_arguments),
      BT_TEST(nothing_is_a_number_of_variables_too),
      BT_TEST(without_a_graph_there_are_null_variables),
      BT_TEST(what_was_not_made_can_be_freed),
      BT_TEST(who_computes_finds_the_graph_among_all_variables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
