/* row_blocks.c - finds the blocks of a function that picks rows and works row by row, and differentiates them. Floor: autodiff.
 *
 * Upwards from x go the moves that end in leaves, downwards from y those that end in roots. Between, every operation has to
 * keep rows apart. A variable that is moved on and read by other operations too is a leaf itself; what is moved out of it then
 * belongs to the work on rows, so that no leaf is made of another one.
 */
#include "autodiff/row_blocks.h"

#include <string.h>

#include "autodiff/derivative_checks.h"
#include "autodiff/directions.h"
#include "autodiff/element_moves.h"
#include "base/fail.h"

/* So many columns of roots at most: each is a pass with nodes of its own. */
enum { MOST_COLUMNS = 64 };

typedef struct finder {
  bp_graph *g;
  bp_var y, x;
  bp_row_blocks *b;
  size_t n;          /* ids */
  uint8_t *active;   /* depends on x, and y depends on it */
  uint8_t *moved;    /* all that it has of x was only moved */
  int32_t **source;  /* by id of a moved variable */
  uint8_t *picked;   /* of the root under way: what is moved, so that its users are the leaves' */
  uint8_t *region;   /* of the root under way: what it depends on */
  uint8_t *has_leaf; /* of the root under way: it is moved out of a leaf */
  uint8_t *counted;  /* its work in forward mode, which serves all roots, is counted */
} finder;

static int64_t elements(bp_var v) { return bp_shape_elements(bp_shape_of(v), 1); }
static void *room(finder *f, size_t n, size_t size) { return bp_arena_alloc(&f->b->arena, n, size); }

/* The argument i of a node if its derivative matters, else 0. */
static uint32_t active_arg(const finder *f, uint32_t id, int i) {
  uint32_t arg = bp_node_args(f->g, &f->g->nodes[id])[i];
  return f->active[arg] && bp_differentiable(f->g, id, i) ? arg : 0;
}

static int arity_of(const finder *f, uint32_t id) { return bp_node_arity(&f->g->nodes[id]); }

/* ---- upwards from x ---- */
static bool only_moves(const finder *f, uint32_t id) {
  bp_call c = bp_call_of(f->g, id);
  if (id == f->x.id) return true;
  if (!f->active[id] || !bp_moves_elements(&c)) return false;
  for (int i = 0; i < c.arity; i++) {
    uint32_t arg = active_arg(f, id, i);
    if (arg != 0 && !f->moved[arg]) return false;
  }
  return true;
}

static bp_status trace_moves(finder *f, uint32_t id) {
  bp_call c = bp_call_of(f->g, id);
  int64_t n = elements(c.y);
  int32_t *source = f->source[id] = room(f, (size_t)n, sizeof *source);
  if (source == NULL) return BP_E_NOMEM;
  for (int64_t e = 0, from; e < n; e++) {
    int a;
    if (id == f->x.id)
      source[e] = (int32_t)e;
    else if (bp_element_source(&c, e, &a, &from) && f->source[bp_call_arg(&c, a).id] != NULL)
      source[e] = f->source[bp_call_arg(&c, a).id][from];
    else
      source[e] = -1;
  }
  f->b->gathers |= bp_op_of(c.y) == BP_OP_gather && id != f->x.id;
  return BP_OK;
}

static bp_status find_moved(finder *f) {
  for (uint32_t id = f->x.id; id < f->n; id++) {
    if (!f->active[id] || !only_moves(f, id)) continue;
    f->moved[id] = 1;
    BP_TRY(trace_moves(f, id));
  }
  return BP_OK;
}

/* ---- downwards from y ---- */
/* The elements of y that come from element `from` of a variable: lists by variable. */
typedef struct wanted {
  int32_t *head, *next, *from; /* by id: its first element of y, -1 none; by element of y */
} wanted;

static bp_status wanted_init(finder *f, wanted *w) {
  int64_t n = elements(f->y);
  w->head = room(f, f->n, sizeof *w->head);
  w->next = room(f, (size_t)n, sizeof *w->next);
  w->from = room(f, (size_t)n, sizeof *w->from);
  f->b->root = room(f, (size_t)n, sizeof *f->b->root);
  f->b->element = w->from;
  if (w->head == NULL || w->next == NULL || w->from == NULL || f->b->root == NULL) return BP_E_NOMEM;
  for (size_t id = 0; id < f->n; id++) w->head[id] = -1;
  for (int64_t e = 0; e < n; e++) f->b->root[e] = -1;
  for (int64_t e = n; e-- > 0;) w->next[e] = w->head[f->y.id], w->head[f->y.id] = (int32_t)e, w->from[e] = (int32_t)e;
  return BP_OK;
}

