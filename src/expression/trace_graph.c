/* trace_graph.c - which nodes of a graph are lines of its trace, and in which order. Floor: expression. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "expression/tracing.h"

/* More multiples of inputs than these are not written as one variable. */
enum { TERMS_MAX = 16 };

void *bp_trace_work(bp_tracer *t, size_t count, size_t size) {
  void *p = bp_arena_alloc(&t->work, count, size);
  if (p == NULL) t->failed = true;
  return p;
}

static const bp_node *node_at(const bp_tracer *t, uint32_t id) { return &t->graph->nodes[id]; }
static const bp_shape *shape_at(const bp_tracer *t, uint32_t id) {
  return &t->graph->shapes[t->graph->nodes[id].shape];
}

/* ---- what the result needs ---- */
static void find_needed(bp_tracer *t) {
  t->needed[t->y.id] = 1;
  for (uint32_t id = t->y.id; id > 0; id--) {
    if (!t->needed[id]) continue;
    const bp_node *n = node_at(t, id);
    const uint32_t *args = bp_node_args(t->graph, n);
    for (int a = 0; a < bp_node_arity(n); a++) {
      t->needed[args[a]] = 1;
      t->uses[args[a]]++;
      t->user[args[a]] = id;
    }
  }
  t->needed[0] = 0;
}

/* ---- operations that only hand on ---- */
bool bp_trace_hands_on(const bp_tracer *t, uint32_t id) {
  const bp_node *n = node_at(t, id);
  if (n->op == BP_OP_broadcast || n->op == BP_OP_cast) return true;
  return n->op == BP_OP_reshape && bp_shape_only_ones_differ(shape_at(t, id), shape_at(t, n->arg[0]));
}

static bool takes_elements(const bp_tracer *t, uint32_t id) {
  const bp_node *n = node_at(t, id);
  return n->op == BP_OP_slice && bp_span_step(n->attr.bits) == 1;
}

/* ---- sums of multiples ---- */
/* Before views are known: 1 when the node is a constant, an input, or elements of one; 2 when it is a sum of multiples of
 * such. */
static int linearity(const bp_tracer *t, uint32_t id) {
  const bp_node *n = node_at(t, id);
  if (bp_op_table[n->op].arity == BP_NARY) return t->views[id].kind == BP_SHOWN_CONSTANT;
  int a = bp_node_arity(n) > 0 ? t->linear[n->arg[0]] : 0, b = bp_node_arity(n) > 1 ? t->linear[n->arg[1]] : 0;
  bool constant_a = bp_node_arity(n) > 0 && t->views[n->arg[0]].kind == BP_SHOWN_CONSTANT;
  bool constant_b = bp_node_arity(n) > 1 && t->views[n->arg[1]].kind == BP_SHOWN_CONSTANT;
  if (n->op == BP_OP_input || t->views[id].kind == BP_SHOWN_CONSTANT) return 1;
  if (bp_trace_hands_on(t, id)) return a;
  if (takes_elements(t, id)) return a == 1;
  switch (n->op) {
  case BP_OP_neg: return a ? 2 : 0;
  case BP_OP_add:
  case BP_OP_sub: return a && b ? 2 : 0;
  case BP_OP_mul: return (constant_a && b) || (constant_b && a) ? 2 : 0;
  case BP_OP_div: return constant_b && a ? 2 : 0;
  default: return 0;
  }
}

/* Terms of an argument: those of a form, or the one that it is. NULL when memory is out. */
static bp_term *terms_of(bp_tracer *t, uint32_t id, int *n) {
  const bp_shown *v = &t->views[id];
  *n = v->kind == BP_SHOWN_FORM ? v->n_terms : 1;
  bp_term *terms = bp_trace_work(t, (size_t)*n, sizeof *terms);
  if (terms == NULL) return NULL;
  if (v->kind == BP_SHOWN_FORM)
    memcpy(terms, v->terms, (size_t)*n * sizeof *terms);
  else if (v->kind == BP_SHOWN_CONSTANT)
    terms[0] = (bp_term){v->is_number ? v->number : 1, 1, v->is_number ? NULL : v->text, {0}};
  else
    terms[0] = (bp_term){1, 1, NULL, v->ref};
  return terms;
}

