/* directions.c - the two loops of drivers.c, lifted: k tangents or cotangents go through the graph at once. Floor: autodiff.
 *
 * The derivative of a variable of shape s is lifted to [k, s]. Elementwise rules hold as they are, since a partial derivative of
 * shape s broadcasts over the leading axis. Linear operations have lifted forms (lifted_rules.c). What has none is done
 * direction by direction with its ordinary rule. Where nothing can be lifted (a batch, whose axis must lead; too many axes; an
 * operation that holds graphs), the ordinary drivers run once per direction. Where k derivatives would be too large, the
 * directions are cut into several sweeps.
 */
#include "autodiff/derivative_checks.h"
#include "autodiff/directions.h"
#include "autodiff/pieces.h"

#include "base/fail.h"

/* Elements of the largest lifted value of one sweep. */
#define LIFTED_MAX ((int64_t)1 << 22)

/* ---- seeds ---- */
bp_var bp_identity_seeds(bp_graph *g, bp_dtype dtype, int64_t n) {
  int32_t *index = bp_alloc(g->ctx, (size_t)n, sizeof *index);
  if (index == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory for %lld seeds", (long long)n);
  for (int64_t i = 0; i < n; i++) index[i] = (int32_t)i;
  bp_var rows = bp_one_hot(bp_constant(g, BP_I32, 1, &n, index), n, dtype);
  bp_release(bp_context_allocator(g->ctx), index, (size_t)n, sizeof *index);
  return rows;
}

bp_var bp_seed_row(bp_var seeds, int64_t i, const bp_shape *shape) {
  bp_shape copy = *shape;
  return bp_reshape(bp_slice(seeds, 0, i, i + 1, 1), copy.rank, copy.dims);
}

/* ---- a sweep ---- */
typedef struct lifted_sweep {
  bp_graph *graph;
  uint32_t last;      /* the id of y */
  uint8_t *active;    /* depends on an x, and y depends on it */
  uint8_t *keep;      /* as in drivers.c */
  bp_slope *slope;    /* by id: lifted tangent or cotangent */
  size_t arity;       /* the largest; at least 3 */
  bp_slope *dot;      /* by argument: lifted tangents */
  bp_var *one;        /* by argument: tangents along one direction */
  bp_var *parts;      /* by direction */
  int64_t k, most;    /* directions of this sweep, and room for */
  bp_pieces elements; /* reverse: as in drivers.c */
} lifted_sweep;

/* most: the largest number of directions of one sweep. */
static bp_status lifted_init(lifted_sweep *s, bp_var y, const bp_var *x, size_t n_x, bool reverse, int64_t most) {
  bp_context *ctx = y.graph->ctx;
  size_t n = (size_t)y.id + 1;
  *s = (lifted_sweep){.graph = y.graph, .last = y.id, .arity = 3, .most = most};
  s->active = bp_calloc(ctx, n, 1);
  s->keep = bp_calloc(ctx, n, 1);
  s->slope = bp_calloc(ctx, n, sizeof *s->slope);
  if (s->active == NULL || s->keep == NULL || s->slope == NULL) return BP_E_NOMEM;
  BP_TRY(bp_pieces_init(&s->elements, y.graph, y.id, x, n_x));
  BP_TRY(bp_mark_between(&y, 1, x, n_x, s->active));
  bp_mark_products(s->graph, s->active, s->last, reverse, s->keep);
  for (uint32_t id = 1; id <= s->last; id++)
    if (s->active[id] && (size_t)bp_node_arity(&s->graph->nodes[id]) > s->arity)
      s->arity = (size_t)bp_node_arity(&s->graph->nodes[id]);
  s->dot = bp_alloc(ctx, s->arity, sizeof *s->dot);
  s->one = bp_alloc(ctx, s->arity, sizeof *s->one);
  s->parts = bp_alloc(ctx, (size_t)most, sizeof *s->parts);
  return s->dot != NULL && s->one != NULL && s->parts != NULL ? BP_OK : BP_E_NOMEM;
}

static void lifted_release(lifted_sweep *s) {
  bp_allocator a = bp_context_allocator(s->graph->ctx);
  size_t n = (size_t)s->last + 1;
  bp_release(a, s->active, n, 1);
  bp_release(a, s->keep, n, 1);
  bp_release(a, s->slope, n, sizeof *s->slope);
  bp_pieces_release(&s->elements);
  bp_release(a, s->dot, s->arity, sizeof *s->dot);
  bp_release(a, s->one, s->arity, sizeof *s->one);
  bp_release(a, s->parts, (size_t)s->most, sizeof *s->parts);
}

static bp_var in(const lifted_sweep *s, uint32_t id) { return (bp_var){s->graph, id}; }

static void lifted_start(lifted_sweep *s, int64_t k) {
  s->k = k;
  bp_pieces_start(&s->elements, k);
  for (uint32_t id = 0; id <= s->last; id++) s->slope[id] = (bp_slope){0};
}

/* How many of k directions one sweep can take: 0 when they cannot be lifted. */
static int64_t directions_at_once(const lifted_sweep *s, int64_t k) {
  int64_t largest = 1;
  for (uint32_t id = 1; id <= s->last; id++) {
    const bp_shape *shape = bp_shape_of((bp_var){s->graph, id});
    if (!s->active[id]) continue;
    bp_op_class c = bp_op_table[s->graph->nodes[id].op].op_class;
    if (c != BP_CLASS_LEAF && c != BP_CLASS_ELEMENTWISE && c != BP_CLASS_LINEAR && c != BP_CLASS_CUSTOM) return 0;
    if (shape->rank == BP_MAX_RANK || bp_shape_has_batch(shape)) return 0;
    if (bp_shape_elements(shape, 1) > largest) largest = bp_shape_elements(shape, 1);
  }
  int64_t most = LIFTED_MAX / largest;
  return most < 1 ? 1 : most < k ? most : k;
}

/* parts[k] of the shape of `like` as one lifted variable. */
static bp_var stack_parts(lifted_sweep *s, bp_var like) {
  bool any = false;
  for (int64_t d = 0; d < s->k; d++) any |= s->parts[d].id != 0;
  if (!any) return bp_zero_of(s->graph);
  for (int64_t d = 0; d < s->k; d++)
    if (s->parts[d].id == 0) s->parts[d] = bp_full(s->graph, bp_dtype_of(like), bp_shape_of(like), 0);
  return bp_stack(s->parts, (size_t)s->k, 0);
}

static bp_var direction_of(bp_var lifted, int64_t d) {
  if (lifted.id == 0) return lifted;
  bp_shape s = *bp_shape_of(lifted);
  return bp_reshape(bp_slice(lifted, 0, d, d + 1, 1), s.rank - 1, s.dims + 1);
}

/* ---- forward ---- */
/* Σ_i J_i dot[i], the ordinary rule of an operation that is not elementwise. */
static bp_var plain_tangent(const bp_call *c, const bp_var *dot) {
  bp_op op = bp_op_of(c->y);
  bp_var sum = bp_zero_of(c->y.graph);
  if (bp_op_table[op].op_class == BP_CLASS_CUSTOM) return bp_custom_jvp(op)(c, dot);
  for (int i = 0; i < c->arity; i++)
    if (dot[i].id != 0) sum = bp_plus(sum, bp_linear_rule(op)(c, i, dot[i]));
  return sum;
}

static bp_slope each_tangent(lifted_sweep *s, const bp_call *c) {
  for (int64_t d = 0; d < s->k; d++) {
    for (int i = 0; i < (c->arity < 3 ? 3 : c->arity); i++) s->one[i] = direction_of(in(s, s->dot[i].var), d);
    s->parts[d] = plain_tangent(c, s->one);
  }
  return (bp_slope){.var = stack_parts(s, c->y).id};
}

static bp_slope lifted_tangent(lifted_sweep *s, uint32_t id) {
  bp_call c = bp_call_of(s->graph, id);
  bp_op op = bp_op_of(c.y);
  bool elementwise = bp_op_table[op].op_class == BP_CLASS_ELEMENTWISE, keep = s->keep[id];
  bp_slope sum = {0};
  for (int i = 0; i < 3; i++) s->dot[i] = sum;
  for (int i = 0; i < c.arity; i++)
    s->dot[i] = bp_differentiable(s->graph, id, i) ? s->slope[bp_call_arg(&c, i).id] : sum;
  if (bp_lifts_itself(op)) return bp_slope_jvp(&c, s->dot, s->one, keep);
  if (!elementwise && bp_lifted_linear(op) == NULL) return each_tangent(s, &c);
  for (int i = 0; i < c.arity; i++) {
    if (s->dot[i].var == 0) continue;
    sum = bp_slope_plus(s->graph, sum,
                        elementwise ? bp_slope_elementwise(&c, i, s->dot[i], keep)
                                    : bp_slope_linear(&c, i, s->dot[i], bp_lifted_linear(op), false, keep));
  }
  return sum;
}

/* The lifted tangent of y for a lifted tangent of x. */
static bp_var push_lifted(lifted_sweep *s, bp_var x, bp_slope x_dot) {
  if (!s->active[s->last] || x.id > s->last) return bp_zero_of(s->graph);
  lifted_start(s, bp_shape_of(in(s, x_dot.var))->dims[0]);
  s->slope[x.id] = x_dot;
  for (uint32_t id = 1; id <= s->last && s->graph->status == BP_OK; id++)
    if (s->active[id] && s->slope[id].var == 0) s->slope[id] = lifted_tangent(s, id);
  return in(s, s->slope[s->last].var);
}

/* ---- reverse ---- */
static bp_var plain_cotangent(const bp_call *c, int i, bp_var y_bar) {
  bp_op op = bp_op_of(c->y);
  return (bp_op_table[op].op_class == BP_CLASS_CUSTOM ? bp_custom_vjp(op) : bp_transpose_rule(op))(c, i, y_bar);
}

static bp_slope each_cotangent(lifted_sweep *s, const bp_call *c, int i, bp_slope y_bar) {
  bp_call masked = *c;
  for (int64_t d = 0; d < s->k; d++) {
    masked.support = direction_of(in(s, y_bar.support), d);
    s->parts[d] = plain_cotangent(&masked, i, direction_of(in(s, y_bar.var), d));
  }
  return (bp_slope){.var = stack_parts(s, bp_call_arg(c, i)).id};
}

static bp_slope lifted_cotangent(lifted_sweep *s, const bp_call *c, int i, bp_slope y_bar, bool keep) {
  bp_op op = bp_op_of(c->y);
  if (bp_op_table[op].op_class == BP_CLASS_ELEMENTWISE) return bp_slope_elementwise(c, i, y_bar, keep);
  if (bp_lifts_itself(op)) return bp_slope_vjp(c, i, y_bar, keep);
  if (bp_lifted_transpose(op) != NULL) return bp_slope_linear(c, i, y_bar, bp_lifted_transpose(op), true, keep);
  return each_cotangent(s, c, i, y_bar);
}

static void pull_lifted_node(lifted_sweep *s, uint32_t id) {
  bp_call c = bp_call_of(s->graph, id);
  bp_slope y_bar = s->slope[id];
  for (int i = 0; i < c.arity; i++) {
    uint32_t x = bp_call_arg(&c, i).id;
    if (!s->active[x] || !bp_differentiable(s->graph, id, i) || bp_pieces_keep(&s->elements, id, y_bar) != 0) continue;
    s->slope[x] = bp_slope_plus(s->graph, s->slope[x], lifted_cotangent(s, &c, i, y_bar, s->keep[x]));
  }
}

/* The lifted cotangents of each x[j] for a lifted cotangent of y. */
static void pull_lifted(lifted_sweep *s, bp_slope y_bar, const bp_var *x, size_t n_x, bp_var *x_bar) {
  lifted_start(s, bp_shape_of(in(s, y_bar.var))->dims[0]);
  s->slope[s->last] = y_bar;
  for (uint32_t id = s->last; id >= 1 && s->graph->status == BP_OK; id--) {
    bp_slope elements = bp_pieces_take(&s->elements, id, s->keep[id]);
    s->slope[id] = bp_slope_plus(s->graph, s->slope[id], elements);
    if (s->slope[id].var != 0 && s->active[id]) pull_lifted_node(s, id);
  }
  for (size_t j = 0; j < n_x; j++) x_bar[j] = in(s, x[j].id <= s->last ? s->slope[x[j].id].var : 0);
}

/* ---- all seeds ---- */
typedef struct directions_job {
  lifted_sweep sweep;
  bp_var y, seeds;
  const bp_var *x;
  size_t n_x, n_results;
  bool forward;
  int64_t at_once; /* 0: the ordinary drivers, one direction after the other */
  bp_var *pieces;  /* by result, then by sweep */
} directions_job;

static bp_var result_like(const directions_job *j, size_t r) { return j->forward ? j->y : j->x[r]; }

/* [1, elements]: an axis more than x has may be one too many. */
static bp_var as_row(bp_var x) { return bp_reshape(x, 2, (int64_t[]){1, bp_shape_elements(bp_shape_of(x), 1)}); }

/* Directions first .. first + n - 1 through the graph; results[r] is n times as large as what it is of, or the symbolic zero. */
static bp_status run_piece(directions_job *j, int64_t first, int64_t n, bp_var *results) {
  bp_var from = j->forward ? j->x[0] : j->y;
  bp_shape shape = *bp_shape_of(from);
  if (j->at_once == 0) {
    bp_var seed = bp_seed_row(j->seeds, first, &shape);
    BP_TRY(j->forward ? bp_jvp(&j->y, 1, j->x, &seed, 1, results) : bp_vjp(&j->y, &seed, 1, j->x, j->n_x, results));
    for (size_t r = 0; r < j->n_results; r++)
      if (results[r].id != 0) results[r] = as_row(results[r]);
    return BP_OK;
  }
  bp_var seeds = n == bp_shape_of(j->seeds)->dims[0] ? j->seeds : bp_slice(j->seeds, 0, first, first + n, 1);
  seeds = bp_lifted_reshape(seeds, &shape);
  if (j->forward)
    results[0] = push_lifted(&j->sweep, from, bp_slope_seed(seeds));
  else
    pull_lifted(&j->sweep, bp_slope_seed(seeds), j->x, j->n_x, results);
  return BP_OK;
}

static int64_t piece_size(const directions_job *j, size_t piece) {
  int64_t k = bp_shape_of(j->seeds)->dims[0], size = j->at_once > 0 ? j->at_once : 1, rest = k - (int64_t)piece * size;
  return rest < size ? rest : size;
}

/* The pieces of a result, one below the other: [k, elements]. */
static bp_var join_pieces(const directions_job *j, size_t r, size_t n_pieces) {
  bp_graph *g = j->y.graph;
  bp_var *pieces = j->pieces + n_pieces * j->n_results, like = result_like(j, r); /* the row behind the last */
  bp_shape flat = {.rank = 1, .dims = {bp_shape_elements(bp_shape_of(like), 1)}};
  bool any = false;
  for (size_t p = 0; p < n_pieces; p++) any |= j->pieces[p * j->n_results + r].id != 0;
  if (!any) return bp_zero_of(g);
  for (size_t p = 0; p < n_pieces; p++) {
    bp_var part = j->pieces[p * j->n_results + r];
    bp_shape zeros = bp_lifted_shape(piece_size(j, p), &flat);
    pieces[p] = part.id != 0 ? bp_lifted_reshape(part, &flat) : bp_full(g, bp_dtype_of(like), &zeros, 0);
  }
  return n_pieces == 1 ? pieces[0] : bp_concat(pieces, n_pieces, 0);
}

static bp_status run_pieces(directions_job *j, bp_var *out) {
  bp_graph *g = j->y.graph;
  int64_t k = bp_shape_of(j->seeds)->dims[0];
  BP_TRY(lifted_init(&j->sweep, j->y, j->x, j->n_x, !j->forward, k));
  j->at_once = directions_at_once(&j->sweep, k);
  size_t n = (size_t)(j->at_once > 0 ? (k + j->at_once - 1) / j->at_once : k), room = n * j->n_results + n;
  j->pieces = bp_alloc(g->ctx, room, sizeof *j->pieces);
  if (j->pieces == NULL) return BP_E_NOMEM;
  bp_status status = BP_OK;
  for (size_t p = 0, first = 0; p < n && status == BP_OK && g->status == BP_OK; first += (size_t)piece_size(j, p), p++)
    status = run_piece(j, (int64_t)first, piece_size(j, p), j->pieces + p * j->n_results);
  for (size_t r = 0; r < j->n_results && status == BP_OK && g->status == BP_OK; r++) out[r] = join_pieces(j, r, n);
  bp_release(bp_context_allocator(g->ctx), j->pieces, room, sizeof *j->pieces);
  return status;
}

static bp_status run_directions(directions_job *j, bp_var *out) {
  bp_graph *g = j->y.graph;
  BP_TRY(bp_graph_result(g)); /* the seeds may have failed */
  bp_status status = run_pieces(j, out);
  lifted_release(&j->sweep);
  return status == BP_OK ? bp_graph_result(g) : status;
}

bp_status bp_push_directions(bp_var y, bp_var x, bp_var seeds, bp_var *out) {
  directions_job j = {
      .sweep.graph = y.graph, .y = y, .x = &x, .n_x = 1, .seeds = seeds, .n_results = 1, .forward = true};
  return run_directions(&j, out);
}

bp_status bp_pull_directions(bp_var y, const bp_var *x, size_t n_x, bp_var seeds, bp_var *out) {
  directions_job j = {.sweep.graph = y.graph, .y = y, .x = x, .n_x = n_x, .seeds = seeds, .n_results = n_x};
  return run_directions(&j, out);
}
