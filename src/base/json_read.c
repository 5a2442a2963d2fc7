/* base/json_read.c - a JSON text (RFC 8259) as an array of values in the order of the text.
 *
 * The text is gone through twice by the same functions: the first time they check it and count, the second time they fill a block
 * that has just the room. So there is one allocation, decided by what was counted, and nothing to undo. A container knows how many
 * values it spans; so the one behind it is found without pointers, and a value takes 16 bytes. The name of a member is a text that
 * stands before its value.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/json.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/number.h"
#include "base/text.h"

enum { DEPTH_MAX = 100 };

struct bp_json {
  uint8_t kind;
  bool last, member; /* of its container; of an object: a name stands before it */
  uint32_t span;     /* values that it is made of, itself included; of a name, its place in the text */
  union {
    int64_t whole;
    double real;
    const char *text;
    size_t count;
  } is;
};

/* The root is the first of the values. */
typedef struct document {
  bp_allocator allocator;
  size_t size; /* bytes of the block */
  bp_json values[];
} document;

typedef struct parser {
  bp_context *ctx;
  const char *text, *at, *end;
  bp_json *values; /* NULL: only counting */
  size_t n;
  char *pool; /* texts, each with its NUL; NULL: only counting */
  size_t used;
  bp_json counted; /* takes what is stored while counting */
} parser;

/* ---- errors ---- */

static bp_status fail_at(const parser *p, const char *at, const char *what, const char *found) {
  size_t line = 1, column = 1;
  for (const char *c = p->text; c < at; c++) {
    if (*c == '\n')
      line++, column = 1;
    else
      column += ((unsigned char)*c & 0xC0) != 0x80;
  }
  return bp_fail(p->ctx, BP_E_DATA, "line %zu, column %zu: %s%s", line, column, what, found);
}

/* What was expected where the parser stands, and what is there. */
static bp_status expected(const parser *p, const char *what) {
  char text[64], found[32] = ", found the end";
  size_t length = bp_utf8_length(p->at, (size_t)(p->end - p->at));
  if (length > 0)
    (void)snprintf(found, sizeof found, ", found '%.*s'", (int)length, p->at);
  else if (p->at < p->end)
    (void)snprintf(found, sizeof found, ", found byte 0x%02X", (unsigned char)*p->at);
  (void)snprintf(text, sizeof text, "expected %s", what);
  return fail_at(p, p->at, text, found);
}

/* ---- pieces ---- */

static void skip_blanks(parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) p->at++;
}

/* Whether that character comes next; it is passed over. */
static bool take(parser *p, char c) {
  bool there = p->at < p->end && *p->at == c;
  p->at += there;
  return there;
}

static bp_json *value_at(parser *p, size_t i) { return p->values ? &p->values[i] : &p->counted; }

static bp_json *add(parser *p, bp_json_kind kind) {
  bp_json *value = value_at(p, p->n++);
  *value = (bp_json){.kind = (uint8_t)kind, .span = 1};
  return value;
}

static void put(parser *p, const char *bytes, size_t size) {
  if (p->pool) memcpy(p->pool + p->used, bytes, size);
  p->used += size;
}

/* ---- texts ---- */

/* Four hexadecimal digits. */
static bp_status hex4(parser *p, uint32_t *out) {
  *out = 0;
  for (int i = 0; i < 4; i++, p->at++) {
    char c = p->at < p->end ? *p->at : '\0';
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
    if (digit < 0) return expected(p, "four hexadecimal digits");
    *out = *out << 4 | (uint32_t)digit;
  }
  return BP_OK;
}

static void put_code(parser *p, uint32_t code) {
  static const struct { uint32_t below, mark; } forms[] = {{0x80, 0}, {0x800, 0xC0}, {0x10000, 0xE0}, {0x110000, 0xF0}};
  char bytes[4];
  size_t more = 0;
  while (code >= forms[more].below) more++;
  for (size_t i = more; i > 0; i--, code >>= 6) bytes[i] = (char)(0x80 | (code & 0x3F));
  bytes[0] = (char)(forms[more].mark | code);
  put(p, bytes, more + 1);
}