/* Factors that are not just numbers are joined as texts. */
static const char *product_text(bp_tracer *t, const char *a, const char *b, bool divide) {
  bp_text text = {.size = 0};
  if (a != NULL) bp_text_add(&text, a);
  if (a == NULL && divide) bp_text_add(&text, "1");
  if (a != NULL || divide) bp_text_add(&text, divide ? "/" : "*");
  bp_text_add(&text, b);
  return bp_text_keep(t, &t->work, &text);
}

static const char *factor_text(bp_tracer *t, const bp_shown *v) {
  bp_text text = {.size = 0};
  bp_text_add(&text, v->atomic ? "" : "(");
  bp_text_add(&text, v->text);
  bp_text_add(&text, v->atomic ? "" : ")");
  return bp_text_keep(t, &t->work, &text);
}

static void scale_terms(bp_tracer *t, bp_term *terms, int n, uint32_t constant, bool divide) {
  const bp_shown *c = &t->views[constant];
  for (int i = 0; i < n; i++) {
    if (c->is_number && divide)
      terms[i].divisor *= c->number;
    else if (c->is_number)
      terms[i].factor *= c->number;
    else
      terms[i].scale = product_text(t, terms[i].scale, factor_text(t, c), divide);
  }
}

/* Fills view->terms when the node is a sum of multiples of lines; false when it is none. */
static bool make_form(bp_tracer *t, uint32_t id, bp_shown *view) {
  const bp_node *n = node_at(t, id);
  bool by_a = n->op == BP_OP_mul && t->views[n->arg[0]].kind == BP_SHOWN_CONSTANT;
  bool by_b = (n->op == BP_OP_mul || n->op == BP_OP_div) && t->views[n->arg[1]].kind == BP_SHOWN_CONSTANT;
  bool two = n->op == BP_OP_add || n->op == BP_OP_sub;
  if (!two && !by_a && !by_b && n->op != BP_OP_neg) return false;
  int n_a, n_b = 0;
  bp_term *a = terms_of(t, by_a ? n->arg[1] : n->arg[0], &n_a), *b = two ? terms_of(t, n->arg[1], &n_b) : NULL;
  view->terms = bp_trace_work(t, (size_t)n_a + (size_t)n_b, sizeof *view->terms);
  if (a == NULL || view->terms == NULL || (two && b == NULL)) return false;
  if (by_a || by_b) scale_terms(t, a, n_a, by_a ? n->arg[0] : n->arg[1], n->op == BP_OP_div);
  for (int i = 0; n->op == BP_OP_neg && i < n_a; i++) a[i].factor = -a[i].factor;
  for (int i = 0; n->op == BP_OP_sub && i < n_b; i++) b[i].factor = -b[i].factor;
  memcpy(view->terms, a, (size_t)n_a * sizeof *a);
  if (n_b > 0) memcpy(view->terms + n_a, b, (size_t)n_b * sizeof *b);
  view->n_terms = n_a + n_b;
  return true;
}

/* Whether a form is written inside the one that uses it. */
static bool is_inlined(const bp_tracer *t, uint32_t id, const bp_shown *view) {
  if (t->linear[id] != 2 || view->n_terms > TERMS_MAX || node_at(t, id)->name != 0) return false;
  while (t->uses[id] == 1 && bp_trace_hands_on(t, t->user[id])) id = t->user[id];
  return t->uses[id] == 1 && t->linear[t->user[id]] == 2;
}

/* ---- references ---- */
static void repeat_terms(bp_tracer *t, bp_shown *view) {
  bp_term *terms = bp_trace_work(t, (size_t)view->n_terms, sizeof *terms);
  if (terms == NULL) return;
  memcpy(terms, view->terms, (size_t)view->n_terms * sizeof *terms);
  for (int i = 0; i < view->n_terms; i++) terms[i].ref.repeated = true;
  view->terms = terms;
}

/* The axis of a line that axis `axis` of a shape is, where sizes of 1 have come or gone. */
static int axis_in_window(const bp_window *w, int rank, const bp_shape *s, int axis) {
  int before = 0, at = 0;
  for (int i = 0; i < axis; i++) before += s->dims[i] != 1;
  for (; at < rank; at++)
    if (w->last[at] - w->first[at] != 1 && before-- == 0) break;
  return at;
}

