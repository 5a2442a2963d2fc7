/* kernels/gemm_impl.h - matrix product for one type; included twice by gemm_kernel.c.
 *
 * A tile of C, `rows` by `vecs` vectors, stays in registers while k runs: every step loads one row of B (vecs vectors)
 * and broadcasts one element of each row of A. Each element of C is one chain of multiply-adds over k, so no choice of
 * tile or block changes a bit. Tiles at the right edge load and store their last vector by mask.
 *
 * B is read a panel at a time, BP_TILE_VECS vectors wide, by all rows of A. While the first tiles run down a panel they fetch
 * the next one, or its first use would wait for the third level: with 32 rows of A a sixth of the time.
 */
#include "kernels/real.h"

#include "kernels/simd.h"
#include "kernels/transpose_impl.h"

/* What one call of a tile function works on. */
typedef struct R(tile) {
  const real *a;
  int64_t a_row, a_step; /* distance of rows, and of steps of k */
  const real *b;
  int64_t ldb;
  real *c;
  int64_t ldc;
  int64_t k;
  const char *next, *next_end; /* a row of the next panel: a line of each row is fetched into the second level */
  int64_t next_step;           /* bytes from row to row; 0: nothing new is fetched */
  bool from_c;                 /* start from C, not from zero */
  R(vmask) last;               /* lanes of the last vector, when partial */
} R(tile);

BP_INLINE void R(tile_body)(const R(tile) * t, const int rows, const int vecs, const bool part) {
  R(vec) acc[BP_TILE_ROWS][BP_THIN_VECS];
  const int64_t ldc = t->ldc, ldb = t->ldb, a_row = t->a_row, a_step = t->a_step;
  const R(vmask) last = t->last;
  real *c = t->c;
  BP_UNROLL for (int i = 0; i < rows; i++) { BP_UNROLL for (int j = 0; j < vecs; j++) acc[i][j] = (R(vec)){0}; }
  if (t->from_c) {
    BP_UNROLL for (int i = 0; i < rows; i++) {
      BP_UNROLL for (int j = 0; j < vecs; j++) {
        const real *from = c + i * ldc + j * LANES;
        acc[i][j] = part && j == vecs - 1 ? R(vload_part)(from, last) : R(vload)(from);
      }
    }
  }
  const real *a = t->a, *b = t->b;
  const char *next = t->next;
  const int64_t next_step = t->next_step;
  for (int64_t p = t->k; p > 0; p--) {
    R(vec) row[BP_THIN_VECS];
    BP_UNROLL for (int j = 0; j < vecs; j++) {
      row[j] = part && j == vecs - 1 ? R(vload_part)(b + j * LANES, last) : R(vload)(b + j * LANES);
    }
    BP_UNROLL for (int i = 0; i < rows; i++) {
      const R(vec) x = R(vset1)(a[i * a_row]);
      BP_UNROLL for (int j = 0; j < vecs; j++) acc[i][j] = R(vfma)(x, row[j], acc[i][j]);
    }
    __builtin_prefetch(next, 0, 2);
    next += next_step;
    a += a_step;
    b += ldb;
  }
  __asm__("" : "+r"(c)); /* addresses in C are computed anew: else they are kept, and spilled, across the loop */
  BP_UNROLL for (int i = 0; i < rows; i++) {
    BP_UNROLL for (int j = 0; j < vecs; j++) {
      real *to = c + i * ldc + j * LANES;
      if (part && j == vecs - 1)
        R(vstore_part)(to, last, acc[i][j]);
      else
        R(vstore)(to, acc[i][j]);
    }
  }
}

/* ---- the tile functions: tables [vecs - 1][rows - 1] ---- */
typedef void (*R(tile_fn))(const R(tile) *);

