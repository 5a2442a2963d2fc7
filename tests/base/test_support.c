/* The test support itself: its checkers find planted faults, and stay quiet without them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "support/testing.h"

/* ---- numbers ---- */

static void ulps_are_counted(void **state) {
  (void)state;
  assert_int_equal(bt_ulp_f32(1.0f, 1.0f), 0);
  assert_int_equal(bt_ulp_f32(1.0f, nextafterf(1.0f, 2.0f)), 1);
  assert_int_equal(bt_ulp_f32(1.0f, nextafterf(1.0f, 0.0f)), 1);
  assert_int_equal(bt_ulp_f32(0.0f, -0.0f), 0);
  assert_int_equal(bt_ulp_f32(-0x1p-149f, 0x1p-149f), 2);
  assert_int_equal(bt_ulp_f32(1.0f, 2.0f), 1 << 23);
  assert_int_equal(bt_ulp_f32(-1.0f, -2.0f), 1 << 23);
  assert_int_equal(bt_ulp_f32(NAN, NAN), 0);
  assert_true(bt_ulp_f32(NAN, 1.0f) == UINT64_MAX);
  assert_int_equal(bt_ulp_f64(1.0, nextafter(1.0, 2.0)), 1);
  assert_int_equal(bt_ulp_f64(-0x1p-1074, 0x1p-1074), 2);
  assert_true(bt_ulp_f64(-INFINITY, INFINITY) == 2 * 0x7FF0000000000000ull);
  assert_int_equal(bt_ulp_f64(NAN, NAN), 0);
  assert_true(bt_ulp_f64(1.0, NAN) == UINT64_MAX);
}

static void close_numbers_pass(void **state) {
  (void)state;
  bt_assert_close(1.0 + 1e-7, 1.0, 1e-6, 0);
  bt_assert_close(-1e-9, 0.0, 1e-6, 1e-8);
  bt_assert_close(NAN, NAN, 0, 0);
  bt_assert_close(-INFINITY, -INFINITY, 0, 0);
  const float a[] = {1, 2}, b[] = {1, 2.000001f};
  bt_assert_close_f32(a, b, 2, 1e-6, 0);
}

/* ---- the allocator ---- */

static void the_allocator_finds_leaks_wrong_sizes_and_overruns(void **state) {
  (void)state;
  bt_alloc_state memory;
  bt_alloc_init(&memory);
  char *block = bt_alloc_hook(&memory, NULL, 0, 10);
  assert_true(bt_alloc_report(&memory)); /* a leak */
  (void)bt_alloc_hook(&memory, block, 11, 0);
  assert_int_equal(memory.faults, 1);
  block = bt_alloc_hook(&memory, NULL, 0, 10);
  block[10] = 1; /* into the guard: still memory of the allocator */
  (void)bt_alloc_hook(&memory, block, 10, 0);
  assert_int_equal(memory.faults, 2);
  assert_int_equal(memory.live_blocks, 0);
  assert_int_equal(memory.peak_bytes, 10);
}

static void the_allocator_fails_when_told(void **state) {
  (void)state;
  bt_alloc_state memory;
  bt_alloc_init(&memory);
  memory.fail_at = 1;
  void *block = bt_alloc_hook(&memory, NULL, 0, 10);
  assert_non_null(block);
  assert_null(bt_alloc_hook(&memory, block, 10, 20));
  assert_true(memory.failed);
  block = bt_alloc_hook(&memory, block, 10, 20);
  assert_non_null(block);
  (void)bt_alloc_hook(&memory, block, 20, 0);
  assert_false(bt_alloc_report(&memory));
}

/* ---- planted faults: each of these cases must fail ---- */

typedef enum plant { NONE, LOSE_BLOCK, WRONG_STATUS, SECOND_TRY, CLEANING_NEEDS_MEMORY } plant;

static bp_status planted(bp_context *ctx, void *user) {
  plant *fault = user;
  void *a = bp_alloc(ctx, 1, 10);
  if (!a) return BP_E_NOMEM;
  void *b = bp_alloc(ctx, 1, 20);
  bp_status status = b ? BP_OK : BP_E_NOMEM;
  if (!b && *fault == WRONG_STATUS) status = bp_fail(ctx, BP_E_IO, "not what it was");
  if (!b && *fault == LOSE_BLOCK) return status;
  if (!b && *fault == SECOND_TRY && (b = bp_alloc(ctx, 1, 20)) != NULL) status = BP_OK;
  if (!b && *fault == CLEANING_NEEDS_MEMORY) {
    void *room = bp_alloc(ctx, 1, 1);
    if (!room) return status;
    bp_release(bp_context_allocator(ctx), room, 1, 1);
  }
  bp_release(bp_context_allocator(ctx), b, 1, 20);
  bp_release(bp_context_allocator(ctx), a, 1, 10);
  return status;
}

