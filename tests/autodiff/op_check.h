/* op_check.h - checks one operation, or a composition, in every way that two derivatives and two ways to run it allow.
 *
 * From build(x) the graph gets y, y_dot = J x_dot, x_bar = Jᵀ y_bar, the second derivatives of s = ⟨y_bar, y⟩ along x_dot by
 * forward over reverse, reverse over reverse and forward over forward. In float64:
 *   value       y against an oracle that shares no code with the library
 *   identity    ⟨y_bar, J x_dot⟩ = ⟨Jᵀ y_bar, x_dot⟩
 *   difference  J x_dot against central differences of y, element by element and with their sign
 *   second      the Hessian product against central differences of x_bar
 *   orders      the three ways to the second derivative against each other
 *   bits        bp_eval(), a program, a program without fusion and one on several threads: how many bytes differ
 * In float32: value, identity and bits, and first derivatives against those of float64 at the same point.
 * Errors are relative to the larger of the two sides and of 1e-6 of the largest element, those of values of a fifth of it.
 * Random points are drawn until OC_POINTS elements of arguments were checked in each element type; bits, which do not depend on
 * values, are compared at the first ones.
 */
#ifndef OP_CHECK_H
#define OP_CHECK_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/custom.h"
#include "backprop/graph.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "support/testing.h"

enum { OC_ARGS = 4, OC_RANK = 4 };

typedef struct op_shape {
  int rank;
  int64_t dims[OC_RANK]; /* dims[0] may be BP_BATCH */
} op_shape;

typedef struct op_case {
  const char *name;
  bp_var (*build)(const bp_var *x);
  int n_x;
  op_shape x[OC_ARGS];
  double lo, hi;                                     /* x uniform in this range */
  void (*fill)(int i, double *x);                    /* after that; may be NULL */
  void (*oracle)(const double *const *x, double *y); /* NULL: none; batch rows: OC_BATCH */
  double value_f32, value_f64;                       /* tolerances */
  double difference, second;                         /* 0: 1e-7 and 1e-6 */
  bool first_only;                                   /* no second derivative */
} op_case;

enum { OC_BATCH = 5, OC_MANY = 150, OC_POINTS = 1000 };
/* What BP_BATCH stands for: OC_BATCH in front of an oracle, OC_MANY where only bits are compared. */
static int64_t oc_batch = OC_BATCH;

typedef struct op_errors {
  double value, identity, difference, second, orders, narrow;
  size_t bits;
  int64_t points; /* elements of arguments */
} op_errors;

/* ---- numbers ---- */
static inline uint64_t oc_next(uint64_t *s) {
  *s ^= *s << 13, *s ^= *s >> 7, *s ^= *s << 17;
  return *s * 0x2545f4914f6cdd1du;
}
static inline double oc_uniform(uint64_t *s, double lo, double hi) {
  return lo + (hi - lo) * ((double)(oc_next(s) >> 11) * 0x1p-53);
}

static inline int64_t oc_elements(bp_var v) {
  int64_t n = 1;
  for (int i = 0; i < bp_var_rank(v); i++) n *= bp_var_dim(v, i) < 0 ? oc_batch : bp_var_dim(v, i);
  return n;
}

/* The largest difference of two arrays, relative to the larger of the two and of `floor` of the largest element; infinite when only
 * one of two is NaN. */
static inline double oc_error_above(const double *a, const double *b, int64_t n, double floor) {
  double top = 0, worst = 0;
  for (int64_t i = 0; i < n; i++) top = fmax(top, fmax(fabs(a[i]), fabs(b[i])));
  for (int64_t i = 0; i < n; i++) {
    if (a[i] == b[i] || (isnan(a[i]) && isnan(b[i]))) continue;
    double error = fabs(a[i] - b[i]) / fmax(fmax(fabs(a[i]), fabs(b[i])), floor * top);
    if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
  }
  return worst;
}
static inline double oc_error(const double *a, const double *b, int64_t n) { return oc_error_above(a, b, n, 1e-6); }

/* ---- arrays of variables: kept as double, handed over in the element type ---- */
typedef struct oc_array {
  bp_var var;
  int64_t n;
  double *value;
  void *raw; /* in the element type */
} oc_array;

