/* model/sensitivity.c - derivatives of a model's outputs with respect to its inputs. Floor: model.
 *
 * Three programs from one graph, y = output(net(x)), in float64:
 *   gradient  y and ∂⟨w, y⟩/∂x: a row of the Jacobian for w = eₒ       (reverse mode)
 *   tangent   y and (∂y/∂x) ẋ: a column of the Jacobian for ẋ = eᵢ     (forward mode)
 *   hvp       (∂²⟨w, y⟩/∂x²) v                                          (forward over reverse mode)
 * w and ẋ are the same for all rows of a piece, v is not. Preparation of columns is affine, one input for each column, so its
 * derivative is a slope for each column of a row (data/encoding_row.h); categories and dates, which are more than one input, have none.
 */
#include "backprop/sensitivity.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "base/fail.h"
#include "data/encoding_row.h"
#include "model/model_graph.h"

enum { GRADIENT, TANGENT, HVP, KINDS };

struct bp_sensitivity {
  bp_context *ctx;
  bp_allocator allocator;
  const bp_model *model;
  bp_space space;
  bool raw;
  int64_t max_rows, width, inputs, outputs;
  bp_real_params params;
  bp_program *programs[KINDS];
  bp_workspace *workspaces[KINDS];
  const void **values; /* of the programs' inputs: x, parameters, two seeds */
  size_t n_values;
  double *features, *result, *v; /* [max_rows, inputs] */
  double *y, *y_dot;             /* [max_rows, outputs] */
  double *slopes;                /* [max_rows, width] */
  int64_t *input_of;             /* [width] */
  double *w, *x_dot;             /* [outputs], [inputs] */
  double *direction;             /* [max_rows, width] */
};

/* ---- the programs ---- */

static bp_var like_rows(bp_var row, bp_var rows) {
  int64_t dims[2] = {BP_BATCH, bp_var_dim(rows, 1)};
  return bp_broadcast(row, 2, dims);
}

static bp_status compile(const bp_sensitivity *s, const bp_model_graph *g, const bp_var *outputs, size_t n,
                         bp_program **out) {
  bp_compile_options options = {.size = sizeof options, .max_batch = s->max_rows};
  BP_TRY(bp_graph_status(g->graph));
  return bp_compile(outputs, n, g->inputs, g->n_inputs, &options, out);
}

/* Each kind: appends its seeds and derivatives to the graph of y, and compiles. */
static bp_status compile_gradient(const bp_sensitivity *s, bp_model_graph *g, bp_var y, bp_program **out) {
  bp_var outputs[2] = {y}, w = bp_model_graph_input(g, "w", BP_F64, 1, &s->outputs);
  BP_TRY(bp_grad(bp_sum(bp_mul(y, w), BP_ALL_AXES), &g->x, 1, &outputs[1]));
  return compile(s, g, outputs, 2, out);
}

static bp_status compile_tangent(const bp_sensitivity *s, bp_model_graph *g, bp_var y, bp_program **out) {
  bp_var outputs[2] = {y}, x_dot = bp_model_graph_input(g, "x_dot", BP_F64, 1, &s->inputs);
  bp_var rows = like_rows(x_dot, g->x);
  BP_TRY(bp_jvp(&y, 1, &g->x, &rows, 1, &outputs[1]));
  if (bp_var_is_zero(outputs[1])) /* outputs that do not move */
    outputs[1] = bp_mul(y, bp_scalar(g->graph, BP_F64, 0));
  return compile(s, g, outputs, 2, out);
}

static bp_status compile_hvp(const bp_sensitivity *s, bp_model_graph *g, bp_var y, bp_program **out) {
  int64_t dims[2] = {BP_BATCH, s->inputs};
  bp_var hv, w = bp_model_graph_input(g, "w", BP_F64, 1, &s->outputs);
  bp_var v = bp_model_graph_input(g, "v", BP_F64, 2, dims);
  BP_TRY(bp_hvp(bp_sum(bp_mul(y, w), BP_ALL_AXES), &g->x, &v, 1, &hv));
  return compile(s, g, &hv, 1, out);
}

