/* formats/safetensors_read.c - a safetensors file, believed in nothing: every number is checked before it is used. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/json.h"
#include "base/fail.h"
#include "data/table_core.h"
#include "formats/other_format.h"
#include "formats/safetensors.h"
#include "formats/safetensors_types.h"

enum { LENGTH = 8 };

/* A file being read. */
typedef struct parse {
  bp_context *ctx;
  const char *name;
  bp_safetensors *file;
  const char *data; /* behind the header */
  size_t data_size;
} parse;

/* ---- errors ---- */

/* The key of a tensor or text at work, for messages. */
static bp_status fail_entry(const parse *p, const char *key, const char *what) {
  char quoted[BP_QUOTE_TEXT];
  return bp_fail(p->ctx, BP_E_MODEL, "%s: safetensors entry '%s': %s", p->name, bp_quote(key, strlen(key), quoted),
                 what);
}

/* ---- header ---- */

static uint64_t little_endian(const char *bytes) {
  uint64_t value = 0;
  for (int i = LENGTH - 1; i >= 0; i--) value = value << 8 | (unsigned char)bytes[i];
  return value;
}

/* What a file is that is no safetensors file. */
static bp_status fail_kind(const parse *p) {
  const char *content = p->file->content;
  size_t size = p->file->content_size;
  const bp_other_format *other = bp_other_format_find(content, size, true, NULL);
  if (other)
    return bp_fail(p->ctx, BP_E_MODEL, "%s: expected a model (safetensors); the content is %s", p->name, other->name);
  size_t seen = size < BP_OTHER_PEEK ? size : BP_OTHER_PEEK;
  if (!memchr(content, '\0', seen))
    return bp_fail(p->ctx, BP_E_MODEL,
                   "%s: expected a model (safetensors); the content is text; a model stands before the data", p->name);
  return bp_fail(p->ctx, BP_E_MODEL, "%s: not a model; expected a safetensors file, whose ninth byte is '{'", p->name);
}

static bp_status find_header(parse *p, const char **header, size_t *header_size) {
  size_t size = p->file->content_size;
  if (size < LENGTH)
    return bp_fail(p->ctx, BP_E_MODEL, "%s: %zu bytes; a safetensors file has at least 8 and a header", p->name, size);
  if (size > LENGTH && p->file->content[LENGTH] != '{') return fail_kind(p);
  uint64_t length = little_endian(p->file->content);
  if (length > BP_SAFETENSORS_HEADER_MAX)
    return bp_fail(p->ctx, BP_E_MODEL, "%s: header of %" PRIu64 " bytes; at most %d are allowed", p->name, length,
                   BP_SAFETENSORS_HEADER_MAX);
  if (length > size - LENGTH)
    return bp_fail(p->ctx, BP_E_MODEL, "%s: header of %" PRIu64 " bytes in a file of %zu; the file is incomplete",
                   p->name, length, size);
  *header = p->file->content + LENGTH;
  *header_size = (size_t)length;
  p->data = *header + length;
  p->data_size = size - LENGTH - (size_t)length;
  return BP_OK;
}

static bp_status parse_header(parse *p) {
  const char *header = NULL;
  size_t size = 0;
  BP_TRY(find_header(p, &header, &size));
  bp_status status = bp_json_parse(p->ctx, header, size, &p->file->header);
  if (status == BP_E_DATA)
    return bp_fail(p->ctx, BP_E_MODEL, "%s: the header is not proper JSON: %s", p->name, bp_error_message(p->ctx));
  return status;
}

/* ---- metadata ---- */

static bp_status read_metadata(parse *p, const bp_json *metadata) {
  bp_safetensors *f = p->file;
  if (bp_json_type(metadata) != BP_JSON_OBJECT) return fail_entry(p, "__metadata__", "expected an object of texts");
  f->n_metadata = bp_json_size(metadata);
  f->metadata = bp_calloc(p->ctx, f->n_metadata, sizeof *f->metadata);
  if (!f->metadata) return BP_E_NOMEM;
  size_t i = 0;
  for (const bp_json *v = bp_json_first(metadata); v; v = bp_json_next(v)) {
    const char *text = bp_json_text(v);
    if (!text) return fail_entry(p, bp_json_name(v), "expected a text in the metadata");
    f->metadata[i++] = (bp_text_pair){bp_json_name(v), text};
  }
  return BP_OK;
}