/* Behind "\u". Codes above U+FFFF are written as two surrogates. */
static bp_status unicode(parser *p) {
  const char *start = p->at - 2;
  uint32_t code, low;
  BP_TRY(hex4(p, &code));
  if (code == 0) return fail_at(p, start, "\\u0000 is not allowed in a text", "");
  if (code >= 0xD800 && code < 0xDC00) {
    if (!take(p, '\\') || !take(p, 'u')) return fail_at(p, start, "half of a surrogate pair", "");
    BP_TRY(hex4(p, &low));
    if (low < 0xDC00 || low > 0xDFFF) return fail_at(p, start, "half of a surrogate pair", "");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xDC00 && code < 0xE000) {
    return fail_at(p, start, "half of a surrogate pair", "");
  }
  put_code(p, code);
  return BP_OK;
}

/* Behind a backslash. */
static bp_status escape(parser *p) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  const char *found = p->at < p->end && *p->at ? strchr(names, *p->at) : NULL;
  if (take(p, 'u')) return unicode(p);
  if (!found) return expected(p, "one of \" \\ / b f n r t u behind a \\");
  p->at++;
  put(p, &values[found - names], 1);
  return BP_OK;
}

/* What is copied as it is, a byte at a time. */
static bool is_plain(char c) { return (unsigned char)c >= ' ' && (unsigned char)c < 0x80 && c != '"' && c != '\\'; }

static bp_status text(parser *p) {
  bp_json *value = add(p, BP_JSON_TEXT);
  value->is.text = p->pool ? p->pool + p->used : NULL;
  p->at++;
  while (!take(p, '"')) {
    const char *run = p->at;
    while (p->at < p->end && is_plain(*p->at)) p->at++;
    if (p->at == run) {
      size_t length = bp_utf8_length(p->at, (size_t)(p->end - p->at));
      if (take(p, '\\')) {
        BP_TRY(escape(p));
        continue;
      }
      if (p->at == p->end) return expected(p, "\" at the end of a text");
      if (length == 0) return expected(p, "UTF-8");
      if (length == 1 && *p->at != '"')
        return fail_at(p, p->at, "a control character in a text; write it as \\u00XX", "");
      p->at += length;
    }
    put(p, run, (size_t)(p->at - run));
  }
  put(p, "", 1);
  return BP_OK;
}

/* ---- numbers ---- */

static size_t digits(parser *p) {
  const char *start = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
  return (size_t)(p->at - start);
}

/* Passes over a number; *whole: it has neither point nor exponent. */
static bp_status scan_number(parser *p, bool *whole) {
  (void)take(p, '-');
  if (!take(p, '0') && digits(p) == 0) return expected(p, "a digit");
  *whole = true;
  if (take(p, '.')) {
    *whole = false;
    if (digits(p) == 0) return expected(p, "a digit");
  }
  if (take(p, 'e') || take(p, 'E')) {
    *whole = false;
    if (!take(p, '+')) (void)take(p, '-');
    if (digits(p) == 0) return expected(p, "a digit");
  }
  return BP_OK;
}

/* Whether text[size], a sign and digits, is a number of 64 bits; -0 is none. */
static bool read_whole(const char *at, size_t size, int64_t *out) {
  bool negative = *at == '-';
  int64_t value = 0;
  for (size_t i = negative; i < size; i++) {
    int digit = at[i] - '0';
    if (value < (INT64_MIN + digit) / 10) return false;
    value = value * 10 - digit;
  }
  if (negative ? value == 0 : value == INT64_MIN) return false;
  *out = negative ? value : -value;
  return true;
}

static bp_status number(parser *p) {
  const char *start = p->at;
  bp_json *value = add(p, BP_JSON_REAL);
  bool whole = false;
  int64_t integer;
  double real = 0;
  BP_TRY(scan_number(p, &whole));
  size_t size = (size_t)(p->at - start);
  if (whole && read_whole(start, size, &integer)) {
    value->kind = BP_JSON_WHOLE;
    value->is.whole = integer;
    return BP_OK;
  }
  if (!bp_number_parse(start, size, &real)) return fail_at(p, start, "a number of more than 1024 characters", "");
  if (!isfinite(real)) return fail_at(p, start, "a number beyond the range of a double", "");
  value->is.real = real;
  return BP_OK;
}

