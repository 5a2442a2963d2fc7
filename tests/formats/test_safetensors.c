/* labels: unit io */
/* test_safetensors.c - files written and read back, byte for byte as the format says. */
#include "formats/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

static const float floats[6] = {1, -2, 3.5F, 0, 1e-30F, 5};
static const double doubles[2] = {0.1, -1e300};
static const uint8_t bytes[3] = {1, 2, 255};
static const int32_t ints[1] = {-7};

static const bp_named_tensor tensors[] = {
    {.name = "layers.0.weight", .dtype = BP_F32, .rank = 2, .dims = {2, 3}, .data = floats},
    {.name = "a \"quoted\" näme", .dtype = BP_U8, .rank = 1, .dims = {3}, .data = bytes},
    {.name = "doubles", .dtype = BP_F64, .rank = 1, .dims = {2}, .data = doubles},
    {.name = "scalar", .dtype = BP_I32, .rank = 0, .data = ints},
    {.name = "empty", .dtype = BP_F32, .rank = 3, .dims = {4, 0, 2}, .data = NULL},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };
static const bp_text_pair metadata[] = {{"format", "backprop"}, {"json", "{\"a\": [1, \"ü\"]}\n"}, {"", ""}};
enum { PAIRS = sizeof metadata / sizeof *metadata };

static bp_status save(bp_context *ctx, const char *path, const bp_named_tensor *t, size_t n, const bp_text_pair *pairs,
                      size_t n_pairs) {
  bp_writer *writer;
  bp_status status = bp_writer_open(ctx, path, &writer);
  if (status != BP_OK) return status;
  status = bp_safetensors_write(ctx, writer, t, n, pairs, n_pairs);
  if (status == BP_OK) return bp_writer_commit(writer);
  bp_writer_cancel(writer);
  return status;
}

/* NEW (free) bytes of a file with these tensors. */
static char *saved(bp_context *ctx, const bp_named_tensor *t, size_t n, size_t n_pairs, size_t *size) {
  bt_dir dir;
  char path[BT_PATH];
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "t.safetensors", path);
  bt_assert_ok(ctx, save(ctx, path, t, n, metadata, n_pairs));
  char *content = bt_read_file(path, size);
  bt_dir_remove(&dir);
  return content;
}

static void reads_back_what_was_written(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_dir dir;
  char path[BT_PATH];
  bp_safetensors *file;
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "t.safetensors", path);
  bt_assert_ok(ctx, save(ctx, path, tensors, TENSORS, metadata, PAIRS));
  bt_assert_ok(ctx, bp_safetensors_read(ctx, path, &file));
  assert_int_equal(file->n_tensors, TENSORS);
  for (size_t i = 0; i < TENSORS; i++) {
    const bp_named_tensor *t = bp_safetensors_tensor(file, tensors[i].name);
    size_t size = bp_dtype_size(tensors[i].dtype);
    assert_non_null(t);
    assert_int_equal(t->dtype, tensors[i].dtype);
    assert_int_equal(t->rank, tensors[i].rank);
    for (int axis = 0; axis < t->rank; axis++) {
      assert_int_equal(t->dims[axis], tensors[i].dims[axis]);
      size *= (size_t)t->dims[axis];
    }
    assert_int_equal(t->size, size);
    if (size > 0) bt_assert_same_bits(t->data, tensors[i].data, size);
    assert_int_equal((uintptr_t)t->data % bp_dtype_size(t->dtype), 0);
  }
  assert_null(bp_safetensors_tensor(file, "layers"));
  assert_int_equal(file->n_metadata, PAIRS);
  for (size_t i = 0; i < PAIRS; i++) assert_string_equal(bp_safetensors_text(file, metadata[i].key), metadata[i].value);
  assert_null(bp_safetensors_text(file, "other"));
  bp_safetensors_free(file);
  bt_dir_remove(&dir);
}

static void the_bytes_are_as_the_format_says(void **state) {
  static const char header[] =
      "{\"__metadata__\":{\"format\":\"backprop\"},\"b\":{\"data_offsets\":[0,4],\"dtype\":\"I32\",\"shape\":[]},"
      "\"c\":{\"data_offsets\":[4,7],\"dtype\":\"U8\",\"shape\":[3]}}";
  const bp_named_tensor two[] = {{.name = "c", .dtype = BP_U8, .rank = 1, .dims = {3}, .data = bytes},
                                 {.name = "b", .dtype = BP_I32, .data = ints}};
  bp_context *ctx = bt_ctx(state);
  size_t size, length = sizeof header - 1, padded = (length + 7) / 8 * 8;
  char *content = saved(ctx, two, 2, 1, &size);
  assert_int_equal(size, 8 + padded + 7);
  assert_int_equal((unsigned char)content[0], padded);
  for (int i = 1; i < 8; i++) assert_int_equal(content[i], 0);
  assert_memory_equal(content + 8, header, length);
  for (size_t i = length; i < padded; i++) assert_int_equal(content[8 + i], ' ');
  assert_memory_equal(content + 8 + padded, "\xF9\xFF\xFF\xFF\1\2\xFF", 7);
  free(content);
}

