/* kernels/transpose_impl.h - transposing blocks in registers, for one type; included once per type after simd.h:
 * by transpose_kernel.c, and by gemm_impl.h, where a call would cost small products more than the work.
 *
 * A block is LANES rows by PIECE columns, a piece being 16 bytes. A register takes one piece from each of every PIECE-th
 * row, so after a PIECE by PIECE transpose inside the 16-byte lanes it holds one column of all LANES rows. In-lane
 * shuffles are cheap everywhere, and the crossing of lanes is done by the loads.
 */
#undef PIECE
#define PIECE ((int64_t)(16 / sizeof(real)))

#undef SHUFFLE
#ifdef __clang__
#define SHUFFLE(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(type, a, b, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif

typedef double R(pairs) __attribute__((vector_size(BP_VECTOR_BYTES))); /* two floats, or one double, to a lane */
typedef int64_t R(ipairs) __attribute__((vector_size(BP_VECTOR_BYTES)));

/* Pieces at row[0], row[PIECE], row[2 PIECE] …, one to each 16-byte lane. */
BP_INLINE R(vec) R(load_pieces)(const real *const *row) {
#if BP_VECTOR_BYTES == 64
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)(const void *)row[0]));
  v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)row[PIECE]), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)row[2 * PIECE]), 2);
  return (R(vec))_mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)row[3 * PIECE]), 3);
#elif BP_VECTOR_BYTES == 32
  const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps((const float *)(const void *)row[0]));
  return (R(vec))_mm256_insertf128_ps(v, _mm_loadu_ps((const float *)(const void *)row[PIECE]), 1);
#else
  return R(vload)(row[0]);
#endif
}

/* Lower and upper halves of each 16-byte lane of a and b, as pairs. */
BP_INLINE R(vec) R(low_pairs)(R(vec) a, R(vec) b) {
#if BP_VECTOR_BYTES == 64
  return (R(vec))SHUFFLE(R(ipairs), (R(pairs))a, (R(pairs))b, 0, 8, 2, 10, 4, 12, 6, 14);
#elif BP_VECTOR_BYTES == 32
  return (R(vec))SHUFFLE(R(ipairs), (R(pairs))a, (R(pairs))b, 0, 4, 2, 6);
#else
  return (R(vec))SHUFFLE(R(ipairs), (R(pairs))a, (R(pairs))b, 0, 2);
#endif
}
BP_INLINE R(vec) R(high_pairs)(R(vec) a, R(vec) b) {
#if BP_VECTOR_BYTES == 64
  return (R(vec))SHUFFLE(R(ipairs), (R(pairs))a, (R(pairs))b, 1, 9, 3, 11, 5, 13, 7, 15);
#elif BP_VECTOR_BYTES == 32
  return (R(vec))SHUFFLE(R(ipairs), (R(pairs))a, (R(pairs))b, 1, 5, 3, 7);
#else
  return (R(vec))SHUFFLE(R(ipairs), (R(pairs))a, (R(pairs))b, 1, 3);
#endif
}

#if !BP_REAL_IS_F64
/* The elements of the lower (upper) halves of a and b in turn. */
BP_INLINE R(vec) R(low_turns)(R(vec) a, R(vec) b) {
#if BP_VECTOR_BYTES == 64
  return SHUFFLE(R(ivec), a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
#elif BP_VECTOR_BYTES == 32
  return SHUFFLE(R(ivec), a, b, 0, 8, 1, 9, 4, 12, 5, 13);
#else
  return SHUFFLE(R(ivec), a, b, 0, 4, 1, 5);
#endif
}
BP_INLINE R(vec) R(high_turns)(R(vec) a, R(vec) b) {
#if BP_VECTOR_BYTES == 64
  return SHUFFLE(R(ivec), a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
#elif BP_VECTOR_BYTES == 32
  return SHUFFLE(R(ivec), a, b, 2, 10, 3, 11, 6, 14, 7, 15);
#else
  return SHUFFLE(R(ivec), a, b, 2, 6, 3, 7);
#endif
}
#endif

/* out[q * out_row + l] = row[l][q] for q < PIECE, l < LANES. */
BP_INLINE void R(transpose_block)(real *out, int64_t out_row, const real *const row[LANES]) {
#if BP_REAL_IS_F64
  const R(vec) a = R(load_pieces)(row), b = R(load_pieces)(row + 1);
  R(vstore)(out, R(low_pairs)(a, b));
  R(vstore)(out + out_row, R(high_pairs)(a, b));
#else
  const R(vec) a = R(load_pieces)(row), b = R(load_pieces)(row + 1);
  const R(vec) c = R(load_pieces)(row + 2), d = R(load_pieces)(row + 3);
  const R(vec) ab = R(low_turns)(a, b), cd = R(low_turns)(c, d);
  R(vstore)(out, R(low_pairs)(ab, cd));
  R(vstore)(out + out_row, R(high_pairs)(ab, cd));
  const R(vec) ab_high = R(high_turns)(a, b), cd_high = R(high_turns)(c, d);
  R(vstore)(out + 2 * out_row, R(low_pairs)(ab_high, cd_high));
  R(vstore)(out + 3 * out_row, R(high_pairs)(ab_high, cd_high));
#endif
}

/* out[q * out_row + l] = in[l * in_row + q] for q < columns, l < rows, 1 <= rows <= LANES. All LANES lanes are written: those
 * beyond `rows` repeat the last row. */
BP_INLINE void R(transpose_strip)(real *out, int64_t out_row, const real *in, int64_t in_row, int64_t rows,
                                  int64_t columns) {
  const real *row[LANES];
  BP_UNROLL for (int64_t l = 0; l < LANES; l++) row[l] = in + (l < rows ? l : rows - 1) * in_row;
  int64_t q = 0;
  for (; q + PIECE <= columns; q += PIECE) {
    R(transpose_block)(out + q * out_row, out_row, row);
    BP_UNROLL for (int64_t l = 0; l < LANES; l++) row[l] += PIECE;
  }
  if (q < columns && q > 0) { /* the last columns: a block that overlaps the one before */
    for (int64_t l = 0; l < LANES; l++) row[l] -= PIECE - (columns - q);
    R(transpose_block)(out + (columns - PIECE) * out_row, out_row, row);
    return;
  }
  for (; q < columns; q++) {
    for (int64_t l = 0; l < LANES; l++) out[q * out_row + l] = row[l][q];
  }
}
