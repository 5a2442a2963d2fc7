/* trace.c - a trace, from the graph to its lines: classify nodes, take derivatives, write the words. Floor: expression. */
#include "backprop/trace.h"

#include <string.h>

#include "autodiff/derivative_checks.h"
#include "expression/tracing.h"

struct bp_trace {
  bp_allocator allocator;
  bp_arena arena;
  bp_line *lines;
  size_t n_lines;
};

/* ---- arguments ---- */
static bool is_input(const bp_graph *g, bp_var v) {
  return v.graph == g && v.id > 0 && v.id < g->size && g->nodes[v.id].op == BP_OP_input;
}

static bool named(const bp_var *vars, size_t n, bp_var v) {
  for (size_t i = 0; i < n; i++)
    if (vars[i].graph == v.graph && vars[i].id == v.id) return true;
  return false;
}

static bp_status check(bp_graph *g, bp_var y, const bp_trace_options *o) {
  if (o->size != sizeof *o || y.graph != g || y.id == 0 || y.id >= g->size)
    return bp_fail(g->ctx, BP_E_ARG, "trace: expected options and a variable");
  for (size_t i = 0; i < o->n_inputs; i++)
    if (!is_input(g, o->inputs[i]) || named(o->inputs, i, o->inputs[i]))
      return bp_fail(g->ctx, BP_E_ARG, "trace: input %zu is no input of this graph, or given twice", i);
  for (size_t i = 0; i < o->n_wrt; i++)
    if (!named(o->inputs, o->n_inputs, o->wrt[i]))
      return bp_fail(g->ctx, BP_E_ARG, "trace: variable %zu of wrt is not among the inputs", i);
  return bp_check_known(g, "trace: seed", o->seeds, o->n_columns * (o->mode == BP_MODE_FORWARD ? o->n_inputs : 1));
}

/* ---- derivatives ---- */
static bp_status mark_active(bp_tracer *t) {
  uint8_t *active = bp_calloc(t->graph->ctx, (size_t)t->y.id + 1, 1);
  if (active == NULL) return BP_E_NOMEM;
  bp_mark_active(t->graph, t->options->wrt, t->options->n_wrt, t->y.id, active);
  for (size_t i = 0; i < t->n_lines; i++) {
    uint32_t node = t->lines[i].node;
    t->lines[i].active =
        node <= t->y.id ? active[node] != 0 : named(t->options->wrt, t->options->n_wrt, (bp_var){t->graph, node});
  }
  if (t->options->n_wrt > 0) bp_line_of(t, t->y.id)->active = true; /* the result has its seed */
  bp_release(bp_context_allocator(t->graph->ctx), active, (size_t)t->y.id + 1, 1);
  return BP_OK;
}

/* Adjoints of the active lines from one seed; vars and out have room for all lines. */
static bp_status pull(bp_tracer *t, size_t column, bp_var *vars, bp_var *out, bp_var *derivatives) {
  const bp_trace_options *o = t->options;
  size_t n = 0, k = 0;
  for (size_t i = 0; i < t->n_lines; i++)
    if (t->lines[i].active) vars[n++] = (bp_var){t->graph, t->lines[i].node};
  if (n == 0) return BP_OK;
  BP_TRY(bp_vjp(&t->y, &o->seeds[column], 1, vars, n, out));
  for (size_t i = 0; i < t->n_lines; i++)
    if (t->lines[i].active) derivatives[i * o->n_columns + column] = out[k++];
  return BP_OK;
}

static bp_status push(bp_tracer *t, size_t column, bp_var *vars, bp_var *out, bp_var *derivatives) {
  const bp_trace_options *o = t->options;
  for (size_t i = 0; i < t->n_lines; i++) vars[i] = (bp_var){t->graph, t->lines[i].node};
  BP_TRY(bp_jvp(vars, t->n_lines, o->inputs, o->seeds + column * o->n_inputs, o->n_inputs, out));
  for (size_t i = 0; i < t->n_lines; i++) derivatives[i * o->n_columns + column] = out[i];
  return BP_OK;
}

static bp_status differentiate(bp_tracer *t) {
  const bp_trace_options *o = t->options;
  bp_var *vars = bp_trace_work(t, t->n_lines, sizeof *vars), *out = bp_trace_work(t, t->n_lines, sizeof *out);
  bp_var *derivatives =
      bp_arena_alloc(t->arena, t->n_lines * (o->n_columns > 0 ? o->n_columns : 1), sizeof *derivatives);
  if (vars == NULL || out == NULL || derivatives == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < t->n_lines * o->n_columns; i++) derivatives[i] = bp_zero_of(t->graph);
  for (size_t i = 0; i < t->n_lines; i++) t->lines[i].shown.derivatives = derivatives + i * o->n_columns;
  for (size_t c = 0; c < o->n_columns; c++)
    BP_TRY((o->mode == BP_MODE_FORWARD ? push : pull)(t, c, vars, out, derivatives));
  return BP_OK;
}

/* ---- the whole ---- */
static bp_status tracer_init(bp_tracer *t) {
  size_t n = (size_t)t->y.id + 1;
  for (size_t i = 0; i < t->options->n_inputs; i++)
    if (t->options->inputs[i].id >= n) n = (size_t)t->options->inputs[i].id + 1;
  bp_arena_init(&t->work, t->graph->ctx);
  t->needed = bp_trace_work(t, n, 1);
  t->linear = bp_trace_work(t, n, 1);
  t->uses = bp_trace_work(t, n, sizeof *t->uses);
  t->user = bp_trace_work(t, n, sizeof *t->user);
  t->views = bp_trace_work(t, n, sizeof *t->views);
  t->line_of = bp_trace_work(t, n, sizeof *t->line_of);
  return t->failed ? BP_E_NOMEM : BP_OK;
}

static bp_status make(bp_tracer *t) {
  BP_TRY(tracer_init(t));
  BP_TRY(bp_trace_classify(t));
  BP_TRY(mark_active(t));
  bp_trace_write(t); /* before derivatives are appended: nodes may move then */
  return t->failed ? BP_E_NOMEM : differentiate(t);
}

bp_status bp_trace_new(bp_var y, const bp_trace_options *options, bp_trace **out) {
  bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, options->inputs, options->n_inputs), NULL, 0);
  *out = NULL;
  if (d.status != BP_OK) return d.status;
  bp_status status = check(d.graph, y, options);
  if (status != BP_OK) return bp_delivered(&d, status);
  bp_context *ctx = y.graph->ctx;
  bp_trace *trace = bp_calloc(ctx, 1, sizeof *trace);
  if (trace == NULL) return bp_delivered(&d, BP_E_NOMEM);
  trace->allocator = bp_context_allocator(ctx);
  bp_arena_init(&trace->arena, ctx);
  bp_tracer t = {.graph = y.graph, .arena = &trace->arena, .options = options, .y = y};
  status = make(&t);
  bp_arena_release(&t.work);
  trace->lines = t.lines;
  trace->n_lines = t.n_lines;
  if (status == BP_OK)
    *out = trace;
  else
    bp_trace_free(trace);
  return bp_delivered(&d, status);
}

size_t bp_trace_lines(const bp_trace *trace) { return trace != NULL ? trace->n_lines : 0; }
bp_trace_line bp_trace_line_at(const bp_trace *trace, size_t i) { return trace->lines[i].shown; }

void bp_trace_free(bp_trace *trace) {
  if (trace == NULL) return;
  bp_arena_release(&trace->arena);
  bp_release(trace->allocator, trace, 1, sizeof *trace);
}