static void the_order_of_tensors_changes_nothing(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t size, again;
  char *first = saved(ctx, tensors, TENSORS, PAIRS, &size);
  for (size_t shift = 1; shift < TENSORS; shift++) {
    bp_named_tensor turned[TENSORS];
    for (size_t i = 0; i < TENSORS; i++) turned[i] = tensors[(i + shift) % TENSORS];
    char *other = saved(ctx, turned, TENSORS, PAIRS, &again);
    assert_int_equal(again, size);
    bt_assert_same_bits(other, first, size);
    free(other);
  }
  free(first);
}

static void nothing_is_a_file_too(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_safetensors *file;
  size_t size;
  char *content = saved(ctx, NULL, 0, 0, &size);
  bt_assert_ok(ctx, bp_safetensors_parse(ctx, "t", content, size, &file));
  assert_int_equal(file->n_tensors + file->n_metadata, 0);
  bp_safetensors_free(file);
  free(content);
}

static void refuses_to_write_what_cannot_be_read(void **state) {
  static const struct {
    bp_named_tensor tensors[2];
    size_t n;
    const char *message;
  } rows[] = {
      {{{.name = "", .dtype = BP_U8}}, 1, "cannot be named ''"},
      {{{.name = "__metadata__", .dtype = BP_U8}}, 1, "cannot be named '__metadata__'"},
      {{{.name = "a\xFF", .dtype = BP_U8}}, 1, "not UTF-8"},
      {{{.name = "a", .dtype = BP_DTYPE_COUNT}}, 1, "no element type"},
      {{{.name = "a", .dtype = BP_F32, .rank = 1, .dims = {-1}}}, 1, "shape of tensor 'a' is not possible"},
      {{{.name = "a", .dtype = BP_F32, .rank = 9}}, 1, "shape of tensor 'a' is not possible"},
      {{{.name = "a", .dtype = BP_F32, .rank = 2, .dims = {INT64_MAX, 8}}}, 1, "shape of tensor 'a' is not possible"},
      {{{.name = "a", .dtype = BP_U8, .rank = 1, .dims = {INT64_MAX}},
        {.name = "b", .dtype = BP_U8, .rank = 1, .dims = {1}}},
       2,
       SIZE_MAX > UINT32_MAX ? "too large" : "shape of tensor 'a' is not possible"},
      {{{.name = "a", .dtype = BP_U8}, {.name = "a", .dtype = BP_F32}}, 2, "two tensors named 'a'"},
  };
  bp_context *ctx = bt_ctx(state);
  bt_dir dir;
  char path[BT_PATH];
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "t.safetensors", path);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_assert_fails(ctx, BP_E_ARG, save(ctx, path, rows[i].tensors, rows[i].n, NULL, 0));
    bt_assert_message(ctx, rows[i].message);
  }
  static const bp_text_pair twice[] = {{"a", "1"}, {"a", "2"}}, broken[] = {{"a", "\xC3"}};
  bt_assert_fails(ctx, BP_E_ARG, save(ctx, path, NULL, 0, twice, 2));
  bt_assert_fails(ctx, BP_E_ARG, save(ctx, path, NULL, 0, broken, 1));
  assert_int_equal(bt_dir_entries(&dir), 0);
  bt_dir_remove(&dir);
}

/* ---- failing memory and files ---- */

static bp_status write_job(bp_context *ctx, void *user) { return save(ctx, user, tensors, TENSORS, metadata, PAIRS); }

static bp_status read_job(bp_context *ctx, void *user) {
  bp_safetensors *file = NULL;
  bp_status status = bp_safetensors_read(ctx, user, &file);
  assert_true((status == BP_OK) == (file != NULL));
  bp_safetensors_free(file);
  return status;
}

static void every_failure_is_clean(void **state) {
  bt_dir dir;
  char path[BT_PATH];
  (void)state;
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "t.safetensors", path);
  assert_true(bt_alloc_sweep(write_job, path) >= 6);
  assert_true(bt_alloc_sweep(read_job, path) >= 6);
  assert_true(bt_io_sweep(write_job, NULL, path) >= 5);
  assert_true(bt_io_sweep(read_job, NULL, path) >= 2);
  assert_int_equal(bt_dir_entries(&dir), 1);
  bt_dir_remove(&dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(reads_back_what_was_written),          BT_TEST(the_bytes_are_as_the_format_says),
      BT_TEST(the_order_of_tensors_changes_nothing), BT_TEST(nothing_is_a_file_too),
      BT_TEST(refuses_to_write_what_cannot_be_read), BT_TEST(every_failure_is_clean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
