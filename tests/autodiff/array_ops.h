/* autodiff/array_ops.h - the one table of operations that are not elementwise: how a random case is drawn, how it is built,
 * and what it computes by plain loops in long double.
 */
#ifndef BT_ARRAY_OPS_H
#define BT_ARRAY_OPS_H
#include <math.h>
#include <string.h>

#include "backprop/ops.h"
#include "base/philox.h"
#include "support/graph_check.h"

enum { AXES = 4, INDEX_MOST = 16, ELEMENTS_MOST = 4096 };

typedef struct extent {
  int rank;
  int64_t at[AXES + 1]; /* at[0] may be BP_BATCH where shapes are declared; `value` sees it resolved */
} extent;

typedef struct array_case {
  int n_x; /* arguments that are differentiated */
  extent x[2], y;
  int64_t batch;
  bool with_batch;              /* the result, or the largest argument, has it */
  bool batch_x[2], batch_index; /* so has this argument */
  bool transpose_a, transpose_b, f64;
  unsigned axes;
  int perm[AXES], axis;
  int64_t n_index, index_limit; /* row or class numbers, 0: none */
  int32_t index[INDEX_MOST];
} array_case;

typedef struct array_row {
  const char *name;
  void (*draw)(array_case *c, bt_random *r);
  bp_var (*build)(const array_case *c, const bp_var *x, bp_var index);
  void (*value)(const array_case *c, const long double *const *x, long double *y);
  bool flat;   /* no derivative */
  bool linear; /* the second derivative is the symbolic zero along one argument alone */
} array_row;

/* ---- shapes ---- */
static inline int64_t count_of(const extent *e) {
  int64_t n = 1;
  for (int i = 0; i < e->rank; i++) n *= e->at[i];
  return n;
}

static inline int64_t small(bt_random *r) { return 1 + bt_below(r, 5); }

static inline void draw_extent(array_case *c, bt_random *r, extent *e, int least, int most) {
  e->rank = least + bt_below(r, most - least + 1);
  for (int i = 0; i < e->rank; i++) e->at[i] = small(r);
  c->batch = 1 + bt_below(r, 6);
  c->with_batch = e->rank > 0 && bt_once_in(r, 2);
  if (c->with_batch) e->at[0] = c->batch;
  c->batch_x[0] = c->batch_index = c->with_batch;
  c->n_x = 1;
}

/* Place of element n of an extent along each axis; and back, along the axes that are there. */
static inline void place_of(const extent *e, int64_t n, int64_t *place) {
  for (int i = e->rank - 1; i >= 0; i--) {
    place[i] = n % e->at[i];
    n /= e->at[i];
  }
}

static inline int64_t number_of(const extent *e, const int64_t *place) {
  int64_t n = 0;
  for (int i = 0; i < e->rank; i++) n = n * e->at[i] + place[i];
  return n;
}

/* ---- products ---- */
static void matmul_draw(array_case *c, bt_random *r) {
  int64_t m = 1 + bt_below(r, 9), k = 1 + bt_below(r, 9), n = 1 + bt_below(r, 9);
  c->n_x = 2;
  c->transpose_a = bt_once_in(r, 2);
  c->transpose_b = bt_once_in(r, 2);
  /* the batch is the rows of a: of the result, or of both sides of a product over it */
  c->with_batch = bt_once_in(r, 2) && !(c->transpose_a && c->transpose_b);
  c->batch = c->transpose_a ? k : m;
  c->batch_x[0] = c->with_batch;
  c->batch_x[1] = c->with_batch && c->transpose_a;
  c->x[0] = (extent){2, {c->transpose_a ? k : m, c->transpose_a ? m : k}};
  c->x[1] = (extent){2, {c->transpose_b ? n : k, c->transpose_b ? k : n}};
  c->y = (extent){2, {m, n}};
}
static bp_var matmul_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)index;
  if (!c->transpose_a && !c->transpose_b) return bp_matmul(x[0], x[1]);
  return bp_matmul_t(x[0], c->transpose_a, x[1], c->transpose_b);
}
static void matmul_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t m = c->y.at[0], n = c->y.at[1], k = c->x[0].at[c->transpose_a ? 0 : 1];
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      y[i * n + j] = 0;
      for (int64_t l = 0; l < k; l++)
        y[i * n + j] += x[0][c->transpose_a ? l * m + i : i * k + l] * x[1][c->transpose_b ? j * k + l : l * n + j];
    }
}