/* Hands the elements wanted of a node on to its arguments. */
static void hand_on(finder *f, wanted *w, const bp_call *c) {
  f->b->gathers |= bp_op_of(c->y) == BP_OP_gather;
  for (int32_t e = w->head[c->y.id], next; e >= 0; e = next) {
    int a;
    int64_t from;
    next = w->next[e];
    if (!bp_element_source(c, w->from[e], &a, &from)) continue;
    uint32_t arg = active_arg(f, c->y.id, a);
    if (arg == 0) continue;
    w->from[e] = (int32_t)from;
    w->next[e] = w->head[arg], w->head[arg] = e;
  }
}

static bp_status add_root(finder *f, const wanted *w, bp_var v) {
  int32_t number = (int32_t)f->b->n_roots++;
  bp_row_root *r = &f->b->roots[number];
  *r = (bp_row_root){.v = v, .rows = bp_shape_rows(bp_shape_of(v), 1), .size = bp_shape_row(bp_shape_of(v))};
  r->wanted = room(f, (size_t)r->size, 1);
  if (r->wanted == NULL) return BP_E_NOMEM;
  for (int32_t e = w->head[v.id]; e >= 0; e = w->next[e]) {
    f->b->root[e] = number;
    r->n_wanted += r->wanted[w->from[e] % r->size] == 0;
    r->wanted[w->from[e] % r->size] = 1;
  }
  return BP_OK;
}

/* In the order in which y takes them up. */
static void order_roots(bp_row_blocks *b, int64_t n_y) {
  bp_row_root sorted[MOST_COLUMNS] = {0};
  int32_t number[MOST_COLUMNS], n = 0;
  for (size_t r = 0; r < b->n_roots; r++) number[r] = -1;
  for (int64_t e = 0; e < n_y; e++) {
    int32_t *r = &b->root[e];
    if (*r < 0) continue;
    if (number[*r] < 0) sorted[n] = b->roots[*r], number[*r] = n++;
    *r = number[*r];
  }
  memcpy(b->roots, sorted, (size_t)n * sizeof *sorted);
}

/* *found becomes false when there are too many, or one without rows. */
static bp_status find_roots(finder *f, bool *found) {
  wanted w;
  int64_t columns = 0;
  f->b->roots = room(f, MOST_COLUMNS + 1, sizeof *f->b->roots);
  if (f->b->roots == NULL) return BP_E_NOMEM;
  BP_TRY(wanted_init(f, &w));
  for (uint32_t id = f->y.id; *found && id >= f->x.id; id--) {
    if (w.head[id] < 0 || !f->active[id]) continue;
    bp_call c = bp_call_of(f->g, id);
    if (!f->moved[id] && bp_moves_elements(&c)) {
      hand_on(f, &w, &c);
      continue;
    }
    BP_TRY(add_root(f, &w, c.y));
    columns += f->b->roots[f->b->n_roots - 1].n_wanted;
    *found = columns <= MOST_COLUMNS && bp_shape_of(c.y)->rank > 0;
  }
  if (*found) order_roots(f->b, elements(f->y));
  return BP_OK;
}

/* ---- between them ---- */
/* What a root depends on down to what is moved; false when rows meet. */
static bool mark_region(finder *f, const bp_row_root *r) {
  memset(f->region, 0, f->n);
  f->region[r->v.id] = 1;
  for (uint32_t id = r->v.id; id >= f->x.id; id--) {
    if (!f->region[id] || f->picked[id]) continue;
    bp_call c = bp_call_of(f->g, id);
    if (bp_op_table[bp_op_of(c.y)].op_class == BP_CLASS_CALL) return false;
    for (int i = 0; i < c.arity; i++) {
      uint32_t arg = active_arg(f, id, i);
      if (arg != 0 && !bp_row_by_row(&c, i)) return false;
      f->region[arg] = 1;
    }
    f->region[0] = 0;
  }
  return true;
}

/* Takes what is moved out of a leaf from the moves; whether there was any. */
static bool split_leaves(finder *f, const bp_row_root *r) {
  bool any = false;
  for (uint32_t id = f->x.id; id <= r->v.id; id++) {
    f->has_leaf[id] = 0;
    if (!f->picked[id]) continue;
    for (int i = 0; i < arity_of(f, id) && id != f->x.id; i++) {
      uint32_t arg = active_arg(f, id, i);
      f->has_leaf[id] |= arg != 0 && (f->has_leaf[arg] || f->region[arg]);
    }
    if (f->region[id] && f->has_leaf[id]) f->picked[id] = 0, any = true;
  }
  return any;
}

