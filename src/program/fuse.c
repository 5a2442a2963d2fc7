/* fuse.c - nodes become instructions. Floor: program.
 *
 * Going up the list, an elementwise node joins the last instruction that feeds it when both run over the same space and it
 * reads that instruction's values element by element, or the loop behind an instruction that takes in none (a sum); so chains become one loop, and chains after a matrix product its
 * epilogue. Since everything else it reads was computed earlier, the order of instructions stays valid. A node that needs inputs
 * only (momentum times the old velocity) floats until its first reader is placed, and joins it. Numbers made of inputs only (a
 * learning rate) come before everything else, so that whoever reads them can still join what came earlier in the list.
 * Going down, a node whose only readers sit in one later instruction moves there when that hands on no more values through
 * memory: the derivative h > 0 of a relu is computed where it is used instead of being stored.
 */
#include "base/fail.h"
#include "program/ir.h"

static bp_status new_instruction(ir *c, uint32_t id, bool elementwise) {
  BP_TRY(bp_grow(c->ctx, (void **)&c->instructions, &c->instructions_capacity, c->n_instructions + 1,
                 sizeof *c->instructions));
  ir_kind kind = elementwise ? IR_FUSED : c->nodes[id].node.op == BP_OP_matmul ? IR_GEMM : IR_OP;
  c->instructions[c->n_instructions] = (ir_instruction){
      .kind = kind, .main = elementwise ? 0 : id, .shape = c->nodes[id].shape, .phase = -1, .chain = -1};
  if (ir_is_whole(&c->nodes[id]))
    c->instructions[c->n_instructions].shape = (bp_shape){.rank = 0}; /* one row: one task */
  c->nodes[id].instruction = (int32_t)c->n_instructions++;
  return BP_OK;
}

/* ---- going up ---- */
enum { FLOATING = -2 }; /* as an instruction: elementwise, of inputs and other floating nodes only; not placed yet */

static bool reads_raw(const ir_node *n) { return n->node.op == BP_OP_gather || n->node.op == BP_OP_one_hot; }

/* Nodes whose place is being decided: a stack, since chains may be long. */
typedef struct placer {
  ir *c;
  uint32_t *stack;   /* room for every node */
  uint32_t *seen_by; /* by node: whom last_needed() saw it for */
} placer;

/* Puts a node, and the floating nodes that it reads, into an instruction. */
static void place(placer *p, uint32_t id, int32_t instruction) {
  size_t n = 0;
  p->c->nodes[id].instruction = instruction;
  p->stack[n++] = id;
  while (n > 0) {
    const ir_node *reader = &p->c->nodes[p->stack[--n]];
    for (int a = 0; a < ir_arity(reader); a++) {
      ir_node *arg = &p->c->nodes[ir_arg(p->c, reader, a)];
      if (arg->instruction != FLOATING) continue;
      arg->instruction = instruction;
      p->stack[n++] = ir_arg(p->c, reader, a);
    }
  }
}

static bp_status place_anew(placer *p, uint32_t id) {
  BP_TRY(new_instruction(p->c, id, true));
  place(p, id, p->c->nodes[id].instruction);
  return BP_OK;
}

/* Floating nodes that the reader cannot take in (a view, another space, no elementwise reader) get an instruction now. */
static bp_status settle_arguments(placer *p, uint32_t id) {
  const ir *c = p->c;
  const ir_node *n = &c->nodes[id];
  for (int a = 0; a < ir_arity(n); a++) {
    uint32_t arg = ir_arg(c, n, a);
    bool takes_in =
        n->region == 0 && ir_is_elementwise(n) && !reads_raw(n) && ir_same_space(&c->nodes[arg].shape, &n->shape);
    uint32_t source = ir_is_view(&c->nodes[arg]) ? ir_access_of(c, arg, &n->shape).source : ir_memory_node(c, arg);
    if (c->nodes[source].instruction == FLOATING && !(takes_in && source == arg)) BP_TRY(place_anew(p, source));
  }
  return BP_OK;
}

static bool floats(const ir *c, uint32_t id) {
  const ir_node *n = &c->nodes[id];
  if (n->output >= 0 || n->state >= 0 || reads_raw(n)) return false;
  for (int a = 0; a < ir_arity(n); a++)
    if (c->nodes[ir_access_of(c, ir_arg(c, n, a), &n->shape).source].instruction >= 0) return false;
  return true;
}

/* The last instruction that an elementwise node needs, also through the floating nodes that come with it (some of what
 * those read may have been placed since): -1 if only inputs and constants. */
static int32_t last_needed(placer *p, uint32_t id) {
  const ir *c = p->c;
  int32_t last = -1;
  size_t n = 0;
  p->stack[n++] = id;
  while (n > 0) {
    const ir_node *reader = &c->nodes[p->stack[--n]];
    for (int a = 0; a < ir_arity(reader); a++) {
      uint32_t source = ir_access_of(c, ir_arg(c, reader, a), &reader->shape).source;
      int32_t at = c->nodes[source].instruction;
      if (at > last) last = at;
      if (at != FLOATING || p->seen_by[source] == id) continue;
      p->seen_by[source] = id;
      p->stack[n++] = source;
    }
  }
  return last;
}

