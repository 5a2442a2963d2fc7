/* labels: unit io oom */
/* Files of ensembles and piecewise layers: what is saved comes back bit for bit, older readers refuse it by its format, and damaged
 * descriptions are refused with a clear line. */
#include "model/file_parts.h"
#include "model/model_fixtures.h"

/* Three members, a column of numbers in pieces. */
static bp_train_options small_ensemble(bp_dtype dtype) {
  bp_train_options o = bt_small(dtype);
  o.members = 3;
  o.pieces = 4;
  o.fit.patience = 2;
  return o;
}

static bp_model *train_small(bp_context *ctx, bt_target target, const bp_train_options *o) {
  bp_table *table = bt_table_of(ctx, target, BT_ROWS);
  bp_model *model = bt_train(ctx, table, o);
  bp_table_free(table);
  return model;
}

/* ---- round trip ---- */

static void check_comes_back(bp_context *ctx, bt_target target, bp_dtype dtype) {
  double before[BT_ROWS * 3], after[BT_ROWS * 3];
  char path[BT_PATH], again[BT_PATH];
  bt_dir dir;
  size_t size;
  bp_model *loaded = NULL;
  bp_train_options o = small_ensemble(dtype);
  bp_model *saved = train_small(ctx, target, &o);
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, saved, bt_dir_file(&dir, "a.safetensors", path)));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &loaded));
  const bp_net *a = bp_model_net(saved), *b = bp_model_net(loaded);
  assert_true(bp_net_members(b) == 3 && bp_net_layers(b) == bp_net_layers(a));
  assert_int_equal(bp_net_layer(b, 0).kind, BP_LAYER_PIECEWISE);
  assert_int_equal(bp_net_layer(b, 0).n_pieces, 1);
  int64_t count = bp_net_layer(a, 0).pieces[0].count;
  assert_int_equal(bp_net_layer(b, 0).pieces[0].count, count);
  bt_assert_same_bits(bp_net_layer(a, 0).pieces[0].edges, bp_net_layer(b, 0).pieces[0].edges,
                      (size_t)count * sizeof(double));
  assert_int_equal(bp_net_params(b), bp_net_params(a));
  for (int p = 0; p < bp_net_params(a); p++)
    bt_assert_same_bits(bp_model_param(saved, p), bp_model_param(loaded, p),
                        (size_t)bp_net_param(a, p).elements * bp_dtype_size(dtype));
  bt_predict(ctx, saved, target, BT_ROWS, 1, before);
  bt_predict(ctx, loaded, target, BT_ROWS, 2, after);
  bt_assert_same_bits(before, after, (size_t)(BT_ROWS * bp_model_outputs(saved)) * sizeof *before);
  bt_assert_ok(ctx, bp_model_save(ctx, loaded, bt_dir_file(&dir, "b.safetensors", again)));
  char *bytes = bt_read_file(path, &size);
  assert_true(bt_file_is(again, bytes, size));
  free(bytes);
  bp_model_free(saved);
  bp_model_free(loaded);
  bt_dir_remove(&dir);
}

static void ensembles_with_pieces_come_back(void **state) {
  for (bt_target target = BT_TWO; target <= BT_VALUE; target++) {
    check_comes_back(bt_ctx(state), target, BP_F32);
    check_comes_back(bt_ctx(state), target, BP_F64);
  }
}

/* ---- the format ---- */

static char *saved_bytes(bp_context *ctx, const bp_model *model, size_t *size) {
  char path[BT_PATH];
  bt_dir dir;
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(&dir, "m", path)));
  char *bytes = bt_read_file(path, size);
  bt_dir_remove(&dir);
  return bytes;
}

/* 2 for what format 1 has not, so that an older version refuses it as made by a newer one; 1 for everything else. */
static void the_format_is_the_oldest_that_has_it_all(void **state) {
  static const struct {
    int members, pieces;
    const char *format;
  } rows[] = {{1, -1, "\"format\":1,"}, {3, -1, "\"format\":2,"}, {1, 4, "\"format\":2,"}, {2, 4, "\"format\":2,"}};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_train_options o = bt_small(BP_F32);
    size_t size;
    o.members = rows[i].members;
    o.pieces = rows[i].pieces;
    bp_model *model = train_small(ctx, BT_THREE, &o);
    char *bytes = saved_bytes(ctx, model, &size);
    parts p = take_apart(bytes, size);
    char *text = text_of(&p, "backprop.model");
    if (!strstr(text, rows[i].format)) fail_msg("row %zu: %s", i, text);
    assert_int_equal(strstr(text, "\"members\":") != NULL, rows[i].members > 1);
    free(text);
    release(&p);
    free(bytes);
    bp_model_free(model);
  }
}

/* ---- damaged descriptions ---- */

#define LAST                  "{\"type\": \"dense\", \"units\": 3, \"activation\": \"identity\"}"
#define PIECES(columns)       "{\"layers\": [{\"type\": \"piecewise\", \"columns\": " columns "}, " LAST "]}"
#define COLUMN(number, edges) "{\"column\": " number ", \"edges\": " edges "}"

