/* scalar_code.c - makes the code of a region of numbers. Floor: program.
 *
 * The nodes become values: constants, elements that are read, operations; an array is a list of the values of its elements.
 * A value's depth is one more than that of the deepest value it needs, but all of a chain (((a + b) + c) + d) ... have one depth when
 * no term needs the chain. So operations of one depth do not need each other, and those that are alike are put in the order
 * of the slots that they read: then loops over equal distances appear wherever the computation has any regularity.
 */
#include "program/scalar_code.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "graph/assembly.h"
#include "program/encode.h"

/* Terms from which a chain is a loop of its own, and operations from which a run is one. */
enum { CHAIN_LEAST = 12, RUN_LEAST = 4, SHORT_MOST = 24 };
enum { VALUE_CONSTANT = -1, VALUE_LOAD = -2 };

typedef struct value {
  int16_t kernel; /* bp_ew, or VALUE_... */
  bool extended;  /* a chain goes on behind it */
  uint32_t arg[3], slot;
  int32_t depth, chain, wanted; /* chain: its first value; wanted: that of the first attempt, when it was long */
  union {
    double number;
    int64_t place; /* of a load */
  } u;
} value;

typedef struct key { /* to sort values by */
  int64_t major, minor;
  uint32_t last, value;
} key;

typedef struct maker {
  encoder *e;
  const ir *c;
  value *values;
  size_t n_values, values_capacity;
  uint32_t *elements; /* of all arrays that are put together here */
  size_t n_elements, elements_capacity;
  key *keys;
  uint32_t *code;
  size_t n_code, code_capacity;
  scalar_move *moves;
  size_t n_moves, moves_capacity;
  size_t n_slots, n_constants;
} maker;

/* ---- values ---- */
static bp_status add_value(maker *m, value v, uint32_t *number) {
  if (m->n_values >= INT32_MAX / 4) return bp_fail(m->c->ctx, BP_E_LIMIT, "compile: too many numbers in one region");
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->values, &m->values_capacity, m->n_values + 1, sizeof *m->values));
  *number = (uint32_t)m->n_values;
  v.chain = v.wanted = (int32_t)*number;
  m->values[m->n_values++] = v;
  return BP_OK;
}

/* What is known of a node: the number of its value, or of the first of its elements; -1 nothing. */
static int32_t *known(maker *m, uint32_t id) {
  encode_value *v = &m->e->values[id];
  if (v->stamp != m->e->instruction + 1) *v = (encode_value){.stamp = m->e->instruction + 1, .slot = -1};
  return &v->slot;
}

static bp_status load(maker *m, uint32_t from, int64_t place, uint32_t *number) {
  uint32_t buffer = (uint32_t)m->c->nodes[ir_memory_node(m->c, from)].buffer;
  return add_value(m, (value){.kernel = VALUE_LOAD, .arg = {buffer}, .u.place = place}, number);
}

static bp_status operand(maker *m, uint32_t id, uint32_t *number) {
  int32_t *at = known(m, id);
  const ir_node *n = &m->c->nodes[id];
  if (*at < 0) {
    if (n->node.op == BP_OP_scalar)
      BP_TRY(add_value(m, (value){.kernel = VALUE_CONSTANT, .u.number = n->node.attr.scalar}, number));
    else
      BP_TRY(load(m, id, 0, number));
    *at = (int32_t)*number;
  }
  *number = (uint32_t)*at;
  return BP_OK;
}

static bool is_array(const ir_node *n) { return n->node.op == BP_OP_concat || n->node.op == BP_OP_assemble; }

static bp_status slice(maker *m, const ir_node *n, uint32_t *number) {
  uint32_t from = n->node.arg[0];
  int64_t place = (int64_t)n->node.attr.bits;
  if (m->c->nodes[from].instruction != m->e->instruction) return load(m, from, place, number);
  *number = (uint32_t)*known(m, from);
  if (m->elements != NULL && is_array(&m->c->nodes[from])) *number = m->elements[*number + (uint32_t)place];
  return BP_OK;
}

