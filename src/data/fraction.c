/* fraction.c - sign, whole number, and a fraction of two numbers or of one character. Floor: data. */
#include "data/fraction.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Up to nine digits, which are exact. */
static bool take_digits(const char **at, double *value) {
  const char *start = *at;
  *value = 0;
  while (is_digit(**at)) *value = 10 * *value + (*(*at)++ - '0');
  return *at > start && *at - start <= 9;
}

/* The fractions that are one character. */
static bool take_character(const char **at, double *value) {
  static const struct {
    const char *text;
    double over, under;
  } rows[] = {{"¼", 1, 4}, {"½", 1, 2}, {"¾", 3, 4}, {"⅓", 1, 3}, {"⅔", 2, 3}, {"⅕", 1, 5}, {"⅖", 2, 5}, {"⅗", 3, 5},
              {"⅘", 4, 5}, {"⅙", 1, 6}, {"⅚", 5, 6}, {"⅛", 1, 8}, {"⅜", 3, 8}, {"⅝", 5, 8}, {"⅞", 7, 8}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t size = strlen(rows[i].text);
    if (strncmp(*at, rows[i].text, size) != 0) continue;
    *at += size;
    *value = rows[i].over / rows[i].under;
    return true;
  }
  return false;
}

/* "1/2", and only that. */
static bool take_quotient(const char **at, double *value) {
  double over, under;
  if (!take_digits(at, &over) || *(*at)++ != '/' || !take_digits(at, &under) || under == 0) return false;
  *value = over / under;
  return true;
}

bp_fraction bp_fraction_read(const char *text, double *value) {
  bool negative = *text == '-';
  double whole = 0, part = 0;
  const char *at = text + (*text == '-' || *text == '+'), *start = at;
  if (take_quotient(&at, &part)) {
    if (*at) return BP_FRACTION_NONE;
    *value = negative ? -part : part;
    return BP_FRACTION_MAYBE;
  }
  at = start;
  if (take_digits(&at, &whole) && *at == ' ') at++;
  bool certain = take_character(&at, &part) || (at > start && at[-1] == ' ' && take_quotient(&at, &part) && part < 1);
  if (!certain || *at) return BP_FRACTION_NONE;
  *value = negative ? -(whole + part) : whole + part;
  return BP_FRACTION_CERTAIN;
}
