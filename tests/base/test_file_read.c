/* Reading: plain, packed, in several members, damaged, cut off, from files, pipes and memory. */
/* labels: unit io oom */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "support/testing.h"

/* Content with structure and noise, longer than the reader's buffer, packed and plain. */
enum { LONG = 150001 };
typedef struct sample {
  bt_dir dir;
  char plain_path[BT_PATH], packed_path[BT_PATH];
  unsigned char plain[LONG], *packed;
  size_t packed_size;
} sample;

static sample *sample_new(void) {
  sample *s = malloc(sizeof *s);
  if (!s) fail_msg("out of memory");
  uint32_t noise = 1;
  for (size_t i = 0; i < LONG; i++) {
    noise = noise * 1664525 + 1013904223;
    s->plain[i] = (unsigned char)(i % 3 ? noise >> 24 : i / 100);
  }
  s->packed = bt_gzip(s->plain, LONG, &s->packed_size);
  bt_dir_make(&s->dir);
  bt_write_file(bt_dir_file(&s->dir, "plain", s->plain_path), s->plain, LONG);
  bt_write_file(bt_dir_file(&s->dir, "packed", s->packed_path), s->packed, s->packed_size);
  return s;
}

static void sample_free(sample *s) {
  bt_dir_remove(&s->dir);
  free(s->packed);
  free(s);
}

/* Reads all of `r` in pieces of these sizes in turn, and compares with the expected bytes. The verdict on a damaged
 * stream stands at its end, so what is too long is read on for a while. */
static bp_status read_and_compare(bp_reader *r, const size_t *pieces, size_t n_pieces, const void *expected,
                                  size_t size) {
  enum { TOO_MUCH = 400000 };
  unsigned char *data = malloc(size + TOO_MUCH);
  if (!data) fail_msg("out of memory");
  bp_status status;
  size_t used = 0, got = 0;
  for (size_t i = 0;; i++) {
    size_t want = pieces[i % n_pieces];
    status = bp_reader_read(r, data + used, want, &got);
    if (status != BP_OK) break;
    used += got;
    if (got < want || used > size + TOO_MUCH / 2) break;
  }
  bool same = used == size && memcmp(data, expected, size) == 0;
  free(data);
  if (status == BP_OK && !same) fail_msg("%zu bytes were read, %zu expected, or they differ", used, size);
  return status;
}

static const size_t small_pieces[] = {1, 7, 100, 1000, 4096}, large_pieces[] = {70000, 1, 200000};

/* ---- files ---- */

static void check_file(bp_context *ctx, const char *path, const sample *s, bool packed) {
  for (int large = 0; large < 2; large++) {
    bp_reader *r;
    bt_assert_ok(ctx, bp_reader_open(ctx, path, &r));
    assert_int_equal(bp_reader_is_gzip(r), packed);
    assert_string_equal(bp_reader_name(r), path);
    assert_int_equal(bp_reader_stored_size(r), packed ? s->packed_size : LONG);
    bt_assert_ok(ctx, large ? read_and_compare(r, large_pieces, 3, s->plain, LONG)
                            : read_and_compare(r, small_pieces, 5, s->plain, LONG));
    size_t got = 9;
    char more;
    bt_assert_ok(ctx, bp_reader_read(r, &more, 1, &got)); /* at the end it stays */
    assert_int_equal(got, 0);
    bp_reader_close(r);
  }
}

static void plain_files_are_read(void **state) {
  sample *s = sample_new();
  check_file(bt_ctx(state), s->plain_path, s, false);
  sample_free(s);
}

static void packed_files_are_unpacked(void **state) {
  sample *s = sample_new();
  check_file(bt_ctx(state), s->packed_path, s, true);
  sample_free(s);
}

static void check_memory(bp_context *ctx, const void *data, size_t size, const void *expected, size_t expected_size) {
  for (int large = 0; large < 2; large++) {
    bp_reader *r;
    bt_assert_ok(ctx, bp_reader_open_memory(ctx, "memory", data, size, &r));
    assert_int_equal(bp_reader_stored_size(r), size);
    bt_assert_ok(ctx, large ? read_and_compare(r, large_pieces, 3, expected, expected_size)
                            : read_and_compare(r, small_pieces, 5, expected, expected_size));
    bp_reader_close(r);
  }
}

