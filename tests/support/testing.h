/* support/testing.h - what every test includes: cmocka, and assertions that say what was wrong.
 *
 *   static void adds_two_numbers(void **state) {
 *     bp_context *ctx = bt_ctx(state);
 *     bt_assert_ok(ctx, bp_something(ctx, &out));
 *     bt_assert_fails(ctx, BP_E_ARG, bp_something(ctx, NULL));
 *     bt_assert_message(ctx, "is NULL");
 *   }
 *   int main(void) {
 *     const struct CMUnitTest tests[] = {BT_TEST(adds_two_numbers)};
 *     return cmocka_run_group_tests(tests, NULL, NULL);
 *   }
 *
 * BT_TEST gives each case a context with the counting allocator of support/memory.h, and fails the case when a block
 * is left over at its end, was freed with the wrong size, or was written beyond.
 */
#ifndef BT_TESTING_H
#define BT_TESTING_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backprop/context.h"
#include "support/files.h"
#include "support/io_faults.h"
#include "support/memory.h"

/* ---- a context for each case ---- */
typedef struct bt_fixture {
  bt_alloc_state memory;
  bp_context *ctx;
  int messages;         /* notes and warnings received so far */
  bp_message_kind kind; /* of the last one */
  char message[1024];   /* the last one */
} bt_fixture;

int bt_setup(void **state);
int bt_teardown(void **state);
#define BT_TEST(function) cmocka_unit_test_setup_teardown(function, bt_setup, bt_teardown)
/* VIEW the context, and the fixture, of the case that runs. */
bp_context *bt_ctx(void **state);
bt_fixture *bt_fixture_of(void **state);

/* ---- status and message ---- */
/* The expression gives BP_OK; else the message is shown. */
#define bt_assert_ok(ctx, expression) bt_check_status((ctx), (expression), BP_OK, #expression, __FILE__, __LINE__)
/* The expression gives this status, the context holds it too, and its message is one clean line. */
#define bt_assert_fails(ctx, expected, expression)                                                                     \
  bt_check_status((ctx), (expression), (expected), #expression, __FILE__, __LINE__)
/* The message of the context has these words in it. */
#define bt_assert_message(ctx, words) bt_check_message((ctx), (words), __FILE__, __LINE__)

/* ---- numbers ---- */
/* |actual - expected| <= absolute + relative * |expected|; or the same infinity; or both NaN. */
#define bt_assert_close(actual, expected, relative, absolute)                                                          \
  bt_check_close((actual), (expected), (relative), (absolute), #actual, __FILE__, __LINE__)
#define bt_assert_close_f32(actual, expected, n, relative, absolute)                                                   \
  bt_check_close_f32((actual), (expected), (n), (relative), (absolute), #actual, __FILE__, __LINE__)
#define bt_assert_close_f64(actual, expected, n, relative, absolute)                                                   \
  bt_check_close_f64((actual), (expected), (n), (relative), (absolute), #actual, __FILE__, __LINE__)
/* Two arrays of `size` bytes are the same bits. */
#define bt_assert_same_bits(a, b, size) bt_check_same_bits((a), (b), (size), #a, __FILE__, __LINE__)

/* How many floating-point numbers lie from a to b: 0 when equal (also -0 and 0, NaN and NaN), UINT64_MAX when one of
 * them is NaN. */
uint64_t bt_ulp_f32(float a, float b);
uint64_t bt_ulp_f64(double a, double b);

/* ---- behind the macros ---- */
void bt_check_status(const bp_context *ctx, bp_status actual, bp_status expected, const char *what, const char *file,
                     int line);
void bt_check_message(const bp_context *ctx, const char *words, const char *file, int line);
void bt_check_close(double actual, double expected, double relative, double absolute, const char *what,
                    const char *file, int line);
void bt_check_close_f32(const float *actual, const float *expected, size_t n, double relative, double absolute,
                        const char *what, const char *file, int line);
void bt_check_close_f64(const double *actual, const double *expected, size_t n, double relative, double absolute,
                        const char *what, const char *file, int line);
void bt_check_same_bits(const void *a, const void *b, size_t size, const char *what, const char *file, int line);

#endif
