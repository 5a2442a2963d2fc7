/* support/json_edit.h - JSON texts with something in them changed. Without memory, and for a text that is no JSON, the test fails. */
#ifndef BT_JSON_EDIT_H
#define BT_JSON_EDIT_H
#include "backprop/json.h"

/* NEW tree. bp_json_free() */
bp_json *bt_json(const char *text);
/* NEW text of a tree. free() */
char *bt_json_dump(const bp_json *value);
/* NEW text as a JSON text, in quotes. free() */
char *bt_json_quoted(const char *text);

/* NEW text in which the value at `path`, names of members with '/' between them, is another one: JSON; NULL takes it away. A member
 * that is not there becomes the last. free() */
char *bt_json_set(const char *text, const char *path, const char *value);
/* The same in place of *text, which is freed. */
void bt_json_change(char **text, const char *path, const char *value);
/* NEW text in which the n-th value behind the root, counted from 0 in the order of the text, is another one; NULL: it has fewer. */
char *bt_json_set_nth(const char *text, size_t n, const char *value);

#endif
