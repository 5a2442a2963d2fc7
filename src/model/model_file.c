/* model/model_file.c - a model as one safetensors file, and back (docs/formats.md).
 *
 * Tensors are named and shaped as PyTorch's state_dict has them, so weights [in, out] are turned to [out, in] on the way.
 * Everything else is text in __metadata__:
 *   format              "backprop"
 *   backprop.version    of the library that wrote it
 *   backprop.model      task, loss, layers (model_describe.c)
 *   backprop.encoding   columns, target, classes (data/encoding_json.h)
 *   backprop.record     how it was trained (model_record.c)
 *   backprop.checksum   of the tensors (formats/safetensors.h)
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backprop/version.h"
#include "base/fail.h"
#include "data/encoding_json.h"
#include "formats/safetensors.h"
#include "model/checkpoint_json.h"
#include "model/model_json.h"

enum { TEXTS = 6 };

/* out[c, r] = in[r, c], elements of `size` bytes. */
static void turn(const void *in, int64_t rows, int64_t columns, size_t size, void *out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++)
      memcpy((char *)out + (size_t)(c * rows + r) * size, (const char *)in + (size_t)(r * columns + c) * size, size);
}

/* Whether a file has it the other way round: weights, but not tables. */
static bool is_turned(const bp_param_info *info) { return info->rank == 2 && !info->is_table; }

/* ---- saving ---- */

/* What is written, and what of it must be released. */
typedef struct bp_saving {
  bp_context *ctx;
  const bp_model *model;
  size_t n;             /* arrays */
  bp_param_info *infos; /* names */
  bp_named_tensor *tensors;
  void **turned; /* weights as [out, in]; NULL: the model's own */
  char *description, *encoding;
} bp_saving;

static bp_status add_tensor(bp_saving *saving, int p) {
  const bp_net *net = saving->model->net;
  bp_param_info *info = &saving->infos[p];
  bp_named_tensor *tensor = &saving->tensors[p];
  *info = bp_net_param(net, p);
  *tensor = (bp_named_tensor){.name = info->name, .dtype = bp_net_dtype(net), .rank = info->rank};
  tensor->data = saving->model->params[p];
  tensor->dims[0] = info->dims[0];
  tensor->dims[1] = info->dims[1];
  if (!is_turned(info)) return BP_OK;
  saving->turned[p] = bp_aligned_alloc(saving->ctx, bp_model_param_bytes(net, p));
  if (!saving->turned[p]) return BP_E_NOMEM;
  turn(tensor->data, info->dims[0], info->dims[1], bp_dtype_size(tensor->dtype), saving->turned[p]);
  tensor->data = saving->turned[p];
  tensor->dims[0] = info->dims[1];
  tensor->dims[1] = info->dims[0];
  return BP_OK;
}

static bp_status make_room(bp_saving *saving) {
  saving->n = (size_t)bp_net_params(saving->model->net);
  saving->infos = bp_calloc(saving->ctx, saving->n, sizeof *saving->infos);
  saving->tensors = bp_calloc(saving->ctx, saving->n, sizeof *saving->tensors);
  saving->turned = bp_calloc(saving->ctx, saving->n, sizeof *saving->turned);
  return saving->infos && saving->tensors && saving->turned ? BP_OK : BP_E_NOMEM;
}

static bp_status make_texts(bp_saving *saving) {
  bp_json_writer w;
  bp_json_begin(&w, saving->ctx);
  bp_model_put_description(&w, NULL, saving->model);
  BP_TRY(bp_json_end(&w, &saving->description));
  bp_encoding_put_json(&w, NULL, saving->model->encoding);
  return bp_json_end(&w, &saving->encoding);
}

static bp_status prepare(bp_saving *saving) {
  BP_TRY(make_room(saving));
  for (int p = 0; p < bp_net_params(saving->model->net); p++) BP_TRY(add_tensor(saving, p));
  return make_texts(saving);
}

