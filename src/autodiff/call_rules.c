/* call_rules.c - derivatives of branches and loops. Floor: autodiff.
 *
 * Forward mode carries tangents beside values through the same branch or loop. Reverse mode of a branch differentiates both
 * branches; of a loop, it runs the loop again with the states stacked, then a loop the other way round whose state is the
 * cotangent of the state and the sums for the constants. All of these are calls again, so any order follows.
 */
#include "autodiff/call_rules.h"

#include "autodiff/rules.h"
#include "base/fail.h"

/* ---- lists of variables while a function is being built ---- */
typedef struct list {
  bp_var *at;
  size_t n;
} list;

static void push(list *l, bp_var v) { l->at[l->n++] = v; }

static bp_var input_like(bp_graph *g, bp_var like) {
  const bp_shape *s = bp_shape_of(like);
  return bp_input(g, NULL, bp_dtype_of(like), s->rank, s->dims);
}

static bool is_real(bp_var v) { return bp_dtype_is_real(bp_dtype_of(v)); }

static bp_var or_zeros(bp_var v, bp_var like) {
  return v.id != 0 ? v : bp_full(v.graph, bp_dtype_of(like), bp_shape_of(like), 0);
}

/* Room for every list that a rule may need: at most four times all inputs and outputs of a function. */
static bool lists_init(bp_graph *g, const bp_call_info *info, list *lists, int n) {
  size_t room = 4 * (info->body.n_inputs + info->body.n_outputs + info->other.n_inputs + info->other.n_outputs +
                     info->l.n_args + info->l.n_results);
  for (int i = 0; i < n; i++) {
    lists[i] = (list){bp_vars_alloc(g, room), 0};
    if (lists[i].at == NULL) return false;
  }
  return true;
}

static bp_var arg_of(bp_var call, size_t i) {
  return (bp_var){call.graph, bp_node_args(call.graph, bp_node_of(call))[i]};
}

/* Hands an error inside a function on to the graph that it is for. */
static bp_status function_status(bp_graph *outer, const bp_graph *inner) {
  if (inner->status != BP_OK)
    (void)bp_graph_fail(outer, inner->status, "inside a branch or loop: %s", bp_graph_message(inner));
  return outer->status;
}

/* ---- branches ---- */
/* The function's tangents or cotangents: a new function of its arguments and of `seeds`. Forward: seeds are tangents of some
 * arguments, outputs those of all real results. Reverse: seeds are cotangents of some results, outputs those of all real
 * arguments. seed[i] tells which. */
static bp_status branch_derivative(bp_graph *g, const bp_function *f, const bp_var *seed, bool forward,
                                   bp_function *out) {
  enum { INPUTS, VALUES, OUTPUTS, WRT, SEEDS, DERIVATIVES, LISTS };
  bp_call_info size = {.body = *f};
  list l[LISTS];
  if (!lists_init(g, &size, l, LISTS)) return g->status;
  *out = (bp_function){.graph = bp_function_graph(g)};
  if (out->graph == NULL) return g->status;
  const bp_var *seeded = forward ? f->inputs : f->outputs;
  size_t n_seeded = forward ? f->n_inputs : f->n_outputs;
  for (size_t i = 0; i < f->n_inputs; i++) push(&l[INPUTS], input_like(out->graph, f->inputs[i]));
  bp_inline(out->graph, f, l[INPUTS].at, l[VALUES].at);
  const bp_var *from = forward ? l[INPUTS].at : l[VALUES].at, *to = forward ? l[VALUES].at : l[INPUTS].at;
  for (size_t i = 0; i < n_seeded; i++) {
    if (seed[i].id == 0) continue;
    push(&l[WRT], from[i]);
    push(&l[SEEDS], input_like(out->graph, seeded[i]));
  }
  for (size_t i = 0; i < l[SEEDS].n; i++) l[INPUTS].at[f->n_inputs + i] = l[SEEDS].at[i];
  size_t n_to = forward ? f->n_outputs : f->n_inputs;
  for (size_t i = 0; i < n_to; i++)
    if (is_real(forward ? f->outputs[i] : f->inputs[i])) push(&l[OUTPUTS], to[i]);
  BP_TRY(function_status(g, out->graph));
  bp_status status = forward ? bp_jvp(l[OUTPUTS].at, l[OUTPUTS].n, l[WRT].at, l[SEEDS].at, l[WRT].n, l[DERIVATIVES].at)
                             : bp_vjp(l[WRT].at, l[SEEDS].at, l[WRT].n, l[OUTPUTS].at, l[OUTPUTS].n, l[DERIVATIVES].at);
  if (status != BP_OK) return function_status(g, out->graph) != BP_OK ? g->status : status;
  for (size_t i = 0; i < l[OUTPUTS].n; i++) l[DERIVATIVES].at[i] = or_zeros(l[DERIVATIVES].at[i], l[OUTPUTS].at[i]);
  out->inputs = l[INPUTS].at;
  out->n_inputs = f->n_inputs + l[SEEDS].n;
  out->outputs = l[DERIVATIVES].at;
  out->n_outputs = l[OUTPUTS].n;
  return function_status(g, out->graph);
}

