/* cli/diff_check.c - the derivatives again, by difference quotients.
 *
 * First derivatives are quotients of the value, second ones of the exact first ones. The formula is the central one over four
 * points, whose error is of order h⁴ (Abramowitz and Stegun 25.3.6); the step that comes nearest is taken, since one that is
 * right for a large argument is too long for a small one.
 */
#include <math.h>
#include <stdlib.h>

#include "console.h"
#include "diff.h"

/* h = ε^(1/5) · max(1, |x|), and shorter ones. */
static const double steps[] = {7e-4, 7e-6, 1e-8};
enum { STEPS = sizeof steps / sizeof *steps };
static const double TOLERANCE = 1e-6;

/* Functions of the point: what is evaluated, and the numbers at four points around it. */
typedef struct quotient {
  const diff_problem *p;
  const bp_var *f;
  int n;
  diff_array *at[4]; /* [n] each: x - 2h, x - h, x + h, x + 2h */
} quotient;

static const double places[4] = {-2, -1, 1, 2}, weights[4] = {1, -8, 8, -1};

static void quotient_init(quotient *q, const diff_problem *p, const bp_var *f, int n) {
  *q = (quotient){.p = p, .f = f, .n = n};
  for (int k = 0; k < 4; k++) q->at[k] = cli_alloc((size_t)n, sizeof **q->at);
}

static void quotient_clear(quotient *q) {
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < q->n; i++) diff_array_release(&q->at[k][i]);
}

static void quotient_release(quotient *q) {
  quotient_clear(q);
  for (int k = 0; k < 4; k++) free(q->at[k]);
}

/* Element e of function i, from the four points. */
static double quotient_of(const quotient *q, int i, int64_t e, double h) {
  double sum = 0;
  for (int k = 0; k < 4; k++) sum += weights[k] * q->at[k][i].data[e];
  return sum / (12 * h);
}

static double distance(double a, double b) {
  double d = fabs(a - b) / fmax(1, fabs(a) + fabs(b));
  return isnan(a) || isnan(b) || isinf(d) ? (double)INFINITY : d;
}

/* A move of the point: one element of one name, or all along their directions. */
typedef struct move {
  int name; /* -1: along */
  int64_t element;
} move;

static void shift(const diff_problem *p, move m, double by) {
  if (m.name >= 0) {
    p->names[m.name].value.data[m.element] += by;
    return;
  }
  for (int i = 0; i < p->n; i++)
    for (int64_t e = 0; p->names[i].along.data && e < p->names[i].value.size; e++)
      p->names[i].value.data[e] += by * p->names[i].along.data[e];
}

/* Copies of all values, to be put back exactly. */
static void keep(const diff_problem *p, double *store, bool back) {
  for (int i = 0; i < p->n; i++) {
    const diff_array *v = &p->names[i].value;
    for (int64_t e = 0; e < v->size; e++, store++) {
      if (back)
        v->data[e] = *store;
      else
        *store = v->data[e];
    }
  }
}

static int evaluate_around(quotient *q, move m, double h) {
  int64_t size = 0;
  int failed = 0;
  for (int i = 0; i < q->p->n; i++) size += q->p->names[i].value.size;
  double *store = cli_alloc((size_t)size, sizeof *store);
  keep(q->p, store, false);
  quotient_clear(q);
  for (int k = 0; k < 4 && !failed; k++) {
    shift(q->p, m, places[k] * h);
    failed = diff_evaluate(q->p, q->f, q->n, q->at[k]);
    keep(q->p, store, true);
  }
  free(store);
  return failed;
}

/* Where a derivative is and where its quotient goes: element e of function i stands at offset + e * stride. */
typedef struct target {
  const diff_array *exact;
  diff_array *out;
  int64_t offset, stride;
} target;

static int compare(quotient *q, move m, const target *targets, diff_check *check) {
  double scale = m.name < 0 ? 1 : fmax(1, fabs(q->p->names[m.name].value.data[m.element]));
  for (int s = 0; s < STEPS; s++) {
    double h = steps[s] * scale;
    int failed = evaluate_around(q, m, h);
    if (failed) return failed;
    for (int i = 0; i < q->n; i++)
      for (int64_t e = 0; e < q->at[0][i].size; e++) {
        int64_t at = targets[i].offset + e * targets[i].stride;
        double exact = targets[i].exact->data[at], *out = &targets[i].out->data[at], now = quotient_of(q, i, e, h);
        if (s == 0 || distance(exact, now) < distance(exact, *out)) *out = now;
      }
  }
  for (int i = 0; i < q->n; i++)
    for (int64_t e = 0; e < q->at[0][i].size; e++) {
      int64_t at = targets[i].offset + e * targets[i].stride;
      check->largest = fmax(check->largest, distance(targets[i].exact->data[at], targets[i].out->data[at]));
    }
  return CLI_DONE;
}

