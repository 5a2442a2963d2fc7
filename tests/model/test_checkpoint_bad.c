/* Checkpoints are not trusted: what is cut off, changed or written by another hand is refused with a clear line, or does no harm. */
/* labels: unit io */
#include "formats/safetensors.h"
#include "model/checkpoint_fixtures.h"

static void every_truncation_is_refused(void **state) {
  run r;
  size_t size;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  char *bytes = bt_read_file(r.checkpoint, &size);
  for (size_t n = 0; n < size; n += n < 64 || n + 64 > size ? 1 : 7) {
    bp_checkpoint *checkpoint = NULL;
    bt_write_file(r.checkpoint, bytes, n);
    bt_assert_fails(r.ctx, BP_E_MODEL, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
    assert_null(checkpoint);
  }
  bt_write_file(r.checkpoint, bytes, size);
  free(bytes);
  end(&r);
}

/* Each bit of the arrays is under the checksum. */
static void every_flipped_bit_is_noticed(void **state) {
  run r;
  size_t size;
  uint64_t header;
  begin(&r, bt_ctx(state), BT_TWO, BP_F32);
  suspend_at(&r, 5);
  char *bytes = bt_read_file(r.checkpoint, &size);
  memcpy(&header, bytes, 8);
  assert_true(size > 8 + header);
  for (size_t bit = 8 * (8 + (size_t)header); bit < 8 * size; bit++) {
    bp_checkpoint *checkpoint = NULL;
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    bt_write_file(r.checkpoint, bytes, size);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    bt_assert_fails(r.ctx, BP_E_MODEL, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
    bt_assert_message(r.ctx, "run.checkpoint: damaged: the checksum of its tensors is ");
  }
  free(bytes);
  end(&r);
}

/* Each byte of the header in turn becomes another: refused, or harmless; never a crash or a leak. */
static void garbage_is_survived(void **state) {
  run r;
  size_t size;
  begin(&r, bt_ctx(state), BT_TWO, BP_F32);
  suspend_at(&r, 5);
  char *bytes = bt_read_file(r.checkpoint, &size);
  for (size_t i = 0; i < size; i += 3) {
    bp_model *model = NULL;
    char was = bytes[i];
    bytes[i] = (char)(was ^ (i % 2 ? 0x11 : 0x80));
    bt_write_file(r.checkpoint, bytes, size);
    bytes[i] = was;
    bp_status status = resume(&r, &model, NULL);
    if (status == BP_E_DIVERGED) status = BP_OK; /* a slot of the optimiser became very large */
    assert_true(status == BP_OK || (model == NULL && bp_error_message(r.ctx)[0]));
    bp_model_free(model);
  }
  free(bytes);
  end(&r);
}

/* The text of the metadata with one piece replaced, in a file of its own length. */
static void replace(const char *path, const char *old, const char *new) {
  size_t size, n = strlen(old), m = strlen(new);
  uint64_t header;
  char *bytes = bt_read_file(path, &size), *at = NULL;
  memcpy(&header, bytes, sizeof header);
  for (size_t i = 8; i + n <= 8 + header && !at; i++)
    if (memcmp(bytes + i, old, n) == 0) at = bytes + i;
  if (!at) fail_msg("no %s in %s", old, path);
  char *changed = malloc(size + m);
  size_t before = (size_t)(at - bytes);
  memcpy(changed, bytes, before);
  memcpy(changed + before, new, m);
  memcpy(changed + before + m, at + n, size - before - n);
  header = header + m - n;
  memcpy(changed, &header, sizeof header);
  bt_write_file(path, changed, size + m - n);
  free(changed);
  free(bytes);
}

/* The key of the checksum becomes one that says nothing: what changes is changed on purpose. */
static void drop_checksum(const char *path) { replace(path, "\"backprop.checksum\"", "\"no.checksum\""); }

/* Texts inside JSON inside JSON: their quotes are escaped. */
#define Q "\\\""

static void bad_texts_are_refused(void **state) {
  static const struct {
    const char *old, *new, *words;
  } rows[] = {
      {"backprop-checkpoint", "backprop", "it is a trained model, not a checkpoint"},
      {"backprop-checkpoint", "pickle", "is no checkpoint"},
      {"backprop.checkpoint", "backprop.sheckpoint", "has no backprop.checkpoint"},
      {"backprop.run", "backprop.ran", "has no backprop.run"},
      {"{" Q "format" Q ":1", "{" Q "format" Q ":2", "made by another backprop"},
      {Q "steps" Q ":5", Q "steps" Q ":-5", "state.steps: expected a whole number"},
      {Q "steps" Q ":5", Q "steps" Q ":6", "state.steps does not fit"},
      {Q "steps" Q ":5", Q "steps" Q ":5.5", "state.steps: expected a whole number"},
      {Q "row" Q ":16", Q "row" Q ":17", "state.row does not fit"},
      {Q "row" Q ":16", Q "row" Q ":1600", "state.row does not fit"},
      {Q "epoch" Q ":2", Q "epoch" Q ":0", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":99999999999", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":2147483648", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":9223372036854775807", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":3", "tensor history: another type or shape"},
      {Q "best_epoch" Q ":1", Q "best_epoch" Q ":2", "state.best_epoch does not fit"},
      {Q "best" Q ":", Q "worst" Q ":", "state.best: expected a number"},
      {"\"params.layers.0.bias\"", "\"params.layers.7.bias\"", "tensor params.layers.0.bias is missing"},
      {"\"history\"", "\"histery\"", "tensor history is missing"},
      {"\"F32\",\"shape\":[5]", "\"F32\",\"shape\":[5,1]", "another type or shape"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    run r;
    begin(&r, bt_ctx(state), BT_THREE, BP_F32);
    suspend_at(&r, 5);
    drop_checksum(r.checkpoint);
    replace(r.checkpoint, rows[i].old, rows[i].new);
    refused(&r, BP_E_MODEL, rows[i].words);
    bt_assert_message(r.ctx, "run.checkpoint: ");
    end(&r);
  }
}

/* Puts bytes in a tensor, from this byte on. */
static void spoil(run *r, const char *name, size_t from, const void *with, size_t n) {
  bp_safetensors *file;
  size_t size;
  drop_checksum(r->checkpoint);
  char *bytes = bt_read_file(r->checkpoint, &size);
  bt_assert_ok(r->ctx, bp_safetensors_parse(r->ctx, "spoilt", bytes, size, &file));
  const bp_named_tensor *tensor = bp_safetensors_tensor(file, name);
  assert_true(tensor != NULL && from + n <= tensor->size);
  memcpy(bytes + ((const char *)tensor->data - file->content) + from, with, n);
  bt_write_file(r->checkpoint, bytes, size);
  bp_safetensors_free(file);
  free(bytes);
}

static void spoil_first(run *r, const char *name, float value) { spoil(r, name, 0, &value, sizeof value); }

static void what_is_given_back_is_finite(void **state) {
  run r;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  spoil_first(&r, "kept.layers.0.bias", NAN);
  refused(&r, BP_E_MODEL, "kept.layers.0.bias holds a value that is not finite");
  end(&r);
}

/* Squares of gradients beyond float32 make steps of 0, which is no fault of the file that a run writes then. */
static void a_run_whose_optimizer_overflew_goes_on(void **state) {
  run r;
  bp_model *model = NULL;
  bp_fit_result result = {0};
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  r.options.fit.optimizer = BP_ADAM;
  suspend_at(&r, 5);
  spoil_first(&r, "slots.1.layers.0.bias", INFINITY);
  bt_assert_ok(r.ctx, resume(&r, &model, &result));
  assert_int_equal(result.stopped_by, BP_STOP_EPOCHS);
  bp_model_free(model);
  bp_fit_result_release(r.ctx, &result);
  end(&r);
}

/* As the run that was not stopped does: the next loss is not finite. */
static void a_run_whose_parameters_overflew_diverges(void **state) {
  run r;
  bp_model *model = NULL;
  bp_fit_result result = {0};
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  spoil_first(&r, "params.layers.0.bias", INFINITY);
  bt_assert_fails(r.ctx, BP_E_DIVERGED, resume(&r, &model, &result));
  bp_model_free(model);
  bp_fit_result_release(r.ctx, &result);
  end(&r);
}

/* L-BFGS keeps the number of its pairs, and the place of the next one, in front of them. */
static void counters_of_a_method_are_not_trusted(void **state) {
  static const double wrong[] = {-1, 0.5, 11, 1e7, 1e19, -1e300};
  for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
    run r;
    begin(&r, bt_ctx(state), BT_THREE, BP_F64);
    r.options.fit.optimizer = BP_LBFGS;
    r.options.fit.lr = 0;
    r.options.fit.batch_size = 0;
    suspend_at(&r, 2);
    spoil(&r, "method", i % 2 * sizeof *wrong, &wrong[i / 2], sizeof *wrong);
    refused(&r, BP_E_MODEL, "tensor method holds counters that no run with these settings has");
    end(&r);
  }
}

static void files_are_not_mistaken(void **state) {
  run r;
  bp_model *model = NULL;
  bp_checkpoint *checkpoint = NULL;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  bt_assert_fails(r.ctx, BP_E_MODEL, bp_model_load(r.ctx, r.checkpoint, &model));
  bt_assert_message(r.ctx, "it is the checkpoint of a training run, not a model");
  bt_assert_fails(r.ctx, BP_E_MODEL, bp_checkpoint_read(r.ctx, r.model, &checkpoint));
  bt_assert_message(r.ctx, "it is a trained model, not a checkpoint");
  (void)bt_dir_file(&r.dir, "nothing", r.checkpoint);
  refused(&r, BP_E_IO, "nothing");
  end(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_truncation_is_refused),
      BT_TEST(every_flipped_bit_is_noticed),
      BT_TEST(garbage_is_survived),
      BT_TEST(bad_texts_are_refused),
      BT_TEST(what_is_given_back_is_finite),
      BT_TEST(a_run_whose_optimizer_overflew_goes_on),
      BT_TEST(a_run_whose_parameters_overflew_diverges),
      BT_TEST(counters_of_a_method_are_not_trusted),
      BT_TEST(files_are_not_mistaken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
