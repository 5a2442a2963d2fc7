/* train/trainer.h - a fit as an object: it can stop after any step and go on.
 *
 *   trainer_plan_of()    checks, and allocates nothing
 *   trainer_new()        compiles the programs
 *   trainer_run()        goes on from the state it is in until something stops it
 *   trainer_finish()     leaves in the parameters what is to be kept, and fills in the result
 *
 * What a run needs to go on is its state: the parameters, the optimiser's slots, the parameters kept aside, the history, and
 * trainer_state. Random numbers need none: the order of an epoch's rows is a pure function of (seed, epoch).
 */
#ifndef BP_TRAIN_TRAINER_H
#define BP_TRAIN_TRAINER_H
#include "train/batching.h"
#include "train/fit_metrics.h"
#include "train/folds.h"
#include "train/full_fit.h"
#include "train/norms.h"
#include "train/plateau.h"
#include "train/runner.h"

/* Counters and sums. Everything else of the state is in arrays. */
typedef struct trainer_state {
  int64_t steps;
  int64_t epoch;                /* under way, from 1 */
  int64_t row;                  /* how many of its rows were learnt from: the position in the order of the epoch */
  double loss_sum, correct_sum; /* over them */
  int64_t best_epoch;           /* whose parameters are kept aside; 0: those of the start */
  double best;                  /* its metric */
  double lr;                    /* of the last step */
  double seconds;               /* of the runs before this one, when it went on from a checkpoint */
  schedule_state schedule;
} trainer_state;

/* When things happened, on the clock. */
typedef struct trainer_clock {
  double start, now, reported; /* this run began; the clock was read; the progress callback was called */
  int stride, countdown;       /* steps between two readings; steps until the next one */
} trainer_clock;

/* Who keeps checkpoints. */
typedef bp_status (*trainer_write_fn)(void *user, const trainer *t);
typedef struct trainer_save {
  trainer_write_fn write; /* NULL: nobody */
  void *user;
  int64_t every; /* 0: only when it is asked for */
  bool steps;    /* `every` counts steps instead of epochs */
} trainer_save;

/* What is to be done, found to be possible: nothing is allocated for it yet. Everything BORROWed. */
typedef struct trainer_plan {
  const bp_net *net;
  const bp_source *train, *valid; /* valid NULL: no validation rows */
  bp_fit_options options;         /* resolved */
  batching batches;               /* of the training rows */
} trainer_plan;

struct trainer {
  bp_context *ctx;
  const bp_net *net;
  void *const *params;    /* the caller's, updated in place */
  bp_fit_options options; /* resolved */
  batching batches;       /* of the training rows */
  runner train, valid;    /* valid.source NULL: no validation rows; with folds one member at a time */
  folds folds;
  fit_rows rows;  /* predictions of the validation rows, where the metric needs them or there are folds */
  full_fit *full; /* a method for full batches, whose iterations are the steps; NULL: steps by mini-batches */
  trainer_state state;
  int n_params, per_param; /* slots of each parameter */
  char *slots;             /* all slots, one behind the other, padded() each */
  char *kept;              /* parameters to give back: the best, or the last good ones; the same layout */
  size_t params_bytes, slots_bytes;
  norms *norms;         /* NULL: nobody wants to know */
  trainer_state anchor; /* a state to go back to (diagnose.h), with its arrays; NULL: there is none */
  char *anchor_params, *anchor_slots;
  int64_t ordered; /* epoch whose order of rows is in train.rows; 0: none */
  double step, lr; /* values of the program's inputs, of the last step; lr in the network's type */
  float lr_f32;
  bp_fit_step last;
  trainer_clock clock;
  trainer_save save; /* set by the owner */
  bp_fit_result result;
};

/* BP_E_ARG, BP_E_DATA  as bp_fit() */
bp_status trainer_plan_of(bp_context *ctx, const bp_net *net, const bp_source *train, const bp_source *valid,
                          const bp_fit_options *options, trainer_plan *out);
/* Takes the measures of the validation rows, or those left out, into the epoch: of the parameters as they are. */
bp_status trainer_judge(trainer *t, bp_epoch *epoch);
/* What the plan and the parameters point to is BORROWed until trainer_free().
 * BP_E_ARG, BP_E_NOMEM  as bp_fit() */
bp_status trainer_new(bp_context *ctx, const trainer_plan *plan, void *const *params, trainer **out);
void trainer_free(trainer *t);

/* Runs until a stop, which result.stopped_by then names. BP_E_DIVERGED when a number was not finite. */
bp_status trainer_run(trainer *t);
/* Puts the parameters that are to be kept into params; the result's numbers are then complete. */
void trainer_finish(trainer *t);

/* ---- parts of it ---- */
size_t trainer_param_bytes(const trainer *t, int p);
/* Where a part of an array ends, so that the next keeps the alignment that vector loads like. */
static inline size_t trainer_padded(size_t bytes) { return (bytes + 63) / 64 * 64; }
/* Copies the parameters to an array of t->params_bytes, and back. */
void trainer_keep(const trainer *t, char *to);
void trainer_give_back(const trainer *t, const char *from);
bool trainer_params_finite(const trainer *t);

/* One step: on the next batch of the epoch under way. BP_E_DIVERGED when its loss is not finite. */
bp_status trainer_step(trainer *t);
/* The same without looking at the loss; and only the naming of n rows of the epoch to the program, `at` rows from here. */
bp_status trainer_run_batch(trainer *t);
void trainer_name_batch(trainer *t, int64_t at, int64_t n);
/* From the end of an epoch, of which this is known, to the beginning of the next. */
void trainer_next_epoch(trainer *t, const bp_epoch *epoch);
/* What is known after the last step, of the epoch and of the step. */
bp_epoch trainer_epoch(const trainer *t);
/* Seconds of training until the clock was read last, those of earlier runs included. */
double trainer_seconds(const trainer *t);

/* ---- the state as named arrays and numbers ---- */

/* A number of trainer_state: int64_t, or double when real. */
typedef struct trainer_field {
  const char *name;
  size_t offset;
  bool real;
} trainer_field;
const trainer_field *trainer_fields(int *n);

/* An array whose size the network and the options decide. */
typedef struct trainer_part {
  char name[64];
  bp_dtype dtype;
  int rank;
  int64_t dims[2];
  void *data;
  bool finite; /* whether no value may be infinite or NaN */
} trainer_part;
/* Fills in parts[], unless it is NULL, and returns how many there are: as a plan will have them, without data, and as they are. */
int trainer_shapes(const trainer_plan *plan, trainer_part *parts);
int trainer_parts(const trainer *t, trainer_part *parts);

/* An epoch of the history as a row of numbers, and back. */
enum { TRAINER_HISTORY_COLUMNS = 8 };
void trainer_history_row(const bp_epoch *epoch, double *row);
bp_epoch trainer_history_epoch(int number, const double *row);
bp_status trainer_history_set(trainer *t, const bp_epoch *history, int epochs);

/* NULL when a trainer of these options may be in this state, else the number that makes no sense. */
const char *trainer_state_fault(const trainer *t, const trainer_state *state);

#endif
