/* faults/fault_plan.h - what the sweep (fault_sweep.c) tells the interposer (fault_interposer.c), through a page that both map. */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H
#include <stdatomic.h>

/* The descriptor under which the command finds the page. */
enum { FAULT_PLAN_FD = 99 };

/* Calls that fail for the same reasons. */
#define FAULT_FAMILIES(X)                                                                                              \
  X(MEMORY) X(OPEN) X(READ) X(WRITE) X(FSYNC) X(RENAME) X(CLOSE) X(STAT) X(DUP) X(MMAP) X(THREAD)

typedef enum fault_family {
#define FAULT_NAME(name) FAULT_##name,
  FAULT_FAMILIES(FAULT_NAME)
#undef FAULT_NAME
      FAULT_COUNT
} fault_family;

typedef struct fault_plan {
  int family;         /* whose calls are counted */
  int error;          /* errno of a call that fails; 0: a transfer that comes short instead */
  long at;            /* the call that fails first, from 1; 0: none */
  int from_on;        /* every later one fails too */
  int shows;          /* the first one that fails prints its stack */
  atomic_long calls;  /* made so far */
  atomic_long failed; /* made to fail so far */
} fault_plan;

#endif
