/* train/graph_objective.h - a graph as the objective of a method for full batches: its programs, and their values as vectors of doubles. */
#ifndef BP_TRAIN_GRAPH_OBJECTIVE_H
#define BP_TRAIN_GRAPH_OBJECTIVE_H
#include "backprop/program.h"
#include "train/flat.h"
#include "train/full_objective.h"

/* Up to so many elements the Jacobian of residuals is formed (256 MiB); beyond, products with JᵀJ do. */
#define GRAPH_JACOBIAN_MOST ((size_t)1 << 25)

typedef enum graph_kind {
  GRAPH_SCALAR,   /* value and gradient of a scalar */
  GRAPH_PRODUCTS, /* the same of ½ Σ r², and products with JᵀJ */
  GRAPH_JACOBIAN  /* residuals and their Jacobian */
} graph_kind;

/* A program with its workspace. */
typedef struct graph_program {
  bp_program *program;
  bp_workspace *workspace;
} graph_program;

typedef struct graph_objective {
  bp_context *ctx;
  bp_graph *graph; /* of the objective */
  graph_kind kind;
  bp_dtype dtype;      /* of x */
  bp_dtype value_type; /* of the scalar, or of the residuals */
  size_t n_x, n, m;    /* arrays, and their elements; residuals */
  size_t *sizes;       /* [n_x] */
  bp_var *vars;        /* [3 n_x + 1]: x; v; the value; its gradient or A v */
  void **pointers;     /* [3 n_x + 1]: to x, the caller's; to v; to the value; to results */
  char *block;         /* v and results */
  size_t block_size;
  graph_program value, product; /* product: A v, or a column of J */
  union {
    float f32;
    double f64;
  } f;
  /* GRAPH_JACOBIAN: a block of residuals [m] where keep() and value() were, J [m,n] by columns, one column in the type of the
   * residuals, and rows of J below a triangle [n + rows, n] with their right side. */
  double *residuals, *kept, *jacobian, *rows, *rhs;
  size_t doubles_size, n_rows;
  void *column; /* [m] of value_type */
} graph_objective;

/* Everything BORROWed; graph_objective_release() at any stage. `objective` is a scalar, or residuals of any shape; values as
 * bp_minimize() has them. What has bounds of ½ Σ r² gets no products.
 * BP_E_ARG, BP_E_SHAPE, BP_E_INPUT  as bp_minimize() */
bp_status graph_objective_init(graph_objective *g, bp_context *ctx, graph_kind kind, bp_var objective, const bp_var *x,
                               size_t n_x, void *const *values, int threads);
void graph_objective_release(graph_objective *g);
/* Unknowns, and whether J is small enough to be formed. */
size_t graph_elements(bp_var x);
/* ½ Σ r², added up in float64. */
bp_var graph_half_squares(bp_var residuals);
/* VIEW x, as one vector. */
flat graph_unknowns(const graph_objective *g);
/* It as a method sees it, without bounds. */
full_objective graph_full_objective(graph_objective *g);

#endif
