/* test_idx.c - IDX files, good and bad. */
#include <stdlib.h>
#include <string.h>

#include "data/table_core.h"
#include "formats/readers.h"
#include "support/testing.h"

#define IMAGES                                                                                                         \
  "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03"                                                                         \
  "abcdef"
#define LABELS                                                                                                         \
  "\0\0\x08\x01\0\0\0\x02"                                                                                             \
  "\x07\xFF"
enum { HEADER = 16, SIZE = sizeof IMAGES - 1, LABELS_SIZE = sizeof LABELS - 1 };

static bp_reader *open_bytes(bp_context *ctx, const char *name, const void *data, size_t size) {
  bp_reader *reader = NULL;
  bt_assert_ok(ctx, bp_reader_open_memory(ctx, name, data, size, &reader));
  return reader;
}

/* Reads images and labels (NULL: none) from blocks of exactly their sizes. */
static bp_status read_idx(bp_context *ctx, const void *images, size_t size, const void *labels, size_t labels_size,
                          bp_table **out) {
  char *copy = malloc(size + 1), *labels_copy = malloc(labels_size + 1);
  assert_true(copy && labels_copy);
  if (size > 0) memcpy(copy + 1, images, size);
  if (labels_size > 0) memcpy(labels_copy + 1, labels, labels_size);
  bp_reader *i = open_bytes(ctx, "images", copy + 1, size);
  bp_reader *l = labels ? open_bytes(ctx, "labels", labels_copy + 1, labels_size) : NULL;
  bp_status status = bp_idx_read(ctx, i, l, out);
  bp_reader_close(i);
  bp_reader_close(l);
  free(copy);
  free(labels_copy);
  return status;
}

static void reads_images_and_labels(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_ok(ctx, read_idx(ctx, IMAGES, SIZE, LABELS, LABELS_SIZE, &t));
  assert_int_equal(bp_table_rows(t), 2);
  assert_int_equal(bp_table_columns(t), 4);
  assert_string_equal(bp_table_name(t, 0), "pixel0");
  assert_string_equal(bp_table_name(t, 3), "label");
  assert_string_equal(bp_table_origin(t), "images");
  assert_int_equal(bp_table_type(t, 0), BP_COLUMN_BYTE);
  bt_assert_same_bits(t->block, "abcdef", 6);
  assert_true(bp_table_number(t, 0, 3) == 7 && bp_table_number(t, 1, 3) == 255);
  bp_table_free(t);
}

static void reads_either_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_ok(ctx, read_idx(ctx, IMAGES, SIZE, NULL, 0, &t));
  assert_int_equal(bp_table_columns(t), 3);
  bp_table_free(t);
  bt_assert_ok(ctx, read_idx(ctx, LABELS, LABELS_SIZE, NULL, 0, &t));
  assert_int_equal(bp_table_columns(t), 1);
  assert_string_equal(bp_table_name(t, 0), "label");
  bp_table_free(t);
}

static void reads_any_rank_and_gzip(void **state) {
  static const char rank2[] = "\0\0\x08\x02\0\0\0\x02\0\0\0\x03"
                              "abcdef";
  static const char rank5[] = "\0\0\x08\x05\0\0\0\x01\0\0\0\x03\0\0\0\x01\0\0\0\x02\0\0\0\x01"
                              "abcdef";
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_ok(ctx, read_idx(ctx, rank2, sizeof rank2 - 1, LABELS, LABELS_SIZE, &t));
  assert_int_equal(bp_table_columns(t), 4);
  bp_table_free(t);
  bt_assert_ok(ctx, read_idx(ctx, rank5, sizeof rank5 - 1, NULL, 0, &t));
  assert_int_equal(bp_table_rows(t), 1);
  assert_int_equal(bp_table_columns(t), 6);
  bp_table_free(t);
  size_t size;
  unsigned char *packed = bt_gzip(IMAGES, SIZE, &size);
  bt_assert_ok(ctx, read_idx(ctx, packed, size, LABELS, LABELS_SIZE, &t));
  bt_assert_same_bits(t->block, "abcdef", 6);
  bp_table_free(t);
  free(packed);
}

static void refuses_bad_files(void **state) {
  static const struct {
    const char *data;
    size_t size;
    bp_status status;
    const char *message;
  } rows[] = {
#define ROW(text, status, message) {text, sizeof(text) - 1, status, message}
      ROW("", BP_E_DATA, "images: ends after 0 bytes, inside the IDX header"),
      ROW("PK\x03\x04xxxxxxxxxxxx", BP_E_DATA,
          "images: begins with the bytes 50 4B 03 04; expected 00 00 08 and a rank"),
      ROW("\0\x01\x08\x03xxxxxxxxxxxx", BP_E_DATA, "begins with the bytes 00 01 08 03"),
      ROW("\0\0\x07\x03xxxxxxxxxxxx", BP_E_DATA, "begins with the bytes 00 00 07 03"),
      ROW("\0\0\x0D\x03xxxxxxxxxxxx", BP_E_DATA, "IDX elements of type float32; only uint8"),
      ROW("\0\0\x09\x03xxxxxxxxxxxx", BP_E_DATA, "type int8"),
      ROW("\0\0\x08\0xxxxxxxxxxxx", BP_E_DATA, "IDX array of rank 0; expected 1 to 8"),
      ROW("\0\0\x08\x09xxxxxxxxxxxx", BP_E_DATA, "IDX array of rank 9"),
      ROW("\0\0\x08\x03\0\0\0\0\0\0\0\x01\0\0\0\x01", BP_E_DATA, "size 0 of axis 0"),
      ROW("\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\0", BP_E_DATA, "size 0 of axis 2"),
      ROW("\0\0\x08\x03\0\0\0\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", BP_E_LIMIT, "more than 1000000 bytes a row"),
      ROW("\0\0\x08\x03\0\0\0\x01\0\x0F\x42\x41\0\0\0\x01", BP_E_LIMIT, "more than 1000000 bytes a row"),
      ROW("\0\0\x08\x02\xFF\xFF\xFF\xFF\0\0\0\x01", BP_E_LIMIT, "4294967295 rows by the IDX header"),
      ROW("\0\0\x08\x02\x7F\xFF\xFF\xFF\0\x0F\x42\x40", BP_E_DATA,
          "0 bytes of elements; the IDX header promises 2147483647000000"),
      ROW(IMAGES "g", BP_E_DATA, "images: more bytes than the 6 that the IDX header promises"),
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = NULL;
    bt_assert_fails(ctx, rows[i].status, read_idx(ctx, rows[i].data, rows[i].size, NULL, 0, &t));
    bt_assert_message(ctx, rows[i].message);
    assert_null(t);
    assert_true(bt_fixture_of(state)->memory.peak_bytes < 1 << 20);
  }
}

