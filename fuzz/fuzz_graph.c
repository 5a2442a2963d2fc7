/* fuzz_graph.c - any bytes as a sequence of calls of the graph's builders; what comes out is printed, evaluated, compiled, run and
 * differentiated.
 *
 * The first byte chooses whether arguments may be wrong, the second what is done with the graph; the rest are the calls
 * (support/graph_maker.h). An error stays with the graph and has a message; a program gives the bits of plain evaluation; derivatives by
 * both modes agree as far as rounding lets them.
 *
 * about: src/graph/ src/autodiff/ src/program/
 * search: -entropic=0
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "backprop/program.h"
#include "backprop/sparse.h"
#include "support/graph_maker.h"

enum { OUTPUTS = 3, DIRECTIONS = MAKER_INPUTS, GIVEN = MAKER_INPUTS + DIRECTIONS, WAYS = 8, NODES = 8192 };

/* A graph, and values for its inputs. */
typedef struct graph_case {
  graph_maker maker;
  bp_context *ctx;
  bp_var outputs[OUTPUTS];
  int n_outputs;
  bp_var given[GIVEN]; /* the inputs, then directions for those that are differentiated */
  double values[GIVEN][MAKER_ELEMENTS];
  int n_given;
  bp_var x[DIRECTIONS], v[DIRECTIONS]; /* inputs of floating-point numbers, and a direction for each */
  int n_x;
} graph_case;

/* ---- computing ---- */

static void point_at(const graph_case *c, const void *inputs[GIVEN]) {
  for (int i = 0; i < c->n_given; i++) inputs[i] = c->values[i];
}

static size_t bytes_of(bp_var v) { return (size_t)maker_elements(v) * bp_dtype_size(bp_var_dtype(v)); }

static void *array_for(bp_var v) {
  void *array = calloc(bytes_of(v) + 1, 1);
  check(array != NULL);
  return array;
}

static bp_status evaluate(const graph_case *c, const bp_var *y, int n, void **values) {
  const void *inputs[GIVEN];
  point_at(c, inputs);
  return bp_eval(y, (size_t)n, c->given, (size_t)c->n_given, MAKER_ROWS, inputs, values);
}

/* ---- a program computes what evaluation computes ---- */

static bool same_numbers(const void *a, const void *b, bp_dtype dtype, int64_t n) {
  size_t size = bp_dtype_size(dtype);
  for (int64_t i = 0; i < n; i++) {
    const char *x = (const char *)a + (size_t)i * size, *y = (const char *)b + (size_t)i * size;
    if (memcmp(x, y, size) == 0) continue;
    double p = NAN, q = NAN;
    if (dtype == BP_F32) p = (double)*(const float *)(const void *)x, q = (double)*(const float *)(const void *)y;
    if (dtype == BP_F64) p = *(const double *)(const void *)x, q = *(const double *)(const void *)y;
    if (dtype > BP_F64 || !isnan(p) || !isnan(q)) return false;
  }
  return true;
}

static bp_status run(const graph_case *c, const bp_program *program, void **values) {
  const void *inputs[GIVEN];
  bp_workspace *workspace = NULL;
  point_at(c, inputs);
  check(bp_workspace_new(c->ctx, program, 1, &workspace) == BP_OK);
  bp_status status = bp_run(program, workspace, MAKER_ROWS, inputs, values);
  bp_workspace_free(workspace);
  return status;
}

static void compare(const graph_case *c, const bp_var *y, int n, bool no_fusion) {
  bp_compile_options options = {.size = sizeof options, .max_batch = MAKER_ROWS, .no_fusion = no_fusion};
  void *plain[OUTPUTS] = {NULL}, *compiled[OUTPUTS] = {NULL};
  bp_program *program = NULL;
  char *text = NULL;
  for (int i = 0; i < n; i++) plain[i] = array_for(y[i]), compiled[i] = array_for(y[i]);
  bp_status evaluated = evaluate(c, y, n, plain);
  bp_status status = bp_compile(y, (size_t)n, c->given, (size_t)c->n_given, &options, &program);
  if (status == BP_OK) {
    status = run(c, program, compiled);
    check(bp_program_cost(program, MAKER_ROWS).instructions >= 0);
    check(bp_program_explain(c->ctx, program, &text) == BP_OK && text[0] != '\0');
    bp_string_free(c->ctx, text);
  }
  check((status == BP_OK) == (evaluated == BP_OK)); /* of several faults either may be found first */
  check(status == BP_OK || bp_error_message(c->ctx)[0] != '\0');
  for (int i = 0; i < n && status == BP_OK; i++)
    check(same_numbers(plain[i], compiled[i], bp_var_dtype(y[i]), maker_elements(y[i])));
  bp_program_free(program);
  for (int i = 0; i < n; i++) free(plain[i]), free(compiled[i]);
}

