/* formats/safetensors_write.c - named tensors into a file whose bytes depend on nothing but them. */
#include <stdlib.h>
#include <string.h>

#include "backprop/json.h"
#include "base/fail.h"
#include "base/text.h"
#include "data/table_core.h"
#include "formats/safetensors.h"
#include "formats/safetensors_types.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

enum { ALIGNMENT = 8 };

/* ---- checking and ordering ---- */

static bp_status check_text(bp_context *ctx, const char *value, const char *what) {
  char quoted[BP_QUOTE_TEXT];
  size_t size = strlen(value);
  if (bp_utf8_valid(value, size)) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "safetensors: %s '%s' is not UTF-8", what, bp_quote(value, size, quoted));
}

static bp_status check_tensor(bp_context *ctx, const bp_named_tensor *t) {
  char quoted[BP_QUOTE_TEXT];
  size_t size;
  BP_TRY(check_text(ctx, t->name, "the tensor name"));
  (void)bp_quote(t->name, strlen(t->name), quoted);
  if (!*t->name || strcmp(t->name, "__metadata__") == 0)
    return bp_fail(ctx, BP_E_ARG, "safetensors: a tensor cannot be named '%s'", quoted);
  if (bp_dtype_size(t->dtype) == 0)
    return bp_fail(ctx, BP_E_ARG, "safetensors: tensor '%s' has no element type", quoted);
  if (!bp_tensor_bytes(t->rank, t->dims, bp_dtype_size(t->dtype), &size))
    return bp_fail(ctx, BP_E_ARG, "safetensors: the shape of tensor '%s' is not possible", quoted);
  return BP_OK;
}

static size_t bytes_of(const bp_named_tensor *t) {
  size_t size = 0;
  (void)bp_tensor_bytes(t->rank, t->dims, bp_dtype_size(t->dtype), &size);
  return size;
}

/* Wide elements first: so all data are aligned without gaps, which the format forbids. */
static int by_width_and_name(const void *a, const void *b) {
  const bp_named_tensor *s = a, *t = b;
  size_t x = bp_dtype_size(s->dtype), y = bp_dtype_size(t->dtype);
  return x != y ? (x > y ? -1 : 1) : strcmp(s->name, t->name);
}

static bp_status put_in_order(bp_context *ctx, const bp_named_tensor *tensors, size_t n, bp_named_tensor *order) {
  for (size_t i = 0; i < n; i++) {
    BP_TRY(check_tensor(ctx, &tensors[i]));
    order[i] = tensors[i];
  }
  if (n > 0) qsort(order, n, sizeof *order, by_width_and_name);
  return BP_OK;
}

/* ---- header ---- */

/* A tensor as the header tells of it, or the metadata, which stand among them. */
typedef struct entry {
  const char *name;
  const bp_named_tensor *tensor; /* NULL: the metadata */
  uint64_t begin, end;           /* in the data of the file */
} entry;

static int by_entry(const void *a, const void *b) { return strcmp(((const entry *)a)->name, ((const entry *)b)->name); }

static int by_key(const void *a, const void *b) {
  return strcmp(((const bp_text_pair *)a)->key, ((const bp_text_pair *)b)->key);
}

/* Where each tensor's data lie, and all of it sorted by name. */
static bp_status place(bp_context *ctx, const bp_named_tensor *order, size_t n, bool metadata, entry *entries) {
  char quoted[BP_QUOTE_TEXT];
  uint64_t begin = 0;
  for (size_t i = 0; i < n; i++) {
    const char *name = order[i].name;
    entries[i] = (entry){.name = name, .tensor = &order[i], .begin = begin};
    if (__builtin_add_overflow(begin, bytes_of(&order[i]), &entries[i].end) || entries[i].end > INT64_MAX)
      return bp_fail(ctx, BP_E_ARG, "safetensors: tensor '%s' makes the file too large",
                     bp_quote(name, strlen(name), quoted));
    begin = entries[i].end;
  }
  if (metadata) entries[n++] = (entry){.name = "__metadata__"};
  qsort(entries, n, sizeof *entries, by_entry);
  for (size_t i = 1; i < n; i++)
    if (strcmp(entries[i - 1].name, entries[i].name) == 0)
      return bp_fail(ctx, BP_E_ARG, "safetensors: two tensors named '%s'",
                     bp_quote(entries[i].name, strlen(entries[i].name), quoted));
  return BP_OK;
}

static bp_status sort_metadata(bp_context *ctx, bp_text_pair *pairs, size_t n) {
  for (size_t i = 0; i < n; i++) {
    BP_TRY(check_text(ctx, pairs[i].key, "the metadata key"));
    BP_TRY(check_text(ctx, pairs[i].value, "the metadata value"));
  }
  qsort(pairs, n, sizeof *pairs, by_key);
  for (size_t i = 1; i < n; i++)
    if (strcmp(pairs[i - 1].key, pairs[i].key) == 0)
      return bp_fail(ctx, BP_E_ARG, "safetensors: two metadata values of one key");
  return BP_OK;
}

