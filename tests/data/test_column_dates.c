/* labels: unit prop */
/* test_column_dates.c - which columns of text are dates, what is said about them, and what becomes of them. */
#include "data/column_dates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"
#include "data/encoding_row.h"

/* "a,y" and a row for each of the cells, which are parted by '|'. */
static bp_table *table_of(bp_context *ctx, const char *cells) {
  char text[4000];
  int row = 0;
  size_t used = (size_t)snprintf(text, sizeof text, "a,y\n");
  for (const char *at = cells;; row++) {
    size_t size = strcspn(at, "|");
    used += (size_t)snprintf(text + used, sizeof text - used, "\"%.*s\",%d\n", (int)size, at, row % 2);
    if (!at[size]) break;
    at += size + 1;
  }
  return bt_table(ctx, text);
}

static void decides_on_the_whole_column(void **state) {
  static const struct {
    const char *cells;
    bp_date_layout layout;
    const char *says; /* words of the warning or of the error; NULL: nothing is said */
    bp_status status;
  } rows[] = {
      {"2024-03-01|2024-03-02", BP_DATE_YEAR_FIRST,
       "t.csv: column 'a': read as dates (ISO 8601); --text 'a' keeps it as text", BP_OK},
      {"2024-03-01|2024-03-02 12:30", BP_DATE_YEAR_FIRST, "read as dates and times (ISO 8601);", BP_OK},
      {"2024-03-01T10:00Z|2024-03-01T12:30+01:00", BP_DATE_YEAR_FIRST, "dates and times (ISO 8601), in UTC;", BP_OK},
      {"2024-03-01|NaT|2024-03-04", BP_DATE_YEAR_FIRST, "; 'NaT' in 1 row is taken as missing", BP_OK},
      {"2024-03-01|0000-00-00|0000-00-00|n/a", BP_DATE_YEAR_FIRST,
       "; '0000-00-00' and the like in 3 rows are taken as missing", BP_OK},
      /* day or month in front */
      {"13/1/2024|1/2/2024|2/3/2024", BP_DATE_DAY_FIRST, "read as dates (day first);", BP_OK},
      {"1/13/2024|1/2/2024|2/3/2024", BP_DATE_MONTH_FIRST, "read as dates (month first);", BP_OK},
      {"1/1/2024|1/2/2024|1/3/2024", BP_DATE_DAY_FIRST, "read as dates (day first);", BP_OK},
      {"1/1/2024|2/1/2024|3/1/2024", BP_DATE_MONTH_FIRST, "read as dates (month first);", BP_OK},
      {"1.2.2024|2.3.2024|3.4.2024", BP_DATE_DAY_FIRST, "read as dates (day first, as is usual with points);", BP_OK},
      {"1.13.2024|2.3.2024|3.4.2024", BP_DATE_MONTH_FIRST, "read as dates (month first);", BP_OK},
      {"1/2/2024|2/3/2024|3/4/2024", BP_DATE_NONE,
       "taken as text: nothing tells whether '1/2/2024' has the day in front or the month; write dates as 2024-03-01, "
       "or "
       "say that it is text (--text 'a')",
       BP_OK},
      {"1-2-2024|2-3-2024", BP_DATE_NONE, "nothing tells whether '1-2-2024'", BP_OK},
      {"1/13/2024|13/1/2024|2/3/2024", BP_DATE_NONE, "nothing tells whether '1/13/2024'", BP_OK},
      /* the others */
      {"1-Mar-2024|2-Mar-2024", BP_DATE_NAMED, "read as dates;", BP_OK},
      {"Jan 2024|Feb 2024|Mar 2024", BP_DATE_MONTH, "read as months;", BP_OK},
      {"2001-02|2001-03|2001-04", BP_DATE_MONTH, "read as months;", BP_OK},
      {"2001-02|2002-03|2003-04", BP_DATE_NONE, NULL, BP_OK}, /* school years */
      {"9:30|12:30|23:59", BP_DATE_TIME, "read as times of day;", BP_OK},
      /* texts among dates */
      {"2024-03-01|2024-03-02|2024-03-03|2024-03-04|2024-03-05|2024-02-30", BP_DATE_NONE,
       "t.csv:7: column 'a': '2024-02-30' is not a date in the form (year first) in which 5 different texts are; "
       "correct "
       "it, name it as missing (--missing '2024-02-30'), or take the column as text (--text 'a')",
       BP_E_DATA},
      {"2024-03-01|2024-03-02|2024-03-03|2024-03-04|2024-03-05|3/1/2024", BP_DATE_NONE, "'3/1/2024' is not a date in",
       BP_E_DATA},
      {"2024-03-01|2024-03-02|2024-03-03|later", BP_DATE_NONE,
       "taken as text, though 3 of its 4 different texts are dates or times, as '2024-03-01'; write the others so too "
       "('later')",
       BP_OK},
      {"2024-03-01|soon|later|never", BP_DATE_NONE, NULL, BP_OK},
      {"red|green|blue", BP_DATE_NONE, NULL, BP_OK},
      {"20240301|20240302", BP_DATE_NONE, NULL, BP_OK},
  };
  bp_context *ctx = bt_ctx(state);
  bt_fixture *fixture = bt_fixture_of(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = table_of(ctx, rows[i].cells);
    bp_sense sense;
    fixture->messages = 0;
    fixture->message[0] = '\0';
    bp_status status = bp_column_judge_dates(ctx, t, 0, &sense);
    const char *said = status == BP_OK ? fixture->message : bp_error_message(ctx);
    if (status != rows[i].status || (status == BP_OK && sense.date.layout != rows[i].layout) || fixture->messages > 1 ||
        (rows[i].says ? !strstr(said, rows[i].says) : said[0] != '\0'))
      fail_msg("%s: status %d, layout %d: %s", rows[i].cells, (int)status, (int)sense.date.layout, said);
    bp_sense_release(t, &sense);
    bp_table_free(t);
  }
}