/* ---- derivatives ---- */

/* A number from all outputs, each with a factor of its own. */
static bp_var loss_of(const graph_case *c) {
  bp_var loss = bp_scalar(c->maker.graph, BP_F64, 0);
  for (int i = 0; i < c->n_outputs; i++) {
    bp_var factor = bp_scalar(c->maker.graph, BP_F64, 1 - 0.4 * i);
    loss = bp_add(loss, bp_mul(factor, bp_sum(bp_cast(c->outputs[i], BP_F64), BP_ALL_AXES)));
  }
  return loss;
}

static void add_direction(graph_case *c, bp_var x) {
  int64_t dims[BP_MAX_RANK];
  for (int i = 0; i < bp_var_rank(x); i++) dims[i] = bp_var_dim(x, i);
  bp_var v = bp_input(c->maker.graph, "v", BP_F64, bp_var_rank(x), dims);
  for (int i = 0; i < MAKER_ELEMENTS; i++) c->values[c->n_given][i] = 0.75 - 0.4375 * (i % 5) + 0.03125 * c->n_x;
  c->given[c->n_given++] = v;
  c->x[c->n_x] = x;
  c->v[c->n_x++] = bp_cast(v, bp_var_dtype(x));
}

static void add_directions(graph_case *c) {
  for (int i = 0; i < c->maker.n_inputs; i++)
    if (bp_var_dtype(c->maker.inputs[i]) < BP_U8) add_direction(c, c->maker.inputs[i]);
}

/* Σ a·v, or Σ |a·v|, over all variables. */
static bp_var product(const graph_case *c, const bp_var *a, bool sizes) {
  bp_var sum = bp_scalar(c->maker.graph, BP_F64, 0);
  for (int i = 0; i < c->n_x; i++) {
    bp_var p = bp_mul(bp_cast(a[i], BP_F64), bp_cast(c->v[i], BP_F64));
    sum = bp_add(sum, bp_sum(sizes ? bp_abs(p) : p, BP_ALL_AXES));
  }
  return sum;
}

/* What rounding may do is seen by changing all numbers a little. */
static void nudge(graph_case *c, double by) {
  for (int i = 0; i < c->n_given; i++)
    for (int e = 0; e < MAKER_ELEMENTS; e++) {
      double turn = by * (1 + 0.5 * ((e + i) % 3));
      if (bp_var_dtype(c->given[i]) == BP_F64) c->values[i][e] *= 1 + turn;
    }
  for (int i = 0; i < c->n_given; i++)
    for (int e = 0; e < MAKER_ELEMENTS && bp_var_dtype(c->given[i]) == BP_F32; e++)
      ((float *)(void *)c->values[i])[e] *= 1 + (float)by * (float)(1 + (e + i) % 3);
}

static double largest_of(bp_var v, const void *values) {
  double largest = 0;
  for (int64_t i = 0; i < maker_elements(v); i++) {
    double value = fabs(bp_var_dtype(v) == BP_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i]);
    if (isfinite(value)) largest = fmax(largest, value);
  }
  return largest;
}

/* The largest number on the way to any result; 0 where that is not known. */
static double largest_on_the_way(const graph_case *c) {
  static bp_var nodes[NODES];
  static void *values[NODES];
  double largest = 0;
  int n = 0;
  for (uint32_t id = 1; id < bp_graph_size(c->maker.graph) && n < NODES; id++) {
    nodes[n] = (bp_var){c->maker.graph, id};
    if (bp_var_dtype(nodes[n]) < BP_U8) n++;
  }
  for (int i = 0; i < n; i++) values[i] = array_for(nodes[i]);
  bool known = evaluate(c, nodes, n, values) == BP_OK;
  for (int i = 0; i < n; i++) {
    if (known) largest = fmax(largest, largest_of(nodes[i], values[i]));
    free(values[i]);
  }
  return largest;
}

/* The first two of three numbers, which is their size, are one and the same. Where they are not, terms that cancel may have left
 * their rounding, which no nudge shows: x / -x has a slope of 1/x - 1/x. */
