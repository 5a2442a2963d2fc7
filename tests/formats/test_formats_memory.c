/* labels: oom io */
/* test_formats_memory.c - every allocation and every system call of the table readers fails in turn. */
#include <stdlib.h>
#include <string.h>

#include "backprop/table.h"
#include "support/testing.h"

static const char csv_text[] = "id,\"the \"\"name\"\"\",w,word,more\n"
                               "1,\"a \"\"b\"\"\",2.5,one,\n2,,NA,two,x\n3,c,1e5,three,y\n4,d,7,four,z\n"
                               "5,e,8,five,\n6,f,9,six,\n7,g,10,seven,\n8,h,11,eight,\n9,i,12,nine,\n10,j,13,ten,\n";
#define IMAGES                                                                                                         \
  "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03"                                                                         \
  "abcdef"
#define LABELS                                                                                                         \
  "\0\0\x08\x01\0\0\0\x02"                                                                                             \
  "\x07\x01"

typedef struct job {
  char path[BT_PATH];
  bp_read_options options;
} job;

static bp_status read_job(bp_context *ctx, void *user) {
  const job *j = user;
  bp_table *t = NULL;
  bp_status status = bp_table_read(ctx, j->path, &j->options, &t);
  assert_true((status == BP_OK) == (t != NULL));
  bp_table_free(t);
  return status;
}

static bp_status stream_job(bp_context *ctx, void *user) {
  const job *j = user;
  bp_table_stream *s = NULL;
  bp_status status = bp_table_stream_open(ctx, j->path, &j->options, &s);
  assert_true((status == BP_OK) == (s != NULL));
  for (bool more = true; status == BP_OK && more;) {
    bp_table *t = NULL;
    status = bp_table_stream_next(s, 3, &t);
    more = t != NULL;
    bp_table_free(t);
  }
  bp_table_stream_free(s);
  return status;
}

static void sweep(job *j) {
  assert_true(bt_alloc_sweep(stream_job, j) >= 5);
  assert_true(bt_io_sweep(stream_job, NULL, j) >= 2);
  assert_true(bt_alloc_sweep(read_job, j) >= 5);
  assert_true(bt_io_sweep(read_job, NULL, j) >= 2);
}

static void reading_csv_fails_cleanly(void **state) {
  (void)state;
  bt_dir dir;
  job j = {.options = {.size = sizeof j.options, .missing = "NA,none,id=x", .as_text = "id"}};
  size_t size;
  unsigned char *packed = bt_gzip(csv_text, sizeof csv_text - 1, &size);
  bt_dir_make(&dir);
  bt_write_file(bt_dir_file(&dir, "t.csv", j.path), csv_text, sizeof csv_text - 1);
  sweep(&j);
  bt_write_file(bt_dir_file(&dir, "t.csv.gz", j.path), packed, size);
  sweep(&j);
  free(packed);
  bt_dir_remove(&dir);
}

static void reading_idx_fails_cleanly(void **state) {
  (void)state;
  bt_dir dir;
  char labels[BT_PATH];
  job j = {.options = {.size = sizeof j.options, .labels = labels}};
  bt_dir_make(&dir);
  bt_write_file(bt_dir_file(&dir, "t-idx1-ubyte", labels), LABELS, sizeof LABELS - 1);
  bt_write_file(bt_dir_file(&dir, "t-idx3-ubyte", j.path), IMAGES, sizeof IMAGES - 1);
  sweep(&j);
  bt_dir_remove(&dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(reading_csv_fails_cleanly), BT_TEST(reading_idx_fails_cleanly)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
