/* net_apply.c - a network as a graph: a function per kind of layer, in use and in training. Floor: net. */
#include "graph/node.h"
#include "net/net_core.h"

/* One application under way. */
typedef struct application {
  const bp_net *net;
  const bp_net_training *training; /* NULL: in use */
  bp_var input;
  bp_var *outputs; /* in use only, by layer: those of all members side by side; NULL: not wanted */
  bp_var *states;  /* NULL: not wanted */
  int member, layer;
  bp_var own[BP_LAYERS_LIMIT]; /* by layer: the outputs of the member at work, for layers that look back */
} application;

/* What a layer sees: its input, its own arrays, and where the next values of its states go. */
typedef struct place {
  const net_layer *l;
  const bp_var *params;
  bp_var *states;
} place;

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

/* The slope of prelu is the last array of its layer. */
static bp_var activated(const place *p, bp_var a) {
  const net_layer *l = p->l;
  if (l->activation.kind != BP_PRELU) return bp_activate(l->activation, a, (bp_var){a.graph, 0});
  return bp_activate(l->activation, a, p->params[l->n_params - 1]);
}

static bp_var apply_dense(const application *app, const place *p, bp_var x) {
  (void)app;
  bp_var a = bp_matmul(x, p->params[0]); /* [rows, k·units] */
  return activated(p, p->l->no_bias ? a : bp_add(a, p->params[1]));
}

/* ---- normalisation ---- */

/* (x - μ) / sqrt(v + ε) · γ + β */
static bp_var normalised(const place *p, bp_var centred, bp_var variance) {
  bp_var scale = bp_rsqrt(bp_add(variance, number(variance, p->l->epsilon)));
  return activated(p, bp_add(bp_mul(bp_mul(centred, scale), p->params[0]), p->params[1]));
}

/* What a batch of n rows counts in a running statistic, F64: m·(n - less) / (full - less), where `less` is what n - less degrees
 * of freedom lack: 0 for a mean, 1 for a variance. A full batch counts m itself. */
static bp_var share(const application *app, const place *p, bp_var n, int64_t less) {
  bp_var freedom = bp_sub(n, number(n, (double)less));
  int64_t full = app->training->batch - less;
  bp_var part = full > 0 ? bp_div(freedom, number(n, (double)full)) : bp_min(freedom, number(n, 1));
  return bp_min(bp_mul(part, number(n, p->l->momentum)), number(n, 1));
}

/* r ← (1 - w) r + w·value */
static bp_var moved(bp_var running, bp_var value, bp_var w) {
  bp_dtype dtype = bp_var_dtype(running);
  bp_var rest = bp_cast(bp_sub(number(w, 1), w), dtype);
  return bp_add(bp_mul(running, rest), bp_mul(value, bp_cast(w, dtype)));
}

static bp_var apply_batch_norm(const application *app, const place *p, bp_var x) {
  bp_var mean = p->params[2], variance = p->params[3];
  if (app->training == NULL) return normalised(p, bp_sub(x, mean), variance);
  bp_var batch_mean = bp_mean(x, BP_AXIS(0)), centred = bp_sub(x, batch_mean);
  bp_var batch_variance = bp_mean(bp_square(centred), BP_AXIS(0));
  if (p->states != NULL) { /* the unbiased variance, n / (n - 1) of it; one row has none, and counts nothing */
    bp_var n = bp_axis_size(x, BP_AXIS(0)), less = bp_max(bp_sub(n, number(n, 1)), number(n, 1));
    bp_var rows = bp_cast(n, BP_F64);
    p->states[2] = moved(mean, batch_mean, share(app, p, rows, 0));
    p->states[3] = moved(variance, bp_mul(batch_variance, bp_div(n, less)), share(app, p, rows, 1));
  }
  return normalised(p, centred, batch_variance);
}

static bp_var apply_layer_norm(const application *app, const place *p, bp_var x) {
  (void)app;
  bp_var centred = bp_sub(x, bp_expand(bp_mean(x, BP_AXIS(1)), -1));
  return normalised(p, centred, bp_expand(bp_mean(bp_square(centred), BP_AXIS(1)), -1));
}

/* ---- dropout, skip, embedding ---- */