/* ---- tensors ---- */

static bp_status read_type(const parse *p, const bp_json *entry, bp_named_tensor *t, size_t *element) {
  const char *type = bp_json_text(bp_json_member(entry, "dtype"));
  if (!type || !bp_tensor_type_find(type, &t->dtype, element))
    return fail_entry(p, t->name, "expected a dtype such as \"F32\"");
  t->type = type;
  return BP_OK;
}

static bp_status read_shape(const parse *p, const bp_json *entry, bp_named_tensor *t) {
  const bp_json *shape = bp_json_member(entry, "shape");
  if (bp_json_type(shape) != BP_JSON_ARRAY || bp_json_size(shape) > BP_MAX_RANK)
    return fail_entry(p, t->name, "expected a shape of at most 8 sizes");
  for (const bp_json *size = bp_json_first(shape); size; size = bp_json_next(size))
    if (!bp_json_whole(size, &t->dims[t->rank++]) || t->dims[t->rank - 1] < 0)
      return fail_entry(p, t->name, "expected whole numbers from 0 in the shape");
  return BP_OK;
}

/* An offset into the data; false unless it is a whole number in range. */
static bool get_offset(const parse *p, const bp_json *value, size_t *out) {
  int64_t offset;
  if (!bp_json_whole(value, &offset) || offset < 0 || (uint64_t)offset > p->data_size) return false;
  *out = (size_t)offset;
  return true;
}

static bp_status read_offsets(const parse *p, const bp_json *entry, bp_named_tensor *t, size_t element) {
  const bp_json *offsets = bp_json_member(entry, "data_offsets"), *first = bp_json_first(offsets);
  size_t begin = 0, end = 0, size = 0;
  if (bp_json_type(offsets) != BP_JSON_ARRAY || bp_json_size(offsets) != 2)
    return fail_entry(p, t->name, "expected two data_offsets");
  if (!get_offset(p, first, &begin) || !get_offset(p, bp_json_next(first), &end) || begin > end)
    return fail_entry(p, t->name, "the data_offsets lie outside the file; is it incomplete?");
  if (!bp_tensor_bytes(t->rank, t->dims, element, &size) || size != end - begin)
    return fail_entry(p, t->name, "dtype and shape do not fit the data_offsets");
  t->data = p->data + begin;
  t->size = size;
  return BP_OK;
}

static bp_status read_tensor(const parse *p, const char *name, const bp_json *entry, bp_named_tensor *t) {
  size_t element = 0;
  t->name = name;
  if (!*name) return fail_entry(p, name, "expected a name");
  if (bp_json_type(entry) != BP_JSON_OBJECT || bp_json_size(entry) != 3)
    return fail_entry(p, name, "expected an object of dtype, shape and data_offsets");
  BP_TRY(read_type(p, entry, t, &element));
  BP_TRY(read_shape(p, entry, t));
  return read_offsets(p, entry, t, element);
}

static int by_data(const void *a, const void *b) {
  const bp_named_tensor *s = a, *t = b;
  const char *x = s->data, *y = t->data;
  if (x != y) return x < y ? -1 : 1;
  if (s->size != t->size) return s->size < t->size ? -1 : 1; /* empty ones first */
  return strcmp(s->name, t->name);
}

