/* labels: grad oom */
/* What functions that give variables leave in their results when they fail: a null variable of a graph that holds the error, so
 * that a program may go on building and learns of the first mistake from the last call. Every such function, after an error
 * recorded before, with each of its variables bad in each way, and with each of its allocations failing.
 */
#include <math.h>
#include <string.h>

#include "backprop/backprop.h"
#include "support/testing.h"

/* ---- what the functions are given ---- */
enum { Y, X, Z, V, SEED, ROWS, OUT_ROWS, MATRIX, INDEX, TARGET, SQUARE, STEP, GIVEN };

typedef struct given {
  bp_context *ctx;
  bp_graph *g;
  bool eager;
  bp_var v[GIVEN];
  bp_net *net;
  bp_var params[32];
  bp_sparse *sparse;
} given;

static const double numbers[12] = {0.5, 1, 2, 3, -1, 4, 0.25, -2, 1.5, 6, 7, 8};
static const int32_t classes[3] = {0, 2, 1};

static bp_var leaf(bp_graph *g, bool eager, bp_dtype t, int rank, const int64_t *dims) {
  const void *data = t == BP_I32 ? (const void *)classes : (const void *)numbers;
  return eager ? bp_variable(g, "leaf", t, rank, dims, data) : bp_input(g, "leaf", t, rank, dims);
}

static void make_net(given *s) {
  bp_norm_options norm = {.size = sizeof norm};
  bp_skip_options skip = {.size = sizeof skip, .from = -1};
  bt_assert_ok(s->ctx, bp_net_new(s->ctx, 4, BP_F64, &s->net));
  bt_assert_ok(s->ctx, bp_net_dropout(s->ctx, s->net, 0.5));
  bt_assert_ok(s->ctx, bp_net_dense(s->ctx, s->net, 4, BP_PRELU, BP_INIT_AUTO));
  bt_assert_ok(s->ctx, bp_net_batch_norm(s->ctx, s->net, &norm));
  bt_assert_ok(s->ctx, bp_net_skip(s->ctx, s->net, &skip));
  bt_assert_ok(s->ctx, bp_net_dense(s->ctx, s->net, 3, BP_IDENTITY, BP_INIT_AUTO));
  assert_true(bp_net_params(s->net) <= 32);
  for (int p = 0; p < bp_net_params(s->net); p++) {
    bp_param_info info = bp_net_param(s->net, p);
    s->params[p] = bp_constant(s->g, BP_F64, info.rank, info.dims, (const double[16]){1, 2, 3, 1, 2, 3, 1});
  }
}

static void given_new(bp_context *ctx, bool eager, given *s) {
  *s = (given){.ctx = ctx, .eager = eager};
  bt_assert_ok(ctx, eager ? bp_graph_new_eager(ctx, &s->g) : bp_graph_new(ctx, &s->g));
  bp_graph *g = s->g;
  bp_var *v = s->v;
  v[X] = leaf(g, eager, BP_F64, 1, (const int64_t[]){4});
  v[V] = leaf(g, eager, BP_F64, 1, (const int64_t[]){4});
  v[ROWS] = leaf(g, eager, BP_F64, 2, (const int64_t[]){3, 4});
  v[INDEX] = leaf(g, eager, BP_I32, 1, (const int64_t[]){3});
  v[TARGET] = leaf(g, eager, BP_F64, 2, (const int64_t[]){eager ? 3 : BP_BATCH, 3});
  v[STEP] = leaf(g, eager, BP_F64, 0, NULL);
  v[Z] = bp_tanh(v[X]);
  v[SEED] = bp_exp(v[X]);
  v[Y] = bp_sum(bp_mul(v[Z], bp_square(v[Z])), BP_ALL_AXES);
  v[OUT_ROWS] = bp_sin(v[ROWS]);
  v[SQUARE] = bp_square(v[TARGET]);
  v[MATRIX] = bp_add(bp_reshape(v[X], 2, ((const int64_t[]){2, 2})), bp_scalar(g, BP_F64, 9));
  make_net(s);
  bt_assert_ok(ctx, bp_sparse_jacobian(v[Z], v[X], NULL, BP_COMPRESS_AUTO, &s->sparse));
  bt_assert_ok(ctx, bp_graph_status(g));
}

