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

void cli_json_bool(cli_json *json, const char *key, bool value) {
  begin(json, key);
  cli_put_text(json->file, value ? "true" : "false");
}

void cli_json_null(cli_json *json, const char *key) {
  begin(json, key);
  cli_put_text(json->file, "null");
}

static void put_container(cli_json *json, const char *key, const bp_json *value, const char *brackets) {
  cli_json_open(json, key, brackets[0]);
  for (const bp_json *v = bp_json_first(value); v; v = bp_json_next(v)) cli_json_value(json, bp_json_name(v), v);
  cli_json_close(json, brackets[1]);
}

void cli_json_value(cli_json *json, const char *key, const bp_json *value) {
  bp_json_kind kind = bp_json_type(value);
  int64_t whole = 0;
  double real = 0;
  bool truth = false;
  if (kind == BP_JSON_OBJECT || kind == BP_JSON_ARRAY)
    put_container(json, key, value, kind == BP_JSON_OBJECT ? "{}" : "[]");
  else if (kind == BP_JSON_TEXT)
    cli_json_text(json, key, bp_json_text(value));
  else if (bp_json_whole(value, &whole))
    cli_json_whole(json, key, whole);
  else if (bp_json_number(value, &real))
    cli_json_real(json, key, real);
  else if (bp_json_truth(value, &truth))
    cli_json_bool(json, key, truth);
  else
    cli_json_null(json, key);
}
