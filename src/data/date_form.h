/* data/date_form.h - dates and times as people write them into tables.
 *
 *   year first   2024-03-01  2024/3/1  2024.03.01  20240301T1230
 *   day first    01.03.2024  1/3/2024  1-3-2024     (years of two digits: 01.03.24, 1/3/24, of 1969 to 2068)
 *   month first  the same with the month in front
 *   named        1-Mar-2024  1 March 2024  1. Mar 24  01Mar2024  Mar 1, 2024  March 1st 2024  Fri Mar 1 12:30:00 2024
 *   month        2024-03  2024/03  Mar 2024
 *   time         12:30  12:30:45  12:30:45.25  9 am  12:30 PM
 *
 * A date may have a time of day behind it, parted by a blank or T, and that a zone: Z, UTC, GMT, +02:00, +0200, +02; and a day of the
 * week in front. Names are English, whole or in three letters, in any case. Whole numbers are no dates.
 */
#ifndef BP_DATA_DATE_FORM_H
#define BP_DATA_DATE_FORM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum bp_date_layout {
  BP_DATE_NONE,
  BP_DATE_YEAR_FIRST,
  BP_DATE_DAY_FIRST,
  BP_DATE_MONTH_FIRST,
  BP_DATE_NAMED,
  BP_DATE_MONTH,
  BP_DATE_TIME,
  BP_DATE_LAYOUTS
} bp_date_layout;
/* VIEW "year first", "day first", "month first", "named month", "month", "time"; "" of NONE. */
const char *bp_date_layout_name(bp_date_layout layout);

/* How the dates of one column are written. Zero-filled: there are none. */
typedef struct bp_date_form {
  bp_date_layout layout;
  bool zone; /* times of day have a zone */
} bp_date_form;

/* The instant (calendar.h) that a text spells in this form; false: none. */
bool bp_date_form_read(const bp_date_form *form, const char *text, size_t size, double *seconds);
/* Whether a text is a date or time in some form. */
bool bp_date_is_any(const char *text, size_t size);
/* Whether a text stands for no date: 0000-00-00, with a time or without, or a mark as numbers have (number_form.h). */
bool bp_date_is_missing(const char *text, size_t size);

/* What the texts of a column tell about their form. Zero-filled at first. */
typedef struct bp_date_evidence {
  int64_t texts[BP_DATE_LAYOUTS]; /* DAY_FIRST: of all with the year behind, in digits */
  int64_t day_first, month_first; /* of these: that can be nothing else */
  int front, middle;              /* the first two numbers of the first such text */
  bool front_varies, middle_varies, points, no_points;
  int64_t zoned, without_zone;
  bool times, no_school_year;
} bp_date_evidence;
/* Adds a text; whether it is a date in some form. */
bool bp_date_evidence_add(bp_date_evidence *evidence, const char *text, size_t size);
/* The form that most of it speaks for, NONE: there is none. *open: nothing tells whether day or month stands in front. */
bp_date_form bp_date_evidence_form(const bp_date_evidence *evidence, bool *open);
/* "dates and times (ISO 8601)": what a column in that form is read as. */
#define BP_DATE_FORM_TEXT 96
const char *bp_date_form_text(const bp_date_form *form, const bp_date_evidence *evidence, char text[BP_DATE_FORM_TEXT]);

#endif
