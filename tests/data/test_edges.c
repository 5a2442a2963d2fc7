/* labels: unit prop oom */
/* Edges of a column's pieces: by hand where values are few, and what holds for all columns. */
#include "data/edges.h"

#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

static double noise(uint32_t *x) {
  *x = *x * 1664525u + 1013904223u;
  return (double)(*x >> 8) / 16777216.0;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* ---- by hand ---- */

static const double constant[] = {5, 5, 5, 5}, two[] = {0, 0, 1, 1, 1}, three[] = {-1, 0, 0, 2},
                    six[] = {1, 2, 3, 4, 5, 6}, ties[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
                    heavy_ends[] = {0, 0, 0, 1, 2, 3, 4, 5, 6, 9, 9, 9};

static void columns_of_few_values(void **state) {
  static const struct {
    const double *values;
    int64_t n, pieces, count;
    double edges[8];
  } rows[] = {
      {constant, 4, 16, 0, {0}},
      {constant, 1, 16, 0, {0}},
      {two, 5, 16, 0, {0}}, /* a straight line serves as well */
      {two, 5, 2, 0, {0}},
      {three, 4, 16, 3, {-1, 0, 2}},
      {three, 4, 2, 3, {-1, 0, 2}},
      {three, 4, 1, 0, {0}},
      {three, 4, 0, 0, {0}},
      {six, 6, 5, 6, {1, 2, 3, 4, 5, 6}}, /* as many edges as there are values */
      {six, 6, 6, 6, {1, 2, 3, 4, 5, 6}},
      {six, 6, 2, 3, {1, 3, 6}},
      {ties, 16, 4, 4, {0, 3, 6, 8}}, /* half of the rows are 0, which is an edge; the others are parted evenly */
  };
  double edges[32];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t count = bp_edges_find(rows[i].values, rows[i].n, rows[i].pieces, edges);
    if (count != rows[i].count || memcmp(edges, rows[i].edges, (size_t)count * sizeof *edges) != 0) {
      for (int64_t e = 0; e < count; e++) print_message(" %g", edges[e]);
      fail_msg("row %zu: %d edges, expected %d", i, (int)count, (int)rows[i].count);
    }
  }
}

/* Values at both ends that fill a piece each take no more than their edge. */
static void heavy_values_at_the_ends(void **state) {
  double edges[8];
  (void)state;
  int64_t count = bp_edges_find(heavy_ends, 12, 4, edges);
  assert_true(count >= 3 && count <= 5);
  assert_true(edges[0] == 0 && edges[count - 1] == 9);
  for (int64_t e = 1; e < count - 1; e++) assert_true(edges[e] > 0 && edges[e] < 9);
}

/* ---- what holds for all columns ---- */

/* n values of `kinds` different ones, each as often as its weight, which is drawn to a power: some are heavy. */
static void draw(uint32_t *seed, double *values, int64_t n, int64_t kinds, double power) {
  for (int64_t i = 0; i < n; i++) {
    double u = noise(seed);
    for (double p = power; p > 1; p -= 1) u *= noise(seed);
    values[i] = kinds > 0 ? (double)(int64_t)(u * (double)kinds) - 3 : u;
  }
  qsort(values, (size_t)n, sizeof *values, compare);
}

static int64_t rows_of(const double *values, int64_t n, double value) {
  int64_t rows = 0;
  for (int64_t i = 0; i < n; i++) rows += values[i] == value;
  return rows;
}

static int64_t distinct_of(const double *values, int64_t n) {
  int64_t distinct = 1;
  for (int64_t i = 1; i < n; i++) distinct += values[i] != values[i - 1];
  return distinct;
}

static bool is_edge(const double *edges, int64_t count, double value) {
  return bsearch(&value, edges, (size_t)count, sizeof value, compare) != NULL;
}

static void check_edges(const double *values, int64_t n, int64_t pieces) {
  double *edges = malloc(BP_EDGES_ROOM(pieces) * sizeof *edges); /* exactly the room: a sanitizer sees more */
  int64_t count = bp_edges_find(values, n, pieces, edges), distinct = distinct_of(values, n);
  if (distinct < 3 || pieces < 2) {
    assert_int_equal(count, 0);
    free(edges);
    return;
  }
  assert_true(count >= 2 && count <= pieces + 1);
  assert_true(edges[0] == values[0] && edges[count - 1] == values[n - 1]);
  for (int64_t e = 1; e < count; e++) assert_true(edges[e] > edges[e - 1]);
  for (int64_t e = 0; e < count; e++) assert_true(rows_of(values, n, edges[e]) > 0);
  if (distinct <= pieces + 1) assert_int_equal(count, distinct);
  for (int64_t i = 0; i < n; i++)
    if (rows_of(values, n, values[i]) * pieces >= n) assert_true(is_edge(edges, count, values[i]));
  free(edges);
}

static void edges_of_any_column(void **state) {
  enum { MOST = 300 };
  double values[MOST];
  uint32_t seed = 1;
  (void)state;
  for (int i = 0; i < 3000; i++) {
    int64_t n = 1 + (int64_t)(noise(&seed) * (MOST - 1)), kinds = i % 3 == 0 ? 0 : 1 + (int64_t)(noise(&seed) * 60);
    draw(&seed, values, n, kinds, 1 + i % 4);
    check_edges(values, n, (int64_t)(noise(&seed) * 40));
  }
}

/* Where no value is heavy, no piece has more than twice the rows of its share. */
static void pieces_have_their_share_of_rows(void **state) {
  enum { N = 5000 };
  static double values[N];
  double edges[65];
  uint32_t seed = 4;
  (void)state;
  for (int64_t pieces = 2; pieces <= 64; pieces *= 2) {
    draw(&seed, values, N, 0, 3);
    int64_t count = bp_edges_find(values, N, pieces, edges);
    assert_int_equal(count, pieces + 1);
    for (int64_t e = 1, i = 0; e < count; e++) {
      int64_t rows = 0;
      for (; i < N && values[i] < edges[e]; i++) rows++;
      assert_true(rows <= 2 * N / pieces && rows >= N / pieces / 2);
    }
  }
}

/* ---- of encoded rows ---- */

/* A category of 3 inputs and its indicator, then two numbers; as ones and zeros, or as numbers (then 1 + 2 columns are left). */
static bp_encoding encoding_of(bp_feature features[3]) {
  static char names[3][2] = {"a", "b", "c"};
  features[0] = (bp_feature){.name = names[0], .type = BP_FEATURE_CATEGORY, .indicator = true, .inputs = 4};
  features[0].categories.count = 3;
  features[1] = (bp_feature){.name = names[1], .type = BP_FEATURE_NUMBER, .first_input = 4, .inputs = 1};
  features[2] = (bp_feature){.name = names[2], .type = BP_FEATURE_NUMBER, .first_input = 5, .inputs = 1};
  return (bp_encoding){.features = features, .n_features = 3, .inputs = 6};
}

static void columns_are_found_among_encoded_rows(void **state) {
  enum { ROWS = 40, PIECES = 4 };
  bp_context *ctx = bt_ctx(state);
  bp_feature features[3];
  bp_encoding e = encoding_of(features);
  double x[ROWS * 6], edges[PIECES + 1], expected[PIECES + 1], column[ROWS];
  float x32[ROWS * 6];
  int32_t ones[ROWS] = {0};
  for (int packed = 0; packed < 2; packed++) {
    int width = packed ? 3 : 6;
    bp_encoded rows = {.rows = ROWS, .columns = width, .dtype = BP_F64, .features = x, .ones = packed ? ones : NULL};
    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < width; c++) x32[r * width + c] = (float)(x[r * width + c] = (double)((r * (c + 3)) % 37));
    for (int number = 0; number < 2; number++) {
      int64_t count = 0, count32 = 0;
      for (int r = 0; r < ROWS; r++) column[r] = x[r * width + width - 2 + number];
      qsort(column, ROWS, sizeof *column, compare);
      int64_t wanted = bp_edges_find(column, ROWS, PIECES, expected);
      rows.dtype = BP_F64, rows.features = x;
      bt_assert_ok(ctx, bp_encoded_edges(ctx, &e, &rows, 4 + number, PIECES, edges, &count));
      assert_int_equal(count, wanted);
      bt_assert_same_bits(edges, expected, (size_t)count * sizeof *edges);
      rows.dtype = BP_F32, rows.features = x32;
      bt_assert_ok(ctx, bp_encoded_edges(ctx, &e, &rows, 4 + number, PIECES, edges, &count32));
      assert_int_equal(count32, wanted);
      bt_assert_same_bits(edges, expected, (size_t)count * sizeof *edges);
    }
  }
}

