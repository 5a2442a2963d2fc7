/* cli/json_out.c - JSON on standard output and in logs. */
#include "json_out.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "console.h"

/* The code of the character at `text`, of one to three bytes; *size is how many. Longer ones are passed on byte by byte. */
static unsigned code_at(const unsigned char *text, int *size) {
  bool two = text[0] >> 5 == 6 && text[1], three = text[0] >> 4 == 14 && text[1] && text[2];
  *size = three ? 3 : two ? 2 : 1;
  if (three) return (text[0] & 0x0Fu) << 12 | (text[1] & 0x3Fu) << 6 | (text[2] & 0x3Fu);
  return two ? (text[0] & 0x1Fu) << 6 | (text[1] & 0x3Fu) : text[0];
}

/* Whether bp_text_clean() would not show a character. */
static bool is_hidden(const unsigned char *text, int size) {
  char one[4] = "", line[4];
  memcpy(one, text, (size_t)size);
  return (text[0] < 0x80 || size > 1) && one[0] != '?' && bp_text_clean(line, sizeof line, one) == 1 && line[0] == '?';
}

/* What drives a terminal is written by its code, so that a text is itself again for who reads it. */
static void put_text(cli_stream *file, const char *text) {
  cli_put_char(file, '"');
  for (int size; *text; text += size) {
    unsigned code = code_at((const unsigned char *)text, &size);
    if (code == '"' || code == '\\')
      cli_put(file, "\\%c", *text);
    else if (is_hidden((const unsigned char *)text, size))
      cli_put(file, "\\u%04x", code);
    else
      cli_put_bytes(file, text, (size_t)size);
  }
  cli_put_char(file, '"');
}

static void begin(cli_json *json, const char *key) {
  if (json->comma) cli_put_text(json->file, ", ");
  json->comma = true;
  if (!key) return;
  put_text(json->file, key);
  cli_put_text(json->file, ": ");
}

void cli_json_open(cli_json *json, const char *key, char open) {
  begin(json, key);
  cli_put_char(json->file, open);
  json->comma = false;
}

void cli_json_close(cli_json *json, char close) {
  cli_put_char(json->file, close);
  json->comma = true;
}

void cli_json_real(cli_json *json, const char *key, double value) {
  char text[32];
  begin(json, key);
  cli_put_text(json->file, isfinite(value) ? cli_exact_number(value, text, sizeof text) : "null");
}

void cli_json_whole(cli_json *json, const char *key, int64_t value) {
  begin(json, key);
  cli_put(json->file, "%" PRId64, value);
}

void cli_json_text(cli_json *json, const char *key, const char *value) {
  begin(json, key);
  put_text(json->file, value);
}

static void put_word(cli_json *json, const char *key, const char *word) {
  begin(json, key);
  cli_put_text(json->file, word);
}

void cli_json_bool(cli_json *json, const char *key, bool value) { put_word(json, key, value ? "true" : "false"); }

void cli_json_null(cli_json *json, const char *key) { put_word(json, key, "null"); }

static void visit_open(void *to, const char *key, char bracket) { cli_json_open(to, key, bracket); }
static void visit_close(void *to, char bracket) { cli_json_close(to, bracket); }
static void visit_text(void *to, const char *key, const char *value) { cli_json_text(to, key, value); }
static void visit_whole(void *to, const char *key, int64_t value) { cli_json_whole(to, key, value); }
static void visit_real(void *to, const char *key, double value) { cli_json_real(to, key, value); }
static void visit_word(void *to, const char *key, const char *word) { put_word(to, key, word); }

void cli_json_value(cli_json *json, const char *key, const bp_json *value) {
  static const bp_json_visitor out = {visit_open, visit_close, visit_text, visit_whole, visit_real, visit_word};
  bp_json_walk(key, value, &out, json);
}