/* ---- reductions ---- */
static void reduce_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 1, AXES);
  int rank = c->x[0].rank;
  c->axes = 1u + (unsigned)bt_below(r, (1 << rank) - 1);
  for (int i = 0; i < rank; i++)
    if ((c->axes & BP_AXIS(i)) == 0) c->y.at[c->y.rank++] = c->x[0].at[i];
  if (c->axes == BP_AXIS(rank - 1) && bt_once_in(r, 2)) c->axes = BP_LAST_AXIS;
  if (c->y.rank == 0 && bt_once_in(r, 2)) c->axes = BP_ALL_AXES;
}

static int64_t reduced_number(const array_case *c, int64_t n) {
  int64_t place[AXES], kept[AXES], rank = 0;
  place_of(&c->x[0], n, place);
  for (int i = 0; i < c->x[0].rank; i++)
    if ((c->axes & BP_AXIS(i)) == 0 && !(c->axes == BP_LAST_AXIS && i == c->x[0].rank - 1)) kept[rank++] = place[i];
  return number_of(&c->y, kept);
}

static void sum_value(const array_case *c, const long double *const *x, long double *y) {
  for (int64_t j = 0; j < count_of(&c->y); j++) y[j] = 0;
  for (int64_t i = 0; i < count_of(&c->x[0]); i++) y[reduced_number(c, i)] += x[0][i];
}
static void mean_value(const array_case *c, const long double *const *x, long double *y) {
  sum_value(c, x, y);
  for (int64_t j = 0; j < count_of(&c->y); j++) y[j] *= (long double)count_of(&c->y) / (long double)count_of(&c->x[0]);
}
static void extreme_value(const array_case *c, const long double *x, long double *y, int sign) {
  for (int64_t j = 0; j < count_of(&c->y); j++) y[j] = -sign * (long double)INFINITY;
  for (int64_t i = 0; i < count_of(&c->x[0]); i++) {
    long double *to = &y[reduced_number(c, i)];
    if (sign * x[i] > sign * *to) *to = x[i];
  }
}
static void reduce_max_value(const array_case *c, const long double *const *x, long double *y) {
  extreme_value(c, x[0], y, 1);
}
static void reduce_min_value(const array_case *c, const long double *const *x, long double *y) {
  extreme_value(c, x[0], y, -1);
}
static void axis_size_draw(array_case *c, bt_random *r) {
  reduce_draw(c, r);
  c->y.rank = 0;
}
static void axis_size_value(const array_case *c, const long double *const *x, long double *y) {
  int rank = c->x[0].rank;
  (void)x;
  y[0] = 1;
  for (int i = 0; i < rank; i++)
    if ((c->axes & BP_AXIS(i)) != 0 || (c->axes == BP_LAST_AXIS && i == rank - 1)) y[0] *= (long double)c->x[0].at[i];
}
#define REDUCTION(name)                                                                                                \
  static bp_var name##_build(const array_case *c, const bp_var *x, bp_var index) {                                     \
    (void)index;                                                                                                       \
    return bp_##name(x[0], c->axes);                                                                                   \
  }
REDUCTION(sum)
REDUCTION(mean)
REDUCTION(reduce_max)
REDUCTION(reduce_min)
REDUCTION(axis_size)

