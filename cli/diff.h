/* cli/diff.h - the parts of `backprop diff`: the point, the derivatives, the check, and three ways of telling them. */
#ifndef BACKPROP_CLI_DIFF_H
#define BACKPROP_CLI_DIFF_H
#include "backprop/backprop.h"
#include "options.h"

/* ---- diff_array.c ---- */
/* A dense row-major array; data is owned, NULL for none. */
typedef struct diff_array {
  int rank;
  int64_t dims[BP_MAX_RANK];
  int64_t size;
  double *data;
} diff_array;
/* Of the shape of a variable, all zeros. */
diff_array diff_array_like(bp_var v);
/* rows by columns, all zeros. */
diff_array diff_matrix(int64_t rows, int64_t columns);
/* The shape given, with data: all zeros. */
diff_array diff_with_room(diff_array shape);
void diff_array_release(diff_array *a);
/* How many axes begin at element e, and how many end there: the brackets before and behind it. */
void diff_brackets(const diff_array *a, int64_t e, int *opened, int *closed);
/* Where element e stands: "[0,1]"; "" in a number. Returns text. */
enum { DIFF_INDEX = 192 };
const char *diff_index_text(const diff_array *a, int64_t e, char text[DIFF_INDEX]);
/* The shortest decimal that reads back as the same number. Returns text. */
enum { DIFF_NUMBER = 32 };
const char *diff_number(double value, char text[DIFF_NUMBER]);

typedef struct diff_name {
  char *name;
  diff_array value;
  diff_array along; /* data NULL: nothing was said */
  bool wrt;
  bp_var var;
} diff_name;

/* An expression at a point. */
typedef struct diff_problem {
  bp_context *ctx;
  bp_graph *graph;
  diff_name *names;
  int n;
  bool along; /* --along was given */
  bp_mode mode;
  int order;
  bp_var y;
} diff_problem;

/* ---- diff_point.c: all return 0, or an exit status after a message ---- */
/* NAME=VALUE operands, --wrt and --along. */
int diff_read_point(diff_problem *p, const cli_request *request);
/* The expression: p->graph, p->y and the variables of the names. */
int diff_read_expression(diff_problem *p, const char *text);
void diff_problem_release(diff_problem *p);
/* The message of the library after "diff: ", and the exit status: 2, or 7 out of memory. */
int diff_fail(const diff_problem *p, bp_status status);
/* vars[n] at the point into values[n] (NEW arrays); the symbolic zero gives zeros of the shape that the array has, which
 * is set before. */
int diff_evaluate(const diff_problem *p, const bp_var *vars, int n, diff_array *values);

/* ---- diff_derive.c ---- */
/* What was asked for; arrays without data were not. Lists are by name (n), blocks by two names (n * n). */
typedef struct diff_result {
  int n;
  diff_array value;
  diff_array *first;      /* gradient: the shape of the name; Jacobian: elements of the value by elements of the name */
  diff_array *second;     /* blocks of the Hessian: elements by elements */
  diff_array directional; /* the shape of the value */
  diff_array *product;    /* Hessian-vector product: the shape of the name */
} diff_result;
void diff_result_init(diff_result *r, int n);
void diff_result_release(diff_result *r);
int diff_derive(diff_problem *p, diff_result *r);

/* ---- diff_check.c ---- */
typedef struct diff_check {
  diff_result differences; /* the same by difference quotients */
  double largest;          /* largest |a - b| / max(1, |a| + |b|) */
  bool agrees;
} diff_check;
/* check->differences has been initialised. */
int diff_check_run(const diff_problem *p, const diff_result *r, diff_check *check);

/* ---- diff_report.c ---- */
/* check: NULL for none. */
void diff_report(const diff_problem *p, const diff_result *r, const diff_check *check);

/* ---- diff_trace.c ---- */
/* The trace with its numbers. */
typedef struct diff_table {
  bp_trace *trace;
  size_t lines, columns;
  char (*titles)[64];      /* [columns]: what each derivative column is */
  diff_array *values;      /* [lines] */
  diff_array *derivatives; /* [lines * columns] */
} diff_table;
int diff_trace_run(diff_problem *p, diff_table *table);
void diff_trace_report(const diff_problem *p, const diff_table *table, int digits);
void diff_table_release(diff_table *table);

/* ---- diff_json.c ---- */
/* check, trace: NULL for none. */
void diff_report_json(const diff_problem *p, const diff_result *r, const diff_check *check, const diff_table *trace);

#endif
