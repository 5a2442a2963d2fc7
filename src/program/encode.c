/* encode.c - the scheduled instructions as an immutable program. Floor: program. */
#include "program/encode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "graph/assembly.h"
#include "graph/custom_node.h"
#include "program/scalar_code.h"

/* ---- buffers ---- */
/* More than size_t holds is told as its largest value, which no workspace takes. */
static size_t dense_bytes(int64_t elements, size_t size) {
  return (uint64_t)elements <= SIZE_MAX / size ? (size_t)elements * size : SIZE_MAX;
}

static plan_buffer buffer_of(const ir *c, const ir_node *n) {
  plan_buffer b = {.place = PLAN_WORKSPACE};
  b.bytes = dense_bytes(bp_shape_elements(&n->shape, c->max_batch), bp_dtype_size((bp_dtype)n->node.dtype));
  if (n->packed) {
    bool transposed = (n->node.attr.bits & BP_MATMUL_TB) != 0;
    b.bytes = bp_gemm_packed_bytes(n->shape.dims[!transposed], n->shape.dims[transposed],
                                   n->node.dtype == BP_F64 ? BP_KF64 : BP_KF32);
  }
  if (n->input >= 0) b.place = PLAN_INPUT, b.number = n->input;
  if (n->node.op == BP_OP_constant) b.place = PLAN_CONSTANT, b.data = n->node.attr.data;
  if (n->output >= 0) b.place = PLAN_OUTPUT, b.number = n->output;
  return b;
}

static bool has_buffer(const ir_node *n) {
  return n->input >= 0 || (n->live && n->node.op == BP_OP_constant) ||
         (n->instruction >= 0 && n->in_memory && n->state < 0);
}

static void count_readers(ir *c) {
  for (size_t id = 1; id < c->size; id++) {
    const ir_node *n = &c->nodes[id];
    for (int a = 0; n->instruction >= 0 && a < ir_arity(n); a++)
      c->nodes[ir_access_of(c, ir_arg(c, n, a), &n->shape).source].readers++;
  }
}

/* The buffer of an argument that this node alone reads, element by element, in the phase that made it: the result can lie there.
 * So a cotangent takes the place of the derivative which it is multiplied with. -1: there is none. */
static int32_t inherited_buffer(const ir *c, const bp_program *p, const ir_node *n) {
  if (n->instruction < 0 || n->output >= 0 || bp_op_table[n->node.op].kernel == BP_EW_NONE) return -1;
  const ir_instruction *here = &c->instructions[n->instruction];
  for (int a = 0; a < ir_arity(n); a++) {
    ir_access access = ir_access_of(c, ir_arg(c, n, a), &n->shape);
    const ir_node *from = &c->nodes[access.source];
    if (access.read != IR_READ_FULL || from->readers != 1 || from->instruction < 0 || from->buffer < 0) continue;
    const ir_instruction *there = &c->instructions[from->instruction];
    if (there != here && there->phase == here->phase && !there->prologue && !here->prologue &&
        from->node.dtype == n->node.dtype && p->buffers[from->buffer].place == PLAN_WORKSPACE)
      return from->buffer;
  }
  return -1;
}

static bp_status encode_buffers(ir *c, bp_program *p) {
  size_t count = 0;
  for (size_t id = 1; id < c->size; id++) count += has_buffer(&c->nodes[id]);
  p->buffers = bp_arena_alloc(&p->arena, count, sizeof *p->buffers);
  if (p->buffers == NULL) return BP_E_NOMEM;
  count_readers(c);
  for (size_t id = 1; id < c->size; id++) {
    ir_node *n = &c->nodes[id];
    if (!has_buffer(n)) continue;
    n->buffer = inherited_buffer(c, p, n);
    if (n->buffer >= 0) continue;
    plan_buffer b = buffer_of(c, n);
    if (b.place == PLAN_CONSTANT) { /* the graph may go away */
      void *copy = bp_arena_alloc(&p->arena, b.bytes, 1);
      if (copy == NULL) return BP_E_NOMEM;
      memcpy(copy, b.data, b.bytes);
      b.data = copy;
    }
    n->buffer = p->n_buffers;
    p->buffers[p->n_buffers++] = b;
  }
  int32_t *moving = bp_arena_alloc(&p->arena, (size_t)p->n_buffers, sizeof *moving);
  if (moving == NULL) return BP_E_NOMEM;
  for (int32_t b = 0; b < p->n_buffers; b++)
    if (p->buffers[b].place == PLAN_INPUT || p->buffers[b].place == PLAN_OUTPUT) moving[p->n_moving++] = b;
  p->moving = moving;
  for (size_t id = 1; id < c->size; id++)
    if (c->nodes[id].state >= 0) c->nodes[id].buffer = c->nodes[c->input_node[c->nodes[id].state]].buffer;
  return encode_memory(c, p);
}

