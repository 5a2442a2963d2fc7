/* schedule.c - instructions become chains over row blocks, and chains become phases. Floor: program.
 *
 * Two instructions may share a phase when a row block of the second needs only the same row block of the first: then they form
 * a chain, and a thread takes a block through all of it while the block is in cache. Otherwise a barrier parts them. Phases are
 * found as early as possible, then every instruction moves to the latest one that its readers allow: what only prepares an
 * operand stays in front, and forward and backward work on a batch come together in one phase.
 *
 * An update of a state comes after everything that reads the old value; an update that cannot (something later still reads
 * it) becomes a copy at the end.
 */
#include <string.h>

#include "base/fail.h"
#include "program/ir.h"

/* ---- needs ---- */
static bp_status add_edge(ir *c, int32_t from, int32_t to, bool same_rows) {
  BP_TRY(bp_grow(c->ctx, (void **)&c->edges, &c->edges_capacity, c->n_edges + 1, sizeof *c->edges));
  c->edges[c->n_edges++] = (ir_edge){from, to, same_rows};
  return BP_OK;
}

/* What node `id` of an instruction reads through argument a, and whether row by row. */
static uint32_t read_source(const ir *c, uint32_t id, int a, bool *same_rows, bool *element) {
  const ir_node *n = &c->nodes[id];
  if (n->region != 0) return *same_rows = *element = false, ir_memory_node(c, ir_arg(c, n, a));
  bool raw = n->node.op == BP_OP_gather || n->node.op == BP_OP_one_hot;
  *element = false;
  if (!ir_is_elementwise(n) || raw) {
    uint32_t source = ir_memory_node(c, ir_arg(c, n, a));
    *same_rows = ir_same_rows(c, id, a) && !ir_is_whole(&c->nodes[source]);
    return source;
  }
  ir_access access = ir_access_of(c, ir_arg(c, n, a), &n->shape);
  *same_rows = access.read != IR_READ_SPLAT && (access.read == IR_READ_FULL || access.view.period == 0) &&
               ir_rows_match(&c->nodes[access.source].shape, &n->shape) && !ir_is_whole(&c->nodes[access.source]);
  *element = access.read == IR_READ_FULL;
  return access.source;
}

typedef bp_status (*visit_fn)(ir *c, void *user, uint32_t id, int a);

static bp_status visit_reads(ir *c, visit_fn visit, void *user) {
  for (uint32_t id = 1; id < c->size; id++)
    for (int a = 0; c->nodes[id].instruction >= 0 && a < ir_arity(&c->nodes[id]); a++) BP_TRY(visit(c, user, id, a));
  return BP_OK;
}

static bp_status need(ir *c, void *user, uint32_t id, int a) {
  (void)user;
  bool same_rows, element;
  uint32_t source = read_source(c, id, a, &same_rows, &element);
  int32_t from = c->nodes[source].instruction, to = c->nodes[id].instruction;
  if (from < 0 || from == to) return BP_OK;
  c->nodes[source].in_memory = true;
  return add_edge(c, from, to, same_rows);
}

/* ---- states ---- */
/* Finds a read of a state that a store in instruction `writer` would spoil. */
typedef struct spoil {
  uint32_t *store; /* by input: the node that updates it, 0 none */
  bool *late;      /* by input: the update has to wait for the end */
} spoil;

static bp_status find_late(ir *c, void *user, uint32_t id, int a) {
  spoil *s = user;
  bool same_rows, element;
  uint32_t source = read_source(c, id, a, &same_rows, &element);
  int32_t input = c->nodes[source].input;
  if (input < 0 || s->store[input] == 0 || s->store[input] == id) return BP_OK;
  int32_t reader = c->nodes[id].instruction, writer = c->nodes[s->store[input]].instruction;
  if (reader > writer || (reader == writer && !element)) s->late[input] = true;
  return BP_OK;
}

static bp_status wait_for_readers(ir *c, void *user, uint32_t id, int a) {
  const spoil *s = user;
  bool same_rows, element;
  uint32_t source = read_source(c, id, a, &same_rows, &element);
  int32_t input = c->nodes[source].input;
  if (input < 0 || s->store[input] == 0) return BP_OK;
  int32_t reader = c->nodes[id].instruction, writer = c->nodes[s->store[input]].instruction;
  return reader == writer ? BP_OK : add_edge(c, reader, writer, same_rows && element);
}