static bp_status operation(maker *m, const ir_node *n, uint32_t *number) {
  value v = {.kernel = (int16_t)bp_op_table[n->node.op].kernel};
  int arity = ir_arity(n);
  for (int a = 0; a < arity; a++) BP_TRY(operand(m, ir_arg(m->c, n, a), &v.arg[a]));
  for (int a = arity; a < 3; a++) v.arg[a] = v.arg[0];
  *number = v.arg[0];
  return v.kernel == BP_EW_copy ? BP_OK : add_value(m, v, number);
}

/* ---- arrays ---- */
static bp_status room_for_array(maker *m, const ir_node *n, size_t *first) {
  size_t count = (size_t)bp_shape_elements(&n->shape, 1);
  *first = m->n_elements;
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->elements, &m->elements_capacity, m->n_elements + count, sizeof *m->elements));
  m->n_elements += count;
  return BP_OK;
}

static int64_t place_of_piece(const ir_node *n, const bp_assembly *a, size_t piece) {
  const bp_axis_span *spans = bp_piece_spans(a, piece);
  int64_t place = 0, step = 1;
  for (int i = n->shape.rank - 1; i >= 0; step *= n->shape.dims[i], i--)
    for (uint32_t k = 0; k < a->pieces[piece].n_spans; k++)
      if (spans[k].axis == i) place += bp_span_start(spans[k].bits) * step;
  return place;
}

static bp_status assemble(maker *m, const ir_node *n, uint32_t *elements) {
  const bp_assembly *a = bp_assembly_of(&n->node);
  size_t first = (size_t)(elements - m->elements);
  uint32_t zero = 0, part = 0;
  BP_TRY(add_value(m, (value){.kernel = VALUE_CONSTANT}, &zero));
  for (int64_t i = 0; i < bp_shape_elements(&n->shape, 1); i++) m->elements[first + (size_t)i] = zero;
  for (size_t i = 0; i < a->n_pieces; i++) {
    uint32_t *to = &m->elements[first + (size_t)place_of_piece(n, a, i)];
    BP_TRY(operand(m, ir_arg(m->c, n, (int)i), &part));
    if (a->pieces[i].adds) BP_TRY(add_value(m, (value){.kernel = BP_EW_add, .arg = {*to, part, *to}}, &part));
    *to = part;
  }
  return BP_OK;
}

static bp_status add_node(maker *m, uint32_t id) {
  const ir_node *n = &m->c->nodes[id];
  uint32_t number = 0;
  size_t first = 0;
  if (is_array(n)) {
    BP_TRY(room_for_array(m, n, &first));
    for (int a = 0; n->node.op == BP_OP_concat && a < ir_arity(n); a++)
      BP_TRY(operand(m, ir_arg(m->c, n, a), &m->elements[first + (size_t)a]));
    if (n->node.op == BP_OP_assemble) BP_TRY(assemble(m, n, &m->elements[first]));
    number = (uint32_t)first;
  } else if (n->node.op == BP_OP_slice) {
    BP_TRY(slice(m, n, &number));
  } else {
    BP_TRY(operation(m, n, &number));
  }
  *known(m, id) = (int32_t)number;
  return BP_OK;
}

/* ---- depths and chains ---- */
static bool chains(int16_t kernel) { return kernel == BP_EW_add || kernel == BP_EW_sub || kernel == BP_EW_mul; }

static void swap(value *v) {
  uint32_t a = v->arg[0];
  v->arg[0] = v->arg[1];
  v->arg[1] = a;
}

/* Joins the chain of argument p, when its last value is that and the other argument does not need the chain. */
static bool join_chain(maker *m, value *v, int p, bool wanted) {
  value *before = &m->values[v->arg[p]];
  if (before->kernel != v->kernel || before->extended || v->arg[0] == v->arg[1]) return false;
  if (m->values[v->arg[1 - p]].depth >= before->depth || (wanted && before->wanted != v->wanted)) return false;
  before->extended = true;
  v->depth = before->depth;
  v->chain = before->chain;
  if (p == 1) swap(v);
  return true;
}

static void find_depths(maker *m, bool wanted) {
  for (size_t i = 0; i < m->n_values; i++) {
    value *v = &m->values[i];
    int32_t depth = 0;
    v->extended = false;
    v->depth = 0;
    v->chain = (int32_t)i;
    if (v->kernel < 0) continue;
    for (int a = 0; a < 3; a++)
      if (m->values[v->arg[a]].depth > depth) depth = m->values[v->arg[a]].depth;
    v->depth = depth + 1;
    if (!chains(v->kernel) || (wanted && v->wanted < 0)) continue;
    if (!join_chain(m, v, 0, wanted) && v->kernel != BP_EW_sub) (void)join_chain(m, v, 1, wanted);
  }
}

