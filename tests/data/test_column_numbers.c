/* test_column_numbers.c - which columns of text are numbers, and what is said about them. */
#include "data/column_numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"

enum { ROWS = 40 };

/* A column of ROWS cells: `format` with 0, 1, … below `different`, and odd texts in rows 5, 10, … (row r is line r + 2). */
typedef struct column {
  const char *format; /* of an int */
  int different;
  const char *odd[6];
  bp_column_type type;
  const char *says; /* words of the error, or of the warning; NULL: nothing is said */
  bp_status status;
} column;

static void write_column(const column *c, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "a,y\n");
  int n_odd = 0;
  for (int r = 0; r < ROWS; r++) {
    bool is_odd = r % 5 == 0 && r > 0 && n_odd < 6 && c->odd[n_odd];
    used += (size_t)snprintf(text + used, size - used, "\"");
    if (is_odd)
      used += (size_t)snprintf(text + used, size - used, "%s", c->odd[n_odd++]);
    else
      used += (size_t)snprintf(text + used, size - used, c->format, r % c->different);
    used += (size_t)snprintf(text + used, size - used, "\",%d\n", r % 2);
  }
}

static void judge(bp_context *ctx, bt_fixture *fixture, size_t i, const column *c) {
  char text[8000];
  bp_sense sense;
  write_column(c, text, sizeof text);
  bp_table *t = bt_table(ctx, text);
  fixture->messages = 0;
  fixture->message[0] = '\0';
  bp_status status = bp_column_judge(ctx, t, 0, BP_JUDGE_ALOUD, &sense);
  const char *said = status == BP_OK ? fixture->message : bp_error_message(ctx);
  if (status != c->status || (status == BP_OK && sense.view.type != c->type) || fixture->messages > 1 ||
      (c->says ? !strstr(said, c->says) : said[0] != '\0'))
    fail_msg("row %zu: status %d, type %d: %s", i, (int)status, (int)sense.view.type, said);
  bp_sense_release(t, &sense);
  bp_table_free(t);
}

