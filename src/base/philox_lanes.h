/* base/philox_lanes.h - the rounds of Philox 4x32-10 for many counters side by side; see philox.h.
 *
 * The lanes are plain arrays, so that each round is a loop that becomes vector code for whatever a file is compiled for. All of it
 * is inline: every file that includes it has its own.
 */
#ifndef BP_BASE_PHILOX_LANES_H
#define BP_BASE_PHILOX_LANES_H
#include <stdint.h>

enum { BP_PHILOX_ROUNDS = 10, BP_PHILOX_LANES = 16 };
#define BP_PHILOX_M0 0xD2511F53u
#define BP_PHILOX_M1 0xCD9E8D57u
#define BP_PHILOX_W0 0x9E3779B9u /* golden ratio */
#define BP_PHILOX_W1 0xBB67AE85u /* sqrt(3) - 1 */

typedef struct bp_philox_lanes {
  uint32_t c[4][BP_PHILOX_LANES]; /* word w of the counter of each lane; after the rounds, of its block */
} bp_philox_lanes;

static inline void bp_philox_lanes_round(bp_philox_lanes *p, uint32_t k0, uint32_t k1) {
  for (int i = 0; i < BP_PHILOX_LANES; i++) {
    const uint64_t a = (uint64_t)p->c[0][i] * BP_PHILOX_M0, b = (uint64_t)p->c[2][i] * BP_PHILOX_M1;
    const uint32_t c1 = p->c[1][i], c3 = p->c[3][i];
    p->c[0][i] = (uint32_t)(b >> 32) ^ c1 ^ k0;
    p->c[1][i] = (uint32_t)b;
    p->c[2][i] = (uint32_t)(a >> 32) ^ c3 ^ k1;
    p->c[3][i] = (uint32_t)a;
  }
}

static inline void bp_philox_lanes_run(bp_philox_lanes *p, uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < BP_PHILOX_ROUNDS; round++, k0 += BP_PHILOX_W0, k1 += BP_PHILOX_W1)
    bp_philox_lanes_round(p, k0, k1);
}

#endif
