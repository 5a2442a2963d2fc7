/* memory.c - places for the values that instructions hand to each other: two values share memory when no phase needs both.
 * Floor: program.
 *
 * A sweep over the phases with a list of free ranges: first fit, neighbours joined.
 */
#include <inttypes.h>
#include <stdint.h>

#include "base/fail.h"
#include "program/encode.h"

typedef struct range {
  size_t offset, size;
} range;

typedef struct memory_map {
  ir *c;
  range *free;
  size_t n_free, capacity;
  size_t top;
  bool overflow;
} memory_map;

/* Far from the end of size_t: a padded sum of two cannot pass it. */
#define MEMORY_MOST (SIZE_MAX / 4)

static size_t padded(size_t bytes) { return bytes < MEMORY_MOST ? (bytes + 63) / 64 * 64 : bytes; }

static void drop_range(memory_map *m, size_t i) {
  for (m->n_free--; i < m->n_free; i++) m->free[i] = m->free[i + 1];
}

static size_t take(memory_map *m, size_t bytes) {
  for (size_t i = 0; i < m->n_free; i++) {
    if (m->free[i].size < bytes) continue;
    size_t offset = m->free[i].offset;
    m->free[i].offset += bytes;
    m->free[i].size -= bytes;
    if (m->free[i].size == 0) drop_range(m, i);
    return offset;
  }
  size_t offset = m->top;
  if (bytes > MEMORY_MOST - m->top)
    m->overflow = true;
  else
    m->top += bytes;
  return offset;
}

static bp_status give(memory_map *m, size_t offset, size_t bytes) {
  size_t i = 0;
  if (bytes == 0) return BP_OK;
  while (i < m->n_free && m->free[i].offset < offset) i++;
  bool joins_before = i > 0 && m->free[i - 1].offset + m->free[i - 1].size == offset;
  bool joins_after = i < m->n_free && offset + bytes == m->free[i].offset;
  if (joins_before) {
    m->free[i - 1].size += bytes + (joins_after ? m->free[i].size : 0);
    if (joins_after) drop_range(m, i);
    return BP_OK;
  }
  if (joins_after) {
    m->free[i].offset = offset;
    m->free[i].size += bytes;
    return BP_OK;
  }
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->free, &m->capacity, m->n_free + 1, sizeof *m->free));
  for (size_t k = m->n_free++; k > i; k--) m->free[k] = m->free[k - 1];
  m->free[i] = (range){offset, bytes};
  return BP_OK;
}

/* By buffer: the first and the last phase that need it. A prologue is before all phases; an output lasts to the end. */
typedef struct life {
  int32_t first, last;
  int32_t next_born, next_dead; /* lists by phase: number of the next buffer, -1 end */
} life;

static void lives(const ir *c, const bp_program *p, life *l) {
  for (int32_t b = 0; b < p->n_buffers; b++) l[b] = (life){.first = -1, .last = -1, .next_born = -1, .next_dead = -1};
  for (size_t id = 1; id < c->size; id++) {
    const ir_node *n = &c->nodes[id];
    if (n->instruction < 0) continue;
    const ir_instruction *i = &c->instructions[n->instruction];
    int32_t phase = i->prologue ? -1 : i->phase;
    if (n->buffer >= 0 && n->state < 0) {
      l[n->buffer].first = phase;
      if (l[n->buffer].last < phase) l[n->buffer].last = phase;
      if (n->output >= 0 || i->prologue) l[n->buffer].last = c->phases;
    }
    for (int a = 0; a < ir_arity(n); a++) {
      int32_t b = c->nodes[ir_access_of(c, ir_arg(c, n, a), &n->shape).source].buffer;
      if (b >= 0 && l[b].last < phase) l[b].last = phase;
    }
  }
}

static bool is_ours(const plan_buffer *b) { return b->place == PLAN_WORKSPACE || b->place == PLAN_OUTPUT; }

bp_status encode_memory(ir *c, bp_program *p) {
  size_t n = (size_t)p->n_buffers, slots = (size_t)c->phases + 2;
  memory_map m = {.c = c};
  bp_status status = BP_OK;
  life *l = bp_alloc(c->ctx, n, sizeof *l);
  int32_t *born = bp_alloc(c->ctx, slots, sizeof *born),
          *dead = bp_alloc(c->ctx, slots, sizeof *dead); /* by phase + 1 */
  if (l == NULL || born == NULL || dead == NULL) {
    status = BP_E_NOMEM;
    goto done;
  }
  lives(c, p, l);
  for (size_t i = 0; i < slots; i++) born[i] = dead[i] = -1;
  for (int32_t b = p->n_buffers - 1; b >= 0; b--) {
    if (!is_ours(&p->buffers[b])) continue;
    l[b].next_born = born[l[b].first + 1], born[l[b].first + 1] = b;
    l[b].next_dead = dead[l[b].last + 1], dead[l[b].last + 1] = b;
  }
  for (size_t phase = 0; phase < slots; phase++) {
    for (int32_t b = born[phase]; b >= 0; b = l[b].next_born)
      p->buffers[b].offset = take(&m, padded(p->buffers[b].bytes));
    for (int32_t b = dead[phase]; b >= 0; b = l[b].next_dead)
      BP_TRY_DONE(give(&m, p->buffers[b].offset, padded(p->buffers[b].bytes)));
  }
  p->workspace_bytes = m.top;
  if (m.overflow)
    status = bp_fail(c->ctx, BP_E_LIMIT,
                     "compile: a workspace for %" PRId64 " rows would be too large; lower max_batch", c->max_batch);
done:
  bp_release(c->allocator, l, n, sizeof *l);
  bp_release(c->allocator, born, slots, sizeof *born);
  bp_release(c->allocator, dead, slots, sizeof *dead);
  bp_release(c->allocator, m.free, m.capacity, sizeof *m.free);
  return status;
}