/* Adds a check unless one of the same buffer says as much. first: by buffer, the newest of its checks; next: by check, the one
 * before; -1 ends. */
static void add_check(bp_program *p, const plan_check *k, int32_t *first, int32_t *next) {
  for (int32_t i = first[k->buffer]; i >= 0; i = next[i])
    if (p->checks[i].rows == k->rows && p->checks[i].limit <= k->limit) return;
  next[p->n_checks] = first[k->buffer];
  first[k->buffer] = p->n_checks;
  p->checks[p->n_checks++] = *k;
}

static bp_status encode_checks(ir *c, bp_program *p) {
  size_t count = 0, n_buffers = (size_t)p->n_buffers;
  for (size_t id = 1; id < c->size; id++) count += bp_index_arg((bp_op)c->nodes[id].node.op) >= 0;
  p->checks = bp_arena_alloc(&p->arena, count, sizeof *p->checks);
  int32_t *first = bp_alloc(c->ctx, n_buffers + count, sizeof *first);
  if (p->checks == NULL || first == NULL) {
    bp_release(c->allocator, first, n_buffers + count, sizeof *first);
    return BP_E_NOMEM;
  }
  for (size_t b = 0; b < n_buffers; b++) first[b] = -1;
  for (size_t id = 1; id < c->size; id++) {
    const ir_node *n = &c->nodes[id];
    int a = bp_index_arg((bp_op)n->node.op);
    if (a < 0 || n->instruction < 0) continue;
    uint32_t index = ir_arg(c, n, a);
    plan_check k = {(bp_op)n->node.op, c->nodes[ir_memory_node(c, index)].buffer, c->nodes[index].shape.dims[0],
                    bp_index_limit((bp_op)n->node.op, &n->shape, &c->nodes[ir_arg(c, n, 0)].shape)};
    add_check(p, &k, first, first + n_buffers);
  }
  bp_release(c->allocator, first, n_buffers + count, sizeof *first);
  return BP_OK;
}

/* ---- instructions ---- */
static bp_status compile_function(ir *c, const bp_function *f, bp_program **out) {
  bp_compile_options o = {.size = sizeof o, .max_batch = 1, .no_fusion = c->no_fusion};
  if (f->graph == NULL) return BP_OK;
  return bp_compile(f->outputs, f->n_outputs, f->inputs, f->n_inputs, &o, out);
}

/* Programs for the functions of a branch or loop, and its layout copied: the graph may go away. */
static bp_status encode_call(encoder *e, const ir_node *n, plan_instruction *to) {
  bp_program *p = e->p;
  const bp_call_info *info = bp_call_info_of(&n->node);
  size_t sizes = info->l.n_in + info->l.n_out + info->l.n_results;
  plan_call *call = &p->calls[p->n_calls];
  call->layout = info->l;
  call->layout.in_bytes = bp_arena_alloc(&p->arena, sizes, sizeof(size_t));
  if (call->layout.in_bytes == NULL) return BP_E_NOMEM;
  memcpy(call->layout.in_bytes, info->l.in_bytes, sizes * sizeof(size_t));
  call->layout.out_bytes = call->layout.in_bytes + info->l.n_in;
  call->layout.offset = call->layout.out_bytes + info->l.n_out;
  to->call = p->n_calls++; /* counted first: what has been compiled is freed with the program */
  BP_TRY(compile_function(e->c, &info->body, &call->functions[0]));
  return compile_function(e->c, &info->other, &call->functions[1]);
}

