/* kernels/random_kernel.c - uniform random numbers by Philox 4x32-10 (base/philox.h), many blocks side by side.
 *
 * The counter of a block holds its own number and that of the step, so any range of the numbers can be computed alone. The
 * rounds are those of base/philox_lanes.h, as vector code for every instruction set.
 */
#include <string.h>

#include "base/philox_lanes.h"
#include "kernels/kernels_isa.h"

BP_INLINE void philox_start(bp_philox_lanes *p, uint64_t step, uint64_t block) {
  for (int i = 0; i < BP_PHILOX_LANES; i++) {
    p->c[0][i] = (uint32_t)(block + (uint64_t)i);
    p->c[1][i] = (uint32_t)((block + (uint64_t)i) >> 32);
    p->c[2][i] = (uint32_t)step;
    p->c[3][i] = (uint32_t)(step >> 32);
  }
}

#define BP_REAL_IS_F64 0
#include "kernels/random_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/random_impl.h"