static void memory_is_read_like_a_file(void **state) {
  sample *s = sample_new();
  check_memory(bt_ctx(state), s->plain, LONG, s->plain, LONG);
  check_memory(bt_ctx(state), s->packed, s->packed_size, s->plain, LONG);
  sample_free(s);
}

static void short_things_are_read(void **state) {
  bp_context *ctx = bt_ctx(state);
  check_memory(ctx, "", 0, "", 0);
  check_memory(ctx, "\x1F", 1, "\x1F", 1);
  check_memory(ctx, "ab", 2, "ab", 2);
  size_t size;
  unsigned char *packed = bt_gzip("", 0, &size);
  check_memory(ctx, packed, size, "", 0);
  free(packed);
}

static void members_in_a_row_are_one_stream(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char *const parts[] = {"first ", "", "second ", "third"};
  unsigned char all[1000];
  size_t used = 0;
  for (size_t i = 0; i < 4; i++) {
    size_t size;
    unsigned char *packed = bt_gzip(parts[i], strlen(parts[i]), &size);
    memcpy(all + used, packed, size);
    used += size;
    free(packed);
  }
  check_memory(ctx, all, used, "first second third", 18);
  memset(all + used, 0, 100); /* padding, as tapes have it */
  check_memory(ctx, all, used + 100, "first second third", 18);
}

/* ---- pipes ---- */

/* Replaces standard input by a pipe that holds these bytes (fewer than a pipe's buffer), reads "-", and compares. */
static bp_status read_from_stdin(bp_context *ctx, const void *data, size_t size, const void *expected,
                                 size_t expected_size, bool blocks) {
  int ends[2], kept = dup(STDIN_FILENO);
  bp_reader *r = NULL;
  if (pipe2(ends, blocks ? 0 : O_NONBLOCK) != 0 || write(ends[1], data, size) != (ssize_t)size) fail_msg("no pipe");
  (void)close(ends[1]);
  (void)dup2(ends[0], STDIN_FILENO);
  (void)close(ends[0]);
  bp_status status = bp_reader_open(ctx, "-", &r);
  if (status == BP_OK && (bp_reader_stored_size(r) != 0 || strcmp(bp_reader_name(r), "standard input") != 0))
    status = BP_E_CHECK;
  if (status == BP_OK) status = read_and_compare(r, small_pieces, 5, expected, expected_size);
  bp_reader_close(r);
  bool still_open = fcntl(STDIN_FILENO, F_GETFD) != -1;
  if (kept >= 0) (void)dup2(kept, STDIN_FILENO);
  if (kept >= 0) (void)close(kept);
  return still_open ? status : BP_E_CHECK;
}

static void standard_input_is_a_dash(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t size;
  unsigned char *packed = bt_gzip("some text", 9, &size);
  bt_assert_ok(ctx, read_from_stdin(ctx, "some text", 9, "some text", 9, true));
  bt_assert_ok(ctx, read_from_stdin(ctx, "some text", 9, "some text", 9, false));
  bt_assert_ok(ctx, read_from_stdin(ctx, packed, size, "some text", 9, true));
  bt_assert_ok(ctx, read_from_stdin(ctx, "", 0, "", 0, true));
  free(packed);
}

/* ---- damage ---- */

static bp_status read_memory(bp_context *ctx, const unsigned char *data, size_t size, const void *expected,
                             size_t expected_size) {
  bp_reader *r;
  bp_status status = bp_reader_open_memory(ctx, "damaged.gz", data, size, &r);
  if (status != BP_OK) return status;
  status = read_and_compare(r, small_pieces, 5, expected, expected_size);
  bp_reader_close(r);
  return status;
}

static const char poem[] = "Though this be madness, yet there is method in 't. Though this be madness, yet there is.";

static void a_file_cut_off_anywhere_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t size;
  unsigned char *packed = bt_gzip(poem, sizeof poem, &size);
  for (size_t kept = 2; kept < size; kept++) {
    unsigned char *part = malloc(kept); /* a block of its own, for the address sanitizer */
    memcpy(part, packed, kept);
    bt_assert_fails(ctx, BP_E_DATA, read_memory(ctx, part, kept, poem, sizeof poem));
    bt_assert_message(ctx, "damaged.gz: the gzip data end too early");
    free(part);
  }
  free(packed);
}

