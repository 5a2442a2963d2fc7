/* encode_body.c - the elementwise nodes of one instruction as code for the register machine. Floor: program.
 *
 * A value that only its own instruction reads gets a register, reused after its last reader; everything else is read and
 * written where it lies. Nodes that a compound kernel computes together become one step, at the place of the last of them.
 */
#include "base/fail.h"
#include "program/encode.h"

static encode_value *value_of(encoder *e, uint32_t id) {
  encode_value *v = &e->values[id];
  if (v->stamp != e->instruction + 1)
    *v = (encode_value){.stamp = e->instruction + 1, .slot = -1, .last_use = -1, .found = -1};
  return v;
}

static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

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
  e->register_bytes += padded(e->block_bytes + (s.kind == SLOT_TILE ? (size_t)s.period * 8 : 0));
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

/* The slot of a number that a compound kernel reads: where it lies, not spread over a register. */
static bp_status number_slot(encoder *e, const ir_node *reader, uint32_t arg, int32_t *number) {
  ir_access a = ir_access_of(e->c, arg, &reader->shape);
  const ir_node *from = &e->c->nodes[a.source];
  if (a.read == IR_READ_SPLAT || value_of(e, a.source)->slot >= 0 || from->instruction == e->instruction)
    return read_slot(e, reader, arg, false, number);
  return add_slot(e, (plan_slot){.kind = SLOT_RAW, .dtype = from->node.dtype, .buffer = from->buffer}, number);
}

/* ---- results ---- */
static bp_status register_slot(encoder *e, uint8_t dtype, int32_t *number) {
  size_t offset = e->register_bytes;
  if (e->n_free > 0) {
    offset = e->slots[e->free_registers[--e->n_free]].offset;
  } else {
    e->register_bytes += e->block_bytes;
    e->n_registers++;
  }
  return add_slot(e, (plan_slot){.kind = SLOT_REGISTER, .dtype = dtype, .buffer = -1, .offset = offset}, number);
}

static bp_status release_argument(encoder *e, uint32_t arg, const ir_node *reader, int32_t place) {
  encode_value *v = value_of(e, ir_access_of(e->c, arg, &reader->shape).source);
  if (v->slot < 0 || v->last_use != place || e->slots[v->slot].kind != SLOT_REGISTER) return BP_OK;
  v->last_use = -1; /* an argument used twice is released once */
  BP_TRY(bp_grow(e->c->ctx, (void **)&e->free_registers, &e->free_capacity, e->n_free + 1, sizeof *e->free_registers));
  e->free_registers[e->n_free++] = v->slot;
  return BP_OK;
}

static bp_status release_after(encoder *e, const ir_node *n, int32_t place) {
  for (int a = 0; a < ir_arity(n); a++) BP_TRY(release_argument(e, ir_arg(e->c, n, a), n, place));
  return BP_OK;
}

/* Whether nothing that runs behind place `at` reads a state. */
static bool is_read_no_more(encoder *e, const ir_instruction *from, uint32_t state, int32_t at, const bp_shape *shape) {
  for (size_t k = 0; k < from->n_body; k++) {
    const ir_node *n = &e->c->nodes[from->body[k]];
    if (value_of(e, from->body[k])->runs_at <= at) continue;
    for (int a = 0; a < ir_arity(n); a++)
      if (ir_access_of(e->c, ir_arg(e->c, n, a), shape).source == state) return false;
  }
  return true;
}

/* The store that can be saved by writing the value itself to the state: nothing behind it in the body may read the old
 * state, or need the value elsewhere in memory. 0 if there is none. */
