/* support/model_use.c - describe, predict, evaluate, save and load. */
#include "support/model_use.h"

#include <math.h>
#include <string.h>

#include "backprop/predict.h"
#include "backprop/sensitivity.h"
#include "support/fuzzing.h"
#include "support/scratch.h"

enum { ROWS = 3, COLUMNS_MAX = 64, NUMBERS_MAX = 1 << 16 };

/* ---- looking at it ---- */

static void describe_columns(const bp_model *model) {
  for (int64_t c = 0; c < bp_model_columns(model); c++) {
    bp_column_info info = bp_model_column(model, c);
    check(info.name[0] != '\0' && info.type[0] != '\0' && info.inputs >= 0);
    for (int64_t k = 0; k < info.n_categories; k++) check(info.categories[k] != NULL);
    (void)bp_model_take(model, info.name);
  }
  for (int64_t t = 0; t < bp_model_targets(model); t++) check(bp_model_target_at(model, t)[0] != '\0');
  check(bp_model_target_at(model, bp_model_targets(model))[0] == '\0');
}

static void describe_net(const bp_net *net) {
  int64_t learnt = 0;
  for (int i = 0; i < bp_net_layers(net); i++) learnt += bp_net_layer(net, i).parameters;
  check(learnt == bp_net_size(net));
  for (int p = 0; p < bp_net_params(net); p++) check(bp_net_param(net, p).elements >= 0);
}

static void describe(const bp_model *model) {
  char text[64];
  describe_columns(model);
  describe_net(bp_model_net(model));
  check(bp_model_record(model) != NULL && bp_model_task_text(model)[0] != '\0');
  check(bp_loss_name(bp_model_loss(model)) != NULL && bp_model_outputs(model) >= 1);
  for (int64_t o = 0; o < bp_model_outputs(model); o++)
    check(strlen(bp_model_output_name(model, o, text, sizeof text)) < sizeof text);
}

/* ---- a table ---- */

static bp_status add_column(bp_context *ctx, bp_table *t, const bp_column_info *info, const char *bare) {
  if (strcmp(info->type, "number") == 0)
    return bp_table_add_numbers(ctx, t, info->name, (double[ROWS]){info->mean, info->mean + info->scale, NAN});
  if (strcmp(info->type, "category") == 0) {
    const char *any = info->n_categories > 0 ? info->categories[info->n_categories - 1] : "";
    return bp_table_add_text(ctx, t, info->name, (const char *const[ROWS]){any, "never seen", ""});
  }
  uint8_t *bytes = calloc(ROWS, (size_t)info->inputs + 1);
  check(bytes != NULL);
  for (int64_t i = 0; i < info->inputs; i++) bytes[i] = (uint8_t)(37 * i);
  bp_status status = bp_table_add_bytes(ctx, t, bare, info->inputs, bytes);
  free(bytes);
  return status;
}

/* "pixel" of "pixel0..783". */
static const char *prefix_of(const char *name, char *text, size_t size) {
  size_t length = strlen(name);
  while (length > 0 && (name[length - 1] == '.' || (name[length - 1] >= '0' && name[length - 1] <= '9'))) length--;
  if (length >= size) length = size - 1;
  memcpy(text, name, length);
  text[length] = '\0';
  return text;
}

static bp_status add_target(bp_context *ctx, bp_table *t, const bp_model *model, int64_t i) {
  const char *first = bp_model_class(model, 0), *name = bp_model_target_at(model, i);
  if (bp_model_task(model) == BP_TASK_CLASSIFICATION)
    return bp_table_add_text(ctx, t, name, (const char *const[ROWS]){first, bp_model_class(model, 1), first});
  return bp_table_add_numbers(ctx, t, name, (double[ROWS]){0, 1, 1});
}

bp_table *model_table(bp_context *ctx, const bp_model *model) {
  bp_table *t = NULL;
  char prefix[256];
  if (bp_model_columns(model) > COLUMNS_MAX || bp_model_width(model, BP_SPACE_INPUTS) > NUMBERS_MAX / ROWS) return NULL;
  if (bp_table_new(ctx, ROWS, &t) != BP_OK) return NULL;
  bp_status status = BP_OK;
  for (int64_t c = 0; c < bp_model_columns(model) && status == BP_OK; c++) {
    bp_column_info info = bp_model_column(model, c);
    status = add_column(ctx, t, &info, prefix_of(info.name, prefix, sizeof prefix));
  }
  for (int64_t i = 0; i < bp_model_targets(model) && status == BP_OK; i++) status = add_target(ctx, t, model, i);
  if (status == BP_OK && bp_model_weight(model) != NULL)
    (void)bp_table_add_numbers(ctx, t, bp_model_weight(model), (double[ROWS]){1, 2, 0.5});
  return t;
}