/* Elements of a reference. */
static bool take_window(bp_tracer *t, uint32_t id, bp_shown *view) {
  const bp_node *n = node_at(t, id);
  const bp_shape *line = shape_at(t, view->ref.node), *from = shape_at(t, n->arg[0]);
  bp_window *w = bp_trace_work(t, 1, sizeof *w);
  if (w == NULL || view->ref.repeated || bp_shape_has_batch(line)) return false;
  for (int i = 0; view->ref.window == NULL && i < line->rank; i++) w->last[i] = line->dims[i];
  if (view->ref.window != NULL) *w = *view->ref.window;
  int axis = axis_in_window(w, line->rank, from, n->axis);
  if (axis == line->rank) return false;
  w->first[axis] += bp_span_start(n->attr.bits);
  w->last[axis] = w->first[axis] + shape_at(t, id)->dims[n->axis];
  view->ref.window = w;
  return true;
}

/* ---- what a node becomes ---- */
/* What hands on is what it hands on; false when it has to be a line after all. */
static bool view_through(bp_tracer *t, uint32_t id, bp_shown *view) {
  uint32_t arg = node_at(t, id)->arg[0];
  if (!bp_trace_hands_on(t, id) && !takes_elements(t, id)) return false;
  *view = t->views[arg];
  if (view->kind == BP_SHOWN_CONSTANT) return bp_trace_hands_on(t, id);
  if (takes_elements(t, id) && (view->kind == BP_SHOWN_FORM || !take_window(t, id, view))) return false;
  if (node_at(t, id)->op == BP_OP_broadcast) {
    view->ref.repeated = true;
    if (view->kind == BP_SHOWN_FORM) repeat_terms(t, view);
  }
  if (view->kind == BP_SHOWN_FORM) return true;
  bool alone = view->kind == BP_SHOWN_LINE && t->uses[arg] == 1 && node_at(t, arg)->op != BP_OP_input;
  view->kind = BP_SHOWN_REFERENCE;
  bool narrows = node_at(t, id)->op == BP_OP_reshape && shape_at(t, id)->rank < shape_at(t, arg)->rank;
  if (alone && narrows) { /* [n,1] for a product with a vector: the vector is what is shown */
    view->kind = BP_SHOWN_LINE;
    view->ref = (bp_reference){.node = id};
    t->views[arg].kind = BP_SHOWN_NONE;
  }
  return true;
}

static bool depends_on_inputs(const bp_tracer *t, uint32_t id) {
  const bp_node *n = node_at(t, id);
  const uint32_t *args = bp_node_args(t->graph, n);
  bool depends = n->op == BP_OP_input;
  for (int a = 0; a < bp_node_arity(n); a++) depends = depends || t->views[args[a]].kind != BP_SHOWN_CONSTANT;
  return depends;
}

/* The result is always a line; what would not be one becomes a sum of multiples. */
static void make_line(bp_tracer *t, uint32_t id, bp_shown *view) {
  bp_shown inner = *view;
  *view = (bp_shown){.kind = BP_SHOWN_LINE, .ref = {.node = id}, .core = id};
  if (inner.kind == BP_SHOWN_NONE) return;
  t->views[id] = inner;
  if (inner.kind == BP_SHOWN_FORM) {
    view->terms = inner.terms;
    view->n_terms = inner.n_terms;
  } else {
    view->terms = terms_of(t, id, &view->n_terms);
  }
}

static void classify(bp_tracer *t, uint32_t id) {
  bp_shown view = {.kind = BP_SHOWN_NONE};
  bool constant = !depends_on_inputs(t, id) && bp_constant_text(t, id, &view);
  if (!constant && !view_through(t, id, &view)) {
    view = (bp_shown){.kind = BP_SHOWN_LINE, .ref = {.node = id}, .core = id};
    if (make_form(t, id, &view) && is_inlined(t, id, &view)) view.kind = BP_SHOWN_FORM;
  }
  if (id == t->y.id && view.kind != BP_SHOWN_LINE) make_line(t, id, &view);
  t->views[id] = view;
}

