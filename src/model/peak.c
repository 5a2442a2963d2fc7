/* model/peak.c - how fast one thread multiplies and adds. Floor: model, as all that tells about the machine. */
#include "backprop/info.h"
#include "base/clock.h"
#include "kernels/kernels.h"

enum { STEPS = 2000 }; /* of a run: some 10 µs, shorter than what disturbs it */

double bp_measure_peak(bp_dtype dtype, double seconds) {
  if (dtype != BP_F32 && dtype != BP_F64) return 0;
  bp_peak_fn run = bp_kernels_use()->peak[dtype == BP_F64 ? BP_KF64 : BP_KF32];
  double begin = bp_clock_seconds(), t = begin, best = 0;
  do {
    int64_t flops;
    double before = t;
    (void)run(STEPS, &flops);
    t = bp_clock_seconds();
    if (t > before && (double)flops / (t - before) > best) best = (double)flops / (t - before);
  } while (t - begin < seconds);
  return best;
}
