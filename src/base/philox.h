/* base/philox.h - Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011.
 *
 * Every random number of the library is a pure function of (seed, purpose, epoch, index), so results depend neither on
 * threads nor on the order of work, and a checkpoint needs no generator state.
 */
#ifndef BP_BASE_PHILOX_H
#define BP_BASE_PHILOX_H
#include <stdint.h>

/* What a number is drawn for: keeps the streams apart. */
typedef enum bp_purpose {
  BP_PURPOSE_INIT = 1,    /* epoch: number of the parameter; index: element */
  BP_PURPOSE_SHUFFLE = 2, /* epoch: epoch; index: position */
  BP_PURPOSE_SPLIT = 3,   /* index: position */
  BP_PURPOSE_STREAM = 4,  /* epoch: number of a stream of a graph: its key (bp_uniform) */
  BP_PURPOSE_TEST = 5
} bp_purpose;

/* The block function itself: 4 words of counter, 2 of key, 10 rounds. */
void bp_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* 64 random bits, uniform. Counter = (index low, index high, epoch, purpose), key = seed. */
uint64_t bp_random_bits(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index);
/* Uniform in [0, 1): 53 random bits. */
double bp_random_uniform(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index);
/* Standard normal by Box and Muller from one block. */
double bp_random_normal(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index);
/* Uniform in 0 .. n - 1 without bias to 2^-32 (multiply-shift on 64 bits); n >= 1. */
uint64_t bp_random_below(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index, uint64_t n);
/* A random order of 0 .. n - 1 (Fisher and Yates) written to order[n]. */
void bp_random_permutation(uint64_t seed, bp_purpose purpose, uint32_t epoch, int32_t *order, int32_t n);

#endif
