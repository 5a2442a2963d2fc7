/* Schedules against values worked out independently, their texts, and what the loop makes of them. */
/* labels: unit */
#include "backprop/schedule.h"
#include "train/hand_net.h"
#include "train/plateau.h"

static bp_schedule schedule(bp_context *ctx, const char *text) {
  bp_schedule s = {0};
  bt_assert_ok(ctx, bp_schedule_parse(ctx, text, &s));
  return s;
}

/* ---- values: 10 steps an epoch, 100 in all ---- */

/* From a session of Python with math alone; one_cycle from torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=100). */
static const struct {
  const char *text;
  int64_t done;
  double factor;
} values[] = {
    {"constant", 0, 1},
    {"constant", 99, 1},
    {"step:3:0.5", 0, 1},
    {"step:3:0.5", 29, 1},
    {"step:3:0.5", 30, 0.5},
    {"step:3:0.5", 59, 0.5},
    {"step:3:0.5", 60, 0.25},
    {"step:3:0.5", 99, 0.125},
    {"exponential:0.9", 0, 1},
    {"exponential:0.9", 10, 0.9},
    {"exponential:0.9", 25, 0.76843347142091618}, /* 0.81 sqrt(0.9) */
    {"linear", 0, 1},
    {"linear", 75, 0.25},
    {"linear:0.2", 50, 0.6},
    {"cosine", 0, 1},
    {"cosine", 25, 0.85355339059327376}, /* (1 + sqrt(1/2)) / 2 */
    {"cosine", 50, 0.5},
    {"cosine", 99, 0.00024671981713422151},
    {"cosine:0.1", 50, 0.55},
    {"one_cycle", 0, 0.04},
    {"one_cycle", 10, 0.29516394846410077},
    {"one_cycle", 29, 1},
    {"one_cycle", 64, 0.500002},
    {"one_cycle", 99, 4e-6},
    {"plateau", 50, 1},
};

static void every_schedule_follows_its_formula(void **state) {
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    bp_schedule s = schedule(bt_ctx(state), values[i].text);
    bt_assert_close(bp_schedule_factor(&s, values[i].done, 100, 10), values[i].factor, 1e-12, 1e-15);
  }
}

/* 1/W, 2/W, … 1, and the schedule from there on as if training began. */
static void a_warm_up_comes_before_any_schedule(void **state) {
  static const char *const texts[] = {"constant", "step:3:0.5", "exponential", "linear", "cosine", "plateau"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bp_schedule plain = schedule(bt_ctx(state), texts[i]), warm = plain;
    bt_assert_ok(bt_ctx(state), bp_warmup_parse(bt_ctx(state), "1.2epochs", &warm));
    assert_int_equal(bp_schedule_warmup(&warm, 10), 12);
    for (int64_t t = 0; t < 12; t++)
      bt_assert_close(bp_schedule_factor(&warm, t, 100, 10), (double)(t + 1) / 12, 1e-15, 0);
    for (int64_t t = 12; t < 100; t++)
      bt_assert_close(bp_schedule_factor(&warm, t, 100, 10), bp_schedule_factor(&plain, t - 12, 88, 10), 0, 0);
  }
}

/* Also where there are hardly any steps: finite, and never above 1. */
static void a_factor_is_a_number_for_any_length(void **state) {
  static const char *const texts[] = {"constant",   "step:3:0.5",      "exponential",     "linear",
                                      "cosine:0.1", "one_cycle:0.001", "one_cycle:0.999", "plateau"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bp_schedule s = schedule(bt_ctx(state), texts[i]);
    for (int64_t steps = 1; steps <= 5; steps++)
      for (int64_t t = 0; t < steps; t++) {
        double factor = bp_schedule_factor(&s, t, steps, 1);
        assert_true(factor > 0 && factor <= 1);
      }
  }
}

/* ---- plateau ---- */

static void a_plateau_cuts_the_rate_when_patience_is_over(void **state) {
  bp_schedule s = schedule(bt_ctx(state), "plateau:2:0.5");
  /* better, better, worse, hardly better (within 1e-4), worse: cut; better; three worse: cut */
  static const double losses[] = {1, 0.8, 0.9, 0.79999, 0.8, 0.7, 0.71, 0.72, 0.73, -1, -0.9};
  static const double scales[] = {1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25};
  schedule_state now = schedule_start();
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
    schedule_epoch_end(&s, losses[i], &now);
    bt_assert_close(now.scale, scales[i], 0, 0);
  }
}

static void other_schedules_do_not_look_at_losses(void **state) {
  bp_schedule s = schedule(bt_ctx(state), "cosine");
  schedule_state now = schedule_start();
  for (int i = 0; i < 50; i++) schedule_epoch_end(&s, 1, &now);
  bt_assert_close(now.scale, 1, 0, 0);
}

