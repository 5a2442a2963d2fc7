/* schedules.c - factors on the learning rate: a table of names, settings with their ranges, and formulas. Floor: train. */
#include <math.h>
#include <string.h>

#include "backprop/schedule.h"
#include "base/fail.h"
#include "base/number.h"
#include "train/plateau.h"

#define PI 3.14159265358979323846

/* ---- formulas ---- */

/* Where a step stands; steps are counted from the end of the warm-up. */
typedef struct moment {
  double t, total; /* steps done, steps in all */
  double epochs;   /* done, with their fractions */
} moment;

static double constant(const bp_schedule *s, moment m) {
  (void)s, (void)m;
  return 1;
}

static double step(const bp_schedule *s, moment m) { return pow(s->factor, floor(m.epochs / s->period)); }

static double exponential(const bp_schedule *s, moment m) { return pow(s->factor, m.epochs); }

static double linear(const bp_schedule *s, moment m) { return 1 - (1 - s->factor) * m.t / m.total; }

/* From a to b, as half a cosine. */
static double half_cosine(double a, double b, double part) { return b + (a - b) * (1 + cos(PI * part)) / 2; }

static double cosine(const bp_schedule *s, moment m) { return half_cosine(1, s->factor, m.t / m.total); }

/* The first step has 1/25, the last one 1/25 of 1e-4; the peak may lie between two steps. */
static double one_cycle(const bp_schedule *s, moment m) {
  double peak = fmax(s->period * m.total - 1, 0), last = m.total - 1;
  if (m.t <= peak) return half_cosine(1.0 / 25, 1, peak > 0 ? m.t / peak : 1);
  return half_cosine(1, 1.0 / 25e4, (m.t - peak) / (last - peak));
}

/* ---- the table ---- */
typedef struct setting {
  double fallback, low, high;
  bool above, below; /* low, or high, is not allowed itself; a setting whose low and high are both 0 does not exist */
} setting;

static const struct {
  const char *name, *form;
  setting period, factor;
  double (*factor_at)(const bp_schedule *s, moment m);
} schedules[BP_SCHEDULE_KIND_COUNT] = {
    [BP_SCHEDULE_CONSTANT] = {"constant", "constant", {0}, {0}, constant},
    [BP_SCHEDULE_STEP] = {"step", "step:EPOCHS:FACTOR", {10, 0, 1e9, true, false}, {0.1, 0, 1, true, true}, step},
    [BP_SCHEDULE_EXPONENTIAL] = {"exponential", "exponential:FACTOR", {0}, {0.95, 0, 1, true, true}, exponential},
    [BP_SCHEDULE_LINEAR] = {"linear", "linear:END", {0}, {0, 0, 1, false, true}, linear},
    [BP_SCHEDULE_COSINE] = {"cosine", "cosine:END", {0}, {0, 0, 1, false, true}, cosine},
    [BP_SCHEDULE_ONE_CYCLE] = {"one_cycle", "one_cycle:PEAK", {0.3, 0, 1, true, true}, {0}, one_cycle},
    [BP_SCHEDULE_PLATEAU] =
        {"plateau", "plateau:EPOCHS:FACTOR", {10, 0, 1e9, true, false}, {0.1, 0, 1, true, true}, constant},
};

const char *bp_schedule_name(bp_schedule_kind kind) {
  return (unsigned)kind < BP_SCHEDULE_KIND_COUNT ? schedules[kind].name : NULL;
}

int64_t bp_schedule_warmup(const bp_schedule *schedule, int64_t steps_per_epoch) {
  double steps = (double)schedule->warmup_steps + nearbyint(schedule->warmup_epochs * (double)steps_per_epoch);
  return steps < 9e18 ? (int64_t)steps : INT64_MAX;
}

double bp_schedule_factor(const bp_schedule *schedule, int64_t done, int64_t steps, int64_t steps_per_epoch) {
  int64_t warmup = bp_schedule_warmup(schedule, steps_per_epoch);
  if (done < warmup) return (double)(done + 1) / (double)warmup;
  double t = (double)(done - warmup);
  moment m = {t, (double)(steps - warmup), t / (double)steps_per_epoch};
  return schedules[schedule->kind].factor_at(schedule, m);
}

/* ---- settings ---- */
static bool exists(const setting *s) { return s->high > 0; }

static bp_status check_setting(bp_context *ctx, const bp_schedule *schedule, const setting *s, const char *name,
                               double *value) {
  const char *kind = schedules[schedule->kind].name;
  if (!exists(s))
    return *value == 0 ? BP_OK : bp_fail(ctx, BP_E_ARG, "schedule %s has no %s, but it is %g", kind, name, *value);
  if (*value == 0) *value = s->fallback;
  if (s->above ? *value > s->low : *value >= s->low)
    if (s->below ? *value < s->high : *value <= s->high) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "schedule %s: %s is %g, expected a number %s %g and %s %g", kind, name, *value,
                 s->above ? "above" : "from", s->low, s->below ? "below" : "at most", s->high);
}

