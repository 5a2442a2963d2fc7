/* base/text.h - text that came from outside: what is UTF-8, and what may stand in a one-line message. */
#ifndef BP_BASE_TEXT_H
#define BP_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>

#include "backprop/context.h" /* bp_text_clean() */

/* Bytes (1 to 4) of the UTF-8 character that starts at text[0], of `size` bytes; 0 when the bytes are no character:
 * a stray or missing continuation, an overlong form, a surrogate, a code beyond U+10FFFF, or size 0. */
size_t bp_utf8_length(const char *text, size_t size);
/* Whether all of `size` bytes are UTF-8. */
bool bp_utf8_valid(const char *text, size_t size);

#endif
