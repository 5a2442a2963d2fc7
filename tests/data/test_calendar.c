/* labels: unit prop */
/* test_calendar.c - days, instants and cycles, against Python's datetime and against counting day by day. */
#include "data/calendar.h"

#include <math.h>
#include <string.h>

#include "support/testing.h"

typedef struct day {
  int64_t days;
  int year, month, day, weekday;
} day;

static const day known[] = {
#include "calendar_days.h"
};
enum { KNOWN = sizeof known / sizeof *known };

static void agrees_with_datetime(void **state) {
  (void)state;
  for (size_t i = 0; i < KNOWN; i++) {
    const day *k = &known[i];
    bp_civil_date d = bp_civil_of(k->days);
    if (d.year != k->year || d.month != k->month || d.day != k->day) fail_msg("day %d is otherwise", (int)k->days);
    assert_true(bp_civil_is_valid(d) && bp_days_of(d) == k->days);
    double phase = bp_cycle_phase(BP_CYCLE_WEEK, (double)k->days * 86400 + 3600);
    bt_assert_close(phase * 7, k->weekday, 1e-12, 0);
  }
}

static bool leaps(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/* Every day of the years 1 to 9999, one after the other. */
static void counts_every_day(void **state) {
  static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t days = -719162; /* datetime.date(1, 1, 1) */
  (void)state;
  for (int year = 1; year <= 9999; year++)
    for (int month = 1; month <= 12; month++) {
      int length = lengths[month - 1] + (month == 2 && leaps(year));
      assert_int_equal(bp_month_days(year, month), length);
      for (int d = 1; d <= length; d++, days++) {
        bp_civil_date back = bp_civil_of(days);
        if (back.year != year || back.month != month || back.day != d) fail_msg("%d-%d-%d", year, month, d);
        if (bp_days_of(back) != days) fail_msg("%d-%d-%d comes back as another day", year, month, d);
      }
    }
  assert_true(days == 2932897); /* datetime.date(9999, 12, 31), and one more */
  assert_true(bp_instant_is_valid((double)days * 86400 - 1) && !bp_instant_is_valid((double)days * 86400));
  assert_true(bp_instant_is_valid(-719162.0 * 86400) && !bp_instant_is_valid(-719162.0 * 86400 - 1));
  assert_false(bp_instant_is_valid((double)NAN) || bp_instant_is_valid((double)INFINITY));
}

static void refuses_days_that_are_not(void **state) {
  static const bp_civil_date wrong[] = {{0, 1, 1},     {10000, 1, 1}, {2024, 0, 1},  {2024, 13, 1}, {2024, 1, 0},
                                        {2024, 1, 32}, {2023, 2, 29}, {1900, 2, 29}, {2024, 4, 31}, {2024, -1, 1}};
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(bp_civil_is_valid(wrong[i]));
  assert_true(bp_civil_is_valid((bp_civil_date){2000, 2, 29}));
}

static void writes_instants(void **state) {
  static const struct {
    double seconds;
    const char *text;
  } rows[] = {{0, "1970-01-01"},
              {1709251200, "2024-03-01"},
              {1709296245, "2024-03-01 12:30:45"},
              {1709296245.25, "2024-03-01 12:30:45.250"},
              {-1, "1969-12-31 23:59:59"},
              {-1e-12, "1970-01-01"},
              {-62135596800, "0001-01-01"},
              {1e300, "1e+300"}};
  char text[BP_INSTANT_TEXT];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(bp_instant_text(rows[i].seconds, text), rows[i].text) != 0)
      fail_msg("%s is written as %s", rows[i].text, text);
}

static void places_in_cycles(void **state) {
  static const struct {
    double seconds, phases[BP_CYCLES]; /* year, month, week, day */
  } rows[] = {
      {0, {0, 0, 3 / 7.0, 0}},                                                    /* Thursday 1970-01-01 */
      {1709296200, {2 / 12.0, 0, 4 / 7.0, 0.520833333333333333}},                 /* Friday 2024-03-01 12:30 */
      {1735689599, {(11 + 30 / 31.0) / 12, 30 / 31.0, 1 / 7.0, 86399 / 86400.0}}, /* Tuesday 2024-12-31 23:59:59 */
      {-43200, {(11 + 30 / 31.0) / 12, 30 / 31.0, 2 / 7.0, 0.5}},                 /* Wednesday 1969-12-31 12:00 */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int c = 0; c < BP_CYCLES; c++)
      bt_assert_close(bp_cycle_phase((bp_cycle)c, rows[i].seconds), rows[i].phases[c], 1e-15, 0);
}

static void turns_as_the_library_of_c(void **state) {
  double s, c;
  (void)state;
  for (int i = 0; i <= 100000; i++) {
    double phase = i / 100000.0, x = 6.283185307179586 * phase;
    bp_turn(phase, &s, &c);
    bt_assert_close(s, sin(x), 0, 1e-15); /* of which 2π · phase alone makes 7e-16 */
    bt_assert_close(c, cos(x), 0, 1e-15);
  }
  bp_turn(0.25, &s, &c);
  assert_true(s == 1 && c == 0);
  bp_turn(0.5, &s, &c);
  assert_true(s == 0 && c == -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(agrees_with_datetime),      BT_TEST(counts_every_day),
                                     BT_TEST(refuses_days_that_are_not), BT_TEST(writes_instants),
                                     BT_TEST(places_in_cycles),          BT_TEST(turns_as_the_library_of_c)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