bp_status bp_schedule_check(bp_context *context, bp_schedule *schedule) {
  bp_schedule s = *schedule;
  if ((unsigned)s.kind >= BP_SCHEDULE_KIND_COUNT)
    return bp_fail(context, BP_E_ARG, "no schedule number %d", (int)s.kind);
  BP_TRY(check_setting(context, &s, &schedules[s.kind].period, "period", &s.period));
  BP_TRY(check_setting(context, &s, &schedules[s.kind].factor, "factor", &s.factor));
  if (s.warmup_steps < 0 || !(s.warmup_epochs >= 0 && s.warmup_epochs <= 1e9))
    return bp_fail(context, BP_E_ARG, "warm-up of %lld steps and %g epochs, expected 0 (none) or more",
                   (long long)s.warmup_steps, s.warmup_epochs);
  if (s.kind == BP_SCHEDULE_ONE_CYCLE && (s.warmup_steps > 0 || s.warmup_epochs > 0))
    return bp_fail(context, BP_E_ARG, "schedule one_cycle begins with a warm-up of its own; expected no other");
  *schedule = s;
  return BP_OK;
}

/* ---- text ---- */
static bool find(const char *text, size_t length, bp_schedule_kind *out) {
  for (int i = 0; i < BP_SCHEDULE_KIND_COUNT; i++)
    if (strlen(schedules[i].name) == length && memcmp(schedules[i].name, text, length) == 0)
      return *out = (bp_schedule_kind)i, true;
  return false;
}

/* The number that starts a text and ends before one of the characters of `stop`; *end is what follows it. */
static bool read_number(const char *text, const char *stop, const char **end, double *out) {
  size_t length = strcspn(text, stop);
  *end = text + length;
  return bp_number_parse(text, length, out) && isfinite(*out) && *out >= 0;
}

/* Each setting of the kind takes the next ":NUMBER"; a 0 that is written is no default. */
static bool read_settings(const char *rest, bp_schedule *s) {
  const setting *settings[] = {&schedules[s->kind].period, &schedules[s->kind].factor};
  double *values[] = {&s->period, &s->factor};
  for (int i = 0; i < 2 && *rest; i++) {
    if (!exists(settings[i])) continue;
    if (*rest != ':' || !read_number(rest + 1, ":", &rest, values[i])) return false;
    if (*values[i] == 0 && settings[i]->above) return false;
  }
  return *rest == '\0';
}

bp_status bp_schedule_parse(bp_context *context, const char *text, bp_schedule *out) {
  bp_schedule s = *out;
  size_t length = strcspn(text, ":");
  s.period = s.factor = 0;
  if (!find(text, length, &s.kind))
    return bp_fail(context, BP_E_ARG,
                   "no schedule '%.60s'; expected constant, step, exponential, linear, cosine, one_cycle or plateau",
                   text);
  if (!read_settings(text + length, &s))
    return bp_fail(context, BP_E_ARG, "schedule '%.60s': expected %s, and numbers above 0 that may be left out", text,
                   schedules[s.kind].form);
  BP_TRY(bp_schedule_check(context, &s));
  *out = s;
  return BP_OK;
}

bp_status bp_warmup_parse(bp_context *context, const char *text, bp_schedule *out) {
  const char *unit = text;
  double number;
  bool good = read_number(text, "se", &unit, &number) && number <= 1e9, steps = strcmp(unit, "steps") == 0;
  good = good && (steps ? number == floor(number) : *unit == '\0' || strcmp(unit, "epochs") == 0);
  if (!good)
    return bp_fail(context, BP_E_ARG,
                   "warm-up '%.60s': expected a number of epochs, or of steps, as 2epochs or 500steps", text);
  out->warmup_steps = steps ? (int64_t)number : 0;
  out->warmup_epochs = steps ? 0 : number;
  return BP_OK;
}

/* ---- plateau ---- */
/* How much better a loss must be, as a part of the best one: less is noise. */
#define PLATEAU_THRESHOLD 1e-4

schedule_state schedule_start(void) { return (schedule_state){1, INFINITY, 0}; }

void schedule_epoch_end(const bp_schedule *schedule, double loss, schedule_state *state) {
  if (schedule->kind != BP_SCHEDULE_PLATEAU) return;
  if (isinf(state->best) || loss < state->best - PLATEAU_THRESHOLD * fabs(state->best)) {
    state->best = loss;
    state->bad_epochs = 0;
  } else if (++state->bad_epochs > schedule->period) {
    state->scale *= schedule->factor;
    state->bad_epochs = 0;
  }
}