static void a_column_declared_as_text_stays_text(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_read_options as_text = {.size = sizeof as_text, .as_text = "a"};
  bp_table *t = NULL;
  bt_assert_ok(ctx, bt_read_csv(ctx, "a,y\n2024-03-01,0\n2024-03-02,1\n2024-03-03,0\n", &as_text, &t));
  bp_encoding *e = bt_learn(ctx, t, NULL);
  assert_int_equal(e->features[0].type, BP_FEATURE_CATEGORY);
  assert_int_equal(e->inputs, 3);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* ---- what becomes of them ---- */

/* The feature of a column of `n` dates from `first` on, one every `step` seconds; written with its time. */
static bp_encoding *learn_steps(bp_context *ctx, int n, double first, double step) {
  char *text = malloc((size_t)n * 64 + 64), instant[BP_INSTANT_TEXT];
  size_t used = (size_t)sprintf(text, "a,y\n");
  for (int i = 0; i < n; i++)
    used += (size_t)sprintf(text + used, "%s,%d\n", bp_instant_text(first + step * i, instant), i % 2);
  bp_table *t = bt_table(ctx, text);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  free(text);
  bp_table_free(t);
  return e;
}

static void takes_the_cycles_that_rows_go_through(void **state) {
  enum { Y = 1, M = 2, W = 4, D = 8 };
  static const struct {
    int n;
    double days, step; /* from 1970-01-01 on, and from one to the next, in days */
    unsigned cycles;
  } rows[] = {
      {800, 0, 1, Y | M | W}, {5000, 0, 0.37, Y | M | W | D}, {90, 18000, 1, M | W},  {31, 18000, 0.25, W | D},
      {100, 18000, 0.01, D},  {10, 18000, 0.01, 0},           {200, 18000, 7, Y | M},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_encoding *e = learn_steps(ctx, rows[i].n, rows[i].days * 86400, rows[i].step * 86400);
    const bp_feature *f = &e->features[0];
    int pairs = 0;
    for (int c = 0; c < BP_CYCLES; c++) pairs += (f->cycles >> c & 1) != 0;
    assert_int_equal(f->type, BP_FEATURE_DATE);
    if (f->cycles != rows[i].cycles) fail_msg("row %zu: cycles %u", i, f->cycles);
    assert_int_equal(f->inputs, 1 + 2 * pairs);
    bp_encoding_free(e);
  }
}

/* Once a month, whichever the day of the week. */
static void leaves_out_accidents(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, "2023-01-01|2023-02-01|2023-03-01|2023-04-01|2023-05-01|2023-06-01|2023-07-01|2023-08-01|"
                              "2023-09-01|2023-10-01|2023-11-01|2023-12-01|2024-01-01");
  bp_encoding *e = bt_learn(ctx, t, NULL);
  assert_int_equal(e->features[0].cycles, 1u << BP_CYCLE_YEAR);
  bp_encoding_free(e);
  bp_table_free(t);
  t = table_of(ctx, "2020-06-30|2021-06-30|2022-06-30|2023-06-30");
  e = bt_learn(ctx, t, NULL);
  assert_int_equal(e->features[0].cycles, 0);
  bp_encoding_free(e);
  bp_table_free(t);
  t = table_of(ctx, "9:30|9:45|10:00|10:15"); /* the time of day is all there is */
  e = bt_learn(ctx, t, NULL);
  assert_int_equal(e->features[0].cycles, 1u << BP_CYCLE_DAY);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void missing_dates_become_the_median(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, "2024-03-01|2024-03-02|NaT|2024-03-09|2024-03-03");
  bp_encoding *e = bt_learn(ctx, t, NULL);
  const bp_feature *f = &e->features[0];
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  const double *x = d.features;
  assert_true(f->indicator && f->fill == 1709251200.0 + 1.5 * 86400);
  assert_int_equal(f->inputs, 4); /* days, the week, the indicator */
  bt_assert_close(x[0], (1709251200.0 - f->mean) / f->scale, 0, 0);
  bt_assert_close(x[1], sin(2 * 3.14159265358979 * 4 / 7), 1e-13, 0); /* a Friday */
  bt_assert_close(x[2], cos(2 * 3.14159265358979 * 4 / 7), 1e-13, 0);
  bt_assert_close(x[8], (f->fill - f->mean) / f->scale, 0, 0);
  assert_true(x[3] == 0 && x[11] == 1 && x[15] == 0);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* Tables, and rows of their instants, give the same bits. */
static void rows_are_encoded_as_tables_are(void **state) {
  static const char cells[] = "2024-03-01 12:30|2021-12-31 23:59:59.999|NaT|1999-06-15|2024-02-29 06:00|2010-10-10";
  enum { N = 6 };
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, cells);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_binding *b;
  double values[N], row[BP_CYCLES * 2 + 2], slope;
  int64_t input;
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_NONE);
  bt_assert_ok(ctx, bp_encoding_bind(ctx, e, t, false, &b));
  bt_assert_ok(ctx, bp_binding_values(ctx, b, bp_rows_all(t), values));
  assert_true(values[0] == 1709296200.0 && isnan(values[2]) && e->inputs == 10);
  for (int i = 0; i < N; i++) {
    bt_assert_ok(ctx, bp_encoding_row(ctx, e, &values[i], BP_F64, row));
    bt_assert_same_bits(row, (const double *)d.features + i * e->inputs, (size_t)e->inputs * sizeof *row);
  }
  bp_encoding_slopes(e, values, &input, &slope);
  assert_true(isnan(slope));
  static const double wrong[] = {1e300, -1e12, 253402300800.0, (double)INFINITY};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_row(ctx, e, &wrong[i], BP_F64, row));
    bt_assert_message(ctx, "which is no date; expected seconds since 1970");
  }
  bp_binding_free(b);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* A table that was built in memory may have instants; a file may not, nor dates in another form. */