static void a_good_job_passes_the_sweep(void **state) {
  (void)state;
  plant fault = NONE;
  assert_int_equal(bt_alloc_sweep(planted, &fault), 2);
}

static void sweep_with_leak(void **state) {
  (void)state;
  plant fault = LOSE_BLOCK;
  (void)bt_alloc_sweep(planted, &fault);
}

static void sweep_with_wrong_status(void **state) {
  (void)state;
  plant fault = WRONG_STATUS;
  (void)bt_alloc_sweep(planted, &fault);
}

/* Seen only where one allocation fails alone. */
static void sweep_with_second_try(void **state) {
  (void)state;
  plant fault = SECOND_TRY;
  (void)bt_alloc_sweep(planted, &fault);
}

/* Seen only where all behind it fail too. */
static void sweep_with_leak_when_all_fail(void **state) {
  (void)state;
  plant fault = CLEANING_NEEDS_MEMORY;
  (void)bt_alloc_sweep(planted, &fault);
}

/* A reader that takes a failed read for the end of the file. */
static bp_status swallow_errors(bp_context *ctx, void *user) {
  bp_reader *r;
  BP_TRY(bp_reader_open(ctx, user, &r));
  bp_reader_close(r);
  return bp_fail(ctx, BP_E_DATA, "always");
}

static void io_sweep_with_wrong_status(void **state) {
  (void)state;
  char path[] = "/dev/null";
  (void)bt_io_sweep(swallow_errors, NULL, path);
}

static void distant_numbers(void **state) {
  (void)state;
  bt_assert_close(1.1, 1.0, 0.01, 0);
}

static void nan_for_a_number(void **state) {
  (void)state;
  bt_assert_close(NAN, 1.0, 1, 1);
}

static void missing_words(void **state) {
  (void)bp_fail(bt_ctx(state), BP_E_DATA, "this");
  bt_assert_message(bt_ctx(state), "that");
}

static void another_status(void **state) {
  bt_assert_fails(bt_ctx(state), BP_E_IO, bp_fail(bt_ctx(state), BP_E_DATA, "this"));
}

static void no_failure(void **state) { bt_assert_ok(bt_ctx(state), bp_fail(bt_ctx(state), BP_E_DATA, "this")); }

static void left_block(void **state) { (void)bp_alloc(bt_ctx(state), 1, 1); }

static const struct CMUnitTest faults[] = {
    cmocka_unit_test(sweep_with_leak),
    cmocka_unit_test(sweep_with_wrong_status),
    cmocka_unit_test(sweep_with_second_try),
    cmocka_unit_test(sweep_with_leak_when_all_fail),
    cmocka_unit_test(io_sweep_with_wrong_status),
    cmocka_unit_test(distant_numbers),
    cmocka_unit_test(nan_for_a_number),
    BT_TEST(missing_words),
    BT_TEST(another_status),
    BT_TEST(no_failure),
    BT_TEST(left_block),
};
enum { FAULTS = sizeof faults / sizeof *faults };

/* Groups cannot be nested, so each fault is run by this program started again with its number. The exit status is the
 * number of cases that failed. */
static int run_fault(const char *number) {
  const struct CMUnitTest one[] = {faults[strtoul(number, NULL, 10) % FAULTS]};
  if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _Exit(99);
  _Exit(cmocka_run_group_tests(one, NULL, NULL));
}

static const char *program;

static int fault_exit_status(size_t i) {
  char number[32];
  int status = 0;
  (void)snprintf(number, sizeof number, "%zu", i);
  pid_t child = fork();
  if (child == 0) {
    (void)execl(program, program, number, (char *)NULL);
    _exit(98);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

static void planted_faults_are_found(void **state) {
  (void)state;
  for (size_t i = 0; i < FAULTS; i++) {
    int failed = fault_exit_status(i);
    if (failed != 1) fail_msg("%s: exit status %d, expected 1", faults[i].name, failed);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ulps_are_counted),
      cmocka_unit_test(close_numbers_pass),
      cmocka_unit_test(the_allocator_finds_leaks_wrong_sizes_and_overruns),
      cmocka_unit_test(the_allocator_fails_when_told),
      cmocka_unit_test(a_good_job_passes_the_sweep),
      cmocka_unit_test(planted_faults_are_found),
  };
  program = argv[0];
  if (argc > 1) return run_fault(argv[1]);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
