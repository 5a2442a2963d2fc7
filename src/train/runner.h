/* train/runner.h - a compiled program and all it needs to run over the rows of a source, batch by batch. */
#ifndef BP_TRAIN_RUNNER_H
#define BP_TRAIN_RUNNER_H
#include "train/fit_program.h"

typedef struct runner {
  bp_context *ctx;
  bp_dtype dtype; /* of the network */
  const bp_source *source;
  bp_program *program; /* made by the owner, released here; so is the workspace */
  bp_workspace *workspace;
  const void **inputs; /* [n_inputs] */
  void **outputs;      /* [n_outputs]: only the first FIT_VALUES are wanted */
  size_t n_inputs, n_outputs;
  union {
    float f32;
    double f64;
  } values[FIT_VALUES];
  int64_t batch;    /* rows at most */
  int32_t *classes; /* of the batch; NULL for values */
  int32_t *places;  /* of the batch; NULL where features stand in the order of the rows */
  int32_t *rows;    /* [rows of the source] an order of them: as they stand at first */
  void *features; /* [batch, columns] of the source's type; NULL where it has no runs. What is in a run is 0 but for */
  int64_t *ones;  /* [batch, n_runs]: elements of `features`; -1: none */
} runner;

/* `second`: the program has a value at FIT_CORRECT. Everything but program, workspace and the inputs from FIT_LR on. BORROWs the source; runner_release() at any stage. */
bp_status runner_init(runner *r, bp_context *ctx, bp_dtype dtype, const bp_source *source, bool classes, bool second,
                      size_t n_inputs, int64_t batch);
void runner_release(runner *r);

/* Names the rows at rows[begin .. begin + n) to the program. */
void runner_name_batch(runner *r, int64_t begin, int64_t n);
/* Runs the program on the rows at rows[begin .. begin + n). *loss and *correct (NaN for values) receive its numbers. */
bp_status runner_batch(runner *r, int64_t begin, int64_t n, double *loss, double *correct);

#endif
