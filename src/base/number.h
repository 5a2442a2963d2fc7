/* base/number.h - numbers in text, the same in every locale, exact to the last bit. */
#ifndef BP_BASE_NUMBER_H
#define BP_BASE_NUMBER_H
#include <stdbool.h>
#include <stddef.h>

/* The number that all of text[0 .. size) spells: decimal digits with an optional sign, point and exponent, or inf,
 * infinity, nan in any case. The double nearest to it, ties to even. False (*out untouched) for anything else: blanks,
 * hexadecimal, more than 1024 characters. */
bool bp_number_parse(const char *text, size_t size, double *out);

/* Room for any number in text, its NUL included. */
#define BP_NUMBER_TEXT 32
/* The number in 15 significant digits if they read back as the same number, else in 16 or 17, without trailing zeros: "1",
 * "0.1", "1e+300", "nan", "-inf". Returns text. */
const char *bp_number_text(double value, char text[BP_NUMBER_TEXT]);
/* The number as printf writes it by %.*g with 1 to 17 digits, with a point in every locale. Returns text. */
const char *bp_number_digits(double value, int digits, char text[BP_NUMBER_TEXT]);

#endif
