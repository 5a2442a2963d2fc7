/* labels: unit */
/* The matrix product against one chain of multiply-adds for each element, bit for bit, on every build that this CPU runs:
 * all layouts, odd sizes, gaps between rows, packed and unpacked paths. Operands and scratch end at a closed page, gaps
 * and scratch are full of NaN, so whatever is read that should not be shows. */
#include "kernels/kernel_testing.h"

typedef struct shape {
  int64_t m, n, k;
  bool a_trans, b_trans, accumulate;
  int64_t a_gap, b_gap, c_gap; /* elements between rows */
} shape;

/* a * b + c as the build computes it: fused where it has fused multiply-add. */
static double chain_step(bp_isa isa, bp_real real, double a, double b, double c) {
  if (real == BP_KF64) return isa == BP_ISA_BASELINE ? a * b + c : fma(a, b, c);
  const float x = (float)a, y = (float)b, z = (float)c;
  if (isa != BP_ISA_BASELINE) return (double)fmaf(x, y, z);
  const float product = x * y;
  return (double)(product + z);
}

/* Where the baseline has fused multiply-add itself (not on x86), it fuses. */
static bp_isa rounding_of(bp_isa isa) {
#if defined(__aarch64__)
  (void)isa;
  return BP_ISA_AVX2;
#else
  return isa;
#endif
}

static int64_t lda_of(const shape *s) { return (s->a_trans ? s->m : s->k) + s->a_gap; }
static int64_t ldb_of(const shape *s) { return (s->b_trans ? s->k : s->n) + s->b_gap; }
static int64_t ldc_of(const shape *s) { return s->n + s->c_gap; }
/* Elements from the first to the last of a matrix; the last row has no gap after it. */
static int64_t extent(int64_t rows, int64_t columns, int64_t ld) {
  return rows && columns ? (rows - 1) * ld + columns : 0;
}
static int64_t a_extent(const shape *s) {
  return s->a_trans ? extent(s->k, s->m, lda_of(s)) : extent(s->m, s->k, lda_of(s));
}
static int64_t b_extent(const shape *s) {
  return s->b_trans ? extent(s->n, s->k, ldb_of(s)) : extent(s->k, s->n, ldb_of(s));
}

static void fill_matrix(void *p, bp_real real, int64_t rows, int64_t columns, int64_t ld, uint64_t seed) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) kt_set(p, real, r * ld + c, kt_uniform(&seed));
  }
}

static double a_at(const shape *s, bp_real real, const void *a, int64_t i, int64_t p) {
  return kt_get(a, real, s->a_trans ? p * lda_of(s) + i : i * lda_of(s) + p);
}
static double b_at(const shape *s, bp_real real, const void *b, int64_t p, int64_t j) {
  return kt_get(b, real, s->b_trans ? j * ldb_of(s) + p : p * ldb_of(s) + j);
}

/* The chains, and that they are near the sum in long double. */
static void expected_product(const shape *s, bp_real real, bp_isa isa, const void *a, const void *b, void *c) {
  const double eps = real == BP_KF64 ? 0x1p-52 : 0x1p-23;
  for (int64_t i = 0; i < s->m; i++) {
    for (int64_t j = 0; j < s->n; j++) {
      double chain = s->accumulate ? kt_get(c, real, i * ldc_of(s) + j) : 0;
      long double sum = (long double)chain, size = fabsl(sum);
      for (int64_t p = 0; p < s->k; p++) {
        const double x = a_at(s, real, a, i, p), y = b_at(s, real, b, p, j);
        chain = chain_step(isa, real, x, y, chain);
        sum += (long double)x * (long double)y;
        size += fabsl((long double)x * (long double)y);
      }
      if (fabsl((long double)chain - sum) > (long double)(eps * (double)(s->k + 1)) * size)
        fail_msg("the chain is wrong");
      kt_set(c, real, i * ldc_of(s) + j, chain);
    }
  }
}

typedef struct blocks {
  kt_block a, b, c, expected, scratch, packed;
} blocks;

static blocks blocks_new(size_t elements) {
  const size_t size = elements * sizeof(double);
  return (blocks){kt_new(size), kt_new(size), kt_new(size), kt_new(size), kt_new(size + ((size_t)1 << 16)),
                  kt_new(size)};
}
static void blocks_free(blocks *b) {
  kt_free(&b->a);
  kt_free(&b->b);
  kt_free(&b->c);
  kt_free(&b->expected);
  kt_free(&b->scratch);
  kt_free(&b->packed);
}