static inline oc_array oc_array_of(bp_var v) {
  int64_t n = oc_elements(v);
  oc_array a = {v, n, calloc((size_t)n + 1, sizeof(double)), calloc((size_t)n + 1, sizeof(double))};
  assert_true(a.value != NULL && a.raw != NULL);
  return a;
}
static inline void oc_array_free(oc_array *a) { free(a->value), free(a->raw); }

static inline void oc_to_raw(oc_array *a) {
  for (int64_t i = 0; i < a->n; i++) {
    if (bp_var_dtype(a->var) == BP_F64)
      ((double *)a->raw)[i] = a->value[i];
    else
      ((float *)a->raw)[i] = (float)a->value[i], a->value[i] = (double)((float *)a->raw)[i];
  }
}
static inline void oc_from_raw(oc_array *a) {
  for (int64_t i = 0; i < a->n; i++)
    a->value[i] = bp_var_dtype(a->var) == BP_F64 ? ((double *)a->raw)[i] : (double)((float *)a->raw)[i];
}

/* ---- the graph of a case ---- */
typedef struct op_graph {
  bp_context *ctx;
  bp_graph *graph;
  int n_in, n_out, n_x;
  oc_array in[2 * OC_ARGS + 1];                /* x, x_dot, y_bar */
  oc_array out[2 + 2 * OC_ARGS + OC_ARGS + 1]; /* y, y_dot, x_bar, hv, hv again (reverse over reverse), y_dot_dot */
} op_graph;

static inline bp_var oc_zeros(bp_var like) { /* works with a batch, too */
  return (bp_mul)(like, bp_scalar(like.graph, bp_var_dtype(like), 0));
}
static inline void oc_fill(bp_var *v, const bp_var *like, int n) {
  for (int i = 0; i < n; i++)
    if (bp_var_is_zero(v[i])) v[i] = oc_zeros(like[i]);
}

/* The second derivatives of ⟨y_bar, y⟩ along x_dot. */
static inline int oc_second(const bp_var *x, const bp_var *x_dot, int n, const bp_var *x_bar, bp_var y_dot,
                            bp_var *out) {
  bp_var s = {x[0].graph, 0};
  assert_int_equal(bp_jvp(x_bar, (size_t)n, x, x_dot, (size_t)n, out), BP_OK);
  oc_fill(out, x, n);
  for (int i = 0; i < n; i++) {
    bp_var part = bp_sum((bp_mul)(x_bar[i], x_dot[i]), BP_ALL_AXES);
    s = i == 0 ? part : (bp_add)(s, part);
  }
  assert_int_equal(bp_grad(s, x, (size_t)n, out + n), BP_OK);
  assert_int_equal(bp_jvp(&y_dot, 1, x, x_dot, (size_t)n, out + 2 * n), BP_OK);
  oc_fill(out + 2 * n, &y_dot, 1);
  return 2 * n + 1;
}

static inline void op_graph_build(op_graph *g, bp_context *ctx, const op_case *c, bp_dtype t, bool derivatives) {
  bp_var x[OC_ARGS], x_dot[OC_ARGS], out[2 + 3 * OC_ARGS + 1];
  *g = (op_graph){.ctx = ctx, .n_x = c->n_x};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g->graph));
  for (int i = 0; i < c->n_x; i++) x[i] = bp_input(g->graph, "x", t, c->x[i].rank, c->x[i].dims);
  for (int i = 0; i < c->n_x; i++) x_dot[i] = bp_input(g->graph, "x_dot", t, c->x[i].rank, c->x[i].dims);
  out[0] = c->build(x);
  if (bp_graph_status(g->graph) != BP_OK) print_error("%s: %s\n", c->name, bp_graph_message(g->graph));
  assert_int_equal(bp_graph_status(g->graph), BP_OK);
  int64_t dims[BP_MAX_RANK];
  for (int i = 0; i < bp_var_rank(out[0]); i++) dims[i] = bp_var_dim(out[0], i);
  bp_var y_bar = bp_input(g->graph, "y_bar", bp_var_dtype(out[0]), bp_var_rank(out[0]), dims);
  g->n_out = 1;
  if (derivatives) {
    bt_assert_ok(ctx, bp_jvp(&out[0], 1, x, x_dot, (size_t)c->n_x, &out[1]));
    oc_fill(&out[1], &out[0], 1);
    bt_assert_ok(ctx, bp_vjp(&out[0], &y_bar, 1, x, (size_t)c->n_x, &out[2]));
    oc_fill(&out[2], x, c->n_x);
    g->n_out = 2 + c->n_x;
    if (!c->first_only) g->n_out += oc_second(x, x_dot, c->n_x, &out[2], out[1], &out[2 + c->n_x]);
  }
  for (int i = 0; i < c->n_x; i++) g->in[i] = oc_array_of(x[i]), g->in[c->n_x + i] = oc_array_of(x_dot[i]);
  g->in[2 * c->n_x] = oc_array_of(y_bar);
  g->n_in = 2 * c->n_x + 1;
  for (int i = 0; i < g->n_out; i++) g->out[i] = oc_array_of(out[i]);
}