static void given_free(given *s) {
  bp_sparse_free(s->sparse);
  bp_net_free(s->net);
  bp_graph_free(s->g);
}

/* ---- the functions ---- */
typedef bp_status (*call_fn)(const given *s, bp_var *out);

static bp_status call_vjp(const given *s, bp_var *out) { return bp_vjp(&s->v[Z], &s->v[SEED], 1, &s->v[X], 1, out); }
static bp_status call_jvp(const given *s, bp_var *out) { return bp_jvp(&s->v[Z], 1, &s->v[X], &s->v[V], 1, out); }
static bp_status call_grad(const given *s, bp_var *out) {
  return bp_grad(s->v[Y], (bp_var[]){s->v[X], s->v[ROWS]}, 2, out);
}
static bp_status call_value_and_grad(const given *s, bp_var *out) {
  return bp_value_and_grad(s->v[Y], (bp_var[]){s->v[X], s->v[ROWS]}, 2, out);
}
static bp_status call_hvp(const given *s, bp_var *out) { return bp_hvp(s->v[Y], &s->v[X], &s->v[V], 1, out); }
static bp_status call_vhp(const given *s, bp_var *out) { return bp_vhp(s->v[Y], &s->v[X], &s->v[V], 1, out); }
static bp_status call_normal(const given *s, bp_var *out) {
  return bp_normal_product(&s->v[Z], 1, &s->v[X], &s->v[V], 1, out);
}
static bp_status call_gauss_newton(const given *s, bp_var *out) {
  return bp_gauss_newton_product(s->v[Y], &s->v[Z], 1, &s->v[X], &s->v[V], 1, out);
}
static bp_status call_jacobian(const given *s, bp_var *out) {
  return bp_jacobian(s->v[Z], (bp_var[]){s->v[X], s->v[ROWS]}, 2, BP_MODE_AUTO, out);
}
static bp_status call_jacobian_forward(const given *s, bp_var *out) {
  return bp_jacobian(s->v[Z], &s->v[X], 1, BP_MODE_FORWARD, out);
}
static bp_status call_jacobian_rows(const given *s, bp_var *out) {
  return bp_jacobian_rows(s->v[OUT_ROWS], s->v[ROWS], BP_MODE_AUTO, out);
}
static bp_status call_hessian(const given *s, bp_var *out) {
  return bp_hessian(s->v[Y], (bp_var[]){s->v[X], s->v[ROWS]}, 2, out);
}
static bp_status call_hessian_by(const given *s, bp_var *out) {
  return bp_hessian_by(s->v[Y], &s->v[X], 1, BP_MODE_REVERSE, BP_MODE_FORWARD, out);
}

/* An object that could not be made is NULL, and has the null variable of no graph in it; the error is looked for where it belongs. */
static bp_status values_of(bp_status status, bp_sparse *const *object, bp_var y, bp_var x, bp_var *out) {
  bp_sparse *made = *object;
  assert_true((status == BP_OK) == (made != NULL));
  *out = bp_sparse_values(made);
  if (status != BP_OK) {
    assert_true(out->graph == NULL && out->id == 0);
    out->graph = y.graph != NULL ? y.graph : x.graph;
    assert_int_equal(bp_sparse_rows(made) + bp_sparse_columns(made) + bp_sparse_nonzeros(made), 0);
    assert_int_equal(*bp_sparse_row_start(made) + bp_sparse_colors(made), 0);
    assert_true(bp_sparse_dense(made).id == 0 && bp_sparse_times(made, *out).id == 0);
  }
  bp_sparse_free(made);
  return status;
}
static bp_status call_sparse_jacobian(const given *s, bp_var *out) {
  bp_sparse *made = (bp_sparse *)1;
  return values_of(bp_sparse_jacobian(s->v[Z], s->v[X], NULL, BP_COMPRESS_AUTO, &made), &made, s->v[Z], s->v[X], out);
}
static bp_status call_sparse_hessian(const given *s, bp_var *out) {
  bp_sparse *made = (bp_sparse *)1;
  return values_of(bp_sparse_hessian(s->v[Y], s->v[X], NULL, &made), &made, s->v[Y], s->v[X], out);
}
static bp_status call_sparsity_hessian(const given *s, bp_var *out) {
  bp_sparse *made = (bp_sparse *)1;
  return values_of(bp_sparsity_hessian(s->v[Y], s->v[X], &made), &made, s->v[Y], s->v[X], out);
}
static bp_status call_sparse_times(const given *s, bp_var *out) {
  *out = bp_sparse_times(s->sparse, s->v[X]);
  return bp_graph_status(s->g);
}
static bp_status call_sparse_dense(const given *s, bp_var *out) {
  *out = bp_sparse_dense(s->sparse);
  return bp_graph_status(s->g);
}

