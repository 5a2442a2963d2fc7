/* expression_functions.c - the functions of the language: a table, and what each builds. Floor: expression. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "expression/language.h"

/* A call whose arguments have been counted. Builders may write to x. */
typedef struct call {
  bp_parser *p;
  const char *at, *name;
  bp_var *x;
  int n;
} call;

static bp_var fail_shape(const call *c, bp_var x, const char *expected) {
  char text[BP_SHAPE_TEXT];
  return bp_parse_fail(c->p, c->at, BP_E_SHAPE, "%s: the argument is %s; expected %s", c->name,
                       bp_var_shape_text(x, text, sizeof text), expected);
}

/* ---- axes ---- */
/* The axis that the optional argument 1 names, as an axis of the graph; -1 when there is none; false after a failure. */
static bool axis_argument(const call *c, int *axis) {
  int64_t number;
  int rank = bp_row_rank(c->x[0]);
  *axis = -1;
  if (c->n < 2) return true;
  if (!bp_whole_number(c->p, c->at, "the axis", c->x[1], &number)) return false;
  if (number < 0 || number >= rank) {
    char text[BP_SHAPE_TEXT];
    (void)bp_parse_fail(c->p, c->at, BP_E_SHAPE, "%s: no axis %" PRId64 " in the shape %s; axes count from 0", c->name,
                        number, bp_var_shape_text(c->x[0], text, sizeof text));
    return false;
  }
  *axis = (int)number + bp_is_batched(c->x[0]);
  return true;
}

static unsigned row_axes(bp_var x) { return BP_ALL_AXES & ~(unsigned)bp_is_batched(x); }

static bp_var reduction(const call *c, bp_var (*build)(bp_var, unsigned)) {
  int axis;
  if (!axis_argument(c, &axis)) return c->x[0];
  if (axis < 0 && bp_row_rank(c->x[0]) == 0) return build == bp_norm ? bp_abs(c->x[0]) : c->x[0];
  return build(c->x[0], axis < 0 ? row_axes(c->x[0]) : BP_AXIS(axis));
}

static bp_var call_sum(call *c) { return reduction(c, bp_sum); }
static bp_var call_mean(call *c) { return reduction(c, bp_mean); }
static bp_var call_prod(call *c) { return reduction(c, bp_prod); }
static bp_var call_norm(call *c) { return reduction(c, bp_norm); }

/* Of three and more the largest along an axis of their own, so that all that tie share alike. */
static bp_var extreme(call *c, bp_var (*reduce)(bp_var, unsigned), bp_var (*choose)(bp_var, bp_var)) {
  if (c->n == 1) return bp_row_rank(c->x[0]) == 0 ? c->x[0] : reduce(c->x[0], row_axes(c->x[0]));
  bp_align_rows(c->x, (size_t)c->n);
  if (c->n == 2) return choose(c->x[0], c->x[1]);
  bp_shape shape = *bp_shape_of(c->x[0]), both;
  for (int i = 1; i < c->n; i++, shape = both)
    if (!bp_shape_broadcast(&shape, bp_shape_of(c->x[i]), &both)) return choose(c->x[0], c->x[i]); /* tells it */
  if (shape.rank == BP_MAX_RANK) { /* no room for another axis */
    for (int i = 1; i < c->n; i++) c->x[0] = choose(c->x[0], c->x[i]);
    return c->x[0];
  }
  for (int i = 0; i < c->n; i++) c->x[i] = bp_broadcast_like(c->x[i], &shape);
  return reduce(bp_stack(c->x, (size_t)c->n, -1), BP_LAST_AXIS);
}
static bp_var call_max(call *c) { return extreme(c, bp_reduce_max, bp_max); }
static bp_var call_min(call *c) { return extreme(c, bp_reduce_min, bp_min); }

