/* support/graph_check.h - random numbers, arrays for variables, and the check that a program computes what evaluation
 * computes, whichever way it was compiled and run.
 */
#ifndef BT_GRAPH_CHECK_H
#define BT_GRAPH_CHECK_H
#include <stdbool.h>
#include <stdint.h>

#include "backprop/graph.h"
#include "backprop/ops.h"
#include "backprop/program.h"

/* ---- random numbers: a pure function of the seed and of how many were drawn ---- */
typedef struct bt_random {
  uint64_t seed, drawn;
} bt_random;
/* 0 .. n - 1 */
int bt_below(bt_random *r, int n);
double bt_uniform(bt_random *r, double low, double high);
/* true once in n */
bool bt_once_in(bt_random *r, int n);

/* ---- arrays ---- */
int64_t bt_elements(bp_var v, int64_t batch);
size_t bt_bytes(bp_var v, int64_t batch);
/* NEW array in the shape of a variable, every bit set: NaN, or -1, or 255. free() */
void *bt_array(bp_var v, int64_t batch);
/* NEW the same with uniform numbers; integers (I32, U8) lie in low .. high - 1. */
void *bt_array_uniform(bp_var v, int64_t batch, bt_random *r, double low, double high);
/* Element i of an array of F32 or F64, as a double; and back. */
double bt_get(const void *array, bp_dtype dtype, int64_t i);
void bt_set(void *array, bp_dtype dtype, int64_t i, double value);
/* Elements that differ: other bits, and not NaN on both sides. -1: none; else the first one. */
int64_t bt_first_difference(const void *a, const void *b, bp_dtype dtype, int64_t n);

/* ---- a function to compute ---- */
typedef struct bt_function {
  const char *label; /* shown when something is wrong */
  const bp_var *outputs;
  size_t n_outputs;
  const bp_var *inputs;
  size_t n_inputs;
  const void *const *values; /* by input; rows for at least max_batch */
  int64_t max_batch;         /* 0: 1024 */
} bt_function;

/* Evaluates plainly. results[i]: NEW output i (NULL for a bp_assign root). after[i]: NEW what input i holds afterwards;
 * after may be NULL. */
#define bt_evaluate(ctx, f, batch, results, after)                                                                     \
  bt_evaluate_at((ctx), (f), (batch), (results), (after), __FILE__, __LINE__)
void bt_evaluate_at(bp_context *ctx, const bt_function *f, int64_t batch, void **results, void **after,
                    const char *file, int line);
void bt_free_arrays(void **arrays, size_t n);

/* A program with all that a run needs. */
typedef struct bt_runner {
  bp_program *program;
  bp_workspace *workspace;
} bt_runner;
bt_runner bt_runner_new(bp_context *ctx, const bt_function *f, bool no_fusion, int threads);
void bt_runner_free(bt_runner *runner);
/* Every bit of the memory that runs work in set: NaN. */
void bt_runner_poison(const bt_runner *runner);

/* Shows a function and its plan on stderr. */
void bt_show(bp_context *ctx, const bt_function *f);

/* Compiles with and without fusion; runs on each number of threads (ended by 0) and for each batch (ended by -1); each
 * time with NaN in the workspace before. Outputs and states must have the bits that bp_eval() gives. Returns how many
 * elements were compared; adds those that are finite to *finite (may be NULL). */
#define bt_assert_every_way(ctx, f, threads, batches, finite)                                                          \
  bt_check_every_way((ctx), (f), (threads), (batches), (finite), __FILE__, __LINE__)
int64_t bt_check_every_way(bp_context *ctx, const bt_function *f, const int *threads, const int64_t *batches,
                           int64_t *finite, const char *file, int line);

/* ---- other kernels ---- */
/* Runs this program again, as a child, with the environment variable set; its exit status. The child finds BT_CHILD=1. */
int bt_run_again_with(const char *variable, const char *value);
bool bt_is_child(void);
/* Once more with every build of the kernels that is narrower than this CPU's; nothing in a child. */
void bt_run_again_with_narrower_kernels(void);

#endif
