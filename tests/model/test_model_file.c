/* Model files: what is saved comes back bit for bit, and whatever is not such a file is refused with a clear line. */
/* labels: unit io */
#include <stdlib.h>

#include "model/file_parts.h"
#include "model/model_fixtures.h"

/* ---- round trip ---- */

/* Frees the model. */
static void model_comes_back(bp_context *ctx, bp_model *saved, bt_target target, bp_dtype dtype) {
  static double before[BT_ROWS * 3], after[BT_ROWS * 3];
  char path[BT_PATH], again[BT_PATH];
  bt_dir dir;
  bp_model *loaded = NULL;
  size_t outputs = (size_t)bp_model_outputs(saved), size;
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, saved, bt_dir_file(&dir, "a.safetensors", path)));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &loaded));
  for (int p = 0; p < bp_net_params(bp_model_net(saved)); p++) {
    bp_param_info info = bp_net_param(bp_model_net(saved), p);
    assert_string_equal(info.name, bp_net_param(bp_model_net(loaded), p).name);
    bt_assert_same_bits(bp_model_param(saved, p), bp_model_param(loaded, p),
                        (size_t)info.elements * bp_dtype_size(dtype));
  }
  bt_predict(ctx, saved, target, BT_ROWS, 1, before);
  bt_predict(ctx, loaded, target, BT_ROWS, 1, after);
  bt_assert_same_bits(before, after, BT_ROWS * outputs * sizeof *before);
  assert_string_equal(bp_model_record(saved), bp_model_record(loaded));
  bt_assert_ok(ctx, bp_model_save(ctx, loaded, bt_dir_file(&dir, "b.safetensors", again)));
  char *bytes = bt_read_file(path, &size);
  assert_true(bt_file_is(again, bytes, size));
  free(bytes);
  bp_model_free(saved);
  bp_model_free(loaded);
  bt_dir_remove(&dir);
}

static void comes_back(bp_context *ctx, bt_target target, bp_dtype dtype) {
  model_comes_back(ctx, bt_small_model(ctx, target, dtype), target, dtype);
}

static void classes_f32_come_back(void **state) { comes_back(bt_ctx(state), BT_THREE, BP_F32); }
static void classes_f64_come_back(void **state) { comes_back(bt_ctx(state), BT_TWO, BP_F64); }
static void values_come_back(void **state) { comes_back(bt_ctx(state), BT_VALUE, BP_F32); }

/* Every kind of layer, and activations with settings: the same predictions, and the same bytes when saved again. */
static void every_kind_of_layer_comes_back(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const struct {
    const char *activations[2], *embed;
    bp_normalize normalize;
    double dropout;
  } rows[] = {{{"leaky_relu:0.2", "prelu:unit"}, "auto", BP_NORMALIZE_BATCH, 0.25},
              {{"maxout:3", "elu:0.5"}, "colour=2", BP_NORMALIZE_LAYER, 0},
              {{"maxout", "prelu"}, "1", BP_NORMALIZE_BATCH, 0.5},
              {{"hard_silu", "identity:2"}, NULL, BP_NORMALIZE_NONE, 0.1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_train_options o = bt_small(i % 2 == 0 ? BP_F32 : BP_F64);
    o.n_hidden = 2;
    o.hidden[1] = i == 3 ? 5 : 4;
    o.n_activations = 2;
    for (int a = 0; a < 2; a++) assert_true(bp_activation_parse(rows[i].activations[a], &o.activations[a]));
    o.embed = rows[i].embed;
    o.normalize = rows[i].normalize;
    o.dropout = o.dropout_input = rows[i].dropout;
    o.skip = true;
    o.bias_init = 0.1;
    o.init = BP_INIT_ORTHOGONAL;
    bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
    model_comes_back(ctx, bt_train(ctx, table, &o), BT_THREE, o.dtype);
    bp_table_free(table);
  }
}

static void a_large_seed_comes_back(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  bp_train_options options = bt_small(BP_F32);
  options.fit.seed = UINT64_MAX;
  bp_table *table = bt_table_of(ctx, BT_TWO, BT_ROWS);
  bp_model *model = bt_train(ctx, table, &options), *loaded = NULL;
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(&dir, "m", path)));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &loaded));
  assert_non_null(strstr(bp_model_record(loaded), "18446744073709551615"));
  bp_model_free(model);
  bp_model_free(loaded);
  bp_table_free(table);
  bt_dir_remove(&dir);
}

