/* expression_fixtures.h - expressions with given names, parsed and evaluated. */
#ifndef EXPRESSION_FIXTURES_H
#define EXPRESSION_FIXTURES_H
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/expression.h"
#include "backprop/ops.h"
#include "support/testing.h"

enum { XT_ELEMENTS = 64, XT_NAMES = 8 };

/* A name with its value. */
typedef struct xt_name {
  const char *name;
  int rank;
  int64_t dims[3];
  double data[12];
} xt_name;

/* An expression of names, in a graph of its own. */
typedef struct xt_case {
  bp_graph *graph;
  bp_expression_name names[XT_NAMES];
  bp_var vars[XT_NAMES];
  const void *data[XT_NAMES];
  size_t n;
  bp_var y;
} xt_case;

static inline bp_status xt_parse(bp_context *ctx, const char *text, const xt_name *names, size_t n, xt_case *c) {
  memset(c, 0, sizeof *c);
  bp_status status = bp_graph_new(ctx, &c->graph);
  if (status != BP_OK) return status;
  c->n = n;
  for (size_t i = 0; i < n; i++) {
    c->vars[i] = bp_input(c->graph, names[i].name, BP_F64, names[i].rank, names[i].dims);
    c->names[i] = (bp_expression_name){.name = names[i].name, .var = c->vars[i]};
    c->data[i] = names[i].data;
  }
  status = bp_graph_status(c->graph);
  return status == BP_OK ? bp_expression_parse(c->graph, BP_F64, text, c->names, n, &c->y) : status;
}

static inline int64_t xt_elements(bp_var v) {
  int64_t n = 1;
  for (int i = 0; i < bp_var_rank(v); i++) n *= bp_var_dim(v, i);
  return n;
}

/* Values of variables of the graph; vars of more than XT_ELEMENTS elements fail the test. */
static inline bp_status xt_values(const xt_case *c, const bp_var *vars, size_t n, double values[][XT_ELEMENTS]) {
  void *out[64];
  for (size_t i = 0; i < n; i++) {
    assert_true(xt_elements(vars[i]) <= XT_ELEMENTS && n <= 64);
    out[i] = values[i];
  }
  return bp_eval(vars, n, c->vars, c->n, 0, c->data, out);
}

/* Parses and evaluates; the number of elements, or -1 after a failure of the test. shape may be NULL. */
static inline int64_t xt_eval(bp_context *ctx, const char *text, const xt_name *names, size_t n, double *out,
                              char *shape) {
  xt_case c;
  double values[1][XT_ELEMENTS];
  bp_status status = xt_parse(ctx, text, names, n, &c);
  if (status == BP_OK) status = xt_values(&c, &c.y, 1, values);
  int64_t elements = status == BP_OK ? xt_elements(c.y) : -1;
  if (elements >= 0) memcpy(out, values[0], (size_t)elements * sizeof *out);
  if (elements >= 0 && shape != NULL) (void)bp_var_shape_text(c.y, shape, 64);
  bp_graph_free(c.graph);
  if (elements < 0) fail_msg("'%s': %s", text, bp_error_message(ctx));
  return elements;
}

/* The value of an expression is that of another, element by element, in the same shape. */
#define xt_assert_same(ctx, text, other, names, n, tolerance)                                                          \
  do {                                                                                                                 \
    double a_[XT_ELEMENTS], b_[XT_ELEMENTS];                                                                           \
    char sa_[64], sb_[64];                                                                                             \
    int64_t n_ = xt_eval((ctx), (text), (names), (n), a_, sa_);                                                        \
    (void)xt_eval((ctx), (other), (names), (n), b_, sb_);                                                              \
    if (strcmp(sa_, sb_) != 0) fail_msg("'%s' is %s, '%s' is %s", (text), sa_, (other), sb_);                          \
    for (int64_t e_ = 0; e_ < n_; e_++)                                                                                \
      if (!(fabs(a_[e_] - b_[e_]) <= (tolerance) * (1 + fabs(b_[e_]))) && !(isnan(a_[e_]) && isnan(b_[e_])) &&         \
          a_[e_] != b_[e_])                                                                                            \
        fail_msg("'%s': element %d is %.17g, of '%s' %.17g", (text), (int)e_, a_[e_], (other), b_[e_]);                \
  } while (0)

#endif
