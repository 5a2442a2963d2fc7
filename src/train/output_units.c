/* output_units.c - from raw outputs to predictions: the units in one table, and the columns of a prediction. Floor: train. */
#include <inttypes.h>
#include <string.h>

#include "backprop/net.h"
#include "backprop/ops.h"
#include "graph/node.h"
#include "train/objective.h"

static bp_var identity(bp_var z) { return z; }

static const struct {
  const char *name;
  bp_var (*apply)(bp_var z);
} units[BP_OUTPUT_COUNT] = {
    [BP_OUTPUT_AUTO] = {"auto", identity},
    [BP_OUTPUT_IDENTITY] = {"identity", identity},
    [BP_OUTPUT_SIGMOID] = {"sigmoid", bp_sigmoid},
    [BP_OUTPUT_SOFTMAX] = {"softmax", bp_softmax},
    [BP_OUTPUT_EXP] = {"exp", bp_exp},
    [BP_OUTPUT_HEAVISIDE] = {"heaviside", bp_heaviside},
    [BP_OUTPUT_TANH] = {"tanh", bp_tanh},
    [BP_OUTPUT_SOFTPLUS] = {"softplus", bp_softplus},
};

const char *bp_output_name(bp_output output) { return (unsigned)output < BP_OUTPUT_COUNT ? units[output].name : NULL; }

bool bp_output_find(const char *name, bp_output *out) {
  for (int i = 0; i < BP_OUTPUT_COUNT; i++)
    if (strcmp(name, units[i].name) == 0) return *out = (bp_output)i, true;
  return false;
}

/* 1 for the largest of each row, the first of equals. */
static bp_var one_for_the_largest(bp_var z) {
  bp_dtype dtype = bp_var_dtype(z);
  int64_t n = bp_var_dim(z, 1);
  bp_var numbers = bp_cumsum(bp_broadcast(like(z, 1), 1, &n), 0); /* 1, 2, …, n */
  bp_var largest = bp_expand(bp_cast(bp_argmax(z), dtype), -1);
  return bp_equal(numbers, bp_add(largest, like(z, 1)));
}

bp_var output_unit(const bp_objective *o, bp_var x) {
  bool one_of_many = o->classes && o->output == BP_OUTPUT_HEAVISIDE && bp_var_dim(x, 1) > 1;
  return one_of_many ? one_for_the_largest(x) : units[o->output].apply(x);
}

/* ---- columns of a prediction ---- */

static bool has_deviations(const bp_objective *o) {
  return o->loss == BP_LOSS_GAUSSIAN_VARIANCE || o->loss == BP_LOSS_GAUSSIAN_FULL;
}

int64_t bp_objective_predictions(const bp_objective *o) {
  int64_t correlations = o->loss == BP_LOSS_GAUSSIAN_FULL ? o->width * (o->width - 1) / 2 : 0;
  return (has_deviations(o) ? 2 : 1) * o->width + correlations;
}

bp_prediction_info bp_objective_prediction(const bp_objective *o, int64_t column) {
  int64_t second = 1, first = column - 2 * o->width;
  if (column < o->width) return (bp_prediction_info){BP_PREDICTED_VALUE, column, column};
  if (first < 0) return (bp_prediction_info){BP_PREDICTED_DEVIATION, column - o->width, column - o->width};
  for (; first >= second; second++) first -= second; /* (1,0), (2,0), (2,1), (3,0), … */
  return (bp_prediction_info){BP_PREDICTED_CORRELATION, second, first};
}

static bp_var side_by_side(bp_var a, bp_var b) { return bp_concat((bp_var[]){a, b}, 2, 1); }

/* Both classes from one unit. */
static bp_var two_classes(const bp_objective *o, bp_var z) {
  bp_var p = output_unit(o, z);
  if (o->output == BP_OUTPUT_SIGMOID) return side_by_side(bp_sigmoid(bp_neg(z)), p); /* 1 - p, small ones exact too */
  return side_by_side(o->output == BP_OUTPUT_HEAVISIDE ? bp_sub(like(p, 1), p) : bp_neg(p), p);
}

/* Standard deviations of the covariance L Lᵀ, and its correlations below the diagonal: rows of L of length 1 multiplied. */
static bp_var spread_of_factor(const bp_objective *o, bp_var z) {
  bp_var factor = gaussian_factor(o, z), deviations = bp_norm(factor, BP_LAST_AXIS);
  bp_var unit = bp_div(factor, bp_expand(deviations, -1));
  bp_var spread = deviations;
  for (int64_t i = 1; i < o->width; i++)
    for (int64_t j = 0; j < i; j++) {
      bp_var a = bp_slice(unit, 1, i, i + 1, 1), b = bp_slice(unit, 1, j, j + 1, 1);
      spread = side_by_side(spread, bp_sum(bp_mul(a, b), BP_LAST_AXIS));
    }
  return spread;
}

