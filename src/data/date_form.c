/* data/date_form.c - dates and times in text. Floor: data.
 *
 * A text is put into plain signs (plain_text.h) and read from left to right: a date, then a time, then a zone. Which of day and month
 * stands in front is no matter of one text: the parts keep the order, and the form of the column decides.
 */
#include "data/date_form.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "data/calendar.h"
#include "data/number_form.h"
#include "data/plain_text.h"

/* A text in parts. */
typedef struct parts {
  bp_date_layout layout; /* DAY_FIRST: either order; `date` has the day in front */
  bp_civil_date date;
  char separator; /* between digits */
  bool has_time, has_zone;
  double time; /* of day, seconds */
  int offset;  /* of the zone from UTC, minutes */
} parts;

/* ---- small things ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }
static bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

static void skip_blanks(const char **at) {
  while (**at == ' ') ++*at;
}

static bool take(const char **at, char sign) {
  if (**at != sign || !sign) return false;
  ++*at;
  return true;
}

/* A run of `least` to `most` digits, and no more of them; how many there are, 0: none. */
static int take_number(const char **at, int least, int most, int *out) {
  int n = 0, value = 0;
  while (n <= most && is_digit((*at)[n])) value = value * 10 + ((*at)[n++] - '0');
  if (n < least || n > most) return 0;
  *at += n;
  *out = value;
  return n;
}

/* Two digits in the midst of others: the hour of 1230. */
static bool take_pair(const char **at, int *out) {
  if (!is_digit((*at)[0]) || !is_digit((*at)[1])) return false;
  *out = ((*at)[0] - '0') * 10 + ((*at)[1] - '0');
  *at += 2;
  return true;
}

/* The number from 1 of the name that the letters at the place spell, whole or as its first three; 0: none. */
static int take_name(const char **at, const char *const *names, int n) {
  char word[12];
  size_t size = 0;
  while (is_letter((*at)[size]) && size < sizeof word - 1) {
    word[size] = lower((*at)[size]);
    size++;
  }
  word[size] = '\0';
  if (is_letter((*at)[size])) return 0;
  for (int i = 0; i < n; i++) {
    bool is = (size == 3 && strncmp(word, names[i], 3) == 0) || strcmp(word, names[i]) == 0;
    if (!is) continue;
    *at += size;
    return i + 1;
  }
  return 0;
}

static int take_month(const char **at) {
  static const char *const names[] = {"january", "february",  "march",   "april",    "may",      "june", "july",
                                      "august",  "september", "october", "november", "december", "sept"};
  int month = take_name(at, names, sizeof names / sizeof *names);
  if (month == 13) month = 9;
  if (month > 0) (void)take(at, '.');
  return month;
}

static void skip_weekday(const char **at) {
  static const char *const names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  if (take_name(at, names, sizeof names / sizeof *names) == 0) return;
  (void)take(at, '.');
  (void)take(at, ',');
  skip_blanks(at);
}

/* Two digits are a year from 1969 to 2068, as POSIX has them. */
static bool take_year(const char **at, bool short_too, int *year) {
  int digits = take_number(at, short_too ? 2 : 4, 4, year);
  if (digits == 2) *year += *year < 69 ? 2000 : 1900;
  return digits == 2 || digits == 4;
}

/* ---- times ---- */

static bool take_seconds(const char **at, double *out) {
  int seconds;
  double fraction = 0;
  if (!take_number(at, 2, 2, &seconds) || seconds > 59) return false;
  if ((**at == '.' || **at == ',') && is_digit((*at)[1])) {
    char text[BP_PLAIN_LONGEST + 8] = "0.";
    size_t n = 1;
    for (; is_digit((*at)[n]); n++) text[n + 1] = (*at)[n];
    (void)bp_number_parse(text, n + 1, &fraction);
    *at += n;
  }
  *out = seconds + fraction;
  return true;
}

/* AM, PM, a.m., p.m.: 1 or 2; 0: none of them. */
static int take_half(const char **at) {
  const char *p = *at;
  skip_blanks(&p);
  int half = lower(*p) == 'a' ? 1 : lower(*p) == 'p' ? 2 : 0;
  if (half == 0) return 0;
  p++;
  bool point = take(&p, '.');
  if (lower(*p) != 'm' || is_letter(p[1])) return 0;
  p++;
  if (point) (void)take(&p, '.');
  *at = p;
  return half;
}

