/* base/pool.h - a thread pool for short parallel sections: spins briefly, then sleeps.
 *
 * One pool has one owner that calls bp_pool_run(); the workers and the owner all take part. A pool of one thread
 * starts no thread and uses no atomics.
 */
#ifndef BP_BASE_POOL_H
#define BP_BASE_POOL_H
#include <stdint.h>

#include "base/alloc.h"

typedef struct bp_pool bp_pool;

/* One task of `tasks`, run by participant `thread` (0: the owner). */
typedef void (*bp_task_fn)(void *user, int64_t task, int thread);

/* NEW pool of `threads` participants, the caller included; 0: one per core that this process may use.
 * When the system gives fewer threads than asked for, the pool works with those it got. */
bp_status bp_pool_new(bp_context *ctx, int threads, bp_pool **out);
/* A pool may be run and freed in a child of the process that made it, as long as no thread was running it at the fork. */
void bp_pool_free(bp_pool *pool);
int bp_pool_threads(const bp_pool *pool);

/* Runs fn(user, t, thread) for t = 0 .. tasks - 1, each once; returns when all are done (a barrier: what the tasks wrote is
 * visible). Task t is meant for thread t mod threads; a thread that has done its own takes those of others. No allocation.
 * pool NULL or tasks <= 1: in the calling thread. Returns the nanoseconds that the caller had nothing to do and waited for others. */
int64_t bp_pool_run(bp_pool *pool, bp_task_fn fn, void *user, int64_t tasks);

/* Cores that this process may use; at least 1. */
int bp_core_count(void);

#endif