static uint32_t direct_store(encoder *e, const ir_instruction *from, size_t place) {
  const ir *c = e->c;
  uint32_t id = from->body[place];
  if (c->nodes[id].in_memory) return 0;
  for (size_t i = from->n_body; i-- > place + 1 && c->nodes[from->body[i]].state >= 0;) {
    const ir_node *store = &c->nodes[from->body[i]];
    if (store->node.arg[0] != id || store->node.op != BP_OP_stop_gradient) continue;
    uint32_t state = c->input_node[store->state];
    if (!is_read_no_more(e, from, state, value_of(e, id)->runs_at, &store->shape)) return 0;
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
  const bp_kernels *kernels = bp_kernels_use();
  plan_code code = {.kind = CODE_ELEMENTWISE, .dtype = n->node.dtype};
  code.number = (int16_t)bp_op_table[n->node.op].kernel;
  if (code.number >= 0) code.fn.ew = kernels->ew[n->node.dtype == BP_F64 ? BP_KF64 : BP_KF32][code.number];
  code.from = ir_arity(n) > 0 ? c->nodes[ir_memory_node(c, n->node.arg[0])].node.dtype : n->node.dtype;
  code.columns = bp_shape_row(&n->shape);
  if (n->node.op == BP_OP_cast) code.kind = CODE_CAST;
  if (n->node.op == BP_OP_gather) code.kind = CODE_GATHER;
  if (n->node.op == BP_OP_one_hot) code.kind = CODE_ONE_HOT;
  return code;
}

/* Slots that a kernel does not have are the first one again: they are read and forgotten. */
static void repeat_slots(plan_code *code, int n_out, int n_in) {
  for (int i = n_out; i < BP_COMPOUND_OUTPUTS; i++) code->out[i] = code->out[0];
  for (int i = n_in; i < BP_COMPOUND_INPUTS; i++) code->in[i] = n_in > 0 ? code->in[0] : code->out[0];
}

static size_t place_of(const ir_instruction *from, uint32_t id, size_t place) {
  while (from->body[place] != id) place--;
  return place;
}

static bp_status encode_compound(encoder *e, const ir_instruction *from, size_t place, plan_code *step) {
  const compound_found *f = &e->found[value_of(e, from->body[place])->found];
  const ir *c = e->c;
  bool f64 = c->nodes[f->root].node.dtype == BP_F64;
  int n_in = bp_compound_inputs(f->compound), n_out = bp_compound_outputs(f->compound);
  *step = (plan_code){.kind = CODE_COMPOUND, .dtype = c->nodes[f->root].node.dtype, .number = (int16_t)f->compound};
  step->fn.compound = bp_kernels_use()->compound[f64 ? BP_KF64 : BP_KF32][f->compound];
  for (int i = 0; i < n_in; i++) {
    const ir_node *reader = &c->nodes[f->reader[i]];
    BP_TRY(compound_is_number(f->compound, i) ? number_slot(e, reader, f->input[i], &step->in[i])
                                              : read_slot(e, reader, f->input[i], false, &step->in[i]));
  }
  for (int i = 0; i < n_in; i++) BP_TRY(release_argument(e, f->input[i], &c->nodes[f->reader[i]], (int32_t)place));
  for (int s = 0; s < compound_steps(f->compound); s++) {
    int output = compound_output_of_step(f->compound, s);
    if (output < 0) continue;
    BP_TRY(result_slot(e, from, place_of(from, f->step[s], place)));
    step->out[output] = value_of(e, f->step[s])->slot;
  }
  repeat_slots(step, n_out, n_in);
  return BP_OK;
}

static bp_status encode_node(encoder *e, const ir_instruction *from, size_t place, plan_code *code, int32_t *n_code) {
  const ir_node *n = &e->c->nodes[from->body[place]];
  encode_value *v = value_of(e, from->body[place]);
  bool raw = n->node.op == BP_OP_gather || n->node.op == BP_OP_one_hot;
  if (v->last_use == -2) return BP_OK; /* a store that its value has done already */
  if (v->found >= 0) return v->runs_at > (int32_t)place ? BP_OK : encode_compound(e, from, place, &code[(*n_code)++]);
  plan_code step = code_of(e->c, n);
  for (int a = 0; a < ir_arity(n); a++) BP_TRY(read_slot(e, n, ir_arg(e->c, n, a), raw, &step.in[a]));
  /* Kernels of one type may write over an argument, conversions may not. */
  if (step.kind == CODE_ELEMENTWISE) BP_TRY(release_after(e, n, (int32_t)place));
  BP_TRY(result_slot(e, from, place));
  step.out[0] = value_of(e, from->body[place])->slot;
  if (step.kind != CODE_ELEMENTWISE) BP_TRY(release_after(e, n, (int32_t)place));
  repeat_slots(&step, 1, ir_arity(n));
  code[(*n_code)++] = step;
  return BP_OK;
}

/* ---- compounds ---- */
static bool is_step(const compound_found *f, uint32_t id) {
  for (int s = 0; s < compound_steps(f->compound); s++)
    if (f->step[s] == id) return true;
  return false;
}

/* Whether steps that are no output of the kernel have no other reader, and those that are, none before the root; and none is an
 * input as well (x + x with x = a b). */
static bool steps_are_free(encoder *e, const ir_instruction *from, size_t root, const compound_found *f) {
  const ir *c = e->c;
  for (int i = 0; i < bp_compound_inputs(f->compound); i++)
    if (is_step(f, ir_access_of(c, f->input[i], &c->nodes[f->reader[i]].shape).source)) return false;
  for (int s = 0; s < compound_steps(f->compound); s++) {
    encode_value *v = value_of(e, f->step[s]);
    if (v->found >= 0 || c->nodes[f->step[s]].state >= 0) return false;
    if (compound_output_of_step(f->compound, s) < 0 && c->nodes[f->step[s]].in_memory) return false;
  }
  for (size_t k = 0; k < from->n_body; k++) {
    const ir_node *n = &c->nodes[from->body[k]];
    bool late = value_of(e, from->body[k])->runs_at > (int32_t)root;
    if (is_step(f, from->body[k])) continue;
    for (int a = 0; a < ir_arity(n); a++) {
      uint32_t source = ir_access_of(c, ir_arg(c, n, a), &n->shape).source;
      for (int s = 0; s < compound_steps(f->compound); s++)
        if (f->step[s] == source && !(late && compound_output_of_step(f->compound, s) >= 0)) return false;
    }
  }
  return true;
}

/* The largest bodies of which anybody searches for compounds: a search looks at the whole body. */
enum { COMPOUND_BODY = 256 };

static bp_status find_compounds(encoder *e, const ir_instruction *from) {
  compound_found f;
  e->n_found = 0;
  for (size_t i = 0; i < from->n_body; i++) value_of(e, from->body[i])->runs_at = (int32_t)i;
  if (e->c->no_fusion || from->n_body > COMPOUND_BODY) return BP_OK;
  for (size_t i = from->n_body; i-- > 0;) {
    if (value_of(e, from->body[i])->found >= 0) continue;
    bool found = false;
    for (int k = 0; k < BP_COMPOUND_COUNT && !found; k++) {
      if (!compound_find(e->c, from->body[i], (bp_compound)k, &f)) break;
      found = steps_are_free(e, from, i, &f);
      k = (int)f.compound;
    }
    if (!found) continue;
    BP_TRY(bp_grow(e->c->ctx, (void **)&e->found, &e->found_capacity, e->n_found + 1, sizeof *e->found));
    for (int s = 0; s < compound_steps(f.compound); s++) {
      value_of(e, f.step[s])->found = (int32_t)e->n_found;
      value_of(e, f.step[s])->runs_at = (int32_t)i;
    }
    e->found[e->n_found++] = f;
  }
  return BP_OK;
}

static void find_last_uses(encoder *e, const ir_instruction *from) {
  for (size_t i = 0; i < from->n_body; i++) {
    const ir_node *n = &e->c->nodes[from->body[i]];
    int32_t at = value_of(e, from->body[i])->runs_at;
    for (int a = 0; a < ir_arity(n); a++) {
      encode_value *v = value_of(e, ir_access_of(e->c, ir_arg(e->c, n, a), &n->shape).source);
      if (v->last_use < at) v->last_use = at;
    }
  }
}

/* ---- bodies ---- */
/* Bytes of the widest element that a body reads or computes. */
static int64_t widest_element(const ir *c, const ir_instruction *from) {
  for (size_t i = 0; i < from->n_body; i++) {
    const ir_node *n = &c->nodes[from->body[i]];
    if (n->node.dtype == BP_F64) return 8;
    for (int a = 0; a < ir_arity(n); a++)
      if (c->nodes[ir_arg(c, n, a)].node.dtype == BP_F64) return 8;
  }
  return 4;
}

/* Elements of a block: as many as a register holds, whole rows where they fit. */
static void choose_block(encoder *e, const ir_instruction *from) {
  int64_t row = bp_shape_row(&from->shape), size = widest_element(e->c, from);
  int64_t most = PLAN_REGISTER_BYTES / size;
  if (row > 0 && row <= most) most = most / row * row;
  int64_t elements = bp_shape_has_batch(&from->shape) ? most : bp_shape_elements(&from->shape, 0);
  e->block = elements < most ? elements : most;
  e->block_bytes = padded((size_t)(e->block * size));
}

/* The slots in the order of their kinds, and the code with their new numbers. */
static bp_status order_slots(encoder *e, plan_instruction *to, plan_code *code) {
  plan_slot *slots = bp_arena_alloc(&e->p->arena, e->n_slots, sizeof *slots);
  int32_t *number = bp_alloc(e->c->ctx, e->n_slots, sizeof *number), n = 0;
  if (slots == NULL || number == NULL) {
    bp_release(e->c->allocator, number, e->n_slots, sizeof *number);
    return BP_E_NOMEM;
  }
  for (int kind = 0; kind < SLOT_KINDS; kind++) {
    for (size_t i = 0; i < e->n_slots; i++) {
      if (e->slots[i].kind != kind) continue;
      slots[n] = e->slots[i];
      number[i] = n++;
    }
    to->slots_end[kind] = n;
  }
  for (int32_t i = 0; i < to->n_code; i++) {
    for (int k = 0; k < BP_COMPOUND_INPUTS; k++) code[i].in[k] = number[code[i].in[k]];
    for (int k = 0; k < BP_COMPOUND_OUTPUTS; k++) code[i].out[k] = number[code[i].out[k]];
  }
  bp_release(e->c->allocator, number, e->n_slots, sizeof *number);
  to->slots = slots;
  to->n_slots = n;
  return BP_OK;
}

bp_status encode_body(encoder *e, const ir_instruction *from, plan_instruction *to) {
  e->n_slots = e->n_free = e->register_bytes = 0;
  e->n_registers = 0;
  plan_code *code = bp_arena_alloc(&e->p->arena, from->n_body, sizeof *code);
  if (code == NULL) return BP_E_NOMEM;
  choose_block(e, from);
  BP_TRY(find_compounds(e, from));
  find_last_uses(e, from);
  if (from->kind == IR_GEMM) {
    const ir_node *product = &e->c->nodes[from->main];
    plan_slot s = {.kind = product->in_memory ? SLOT_MEMORY : SLOT_PRODUCT,
                   .dtype = product->node.dtype,
                   .buffer = product->buffer};
    BP_TRY(add_slot(e, s, &value_of(e, from->main)->slot));
  }
  for (size_t i = 0; i < from->n_body; i++) BP_TRY(encode_node(e, from, i, code, &to->n_code));
  BP_TRY(order_slots(e, to, code));
  to->code = code;
  to->block = e->block;
  to->n_registers = e->n_registers;
  if (e->register_bytes > e->p->register_bytes) e->p->register_bytes = e->register_bytes;
  if (padded(e->n_slots * sizeof(char *)) > e->p->slot_bytes) e->p->slot_bytes = padded(e->n_slots * sizeof(char *));
  return BP_OK;
}