/* The shape [a, b] becomes [b, a], or [n] becomes [n, 1]; the size stays. */
static void reshape(parts *p, const char *name) {
  int64_t n[2] = {0, 1};
  char path[64], shape[64];
  bool one = numbers_of(p, name, "shape", n) == 1;
  (void)snprintf(path, sizeof path, "%s/shape", name);
  (void)snprintf(shape, sizeof shape, "[%lld,%lld]", (long long)n[!one], (long long)n[one]);
  bt_json_change(&p->header, path, shape);
}

static void poison(parts *p, float value) {
  int64_t offsets[2];
  (void)numbers_of(p, "layers.1.bias", "data_offsets", offsets);
  memcpy(p->data + offsets[0], &value, 4);
}

/* Weights as PyTorch has them: layers.0.weight is [out, in], so element [o, i] of the file is element [i, o] of ours. */
static void tensors_are_those_of_a_state_dict(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  int64_t shape[2], offsets[2];
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(&dir, "m", path)));
  char *bytes = bt_read_file(path, &size);
  parts p = take_apart(bytes, size);
  assert_int_equal(numbers_of(&p, "layers.0.weight", "shape", shape), 2);
  assert_int_equal(numbers_of(&p, "layers.0.weight", "data_offsets", offsets), 2);
  const float *ours = bp_model_param(model, 0);
  assert_true(shape[0] == 5 && shape[1] == 5); /* a number, its indicator, three colours */
  for (int64_t o = 0; o < 5; o++)
    for (int64_t i = 0; i < 5; i++) assert_memory_equal(p.data + offsets[0] + 4 * (o * 5 + i), &ours[i * 5 + o], 4);
  release(&p);
  free(bytes);
  bp_model_free(model);
  bt_dir_remove(&dir);
}

/* ---- files that are no models ---- */

typedef enum edit { MODEL, ENCODING, TEXT, NO_TEXT, RENAME, RESHAPE, POISON } edit;