/* 12:30, 12:30:45.25, 12:30 PM, 9 am */
static bool take_time(const char **at, parts *p) {
  int hour, minute = 0;
  double second = 0;
  if (!take_number(at, 1, 2, &hour)) return false;
  bool minutes = take(at, ':');
  if (minutes && (!take_number(at, 2, 2, &minute) || minute > 59)) return false;
  if (minutes && take(at, ':') && !take_seconds(at, &second)) return false;
  int half = take_half(at);
  if (half > 0 && (hour < 1 || hour > 12)) return false;
  if (half > 0) hour = hour % 12 + (half == 2 ? 12 : 0);
  if (hour > 23 || (!minutes && half == 0)) return false;
  p->has_time = true;
  p->time = hour * 3600 + minute * 60 + second;
  return true;
}

/* 1230, 123045 */
static bool take_compact_time(const char **at, parts *p) {
  int hour, minute, second = 0;
  if (!take_pair(at, &hour) || !take_pair(at, &minute) || hour > 23 || minute > 59) return false;
  if (is_digit(**at) && (!take_pair(at, &second) || second > 59)) return false;
  p->has_time = true;
  p->time = hour * 3600 + minute * 60 + second;
  return true;
}

/* Z, UTC, +02:00, +0200, +02; nothing is none. */
static bool take_zone(const char **at, parts *p) {
  static const char *const names[] = {"utc", "gmt"};
  int hours, minutes = 0;
  skip_blanks(at);
  char sign = **at;
  bool zulu = lower(sign) == 'z' && !is_letter((*at)[1]);
  p->has_zone = zulu || sign == '+' || sign == '-' || take_name(at, names, 2) > 0;
  if (zulu) return take(at, sign);
  if (sign != '+' && sign != '-') return true;
  ++*at;
  if (!take_pair(at, &hours)) return false;
  if (take(at, ':') ? !take_pair(at, &minutes) : is_digit(**at) && !take_pair(at, &minutes)) return false;
  p->offset = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
  return hours <= 14 && minutes <= 59;
}

/* ---- dates ---- */

/* 2024-03-01, 2024-03 */
static bool take_year_first(const char **at, parts *p) {
  p->separator = **at;
  if (!p->separator || !strchr("-/.", p->separator)) return false;
  ++*at;
  int digits = take_number(at, 1, 2, &p->date.month);
  if (digits == 0) return false;
  p->layout = BP_DATE_YEAR_FIRST;
  if (take(at, p->separator)) return take_number(at, 1, 2, &p->date.day) > 0;
  p->layout = BP_DATE_MONTH;
  p->date.day = 1;
  return digits == 2 && p->separator != '.' && p->date.year >= 1600 && p->date.year <= 2200 && !**at;
}

/* 20240301T1230 */
static bool take_compact(const char **at, parts *p) {
  int number;
  if (!take_number(at, 8, 8, &number) || !take(at, 'T')) return false;
  p->layout = BP_DATE_YEAR_FIRST;
  p->date = (bp_civil_date){number / 10000, number / 100 % 100, number % 100};
  return take_compact_time(at, p);
}

/* Behind the day: -Mar-2024, " March 2024", Mar2024 */
static bool take_named_rest(const char **at, parts *p) {
  (void)take(at, '.');
  char separator = **at;
  if (separator && strchr("-/ ", separator)) ++*at;
  p->layout = BP_DATE_NAMED;
  p->date.month = take_month(at);
  if (p->date.month == 0) return false;
  (void)take(at, ',');
  if (separator == '-' || separator == '/')
    (void)take(at, separator);
  else
    skip_blanks(at);
  return take_year(at, true, &p->date.year);
}

