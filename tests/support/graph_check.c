/* support/graph_check.c - programs against evaluation. */
#include "support/graph_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/philox.h"
#include "program/plan.h"
#include "support/testing.h"

/* ---- random numbers ---- */

int bt_below(bt_random *r, int n) { return (int)bp_random_below(r->seed, BP_PURPOSE_TEST, 0, r->drawn++, (uint64_t)n); }

double bt_uniform(bt_random *r, double low, double high) {
  return low + (high - low) * bp_random_uniform(r->seed, BP_PURPOSE_TEST, 0, r->drawn++);
}

bool bt_once_in(bt_random *r, int n) { return bt_below(r, n) == 0; }

/* ---- arrays ---- */

int64_t bt_elements(bp_var v, int64_t batch) {
  int64_t n = 1;
  for (int i = 0; i < bp_var_rank(v); i++) n *= bp_var_dim(v, i) == BP_BATCH ? batch : bp_var_dim(v, i);
  return n;
}

size_t bt_bytes(bp_var v, int64_t batch) { return (size_t)bt_elements(v, batch) * bp_dtype_size(bp_var_dtype(v)); }

static void *array_new(size_t bytes) {
  void *array = malloc(bytes > 0 ? bytes : 1);
  assert_non_null(array);
  memset(array, 0xff, bytes > 0 ? bytes : 1);
  return array;
}

void *bt_array(bp_var v, int64_t batch) { return array_new(bt_bytes(v, batch)); }

double bt_get(const void *array, bp_dtype dtype, int64_t i) {
  switch (dtype) {
  case BP_F32: return (double)((const float *)array)[i];
  case BP_F64: return ((const double *)array)[i];
  case BP_U8: return (double)((const uint8_t *)array)[i];
  default: return (double)((const int32_t *)array)[i];
  }
}

void bt_set(void *array, bp_dtype dtype, int64_t i, double value) {
  switch (dtype) {
  case BP_F32: ((float *)array)[i] = (float)value; return;
  case BP_F64: ((double *)array)[i] = value; return;
  case BP_U8: ((uint8_t *)array)[i] = (uint8_t)value; return;
  default: ((int32_t *)array)[i] = (int32_t)floor(value); return;
  }
}

void *bt_array_uniform(bp_var v, int64_t batch, bt_random *r, double low, double high) {
  void *array = bt_array(v, batch);
  int64_t n = bt_elements(v, batch);
  for (int64_t i = 0; i < n; i++) bt_set(array, bp_var_dtype(v), i, bt_uniform(r, low, high));
  return array;
}

int64_t bt_first_difference(const void *a, const void *b, bp_dtype dtype, int64_t n) {
  size_t size = bp_dtype_size(dtype);
  if (n == 0 || memcmp(a, b, (size_t)n * size) == 0) return -1;
  for (int64_t i = 0; i < n; i++) {
    if (memcmp((const char *)a + (size_t)i * size, (const char *)b + (size_t)i * size, size) == 0) continue;
    if (!isnan(bt_get(a, dtype, i)) || !isnan(bt_get(b, dtype, i))) return i;
  }
  return -1;
}

void bt_free_arrays(void **arrays, size_t n) {
  for (size_t i = 0; i < n; i++) free(arrays[i]);
}

/* ---- one function, computed ---- */

static bool is_root(bp_var v) { return strcmp(bp_var_op(v), "assign") == 0; }

static void copy_inputs(const bt_function *f, int64_t batch, void **copies) {
  for (size_t i = 0; i < f->n_inputs; i++) {
    copies[i] = bt_array(f->inputs[i], batch);
    memcpy(copies[i], f->values[i], bt_bytes(f->inputs[i], batch));
  }
}

static void new_results(const bt_function *f, int64_t batch, void **results) {
  for (size_t i = 0; i < f->n_outputs; i++) results[i] = is_root(f->outputs[i]) ? NULL : bt_array(f->outputs[i], batch);
}

void bt_evaluate_at(bp_context *ctx, const bt_function *f, int64_t batch, void **results, void **after,
                    const char *file, int line) {
  void *copies[64];
  assert_true(f->n_inputs <= 64);
  copy_inputs(f, batch, copies);
  new_results(f, batch, results);
  bp_status status =
      bp_eval(f->outputs, f->n_outputs, f->inputs, f->n_inputs, batch, (const void *const *)copies, results);
  bt_check_status(ctx, status, BP_OK, f->label != NULL ? f->label : "bp_eval", file, line);
  if (after == NULL)
    bt_free_arrays(copies, f->n_inputs);
  else
    memcpy(after, copies, f->n_inputs * sizeof *after);
}

bt_runner bt_runner_new(bp_context *ctx, const bt_function *f, bool no_fusion, int threads) {
  const bp_compile_options options = {.size = sizeof options, .max_batch = f->max_batch, .no_fusion = no_fusion};
  bt_runner r = {0};
  bp_status status = bp_compile(f->outputs, f->n_outputs, f->inputs, f->n_inputs, &options, &r.program);
  bt_check_status(ctx, status, BP_OK, f->label != NULL ? f->label : "bp_compile", __FILE__, __LINE__);
  bt_assert_ok(ctx, bp_workspace_new(ctx, r.program, threads, &r.workspace));
  return r;
}

void bt_runner_free(bt_runner *runner) {
  bp_workspace_free(runner->workspace);
  bp_program_free(runner->program);
}