/* Kept where a uniform number is at least the rate; what is dropped is 0 even where x is not finite. */
static bp_var apply_dropout(const application *app, const place *p, bp_var x) {
  const bp_net_training *t = app->training;
  if (t == NULL || p->l->rate == 0) return x;
  int64_t dims[2] = {bp_var_dim(x, 0), p->l->inputs};
  uint32_t stream = (uint32_t)(app->member * BP_LAYERS_LIMIT + app->layer);
  bp_var u = bp_uniform(t->step, t->seed, stream, bp_var_dtype(x), 2, dims);
  bp_var kept = bp_greater_equal(u, number(x, p->l->rate));
  return bp_where(kept, bp_mul(x, number(x, 1 / (1 - p->l->rate))), number(x, 0));
}

static bp_var apply_skip(const application *app, const place *p, bp_var x) {
  bp_var s = p->l->from < 0 ? app->input : app->own[p->l->from];
  if (p->l->from_width != p->l->inputs) s = bp_matmul(s, p->params[0]);
  return activated(p, bp_add(x, s));
}

/* Columns side by side. */
bp_var joined(const join *j) { return j->n == 1 ? j->parts[0] : bp_concat(j->parts, j->n, 1); }

void join_add(join *j, bp_var part) {
  if (j->n == JOIN_PARTS) j->parts[0] = joined(j), j->n = 1;
  j->parts[j->n++] = part;
}

/* The columns between blocks as they are, and each block times its table. */
static bp_var apply_embedding(const application *app, const place *p, bp_var x) {
  const net_layer *l = p->l;
  join j = {.n = 0};
  int64_t at = 0;
  (void)app;
  for (size_t i = 0; i < l->n_blocks; i++) {
    const bp_embedding_block *b = &l->blocks[i];
    if (b->first > at) join_add(&j, bp_slice(x, 1, at, b->first, 1));
    at = b->first + b->count;
    join_add(&j, bp_matmul(bp_slice(x, 1, b->first, at, 1), p->params[i]));
  }
  if (l->inputs > at) join_add(&j, bp_slice(x, 1, at, l->inputs, 1));
  return joined(&j);
}

static bp_var apply_piecewise(const application *app, const place *p, bp_var x) {
  (void)app;
  return piecewise_apply(p->l, x);
}

/* ---- the layers in a row ---- */
static bp_var (*const apply_table[BP_LAYER_KIND_COUNT])(const application *app, const place *p, bp_var x) = {
    [BP_LAYER_DENSE] = apply_dense,
    [BP_LAYER_BATCH_NORM] = apply_batch_norm,
    [BP_LAYER_LAYER_NORM] = apply_layer_norm,
    [BP_LAYER_DROPOUT] = apply_dropout,
    [BP_LAYER_SKIP] = apply_skip,
    [BP_LAYER_EMBEDDING] = apply_embedding,
    [BP_LAYER_PIECEWISE] = apply_piecewise,
};

/* Only layers that drop look at the step. */
static bool step_ok(const application *app, bp_graph *g) {
  for (size_t i = 0; i < app->net->n_layers && app->training != NULL; i++)
    if (app->net->layers[i].kind == BP_LAYER_DROPOUT && app->net->layers[i].rate > 0)
      return bp_args_in(g, "net: step", 1, &app->training->step);
  return true;
}

/* After an error every result is a null variable, those of the layers before it too. */
static bp_var no_results(const application *app, bp_graph *g, int members) {
  for (size_t i = 0; app->outputs != NULL && i < app->net->n_layers; i++) app->outputs[i] = bp_zero_of(g);
  for (int p = 0; app->states != NULL && p < members * app->net->n_params; p++) app->states[p] = bp_zero_of(g);
  return bp_zero_of(g);
}

/* The layers of a member; those before `first` learn nothing, and are the same for all members. */
static bp_var apply_layers(application *app, const bp_var *params, size_t first) {
  const bp_net *net = app->net;
  bp_var x = first > 0 ? app->own[first - 1] : app->input;
  int at = app->member * net->n_params;
  for (size_t i = first; i < net->n_layers; i++) {
    const net_layer *l = &net->layers[i];
    place p = {l, params + at + l->first_param, app->states != NULL ? app->states + at + l->first_param : NULL};
    app->layer = (int)i;
    app->own[i] = x = apply_table[l->kind](app, &p, x);
  }
  return x;
}

static bp_var side_by_side(const bp_var *z, int members) {
  return members == 1 ? z[0] : bp_concat(z, (size_t)members, 1);
}

