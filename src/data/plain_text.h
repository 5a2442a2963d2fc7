/* data/plain_text.h - a cell in plain signs: other signs for the same thing become those of ASCII.
 *
 * A minus of Unicode becomes '-'; full-width signs and the decimal digits of other scripts become ASCII's, and the Arabic separators
 * '.' and '\''; blanks of any width become ' ', and those at both ends are left out. What spreadsheets put around a
 * text that they shall not change goes too: ="12" and '12 are 12.
 */
#ifndef BP_DATA_PLAIN_TEXT_H
#define BP_DATA_PLAIN_TEXT_H
#include <stdbool.h>
#include <stddef.h>

/* Longer texts are no numbers. */
enum { BP_PLAIN_LONGEST = 120 };

typedef struct bp_plain_text {
  char text[BP_PLAIN_LONGEST + 8]; /* ends with a NUL */
  size_t size;
} bp_plain_text;

/* False: the text is too long, or no UTF-8. */
bool bp_plain_text_make(const char *text, size_t size, bp_plain_text *out);

#endif
