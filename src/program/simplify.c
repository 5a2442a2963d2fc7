/* simplify.c - folds constants, shares common subexpressions, and composes views, in one walk up the list. Floor: program.
 *
 * Each node is first rewritten in terms of the nodes that its arguments were replaced by, then looked for among the
 * nodes seen: so sharing cascades. What is no longer needed is marked dead at the end.
 */
#include <math.h>

#include "base/fail.h"
#include "base/keyed_hash.h"
#include "graph/assembly.h"
#include "program/ir.h"

typedef struct simplifier {
  ir *c;
  uint32_t *same;  /* by node: what stands for it */
  uint32_t *table; /* open addressing over nodes seen, 0 free */
  size_t table_size;
} simplifier;

static bool pinned(const ir_node *n) { return n->output >= 0 || n->state >= 0 || n->node.op == BP_OP_input; }

static bool splat(const ir *c, uint32_t id, double *value) {
  if (c->nodes[id].node.op != BP_OP_scalar) return false;
  *value = c->nodes[id].node.attr.scalar;
  return true;
}

static void become_splat(ir_node *n, double value) {
  n->node.op = BP_OP_scalar;
  n->node.axis = 0;
  n->node.arg[0] = n->node.arg[1] = n->node.arg[2] = 0;
  n->node.attr.scalar = value;
}

/* An elementwise node of splats is a splat: computed by the kernel itself, so that folding changes no bit. */
static bool fold(ir *c, ir_node *n) {
  int kernel = bp_op_table[n->node.op].kernel;
  float f[3] = {0}, out_f;
  double d[3] = {0}, out_d;
  if (kernel == BP_EW_NONE || pinned(n)) return false;
  for (int a = 0; a < ir_arity(n); a++) {
    if (!splat(c, ir_arg(c, n, a), &d[a])) return false;
    f[a] = (float)d[a];
  }
  if (n->node.dtype == BP_F64) {
    const void *in[3] = {&d[0], &d[1], &d[2]};
    bp_kernels_use()->ew[BP_KF64][kernel](&out_d, in, 1);
  } else {
    const void *in[3] = {&f[0], &f[1], &f[2]};
    bp_kernels_use()->ew[BP_KF32][kernel](&out_f, in, 1);
    out_d = out_f;
  }
  become_splat(n, out_d);
  return true;
}

/* x·1, x/1, x-0: x itself (x+0 and x-(-0) are not: they turn -0 into 0). 0: nothing found. */
static uint32_t identity(const ir *c, const ir_node *n) {
  double k;
  uint32_t a = n->node.arg[0], b = n->node.arg[1];
  switch (n->node.op) {
  case BP_OP_mul:
    if (splat(c, a, &k) && k == 1) return b;
    return splat(c, b, &k) && k == 1 ? a : 0;
  case BP_OP_div: return splat(c, b, &k) && k == 1 ? a : 0;
  case BP_OP_sub: return splat(c, b, &k) && k == 0 && !signbit(k) ? a : 0;
  case BP_OP_neg: return c->nodes[a].node.op == BP_OP_neg ? c->nodes[a].node.arg[0] : 0;
  case BP_OP_stop_gradient: return a;
  default: return 0;
  }
}

/* A broadcast or reshape of a splat is a splat; a view of a view is one view, and so is any view of one element. */
static void compose(ir *c, ir_node *n) {
  double k;
  uint32_t from = n->node.arg[0];
  if (n->node.op != BP_OP_reshape && n->node.op != BP_OP_broadcast) return;
  if (splat(c, from, &k)) {
    become_splat(n, k);
    return;
  }
  while (c->nodes[from].node.op == n->node.op && c->nodes[from].output < 0) from = c->nodes[from].node.arg[0];
  const ir_node *view = &c->nodes[from];
  if (view->node.op == BP_OP_broadcast && bp_shape_elements(&c->nodes[view->node.arg[0]].shape, 2) == 1) {
    n->node.op = BP_OP_broadcast;
    from = view->node.arg[0];
  }
  n->node.arg[0] = from;
}

/* What tells nodes of one operation apart beside type, axis and arguments. */
static uint64_t attribute_hash(const ir_node *n) {
  return n->node.op == BP_OP_assemble ? bp_assembly_of(&n->node)->hash : n->node.attr.bits;
}