/* Every bit of every byte but those of the magic number. Nothing guards the header's time, system and text flag, and up
 * to 7 bits of padding before the checksum: there the content comes out right. */
static void a_flipped_bit_anywhere_is_seen_or_harmless(void **state) {
  enum { HEADER = 10, MAGIC = 2, PADDING_BITS = 7 };
  bp_context *ctx = bt_ctx(state);
  size_t size, harmless = 0;
  unsigned char *packed = bt_gzip(poem, sizeof poem, &size);
  for (size_t i = MAGIC; i < size; i++)
    for (int bit = 0; bit < 8; bit++) {
      packed[i] ^= (unsigned char)(1 << bit);
      bp_status status = read_memory(ctx, packed, size, poem, sizeof poem); /* fails the test when bytes differ */
      if (status != BP_OK) bt_assert_fails(ctx, BP_E_DATA, status);
      harmless += i >= HEADER && status == BP_OK;
      packed[i] ^= (unsigned char)(1 << bit);
    }
  assert_true(harmless <= PADDING_BITS);
  free(packed);
}

static void what_follows_and_is_no_gzip_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char *const tails[] = {"x", "\x1F", "\x1Fx", "\0\0x"};
  static const size_t sizes[] = {1, 1, 2, 3};
  size_t size;
  unsigned char all[200], *packed = bt_gzip("text", 4, &size);
  for (size_t i = 0; i < 4; i++) {
    memcpy(all, packed, size);
    memcpy(all + size, tails[i], sizes[i]);
    bt_assert_fails(ctx, BP_E_DATA, read_memory(ctx, all, size + sizes[i], "text", 4));
    bt_assert_message(ctx, "something other than gzip follows");
  }
  free(packed);
}

static void a_read_that_failed_leaves_its_count_untouched(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t size, got = 77;
  char data[1000];
  bp_reader *r;
  unsigned char *packed = bt_gzip(poem, sizeof poem, &size);
  bt_assert_ok(ctx, bp_reader_open_memory(ctx, "short", packed, size - 1, &r));
  for (int again = 0; again < 2; again++) bt_assert_fails(ctx, BP_E_DATA, bp_reader_read(r, data, sizeof data, &got));
  assert_int_equal(got, 77);
  bp_reader_close(r);
  free(packed);
}

static void what_cannot_be_opened_is_named(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_reader *r = NULL;
  bt_assert_fails(ctx, BP_E_IO, bp_reader_open(ctx, "/no/such\nfile", &r));
  bt_assert_message(ctx, "/no/such?file: cannot open it: No such file or directory");
  bt_assert_fails(ctx, BP_E_IO, bp_reader_open(ctx, "/", &r));
  bt_assert_message(ctx, "/: cannot read it: Is a directory");
  assert_null(r);
  bp_reader_close(NULL);
}

/* ---- whole files ---- */

static bp_status check_whole(bp_context *ctx, const char *path, size_t limit, const sample *s) {
  char *data = NULL;
  size_t size = 77;
  bp_status status = bp_read_file(ctx, path, limit, &data, &size);
  if (status != BP_OK) {
    assert_true(data == NULL && size == 77);
    return status;
  }
  assert_int_equal(size, LONG);
  bt_assert_same_bits(data, s->plain, LONG);
  assert_int_equal(data[size], 0);
  bp_release(bp_context_allocator(ctx), data, size + 1, 1);
  return BP_OK;
}

static void whole_files_are_read_up_to_their_limit(void **state) {
  bp_context *ctx = bt_ctx(state);
  sample *s = sample_new();
  const char *const paths[] = {s->plain_path, s->packed_path};
  for (int i = 0; i < 2; i++) {
    bt_assert_ok(ctx, check_whole(ctx, paths[i], SIZE_MAX, s));
    bt_assert_ok(ctx, check_whole(ctx, paths[i], LONG, s));
    bt_assert_ok(ctx, check_whole(ctx, paths[i], LONG + 1, s));
    bt_assert_fails(ctx, BP_E_LIMIT, check_whole(ctx, paths[i], LONG - 1, s));
    bt_assert_message(ctx, "more than 150000 bytes");
    bt_assert_fails(ctx, BP_E_LIMIT, check_whole(ctx, paths[i], 0, s));
  }
  sample_free(s);
}

