/* test_table.c - tables put together column by column. */
#include "backprop/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/table_core.h"
#include "support/testing.h"

static const double numbers[3] = {1.5, NAN, -2};
static const char *const texts[3] = {"red", NULL, "red"};
static const uint8_t bytes[12] = {0, 1, 2, 3, 10, 11, 12, 13, 255, 254, 253, 252};

/* width, pixel0 … pixel3, colour. */
static bp_table *mixed_table(bp_context *ctx) {
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 3, &t));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "width", numbers));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "pixel", 4, bytes));
  bt_assert_ok(ctx, bp_table_add_text(ctx, t, "colour", texts));
  return t;
}

static void holds_what_was_put_in(void **state) {
  static const char *const names[] = {"width", "pixel0", "pixel1", "pixel2", "pixel3", "colour"};
  bp_table *t = mixed_table(bt_ctx(state));
  assert_int_equal(bp_table_rows(t), 3);
  assert_int_equal(bp_table_columns(t), 6);
  assert_string_equal(bp_table_origin(t), "");
  for (int64_t c = 0; c < 6; c++) {
    assert_string_equal(bp_table_name(t, c), names[c]);
    assert_int_equal(bp_table_find(t, names[c]), c);
    assert_int_equal(bp_table_type(t, c), c == 0 ? BP_COLUMN_NUMBER : c == 5 ? BP_COLUMN_TEXT : BP_COLUMN_BYTE);
  }
  for (int64_t r = 0; r < 3; r++) {
    bt_assert_close(bp_table_number(t, r, 0), numbers[r], 0, 0);
    for (int64_t c = 0; c < 4; c++) assert_true(bp_table_number(t, r, 1 + c) == bytes[r * 4 + c]);
    assert_string_equal(bp_table_text(t, r, 5), r == 1 ? "" : "red");
  }
  bp_table_free(t);
}

static void answers_outside_its_range(void **state) {
  bp_table *t = mixed_table(bt_ctx(state));
  assert_string_equal(bp_table_name(t, -1), "");
  assert_string_equal(bp_table_name(t, 6), "");
  assert_true(isnan(bp_table_number(t, 0, 6)) && isnan(bp_table_number(t, 3, 0)) && isnan(bp_table_number(t, -1, 0)));
  assert_true(isnan(bp_table_number(t, 0, 5)));
  assert_string_equal(bp_table_text(t, 0, 0), "");
  assert_string_equal(bp_table_text(t, 9, 5), "");
  static const char *const strangers[] = {"pixel4",  "pixel", "pixel00", "pixel-1",
                                          "pixel1x", "Width", "",        "pixel99999999999999999999999"};
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
    assert_int_equal(bp_table_find(t, strangers[i]), -1);
  bp_table_free(t);
}

static void resolves_names_before_numbers(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = mixed_table(ctx);
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "2", numbers));
  assert_int_equal(bp_table_resolve(t, "colour"), 5);
  assert_int_equal(bp_table_resolve(t, "2"), 6);
  assert_int_equal(bp_table_resolve(t, "1"), 1);
  assert_int_equal(bp_table_resolve(t, "7"), -1);
  assert_int_equal(bp_table_resolve(t, "-1"), -1);
  assert_string_equal(bp_table_suggest(t, "color"), "colour");
  assert_null(bp_table_suggest(t, "height"));
  bp_table_free(t);
}

static void refuses_bad_columns(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = mixed_table(ctx);
  const char *const broken[3] = {"a", "caf\xE9", "b"};
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_numbers(ctx, t, "", numbers));
  bt_assert_message(ctx, "has no name");
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_text(ctx, t, "width", texts));
  bt_assert_message(ctx, "'width' is there twice");
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_numbers(ctx, t, "pixel3", numbers));
  bt_assert_message(ctx, "'pixel3' is there twice");
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_bytes(ctx, t, "more", 4, bytes));
  bt_assert_message(ctx, "second block");
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_numbers(ctx, t, "caf\xE9", numbers));
  bt_assert_message(ctx, "UTF-8");
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_text(ctx, t, "x", broken));
  bt_assert_message(ctx, "row 2");
  assert_int_equal(bp_table_columns(t), 6);
  bp_table_free(t);
}

static void refuses_a_bad_block(void **state) {
  bp_context *ctx = bt_ctx(state);
  char prefix[400];
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 3, &t));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "pixel2", numbers));
  bt_assert_fails(ctx, BP_E_DATA, bp_table_add_bytes(ctx, t, "pixel", 4, bytes));
  bt_assert_message(ctx, "'pixel2' is there twice");
  memset(prefix, 'p', sizeof prefix - 1);
  prefix[sizeof prefix - 1] = '\0';
  bt_assert_fails(ctx, BP_E_LIMIT, bp_table_add_bytes(ctx, t, prefix, 4, bytes));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_table_add_bytes(ctx, t, "", 4, bytes));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_table_add_bytes(ctx, t, "b", 0, bytes));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_table_add_bytes(ctx, t, "b", BP_COLUMNS_MAX, bytes));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "b", 4, bytes));
  assert_int_equal(bp_table_find(t, "b3"), 4);
  bp_table_free(t);
}

