/* encode_body.c - the elementwise nodes of one instruction as code for the register machine. Floor: program.
 *
 * A value that only its own instruction reads gets a register, reused after its last reader; everything else is read and
 * written where it lies.
 */
#include "base/fail.h"
#include "program/encode.h"

static encode_value *value_of(encoder *e, uint32_t id) {
  encode_value *v = &e->values[id];
  if (v->stamp != e->instruction + 1) *v = (encode_value){.stamp = e->instruction + 1, .slot = -1, .last_use = -1};
  return v;
}

static size_t bytes_of(int64_t elements) { return ((size_t)elements * 8 + 63) / 64 * 64; }

static bp_status add_slot(encoder *e, plan_slot slot, int32_t *number) {
  BP_TRY(bp_grow(e->c->ctx, (void **)&e->slots, &e->slots_capacity, e->n_slots + 1, sizeof *e->slots));
  slot.size = (uint8_t)bp_dtype_size((bp_dtype)slot.dtype);
  e->slots[e->n_slots] = slot;
  *number = (int32_t)e->n_slots++;
  return BP_OK;
}

/* ---- constants and views ---- */
static bp_status splat_slot(encoder *e, const ir_node *n, int32_t *number) {
  void *data = bp_arena_alloc(&e->p->arena, (size_t)e->block, 8);
  if (data == NULL) return BP_E_NOMEM;
  bp_fill(data, n->node.dtype == BP_F64 ? BP_KF64 : BP_KF32, n->node.attr.scalar, e->block);
  return add_slot(e, (plan_slot){.kind = SLOT_SPLAT, .dtype = n->node.dtype, .buffer = -1, .splat = data}, number);
}

static bp_status view_slot(encoder *e, const ir_access *a, int32_t *number) {
  const ir_node *from = &e->c->nodes[a->source];
  plan_slot s = {.dtype = from->node.dtype, .buffer = from->buffer, .repeat = a->view.repeat, .period = a->view.period};
  s.offset = e->register_bytes;
  if (bp_shape_elements(&from->shape, 2) == 1)
    s.kind = SLOT_SCALAR;
  else if (s.repeat == 1 && s.period <= e->block)
    s.kind = SLOT_TILE;
  else
    s.kind = s.repeat == 1 ? SLOT_STRIP : SLOT_REPEAT;
  e->register_bytes += bytes_of(e->block + (s.kind == SLOT_TILE ? s.period : 0));
  return add_slot(e, s, number);
}

/* The slot through which a node of the body reads `arg`. */
static bp_status read_slot(encoder *e, const ir_node *reader, uint32_t arg, bool raw, int32_t *number) {
  encode_value *v = value_of(e, arg);
  if (v->slot < 0) {
    ir_access a = ir_access_of(e->c, arg, &reader->shape);
    const ir_node *from = &e->c->nodes[a.source];
    if (raw)
      BP_TRY(add_slot(e, (plan_slot){.kind = SLOT_RAW, .dtype = from->node.dtype, .buffer = from->buffer}, &v->slot));
    else if (a.read == IR_READ_SPLAT)
      BP_TRY(splat_slot(e, &e->c->nodes[arg], &v->slot));
    else if (a.read == IR_READ_VIEW)
      BP_TRY(view_slot(e, &a, &v->slot));
    else if (value_of(e, a.source)->slot >= 0)
      v->slot = value_of(e, a.source)->slot;
    else
      BP_TRY(
          add_slot(e, (plan_slot){.kind = SLOT_MEMORY, .dtype = from->node.dtype, .buffer = from->buffer}, &v->slot));
  }
  *number = v->slot;
  return BP_OK;
}

/* ---- results ---- */
static bp_status register_slot(encoder *e, uint8_t dtype, int32_t *number) {
  size_t offset = e->register_bytes;
  if (e->n_free > 0) {
    offset = e->slots[e->free_registers[--e->n_free]].offset;
  } else {
    e->register_bytes += bytes_of(e->block);
    e->n_registers++;
  }
  return add_slot(e, (plan_slot){.kind = SLOT_REGISTER, .dtype = dtype, .buffer = -1, .offset = offset}, number);
}

static bp_status release_after(encoder *e, const ir_node *n, int32_t place) {
  for (int a = 0; a < ir_arity(n); a++) {
    encode_value *v = value_of(e, ir_access_of(e->c, ir_arg(e->c, n, a), &n->shape).source);
    if (v->slot < 0 || v->last_use != place || e->slots[v->slot].kind != SLOT_REGISTER) continue;
    v->last_use = -1; /* an argument used twice is released once */
    BP_TRY(
        bp_grow(e->c->ctx, (void **)&e->free_registers, &e->free_capacity, e->n_free + 1, sizeof *e->free_registers));
    e->free_registers[e->n_free++] = v->slot;
  }
  return BP_OK;
}

/* The store that can be saved by writing the value itself to the state: nothing behind it in the body may read the old
 * state, or need the value elsewhere in memory. 0 if there is none. */