static void put_tensor(bp_json_writer *w, const entry *e) {
  bp_json_open(w, e->name, '{');
  bp_json_open(w, "data_offsets", '[');
  bp_json_put_whole(w, NULL, (int64_t)e->begin);
  bp_json_put_whole(w, NULL, (int64_t)e->end);
  bp_json_close(w, ']');
  bp_json_put_text(w, "dtype", bp_tensor_type_name(e->tensor->dtype));
  bp_json_open(w, "shape", '[');
  for (int axis = 0; axis < e->tensor->rank; axis++) bp_json_put_whole(w, NULL, e->tensor->dims[axis]);
  bp_json_close(w, ']');
  bp_json_close(w, '}');
}

/* What one file needs while it is written. */
typedef struct writing {
  bp_context *ctx;
  size_t n, n_pairs;
  bp_named_tensor *order;
  entry *entries; /* room for the metadata too */
  bp_text_pair *pairs;
  char *header; /* JSON */
} writing;

static bp_status make_header(writing *f) {
  bp_json_writer w;
  size_t n = f->n + (f->n_pairs > 0);
  BP_TRY(sort_metadata(f->ctx, f->pairs, f->n_pairs));
  BP_TRY(place(f->ctx, f->order, f->n, f->n_pairs > 0, f->entries));
  bp_json_begin(&w, f->ctx);
  bp_json_open(&w, NULL, '{');
  for (size_t i = 0; i < n; i++) {
    if (f->entries[i].tensor) {
      put_tensor(&w, &f->entries[i]);
      continue;
    }
    bp_json_open(&w, f->entries[i].name, '{');
    for (size_t p = 0; p < f->n_pairs; p++) bp_json_put_text(&w, f->pairs[p].key, f->pairs[p].value);
    bp_json_close(&w, '}');
  }
  bp_json_close(&w, '}');
  return bp_json_end(&w, &f->header);
}

/* ---- all of it ---- */

/* Blanks behind the header, so that the data begin aligned. */
static bp_status write_header(bp_context *ctx, bp_writer *writer, const char *header) {
  size_t length = strlen(header), padding = (ALIGNMENT - length % ALIGNMENT) % ALIGNMENT;
  uint64_t size = length + padding;
  if (size > BP_SAFETENSORS_HEADER_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "safetensors: a header of %zu bytes; at most %d are allowed", length + padding,
                   BP_SAFETENSORS_HEADER_MAX);
  BP_TRY(bp_writer_write(writer, &size, sizeof size));
  BP_TRY(bp_writer_write(writer, header, length));
  return bp_writer_write(writer, "        ", padding);
}

static bp_status write_data(bp_writer *writer, const bp_named_tensor *order, size_t n) {
  for (size_t i = 0; i < n; i++) {
    size_t bytes = bytes_of(&order[i]);
    if (bytes > 0) BP_TRY(bp_writer_write(writer, order[i].data, bytes));
  }
  return BP_OK;
}

static bp_status make_room(writing *f, const bp_text_pair *metadata) {
  f->order = bp_alloc(f->ctx, f->n, sizeof *f->order);
  f->entries = bp_alloc(f->ctx, f->n + 1, sizeof *f->entries);
  f->pairs = bp_alloc(f->ctx, f->n_pairs, sizeof *f->pairs);
  if (!f->order || !f->entries || !f->pairs) return BP_E_NOMEM;
  if (f->n_pairs > 0) memcpy(f->pairs, metadata, f->n_pairs * sizeof *f->pairs);
  return BP_OK;
}

bp_status bp_safetensors_write(bp_context *ctx, bp_writer *writer, const bp_named_tensor *tensors, size_t n_tensors,
                               const bp_text_pair *metadata, size_t n_metadata) {
  bp_allocator allocator = bp_context_allocator(ctx);
  writing f = {.ctx = ctx, .n = n_tensors, .n_pairs = n_metadata};
  bp_status status = make_room(&f, metadata);
  if (status == BP_OK) status = put_in_order(ctx, tensors, n_tensors, f.order);
  if (status == BP_OK) status = make_header(&f);
  if (status == BP_OK) status = write_header(ctx, writer, f.header);
  if (status == BP_OK) status = write_data(writer, f.order, n_tensors);
  bp_release(allocator, f.header, f.header ? strlen(f.header) + 1 : 0, 1);
  bp_release(allocator, f.pairs, n_metadata, sizeof *f.pairs);
  bp_release(allocator, f.entries, n_tensors + 1, sizeof *f.entries);
  bp_release(allocator, f.order, n_tensors, sizeof *f.order);
  return status;
}
