/* Status codes, contexts, failures and warnings. */
#include "backprop/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "support/testing.h"

/* ---- status ---- */

static void every_status_has_a_name_and_a_text(void **state) {
  (void)state;
  for (int s = 0; s < BP_STATUS_COUNT; s++) {
    assert_int_equal(strncmp(bp_status_name((bp_status)s), "BP_E_", 5), 0);
    assert_true(strlen(bp_status_text((bp_status)s)) > 3);
  }
  assert_int_equal(BP_OK, 0);
  assert_string_equal(bp_status_name(BP_E_SHAPE), "BP_E_SHAPE");
  assert_string_equal(bp_status_text(BP_E_SHAPE), "shapes do not fit");
}

static void what_is_no_status_is_named_so(void **state) {
  (void)state;
  assert_string_equal(bp_status_name(BP_STATUS_COUNT), "BP_E_?");
  assert_string_equal(bp_status_text(BP_STATUS_COUNT), "unknown status");
}

/* ---- the object ---- */

static void the_default_context_uses_the_system_allocator(void **state) {
  (void)state;
  bp_context *ctx = NULL;
  assert_int_equal(bp_context_new(NULL, &ctx), BP_OK);
  assert_string_equal(bp_error_message(ctx), "");
  assert_int_equal(bp_error_status(ctx), BP_OK);
  void *block = bp_alloc(ctx, 10, 10);
  assert_non_null(block);
  bp_release(bp_context_allocator(ctx), block, 10, 10);
  bp_context_free(ctx);
  bp_context_free(NULL);
}

static void a_context_without_memory_is_refused(void **state) {
  (void)state;
  bt_alloc_state memory;
  bt_alloc_init(&memory);
  memory.fail_at = 0;
  const bp_context_options options = {.size = sizeof options, .alloc = bt_alloc_hook, .alloc_user = &memory};
  bp_context *ctx = (bp_context *)&memory;
  assert_int_equal(bp_context_new(&options, &ctx), BP_E_NOMEM);
  assert_ptr_equal(ctx, &memory);
}

/* An older caller has fewer fields; a newer one has more. */
static void options_of_another_version_are_understood(void **state) {
  (void)state;
  struct {
    bp_context_options known;
    void *later[4];
  } newer = {.known = {.size = sizeof newer}};
  const bp_context_options older = {.size = offsetof(bp_context_options, message),
                                    .message = (bp_message_fn)(uintptr_t)1};
  const bp_context_options none = {0};
  bp_context *ctx = NULL;
  assert_int_equal(bp_context_new(&newer.known, &ctx), BP_OK);
  bp_context_free(ctx);
  assert_int_equal(bp_context_new(&older, &ctx), BP_OK);
  bp_warn(ctx, "the field beyond the older size is not read");
  bp_context_free(ctx);
  ctx = NULL;
  assert_int_equal(bp_context_new(&none, &ctx), BP_E_ARG);
  assert_null(ctx);
}

/* ---- failing ---- */

static void a_failure_keeps_its_status_and_message(void **state) {
  bp_context *ctx = bt_ctx(state);
  assert_int_equal(bp_fail(ctx, BP_E_SHAPE, "left is %d x %d", 2, 3), BP_E_SHAPE);
  assert_int_equal(bp_error_status(ctx), BP_E_SHAPE);
  assert_string_equal(bp_error_message(ctx), "left is 2 x 3");
}

static void the_newest_failure_replaces_the_older(void **state) {
  bp_context *ctx = bt_ctx(state);
  (void)bp_fail(ctx, BP_E_SHAPE, "first, and rather long");
  (void)bp_fail(ctx, BP_E_DATA, "second");
  assert_int_equal(bp_error_status(ctx), BP_E_DATA);
  assert_string_equal(bp_error_message(ctx), "second");
  bp_error_clear(ctx);
  assert_int_equal(bp_error_status(ctx), BP_OK);
  assert_string_equal(bp_error_message(ctx), "");
}

static void failing_needs_no_memory(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  size_t calls = fixture->memory.calls;
  (void)bp_fail(fixture->ctx, BP_E_NOMEM, "%0500d", 1);
  bp_fail_prefix(fixture->ctx, "%0500d", 1);
  assert_int_equal(fixture->memory.calls, calls);
}

static void no_context_is_allowed(void **state) {
  (void)state;
  assert_int_equal(bp_fail(NULL, BP_E_IO, "nowhere to put it: %d", 1), BP_E_IO);
  bp_fail_prefix(NULL, "nowhere");
  bp_warn(NULL, "nowhere");
  bp_note(NULL, "nowhere");
  bp_error_clear(NULL);
  assert_string_equal(bp_error_message(NULL), "");
  assert_int_equal(bp_error_status(NULL), BP_OK);
}

static void a_prefix_is_put_before_the_message(void **state) {
  bp_context *ctx = bt_ctx(state);
  (void)bp_fail(ctx, BP_E_DATA, "no number: \"%s\"", "abc");
  bp_fail_prefix(ctx, "%s:%d: ", "table.csv", 12);
  assert_string_equal(bp_error_message(ctx), "table.csv:12: no number: \"abc\"");
  assert_int_equal(bp_error_status(ctx), BP_E_DATA);
}

