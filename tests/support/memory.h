/* support/memory.h - an allocator that counts, checks and fails on demand, and the sweep that uses it.
 *
 * Every block is checked when it is resized or freed: it must be ours, have the size that the caller says, and an
 * intact guard behind it. New memory holds garbage, freed memory is overwritten, and a resize always moves. One thread.
 */
#ifndef BT_MEMORY_H
#define BT_MEMORY_H
#include <stdbool.h>
#include <stddef.h>

#include "backprop/context.h"

#define BT_NEVER ((size_t)-1)

typedef struct bt_alloc_state {
  size_t live_blocks, live_bytes; /* not freed yet */
  size_t peak_bytes;              /* the most that were live at once */
  size_t calls;                   /* allocations and resizes asked for */
  size_t fail_at;                 /* the call, counted from 0, that fails; BT_NEVER */
  bool fail_on;                   /* and so does every call behind it */
  bool failed;                    /* one did */
  size_t faults;                  /* wrong sizes, foreign blocks, overwritten guards; each is printed */
} bt_alloc_state;

void bt_alloc_init(bt_alloc_state *state);
/* A bp_alloc_fn whose user pointer is a bt_alloc_state. */
void *bt_alloc_hook(void *user, void *ptr, size_t old_size, size_t new_size);
/* Prints what is left over; whether anything was wrong (faults or live blocks). */
bool bt_alloc_report(const bt_alloc_state *state);

/* Something that uses a context and frees all that it made, whether it succeeds or not. */
typedef bp_status (*bt_job)(bp_context *ctx, void *user);

/* Runs the job with a context of its own and the n-th allocation failing, for n = 0, 1, 2 ... until none was left to
 * fail; first that one alone, then that one and all behind it. Each time that one failed: the job gave BP_E_NOMEM with a message, nothing leaked, and the same context does
 * the job when it is asked again. Returns the number of allocations that were made to fail. The job itself checks that
 * its outputs are untouched. */
#define bt_alloc_sweep(job, user) bt_alloc_sweep_at((job), (user), __FILE__, __LINE__)
size_t bt_alloc_sweep_at(bt_job job, void *user, const char *file, int line);

#endif
