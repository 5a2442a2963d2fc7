/* labels: unit prop */
/* test_date_form.c - texts that are dates and times, and texts that are none. The instants are those of Python's datetime. */
#include "data/date_form.h"

#include <string.h>

#include "support/testing.h"

static void reads_the_common_forms(void **state) {
  static const struct {
    bp_date_layout layout;
    bool zone;
    const char *text;
    double seconds;
  } rows[] = {
      {BP_DATE_YEAR_FIRST, false, "2024-03-01", 1709251200.0},
      {BP_DATE_YEAR_FIRST, false, "2024/3/1", 1709251200.0},
      {BP_DATE_YEAR_FIRST, false, "2024.03.01", 1709251200.0},
      {BP_DATE_YEAR_FIRST, false, " 2024-02-29 ", 1709164800.0},
      {BP_DATE_YEAR_FIRST, false,
       "2024\xE2\x88\x92"
       "02\xE2\x88\x92"
       "29",
       1709164800.0}, /* with a Unicode minus */
      {BP_DATE_YEAR_FIRST, false, "0001-01-01", -62135596800.0},
      {BP_DATE_YEAR_FIRST, false, "9999-12-31", 253402214400.0},
      {BP_DATE_YEAR_FIRST, false, "2024-03-01T12:30", 1709296200.0},
      {BP_DATE_YEAR_FIRST, false, "2024-03-01 12:30:45", 1709296245.0},
      {BP_DATE_YEAR_FIRST, false, "2024-03-01 12:30:45.125", 1709296245.125},
      {BP_DATE_YEAR_FIRST, false, "2024-03-01T12:30:45,5", 1709296245.5},
      {BP_DATE_YEAR_FIRST, false, "20240301T1230", 1709296200.0},
      {BP_DATE_YEAR_FIRST, false, "20240301T123045", 1709296245.0},
      {BP_DATE_YEAR_FIRST, true, "20240301T123045Z", 1709296245.0},
      {BP_DATE_YEAR_FIRST, true, "2024-03-01T12:30Z", 1709296200.0},
      {BP_DATE_YEAR_FIRST, true, "2024-03-01T12:30:00+02:00", 1709289000.0},
      {BP_DATE_YEAR_FIRST, true, "2024-03-01 00:30:00 -0330", 1709265600.0},
      {BP_DATE_YEAR_FIRST, true, "2024-03-01 12:30:00+01", 1709292600.0},
      {BP_DATE_YEAR_FIRST, true, "2024-03-01 12:30:00 UTC", 1709296200.0},
      {BP_DATE_YEAR_FIRST, true, "2024-03-01", 1709251200.0},
      {BP_DATE_DAY_FIRST, false, "01.03.2024", 1709251200.0},
      {BP_DATE_DAY_FIRST, false, "1/3/2024", 1709251200.0},
      {BP_DATE_DAY_FIRST, false, "31-12-1999", 946598400.0},
      {BP_DATE_DAY_FIRST, false, "01.03.24", 1709251200.0},
      {BP_DATE_DAY_FIRST, false, "1/3/69", -26438400.0},
      {BP_DATE_DAY_FIRST, false, "1/3/68 7:05", 3097811100.0},
      {BP_DATE_DAY_FIRST, false, "01.03.2024 12:30:45", 1709296245.0},
      {BP_DATE_DAY_FIRST, false, "01.03.2024, 12:30", 1709296200.0},
      {BP_DATE_MONTH_FIRST, false, "3/1/2024", 1709251200.0},
      {BP_DATE_MONTH_FIRST, false, "12/31/1999 11:59 PM", 946684740.0},
      {BP_DATE_MONTH_FIRST, false, "3/1/2024 12:00 AM", 1709251200.0},
      {BP_DATE_NAMED, false, "1-Mar-2024", 1709251200.0},
      {BP_DATE_NAMED, false, "01-MAR-24", 1709251200.0},
      {BP_DATE_NAMED, false, "1 March 2024", 1709251200.0},
      {BP_DATE_NAMED, false, "1. Sept. 2024", 1725148800.0},
      {BP_DATE_NAMED, false, "01Mar2024", 1709251200.0},
      {BP_DATE_NAMED, false, "Mar 1, 2024", 1709251200.0},
      {BP_DATE_NAMED, false, "March 1st 2024", 1709251200.0},
      {BP_DATE_NAMED, false, "may 22nd, 2024 9 pm", 1716411600.0},
      {BP_DATE_NAMED, false, "Fri, 01 Mar 2024 12:30:00", 1709296200.0},
      {BP_DATE_NAMED, true, "Fri, 1 Mar 2024 12:30:00 GMT", 1709296200.0},
      {BP_DATE_NAMED, false, "Fri Mar  1 12:30:00 2024", 1709296200.0},
      {BP_DATE_NAMED, true, "Fri Mar  1 12:30:00 UTC 2024", 1709296200.0},
      {BP_DATE_NAMED, false, "Friday, March 1, 2024", 1709251200.0},
      {BP_DATE_MONTH, false, "2024-03", 1709251200.0},
      {BP_DATE_MONTH, false, "2024/03", 1709251200.0},
      {BP_DATE_MONTH, false, "Mar 2024", 1709251200.0},
      {BP_DATE_MONTH, false, "March-2024", 1709251200.0},
      {BP_DATE_TIME, false, "12:30", 45000},
      {BP_DATE_TIME, false, "7:05:09", 25509},
      {BP_DATE_TIME, false, "23:59:59.5", 86399.5},
      {BP_DATE_TIME, false, "12:30 AM", 1800},
      {BP_DATE_TIME, false, "12:30pm", 45000},
      {BP_DATE_TIME, false, "9 a.m.", 32400},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int layout = 0; layout < BP_DATE_LAYOUTS; layout++) {
      bp_date_form form = {(bp_date_layout)layout, rows[i].zone};
      double seconds = 0.5;
      bool read = bp_date_form_read(&form, rows[i].text, strlen(rows[i].text), &seconds);
      bool own = form.layout == rows[i].layout;
      if (own && (!read || seconds != rows[i].seconds)) fail_msg("'%s' is read as %.3f", rows[i].text, seconds);
      bool orders = layout != BP_DATE_DAY_FIRST && layout != BP_DATE_MONTH_FIRST;
      if (!own && read && orders) fail_msg("'%s' is read as '%s'", rows[i].text, bp_date_layout_name(form.layout));
    }
}

