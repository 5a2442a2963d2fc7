/* scalar_slots.c - slots of groups of results, given back behind their last reader. Floor: program. */
#include "program/scalar_slots.h"

/* Sizes of one class have the same room: each size below EXACT its own, above steps of EXACT. */
enum { EXACT = 8 };

static size_t class_of(int32_t size) { return size < EXACT ? (size_t)size : (size_t)(EXACT + (size - 1) / EXACT); }
static size_t room_of(int32_t size) {
  return size < EXACT ? (size_t)size : (size_t)((size + EXACT - 1) / EXACT) * EXACT;
}

bp_status slot_plan_init(slot_plan *p, bp_context *ctx, size_t n_groups, size_t n) {
  *p = (slot_plan){.n_groups = n_groups, .n_classes = n / EXACT + EXACT + 2};
  p->groups = bp_calloc(ctx, n_groups, sizeof *p->groups);
  p->ends = bp_alloc(ctx, n_groups, sizeof *p->ends);
  p->free = bp_alloc(ctx, p->n_classes, sizeof *p->free);
  return p->groups != NULL && p->ends != NULL && p->free != NULL ? BP_OK : BP_E_NOMEM;
}

void slot_plan_release(slot_plan *p, bp_allocator a) {
  bp_release(a, p->groups, p->n_groups, sizeof *p->groups);
  bp_release(a, p->ends, p->n_groups, sizeof *p->ends);
  bp_release(a, p->free, p->n_classes, sizeof *p->free);
}

void slot_plan_begin(slot_plan *p) {
  for (size_t i = 0; i < p->n_groups; i++) p->ends[i] = -1;
  for (size_t i = 0; i < p->n_classes; i++) p->free[i] = -1;
  for (size_t i = 0; i < p->n_groups; i++) {
    slot_group *g = &p->groups[i];
    g->next = -1;
    if ((size_t)g->last >= p->n_groups) continue;
    g->next = p->ends[g->last];
    p->ends[g->last] = (int32_t)i;
  }
}

/* What group `reader` was the last to need is free. */
static void give_back(slot_plan *p, size_t reader) {
  for (int32_t i = p->ends[reader], next; i >= 0; i = next) {
    int32_t *head = &p->free[class_of(p->groups[i].size)];
    next = p->groups[i].next;
    p->groups[i].next = *head;
    *head = i;
  }
}

uint32_t slot_plan_take(slot_plan *p, size_t group, size_t *top) {
  slot_group *g = &p->groups[group];
  if (group > 0) give_back(p, group - 1);
  int32_t *head = &p->free[class_of(g->size)];
  if (*head >= 0) {
    g->slot = p->groups[*head].slot;
    *head = p->groups[*head].next;
  } else {
    g->slot = (uint32_t)*top;
    *top += room_of(g->size);
  }
  return g->slot;
}