/* ---- in the loop ---- */

/* Plain descent whose rate is worked out here: 10 steps an epoch of 40 rows. */
static void cosine_step(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o) {
  double done = t - 1, warmup = 5, factor = (done + 1) / warmup;
  (void)s;
  if (done >= warmup) factor = (1 + cos(3.14159265358979323846 * (done - warmup) / (50 - warmup))) / 2;
  for (int i = 0; i < ALL; i++) w[i] -= o->lr * factor * g[i];
}

static void the_loop_uses_the_rate_of_each_step(void **state) {
  bp_fit_options o = hand_options(BP_SGD, 0.1);
  o.batch_size = 4;
  o.epochs = 5;
  o.schedule = (bp_schedule){.kind = BP_SCHEDULE_COSINE, .warmup_steps = 5};
  hand_check(bt_ctx(state), BP_F64, &o, cosine_step, 1e-12);
  hand_check(bt_ctx(state), BP_F32, &o, cosine_step, 1e-6);
}

static bp_fit_result history_of(bp_context *ctx, const bp_fit_options *o, bool with_valid) {
  tt_data *d = tt_data_new(11);
  tt_model m = tt_model_new(ctx, BP_F64, HIDDEN, 3);
  bp_source rows = tt_classes(d, 0, ROWS), valid = tt_classes(d, ROWS, ROWS);
  bp_fit_result result = {0};
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, with_valid ? &valid : NULL, o, &result));
  tt_model_release(&m);
  free(d);
  return result;
}

static void the_history_tells_the_rate(void **state) {
  bp_fit_options o = hand_options(BP_SGD, 0.2);
  o.batch_size = 4;
  o.epochs = 6;
  o.schedule = (bp_schedule){.kind = BP_SCHEDULE_STEP, .period = 2, .factor = 0.5};
  bp_fit_result r = history_of(bt_ctx(state), &o, false);
  static const double rates[] = {0.2, 0.2, 0.1, 0.1, 0.05, 0.05};
  for (int e = 0; e < 6; e++) bt_assert_close(r.history[e].lr, rates[e], 1e-15, 0);
  bp_fit_result_release(bt_ctx(state), &r);
}

/* The rate falls exactly where a replay of the history's losses says so; validation rows go before training rows. */
static void the_plateau_watches_the_right_loss(void **state) {
  for (int with_valid = 0; with_valid <= 1; with_valid++) {
    bp_fit_options o = hand_options(BP_SGD, 3);
    o.batch_size = 4;
    o.schedule = (bp_schedule){.kind = BP_SCHEDULE_PLATEAU, .period = 1, .factor = 0.5};
    bp_fit_result r = history_of(bt_ctx(state), &o, with_valid);
    double best = INFINITY, rate = 3;
    int bad = 0;
    for (int e = 0; e < r.epochs; e++) {
      double loss = with_valid ? r.history[e].valid_loss : r.history[e].train_loss;
      bt_assert_close(r.history[e].lr, rate, 1e-15, 0);
      if (loss < best * (1 - 1e-4))
        best = loss, bad = 0;
      else if (++bad > 1)
        rate *= 0.5, bad = 0;
    }
    assert_true(rate < 3);
    bp_fit_result_release(bt_ctx(state), &r);
  }
}

/* ---- text ---- */

static void settings_left_out_have_defaults(void **state) {
  bp_schedule s = schedule(bt_ctx(state), "step");
  bt_assert_close(s.period, 10, 0, 0);
  bt_assert_close(s.factor, 0.1, 0, 0);
  s = schedule(bt_ctx(state), "step:5");
  bt_assert_close(s.period, 5, 0, 0);
  bt_assert_close(s.factor, 0.1, 0, 0);
  s = schedule(bt_ctx(state), "one_cycle");
  bt_assert_close(s.period, 0.3, 0, 0);
  s = schedule(bt_ctx(state), "exponential");
  bt_assert_close(s.factor, 0.95, 0, 0);
  for (bp_schedule_kind i = BP_SCHEDULE_CONSTANT; i < BP_SCHEDULE_KIND_COUNT; i++)
    assert_int_equal(schedule(bt_ctx(state), bp_schedule_name(i)).kind, i);
  assert_null(bp_schedule_name(BP_SCHEDULE_KIND_COUNT));
}

static void the_warm_up_reads_steps_and_epochs(void **state) {
  bp_schedule s = {.kind = BP_SCHEDULE_LINEAR};
  bt_assert_ok(bt_ctx(state), bp_warmup_parse(bt_ctx(state), "500steps", &s));
  assert_int_equal(bp_schedule_warmup(&s, 7), 500);
  bt_assert_ok(bt_ctx(state), bp_warmup_parse(bt_ctx(state), "2", &s));
  assert_int_equal(bp_schedule_warmup(&s, 7), 14);
  assert_int_equal(s.kind, BP_SCHEDULE_LINEAR);
}

