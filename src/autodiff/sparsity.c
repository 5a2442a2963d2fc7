/* sparsity.c - the pattern of a Jacobian by sweeps of 64 columns over the elements of the graph. Floor: autodiff. */
#include "autodiff/sparsity.h"

#include <string.h>

#include "autodiff/derivative_checks.h"
#include "autodiff/row_blocks.h"
#include "base/fail.h"

enum { COLUMNS = 64 };

typedef struct sparsity {
  bp_graph *g;
  uint32_t first, last; /* the smallest x, and y */
  uint8_t *active;      /* by id: depends on x, and y depends on it */
  bp_bits *bits;        /* by id */
  uint8_t **nonzero;    /* by id */
  bp_entry *entries;
  size_t n_entries, entries_capacity;
} sparsity;

static int64_t elements(bp_var v) { return bp_shape_elements(bp_shape_of(v), 1); }

/* ---- constants with zeros in them ---- */
/* By id: whether it is computed from constants alone. */
static void mark_constants(const sparsity *s, uint8_t *constant) {
  for (uint32_t id = 1; id <= s->last; id++) {
    const bp_node *n = &s->g->nodes[id];
    int arity = bp_node_arity(n);
    constant[id] = n->op == BP_OP_constant || (arity > 0 && bp_op_table[n->op].op_class <= BP_CLASS_FLAT);
    for (int a = 0; a < arity; a++)
      constant[id] &= constant[bp_node_args(s->g, n)[a]] || s->g->nodes[bp_node_args(s->g, n)[a]].op == BP_OP_scalar;
  }
}

/* Constant arguments whose zeros matter to an active node; each once. constant[id] becomes 2 for them. */
static size_t wanted_constants(const sparsity *s, uint8_t *constant, bp_var *wanted) {
  size_t n = 0;
  for (uint32_t id = 1; id <= s->last; id++) {
    const bp_node *node = &s->g->nodes[id];
    if (!s->active[id] || !bp_zeros_matter((bp_op)node->op)) continue;
    for (int a = 0; a < bp_node_arity(node); a++) {
      uint32_t arg = bp_node_args(s->g, node)[a];
      double k;
      if (constant[arg] != 1 || !bp_dtype_is_real((bp_dtype)s->g->nodes[arg].dtype)) continue;
      if (bp_var_constant((bp_var){s->g, arg}, &k) && k != 0) continue;
      constant[arg] = 2;
      wanted[n++] = (bp_var){s->g, arg};
    }
  }
  return n;
}

static void *values_alloc(const sparsity *s, bp_var v) {
  return bp_alloc(s->g->ctx, (size_t)elements(v), bp_dtype_size(bp_dtype_of(v)));
}

static bp_status keep_nonzero(sparsity *s, bp_var v, const void *values) {
  uint8_t *mask = bp_alloc(s->g->ctx, (size_t)elements(v), 1);
  if (mask == NULL) return BP_E_NOMEM;
  for (int64_t e = 0; e < elements(v); e++)
    mask[e] = bp_dtype_of(v) == BP_F64 ? ((const double *)values)[e] != 0 : ((const float *)values)[e] != 0;
  s->nonzero[v.id] = mask;
  return BP_OK;
}

/* Evaluates the constants of a list together. */
static bp_status evaluate_constants(sparsity *s, const bp_var *wanted, size_t n) {
  bp_context *ctx = s->g->ctx;
  void **values = bp_calloc(ctx, n, sizeof *values);
  bp_status status = values == NULL ? BP_E_NOMEM : BP_OK;
  for (size_t i = 0; i < n && status == BP_OK; i++)
    if ((values[i] = values_alloc(s, wanted[i])) == NULL) status = BP_E_NOMEM;
  if (status == BP_OK && n > 0) status = bp_eval(wanted, n, NULL, 0, 0, NULL, values);
  for (size_t i = 0; i < n && status == BP_OK; i++) status = keep_nonzero(s, wanted[i], values[i]);
  for (size_t i = 0; i < n && values != NULL; i++)
    bp_release(bp_context_allocator(ctx), values[i], (size_t)elements(wanted[i]),
               bp_dtype_size(bp_dtype_of(wanted[i])));
  bp_release(bp_context_allocator(ctx), values, n, sizeof *values);
  return status;
}

