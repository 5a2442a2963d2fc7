/* test_safetensors_bad.c - files that are damaged, or lie. */
#include <stdlib.h>
#include <string.h>

#include "formats/safetensors.h"
#include "support/testing.h"

/* Parses a block of exactly `size` bytes. */
static bp_status parse(bp_context *ctx, const void *data, size_t size) {
  bp_safetensors *file = NULL;
  char *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  if (size > 0) memcpy(copy, data, size);
  bp_status status = bp_safetensors_parse(ctx, "t.safetensors", copy, size, &file);
  assert_true((status == BP_OK) == (file != NULL));
  bp_safetensors_free(file);
  free(copy);
  return status;
}

/* The length of the header, the header, and `data_size` bytes of data. */
static bp_status parse_header(bp_context *ctx, const char *header, size_t data_size) {
  char content[2000] = {0};
  size_t length = strlen(header);
  assert_true(8 + length + data_size <= sizeof content);
  content[0] = (char)(length & 255);
  content[1] = (char)(length >> 8);
  memcpy(content + 8, header, length);
  return parse(ctx, content, 8 + length + data_size);
}

#define T(name, type, shape, begin, end)                                                                               \
  "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void reads_what_others_write(void **state) {
  static const struct {
    const char *header;
    size_t data;
  } rows[] = {
      {"{}", 0},
      {"{}   ", 0},
      {"{" T("a", "F32", "[1]", 0, 4) "}", 4},
      {"{" T("a", "F32", "[1]", 4, 8) "," T("b", "F16", "[2]", 0, 4) "}", 8},
      {"{" T("a", "U8", "[0]", 0, 0) "," T("b", "U8", "[3]", 0, 3) "," T("c", "F32", "[2,0]", 3, 3) "}", 3},
      {"{" T("a", "BOOL", "[3]", 0, 3) "," T("b", "F64", "[]", 3, 11) "," T("c", "BF16", "[1,1]", 11, 13) "}", 13},
      {"{\"__metadata__\":{},\"a\\u00e4\":{\"shape\":[],\"data_offsets\":[0,8],\"dtype\":\"I64\"}}", 8},
      {"{\"__metadata__\":{\"k\":\"v\"}}", 0},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    bt_assert_ok(ctx, parse_header(ctx, rows[i].header, rows[i].data));
}

static void refuses_headers_that_lie(void **state) {
  static const struct {
    const char *header;
    size_t data;
    const char *message;
  } rows[] = {
      {"", 0, "not proper JSON"},
      {"[]", 0, "not a model; expected a safetensors file"},
      {" {}", 0, "not a model; expected a safetensors file"},
      {"{", 0, "not proper JSON"},
      {"{}x", 0, "not proper JSON"},
      {"{\"a\":}", 0, "not proper JSON"},
      {"{\"a\xFF\":1}", 0, "not proper JSON"},
      {"{\"a\\u0000\":1}", 0, "not proper JSON"},
      {"{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2, "a second member of the name 'a'"},
      {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
       "a second member of the name"},
      {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "a second member of the name"},
      {"{\"__metadata__\":[]}", 0, "'__metadata__': expected an object of texts"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "'a': expected a text in the metadata"},
      {"{\"a\":1}", 0, "t.safetensors: safetensors entry 'a': expected an object of dtype"},
      {"{\"a\":{}}", 0, "expected an object of dtype"},
      {"{" T("", "U8", "[1]", 0, 1) "}", 1, "expected a name"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":1}}", 1, "expected an object of dtype"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"offsets\":[0,1]}}", 1, "expected two data_offsets"},
      {"{" T("a", "F31", "[1]", 0, 4) "}", 4, "expected a dtype"},
      {"{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "expected a dtype"},
      {"{" T("a", "U8", "1", 0, 1) "}", 1, "expected a shape of at most 8 sizes"},
      {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "expected a shape of at most 8 sizes"},
      {"{" T("a", "U8", "[-1]", 0, 1) "}", 1, "expected whole numbers"},
      {"{" T("a", "U8", "[1.0]", 0, 1) "}", 1, "expected whole numbers"},
      {"{" T("a", "U8", "[\\\"1\\\"]", 0, 1) "}", 1, "not proper JSON"},
      {"{" T("a", "U8", "[99999999999999999999]", 0, 1) "}", 1, "expected whole numbers from 0 in the shape"},
      {"{" T("a", "U8", "[9223372036854775807,9223372036854775807]", 0, 1) "}", 1, "do not fit"},
      {"{" T("a", "F64", "[2305843009213693952]", 0, 0) "}", 0, "do not fit"},
      {"{" T("a", "U8", "[4294967297]", 0, 1) "}", 1, "do not fit"},
      {"{" T("a", "F32", "[4294967296,4294967296]", 0, 0) "}", 0, "do not fit"},
      {"{" T("a", "F32", "[0,4294967296,4294967296]", 0, 0) "}", 0, "do not fit"},
      {"{" T("a", "U8", "[2]", 0, 1) "}", 1, "dtype and shape do not fit the data_offsets"},
      {"{" T("a", "F32", "[1]", 0, 8) "}", 8, "dtype and shape do not fit the data_offsets"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "expected two data_offsets"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, "expected two data_offsets"},
      {"{" T("a", "U8", "[1]", -1, 0) "}", 1, "lie outside the file"},
      {"{" T("a", "U8", "[1]", 1, 0) "}", 1, "lie outside the file"},
      {"{" T("a", "U8", "[1]", 0.0, 1.0) "}", 1, "lie outside the file"},
      {"{" T("a", "U8", "[2]", 0, 2) "}", 1, "lie outside the file"},
      {"{" T("a", "U8", "[2]", 9223372036854775806, 9223372036854775807) "}", 1, "lie outside the file"},
      {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 1, 3) "}", 3, "'b': its data overlap"},
      {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 0, 2) "}", 2, "'b': its data overlap"},
      {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[0]", 1, 1) "}", 2, "'b': its data overlap"},
      {"{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 2, 3) "}", 3, "'b': there is a gap before its data"},
      {"{" T("a", "U8", "[1]", 1, 2) "}", 2, "'a': there is a gap before its data"},
      {"{" T("a", "U8", "[1]", 0, 1) "}", 2, "1 bytes behind the last tensor"},
      {"{}", 1, "1 bytes behind the last tensor"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_assert_fails(ctx, BP_E_MODEL, parse_header(ctx, rows[i].header, rows[i].data));
    bt_assert_message(ctx, rows[i].message);
  }
}

/* ---- a good file, damaged in every place ---- */

static const char good[] = "\x52\0\0\0\0\0\0\0"
                           "{" T("a", "I32", "[2]", 0, 8) ",\"__metadata__\":{\"k\":\"v\"}}   "
                                                          "datadata";
enum { GOOD = sizeof good - 1, HEADER_END = GOOD - 8 };

static void the_good_file_is_good(void **state) {
  assert_int_equal((unsigned char)good[0], HEADER_END - 8);
  bt_assert_ok(bt_ctx(state), parse(bt_ctx(state), good, GOOD));
}

static void refuses_every_prefix(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t size = 0; size < GOOD; size++) {
    bt_assert_fails(ctx, BP_E_MODEL, parse(ctx, good, size));
    bt_assert_message(ctx, size < 8            ? "at least 8"
                           : size < HEADER_END ? "the file is incomplete"
                                               : "is it incomplete?");
  }
}