static const struct {
  const char *text, *words;
} bad_texts[] = {
    {"", "no schedule ''"},
    {"cosin", "no schedule 'cosin'; expected constant, step"},
    {"Cosine", "no schedule 'Cosine'"},
    {":1", "no schedule ':1'"},
    {"constant:1", "expected constant,"},
    {"step:", "expected step:EPOCHS:FACTOR"},
    {"step:x", "expected step:EPOCHS:FACTOR"},
    {"step:1:2:3", "expected step:EPOCHS:FACTOR"},
    {"step:0:0.5", "expected step:EPOCHS:FACTOR"},
    {"step:-1:0.5", "expected step:EPOCHS:FACTOR"},
    {"step:1:0.5 ", "expected step:EPOCHS:FACTOR"},
    {"step:1:nan", "expected step:EPOCHS:FACTOR"},
    {"step:1:1", "schedule step: factor is 1, expected a number above 0 and below 1"},
    {"exponential:2", "schedule exponential: factor is 2"},
    {"one_cycle:1", "schedule one_cycle: period is 1"},
    {"cosine:1", "schedule cosine: factor is 1, expected a number from 0 and below 1"},
    {"cosine:0x1", "expected cosine:END"},
    {"plateau:inf", "expected plateau:EPOCHS:FACTOR"},
};

static const char *const bad_warmups[] = {"",       "steps", "-1",   "1.5steps", "3 epochs",
                                          "3epoch", "nan",   "1e99", "2stepsx"};

static void wrong_texts_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_schedule s = {.kind = BP_SCHEDULE_LINEAR, .factor = 0.5}, before = s;
  for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
    bt_assert_fails(ctx, BP_E_ARG, bp_schedule_parse(ctx, bad_texts[i].text, &s));
    bt_assert_message(ctx, bad_texts[i].words);
  }
  for (size_t i = 0; i < sizeof bad_warmups / sizeof *bad_warmups; i++) {
    bt_assert_fails(ctx, BP_E_ARG, bp_warmup_parse(ctx, bad_warmups[i], &s));
    bt_assert_message(ctx, "as 2epochs or 500steps");
  }
  assert_memory_equal(&s, &before, sizeof s);
}

static const struct {
  bp_schedule schedule;
  const char *words;
} bad_settings[] = {
    {{.kind = (bp_schedule_kind)99}, "no schedule number 99"},
    {{.kind = BP_SCHEDULE_CONSTANT, .factor = 0.5}, "schedule constant has no factor, but it is 0.5"},
    {{.kind = BP_SCHEDULE_COSINE, .period = 3}, "schedule cosine has no period, but it is 3"},
    {{.kind = BP_SCHEDULE_STEP, .factor = NAN}, "schedule step: factor is nan"},
    {{.warmup_steps = -1}, "warm-up of -1 steps"},
    {{.warmup_epochs = NAN}, "warm-up of 0 steps and nan epochs"},
    {{.kind = BP_SCHEDULE_ONE_CYCLE, .warmup_steps = 1}, "one_cycle begins with a warm-up of its own"},
    {{.warmup_epochs = 50}, "warm-up of 50 steps, expected fewer than the 50 of the whole training"},
};

static void wrong_settings_are_refused_by_the_fit(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source rows = tt_classes(d, 0, ROWS);
  for (size_t i = 0; i < sizeof bad_settings / sizeof *bad_settings; i++) {
    tt_model m = tt_model_new(ctx, BP_F32, HIDDEN, 3);
    bp_fit_options o = hand_options(BP_SGD, 0.1);
    bp_fit_result result = {0};
    o.schedule = bad_settings[i].schedule;
    bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
    bt_assert_message(ctx, bad_settings[i].words);
    tt_model_release(&m);
  }
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_schedule_follows_its_formula),
      BT_TEST(a_warm_up_comes_before_any_schedule),
      BT_TEST(a_factor_is_a_number_for_any_length),
      BT_TEST(a_plateau_cuts_the_rate_when_patience_is_over),
      BT_TEST(other_schedules_do_not_look_at_losses),
      BT_TEST(the_loop_uses_the_rate_of_each_step),
      BT_TEST(the_history_tells_the_rate),
      BT_TEST(the_plateau_watches_the_right_loss),
      BT_TEST(settings_left_out_have_defaults),
      BT_TEST(the_warm_up_reads_steps_and_epochs),
      BT_TEST(wrong_texts_are_refused),
      BT_TEST(wrong_settings_are_refused_by_the_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