static bp_status call_trace(const given *s, bp_var *out) {
  bp_trace_options o = {.size = sizeof o,
                        .mode = BP_MODE_REVERSE,
                        .inputs = &s->v[X],
                        .n_inputs = 1,
                        .wrt = &s->v[X],
                        .n_wrt = 1,
                        .seeds = &s->v[STEP],
                        .n_columns = 1};
  bp_trace *made = (bp_trace *)1;
  bp_status status = bp_trace_new(s->v[Y], &o, &made);
  assert_true((status == BP_OK) == (made != NULL));
  *out = (bp_var){s->v[Y].graph != NULL ? s->v[Y].graph : s->v[X].graph, 0};
  if (bp_trace_lines(made) > 0) *out = bp_trace_line_at(made, 0).derivatives[0];
  bp_trace_free(made);
  return status;
}

static bp_status call_expression(const given *s, bp_var *out) {
  bp_expression_name names[] = {{"x", s->v[X], true}, {"v", s->v[V], true}};
  bp_status status = bp_expression_parse(s->g, BP_F64, "a = [x, v]; sum(a)*norm(x - v) + softmax(x)[0]", names, 2, out);
  if (status != BP_OK && status != BP_E_NOMEM) assert_false(names[0].used || names[1].used);
  return status;
}

/* ---- branches and loops ---- */
static void branch(void *user, bp_graph *g, const bp_var *args, bp_var *results) {
  (void)user, (void)g;
  results[0] = bp_sin(args[0]);
  results[1] = bp_mul(args[0], args[1]);
}
static bp_status call_cond(const given *s, bp_var *out) {
  bp_cond(s->v[STEP], (bp_var[]){s->v[X], s->v[V]}, 2, branch, branch, NULL, 2, out);
  return bp_graph_status(out[0].graph);
}
static void step(void *user, bp_graph *g, const bp_var *state, const bp_var *constants, const bp_var *x, bp_var *next,
                 bp_var *y) {
  (void)user, (void)g;
  next[0] = bp_mul(state[0], constants[0]);
  if (y != NULL && x != NULL) y[0] = bp_sum(x[0], BP_ALL_AXES);
}
static void only_state(void *user, bp_graph *g, const bp_var *state, const bp_var *constants, const bp_var *x,
                       bp_var *next, bp_var *y) {
  (void)x, (void)y;
  step(user, g, state, constants, NULL, next, NULL);
}
static bp_var small(void *user, bp_graph *g, const bp_var *state, const bp_var *constants) {
  (void)user, (void)constants;
  return bp_less(bp_sum(state[0], BP_ALL_AXES), bp_scalar(g, BP_F64, 1));
}
static bp_status call_scan(const given *s, bp_var *out) {
  bp_loop_args a = {
      .init = &s->v[X], .n_state = 1, .constants = &s->v[V], .n_constants = 1, .x = &s->v[ROWS], .n_x = 1, .n_y = 1};
  bp_scan(s->g, &a, 3, step, NULL, out, out + 1);
  return bp_graph_status(s->g);
}
static bp_status call_while(const given *s, bp_var *out) {
  bp_loop_args a = {.init = &s->v[X], .n_state = 1, .constants = &s->v[V], .n_constants = 1};
  bp_while(s->g, &a, 20, small, only_state, NULL, out, out + 1);
  return bp_graph_status(s->g);
}

/* The derivatives of a loop and of a branch are built from graphs of their own. */
static bp_status call_grad_of_calls(const given *s, bp_var *out) {
  bp_var looped[2], chosen[2];
  (void)call_scan(s, looped);
  bp_cond(s->v[STEP], (bp_var[]){looped[0], s->v[V]}, 2, branch, branch, NULL, 2, chosen);
  (void)bp_grad(bp_sum(bp_add(chosen[0], chosen[1]), BP_ALL_AXES), &s->v[X], 1, out);
  return bp_graph_status(out[0].graph);
}

