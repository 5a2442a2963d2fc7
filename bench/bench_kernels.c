/* bench/bench_kernels.c - one thread, every kernel, as a table for people.
 *
 *   bench_kernels [gemm|ew|reduce|move] [baseline|avx2|avx512]
 *
 * Times are of the processor, so that a process which waits for a core costs nothing, and of several the second best: clocks of
 * virtual machines jump now and then. The peak of the core (independent multiply-adds on registers) is measured between the
 * repeats of each product, since the speed of a core changes.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "peak.h"

static double peak_flops(bp_isa isa) {
  return peak_of_lanes(isa == BP_ISA_AVX512 ? 16 : isa == BP_ISA_AVX2 ? 8 : 4, 5);
}

/* ---- timing ---- */
typedef void (*job_fn)(void *);

/* Runs of a job that take about 3 ms. */
static int64_t runs_of(job_fn job, void *user) {
  int64_t runs = 1;
  for (;;) {
    const double t = cpu_seconds();
    for (int64_t i = 0; i < runs; i++) job(user);
    const double dt = cpu_seconds() - t;
    if (dt > 3e-3 || runs > (1 << 24)) return runs;
    runs = dt < 1e-4 ? runs * 10 : (int64_t)(3.3e-3 / dt * (double)runs) + 1;
  }
}