static void refuses_every_other_length(void **state) {
  bp_context *ctx = bt_ctx(state);
  char bad[GOOD];
  for (size_t at = 0; at < 8; at++) {
    for (int value = 0; value < 256; value++) {
      memcpy(bad, good, GOOD);
      bad[at] = (char)value;
      if (bad[at] != good[at]) bt_assert_fails(ctx, BP_E_MODEL, parse(ctx, bad, GOOD));
    }
  }
}

/* What is changed in the header is refused, or makes another file that is as good. */
static void any_byte_may_change(void **state) {
  bp_context *ctx = bt_ctx(state);
  char bad[GOOD];
  for (size_t at = 8; at < HEADER_END; at++) {
    for (int value = 0; value < 256; value++) {
      memcpy(bad, good, GOOD);
      bad[at] = (char)value;
      bp_status status = parse(ctx, bad, GOOD);
      assert_true(status == BP_OK || status == BP_E_MODEL);
    }
  }
}

static void refuses_a_huge_header(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char beyond[] = "\x01\xE1\xF5\x05\0\0\0\0{}", huge[] = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}";
  bt_assert_fails(ctx, BP_E_MODEL, parse(ctx, beyond, sizeof beyond - 1));
  bt_assert_message(ctx, "header of 100000001 bytes; at most 100000000 are allowed");
  bt_assert_fails(ctx, BP_E_MODEL, parse(ctx, huge, sizeof huge - 1));
  bt_assert_message(ctx, "header of 18446744073709551615 bytes");
  assert_true(bt_fixture_of(state)->memory.peak_bytes < 10000);
}

static void refuses_deep_json(void **state) {
  enum { DEPTH = 100000 };
  bp_context *ctx = bt_ctx(state);
  char *content = malloc(8 + 5 + DEPTH);
  assert_non_null(content);
  memset(content, 0, 8);
  for (int i = 0; i < 4; i++) content[i] = (char)((5 + DEPTH) >> (8 * i));
  memcpy(content + 8, "{\"a\":", 5);
  memset(content + 13, '[', DEPTH);
  bt_assert_fails(ctx, BP_E_MODEL, parse(ctx, content, 8 + 5 + DEPTH));
  bt_assert_message(ctx, "more than 100 arrays and objects inside one another");
  free(content);
}

static void damaged_gzip_is_a_bad_model(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_dir dir;
  char path[BT_PATH];
  bp_safetensors *file = NULL;
  size_t size;
  unsigned char *packed = bt_gzip(good, GOOD, &size);
  bt_dir_make(&dir);
  bt_write_file(bt_dir_file(&dir, "m.safetensors", path), packed, size);
  bt_assert_ok(ctx, bp_safetensors_read(ctx, path, &file));
  bp_safetensors_free(file);
  file = NULL;
  bt_write_file(path, packed, size - 1);
  bt_assert_fails(ctx, BP_E_MODEL, bp_safetensors_read(ctx, path, &file));
  bt_assert_message(ctx, "m.safetensors: ");
  bt_dir_remove(&dir);
  bt_assert_fails(ctx, BP_E_IO, bp_safetensors_read(ctx, path, &file));
  assert_null(file);
  free(packed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(reads_what_others_write), BT_TEST(refuses_headers_that_lie),   BT_TEST(the_good_file_is_good),
      BT_TEST(refuses_every_prefix),    BT_TEST(refuses_every_other_length), BT_TEST(any_byte_may_change),
      BT_TEST(refuses_a_huge_header),   BT_TEST(refuses_deep_json),          BT_TEST(damaged_gzip_is_a_bad_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