/* Chains that are long enough to be wanted, then depths with these alone. */
static bp_status find_chains(maker *m) {
  int32_t *length = bp_calloc(m->c->ctx, m->n_values, sizeof *length);
  if (length == NULL) return BP_E_NOMEM;
  find_depths(m, false);
  for (size_t i = 0; i < m->n_values; i++) length[m->values[i].chain]++;
  for (size_t i = 0; i < m->n_values; i++) {
    value *v = &m->values[i];
    v->wanted = length[v->chain] >= CHAIN_LEAST ? v->chain : -1;
  }
  find_depths(m, true);
  bp_release(m->c->allocator, length, m->n_values, sizeof *length);
  return BP_OK;
}

/* ---- slots of what is there at first ---- */
static int by_key(const void *a, const void *b) {
  const key *x = a, *y = b;
  if (x->major != y->major) return x->major < y->major ? -1 : 1;
  if (x->minor != y->minor) return x->minor < y->minor ? -1 : 1;
  if (x->last != y->last) return x->last < y->last ? -1 : 1;
  return x->value < y->value ? -1 : x->value > y->value;
}

static void place_constants(maker *m) {
  for (size_t i = 0; i < m->n_values; i++)
    if (m->values[i].kernel == VALUE_CONSTANT) m->values[i].slot = (uint32_t)m->n_slots++;
  m->n_constants = m->n_slots;
}

static bp_status add_move(maker *m, scalar_move move) {
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->moves, &m->moves_capacity, m->n_moves + 1, sizeof *m->moves));
  m->moves[m->n_moves++] = move;
  return BP_OK;
}

/* Elements that are read lie in the order of their arrays; small gaps are read too. */
enum { GAP_MOST = 3 };

static bp_status place_loads(maker *m) {
  size_t n = 0;
  for (size_t i = 0; i < m->n_values; i++) {
    const value *v = &m->values[i];
    if (v->kernel == VALUE_LOAD) m->keys[n++] = (key){v->arg[0], v->u.place, 0, (uint32_t)i};
  }
  qsort(m->keys, n, sizeof *m->keys, by_key);
  for (size_t i = 0, k; i < n; i = k) {
    const key *first = &m->keys[i];
    for (k = i; k < n && m->keys[k].major == first->major &&
                (k == i || m->keys[k].minor - m->keys[k - 1].minor <= 1 + GAP_MOST);
         k++)
      m->values[m->keys[k].value].slot = (uint32_t)(m->n_slots + (size_t)(m->keys[k].minor - first->minor));
    int64_t count = m->keys[k - 1].minor - first->minor + 1;
    BP_TRY(add_move(m, (scalar_move){(int32_t)first->major, (uint32_t)m->n_slots, 1, first->minor, 1, count}));
    m->n_slots += (size_t)count;
  }
  return BP_OK;
}

/* ---- code ---- */
static bp_status add_words(maker *m, const uint32_t *words, size_t n) {
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->code, &m->code_capacity, m->n_code + n, sizeof *m->code));
  memcpy(m->code + m->n_code, words, n * sizeof *words);
  m->n_code += n;
  return BP_OK;
}

static uint32_t slot_of(const maker *m, const value *v, int a) { return m->values[v->arg[a]].slot; }
static value *value_at(const maker *m, size_t place) { return &m->values[m->keys[place].value]; }

/* How many of the values from `first` on read argument a at equal distances. */
static size_t equal_steps(const maker *m, size_t first, size_t end, int a, int64_t *step) {
  size_t n = 1;
  *step = end > first + 1 ? (int64_t)slot_of(m, value_at(m, first + 1), a) - slot_of(m, value_at(m, first), a) : 0;
  while (first + n < end &&
         (int64_t)slot_of(m, value_at(m, first + n), a) - slot_of(m, value_at(m, first + n - 1), a) == *step)
    n++;
  return n;
}

static bp_status emit_one(maker *m, const value *v) {
  uint32_t words[SCALAR_ONE_WORDS] = {scalar_word((bp_ew)v->kernel, SCALAR_ONE), v->slot, slot_of(m, v, 0),
                                      slot_of(m, v, 1), slot_of(m, v, 2)};
  return add_words(m, words, SCALAR_ONE_WORDS);
}

