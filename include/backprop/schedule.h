/* backprop/schedule.h - how the learning rate changes while a network learns.
 *
 * A schedule is a factor on the learning rate, a pure function of the step: a run that was stopped and goes on needs no memory of
 * it. Only the plateau looks at losses; what it remembers is kept with the run.
 */
#ifndef BACKPROP_SCHEDULE_H
#define BACKPROP_SCHEDULE_H
#include "backprop/context.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* t of T steps are done, both counted from the end of the warm-up; e = t / (steps of an epoch). */
typedef enum bp_schedule_kind {
  BP_SCHEDULE_CONSTANT,    /* 1 */
  BP_SCHEDULE_STEP,        /* factor^floor(e / period): a new, smaller step size every `period` epochs */
  BP_SCHEDULE_EXPONENTIAL, /* factor^e */
  BP_SCHEDULE_LINEAR,      /* 1 - (1 - factor) t/T: down to `factor` */
  BP_SCHEDULE_COSINE,      /* factor + (1 - factor) (1 + cos(π t/T)) / 2 (Loshchilov and Hutter, 2017) */
  BP_SCHEDULE_ONE_CYCLE, /* from 1/25 up to 1 at `period` of all steps, then down to 4e-6, both as half a cosine (Smith and Topin, 2018); the
                              momentum stays as it is */
  BP_SCHEDULE_PLATEAU, /* times `factor` when `period` epochs went by without a better loss; on validation rows where there are some */
  BP_SCHEDULE_KIND_COUNT
} bp_schedule_kind;

/* Zero-filled: a constant rate. */
typedef struct bp_schedule {
  bp_schedule_kind kind;
  double period; /* step, plateau: epochs, 0: 10; one_cycle: part of all steps, 0: 0.3 */
  double factor; /* step, plateau: 0: 0.1; exponential: 0: 0.95; linear, cosine: where they end, 0 included */
  /* The first steps are smaller, by a factor that grows evenly, 1/W, 2/W, … 1 over W = warmup_steps + warmup_epochs · steps of an
   * epoch (rounded); then the schedule begins. Not with one_cycle, which has its own. */
  int64_t warmup_steps;
  double warmup_epochs;
} bp_schedule;

/* VIEW "cosine"; NULL out of range. */
BP_API const char *bp_schedule_name(bp_schedule_kind kind);
/* Reads "NAME", "NAME:SETTING" or "NAME:SETTING:SETTING" into kind, period and factor; warm-up stays as it is. The settings are, in
 * this order, what the kind has: constant; step:PERIOD:FACTOR; exponential:FACTOR; linear:FACTOR; cosine:FACTOR;
 * one_cycle:PERIOD; plateau:PERIOD:FACTOR.
 * BP_E_ARG  an unknown name, too many settings, or one that is no number or out of its range */
BP_API bp_status bp_schedule_parse(bp_context *context, const char *text, bp_schedule *out);
/* Reads a warm-up: "500steps", "2epochs", "0.5epochs"; a number alone is epochs.
 * BP_E_ARG  anything else */
BP_API bp_status bp_warmup_parse(bp_context *context, const char *text, bp_schedule *out);
/* Puts the defaults in place of zeros.
 * BP_E_ARG  a setting out of its range; a warm-up with one_cycle */
BP_API bp_status bp_schedule_check(bp_context *context, bp_schedule *schedule);

/* The steps of the warm-up. */
BP_API int64_t bp_schedule_warmup(const bp_schedule *schedule, int64_t steps_per_epoch);
/* The factor of the step after `done` of `steps` in all, without what a plateau did. The schedule went through bp_schedule_check(). */
BP_API double bp_schedule_factor(const bp_schedule *schedule, int64_t done, int64_t steps, int64_t steps_per_epoch);

#ifdef __cplusplus
}
#endif
#endif
