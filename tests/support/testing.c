/* support/testing.c - the fixture and the assertions. */
#include "support/testing.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- fixture ---- */

static void keep_message(void *user, bp_message_kind kind, const char *message) {
  bt_fixture *fixture = user;
  fixture->messages++;
  fixture->kind = kind;
  (void)snprintf(fixture->message, sizeof fixture->message, "%s", message);
}

int bt_setup(void **state) {
  bt_fixture *fixture = calloc(1, sizeof *fixture);
  if (!fixture) return -1;
  bt_alloc_init(&fixture->memory);
  const bp_context_options options = {.size = sizeof options,
                                      .alloc = bt_alloc_hook,
                                      .alloc_user = &fixture->memory,
                                      .message = keep_message,
                                      .message_user = fixture};
  *state = fixture;
  return bp_context_new(&options, &fixture->ctx) == BP_OK ? 0 : -1;
}

int bt_teardown(void **state) {
  bt_fixture *fixture = *state;
  bp_context_free(fixture->ctx);
  int bad = bt_alloc_report(&fixture->memory);
  free(fixture);
  return bad ? -1 : 0;
}

bt_fixture *bt_fixture_of(void **state) { return *state; }

bp_context *bt_ctx(void **state) { return bt_fixture_of(state)->ctx; }

/* ---- status and message ---- */

static bool is_clean_line(const char *message) {
  char line[4096];
  return message[0] && strlen(message) < sizeof line && bp_text_clean(line, sizeof line, message) == strlen(message) &&
         strcmp(line, message) == 0;
}

void bt_check_status(const bp_context *ctx, bp_status actual, bp_status expected, const char *what, const char *file,
                     int line) {
  const char *message = bp_error_message(ctx);
  if (actual != expected) {
    print_error("%s\n  gave %s, expected %s; message: \"%s\"\n", what, bp_status_name(actual), bp_status_name(expected),
                message);
    _fail(file, line);
  }
  if (expected == BP_OK || !ctx) return;
  if (bp_error_status(ctx) != expected) {
    print_error("%s\n  gave %s, but the context holds %s\n", what, bp_status_name(actual),
                bp_status_name(bp_error_status(ctx)));
    _fail(file, line);
  }
  if (!is_clean_line(message)) {
    print_error("%s\n  left no clean line as its message: \"%s\"\n", what, message);
    _fail(file, line);
  }
}

void bt_check_message(const bp_context *ctx, const char *words, const char *file, int line) {
  const char *message = bp_error_message(ctx);
  if (strstr(message, words)) return;
  print_error("the message \"%s\"\n  has no \"%s\" in it\n", message, words);
  _fail(file, line);
}

/* ---- numbers ---- */

static bool is_close(double actual, double expected, double relative, double absolute) {
  if (isnan(actual) || isnan(expected)) return isnan(actual) && isnan(expected);
  if (isinf(actual) || isinf(expected)) return actual == expected;
  return fabs(actual - expected) <= absolute + relative * fabs(expected);
}

static void fail_close(const char *what, double actual, double expected, double relative, double absolute,
                       const char *file, int line) {
  double difference = fabs(actual - expected);
  print_error("%s is %.17g, expected %.17g\n  differs by %.3g, relatively %.3g; allowed %.3g + %.3g * |expected|\n",
              what, actual, expected, difference, difference / fabs(expected), absolute, relative);
  _fail(file, line);
}

void bt_check_close(double actual, double expected, double relative, double absolute, const char *what,
                    const char *file, int line) {
  if (!is_close(actual, expected, relative, absolute))
    fail_close(what, actual, expected, relative, absolute, file, line);
}

static void fail_element(const char *what, size_t i, size_t n, double actual, double expected, double relative,
                         double absolute, const char *file, int line) {
  char name[256];
  (void)snprintf(name, sizeof name, "%s [%zu of %zu]", what, i, n);
  fail_close(name, actual, expected, relative, absolute, file, line);
}

void bt_check_close_f32(const float *actual, const float *expected, size_t n, double relative, double absolute,
                        const char *what, const char *file, int line) {
  for (size_t i = 0; i < n; i++)
    if (!is_close((double)actual[i], (double)expected[i], relative, absolute))
      fail_element(what, i, n, (double)actual[i], (double)expected[i], relative, absolute, file, line);
}

void bt_check_close_f64(const double *actual, const double *expected, size_t n, double relative, double absolute,
                        const char *what, const char *file, int line) {
  for (size_t i = 0; i < n; i++)
    if (!is_close(actual[i], expected[i], relative, absolute))
      fail_element(what, i, n, actual[i], expected[i], relative, absolute, file, line);
}

void bt_check_same_bits(const void *a, const void *b, size_t size, const char *what, const char *file, int line) {
  const unsigned char *x = a, *y = b;
  for (size_t i = 0; i < size; i++) {
    if (x[i] == y[i]) continue;
    print_error("%s: byte %zu of %zu is %02x, expected %02x\n", what, i, size, x[i], y[i]);
    _fail(file, line);
  }
}

/* The bits of a number as an integer that grows with it. */
static int64_t ordered_f32(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0 ? (int64_t)INT32_MIN - bits : bits;
}

static int64_t ordered_f64(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0 ? INT64_MIN - bits : bits;
}

uint64_t bt_ulp_f32(float a, float b) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? 0 : UINT64_MAX;
  int64_t distance = ordered_f32(a) - ordered_f32(b);
  return (uint64_t)(distance < 0 ? -distance : distance);
}

uint64_t bt_ulp_f64(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? 0 : UINT64_MAX;
  int64_t x = ordered_f64(a), y = ordered_f64(b);
  return x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
}
