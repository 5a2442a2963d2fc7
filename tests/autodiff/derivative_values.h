/* autodiff/derivative_values.h - first and second derivatives of elementwise operations at points where formulas lose accuracy:
 * saturated, next to a pole, huge and tiny. Source: mpmath, 700 digits, rounded to 17; of the number in the row, which for BP_F32
 * is a float. INFINITY stands for what no number of the type is large enough for.
 */
#ifndef BT_DERIVATIVE_VALUES_H
#define BT_DERIVATIVE_VALUES_H
#include <math.h>

#include "graph/node.h"

/* How each is built. */
static bp_var quotient(bp_var x) { return bp_div(bp_scalar(x.graph, bp_var_dtype(x), 3), x); }
static bp_var tetragamma(bp_var x) { return bp_polygamma(2, x); }

typedef enum function {
  RECIPROCAL,
  QUOTIENT,
  SQRT,
  RSQRT,
  EXP,
  EXPM1,
  LOG,
  LOG2,
  LOG10,
  LOG1P,
  TAN,
  ASIN,
  ACOS,
  ATAN,
  ASINH,
  ACOSH,
  ATANH,
  SINH,
  COSH,
  TANH,
  SIGMOID,
  SOFTPLUS,
  ERF,
  GAUSSIAN,
  ERFC,
  LGAMMA,
  DIGAMMA,
  TETRAGAMMA,
  FUNCTIONS
} function;

static const struct {
  const char *name;
  bp_var (*build)(bp_var x);
} functions[FUNCTIONS] = {
    [RECIPROCAL] = {"reciprocal", bp_reciprocal},
    [QUOTIENT] = {"quotient", quotient},
    [SQRT] = {"sqrt", bp_sqrt},
    [RSQRT] = {"rsqrt", bp_rsqrt},
    [EXP] = {"exp", bp_exp},
    [EXPM1] = {"expm1", bp_expm1},
    [LOG] = {"log", bp_log},
    [LOG2] = {"log2", bp_log2},
    [LOG10] = {"log10", bp_log10},
    [LOG1P] = {"log1p", bp_log1p},
    [TAN] = {"tan", bp_tan},
    [ASIN] = {"asin", bp_asin},
    [ACOS] = {"acos", bp_acos},
    [ATAN] = {"atan", bp_atan},
    [ASINH] = {"asinh", bp_asinh},
    [ACOSH] = {"acosh", bp_acosh},
    [ATANH] = {"atanh", bp_atanh},
    [SINH] = {"sinh", bp_sinh},
    [COSH] = {"cosh", bp_cosh},
    [TANH] = {"tanh", bp_tanh},
    [SIGMOID] = {"sigmoid", bp_sigmoid},
    [SOFTPLUS] = {"softplus", bp_softplus},
    [ERF] = {"erf", bp_erf},
    [GAUSSIAN] = {"gaussian", bp_gaussian},
    [ERFC] = {"erfc", bp_erfc},
    [LGAMMA] = {"lgamma", bp_lgamma},
    [DIGAMMA] = {"digamma", bp_digamma},
    [TETRAGAMMA] = {"tetragamma", tetragamma},
};

typedef struct derivative_row {
  function of;
  bp_dtype dtype;
  double x, first, second;
} derivative_row;

static const derivative_row derivative_rows[] = {
#include "autodiff/derivative_powers.def"
#include "autodiff/derivative_trigonometry.def"
#include "autodiff/derivative_special.def"
};
enum { DERIVATIVE_ROWS = sizeof derivative_rows / sizeof *derivative_rows };

/* Limits where x goes to either infinity, of both derivatives. */
typedef struct limit_row {
  function of;
  double x, first, second;
} limit_row;

#define INF ((double)INFINITY)
static const limit_row limit_rows[] = {
    {RECIPROCAL, INF, 0, 0}, {RECIPROCAL, -INF, 0, 0}, {QUOTIENT, INF, 0, 0},   {QUOTIENT, -INF, 0, 0},
    {SQRT, INF, 0, 0},       {RSQRT, INF, 0, 0},       {EXP, INF, INF, INF},    {EXP, -INF, 0, 0},
    {EXPM1, INF, INF, INF},  {EXPM1, -INF, 0, 0},      {LOG, INF, 0, 0},        {LOG2, INF, 0, 0},
    {LOG10, INF, 0, 0},      {LOG1P, INF, 0, 0},       {ATAN, INF, 0, 0},       {ATAN, -INF, 0, 0},
    {ASINH, INF, 0, 0},      {ASINH, -INF, 0, 0},      {ACOSH, INF, 0, 0},      {SINH, INF, INF, INF},
    {SINH, -INF, INF, -INF}, {COSH, INF, INF, INF},    {COSH, -INF, -INF, INF}, {TANH, INF, 0, 0},
    {TANH, -INF, 0, 0},      {SIGMOID, INF, 0, 0},     {SIGMOID, -INF, 0, 0},   {SOFTPLUS, INF, 1, 0},
    {SOFTPLUS, -INF, 0, 0},  {ERF, INF, 0, 0},         {ERF, -INF, 0, 0},       {ERFC, INF, 0, 0},
    {ERFC, -INF, 0, 0},      {GAUSSIAN, INF, 0, 0},    {GAUSSIAN, -INF, 0, 0},  {LGAMMA, INF, INF, 0},
    {DIGAMMA, INF, 0, 0},    {TETRAGAMMA, INF, 0, 0},
};
enum { LIMIT_ROWS = sizeof limit_rows / sizeof *limit_rows };

#endif
