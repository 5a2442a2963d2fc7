/* labels: oom */
/* test_data_memory.c - every allocation of the data floor fails in turn. */
#include <stdlib.h>

#include "data/data_fixtures.h"
#include "data/encoding_json.h"
#include "data/split.h"
#include "support/json_edit.h"

static const char training[] = "age,colour,name,k,price,day,y\n2,red,a,1,$1,1.3.2024,no\n4,green,b,1,$2,NaT,yes\n"
                               ",red,c,1,$3,2.3.2024,no\n6,,d,1,None,,yes\n7,blue,e,1,$5,9.3.2024,no\n"
                               "8,blue,f,1,$6,3.3.2024,yes\n9,white,g,1,$7,3.3.2024,no\n10,black,h,1,$8,3.4.2024,yes\n"
                               "11,grey,i,1,$9,3.3.2024,maybe\n12,pink,j,1,$10,3.3.2024,no\n";
/* Some rows have no target. */
static const char labels[] = "a,p,q\n1,1,0\n2,0,1\n3,,1\n4,None,0\n5,0,1\n";

/* ---- tables ---- */

static bp_status fill_table(bp_context *ctx, bp_table *t) {
  static const double numbers[2] = {1, 2};
  static const char *const texts[2] = {"a", NULL};
  static const uint8_t bytes[4] = {1, 2, 3, 4};
  bp_status status = bp_table_add_numbers(ctx, t, "x", numbers);
  if (status == BP_OK) status = bp_table_add_text(ctx, t, "c", texts);
  if (status == BP_OK) status = bp_table_add_bytes(ctx, t, "pixel", 2, bytes);
  if (status == BP_OK) status = bp_table_set_origin(ctx, t, "somewhere");
  return status;
}

static bp_status table_job(bp_context *ctx, void *user) {
  (void)user;
  bp_table *t = NULL;
  bp_status status = bp_table_new(ctx, 2, &t);
  if (status != BP_OK) {
    assert_null(t);
    return status;
  }
  int64_t before = 0;
  status = fill_table(ctx, t);
  before = bp_table_columns(t);
  assert_true(status == BP_OK ? before == 4 : before < 5);
  bp_table_free(t);
  return status;
}

/* ---- encodings ---- */

typedef struct job {
  const bp_table *table, *labels;
  const bp_json *json;
} job;

static bp_status learn_job(bp_context *ctx, void *user) {
  const job *j = user;
  bp_encoding *e = NULL;
  bp_encoding_options o = {.ignore = "name", .hash = "k=4,age=8"};
  bp_status status = bp_encoding_learn(ctx, j->table, bp_rows_all(j->table), &o, &e);
  assert_true((status == BP_OK) == (e != NULL));
  bp_encoding_free(e);
  return status;
}

static bp_status strata_job(bp_context *ctx, void *user) {
  const job *j = user;
  int32_t *strata = NULL;
  bp_status status = bp_encoding_strata(ctx, j->table, bp_rows_all(j->table), NULL, &strata);
  assert_true((status == BP_OK) == (strata != NULL));
  bp_release(bp_context_allocator(ctx), strata, (size_t)bp_table_rows(j->table), sizeof *strata);
  return status;
}

static bp_status labelled_job(bp_context *ctx, void *user) {
  const job *j = user;
  bp_encoding_options o = {.target = "p,q", .one_hot = true};
  bp_labelled labelled;
  bp_encoding *e = NULL;
  bp_encoded d = {0};
  bp_status status = bp_encoding_labelled(ctx, j->labels, &o, &labelled);
  if (status == BP_OK) status = bp_encoding_learn(ctx, j->labels, labelled.rows, &o, &e);
  if (status == BP_OK) status = bp_encoding_apply(ctx, e, j->labels, labelled.rows, BP_F32, BP_TARGETS_OWN, &d);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_labelled_release(ctx, &labelled);
  return status;
}

static bp_status json_job(bp_context *ctx, void *user) {
  const job *j = user;
  bp_encoding *e = NULL;
  bp_status status = bp_encoding_from_json(ctx, j->json, &e);
  assert_true((status == BP_OK) == (e != NULL));
  bp_encoded d = {0};
  if (status == BP_OK) status = bp_encoding_apply(ctx, e, j->table, bp_rows_all(j->table), BP_F32, BP_TARGETS_OWN, &d);
  assert_true((status == BP_OK) == (d.features != NULL));
  bp_encoded_release(&d);
  bp_encoding_free(e);
  return status;
}

static bp_status split_job(bp_context *ctx, void *user) {
  (void)user;
  const int32_t strata[6] = {0, 1, 0, 1, 2, 2};
  bp_split s = {0};
  bp_status status = bp_split_rows(ctx, 6, strata, 0.5, 1, &s);
  assert_true((status == BP_OK) == (s.train != NULL));
  if (status == BP_OK) bp_split_release(&s);
  return status;
}

static bp_status to_json_job(bp_context *ctx, void *user) {
  bp_json_writer w;
  char *text = NULL;
  bp_json_begin(&w, ctx);
  bp_encoding_put_json(&w, NULL, user);
  bp_status status = bp_json_end(&w, &text);
  assert_true((status == BP_OK) == (text != NULL));
  bp_string_free(ctx, text);
  return status;
}

static void every_failure_is_clean(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, training);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_table *l = bt_table(ctx, labels);
  char *text = bt_encoding_text(ctx, e);
  bp_json *json = bt_json(text);
  job j = {t, l, json};
  free(text);
  assert_true(bt_alloc_sweep(table_job, NULL) >= 8);
  assert_true(bt_alloc_sweep(learn_job, &j) >= 10);
  assert_true(bt_alloc_sweep(strata_job, &j) >= 5);
  assert_true(bt_alloc_sweep(labelled_job, &j) >= 15);
  assert_true(bt_alloc_sweep(json_job, &j) >= 10);
  assert_true(bt_alloc_sweep(to_json_job, e) >= 5);
  assert_true(bt_alloc_sweep(split_job, NULL) >= 5);
  bp_json_free(json);
  bp_encoding_free(e);
  bp_table_free(l);
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(every_failure_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