static void counts_different_texts(void **state) {
  static const column rows[] = {
      /* well-known marks */
      {"%d", 40, {"None"}, BP_COLUMN_NUMBER, "column 'a': read as numbers; 'None' in 1 row is taken as missing", BP_OK},
      {"%d.5", 40, {"n/a", "n/a", " - "}, BP_COLUMN_NUMBER, "'n/a', ' - ' in 3 rows are taken as missing", BP_OK},
      {"%d", 3, {"None"}, BP_COLUMN_NUMBER, "'None' in 1 row", BP_OK},
      /* marks that nobody knows */
      {"%d",
       40,
       {"unknown"},
       0,
       "t.csv:7: column 'a': 'unknown' is not a number (1 cell), as 39 different texts",
       BP_E_DATA},
      {"%d",
       40,
       {"see note", "12a", "<0.5"},
       0,
       "'see note' is not a number (1 cell, and so are 2 more texts)",
       BP_E_DATA},
      {"%d", 10, {"n.d.", "n.d."}, 0, "'n.d.' is not a number (2 cells), as 10 different", BP_E_DATA},
      {"%d", 40, {"None", "unknown"}, 0, "t.csv:12: column 'a': 'unknown'", BP_E_DATA},
      {"%d", 2, {"O"}, 0, "'O' is not a number (1 cell), as 2 different texts in 39 other cells are", BP_E_DATA},
      {"$%d", 40, {"free"}, 0, "'free' is not a number", BP_E_DATA},
      /* categories */
      {"%d", 3, {"other", "other", "other"}, BP_COLUMN_TEXT, "taken as text, though 3 of its 4 different texts", BP_OK},
      {"%d", 9, {"a", "b", "c"}, BP_COLUMN_TEXT, "9 of its 12", BP_OK},
      {"%d", 10, {"a", "b", "c", "d", "e", "f"}, BP_COLUMN_TEXT, "10 of its 16", BP_OK},
      {"%d0-29", 7, {"65", "65"}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"D-%d", 40, {"10115", "10117"}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"ID%d", 40, {"None"}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"%da", 40, {"7b", "8b", "9c"}, 0, "'7b' is not a number", BP_E_DATA},
      {"%d doors", 4, {NULL}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"1.%d.0", 40, {NULL}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"10.0.0.%d", 40, {NULL}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"12:%02d", 40, {NULL}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"2020-01-%02d", 31, {NULL}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"x%d", 2, {"None"}, BP_COLUMN_TEXT, NULL, BP_OK},
      /* forms */
      {"$%d", 2, {NULL}, BP_COLUMN_NUMBER, "read as numbers, '$' in front", BP_OK},
      {"%d%%", 40, {"None"}, BP_COLUMN_NUMBER, "'%' behind; 'None' in 1 row", BP_OK},
      {"1,%03d", 40, {NULL}, BP_COLUMN_NUMBER, "',' between thousands", BP_OK},
      {"1_%03d", 40, {"7"}, BP_COLUMN_NUMBER, "'_' between thousands", BP_OK},
      {"1.%03d,5", 40, {NULL}, BP_COLUMN_NUMBER, "'.' between thousands, a decimal comma", BP_OK},
      {"%d,5", 40, {"1.234", "7"}, BP_COLUMN_NUMBER, "'.' between thousands, a decimal comma", BP_OK},
      {"0x%x", 40, {NULL}, BP_COLUMN_NUMBER, "hexadecimal", BP_OK},
      {"0o%o", 40, {NULL}, BP_COLUMN_NUMBER, "octal", BP_OK},
      {"0b10", 1, {"0b1", "0b11"}, BP_COLUMN_NUMBER, "binary", BP_OK},
      {"2 %d/5", 5, {"1/2", "7", "½"}, BP_COLUMN_NUMBER, "with fractions", BP_OK},
      {"=\"\"%d\"\"", 40, {"None", "=\"\"\"\""}, BP_COLUMN_NUMBER, "'None', '=\"\"' in 2 rows", BP_OK},
      {"'%d", 40, {"7"}, BP_COLUMN_NUMBER, "read as numbers, as ''0'", BP_OK},
      {"٤%d", 40, {NULL}, BP_COLUMN_NUMBER, "read as numbers, as '٤0'", BP_OK},
      {"%d kg", 40, {NULL}, BP_COLUMN_NUMBER, "'kg' behind", BP_OK},
      {"(%d)", 40, {"7"}, BP_COLUMN_NUMBER, "brackets for a minus", BP_OK},
      {"1d%d", 30, {"1e5"}, BP_COLUMN_NUMBER, "'d' for the exponent", BP_OK},
      {"−%d", 40, {NULL}, BP_COLUMN_NUMBER, "read as numbers, as '−0'", BP_OK},
      {"%d kg",
       40,
       {"500 g"},
       0,
       "t.csv:7: column 'a': '500 g' is a number in another form than others are ('kg' behind)",
       BP_E_DATA},
      {"$%d", 40, {"7"}, 0, "'7' is a number in another form than others are ('$' in front)", BP_E_DATA},
      /* disguises: an error, but for what may be names that come again and again */
      {"%d±1",
       40,
       {"7"},
       0,
       "t.csv:2: column 'a': '0±1' is a number with its error behind it, and so are 38",
       BP_E_DATA},
      {"%d±1", 4, {NULL}, 0, "(--text 'a')", BP_E_DATA},
      {"<%d", 40, {"None"}, 0, "'<0' is a bound", BP_E_DATA},
      {"<%d0", 5, {NULL}, BP_COLUMN_TEXT, "taken as text: '<00' is a bound, or nearly a number, and so are 4", BP_OK},
      {"#%d", 40, {NULL}, 0, "'#0' is a number with a sign for numbering in front, and so are 39 more", BP_E_DATA},
      {"#%d", 12, {NULL}, BP_COLUMN_TEXT, "taken as text: '#0' is a number with a sign for numbering", BP_OK},
      {"%d/80", 40, {NULL}, 0, "two numbers parted by '/'", BP_E_DATA},
      {"%d/8", 7, {"1"}, BP_COLUMN_TEXT, "taken as text: '0/8' is two numbers parted by '/'", BP_OK},
      {"%d/8", 2, {NULL}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"#%d", 5, {"red", "blue", "green"}, BP_COLUMN_TEXT, NULL, BP_OK},
      {"%d,5", 40, {"1.5"}, 0, "'1.5' is a number in another form than others are (a decimal comma)", BP_E_DATA},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) judge(bt_ctx(state), bt_fixture_of(state), i, &rows[i]);
}