static bp_status find_constants(sparsity *s) {
  bp_context *ctx = s->g->ctx;
  size_t n = (size_t)s->last + 1;
  uint8_t *constant = bp_calloc(ctx, n, 1);
  bp_var *wanted = bp_alloc(ctx, n, sizeof *wanted);
  bp_status status = BP_E_NOMEM;
  if (constant != NULL && wanted != NULL) {
    mark_constants(s, constant);
    status = evaluate_constants(s, wanted, wanted_constants(s, constant, wanted));
  }
  bp_release(bp_context_allocator(ctx), constant, n, 1);
  bp_release(bp_context_allocator(ctx), wanted, n, sizeof *wanted);
  return status;
}

/* ---- set up ---- */
static bp_status sparsity_init(sparsity *s, bp_var y, const bp_var *x, size_t n_x) {
  bp_context *ctx = y.graph->ctx;
  size_t n = (size_t)y.id + 1;
  *s = (sparsity){.g = y.graph, .first = y.id, .last = y.id};
  for (size_t i = 0; i < n_x; i++)
    if (x[i].id < s->first) s->first = x[i].id;
  s->active = bp_calloc(ctx, n, 1);
  s->bits = bp_calloc(ctx, n, sizeof *s->bits);
  s->nonzero = bp_calloc(ctx, n, sizeof *s->nonzero);
  if (s->active == NULL || s->bits == NULL || s->nonzero == NULL) return BP_E_NOMEM;
  BP_TRY(bp_mark_between(&y, 1, x, n_x, s->active));
  for (uint32_t id = 1; id <= s->last; id++) {
    if (!s->active[id]) continue;
    bp_bits *b = &s->bits[id];
    BP_TRY(bp_check_sizes("sparsity", "a variable between x and y", (bp_var){s->g, id}));
    b->n = elements((bp_var){s->g, id});
    b->word = bp_calloc(ctx, (size_t)b->n, sizeof *b->word);
    if (b->word == NULL) return BP_E_NOMEM;
  }
  return find_constants(s);
}

static void sparsity_release(sparsity *s) {
  bp_allocator a = bp_context_allocator(s->g->ctx);
  size_t n = (size_t)s->last + 1;
  for (size_t id = 0; id < n && s->bits != NULL; id++)
    bp_release(a, s->bits[id].word, (size_t)s->bits[id].n, sizeof(uint64_t));
  for (size_t id = 0; id < n && s->nonzero != NULL; id++)
    bp_release(a, s->nonzero[id], s->nonzero[id] != NULL ? (size_t)elements((bp_var){s->g, (uint32_t)id}) : 0, 1);
  bp_release(a, s->active, n, 1);
  bp_release(a, s->bits, n, sizeof *s->bits);
  bp_release(a, s->nonzero, n, sizeof *s->nonzero);
  bp_release(a, s->entries, s->entries_capacity, sizeof *s->entries);
}

/* ---- a sweep ---- */
static void clear(bp_bits *b) {
  if (b->hi > b->lo) memset(b->word + b->lo, 0, (size_t)(b->hi - b->lo) * sizeof *b->word);
  b->lo = b->hi = 0;
}

static void seed(bp_bits *b, int64_t first) {
  b->lo = first;
  b->hi = first + COLUMNS < b->n ? first + COLUMNS : b->n;
  for (int64_t e = b->lo; e < b->hi; e++) b->word[e] = (uint64_t)1 << (e - first);
}

static bool any_bits(const sparsity *s, const bp_call *c) {
  for (int i = 0; i < c->arity; i++) {
    const bp_bits *b = &s->bits[bp_call_arg(c, i).id];
    if (b->hi > b->lo) return true;
  }
  return false;
}

