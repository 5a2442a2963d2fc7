/* test_table_read.c - files by their names: kinds, options, gzip, the digits that come along, MNIST. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backprop/table.h"
#include "data/table_core.h"
#include "support/testing.h"

static const char csv_text[] = "a,b\n1,2\n3,4\n";
static const char tsv_text[] = "a\tb,c\n1\t2\n3\t4\n";
#define IMAGES                                                                                                         \
  "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03"                                                                         \
  "abcdef"
#define LABELS                                                                                                         \
  "\0\0\x08\x01\0\0\0\x02"                                                                                             \
  "\x07\x01"

/* Writes the bytes under a name (packed if it ends with .gz) and reads them as a table. */
static bp_status read_as(bp_context *ctx, const char *name, const void *data, size_t size,
                         const bp_read_options *options, bp_table **out) {
  bt_dir dir;
  char path[BT_PATH], labels[BT_PATH];
  bp_read_options o = {.size = sizeof o};
  if (options) o = *options;
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, name, path);
  bt_write_file(bt_dir_file(&dir, "labels-idx1-ubyte", labels), LABELS, sizeof LABELS - 1);
  if (o.labels && strcmp(o.labels, "here") == 0) o.labels = labels;
  if (strlen(name) > 3 && strcmp(name + strlen(name) - 3, ".gz") == 0) {
    size_t packed_size;
    unsigned char *packed = bt_gzip(data, size, &packed_size);
    bt_write_file(path, packed, packed_size);
    free(packed);
  } else {
    bt_write_file(path, data, size);
  }
  bp_status status = bp_table_read(ctx, path, &o, out);
  bt_dir_remove(&dir);
  return status;
}

static void the_name_tells_the_kind(void **state) {
  static const struct {
    const char *name, *data;
    size_t size;
    int64_t columns;
  } rows[] = {
      {"t.csv", csv_text, sizeof csv_text - 1, 2},       {"t.CSV", csv_text, sizeof csv_text - 1, 2},
      {"t.csv.gz", csv_text, sizeof csv_text - 1, 2},    {"t.txt", tsv_text, sizeof tsv_text - 1, 2},
      {"t.tsv", tsv_text, sizeof tsv_text - 1, 2},       {"t.tsv.gz", tsv_text, sizeof tsv_text - 1, 2},
      {"t-idx3-ubyte", IMAGES, sizeof IMAGES - 1, 3},    {"t.idx3-ubyte", IMAGES, sizeof IMAGES - 1, 3},
      {"t-idx3-ubyte.gz", IMAGES, sizeof IMAGES - 1, 3}, {"t-idx1-ubyte", LABELS, sizeof LABELS - 1, 1},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = NULL;
    bt_assert_ok(ctx, read_as(ctx, rows[i].name, rows[i].data, rows[i].size, NULL, &t));
    assert_int_equal(bp_table_columns(t), rows[i].columns);
    assert_int_equal(bp_table_rows(t), 2);
    assert_non_null(strstr(bp_table_origin(t), rows[i].name));
    bp_table_free(t);
  }
}

static void a_name_that_tells_nothing_is_refused(void **state) {
  static const char *const names[] = {"t", "t.dat", "t.gz", "t.xlsx", "csv", "t-idx-ubyte", "idx3", "t-idx3-ubyte.bz2"};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    bp_table *t = NULL;
    bt_assert_fails(ctx, BP_E_DATA, read_as(ctx, names[i], csv_text, sizeof csv_text - 1, NULL, &t));
    bt_assert_message(ctx, "expected .csv, .tsv, .txt or IDX");
    assert_null(t);
  }
}

static void the_name_is_checked_against_the_content(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_fails(ctx, BP_E_DATA, read_as(ctx, "t.csv", IMAGES, sizeof IMAGES - 1, NULL, &t));
  bt_assert_message(ctx, "t.csv: expected CSV text in UTF-8; the content is an IDX file");
  bt_assert_fails(ctx, BP_E_DATA, read_as(ctx, "t-idx3-ubyte", csv_text, sizeof csv_text - 1, NULL, &t));
  bt_assert_message(ctx, "t-idx3-ubyte: begins with the bytes 61 2C 62 0A");
}