static inline void op_graph_free(op_graph *g) {
  for (int i = 0; i < g->n_in; i++) oc_array_free(&g->in[i]);
  for (int i = 0; i < g->n_out; i++) oc_array_free(&g->out[i]);
  bp_graph_free(g->graph);
}

static inline void op_graph_inputs(op_graph *g, const op_case *c, uint64_t seed) {
  for (int i = 0; i < g->n_in; i++) {
    for (int64_t k = 0; k < g->in[i].n; k++)
      g->in[i].value[k] = i < c->n_x ? oc_uniform(&seed, c->lo, c->hi) : oc_uniform(&seed, -1, 1);
    if (i < c->n_x && c->fill != NULL) c->fill(i, g->in[i].value);
    oc_to_raw(&g->in[i]);
  }
}

/* ---- running it ---- */
enum { OC_MAX = 2 + 3 * OC_ARGS + 1 };

static inline void oc_lists(op_graph *g, bp_var *out, bp_var *in, const void **from, void **to) {
  for (int i = 0; i < g->n_out; i++) out[i] = g->out[i].var, to[i] = g->out[i].raw;
  for (int i = 0; i < g->n_in; i++) in[i] = g->in[i].var, from[i] = g->in[i].raw;
}

static inline void op_graph_eval(op_graph *g) {
  bp_var out[OC_MAX], in[OC_MAX];
  const void *from[OC_MAX];
  void *to[OC_MAX];
  oc_lists(g, out, in, from, to);
  bt_assert_ok(g->ctx, bp_eval(out, (size_t)g->n_out, in, (size_t)g->n_in, oc_batch, from, to));
  for (int i = 0; i < g->n_out; i++) oc_from_raw(&g->out[i]);
}

/* Bytes of the outputs in which a program differs from what the outputs hold. */
static inline size_t op_graph_run_differs(op_graph *g, bool no_fusion, int threads) {
  bp_var out[OC_MAX], in[OC_MAX];
  const void *from[OC_MAX];
  void *to[OC_MAX];
  bp_program *p;
  bp_workspace *w;
  bp_compile_options o = {.size = sizeof o, .max_batch = oc_batch + 2, .no_fusion = no_fusion};
  size_t differs = 0;
  oc_lists(g, out, in, from, to);
  for (int i = 0; i < g->n_out; i++) to[i] = calloc((size_t)g->out[i].n + 1, sizeof(double));
  bt_assert_ok(g->ctx, bp_compile(out, (size_t)g->n_out, in, (size_t)g->n_in, &o, &p));
  bt_assert_ok(g->ctx, bp_workspace_new(g->ctx, p, threads, &w));
  for (int again = 0; again < 2; again++) bt_assert_ok(g->ctx, bp_run(p, w, oc_batch, from, to));
  for (int i = 0; i < g->n_out; i++) {
    size_t bytes = (size_t)g->out[i].n * bp_dtype_size(bp_var_dtype(g->out[i].var));
    for (size_t b = 0; b < bytes; b++) differs += ((char *)to[i])[b] != ((char *)g->out[i].raw)[b];
    free(to[i]);
  }
  bp_workspace_free(w);
  bp_program_free(p);
  return differs;
}

static inline size_t op_graph_differs(op_graph *g, int threads) {
  return op_graph_run_differs(g, false, 1) + op_graph_run_differs(g, true, threads) +
         op_graph_run_differs(g, false, threads);
}