static void refuses_impossible_sizes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bt_assert_fails(ctx, BP_E_LIMIT, bp_table_new(ctx, -1, &t));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_table_new(ctx, (int64_t)1 << 40, &t));
  assert_null(t);
  bp_table_free(NULL);
}

static void an_empty_table_is_a_table(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 0, &t));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "a", NULL));
  bt_assert_ok(ctx, bp_table_add_text(ctx, t, "b", NULL));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "c", 2, NULL));
  assert_int_equal(bp_table_columns(t), 4);
  bp_table_free(t);
}

static void many_columns_are_found_fast(void **state) {
  enum { MANY = 20000 };
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  char name[32];
  bt_assert_ok(ctx, bp_table_new(ctx, 1, &t));
  for (int i = 0; i < MANY; i++) {
    (void)snprintf(name, sizeof name, "column %d", i);
    bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, name, numbers));
  }
  for (int i = 0; i < MANY; i++) {
    (void)snprintf(name, sizeof name, "column %d", i);
    assert_int_equal(bp_table_find(t, name), i);
  }
  bp_table_free(t);
}

/* ---- messages and lists ---- */

static void places_name_file_and_line(void **state) {
  bp_context *ctx = bt_ctx(state);
  char text[BP_PLACE_TEXT], longest[1000];
  bp_table *t = mixed_table(ctx);
  assert_string_equal(bp_table_place(t, 0, text), "the table, row 1");
  bt_assert_ok(ctx, bp_table_set_origin(ctx, t, "a.csv"));
  assert_string_equal(bp_table_place(t, 2, text), "a.csv, row 3");
  t->first_line = 2;
  assert_string_equal(bp_table_place(t, 2, text), "a.csv:4");
  memset(longest, 'd', sizeof longest);
  memcpy(longest + sizeof longest - 7, "/a.csv", 7);
  bt_assert_ok(ctx, bp_table_set_origin(ctx, t, longest));
  (void)bp_table_place(t, 2, text);
  assert_non_null(strstr(text, "d/a.csv:4"));
  assert_memory_equal(text, "…d", 4);
  bp_table_free(t);
}

static void quotes_are_cut_between_characters(void **state) {
  char quoted[BP_QUOTE_TEXT], text[200];
  (void)state;
  assert_string_equal(bp_quote("short", 5, quoted), "short");
  assert_string_equal(bp_quote("short", 3, quoted), "sho");
  for (size_t i = 0; i < sizeof text; i += 2) memcpy(text + i, "é", 2);
  (void)bp_quote(text, sizeof text, quoted);
  assert_int_equal(strlen(quoted), 60 + 3);
  assert_string_equal(quoted + 60, "…");
  (void)bp_quote(text + 1, sizeof text - 1, quoted); /* no character at its start */
  assert_string_equal(quoted, "…");
}

static void lists_are_taken_apart(void **state) {
  static const char *const expected[] = {"a", "b c", "d,e", "f\"g", "h", "i,j=2", " k l"};
  bp_list list;
  (void)state;
  bp_list_init(&list, " a ,b c,, \"d,e\" ,\"f\"\"g\",h,\"i,j\"=2 ,\" k\" l ,");
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_true(bp_list_next(&list));
    assert_string_equal(list.name, expected[i]);
    assert_int_equal(list.size, strlen(expected[i]));
  }
  assert_false(bp_list_next(&list));
  assert_false(bp_list_next(&list));
  bp_list_init(&list, NULL);
  assert_false(bp_list_next(&list));
  bp_list_init(&list, "\"open, quote");
  assert_true(bp_list_next(&list));
  assert_string_equal(list.name, "\"open");
  assert_true(bp_list_next(&list));
  assert_string_equal(list.name, "quote");
  assert_false(bp_list_next(&list));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(holds_what_was_put_in),         BT_TEST(answers_outside_its_range),
      BT_TEST(resolves_names_before_numbers), BT_TEST(refuses_bad_columns),
      BT_TEST(refuses_a_bad_block),           BT_TEST(refuses_impossible_sizes),
      BT_TEST(an_empty_table_is_a_table),     BT_TEST(many_columns_are_found_fast),
      BT_TEST(places_name_file_and_line),     BT_TEST(quotes_are_cut_between_characters),
      BT_TEST(lists_are_taken_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
