/* base/json_write.c - JSON written value by value into a growing block, or into one that does not grow. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/json.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/number.h"
#include "base/text.h"

void bp_json_begin(bp_json_writer *writer, bp_context *context) { *writer = (bp_json_writer){.context = context}; }

static void append(bp_json_writer *w, const char *bytes, size_t size) {
  void *data = w->data;
  size_t need;
  if (w->status != BP_OK) return;
  if (w->fixed) {
    size = size < w->capacity - w->size ? size : w->capacity - w->size;
  } else {
    if (!bp_add_size(w->size, size, &need)) need = SIZE_MAX; /* refused by the allocator, which then says so */
    w->status = bp_grow(w->context, &data, &w->capacity, need, 1);
    w->data = data;
    if (w->status != BP_OK) return;
  }
  if (size > 0) memcpy(w->data + w->size, bytes, size);
  w->size += size;
}

/* What must be escaped: short forms where there are, else \u00XX. */
static void append_escape(bp_json_writer *w, char c) {
  static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
  const char *found = strchr(values, c);
  char escape[8];
  if (found)
    (void)snprintf(escape, sizeof escape, "\\%c", names[found - values]);
  else
    (void)snprintf(escape, sizeof escape, "\\u%04X", (unsigned char)c);
  append(w, escape, strlen(escape));
}

static void append_text(bp_json_writer *w, const char *text) {
  if (!bp_utf8_valid(text, strlen(text))) {
    if (w->status == BP_OK) w->status = bp_fail(w->context, BP_E_ARG, "JSON: the text '%.100s' is not UTF-8", text);
    return;
  }
  append(w, "\"", 1);
  while (*text) {
    size_t run = 0;
    while ((unsigned char)text[run] >= ' ' && text[run] != '"' && text[run] != '\\') run++;
    append(w, text, run);
    text += run;
    if (*text) append_escape(w, *text++);
  }
  append(w, "\"", 1);
}

static void begin_value(bp_json_writer *w, const char *name) {
  if (w->comma) append(w, ",", 1);
  w->comma = true;
  if (!name) return;
  append_text(w, name);
  append(w, ":", 1);
}

static void put_word(bp_json_writer *w, const char *name, const char *word) {
  begin_value(w, name);
  append(w, word, strlen(word));
}

/* ---- public ---- */

void bp_json_open(bp_json_writer *writer, const char *name, char open) {
  begin_value(writer, name);
  append(writer, &open, 1);
  writer->comma = false;
}

void bp_json_close(bp_json_writer *writer, char close) {
  append(writer, &close, 1);
  writer->comma = true;
}

void bp_json_put_text(bp_json_writer *writer, const char *name, const char *value) {
  begin_value(writer, name);
  append_text(writer, value);
}

void bp_json_put_whole(bp_json_writer *writer, const char *name, int64_t value) {
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRId64, value);
  put_word(writer, name, text);
}

/* 17 digits; an exponent has neither a plus nor leading zeros. */
void bp_json_put_real(bp_json_writer *writer, const char *name, double value) {
  char text[BP_NUMBER_TEXT];
  if (!isfinite(value)) {
    bp_json_put_null(writer, name);
    return;
  }
  (void)bp_number_digits(value, 17, text);
  char *exponent = strchr(text, 'e');
  if (exponent) {
    char *to = exponent + 1, *from = to;
    if (*from == '-') to++;
    from++;
    while (*from == '0') from++;
    memmove(to, from, strlen(from) + 1);
  } else if (!strchr(text, '.')) {
    memcpy(text + strlen(text), ".0", sizeof ".0");
  }
  put_word(writer, name, text);
}

void bp_json_put_bool(bp_json_writer *writer, const char *name, bool value) {
  put_word(writer, name, value ? "true" : "false");
}

void bp_json_put_null(bp_json_writer *writer, const char *name) { put_word(writer, name, "null"); }

static void visit_open(void *to, const char *name, char bracket) { bp_json_open(to, name, bracket); }
static void visit_close(void *to, char bracket) { bp_json_close(to, bracket); }
static void visit_text(void *to, const char *name, const char *value) { bp_json_put_text(to, name, value); }
static void visit_whole(void *to, const char *name, int64_t value) { bp_json_put_whole(to, name, value); }
static void visit_real(void *to, const char *name, double value) { bp_json_put_real(to, name, value); }
static void visit_word(void *to, const char *name, const char *word) { put_word(to, name, word); }

void bp_json_put(bp_json_writer *writer, const char *name, const bp_json *value) {
  static const bp_json_visitor put = {visit_open, visit_close, visit_text, visit_whole, visit_real, visit_word};
  bp_json_walk(name, value, &put, writer);
}

/* Strings are released by their length, so the block is made to fit. */
bp_status bp_json_end(bp_json_writer *writer, char **out) {
  void *data;
  append(writer, "", 1);
  data = writer->data;
  if (writer->status == BP_OK) writer->status = bp_shrink(writer->context, &data, &writer->capacity, writer->size, 1);
  if (writer->status == BP_OK)
    *out = data;
  else
    bp_release(bp_context_allocator(writer->context), data, writer->capacity, 1);
  bp_status status = writer->status;
  *writer = (bp_json_writer){.context = writer->context};
  return status;
}