/* ---- operations of the user ---- */
static bp_status cube(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user, (void)n_x;
  for (int64_t i = 0; i < y->elements; i++) {
    double at = ((const double *)x[0].data)[i];
    ((double *)y->data)[i] = at * at * at;
  }
  return BP_OK;
}
static bp_var cube_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)n_x, (void)i;
  return bp_mul(y_bar, bp_mul(bp_scalar(y.graph, BP_F64, 3), bp_square(x[0])));
}
static const bp_custom_op custom_op = {
    .size = sizeof custom_op, .name = "cube", .dtype = BP_F64, .rank = 1, .dims = {4}, .eval = cube, .vjp = cube_vjp};
static bp_status call_custom(const given *s, bp_var *out) {
  *out = bp_custom(s->g, &custom_op, &s->v[X], 1);
  return bp_graph_status(s->g);
}
/* Forward mode is derived from the VJP, by a reverse pass inside. */
static bp_status call_jvp_of_custom(const given *s, bp_var *out) {
  bp_var y = bp_custom(s->g, &custom_op, &s->v[X], 1);
  (void)bp_jvp(&y, 1, &s->v[X], &s->v[V], 1, out);
  return bp_graph_status(out[0].graph);
}

/* ---- networks and losses ---- */
enum { LAYERS = 5, PARAMS = 11 };
static bp_status status_of(bp_var v) { return bp_graph_status(v.graph); }
static bp_status call_net(const given *s, bp_var *out) {
  *out = bp_net_apply(s->net, s->v[ROWS], s->params);
  return status_of(*out);
}
static bp_status call_net_each(const given *s, bp_var *out) {
  assert_int_equal(bp_net_layers(s->net), LAYERS);
  out[LAYERS] = bp_net_apply_each(s->net, s->v[ROWS], s->params, out);
  return status_of(out[LAYERS]);
}
static bp_status call_net_training(const given *s, bp_var *out) {
  bp_net_training t = {.size = sizeof t, .seed = 1, .step = s->v[STEP]};
  assert_true(bp_net_params(s->net) <= PARAMS);
  out[0] = bp_net_apply_training(s->net, s->v[ROWS], s->params, &t, out + 1);
  for (int i = bp_net_params(s->net); i < PARAMS; i++) out[1 + i] = (bp_var){out[0].graph, 0};
  return status_of(out[0]);
}
static bp_status call_net_declare(const given *s, bp_var *out) {
  for (int i = bp_net_params(s->net); i < PARAMS; i++) out[i] = (bp_var){s->g, 0};
  bp_net_declare(s->net, s->g, out);
  return bp_graph_status(s->g);
}
static bp_status call_activate(const given *s, bp_var *out) {
  bp_activation_spec spec = {.kind = BP_PRELU, .per_unit = true};
  *out = bp_activate(spec, s->v[ROWS], s->v[X]);
  return status_of(*out);
}
static bp_status call_identity(const given *s, bp_var *out) {
  *out = bp_activate((bp_activation_spec){.kind = BP_IDENTITY}, s->v[ROWS], (bp_var){NULL, 0});
  return status_of(*out);
}