static void *scratch_for(blocks *blk, const shape *s, bp_real real) {
  const size_t size = bp_gemm_scratch(s->m, s->n, s->k, s->a_trans, s->b_trans, real);
  assert_int_equal(size % 64, 0);
  return size ? kt_at_end(&blk->scratch, size) : NULL;
}

/* The product once more with a packed B. It is packed in two parts, the later rows first, and ends at the closed page; what
 * no part wrote is NaN. */
static void check_packed(blocks *blk, const shape *s, bp_real real, const bp_kernels *kernels, bp_gemm g,
                         const void *expected) {
  const size_t size = bp_gemm_packed_bytes(s->n, s->k, real),
               c_bytes = (size_t)extent(s->m, s->n, ldc_of(s)) * kt_size(real);
  const int64_t rows = s->b_trans ? s->n : s->k, cut = rows / 2 / 16 * 16;
  bp_gemm_pack part = {.n = s->n, .k = s->k, .b = g.b, .ldb = g.ldb, .b_trans = s->b_trans, .first = cut, .last = rows};
  part.packed = kt_at_end(&blk->packed, size);
  kernels->gemm_pack[real](&part);
  part.first = 0;
  part.last = cut;
  kernels->gemm_pack[real](&part);
  kt_check_before(&blk->packed, size);
  g.b = part.packed;
  g.b_packed = true;
  g.c = kt_at_end(&blk->c, c_bytes);
  g.scratch = scratch_for(blk, s, real);
  if (s->accumulate) fill_matrix(g.c, real, s->m, s->n, ldc_of(s), 3);
  kernels->gemm[real](&g);
  if (c_bytes && memcmp(g.c, expected, c_bytes) != 0)
    fail_msg("%s %s: %c%c %dx%dx%d with B packed differs", bp_isa_name(kernels->isa), kt_name(real),
             s->a_trans ? 'T' : 'N', s->b_trans ? 'T' : 'N', (int)s->m, (int)s->n, (int)s->k);
  kt_check_before(&blk->c, c_bytes);
}

static void check_shape(blocks *blk, const shape *s, bp_real real) {
  const size_t size = kt_size(real), c_bytes = (size_t)extent(s->m, s->n, ldc_of(s)) * size;
  void *a = kt_at_end(&blk->a, (size_t)a_extent(s) * size), *b = kt_at_end(&blk->b, (size_t)b_extent(s) * size);
  fill_matrix(a, real, s->a_trans ? s->k : s->m, s->a_trans ? s->m : s->k, lda_of(s), 1);
  fill_matrix(b, real, s->b_trans ? s->n : s->k, s->b_trans ? s->k : s->n, ldb_of(s), 2);
  bp_isa known = BP_ISA_COUNT; /* builds that round alike share the expectation */
  void *expected = NULL;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    if (!kernels) continue;
    const bp_isa rounding = rounding_of((bp_isa)isa) == BP_ISA_BASELINE ? BP_ISA_BASELINE : BP_ISA_AVX2;
    if (rounding != known) {
      expected = kt_at_end(&blk->expected, c_bytes);
      fill_matrix(expected, real, s->m, s->n, ldc_of(s), 3);
      expected_product(s, real, rounding, a, b, expected);
      known = rounding;
    }
    void *c = kt_at_end(&blk->c, c_bytes);
    if (s->accumulate) fill_matrix(c, real, s->m, s->n, ldc_of(s), 3);
    const bp_gemm g = {.m = s->m,
                       .n = s->n,
                       .k = s->k,
                       .a = a,
                       .lda = lda_of(s),
                       .b = b,
                       .ldb = ldb_of(s),
                       .c = c,
                       .ldc = ldc_of(s),
                       .a_trans = s->a_trans,
                       .b_trans = s->b_trans,
                       .accumulate = s->accumulate,
                       .scratch = scratch_for(blk, s, real)};
    kernels->gemm[real](&g);
    if (c_bytes && memcmp(c, expected, c_bytes) != 0) {
      fail_msg("%s %s: %c%c %dx%dx%d, gaps %d %d %d, accumulate %d differs", bp_isa_name((bp_isa)isa), kt_name(real),
               s->a_trans ? 'T' : 'N', s->b_trans ? 'T' : 'N', (int)s->m, (int)s->n, (int)s->k, (int)s->a_gap,
               (int)s->b_gap, (int)s->c_gap, s->accumulate);
    }
    kt_check_before(&blk->c, c_bytes);
    check_packed(blk, s, real, kernels, g, expected);
  }
}