static bp_status encode_main(encoder *e, const ir_instruction *from, plan_instruction *to) {
  const ir *c = e->c;
  const ir_node *n = &c->nodes[from->main];
  plan_arg *args = bp_arena_alloc(&e->p->arena, (size_t)ir_arity(n), sizeof *args);
  if (args == NULL) return BP_E_NOMEM;
  for (int a = 0; a < ir_arity(n); a++) {
    const ir_node *arg = &c->nodes[ir_arg(c, n, a)];
    args[a] = (plan_arg){c->nodes[ir_memory_node(c, ir_arg(c, n, a))].buffer, (bp_dtype)arg->node.dtype, arg->shape};
  }
  if (n->packed) to->kind = PLAN_PACK;
  to->b_packed = from->kind == IR_GEMM && c->nodes[n->node.arg[1]].packed;
  to->node = n->node;
  if (n->node.op == BP_OP_custom || n->node.op == BP_OP_custom_vjp) { /* the graph may go away */
    to->node.attr.data = bp_custom_copy(&e->p->arena, bp_custom_info_of(&n->node));
    if (to->node.attr.data == NULL) return BP_E_NOMEM;
  }
  if (n->node.op == BP_OP_assemble) {
    to->node.attr.data = bp_assembly_copy(&e->p->arena, bp_assembly_of(&n->node));
    if (to->node.attr.data == NULL) return BP_E_NOMEM;
  }
  to->shape = n->shape;
  to->out = n->buffer;
  to->args = args;
  to->n_args = ir_arity(n);
  to->first_arg = e->p->n_args;
  e->p->n_args += to->n_args;
  return n->node.op == BP_OP_call ? encode_call(e, n, to) : BP_OK;
}

static bp_status encode_instruction(encoder *e, int32_t number) {
  const ir_instruction *from = &e->c->instructions[number];
  plan_instruction *to = &e->p->instructions[e->p->n_instructions++];
  *to = (plan_instruction){
      .kind = (plan_kind)from->kind, .shape = from->shape, .row = bp_shape_row(&from->shape), .out = -1};
  e->instruction = number;
  if (from->kind == IR_SCALARS) return encode_scalars(e, from, to);
  if (from->kind != IR_FUSED) BP_TRY(encode_main(e, from, to));
  if (from->kind != IR_OP) BP_TRY(encode_body(e, from, to));
  encode_cost(e->c, e->p, from, to);
  return BP_OK;
}

/* ---- chains ---- */
/* Rows of a block. A right side that outgrows the second-level cache is read once for each block: with 128 rows it costs little,
 * and more rows gain nothing that was measurable. Loops without a product stay small, so that a block is in the cache from one
 * to the next. */
enum { PRODUCT_ROWS = 128, LOOP_ELEMENTS = 32768, LOOP_ROWS = 1 << 20 };

static int64_t choose_block(const bp_program *p, const plan_chain *chain) {
  double elements = 0;
  bool packs = false; /* cut at multiples of 16 rows, as products are */
  for (int32_t i = 0; i < chain->count; i++) {
    const plan_instruction *ins = &p->instructions[chain->first + i];
    if (ins->kind == PLAN_GEMM) return PRODUCT_ROWS;
    elements += (double)ins->row;
    packs = packs || ins->kind == PLAN_PACK;
  }
  double rows = LOOP_ELEMENTS / (elements > 0 ? elements : 1);
  if (rows < 16) return packs ? 16 : rows < 1 ? 1 : (int64_t)rows;
  return rows < LOOP_ROWS ? (int64_t)rows / 16 * 16 : LOOP_ROWS;
}

/* Scratch of the products and operations of a chain, now that its block is known. */
static void chain_scratch(const ir *c, bp_program *p, const plan_chain *chain) {
  int64_t rows = chain->rows < 0 ? c->max_batch : chain->rows, block = chain->block < rows ? chain->block : rows;
  for (int32_t i = 0; i < chain->count; i++) {
    const plan_instruction *ins = &p->instructions[chain->first + i];
    bp_exec_arg arg[3] = {{0}}; /* operations of more arguments need no scratch */
    for (int32_t a = 0; a < ins->n_args && a < 3; a++)
      arg[a] = (bp_exec_arg){NULL, bp_shape_resolve(&ins->args[a].shape, c->max_batch), ins->args[a].dtype};
    bp_exec e = {
        .node = ins->node, .shape = bp_shape_resolve(&ins->shape, c->max_batch), .arg = arg, .arity = ins->n_args};
    size_t scratch = ins->kind == PLAN_FUSED || ins->kind == PLAN_SCALARS ? 0 : bp_exec_scratch(&e, block);
    if (ins->kind == PLAN_SCALARS) scratch = plan_scalars_scratch(ins->scalars);
    size_t product = ins->kind == PLAN_GEMM && ins->out < 0
                         ? (size_t)(block * ins->row) * bp_dtype_size((bp_dtype)ins->node.dtype)
                         : 0;
    scratch = (scratch + 63) / 64 * 64;
    product = (product + 63) / 64 * 64;
    if (scratch > p->gemm_scratch) p->gemm_scratch = scratch;
    if (product > p->product_bytes) p->product_bytes = product;
  }
}

