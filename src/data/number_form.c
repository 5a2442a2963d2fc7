/* data/number_form.c - numbers with units and separators, and marks for missing ones. Floor: data.
 *
 * A text is first put into plain signs (plain_text.h), then cut into sign, prefix, digits with separators, and
 * suffix. Nothing here is on the way of plain numbers: those the readers take with bp_number_parse() alone.
 */
#include "data/number_form.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "data/fraction.h"
#include "data/plain_text.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

/* ---- missing values ---- */

bool bp_is_missing_mark(const char *text, size_t size) {
  static const char *const marks[] = {
      "",        "na",      "n/a",   "n.a.",   "n.a",          "#n/a",         "#n/a n/a", "#na",
      "<na>",    "nan",     "-nan",  "+nan",   "nat",          "null",         "(null)",   "none",
      "nil",     "missing", "\\n",   "-",      "--",           "---",          ".",        "..",
      "...",     "?",       "??",    "*",      "\xE2\x80\x94", "\xE2\x80\xA6", "#div/0!",  "#value!",
      "#ref!",   "#name?",  "#num!", "#null!", "1.#ind",       "-1.#ind",      "1.#qnan",  "-1.#qnan",
      "1.#snan", "-1.#snan"};
  bp_plain_text plain;
  if (!bp_plain_text_make(text, size, &plain)) return false;
  for (size_t i = 0; i < plain.size; i++) plain.text[i] = lower(plain.text[i]);
  for (size_t m = 0; m < sizeof marks / sizeof *marks; m++)
    if (strcmp(plain.text, marks[m]) == 0) return true;
  return false;
}

/* ---- the parts of a number ---- */

typedef struct parts {
  bool negative, brackets;
  char prefix[BP_UNIT_TEXT], suffix[BP_UNIT_TEXT];
  const char *core; /* digits, separators and exponent */
  size_t size;
} parts;

static bool copy_unit(char unit[BP_UNIT_TEXT], const char *text, const char *end) {
  while (text < end && *text == ' ') text++;
  while (end > text && end[-1] == ' ') end--;
  size_t size = (size_t)(end - text);
  if (size >= BP_UNIT_TEXT) return false;
  memcpy(unit, text, size);
  unit[size] = '\0';
  return true;
}

static bool starts_number(const char *at) { return is_digit(*at) || (*at == '.' && is_digit(at[1])); }

static bool take_sign(const char **at, parts *p) {
  if (**at != '-' && **at != '+') return false;
  p->negative ^= *(*at)++ == '-';
  while (**at == ' ') ++*at;
  return true;
}

/* Behind 'e' or 'd' come a sign and digits, and then no letter. */
static const char *skip_exponent(const char *at) {
  const char *start = at;
  if (!strchr("eEdD", *at) || !*at) return start;
  at++;
  if (*at == '+' || *at == '-') at++;
  if (!is_digit(*at)) return start;
  while (is_digit(*at)) at++;
  return at;
}

static bool three_digits(const char *at) {
  return is_digit(at[0]) && is_digit(at[1]) && is_digit(at[2]) && !is_digit(at[3]);
}