/* ---- along the last axis ---- */
static void last_axis_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 2, 3);
  c->y = c->x[0];
}
static void logsumexp_draw(array_case *c, bt_random *r) {
  last_axis_draw(c, r);
  c->y.rank--;
}
static void logsumexp_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t n = c->x[0].at[c->x[0].rank - 1];
  for (int64_t j = 0; j < count_of(&c->y); j++) {
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += expl(x[0][j * n + i]);
    y[j] = logl(sum);
  }
}
static void softmax_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t n = c->x[0].at[c->x[0].rank - 1];
  for (int64_t j = 0; j < count_of(&c->y); j += n) {
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += expl(x[0][j + i]);
    for (int64_t i = 0; i < n; i++) y[j + i] = expl(x[0][j + i]) / sum;
  }
}
static void argmax_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t n = c->x[0].at[c->x[0].rank - 1];
  for (int64_t j = 0; j < count_of(&c->y); j++) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
      if (x[0][j * n + i] > x[0][j * n + best]) best = i;
    y[j] = (long double)best;
  }
}
#define LAST_AXIS(name)                                                                                                \
  static bp_var name##_build(const array_case *c, const bp_var *x, bp_var index) {                                     \
    (void)c, (void)index;                                                                                              \
    return bp_##name(x[0]);                                                                                            \
  }
LAST_AXIS(logsumexp)
LAST_AXIS(softmax)
LAST_AXIS(argmax)

/* ---- shapes ---- */
static void copy_value(const array_case *c, const long double *const *x, long double *y) {
  memcpy(y, x[0], (size_t)count_of(&c->y) * sizeof *y);
}
static void broadcast_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->y, 1, AXES);
  int drop = bt_below(r, c->y.rank + 1);
  c->x[0].rank = c->y.rank - drop;
  for (int i = 0; i < c->x[0].rank; i++) c->x[0].at[i] = bt_once_in(r, 2) ? 1 : c->y.at[i + drop];
  c->batch_x[0] = c->with_batch && drop == 0 && c->x[0].at[0] != 1;
  if (c->with_batch && !c->batch_x[0]) c->batch = c->y.at[0] = 3;
}
static void broadcast_value(const array_case *c, const long double *const *x, long double *y) {
  int drop = c->y.rank - c->x[0].rank;
  int64_t place[AXES];
  for (int64_t j = 0; j < count_of(&c->y); j++) {
    place_of(&c->y, j, place);
    for (int i = drop; i < c->y.rank; i++)
      if (c->x[0].at[i - drop] == 1) place[i] = 0;
    y[j] = x[0][number_of(&c->x[0], place + drop)];
  }
}
static void reshape_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 1, AXES);
  int64_t n = c->with_batch ? count_of(&c->x[0]) / c->batch : count_of(&c->x[0]);
  if (c->with_batch) c->y.at[c->y.rank++] = c->batch;
  for (int64_t f = 5; f > 1; f--)
    if (n % f == 0 && bt_once_in(r, 2) && c->y.rank < AXES - 1) c->y.at[c->y.rank++] = f, n /= f;
  c->y.at[c->y.rank++] = n;
}
static void expand_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 0, AXES - 1);
  int first = c->with_batch ? 1 : 0, rank = c->x[0].rank;
  c->axis = first + bt_below(r, rank - first + 1);
  c->y.rank = rank + 1;
  for (int i = 0; i <= rank; i++) c->y.at[i] = i < c->axis ? c->x[0].at[i] : i == c->axis ? 1 : c->x[0].at[i - 1];
  if (bt_once_in(r, 2)) c->axis -= rank + 1; /* counted from the end */
}
static void transpose_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 0, AXES);
  int first = c->with_batch ? 1 : 0;
  c->y.rank = c->x[0].rank;
  for (int i = 0; i < c->y.rank; i++) c->perm[i] = i;
  for (int i = c->y.rank - 1; i > first; i--) {
    int j = first + bt_below(r, i - first + 1), p = c->perm[i];
    c->perm[i] = c->perm[j], c->perm[j] = p;
  }
  for (int i = 0; i < c->y.rank; i++) c->y.at[i] = c->x[0].at[c->perm[i]];
}
static void transpose_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t place[AXES], from[AXES] = {0};
  for (int64_t j = 0; j < count_of(&c->y); j++) {
    place_of(&c->y, j, place);
    for (int i = 0; i < c->y.rank; i++) from[c->perm[i]] = place[i];
    y[j] = x[0][number_of(&c->x[0], from)];
  }
}
static void cast_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 0, 3);
  c->y = c->x[0];
}
static void declared(const array_case *c, const extent *e, int64_t *dims) {
  for (int i = 0; i < e->rank; i++) dims[i] = e->at[i];
  if (c->with_batch && e->rank > 0) dims[0] = BP_BATCH;
}
static bp_var broadcast_build(const array_case *c, const bp_var *x, bp_var index) {
  int64_t dims[AXES + 1];
  (void)index;
  declared(c, &c->y, dims);
  return bp_broadcast(x[0], c->y.rank, dims);
}
static bp_var reshape_build(const array_case *c, const bp_var *x, bp_var index) {
  int64_t dims[AXES + 1];
  (void)index;
  declared(c, &c->y, dims);
  return bp_reshape(x[0], c->y.rank, dims);
}
static bp_var expand_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)index;
  return bp_expand(x[0], c->axis);
}
static bp_var transpose_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)index;
  return bp_transpose(x[0], c->perm);
}
/* To the wider type and back, in both: exact. */
static bp_var cast_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)c, (void)index;
  return bp_cast(bp_cast(x[0], BP_F64), bp_var_dtype(x[0]));
}