static void what_is_declared_as_text_stays_text(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_read_options as_text = {.size = sizeof as_text, .as_text = "a"};
  bp_table *t = NULL;
  bp_sense sense;
  bt_assert_ok(ctx, bt_read_csv(ctx, "a,y\n$1,0\n$2,1\n", &as_text, &t));
  bt_assert_ok(ctx, bp_column_judge(ctx, t, 0, BP_JUDGE_ALOUD, &sense));
  assert_int_equal(sense.view.type, BP_COLUMN_TEXT);
  bp_sense_release(t, &sense);
  bp_table_free(t);
}

static void an_open_comma_is_asked_about_where_commas_do_not_part_cells(void **state) {
  static const struct {
    char decimal, thousands;
    double first; /* NaN: refused */
  } rows[] = {{0, 0, NAN}, {',', 0, 1.234}, {0, ',', 1234}, {'.', 0, 1234}, {',', '.', 1.234}};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_read_options o = {.size = sizeof o, .decimal = rows[i].decimal, .thousands = rows[i].thousands};
    bp_table *t = NULL;
    bp_sense sense;
    bt_assert_ok(ctx, bt_read_csv(ctx, "a;y\n1,234;0\n5,678;1\n", &o, &t));
    bp_status status = bp_column_judge(ctx, t, 0, BP_JUDGE_ALOUD, &sense);
    assert_int_equal(status, isnan(rows[i].first) ? BP_E_DATA : BP_OK);
    if (status == BP_OK)
      assert_true(sense.view.type == BP_COLUMN_NUMBER && bp_view_number(&sense.view, 0) == rows[i].first);
    else
      bt_assert_message(ctx, "nothing tells what the comma of '1,234' is; say --decimal , or --thousands ,");
    bp_sense_release(t, &sense);
    bp_table_free(t);
  }
}

/* What is learnt from one table, and whether another fits it: the value of its first row, NaN where missing. */
static void a_form_that_was_learnt_is_the_one_that_is_read(void **state) {
  static const struct {
    const char *learnt, *cell;
    double value; /* infinite: refused, */
    const char *message;
  } rows[] = {
      {"$1,$2,$3", "$7", 7, NULL},
      {"$1,$2,$3", "None", NAN, NULL},
      {"$1,$2,$3", "7", INFINITY, "t.csv:2: column 'a' holds '7', a number in another form than in training ("},
      {"$1,$2,$3", "€7", INFINITY, "t.csv:2: column 'a' holds '€7', a number in another form than in training ("},
      {"1,2,None", "None", NAN, NULL},
      {"1,2,3", "n/a", NAN, NULL},
      {"1,2,3", "unknown", INFINITY, "t.csv:2: column 'a' holds a text, 'unknown'; "},
      {"1,2,3", "$7", INFINITY, "t.csv:2: column 'a' holds '$7', a number in another form than in training ("},
      {"\"1.234,5\",\"2,5\",7", "1.234", 1234, NULL},
      {"\"1.234,5\",\"2,5\",7", "1.5", INFINITY,
       "t.csv:2: column 'a' holds '1.5', a number in another form than in training ("},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[200], cells[100];
    int row = 0;
    size_t used = (size_t)snprintf(text, sizeof text, "a,b,y\n");
    bool quoted = false;
    (void)snprintf(cells, sizeof cells, "%s", rows[i].learnt);
    for (char *at = cells; *at; at++) {
      quoted ^= *at == '"';
      if (*at == ',' && !quoted) *at = '\n';
    }
    for (char *cell = strtok(cells, "\n"); cell; cell = strtok(NULL, "\n"), row++)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s,%d,%d\n", cell, row, row % 2);
    bp_table *t = bt_table(ctx, text), *other = NULL;
    bp_encoding *e = bt_learn(ctx, t, NULL);
    (void)snprintf(text, sizeof text, "a,b\n%s,1\n", rows[i].cell);
    bp_read_options as_text = {.size = sizeof as_text, .as_text = "a"};
    bt_assert_ok(ctx, bt_read_csv(ctx, text, &as_text, &other));
    bp_encoded encoded;
    const bp_feature *f = &e->features[0];
    assert_int_equal(f->type, BP_FEATURE_NUMBER);
    if (isinf(rows[i].value)) {
      bt_assert_fails(ctx, BP_E_DATA,
                      bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F64, BP_TARGETS_NONE, &encoded));
      bt_assert_message(ctx, rows[i].message);
    } else {
      encoded = bt_apply(ctx, e, other, BP_TARGETS_NONE);
      double value = isnan(rows[i].value) ? f->fill : rows[i].value;
      bt_assert_close(((const double *)encoded.features)[0], (value - f->mean) / f->scale, 0, 0);
      bp_encoded_release(&encoded);
    }
    bp_encoding_free(e);
    bp_table_free(other);
    bp_table_free(t);
  }
}

