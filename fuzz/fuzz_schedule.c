/* fuzz_schedule.c - any text as a schedule of the learning rate, and as a warm-up; what is one gives factors that are numbers.
 *
 * about: src/train/schedules.c
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/schedule.h"

enum { STEPS = 23, STEPS_PER_EPOCH = 4 };

static void check(bool holds) {
  if (!holds) abort();
}

static bool same(const bp_schedule *a, const bp_schedule *b) {
  return a->kind == b->kind && a->period == b->period && a->factor == b->factor && a->warmup_steps == b->warmup_steps &&
         a->warmup_epochs == b->warmup_epochs;
}

/* What was understood is in range, and every step has a factor from 0 to 1 (0 only by underflow). */
static void follow(bp_context *ctx, const bp_schedule *schedule) {
  bp_schedule again = *schedule;
  check(bp_schedule_check(ctx, &again) == BP_OK && same(&again, schedule));
  check(bp_schedule_name(schedule->kind) != NULL);
  check(bp_schedule_warmup(schedule, STEPS_PER_EPOCH) >= 0);
  for (int64_t done = 0; done < STEPS; done++) {
    double factor = bp_schedule_factor(schedule, done, STEPS, STEPS_PER_EPOCH);
    check(factor >= 0 && factor <= 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx = NULL;
  bp_schedule schedule = {0}, warmup = {0}, zero = {0};
  char *text = malloc(size + 1);
  if (text == NULL || bp_context_new(NULL, &ctx) != BP_OK) return free(text), 0;
  memcpy(text, data, size);
  text[size] = '\0';
  if (bp_schedule_parse(ctx, text, &schedule) == BP_OK)
    follow(ctx, &schedule);
  else
    check(bp_error_message(ctx)[0] != '\0' && same(&schedule, &zero));
  if (bp_warmup_parse(ctx, text, &warmup) == BP_OK)
    follow(ctx, &warmup);
  else
    check(same(&warmup, &zero));
  bp_context_free(ctx);
  free(text);
  return 0;
}