/* What a digit is worth, in bases up to 16. */
static int digit_value(char c) {
  c = lower(c);
  return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* 16, 8 or 2 for 0x1f, 0o17 and 0b101, of which a digit is there; else 0. */
static int radix_of(const char *at) {
  char mark = at[0] == '0' ? lower(at[1]) : '\0';
  int radix = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  return radix > 0 && digit_value(at[2]) < radix ? radix : 0;
}

static const char *skip_core(const char *at) {
  int radix = radix_of(at);
  if (radix > 0) {
    at += 2;
    while (digit_value(*at) < radix) at++;
    return at;
  }
  while (is_digit(*at) || (*at && strchr(",.'_", *at) && is_digit(at[1])) || (*at == ' ' && three_digits(at + 1))) at++;
  if (*at == '.' && is_digit(at[-1])) at++; /* "5." */
  return skip_exponent(at);
}

static bool has_digit(const char *text) {
  while (*text && !is_digit(*text)) text++;
  return *text != '\0';
}

/* Cuts plain->text, of which it takes the brackets away. */
static bool cut(bp_plain_text *plain, parts *p) {
  const char *at = plain->text;
  *p = (parts){0};
  if (plain->size > 2 && *at == '(' && plain->text[plain->size - 1] == ')') {
    plain->text[--plain->size] = '\0';
    at++;
    p->brackets = p->negative = true;
  }
  const char *end = plain->text + plain->size;
  bool sign = take_sign(&at, p);
  const char *start = at;
  while (*at && !starts_number(at) && *at != '-' && *at != '+') at++;
  if (!*at || !copy_unit(p->prefix, start, at)) return false;
  if (take_sign(&at, p) && (sign || at == start)) return false;
  if (!starts_number(at)) return false;
  p->core = at;
  at = skip_core(at);
  p->size = (size_t)(at - p->core);
  if (at[0] == '-' && !at[1] && !sign) return p->negative = true; /* 5- */
  return copy_unit(p->suffix, at, end) && !has_digit(p->suffix) && !strpbrk(p->suffix, "-+(<>=");
}

/* ---- reading ---- */

/* Whether the groups of digits of text[0 .. size) are as long as between thousands: 1 to 3, then 2 or 3, at last 3. */
static bool groups_fit(const char *text, size_t size, char separator) {
  size_t run = 0;
  bool first = true;
  for (size_t i = 0; i < size; i++) {
    if (is_digit(text[i])) {
      run++;
    } else if (text[i] != separator || run < (first ? 1 : 2) || run > 3) {
      return false;
    } else {
      first = false;
      run = 0;
    }
  }
  return first || run == 3;
}

static bool read_in_radix(const parts *p, int radix, double *out) {
  double value = 0;
  if (radix_of(p->core) != radix) return false;
  for (size_t i = 2; i < p->size; i++) value = value * radix + digit_value(p->core[i]);
  *out = p->negative ? -value : value;
  return true;
}

static bool read_core(const bp_number_form *form, const parts *p, double *out) {
  char text[BP_PLAIN_LONGEST + 8], point = form->decimal ? form->decimal : '.';
  size_t size = 0, whole = 0;
  while (whole < p->size && p->core[whole] != point && !strchr("eEdD", p->core[whole])) whole++;
  bool grouped = form->thousands && memchr(p->core, form->thousands, whole);
  if (grouped && !groups_fit(p->core, whole, form->thousands)) return false;
  for (size_t i = 0; i < p->size; i++) {
    char c = p->core[i];
    if (grouped && i < whole && c == form->thousands) continue;
    if (c == point)
      c = '.';
    else if (c == '.' || c == ',')
      return false;
    else if (lower(c) == 'd' && form->fortran)
      c = 'e';
    text[size++] = c;
  }
  if (!bp_number_parse(text, size, out)) return false;
  if (p->negative) *out = -*out;
  return true;
}

bool bp_number_form_read(const bp_number_form *form, const char *text, size_t size, double *out) {
  bp_plain_text plain;
  parts p;
  if (bp_number_form_is_plain(form) && bp_number_parse(text, size, out)) return true;
  if (!bp_plain_text_make(text, size, &plain)) return false;
  if (form->fractions && bp_fraction_read(plain.text, out) != BP_FRACTION_NONE) return true;
  if (!cut(&plain, &p)) return false;
  if (strcmp(p.prefix, form->prefix) != 0 || strcmp(p.suffix, form->suffix) != 0) return false;
  if (p.brackets && !form->brackets) return false;
  return form->radix > 0 ? read_in_radix(&p, form->radix, out) : read_core(form, &p, out);
}

/* ---- the form ---- */

bool bp_number_form_equal(const bp_number_form *a, const bp_number_form *b) {
  return strcmp(a->prefix, b->prefix) == 0 && strcmp(a->suffix, b->suffix) == 0 && a->decimal == b->decimal &&
         a->thousands == b->thousands && a->radix == b->radix && a->fortran == b->fortran &&
         a->brackets == b->brackets && a->fractions == b->fractions;
}

bool bp_number_form_is_plain(const bp_number_form *form) {
  static const bp_number_form plain;
  return bp_number_form_equal(form, &plain);
}

const char *bp_number_radix(size_t i, int *radix) {
  static const struct {
    const char *name;
    int radix;
  } radices[] = {{"hexadecimal", 16}, {"octal", 8}, {"binary", 2}};
  if (i >= sizeof radices / sizeof *radices) return NULL;
  *radix = radices[i].radix;
  return radices[i].name;
}

static bool is_listed(const char *unit, const char *const *list) {
  for (; *list; list++)
    if (strcmp(unit, *list) == 0) return true;
  return false;
}

#define CURRENCIES                                                                                                     \
  "$", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5", "\xE2\x82\xB9", "\xE2\x82\xBD", "\xE2\x82\xA9", "\xE2\x82\xBA",         \
      "\xC2\xA2", "US$", "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN",    \
      "Rs", "Rs.", "kr"
static const char *const prefixes[] = {"", CURRENCIES, NULL};
/* ‰, °, °C, °F */
static const char *const suffixes[] = {"", "%", "\xE2\x80\xB0", "\302\260", "\302\260C", "\302\260F", CURRENCIES, NULL};

bool bp_number_form_is_certain(const bp_number_form *form) {
  return is_listed(form->prefix, prefixes) && is_listed(form->suffix, suffixes);
}

bool bp_number_form_may_be(const bp_number_form *form) { return is_listed(form->prefix, prefixes); }

const char *bp_number_form_text(const bp_number_form *form, char text[BP_FORM_TEXT]) {
  const char *decimal = form->decimal == ',' ? "a decimal comma" : "";
  char front[48] = "", behind[48] = "", between[40] = "";
  if (form->prefix[0]) (void)snprintf(front, sizeof front, "'%s' in front", form->prefix);
  if (form->suffix[0]) (void)snprintf(behind, sizeof behind, "'%s' behind", form->suffix);
  if (form->thousands) (void)snprintf(between, sizeof between, "'%c' between thousands", form->thousands);
  const char *pieces[] = {front,
                          behind,
                          between,
                          decimal,
                          form->radix == 16  ? "hexadecimal"
                          : form->radix == 8 ? "octal"
                          : form->radix == 2 ? "binary"
                                             : "",
                          form->fortran ? "'d' for the exponent" : "",
                          form->brackets ? "brackets for a minus" : "",
                          form->fractions ? "with fractions" : ""};
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    if (pieces[i][0])
      used += (size_t)snprintf(text + used, BP_FORM_TEXT - used, "%s%s", used > 0 ? ", " : "", pieces[i]);
  return text;
}

/* ---- evidence ---- */

static void vote(bp_form_evidence *e, const parts *p) {
  bool same = strcmp(p->prefix, e->unit.prefix) == 0 && strcmp(p->suffix, e->unit.suffix) == 0;
  if (!same && e->votes == 0) {
    memcpy(e->unit.prefix, p->prefix, sizeof p->prefix);
    memcpy(e->unit.suffix, p->suffix, sizeof p->suffix);
    same = true;
  }
  e->votes += same ? 1 : -1;
}

/* Digits with several of one separator, and not as between thousands, are no number in any form: "1.2.3", "10.0.0.1". */
static bool is_no_number(const char *text, size_t size, char separator, int separators) {
  return separators > 1 && !groups_fit(text, size, separator);
}

/* What the commas of digits mean, where no point stands among them. */
static void judge_commas(bp_form_evidence *e, const char *text, size_t size, int commas) {
  if (!groups_fit(text, size, ',') || (commas == 1 && text[0] == '0'))
    e->comma_decimal = true;
  else if (commas > 1)
    e->comma_thousands = true;
  else
    e->comma_either = true;
}

/* And its points, likewise. */
static void judge_points(bp_form_evidence *e, const char *text, size_t size, int points) {
  if (points > 1)
    e->point_thousands = true;
  else if (groups_fit(text, size, '.') && text[0] != '0')
    e->point_either = true;
  else
    e->point_decimal = true;
}

/* Whether they can be told. */
static bool judge_separators(bp_form_evidence *e, const parts *p) {
  int commas = 0, points = 0;
  size_t size = 0;
  char last = '\0', other = '\0';
  for (; size < p->size && !strchr("eEdD", p->core[size]); size++) {
    char c = p->core[size];
    commas += c == ',';
    points += c == '.';
    if (c == ',' || c == '.') last = c;
    if (strchr("'_ ", c)) other = c;
  }
  if (points == 0 && is_no_number(p->core, size, ',', commas)) return false;
  if (commas == 0 && is_no_number(p->core, size, '.', points)) return false;
  if (size < p->size && lower(p->core[size]) == 'd') e->fortran = true;
  if (other) e->other_thousands = other;
  if (!last && !other && size <= 3) e->bare = true;
  if (commas > 0 && points == 0) judge_commas(e, p->core, size, commas);
  if (points > 0 && commas == 0) judge_points(e, p->core, size, points);
  if (commas == 0 || points == 0) return true;
  if (last == '.')
    e->point_decimal = e->comma_thousands = true;
  else
    e->comma_decimal = e->point_thousands = true;
  return true;
}

bool bp_form_evidence_add(bp_form_evidence *e, const char *text, size_t size) {
  bp_plain_text plain;
  parts p;
  double value;
  if (!bp_plain_text_make(text, size, &plain)) return false;
  bp_fraction fraction = bp_fraction_read(plain.text, &value);
  e->fractions |= fraction == BP_FRACTION_CERTAIN;
  if (fraction != BP_FRACTION_NONE) return true;
  if (!cut(&plain, &p)) return false;
  int radix = p.size > 2 ? radix_of(p.core) : 0;
  if (radix > 0)
    e->radix = radix;
  else if (!judge_separators(e, &p))
    return false;
  vote(e, &p);
  e->brackets |= p.brackets;
  return true;
}

bool bp_form_evidence_is_open(const bp_form_evidence *e) {
  return e->comma_either && !e->comma_decimal && !e->comma_thousands && !e->point_decimal && !e->point_thousands &&
         !e->bare;
}

bool bp_form_evidence_form(const bp_form_evidence *e, char decimal, char thousands, bp_number_form *out) {
  bool comma = e->comma_decimal || e->point_thousands, point = e->point_decimal || e->comma_thousands;
  bool said = decimal || thousands == ',' || thousands == '.';
  if (said) comma = decimal ? decimal == ',' : thousands == '.';
  char found = comma ? (char)(e->point_thousands || e->point_either ? '.' : 0)
                     : (char)(e->comma_thousands || e->comma_either ? ',' : 0);
  *out = e->unit;
  out->decimal = comma ? ',' : 0;
  out->thousands = thousands ? thousands : found ? found : e->other_thousands;
  out->radix = e->radix;
  out->fractions = e->fractions;
  out->fortran = e->fortran;
  out->brackets = e->brackets;
  return said || !(comma && point);
}

/* Whether a text is a number in the form that it speaks for by itself. */
static bool is_number_alone(const char *text, size_t size, bp_number_form *form) {
  bp_form_evidence e = {0};
  double value;
  return bp_form_evidence_add(&e, text, size) && bp_form_evidence_form(&e, 0, 0, form) &&
         bp_number_form_read(form, text, size, &value);
}

bool bp_number_has_unit(const char *text, size_t size) {
  static const char *const units[] = {"kg", "mg",  "lb",  "lbs", "oz",   "km", "cm", "mm", "mi", "ft",
                                      "in", "ms",  "min", "hr",  "kB",   "KB", "MB", "GB", "TB", "kW",
                                      "Hz", "kHz", "ml",  "mph", "km/h", "g",  "k",  NULL};
  bp_number_form form;
  bp_plain_text plain;
  parts p;
  if (!is_number_alone(text, size, &form)) return false;
  if (!bp_plain_text_make(text, size, &plain) || !cut(&plain, &p) || !is_listed(p.prefix, prefixes)) return false;
  return is_listed(p.suffix, suffixes) || is_listed(p.suffix, units) || p.core[p.size] == ' ';
}

bool bp_number_is_likely(const char *text, size_t size) {
  bp_number_form form;
  double value;
  return bp_number_parse(text, size, &value) ||
         (is_number_alone(text, size, &form) && bp_number_form_is_certain(&form));
}