/* Derivatives of a branch: `seed` of the arguments behind the predicate (forward) or of the results (reverse); `derivative`
 * of the others. */
static bp_status branch_rule(bp_var call, const bp_var *seed, size_t n_seed, bool forward, const bp_var *like,
                             size_t n_like, bp_var *derivative) {
  bp_graph *g = call.graph;
  const bp_call_info *old = bp_call_info_of(bp_node_of(call));
  bp_call_info info = {.l.decision = old->l.decision};
  BP_TRY(branch_derivative(g, &old->body, seed, forward, &info.body));
  BP_TRY(branch_derivative(g, &old->other, seed, forward, &info.other));
  list l[2];
  if (!lists_init(g, old, l, 2)) return g->status;
  for (size_t i = 0; i < old->l.n_args; i++) push(&l[0], arg_of(call, i));
  for (size_t i = 0; i < n_seed; i++)
    if (seed[i].id != 0) push(&l[0], seed[i]);
  info.l.n_args = l[0].n;
  info.l.n_results = info.body.n_outputs;
  info.results = bp_arena_alloc(&g->arena, info.l.n_results, sizeof *info.results);
  if (info.results == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < info.l.n_results; i++)
    info.results[i] =
        (bp_result_type){.shape = *bp_shape_of(info.body.outputs[i]), .dtype = bp_dtype_of(info.body.outputs[i])};
  bp_call_append(g, &info, l[0].at, l[1].at);
  for (size_t i = 0, k = 0; i < n_like; i++) derivative[i] = is_real(like[i]) ? l[1].at[k++] : bp_zero_of(g);
  return g->status;
}

/* ---- loops, forward ---- */
/* The condition of a loop with wider state and constants: it looks at the first ones only. */
static bp_status widen_condition(bp_graph *g, const bp_call_info *old, const bp_function *body, bp_call_info *info) {
  enum { INPUTS, VALUES, OUTPUTS, LISTS };
  list l[LISTS];
  if (old->other.graph == NULL) return BP_OK;
  bp_call_info size = {.body = *body, .other = old->other};
  if (!lists_init(g, &size, l, LISTS)) return g->status;
  bp_function *f = &info->other;
  *f = (bp_function){.graph = bp_function_graph(g)};
  if (f->graph == NULL) return g->status;
  for (size_t i = 0; i < info->l.n_state + info->l.n_constants; i++)
    push(&l[INPUTS], input_like(f->graph, body->inputs[i]));
  for (size_t i = 0; i < old->l.n_state; i++) push(&l[VALUES], l[INPUTS].at[i]);
  for (size_t i = 0; i < old->l.n_constants; i++) push(&l[VALUES], l[INPUTS].at[info->l.n_state + i]);
  bp_inline(f->graph, &old->other, l[VALUES].at, l[OUTPUTS].at);
  f->inputs = l[INPUTS].at;
  f->n_inputs = l[INPUTS].n;
  f->outputs = l[OUTPUTS].at;
  f->n_outputs = 1;
  return function_status(g, f->graph);
}

/* Appends the inputs old[0 .. n) to a body, then one tangent input for each that carries one. */
static void push_dual(bp_graph *g, const bp_var *old, const bp_var *dot, size_t n, bool all, list *inputs, list *values,
                      list *wrt, list *seeds) {
  size_t first = values->n;
  for (size_t i = 0; i < n; i++) {
    push(inputs, input_like(g, old[i]));
    push(values, inputs->at[inputs->n - 1]);
  }
  for (size_t i = 0; i < n; i++) {
    if (!is_real(old[i]) || (!all && dot[i].id == 0)) continue;
    push(inputs, input_like(g, old[i]));
    push(wrt, values->at[first + i]);
    push(seeds, inputs->at[inputs->n - 1]);
  }
}