enum { REPEATS = 15 };
static int order(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static double second_best(double times[REPEATS]) {
  qsort(times, REPEATS, sizeof *times, order);
  return times[1];
}

/* Seconds of one run; and of one floating-point operation at the peak, measured in turn, when asked for. Each batch follows a run
 * that fills the caches. */
static double seconds_beside_peak(job_fn job, void *user, bp_isa isa, double *peak) {
  const int64_t runs = runs_of(job, user);
  double times[REPEATS], peaks[REPEATS];
  for (int rep = 0; rep < REPEATS; rep++) {
    if (peak) peaks[rep] = 1 / peak_flops(isa);
    job(user);
    const double t = cpu_seconds();
    for (int64_t i = 0; i < runs; i++) job(user);
    times[rep] = (cpu_seconds() - t) / (double)runs;
  }
  if (peak) *peak = second_best(peaks);
  return second_best(times);
}
static double seconds(job_fn job, void *user) { return seconds_beside_peak(job, user, BP_ISA_BASELINE, NULL); }

static void *block(size_t size) {
  void *p = aligned_alloc(64, (size + 127) / 64 * 64);
  if (!p) exit(1);
  for (size_t i = 0; i + 4 <= size; i += 4) ((float *)p)[i / 4] = (float)((i * 2654435761u) % 1000) / 1000.0f;
  return p;
}

/* ---- matrix products ---- */
typedef struct product {
  bp_gemm_fn fn;
  bp_gemm g;
} product;
static void run_product(void *user) {
  const product *p = user;
  p->fn(&p->g);
}

static void run_pack(void *user) {
  const bp_gemm_pack *p = user;
  bp_kernels_use()->gemm_pack[BP_KF32](p);
}

/* Products of training steps, in blocks of 32 rows as programs run them, and some whole. */
typedef struct shape {
  const char *layout;        /* N or T: A; N, T or P: B, packed before the clock starts */
  int64_t m, n, k, lda, ldb; /* leading dimensions, 0: dense */
} shape;
static const shape shapes[] = {
    /* 784-128-128-10 */
    {"NN", 1, 128, 784, 0, 0},
    {"NN", 1, 128, 128, 0, 0},
    {"NN", 1, 10, 128, 0, 0},
    {"NN", 32, 128, 784, 0, 0},
    {"NN", 128, 128, 784, 0, 0},
    {"NN", 32, 128, 128, 0, 0},
    {"NN", 32, 10, 128, 0, 0},
    {"NN", 32, 128, 10, 0, 0},
    {"TN", 32, 128, 128, 784, 0},
    {"TN", 32, 128, 512, 784, 0},
    {"TN", 32, 128, 128, 128, 0},
    {"TN", 32, 10, 128, 128, 0},
    {"NT", 32, 128, 128, 0, 0},
    {"NT", 32, 784, 128, 0, 0},
    {"NP", 32, 128, 128, 0, 0},
    /* 28-300-300-300-300-300-1, batch 100 */
    {"NN", 32, 300, 28, 0, 0},
    {"NN", 32, 300, 300, 0, 0},
    {"NP", 32, 300, 300, 0, 0},
    {"NN", 32, 1, 300, 0, 0},
    {"TN", 28, 300, 100, 0, 0},
    {"TN", 32, 300, 100, 300, 0},
    {"TN", 32, 1, 100, 300, 0},
    /* 1024-1024-1024-1024-1024, batch 512 */
    {"NN", 32, 1024, 1024, 0, 0},
    {"NP", 32, 1024, 1024, 0, 0},
    {"TN", 32, 1024, 512, 1024, 0},
    {"TP", 32, 1024, 512, 1024, 0},
    {"NT", 32, 1024, 1024, 0, 0},
    {"NN", 512, 1024, 1024, 0, 0},
    {"NP", 512, 1024, 1024, 0, 0},
    {"TN", 512, 1024, 1024, 0, 0},
    {"NT", 512, 1024, 1024, 0, 0},
    {"TT", 64, 128, 128, 0, 0},
};

/* Random floats, doubles of zero. */
static void *matrix(bp_real real, int64_t rows, int64_t columns) {
  const size_t size = (size_t)(rows * columns) * (real == BP_KF64 ? 8 : 4);
  void *p = block(size);
  if (real == BP_KF64) memset(p, 0, size);
  return p;
}

static product product_new(const bp_kernels *kernels, bp_real real, const shape *s) {
  const bool a_trans = s->layout[0] == 'T', b_trans = s->layout[1] == 'T';
  product p = {.fn = kernels->gemm[real],
               .g = {.m = s->m, .n = s->n, .k = s->k, .ldc = s->n, .a_trans = a_trans, .b_trans = b_trans}};
  p.g.lda = s->lda ? s->lda : a_trans ? s->m : s->k;
  p.g.ldb = s->ldb ? s->ldb : b_trans ? s->k : s->n;
  p.g.a = matrix(real, a_trans ? s->k : s->m, p.g.lda);
  p.g.b = matrix(real, b_trans ? s->n : s->k, p.g.ldb);
  p.g.c = matrix(real, s->m, s->n);
  p.g.scratch = block(bp_gemm_scratch(s->m, s->n, s->k, a_trans, b_trans, real) + 64);
  if (s->layout[1] != 'P') return p;
  void *packed = block(bp_gemm_packed_bytes(s->n, s->k, real));
  kernels->gemm_pack[real](
      &(bp_gemm_pack){.n = s->n, .k = s->k, .b = p.g.b, .ldb = p.g.ldb, .first = 0, .last = s->k, .packed = packed});
  free((void *)(uintptr_t)p.g.b);
  p.g.b = packed;
  p.g.b_packed = true;
  return p;
}

static void product_free(product *p) {
  free((void *)(uintptr_t)p->g.a);
  free((void *)(uintptr_t)p->g.b);
  free(p->g.c);
  free(p->g.scratch);
}

static void bench_product(const bp_kernels *kernels, bp_real real, const shape *s) {
  product p = product_new(kernels, real, s);
  double at_peak;
  const double dt = seconds_beside_peak(run_product, &p, kernels->isa, &at_peak);
  const double peak = (real == BP_KF64 ? 0.5 : 1.0) / at_peak;
  const double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k / dt;
  printf("%s %4d %5d %5d  %s  %10.2f us  %7.1f GFLOP/s  %5.1f %% of peak\n", s->layout, (int)s->m, (int)s->n, (int)s->k,
         real == BP_KF64 ? "f64" : "f32", dt * 1e6, flops * 1e-9, 100 * flops / peak);
  product_free(&p);
}

/* What it takes to pack B, beside the product of 32 rows with it. */
static void bench_packing(void) {
  enum { SIDE_PACKED = 1024 };
  void *b = block((size_t)4 * SIDE_PACKED * SIDE_PACKED);
  bp_gemm_pack pack = {.n = SIDE_PACKED, .k = SIDE_PACKED, .b = b, .ldb = SIDE_PACKED, .last = SIDE_PACKED};
  pack.packed = block(bp_gemm_packed_bytes(SIDE_PACKED, SIDE_PACKED, BP_KF32));
  for (int trans = 0; trans < 2; trans++) {
    pack.b_trans = trans;
    printf("pack B%s 1024 x 1024, f32 (build of bp_cpu_isa()) %10.2f us\n", trans ? " transposed" : "",
           seconds(run_pack, &pack) * 1e6);
  }
  free(b);
  free(pack.packed);
}

static void bench_products(const bp_kernels *kernels) {
  printf("matrix product, one thread; measured peak %.1f GFLOP/s f32\n", peak_flops(kernels->isa) * 1e-9);
  printf("        m     n     k\n");
  for (int real = 0; real < BP_REAL_COUNT; real++) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) bench_product(kernels, (bp_real)real, &shapes[i]);
  }
  bench_packing();
}