/* Each change of a good model, and words that the message must hold. */
static const struct {
  edit what;
  const char *name, *value, *words;
} faults[] = {
    {NO_TEXT, "format", NULL, "not written by backprop"},
    {TEXT, "format", "pt", "not written by backprop"},
    {NO_TEXT, "backprop.model", NULL, "backprop.model"},
    {NO_TEXT, "backprop.encoding", NULL, "backprop.encoding"},
    {TEXT, "backprop.model", "{", "backprop.model"},
    {TEXT, "backprop.model", "[]", "no object"},
    {TEXT, "backprop.encoding", "", "backprop.encoding"},
    {TEXT, "backprop.record", "nonsense", "backprop.record"},
    {MODEL, NULL, "{\"format\": 3}", "newer backprop"},
    {MODEL, NULL, "{\"format\": 0}", "format"},
    {MODEL, NULL, "{\"format\": \"1\"}", "format"},
    {MODEL, NULL, "{\"format\": null}", "format"},
    {MODEL, NULL, "{\"task\": \"regression\"}", "task"},
    {MODEL, NULL, "{\"task\": 5}", "task"},
    {MODEL, NULL, "{\"loss\": \"focal\"}", "focal"},
    {MODEL, NULL, "{\"loss\": null}", "loss"},
    {MODEL, NULL, "{\"loss\": \"auto\"}", "loss 'auto' is not known here"},
    {MODEL, NULL, "{\"loss\": \"expression\"}", "there is no loss 'expression'"},
    {MODEL, NULL, "{\"loss\": \"(y - p)^2\"}", "is not known here"},
    {MODEL, NULL, "{\"loss\": \"quantile:7\"}", "tau is 7"},
    {MODEL, NULL, "{\"loss\": \"poisson\", \"output\": \"exp\"}", "loss poisson is for values"},
    {MODEL, NULL, "{\"loss\": {}}", "a name, or an object with an expression"},
    {MODEL, NULL, "{\"loss\": {\"expression\": 5}}", "a name, or an object with an expression"},
    {MODEL, NULL, "{\"loss\": {\"expression\": \"\"}}", "objective.expression is empty"},
    {MODEL, NULL, "{\"loss\": {\"expression\": \"sum(y - \"}}", "column"},
    {MODEL, NULL, "{\"loss\": {\"expression\": \"y - p\"}}", "for each row"},
    {MODEL, NULL, "{\"output\": \"sigmoid\"}", "loss cross_entropy does not go with output sigmoid"},
    {MODEL, NULL, "{\"output\": \"maxout\"}", "output 'maxout' is not known here"},
    {MODEL, NULL, "{\"loss\": \"binary_cross_entropy\", \"output\": \"sigmoid\", \"dtype\": \"float64\"}", "float64"},
    {MODEL, NULL, "{\"dtype\": \"float16\"}", "dtype"},
    {MODEL, NULL, "{\"dtype\": \"float64\"}", "type"},
    {MODEL, NULL, "{\"seed\": -1}", "seed"},
    {MODEL, NULL, "{\"seed\": \"18446744073709551616\"}", "seed"},
    {MODEL, NULL, "{\"inputs\": 6}", "inputs"},
    {MODEL, NULL, "{\"inputs\": 9223372036854775807}", "inputs"},
    {MODEL, NULL, "{\"layers\": []}", "layers"},
    {MODEL, NULL, "{\"layers\": {}}", "layers"},
    {MODEL, NULL, "{\"layers\": [7]}", "layers[0]"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"conv\", \"units\": 3, \"activation\": \"identity\"}]}", "layers[0]"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"relu6\"}]}", "relu6"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"tanh\"}]}", "last layer"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 4, \"activation\": \"identity\"}]}", "last layer"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": -1, \"activation\": \"identity\"}]}", "units"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 16777217, \"activation\": \"identity\"}]}", "units"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"identity\"}]}",
     "layers.0.weight"},
    {MODEL, NULL,
     "{\"layers\": [{\"type\": \"dense\", \"units\": 16777216, \"activation\": \"tanh\"}, "
     "{\"type\": \"dense\", \"units\": 16777216, \"activation\": \"tanh\"}, "
     "{\"type\": \"dense\", \"units\": 3, \"activation\": \"identity\"}]}",
     "layers[1]: dense layer: 16777216 x 16777216 weights"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"elu:-1\"}]}", "elu:-1"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"identity:2\"}]}", "last layer"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"identity\", \"gain\": 2}]}",
     "field 'gain'"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dense\", \"units\": 3, \"activation\": \"identity\", \"bias\": 0}]}",
     "bias"},
    {MODEL, NULL, "{\"layers\": [{\"units\": 3, \"activation\": \"identity\"}]}",
     "layers[0]: expected a layer with a type"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dropout\"}]}", "layers[0]: expected a number as rate"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dropout\", \"rate\": 1}]}", "layers[0]: dropout: rate 1"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"dropout\", \"rate\": 0.5}]}", "last layer"},
    {MODEL, NULL,
     "{\"layers\": [{\"type\": \"batch_norm\", \"epsilon\": -1, \"momentum\": 0.1, \"activation\": \"tanh\"}]}",
     "epsilon -1"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"batch_norm\", \"epsilon\": 1, \"activation\": \"tanh\"}]}", "momentum"},
    {MODEL, NULL,
     "{\"layers\": [{\"type\": \"layer_norm\", \"epsilon\": 1, \"momentum\": 0.1, \"activation\": \"tanh\"}]}",
     "field 'momentum'"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"skip\", \"from\": 0, \"activation\": \"identity\"}]}", "layers[0]: skip"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"skip\", \"from\": 4294967296, \"activation\": \"identity\"}]}", "from"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"skip\", \"from\": -1}]}", "an activation"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"embedding\"}]}", "layers[0]: expected blocks"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"embedding\", \"blocks\": [7]}]}", "layers[0]: expected blocks"},
    {MODEL, NULL,
     "{\"layers\": [{\"type\": \"embedding\", \"blocks\": {\"a\": {\"first\": 2, \"count\": 2, \"width\": 2}}}]}",
     "layers[0]: expected blocks"},
    {MODEL, NULL, "{\"layers\": [{\"type\": \"embedding\", \"blocks\": [{\"first\": 4, \"count\": 2, \"width\": 2}]}]}",
     "layers[0]: embedding: block 0 has 2 columns from 4 on"},
    {MODEL, NULL,
     "{\"layers\": [{\"type\": \"embedding\", \"blocks\": [{\"first\": 9223372036854775807, \"count\": 2, \"width\": "
     "2}]}]}",
     "layers[0]: embedding: block 0"},
    {ENCODING, NULL, "{\"features\": []}", "features"},
    {ENCODING, NULL, "{\"target\": null}", "target"},
    {ENCODING, NULL, "{\"target\": []}", "an object, or an array of 2 to 256 objects"},
    {ENCODING, NULL, "{\"target\": [{\"name\": \"a\", \"mean\": 0, \"scale\": 1}]}",
     "an object, or an array of 2 to 256"},
    {ENCODING, NULL, "{\"target\": [5, 6]}", "target[0]"},
    {ENCODING, NULL,
     "{\"target\": [{\"name\": \"a\", \"mean\": 0, \"scale\": 1}, {\"name\": \"a\", \"mean\": 0, \"scale\": 1}]}",
     "target[1].name: expected a name that is not there yet"},
    {ENCODING, NULL,
     "{\"target\": [{\"name\": \"a\", \"mean\": 0, \"scale\": 1}, {\"name\": \"b\", \"classes\": [\"c\", \"d\"]}]}",
     "target[1].classes: expected values"},
    {ENCODING, NULL, "{\"weight\": 5}", "weight: expected a text"},
    {ENCODING, NULL, "{\"weight\": \"width\"}", "weight: expected a name that is neither a target nor a feature"},
    {RENAME, "layers.0.weight", "layers.9.weight", "layers.0.weight"},
    {RENAME, "layers.1.bias", "extra", "layers.1.bias"},
    {RESHAPE, "layers.1.weight", NULL, "layers.1.weight"},
    {RESHAPE, "layers.0.bias", NULL, "layers.0.bias"},
    {POISON, "nan", NULL, "layers.1.bias"},
    {POISON, "inf", NULL, "not finite"},
};

