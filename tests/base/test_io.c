/* System calls with patience: descriptors that do not block, and errors in words. */
/* labels: unit io */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/testing.h"

enum { AMOUNT = 1 << 20 }; /* more than a pipe holds */

static void rest(void) {
  const struct timespec time = {.tv_nsec = 5000000};
  (void)nanosleep(&time, NULL);
}

static void *drain_slowly(void *argument) {
  static char data[1 << 16];
  int fd = *(int *)argument;
  size_t total = 0;
  for (ssize_t got = 1; got > 0; total += (size_t)(got > 0 ? got : 0)) {
    if (total < 4 * sizeof data) rest();
    got = read(fd, data, sizeof data);
  }
  *(int *)argument = (int)total;
  return NULL;
}

static void writing_waits_for_a_full_pipe(void **state) {
  (void)state;
  static char data[AMOUNT];
  int ends[2];
  pthread_t reader;
  assert_int_equal(pipe2(ends, 0), 0);
  assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  int argument = ends[0];
  assert_int_equal(pthread_create(&reader, NULL, drain_slowly, &argument), 0);
  int failed = bp_io_write_all(ends[1], data, AMOUNT);
  (void)close(ends[1]);
  (void)pthread_join(reader, NULL);
  (void)close(ends[0]);
  assert_int_equal(failed, 0);
  assert_int_equal(argument, AMOUNT);
}

static void *write_late(void *argument) {
  rest();
  ssize_t put = write(*(int *)argument, "late", 4);
  *(int *)argument = (int)put;
  return NULL;
}

static void reading_waits_for_an_empty_pipe(void **state) {
  (void)state;
  int ends[2];
  char data[10];
  pthread_t writer;
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  int argument = ends[1];
  assert_int_equal(pthread_create(&writer, NULL, write_late, &argument), 0);
  ssize_t got = bp_io_read(ends[0], data, sizeof data);
  (void)pthread_join(writer, NULL);
  (void)close(ends[0]);
  (void)close(ends[1]);
  assert_int_equal(argument, 4);
  assert_int_equal(got, 4);
  assert_memory_equal(data, "late", 4);
}

static ssize_t write_nothing(int fd, const void *data, size_t size) {
  (void)fd;
  (void)data;
  (void)size;
  return 0;
}

static void a_write_without_progress_is_a_failure(void **state) {
  (void)state;
  bp_io table = bp_io_system;
  table.write = write_nothing;
  bp_io_set_for_test(&table);
  errno = 0;
  int failed = bp_io_write_all(STDOUT_FILENO, "x", 1), error = errno;
  bp_io_set_for_test(NULL);
  assert_int_equal(failed, -1);
  assert_int_equal(error, ENOSPC);
  assert_ptr_equal(bp_io_now(), &bp_io_system);
}

static void errors_have_a_text(void **state) {
  (void)state;
  char text[100], tiny[5];
  assert_string_equal(bp_io_error_text(ENOENT, text, sizeof text), strerror(ENOENT));
  assert_true(strlen(bp_io_error_text(123456, text, sizeof text)) > 0);
  assert_int_equal(strlen(bp_io_error_text(ENOENT, tiny, sizeof tiny)), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writing_waits_for_a_full_pipe),
      cmocka_unit_test(reading_waits_for_an_empty_pipe),
      cmocka_unit_test(a_write_without_progress_is_a_failure),
      cmocka_unit_test(errors_have_a_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
