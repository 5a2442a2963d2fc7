/* formats/safetensors_write.c - named tensors into a file whose bytes depend on nothing but them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "data/table_core.h"
#include "formats/safetensors.h"
#include "formats/safetensors_types.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

enum { ALIGNMENT = 8 };

/* A growing text. A failure is kept: jansson does not hand on every one. */
typedef struct text {
  bp_context *ctx;
  bp_status status;
  void *data;
  size_t size, capacity;
} text;

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

static bool set(json_t *object, const char *key, json_t *value) {
  return value && json_object_set_new(object, key, value) == 0;
}

static json_t *shape_json(const bp_named_tensor *t) {
  json_t *shape = json_array();
  for (int axis = 0; shape && axis < t->rank; axis++) {
    if (json_array_append_new(shape, json_integer(t->dims[axis])) == 0) continue;
    json_decref(shape);
    shape = NULL;
  }
  return shape;
}

static json_t *tensor_json(const bp_named_tensor *t, size_t begin, size_t end) {
  json_t *tensor = json_object();
  if (tensor && set(tensor, "dtype", json_string(bp_tensor_type_name(t->dtype))) &&
      set(tensor, "shape", shape_json(t)) &&
      set(tensor, "data_offsets", json_pack("[I,I]", (json_int_t)begin, (json_int_t)end)))
    return tensor;
  json_decref(tensor);
  return NULL;
}

static bp_status out_of_memory(bp_context *ctx) {
  return bp_fail(ctx, BP_E_NOMEM, "out of memory: cannot make the safetensors header");
}

static bp_status add_tensors(bp_context *ctx, const bp_named_tensor *order, size_t n, json_t *header) {
  size_t begin = 0;
  for (size_t i = 0; i < n; i++) {
    char quoted[BP_QUOTE_TEXT];
    size_t end;
    const char *name = order[i].name;
    (void)bp_quote(name, strlen(name), quoted);
    if (json_object_get(header, name)) return bp_fail(ctx, BP_E_ARG, "safetensors: two tensors named '%s'", quoted);
    if (!bp_add_size(begin, bytes_of(&order[i]), &end) || end > INT64_MAX)
      return bp_fail(ctx, BP_E_ARG, "safetensors: tensor '%s' makes the file too large", quoted);
    if (!set(header, name, tensor_json(&order[i], begin, end))) return out_of_memory(ctx);
    begin = end;
  }
  return BP_OK;
}

static bp_status add_metadata(bp_context *ctx, const bp_text_pair *pairs, size_t n, json_t *header) {
  if (n == 0) return BP_OK;
  json_t *metadata = json_object();
  if (!set(header, "__metadata__", metadata)) return out_of_memory(ctx);
  for (size_t i = 0; i < n; i++) {
    BP_TRY(check_text(ctx, pairs[i].key, "the metadata key"));
    BP_TRY(check_text(ctx, pairs[i].value, "the metadata value"));
    if (json_object_get(metadata, pairs[i].key))
      return bp_fail(ctx, BP_E_ARG, "safetensors: two metadata values of one key");
    if (!set(metadata, pairs[i].key, json_string(pairs[i].value))) return out_of_memory(ctx);
  }
  return BP_OK;
}

static int append(const char *data, size_t size, void *user) {
  text *t = user;
  if (t->status == BP_OK) t->status = bp_grow(t->ctx, &t->data, &t->capacity, t->size + size, 1);
  if (t->status != BP_OK) return -1;
  memcpy((char *)t->data + t->size, data, size);
  t->size += size;
  return 0;
}

/* The header as text, padded with blanks so that the data begin aligned. */
static bp_status dump(const json_t *header, text *out) {
  int failed = json_dump_callback(header, append, out, JSON_COMPACT | JSON_SORT_KEYS);
  BP_TRY(out->status);
  if (failed) return out_of_memory(out->ctx);
  size_t rest = out->size % ALIGNMENT;
  if (rest > 0) (void)append("        ", ALIGNMENT - rest, out);
  BP_TRY(out->status);
  if (out->size <= BP_SAFETENSORS_HEADER_MAX) return BP_OK;
  return bp_fail(out->ctx, BP_E_LIMIT, "safetensors: a header of %zu bytes; at most %d are allowed", out->size,
                 BP_SAFETENSORS_HEADER_MAX);
}

/* ---- all of it ---- */

static bp_status write_all(bp_writer *writer, const text *header, const bp_named_tensor *order, size_t n) {
  uint64_t size = header->size;
  BP_TRY(bp_writer_write(writer, &size, sizeof size));
  BP_TRY(bp_writer_write(writer, header->data, header->size));
  for (size_t i = 0; i < n; i++) {
    size_t bytes = bytes_of(&order[i]);
    if (bytes > 0) BP_TRY(bp_writer_write(writer, order[i].data, bytes));
  }
  return BP_OK;
}

bp_status bp_safetensors_write(bp_context *ctx, bp_writer *writer, const bp_named_tensor *tensors, size_t n_tensors,
                               const bp_text_pair *metadata, size_t n_metadata) {
  bp_allocator allocator = bp_context_allocator(ctx);
  text header_text = {.ctx = ctx};
  bp_named_tensor *order = bp_alloc(ctx, n_tensors, sizeof *order);
  json_t *header = order ? json_object() : NULL;
  bp_status status = BP_E_NOMEM;
  if (!order) return status;
  if (!header) (void)out_of_memory(ctx);
  if (header) status = put_in_order(ctx, tensors, n_tensors, order);
  if (status == BP_OK) status = add_metadata(ctx, metadata, n_metadata, header);
  if (status == BP_OK) status = add_tensors(ctx, order, n_tensors, header);
  if (status == BP_OK) status = dump(header, &header_text);
  if (status == BP_OK) status = write_all(writer, &header_text, order, n_tensors);
  json_decref(header);
  bp_release(allocator, header_text.data, header_text.capacity, 1);
  bp_release(allocator, order, n_tensors, sizeof *order);
  return status;
}