/* Moves a store into an instruction of its own behind all others. */
static bp_status move_to_end(ir *c, uint32_t store) {
  ir_node *n = &c->nodes[store];
  ir_instruction *home = &c->instructions[n->instruction];
  size_t kept = 0;
  for (size_t i = 0; i < home->n_body; i++)
    if (home->body[i] != store) home->body[kept++] = home->body[i];
  home->n_body = kept;
  home->dead = home->kind == IR_FUSED && kept == 0;
  BP_TRY(bp_grow(c->ctx, (void **)&c->instructions, &c->instructions_capacity, c->n_instructions + 1,
                 sizeof *c->instructions));
  ir_instruction *end = &c->instructions[c->n_instructions];
  *end = (ir_instruction){.kind = IR_FUSED, .shape = n->shape, .phase = -1, .chain = -1};
  n->instruction = (int32_t)c->n_instructions++;
  BP_TRY(bp_grow(c->ctx, (void **)&end->body, &end->body_capacity, 1, sizeof *end->body));
  end->body[end->n_body++] = store;
  return BP_OK;
}

static bp_status order_states(ir *c) {
  bp_status status = BP_OK;
  spoil s = {bp_calloc(c->ctx, c->n_inputs, sizeof *s.store), bp_calloc(c->ctx, c->n_inputs, sizeof *s.late)};
  if (s.store == NULL || s.late == NULL) status = BP_E_NOMEM;
  for (uint32_t id = 1; status == BP_OK && id < c->size; id++)
    if (c->nodes[id].state >= 0) s.store[c->nodes[id].state] = id;
  if (status == BP_OK) status = visit_reads(c, find_late, &s);
  for (size_t i = 0; status == BP_OK && i < c->n_inputs; i++)
    if (s.late[i]) status = move_to_end(c, s.store[i]);
  if (status == BP_OK) status = visit_reads(c, wait_for_readers, &s);
  bp_release(c->allocator, s.store, c->n_inputs, sizeof *s.store);
  bp_release(c->allocator, s.late, c->n_inputs, sizeof *s.late);
  return status;
}

/* ---- phases ---- */
/* Edges in the order of the instruction that they lead to: a counting sort. */
static bp_status sort_edges(ir *c) {
  size_t n = c->n_instructions + 1;
  size_t *begin = bp_calloc(c->ctx, n, sizeof *begin);
  ir_edge *sorted = bp_alloc(c->ctx, c->n_edges, sizeof *sorted);
  bp_status status = begin == NULL || sorted == NULL ? BP_E_NOMEM : BP_OK;
  if (status == BP_OK) {
    for (size_t i = 0; i < c->n_edges; i++) begin[c->edges[i].to + 1]++;
    for (size_t i = 1; i < n; i++) begin[i] += begin[i - 1];
    for (size_t i = 0; i < c->n_edges; i++) sorted[begin[c->edges[i].to]++] = c->edges[i];
    if (c->n_edges > 0) memcpy(c->edges, sorted, c->n_edges * sizeof *sorted);
  }
  bp_release(c->allocator, begin, n, sizeof *begin);
  bp_release(c->allocator, sorted, c->n_edges, sizeof *sorted);
  return status;
}

static bool is_scalar_work(const ir *c, const ir_instruction *i) {
  return i->shape.rank == 0 &&
         (i->kind == IR_FUSED || (i->kind == IR_OP && c->nodes[i->main].node.op == BP_OP_axis_size));
}

/* Elements of the largest array that is kept for being constant. */
#define CONSTANT_MOST ((int64_t)1 << 20)

/* Operations that need no scratch and do not depend on the batch: those that seeds of Jacobians are made by. */
static bool may_be_constant(bp_op op) {
  switch (op) {
  case BP_OP_slice:
  case BP_OP_place:
  case BP_OP_transpose:
  case BP_OP_broadcast:
  case BP_OP_reshape:
  case BP_OP_concat:
  case BP_OP_assemble:
  case BP_OP_triangle:
  case BP_OP_gather:
  case BP_OP_one_hot: return true;
  default: return bp_op_table[op].kernel != BP_EW_NONE;
  }
}