static diff_array alike(const diff_array *a) {
  diff_array b = diff_matrix(1, a->size);
  b.rank = a->rank;
  for (int i = 0; i < a->rank; i++) b.dims[i] = a->dims[i];
  return b;
}

static int check_first(const diff_problem *p, const diff_result *r, diff_check *check) {
  quotient q;
  int failed = 0;
  quotient_init(&q, p, &p->y, 1);
  for (int i = 0; i < p->n && !failed; i++) {
    if (!r->first[i].data) continue;
    diff_array *out = &check->differences.first[i];
    *out = alike(&r->first[i]);
    for (int64_t e = 0; e < p->names[i].value.size && !failed; e++)
      failed = compare(&q, (move){i, e}, &(target){&r->first[i], out, e, p->names[i].value.size}, check);
  }
  quotient_release(&q);
  return failed;
}

static int check_directional(const diff_problem *p, const diff_result *r, diff_check *check) {
  quotient q;
  if (!r->directional.data) return CLI_DONE;
  quotient_init(&q, p, &p->y, 1);
  check->differences.directional = alike(&r->directional);
  int failed =
      compare(&q, (move){.name = -1}, &(target){&r->directional, &check->differences.directional, 0, 1}, check);
  quotient_release(&q);
  return failed;
}

/* ---- second order: quotients of the gradient with respect to the names that have one ---- */
typedef struct gradient {
  bp_var *g;
  target *t;
  int *at; /* of each, the place among the names */
  int n;
} gradient;

static int gradient_init(gradient *g, const diff_problem *p, const diff_array *given) {
  bp_var *x = cli_alloc((size_t)p->n, sizeof *x);
  *g = (gradient){.g = cli_alloc((size_t)p->n, sizeof *g->g), .t = cli_alloc((size_t)p->n, sizeof *g->t)};
  g->at = cli_alloc((size_t)p->n, sizeof *g->at);
  for (int i = 0; i < p->n; i++) {
    if (!given[i].data) continue;
    g->at[g->n] = i;
    x[g->n++] = p->names[i].var;
  }
  bp_status status = bp_grad(p->y, x, (size_t)g->n, g->g);
  free(x);
  return status == BP_OK ? CLI_DONE : diff_fail(p, status);
}

static void gradient_release(gradient *g) {
  free(g->g);
  free(g->t);
  free(g->at);
}

static int check_product(const diff_problem *p, const diff_result *r, diff_check *check) {
  gradient g;
  quotient q;
  int failed = gradient_init(&g, p, r->product);
  quotient_init(&q, p, g.g, g.n);
  for (int k = 0; k < g.n; k++) {
    diff_array *out = &check->differences.product[g.at[k]];
    *out = alike(&r->product[g.at[k]]);
    g.t[k] = (target){&r->product[g.at[k]], out, 0, 1};
  }
  if (!failed) failed = compare(&q, (move){.name = -1}, g.t, check);
  quotient_release(&q);
  gradient_release(&g);
  return failed;
}

/* The columns of name j: what the gradient does when its elements move. */
static int check_columns(quotient *q, gradient *g, int j, const diff_result *r, diff_check *check) {
  int64_t columns = q->p->names[j].value.size;
  int failed = 0;
  for (int k = 0; k < g->n; k++) {
    int block = g->at[k] * r->n + j;
    check->differences.second[block] = alike(&r->second[block]);
    g->t[k] = (target){&r->second[block], &check->differences.second[block], 0, columns};
  }
  for (int64_t e = 0; e < columns && !failed; e++) {
    failed = compare(q, (move){j, e}, g->t, check);
    for (int k = 0; k < g->n; k++) g->t[k].offset++;
  }
  return failed;
}

static int check_hessian(const diff_problem *p, const diff_result *r, diff_check *check) {
  gradient g;
  quotient q;
  int failed = gradient_init(&g, p, r->first);
  quotient_init(&q, p, g.g, g.n);
  for (int k = 0; k < g.n && !failed; k++) failed = check_columns(&q, &g, g.at[k], r, check);
  quotient_release(&q);
  gradient_release(&g);
  return failed;
}

int diff_check_run(const diff_problem *p, const diff_result *r, diff_check *check) {
  check->largest = 0;
  int failed = check_first(p, r, check);
  if (!failed) failed = check_directional(p, r, check);
  if (!failed && p->order == 2) failed = p->along ? check_product(p, r, check) : check_hessian(p, r, check);
  check->agrees = check->largest <= TOLERANCE;
  return failed;
}