static void agree(graph_case *c, const bp_var sums[3]) {
  static const double nudges[] = {0, 1, -2.5, 3.5};
  double values[4][3], spread = 0, unit = c->maker.narrow ? FLT_EPSILON : DBL_EPSILON;
  for (int k = 0; k < 4; k++) {
    nudge(c, nudges[k] * unit * 16);
    if (evaluate(c, sums, 3, (void *[]){&values[k][0], &values[k][1], &values[k][2]}) != BP_OK) return;
    for (int i = 0; i < 3; i++) {
      if (!isfinite(values[k][i]) || fabs(values[k][i]) > 1e60) return;
      spread += fabs(values[k][i] - values[0][i]);
    }
  }
  double scale = values[0][2] + fabs(values[0][0]) + fabs(values[0][1]);
  double apart = fabs(values[0][0] - values[0][1]);
  if (apart <= 1e5 * unit * scale + 1e3 * spread + 1e5 * unit) return;
  check(apart <= 1e3 * unit * largest_on_the_way(c));
}

static bool derived(const graph_case *c, bp_status status) {
  bp_graph *graph = c->maker.graph;
  check(status == bp_graph_status(graph));
  check(status == BP_OK || bp_graph_message(graph)[0] != '\0');
  check(status == BP_OK || status == BP_E_LIMIT || status == BP_E_SHAPE);
  return status == BP_OK && maker_is_small(&c->maker);
}

static void first_order(graph_case *c) {
  bp_var g[DIRECTIONS], y = loss_of(c), sums[3];
  if (!derived(c, bp_grad(y, c->x, (size_t)c->n_x, g))) return;
  if (!derived(c, bp_jvp(&y, 1, c->x, c->v, (size_t)c->n_x, &sums[0]))) return;
  if (bp_var_is_zero(sums[0])) sums[0] = bp_scalar(c->maker.graph, BP_F64, 0);
  sums[1] = product(c, g, false);
  sums[2] = product(c, g, true);
  agree(c, sums);
  for (int i = 0; i < c->n_x; i++) compare(c, &g[i], 1, false);
}

static void second_order(graph_case *c) {
  bp_var hv[DIRECTIONS], vh[DIRECTIONS], y = loss_of(c);
  if (!derived(c, bp_hvp(y, c->x, c->v, (size_t)c->n_x, hv))) return;
  if (!derived(c, bp_vhp(y, c->x, c->v, (size_t)c->n_x, vh))) return;
  agree(c, (bp_var[]){product(c, hv, false), product(c, vh, false), product(c, hv, true)});
}

/* vᵀ H v by the matrix, and by a product. */
static void hessian(graph_case *c) {
  bp_var h, hv, y = loss_of(c), x = c->x[0], v = bp_cast(c->v[0], BP_F64);
  int64_t n = maker_elements(x);
  if (maker_has_batch(x) || bp_var_rank(x) > 3 || n > 12) return;
  if (!derived(c, bp_hessian(y, &x, 1, &h)) || !derived(c, bp_hvp(y, &x, &c->v[0], 1, &hv))) return;
  bp_var row = bp_reshape(v, 1, &n);
  bp_var square = bp_mul(bp_outer(row, row), bp_reshape(bp_cast(h, BP_F64), 2, (int64_t[]){n, n}));
  bp_var by_product = bp_sum(bp_mul(v, bp_cast(hv, BP_F64)), BP_ALL_AXES);
  agree(c, (bp_var[]){bp_sum(square, BP_ALL_AXES), by_product, bp_sum(bp_abs(square), BP_ALL_AXES)});
}

/* What is no place of the pattern is 0 in the matrix. */
static void sparse(graph_case *c) {
  bp_sparse *s = NULL;
  bp_var j, x = c->x[0], y = c->outputs[0];
  if (bp_var_dtype(y) > BP_F64 || maker_has_batch(x) || maker_has_batch(y)) return;
  if (bp_var_rank(x) + bp_var_rank(y) > BP_MAX_RANK || maker_elements(x) * maker_elements(y) > 400) return;
  if (!derived(c, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s))) return bp_sparse_free(s);
  bp_var dense = bp_cast(bp_sparse_dense(s), BP_F64);
  if (derived(c, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &j))) {
    bp_var whole = bp_reshape(bp_cast(j, BP_F64), 2, (int64_t[]){maker_elements(y), maker_elements(x)});
    bp_var by = bp_uniform(bp_scalar(c->maker.graph, BP_F64, 0), 7, 0, BP_F64, 2,
                           (int64_t[]){maker_elements(y), maker_elements(x)});
    agree(c, (bp_var[]){bp_sum(bp_mul(by, dense), BP_ALL_AXES), bp_sum(bp_mul(by, whole), BP_ALL_AXES),
                        bp_sum(bp_abs(whole), BP_ALL_AXES)});
  }
  bp_sparse_free(s);
}