/* ---- elementwise, on a block that lies in the first-level cache ---- */
enum { BLOCK = 512 };
typedef struct elementwise {
  bp_ew_fn fn;
  void *out;
  const void *in[3];
} elementwise;
static void run_elementwise(void *user) {
  const elementwise *e = user;
  e->fn(e->out, e->in, BLOCK);
}

static void bench_elementwise(const bp_kernels *kernels) {
  printf("elementwise, %d elements: nanoseconds per element\n%-14s %8s %8s\n", BLOCK, "", "f32", "f64");
  for (int op = 0; op < BP_EW_COUNT; op++) {
    double ns[BP_REAL_COUNT];
    for (int real = 0; real < BP_REAL_COUNT; real++) {
      float *x = block(BLOCK * 8), *y = block(BLOCK * 8);
      for (int i = 0; i < BLOCK; i++) {
        const double v = 0.1 + 0.8 * i / BLOCK;
        if (real == BP_KF64)
          ((double *)(void *)x)[i] = v;
        else
          x[i] = (float)v;
      }
      elementwise e = {kernels->ew[real][op], y, {x, x, x}};
      ns[real] = seconds(run_elementwise, &e) / BLOCK * 1e9;
      free(x);
      free(y);
    }
    printf("%-14s %8.3f %8.3f\n", bp_ew_name((bp_ew)op), ns[0], ns[1]);
  }
}

/* ---- reductions ---- */
typedef struct reduction {
  bp_reduce_fn fn;
  bp_reduce g;
} reduction;
static void run_reduction(void *user) {
  const reduction *r = user;
  r->fn(&r->g);
}
typedef struct rows_job {
  bp_logsumexp_fn fn;
  void *out;
  const void *in;
  int64_t rows, columns;
} rows_job;
static void run_rows(void *user) {
  const rows_job *j = user;
  j->fn(j->out, j->in, j->rows, j->columns);
}

static void bench_reductions(const bp_kernels *kernels) {
  static const int64_t sizes[][3] = {{1, 100352, 1}, {128, 784, 1}, {128, 10, 1},
                                     {1, 128, 128},  {1, 128, 10},  {1, 60000, 10}};
  printf("reductions: nanoseconds per element\n");
  for (int real = 0; real < BP_REAL_COUNT; real++) {
    const char *type = real == BP_KF64 ? "f64" : "f32";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      const int64_t *s = sizes[i], total = s[0] * s[1] * s[2];
      void *x = block((size_t)total * 8), *y = block((size_t)(s[0] * s[2]) * 8);
      memset(x, 0, (size_t)total * 8);
      for (int op = 0; op < 2; op++) {
        reduction r = {kernels->reduce[real][op], {s[0], s[1], s[2], s[1] * s[2], s[2], s[2], x, y}};
        printf("%s %s outer %d reduce %d inner %d: %.4f\n", op ? "max" : "sum", type, (int)s[0], (int)s[1], (int)s[2],
               seconds(run_reduction, &r) / (double)total * 1e9);
      }
      if (s[2] == 1) {
        rows_job j = {kernels->logsumexp[real], y, x, s[0], s[1]};
        printf("logsumexp %s rows %d columns %d: %.4f\n", type, (int)s[0], (int)s[1],
               seconds(run_rows, &j) / (double)total * 1e9);
      }
      free(x);
      free(y);
    }
  }
}