static bp_var rows_of_user(void *user, bp_var z, bp_var p, bp_var y) {
  (void)user, (void)z;
  return bp_sum(bp_square(bp_sub(p, y)), BP_LAST_AXIS);
}
static bp_status resolved(const given *s, bp_loss loss, bool of_classes, bp_objective *o) {
  *o = (bp_objective){.loss = loss, .rows = rows_of_user, .expression = "mean((y - p)^2)"};
  if (loss == BP_LOSS_CROSS_ENTROPY) o->label_smoothing = 0.1;
  return bp_objective_resolve(s->ctx, o, of_classes, of_classes ? 4 : 3, o);
}
static bp_status objective(const given *s, bp_loss loss, bp_var z, bp_var target, bool of_classes, bp_var *out) {
  bp_objective o;
  bp_status status = resolved(s, loss, of_classes, &o);
  if (status != BP_OK) return *out = (bp_var){s->g, 0}, status; /* it gives no variables */
  *out = bp_objective_rows(&o, z, target, true);
  return status_of(*out);
}
static bp_status call_classes(const given *s, bp_var *out) {
  return objective(s, BP_LOSS_CROSS_ENTROPY, s->v[ROWS], s->v[INDEX], true, out);
}
static bp_status call_callback(const given *s, bp_var *out) {
  return objective(s, BP_LOSS_CALLBACK, s->v[TARGET], s->v[SQUARE], false, out);
}
static bp_status call_formula(const given *s, bp_var *out) {
  if (s->eager) return call_callback(s, out); /* a formula needs a batch to know what a row is */
  return objective(s, BP_LOSS_EXPRESSION, s->v[TARGET], s->v[SQUARE], false, out);
}
static bp_status call_predict(const given *s, bp_var *out) {
  bp_objective o;
  bt_assert_ok(s->ctx, resolved(s, BP_LOSS_CROSS_ENTROPY, true, &o));
  *out = bp_objective_predict(&o, s->v[ROWS]);
  return status_of(*out);
}
static bp_status call_loss_rows(const given *s, bp_var *out) {
  *out = bp_loss_rows(BP_LOSS_AUTO, s->v[ROWS], s->v[INDEX]);
  return status_of(*out);
}
static bp_status call_loss_output(const given *s, bp_var *out) {
  *out = bp_loss_output(BP_LOSS_CROSS_ENTROPY, s->v[ROWS]);
  return status_of(*out);
}

/* ---- builders of several variables ---- */
#define BUILDER(name, expression)                                                                                      \
  static bp_status call_##name(const given *s, bp_var *out) {                                                          \
    const bp_var *v = s->v;                                                                                            \
    *out = (expression);                                                                                               \
    return status_of(*out);                                                                                            \
  }
BUILDER(add, bp_add(v[X], v[V]))
BUILDER(where, bp_where(v[SEED], v[X], v[V]))
BUILDER(matmul, bp_matmul(v[ROWS], bp_transpose(v[ROWS], NULL)))
BUILDER(matmul_two, bp_matmul(v[TARGET], v[ROWS]))
BUILDER(dot, bp_dot(v[X], v[V]))
BUILDER(outer, bp_outer(v[X], v[V]))
BUILDER(solve, bp_solve(v[MATRIX], bp_slice(v[X], 0, 0, 2, 1)))
BUILDER(inverse, bp_inverse(v[MATRIX]))
BUILDER(logdet_spd, bp_logdet_spd(v[MATRIX]))
BUILDER(gather, bp_gather(v[ROWS], v[INDEX], BP_F64))
BUILDER(scatter_add, bp_scatter_add(v[ROWS], v[INDEX], 5))
BUILDER(cross_entropy, bp_softmax_cross_entropy(v[ROWS], v[INDEX]))
BUILDER(assign, bp_assign(v[X], v[V]))
BUILDER(concat, bp_concat((bp_var[]){v[X], v[V], v[SEED]}, 3, 0))
BUILDER(stack, bp_stack((bp_var[]){v[X], v[V], v[SEED]}, 3, 0))
BUILDER(one_hot, bp_one_hot(v[INDEX], 3, BP_F64))
BUILDER(uniform, bp_uniform(v[STEP], 1, 2, BP_F64, 1, (const int64_t[]){3}))
BUILDER(softmax, bp_softmax(v[ROWS]))
BUILDER(reduce_max, bp_reduce_max(bp_reshape(v[ROWS], 3, ((const int64_t[]){3, 1, 4})), BP_AXIS(0) | BP_AXIS(1)))
BUILDER(reduce_min, bp_reduce_min(bp_reshape(v[ROWS], 3, ((const int64_t[]){2, 3, 2})), BP_AXIS(0) | BP_AXIS(2)))
BUILDER(prod, bp_prod(v[ROWS], BP_ALL_AXES))
BUILDER(pad, bp_pad(v[X], 0, 1, 2, 7))
BUILDER(clip, bp_clip(v[X], 0, 1))
BUILDER(polygamma, bp_polygamma(2, v[X]))
BUILDER(diag_part, bp_diag_part(v[MATRIX]))
BUILDER(norm, bp_norm(v[ROWS], BP_AXIS(0)))
BUILDER(mean, bp_mean(v[ROWS], BP_AXIS(0)))
BUILDER(log_softmax, bp_log_softmax(v[ROWS]))
BUILDER(tril, bp_tril(bp_triu(v[MATRIX], 0), 0))