typedef struct chain_order {
  int32_t *next;        /* by instruction: the next one of its chain */
  int32_t *last;        /* by chain name: its newest member */
  int32_t *phase_first; /* by phase: first chain name */
  int32_t *chain_next;  /* by chain name: the next one of its phase */
} chain_order;

static void order_chains(const ir *c, chain_order *o) {
  int32_t n = (int32_t)c->n_instructions;
  for (int32_t i = 0; i < n; i++) {
    const ir_instruction *ins = &c->instructions[i];
    o->next[i] = o->chain_next[i] = -1;
    o->last[i] = i;
    if (ins->dead || ins->prologue || ins->chain == i) continue;
    o->next[o->last[ins->chain]] = i;
    o->last[ins->chain] = i;
  }
  for (int32_t p = 0; p < c->phases; p++) o->phase_first[p] = -1;
  for (int32_t i = n; i-- > 0;) {
    const ir_instruction *ins = &c->instructions[i];
    if (ins->dead || ins->prologue || ins->chain != i) continue;
    o->chain_next[i] = o->phase_first[ins->phase];
    o->phase_first[ins->phase] = i;
  }
}

static bp_status encode_chain(encoder *e, const chain_order *o, int32_t name) {
  bp_program *p = e->p;
  plan_chain *chain = &p->chains[p->n_chains++];
  const bp_shape *s = &e->c->instructions[name].shape;
  *chain = (plan_chain){.first = p->n_instructions, .rows = s->rank == 0 ? 1 : s->dims[0]};
  for (int32_t i = name; i >= 0; i = o->next[i], chain->count++) BP_TRY(encode_instruction(e, i));
  chain->block = choose_block(p, chain);
  chain_scratch(e->c, p, chain);
  return BP_OK;
}

/* Whether a node of the prologue depends on the batch alone and lies in the workspace: then it stays from run to run. */
static bool is_fixed_node(const encoder *e, const ir_node *n, const bool *fixed) {
  if (n->output >= 0 || n->state >= 0) return false;
  for (int a = 0; a < ir_arity(n); a++) {
    const ir_node *source = &e->c->nodes[ir_access_of(e->c, ir_arg(e->c, n, a), &n->shape).source];
    if (source->input >= 0 || (source->instruction >= 0 && !fixed[source->instruction])) return false;
  }
  return true;
}

/* Marks what depends on the batch alone, in the prologue. The instructions stand there in the order of the compiler's. */
static bp_status find_fixed(encoder *e) {
  ir *c = e->c;
  bool *fixed = bp_calloc(c->ctx, c->n_instructions, sizeof *fixed);
  int32_t number = 0;
  if (fixed == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < c->n_instructions; i++) {
    const ir_instruction *ins = &c->instructions[i];
    if (ins->dead || !ins->prologue) continue;
    fixed[i] = ins->kind == IR_FUSED || is_fixed_node(e, &c->nodes[ins->main], fixed);
    for (size_t k = 0; k < ins->n_body && fixed[i]; k++) {
      const ir_node *n = &c->nodes[ins->body[k]];
      fixed[i] = is_fixed_node(e, n, fixed);
    }
    e->p->instructions[number++].fixed = fixed[i];
  }
  bp_release(c->allocator, fixed, c->n_instructions, sizeof *fixed);
  return BP_OK;
}

static void count_work(const bp_program *p, plan_chain *chain) {
  for (int32_t i = 0; i < chain->count; i++) {
    const plan_instruction *ins = &p->instructions[chain->first + i];
    chain->work_per_row += ins->flops_per_row + ins->bytes_per_row;
    chain->work += ins->flops + ins->bytes;
  }
  chain->most_work = plan_chain_work(chain, p->max_batch);
}