bp_var bp_objective_predict(const bp_objective *o, bp_var z) {
  if (!bp_args_ok("predictions", 1, &z)) return bp_zero_of(z.graph);
  if (o->classes && bp_objective_units(o) < o->width) return two_classes(o, z);
  if (!has_deviations(o)) return output_unit(o, z);
  bp_var spread = o->loss == BP_LOSS_GAUSSIAN_FULL ? spread_of_factor(o, z)
                                                   : bp_exp(bp_mul(gaussian_log_variance(o, z), like(z, 0.5)));
  return side_by_side(output_unit(o, columns_of(z, 0, o->width)), spread);
}

/* ---- members ---- */

/* log mean exp over members, elementwise; none overflows. */
static bp_var log_mean_exp(const bp_var *x, int n) {
  bp_var most = x[0];
  for (int m = 1; m < n; m++) most = bp_max(most, x[m]);
  bp_var sum = bp_exp(bp_sub(x[0], most));
  for (int m = 1; m < n; m++) sum = bp_add(sum, bp_exp(bp_sub(x[m], most)));
  return bp_add(most, bp_log(bp_mul(sum, like(sum, 1.0 / n))));
}

static bp_var mean_of(const bp_var *x, int n) {
  bp_var sum = x[0];
  for (int m = 1; m < n; m++) sum = bp_add(sum, x[m]);
  return bp_mul(sum, like(sum, 1.0 / n));
}

/* log of the mean probabilities. */
static bp_var pool_softmax(const bp_objective *o, bp_var *z, int n) {
  (void)o;
  for (int m = 0; m < n; m++) z[m] = bp_sub(z[m], bp_expand(bp_logsumexp(z[m]), -1));
  return log_mean_exp(z, n);
}

/* log p - log(1 - p) of the mean probabilities p. */
static bp_var pool_sigmoid(const bp_objective *o, bp_var *z, int n) {
  bp_var no[BP_MEMBERS_MAX] = {{0}};
  (void)o;
  for (int m = 0; m < n; m++) {
    no[m] = bp_neg(bp_softplus(z[m]));
    z[m] = bp_neg(bp_softplus(bp_neg(z[m])));
  }
  return bp_sub(log_mean_exp(z, n), log_mean_exp(no, n));
}

static bp_var pool_exp(const bp_objective *o, bp_var *z, int n) { return (void)o, log_mean_exp(z, n); }
static bp_var pool_mean(const bp_objective *o, bp_var *z, int n) { return (void)o, mean_of(z, n); }

/* Mean and log variance of the mixture. */
static bp_var pool_variance(const bp_objective *o, bp_var *z, int n) {
  bp_var means[BP_MEMBERS_MAX] = {{0}}, spreads[BP_MEMBERS_MAX] = {{0}};
  for (int m = 0; m < n; m++) means[m] = columns_of(z[m], 0, o->width);
  bp_var mean = mean_of(means, n);
  for (int m = 0; m < n; m++)
    spreads[m] = bp_add(bp_exp(gaussian_log_variance(o, z[m])), bp_square(bp_sub(means[m], mean)));
  return side_by_side(mean, bp_log(mean_of(spreads, n)));
}

bp_var bp_objective_pool(const bp_objective *o, bp_var z) {
  static bp_var (*const pools[BP_OUTPUT_COUNT])(const bp_objective *, bp_var *, int) = {
      [BP_OUTPUT_SOFTMAX] = pool_softmax, [BP_OUTPUT_SIGMOID] = pool_sigmoid, [BP_OUTPUT_EXP] = pool_exp};
  bp_var each[BP_MEMBERS_MAX];
  if (!bp_args_ok("members", 1, &z)) return bp_zero_of(z.graph);
  int64_t width = bp_objective_units(o), columns = bp_var_rank(z) == 2 ? bp_var_dim(z, 1) : 0, n = columns / width;
  if (n < 1 || n > BP_MEMBERS_MAX || columns != n * width)
    return bp_graph_fail(z.graph, BP_E_SHAPE,
                         "members: z has %" PRId64 " columns, expected 1 to %d times the %" PRId64 " of the loss",
                         columns, BP_MEMBERS_MAX, width);
  if (n == 1) return z;
  for (int64_t m = 0; m < n; m++) each[m] = columns_of(z, m * width, width);
  if (o->loss == BP_LOSS_GAUSSIAN_VARIANCE) return pool_variance(o, each, (int)n);
  return (pools[o->output] ? pools[o->output] : pool_mean)(o, each, (int)n);
}