static bool is_constant_node(const ir *c, const ir_node *n) {
  if (n->output >= 0 || n->state >= 0 || !may_be_constant((bp_op)n->node.op)) return false;
  for (int a = 0; a < ir_arity(n); a++) {
    const ir_node *from = &c->nodes[ir_access_of(c, ir_arg(c, n, a), &n->shape).source];
    bool made =
        from->instruction >= 0 && (from->instruction == n->instruction || c->instructions[from->instruction].constant);
    if (from->input >= 0 || (!made && from->node.op != BP_OP_constant && from->node.op != BP_OP_scalar)) return false;
  }
  return true;
}

static bool is_constant_work(const ir *c, const ir_instruction *i) {
  if (i->dead || i->shape.rank == 0 || bp_shape_has_batch(&i->shape) || (i->kind != IR_OP && i->kind != IR_FUSED))
    return false;
  if (bp_shape_elements(&i->shape, 1) > CONSTANT_MOST) return false;
  if (i->kind == IR_OP && !is_constant_node(c, &c->nodes[i->main])) return false;
  for (size_t k = 0; k < i->n_body; k++)
    if (!is_constant_node(c, &c->nodes[i->body[k]])) return false;
  return true;
}

static void earliest_phases(ir *c) {
  size_t e = 0;
  for (size_t i = 0; i < c->n_instructions; i++) {
    ir_instruction *to = &c->instructions[i];
    to->phase = 0;
    to->constant = is_constant_work(c, to);
    to->prologue = to->constant || is_scalar_work(c, to);
    for (; e < c->n_edges && c->edges[e].to == (int32_t)i; e++) {
      const ir_instruction *from = &c->instructions[c->edges[e].from];
      if (from->prologue) continue;
      int32_t after = from->phase + (c->edges[e].same_rows ? 0 : 1);
      to->prologue = false;
      if (after > to->phase) to->phase = after;
    }
    if (!to->dead && !to->prologue && to->phase + 1 > c->phases) c->phases = to->phase + 1;
  }
}

/* An edge that does not name rows means one phase later; so does a prologue, which is before all phases. */
static void latest_phases(ir *c) {
  for (size_t i = 0; i < c->n_instructions; i++) c->instructions[i].phase = c->phases - 1;
  for (size_t e = c->n_edges; e-- > 0;) {
    ir_instruction *from = &c->instructions[c->edges[e].from];
    const ir_instruction *to = &c->instructions[c->edges[e].to];
    int32_t before = to->phase - (c->edges[e].same_rows ? 0 : 1);
    if (!to->dead && before < from->phase) from->phase = before;
  }
}

/* ---- chains ---- */
static int32_t chain_root(ir *c, int32_t i) {
  while (c->instructions[i].chain != i) i = c->instructions[i].chain = c->instructions[c->instructions[i].chain].chain;
  return i;
}

/* Instructions of one phase that are tied row by row go into one chain; the chain is named by its first instruction. */
static void tie_chains(ir *c) {
  for (size_t i = 0; i < c->n_instructions; i++) c->instructions[i].chain = (int32_t)i;
  for (size_t e = 0; e < c->n_edges; e++) {
    const ir_instruction *a = &c->instructions[c->edges[e].from], *b = &c->instructions[c->edges[e].to];
    if (a->prologue || b->prologue || a->phase != b->phase || !c->edges[e].same_rows) continue;
    int32_t x = chain_root(c, c->edges[e].from), y = chain_root(c, c->edges[e].to);
    if (x < y) c->instructions[y].chain = x;
    if (y < x) c->instructions[x].chain = y;
  }
  for (size_t i = 0; i < c->n_instructions; i++) {
    ir_instruction *ins = &c->instructions[i];
    ins->chain = chain_root(c, (int32_t)i);
    if (!ins->dead && !ins->prologue && ins->chain == (int32_t)i) c->chains++;
  }
}

bp_status ir_schedule(ir *c) {
  BP_TRY(order_states(c));
  BP_TRY(visit_reads(c, need, NULL));
  for (uint32_t id = 1; id < c->size; id++)
    if (c->nodes[id].instruction >= 0 && (c->nodes[id].output >= 0 || c->nodes[id].state >= 0))
      c->nodes[id].in_memory = true;
  BP_TRY(sort_edges(c));
  earliest_phases(c);
  latest_phases(c);
  tie_chains(c);
  return BP_OK;
}