static void other_tables_are_read_in_the_same_form(void **state) {
  static const struct {
    const char *cell, *message; /* NULL: read */
  } rows[] = {
      {"1/2/2024", NULL},
      {"n/a", NULL},
      {"", NULL},
      {"1/13/2024", "t.csv:2: column 'a' holds '1/13/2024', a date in another form; the model was trained with dates "
                    "there, in the form 'day first'; rewrite it, or train with this form"},
      {"2024-02-01", "a date in another form;"},
      {"20240201", "holds '20240201', which is no date;"},
      {"soon", "holds 'soon', which is no date; the model was trained with dates there, in the form 'day first'; "
               "correct it, or name it as missing (--missing)"}};
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, "13/1/2024|1/2/2024|2/3/2024"), *other = NULL;
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[100];
    bp_read_options as_text = {.size = sizeof as_text, .as_text = "a"};
    (void)snprintf(text, sizeof text, "a,y\n%s,1\n", rows[i].cell);
    bt_assert_ok(ctx, bt_read_csv(ctx, text, &as_text, &other));
    bp_status status = bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F64, BP_TARGETS_NONE, &d);
    if (status == BP_OK) bp_encoded_release(&d);
    if (rows[i].message ? status != BP_E_DATA || !strstr(bp_error_message(ctx), rows[i].message) : status != BP_OK)
      fail_msg("%s: status %d: %s", rows[i].cell, (int)status, bp_error_message(ctx));
    bp_table_free(other);
  }
  other = bt_table(ctx, "a\n20240201\n");
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F64, BP_TARGETS_NONE, &d));
  bt_assert_message(ctx, "t.csv:2: column 'a' holds numbers; the model was trained with dates there");
  bp_table_free(other);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void tables_in_memory_may_hold_instants(void **state) {
  static const double instants[2] = {1709296200.0, (double)NAN}, wrong[2] = {1, 1e15};
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, "2024-03-01 12:30|2024-02-01 00:00|NaT"), *memory, *bad;
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded a = bt_apply(ctx, e, t, BP_TARGETS_NONE), b;
  bt_assert_ok(ctx, bp_table_new(ctx, 2, &memory));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, memory, "a", instants));
  b = bt_apply(ctx, e, memory, BP_TARGETS_NONE);
  bt_assert_same_bits(b.features, a.features, (size_t)e->inputs * sizeof(double));
  bt_assert_ok(ctx, bp_table_new(ctx, 2, &bad));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, bad, "a", wrong));
  bp_encoded none;
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, bad, bp_rows_all(bad), BP_F64, BP_TARGETS_NONE, &none));
  bt_assert_message(ctx, "row 2: column 'a' is 1e+15, which is no date");
  bp_encoded_release(&a);
  bp_encoded_release(&b);
  bp_encoding_free(e);
  bp_table_free(memory);
  bp_table_free(bad);
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(decides_on_the_whole_column),
                                     BT_TEST(a_column_declared_as_text_stays_text),
                                     BT_TEST(takes_the_cycles_that_rows_go_through),
                                     BT_TEST(leaves_out_accidents),
                                     BT_TEST(missing_dates_become_the_median),
                                     BT_TEST(rows_are_encoded_as_tables_are),
                                     BT_TEST(other_tables_are_read_in_the_same_form),
                                     BT_TEST(tables_in_memory_may_hold_instants)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