static bp_status write(bp_saving *saving, const char *path) {
  char checksum[BP_CHECKSUM_TEXT];
  BP_TRY(bp_safetensors_checksum(saving->ctx, saving->tensors, saving->n, checksum));
  const bp_text_pair texts[TEXTS] = {
      {"format", "backprop"},
      {"backprop.version", BP_VERSION_STRING},
      {"backprop.model", saving->description},
      {"backprop.encoding", saving->encoding},
      {"backprop.record", saving->model->record},
      {BP_CHECKSUM_KEY, checksum},
  };
  bp_writer *writer = NULL;
  BP_TRY(bp_writer_open(saving->ctx, path, &writer));
  bp_status status = bp_safetensors_write(saving->ctx, writer, saving->tensors, saving->n, texts, TEXTS);
  if (status == BP_OK) return bp_writer_commit(writer);
  bp_writer_cancel(writer);
  return status;
}

static void release(bp_saving *saving) {
  bp_allocator allocator = bp_context_allocator(saving->ctx);
  for (size_t p = 0; saving->turned && p < saving->n; p++)
    if (saving->turned[p])
      bp_aligned_free(allocator, saving->turned[p], bp_model_param_bytes(saving->model->net, (int)p));
  bp_release(allocator, saving->infos, saving->n, sizeof *saving->infos);
  bp_release(allocator, saving->tensors, saving->n, sizeof *saving->tensors);
  bp_release(allocator, saving->turned, saving->n, sizeof *saving->turned);
  bp_string_free(saving->ctx, saving->description);
  bp_string_free(saving->ctx, saving->encoding);
}

bp_status bp_model_save(bp_context *context, const bp_model *model, const char *path) {
  bp_saving saving = {.ctx = context, .model = model};
  bp_status status = prepare(&saving);
  if (status == BP_OK) status = write(&saving, path);
  release(&saving);
  return status;
}

/* ---- loading ---- */

static bp_status check_kind(bp_context *ctx, const bp_safetensors *file) {
  const char *format = bp_safetensors_text(file, "format");
  if (format && strcmp(format, "backprop") == 0) return BP_OK;
  if (format && strcmp(format, BP_CHECKPOINT_KIND) == 0)
    return bp_fail(ctx, BP_E_MODEL, "it is the checkpoint of a training run, not a model; go on with: backprop resume");
  return bp_fail(
      ctx, BP_E_MODEL,
      "it holds tensors, but was not written by backprop: expected \"format\": \"backprop\" in its metadata");
}

static bp_status load_encoding(bp_context *ctx, const bp_safetensors *file, bp_model *model) {
  bp_json *object = NULL;
  BP_TRY(bp_json_from_text(ctx, "backprop.encoding", bp_safetensors_text(file, "backprop.encoding"), &object));
  bp_status status = bp_encoding_from_json(ctx, object, &model->encoding);
  bp_json_free(object);
  return status;
}

/* The format is looked at before all else, so that a file of a newer backprop is called by its name. */
static bp_status load_description(bp_context *ctx, const bp_safetensors *file, bp_model *model) {
  bp_json *object = NULL;
  BP_TRY(bp_json_from_text(ctx, "backprop.model", bp_safetensors_text(file, "backprop.model"), &object));
  bp_status status = bp_model_check_format(ctx, object);
  if (status == BP_OK) status = load_encoding(ctx, file, model);
  if (status == BP_OK) status = bp_model_from_description(ctx, object, model);
  bp_json_free(object);
  return status;
}

/* A file that was made by hand, or by another program, may have none. */
static bp_status load_record(bp_context *ctx, const bp_safetensors *file, bp_model *model) {
  bp_json *object = NULL;
  const char *text = bp_safetensors_text(file, "backprop.record");
  if (!text) text = "{}";
  BP_TRY(bp_json_from_text(ctx, "backprop.record", text, &object));
  bp_json_free(object);
  return bp_model_set_record(ctx, model, text, strlen(text));
}

/* The tensor of a parameter, found by its name, of the right type and shape. */
static bp_status find_tensor(bp_context *ctx, const bp_safetensors *file, bp_dtype dtype, const bp_param_info *info,
                             const bp_named_tensor **out) {
  const bp_named_tensor *tensor = bp_safetensors_tensor(file, info->name);
  bool turned = is_turned(info);
  int64_t first = info->dims[turned], second = info->dims[!turned];
  if (!tensor) return bp_fail(ctx, BP_E_MODEL, "tensor %s is missing", info->name);
  if (tensor->dtype != dtype)
    return bp_fail(ctx, BP_E_MODEL, "tensor %s is of type %s; expected %s", info->name, tensor->type,
                   bp_dtype_name(dtype));
  bool fits = tensor->rank == info->rank && tensor->dims[0] == first && (info->rank < 2 || tensor->dims[1] == second);
  if (fits) {
    *out = tensor;
    return BP_OK;
  }
  if (info->rank < 2) return bp_fail(ctx, BP_E_MODEL, "tensor %s: expected the shape [%" PRId64 "]", info->name, first);
  return bp_fail(ctx, BP_E_MODEL, "tensor %s: expected the shape [%" PRId64 ", %" PRId64 "]", info->name, first,
                 second);
}

