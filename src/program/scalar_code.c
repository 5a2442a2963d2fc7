/* scalar_code.c - makes the code of a region of numbers. Floor: program.
 *
 * Operations of one depth (scalar_values.c) that are alike are put in the order of the slots that they read: then loops over equal
 * distances appear wherever the computation has any regularity.
 */
#include "program/scalar_code.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "program/scalar_make.h"

/* Operations in a row from which they are a loop, and below which it is one without a call. */
enum { RUN_LEAST = 4, SHORT_MOST = 24 };

/* ---- slots of what is there at first ---- */
static int by_key(const void *a, const void *b) {
  const scalar_key *x = a, *y = b;
  if (x->major != y->major) return x->major < y->major ? -1 : 1;
  if (x->minor != y->minor) return x->minor < y->minor ? -1 : 1;
  if (x->last != y->last) return x->last < y->last ? -1 : 1;
  return x->value < y->value ? -1 : x->value > y->value;
}

static void place_constants(scalar_maker *m) {
  for (size_t i = 0; i < m->n_values; i++)
    if (m->values[i].kernel == SCALAR_CONSTANT) m->values[i].slot = (uint32_t)m->n_slots++;
  m->n_constants = m->n_slots;
}

static bp_status add_move(scalar_maker *m, scalar_move move) {
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->moves, &m->moves_capacity, m->n_moves + 1, sizeof *m->moves));
  m->moves[m->n_moves++] = move;
  return BP_OK;
}

/* Elements that are read lie in the order of their arrays; small gaps are read too. */
enum { GAP_MOST = 3 };

static bp_status place_loads(scalar_maker *m) {
  size_t n = 0;
  for (size_t i = 0; i < m->n_values; i++) {
    const scalar_value *v = &m->values[i];
    if (v->kernel == SCALAR_LOAD) m->keys[n++] = (scalar_key){v->arg[0], v->u.place, 0, (uint32_t)i};
  }
  qsort(m->keys, n, sizeof *m->keys, by_key);
  for (size_t i = 0, k; i < n; i = k) {
    const scalar_key *first = &m->keys[i];
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
static bp_status add_words(scalar_maker *m, const uint32_t *words, size_t n) {
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->code, &m->code_capacity, m->n_code + n, sizeof *m->code));
  memcpy(m->code + m->n_code, words, n * sizeof *words);
  m->n_code += n;
  return BP_OK;
}

static uint32_t slot_of(const scalar_maker *m, const scalar_value *v, int a) { return m->values[v->arg[a]].slot; }
static scalar_value *value_at(const scalar_maker *m, size_t place) { return &m->values[m->keys[place].value]; }

/* How many of the values from `first` on read argument a at equal distances. */
static size_t equal_steps(const scalar_maker *m, size_t first, size_t end, int a, int64_t *step) {
  size_t n = 1;
  *step = end > first + 1 ? (int64_t)slot_of(m, value_at(m, first + 1), a) - slot_of(m, value_at(m, first), a) : 0;
  while (first + n < end &&
         (int64_t)slot_of(m, value_at(m, first + n), a) - slot_of(m, value_at(m, first + n - 1), a) == *step)
    n++;
  return n;
}

static bp_status emit_one(scalar_maker *m, const scalar_value *v) {
  uint32_t words[SCALAR_ONE_WORDS] = {scalar_word((bp_ew)v->kernel, SCALAR_ONE), v->slot, slot_of(m, v, 0),
                                      slot_of(m, v, 1), slot_of(m, v, 2)};
  return add_words(m, words, SCALAR_ONE_WORDS);
}