static bp_status collect(sparsity *s, int64_t first) {
  const bp_bits *b = &s->bits[s->last];
  for (int64_t e = b->lo; e < b->hi; e++)
    for (uint64_t w = b->word[e]; w != 0; w &= w - 1) {
      BP_TRY(bp_grow(s->g->ctx, (void **)&s->entries, &s->entries_capacity, s->n_entries + 1, sizeof *s->entries));
      s->entries[s->n_entries++] = (bp_entry){(int32_t)e, (int32_t)(first + __builtin_ctzll(w))};
    }
  return BP_OK;
}

/* Begins a sweep: nothing depends on anything. */
static void forget(sparsity *s) {
  for (uint32_t id = 1; id <= s->last; id++)
    if (s->active[id]) clear(&s->bits[id]);
}

/* Hands the dependences seeded on to y; no x depends on another one. */
static void hand_up(sparsity *s) {
  for (uint32_t id = s->first; id <= s->last; id++) {
    if (!s->active[id]) continue;
    bp_dependency d = {.call = bp_call_of(s->g, id), .out = &s->bits[id], .bits = s->bits, .nonzero = s->nonzero};
    if (any_bits(s, &d.call)) bp_dependency_rule(bp_op_of(d.call.y))(&d);
  }
}

/* The dependences on elements first .. first + 63 of x. */
static bp_status sweep(sparsity *s, int64_t first) {
  forget(s);
  seed(&s->bits[s->first], first);
  hand_up(s);
  return collect(s, first);
}

bp_status bp_find_sparsity(bp_var y, bp_var x, bp_pattern *out) {
  sparsity s = {.g = y.graph};
  bp_status status;
  int64_t rows = elements(y), columns = elements(x);
  BP_TRY(bp_check_sizes("sparsity", "y", y));
  BP_TRY(bp_check_sizes("sparsity", "x", x));
  if (rows > INT32_MAX || columns > INT32_MAX)
    return bp_fail(y.graph->ctx, BP_E_LIMIT, "sparsity: %lld by %lld elements, at most %d each", (long long)rows,
                   (long long)columns, INT32_MAX);
  BP_TRY_DONE(sparsity_init(&s, y, &x, 1));
  for (int64_t first = 0; first < columns && s.active[s.last]; first += COLUMNS) BP_TRY_DONE(sweep(&s, first));
  status = bp_pattern_from_entries(s.g->ctx, rows, columns, s.entries, s.n_entries, out);
done:
  sparsity_release(&s);
  return status;
}

/* ---- of rows ---- */
/* Bit k of a leaf's elements stands for column first + k of all leaves. */
static void seed_leaf(bp_bits *b, const bp_row_leaf *leaf, int64_t first) {
  b->lo = 0, b->hi = b->n;
  for (int64_t e = 0; e < b->n; e++) {
    int64_t bit = leaf->first + e % leaf->size - first;
    b->word[e] = bit >= 0 && bit < COLUMNS ? (uint64_t)1 << bit : 0;
  }
}

bp_status bp_row_dependences(const bp_row_root *root, int64_t first, uint64_t *word) {
  bp_graph *g = root->v.graph;
  sparsity s = {.g = g};
  bp_status status = BP_OK;
  bp_var *leaf = bp_alloc(g->ctx, root->n_leaves, sizeof *leaf);
  if (leaf == NULL) return BP_E_NOMEM;
  for (size_t l = 0; l < root->n_leaves; l++) leaf[l] = root->leaves[l].v;
  BP_TRY_DONE(sparsity_init(&s, root->v, leaf, root->n_leaves));
  forget(&s);
  for (size_t l = 0; l < root->n_leaves; l++)
    if (s.active[leaf[l].id]) seed_leaf(&s.bits[leaf[l].id], &root->leaves[l], first);
  hand_up(&s);
  if (s.active[s.last] && s.bits[s.last].n > 0)
    memcpy(word, s.bits[s.last].word, (size_t)s.bits[s.last].n * sizeof *word);
done:
  sparsity_release(&s);
  bp_release(bp_context_allocator(g->ctx), leaf, root->n_leaves, sizeof *leaf);
  return status;
}
