/* train/flat.h - parameter arrays of one float type as one vector of doubles, and back. */
#ifndef BP_TRAIN_FLAT_H
#define BP_TRAIN_FLAT_H
#include "backprop/dtype.h"

/* VIEW n_arrays arrays, one after the other. */
typedef struct flat {
  bp_dtype dtype; /* F32 or F64 */
  size_t n_arrays;
  const size_t *sizes; /* elements */
  void *const *arrays;
} flat;

size_t flat_size(const flat *f);
/* x ← the arrays. */
void flat_read(const flat *f, double *x);
/* x ← x + the arrays. */
void flat_add(const flat *f, double *x);
/* The arrays ← x, and x ← what they hold now. */
void flat_write(const flat *f, double *x);
/* The same for an x that stays as it is. */
void flat_store(const flat *f, const double *x);

#endif