/* ---- using it ---- */

static bool same(const double *a, const double *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((a[i] != b[i] || !signbit(a[i]) != !signbit(b[i])) && !(isnan(a[i]) && isnan(b[i]))) return false;
  return true;
}

/* Rows of numbers, each alone, give what the table gave. */
static void predict_rows(bp_context *ctx, const bp_model *model, const bp_table *table, const double *expected) {
  size_t rows = (size_t)bp_table_rows(table), outputs = (size_t)bp_model_outputs(model);
  size_t width = (size_t)bp_model_width(model, BP_SPACE_COLUMNS);
  double *values = calloc(rows * width + 1, sizeof *values), *output = calloc(outputs, sizeof *output);
  bp_predictor *predictor = NULL;
  check(values != NULL && output != NULL);
  if (bp_model_values(ctx, model, table, values) == BP_OK && bp_predictor_new(ctx, model, NULL, &predictor) == BP_OK) {
    for (size_t r = 0; r < rows; r++)
      if (bp_predict_f64(predictor, 1, values + r * width, output) == BP_OK)
        check(same(output, expected + r * outputs, outputs));
  }
  bp_predictor_free(predictor);
  free(values);
  free(output);
}

static void evaluate(bp_context *ctx, const bp_model *model, const bp_table *table) {
  bp_metrics metrics;
  if (bp_model_evaluate(ctx, model, table, 1, &metrics) == BP_OK) {
    check(metrics.rows >= 0 && metrics.rows <= bp_table_rows(table));
    bp_metrics_release(ctx, &metrics);
  } else {
    check(bp_error_message(ctx)[0] != '\0');
  }
}

static void differentiate(bp_context *ctx, const bp_model *model) {
  size_t width = (size_t)bp_model_width(model, BP_SPACE_INPUTS), outputs = (size_t)bp_model_outputs(model);
  if (width == 0 || width * outputs > 400) return;
  double *x = calloc(width, sizeof *x), *jacobian = calloc(width * outputs, sizeof *jacobian);
  check(x != NULL && jacobian != NULL);
  check(bp_model_jacobian(ctx, model, BP_SPACE_INPUTS, 1, x, NULL, jacobian) == BP_OK);
  free(x);
  free(jacobian);
}

/* What was saved is the same model, and the same bytes when it is saved again. */
static void save_and_load(bp_context *ctx, const bp_model *model, const bp_table *table, const double *expected,
                          size_t n) {
  bp_model *back = NULL;
  size_t size, again_size;
  double *output = calloc(n + 1, sizeof *output);
  check(output != NULL && bp_model_save(ctx, model, scratch_path(1)) == BP_OK);
  check(bp_model_load(ctx, scratch_path(1), &back) == BP_OK);
  check(bp_model_save(ctx, back, scratch_path(2)) == BP_OK);
  uint8_t *file = scratch_read(1, &size), *again = scratch_read(2, &again_size);
  check(size == again_size && memcmp(file, again, size) == 0);
  if (expected != NULL) {
    check(bp_model_predict(ctx, back, table, 1, output) == BP_OK);
    check(same(output, expected, n));
  }
  bp_model_free(back);
  free(file);
  free(again);
  free(output);
}

void model_use(bp_context *ctx, const bp_model *model, const bp_table *table) {
  size_t n = table != NULL ? (size_t)bp_table_rows(table) * (size_t)bp_model_outputs(model) : 0;
  double *output = NULL;
  describe(model);
  if (n <= NUMBERS_MAX && table != NULL) output = calloc(n + 1, sizeof *output);
  if (output != NULL && bp_model_predict(ctx, model, table, 1, output) == BP_OK) {
    predict_rows(ctx, model, table, output);
    evaluate(ctx, model, table);
    differentiate(ctx, model);
    save_and_load(ctx, model, table, output, n);
  } else {
    save_and_load(ctx, model, NULL, NULL, 0);
  }
  free(output);
}