/* In the order of the elements of x in the first row: then blocks mostly lie as in the matrix. */
static bp_status take_leaves(finder *f, bp_row_root *r) {
  size_t n = 0;
  for (uint32_t id = f->x.id; id <= r->v.id; id++) n += f->region[id] && f->picked[id];
  r->leaves = room(f, n, sizeof *r->leaves);
  if (r->leaves == NULL) return BP_E_NOMEM;
  for (uint32_t id = f->x.id; id <= r->v.id; id++) {
    if (!f->region[id] || !f->picked[id]) continue;
    bp_row_leaf leaf = {
        .v = {f->g, id}, .size = bp_shape_row(bp_shape_of((bp_var){f->g, id})), .source = f->source[id]};
    size_t at = r->n_leaves++;
    for (; at > 0 && leaf.source[0] < r->leaves[at - 1].source[0]; at--) r->leaves[at] = r->leaves[at - 1];
    r->leaves[at] = leaf;
  }
  for (size_t l = 0; l < r->n_leaves; r->columns += r->leaves[l++].size) r->leaves[l].first = r->columns;
  return BP_OK;
}

static bp_status find_leaves(finder *f, bp_row_root *r, bool *found) {
  memcpy(f->picked, f->moved, f->n);
  do *found = mark_region(f, r);
  while (*found && split_leaves(f, r));
  if (*found) BP_TRY(take_leaves(f, r));
  return BP_OK;
}

/* ---- work ---- */
/* Each edge of a root's work costs a multiply-add for each element and direction that reaches it: going up those of the
 * leaves that it depends on, going down those of the root. Columns of the root and of a leaf are not told apart. */
static bp_status count_work(finder *f, const bp_row_root *r) {
  double up = 0, down = 0;
  int64_t *reach = bp_calloc(f->g->ctx, f->n, sizeof *reach); /* columns of leaves, at most */
  if (reach == NULL) return BP_E_NOMEM;
  for (size_t l = 0; l < r->n_leaves; l++) reach[r->leaves[l].v.id] = r->leaves[l].size;
  for (uint32_t id = f->x.id; id <= r->v.id; id++) {
    if (!f->region[id] || f->picked[id]) continue;
    for (int i = 0; i < arity_of(f, id); i++) {
      uint32_t arg = active_arg(f, id, i);
      if (arg == 0) continue;
      double work = (double)bp_shape_row(bp_shape_of((bp_var){f->g, id}));
      down += work * (double)r->n_wanted;
      if (!f->counted[id]) f->b->work += work, up += work * (double)reach[arg];
      reach[id] = reach[id] + reach[arg] < r->columns ? reach[id] + reach[arg] : r->columns;
    }
    f->counted[id] = 1;
  }
  bp_release(bp_context_allocator(f->g->ctx), reach, f->n, sizeof *reach);
  f->b->up += up, f->b->down += down;
  return BP_OK;
}

/* ---- all of it ---- */
static bp_status find(finder *f, bool *found) {
  bp_graph *g = f->g;
  f->active = room(f, f->n, 1), f->moved = room(f, f->n, 1);
  f->counted = room(f, f->n, 1), f->picked = room(f, f->n, 1), f->region = room(f, f->n, 1),
  f->has_leaf = room(f, f->n, 1);
  f->source = room(f, f->n, sizeof *f->source);
  if (f->active == NULL || f->moved == NULL || f->picked == NULL || f->region == NULL || f->has_leaf == NULL ||
      f->counted == NULL || f->source == NULL)
    return BP_E_NOMEM;
  BP_TRY(bp_mark_between(&f->y, 1, &f->x, 1, f->active));
  *found = f->active[f->y.id];
  for (uint32_t id = 1; id < f->n; id++)
    if (f->active[id] && (elements((bp_var){g, id}) == 0 || elements((bp_var){g, id}) > INT32_MAX)) *found = false;
  if (*found) BP_TRY(find_moved(f));
  if (*found) BP_TRY(find_roots(f, found));
  for (size_t r = 0; *found && r < f->b->n_roots; r++) {
    BP_TRY(find_leaves(f, &f->b->roots[r], found));
    if (*found) BP_TRY(count_work(f, &f->b->roots[r]));
  }
  return BP_OK;
}