static bp_status (*const compilers[KINDS])(const bp_sensitivity *, bp_model_graph *, bp_var,
                                           bp_program **) = {compile_gradient, compile_tangent, compile_hvp};

static bp_status compile_kind(bp_sensitivity *s, int kind) {
  bp_model_graph g;
  bp_status status = bp_model_graph_open(s->ctx, s->model, BP_F64, false, 2, NULL, &g);
  if (status == BP_OK) {
    bp_var y = g.z;
    if (!s->raw) status = bp_model_output(s->ctx, s->model, g.z, &y);
    if (status == BP_OK) status = compilers[kind](s, &g, y, &s->programs[kind]);
  }
  bp_model_graph_close(&g);
  if (status == BP_OK) status = bp_workspace_new(s->ctx, s->programs[kind], 1, &s->workspaces[kind]);
  return status;
}

/* ---- making ---- */

static bp_status read_options(bp_sensitivity *s, const bp_sensitivity_options *options) {
  bp_sensitivity_options o = {.size = sizeof o};
  if (options && options->size != sizeof o)
    return bp_fail(s->ctx, BP_E_ARG, "bp_sensitivity_options.size is not sizeof(bp_sensitivity_options)");
  if (options) o = *options;
  if ((unsigned)o.space >= BP_SPACE_COUNT) return bp_fail(s->ctx, BP_E_ARG, "space is none of bp_space");
  if (o.max_rows < 0) return bp_fail(s->ctx, BP_E_ARG, "max_rows is %" PRId64 "; expected 0 or more", o.max_rows);
  int64_t most = bp_model_chunk(s->model);
  s->max_rows = o.max_rows == 0 || o.max_rows > most ? most : o.max_rows;
  s->space = o.space;
  s->raw = o.raw;
  s->width = bp_model_width(s->model, o.space);
  s->inputs = bp_net_inputs(s->model->net);
  s->outputs = o.raw ? bp_net_outputs(s->model->net) : bp_model_outputs(s->model);
  return BP_OK;
}

/* The arrays of doubles: where each is kept, and how many columns its rows have; `all`: a row for each row of a piece. */
typedef struct array {
  double **at;
  int64_t columns;
  bool all;
} array;
enum { ARRAYS = 9 };

static void list_arrays(bp_sensitivity *s, array list[ARRAYS]) {
  const array arrays[ARRAYS] = {
      {&s->features, s->inputs, true}, {&s->result, s->inputs, true}, {&s->v, s->inputs, true},
      {&s->y, s->outputs, true},       {&s->y_dot, s->outputs, true}, {&s->slopes, s->width, true},
      {&s->w, s->outputs, false},      {&s->x_dot, s->inputs, false}, {&s->direction, s->width, true}};
  memcpy(list, arrays, sizeof arrays);
}

static size_t elements(const bp_sensitivity *s, const array *a) {
  return (size_t)a->columns * (a->all ? (size_t)s->max_rows : 1);
}

static bp_status make_room(bp_sensitivity *s) {
  array list[ARRAYS];
  list_arrays(s, list);
  for (int i = 0; i < ARRAYS; i++) {
    *list[i].at = bp_calloc(s->ctx, elements(s, &list[i]), sizeof(double));
    if (!*list[i].at) return BP_E_NOMEM;
  }
  s->n_values = 1 + s->model->n_params + 2;
  s->values = bp_calloc(s->ctx, s->n_values, sizeof *s->values);
  s->input_of = bp_alloc(s->ctx, (size_t)s->width, sizeof *s->input_of);
  if (!s->values || !s->input_of) return BP_E_NOMEM;
  for (int64_t c = 0; c < s->width; c++) s->input_of[c] = c;
  BP_TRY(bp_real_params_init(s->ctx, s->model, &s->params));
  s->values[0] = s->features;
  for (size_t p = 0; p < s->model->n_params; p++) s->values[1 + p] = s->params.values[p];
  return BP_OK;
}