static bp_status emit_alike(maker *m, size_t first, size_t end) {
  while (first < end) {
    int64_t step[3];
    size_t n = end - first;
    for (int a = 0; a < 3; a++) {
      size_t equal = equal_steps(m, first, end, a, &step[a]);
      n = equal < n ? equal : n;
    }
    const value *v = value_at(m, first);
    if (n >= RUN_LEAST) {
      uint32_t words[SCALAR_RUN_WORDS] = {
          scalar_word((bp_ew)v->kernel, n < SHORT_MOST && chains(v->kernel) ? SCALAR_SHORT : SCALAR_RUN),
          (uint32_t)n,
          v->slot,
          slot_of(m, v, 0),
          slot_of(m, v, 1),
          slot_of(m, v, 2),
          (uint32_t)step[0],
          (uint32_t)step[1],
          (uint32_t)step[2]};
      BP_TRY(add_words(m, words, SCALAR_RUN_WORDS));
      first += n;
      continue;
    }
    BP_TRY(emit_one(m, v));
    first++;
  }
  return BP_OK;
}

static bp_status emit_chain(maker *m, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) value_at(m, i)->slot = (uint32_t)m->n_slots++;
  while (first < end) {
    int64_t step;
    size_t n = equal_steps(m, first, end, 1, &step);
    const value *v = value_at(m, first);
    if (n >= RUN_LEAST) {
      uint32_t words[SCALAR_CHAIN_WORDS] = {scalar_word((bp_ew)v->kernel, SCALAR_CHAIN),
                                            (uint32_t)n,
                                            v->slot,
                                            slot_of(m, v, 0),
                                            slot_of(m, v, 1),
                                            (uint32_t)step};
      BP_TRY(add_words(m, words, SCALAR_CHAIN_WORDS));
      first += n;
      continue;
    }
    BP_TRY(emit_one(m, v));
    first++;
  }
  return BP_OK;
}

/* Operations of one depth and kernel, none in a chain: in the order of what they read. */
static bp_status emit_group(maker *m, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    value *v = value_at(m, i);
    bool commutes = v->kernel == BP_EW_add || v->kernel == BP_EW_mul;
    if (commutes && slot_of(m, v, 0) > slot_of(m, v, 1)) swap(v);
    if (bp_ew_arity((bp_ew)v->kernel) < 3) v->arg[2] = v->arg[0];
    if (bp_ew_arity((bp_ew)v->kernel) < 2) v->arg[1] = v->arg[0];
    m->keys[i] = (key){slot_of(m, v, 0), slot_of(m, v, 1), slot_of(m, v, 2), m->keys[i].value};
  }
  qsort(m->keys + first, end - first, sizeof *m->keys, by_key);
  for (size_t i = first; i < end; i++) value_at(m, i)->slot = (uint32_t)m->n_slots++;
  return emit_alike(m, first, end);
}

static bp_status emit_operations(maker *m, size_t *n_operations) {
  size_t n = 0;
  for (size_t i = 0; i < m->n_values; i++) {
    const value *v = &m->values[i];
    bool chained = v->chain != (int32_t)i || v->extended;
    if (v->kernel >= 0)
      m->keys[n++] = (key){v->depth, chained ? (int64_t)v->chain + BP_EW_COUNT : v->kernel, 0, (uint32_t)i};
  }
  qsort(m->keys, n, sizeof *m->keys, by_key);
  for (size_t i = 0, k; i < n; i = k) {
    int64_t major = m->keys[i].major, minor = m->keys[i].minor;
    for (k = i; k < n && m->keys[k].major == major && m->keys[k].minor == minor;) k++;
    BP_TRY(minor >= BP_EW_COUNT ? emit_chain(m, i, k) : emit_group(m, i, k));
  }
  *n_operations = n;
  return BP_OK;
}

