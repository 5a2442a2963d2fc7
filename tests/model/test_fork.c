/* Objects of several threads in a child of the process that made them: used, freed, made anew; and the parent goes on. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "backprop/predict.h"
#include "model/model_fixtures.h"
#include "support/child.h"

enum { ROWS = 1024, THREADS = 3 };

/* ---- a predictor that shares its rows out ---- */
typedef struct scene {
  bp_context *ctx;
  bp_model *model;
  bp_predictor *predictor;
  float *x, *expected, *y; /* [ROWS, inputs], [ROWS, outputs] */
  size_t bytes;
} scene;

/* A table of 8 columns and a network wide enough to be worth threads. */
static bp_table *table_of(bp_context *ctx) {
  static double columns[9][ROWS];
  static const char *const names[9] = {"a", "b", "c", "d", "e", "f", "g", "h", "y"};
  bp_table *table = NULL;
  uint32_t noise = 1;
  for (int r = 0; r < ROWS; r++) {
    columns[8][r] = 0;
    for (int c = 0; c < 8; c++) {
      noise = noise * 1664525u + 1013904223u;
      columns[c][r] = (double)(noise >> 8) / 8388608.0 - 1;
      columns[8][r] += c * columns[c][r];
    }
  }
  bt_assert_ok(ctx, bp_table_new(ctx, ROWS, &table));
  for (int c = 0; c < 9; c++) bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, names[c], columns[c]));
  return table;
}

static bp_train_options options_of(int threads) {
  bp_train_options o = bt_small(BP_F32);
  o.n_hidden = 2;
  o.hidden[0] = o.hidden[1] = 128;
  o.fit.batch_size = 256;
  o.fit.epochs = 2;
  o.fit.threads = threads;
  return o;
}

static bp_status train(bp_context *ctx, int threads, bp_model **out) {
  bp_train_options o = options_of(threads);
  bp_table *table = table_of(ctx);
  bp_status status = bp_model_train(ctx, table, NULL, &o, out, NULL);
  bp_table_free(table);
  return status;
}

static void begin(scene *s, bp_context *ctx) {
  bp_predictor_options o = {.size = sizeof o, .threads = THREADS};
  *s = (scene){.ctx = ctx};
  bt_assert_ok(ctx, train(ctx, THREADS, &s->model));
  bt_assert_ok(ctx, bp_predictor_new(ctx, s->model, &o, &s->predictor));
  s->bytes = ROWS * sizeof *s->y;
  s->x = malloc(ROWS * 8 * sizeof *s->x);
  s->expected = calloc(ROWS, sizeof *s->expected);
  s->y = calloc(ROWS, sizeof *s->y);
  for (int i = 0; i < ROWS * 8; i++) s->x[i] = (float)(i * 37 % 101) / 50 - 1;
  bt_assert_ok(ctx, bp_predict_f32(s->predictor, ROWS, s->x, s->expected));
}

static bool predicts(scene *s) {
  memset(s->y, 0, s->bytes);
  return bp_predict_f32(s->predictor, ROWS, s->x, s->y) == BP_OK && memcmp(s->y, s->expected, s->bytes) == 0;
}

static void end(scene *s) {
  assert_true(predicts(s));
  bp_predictor_free(s->predictor);
  bp_model_free(s->model);
  free(s->x);
  free(s->expected);
  free(s->y);
}

static bool frees(void *user) {
  scene *s = user;
  bp_predictor_free(s->predictor);
  bp_model_free(s->model);
  return true;
}

static bool uses_and_frees(void *user) {
  scene *s = user;
  for (int i = 0; i < 10; i++)
    if (!predicts(s)) return false;
  return frees(user);
}

static bool trains(void *user) {
  scene *s = user;
  bp_model *model = NULL;
  if (train(s->ctx, THREADS, &model) != BP_OK) return false;
  for (int p = 0; p < 2; p++) {
    bp_predictor_options o = {.size = sizeof o, .threads = p + 1};
    bp_predictor *other = NULL;
    if (bp_predictor_new(s->ctx, model, &o, &other) != BP_OK) return false;
    if (bp_predict_f32(other, ROWS, s->x, s->y) != BP_OK || memcmp(s->y, s->expected, s->bytes) != 0) return false;
    bp_predictor_free(other);
  }
  bp_model_free(model);
  return uses_and_frees(user);
}

