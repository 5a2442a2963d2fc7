/* data/calendar.c - days since 1970 and the Gregorian calendar. Floor: data.
 *
 * Years begin in March here, so that the day that some have more is their last: month m of them, from 0, begins on day
 * (153 m + 2) / 5, and 400 years have 146097 days (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
#include "data/calendar.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/number.h"

enum { ERA_DAYS = 146097, EPOCH = 719468 /* days from 0000-03-01 to 1970-01-01 */ };

static bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int bp_month_days(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12) return 0;
  return days[month - 1] + (month == 2 && is_leap(year));
}

bool bp_civil_is_valid(bp_civil_date d) {
  return d.year >= 1 && d.year <= 9999 && d.day >= 1 && d.day <= bp_month_days(d.year, d.month);
}

int64_t bp_days_of(bp_civil_date d) {
  int64_t year = d.year - (d.month <= 2), month = (d.month + 9) % 12; /* from March */
  int64_t of_year = (153 * month + 2) / 5 + d.day - 1, of_era = year % 400;
  return year / 400 * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH;
}

bp_civil_date bp_civil_of(int64_t days) {
  int32_t since = (int32_t)(days + EPOCH), era = since / ERA_DAYS, of_era = since % ERA_DAYS;
  int32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int32_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
  int32_t day = of_year - (153 * month + 2) / 5 + 1, civil_month = month < 10 ? month + 3 : month - 9;
  return (bp_civil_date){year + era * 400 + (civil_month <= 2), civil_month, day};
}

/* ---- instants ---- */

/* 0001-01-01 and 10000-01-01 */
#define FIRST_INSTANT (-62135596800.0)
#define END_INSTANT   253402300800.0

bool bp_instant_is_valid(double seconds) { return seconds >= FIRST_INSTANT && seconds < END_INSTANT; }

/* The day of an instant; *of_day: the seconds since it began. */
static int64_t day_of(double seconds, double *of_day) {
  double day = floor(seconds / BP_DAY_SECONDS);
  *of_day = seconds - day * BP_DAY_SECONDS;
  if (*of_day < BP_DAY_SECONDS) return (int64_t)day;
  *of_day = 0; /* rounded up to the next */
  return (int64_t)day + 1;
}

const char *bp_instant_text(double seconds, char text[BP_INSTANT_TEXT]) {
  double of_day;
  if (!bp_instant_is_valid(seconds)) {
    char number[BP_NUMBER_TEXT];
    (void)snprintf(text, BP_INSTANT_TEXT, "%s", bp_number_text(seconds, number));
    return text;
  }
  bp_civil_date d = bp_civil_of(day_of(seconds, &of_day));
  int milliseconds = (int)(of_day * 1000), whole = milliseconds / 1000, rest = milliseconds % 1000;
  int used = snprintf(text, BP_INSTANT_TEXT, "%04d-%02d-%02d", d.year, d.month, d.day);
  if (milliseconds > 0)
    used += snprintf(text + used, BP_INSTANT_TEXT - (size_t)used, " %02d:%02d:%02d", whole / 3600, whole / 60 % 60,
                     whole % 60);
  if (rest > 0) (void)snprintf(text + used, BP_INSTANT_TEXT - (size_t)used, ".%03d", rest);
  return text;
}

/* ---- cycles ---- */

static const struct {
  const char *name;
  double days;
} cycles[BP_CYCLES] = {{"year", 365.2425}, {"month", 30.436875}, {"week", 7}, {"day", 1}};

const char *bp_cycle_name(bp_cycle cycle) { return (unsigned)cycle < BP_CYCLES ? cycles[cycle].name : "?"; }
double bp_cycle_seconds(bp_cycle cycle) { return cycles[cycle].days * BP_DAY_SECONDS; }

double bp_cycle_phase(bp_cycle cycle, double seconds) {
  double of_day;
  int64_t day = day_of(seconds, &of_day);
  if (cycle == BP_CYCLE_DAY) return of_day / BP_DAY_SECONDS;
  if (cycle == BP_CYCLE_WEEK) return (double)((int32_t)(day + EPOCH + 2) % 7) / 7; /* 0000-03-01 was a Wednesday */
  bp_civil_date d = bp_civil_of(day);
  double of_month = (double)(d.day - 1) / bp_month_days(d.year, d.month);
  return cycle == BP_CYCLE_MONTH ? of_month : (d.month - 1 + of_month) / 12;
}

/* Taylor's series: to 1e-17 for 0 <= x <= π/4. */
static double series(const double terms[9], double square) {
  double sum = terms[8];
  for (int n = 7; n >= 0; n--) sum = terms[n] + square * sum;
  return sum;
}

static double small_sine(double x) {
  static const double terms[9] = {1,
                                  -1 / 6.0,
                                  1 / 120.0,
                                  -1 / 5040.0,
                                  1 / 362880.0,
                                  -1 / 39916800.0,
                                  1 / 6227020800.0,
                                  -1 / 1307674368000.0,
                                  1 / 355687428096000.0};
  return x * series(terms, x * x);
}

static double small_cosine(double x) {
  static const double terms[9] = {1,
                                  -1 / 2.0,
                                  1 / 24.0,
                                  -1 / 720.0,
                                  1 / 40320.0,
                                  -1 / 3628800.0,
                                  1 / 479001600.0,
                                  -1 / 87178291200.0,
                                  1 / 20922789888000.0};
  return series(terms, x * x);
}

void bp_turn(double phase, double *sine, double *cosine) {
  static const double two_pi = 6.283185307179586476925;
  double quarter = floor(phase * 4 + 0.5), angle = (phase - quarter / 4) * two_pi, x = fabs(angle);
  double s = angle < 0 ? -small_sine(x) : small_sine(x), c = small_cosine(x);
  int turned = (int)quarter & 3;
  *sine = turned == 0 ? s : turned == 1 ? c : turned == 2 ? -s : -c;
  *cosine = turned == 0 ? c : turned == 1 ? -s : turned == 2 ? -c : s;
}
