/* clock.c - the monotonic clock. Floor: base. */
#include "base/clock.h"

#include <time.h>

double bp_clock_seconds(void) {
  struct timespec t;
  if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