#define BIT(which) (1u << (which))
#define SEVERAL                                                                                                        \
  (1u << 31) /* beside seeds: several calls, so that a number that is no variable's becomes one on the way */
static const struct function {
  const char *name;
  call_fn call;
  size_t n_out;
  unsigned uses;  /* variables that must be there */
  unsigned seeds; /* variables for which the symbolic zero will do */
} functions[] = {
    {"vjp", call_vjp, 1, BIT(Z) | BIT(X), BIT(SEED)},
    {"jvp", call_jvp, 1, BIT(Z) | BIT(X), BIT(V)},
    {"grad", call_grad, 2, BIT(Y) | BIT(X) | BIT(ROWS), 0},
    {"value_and_grad", call_value_and_grad, 3, BIT(Y) | BIT(X) | BIT(ROWS), 0},
    {"hvp", call_hvp, 1, BIT(Y) | BIT(X), BIT(V)},
    {"vhp", call_vhp, 1, BIT(Y) | BIT(X), BIT(V)},
    {"normal_product", call_normal, 1, BIT(Z) | BIT(X), BIT(V)},
    {"gauss_newton_product", call_gauss_newton, 1, BIT(Y) | BIT(Z) | BIT(X), BIT(V)},
    {"jacobian", call_jacobian, 2, BIT(Z) | BIT(X) | BIT(ROWS), 0},
    {"jacobian, forward", call_jacobian_forward, 1, BIT(Z) | BIT(X), 0},
    {"jacobian_rows", call_jacobian_rows, 1, BIT(OUT_ROWS) | BIT(ROWS), 0},
    {"hessian", call_hessian, 4, BIT(Y) | BIT(X) | BIT(ROWS), 0},
    {"hessian_by", call_hessian_by, 1, BIT(Y) | BIT(X), 0},
    {"sparse_jacobian", call_sparse_jacobian, 1, BIT(Z) | BIT(X), 0},
    {"sparse_hessian", call_sparse_hessian, 1, BIT(Y) | BIT(X), 0},
    {"sparsity_hessian", call_sparsity_hessian, 1, BIT(Y) | BIT(X), 0},
    {"sparse_times", call_sparse_times, 1, BIT(X), 0},
    {"sparse_dense", call_sparse_dense, 1, 0, 0},
    {"trace", call_trace, 1, BIT(Y) | BIT(X), BIT(STEP)},
    {"expression_parse", call_expression, 1, BIT(X) | BIT(V), 0},
    {"cond", call_cond, 2, BIT(STEP) | BIT(X) | BIT(V), 0},
    {"scan", call_scan, 2, BIT(X) | BIT(V) | BIT(ROWS), 0},
    {"while", call_while, 2, BIT(X) | BIT(V), 0},
    {"grad of calls", call_grad_of_calls, 1, BIT(STEP) | BIT(X) | BIT(V) | BIT(ROWS), SEVERAL},
    {"custom", call_custom, 1, BIT(X), 0},
    {"jvp of custom", call_jvp_of_custom, 1, BIT(X), BIT(V) | SEVERAL},
    {"net_apply", call_net, 1, BIT(ROWS), 0},
    {"net_apply_each", call_net_each, LAYERS + 1, BIT(ROWS), 0},
    {"net_apply_training", call_net_training, 1 + PARAMS, BIT(ROWS) | BIT(STEP), 0},
    {"net_declare", call_net_declare, PARAMS, 0, 0},
    {"activate, prelu", call_activate, 1, BIT(ROWS) | BIT(X), 0},
    {"activate, identity", call_identity, 1, BIT(ROWS), 0},
    {"objective of classes", call_classes, 1, BIT(ROWS) | BIT(INDEX), 0},
    {"objective of a callback", call_callback, 1, BIT(TARGET) | BIT(SQUARE), 0},
    {"objective of a formula", call_formula, 1, BIT(TARGET) | BIT(SQUARE), 0},
    {"objective_predict", call_predict, 1, BIT(ROWS), 0},
    {"loss_rows", call_loss_rows, 1, BIT(ROWS) | BIT(INDEX), 0},
    {"loss_output", call_loss_output, 1, BIT(ROWS), 0},
    {"add", call_add, 1, BIT(X) | BIT(V), 0},
    {"where", call_where, 1, BIT(SEED) | BIT(X) | BIT(V), 0},
    {"matmul", call_matmul, 1, BIT(ROWS), 0},
    {"matmul of two", call_matmul_two, 1, BIT(TARGET) | BIT(ROWS), 0},
    {"dot", call_dot, 1, BIT(X) | BIT(V), 0},
    {"outer", call_outer, 1, BIT(X) | BIT(V), 0},
    {"solve", call_solve, 1, BIT(MATRIX) | BIT(X), 0},
    {"inverse", call_inverse, 1, BIT(MATRIX), 0},
    {"logdet_spd", call_logdet_spd, 1, BIT(MATRIX), 0},
    {"gather", call_gather, 1, BIT(ROWS) | BIT(INDEX), 0},
    {"scatter_add", call_scatter_add, 1, BIT(ROWS) | BIT(INDEX), 0},
    {"softmax_cross_entropy", call_cross_entropy, 1, BIT(ROWS) | BIT(INDEX), 0},
    {"assign", call_assign, 1, BIT(X) | BIT(V), 0},
    {"concat", call_concat, 1, BIT(X) | BIT(V) | BIT(SEED), 0},
    {"stack", call_stack, 1, BIT(X) | BIT(V) | BIT(SEED), 0},
    {"one_hot", call_one_hot, 1, BIT(INDEX), 0},
    {"uniform", call_uniform, 1, BIT(STEP), 0},
    {"softmax", call_softmax, 1, BIT(ROWS), 0},
    {"reduce_max", call_reduce_max, 1, BIT(ROWS), 0},
    {"reduce_min", call_reduce_min, 1, BIT(ROWS), 0},
    {"prod", call_prod, 1, BIT(ROWS), 0},
    {"pad", call_pad, 1, BIT(X), 0},
    {"clip", call_clip, 1, BIT(X), 0},
    {"polygamma", call_polygamma, 1, BIT(X), 0},
    {"diag_part", call_diag_part, 1, BIT(MATRIX), 0},
    {"norm", call_norm, 1, BIT(ROWS), 0},
    {"mean", call_mean, 1, BIT(ROWS), 0},
    {"log_softmax", call_log_softmax, 1, BIT(ROWS), 0},
    {"tril", call_tril, 1, BIT(MATRIX), 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, RESULTS = 16 };

/* ---- what must hold ---- */
static void poison(bp_var *out) {
  for (int i = 0; i < RESULTS; i++) out[i] = (bp_var){(bp_graph *)1, 0xffffffff};
}

static bool poisoned(bp_var v) { return v.graph == (bp_graph *)1 || v.id == 0xffffffff; }

/* Nothing crashes on a null variable, and nothing hides the error: message, of graph g. */
static void go_on_building(bp_context *ctx, bp_graph *g, bp_var dead, bp_var x, const char *message) {
  char text[64];
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
  assert_int_equal(bp_grad(next, &dead, 1, &derivative), BP_E_GRAPH);
  assert_true(derivative.graph == g && derivative.id == 0);
  next = bp_scalar(g, BP_F64, 1);
  assert_true(next.id == 0);
  bt_assert_fails(ctx, BP_E_GRAPH, bp_eval(&next, 1, NULL, 0, 0, NULL, &value));
  assert_string_equal(bp_error_message(ctx), message);
  bp_program *program = NULL;
  char *printed = NULL;
  bt_assert_fails(ctx, BP_E_GRAPH, bp_compile(&dead, 1, NULL, 0, NULL, &program));
  bt_assert_fails(ctx, BP_E_GRAPH, bp_graph_print(&dead, 1, &printed));
  bt_assert_fails(ctx, BP_E_GRAPH, bp_backward(dead, &dead, 1, &value));
  bt_assert_fails(ctx, BP_E_GRAPH, bp_gradcheck(&dead, 1, &dead, 1, NULL, 0, 0, NULL, NULL, NULL));
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