void bt_runner_poison(const bt_runner *runner) {
  bp_workspace *w = runner->workspace;
  memset(w->values, 0xff, runner->program->workspace_bytes + 64);
  w->prologue_batch = -1; /* what it left there is gone */
  memset(w->scratch, 0xff, w->scratch_part * (size_t)w->threads);
}

static void show_text(bp_context *ctx, bp_status status, char *text) {
  if (status != BP_OK) return;
  (void)fputs(text, stderr);
  bp_string_free(ctx, text);
}

void bt_show(bp_context *ctx, const bt_function *f) {
  char *text = NULL;
  bp_status status = bp_graph_print(f->outputs, f->n_outputs, &text);
  show_text(ctx, status, text);
  bt_runner runner = bt_runner_new(ctx, f, false, 1);
  status = bp_program_explain(ctx, runner.program, &text);
  show_text(ctx, status, text);
  bt_runner_free(&runner);
}

/* ---- every way ---- */

typedef struct way {
  bp_context *ctx;
  const bt_function *f;
  bool no_fusion;
  int threads;
  int64_t batch;
  const char *file;
  int line;
} way;

static void show(const way *w, const char *what, size_t number, bp_var v, const void *got, const void *want,
                 int64_t at) {
  char shape[192];
  bp_dtype t = bp_var_dtype(v);
  print_error("%s: %s %zu (%s%s), element %d is %.17g, evaluation gives %.17g\n  batch %d, %d threads%s\n",
              w->f->label != NULL ? w->f->label : "program", what, number, bp_dtype_name(t),
              bp_var_shape_text(v, shape, sizeof shape), (int)at, bt_get(got, t, at), bt_get(want, t, at),
              (int)w->batch, w->threads, w->no_fusion ? ", no fusion" : "");
  bt_show(w->ctx, w->f);
  _fail(w->file, w->line);
}

static int64_t compare(const way *w, const char *what, const bp_var *v, size_t n, void **got, void **want,
                       int64_t *finite) {
  int64_t compared = 0;
  for (size_t i = 0; i < n; i++) {
    if (want[i] == NULL) continue;
    int64_t elements = bt_elements(v[i], w->batch),
            at = bt_first_difference(got[i], want[i], bp_var_dtype(v[i]), elements);
    if (at >= 0) show(w, what, i, v[i], got[i], want[i], at);
    compared += elements;
    for (int64_t e = 0; finite != NULL && e < elements; e++)
      *finite += isfinite(bt_get(want[i], bp_var_dtype(v[i]), e)) != 0;
  }
  return compared;
}

/* Once, and then so many times more with all arrays elsewhere: a small program then runs from its tape. */
static int64_t run_and_compare(const way *w, const bt_runner *runner, void **want, void **want_after, int64_t *finite,
                               int more) {
  const bt_function *f = w->f;
  void *copies[64], *results[64];
  assert_true(f->n_inputs <= 64 && f->n_outputs <= 64);
  copy_inputs(f, w->batch, copies);
  new_results(f, w->batch, results);
  bt_runner_poison(runner);
  bp_status status = bp_run(runner->program, runner->workspace, w->batch, (const void *const *)copies, results);
  bt_check_status(w->ctx, status, BP_OK, f->label != NULL ? f->label : "bp_run", w->file, w->line);
  int64_t compared = compare(w, "output", f->outputs, f->n_outputs, results, want, finite);
  compared += compare(w, "input afterwards", f->inputs, f->n_inputs, copies, want_after, NULL);
  if (more > 0) compared += run_and_compare(w, runner, want, want_after, finite, more - 1);
  bt_free_arrays(copies, f->n_inputs);
  bt_free_arrays(results, f->n_outputs);
  return compared;
}

int64_t bt_check_every_way(bp_context *ctx, const bt_function *f, const int *threads, const int64_t *batches,
                           int64_t *finite, const char *file, int line) {
  int64_t compared = 0;
  void *want[64], *after[64];
  for (int no_fusion = 0; no_fusion < 2; no_fusion++)
    for (const int *t = threads; *t > 0; t++) {
      bt_runner runner = bt_runner_new(ctx, f, no_fusion == 1, *t);
      for (const int64_t *batch = batches; *batch >= 0; batch++) {
        way w = {ctx, f, no_fusion == 1, *t, *batch, file, line};
        bt_evaluate_at(ctx, f, *batch, want, after, file, line);
        compared += run_and_compare(&w, &runner, want, after, finite, *t == 1 ? 2 : 0);
        bt_free_arrays(want, f->n_outputs);
        bt_free_arrays(after, f->n_inputs);
      }
      bt_runner_free(&runner);
    }
  return compared;
}

/* ---- other kernels ---- */

bool bt_is_child(void) { return getenv("BT_CHILD") != NULL; }

int bt_run_again_with(const char *variable, const char *value) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)setenv(variable, value, 1);
    (void)setenv("BT_CHILD", "1", 1);
    (void)execl("/proc/self/exe", "again", (char *)NULL);
    _exit(127);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void bt_run_again_with_narrower_kernels(void) {
  if (bt_is_child()) return;
  for (int isa = 0; isa < (int)bp_cpu_isa(); isa++) {
    print_message("-- BACKPROP_ISA=%s\n", bp_isa_name((bp_isa)isa));
    assert_int_equal(bt_run_again_with("BACKPROP_ISA", bp_isa_name((bp_isa)isa)), 0);
  }
}