bp_status bp_sensitivity_new(bp_context *context, const bp_model *model, const bp_sensitivity_options *options,
                             bp_sensitivity **out) {
  bp_sensitivity *s = bp_calloc(context, 1, sizeof *s);
  if (!s) return BP_E_NOMEM;
  s->ctx = context;
  s->allocator = bp_context_allocator(context);
  s->model = model;
  bp_status status = read_options(s, options);
  if (status == BP_OK) status = make_room(s);
  for (int kind = 0; kind < KINDS && status == BP_OK; kind++) status = compile_kind(s, kind);
  if (status == BP_OK)
    *out = s;
  else
    bp_sensitivity_free(s);
  return status;
}

void bp_sensitivity_free(bp_sensitivity *sensitivity) {
  bp_sensitivity *s = sensitivity;
  array list[ARRAYS];
  if (!s) return;
  for (int kind = 0; kind < KINDS; kind++) {
    bp_workspace_free(s->workspaces[kind]);
    bp_program_free(s->programs[kind]);
  }
  list_arrays(s, list);
  for (int i = 0; i < ARRAYS; i++) bp_release(s->allocator, *list[i].at, elements(s, &list[i]), sizeof(double));
  bp_release(s->allocator, s->values, s->n_values, sizeof *s->values);
  bp_release(s->allocator, s->input_of, (size_t)s->width, sizeof *s->input_of);
  bp_real_params_release(&s->params);
  bp_release(s->allocator, s, 1, sizeof *s);
}

int64_t bp_sensitivity_width(const bp_sensitivity *sensitivity) { return sensitivity->width; }
int64_t bp_sensitivity_outputs(const bp_sensitivity *sensitivity) { return sensitivity->outputs; }

/* ---- a piece of rows ---- */

static bp_status run(bp_sensitivity *s, int kind, int64_t rows, const double *seed, const double *second, double *y,
                     double *derivative) {
  void *both[2] = {y, derivative}, *one[1] = {derivative};
  s->values[s->n_values - 2] = seed;
  s->values[s->n_values - 1] = second;
  return bp_run(s->programs[kind], s->workspaces[kind], rows, s->values, kind == HVP ? one : both);
}

/* Prepares rows x [rows, width]: their features and slopes. */
static bp_status prepare(bp_sensitivity *s, int64_t rows, const double *x) {
  for (int64_t r = 0; r < rows; r++, x += s->width) {
    double *to = s->features + r * s->inputs, *slopes = s->slopes + r * s->width;
    if (s->space == BP_SPACE_COLUMNS) {
      BP_TRY(bp_encoding_row(s->ctx, s->model->encoding, x, BP_F64, to));
      bp_encoding_slopes(s->model->encoding, x, s->input_of, slopes);
      continue;
    }
    memcpy(to, x, (size_t)s->inputs * sizeof *to);
    for (int64_t c = 0; c < s->width; c++) slopes[c] = 1;
  }
  return BP_OK;
}

/* out[c] = slope of c · of_inputs[input of c] */
static void to_columns(const bp_sensitivity *s, int64_t row, const double *of_inputs, double *out) {
  const double *slopes = s->slopes + row * s->width;
  for (int64_t c = 0; c < s->width; c++) out[c] = slopes[c] * of_inputs[s->input_of[c]];
}

/* The other way: a direction of columns as one of inputs. */
static void to_inputs(const bp_sensitivity *s, int64_t row, const double *of_columns, double *out) {
  const double *slopes = s->slopes + row * s->width;
  memset(out, 0, (size_t)s->inputs * sizeof *out);
  for (int64_t c = 0; c < s->width; c++)
    if (!isnan(slopes[c])) out[s->input_of[c]] = slopes[c] * of_columns[c];
}

