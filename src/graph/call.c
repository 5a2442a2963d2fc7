/* call.c - building branches and loops, and copying a function into a graph. Floor: graph. */
#include "graph/call.h"

#include <inttypes.h>
#include <string.h>

#include "backprop/control.h"
#include "base/fail.h"

bp_graph *bp_function_graph(bp_graph *outer) {
  bp_graph *g;
  if (outer->status != BP_OK) return NULL;
  if (bp_graph_new(outer->ctx, &g) != BP_OK) {
    (void)bp_graph_fail(outer, BP_E_NOMEM, "out of memory for the graph of a branch or loop");
    return NULL;
  }
  g->next_owned = outer->owned;
  outer->owned = g;
  return g;
}

bp_var *bp_vars_alloc(bp_graph *graph, size_t n) {
  bp_var *v = bp_arena_alloc(&graph->arena, n, sizeof *v);
  if (v == NULL) (void)bp_graph_fail(graph, BP_E_NOMEM, "out of memory for %zu variables", n);
  return v;
}

static void no_results(bp_graph *graph, bp_var *results, size_t n) {
  for (size_t i = 0; i < n; i++) results[i] = bp_zero_of(graph);
}

/* ---- appending ---- */
static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t bytes_of(bp_var v) {
  return (size_t)bp_shape_elements(bp_shape_of(v), 0) * bp_dtype_size(bp_dtype_of(v));
}

/* Sizes and places of everything that goes in and out. */
static bool lay_out(bp_graph *graph, bp_call_info *info) {
  bp_call_layout *l = &info->l;
  l->n_in = info->body.n_inputs;
  l->n_out = info->body.n_outputs;
  l->has_condition = l->is_loop && info->other.graph != NULL;
  if (l->has_condition) l->decision = bp_dtype_of(info->other.outputs[0]);
  l->in_bytes = bp_arena_alloc(&graph->arena, l->n_in + l->n_out + l->n_results, sizeof *l->in_bytes);
  if (l->in_bytes == NULL) {
    (void)bp_graph_fail(graph, BP_E_NOMEM, "out of memory for a branch or loop");
    return false;
  }
  l->out_bytes = l->in_bytes + l->n_in;
  l->offset = l->out_bytes + l->n_out;
  for (size_t i = 0; i < l->n_in; i++) l->in_bytes[i] = bytes_of(info->body.inputs[i]);
  for (size_t i = 0; i < l->n_out; i++) l->out_bytes[i] = bytes_of(info->body.outputs[i]);
  return true;
}

static bool place_results(bp_graph *graph, bp_call_info *info) {
  if (!lay_out(graph, info)) return false;
  for (size_t i = 0; i < info->l.n_results; i++) {
    bp_result_type *r = &info->results[i];
    if (bp_shape_has_batch(&r->shape) || !bp_shape_valid(&r->shape)) {
      char text[BP_SHAPE_TEXT];
      (void)bp_graph_fail(graph, BP_E_SHAPE, "%s: result %zu is %s; shapes inside must be fixed",
                          info->l.is_loop ? "loop" : "cond", i, bp_shape_text(&r->shape, text, sizeof text));
      return false;
    }
    info->l.offset[i] = info->l.bytes;
    info->l.bytes += padded((size_t)bp_shape_elements(&r->shape, 0) * bp_dtype_size(r->dtype));
  }
  return true;
}

void bp_call_append(bp_graph *graph, bp_call_info *info, const bp_var *args, bp_var *results) {
  if (graph->status != BP_OK || !place_results(graph, info)) {
    no_results(graph, results, info->l.n_results);
    return;
  }
  bp_call_info *copy = bp_arena_alloc(&graph->arena, 1, sizeof *copy);
  if (copy == NULL) {
    (void)bp_graph_fail(graph, BP_E_NOMEM, "out of memory for a branch or loop");
    no_results(graph, results, info->l.n_results);
    return;
  }
  *copy = *info;
  bp_shape block = {.rank = 2, .dims = {1, (int64_t)info->l.bytes}}; /* one row: it is computed as a whole */
  bp_var call = bp_node_append_nary(graph, (bp_node){.op = BP_OP_call, .dtype = BP_U8, .attr.data = copy}, &block, args,
                                    info->l.n_args);
  for (size_t i = 0; i < info->l.n_results; i++)
    results[i] = bp_node_append(graph,
                                (bp_node){.op = BP_OP_result,
                                          .dtype = (uint8_t)info->results[i].dtype,
                                          .arg = {call.id},
                                          .attr.bits = info->l.offset[i]},
                                &info->results[i].shape);
}

