/* kernels/moves.h - the loops of data movement that each ISA build has of its own; move.c is made of them. */
#ifndef BP_KERNELS_MOVES_H
#define BP_KERNELS_MOVES_H
#include <stddef.h>
#include <stdint.h>

typedef struct bp_moves {
  /* out[i] = (to) in[i]; [to][from] are the type codes of bp_convert(). */
  void (*convert[4][4])(void *out, const void *in, int64_t n);
  /* out[c * rows + r] = in[r * in_row + c], for elements of 4 and of 8 bytes. */
  void (*transpose4)(void *out, const void *in, int64_t in_row, int64_t rows, int64_t columns);
  void (*transpose8)(void *out, const void *in, int64_t in_row, int64_t rows, int64_t columns);
  void (*fill_f32)(float *out, float value, int64_t n);
  void (*fill_f64)(double *out, double value, int64_t n);
} bp_moves;

#endif