static bp_status jacobian_by_rows(bp_sensitivity *s, int64_t rows, double *jacobian) {
  for (int64_t o = 0; o < s->outputs; o++) {
    memset(s->w, 0, (size_t)s->outputs * sizeof *s->w);
    s->w[o] = 1;
    BP_TRY(run(s, GRADIENT, rows, s->w, NULL, s->y, s->result));
    for (int64_t r = 0; r < rows; r++)
      to_columns(s, r, s->result + r * s->inputs, jacobian + (r * s->outputs + o) * s->width);
  }
  return BP_OK;
}

static bp_status jacobian_by_columns(bp_sensitivity *s, int64_t rows, double *jacobian) {
  for (int64_t c = 0; c < s->width; c++) {
    memset(s->x_dot, 0, (size_t)s->inputs * sizeof *s->x_dot);
    s->x_dot[s->input_of[c]] = 1;
    BP_TRY(run(s, TANGENT, rows, s->x_dot, NULL, s->y, s->y_dot));
    for (int64_t r = 0; r < rows; r++)
      for (int64_t o = 0; o < s->outputs; o++)
        jacobian[(r * s->outputs + o) * s->width + c] = s->slopes[r * s->width + c] * s->y_dot[r * s->outputs + o];
  }
  return BP_OK;
}

static bp_status hvp_of_piece(bp_sensitivity *s, int64_t rows, const double *v, double *hv) {
  for (int64_t r = 0; r < rows; r++) to_inputs(s, r, v + r * s->width, s->v + r * s->inputs);
  BP_TRY(run(s, HVP, rows, s->w, s->v, NULL, s->result));
  for (int64_t r = 0; r < rows; r++) to_columns(s, r, s->result + r * s->inputs, hv + r * s->width);
  return BP_OK;
}

/* ---- calls ---- */

static bp_status check(const bp_sensitivity *s, int64_t rows, int64_t which) {
  if (rows < 0) return bp_fail(s->ctx, BP_E_ARG, "sensitivity: %" PRId64 " rows; expected 0 or more", rows);
  if (which < 0 || which >= s->outputs)
    return bp_fail(s->ctx, BP_E_ARG, "sensitivity: output %" PRId64 "; expected 0 to %" PRId64, which, s->outputs - 1);
  return BP_OK;
}

static void choose(bp_sensitivity *s, int64_t which) {
  memset(s->w, 0, (size_t)s->outputs * sizeof *s->w);
  s->w[which] = 1;
}

static int64_t piece_of(const bp_sensitivity *s, int64_t left) { return left < s->max_rows ? left : s->max_rows; }

bp_status bp_sensitivity_jacobian(bp_sensitivity *sensitivity, int64_t rows, const double *x, double *output,
                                  double *jacobian) {
  bp_sensitivity *s = sensitivity;
  BP_TRY(check(s, rows, 0));
  for (int64_t first = 0; first < rows; first += s->max_rows) {
    int64_t n = piece_of(s, rows - first);
    double *to = jacobian + first * s->outputs * s->width;
    BP_TRY(prepare(s, n, x + first * s->width));
    BP_TRY(s->width < s->outputs ? jacobian_by_columns(s, n, to) : jacobian_by_rows(s, n, to));
    if (output) memcpy(output + first * s->outputs, s->y, (size_t)(n * s->outputs) * sizeof *output);
  }
  return BP_OK;
}

bp_status bp_sensitivity_gradient(bp_sensitivity *sensitivity, int64_t rows, const double *x, int64_t which,
                                  double *value, double *gradient) {
  bp_sensitivity *s = sensitivity;
  BP_TRY(check(s, rows, which));
  choose(s, which);
  for (int64_t first = 0; first < rows; first += s->max_rows) {
    int64_t n = piece_of(s, rows - first);
    BP_TRY(prepare(s, n, x + first * s->width));
    BP_TRY(run(s, GRADIENT, n, s->w, NULL, s->y, s->result));
    for (int64_t r = 0; r < n; r++) {
      to_columns(s, r, s->result + r * s->inputs, gradient + (first + r) * s->width);
      if (value) value[first + r] = s->y[r * s->outputs + which];
    }
  }
  return BP_OK;
}