static void skip_ordinal(const char **at) {
  static const char *const ends[] = {"st", "nd", "rd", "th"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (lower((*at)[0]) == ends[i][0] && lower((*at)[1]) == ends[i][1] && !is_letter((*at)[2])) {
      *at += 2;
      return;
    }
}

/* 01.03.2024, 1/3/24, and days with a named month */
static bool take_day_first(const char **at, int digits, parts *p) {
  p->separator = **at;
  bool two = **at && strchr("/.-", **at) && is_digit((*at)[1]);
  if (!two) skip_ordinal(at);
  if (!two) return take_named_rest(at, p);
  ++*at;
  p->layout = BP_DATE_DAY_FIRST;
  int of_month = take_number(at, 1, 2, &p->date.month);
  if (of_month == 0 || !take(at, p->separator)) return false;
  bool short_too = p->separator == '/' || (p->separator == '.' && digits == 2 && of_month == 2);
  return take_year(at, short_too, &p->date.year);
}

/* Mar 1, 2024; Mar 2024; Mar 1 12:30:00 2024 */
static bool take_named_first(const char **at, parts *p) {
  int digits;
  p->date.month = take_month(at);
  if (p->date.month == 0) return false;
  if (!take(at, '-')) skip_blanks(at);
  p->layout = BP_DATE_MONTH;
  p->date.day = 1;
  if (take_year(at, false, &p->date.year)) return !**at;
  p->layout = BP_DATE_NAMED;
  digits = take_number(at, 1, 2, &p->date.day);
  if (digits == 0) return false;
  skip_ordinal(at);
  (void)(take(at, ',') || take(at, '-'));
  skip_blanks(at);
  const char *clock = *at;
  if (!take_time(&clock, p)) return take_year(at, false, &p->date.year);
  *at = clock;
  return take_zone(at, p) && (skip_blanks(at), take_year(at, false, &p->date.year));
}

static bool take_date(const char **at, parts *p) {
  int number;
  const char *start = *at;
  skip_weekday(at);
  if (is_letter(**at)) return take_named_first(at, p);
  int digits = take_number(at, 1, 4, &number);
  if (digits == 0) return *at == start && take_compact(at, p);
  p->date.year = p->date.day = number;
  if (digits == 4) return take_year_first(at, p);
  return digits <= 2 && take_day_first(at, digits, p);
}

/* A time behind a date, with its zone. */
static bool take_rest(const char **at, parts *p) {
  (void)take(at, ',');
  bool marked = take(at, 'T') || take(at, 't');
  if (!marked && **at != ' ') return false;
  skip_blanks(at);
  return take_time(at, p) && take_zone(at, p);
}

/* ---- a whole text ---- */

static bool is_in_order(const parts *p, bp_date_layout layout, bp_civil_date *date) {
  *date = p->date;
  if (layout == BP_DATE_MONTH_FIRST) {
    date->day = p->date.month;
    date->month = p->date.day;
  }
  return bp_civil_is_valid(*date);
}

static bool has_date(const parts *p) {
  bp_civil_date date;
  if (is_in_order(p, p->layout, &date)) return true;
  return p->layout == BP_DATE_DAY_FIRST && is_in_order(p, BP_DATE_MONTH_FIRST, &date);
}

static bool cut(const char *text, size_t size, parts *p) {
  bp_plain_text plain;
  *p = (parts){.layout = BP_DATE_NONE};
  if (!bp_plain_text_make(text, size, &plain) || !strpbrk(plain.text, "0123456789")) return false;
  const char *at = plain.text, *clock = plain.text;
  if (take_time(&clock, p) && !*clock) {
    p->layout = BP_DATE_TIME;
    return true;
  }
  *p = (parts){.layout = BP_DATE_NONE};
  if (!take_date(&at, p) || !has_date(p)) return false;
  if (!*at) return true;
  return p->has_time ? take_zone(&at, p) && !*at : take_rest(&at, p) && !*at;
}

bool bp_date_is_any(const char *text, size_t size) {
  parts p;
  return cut(text, size, &p);
}

bool bp_date_is_missing(const char *text, size_t size) {
  static const char none[] = "0000-00-00";
  bp_plain_text plain;
  if (bp_is_missing_mark(text, size)) return true;
  if (!bp_plain_text_make(text, size, &plain) || strncmp(plain.text, none, sizeof none - 1) != 0) return false;
  return plain.text[strspn(plain.text, "-0:. T")] == '\0';
}

bool bp_date_form_read(const bp_date_form *form, const char *text, size_t size, double *seconds) {
  parts p;
  bp_civil_date date;
  if (!cut(text, size, &p)) return false;
  bool open = p.layout == BP_DATE_DAY_FIRST && form->layout == BP_DATE_MONTH_FIRST;
  if (p.layout != form->layout && !open) return false;
  if (p.layout == BP_DATE_TIME) {
    *seconds = p.time;
    return true;
  }
  if (!is_in_order(&p, form->layout, &date) || (p.has_time && p.has_zone != form->zone)) return false;
  *seconds = (double)(bp_days_of(date) * BP_DAY_SECONDS - (int64_t)p.offset * 60) + p.time;
  return bp_instant_is_valid(*seconds);
}

/* ---- the form ---- */

const char *bp_date_layout_name(bp_date_layout layout) {
  static const char *const names[BP_DATE_LAYOUTS] = {"",      "year first", "day first", "month first", "named month",
                                                     "month", "time"};
  return (unsigned)layout < BP_DATE_LAYOUTS ? names[layout] : "";
}

static void add_order(bp_date_evidence *e, const parts *p) {
  bp_civil_date date;
  bool day_first = is_in_order(p, BP_DATE_DAY_FIRST, &date), month_first = is_in_order(p, BP_DATE_MONTH_FIRST, &date);
  e->day_first += day_first && !month_first;
  e->month_first += month_first && !day_first;
  if (e->texts[BP_DATE_DAY_FIRST] == 1) {
    e->front = p->date.day;
    e->middle = p->date.month;
  }
  e->front_varies |= p->date.day != e->front;
  e->middle_varies |= p->date.month != e->middle;
  e->points |= p->separator == '.';
  e->no_points |= p->separator != '.';
}

bool bp_date_evidence_add(bp_date_evidence *e, const char *text, size_t size) {
  parts p;
  if (!cut(text, size, &p)) return false;
  e->texts[p.layout]++;
  if (p.layout == BP_DATE_DAY_FIRST) add_order(e, &p);
  if (p.layout == BP_DATE_MONTH) e->no_school_year |= p.date.month != (p.date.year + 1) % 100;
  if (!p.has_time || p.layout == BP_DATE_TIME) return true;
  e->times = true;
  e->zoned += p.has_zone;
  e->without_zone += !p.has_zone;
  return true;
}

/* Of dates with the year behind: what can be only one decides; a number that is the same everywhere is the day of dates that
 * come once a month; with points the day is in front everywhere. */
static bp_date_layout find_order(const bp_date_evidence *e, bool *open) {
  if (e->day_first != e->month_first) return e->day_first > e->month_first ? BP_DATE_DAY_FIRST : BP_DATE_MONTH_FIRST;
  if (e->day_first == 0 && e->front_varies != e->middle_varies)
    return e->middle_varies ? BP_DATE_DAY_FIRST : BP_DATE_MONTH_FIRST;
  if (e->day_first == 0 && e->points && !e->no_points) return BP_DATE_DAY_FIRST;
  *open = true;
  return BP_DATE_NONE;
}

bp_date_form bp_date_evidence_form(const bp_date_evidence *e, bool *open) {
  bp_date_form form = {.zone = e->zoned > e->without_zone};
  int most = BP_DATE_NONE;
  *open = false;
  for (int layout = BP_DATE_NONE + 1; layout < BP_DATE_LAYOUTS; layout++)
    if (e->texts[layout] > e->texts[most]) most = layout;
  form.layout = (bp_date_layout)most;
  if (most == BP_DATE_DAY_FIRST) form.layout = find_order(e, open);
  if (most == BP_DATE_MONTH && !e->no_school_year) form.layout = BP_DATE_NONE; /* 2001-02, 2002-03: of two years */
  return form;
}

const char *bp_date_form_text(const bp_date_form *form, const bp_date_evidence *e, char text[BP_DATE_FORM_TEXT]) {
  static const char *const how[BP_DATE_LAYOUTS] = {"", " (ISO 8601)", " (day first)", " (month first)", "", "", ""};
  const char *zone = form->zone ? ", in UTC" : "";
  const char *what = form->layout == BP_DATE_TIME    ? "times of day"
                     : form->layout == BP_DATE_MONTH ? "months"
                     : e->times                      ? "dates and times"
                                                     : "dates";
  bool usual = form->layout == BP_DATE_DAY_FIRST && e->day_first == 0 && e->front_varies == e->middle_varies;
  (void)snprintf(text, BP_DATE_FORM_TEXT, "%s%s%s", what,
                 usual ? " (day first, as is usual with points)" : how[form->layout], zone);
  return text;
}