bp_status bp_row_blocks_find(bp_var y, bp_var x, bp_row_blocks *out, bool *found) {
  finder f = {.g = y.graph, .y = y, .x = x, .b = out, .n = (size_t)y.id + 1};
  *out = (bp_row_blocks){0};
  *found = false;
  if (x.id > y.id) return BP_OK;
  bp_arena_init(&out->arena, y.graph->ctx);
  bp_status status = find(&f, found);
  if (status != BP_OK) *found = false;
  if (*found) bp_row_mode(out, out->up < out->down);
  if (!*found) bp_row_blocks_release(out);
  return status;
}

void bp_row_blocks_release(bp_row_blocks *b) {
  bp_arena_release(&b->arena);
  *b = (bp_row_blocks){0};
}

/* Whether a root before this one has the leaf too: a forward pass serves all roots. */
static bool leaf_is_known(const bp_row_blocks *b, size_t root, uint32_t id) {
  for (size_t r = 0; r < root; r++)
    for (size_t l = 0; l < b->roots[r].n_leaves; l++)
      if (b->roots[r].leaves[l].v.id == id) return true;
  return false;
}

int64_t bp_row_passes(const bp_row_blocks *b) {
  int64_t n = 0;
  for (size_t r = 0; r < b->n_roots; r++) {
    const bp_row_root *root = &b->roots[r];
    if (!root->forward) n += root->n_wanted;
    for (size_t l = 0; root->forward && l < root->n_leaves; l++)
      if (!leaf_is_known(b, r, root->leaves[l].v.id)) n += root->leaves[l].size;
  }
  return n;
}

void bp_row_mode(bp_row_blocks *b, bool forward) {
  for (size_t r = 0; r < b->n_roots; r++) b->roots[r].forward = forward;
}

/* ---- derivatives ---- */
size_t bp_row_parts(const bp_row_root *root) {
  return root->forward ? (size_t)root->columns : (size_t)root->size * root->n_leaves;
}

/* Like v: 1 in column c of each row. */
static bp_var column_seed(bp_var v, bp_var seeds, int64_t c) {
  bp_shape s = *bp_shape_of(v), row = {.rank = s.rank - 1};
  if (seeds.id == 0) return bp_full(v.graph, bp_dtype_of(v), &s, 1);
  for (int k = 1; k < s.rank; k++) row.dims[k - 1] = s.dims[k];
  return bp_broadcast_like(bp_seed_row(seeds, c, &row), &s);
}

/* None for single columns, whose seeds are ones. */
static bp_var seeds_of(bp_var v, int64_t size) {
  return size == 1 ? bp_zero_of(v.graph) : bp_identity_seeds(v.graph, bp_dtype_of(v), size);
}

static bp_status pull_columns(const bp_row_root *r, bp_var *part) {
  bp_graph *g = r->v.graph;
  bp_var *leaf = bp_alloc(g->ctx, r->n_leaves, sizeof *leaf), seeds = seeds_of(r->v, r->size);
  if (leaf == NULL) return BP_E_NOMEM;
  bp_status status = BP_OK;
  for (size_t l = 0; l < r->n_leaves; l++) leaf[l] = r->leaves[l].v;
  for (int64_t c = 0; c < r->size && status == BP_OK; c++, part += r->n_leaves) {
    for (size_t l = 0; l < r->n_leaves; l++) part[l] = bp_zero_of(g);
    if (!r->wanted[c]) continue;
    bp_var seed = column_seed(r->v, seeds, c);
    status = bp_graph_result(g);
    if (status == BP_OK) status = bp_vjp(&r->v, &seed, 1, leaf, r->n_leaves, part);
  }
  bp_release(bp_context_allocator(g->ctx), leaf, r->n_leaves, sizeof *leaf);
  return status;
}

static bp_status push_columns(const bp_row_root *r, bp_var *part) {
  for (size_t l = 0; l < r->n_leaves; l++) {
    const bp_row_leaf *leaf = &r->leaves[l];
    bp_var seeds = seeds_of(leaf->v, leaf->size);
    for (int64_t c = 0; c < leaf->size; c++, part++) {
      bp_var seed = column_seed(leaf->v, seeds, c);
      BP_TRY(bp_graph_result(r->v.graph));
      BP_TRY(bp_jvp(&r->v, 1, &leaf->v, &seed, 1, part));
    }
  }
  return BP_OK;
}

bp_status bp_row_derivatives(const bp_row_root *root, bp_var *part) {
  return root->forward ? push_columns(root, part) : pull_columns(root, part);
}