static bool equal_attributes(const ir_node *a, const ir_node *b) {
  if (a->node.op == BP_OP_assemble) return bp_assembly_equal(bp_assembly_of(&a->node), bp_assembly_of(&b->node));
  return a->node.attr.bits == b->node.attr.bits;
}

/* Keyed: the nodes may come from the formula of a foreign model. */
static uint64_t hash_node(const ir *c, const ir_node *n) {
  bp_hash_key key = *bp_hash_key_now();
  uint64_t words[2 + BP_MAX_RANK] = {n->node.op | (uint64_t)n->node.dtype << 16 | (uint64_t)n->node.axis << 32,
                                     attribute_hash(n)};
  for (int i = 0; i < n->shape.rank; i++) words[2 + i] = (uint64_t)n->shape.dims[i];
  for (int a = 0; a < ir_arity(n); a++) key.k[0] = (key.k[0] ^ ir_arg(c, n, a)) * (key.k[1] | 1);
  return bp_keyed_hash(&key, words, (2 + (size_t)n->shape.rank) * sizeof *words);
}

static bool equal_nodes(const ir *c, const ir_node *a, const ir_node *b) {
  if (a->node.op != b->node.op || a->node.dtype != b->node.dtype || a->node.axis != b->node.axis ||
      ir_arity(a) != ir_arity(b) || !bp_shape_equal(&a->shape, &b->shape) || !equal_attributes(a, b))
    return false;
  for (int i = 0; i < ir_arity(a); i++)
    if (ir_arg(c, a, i) != ir_arg(c, b, i)) return false;
  return true;
}

/* The earlier node that is the same, or 0 after remembering this one. A node that must be written somewhere is kept, but can
 * stand for later ones. */
static uint32_t share(simplifier *s, uint32_t id) {
  const ir_node *n = &s->c->nodes[id];
  size_t mask = s->table_size - 1, i = (size_t)hash_node(s->c, n) & mask;
  for (; s->table[i] != 0; i = (i + 1) & mask)
    if (!pinned(n) && equal_nodes(s->c, &s->c->nodes[s->table[i]], n)) return s->table[i];
  s->table[i] = id;
  return 0;
}

static void simplify_node(simplifier *s, uint32_t id) {
  ir *c = s->c;
  ir_node *n = &c->nodes[id];
  s->same[id] = id;
  if (n->node.op == BP_OP_input) return;
  for (int a = 0; a < ir_arity(n); a++) ir_set_arg(c, n, a, s->same[ir_arg(c, n, a)]);
  compose(c, n);
  if (!pinned(n)) {
    uint32_t other = fold(c, n) ? 0 : identity(c, n);
    if (other != 0 && bp_shape_equal(&c->nodes[other].shape, &n->shape)) {
      s->same[id] = other;
      return;
    }
  }
  uint32_t other = share(s, id);
  if (other != 0) s->same[id] = other;
}

static void mark_live(ir *c) {
  for (size_t id = 1; id < c->size; id++) {
    ir_node *n = &c->nodes[id];
    n->live = n->output >= 0 || n->state >= 0;
  }
  for (size_t id = c->size; id-- > 1;)
    for (int a = 0; c->nodes[id].live && a < ir_arity(&c->nodes[id]); a++)
      c->nodes[ir_arg(c, &c->nodes[id], a)].live = true;
}

bp_status ir_simplify(ir *c) {
  bp_status status = BP_OK;
  size_t n = c->size;
  simplifier s = {.c = c, .table_size = 64};
  while (s.table_size < 2 * n) s.table_size *= 2;
  s.same = bp_calloc(c->ctx, n, sizeof *s.same);
  s.table = bp_calloc(c->ctx, s.table_size, sizeof *s.table);
  if (s.same == NULL || s.table == NULL) status = BP_E_NOMEM;
  for (uint32_t id = 1; status == BP_OK && id < n; id++) simplify_node(&s, id);
  if (status == BP_OK) mark_live(c);
  bp_release(c->allocator, s.same, n, sizeof *s.same);
  bp_release(c->allocator, s.table, s.table_size, sizeof *s.table);
  return status;
}