static void refuses_every_prefix(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t size = 0; size < SIZE; size++) {
    bp_table *t = NULL;
    bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, IMAGES, size, LABELS, LABELS_SIZE, &t));
    bt_assert_message(ctx, "images: ");
    bt_assert_message(ctx, "the file is incomplete");
    bt_assert_message(ctx,
                      size < HEADER ? "inside the IDX header" : "of elements; the IDX header promises 6 (2 rows of 3)");
  }
  for (size_t size = 0; size < LABELS_SIZE; size++) {
    bp_table *t = NULL;
    bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, IMAGES, SIZE, LABELS, size, &t));
    bt_assert_message(ctx, "labels: ");
    bt_assert_message(ctx, "the file is incomplete");
  }
}

static void refuses_truncated_gzip(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t size;
  unsigned char *packed = bt_gzip(IMAGES, SIZE, &size);
  for (size_t n = 2; n < size; n++) {
    bp_table *t = NULL;
    bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, packed, n, NULL, 0, &t));
  }
  free(packed);
}

/* A header that promises more than its gzip can hold takes no memory. */
static void a_bomb_does_not_go_off(void **state) {
  static const char bomb[] = "\0\0\x08\x02\x7F\xFF\xFF\xFF\0\0\x10\0";
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  size_t size;
  unsigned char *packed = bt_gzip(bomb, sizeof bomb - 1, &size);
  bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, packed, size, NULL, 0, &t));
  bt_assert_message(ctx, "cannot unpack to the 8796093018112 that the IDX header promises");
  assert_true(bt_fixture_of(state)->memory.peak_bytes < 1 << 20);
  free(packed);
}

static void refuses_files_that_do_not_belong_together(void **state) {
  static const char three[] = "\0\0\x08\x01\0\0\0\x03"
                              "\1\2\3";
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, IMAGES, SIZE, three, sizeof three - 1, &t));
  bt_assert_message(ctx, "images has 2 rows, but labels has 3; expected a label for every image");
  bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, LABELS, LABELS_SIZE, IMAGES, SIZE, &t));
  bt_assert_message(ctx,
                    "images: IDX array of rank 1; expected images, of rank 2 or more; are images and labels swapped?");
  bt_assert_fails(ctx, BP_E_DATA, read_idx(ctx, IMAGES, SIZE, IMAGES, SIZE, &t));
  bt_assert_message(ctx, "labels: IDX array of rank 3; expected labels, of rank 1");
  assert_null(t);
}

/* The block is read into its place: never twice in memory. */
static void images_are_in_memory_once(void **state) {
  enum { ROWS = 1000, ROW_SIZE = 784 };
  static const unsigned char header[] = {0, 0, 8, 2, 0, 0, ROWS >> 8, ROWS & 255, 0, 0, ROW_SIZE >> 8, ROW_SIZE & 255};
  bp_context *ctx = bt_ctx(state);
  size_t size = sizeof header + (size_t)ROWS * ROW_SIZE, packed_size;
  unsigned char *data = calloc(size, 1);
  assert_non_null(data);
  memcpy(data, header, sizeof header);
  for (size_t i = sizeof header; i < size; i++) data[i] = (unsigned char)(i * i >> 5);
  unsigned char *packed = bt_gzip(data, size, &packed_size);
  for (int gzip = 0; gzip < 2; gzip++) {
    bp_table *t = NULL;
    bt_assert_ok(ctx, read_idx(ctx, gzip ? packed : data, gzip ? packed_size : size, NULL, 0, &t));
    bt_assert_same_bits(t->block, data + sizeof header, size - sizeof header);
    assert_true(bt_fixture_of(state)->memory.peak_bytes < size + 150000);
    bp_table_free(t);
  }
  free(packed);
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(reads_images_and_labels),   BT_TEST(reads_either_alone),
      BT_TEST(reads_any_rank_and_gzip),   BT_TEST(refuses_bad_files),
      BT_TEST(refuses_every_prefix),      BT_TEST(refuses_truncated_gzip),
      BT_TEST(a_bomb_does_not_go_off),    BT_TEST(refuses_files_that_do_not_belong_together),
      BT_TEST(images_are_in_memory_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