static bool can_join(const ir *c, uint32_t id, int32_t instruction) {
  const ir_node *n = &c->nodes[id];
  if (instruction < 0) return false;
  const ir_instruction *host = &c->instructions[instruction];
  if (host->kind == IR_OP || host->kind == IR_SCALARS || !ir_same_space(&host->shape, &n->shape)) return false;
  for (int a = 0; a < ir_arity(n); a++) {
    ir_access access = ir_access_of(c, ir_arg(c, n, a), &n->shape);
    if (c->nodes[access.source].instruction == instruction && (access.read != IR_READ_FULL || reads_raw(n)))
      return false;
  }
  return true;
}

/* Node `id` and those behind it are a region: what they read gets instructions before theirs. */
static bp_status place_region(placer *p, uint32_t id) {
  ir *c = p->c;
  int32_t region = c->nodes[id].region;
  uint32_t end = id;
  for (; end < c->size && c->nodes[end].region == region; end++) BP_TRY(settle_arguments(p, end));
  BP_TRY(new_instruction(c, id, true));
  int32_t instruction = c->nodes[id].instruction;
  c->instructions[instruction].kind = IR_SCALARS;
  c->instructions[instruction].shape = (bp_shape){.rank = 0};
  for (; id < end; id++) c->nodes[id].instruction = instruction;
  return BP_OK;
}

static bp_status join(placer *p, uint32_t id) {
  ir *c = p->c;
  ir_node *n = &c->nodes[id];
  if (n->region != 0) return n->instruction >= 0 ? BP_OK : place_region(p, id);
  if (n->instruction >= 0 || (ir_is_virtual(n) && n->node.op != BP_OP_reshape && n->node.op != BP_OP_broadcast))
    return BP_OK;
  BP_TRY(settle_arguments(p, id));
  if (ir_is_virtual(n)) return BP_OK;
  if (!ir_is_elementwise(n)) return new_instruction(c, id, false);
  if (c->no_fusion) return place_anew(p, id);
  if (floats(c, id)) {
    n->instruction = FLOATING;
    return BP_OK;
  }
  int32_t host = last_needed(p, id), follower = host >= 0 ? c->instructions[host].follower : 0;
  if (!can_join(c, id, host) && follower > 0) host = follower;
  if (can_join(c, id, host)) {
    place(p, id, host);
    return BP_OK;
  }
  BP_TRY(place_anew(p, id));
  if (host >= 0) c->instructions[host].follower = n->instruction;
  return BP_OK;
}

/* ---- early numbers ---- */
static void find_early(ir *c) {
  for (uint32_t id = 1; id < c->size; id++) {
    ir_node *n = &c->nodes[id];
    bool source = n->node.op == BP_OP_input || n->node.op == BP_OP_constant || n->node.op == BP_OP_scalar;
    bool work = n->node.op == BP_OP_axis_size || (ir_is_elementwise(n) && !reads_raw(n)) || ir_is_virtual(n);
    n->early = source || (work && n->region == 0 && n->shape.rank == 0 && n->output < 0 && n->state < 0);
    for (int a = 0; n->early && a < ir_arity(n); a++) n->early = c->nodes[ir_arg(c, n, a)].early;
  }
}

static bp_status join_early(placer *p, uint32_t id) {
  ir *c = p->c;
  if (!c->nodes[id].early || ir_is_virtual(&c->nodes[id])) return BP_OK;
  if (!ir_is_elementwise(&c->nodes[id])) return new_instruction(c, id, false);
  int32_t host = c->no_fusion ? -1 : last_needed(p, id);
  if (!can_join(c, id, host)) return place_anew(p, id);
  place(p, id, host);
  return BP_OK;
}

/* ---- going down ---- */
typedef struct users {
  uint32_t *begin; /* by node: first place in list; [size] ends it */
  uint32_t *list;
} users;

static bp_status users_init(ir *c, users *u) {
  u->begin = bp_calloc(c->ctx, c->size + 1, sizeof *u->begin);
  if (u->begin == NULL) return BP_E_NOMEM;
  for (size_t id = 1; id < c->size; id++)
    for (int a = 0; a < ir_arity(&c->nodes[id]); a++) u->begin[ir_arg(c, &c->nodes[id], a) + 1]++;
  for (size_t id = 0; id < c->size; id++) u->begin[id + 1] += u->begin[id];
  u->list = bp_calloc(c->ctx, u->begin[c->size], sizeof *u->list);
  if (u->list == NULL) return BP_E_NOMEM;
  for (size_t id = c->size; id-- > 1;)
    for (int a = 0; a < ir_arity(&c->nodes[id]); a++)
      u->list[--u->begin[ir_arg(c, &c->nodes[id], a) + 1]] = (uint32_t)id;
  /* the loop above moved each begin[x + 1] to where the list of x starts */
  for (size_t id = 0; id < c->size; id++) u->begin[id] = u->begin[id + 1];
  return BP_OK;
}