static void apply(parts *p, size_t i) {
  const char *name = faults[i].name, *value = faults[i].value;
  switch (faults[i].what) {
  case MODEL: edit_text(p, "backprop.model", value); break;
  case ENCODING: edit_text(p, "backprop.encoding", value); break;
  case TEXT:
  case NO_TEXT: set_text(p, name, value); break;
  case RENAME: rename_tensor(p, name, value); break;
  case RESHAPE: reshape(p, name); break;
  case POISON: poison(p, strcmp(name, "nan") == 0 ? NAN : INFINITY); break;
  default: break;
  }
}

/* A model file of 5 inputs, 5 hidden units and 3 classes. */
static char *good_file(bp_context *ctx, const bt_dir *dir, size_t *size) {
  char path[BT_PATH];
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(dir, "good.safetensors", path)));
  bp_model_free(model);
  return bt_read_file(path, size);
}

static void inconsistent_files_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  bt_dir_make(&dir);
  char *bytes = good_file(ctx, &dir, &size);
  (void)bt_dir_file(&dir, "bad.safetensors", path);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    bp_model *model = NULL;
    parts p = take_apart(bytes, size);
    apply(&p, i);
    put_together(&p, path);
    bp_status status = bp_model_load(ctx, path, &model);
    if (status != BP_E_MODEL || !strstr(bp_error_message(ctx), faults[i].words))
      fail_msg("fault %zu (%s %s): %s: %s", i, faults[i].name ? faults[i].name : "",
               faults[i].value ? faults[i].value : "", bp_status_name(status), bp_error_message(ctx));
    assert_non_null(strstr(bp_error_message(ctx), "bad.safetensors"));
    assert_null(model);
  }
  free(bytes);
  bt_dir_remove(&dir);
}

/* Taken apart and put together unchanged it is still good: the table above tests what it means to. */
static void the_test_itself_makes_good_files(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  bp_model *model = NULL;
  bt_dir_make(&dir);
  char *bytes = good_file(ctx, &dir, &size);
  parts p = take_apart(bytes, size);
  put_together(&p, bt_dir_file(&dir, "same", path));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &model));
  bp_model_free(model);
  free(bytes);
  bt_dir_remove(&dir);
}

static void every_truncation_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  bt_dir_make(&dir);
  char *bytes = good_file(ctx, &dir, &size);
  (void)bt_dir_file(&dir, "short", path);
  for (size_t n = 0; n < size; n++) {
    bp_model *model = NULL;
    bt_write_file(path, bytes, n);
    bt_assert_fails(ctx, BP_E_MODEL, bp_model_load(ctx, path, &model));
    assert_null(model);
  }
  free(bytes);
  bt_dir_remove(&dir);
}