/* ---- building functions ---- */
static bp_var input_like(bp_graph *g, bp_var like, bool slice) {
  const bp_shape *s = bp_shape_of(like);
  return bp_input(g, bp_var_name(like), bp_dtype_of(like), s->rank - slice, s->dims + slice);
}

/* Hands the first error of a function's graph on to the graph that it is for. */
static bool function_ok(bp_graph *outer, const char *what, const bp_function *f) {
  if (f->graph->status != BP_OK) {
    (void)bp_graph_fail(outer, f->graph->status, "%s: %s", what, bp_graph_message(f->graph));
    return false;
  }
  for (size_t i = 0; i < f->n_outputs; i++)
    if (f->outputs[i].graph != f->graph || f->outputs[i].id == 0 || f->outputs[i].id >= f->graph->size) {
      (void)bp_graph_fail(outer, BP_E_ARG,
                          "%s: result %zu was not set to a variable of the graph that the callback was given", what, i);
      return false;
    }
  return true;
}

static bool function_init(bp_graph *outer, bp_function *f, size_t n_inputs, size_t n_outputs) {
  *f = (bp_function){.graph = bp_function_graph(outer), .n_inputs = n_inputs, .n_outputs = n_outputs};
  if (f->graph == NULL) return false;
  f->inputs = bp_vars_alloc(outer, n_inputs);
  f->outputs = bp_vars_alloc(outer, n_outputs);
  return f->inputs != NULL && f->outputs != NULL;
}

static bool same_type(bp_graph *outer, const char *what, size_t i, bp_var got, bp_var expected) {
  if (bp_dtype_of(got) == bp_dtype_of(expected) && bp_shape_equal(bp_shape_of(got), bp_shape_of(expected))) return true;
  char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
  (void)bp_graph_fail(outer, BP_E_SHAPE, "%s %zu is %s%s, expected %s%s", what, i, bp_dtype_name(bp_dtype_of(got)),
                      bp_shape_text(bp_shape_of(got), a, sizeof a), bp_dtype_name(bp_dtype_of(expected)),
                      bp_shape_text(bp_shape_of(expected), b, sizeof b));
  return false;
}

static bool result_types(bp_graph *outer, bp_call_info *info) {
  info->results = bp_arena_alloc(&outer->arena, info->l.n_results, sizeof *info->results);
  if (info->results != NULL) return true;
  (void)bp_graph_fail(outer, BP_E_NOMEM, "out of memory for a branch or loop");
  return false;
}

static bool fixed_args(bp_graph *outer, const char *what, const bp_var *args, size_t n) {
  if (!bp_args_in(outer, what, n, args)) return false;
  for (size_t i = 0; i < n; i++)
    if (bp_shape_has_batch(bp_shape_of(args[i]))) {
      (void)bp_graph_fail(outer, BP_E_SHAPE, "%s: argument %zu has a batch; shapes inside must be fixed", what, i + 1);
      return false;
    }
  return true;
}

/* ---- branches ---- */
static bool build_branch(bp_graph *outer, bp_function *f, const bp_var *args, size_t n_args, bp_branch_fn branch,
                         void *user, size_t n_results) {
  if (!function_init(outer, f, n_args, n_results)) return false;
  for (size_t i = 0; i < n_args; i++) f->inputs[i] = input_like(f->graph, args[i], false);
  branch(user, f->graph, f->inputs, f->outputs);
  return function_ok(outer, "cond", f);
}

static bool predicate_ok(bp_graph *g, bp_var predicate) {
  if (!fixed_args(g, "cond: predicate", &predicate, 1) || predicate.graph == NULL) return false;
  if (bp_shape_of(predicate)->rank == 0 && bp_dtype_is_real(bp_dtype_of(predicate))) return true;
  char text[BP_SHAPE_TEXT];
  (void)bp_graph_fail(g, BP_E_SHAPE, "cond: the predicate is %s%s, expected a real scalar",
                      bp_dtype_name(bp_dtype_of(predicate)), bp_shape_text(bp_shape_of(predicate), text, sizeof text));
  return false;
}