/* ---- by number ---- */
static void draw_index(array_case *c, bt_random *r, int64_t n, int64_t limit) {
  c->n_index = n;
  c->index_limit = limit;
  for (int64_t i = 0; i < n; i++) c->index[i] = (int32_t)bt_below(r, (int)limit);
}
static void gather_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 1, 3);
  c->x[0].at[0] = small(r);
  c->with_batch = c->batch_index = bt_once_in(r, 2);
  c->batch_x[0] = false;
  draw_index(c, r, c->batch, c->x[0].at[0]);
  c->y = c->x[0];
  c->y.at[0] = c->batch;
}
static void gather_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t row = count_of(&c->y) / c->y.at[0];
  for (int64_t i = 0; i < count_of(&c->y); i++) y[i] = x[0][c->index[i / row] * row + i % row];
}
static bp_var gather_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)c;
  return bp_gather(x[0], index, bp_var_dtype(x[0]));
}
static void scatter_add_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 1, 3);
  c->y = c->x[0];
  c->y.at[0] = small(r);
  draw_index(c, r, c->x[0].at[0], c->y.at[0]);
}
static void scatter_add_value(const array_case *c, const long double *const *x, long double *y) {
  int64_t row = count_of(&c->x[0]) / c->x[0].at[0];
  for (int64_t j = 0; j < count_of(&c->y); j++) y[j] = 0;
  for (int64_t i = 0; i < count_of(&c->x[0]); i++) y[c->index[i / row] * row + i % row] += x[0][i];
}
static bp_var scatter_add_build(const array_case *c, const bp_var *x, bp_var index) {
  return bp_scatter_add(x[0], index, c->y.at[0]);
}
static void cross_entropy_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 2, 2);
  c->y = (extent){1, {c->x[0].at[0]}};
  draw_index(c, r, c->x[0].at[0], c->x[0].at[1]);
}
static void cross_entropy_value(const array_case *c, const long double *const *x, long double *y) {
  logsumexp_value(c, x, y);
  for (int64_t j = 0; j < c->y.at[0]; j++) y[j] -= x[0][j * c->x[0].at[1] + c->index[j]];
}
static bp_var cross_entropy_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)c;
  return bp_softmax_cross_entropy(x[0], index);
}
static void one_hot_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 1, 1); /* not read */
  c->y = (extent){2, {c->batch, small(r)}};
  draw_index(c, r, c->batch, c->y.at[1]);
}
static void one_hot_value(const array_case *c, const long double *const *x, long double *y) {
  (void)x;
  for (int64_t i = 0; i < count_of(&c->y); i++) y[i] = i % c->y.at[1] == c->index[i / c->y.at[1]];
}
static bp_var one_hot_build(const array_case *c, const bp_var *x, bp_var index) {
  return bp_one_hot(index, c->y.at[1], bp_var_dtype(x[0]));
}