/* Whatever one byte becomes, the file is refused or read: nothing worse. */
static void a_changed_byte_does_no_harm(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  bt_dir_make(&dir);
  char *bytes = good_file(ctx, &dir, &size);
  (void)bt_dir_file(&dir, "changed", path);
  for (size_t i = 0; i < size; i++) {
    bp_model *model = NULL;
    char old = bytes[i];
    bytes[i] = (char)(i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff : old ^ 4);
    bt_write_file(path, bytes, size);
    bp_status status = bp_model_load(ctx, path, &model);
    assert_true(status == BP_OK || status == BP_E_MODEL);
    bp_model_free(model);
    bytes[i] = old;
  }
  free(bytes);
  bt_dir_remove(&dir);
}

/* Each bit of the weights is under the checksum; a bit of the header is refused, or the weights are what they were. */
static void every_flipped_bit_is_noticed(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  uint64_t header;
  bp_model *good = bt_small_model(ctx, BT_THREE, BP_F32);
  bt_dir_make(&dir);
  char *bytes = good_file(ctx, &dir, &size);
  memcpy(&header, bytes, 8);
  (void)bt_dir_file(&dir, "flipped", path);
  for (size_t bit = 0; bit < 8 * size; bit += bit < 8 * (8 + header) ? 11 : 1) {
    bp_model *model = NULL;
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    bt_write_file(path, bytes, size);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    bp_status status = bp_model_load(ctx, path, &model);
    if (bit >= 8 * (8 + header)) {
      bt_assert_fails(ctx, BP_E_MODEL, status);
      bt_assert_message(ctx, "flipped: damaged: the checksum of its tensors is ");
    }
    for (int p = 0; model && p < bp_net_params(bp_model_net(model)); p++)
      bt_assert_same_bits(bp_model_param(model, p), bp_model_param(good, p),
                          (size_t)bp_net_param(bp_model_net(model), p).elements * sizeof(float));
    bp_model_free(model);
  }
  bp_model_free(good);
  free(bytes);
  bt_dir_remove(&dir);
}

/* A file of an older version, or of another program, has no checksum. */
static void a_file_without_checksum_is_read(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  bp_model *model = NULL;
  bt_dir_make(&dir);
  char *bytes = good_file(ctx, &dir, &size);
  parts p = take_apart(bytes, size);
  assert_null(strstr(p.header, "checksum"));
  p.data[p.size - 1] ^= 1;
  put_together(&p, bt_dir_file(&dir, "other", path));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &model));
  bp_model_free(model);
  free(bytes);
  bt_dir_remove(&dir);
}

static void files_that_are_not_there(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = NULL;
  bt_assert_fails(ctx, BP_E_IO, bp_model_load(ctx, "/nowhere/m.safetensors", &model));
  bt_assert_message(ctx, "/nowhere/m.safetensors");
  assert_null(model);
}

/* ---- saving when the system fails ---- */

typedef struct saving {
  const bp_model *model;
  char path[BT_PATH];
} saving;

static bp_status save_over(bp_context *ctx, void *user) {
  saving *s = user;
  bt_write_file(s->path, "old", 3);
  return bp_model_save(ctx, s->model, s->path);
}

static void old_or_new(bp_status status, void *user) {
  saving *s = user;
  assert_int_equal(bt_file_is(s->path, "old", 3), status != BP_OK);
}

static void a_failed_save_leaves_the_old_file(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_dir dir;
  saving s;
  bp_model *model = bt_small_model(ctx, BT_TWO, BP_F32);
  s.model = model;
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "model.safetensors", s.path);
  assert_true(bt_io_sweep(save_over, old_or_new, &s) >= 4);
  assert_int_equal(bt_dir_entries(&dir), 1);
  bp_model_free(model);
  bt_dir_remove(&dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(classes_f32_come_back),
      BT_TEST(classes_f64_come_back),
      BT_TEST(values_come_back),
      BT_TEST(every_kind_of_layer_comes_back),
      BT_TEST(a_large_seed_comes_back),
      BT_TEST(tensors_are_those_of_a_state_dict),
      BT_TEST(inconsistent_files_are_refused),
      BT_TEST(the_test_itself_makes_good_files),
      BT_TEST(every_truncation_is_refused),
      BT_TEST(a_changed_byte_does_no_harm),
      BT_TEST(every_flipped_bit_is_noticed),
      BT_TEST(a_file_without_checksum_is_read),
      BT_TEST(files_that_are_not_there),
      BT_TEST(a_failed_save_leaves_the_old_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
