/* formats/csv_text.c - a whole text in memory, checked once, so that nobody needs to look for its end or doubt its bytes. */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "formats/csv_parts.h"
#include "formats/other_format.h"

enum { FIRST_ROOM = 1 << 16 };

/* ---- reading ---- */

static bp_status fail_row(const bp_csv_text *t) {
  return bp_fail(t->ctx, BP_E_LIMIT, "%s: %zu MiB of text without the end of a line; expected rows of cells", t->name,
                 BP_CSV_ROW_MAX >> 20);
}

/* What shows early that there is no table to come, in data[from .. size): a NUL, or a line without end from *line on. */
static bp_status look_for_end(const bp_csv_text *t, size_t from, size_t size, size_t *line, bool *is_text) {
  const char *data = t->data;
  *is_text = !memchr(data + from, '\0', size - from);
  for (size_t at = size; at > from; at--)
    if (data[at - 1] == '\n' || data[at - 1] == '\r') {
      *line = at;
      break;
    }
  return size - *line > BP_CSV_ROW_MAX ? fail_row(t) : BP_OK;
}

/* Until the reader comes to its end, or to a NUL, which is told later. Room grows only with bytes that came. */
static bp_status read_all(bp_csv_text *t, bp_reader *reader, size_t *size) {
  uint64_t stored = bp_reader_is_gzip(reader) ? 0 : bp_reader_stored_size(reader);
  size_t room = stored > 0 && stored < SIZE_MAX / 4 ? (size_t)stored + 1 : FIRST_ROOM, got;
  size_t line = 0;
  bool is_text;
  *size = 0;
  for (;;) {
    BP_TRY(bp_grow(t->ctx, &t->data, &t->capacity, room + 1, 1));
    room = t->capacity - 1;
    BP_TRY(bp_reader_read(reader, (char *)t->data + *size, room - *size, &got));
    BP_TRY(look_for_end(t, *size, *size + got, &line, &is_text));
    *size += got;
    if (*size < room || !is_text) return BP_OK;
    if (room > SIZE_MAX / 4) return bp_fail(t->ctx, BP_E_LIMIT, "%s: too large for the memory", t->name);
    room *= 2;
  }
}

/* ---- checking ---- */

/* *more: it takes more lines to tell. */
static bp_status check_kind(const bp_csv_text *t, bool *more) {
  const bp_other_format *other = bp_other_format_find(t->begin, (size_t)(t->end - t->begin), t->whole, more);
  if (!other) return BP_OK;
  return bp_fail(t->ctx, BP_E_DATA, "%s: expected CSV text in UTF-8; the content is %s; %s", t->name, other->name,
                 other->advice);
}