static void users_release(const ir *c, users *u, size_t n_list) {
  bp_release(c->allocator, u->list, n_list, sizeof *u->list);
  bp_release(c->allocator, u->begin, c->size + 1, sizeof *u->begin);
}

/* Whether the value of a node has to lie in memory while its own instruction is `home`. */
static bool needs_memory(const ir *c, const users *u, size_t n_list, uint32_t id, int32_t home) {
  const ir_node *n = &c->nodes[id];
  size_t end = id + 1 < c->size ? u->begin[id + 1] : n_list;
  if (n->output >= 0 || n->state >= 0) return true;
  for (size_t i = u->begin[id]; i < end; i++)
    if (c->nodes[u->list[i]].instruction != home) return true; /* views have none */
  return false;
}

/* An operation that shares an exponential with its argument, and is computed with it: see compounds.def. */
static bool shares_work(const ir_node *n) {
  return n->node.op == BP_OP_tanh_unit_slope || n->node.op == BP_OP_sigmoid_unit_slope;
}

/* The one later instruction that holds all readers of a node, -1 if there is no such. */
static int32_t only_reader(const ir *c, const users *u, size_t n_list, uint32_t id) {
  size_t end = id + 1 < c->size ? u->begin[id + 1] : n_list;
  int32_t target = -1;
  for (size_t i = u->begin[id]; i < end; i++) {
    const ir_node *reader = &c->nodes[u->list[i]];
    if (!ir_is_elementwise(reader) || reads_raw(reader) || !ir_same_space(&reader->shape, &c->nodes[id].shape))
      return -1;
    if (target >= 0 && reader->instruction != target) return -1;
    target = reader->instruction;
  }
  return target;
}

static void sink(ir *c, const users *u, size_t n_list, uint32_t id) {
  ir_node *n = &c->nodes[id];
  if (n->instruction < 0 || !ir_is_elementwise(n) || n->output >= 0 || n->state >= 0 || shares_work(n)) return;
  int32_t home = n->instruction, target = n->region != 0 ? -1 : only_reader(c, u, n_list, id);
  if (target < 0 || target == home || c->instructions[target].kind == IR_SCALARS) return;
  int stored = 0;
  for (int a = 0; a < ir_arity(n); a++) {
    uint32_t arg = ir_arg(c, n, a);
    if (c->nodes[arg].instruction != home || needs_memory(c, u, n_list, arg, home)) continue;
    if (c->instructions[home].kind == IR_GEMM && c->instructions[home].main == arg) return;
    stored++;
  }
  if (stored <= 1) n->instruction = target;
}

/* ---- results ---- */
static bp_status body_add(ir *c, int32_t instruction, uint32_t id) {
  ir_instruction *i = &c->instructions[instruction];
  BP_TRY(bp_grow(c->ctx, (void **)&i->body, &i->body_capacity, i->n_body + 1, sizeof *i->body));
  i->body[i->n_body++] = id;
  return BP_OK;
}

/* Bodies in the order of the list, stores last: what reads a state element comes before its update. */
static bp_status fill_bodies(ir *c) {
  for (int stores = 0; stores < 2; stores++)
    for (uint32_t id = 1; id < c->size; id++) {
      const ir_node *n = &c->nodes[id];
      if (n->instruction >= 0 && (ir_is_elementwise(n) || n->region != 0) && (n->state >= 0) == (stores == 1))
        BP_TRY(body_add(c, n->instruction, id));
    }
  for (size_t i = 0; i < c->n_instructions; i++)
    c->instructions[i].dead = c->instructions[i].kind == IR_FUSED && c->instructions[i].n_body == 0;
  return BP_OK;
}

bp_status ir_fuse(ir *c) {
  users u = {0};
  bp_status status = BP_OK;
  placer p = {.c = c};
  p.stack = bp_alloc(c->ctx, c->size, sizeof *p.stack);
  p.seen_by = bp_calloc(c->ctx, c->size, sizeof *p.seen_by);
  if (p.stack == NULL || p.seen_by == NULL) status = BP_E_NOMEM;
  find_early(c);
  for (uint32_t id = 1; status == BP_OK && id < c->size; id++) status = join_early(&p, id);
  for (uint32_t id = 1; status == BP_OK && id < c->size; id++) status = join(&p, id);
  bp_release(c->allocator, p.stack, c->size, sizeof *p.stack);
  bp_release(c->allocator, p.seen_by, c->size, sizeof *p.seen_by);
  if (status == BP_OK && !c->no_fusion) {
    size_t n_list = 0;
    for (size_t id = 1; id < c->size; id++) n_list += (size_t)ir_arity(&c->nodes[id]);
    status = users_init(c, &u);
    for (uint32_t id = (uint32_t)c->size; status == BP_OK && id-- > 1;) sink(c, &u, n_list, id);
    users_release(c, &u, n_list);
  }
  return status == BP_OK ? fill_bodies(c) : status;
}
