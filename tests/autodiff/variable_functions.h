/* autodiff/variable_functions.h - every function that gives variables, as a table: called in one way, with what each needs. */
#ifndef BT_VARIABLE_FUNCTIONS_H
#define BT_VARIABLE_FUNCTIONS_H
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

#endif