static void push_dual_args(bp_var call, size_t first, size_t n, const bp_var *dot, bool all, list *args) {
  for (size_t i = first; i < first + n; i++) push(args, arg_of(call, i));
  for (size_t i = first; i < first + n; i++) {
    bp_var a = arg_of(call, i);
    if (is_real(a) && (all || dot[i].id != 0)) push(args, or_zeros(dot[i], a));
  }
}

static bp_status loop_jvp_body(bp_graph *g, const bp_call_info *old, const bp_var *dot, bp_call_info *info) {
  enum { INPUTS, VALUES, WRT, SEEDS, NEXT, DOTS, OUTPUTS, LISTS };
  list l[LISTS];
  if (!lists_init(g, old, l, LISTS)) return g->status;
  bp_function *f = &info->body;
  *f = (bp_function){.graph = bp_function_graph(g)};
  if (f->graph == NULL) return g->status;
  const bp_var *in = old->body.inputs;
  push_dual(f->graph, in, dot, old->l.n_state, true, &l[INPUTS], &l[VALUES], &l[WRT], &l[SEEDS]);
  info->l.n_state = l[INPUTS].n;
  in += old->l.n_state, dot += old->l.n_state;
  push_dual(f->graph, in, dot, old->l.n_constants, false, &l[INPUTS], &l[VALUES], &l[WRT], &l[SEEDS]);
  info->l.n_constants = l[INPUTS].n - info->l.n_state;
  in += old->l.n_constants, dot += old->l.n_constants;
  push_dual(f->graph, in, dot, old->l.n_x, false, &l[INPUTS], &l[VALUES], &l[WRT], &l[SEEDS]);
  info->l.n_x = l[INPUTS].n - info->l.n_state - info->l.n_constants;
  bp_inline(f->graph, &old->body, l[VALUES].at, l[NEXT].at);
  BP_TRY(function_status(g, f->graph));
  BP_TRY(bp_jvp(l[NEXT].at, old->body.n_outputs, l[WRT].at, l[SEEDS].at, l[WRT].n, l[DOTS].at));
  for (int part = 0; part < 2; part++) { /* states, then y */
    size_t begin = part == 0 ? 0 : old->l.n_state, end = part == 0 ? old->l.n_state : old->body.n_outputs;
    for (size_t i = begin; i < end; i++) push(&l[OUTPUTS], l[NEXT].at[i]);
    for (size_t i = begin; i < end; i++)
      if (is_real(l[NEXT].at[i])) push(&l[OUTPUTS], or_zeros(l[DOTS].at[i], l[NEXT].at[i]));
  }
  f->inputs = l[INPUTS].at;
  f->n_inputs = l[INPUTS].n;
  f->outputs = l[OUTPUTS].at;
  f->n_outputs = l[OUTPUTS].n;
  info->l.n_y = f->n_outputs - info->l.n_state;
  return function_status(g, f->graph);
}

static bp_status loop_jvp(bp_var call, const bp_var *arg_dot, bp_var *result_dot) {
  bp_graph *g = call.graph;
  const bp_call_info *old = bp_call_info_of(bp_node_of(call));
  bp_call_info info = {.l = {.length = old->l.length, .reverse = old->l.reverse, .counted = old->l.counted}};
  list l[2];
  BP_TRY(loop_jvp_body(g, old, arg_dot, &info));
  BP_TRY(widen_condition(g, old, &info.body, &info));
  if (!bp_loop_complete(g, &info) || !lists_init(g, &info, l, 2)) return g->status;
  size_t constants = old->l.n_state, x = constants + old->l.n_constants;
  push_dual_args(call, 0, old->l.n_state, arg_dot, true, &l[0]);
  push_dual_args(call, constants, old->l.n_constants, arg_dot, false, &l[0]);
  push_dual_args(call, x, old->l.n_x, arg_dot, false, &l[0]);
  if (old->l.counted) push(&l[0], arg_of(call, old->l.n_args - 1));
  bp_call_append(g, &info, l[0].at, l[1].at);
  size_t state_dot = old->l.n_state, y_dot = info.l.n_state + old->l.n_y;
  for (size_t i = 0; i < old->l.n_results; i++) {
    bool real = i + 1 < old->l.n_results && bp_dtype_is_real(old->results[i].dtype);
    result_dot[i] = !real ? bp_zero_of(g) : i < old->l.n_state ? l[1].at[state_dot++] : l[1].at[y_dot++];
  }
  return g->status;
}

