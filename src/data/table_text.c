/* data/table_text.c - tables in messages, and lists of column names. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/table_core.h"

enum { SOURCE_LONGEST = 240 }; /* leaves room for the row in BP_PLACE_TEXT */

/* The last bytes of a long file name say more than the first. */
const char *bp_table_source(const bp_table *t, char text[BP_PLACE_TEXT]) {
  const char *origin = t->origin ? t->origin : "the table";
  size_t size = strlen(origin);
  const char *dots = size > SOURCE_LONGEST ? "…" : "";
  if (size > SOURCE_LONGEST) origin += size - SOURCE_LONGEST;
  while ((*origin & 0xC0) == 0x80) origin++; /* not inside a character */
  (void)snprintf(text, BP_PLACE_TEXT, "%s%s", dots, origin);
  return text;
}

const char *bp_table_place(const bp_table *t, int64_t row, char text[BP_PLACE_TEXT]) {
  (void)bp_table_source(t, text);
  size_t used = strlen(text);
  const char *format = t->first_line > 0 ? ":%" PRId64 : ", row %" PRId64;
  (void)snprintf(text + used, BP_PLACE_TEXT - used, format,
                 t->first_line > 0 ? t->first_line + row : t->first_row + row + 1);
  return text;
}

const char *bp_quote(const char *value, size_t size, char text[BP_QUOTE_TEXT]) {
  enum { KEEP = BP_QUOTE_TEXT - sizeof "…" };
  size_t used = 0;
  if (size < BP_QUOTE_TEXT) {
    memcpy(text, value, size);
    text[size] = '\0';
    return text;
  }
  for (size_t length; (length = bp_utf8_length(value + used, size - used)) > 0 && used + length <= KEEP;)
    used += length;
  memcpy(text, value, used);
  memcpy(text + used, "…", sizeof "…");
  return text;
}

/* ---- lists ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

void bp_list_init(bp_list *list, const char *text) {
  list->rest = text ? text : "";
  list->size = 0;
  list->name[0] = '\0';
}

static void put(bp_list *list, char c) {
  if (list->size < BP_LIST_NAME - 1) list->name[list->size++] = c;
}

/* Up to the next comma, without the blanks in front of it. */
static const char *take_plain(bp_list *list, const char *at) {
  size_t least = list->size;
  for (; *at && *at != ','; at++) put(list, *at);
  while (list->size > least && is_blank(list->name[list->size - 1])) list->size--;
  return at;
}

/* The quote that closes one at at[-1]; NULL: none. */
static const char *closing_quote(const char *at) {
  for (; *at; at++)
    if (at[0] == '"' && *++at != '"') return at - 1;
  return NULL;
}

/* What stands in quotes, and what follows it; a quote that is never closed is one of the name's. */
static const char *take_quoted(bp_list *list, const char *at) {
  const char *close = closing_quote(at + 1);
  if (!close) return take_plain(list, at);
  while (++at < close) {
    put(list, *at);
    if (*at == '"') at++;
  }
  return take_plain(list, close + 1);
}

bool bp_list_next(bp_list *list) {
  const char *at = list->rest;
  do {
    if (!*at) return false;
    list->size = 0;
    while (is_blank(*at)) at++;
    at = *at == '"' ? take_quoted(list, at) : take_plain(list, at);
    if (*at == ',') at++;
  } while (list->size == 0); /* nothing between two commas */
  list->rest = at;
  list->name[list->size] = '\0';
  return true;
}