/* Block by block with the plain generator, whose vectors are published: key and counter as ops.h says. */
static void uniform_draw(array_case *c, bt_random *r) {
  draw_extent(c, r, &c->x[0], 1, 1); /* not read */
  draw_extent(c, r, &c->y, 0, 3);
  c->batch_x[0] = false;
  c->axis = bt_below(r, 1000); /* the step */
}
static void uniform_value(const array_case *c, const long double *const *x, long double *y) {
  uint64_t key = bp_random_bits(77, BP_PURPOSE_STREAM, 3, 0);
  bool f64 = c->f64;
  (void)x;
  for (int64_t i = 0; i < count_of(&c->y); i++) {
    int64_t each = f64 ? 2 : 4;
    const uint32_t counter[4] = {(uint32_t)(i / each), 0, (uint32_t)c->axis, 0},
                   k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    uint32_t out[4];
    bp_philox(counter, k, out);
    uint64_t two = out[2 * (i % 2)] | (uint64_t)out[2 * (i % 2) + 1] << 32;
    y[i] = f64 ? (long double)(two >> 11) * 0x1p-53L : (long double)(out[i % 4] >> 8) * 0x1p-24L;
  }
}
static bp_var uniform_build(const array_case *c, const bp_var *x, bp_var index) {
  bp_var step = bp_scalar(x[0].graph, BP_F64, c->axis);
  int64_t dims[AXES];
  (void)index;
  for (int i = 0; i < c->y.rank; i++) dims[i] = c->y.at[i];
  if (c->with_batch) dims[0] = BP_BATCH;
  return bp_uniform(step, 77, 3, bp_var_dtype(x[0]), c->y.rank, dims);
}

static const array_row array_rows[] = {
    {.name = "matmul", .draw = matmul_draw, .build = matmul_build, .value = matmul_value, .linear = true},
    {.name = "sum", .draw = reduce_draw, .build = sum_build, .value = sum_value, .linear = true},
    {.name = "mean", .draw = reduce_draw, .build = mean_build, .value = mean_value, .linear = true},
    {.name = "reduce_max", .draw = reduce_draw, .build = reduce_max_build, .value = reduce_max_value, .linear = true},
    {.name = "reduce_min", .draw = reduce_draw, .build = reduce_min_build, .value = reduce_min_value, .linear = true},
    {.name = "axis_size", .draw = axis_size_draw, .build = axis_size_build, .value = axis_size_value, .flat = true},
    {.name = "logsumexp", .draw = logsumexp_draw, .build = logsumexp_build, .value = logsumexp_value},
    {.name = "softmax", .draw = last_axis_draw, .build = softmax_build, .value = softmax_value},
    {.name = "argmax", .draw = logsumexp_draw, .build = argmax_build, .value = argmax_value, .flat = true},
    {.name = "broadcast", .draw = broadcast_draw, .build = broadcast_build, .value = broadcast_value, .linear = true},
    {.name = "reshape", .draw = reshape_draw, .build = reshape_build, .value = copy_value, .linear = true},
    {.name = "expand", .draw = expand_draw, .build = expand_build, .value = copy_value, .linear = true},
    {.name = "transpose", .draw = transpose_draw, .build = transpose_build, .value = transpose_value, .linear = true},
    {.name = "cast", .draw = cast_draw, .build = cast_build, .value = copy_value, .linear = true},
    {.name = "gather", .draw = gather_draw, .build = gather_build, .value = gather_value, .linear = true},
    {.name = "scatter_add",
     .draw = scatter_add_draw,
     .build = scatter_add_build,
     .value = scatter_add_value,
     .linear = true},
    {.name = "softmax_cross_entropy",
     .draw = cross_entropy_draw,
     .build = cross_entropy_build,
     .value = cross_entropy_value},
    {.name = "one_hot", .draw = one_hot_draw, .build = one_hot_build, .value = one_hot_value, .flat = true},
    {.name = "uniform", .draw = uniform_draw, .build = uniform_build, .value = uniform_value, .flat = true},
};
enum { ARRAY_ROWS = sizeof array_rows / sizeof *array_rows };

#endif