static uint32_t direct_store(const encoder *e, const ir_instruction *from, size_t place) {
  const ir *c = e->c;
  uint32_t id = from->body[place];
  if (c->nodes[id].in_memory) return 0;
  for (size_t i = from->n_body; i-- > place + 1 && c->nodes[from->body[i]].state >= 0;) {
    const ir_node *store = &c->nodes[from->body[i]];
    if (store->node.arg[0] != id || store->node.op != BP_OP_stop_gradient) continue;
    uint32_t state = c->input_node[store->state];
    for (size_t k = place + 1; k < from->n_body; k++)
      for (int a = 0; a < ir_arity(&c->nodes[from->body[k]]); a++)
        if (ir_access_of(c, ir_arg(c, &c->nodes[from->body[k]], a), &store->shape).source == state) return 0;
    return from->body[i];
  }
  return 0;
}

static bp_status result_slot(encoder *e, const ir_instruction *from, size_t place) {
  ir *c = e->c;
  uint32_t id = from->body[place];
  const ir_node *n = &c->nodes[id];
  encode_value *v = value_of(e, id);
  uint32_t store = n->state >= 0 ? id : direct_store(e, from, place);
  if (store != 0) {
    int32_t buffer = c->nodes[c->input_node[c->nodes[store].state]].buffer;
    if (store != id) value_of(e, store)->last_use = -2; /* done with */
    return add_slot(e, (plan_slot){.kind = SLOT_MEMORY, .dtype = n->node.dtype, .buffer = buffer}, &v->slot);
  }
  if (n->in_memory)
    return add_slot(e, (plan_slot){.kind = SLOT_MEMORY, .dtype = n->node.dtype, .buffer = n->buffer}, &v->slot);
  return register_slot(e, n->node.dtype, &v->slot);
}

static plan_code code_of(const ir *c, const ir_node *n) {
  plan_code code = {.kind = CODE_ELEMENTWISE, .dtype = n->node.dtype, .out = -1, .in = {-1, -1, -1}};
  code.ew = (int16_t)bp_op_table[n->node.op].kernel;
  code.from = ir_arity(n) > 0 ? c->nodes[ir_memory_node(c, n->node.arg[0])].node.dtype : n->node.dtype;
  code.columns = bp_shape_row(&n->shape);
  if (n->node.op == BP_OP_cast) code.kind = CODE_CAST;
  if (n->node.op == BP_OP_gather) code.kind = CODE_GATHER;
  if (n->node.op == BP_OP_one_hot) code.kind = CODE_ONE_HOT;
  return code;
}

static bp_status encode_node(encoder *e, const ir_instruction *from, size_t place, plan_code *code, int32_t *n_code) {
  const ir_node *n = &e->c->nodes[from->body[place]];
  encode_value *v = value_of(e, from->body[place]);
  bool raw = n->node.op == BP_OP_gather || n->node.op == BP_OP_one_hot;
  if (v->last_use == -2) return BP_OK; /* a store that its value has done already */
  plan_code step = code_of(e->c, n);
  for (int a = 0; a < ir_arity(n); a++) BP_TRY(read_slot(e, n, ir_arg(e->c, n, a), raw, &step.in[a]));
  /* Kernels of one type may write over an argument, conversions may not. */
  if (step.kind == CODE_ELEMENTWISE) BP_TRY(release_after(e, n, (int32_t)place));
  BP_TRY(result_slot(e, from, place));
  step.out = value_of(e, from->body[place])->slot;
  if (step.kind != CODE_ELEMENTWISE) BP_TRY(release_after(e, n, (int32_t)place));
  code[(*n_code)++] = step;
  return BP_OK;
}

static void find_last_uses(encoder *e, const ir_instruction *from) {
  for (size_t i = 0; i < from->n_body; i++) {
    const ir_node *n = &e->c->nodes[from->body[i]];
    for (int a = 0; a < ir_arity(n); a++)
      value_of(e, ir_access_of(e->c, ir_arg(e->c, n, a), &n->shape).source)->last_use = (int32_t)i;
  }
}

bp_status encode_body(encoder *e, const ir_instruction *from, plan_instruction *to) {
  int64_t elements = bp_shape_has_batch(&from->shape) ? PLAN_BLOCK : bp_shape_elements(&from->shape, 0);
  e->block = elements < PLAN_BLOCK ? elements : PLAN_BLOCK;
  e->n_slots = e->n_free = e->register_bytes = 0;
  e->n_registers = 0;
  plan_code *code = bp_arena_alloc(&e->p->arena, from->n_body, sizeof *code);
  if (code == NULL) return BP_E_NOMEM;
  find_last_uses(e, from);
  if (from->kind == IR_GEMM) {
    const ir_node *product = &e->c->nodes[from->main];
    plan_slot s = {.kind = product->in_memory ? SLOT_MEMORY : SLOT_PRODUCT,
                   .dtype = product->node.dtype,
                   .buffer = product->buffer};
    BP_TRY(add_slot(e, s, &value_of(e, from->main)->slot));
  }
  for (size_t i = 0; i < from->n_body; i++) BP_TRY(encode_node(e, from, i, code, &to->n_code));
  plan_slot *slots = bp_arena_alloc(&e->p->arena, e->n_slots, sizeof *slots);
  if (slots == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < e->n_slots; i++) slots[i] = e->slots[i];
  to->slots = slots;
  to->n_slots = (int32_t)e->n_slots;
  to->code = code;
  to->n_registers = e->n_registers;
  if (e->register_bytes > e->p->register_bytes) e->p->register_bytes = e->register_bytes;
  return BP_OK;
}