/* ---- targets ---- */

static void targets_are_read_likewise(void **state) {
  static const struct {
    const char *cells[6];
    bp_goal asked, goal;
    const char *says; /* refused */
  } rows[] = {
      {{"1.5", "None", "2.5", "3.5", "n/a", "4.5"}, BP_GOAL_AUTO, BP_GOAL_REGRESSION, NULL},
      {{"\"1,500\"", "\"2,500\"", "999", "\"12,000\"", "7", "8"}, BP_GOAL_AUTO, BP_GOAL_REGRESSION, NULL},
      {{"$1", "$2", "$1", "$2", "$1", "None"}, BP_GOAL_AUTO, BP_GOAL_CLASSIFICATION, NULL},
      {{"0", "1", "None", "0", "1", "0"}, BP_GOAL_AUTO, BP_GOAL_CLASSIFICATION, NULL},
      {{"yes", "no", "None", "yes", "no", "yes"}, BP_GOAL_AUTO, BP_GOAL_CLASSIFICATION, NULL},
      {{"1", "2", "other", "1", "2", "other"}, BP_GOAL_AUTO, BP_GOAL_CLASSIFICATION, NULL},
      {{"1.5", "2.5", "3.5", "4.5", "5.5", "see note"},
       BP_GOAL_AUTO,
       BP_GOAL_REGRESSION,
       "t.csv:7: column 'y': 'see note' is not"},
      {{"1.5", "2.5", "3.5", "4.5", "5.5", "see note"}, BP_GOAL_CLASSIFICATION, BP_GOAL_CLASSIFICATION, NULL},
      {{"None", "", "n/a", "-", "NA", "."}, BP_GOAL_REGRESSION, BP_GOAL_REGRESSION, "the target 'y' is text"},
      {{"", "", "", "NA", "", ""},
       BP_GOAL_AUTO,
       BP_GOAL_REGRESSION,
       "no row is left: the target 'y' is missing in all 6 rows"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[200];
    size_t used = (size_t)snprintf(text, sizeof text, "a,y\n");
    for (int r = 0; r < 6; r++)
      used += (size_t)snprintf(text + used, sizeof text - used, "%d,%s\n", r, rows[i].cells[r]);
    bp_table *t = bt_table(ctx, text);
    bp_encoding_options o = {.target = "y", .goal = rows[i].asked};
    bp_labelled labelled;
    bp_encoding *e = NULL;
    bp_status status = bp_encoding_labelled(ctx, t, &o, &labelled);
    if (status == BP_OK) status = bp_encoding_learn(ctx, t, labelled.rows, &o, &e);
    if (rows[i].says) {
      assert_int_equal(status, BP_E_DATA);
      bt_assert_message(ctx, rows[i].says);
    } else {
      bt_assert_ok(ctx, status);
      assert_int_equal(e->goal, rows[i].goal);
      bp_encoded encoded;
      bt_assert_ok(ctx, bp_encoding_apply(ctx, e, t, labelled.rows, BP_F64, BP_TARGETS_OWN, &encoded));
      bp_encoded_release(&encoded);
    }
    bp_encoding_free(e);
    bp_labelled_release(ctx, &labelled);
    bp_table_free(t);
  }
}

static void rows_without_a_target_are_counted(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "a,y,z\n1,2,3\n2,,4\n3,4,\n4,None,7\n5,6,8\n");
  bp_encoding_options o = {.target = "y,z"};
  bp_labelled labelled;
  int64_t n = 0;
  bt_assert_ok(ctx, bp_encoding_labelled(ctx, t, &o, &labelled));
  assert_int_equal(labelled.rows.n, 2);
  assert_int_equal(labelled.rows.list[0], 0);
  assert_int_equal(labelled.rows.list[1], 4);
  assert_non_null(
      strstr(bt_fixture_of(state)->message, "t.csv: 3 of 5 rows left out: the target 'y' is missing there"));
  bp_encoding *e = NULL;
  bt_assert_ok(ctx, bp_encoding_learn(ctx, t, labelled.rows, &o, &e));
  bt_assert_ok(ctx, bp_encoding_count_labelled(ctx, e, t, &n));
  assert_int_equal(n, 2);
  bp_labelled_release(ctx, &labelled);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void columns_with_one_1_in_each_row_are_classes(void **state) {
  static const struct {
    const char *text;
    bool one_hot;
    bp_goal asked, goal;
  } rows[] = {
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,1,0,0\n", true, BP_GOAL_AUTO, BP_GOAL_CLASSIFICATION},
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,1,0,0\n", true, BP_GOAL_CLASSIFICATION, BP_GOAL_CLASSIFICATION},
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,1,0,0\n", true, BP_GOAL_REGRESSION, BP_GOAL_REGRESSION},
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,1,0,0\n", false, BP_GOAL_AUTO, BP_GOAL_REGRESSION},
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,1,1,0\n", true, BP_GOAL_AUTO, BP_GOAL_REGRESSION},
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,0,0,0\n", true, BP_GOAL_AUTO, BP_GOAL_REGRESSION},
      {"a,p,q,r\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,2,-1,0\n", true, BP_GOAL_AUTO, BP_GOAL_REGRESSION},
      {"a,p,q,r\n1,0.5,0.5,0\n2,0,1,0\n3,0,0,1\n4,1,0,0\n", true, BP_GOAL_AUTO, BP_GOAL_REGRESSION},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = bt_table(ctx, rows[i].text);
    bp_encoding *e =
        bt_learn(ctx, t, &(bp_encoding_options){.target = "r,p,q", .goal = rows[i].asked, .one_hot = rows[i].one_hot});
    assert_int_equal(e->goal, rows[i].goal);
    if (e->goal == BP_GOAL_CLASSIFICATION) {
      bp_encoded encoded = bt_apply(ctx, e, t, BP_TARGETS_OWN);
      const int32_t *classes = encoded.targets;
      assert_int_equal(encoded.outputs, 3);
      assert_string_equal(e->classes.words[0], "r");
      assert_true(classes[0] == 1 && classes[1] == 2 && classes[2] == 0 && classes[3] == 1);
      bp_encoded_release(&encoded);
      bp_table *other = bt_table(ctx, "a,p,q,r\n1,1,0,0\n2,1,1,0\n");
      bt_assert_fails(ctx, BP_E_DATA,
                      bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F64, BP_TARGETS_OWN, &encoded));
      bt_assert_message(ctx, "t.csv:3: of the 3 target columns of classes not one is 1");
      bp_table_free(other);
    }
    bp_encoding_free(e);
    bp_table_free(t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(counts_different_texts),
      BT_TEST(what_is_declared_as_text_stays_text),
      BT_TEST(an_open_comma_is_asked_about_where_commas_do_not_part_cells),
      BT_TEST(a_form_that_was_learnt_is_the_one_that_is_read),
      BT_TEST(targets_are_read_likewise),
      BT_TEST(rows_without_a_target_are_counted),
      BT_TEST(columns_with_one_1_in_each_row_are_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