static void check_layouts(blocks *blk, int64_t m, int64_t n, int64_t k, int64_t gap) {
  for (int which = 0; which < 8; which++) {
    const shape s = {m, n, k, which & 1, which & 2, which & 4, gap, gap ? gap + 2 : 0, gap ? gap - 1 : 0};
    check_shape(blk, &s, BP_KF32);
    check_shape(blk, &s, BP_KF64);
  }
}

static void small_products_are_exact_chains(void **state) {
  (void)state;
  static const int sizes[] = {1, 2, 5, 6, 8, 11, 17, 29, 40};
  enum { N = sizeof sizes / sizeof *sizes };
  blocks blk = blocks_new(45 * 45);
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      for (int p = 0; p < N; p++) check_layouts(&blk, sizes[i], sizes[j], sizes[p], (i + j + p) % 3 == 0 ? 3 : 0);
    }
  }
  blocks_free(&blk);
}

/* Every count of columns up to a few panels, and every count of rows. */
static void every_edge_is_exact(void **state) {
  (void)state;
  blocks blk = blocks_new(300 * 20);
  for (int n = 1; n <= 150; n++) check_layouts(&blk, 7, n, 4, n % 2);
  for (int m = 1; m <= 40; m++) check_layouts(&blk, m, 33, 5, m % 2);
  for (int m = 1; m <= 150; m += 7) check_layouts(&blk, m, 1, 5, m % 3);
  for (int n = 1; n <= 290; n += 17) {
    check_layouts(&blk, 1, n, 9, 0);
    check_layouts(&blk, 2, n, 9, 1);
  }
  blocks_free(&blk);
}

static void empty_products_are_zero_or_leave_c(void **state) {
  (void)state;
  blocks blk = blocks_new(300);
  check_layouts(&blk, 5, 7, 0, 0); /* k = 0: zeros, or C when accumulating */
  check_layouts(&blk, 0, 7, 3, 0);
  check_layouts(&blk, 5, 0, 3, 0);
  blocks_free(&blk);
}

/* Sizes beyond the block of k, the block of rows and the distance that makes packing worth it. */
static void large_products_are_exact_chains(void **state) {
  (void)state;
  static const shape shapes[] = {
      {7, 70, 1700, false, false, false, 0, 0, 0},    {7, 70, 1700, false, true, true, 3, 5, 0},
      {5, 600, 600, true, false, false, 600, 0, 0},   {270, 530, 11, true, false, true, 300, 0, 1},
      {260, 40, 270, false, false, false, 0, 500, 0}, {33, 40, 70, false, false, false, 0, 500, 0},
      {7, 520, 530, true, true, false, 600, 1, 0},    {260, 520, 20, true, true, true, 300, 0, 0},
      {200, 270, 90, false, false, true, 0, 0, 0},    {100, 530, 850, false, false, false, 0, 0, 1},
      {2, 300, 40, true, false, false, 600, 600, 0},  {1, 300, 900, true, true, false, 600, 0, 0},
  };
  blocks blk = blocks_new(700 * 1300);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    check_shape(&blk, &shapes[i], BP_KF32);
    check_shape(&blk, &shapes[i], BP_KF64);
  }
  blocks_free(&blk);
}

