/* train/worth_threads.h - whether a program has work for more than one thread. */
#ifndef BP_TRAIN_WORTH_THREADS_H
#define BP_TRAIN_WORTH_THREADS_H
#include "backprop/program.h"
#include "program/plan.h"

/* The threads for a workspace of `program` when the caller asked for `threads`: one where he left the choice (0) and a run has too
 * little work for a phase to be shared, since then threads that are started and wait for nothing cost more than all runs of a
 * small fit. No result depends on it. */
static inline int worth_threads(const bp_program *program, int64_t batch, int threads) {
  bp_cost cost = bp_program_cost(program, batch);
  return threads == 0 && (double)(cost.flops + cost.bytes) < PLAN_SHARED_WORK ? 1 : threads;
}

#endif
