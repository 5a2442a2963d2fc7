/* train/objective.h - the tables behind an objective: losses and output units. */
#ifndef BP_TRAIN_OBJECTIVE_H
#define BP_TRAIN_OBJECTIVE_H
#include "backprop/loss.h"

/* What the formula of a loss may use. */
typedef struct loss_case {
  const bp_objective *o;
  bp_var z;       /* [rows, units] */
  bp_var p;       /* output unit of the first `width` columns of z (of all of them where units are fewer) */
  bp_var y;       /* [rows, columns of p]; smoothed, as real numbers */
  bp_var classes; /* I32 [rows]; the null variable when targets are values */
  double smoothing;
} loss_case;

/* A number that a loss can be given. */
typedef struct loss_setting {
  const char *name;      /* NULL: there is none */
  double fallback, high; /* allowed: above 0 and below high */
} loss_setting;

#define OUTPUT_BIT(output) (1u << (output))
enum { TAKES_CLASSES = 1, TAKES_VALUES = 2, TAKES_BOTH = 3 };

typedef struct loss_kind {
  const char *name;
  unsigned takes;
  bp_output for_classes, for_values; /* what BP_OUTPUT_AUTO stands for */
  unsigned fits, odd;                /* sets of OUTPUT_BIT: usual units, and those that bring a warning */
  const char *never_why;             /* why the others are refused */
  loss_setting setting;
  bool one_unit;      /* two classes need one unit whatever the output unit is, softmax excepted */
  bool smooths;       /* label smoothing makes sense */
  double least, most; /* range of values */
  double square_weight;
  bp_var (*rows)(const loss_case *c);
} loss_kind;

extern const loss_kind loss_kinds[BP_LOSS_COUNT];

/* x after an output unit. Heaviside of more than two classes is one for the largest. */
bp_var output_unit(const bp_objective *o, bp_var x);
/* Standard deviation and correlations of a Gaussian, from z: see losses.c. */
bp_var gaussian_log_variance(const bp_objective *o, bp_var z);
/* L [rows, width, width] of gaussian_full. */
bp_var gaussian_factor(const bp_objective *o, bp_var z);
/* A constant of x's graph and element type. */
bp_var like(bp_var x, double value);
/* Columns first .. first + n - 1 of x [rows, columns]. */
bp_var columns_of(bp_var x, int64_t first, int64_t n);

#endif
