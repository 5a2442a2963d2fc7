/* tensor/shape.h - shapes of dense row-major arrays, with one symbolic leading size (BP_BATCH). */
#ifndef BP_TENSOR_SHAPE_H
#define BP_TENSOR_SHAPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backprop/dtype.h"

typedef struct bp_shape {
  int rank;
  int64_t dims[BP_MAX_RANK]; /* dims[0] may be -1, the batch */
} bp_shape;

/* The longest text that bp_shape_text writes, its NUL included. */
#define BP_SHAPE_TEXT 192

bp_shape bp_shape_make(int rank, const int64_t *dims);
bool bp_shape_equal(const bp_shape *a, const bp_shape *b);
bool bp_shape_has_batch(const bp_shape *s);
/* The shape with the batch replaced by a number of rows. */
bp_shape bp_shape_resolve(const bp_shape *s, int64_t batch);
/* Elements, the batch counted as `batch` rows. The shape was checked by bp_shape_valid, so there is no overflow as long as
 * batch is at most BP_BATCH_MAX. */
int64_t bp_shape_elements(const bp_shape *s, int64_t batch);
/* Elements of one row: the product of all sizes but the first (1 for rank 0). */
int64_t bp_shape_row(const bp_shape *s);
/* Rows: the leading size (1 for rank 0). */
int64_t bp_shape_rows(const bp_shape *s, int64_t batch);
/* Ranks and sizes in range, the batch only in front, and no product beyond BP_ELEMENTS_MAX (2^20 per row with a batch). */
bool bp_shape_valid(const bp_shape *s);
/* Whether the shapes are equal but for axes of size 1. */
bool bp_shape_only_ones_differ(const bp_shape *a, const bp_shape *b);
/* The common shape of two shapes aligned at their last axes; false if a size differs and is not 1. */
bool bp_shape_broadcast(const bp_shape *a, const bp_shape *b, bp_shape *out);
/* "[batch,128]"; "[]" for rank 0. Returns text. */
const char *bp_shape_text(const bp_shape *s, char *text, size_t size);

/* The largest number that BP_BATCH can stand for, and the most elements of an array: their bytes fit size_t with room to spare. */
#define BP_BATCH_MAX    ((int64_t)1 << 31)
#define BP_ELEMENTS_MAX (SIZE_MAX > UINT32_MAX ? (int64_t)1 << 40 : (int64_t)1 << 27)

/* How an array is read when broadcast to `out`: element e of out is element (e / repeat) % period of in. period 0: no
 * wrapping needed. False when the axes repeated are not at the ends, so that a copy with strides is needed. */
typedef struct bp_view {
  int64_t repeat, period;
} bp_view;
bool bp_shape_view(const bp_shape *in, const bp_shape *out, bp_view *view);

#endif
