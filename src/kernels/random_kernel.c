/* kernels/random_kernel.c - uniform random numbers by Philox 4x32-10 (base/philox.h), many blocks side by side.
 *
 * The counter of a block holds its own number and that of the step, so any range of the numbers can be computed alone. The
 * lanes are plain arrays: each of the ten rounds is a loop that becomes vector code for every instruction set.
 */
#include <string.h>

#include "kernels/kernels_isa.h"

enum { PHILOX_LANES = 16 };

typedef struct philox_lanes {
  uint32_t c[4][PHILOX_LANES]; /* word w of the counter of each block */
} philox_lanes;

BP_INLINE void philox_start(philox_lanes *p, uint64_t step, uint64_t block) {
  for (int i = 0; i < PHILOX_LANES; i++) {
    p->c[0][i] = (uint32_t)(block + (uint64_t)i);
    p->c[1][i] = (uint32_t)((block + (uint64_t)i) >> 32);
    p->c[2][i] = (uint32_t)step;
    p->c[3][i] = (uint32_t)(step >> 32);
  }
}

BP_INLINE void philox_round(philox_lanes *p, uint32_t k0, uint32_t k1) {
  BP_INDEPENDENT for (int i = 0; i < PHILOX_LANES; i++) {
    const uint64_t a = (uint64_t)p->c[0][i] * 0xD2511F53u, b = (uint64_t)p->c[2][i] * 0xCD9E8D57u;
    const uint32_t c1 = p->c[1][i], c3 = p->c[3][i];
    p->c[0][i] = (uint32_t)(b >> 32) ^ c1 ^ k0;
    p->c[1][i] = (uint32_t)b;
    p->c[2][i] = (uint32_t)(a >> 32) ^ c3 ^ k1;
    p->c[3][i] = (uint32_t)a;
  }
}

BP_INLINE void philox_rounds(philox_lanes *p, uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    philox_round(p, k0, k1);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

#define BP_REAL_IS_F64 0
#include "kernels/random_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/random_impl.h"