/* Changes of backprop.model, and words that the message must hold. The network has 5 inputs. */
static const struct {
  const char *value, *words;
} faults[] = {
    {"{\"format\": 3}", "made by a newer backprop: its format is 3, this one reads up to 2"},
    {"{\"members\": 0}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": 1}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": 65}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": -3}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": 2.5}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": \"x\"}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": [3]}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": 4294967299}", "members: expected a whole number from 2 to 64"},
    {"{\"members\": null}", "layers.1.weight"}, /* taken away: one network, whose tensors have other names */
    {"{\"members\": 4}", "members.3.layers.1.weight"},
    {"{\"members\": 2}", "members.2.layers"},
    {"{\"layers\": [{\"type\": \"piecewise\"}, " LAST "]}", "layers[0]: expected columns, each with"},
    {PIECES("{}"), "layers[0]: expected columns, each with"},
    {PIECES("[]"), "layers[0]: expected columns, each with"},
    {PIECES("{\"a\": {\"column\": 0, \"edges\": [0, 1]}}"), "layers[0]: expected columns, each with"},
    {PIECES("7"), "layers[0]: expected columns, each with"},
    {PIECES("[7]"), "layers[0]: expected columns, each with"},
    {PIECES("[{}]"), "layers[0]: expected columns, each with"},
    {PIECES("[{\"column\": 0}]"), "layers[0]: expected columns, each with"},
    {PIECES("[{\"edges\": [0, 1]}]"), "layers[0]: expected columns, each with"},
    {PIECES("[{\"column\": 0, \"edges\": [0, 1], \"more\": 1}]"), "layers[0]: expected columns, each with"},
    {PIECES("[" COLUMN("\"a\"", "[0, 1]") "]"), "layers[0]: expected columns, each with"},
    {PIECES("[" COLUMN("0.5", "[0, 1]") "]"), "layers[0]: expected columns, each with"},
    {PIECES("[" COLUMN("0", "[0, \"1\"]") "]"), "layers[0]: expected columns, each with"},
    {PIECES("[" COLUMN("0", "[[0, 1]]") "]"), "layers[0]: expected columns, each with"},
    {PIECES("[" COLUMN("0", "{\"a\": 0, \"b\": 1}") "]"), "layers[0]: expected columns, each with"},
    {PIECES("[" COLUMN("0", "[]") "]"), "layers[0]: piecewise: 0 edges of column 0, expected 2 to 1025"},
    {PIECES("[" COLUMN("0", "[1]") "]"), "layers[0]: piecewise: 1 edges of column 0, expected 2 to 1025"},
    {PIECES("[" COLUMN("0", "[0, 2, 1]") "]"), "layers[0]: piecewise: edge 2 of column 0 is 1, expected"},
    {PIECES("[" COLUMN("0", "[0, 0]") "]"), "layers[0]: piecewise: edge 1 of column 0 is 0, expected"},
    {PIECES("[" COLUMN("0", "[0, 1e300]") "]"), "edge 1 of column 0 is 1e+300, expected a finite float32"},
    {PIECES("[" COLUMN("5", "[0, 1]") "]"), "layers[0]: piecewise: column 5, expected one from 0 to 4"},
    {PIECES("[" COLUMN("-1", "[0, 1]") "]"), "layers[0]: piecewise: column -1, expected one from 0 to 4"},
    {PIECES("[" COLUMN("9223372036854775807", "[0, 1]") "]"), "expected one from 0 to 4"},
    {PIECES("[" COLUMN("1", "[0, 1]") ", " COLUMN("0", "[0, 1]") "]"), "column 0, expected one from 2 to 4, in rising"},
    {PIECES("[" COLUMN("1", "[0, 1]") ", " COLUMN("1", "[0, 1]") "]"), "column 1, expected one from 2 to 4, in rising"},
    {"{\"layers\": [{\"type\": \"piecewise\", \"columns\": [" COLUMN(
         "0", "[0, 1]") "], \"activation\": \"relu\"}, " LAST "]}",
     "field 'activation' of a layer of type piecewise is not known here"},
    {"{\"layers\": [{\"type\": \"piecewise\", \"columns\": [" COLUMN("0", "[0, 1]") "]}]}", "the last layer"},
    {PIECES("[" COLUMN("0", "[0, 1]") "]"), "members.0.layers.1.weight"}, /* the wrong width for the tensors */
};

static void damaged_descriptions_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  size_t size;
  bp_train_options o = small_ensemble(BP_F32);
  bp_model *model = train_small(ctx, BT_THREE, &o);
  char *bytes = saved_bytes(ctx, model, &size);
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "bad.safetensors", path);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    bp_model *read = NULL;
    parts p = take_apart(bytes, size);
    edit_text(&p, "backprop.model", faults[i].value);
    put_together(&p, path);
    bp_status status = bp_model_load(ctx, path, &read);
    if (status != BP_E_MODEL || !strstr(bp_error_message(ctx), faults[i].words))
      fail_msg("fault %zu (%s): %s: %s", i, faults[i].value, bp_status_name(status), bp_error_message(ctx));
    assert_non_null(strstr(bp_error_message(ctx), "bad.safetensors"));
    assert_null(read);
  }
  parts p = take_apart(bytes, size); /* unchanged it is good: the table tests what it means to */
  bp_model *read = NULL;
  put_together(&p, path);
  bt_assert_ok(ctx, bp_model_load(ctx, path, &read));
  bp_model_free(read);
  bp_model_free(model);
  free(bytes);
  bt_dir_remove(&dir);
}

static bp_status load(bp_context *ctx, void *user) {
  bp_model *model = NULL;
  bp_status status = bp_model_load(ctx, user, &model);
  assert_int_equal(model != NULL, status == BP_OK);
  bp_model_free(model);
  return status;
}

static void every_allocation_of_a_load_may_fail(void **state) {
  bp_context *ctx = bt_ctx(state);
  char path[BT_PATH];
  bt_dir dir;
  bp_train_options o = small_ensemble(BP_F32);
  bp_model *model = train_small(ctx, BT_TWO, &o);
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(&dir, "m", path)));
  bp_model_free(model);
  assert_true(bt_alloc_sweep(load, path) > 20);
  bt_dir_remove(&dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(ensembles_with_pieces_come_back),
      BT_TEST(the_format_is_the_oldest_that_has_it_all),
      BT_TEST(damaged_descriptions_are_refused),
      BT_TEST(every_allocation_of_a_load_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