static void a_message_may_be_made_from_the_one_before(void **state) {
  bp_context *ctx = bt_ctx(state);
  (void)bp_fail(ctx, BP_E_DATA, "inner");
  (void)bp_fail(ctx, BP_E_MODEL, "outer (%s)", bp_error_message(ctx));
  assert_string_equal(bp_error_message(ctx), "outer (inner)");
  bp_fail_prefix(ctx, "%s, then ", bp_error_message(ctx));
  assert_string_equal(bp_error_message(ctx), "outer (inner), then outer (inner)");
}

static void percent_signs_in_arguments_are_text(void **state) {
  bp_context *ctx = bt_ctx(state);
  (void)bp_fail(ctx, BP_E_DATA, "%s", "%s %n %d");
  bp_fail_prefix(ctx, "%s: ", "%n");
  assert_string_equal(bp_error_message(ctx), "%n: %s %n %d");
}

static void a_long_message_is_cut_between_characters(void **state) {
  bp_context *ctx = bt_ctx(state);
  char text[2 * BP_MESSAGE_MAX];
  for (size_t shift = 0; shift < 4; shift++) {
    memset(text, 'x', shift);
    for (size_t i = shift; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xE2\x82\xAC", 4); /* the euro sign */
    (void)bp_fail(ctx, BP_E_DATA, "%s", text);
    size_t length = strlen(bp_error_message(ctx));
    assert_true(length <= BP_MESSAGE_MAX - 1 && length >= BP_MESSAGE_MAX - 4);
    assert_int_equal((length - shift) % 3, 0);
    assert_null(strchr(bp_error_message(ctx), '?'));
    bp_fail_prefix(ctx, "prefix ");
    assert_true(strlen(bp_error_message(ctx)) <= BP_MESSAGE_MAX - 1);
    assert_null(strchr(bp_error_message(ctx), '?'));
  }
}

static void a_message_is_one_clean_line(void **state) {
  static const struct {
    const char *given, *kept;
  } rows[] = {
      {"plain", "plain"},
      {"a\nb\tc\rd", "a?b?c?d"},
      {"\x1B[31mred\x1B[0m", "?[31mred?[0m"},
      {"\x7F", "?"},
      {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82"},
      {"\xC2\x85|\xC2\x9F|\xC2\xA0", "?|?|\xC2\xA0"},                              /* C1 controls; no-break space */
      {"a\xE2\x80\xA8z\xE2\x80\xA9z\xE2\x80\xA7", "a?z?z\xE2\x80\xA7"},            /* line and paragraph separators */
      {"\x80|\xBF|\xFF", "?|?|?"},                                                 /* stray bytes */
      {"\xC0\x80|\xC1\xBF|\xE0\x9F\xBF|\xF0\x8F\xBF\xBF", "??|??|???|????"},       /* overlong forms */
      {"\xED\x9F\xBF|\xED\xA0\x80|\xEE\x80\x80", "\xED\x9F\xBF|???|\xEE\x80\x80"}, /* surrogates */
      {"\xF4\x8F\xBF\xBF|\xF4\x90\x80\x80|\xF5\x80\x80\x80", "\xF4\x8F\xBF\xBF|????|????"}, /* beyond U+10FFFF */
      {"\xE2\x82|\xF0\x9F\x99", "??|???"},                                                  /* cut off */
      {"\xE2\x82", "??"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    (void)bp_fail(ctx, BP_E_DATA, "%s", rows[i].given);
    assert_string_equal(bp_error_message(ctx), rows[i].kept);
  }
}

/* ---- warnings and notes ---- */

static void a_warning_arrives_clean(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  bp_warn(fixture->ctx, "column %d:\n%s", 3, "\x01");
  assert_int_equal(fixture->messages, 1);
  assert_string_equal(fixture->message, "column 3:??");
  assert_int_equal(fixture->kind, BP_WARNING);
  assert_string_equal(bp_error_message(fixture->ctx), "");
}

static void a_note_is_told_from_a_warning(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  bp_note(fixture->ctx, "%d rows\t", 3);
  assert_int_equal(fixture->messages, 1);
  assert_string_equal(fixture->message, "3 rows?");
  assert_int_equal(fixture->kind, BP_NOTE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_a_name_and_a_text),
      cmocka_unit_test(what_is_no_status_is_named_so),
      cmocka_unit_test(the_default_context_uses_the_system_allocator),
      cmocka_unit_test(a_context_without_memory_is_refused),
      cmocka_unit_test(options_of_another_version_are_understood),
      BT_TEST(a_failure_keeps_its_status_and_message),
      BT_TEST(the_newest_failure_replaces_the_older),
      BT_TEST(failing_needs_no_memory),
      cmocka_unit_test(no_context_is_allowed),
      BT_TEST(a_prefix_is_put_before_the_message),
      BT_TEST(a_message_may_be_made_from_the_one_before),
      BT_TEST(percent_signs_in_arguments_are_text),
      BT_TEST(a_long_message_is_cut_between_characters),
      BT_TEST(a_message_is_one_clean_line),
      BT_TEST(a_warning_arrives_clean),
      BT_TEST(a_note_is_told_from_a_warning),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
