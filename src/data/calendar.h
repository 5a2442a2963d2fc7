/* data/calendar.h - instants in the Gregorian calendar, and where they stand in its cycles.
 *
 * An instant is a number of seconds since 1970-01-01 00:00:00, without leap seconds, as POSIX counts them. Dates without a zone
 * are taken as they stand, as if they were UTC; a time of day without a date is on 1970-01-01.
 */
#ifndef BP_DATA_CALENDAR_H
#define BP_DATA_CALENDAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BP_DAY_SECONDS 86400

typedef struct bp_civil_date {
  int year, month, day; /* 1 to 9999, 1 to 12, 1 to 31 */
} bp_civil_date;

/* Days of a month; 0: there is no such month. */
int bp_month_days(int year, int month);
bool bp_civil_is_valid(bp_civil_date date);
/* Days since 1970-01-01, and back; of the years 1 to 9999. */
int64_t bp_days_of(bp_civil_date date);
bp_civil_date bp_civil_of(int64_t days);

/* Whether an instant is in the years 1 to 9999; NaN is not. */
bool bp_instant_is_valid(double seconds);

/* What comes again: the year, the month, the week from Monday, the day. A set of cycles has bit 1 << cycle for each. */
typedef enum bp_cycle { BP_CYCLE_YEAR, BP_CYCLE_MONTH, BP_CYCLE_WEEK, BP_CYCLE_DAY, BP_CYCLES } bp_cycle;
#define BP_CYCLES_ALL ((1u << BP_CYCLES) - 1)
/* VIEW "year", "month", "week", "day". */
const char *bp_cycle_name(bp_cycle cycle);
/* About how many seconds a cycle takes. */
double bp_cycle_seconds(bp_cycle cycle);
/* How much of the cycle is over at a valid instant, 0 to below 1: of the year (month - 1 + the part of the month) / 12, of the
 * month (day - 1) / its days, of the week its days since Monday / 7, of the day its seconds / 86400. */
double bp_cycle_phase(bp_cycle cycle, double seconds);
/* sin and cos of 2π · phase, for phases from 0 to 1: the same bits on every machine, to 2e-16. */
void bp_turn(double phase, double *sine, double *cosine);

/* Room for an instant in text, its NUL included. */
#define BP_INSTANT_TEXT 40
/* "2019-03-01", "2019-03-01 12:30:00", "2019-03-01 12:30:00.25"; as a number where it is not valid. Returns text. */
const char *bp_instant_text(double seconds, char text[BP_INSTANT_TEXT]);

#endif