static bp_var apply_members(application *app, const bp_var *params, int members) {
  bp_var z[BP_MEMBERS_MAX];
  size_t first = 0;
  while (first + 1 < app->net->n_layers && app->net->layers[first].kind == BP_LAYER_PIECEWISE) first++;
  for (app->member = 0; app->member < members; app->member++)
    z[app->member] = apply_layers(app, params, app->member > 0 ? first : 0);
  return side_by_side(z, members);
}

/* What the member at work has of a layer's outputs; of the inputs, layer -1, all. */
static bp_var part_of(const application *app, int layer, int members) {
  if (layer < 0) return app->input;
  if (members == 1) return app->outputs[layer];
  int64_t width = app->net->layers[layer].outputs;
  return bp_slice(app->outputs[layer], 1, app->member * width, (app->member + 1) * width, 1);
}

/* The same layer by layer, each from the outputs of the one before it that are kept: so these can be differentiated by. */
static bp_var apply_and_keep(application *app, const bp_var *params, int members) {
  const bp_net *net = app->net;
  bp_var z[BP_MEMBERS_MAX];
  for (app->layer = 0; app->layer < (int)net->n_layers; app->layer++) {
    const net_layer *l = &net->layers[app->layer];
    for (app->member = 0; app->member < members; app->member++) {
      place p = {l, params + app->member * net->n_params + l->first_param, NULL};
      if (l->kind == BP_LAYER_SKIP && l->from >= 0) app->own[l->from] = part_of(app, l->from, members);
      z[app->member] = apply_table[l->kind](app, &p, part_of(app, app->layer - 1, members));
    }
    app->outputs[app->layer] = side_by_side(z, members);
  }
  return app->outputs[net->n_layers - 1];
}

static bp_var apply(application *app, bp_var x, const bp_var *params, int members) {
  size_t n_params = (size_t)members * (size_t)app->net->n_params;
  bp_graph *g = bp_graph_of_two(&x, 1, params, n_params);
  app->input = x;
  if (g == NULL) return no_results(app, g, members);
  bp_place_forget(g);
  if (!bp_args_in(g, "net", 1, &x) || !bp_args_in(g, "net: params", n_params, params) || !step_ok(app, g))
    return no_results(app, g, members);
  bp_var z = app->net->n_layers == 0 ? x
             : app->outputs != NULL  ? apply_and_keep(app, params, members)
                                     : apply_members(app, params, members);
  return g->status == BP_OK ? z : no_results(app, g, members);
}

bp_var bp_net_apply(const bp_net *net, bp_var x, const bp_var *params) {
  return bp_net_apply_each(net, x, params, NULL);
}

bp_var bp_net_apply_member(const bp_net *net, bp_var x, const bp_var *params) {
  application app = {.net = net};
  return apply(&app, x, params, 1);
}

bp_var bp_net_apply_each(const bp_net *net, bp_var x, const bp_var *params, bp_var *outputs) {
  application app = {.net = net, .outputs = outputs};
  return apply(&app, x, params, net->members);
}

bp_var bp_net_apply_training(const bp_net *net, bp_var x, const bp_var *params, const bp_net_training *training,
                             bp_var *states) {
  application app = {.net = net, .training = training, .states = states};
  bp_graph *g = bp_graph_of_two(&x, 1, params, (size_t)bp_net_params(net));
  for (int p = 0; states != NULL && p < bp_net_params(net); p++) states[p] = bp_zero_of(g);
  if (training->size != sizeof *training)
    return bp_graph_fail(g, BP_E_ARG, "apply: training.size is %zu, expected the %zu bytes of the struct",
                         training->size, sizeof *training);
  return apply(&app, x, params, net->members);
}

/* ---- declaring ---- */
static void declare(const bp_net *net, bp_graph *graph, bp_var *params, int n) {
  for (int p = 0; p < n; p++) {
    bp_param_info info = bp_net_param(net, p);
    params[p] = bp_input(graph, info.name, net->dtype, info.rank, info.dims);
  }
}

void bp_net_declare(const bp_net *net, bp_graph *graph, bp_var *params) {
  declare(net, graph, params, bp_net_params(net));
}
void bp_net_declare_member(const bp_net *net, bp_graph *graph, bp_var *params) {
  declare(net, graph, params, net->n_params);
}