static bp_var along_axis(const call *c, int otherwise, bp_var (*build)(bp_var, int)) {
  int axis;
  if (!axis_argument(c, &axis)) return c->x[0];
  if (bp_row_rank(c->x[0]) == 0) return fail_shape(c, c->x[0], "a vector or a matrix");
  return build(c->x[0], axis < 0 ? otherwise : axis);
}
static bp_var call_cumsum(call *c) { return along_axis(c, bp_shape_of(c->x[0])->rank - 1, bp_cumsum); }
static bp_var call_flip(call *c) { return along_axis(c, bp_is_batched(c->x[0]), bp_flip); }

static bp_var along_last(const call *c, bp_var (*build)(bp_var)) {
  return bp_row_rank(c->x[0]) > 0 ? build(c->x[0]) : fail_shape(c, c->x[0], "a vector or a matrix");
}
static bp_var call_logsumexp(call *c) { return along_last(c, bp_logsumexp); }
static bp_var call_softmax(call *c) { return along_last(c, bp_softmax); }
static bp_var call_log_softmax(call *c) { return along_last(c, bp_log_softmax); }

/* ---- elementwise ---- */
static bp_var call_atan2(call *c) {
  bp_align_rows(c->x, 2);
  return bp_atan2(c->x[0], c->x[1]);
}

static bp_var call_pow(call *c) {
  bp_align_rows(c->x, 2);
  return bp_pow(c->x[0], c->x[1]);
}

static bp_var call_where(call *c) {
  bp_align_rows(c->x, 3);
  return bp_where(c->x[0], c->x[1], c->x[2]);
}

static bp_var call_clip(call *c) {
  double low, high;
  if (bp_var_constant(c->x[1], &low) && bp_var_constant(c->x[2], &high)) return bp_clip(c->x[0], low, high);
  bp_align_rows(c->x, 3);
  return bp_clip_between(c->x[0], c->x[1], c->x[2]);
}

/* ---- vectors and matrices ---- */
static bool are_vectors(const call *c) {
  for (int i = 0; i < c->n; i++)
    if (bp_row_rank(c->x[i]) != 1) return (void)fail_shape(c, c->x[i], "a vector"), false;
  return true;
}

static bp_var call_dot(call *c) {
  if (!are_vectors(c)) return c->x[0];
  bp_share_batch(c->x, 2);
  return bp_dot(c->x[0], c->x[1]);
}

static bp_var call_outer(call *c) {
  if (!are_vectors(c)) return c->x[0];
  bp_share_batch(c->x, 2);
  return bp_outer(c->x[0], c->x[1]);
}

static bp_var call_diag(call *c) {
  int rank = bp_row_rank(c->x[0]);
  if (rank == 1) return bp_diag(c->x[0]);
  return rank == 2 ? bp_diag_part(c->x[0]) : fail_shape(c, c->x[0], "a vector or a matrix");
}

static bp_var of_matrix(const call *c, bp_var (*build)(bp_var)) {
  return bp_row_rank(c->x[0]) == 2 ? build(c->x[0]) : fail_shape(c, c->x[0], "a matrix");
}
static bp_var call_cholesky(call *c) { return of_matrix(c, bp_cholesky); }
static bp_var call_inverse(call *c) { return of_matrix(c, bp_inverse); }
static bp_var call_logdet(call *c) { return of_matrix(c, bp_logdet); }

static bp_var call_solve(call *c) {
  if (bp_row_rank(c->x[0]) != 2) return fail_shape(c, c->x[0], "a matrix, then a vector or a matrix");
  bp_share_batch(c->x, 2);
  return bp_solve(c->x[0], c->x[1]);
}

static bp_var triangle(const call *c, bp_var (*build)(bp_var, int)) {
  int64_t k = 0;
  if (c->n == 2 && !bp_whole_number(c->p, c->at, "the diagonal", c->x[1], &k)) return c->x[0];
  if (bp_row_rank(c->x[0]) != 2) return fail_shape(c, c->x[0], "a matrix");
  int64_t most = BP_EXPRESSION_ELEMENTS_MAX; /* beyond every matrix */
  return build(c->x[0], (int)(k < -most ? -most : k > most ? most : k));
}
static bp_var call_tril(call *c) { return triangle(c, bp_tril); }
static bp_var call_triu(call *c) { return triangle(c, bp_triu); }