/* The values of an eager graph are those of evaluation, and its gradient as numbers that of its nodes. */
static void eager(graph_case *c) {
  double numbers[DIRECTIONS][MAKER_ELEMENTS];
  void *at[DIRECTIONS] = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]}, *value;
  bp_var x[DIRECTIONS], g[DIRECTIONS], y = loss_of(c);
  size_t n = 0;
  for (int i = 0; i < c->maker.n_inputs; i++)
    if (bp_var_dtype(c->maker.inputs[i]) < BP_U8) x[n++] = c->maker.inputs[i];
  for (int i = 0; i < c->n_outputs; i++) {
    value = array_for(c->outputs[i]);
    check(evaluate(c, &c->outputs[i], 1, &value) == BP_OK);
    check(same_numbers(value, bp_values(c->outputs[i]), bp_var_dtype(c->outputs[i]), maker_elements(c->outputs[i])));
    free(value);
  }
  if (n == 0) return;
  check(bp_backward(y, x, n, at) == BP_OK);
  if (bp_grad(y, x, n, g) != BP_OK) return;
  for (size_t i = 0; i < n; i++) check(bp_values(g[i]) != NULL);
}

/* ---- any graph ---- */

static void print(const graph_case *c) {
  char *text = NULL, *dot = NULL;
  check(bp_graph_print(c->outputs, (size_t)c->n_outputs, &text) == BP_OK && text[0] != '\0');
  check(bp_graph_dot(c->outputs, (size_t)c->n_outputs, &dot) == BP_OK && dot[0] != '\0');
  bp_string_free(c->ctx, text);
  bp_string_free(c->ctx, dot);
}

/* A graph that holds an error is no use to anybody, and says why. */
static void refused(const graph_case *c) {
  const graph_maker *m = &c->maker;
  bp_var y = m->n_pool > 0 ? m->pool[0] : (bp_var){m->graph, 0}, g = {m->graph, 1};
  bp_program *program = NULL;
  char *text = NULL;
  double value;
  check(bp_compile(&y, 1, m->inputs, (size_t)m->n_inputs, NULL, &program) != BP_OK && program == NULL);
  check(bp_graph_print(&y, 1, &text) != BP_OK && text == NULL);
  check(bp_grad(y, &y, 1, &g) != BP_OK && g.id == 0);
  check(bp_eval(&y, 1, NULL, 0, 1, NULL, (void *[]){&value}) != BP_OK);
  check(strncmp(bp_graph_message(m->graph), m->message, sizeof m->message - 1) == 0);
}

static void choose_outputs(graph_case *c) {
  graph_maker *m = &c->maker;
  for (int i = m->n_pool - 1; i >= 0 && c->n_outputs < OUTPUTS; i -= 1 + c->n_outputs)
    c->outputs[c->n_outputs++] = m->pool[i];
  for (int i = 0; i < m->n_inputs; i++) {
    c->given[c->n_given] = m->inputs[i];
    memcpy(c->values[c->n_given++], m->values[i], sizeof m->values[i]);
  }
}

static void use(graph_case *c, int way) {
  choose_outputs(c);
  if (c->n_outputs == 0) return;
  if (way == 0) print(c);
  if (!maker_is_small(&c->maker)) return;
  if (c->maker.eager) {
    eager(c);
    return;
  }
  if (way <= 2) compare(c, c->outputs, c->n_outputs, way == 1);
  if (way > 2) add_directions(c);
  if (c->n_x == 0 || way <= 2) return;
  if (way == 3 || way == 4) first_order(c);
  if (way == 5) second_order(c);
  if (way == 6) hessian(c);
  if (way == 7) sparse(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static graph_case c;
  byte_stream bytes = {data, size};
  bp_graph *other = NULL;
  memset(&c, 0, sizeof c);
  if (size < 4 || bp_context_new(NULL, &c.ctx) != BP_OK) return 0;
  unsigned kind = next_byte(&bytes), way = next_byte(&bytes) % WAYS;
  c.maker = (graph_maker){.bytes = &bytes, .wild = kind % 4 == 3, .eager = kind % 8 == 2 || kind % 16 == 7};
  bp_status status = c.maker.eager ? bp_graph_new_eager(c.ctx, &c.maker.graph) : bp_graph_new(c.ctx, &c.maker.graph);
  if (status == BP_OK && bp_graph_new(c.ctx, &other) == BP_OK) {
    c.maker.stranger = bp_scalar(other, BP_F64, 1);
    if (make_graph(&c.maker, MAKER_STEPS))
      use(&c, (int)way);
    else
      refused(&c);
  }
  bp_graph_free(c.maker.graph);
  bp_graph_free(other);
  bp_context_free(c.ctx);
  return 0;
}