/* ---- lines in order ---- */
static int level_of(const bp_tracer *t, uint32_t node) {
  return node != 0 && t->line_of[node] != 0 ? bp_line_of(t, node)->level : -1;
}

static int deeper(const bp_tracer *t, int level, const bp_shown *v) {
  int below = v->kind == BP_SHOWN_REFERENCE || v->kind == BP_SHOWN_LINE ? level_of(t, v->ref.node) : -1;
  for (int i = 0; v->kind == BP_SHOWN_FORM && i < v->n_terms; i++)
    below = below > level_of(t, v->terms[i].ref.node) ? below : level_of(t, v->terms[i].ref.node);
  return below > level ? below : level;
}

static int line_level(const bp_tracer *t, uint32_t id) {
  const bp_shown *v = &t->views[id];
  const bp_node *n = node_at(t, v->core);
  int level = 0;
  if (n->op == BP_OP_input) return 0;
  for (int i = 0; i < v->n_terms; i++)
    level = level_of(t, v->terms[i].ref.node) > level ? level_of(t, v->terms[i].ref.node) : level;
  for (int a = 0; v->terms == NULL && a < bp_node_arity(n); a++)
    level = deeper(t, level, &t->views[bp_node_args(t->graph, n)[a]]);
  return level + 1;
}

static int input_place(const bp_tracer *t, uint32_t node) {
  for (size_t i = 0; i < t->options->n_inputs; i++)
    if (t->options->inputs[i].id == node) return (int)i;
  return -1;
}

static int by_depth(const void *a, const void *b) {
  const bp_line *x = a, *y = b;
  if (x->level != y->level) return x->level < y->level ? -1 : 1;
  if (x->number != y->number) return x->number < y->number ? -1 : 1;
  return x->node < y->node ? -1 : x->node > y->node;
}

static bp_status collect_lines(bp_tracer *t) {
  size_t count = t->options->n_inputs, n = 0;
  for (uint32_t id = 1; id <= t->y.id; id++) count += t->views[id].kind == BP_SHOWN_LINE;
  t->lines = bp_arena_alloc(t->arena, count, sizeof *t->lines);
  if (t->lines == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < t->options->n_inputs; i++) { /* those that are not used too */
    uint32_t node = t->options->inputs[i].id;
    t->lines[n] = (bp_line){.node = node, .number = (int)(i + 1) - (int)t->options->n_inputs};
    t->views[node] = (bp_shown){.kind = BP_SHOWN_LINE, .ref = {.node = node}, .core = node};
    t->line_of[node] = (uint32_t)++n;
  }
  for (uint32_t id = 1; id <= t->y.id; id++) {
    if (t->views[id].kind != BP_SHOWN_LINE || t->line_of[id] != 0) continue;
    t->lines[n] = (bp_line){.node = id, .level = line_level(t, id)};
    t->line_of[id] = (uint32_t)++n;
  }
  t->n_lines = n;
  qsort(t->lines, n, sizeof *t->lines, by_depth);
  for (size_t i = 0; i < n; i++) {
    t->line_of[t->lines[i].node] = (uint32_t)(i + 1);
    t->lines[i].number = (int)(i + 1) - (int)t->options->n_inputs;
    t->lines[i].last_part = &t->lines[i].parts;
  }
  return BP_OK;
}

bp_status bp_trace_classify(bp_tracer *t) {
  find_needed(t);
  for (uint32_t id = 1; id <= t->y.id; id++) {
    if (!t->needed[id]) continue;
    if (node_at(t, id)->op == BP_OP_input && input_place(t, id) < 0)
      return bp_fail(t->graph->ctx, BP_E_INPUT, "trace: the result depends on input '%s', which was not given",
                     bp_var_name((bp_var){t->graph, id}));
    if (!depends_on_inputs(t, id)) {
      bp_shown constant = {.kind = BP_SHOWN_NONE};
      if (bp_constant_text(t, id, &constant)) t->views[id] = constant;
    }
    t->linear[id] = (uint8_t)linearity(t, id);
  }
  for (uint32_t id = 1; id <= t->y.id && !t->failed; id++)
    if (t->needed[id]) classify(t, id);
  return t->failed ? BP_E_NOMEM : collect_lines(t);
}