/* ---- the checks ---- */
static inline double oc_identity(const op_graph *g) {
  double left = 0, right = 0, size = 0;
  const oc_array *y_bar = &g->in[2 * g->n_x], *y_dot = &g->out[1];
  for (int64_t k = 0; k < y_bar->n; k++)
    left += y_bar->value[k] * y_dot->value[k], size += fabs(y_bar->value[k] * y_dot->value[k]);
  for (int i = 0; i < g->n_x; i++)
    for (int64_t k = 0; k < g->in[i].n; k++) right += g->out[2 + i].value[k] * g->in[g->n_x + i].value[k];
  if (isnan(left) || isnan(right)) return INFINITY;
  return size > 0 ? fabs(left - right) / size : fabs(right);
}

static inline double oc_orders(const op_graph *g) {
  double worst = 0, left = 0, right = 0, size = 0;
  const oc_array *hv = &g->out[2 + g->n_x], *again = hv + g->n_x, *y_dot_dot = again + g->n_x,
                 *y_bar = &g->in[2 * g->n_x];
  for (int i = 0; i < g->n_x; i++) worst = fmax(worst, oc_error(hv[i].value, again[i].value, hv[i].n));
  for (int64_t k = 0; k < y_bar->n; k++)
    left += y_bar->value[k] * y_dot_dot->value[k], size += fabs(y_bar->value[k] * y_dot_dot->value[k]);
  for (int i = 0; i < g->n_x; i++)
    for (int64_t k = 0; k < hv[i].n; k++) right += hv[i].value[k] * g->in[g->n_x + i].value[k];
  return fmax(worst, size > 0 ? fabs(left - right) / size : fabs(right));
}

/* Central differences, with one step of Richardson's extrapolation, of outputs y and x_bar along x_dot. */
static inline void oc_differences(op_graph *g, double h, double **to) {
  static const double weight[] = {8.0 / 12, -8.0 / 12, -1.0 / 12, 1.0 / 12}, place[] = {1, -1, 2, -2};
  double *kept[OC_ARGS];
  for (int i = 0; i < g->n_x; i++) {
    kept[i] = malloc((size_t)(g->in[i].n + 1) * sizeof(double));
    memcpy(kept[i], g->in[i].value, (size_t)g->in[i].n * sizeof(double));
  }
  for (int s = 0; s < 4; s++) {
    for (int i = 0; i < g->n_x; i++) {
      for (int64_t k = 0; k < g->in[i].n; k++)
        g->in[i].value[k] = kept[i][k] + place[s] * h * g->in[g->n_x + i].value[k];
      oc_to_raw(&g->in[i]);
    }
    op_graph_eval(g);
    for (int o = 0; o <= g->n_x; o++) {
      const oc_array *from = &g->out[o == 0 ? 0 : 1 + o];
      for (int64_t k = 0; k < from->n; k++) to[o][k] += weight[s] / h * from->value[k];
    }
  }
  for (int i = 0; i < g->n_x; i++) {
    memcpy(g->in[i].value, kept[i], (size_t)g->in[i].n * sizeof(double));
    oc_to_raw(&g->in[i]);
    free(kept[i]);
  }
  op_graph_eval(g);
}

static inline double oc_value(const op_graph *g, const op_case *c) {
  const double *x[OC_ARGS];
  double *y = calloc((size_t)g->out[0].n + 1, sizeof *y);
  assert_non_null(y);
  for (int i = 0; i < c->n_x; i++) x[i] = g->in[i].value;
  c->oracle(x, y);
  double error = oc_error_above(g->out[0].value, y, g->out[0].n, 0.2); /* sums may cancel */
  free(y);
  return error;
}

/* First and second derivatives, in float64. */
static inline void oc_by_differences(op_graph *g, const op_case *c, op_errors *e) {
  double *to[OC_ARGS + 1];
  for (int o = 0; o <= c->n_x; o++) to[o] = calloc((size_t)g->out[o == 0 ? 0 : 1 + o].n + 1, sizeof(double));
  oc_differences(g, 2e-4 * (c->hi - c->lo), to);
  e->difference = oc_error(g->out[1].value, to[0], g->out[1].n);
  for (int i = 0; i < c->n_x && !c->first_only; i++)
    e->second = fmax(e->second, oc_error(g->out[2 + c->n_x + i].value, to[1 + i], g->in[i].n));
  if (!c->first_only) e->orders = oc_orders(g);
  for (int o = 0; o <= c->n_x; o++) free(to[o]);
}

