/* expression/language.h - inside the expression language: scanner, parser, what operators and calls build.
 *
 * Everything is built while it is read: a value is a variable of the graph from the start. The first failure sticks to the
 * parser; after it the scanner only gives the end, so that every loop ends.
 */
#ifndef BP_EXPRESSION_LANGUAGE_H
#define BP_EXPRESSION_LANGUAGE_H
#include <string.h>

#include "backprop/expression.h"
#include "base/fail.h"
#include "graph/node.h"

/* ---- the scanner (expression_scan.c) ---- */
typedef enum bp_token_kind { BP_TOKEN_END, BP_TOKEN_NUMBER, BP_TOKEN_NAME, BP_TOKEN_SYMBOL } bp_token_kind;

typedef struct bp_token {
  bp_token_kind kind;
  const char *at;
  size_t size;
  double number;
} bp_token;

typedef struct bp_parser bp_parser;

/* The next token; the scanner moves behind it. */
bp_token bp_next_token(bp_parser *p);
static inline bool bp_token_is(const bp_token *t, const char *symbol) {
  return t->kind == BP_TOKEN_SYMBOL && t->size == strlen(symbol) && memcmp(t->at, symbol, t->size) == 0;
}
/* Whether all of text[size] is a name. */
bool bp_is_name(const char *text, size_t size);

/* ---- the parser (expression_parse.c) ---- */
typedef struct bp_binding {
  const char *name;
  bp_var var;
} bp_binding;

struct bp_parser {
  bp_graph *graph;
  bp_dtype dtype;
  const char *text, *next; /* the whole text; where the scanner stands */
  bp_token token;          /* looked at, not yet taken */
  bp_expression_name *names;
  size_t n_names;
  bp_binding *bindings;
  size_t n_bindings, bindings_capacity;
  bp_var *values; /* arguments and elements that are being collected */
  size_t n_values, values_capacity;
  int depth;
  bool row_vector; /* the operand just read is a vector with a ' behind it */
  bp_status status;
};

/* Records the first failure, with the column of `at` before the message; gives back the null variable. */
bp_var bp_parse_fail(bp_parser *p, const char *at, bp_status status, const char *format, ...) BP_PRINTF(4, 5);

/* ---- values (expression_build.c) ---- */
/* Axes of one row: the rank without the batch. */
int bp_row_rank(bp_var v);
static inline bool bp_is_batched(bp_var v) { return bp_shape_has_batch(bp_shape_of(v)); }
/* What was built at a place of the text: adds the column to the message of a builder, and checks the size. */
bp_var bp_built(bp_parser *p, const char *at, bp_var v);
/* Gives variables with a batch as many row axes as the one that has most, so that rows broadcast and not the batch. */
void bp_align_rows(bp_var *v, size_t n);
/* Gives the variables without a batch one, when another has it. */
void bp_share_batch(bp_var *v, size_t n);
/* A whole number that is known while parsing; false after a failure. `what` is for the message: "axis". */
bool bp_whole_number(bp_parser *p, const char *at, const char *what, bp_var v, int64_t *out);

bp_var bp_build_negative(bp_parser *p, const char *at, bp_var x);
bp_var bp_build_transpose(bp_parser *p, const char *at, bp_var x);
/* [x[0], x[1], …] */
bp_var bp_build_list(bp_parser *p, const char *at, bp_var *x, size_t n);
/* Elements first .. last - 1 of a row axis; `drop` for a single index, which removes the axis in the end. */
typedef struct bp_range {
  const char *at;
  int64_t first, last; /* last -1: to the end */
  bool drop;
} bp_range;
bp_var bp_build_index(bp_parser *p, const char *at, bp_var x, const bp_range *ranges, int n);

/* ---- operators (expression_operators.c) ---- */
typedef struct bp_operator {
  const char *symbol;
  int precedence;
  bool from_right;
  bp_var (*build)(bp_parser *p, const char *at, bp_var a, bp_var b);
} bp_operator;
enum { BP_COMPARES = 1, BP_ADDS, BP_MULTIPLIES, BP_SIGNS, BP_POWERS };
/* The operator that a token is; NULL for none. */
const bp_operator *bp_operator_of(const bp_token *token);

/* ---- calls (expression_functions.c) ---- */
/* The value of a call; name is its token. */
bp_var bp_build_call(bp_parser *p, const bp_token *name, bp_var *x, size_t n);
/* VIEW the name of a function that the token names, or nearly names when `near`; NULL for none. */
const char *bp_function_named(const bp_token *token, bool near);

#endif