/* Rows, columns and (when accumulating) steps of k done in two calls give the bits of one call. */
static void a_split_changes_no_bit(void **state) {
  (void)state;
  enum { M = 37, N = 83, K = 61 };
  static float a[M * K], b[K * N], whole[M * N], parts[M * N];
  fill_matrix(a, BP_KF32, M, K, K, 7);
  fill_matrix(b, BP_KF32, K, N, N, 8);
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    if (!kernels) continue;
    bp_gemm g = {.m = M, .n = N, .k = K, .a = a, .lda = K, .b = b, .ldb = N, .c = whole, .ldc = N};
    void *scratch = aligned_alloc(64, bp_gemm_scratch(M, N, K, false, false, BP_KF32) + 64);
    g.scratch = scratch;
    kernels->gemm[BP_KF32](&g);
    for (int cut = 1; cut < M; cut += 5) {
      memset(parts, 0xff, sizeof parts);
      for (int half = 0; half < 2; half++) {
        bp_gemm part = g;
        part.m = half ? M - cut : cut;
        part.a = a + (half ? cut * K : 0);
        part.c = parts + (half ? cut * N : 0);
        kernels->gemm[BP_KF32](&part);
      }
      assert_memory_equal(whole, parts, sizeof whole);
    }
    for (int cut = 1; cut < N; cut += 7) {
      memset(parts, 0xff, sizeof parts);
      for (int half = 0; half < 2; half++) {
        bp_gemm part = g;
        part.n = half ? N - cut : cut;
        part.b = b + (half ? cut : 0);
        part.c = parts + (half ? cut : 0);
        kernels->gemm[BP_KF32](&part);
      }
      assert_memory_equal(whole, parts, sizeof whole);
    }
    for (int cut = 1; cut < K; cut += 9) {
      for (int half = 0; half < 2; half++) {
        bp_gemm part = g;
        part.k = half ? K - cut : cut;
        part.a = a + (half ? cut : 0);
        part.b = b + (half ? cut * N : 0);
        part.c = parts;
        part.accumulate = half;
        kernels->gemm[BP_KF32](&part);
      }
      assert_memory_equal(whole, parts, sizeof whole);
    }
    free(scratch);
  }
}

/* A NaN or an infinity in one row of A reaches that row of C and no other. */
static void special_values_stay_in_their_row(void **state) {
  (void)state;
  enum { M = 9, N = 21, K = 6 };
  static double a[M * K], b[K * N], c[M * N];
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    if (!kernels) continue;
    fill_matrix(a, BP_KF64, M, K, K, 4);
    fill_matrix(b, BP_KF64, K, N, N, 5);
    a[4 * K + 2] = (double)NAN;
    a[6 * K] = (double)INFINITY;
    const bp_gemm g = {.m = M, .n = N, .k = K, .a = a, .lda = K, .b = b, .ldb = N, .c = c, .ldc = N};
    kernels->gemm[BP_KF64](&g);
    for (int i = 0; i < M * N; i++) {
      if (i / N == 4)
        assert_true(isnan(c[i]));
      else if (i / N == 6)
        assert_true(isinf(c[i]));
      else
        assert_true(isfinite(c[i]));
    }
  }
}

static void scratch_grows_with_the_product(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 10, 31, 32, 63, 64, 128, 255, 256, 257, 512, 832, 1000, 2000};
  enum { N = sizeof sizes / sizeof *sizes };
  for (int layout = 0; layout < 8; layout++) {
    const bool a_trans = layout & 1, b_trans = layout & 2;
    const bp_real real = layout & 4 ? BP_KF64 : BP_KF32;
    for (int i = 0; i + 1 < N; i++) {
      for (int j = 0; j + 1 < N; j++) {
        for (int p = 0; p + 1 < N; p++) {
          const size_t here = bp_gemm_scratch(sizes[i], sizes[j], sizes[p], a_trans, b_trans, real);
          assert_true(here <= bp_gemm_scratch(sizes[i + 1], sizes[j], sizes[p], a_trans, b_trans, real));
          assert_true(here <= bp_gemm_scratch(sizes[i], sizes[j + 1], sizes[p], a_trans, b_trans, real));
          assert_true(here <= bp_gemm_scratch(sizes[i], sizes[j], sizes[p + 1], a_trans, b_trans, real));
        }
      }
    }
  }
  assert_int_equal(bp_gemm_scratch(4, 4, 2, false, false, BP_KF32), 0);
  assert_int_equal(bp_gemm_packed_bytes(17, 3, BP_KF32), 2 * 64 * 3);
  assert_int_equal(bp_gemm_packed_bytes(17, 3, BP_KF64), 3 * 64 * 3);
  assert_int_equal(bp_gemm_packed_bytes(17, 0, BP_KF64), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_products_are_exact_chains),
      cmocka_unit_test(every_edge_is_exact),
      cmocka_unit_test(empty_products_are_zero_or_leave_c),
      cmocka_unit_test(large_products_are_exact_chains),
      cmocka_unit_test(a_split_changes_no_bit),
      cmocka_unit_test(special_values_stay_in_their_row),
      cmocka_unit_test(scratch_grows_with_the_product),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