#undef TILE_DEFINE
#undef TILE_ENTRY
#define TILE_DEFINE(rows, vecs)                                                                                        \
  static void R(tile_##rows##x##vecs)(const R(tile) * t) { R(tile_body)(t, rows, vecs, BP_TILE_ALWAYS_PART); }
#define TILE_ENTRY(rows, vecs) [vecs - 1][rows - 1] = R(tile_##rows##x##vecs),

BP_TILES(TILE_DEFINE)
static const R(tile_fn) R(tiles)[BP_THIN_VECS][BP_TILE_ROWS] = {BP_TILES(TILE_ENTRY)};

#if !BP_TILE_ALWAYS_PART
#undef PART_DEFINE
#undef PART_ENTRY
#define PART_DEFINE(rows, vecs)                                                                                        \
  static void R(part_tile_##rows##x##vecs)(const R(tile) * t) { R(tile_body)(t, rows, vecs, true); }
#define PART_ENTRY(rows, vecs) [vecs - 1][rows - 1] = R(part_tile_##rows##x##vecs),

BP_TILES(PART_DEFINE)
static const R(tile_fn) R(part_tiles)[BP_THIN_VECS][BP_TILE_ROWS] = {BP_TILES(PART_ENTRY)};
#endif

/* ---- packing ---- */

/* panel[p, j] = b[p, j] for p < k; the panel's rows are vecs * LANES long, zero beyond the last lane. */
static void R(pack_rows)(real *panel, int64_t vecs, const real *b, int64_t ldb, R(vmask) last, int64_t k) {
  for (int64_t p = 0; p < k; p++) {
    for (int64_t j = 0; j < vecs - 1; j++) R(vstore)(panel + j * LANES, R(vload)(b + j * LANES));
    R(vstore)(panel + (vecs - 1) * LANES, R(vload_part)(b + (vecs - 1) * LANES, last));
    b += ldb;
    panel += vecs * LANES;
  }
}

/* panel[p, j] = b[j, p] for p < k, j < n; the panel's rows are vecs * LANES long, anything beyond n. */
static void R(pack_transposed)(real *panel, int64_t vecs, const real *b, int64_t ldb, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += LANES) {
    R(transpose_strip)(panel + j, vecs * LANES, b + j * ldb, ldb, bp_gemm_smaller(n - j, LANES), k);
  }
}

/* Blocks of at most `most` that cover n as evenly as can be: the size of the next one. */
BP_INLINE int64_t R(even_share)(int64_t n, int64_t most) {
  if (n <= most) return n;
  const int64_t blocks = (n + most - 1) / most;
  return (n + blocks - 1) / blocks;
}

/* A transposed, [k, m], as its tiles want it: tile after tile, each [k, rows of the tile] and dense. Eight steps at a
 * time, so that the cache lines of A that neighbouring tiles share are still near. */
static void R(pack_a)(real *packed, const real *a, int64_t lda, int64_t m, int64_t k, int64_t max_rows) {
  for (int64_t p = 0; p < k; p += 8) {
    const int64_t steps = bp_gemm_smaller(k - p, 8);
    for (int64_t i = 0, rows; i < m; i += rows) {
      rows = R(even_share)(m - i, max_rows);
      real *to = packed + i * k + p * rows;
      const real *from = a + p * lda + i;
      for (int64_t q = 0; q < steps; q++) {
        for (int64_t r = 0; r < rows; r += LANES) {
          const R(vmask) first = R(vfirst)(bp_gemm_smaller(rows - r, LANES));
          R(vstore_part)(to + q * rows + r, first, R(vload_part)(from + q * lda + r, first));
        }
      }
    }
  }
}

/* Rows `first` to `last` of B as stored: steps of k, or columns of op(B) when transposed. */
#undef GEMM_NAME
#define GEMM_NAME BP_ISA_FN(R(bp_gemm_pack))
void GEMM_NAME(const bp_gemm_pack *g) {
  const real *b = g->b;
  const int64_t n_vecs = (g->n + LANES - 1) / LANES;
  for (int64_t done = 0, vecs; done < n_vecs; done += vecs) {
    vecs = R(even_share)(n_vecs - done, BP_TILE_VECS);
    const int64_t j = done * LANES, end = bp_gemm_smaller(g->n, j + vecs * LANES);
    real *panel = (real *)g->packed + j * g->k;
    if (g->b_trans) {
      const int64_t from = j > g->first ? j : g->first, to = bp_gemm_smaller(end, g->last);
      R(pack_transposed)(panel + (from - j), vecs, b + from * g->ldb, g->ldb, to - from, g->k);
    } else {
      const R(vmask) last = R(vfirst)(end - j - (vecs - 1) * LANES);
      R(pack_rows)(panel + g->first * vecs * LANES, vecs, b + g->first * g->ldb + j, g->ldb, last, g->last - g->first);
    }
  }
}

/* ---- one product ---- */
typedef struct R(plan) {
  const bp_gemm *g;
  bool pack_a, pack_b;
  int64_t max_vecs; /* of a panel */
  real *packed_a, *panel;
} R(plan);

/* All rows of one panel of C; t lacks only what depends on the row. The first tiles fetch the panel that comes next, a column
 * of its cache lines each. */
static void R(panel_rows)(const R(plan) * plan, R(tile) t, const R(tile_fn) * tiles, int64_t m, int64_t max_rows) {
  const char *next = t.next;
  for (int64_t rows; m > 0; m -= rows, next += 64) {
    rows = R(even_share)(m, max_rows);
    t.next = next < t.next_end ? next : (const char *)&t;
    t.next_step = next < t.next_end ? t.ldb * (int64_t)sizeof(real) : 0;
    if (plan->pack_a) t.a_step = rows;
    tiles[rows - 1](&t);
    t.a += rows * (plan->pack_a ? t.k : t.a_row);
    t.c += rows * t.ldc;
  }
}

/* Where the tiles find steps p to p + t->k of the panel of `vecs` vectors at column j of B; and the next panel, when it lies
 * as this one does. */
static void R(find_panel)(const R(plan) * plan, R(tile) * t, int64_t p, int64_t j, int64_t vecs) {
  const bp_gemm *g = plan->g;
  const int64_t width = bp_gemm_smaller(g->n - j, vecs * LANES), left = g->n - j - width;
  const real *b = g->b;
  t->last = R(vfirst)(width - (vecs - 1) * LANES);
  t->ldb = plan->pack_b || g->b_packed ? vecs * LANES : g->ldb;
  t->next = t->next_end = (const char *)t;
  if (plan->pack_b) {
    if (g->b_trans)
      R(pack_transposed)(plan->panel, vecs, b + j * g->ldb + p, g->ldb, width, t->k);
    else
      R(pack_rows)(plan->panel, vecs, b + p * g->ldb + j, g->ldb, t->last, t->k);
    t->b = plan->panel;
    return;
  }
  t->b = g->b_packed ? b + j * g->k + p * t->ldb : b + p * g->ldb + j;
  if (left < width || !(g->b_packed || g->ldb * (int64_t)sizeof(real) >= BP_GEMM_FAR_BYTES)) return;
  t->next = (const char *)(t->b + width * (g->b_packed ? g->k : 1));
  t->next_end = t->next + width * (int64_t)sizeof(real);
}

/* m rows of C times k steps from p; t has the operands but for the panel of B. */
static void R(row_block)(const R(plan) * plan, R(tile) t, int64_t m, int64_t p) {
  const bp_gemm *g = plan->g;
  const int64_t n_vecs = (g->n + LANES - 1) / LANES, widest = R(even_share)(n_vecs, plan->max_vecs);
  for (int64_t done = 0, vecs; done < n_vecs; done += vecs) {
    vecs = R(even_share)(n_vecs - done, plan->max_vecs);
    R(find_panel)(plan, &t, p, done * LANES, vecs);
#if BP_TILE_ALWAYS_PART
    const R(tile_fn) *tiles = R(tiles)[vecs - 1];
#else
    const bool part = done + vecs == n_vecs && g->n % LANES != 0;
    const R(tile_fn) *tiles = (part ? R(part_tiles) : R(tiles))[vecs - 1];
#endif
    R(panel_rows)(plan, t, tiles, m, tile_rows[(plan->pack_a ? widest : vecs) - 1]);
    t.c += vecs * LANES;
  }
}

/* One dense column from a transposed A: the row that it is when all is transposed fills vectors instead of single lanes. */
static bool R(is_column)(const bp_gemm *g) {
  return g->n == 1 && g->ldc == 1 && g->a_trans && !g->b_packed && (g->b_trans || g->ldb == 1);
}

/* A small product that is one tile, as in networks of a few units: nothing to plan. */
static bool R(is_one_tile)(const bp_gemm *g) {
  return g->n <= LANES && g->m <= tile_rows[0] && g->k <= (g->b_trans ? BP_TURNED_STEPS : BP_ONE_TILE_STEPS) &&
         !g->b_packed;
}

static void R(one_tile)(const bp_gemm *g) {
  R(tile)
  t = {.a = g->a,
       .a_row = g->a_trans ? 1 : g->lda,
       .a_step = g->a_trans ? g->lda : 1,
       .b = g->b,
       .ldb = g->ldb,
       .c = g->c,
       .ldc = g->ldc,
       .k = g->k,
       .from_c = g->accumulate,
       .last = R(vfirst)(g->n)};
  t.next = t.next_end = (const char *)&t;
  real turned[BP_TURNED_STEPS * LANES];
  if (g->b_trans) {
    for (int64_t j = 0; j < g->n; j++) {
      for (int64_t p = 0; p < g->k; p++) turned[p * g->n + j] = t.b[j * g->ldb + p];
    }
    t.b = turned;
    t.ldb = g->n;
  }
#if BP_TILE_ALWAYS_PART
  R(tiles)[0][g->m - 1](&t);
#else
  (g->n == LANES ? R(tiles) : R(part_tiles))[0][g->m - 1](&t);
#endif
}

/* What is packed, and how wide a panel is. */
static R(plan) R(plan_of)(const bp_gemm *g) {
  const int64_t size = (int64_t)sizeof(real);
  R(plan) plan = {.g = g, .packed_a = g->scratch, .panel = g->scratch, .max_vecs = BP_TILE_VECS};
  plan.pack_a = bp_gemm_wants_a(g->n, size, g->a_trans) && g->lda * size >= BP_GEMM_FAR_BYTES;
  if (plan.pack_a) plan.panel += bp_gemm_a_bytes(g->m, g->k, size) / size;
  if (g->b_packed) return plan;
  plan.pack_b = g->b_trans || (bp_gemm_wants_b(g->m, g->k, false) && g->m >= BP_FAR_B_ROWS && g->k >= BP_FAR_B_STEPS &&
                               g->ldb * size >= BP_GEMM_FAR_BYTES);
  if (g->m <= 2 && !plan.pack_b && !plan.pack_a) plan.max_vecs = g->m == 1 ? BP_THIN_VECS : BP_PAIR_VECS;
  return plan;
}

/* Rows of A that are taken through all panels before the next ones. */
static int64_t R(rows_at_a_time)(const R(plan) * plan) {
  const bp_gemm *g = plan->g;
  if (plan->pack_a) return bp_gemm_smaller(g->m, BP_GEMM_A_ROWS);
  return g->b_packed ? bp_gemm_smaller(g->m, BP_GEMM_NEAR_ROWS) : g->m; /* else each block would pack B again */
}

#undef GEMM_NAME
#define GEMM_NAME BP_ISA_FN(R(bp_gemm))
void GEMM_NAME(const bp_gemm *g) {
  if (g->m <= 0 || g->n <= 0) return;
  if (R(is_one_tile)(g)) {
    R(one_tile)(g);
    return;
  }
  if (R(is_column)(g)) {
    GEMM_NAME(&(bp_gemm){.m = 1,
                         .n = g->m,
                         .k = g->k,
                         .a = g->b,
                         .lda = g->k,
                         .b = g->a,
                         .ldb = g->lda,
                         .c = g->c,
                         .ldc = g->m,
                         .accumulate = g->accumulate});
    return;
  }
  const R(plan) plan = R(plan_of)(g);
  const int64_t m_block = R(rows_at_a_time)(&plan);
  const int64_t first_rows = tile_rows[R(even_share)((g->n + LANES - 1) / LANES, plan.max_vecs) - 1];
  int64_t p = 0, depth;
  do {
    depth = g->k > p ? R(even_share)(g->k - p, bp_gemm_depth(g->k, plan.pack_a)) : 0;
    for (int64_t i = 0; i < g->m; i += m_block) {
      const int64_t m = bp_gemm_smaller(g->m - i, m_block);
      R(tile) t = {.a_row = g->a_trans ? 1 : g->lda, .a_step = g->a_trans ? g->lda : 1, .ldc = g->ldc, .k = depth};
      t.a = (const real *)g->a + i * t.a_row + p * t.a_step;
      t.c = (real *)g->c + i * g->ldc;
      t.from_c = p > 0 || g->accumulate;
      if (plan.pack_a) {
        R(pack_a)(plan.packed_a, t.a, g->lda, m, depth, first_rows);
        t.a = plan.packed_a;
      }
      R(row_block)(&plan, t, m, p);
    }
    p += depth;
  } while (p < g->k);
}
