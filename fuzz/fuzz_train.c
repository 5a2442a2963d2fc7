/* fuzz_train.c - any bytes as CSV, which is read, learnt from for an epoch, predicted and evaluated; the model is saved and loaded.
 *
 * The first bytes choose the settings of the training, one each; the rest is the file.
 *
 * about: src/train/ src/net/ src/data/ src/model/model_train.c src/model/model_evaluate.c
 * search: -entropic=0
 */
#include <stdio.h>

#include "backprop/model.h"
#include "formats/readers.h"
#include "support/fuzzing.h"
#include "support/model_use.h"

enum { ROWS_MAX = 48, COLUMNS_MAX = 12, SETTINGS = 12, TEXT_MAX = 1500 };

static void choose_layers(byte_stream *s, bp_train_options *o) {
  static const char *const activations[] = {"tanh",      "relu",     "prelu:unit", "maxout:2",
                                            "heaviside", "softplus", "elu:2",      "identity"};
  o->n_hidden = next_below(s, 4) - 1;
  if (o->n_hidden == 0) o->n_hidden = 1;
  for (int i = 0; i < 2; i++) o->hidden[i] = 3;
  o->n_activations = o->n_hidden > 0 ? 1 : 0;
  (void)bp_activation_parse(activations[next_below(s, 8)], &o->activations[0]);
  unsigned extras = next_byte(s);
  if (o->n_hidden < 1) return;
  o->normalize = (bp_normalize)(extras % BP_NORMALIZE_COUNT);
  o->skip = o->n_hidden == 2 && (extras & 4);
  o->dropout = extras & 8 ? 0.5 : 0;
  o->dropout_input = extras & 16 ? 0.25 : 0;
  o->embed = extras & 32 ? "2" : extras & 64 ? "auto" : NULL;
}

static void choose_objective(byte_stream *s, bp_train_options *o) {
  o->task = (bp_task)next_below(s, BP_TASK_COUNT);
  o->fit.objective.loss = (bp_loss)next_below(s, BP_LOSS_EXPRESSION + 1);
  if (o->fit.objective.loss == BP_LOSS_EXPRESSION) o->fit.objective.expression = "(y - p)^2 / (1 + abs(z))";
  o->fit.objective.output = (bp_output)(next_below(s, 2) * next_below(s, BP_OUTPUT_COUNT));
}

static void choose_columns(byte_stream *s, const bp_table *t, bp_train_options *o) {
  unsigned target = next_byte(s), weight = next_byte(s);
  int64_t n = bp_table_columns(t);
  static char two[600];
  o->target = target < 128 ? NULL : bp_table_name(t, target % n);
  if (target >= 240 && n > 1) {
    (void)snprintf(two, sizeof two, "%.250s,%.250s", bp_table_name(t, 0), bp_table_name(t, 1));
    o->target = two;
  }
  o->weight = weight < 160 ? NULL : bp_table_name(t, weight % n);
  o->class_weight = weight % 16 == 15 ? "balanced" : NULL;
}

static bp_train_options choose(byte_stream *s, const bp_table *t) {
  bp_train_options o = {.size = sizeof o, .fit = {.size = sizeof o.fit, .epochs = 1, .batch_size = 8, .threads = 1}};
  choose_layers(s, &o);
  choose_objective(s, &o);
  choose_columns(s, t, &o);
  o.fit.optimizer = (bp_optimizer)next_below(s, BP_OPTIMIZER_COUNT);
  if (bp_optimizer_full_batch(o.fit.optimizer)) o.fit.batch_size = 0;
  unsigned rest = next_byte(s);
  o.dtype = rest & 1 ? BP_F64 : BP_F32;
  o.valid_fraction = rest & 2 ? 0.25 : 0;
  o.fit.patience = rest & 2 && rest & 4 ? 1 : 0;
  o.fit.metric = o.fit.patience > 0 ? (bp_metric)(rest / 8 % BP_METRIC_COUNT) : BP_METRIC_LOSS;
  o.fit.clip_norm = rest & 128 ? 1 : 0;
  return o;
}

static void train(bp_context *ctx, byte_stream *settings, const bp_table *t) {
  bp_train_options options = choose(settings, t);
  bp_fit_result result = {0};
  bp_model *model = NULL;
  if (bp_table_rows(t) > ROWS_MAX || bp_table_columns(t) > COLUMNS_MAX) return;
  bp_status status = bp_model_train(ctx, t, NULL, &options, &model, &result);
  check(status == BP_OK || bp_error_message(ctx)[0] != '\0');
  check((model != NULL) == (status == BP_OK || status == BP_E_DIVERGED));
  if (model != NULL) model_use(ctx, model, t);
  bp_model_free(model);
  bp_fit_result_release(ctx, &result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < SETTINGS || size > SETTINGS + TEXT_MAX) return 0;
  byte_stream settings = {data, SETTINGS};
  bp_context *ctx = NULL;
  bp_reader *reader = NULL;
  bp_table *t = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  if (bp_reader_open_memory(ctx, "fuzz.csv", data + SETTINGS, size - SETTINGS, &reader) == BP_OK) {
    if (!bp_reader_is_gzip(reader) && bp_csv_read(ctx, reader, false, NULL, &t) == BP_OK) train(ctx, &settings, t);
    bp_table_free(t);
    bp_reader_close(reader);
  }
  bp_context_free(ctx);
  return 0;
}
