/* expression/tracing.h - inside a trace: what each node of the graph becomes, and how it is written. */
#ifndef BP_EXPRESSION_TRACING_H
#define BP_EXPRESSION_TRACING_H
#include "autodiff/rules.h"
#include "backprop/trace.h"
#include "base/arena.h"
#include "base/fail.h"

/* ---- what a node is in the trace ---- */
typedef enum bp_shown_kind {
  BP_SHOWN_NONE,      /* not needed, or written as part of another line */
  BP_SHOWN_CONSTANT,  /* text */
  BP_SHOWN_REFERENCE, /* a line, or elements of it, perhaps repeated */
  BP_SHOWN_FORM,      /* a sum of multiples of inputs, written where it is used */
  BP_SHOWN_LINE
} bp_shown_kind;

/* The elements first[i] .. last[i] - 1 of each axis of a line. */
typedef struct bp_window {
  int64_t first[BP_MAX_RANK], last[BP_MAX_RANK];
} bp_window;

typedef struct bp_reference {
  uint32_t node;           /* the node whose line it is; 0: none, a constant */
  const bp_window *window; /* NULL: all of it */
  bool repeated;           /* broadcast: its adjoint is a sum */
} bp_reference;

/* factor * scale * reference / divisor */
typedef struct bp_term {
  double factor, divisor;
  const char *scale; /* a constant that is not just a number; NULL: none */
  bp_reference ref;
} bp_term;

typedef struct bp_shown {
  bp_shown_kind kind;
  bool atomic;    /* CONSTANT: needs no parentheses in a product */
  bool is_number; /* CONSTANT: number says it all */
  double number;
  const char *text; /* CONSTANT */
  bp_reference ref; /* REFERENCE, LINE */
  bp_term *terms;   /* FORM, or a LINE that is one */
  int n_terms;
  uint32_t core; /* LINE: the node whose operation is written */
} bp_shown;

/* A piece of a rule: what one use of a variable adds to its adjoint, or one argument to a tangent. */
typedef struct bp_part {
  const char *path; /* "[0]": where it is added; "" all over */
  const char *text; /* may begin with '-' */
  struct bp_part *next;
} bp_part;

typedef struct bp_line {
  uint32_t node;
  int level;
  int number;  /* of the symbol */
  bool active; /* depends on an input that derivatives are taken with respect to */
  bp_part *parts, **last_part;
  bp_trace_line shown;
} bp_line;

typedef struct bp_tracer {
  bp_graph *graph;
  bp_arena *arena; /* of the trace: everything that is shown */
  bp_arena work;   /* everything else */
  const bp_trace_options *options;
  bp_var y;
  uint8_t *needed, *linear; /* by node; linear: a sum of multiples of inputs */
  uint32_t *uses, *user;    /* by node: how many nodes use it, and the last of them */
  bp_shown *views;          /* by node */
  uint32_t *line_of;        /* by node: 1 + its line */
  bp_line *lines;
  size_t n_lines;
  bool failed; /* out of memory */
} bp_tracer;

/* ---- trace_graph.c ---- */
/* Fills views and lines, in order. */
bp_status bp_trace_classify(bp_tracer *t);
/* Whether a node only hands on its argument: repeated, with axes of size 1 more or less, in another element type. */
bool bp_trace_hands_on(const bp_tracer *t, uint32_t id);
static inline bp_line *bp_line_of(const bp_tracer *t, uint32_t node) { return &t->lines[t->line_of[node] - 1]; }
/* Memory that lives as long as the trace is being made; NULL sets failed. */
void *bp_trace_work(bp_tracer *t, size_t count, size_t size);

/* ---- trace_text.c ---- */
enum { BP_TRACE_TEXT = 192 };
/* A text of limited length: what is too long ends with "…". */
typedef struct bp_text {
  char data[BP_TRACE_TEXT];
  size_t size;
  bool cut;
} bp_text;
void bp_text_add(bp_text *text, const char *piece);
void bp_text_number(bp_text *text, double number);
/* NEW copy in an arena; NULL sets failed. */
const char *bp_text_keep(bp_tracer *t, bp_arena *arena, const bp_text *text);
/* The text of a constant node, from those of its arguments. False when it is too long to be written where it is used. */
bool bp_constant_text(bp_tracer *t, uint32_t node, bp_shown *view);
/* Fills symbol, name, expression and rule of all lines. */
void bp_trace_write(bp_tracer *t);

/* ---- trace_rules.c ---- */
/* How an operation is written: $1 $2 $3 are arguments, $y the result, $d the derivative that comes in, $a the attribute. */
typedef struct bp_trace_rule {
  const char *expression;
  const char *adjoint[3]; /* what $d, the adjoint of the result, gives to an argument; NULL: nothing */
  const char *tangent[3]; /* what $d, the tangent of an argument, gives; NULL: the same as adjoint */
  bool exact; /* adjoints are those of the arguments as they were before they were repeated: not to be summed */
} bp_trace_rule;
/* The rule of a node; expression NULL when there is none. */
const bp_trace_rule *bp_trace_rule_of(const bp_graph *g, const bp_node *node);
/* What stands behind the first argument: ", 0" for an axis; "" for none. */
enum { BP_TRACE_ATTRIBUTE = 32 };
void bp_trace_attribute(const bp_graph *g, const bp_node *node, char text[BP_TRACE_ATTRIBUTE]);

#endif
