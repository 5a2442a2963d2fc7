/* kernels/random_impl.h - uniform numbers from Philox blocks for one type; included twice by random_kernel.c. */
#include "kernels/real.h"

/* Numbers that one block gives: a word each, or two. */
#undef PER_BLOCK
#define PER_BLOCK ((int64_t)(16 / sizeof(real)))

/* Number j of the lanes' blocks: the upper 24 bits of a word, or the upper 53 of two, as a number in [0, 1). */
BP_INLINE void R(lane_number)(const bp_philox_lanes *p, int lane, real out[4]) {
#if BP_REAL_IS_F64
  out[0] = (real)(((uint64_t)p->c[1][lane] << 32 | p->c[0][lane]) >> 11) * 0x1p-53;
  out[1] = (real)(((uint64_t)p->c[3][lane] << 32 | p->c[2][lane]) >> 11) * 0x1p-53;
#else
  for (int w = 0; w < 4; w++) out[w] = (real)(int32_t)(p->c[w][lane] >> 8) * 0x1p-24F;
#endif
}

/* The numbers of BP_PHILOX_LANES blocks from number `block` on. */
static void R(uniform_lanes)(real out[BP_PHILOX_LANES * 4], uint64_t key, uint64_t step, uint64_t block) {
  bp_philox_lanes p;
  philox_start(&p, step, block);
  bp_philox_lanes_run(&p, key);
  BP_INDEPENDENT for (int lane = 0; lane < BP_PHILOX_LANES; lane++) R(lane_number)(&p, lane, out + lane * PER_BLOCK);
}

#if BP_REAL_IS_F64
void BP_ISA_FN(bp_uniform_f64)(void *out, uint64_t key, uint64_t step, int64_t first, int64_t n) {
#else
void BP_ISA_FN(bp_uniform_f32)(void *out, uint64_t key, uint64_t step, int64_t first, int64_t n) {
#endif
  real *y = out, some[BP_PHILOX_LANES * 4];
  const int64_t most = BP_PHILOX_LANES * PER_BLOCK;
  while (n > 0) {
    int64_t skip = first % PER_BLOCK, take = most - skip < n ? most - skip : n;
    if (take == most) {
      R(uniform_lanes)(y, key, step, (uint64_t)(first / PER_BLOCK));
    } else {
      R(uniform_lanes)(some, key, step, (uint64_t)(first / PER_BLOCK));
      memcpy(y, some + skip, (size_t)take * sizeof *y);
    }
    y += take;
    first += take;
    n -= take;
  }
}
