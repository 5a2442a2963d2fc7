/* number_disguise.c - a sign that numbers have not, with a number behind it, or between two. Floor: data. */
#include "data/number_disguise.h"

#include <string.h>

#include "base/number.h"
#include "data/plain_text.h"

static const struct {
  const char *what, *advice;
  bool may_name;
} disguises[BP_DISGUISES] = {
    [BP_DISGUISE_ERROR] = {"a number with its error behind it", "give the error a column of its own", false},
    [BP_DISGUISE_BOUND] = {"a bound, or nearly a number", "write the number that is meant", true},
    [BP_DISGUISE_COUNT_OF] = {"a number with a sign for numbering in front",
                              "leave the sign out if it counts or measures", true},
    [BP_DISGUISE_QUOTIENT] = {"two numbers parted by '/'",
                              "write a fraction as a decimal number, and two values in two columns", true},
};

const char *bp_disguise_text(bp_disguise disguise) { return disguises[disguise].what; }
const char *bp_disguise_advice(bp_disguise disguise) { return disguises[disguise].advice; }
bool bp_disguise_may_name(bp_disguise disguise) { return disguises[disguise].may_name; }

/* A number with blanks around it, and a decimal point or comma. */
static bool is_number(const char *text, size_t size) {
  char copy[BP_PLAIN_LONGEST + 8];
  double value;
  while (size > 0 && *text == ' ') text++, size--;
  while (size > 0 && text[size - 1] == ' ') size--;
  for (size_t i = 0; i < size; i++) copy[i] = (char)(text[i] == ',' ? '.' : text[i]);
  return size > 0 && strchr("+-.0123456789", copy[0]) && bp_number_parse(copy, size, &value);
}

/* The length of the first of these texts that stands at the place; 0: none does. */
static size_t mark_at(const char *text, const char *const *marks) {
  for (; *marks; marks++)
    if (strncmp(text, *marks, strlen(*marks)) == 0) return strlen(*marks);
  return 0;
}

static bool is_behind(const bp_plain_text *t, const char *const *marks) {
  size_t mark = mark_at(t->text, marks);
  return mark > 0 && is_number(t->text + mark, t->size - mark);
}

/* A number, one of the marks, and a number. */
static bool is_between(const bp_plain_text *t, const char *const *marks) {
  for (size_t i = 1; i < t->size; i++) {
    size_t mark = mark_at(t->text + i, marks);
    if (mark > 0 && is_number(t->text, i) && is_number(t->text + i + mark, t->size - i - mark)) return true;
  }
  return false;
}

bp_disguise bp_number_disguise(const char *text, size_t size) {
  static const char *const errors[] = {"±", "+/-", "+-", NULL}, *const quotients[] = {"/", NULL},
                           *const bounds[] = {"<=", ">=", "<", ">", "≤", "≥", "~", "≈", "±", NULL},
                           *const counts[] = {"#", "№", NULL};
  bp_plain_text plain;
  if (!bp_plain_text_make(text, size, &plain)) return BP_DISGUISE_NONE;
  if (is_between(&plain, errors)) return BP_DISGUISE_ERROR;
  if (is_behind(&plain, bounds)) return BP_DISGUISE_BOUND;
  if (is_behind(&plain, counts)) return BP_DISGUISE_COUNT_OF;
  return is_between(&plain, quotients) ? BP_DISGUISE_QUOTIENT : BP_DISGUISE_NONE;
}