/* ---- what is handed on ---- */
static bp_status store_elements(maker *m, int32_t buffer, const uint32_t *of, size_t n) {
  for (size_t i = 0, k; i < n && m->values != NULL; i = k) {
    int64_t slot = m->values[of[i]].slot, step = i + 1 < n ? (int64_t)m->values[of[i + 1]].slot - slot : 0;
    for (k = i + 1; k < n && (int64_t)m->values[of[k]].slot - m->values[of[k - 1]].slot == step;) k++;
    BP_TRY(add_move(m, (scalar_move){buffer, (uint32_t)slot, step, (int64_t)i, 1, (int64_t)(k - i)}));
  }
  return BP_OK;
}

static bp_status store_results(maker *m, const ir_instruction *from) {
  for (size_t i = 0; i < from->n_body; i++) {
    const ir_node *n = &m->c->nodes[from->body[i]];
    if (!n->in_memory || n->buffer < 0) continue;
    uint32_t number = (uint32_t)*known(m, from->body[i]);
    bool array = is_array(n);
    size_t count = array ? (size_t)bp_shape_elements(&n->shape, 1) : 1;
    BP_TRY(store_elements(m, n->buffer, array ? m->elements + number : &number, count));
  }
  return BP_OK;
}

/* ---- the finished region ---- */
static bp_status keep_constants(const maker *m, bp_arena *arena, plan_scalars *s) {
  void *constants = bp_arena_alloc(arena, m->n_constants, sizeof(double));
  if (constants == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < m->n_values; i++) {
    const value *v = &m->values[i];
    if (v->kernel != VALUE_CONSTANT) continue;
    if (s->real == BP_KF64)
      ((double *)constants)[v->slot] = v->u.number;
    else
      ((float *)constants)[v->slot] = (float)v->u.number;
  }
  s->constants = constants;
  s->n_constants = m->n_constants;
  return BP_OK;
}

static bp_status keep(const maker *m, bp_arena *arena, size_t n_loads, plan_scalars *s) {
  uint32_t *code = bp_arena_alloc(arena, m->n_code, sizeof *code);
  scalar_move *moves = bp_arena_alloc(arena, m->n_moves, sizeof *moves);
  if (code == NULL || moves == NULL) return BP_E_NOMEM;
  if (m->n_code > 0) memcpy(code, m->code, m->n_code * sizeof *code);
  if (m->n_moves > 0) memcpy(moves, m->moves, m->n_moves * sizeof *moves);
  s->code = code;
  s->n_words = m->n_code;
  s->loads = moves;
  s->n_loads = n_loads;
  s->stores = moves + n_loads;
  s->n_stores = m->n_moves - n_loads;
  s->n_slots = m->n_slots;
  return keep_constants(m, arena, s);
}

static bp_status make(maker *m, const ir_instruction *from, plan_scalars *s) {
  for (size_t i = 0; i < from->n_body; i++) BP_TRY(add_node(m, from->body[i]));
  BP_TRY(find_chains(m));
  m->keys = bp_alloc(m->c->ctx, m->n_values, sizeof *m->keys);
  if (m->keys == NULL) return BP_E_NOMEM;
  place_constants(m);
  BP_TRY(place_loads(m));
  size_t n_loads = m->n_moves;
  BP_TRY(emit_operations(m, &s->n_values));
  BP_TRY(store_results(m, from));
  return keep(m, &m->e->p->arena, n_loads, s);
}

bp_status encode_scalars(encoder *e, const ir_instruction *from, plan_instruction *to) {
  maker m = {.e = e, .c = e->c};
  plan_scalars *s = bp_arena_alloc(&e->p->arena, 1, sizeof *s);
  if (s == NULL) return BP_E_NOMEM;
  s->real = e->c->nodes[from->body[0]].node.dtype == BP_F64 ? BP_KF64 : BP_KF32;
  bp_status status = make(&m, from, s);
  bp_allocator a = e->c->allocator;
  bp_release(a, m.keys, m.n_values, sizeof *m.keys);
  bp_release(a, m.values, m.values_capacity, sizeof *m.values);
  bp_release(a, m.elements, m.elements_capacity, sizeof *m.elements);
  bp_release(a, m.code, m.code_capacity, sizeof *m.code);
  bp_release(a, m.moves, m.moves_capacity, sizeof *m.moves);
  to->kind = PLAN_SCALARS;
  to->scalars = s;
  to->flops = (double)s->n_values;
  to->bytes = (double)bp_dtype_size((bp_dtype)e->c->nodes[from->body[0]].node.dtype) * (double)s->n_slots;
  return status;
}