static void day_and_month_change_places(void **state) {
  static const struct {
    const char *text;
    double day_first, month_first; /* 0: none */
  } rows[] = {{"1/3/2024", 1709251200, 1704240000},
              {"13/1/2024", 1705104000, 0},
              {"1/13/2024", 0, 1705104000},
              {"29/2/2024", 1709164800, 0}};
  const bp_date_form day_first = {BP_DATE_DAY_FIRST, false}, month_first = {BP_DATE_MONTH_FIRST, false};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double a = 0, b = 0;
    size_t size = strlen(rows[i].text);
    assert_int_equal(bp_date_form_read(&day_first, rows[i].text, size, &a), rows[i].day_first != 0);
    assert_int_equal(bp_date_form_read(&month_first, rows[i].text, size, &b), rows[i].month_first != 0);
    assert_true(a == rows[i].day_first && b == rows[i].month_first);
  }
}

static void refuses_what_is_no_date(void **state) {
  static const char *const others[] = {"",
                                       "12",
                                       "20240301",
                                       "2024",
                                       "1.5",
                                       "18-25",
                                       "1.2.3",
                                       "10.0.0.1",
                                       "1.10.12",
                                       "555-123-4567",
                                       "1:2",
                                       "12:3",
                                       "2024-03-01x",
                                       "2024-02-30",
                                       "2023-02-29",
                                       "2024-13-01",
                                       "2024-00-10",
                                       "13/13/2024",
                                       "24:00",
                                       "12:60",
                                       "12:30:60",
                                       "13:00 PM",
                                       "0:30 am",
                                       "12:30-14:00",
                                       "2024-03-01T",
                                       "2024-03-01 12",
                                       "2024-03-01 25:00",
                                       "2024-03-0112:30",
                                       "2024-3",
                                       "2024.03",
                                       "1001-02",
                                       "2024-W10",
                                       "0000-01-01",
                                       "March",
                                       "Mar 24",
                                       "May",
                                       "may 5",
                                       "5 kg",
                                       "Mon",
                                       "9 amp",
                                       "1/3",
                                       "1/10",
                                       "01-03-24",
                                       "24-03-01",
                                       "1-Mra-2024",
                                       "1 Mar",
                                       "31 Feb 2024",
                                       "2024-03-01 12:30+15:00",
                                       "2024-03-01 12:30 CET",
                                       "2024-03-01 12:30Z Z",
                                       "999999999-01-01",
                                       "1/1/20245",
                                       "12345678T12",
                                       "room 12:30",
                                       "Sunday",
                                       "http://a/1/2/2024",
                                       "2024-03-01-04",
                                       "2024--03-01",
                                       "-2024-03-01"};
  (void)state;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (bp_date_is_any(others[i], strlen(others[i]))) fail_msg("'%s' is no date", others[i]);
}

static void zones_are_all_or_none(void **state) {
  static const char with[] = "2024-03-01T12:30Z", without[] = "2024-03-01T12:30";
  const bp_date_form zoned = {BP_DATE_YEAR_FIRST, true}, local = {BP_DATE_YEAR_FIRST, false};
  double seconds;
  (void)state;
  assert_true(bp_date_form_read(&zoned, with, sizeof with - 1, &seconds));
  assert_false(bp_date_form_read(&zoned, without, sizeof without - 1, &seconds));
  assert_false(bp_date_form_read(&local, with, sizeof with - 1, &seconds));
  assert_true(bp_date_form_read(&local, without, sizeof without - 1, &seconds));
  assert_false(bp_date_form_read(&zoned, "0001-01-01 00:00+02:00", 22, &seconds)); /* before the year 1 */
}

static void knows_what_stands_for_no_date(void **state) {
  static const char *const marks[] = {"", "NaT", "n/a", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00.000"};
  (void)state;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (!bp_date_is_missing(marks[i], strlen(marks[i]))) fail_msg("'%s' is a mark", marks[i]);
  assert_false(bp_date_is_missing("0000-01-01", 10) || bp_date_is_missing("2024-03-01", 10));
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(reads_the_common_forms), BT_TEST(day_and_month_change_places),
                                     BT_TEST(refuses_what_is_no_date), BT_TEST(zones_are_all_or_none),
                                     BT_TEST(knows_what_stands_for_no_date)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