bp_status bp_sensitivity_hvp(bp_sensitivity *sensitivity, int64_t rows, const double *x, int64_t which, const double *v,
                             double *hv) {
  bp_sensitivity *s = sensitivity;
  BP_TRY(check(s, rows, which));
  choose(s, which);
  for (int64_t first = 0; first < rows; first += s->max_rows) {
    int64_t n = piece_of(s, rows - first);
    BP_TRY(prepare(s, n, x + first * s->width));
    BP_TRY(hvp_of_piece(s, n, v + first * s->width, hv + first * s->width));
  }
  return BP_OK;
}

/* Column c of the Hessian of every row of the piece. */
static bp_status hessian_column(bp_sensitivity *s, int64_t rows, int64_t c, double *hessian) {
  memset(s->direction, 0, (size_t)(rows * s->width) * sizeof *s->direction);
  for (int64_t r = 0; r < rows; r++) s->direction[r * s->width + c] = 1;
  BP_TRY(hvp_of_piece(s, rows, s->direction, s->direction));
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < s->width; i++) {
      bool category = isnan(s->slopes[r * s->width + c]);
      hessian[(r * s->width + i) * s->width + c] = category ? (double)NAN : s->direction[r * s->width + i];
    }
  return BP_OK;
}

bp_status bp_sensitivity_hessian(bp_sensitivity *sensitivity, int64_t rows, const double *x, int64_t which,
                                 double *hessian) {
  bp_sensitivity *s = sensitivity;
  BP_TRY(check(s, rows, which));
  choose(s, which);
  for (int64_t first = 0; first < rows; first += s->max_rows) {
    int64_t n = piece_of(s, rows - first);
    BP_TRY(prepare(s, n, x + first * s->width));
    for (int64_t c = 0; c < s->width; c++) BP_TRY(hessian_column(s, n, c, hessian + first * s->width * s->width));
  }
  return BP_OK;
}

/* ---- once ---- */

static bp_status open_once(bp_context *ctx, const bp_model *model, bp_space space, int64_t rows, bp_sensitivity **out) {
  bp_sensitivity_options options = {.size = sizeof options, .space = space, .max_rows = rows};
  if (rows < 0) return bp_fail(ctx, BP_E_ARG, "sensitivity: %" PRId64 " rows; expected 0 or more", rows);
  return bp_sensitivity_new(ctx, model, &options, out);
}

bp_status bp_model_jacobian(bp_context *context, const bp_model *model, bp_space space, int64_t rows, const double *x,
                            double *output, double *jacobian) {
  bp_sensitivity *s = NULL;
  bp_status status = open_once(context, model, space, rows, &s);
  if (status == BP_OK) status = bp_sensitivity_jacobian(s, rows, x, output, jacobian);
  bp_sensitivity_free(s);
  return status;
}

bp_status bp_model_gradient(bp_context *context, const bp_model *model, bp_space space, int64_t rows, const double *x,
                            int64_t which, double *value, double *gradient) {
  bp_sensitivity *s = NULL;
  bp_status status = open_once(context, model, space, rows, &s);
  if (status == BP_OK) status = bp_sensitivity_gradient(s, rows, x, which, value, gradient);
  bp_sensitivity_free(s);
  return status;
}

bp_status bp_model_hvp(bp_context *context, const bp_model *model, bp_space space, int64_t rows, const double *x,
                       int64_t which, const double *v, double *hv) {
  bp_sensitivity *s = NULL;
  bp_status status = open_once(context, model, space, rows, &s);
  if (status == BP_OK) status = bp_sensitivity_hvp(s, rows, x, which, v, hv);
  bp_sensitivity_free(s);
  return status;
}