/* Of 250,000 rows every third is looked at; of 100,000 all are. */
static void many_rows_are_sampled(void **state) {
  enum { ROWS = 250000, ALL = 100000 };
  bp_context *ctx = bt_ctx(state);
  bp_feature feature = {.name = "a", .type = BP_FEATURE_NUMBER, .inputs = 1};
  bp_encoding e = {.features = &feature, .n_features = 1, .inputs = 1};
  float *x = malloc(ROWS * sizeof *x);
  double edges[5];
  int64_t count = 0;
  for (int r = 0; r < ROWS; r++) x[r] = r % 3 == 0 ? (float)r : -1;
  bp_encoded rows = {.rows = ROWS, .columns = 1, .dtype = BP_F32, .features = x};
  bt_assert_ok(ctx, bp_encoded_edges(ctx, &e, &rows, 0, 4, edges, &count));
  assert_int_equal(count, 5);
  assert_true(edges[0] == 0 && edges[4] == (double)(ROWS - 1) - (double)((ROWS - 1) % 3));
  for (int i = 1; i < 4; i++) bt_assert_close(edges[i], i * ROWS / 4.0, 0, 10);
  for (int r = 0; r < ALL; r++) x[r] = (float)r;
  rows.rows = ALL;
  bt_assert_ok(ctx, bp_encoded_edges(ctx, &e, &rows, 0, 4, edges, &count));
  assert_true(edges[0] == 0 && edges[count - 1] == ALL - 1);
  free(x);
}

static bp_status find(bp_context *ctx, void *user) {
  static const float x[] = {1, 2, 3, 4};
  bp_feature feature = {.name = "a", .type = BP_FEATURE_NUMBER, .inputs = 1};
  bp_encoding e = {.features = &feature, .n_features = 1, .inputs = 1};
  bp_encoded rows = {.rows = 4, .columns = 1, .dtype = BP_F32, .features = x};
  double edges[17];
  int64_t count = 777;
  (void)user;
  bp_status status = bp_encoded_edges(ctx, &e, &rows, 0, 16, edges, &count);
  assert_int_equal(count, status == BP_OK ? 4 : 777);
  return status;
}

static void the_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(bt_alloc_sweep(find, NULL), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(columns_of_few_values),
      BT_TEST(heavy_values_at_the_ends),
      BT_TEST(edges_of_any_column),
      BT_TEST(pieces_have_their_share_of_rows),
      BT_TEST(columns_are_found_among_encoded_rows),
      BT_TEST(many_rows_are_sampled),
      BT_TEST(the_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