static void labels_come_from_their_own_file(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_read_options o = {.size = sizeof o, .labels = "here"};
  bp_table *t = NULL;
  bt_assert_ok(ctx, read_as(ctx, "t-idx3-ubyte", IMAGES, sizeof IMAGES - 1, &o, &t));
  assert_int_equal(bp_table_columns(t), 4);
  assert_true(bp_table_number(t, 0, 3) == 7);
  bp_table_free(t);
  t = NULL;
  bt_assert_fails(ctx, BP_E_ARG, read_as(ctx, "t.csv", csv_text, sizeof csv_text - 1, &o, &t));
  bt_assert_message(ctx, "belongs to IDX images");
  o.labels = "/nowhere/labels";
  bt_assert_fails(ctx, BP_E_IO, read_as(ctx, "t-idx3-ubyte", IMAGES, sizeof IMAGES - 1, &o, &t));
  bt_assert_message(ctx, "/nowhere/labels: cannot open it");
  assert_null(t);
}

static void options_are_checked(void **state) {
  static const struct {
    bp_read_options options;
    const char *message;
  } rows[] = {{{.size = 0}, "sizeof(bp_read_options)"},
              {{.size = sizeof(bp_read_options), .delimiter = 'x'}, "the delimiter 'x'"},
              {{.size = sizeof(bp_read_options), .header = 2}, "header is 2; expected -1, 0 or 1"}};
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_assert_fails(ctx, BP_E_ARG, read_as(ctx, "t.csv", csv_text, sizeof csv_text - 1, &rows[i].options, &t));
    bt_assert_message(ctx, rows[i].message);
  }
  /* A caller compiled with an older header, that ended after `labels`. */
  bp_read_options old = {.size = offsetof(bp_read_options, delimiter), .delimiter = 'x', .header = 7};
  bt_assert_ok(ctx, read_as(ctx, "t.csv", csv_text, sizeof csv_text - 1, &old, &t));
  bp_table_free(t);
}

static void a_file_that_is_not_there_is_an_io_error(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_fails(ctx, BP_E_IO, bp_table_read(ctx, "/nowhere/t.csv", NULL, &t));
  bt_assert_message(ctx, "/nowhere/t.csv: cannot open it");
  assert_null(t);
}

/* Reads what another process writes into a pipe of that name: nothing is known of the size beforehand. */
static bp_status read_pipe(bp_context *ctx, const char *name, const void *data, size_t size, bp_table **out) {
  bt_dir dir;
  char path[BT_PATH];
  int child_status = 0;
  bt_dir_make(&dir);
  assert_int_equal(mkfifo(bt_dir_file(&dir, name, path), 0600), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    FILE *pipe = fopen(path, "wb");
    if (pipe) (void)fwrite(data, 1, size, pipe);
    if (pipe) (void)fclose(pipe);
    _exit(0);
  }
  bp_status status = bp_table_read(ctx, path, NULL, out);
  (void)waitpid(child, &child_status, 0);
  bt_dir_remove(&dir);
  return status;
}

static void pipes_are_read_as_they_come(void **state) {
  enum { ROWS = 2000, HEADER = 12 };
  static unsigned char idx[HEADER + ROWS * 100] = {0, 0, 8, 2, 0, 0, ROWS >> 8, ROWS & 255, 0, 0, 0, 100};
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  for (size_t i = HEADER; i < sizeof idx; i++) idx[i] = (unsigned char)(i * 7);
  bt_assert_ok(ctx, read_pipe(ctx, "t-idx2-ubyte", idx, sizeof idx, &t));
  bt_assert_same_bits(t->block, idx + HEADER, sizeof idx - HEADER);
  bp_table_free(t);
  t = NULL;
  bt_assert_fails(ctx, BP_E_DATA, read_pipe(ctx, "t-idx2-ubyte", idx, sizeof idx - 1, &t));
  bt_assert_message(ctx, "199999 bytes of elements; the IDX header promises 200000");
  idx[4] = 0x7F; /* two thousand million rows are promised */
  bt_assert_fails(ctx, BP_E_DATA, read_pipe(ctx, "t-idx2-ubyte", idx, sizeof idx, &t));
  assert_true(bt_fixture_of(state)->memory.peak_bytes < 8 * sizeof idx);
  bt_assert_ok(ctx, read_pipe(ctx, "t.csv", csv_text, sizeof csv_text - 1, &t));
  assert_int_equal(bp_table_rows(t), 2);
  bp_table_free(t);
}