/* How far y_dot and x_bar of float32 are from those of float64 at the same point, relative to the largest element. */
static inline double oc_narrow(const op_graph *g, const op_case *c) {
  op_graph wide;
  double worst = 0;
  op_graph_build(&wide, g->ctx, c, BP_F64, true);
  for (int i = 0; i < g->n_in; i++) {
    memcpy(wide.in[i].value, g->in[i].value, (size_t)g->in[i].n * sizeof(double));
    oc_to_raw(&wide.in[i]);
  }
  op_graph_eval(&wide);
  for (int o = 1; o <= 1 + c->n_x; o++) {
    double top = 1e-30, gap = 0;
    for (int64_t k = 0; k < g->out[o].n; k++) {
      top = fmax(top, fabs(wide.out[o].value[k]));
      double apart = fabs(g->out[o].value[k] - wide.out[o].value[k]);
      gap = isnan(apart) && !isnan(wide.out[o].value[k]) ? INFINITY : fmax(gap, apart);
    }
    worst = fmax(worst, gap / top);
  }
  op_graph_free(&wide);
  return worst;
}

static inline op_errors op_check_errors(bp_context *ctx, const op_case *c, bp_dtype t, uint64_t seed, bool bits) {
  op_errors e = {0};
  op_graph g;
  op_graph_build(&g, ctx, c, t, true);
  op_graph_inputs(&g, c, seed);
  op_graph_eval(&g);
  for (int i = 0; i < c->n_x; i++) e.points += g.in[i].n;
  if (c->oracle != NULL) e.value = oc_value(&g, c);
  e.identity = oc_identity(&g);
  if (bits) e.bits = op_graph_differs(&g, 2);
  if (t == BP_F64)
    oc_by_differences(&g, c, &e);
  else
    e.narrow = oc_narrow(&g, c);
  op_graph_free(&g);
  return e;
}

/* Bits alone, with rows enough to be cut into many blocks. */
static inline void op_check_bits(bp_context *ctx, const op_case *c) {
  oc_batch = OC_MANY;
  for (int t = 0; t < 2; t++) {
    op_graph g;
    op_graph_build(&g, ctx, c, t == 0 ? BP_F32 : BP_F64, true);
    op_graph_inputs(&g, c, 0x2545f4914f6cdd1du);
    op_graph_eval(&g);
    size_t differs = op_graph_differs(&g, 3);
    if (differs > 0) print_message("%s: %zu bytes differ\n", c->name, differs);
    assert_int_equal(differs, 0);
    op_graph_free(&g);
  }
  oc_batch = OC_BATCH;
}

static inline bool oc_good(const op_case *c, bp_dtype t, const op_errors *e) {
  double value = t == BP_F32 ? c->value_f32 : c->value_f64, identity = t == BP_F32 ? 1e-4 : 1e-11;
  double difference = c->difference > 0 ? c->difference : 1e-7, second = c->second > 0 ? c->second : 1e-6;
  return e->value <= value && e->identity <= identity && e->bits == 0 && e->difference <= difference &&
         e->second <= second && e->orders <= 1e-8 && e->narrow <= 1e-4;
}

static inline void op_check(bp_context *ctx, const op_case *c) {
  bool all_good = true;
  for (int t = 0; t < 2; t++) {
    int64_t points = 0;
    for (uint64_t draw = 0; points < OC_POINTS; draw++) {
      op_errors e = op_check_errors(ctx, c, t == 0 ? BP_F32 : BP_F64, 0x9e3779b97f4a7c15u + (draw << 20), draw == 0);
      bool good = oc_good(c, t == 0 ? BP_F32 : BP_F64, &e);
      points += e.points;
      if (!good || getenv("OP_CHECK_PRINT") != NULL)
        print_message("%-24s f%d draw %d value %.2g identity %.2g difference %.2g second %.2g orders %.2g narrow %.2g "
                      "bits %zu\n",
                      c->name, t == 0 ? 32 : 64, (int)draw, e.value, e.identity, e.difference, e.second, e.orders,
                      e.narrow, e.bits);
      all_good = all_good && good;
    }
  }
  assert_true(all_good);
}

#endif