/* ---- data movement ---- */
enum { GATHER_ROWS = 64, COLUMNS = 784, TABLE_ROWS = 4096, SIDE = 1024 };
typedef struct movement {
  void *out;
  const void *table;
  const int32_t *index;
  size_t size;
} movement;
static void run_gather(void *user) {
  const movement *m = user;
  bp_gather_rows(m->out, 0, m->table, 2, m->index, GATHER_ROWS, COLUMNS);
}
static void run_scatter(void *user) {
  const movement *m = user;
  bp_scatter_add_rows(m->out, m->table, BP_KF32, m->index, GATHER_ROWS, COLUMNS);
}
static void run_convert(void *user) {
  const movement *m = user;
  bp_convert(m->out, 0, m->table, 2, GATHER_ROWS * COLUMNS);
}
static void run_transpose(void *user) {
  const movement *m = user;
  bp_copy_strided(m->out, m->table, m->size, 2, (const int64_t[]){SIDE, SIDE}, (const int64_t[]){1, SIDE});
}
static void run_fill(void *user) {
  const movement *m = user;
  bp_fill(m->out, BP_KF32, 1.5, GATHER_ROWS * COLUMNS);
}

static void bench_movement(void) {
  static const struct {
    const char *name;
    job_fn job;
    size_t size;
    double elements;
  } jobs[] = {{"gather u8 to f32, 64 rows of 784", run_gather, 1, GATHER_ROWS * COLUMNS},
              {"convert u8 to f32", run_convert, 1, GATHER_ROWS * COLUMNS},
              {"scatter-add f32, 64 rows of 784", run_scatter, 4, GATHER_ROWS * COLUMNS},
              {"transpose 1024 x 1024, 4 bytes", run_transpose, 4, SIDE * SIDE},
              {"transpose 1024 x 1024, 8 bytes", run_transpose, 8, SIDE * SIDE},
              {"fill f32", run_fill, 4, GATHER_ROWS * COLUMNS}};
  int32_t index[GATHER_ROWS];
  for (int i = 0; i < GATHER_ROWS; i++) index[i] = (i * 37) % GATHER_ROWS;
  printf("data movement: nanoseconds per element (build of bp_cpu_isa())\n");
  movement m = {block((size_t)SIDE * SIDE * 8), block((size_t)SIDE * SIDE * 8), index, 0};
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    m.size = jobs[i].size;
    printf("%-36s %.4f\n", jobs[i].name, seconds(jobs[i].job, &m) / jobs[i].elements * 1e9);
  }
  free(m.out);
  free((void *)(uintptr_t)m.table);
}

int main(int argc, char **argv) {
  const char *what = "all";
  const bp_kernels *kernels = bp_kernels_use();
  for (int i = 1; i < argc; i++) {
    bool is_isa = false;
    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
      if (strcmp(argv[i], bp_isa_name((bp_isa)isa)) != 0) continue;
      is_isa = true;
      kernels = bp_kernels_of((bp_isa)isa);
    }
    if (!is_isa) what = argv[i];
  }
  if (!kernels) {
    fprintf(stderr, "bench_kernels: this CPU cannot run that build\n");
    return 1;
  }
  const bool all = strcmp(what, "all") == 0;
  printf("build: %s\n", bp_isa_name(kernels->isa));
  if (all || strcmp(what, "gemm") == 0) bench_products(kernels);
  if (all || strcmp(what, "ew") == 0) bench_elementwise(kernels);
  if (all || strcmp(what, "reduce") == 0) bench_reductions(kernels);
  if (all || strcmp(what, "move") == 0) bench_movement();
  return 0;
}