/* ---- shapes ---- */
static bp_var call_transpose(call *c) { return bp_build_transpose(c->p, c->at, c->x[0]); }
static bp_var call_stack(call *c) { return bp_build_list(c->p, c->at, c->x, (size_t)c->n); }

static bp_var call_concat(call *c) {
  for (int i = 0; i < c->n; i++)
    if (bp_row_rank(c->x[i]) == 0) c->x[i] = bp_expand(c->x[i], -1);
  if (c->p->graph->status != BP_OK) return c->x[0];
  bp_share_batch(c->x, (size_t)c->n);
  return bp_concat(c->x, (size_t)c->n, bp_is_batched(c->x[0]));
}

static bp_var call_reshape(call *c) {
  int64_t dims[BP_MAX_RANK] = {BP_BATCH};
  int first = bp_is_batched(c->x[0]), rank = first + c->n - 1;
  if (rank > BP_MAX_RANK) return bp_parse_fail(c->p, c->at, BP_E_SHAPE, "reshape: more than %d axes", BP_MAX_RANK);
  for (int i = 1; i < c->n; i++) {
    int64_t *size = &dims[first + i - 1];
    if (!bp_whole_number(c->p, c->at, "a size", c->x[i], size)) return c->x[0];
    if (*size < 1)
      return bp_parse_fail(c->p, c->at, BP_E_SHAPE, "reshape: a size is %" PRId64 ", expected at least 1", *size);
  }
  return bp_reshape(c->x[0], rank, dims);
}

/* ---- the table ---- */
enum { MANY = -1 };

typedef struct function {
  const char *name;
  int least, most;
  const char *arguments, *help;
  bp_var (*unary)(bp_var);
  bp_var (*call)(call *);
} function;

#define UNARY(name, help)                        {#name, 1, 1, "x", help, bp_##name, NULL},
#define CALL(name, least, most, arguments, help) {#name, least, most, arguments, help, NULL, call_##name},
static const function functions[] = {
#include "expression/functions.def"
};
#undef UNARY
#undef CALL
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const function *find(const bp_token *t) {
  for (size_t i = 0; i < FUNCTIONS; i++)
    if (strlen(functions[i].name) == t->size && memcmp(functions[i].name, t->at, t->size) == 0) return &functions[i];
  return NULL;
}

const char *bp_function_named(const bp_token *token, bool near) {
  const function *f = find(token);
  bp_suggestion nearest = {0};
  char word[65];
  if (f != NULL || !near) return f != NULL ? f->name : NULL;
  (void)snprintf(word, sizeof word, "%.*s", token->size < 64 ? (int)token->size : 64, token->at);
  for (size_t i = 0; i < FUNCTIONS; i++) bp_suggest_consider(&nearest, word, functions[i].name);
  return nearest.best;
}

bool bp_expression_function_at(size_t i, bp_expression_function *out) {
  if (i >= FUNCTIONS) return false;
  *out = (bp_expression_function){functions[i].name, functions[i].arguments, functions[i].help};
  return true;
}

static bp_var unknown_function(bp_parser *p, const bp_token *name) {
  int size = name->size < 64 ? (int)name->size : 64;
  const char *near = bp_function_named(name, true);
  if (near != NULL)
    return bp_parse_fail(p, name->at, BP_E_ARG, "unknown function '%.*s'; did you mean %s?", size, name->at, near);
  return bp_parse_fail(p, name->at, BP_E_ARG, "unknown function '%.*s'", size, name->at);
}

bp_var bp_build_call(bp_parser *p, const bp_token *name, bp_var *x, size_t n) {
  const function *f = find(name);
  if (f == NULL) return unknown_function(p, name);
  if (n < (size_t)f->least || (f->most != MANY && n > (size_t)f->most))
    return bp_parse_fail(p, name->at, BP_E_ARG, "%s(%s) does not take %zu argument%s", f->name, f->arguments, n,
                         n == 1 ? "" : "s");
  call c = {.p = p, .at = name->at, .name = f->name, .x = x, .n = (int)n};
  return bp_built(p, name->at, f->unary != NULL ? f->unary(x[0]) : f->call(&c));
}
