/* base/number.c - numbers in text and back.
 *
 * Nearly every number in a data file has at most 19 digits and a small exponent. Such a one is an integer times a power of
 * ten that fits 128 bits together, so it is rounded here, exactly and fast (for up to 15 digits as in Clinger, "How to
 * read floating point numbers accurately", 1990). The rest is left to strtod, which is exact too but slow, and wants the
 * decimal point of the locale.
 */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/target.h"

enum { LONGEST = 1024, DIGITS = 19, EXPONENT_CAP = 100000, POINT_ROOM = 16 };

/* digits * 10^exponent. */
typedef struct decimal {
  uint64_t digits;
  int exponent;
  int used, dropped; /* significant digits in `digits`; those behind that did not fit */
  bool negative;
  bool inexact; /* a dropped digit was not zero */
} decimal;

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* ---- scanning ---- */

/* Takes a run of digits; returns its end. */
static const char *scan_digits(const char *at, const char *end, decimal *d) {
  for (; at < end && is_digit(*at); at++) {
    if (d->used < DIGITS) {
      d->digits = d->digits * 10 + (uint64_t)(*at - '0');
      d->used += d->digits != 0; /* leading zeros take no room */
    } else {
      d->dropped++;
      d->inexact |= *at != '0';
    }
  }
  return at;
}

/* Takes what stands behind the 'e'; NULL if it is no whole number. */
static const char *scan_exponent(const char *at, const char *end, int *exponent) {
  bool negative = false;
  int value = 0;
  if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
  if (at == end || !is_digit(*at)) return NULL;
  for (; at < end && is_digit(*at); at++)
    if (value < EXPONENT_CAP) value = value * 10 + (*at - '0');
  *exponent = negative ? -value : value;
  return at;
}

static bool scan(const char *at, const char *end, decimal *d) {
  const char *start;
  ptrdiff_t whole, part = 0;
  if (at < end && (*at == '+' || *at == '-')) d->negative = *at++ == '-';
  start = at;
  at = scan_digits(at, end, d);
  whole = at - start;
  if (at < end && *at == '.') {
    start = at + 1;
    at = scan_digits(start, end, d);
    part = at - start;
  }
  if (whole + part == 0) return false;
  if (at < end && (*at == 'e' || *at == 'E')) at = scan_exponent(at + 1, end, &d->exponent);
  d->exponent += d->dropped - (int)part;
  return at == end;
}

/* inf, infinity and nan in any case, with a sign. */
static bool scan_word(const char *at, size_t size, double *out) {
  static const struct {
    const char *word;
    double value;
  } words[] = {{"inf", (double)INFINITY}, {"infinity", (double)INFINITY}, {"nan", (double)NAN}};
  bool negative = size > 0 && *at == '-';
  if (size > 0 && (*at == '+' || *at == '-')) {
    at++;
    size--;
  }
  for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
    size_t i = 0;
    while (i < size && words[w].word[i] == (at[i] | 0x20)) i++;
    if (i < size || words[w].word[i]) continue;
    *out = negative ? -words[w].value : words[w].value;
    return true;
  }
  return false;
}

/* ---- rounding ---- */

static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { TENS = sizeof ten / sizeof *ten };

/* Both factors are exact, so that the one rounding is the right one. */
static bool round_small(const decimal *d, double *out) {
  if (d->digits >> 53 || d->exponent <= -TENS || d->exponent >= TENS) return false;
  double value = (double)d->digits;
  *out = d->exponent < 0 ? value / ten[-d->exponent] : value * ten[d->exponent];
  return true;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

/* 5^27 < 2^63 */
static const uint64_t five[] = {1u,
                                5u,
                                25u,
                                125u,
                                625u,
                                3125u,
                                15625u,
                                78125u,
                                390625u,
                                1953125u,
                                9765625u,
                                48828125u,
                                244140625u,
                                1220703125u,
                                6103515625u,
                                30517578125u,
                                152587890625u,
                                762939453125u,
                                3814697265625u,
                                19073486328125u,
                                95367431640625u,
                                476837158203125u,
                                2384185791015625u,
                                11920928955078125u,
                                59604644775390625u,
                                298023223876953125u,
                                1490116119384765625u,
                                7450580596923828125u};
enum { FIVES = sizeof five / sizeof *five };

static int bit_length(u128 n) {
  uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;
  return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
}

/* n * 2^exponent to the nearest double, ties to even; `more` tells of a rest below n's last bit, and then n has at least 54
 * bits. The result is far from both ends of the range. */
static double round_u128(u128 n, int exponent, bool more) {
  int shift = bit_length(n) - 53;
  if (shift > 0) {
    u128 half = (u128)1 << (shift - 1), rest = n & ((half << 1) - 1);
    n >>= shift;
    exponent += shift;
    if (rest > half || (rest == half && (more || (n & 1)))) n++;
  }
  return ldexp((double)(uint64_t)n, exponent);
}

/* digits * 5^e * 2^e as one integer, or as a quotient of at least 64 bits and whether there is a rest. */
static bool round_medium(const decimal *d, double *out) {
  int e = d->exponent;
  if (d->inexact || e <= -FIVES || e >= FIVES) return false;
  if (e >= 0) {
    *out = round_u128((u128)d->digits * five[e], e, false);
    return true;
  }
  int shift = 128 - bit_length(d->digits);
  u128 numerator = (u128)d->digits << shift, divisor = five[-e];
  u128 quotient = numerator / divisor;
  *out = round_u128(quotient, e - shift, quotient * divisor != numerator);
  return true;
}
#else
static bool round_medium(const decimal *d, double *out) {
  (void)d;
  (void)out;
  return false;
}
#endif

/* size <= LONGEST, and scan() liked the text. */
static double round_any(const char *text, size_t size) {
  char copy[LONGEST + POINT_ROOM + 1];
  const char *point = localeconv()->decimal_point, *dot = memchr(text, '.', size);
  size_t point_size = strlen(point);
  if (dot && point_size <= POINT_ROOM) {
    size_t before = (size_t)(dot - text);
    memcpy(copy, text, before);
    memcpy(copy + before, point, point_size);
    memcpy(copy + before + point_size, dot + 1, size - before - 1);
    size += point_size - 1;
  } else {
    memcpy(copy, text, size);
  }
  copy[size] = '\0';
  return strtod(copy, NULL);
}

/* ---- public ---- */

bool bp_number_parse(const char *text, size_t size, double *out) {
  decimal d = {0};
  double value;
  if (size > LONGEST) return false;
  if (!scan(text, text + size, &d)) return scan_word(text, size, out);
  if (d.digits == 0)
    value = 0;
  else if (d.inexact || (!round_small(&d, &value) && !round_medium(&d, &value)))
    return *out = round_any(text, size), true;
  *out = d.negative ? -value : value;
  return true;
}

const char *bp_number_digits(double value, int digits, char text[BP_NUMBER_TEXT]) {
  const char *point = localeconv()->decimal_point;
  (void)snprintf(text, BP_NUMBER_TEXT, "%.*g", digits, value);
  char *found = *point ? strstr(text, point) : NULL;
  if (found) {
    *found = '.';
    memmove(found + 1, found + strlen(point), strlen(found + strlen(point)) + 1);
  }
  return text;
}

const char *bp_number_text(double value, char text[BP_NUMBER_TEXT]) {
  double back = 0;
  if (isnan(value)) return memcpy(text, "nan", sizeof "nan");
  for (int digits = 15; digits <= 17; digits++) {
    (void)bp_number_digits(value, digits, text);
    if (bp_number_parse(text, strlen(text), &back) && back == value) break;
  }
  return text;
}