/* One behind the other, from the first byte of the data to the last. */
static bp_status check_cover(const parse *p) {
  const bp_safetensors *f = p->file;
  const char *end = p->data;
  for (size_t i = 0; i < f->n_tensors; i++) {
    const char *data = f->tensors[i].data;
    if (data < end) return fail_entry(p, f->tensors[i].name, "its data overlap those of another tensor");
    if (data > end) return fail_entry(p, f->tensors[i].name, "there is a gap before its data");
    end += f->tensors[i].size;
  }
  size_t rest = p->data_size - (size_t)(end - p->data);
  if (rest == 0) return BP_OK;
  return bp_fail(p->ctx, BP_E_MODEL, "%s: %zu bytes behind the last tensor; expected the end of the file", p->name,
                 rest);
}

static bp_status read_entries(parse *p) {
  bp_safetensors *f = p->file;
  const bp_json *metadata = bp_json_member(f->header, "__metadata__");
  f->n_tensors = bp_json_size(f->header) - (metadata != NULL);
  f->tensors = bp_calloc(p->ctx, f->n_tensors, sizeof *f->tensors);
  if (!f->tensors) return BP_E_NOMEM;
  if (metadata) BP_TRY(read_metadata(p, metadata));
  size_t i = 0;
  for (const bp_json *entry = bp_json_first(f->header); entry; entry = bp_json_next(entry))
    if (entry != metadata) BP_TRY(read_tensor(p, bp_json_name(entry), entry, &f->tensors[i++]));
  if (f->n_tensors > 0) qsort(f->tensors, f->n_tensors, sizeof *f->tensors, by_data);
  return check_cover(p);
}

/* ---- public ---- */

/* Takes over content[size], which has a NUL behind it and was size + 1 bytes when allocated. */
static bp_status parse_content(bp_context *ctx, const char *name, char *content, size_t size, bp_safetensors **out) {
  bp_safetensors *f = bp_calloc(ctx, 1, sizeof *f);
  if (!f) {
    bp_release(bp_context_allocator(ctx), content, size + 1, 1);
    return BP_E_NOMEM;
  }
  *f = (bp_safetensors){.allocator = bp_context_allocator(ctx), .content = content, .content_size = size};
  parse p = {.ctx = ctx, .name = name, .file = f};
  bp_status status = parse_header(&p);
  if (status == BP_OK) status = read_entries(&p);
  if (status == BP_OK)
    *out = f;
  else
    bp_safetensors_free(f);
  return status;
}

bp_status bp_safetensors_read(bp_context *ctx, const char *path, bp_safetensors **out) {
  char *content;
  size_t size;
  bp_status status = bp_read_file(ctx, path, SIZE_MAX / 4, &content, &size);
  if (status == BP_E_DATA) return bp_fail(ctx, BP_E_MODEL, "%s", bp_error_message(ctx)); /* damaged gzip */
  BP_TRY(status);
  return parse_content(ctx, path, content, size, out);
}

bp_status bp_safetensors_parse(bp_context *ctx, const char *name, const void *data, size_t size, bp_safetensors **out) {
  char *copy = bp_alloc(ctx, size + 1, 1);
  if (!copy) return BP_E_NOMEM;
  if (size > 0) memcpy(copy, data, size);
  copy[size] = '\0';
  return parse_content(ctx, name, copy, size, out);
}

void bp_safetensors_free(bp_safetensors *f) {
  if (!f) return;
  bp_json_free(f->header);
  bp_release(f->allocator, f->tensors, f->n_tensors, sizeof *f->tensors);
  bp_release(f->allocator, f->metadata, f->n_metadata, sizeof *f->metadata);
  bp_release(f->allocator, f->content, f->content_size + 1, 1);
  bp_release(f->allocator, f, 1, sizeof *f);
}

const bp_named_tensor *bp_safetensors_tensor(const bp_safetensors *f, const char *name) {
  for (size_t i = 0; i < f->n_tensors; i++)
    if (strcmp(f->tensors[i].name, name) == 0) return &f->tensors[i];
  return NULL;
}

const char *bp_safetensors_text(const bp_safetensors *f, const char *key) {
  for (size_t i = 0; i < f->n_metadata; i++)
    if (strcmp(f->metadata[i].key, key) == 0) return f->metadata[i].value;
  return NULL;
}