/* A child of a child. */
static bool forks(void *user) {
  if (!predicts(user)) return false;
  pid_t pid = bt_child(uses_and_frees, user);
  return bt_child_is_good(pid) && uses_and_frees(user);
}

static void a_child_uses_and_frees_what_was_made_before(void **state) {
  static const bt_child_fn children[] = {frees, uses_and_frees, trains, forks};
  scene s;
  if (BT_TSAN) skip(); /* it allows no new threads behind a fork */
  begin(&s, bt_ctx(state));
  for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
    bt_in_child(children[i], &s);
    assert_true(predicts(&s));
  }
  end(&s);
}

/* ---- forks while others work ---- */
typedef struct load {
  scene scene;
  atomic_bool stop;
  atomic_int runs;
  bool good;
} load;

static void *keep_busy(void *user) {
  load *l = user;
  while (!atomic_load(&l->stop) && l->good) {
    l->good = predicts(&l->scene);
    atomic_fetch_add(&l->runs, 1);
  }
  return NULL;
}

typedef struct pair {
  scene own;
  load *other;
} pair;

/* Its own predictor as before; that of the other thread, which was in the middle of a run, is only freed. */
static bool frees_both(void *user) {
  pair *p = user;
  bp_predictor_free(p->other->scene.predictor);
  return uses_and_frees(&p->own);
}

static void a_fork_under_load_is_safe(void **state) {
  bp_context *contexts[2];
  pthread_t thread;
  load l = {.good = true};
  pair p = {.other = &l};
  (void)state;
  if (BT_TSAN) skip();
  for (int i = 0; i < 2; i++) assert_int_equal(bp_context_new(NULL, &contexts[i]), BP_OK);
  begin(&p.own, contexts[0]);
  begin(&l.scene, contexts[1]);
  assert_int_equal(pthread_create(&thread, NULL, keep_busy, &l), 0);
  for (int i = 0; i < 15; i++) bt_in_child(frees_both, &p);
  int runs = atomic_load(&l.runs);
  while (atomic_load(&l.runs) < runs + 5) assert_true(predicts(&p.own));
  atomic_store(&l.stop, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_true(l.good);
  end(&l.scene);
  end(&p.own);
  for (int i = 0; i < 2; i++) bp_context_free(contexts[i]);
}

/* ---- a fork in the middle of a training ---- */
/* The child of a step goes on with the training itself; both end with the same model. */
static bp_action fork_once(void *user, const bp_fit_step *step) {
  pid_t *child = user;
  if (step->step == 3) *child = fork();
  if (step->step == 3 && *child == 0) bt_end_when_it_hangs();
  return BP_GO_ON;
}

static void a_training_goes_on_in_both(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options o = options_of(THREADS);
  bp_model *model = NULL;
  bp_predictor *p = NULL;
  pid_t child = -1;
  scene s;
  if (BT_TSAN) skip();
  begin(&s, ctx);
  bp_table *table = table_of(ctx);
  o.fit.step = fork_once;
  o.fit.step_user = &child;
  bool good = bp_model_train(ctx, table, NULL, &o, &model, NULL) == BP_OK &&
              bp_predictor_new(ctx, model, NULL, &p) == BP_OK && bp_predict_f32(p, ROWS, s.x, s.y) == BP_OK &&
              memcmp(s.y, s.expected, s.bytes) == 0;
  bp_predictor_free(p);
  bp_model_free(model);
  if (child == 0) bt_end_child(good);
  assert_true(good);
  assert_true(bt_child_is_good(child));
  bp_table_free(table);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_child_uses_and_frees_what_was_made_before),
      BT_TEST(a_fork_under_load_is_safe),
      BT_TEST(a_training_goes_on_in_both),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