/* ---- loops, reverse ---- */
/* The loop again, with the state at the start of each iteration stacked behind its outputs. recorded[n_results + n_state]. */
static bp_status record_loop(bp_var call, bp_var *recorded) {
  enum { INPUTS, OUTPUTS, ARGS, LISTS };
  bp_graph *g = call.graph;
  const bp_call_info *old = bp_call_info_of(bp_node_of(call));
  bp_call_info info = *old;
  list l[LISTS];
  if (!lists_init(g, old, l, LISTS)) return g->status;
  bp_function *f = &info.body;
  *f = (bp_function){.graph = bp_function_graph(g)};
  if (f->graph == NULL) return g->status;
  for (size_t i = 0; i < old->body.n_inputs; i++) push(&l[INPUTS], input_like(f->graph, old->body.inputs[i]));
  bp_inline(f->graph, &old->body, l[INPUTS].at, l[OUTPUTS].at);
  l[OUTPUTS].n = old->body.n_outputs;
  for (size_t i = 0; i < old->l.n_state; i++) push(&l[OUTPUTS], l[INPUTS].at[i]);
  *f = (bp_function){f->graph, l[INPUTS].at, l[OUTPUTS].at, l[INPUTS].n, l[OUTPUTS].n};
  info.l.n_y = old->l.n_y + old->l.n_state;
  for (size_t i = 0; i < old->l.n_args; i++) push(&l[ARGS], arg_of(call, i));
  BP_TRY(function_status(g, f->graph));
  if (!bp_loop_complete(g, &info)) return g->status;
  bp_call_append(g, &info, l[ARGS].at, recorded);
  return g->status;
}

/* One iteration backwards. State: cotangents of the real states, sums for the real constants. Constants: all of the old ones. x: the
 * state at the start, the old x, the cotangents of the y that have one. y: cotangents of the real x. */
static bp_status loop_vjp_body(bp_graph *g, const bp_call_info *old, const bp_var *y_bar, bp_call_info *info) {
  enum { STATE, CONSTANTS, SLICES, VALUES, NEXT, Y, SEEDS, WRT, PARTS, OUTPUTS, INPUTS, LISTS };
  list l[LISTS];
  if (!lists_init(g, old, l, LISTS)) return g->status;
  bp_function *f = &info->body;
  *f = (bp_function){.graph = bp_function_graph(g)};
  if (f->graph == NULL) return g->status;
  const bp_var *s = old->body.inputs, *c = s + old->l.n_state, *x = c + old->l.n_constants;
  for (size_t i = 0; i < old->l.n_state + old->l.n_constants; i++)
    if (is_real(s[i])) push(&l[STATE], input_like(f->graph, s[i]));
  for (size_t i = 0; i < old->l.n_constants; i++) push(&l[CONSTANTS], input_like(f->graph, c[i]));
  for (size_t i = 0; i < old->l.n_state; i++) push(&l[SLICES], input_like(f->graph, s[i]));
  for (size_t i = 0; i < old->l.n_x; i++) push(&l[SLICES], input_like(f->graph, x[i]));
  for (size_t i = 0; i < old->l.n_state; i++) push(&l[VALUES], l[SLICES].at[i]);
  for (size_t i = 0; i < old->l.n_constants; i++) push(&l[VALUES], l[CONSTANTS].at[i]);
  for (size_t i = 0; i < old->l.n_x; i++) push(&l[VALUES], l[SLICES].at[old->l.n_state + i]);
  bp_inline(f->graph, &old->body, l[VALUES].at, l[NEXT].at);
  BP_TRY(function_status(g, f->graph));
  for (size_t i = 0, k = 0; i < old->body.n_outputs; i++) {
    bool state = i < old->l.n_state;
    if (!is_real(l[NEXT].at[i]) || (!state && y_bar[i - old->l.n_state].id == 0)) continue;
    bp_var seed = state ? l[STATE].at[k++] : input_like(f->graph, l[NEXT].at[i]);
    if (!state) push(&l[SLICES], seed);
    push(&l[Y], l[NEXT].at[i]);
    push(&l[SEEDS], seed);
  }
  for (size_t i = 0; i < old->body.n_inputs; i++)
    if (is_real(l[VALUES].at[i])) push(&l[WRT], l[VALUES].at[i]);
  BP_TRY(bp_vjp(l[Y].at, l[SEEDS].at, l[Y].n, l[WRT].at, l[WRT].n, l[PARTS].at));
  for (size_t i = 0, k = 0; i < old->body.n_inputs; i++) {
    if (!is_real(l[VALUES].at[i])) continue;
    bool constant = i >= old->l.n_state && i < old->l.n_state + old->l.n_constants;
    bp_var part = constant ? bp_plus(l[STATE].at[k], l[PARTS].at[k]) : or_zeros(l[PARTS].at[k], l[VALUES].at[i]);
    push(&l[OUTPUTS], part);
    k++;
  }
  for (int part = STATE; part <= SLICES; part++)
    for (size_t i = 0; i < l[part].n; i++) push(&l[INPUTS], l[part].at[i]);
  *f = (bp_function){f->graph, l[INPUTS].at, l[OUTPUTS].at, l[INPUTS].n, l[OUTPUTS].n};
  info->l.n_state = l[STATE].n;
  info->l.n_constants = l[CONSTANTS].n;
  info->l.n_x = l[SLICES].n;
  info->l.n_y = l[OUTPUTS].n - l[STATE].n;
  return function_status(g, f->graph);
}