static void the_digits_are_as_described(void **state) {
  bp_context *ctx = bt_ctx(state);
  const char *root = getenv("TEST_SOURCE");
  char path[BT_PATH];
  bp_table *t = NULL;
  int64_t counts[10] = {0};
  static const int64_t expected[10] = {178, 182, 177, 183, 181, 182, 181, 179, 174, 180};
  if (!root) {
    print_message("skipped: TEST_SOURCE is not set\n");
    skip();
  }
  (void)snprintf(path, sizeof path, "%s/data/digits.csv.gz", root);
  bt_assert_ok(ctx, bp_table_read(ctx, path, NULL, &t));
  assert_int_equal(bp_table_rows(t), 1797);
  assert_int_equal(bp_table_columns(t), 65);
  assert_string_equal(bp_table_name(t, 0), "p00");
  assert_string_equal(bp_table_name(t, 63), "p77");
  assert_string_equal(bp_table_name(t, 64), "digit");
  for (int64_t r = 0; r < 1797; r++) {
    for (int64_t c = 0; c < 64; c++) {
      double v = bp_table_number(t, r, c);
      assert_true(v >= 0 && v <= 16 && v == floor(v));
    }
    counts[(int)bp_table_number(t, r, 64)]++;
  }
  for (int d = 0; d < 10; d++) assert_int_equal(counts[d], expected[d]);
  bp_table_free(t);
}

/* Sizes, a few values and the counts of the classes, as the literature has them; and the memory that reading takes. */
static void mnist_is_mnist(void **state) {
  static const int64_t expected[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  bp_context *ctx = bt_ctx(state);
  const char *dir = bt_mnist_dir();
  char images[BT_PATH], labels[BT_PATH];
  int64_t counts[10] = {0}, sum = 0;
  bp_table *t = NULL;
  if (!dir) skip();
  (void)snprintf(images, sizeof images, "%s/train-images-idx3-ubyte.gz", dir);
  (void)snprintf(labels, sizeof labels, "%s/train-labels-idx1-ubyte.gz", dir);
  bp_read_options o = {.size = sizeof o, .labels = labels};
  bt_assert_ok(ctx, bp_table_read(ctx, images, &o, &t));
  assert_int_equal(bp_table_rows(t), 60000);
  assert_int_equal(bp_table_columns(t), 785);
  assert_int_equal(bp_table_find(t, "label"), 784);
  for (int64_t r = 0; r < 60000; r++) counts[(int)bp_table_number(t, r, 784)]++;
  for (int d = 0; d < 10; d++) assert_int_equal(counts[d], expected[d]);
  for (int64_t i = 0; i < (int64_t)60000 * 784; i++) sum += t->block[i];
  bt_assert_close((double)sum / (60000.0 * 784 * 255), 0.1307, 0, 5e-5); /* the mean that everyone subtracts */
  assert_true(bt_fixture_of(state)->memory.peak_bytes < (size_t)60000 * 784 + (1 << 20));
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(the_name_tells_the_kind),
      BT_TEST(a_name_that_tells_nothing_is_refused),
      BT_TEST(the_name_is_checked_against_the_content),
      BT_TEST(labels_come_from_their_own_file),
      BT_TEST(options_are_checked),
      BT_TEST(a_file_that_is_not_there_is_an_io_error),
      BT_TEST(pipes_are_read_as_they_come),
      BT_TEST(the_digits_are_as_described),
      BT_TEST(mnist_is_mnist),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