/* False when an error was recorded. The results are set last: their array may be that of the arguments. */
static bool append_branches(bp_graph *g, bp_var predicate, const bp_var *args, bp_call_info *info, bp_var *results) {
  if (!result_types(g, info)) return false;
  for (size_t i = 0; i < info->l.n_results; i++) {
    if (!same_type(g, "cond: else result", i, info->other.outputs[i], info->body.outputs[i])) return false;
    info->results[i] =
        (bp_result_type){.shape = *bp_shape_of(info->body.outputs[i]), .dtype = bp_dtype_of(info->body.outputs[i])};
  }
  bp_var *all = bp_vars_alloc(g, info->l.n_args);
  if (all == NULL) return false;
  all[0] = predicate;
  info->l.decision = bp_dtype_of(predicate);
  if (info->l.n_args > 1) memcpy(all + 1, args, (info->l.n_args - 1) * sizeof *args);
  bp_call_append(g, info, all, results);
  return g->status == BP_OK;
}

void bp_cond(bp_var predicate, const bp_var *args, size_t n_args, bp_branch_fn then_branch, bp_branch_fn else_branch,
             void *user, size_t n_results, bp_var *results) {
  bp_graph *g = predicate.graph != NULL ? predicate.graph : bp_graph_of(args, n_args);
  bp_call_info info = {.l = {.n_args = n_args + 1, .n_results = n_results}};
  if (!predicate_ok(g, predicate) || !fixed_args(g, "cond", args, n_args) ||
      !build_branch(g, &info.body, args, n_args, then_branch, user, n_results) ||
      !build_branch(g, &info.other, args, n_args, else_branch, user, n_results) ||
      !append_branches(g, predicate, args, &info, results))
    no_results(g, results, n_results);
}

/* ---- loops ---- */
static bool build_step(bp_graph *outer, bp_call_info *info, const bp_loop_args *a, bp_step_fn step, void *user) {
  bp_function *f = &info->body;
  if (!function_init(outer, f, a->n_state + a->n_constants + a->n_x, a->n_state + a->n_y)) return false;
  bp_var *in = f->inputs;
  for (size_t i = 0; i < a->n_state; i++) *in++ = input_like(f->graph, a->init[i], false);
  for (size_t i = 0; i < a->n_constants; i++) *in++ = input_like(f->graph, a->constants[i], false);
  for (size_t i = 0; i < a->n_x; i++) *in++ = input_like(f->graph, a->x[i], true);
  step(user, f->graph, f->inputs, f->inputs + a->n_state, f->inputs + a->n_state + a->n_constants, f->outputs,
       f->outputs + a->n_state);
  if (!function_ok(outer, "loop", f)) return false;
  for (size_t i = 0; i < a->n_state; i++)
    if (!same_type(outer, "loop: next state", i, f->outputs[i], a->init[i])) return false;
  return true;
}

static bool build_condition(bp_graph *outer, bp_call_info *info, const bp_loop_args *a, bp_while_fn condition,
                            void *user) {
  bp_function *f = &info->other;
  if (!function_init(outer, f, a->n_state + a->n_constants, 1)) return false;
  for (size_t i = 0; i < a->n_state; i++) f->inputs[i] = input_like(f->graph, a->init[i], false);
  for (size_t i = 0; i < a->n_constants; i++) f->inputs[a->n_state + i] = input_like(f->graph, a->constants[i], false);
  f->outputs[0] = condition(user, f->graph, f->inputs, f->inputs + a->n_state);
  if (!function_ok(outer, "while: condition", f)) return false;
  if (bp_shape_of(f->outputs[0])->rank == 0 && bp_dtype_is_real(bp_dtype_of(f->outputs[0]))) return true;
  char text[BP_SHAPE_TEXT];
  (void)bp_graph_fail(outer, BP_E_SHAPE, "while: the condition is %s, expected a scalar",
                      bp_shape_text(bp_shape_of(f->outputs[0]), text, sizeof text));
  return false;
}

/* Types of the results of a loop: state, y with a leading axis of `length`, trips. */
static void loop_result_types(bp_call_info *info) {
  for (size_t i = 0; i < info->l.n_state + info->l.n_y; i++) {
    bp_var out = info->body.outputs[i];
    bp_shape s = *bp_shape_of(out);
    if (i >= info->l.n_state) {
      for (int k = s.rank; k > 0; k--) s.dims[k] = s.dims[k - 1];
      s.dims[0] = info->l.length;
      s.rank++;
    }
    info->results[i] = (bp_result_type){.shape = s, .dtype = bp_dtype_of(out)};
  }
  info->results[info->l.n_state + info->l.n_y] = (bp_result_type){.shape = {.rank = 0}, .dtype = BP_F64};
}