/* Place of the first byte that is no UTF-8; size if there is none. ASCII goes by eight. */
static size_t find_bad_utf8(const char *data, size_t size) {
  size_t i = 0;
  while (i < size) {
    uint64_t eight;
    if (size - i >= sizeof eight) {
      memcpy(&eight, data + i, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    size_t length = bp_utf8_length(data + i, size - i);
    if (length == 0) return i;
    i += length;
  }
  return size;
}

/* Of the bytes from `from` on. */
static bp_status check_bytes(const bp_csv_text *t, const char *from) {
  size_t size = (size_t)(t->end - from), bad = find_bad_utf8(from, size), before = t->bytes + (size_t)(from - t->begin);
  const char *nul = memchr(from, '\0', size), *at = from + bad;
  if (nul && nul < at)
    return bp_fail(t->ctx, BP_E_DATA,
                   "%s:%" PRId64 ": a NUL byte, at byte %zu of the text; expected text; is the file binary?", t->name,
                   bp_csv_line(t, nul), before + (size_t)(nul - from) + 1);
  if (bad == size) return BP_OK;
  return bp_fail(t->ctx, BP_E_DATA,
                 "%s:%" PRId64
                 ": byte 0x%02X, at byte %zu of the text, is not UTF-8; convert the file: iconv -f LATIN1 -t UTF-8",
                 t->name, bp_csv_line(t, at), (unsigned)(unsigned char)*at, before + bad + 1);
}

/* That a whole text is not only blanks. */
static bp_status check_content(const bp_csv_text *t) {
  for (const char *at = t->begin; at < t->end; at++)
    if (*at != '\n' && *at != '\r' && *at != ' ' && *at != '\t') return BP_OK;
  return bp_fail(t->ctx, BP_E_DATA, "%s: the file is empty; expected rows of data", t->name);
}

/* The data are a text of that size; a Ctrl-Z at the end of a file is none of it. */
static void set_range(bp_csv_text *t, size_t size) {
  char *data = t->data;
  if (t->whole && size > 0 && data[size - 1] == 0x1A) size--;
  data[size] = '\0';
  t->begin = data;
  t->end = data + size;
}

/* Over a byte order mark. */
static void skip_mark(bp_csv_text *t) {
  if (t->end - t->begin >= 3 && memcmp(t->begin, "\xEF\xBB\xBF", 3) == 0) t->begin += 3;
}

bp_status bp_csv_text_read(bp_context *ctx, bp_reader *reader, bp_csv_text *out) {
  bp_csv_text t = {.ctx = ctx, .name = bp_reader_name(reader), .whole = true};
  size_t size = 0;
  bp_status status = read_all(&t, reader, &size);
  if (status == BP_OK) {
    set_range(&t, size);
    skip_mark(&t);
    status = check_kind(&t, NULL);
  }
  if (status == BP_OK) status = check_bytes(&t, t.begin);
  if (status == BP_OK) status = check_content(&t);
  if (status != BP_OK) {
    bp_csv_text_release(&t);
    return status;
  }
  *out = t;
  return BP_OK;
}

/* ---- windows ---- */

/* How many bytes at the end of data[0 .. size) begin a character that they do not end. */
static size_t cut_character(const char *data, size_t size) {
  for (size_t n = 1; n <= 3 && n <= size; n++) {
    unsigned char c = (unsigned char)data[size - n];
    if (c < 0x80) return 0;
    if (c < 0xC0) continue;
    size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    return length > n ? n : 0;
  }
  return 0;
}

/* Reads behind data[0 .. keep), with the bytes held back first. */
static bp_status fill(bp_csv_text *t, bp_reader *reader, size_t keep) {
  char *data = t->data;
  size_t got, at = keep + t->n_held, room = t->capacity - 1 - at;
  memcpy(data + keep, t->held, t->n_held);
  BP_TRY(bp_reader_read(reader, data + at, room, &got));
  t->whole = got < room;
  at += got;
  t->n_held = t->whole ? 0 : cut_character(data, at);
  memcpy(t->held, data + at - t->n_held, t->n_held);
  set_range(t, at - t->n_held);
  return BP_OK;
}

bp_status bp_csv_text_more(bp_csv_text *t, bp_reader *reader, const char *from) {
  size_t keep = (size_t)(t->end - from), passed = (size_t)(from - t->begin);
  t->lines = bp_csv_line(t, from) - 1;
  t->bytes += passed;
  memmove(t->data, from, keep);
  if (keep > BP_CSV_ROW_MAX) return fail_row(t);
  if (keep > t->capacity / 2) {
    if (t->capacity > SIZE_MAX / 4) return bp_fail(t->ctx, BP_E_LIMIT, "%s: too large for the memory", t->name);
    BP_TRY(bp_grow(t->ctx, &t->data, &t->capacity, 2 * t->capacity, 1));
  }
  BP_TRY(fill(t, reader, keep));
  return t->begin + keep < t->end ? check_bytes(t, t->begin + keep) : BP_OK; /* a Ctrl-Z was kept and is gone */
}

/* Whether the window has lines enough to guess from, those of blanks not counted. */
static bool has_lines(const bp_csv_text *t) {
  int lines = 0;
  bool blank = true;
  for (const char *at = t->begin; at < t->end && lines < 3; at++) {
    if (*at == '\n' || *at == '\r') {
      lines += !blank;
      blank = true;
    } else {
      blank = blank && (*at == ' ' || *at == '\t');
    }
  }
  return lines == 3;
}

static bp_status open_window(bp_csv_text *t, bp_reader *reader, size_t window) {
  bool more;
  BP_TRY(bp_grow(t->ctx, &t->data, &t->capacity, window, 1));
  BP_TRY(fill(t, reader, 0));
  skip_mark(t);
  BP_TRY(check_kind(t, &more));
  BP_TRY(check_bytes(t, t->begin));
  while (!t->whole && (more || !has_lines(t))) {
    BP_TRY(bp_csv_text_more(t, reader, t->begin));
    BP_TRY(check_kind(t, &more));
  }
  return t->whole ? check_content(t) : BP_OK;
}

bp_status bp_csv_text_open(bp_context *ctx, bp_reader *reader, size_t window, bp_csv_text *out) {
  bp_csv_text t = {.ctx = ctx, .name = bp_reader_name(reader)};
  bp_status status = open_window(&t, reader, window);
  if (status == BP_OK)
    *out = t;
  else
    bp_csv_text_release(&t);
  return status;
}

/* Moves begin behind the first line; false when the window does not hold its end, or all of it. */
static bool drop_line(bp_csv_text *t) {
  for (const char *at = t->begin; at < t->end - !t->whole; at++) /* a CR at the end of a window may go on as CR LF */
    if (bp_csv_is_line_end(at)) {
      t->bytes += (size_t)(at + 1 - t->begin);
      t->begin = at + 1;
      t->lines++;
      return true;
    }
  return false;
}

bp_status bp_csv_text_skip(bp_csv_text *t, bp_reader *reader, int64_t lines) {
  for (int64_t i = 0; i < lines; i++) {
    while (!drop_line(t) && !t->whole) BP_TRY(bp_csv_text_more(t, reader, t->begin));
    if (t->lines <= i)
      return bp_fail(t->ctx, BP_E_DATA, "%s: %" PRId64 " line%s to be skipped, but the file has only %" PRId64, t->name,
                     lines, lines == 1 ? " is" : "s are", t->lines + (t->begin < t->end));
  }
  return BP_OK;
}

void bp_csv_text_release(bp_csv_text *t) {
  bp_release(bp_context_allocator(t->ctx), t->data, t->capacity, 1);
  memset(t, 0, sizeof *t);
}

int64_t bp_csv_line(const bp_csv_text *t, const char *at) {
  int64_t line = t->lines + 1;
  for (const char *c = t->begin; c < at; c++) line += bp_csv_is_line_end(c);
  return line;
}
