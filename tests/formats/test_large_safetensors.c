/* labels: nightly */
/* test_large_safetensors.c - a tensor beyond 4 GiB, and one behind it: written, read back, checked. */
#include "formats/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "support/testing.h"

enum { SKIPPED = 77 };
#define LARGE ((int64_t)1100000000) /* float32: 4.4 GB */

static const uint8_t behind[4] = {1, 2, 3, 255};

/* Pages that nobody wrote take no memory. */
static float *make_large(void) {
  void *data = mmap(NULL, (size_t)LARGE * sizeof(float), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(data, MAP_FAILED);
  float *values = data;
  values[0] = 1;
  values[(1LL << 30) + 5] = -2; /* 20 bytes behind 4 GiB */
  values[LARGE - 1] = 3;
  return values;
}

static void save(bp_context *ctx, const char *path, const float *large, char checksum[BP_CHECKSUM_TEXT]) {
  const bp_named_tensor tensors[] = {
      {.name = "large", .dtype = BP_F32, .rank = 2, .dims = {LARGE / 100, 100}, .data = large},
      {.name = "behind", .dtype = BP_U8, .rank = 1, .dims = {4}, .data = behind}};
  bp_writer *writer;
  bt_assert_ok(ctx, bp_safetensors_checksum(ctx, tensors, 2, checksum));
  const bp_text_pair pair = {BP_CHECKSUM_KEY, checksum};
  bt_assert_ok(ctx, bp_writer_open(ctx, path, &writer));
  bt_assert_ok(ctx, bp_safetensors_write(ctx, writer, tensors, 2, &pair, 1));
  bt_assert_ok(ctx, bp_writer_commit(writer));
}

static void tensors_beyond_4_gib_are_written_and_read(void **state) {
  (void)state;
  bt_dir dir;
  char path[BT_PATH], checksum[BP_CHECKSUM_TEXT];
  bp_context *ctx = NULL;
  bp_safetensors *file = NULL;
  float value;
  bt_dir_make(&dir);
  assert_int_equal(bp_context_new(NULL, &ctx), BP_OK);
  float *large = make_large();
  save(ctx, bt_dir_file(&dir, "large.safetensors", path), large, checksum);
  munmap(large, (size_t)LARGE * sizeof(float));

  bt_assert_ok(ctx, bp_safetensors_read(ctx, path, &file));
  bt_assert_ok(ctx, bp_safetensors_verify(ctx, file));
  const bp_named_tensor *t = bp_safetensors_tensor(file, "large"), *b = bp_safetensors_tensor(file, "behind");
  assert_non_null(t);
  assert_non_null(b);
  assert_int_equal(t->dims[0], LARGE / 100);
  assert_int_equal(t->size, (size_t)LARGE * sizeof(float));
  const int64_t places[] = {0, (1LL << 30) + 5, LARGE - 1, 1LL << 30};
  const float expected[] = {1, -2, 3, 0};
  for (int i = 0; i < 4; i++) {
    memcpy(&value, (const char *)t->data + (size_t)places[i] * sizeof value, sizeof value);
    assert_true(value == expected[i]);
  }
  assert_memory_equal(b->data, behind, sizeof behind);
  bp_safetensors_free(file);
  bp_context_free(ctx);
  bt_dir_remove(&dir);
}

/* Whether there is room: for the file on the disk, and for reading it in memory. */
static bool has_room(void) {
  struct statvfs disk;
  const char *folder = getenv("TMPDIR");
  uint64_t gib = (uint64_t)1 << 30, memory = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  if (statvfs(folder ? folder : "/tmp", &disk) != 0) return false;
  uint64_t free = (uint64_t)disk.f_bavail * disk.f_frsize;
  if (free >= 6 * gib && memory >= 6 * gib) return true;
  printf("skipped: 6 GiB of disk and of memory are needed, and %" PRIu64 " and %" PRIu64 " MiB are free\n", free >> 20,
         memory >> 20);
  return false;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_beyond_4_gib_are_written_and_read)};
  if (!has_room()) return SKIPPED;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