bool bp_loop_complete(bp_graph *graph, bp_call_info *info) {
  info->l.is_loop = true;
  info->l.n_args = info->l.n_state + info->l.n_constants + info->l.n_x + (info->l.counted ? 1 : 0);
  info->l.n_results = info->l.n_state + info->l.n_y + 1;
  for (size_t i = info->l.n_state; i < info->l.n_state + info->l.n_y; i++)
    if (bp_shape_of(info->body.outputs[i])->rank == BP_MAX_RANK) {
      (void)bp_graph_fail(graph, BP_E_SHAPE, "loop: output %zu has %d axes; stacking needs one more",
                          i - info->l.n_state, BP_MAX_RANK);
      return false;
    }
  if (!result_types(graph, info)) return false;
  loop_result_types(info);
  return true;
}

/* False when an error was recorded. The results are set last: their arrays may be those of the arguments. */
static bool append_loop(bp_graph *graph, bp_call_info *info, const bp_loop_args *a, bp_var *final, bp_var *y,
                        bp_var *trips) {
  if (!bp_loop_complete(graph, info)) return false;
  bp_var *args = bp_vars_alloc(graph, info->l.n_args), *results = bp_vars_alloc(graph, info->l.n_results), *at = args;
  if (args == NULL || results == NULL) return false;
  for (size_t i = 0; i < a->n_state; i++) *at++ = a->init[i];
  for (size_t i = 0; i < a->n_constants; i++) *at++ = a->constants[i];
  for (size_t i = 0; i < a->n_x; i++) *at++ = a->x[i];
  bp_call_append(graph, info, args, results);
  for (size_t i = 0; i < a->n_state; i++) final[i] = results[i];
  for (size_t i = 0; y != NULL && i < a->n_y; i++) y[i] = results[a->n_state + i];
  if (trips != NULL) *trips = results[a->n_state + a->n_y];
  return graph->status == BP_OK;
}

static bool loop_args_ok(bp_graph *graph, const bp_loop_args *a, int64_t length) {
  if (!fixed_args(graph, "loop: init", a->init, a->n_state) ||
      !fixed_args(graph, "loop: constants", a->constants, a->n_constants) ||
      !fixed_args(graph, "loop: x", a->x, a->n_x))
    return false;
  if (length < 0 || length > INT32_MAX) {
    (void)bp_graph_fail(graph, BP_E_ARG, "loop: %" PRId64 " iterations, expected 0 to %d", length, INT32_MAX);
    return false;
  }
  for (size_t i = 0; i < a->n_x; i++)
    if (bp_shape_of(a->x[i])->rank == 0 || bp_shape_of(a->x[i])->dims[0] != length) {
      char text[BP_SHAPE_TEXT];
      (void)bp_graph_fail(graph, BP_E_SHAPE, "scan: x %zu is %s, expected a leading size of %" PRId64, i,
                          bp_shape_text(bp_shape_of(a->x[i]), text, sizeof text), length);
      return false;
    }
  return true;
}

void bp_scan(bp_graph *graph, const bp_loop_args *args, int64_t length, bp_step_fn step, void *user, bp_var *final,
             bp_var *y) {
  bp_call_info info = {.l = {.n_state = args->n_state,
                             .n_constants = args->n_constants,
                             .n_x = args->n_x,
                             .n_y = args->n_y,
                             .length = length}};
  if (loop_args_ok(graph, args, length) && build_step(graph, &info, args, step, user) &&
      append_loop(graph, &info, args, final, y, NULL))
    return;
  no_results(graph, final, args->n_state);
  no_results(graph, y, args->n_y);
}

void bp_while(bp_graph *graph, const bp_loop_args *args, int64_t max_trips, bp_while_fn condition, bp_step_fn step,
              void *user, bp_var *final, bp_var *trips) {
  bp_call_info info = {.l = {.n_state = args->n_state, .n_constants = args->n_constants, .length = max_trips}};
  if (args->n_x > 0 || args->n_y > 0)
    (void)bp_graph_fail(graph, BP_E_ARG, "while: has no slices and no stacked outputs; use bp_scan");
  else if (loop_args_ok(graph, args, max_trips) && build_step(graph, &info, args, step, user) &&
           build_condition(graph, &info, args, condition, user) && append_loop(graph, &info, args, final, NULL, trips))
    return;
  no_results(graph, final, args->n_state);
  if (trips != NULL) *trips = bp_zero_of(graph);
}