/* Also where memory has addresses for less. */
static void a_file_of_many_gigabytes_is_opened(void **state) {
  const off_t size = (off_t)5 << 30;
  bp_context *ctx = bt_ctx(state);
  bp_reader *r = NULL;
  char path[BT_PATH], *data = NULL, bytes[10];
  bt_dir dir;
  size_t got = 0;
  bt_dir_make(&dir);
  bt_write_file(bt_dir_file(&dir, "sparse", path), "", 0);
  if (truncate(path, size) == 0) { /* a limit of the file system may forbid it */
    bt_assert_ok(ctx, bp_reader_open(ctx, path, &r));
    assert_true(bp_reader_stored_size(r) == (uint64_t)size);
    bt_assert_ok(ctx, bp_reader_read(r, bytes, sizeof bytes, &got));
    assert_int_equal(got, sizeof bytes);
    bp_reader_close(r);
    bt_assert_fails(ctx, BP_E_LIMIT, bp_read_file(ctx, path, 100, &data, &got));
  }
  bt_dir_remove(&dir);
}

static void an_empty_file_is_an_empty_string(void **state) {
  bp_context *ctx = bt_ctx(state);
  char *data = NULL;
  size_t size = 77;
  bt_assert_ok(ctx, bp_read_file(ctx, "/dev/null", 0, &data, &size));
  assert_int_equal(size, 0);
  assert_string_equal(data, "");
  bp_release(bp_context_allocator(ctx), data, 1, 1);
}

/* A file that says it is small and grows to much: memory follows what came, and the limit holds. */
static void a_packed_bomb_stops_at_the_limit(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  enum { BOMB = 20 << 20, LIMIT = 100000 };
  bt_dir dir;
  char path[BT_PATH], *zeros = calloc(BOMB, 1), *data = NULL;
  size_t packed_size, size;
  bt_dir_make(&dir);
  unsigned char *packed = bt_gzip(zeros, BOMB, &packed_size);
  bt_write_file(bt_dir_file(&dir, "bomb", path), packed, packed_size);
  fixture->memory.peak_bytes = 0;
  bt_assert_fails(fixture->ctx, BP_E_LIMIT, bp_read_file(fixture->ctx, path, LIMIT, &data, &size));
  assert_true(fixture->memory.peak_bytes < 4 * LIMIT);
  bt_dir_remove(&dir);
  free(packed);
  free(zeros);
}

/* ---- sweeps ---- */

static bp_status read_plain_file(bp_context *ctx, void *user) {
  const sample *s = user;
  return check_whole(ctx, s->plain_path, LONG, s);
}

static bp_status read_packed_file(bp_context *ctx, void *user) {
  const sample *s = user;
  return check_whole(ctx, s->packed_path, LONG, s);
}

static void every_failed_read_is_reported(void **state) {
  (void)state;
  sample *s = sample_new();
  assert_true(bt_io_sweep(read_plain_file, NULL, s) >= 12);
  assert_true(bt_io_sweep(read_packed_file, NULL, s) >= 12);
  sample_free(s);
}

static void every_failed_allocation_is_reported(void **state) {
  (void)state;
  sample *s = sample_new();
  assert_true(bt_alloc_sweep(read_plain_file, s) >= 3);
  assert_true(bt_alloc_sweep(read_packed_file, s) >= 6);
  sample_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(plain_files_are_read),
      BT_TEST(packed_files_are_unpacked),
      BT_TEST(memory_is_read_like_a_file),
      BT_TEST(short_things_are_read),
      BT_TEST(members_in_a_row_are_one_stream),
      BT_TEST(standard_input_is_a_dash),
      BT_TEST(a_file_cut_off_anywhere_is_refused),
      BT_TEST(a_flipped_bit_anywhere_is_seen_or_harmless),
      BT_TEST(what_follows_and_is_no_gzip_is_refused),
      BT_TEST(a_read_that_failed_leaves_its_count_untouched),
      BT_TEST(what_cannot_be_opened_is_named),
      BT_TEST(whole_files_are_read_up_to_their_limit),
      BT_TEST(a_file_of_many_gigabytes_is_opened),
      BT_TEST(an_empty_file_is_an_empty_string),
      BT_TEST(a_packed_bomb_stops_at_the_limit),
      cmocka_unit_test(every_failed_read_is_reported),
      cmocka_unit_test(every_failed_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