static int more_work_first(const void *a, const void *b) {
  const plan_chain *x = a, *y = b;
  if (x->most_work != y->most_work) return x->most_work > y->most_work ? -1 : 1;
  return x->first < y->first ? -1 : 1;
}

/* The chains of a phase, those with most work first: threads that share them end together when the small ones come last. */
static void sort_chains(bp_program *p, plan_phase *phase) {
  plan_chain *chains = &p->chains[phase->first];
  for (int32_t i = 0; i < phase->count; i++) {
    count_work(p, &chains[i]);
    phase->work_per_row += chains[i].work_per_row;
    phase->work += chains[i].work;
  }
  qsort(chains, (size_t)phase->count, sizeof *chains, more_work_first);
}

static bp_status encode_phases(encoder *e, const chain_order *o) {
  ir *c = e->c;
  bp_program *p = e->p;
  for (int32_t i = 0; i < (int32_t)c->n_instructions; i++)
    if (!c->instructions[i].dead && c->instructions[i].prologue) BP_TRY(encode_instruction(e, i));
  p->n_prologue = p->n_instructions;
  BP_TRY(find_fixed(e));
  for (int32_t phase = 0; phase < c->phases; phase++) {
    plan_phase *to = &p->phases[p->n_phases++];
    to->first = p->n_chains;
    for (int32_t name = o->phase_first[phase]; name >= 0; name = o->chain_next[name]) BP_TRY(encode_chain(e, o, name));
    to->count = p->n_chains - to->first;
    sort_chains(p, to);
    if (to->count == 0) p->n_phases--;
  }
  return BP_OK;
}

static bp_status make_room_for_calls(ir *c, bp_program *p) {
  size_t calls = 0;
  for (size_t id = 1; id < c->size; id++) calls += c->nodes[id].node.op == BP_OP_call;
  p->calls = bp_arena_alloc(&p->arena, calls, sizeof *p->calls);
  return p->calls != NULL ? BP_OK : BP_E_NOMEM;
}

static bp_status encode_instructions(ir *c, bp_program *p) {
  size_t n = c->n_instructions;
  encoder e = {.c = c, .p = p};
  chain_order o = {0};
  bp_status status = BP_OK;
  p->instructions = bp_arena_alloc(&p->arena, n, sizeof *p->instructions);
  p->chains = bp_arena_alloc(&p->arena, n, sizeof *p->chains);
  p->phases = bp_arena_alloc(&p->arena, (size_t)c->phases, sizeof *p->phases);
  e.values = bp_calloc(c->ctx, c->size, sizeof *e.values);
  int32_t *orders = bp_alloc(c->ctx, 3 * n + (size_t)c->phases, sizeof *orders);
  if (p->instructions == NULL || p->chains == NULL || p->phases == NULL || e.values == NULL || orders == NULL) {
    status = BP_E_NOMEM;
  } else {
    o = (chain_order){orders, orders + n, orders + 3 * n, orders + 2 * n};
    order_chains(c, &o);
    status = encode_phases(&e, &o);
  }
  bp_release(c->allocator, e.values, c->size, sizeof *e.values);
  bp_release(c->allocator, orders, 3 * n + (size_t)c->phases, sizeof *orders);
  bp_release(c->allocator, e.slots, e.slots_capacity, sizeof *e.slots);
  bp_release(c->allocator, e.free_registers, e.free_capacity, sizeof *e.free_registers);
  bp_release(c->allocator, e.found, e.found_capacity, sizeof *e.found);
  return status;
}

bp_status ir_encode(ir *c, bp_program **out) {
  bp_program *p = bp_calloc(c->ctx, 1, sizeof *p);
  if (p == NULL) return BP_E_NOMEM;
  bp_arena_init(&p->arena, c->ctx);
  p->max_batch = c->max_batch;
  p->n_inputs = c->n_inputs;
  p->n_outputs = c->n_outputs;
  bp_status status = encode_buffers(c, p);
  if (status == BP_OK) status = encode_checks(c, p);
  if (status == BP_OK) status = make_room_for_calls(c, p);
  if (status == BP_OK) status = encode_instructions(c, p);
  if (status != BP_OK) {
    bp_program_free(p);
    return status;
  }
  p->arena.ctx = NULL;
  *out = p;
  return BP_OK;
}