/* ---- values ---- */

static bp_status word(parser *p) {
  static const struct {
    const char *name;
    bp_json_kind kind;
  } words[] = {{"true", BP_JSON_TRUE}, {"false", BP_JSON_FALSE}, {"null", BP_JSON_NULL}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t length = strlen(words[i].name);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, words[i].name, length) != 0) continue;
    p->at += length;
    (void)add(p, words[i].kind);
    return BP_OK;
  }
  return expected(p, "a value");
}

static bp_status value(parser *p, int depth);

static bp_status name(parser *p) {
  size_t self = p->n, place = (size_t)(p->at - p->text);
  if (p->at == p->end || *p->at != '"') return expected(p, "a name in \"");
  BP_TRY(text(p));
  value_at(p, self)->span = (uint32_t)place;
  skip_blanks(p);
  return take(p, ':') ? BP_OK : expected(p, "':' behind a name");
}

static bp_status container(parser *p, int depth, bool named) {
  size_t self = p->n, child, count = 0;
  char close = named ? '}' : ']';
  if (depth == DEPTH_MAX) return fail_at(p, p->at, "more than 100 arrays and objects inside one another", "");
  (void)add(p, named ? BP_JSON_OBJECT : BP_JSON_ARRAY);
  p->at++;
  skip_blanks(p);
  for (bool more = p->at == p->end || *p->at != close; more; more = take(p, ',')) {
    skip_blanks(p);
    if (named) BP_TRY(name(p));
    child = p->n;
    BP_TRY(value(p, depth + 1));
    value_at(p, child)->member = named;
    count++;
    skip_blanks(p);
    value_at(p, child)->last = p->at < p->end && *p->at == close;
  }
  if (!take(p, close)) return expected(p, named ? "',' or '}'" : "',' or ']'");
  value_at(p, self)->span = (uint32_t)(p->n - self);
  value_at(p, self)->is.count = count;
  return BP_OK;
}

static bp_status value(parser *p, int depth) {
  skip_blanks(p);
  char c = p->at < p->end ? *p->at : '\0';
  if (c == '{' || c == '[') return container(p, depth, c == '{');
  if (c == '"') return text(p);
  return c == '-' || (c >= '0' && c <= '9') ? number(p) : word(p);
}

static bp_status whole_text(parser *p) {
  BP_TRY(value(p, 0));
  value_at(p, 0)->last = true;
  skip_blanks(p);
  return p->at == p->end ? BP_OK : expected(p, "the end");
}

/* ---- names that are there twice ---- */

static int by_name(const void *a, const void *b) {
  const bp_json *x = *(const bp_json *const *)a, *y = *(const bp_json *const *)b;
  int order = strcmp(x->is.text, y->is.text);
  return order != 0 ? order : x->span < y->span ? -1 : x->span > y->span;
}

/* The second of two equal names of an object, the first such in the text; NULL: none. names[] has room. */
static const bp_json *find_double(const bp_json *object, const bp_json **names) {
  const bp_json *found = NULL;
  size_t n = 0;
  for (const bp_json *v = bp_json_first(object); v; v = bp_json_next(v)) names[n++] = v - 1;
  qsort(names, n, sizeof(void *), by_name);
  for (size_t i = 1; i < n; i++)
    if (strcmp(names[i - 1]->is.text, names[i]->is.text) == 0 && (!found || names[i]->span < found->span))
      found = names[i];
  return found;
}

static bp_status check_names(const parser *p) {
  const bp_json *found = NULL, **names;
  size_t most = 0;
  for (size_t i = 0; i < p->n; i++)
    if (p->values[i].kind == BP_JSON_OBJECT && p->values[i].is.count > most) most = p->values[i].is.count;
  if (most < 2) return BP_OK;
  names = bp_alloc(p->ctx, most, sizeof(void *));
  if (!names) return BP_E_NOMEM;
  for (size_t i = 0; i < p->n && !found; i++)
    if (p->values[i].kind == BP_JSON_OBJECT && p->values[i].is.count > 1) found = find_double(&p->values[i], names);
  bp_release(bp_context_allocator(p->ctx), (void *)names, most, sizeof(void *));
  if (!found) return BP_OK;
  char quoted[48];
  (void)snprintf(quoted, sizeof quoted, "'%.40s'", found->is.text);
  return fail_at(p, p->text + found->span, "a second member of the name ", quoted);
}

