/* kernels/ew_chunk.h - how an elementwise kernel is written, for one type; included twice by ew_kernel.c.
 *
 *   BP_CHUNK(name) {
 *     ARRAY(a, 0);                     a is a vector's length of the first input
 *     NUMBER(s, 1);                    s is the one number that the second input points to
 *     EACH(a[j] = a[j] * s)            scalar code, which the compiler turns into vector code
 *     RESULT(0, a);
 *   }
 *
 * does one vector. All inputs are read before anything is written, so that an output may be an input. Every element goes through
 * the same operations wherever it stands: a tail is padded with zeros to a whole vector. (Which NaN comes out is the compiler's
 * choice, that of a sum of two for instance, and may differ from place to place; nothing depends on it.)
 */
#include "kernels/real.h"

#include "kernels/simd.h"

#undef BP_CHUNK
#undef ARRAY
#undef NUMBER
#undef EACH
#undef RESULT
#undef BP_EACH_CHUNK
#undef BP_EACH_CHUNK_ONCE

#define BP_CHUNK(name)                                                                                                 \
  BP_INLINE void R(chunk_##name)(void *const *out, const void *const *in, const int64_t i, const int64_t count)

#define ARRAY(x, k)                                                                                                    \
  real x[LANES];                                                                                                       \
  R(load_chunk)(x, (const real *)in[k] + i, count)
#define NUMBER(s, k) const real s = *(const real *)in[k]
#define EACH(statement)                                                                                                \
  BP_INDEPENDENT for (int64_t j = 0; j < LANES; j++) { statement; }
#define RESULT(k, y) R(store_chunk)((real *)out[k] + i, y, count)

BP_INLINE void R(load_chunk)(real *chunk, const real *x, int64_t count) {
  R(vstore)(chunk, count == LANES ? R(vload)(x) : R(vload_part)(x, R(vfirst)(count)));
}
BP_INLINE void R(store_chunk)(real *y, const real *chunk, int64_t count) {
  if (count == LANES)
    R(vstore)(y, R(vload)(chunk));
  else
    R(vstore_part)(y, R(vfirst)(count), R(vload)(chunk));
}

/* The body of a kernel with arrays out[outputs] and in[inputs]. Copies of the pointers, because a store through one of them
 * could, for all that the compiler knows, change the arrays. */
#define BP_EACH_CHUNK(name, out, outputs, in, inputs)                                                                  \
  void *to[outputs];                                                                                                   \
  const void *from[inputs];                                                                                            \
  memcpy(to, out, sizeof to);                                                                                          \
  memcpy(from, in, sizeof from);                                                                                       \
  int64_t i = 0;                                                                                                       \
  for (; i + LANES <= n; i += LANES) R(chunk_##name)(to, from, i, LANES);                                              \
  if (i < n) R(chunk_##name)(to, from, i, n - i)

/* The same for long formulas, whose code appears once. */
#define BP_EACH_CHUNK_ONCE(name, out, outputs, in, inputs)                                                             \
  void *to[outputs];                                                                                                   \
  const void *from[inputs];                                                                                            \
  memcpy(to, out, sizeof to);                                                                                          \
  memcpy(from, in, sizeof from);                                                                                       \
  for (int64_t i = 0; i < n; i += LANES) R(chunk_##name)(to, from, i, n - i < LANES ? n - i : LANES)