static void loop_vjp_args(bp_var call, const bp_var *result_bar, const bp_var *recorded, list *args) {
  const bp_call_info *old = bp_call_info_of(bp_node_of(call));
  size_t constants = old->l.n_state, x = constants + old->l.n_constants, stacks = old->l.n_state + old->l.n_y;
  for (size_t i = 0; i < x; i++) {
    bp_var a = arg_of(call, i);
    if (is_real(a)) push(args, or_zeros(i < constants ? result_bar[i] : bp_zero_of(call.graph), a));
  }
  for (size_t i = constants; i < x; i++) push(args, arg_of(call, i));
  for (size_t i = 0; i < old->l.n_state; i++) push(args, recorded[stacks + i]);
  for (size_t i = x; i < x + old->l.n_x; i++) push(args, arg_of(call, i));
  for (size_t i = 0; i < old->l.n_y; i++) {
    bp_var bar = result_bar[old->l.n_state + i];
    if (bar.id != 0) push(args, bar);
  }
  push(args, recorded[stacks + old->l.n_state]); /* the number of trips */
}

static bp_status loop_vjp(bp_var call, const bp_var *result_bar, bp_var *arg_bar) {
  bp_graph *g = call.graph;
  const bp_call_info *old = bp_call_info_of(bp_node_of(call));
  bp_call_info info = {.l = {.length = old->l.length, .reverse = !old->l.reverse, .counted = true}};
  list recorded, l[2];
  if (!lists_init(g, old, &recorded, 1)) return g->status;
  BP_TRY(record_loop(call, recorded.at));
  BP_TRY(loop_vjp_body(g, old, result_bar + old->l.n_state, &info));
  if (!bp_loop_complete(g, &info) || !lists_init(g, &info, l, 2)) return g->status;
  loop_vjp_args(call, result_bar, recorded.at, &l[0]);
  bp_call_append(g, &info, l[0].at, l[1].at);
  size_t k = 0;
  for (size_t i = 0; i < old->l.n_args; i++) {
    bool carried = i + (old->l.counted ? 1 : 0) < old->l.n_args && is_real(arg_of(call, i));
    arg_bar[i] = carried ? l[1].at[k++] : bp_zero_of(g);
  }
  return g->status;
}

/* ---- both ---- */
static bool all_zero(const bp_var *v, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (v[i].id != 0) return false;
  return true;
}

bp_status bp_call_jvp(bp_var call, const bp_var *arg_dot, bp_var *result_dot) {
  const bp_call_info *info = bp_call_info_of(bp_node_of(call));
  for (size_t i = 0; i < info->l.n_results; i++) result_dot[i] = bp_zero_of(call.graph);
  if (all_zero(arg_dot, info->l.n_args)) return BP_OK;
  if (info->l.is_loop) return loop_jvp(call, arg_dot, result_dot);
  return branch_rule(call, arg_dot + 1, info->l.n_args - 1, true, info->body.outputs, info->l.n_results, result_dot);
}

bp_status bp_call_vjp(bp_var call, const bp_var *result_bar, bp_var *arg_bar) {
  const bp_call_info *info = bp_call_info_of(bp_node_of(call));
  for (size_t i = 0; i < info->l.n_args; i++) arg_bar[i] = bp_zero_of(call.graph);
  if (all_zero(result_bar, info->l.n_results)) return BP_OK;
  if (info->l.is_loop) return loop_vjp(call, result_bar, arg_bar);
  return branch_rule(call, result_bar, info->l.n_results, false, info->body.inputs, info->l.n_args - 1, arg_bar + 1);
}
