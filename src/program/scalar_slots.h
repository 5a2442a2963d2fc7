/* program/scalar_slots.h - which slots the results of a region take: those of results that nobody needs any more, so that
 * what is under way stays in the nearest cache.
 */
#ifndef BP_PROGRAM_SCALAR_SLOTS_H
#define BP_PROGRAM_SCALAR_SLOTS_H
#include "base/alloc.h"

/* Results that are neighbours, in the order in which they are computed. */
typedef struct slot_group {
  uint32_t slot;
  int32_t size, last; /* last: the group that needs it last, or one behind the last group of all */
  int32_t next;       /* of those that are given back together, or are free; -1 ends */
} slot_group;

typedef struct slot_plan {
  slot_group *groups;
  int32_t *ends; /* by group: the first of those whose last reader it is, -1 none */
  int32_t *free; /* by class of size, -1 none */
  size_t n_groups, n_classes;
} slot_plan;

/* Room for groups with n values altogether; release it in any case. */
bp_status slot_plan_init(slot_plan *p, bp_context *ctx, size_t n_groups, size_t n);
void slot_plan_release(slot_plan *p, bp_allocator a);
/* Call it when `last` is known of all groups. */
void slot_plan_begin(slot_plan *p);
/* The first slot of a group, when all groups before it have been asked for; *top: slots in use so far. */
uint32_t slot_plan_take(slot_plan *p, size_t group, size_t *top);

#endif