static bool all_finite(const void *data, int64_t n, bp_dtype dtype) {
  const float *f32 = data;
  const double *f64 = data;
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(dtype == BP_F64 ? f64[i] : (double)f32[i])) return false;
  return true;
}

static bool any_negative(const void *data, int64_t n, bp_dtype dtype) {
  const float *f32 = data;
  const double *f64 = data;
  for (int64_t i = 0; i < n; i++)
    if ((dtype == BP_F64 ? f64[i] : (double)f32[i]) < 0) return true;
  return false;
}

static bp_status check_names(bp_context *ctx, const bp_safetensors *file, const bp_net *net) {
  const bp_named_tensor *tensor;
  bp_param_info info;
  for (int p = 0; p < bp_net_params(net); p++) {
    info = bp_net_param(net, p);
    BP_TRY(find_tensor(ctx, file, bp_net_dtype(net), &info, &tensor));
  }
  for (size_t i = 0; i < file->n_tensors; i++) {
    int p = 0;
    while (p < bp_net_params(net) && (info = bp_net_param(net, p), strcmp(info.name, file->tensors[i].name) != 0)) p++;
    if (p == bp_net_params(net))
      return bp_fail(ctx, BP_E_MODEL, "tensor '%.80s' belongs to no layer of the model", file->tensors[i].name);
  }
  return BP_OK;
}

/* Every shape was checked against the file before memory is asked for: no file makes us allocate more than it holds. */
static bp_status load_params(bp_context *ctx, const bp_safetensors *file, bp_model *model) {
  bp_dtype dtype = bp_net_dtype(model->net);
  const bp_named_tensor *tensor = NULL;
  BP_TRY(check_names(ctx, file, model->net));
  BP_TRY(bp_model_alloc_params(ctx, model));
  for (int p = 0; p < bp_net_params(model->net); p++) {
    bp_param_info info = bp_net_param(model->net, p);
    BP_TRY(find_tensor(ctx, file, dtype, &info, &tensor));
    if (is_turned(&info))
      turn(tensor->data, info.dims[1], info.dims[0], bp_dtype_size(dtype), model->params[p]);
    else
      memcpy(model->params[p], tensor->data, tensor->size);
    if (!all_finite(model->params[p], info.elements, dtype))
      return bp_fail(ctx, BP_E_MODEL, "tensor %s holds a value that is not finite", info.name);
    if (info.is_state && info.start > 0 && any_negative(model->params[p], info.elements, dtype))
      return bp_fail(ctx, BP_E_MODEL, "tensor %s holds a negative variance", info.name);
  }
  return BP_OK;
}

static bp_status load(bp_context *ctx, const bp_safetensors *file, bp_model *model) {
  BP_TRY(check_kind(ctx, file));
  BP_TRY(bp_safetensors_verify(ctx, file));
  BP_TRY(load_description(ctx, file, model));
  BP_TRY(load_record(ctx, file, model));
  return load_params(ctx, file, model);
}

static bp_status load_file(bp_context *context, const char *path, bp_model **out) {
  bp_safetensors *file = NULL;
  bp_model *model = NULL;
  BP_TRY(bp_safetensors_read(context, path, &file));
  bp_status status = bp_model_new(context, &model);
  if (status == BP_OK) status = load(context, file, model);
  if (status == BP_E_MODEL) bp_fail_prefix(context, "%s: ", path);
  bp_safetensors_free(file);
  if (status == BP_OK) status = bp_model_finish(context, model);
  if (status == BP_OK)
    *out = model;
  else
    bp_model_free(model);
  return status;
}

bp_status bp_model_load(bp_context *context, const char *path, bp_model **out) {
  bp_bound bound = bp_bound_open(context, BP_BOUND_READING);
  return bp_bound_close(context, bound, load_file(context, path, out), path);
}