/* ---- the document ---- */

/* From what was counted to a filled block. */
static bp_status fill(const parser *counted, bp_json **out) {
  size_t values, size;
  if (!bp_mul_size(counted->n, sizeof(bp_json), &values) ||
      !bp_add_size(values, sizeof(document) + counted->used, &size))
    size = SIZE_MAX; /* refused by the allocator, which then says so */
  document *d = bp_alloc(counted->ctx, 1, size);
  if (!d) return BP_E_NOMEM;
  *d = (document){.allocator = bp_context_allocator(counted->ctx), .size = size};
  parser p = {.ctx = counted->ctx, .text = counted->text, .at = counted->text, .end = counted->end};
  p.values = d->values;
  p.pool = (char *)(d->values + counted->n);
  bp_status status = whole_text(&p);
  if (status == BP_OK) status = check_names(&p);
  if (status == BP_OK)
    *out = d->values;
  else
    bp_json_free(d->values);
  return status;
}

bp_status bp_json_parse(bp_context *context, const char *text, size_t size, bp_json **out) {
  parser p = {.ctx = context, .text = text, .at = text, .end = text + size};
  if (size > INT32_MAX) return bp_fail(context, BP_E_LIMIT, "a JSON text of %zu bytes; at most %d", size, INT32_MAX);
  BP_TRY(whole_text(&p));
  return fill(&p, out);
}

void bp_json_free(bp_json *root) {
  if (!root) return;
  document *d = (document *)(void *)((char *)root - offsetof(document, values));
  bp_release(d->allocator, d, 1, d->size);
}

/* ---- looking at it ---- */

bp_json_kind bp_json_type(const bp_json *value) { return value ? (bp_json_kind)value->kind : BP_JSON_NONE; }

static bool is_container(const bp_json *value) {
  return bp_json_type(value) == BP_JSON_ARRAY || bp_json_type(value) == BP_JSON_OBJECT;
}

size_t bp_json_size(const bp_json *value) { return is_container(value) ? value->is.count : 0; }

const bp_json *bp_json_first(const bp_json *value) {
  if (bp_json_size(value) == 0) return NULL;
  return value + (value->kind == BP_JSON_OBJECT ? 2 : 1);
}

const bp_json *bp_json_next(const bp_json *value) {
  return value && !value->last ? value + value->span + value->member : NULL;
}

const char *bp_json_name(const bp_json *member) { return member && member->member ? member[-1].is.text : NULL; }

const bp_json *bp_json_member(const bp_json *object, const char *name) {
  if (bp_json_type(object) != BP_JSON_OBJECT) return NULL;
  const bp_json *v = bp_json_first(object);
  while (v && strcmp(bp_json_name(v), name) != 0) v = bp_json_next(v);
  return v;
}

const char *bp_json_text(const bp_json *value) { return bp_json_type(value) == BP_JSON_TEXT ? value->is.text : NULL; }

bool bp_json_whole(const bp_json *value, int64_t *out) {
  if (bp_json_type(value) != BP_JSON_WHOLE) return false;
  *out = value->is.whole;
  return true;
}

bool bp_json_number(const bp_json *value, double *out) {
  bp_json_kind kind = bp_json_type(value);
  if (kind == BP_JSON_WHOLE) *out = (double)value->is.whole;
  if (kind == BP_JSON_REAL) *out = value->is.real;
  return kind == BP_JSON_WHOLE || kind == BP_JSON_REAL;
}

bool bp_json_truth(const bp_json *value, bool *out) {
  bp_json_kind kind = bp_json_type(value);
  if (kind != BP_JSON_TRUE && kind != BP_JSON_FALSE) return false;
  *out = kind == BP_JSON_TRUE;
  return true;
}