static bp_status emit_alike(scalar_maker *m, size_t first, size_t end) {
  while (first < end) {
    int64_t step[3];
    size_t n = end - first;
    for (int a = 0; a < 3; a++) {
      size_t equal = equal_steps(m, first, end, a, &step[a]);
      n = equal < n ? equal : n;
    }
    const scalar_value *v = value_at(m, first);
    if (n >= RUN_LEAST) {
      uint32_t words[SCALAR_RUN_WORDS] = {
          scalar_word((bp_ew)v->kernel, n < SHORT_MOST && scalar_chains(v->kernel) ? SCALAR_SHORT : SCALAR_RUN),
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

static bp_status emit_chain(scalar_maker *m, size_t first, size_t end, uint32_t slot) {
  for (size_t i = first; i < end; i++) value_at(m, i)->slot = slot++;
  while (first < end) {
    int64_t step;
    size_t n = equal_steps(m, first, end, 1, &step);
    const scalar_value *v = value_at(m, first);
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
static bp_status emit_group(scalar_maker *m, size_t first, size_t end, uint32_t slot) {
  for (size_t i = first; i < end; i++) {
    scalar_value *v = value_at(m, i);
    bool commutes = v->kernel == BP_EW_add || v->kernel == BP_EW_mul;
    if (commutes && slot_of(m, v, 0) > slot_of(m, v, 1)) scalar_swap(v);
    if (bp_ew_arity((bp_ew)v->kernel) < 3) v->arg[2] = v->arg[0];
    if (bp_ew_arity((bp_ew)v->kernel) < 2) v->arg[1] = v->arg[0];
    m->keys[i] = (scalar_key){slot_of(m, v, 0), slot_of(m, v, 1), slot_of(m, v, 2), m->keys[i].value};
  }
  qsort(m->keys + first, end - first, sizeof *m->keys, by_key);
  for (size_t i = first; i < end; i++) value_at(m, i)->slot = slot++;
  return emit_alike(m, first, end);
}

/* Operations in the order of depths; alike ones, and those of a chain, are a group. The number of groups. */
static size_t sort_operations(scalar_maker *m, size_t *n_operations) {
  size_t n = 0, groups = 0;
  for (size_t i = 0; i < m->n_values; i++) {
    const scalar_value *v = &m->values[i];
    bool chained = v->chain != (int32_t)i || v->extended;
    if (v->kernel < 0) continue;
    m->keys[n++] = (scalar_key){v->depth, chained ? (int64_t)v->chain + BP_EW_COUNT : v->kernel, 0, (uint32_t)i};
  }
  qsort(m->keys, n, sizeof *m->keys, by_key);
  for (size_t i = 0; i < n; i++) {
    bool same = i > 0 && m->keys[i].major == m->keys[i - 1].major && m->keys[i].minor == m->keys[i - 1].minor;
    groups += !same;
    value_at(m, i)->group = (int32_t)groups - 1;
  }
  *n_operations = n;
  return groups;
}

/* Results that fit into the nearest cache keep their slots: distances between groups then stay equal. */
enum { REUSE_LEAST = 2048 };

/* How long the slots of each group are needed. */
static void find_last_readers(scalar_maker *m, size_t n_operations) {
  slot_group *groups = m->slots.groups;
  for (size_t i = 0; i < n_operations; i++) {
    const scalar_value *v = value_at(m, i);
    slot_group *own = &groups[v->group];
    own->size++;
    if (own->last < v->group) own->last = v->group;
    if (v->stored || n_operations < REUSE_LEAST) own->last = INT32_MAX;
    for (int a = 0; a < 3; a++) {
      const scalar_value *arg = &m->values[v->arg[a]];
      if (arg->kernel >= 0 && groups[arg->group].last < v->group) groups[arg->group].last = v->group;
    }
  }
}

static bp_status emit_operations(scalar_maker *m, size_t *n_operations) {
  size_t n_groups = sort_operations(m, n_operations), first = 0;
  BP_TRY(slot_plan_init(&m->slots, m->c->ctx, n_groups, *n_operations));
  find_last_readers(m, *n_operations);
  slot_plan_begin(&m->slots);
  for (size_t g = 0; g < n_groups; g++) {
    size_t end = first + (size_t)m->slots.groups[g].size;
    bool chain = m->keys[first].minor >= BP_EW_COUNT;
    uint32_t slot = slot_plan_take(&m->slots, g, &m->n_slots);
    BP_TRY(chain ? emit_chain(m, first, end, slot) : emit_group(m, first, end, slot));
    first = end;
  }
  return BP_OK;
}

/* ---- what is handed on ---- */
static bp_status store_elements(scalar_maker *m, int32_t buffer, const uint32_t *of, size_t n) {
  for (size_t i = 0, k; i < n && m->values != NULL; i = k) {
    int64_t slot = m->values[of[i]].slot, step = i + 1 < n ? (int64_t)m->values[of[i + 1]].slot - slot : 0;
    for (k = i + 1; k < n && (int64_t)m->values[of[k]].slot - m->values[of[k - 1]].slot == step;) k++;
    BP_TRY(add_move(m, (scalar_move){buffer, (uint32_t)slot, step, (int64_t)i, 1, (int64_t)(k - i)}));
  }
  return BP_OK;
}

/* The values of a node that lies in memory, none when it does not. */
static uint32_t *results_of(scalar_maker *m, uint32_t id, size_t *count) {
  const ir_node *n = &m->c->nodes[id];
  int32_t *number = scalar_known(m, id);
  *count = !n->in_memory || n->buffer < 0 ? 0 : scalar_is_array(n) ? (size_t)bp_shape_elements(&n->shape, 1) : 1;
  return scalar_is_array(n) ? m->elements + *number : (uint32_t *)number;
}

static void mark_results(scalar_maker *m, const ir_instruction *from) {
  for (size_t i = 0, count; i < from->n_body; i++) {
    const uint32_t *of = results_of(m, from->body[i], &count);
    for (size_t k = 0; k < count; k++) m->values[of[k]].stored = true;
  }
}

static bp_status store_results(scalar_maker *m, const ir_instruction *from) {
  for (size_t i = 0, count; i < from->n_body; i++) {
    const uint32_t *of = results_of(m, from->body[i], &count);
    BP_TRY(store_elements(m, m->c->nodes[from->body[i]].buffer, of, count));
  }
  return BP_OK;
}

/* ---- the finished region ---- */
static bp_status keep_constants(const scalar_maker *m, bp_arena *arena, plan_scalars *s) {
  void *constants = bp_arena_alloc(arena, m->n_constants, sizeof(double));
  if (constants == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < m->n_values; i++) {
    const scalar_value *v = &m->values[i];
    if (v->kernel != SCALAR_CONSTANT) continue;
    if (s->real == BP_KF64)
      ((double *)constants)[v->slot] = v->u.number;
    else
      ((float *)constants)[v->slot] = (float)v->u.number;
  }
  s->constants = constants;
  s->n_constants = m->n_constants;
  return BP_OK;
}

static bp_status keep(const scalar_maker *m, bp_arena *arena, size_t n_loads, plan_scalars *s) {
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

static bp_status make(scalar_maker *m, const ir_instruction *from, plan_scalars *s) {
  for (size_t i = 0; i < from->n_body; i++) BP_TRY(scalar_add_node(m, from->body[i]));
  BP_TRY(scalar_find_chains(m));
  m->keys = bp_alloc(m->c->ctx, m->n_values, sizeof *m->keys);
  if (m->keys == NULL) return BP_E_NOMEM;
  place_constants(m);
  BP_TRY(place_loads(m));
  size_t n_loads = m->n_moves;
  mark_results(m, from);
  BP_TRY(emit_operations(m, &s->n_values));
  BP_TRY(store_results(m, from));
  return keep(m, &m->e->p->arena, n_loads, s);
}

bp_status encode_scalars(encoder *e, const ir_instruction *from, plan_instruction *to) {
  scalar_maker m = {.e = e, .c = e->c};
  plan_scalars *s = bp_arena_alloc(&e->p->arena, 1, sizeof *s);
  if (s == NULL) return BP_E_NOMEM;
  s->real = e->c->nodes[from->body[0]].node.dtype == BP_F64 ? BP_KF64 : BP_KF32;
  bp_status status = make(&m, from, s);
  bp_allocator a = e->c->allocator;
  bp_release(a, m.keys, m.n_values, sizeof *m.keys);
  bp_release(a, m.values, m.values_capacity, sizeof *m.values);
  bp_release(a, m.elements, m.elements_capacity, sizeof *m.elements);
  bp_release(a, m.code, m.code_capacity, sizeof *m.code);
  slot_plan_release(&m.slots, a);
  bp_release(a, m.moves, m.moves_capacity, sizeof *m.moves);
  to->kind = PLAN_SCALARS;
  to->scalars = s;
  to->flops = (double)s->n_values;
  to->bytes = (double)bp_dtype_size((bp_dtype)e->c->nodes[from->body[0]].node.dtype) * (double)s->n_slots;
  return status;
}
