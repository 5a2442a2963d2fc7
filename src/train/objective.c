/* objective.c - loss, setting and output unit as one thing: from text, checked, and as graph code. Floor: train. */
#include "train/objective.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/expression.h"
#include "backprop/ops.h"
#include "base/fail.h"
#include "base/number.h"
#include "base/suggest.h"
#include "graph/node.h"

/* Targets of gaussian_full at most. */
enum { FULL_MOST = 16, NAME_MOST = 40 };

const char *bp_loss_name(bp_loss loss) { return (unsigned)loss < BP_LOSS_COUNT ? loss_kinds[loss].name : NULL; }

bool bp_loss_find(const char *name, bp_loss *out) {
  for (int i = 0; i < BP_LOSS_COUNT; i++)
    if (strcmp(name, loss_kinds[i].name) == 0) return *out = (bp_loss)i, true;
  return false;
}

/* ---- text ---- */

static bp_status check_setting(bp_context *ctx, bp_loss loss, double value) {
  const loss_setting *s = &loss_kinds[loss].setting;
  if (s->name == NULL)
    return bp_fail(ctx, BP_E_ARG, "loss %s has no setting, but %g is given", loss_kinds[loss].name, value);
  if (value > 0 && value < s->high) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "loss %s: %s is %g, expected a number above 0 and below %g", loss_kinds[loss].name,
                 s->name, value, s->high);
}

static bp_status fail_unknown(bp_context *ctx, const char *name) {
  bp_suggestion near = {0};
  char list[400];
  size_t used = 0;
  for (int i = 0; i < BP_LOSS_EXPRESSION; i++) {
    bp_suggest_consider(&near, name, loss_kinds[i].name);
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", loss_kinds[i].name);
  }
  if (near.best) return bp_fail(ctx, BP_E_ARG, "there is no loss '%s'; did you mean %s?", name, near.best);
  return bp_fail(ctx, BP_E_ARG, "there is no loss '%s'; expected %s, or a formula of y, p and z, as (y - p)^2", name,
                 list);
}

/* "name" or "name:number"; anything that holds another character is a formula. */
static bool is_word(const char *text) {
  size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
  return name > 0 && name < NAME_MOST && (text[name] == '\0' || text[name] == ':');
}

bp_status bp_objective_parse(bp_context *context, const char *text, bp_objective *out) {
  char name[NAME_MOST];
  bp_loss loss = BP_LOSS_EXPRESSION;
  double setting = 0;
  if (!is_word(text)) {
    out->loss = loss;
    out->setting = 0;
    out->expression = text;
    return BP_OK;
  }
  size_t length = strcspn(text, ":");
  memcpy(name, text, length);
  name[length] = '\0';
  if (!bp_loss_find(name, &loss) || loss >= BP_LOSS_EXPRESSION) return fail_unknown(context, name);
  if (text[length] == ':') {
    if (!bp_number_parse(text + length + 1, strlen(text + length + 1), &setting))
      return bp_fail(context, BP_E_ARG, "loss %s: expected a number after the colon", text);
    BP_TRY(check_setting(context, loss, setting));
  }
  out->loss = loss;
  out->setting = setting;
  out->expression = NULL;
  return BP_OK;
}

const char *bp_objective_text(const bp_objective *o, char *text, size_t size) {
  char number[BP_NUMBER_TEXT];
  const char *name = bp_loss_name(o->loss);
  if (o->loss == BP_LOSS_EXPRESSION && o->expression)
    (void)snprintf(text, size, "%s", o->expression);
  else if (o->setting != 0)
    (void)snprintf(text, size, "%s:%s", name, bp_number_text(o->setting, number));
  else
    (void)snprintf(text, size, "%s", name ? name : "?");
  return text;
}

/* ---- resolving ---- */

static bp_output usual_output(const bp_objective *o) {
  const loss_kind *kind = &loss_kinds[o->loss];
  bp_output output = o->classes ? kind->for_classes : kind->for_values;
  if (output != BP_OUTPUT_AUTO) return output;
  return o->width == 2 ? BP_OUTPUT_SIGMOID : BP_OUTPUT_SOFTMAX;
}

static bp_status check_source(bp_context *ctx, const bp_objective *o) {
  if (o->loss == BP_LOSS_EXPRESSION && (o->expression == NULL || o->expression[0] == '\0'))
    return bp_fail(ctx, BP_E_ARG, "loss expression: objective.expression is empty, expected a formula of y, p and z");
  if (o->loss == BP_LOSS_CALLBACK && o->rows == NULL && o->rows_raw == NULL)
    return bp_fail(ctx, BP_E_ARG, "loss callback: objective.rows is NULL, expected a function");
  if (o->loss == BP_LOSS_CALLBACK && o->rows != NULL && o->rows_raw != NULL)
    return bp_fail(ctx, BP_E_ARG, "loss callback: both objective.rows and rows_raw are set, expected one function");
  if (!(o->label_smoothing >= 0 && o->label_smoothing < 1))
    return bp_fail(ctx, BP_E_ARG, "label smoothing is %g, expected a number from 0 and below 1", o->label_smoothing);
  if (o->label_smoothing > 0 && !loss_kinds[o->loss].smooths)
    return bp_fail(ctx, BP_E_ARG, "label smoothing is for cross_entropy, binary_cross_entropy and kl, not for %s",
                   loss_kinds[o->loss].name);
  return BP_OK;
}

static bp_status check_targets(bp_context *ctx, const bp_objective *o) {
  const loss_kind *kind = &loss_kinds[o->loss];
  if (o->width < 1) return bp_fail(ctx, BP_E_ARG, "targets of width %" PRId64 ", expected 1 or more", o->width);
  if (o->classes && !(kind->takes & TAKES_CLASSES))
    return bp_fail(ctx, BP_E_ARG, "loss %s is for values, but the target is classes", kind->name);
  if (!o->classes && o->width == 1 && OUTPUT_BIT(o->output) == OUTPUT_BIT(BP_OUTPUT_SOFTMAX))
    return bp_fail(ctx, BP_E_ARG,
                   "loss %s with output softmax needs classes, or several targets that add up to 1, but the target is "
                   "one column of numbers",
                   kind->name);
  if (o->loss == BP_LOSS_GAUSSIAN_FULL && o->width > FULL_MOST)
    return bp_fail(ctx, BP_E_ARG, "loss gaussian_full: %" PRId64 " targets, at most %d; take gaussian_variance",
                   o->width, FULL_MOST);
  return BP_OK;
}

static bp_status check_output(bp_context *ctx, const bp_objective *o) {
  const loss_kind *kind = &loss_kinds[o->loss];
  if ((kind->fits | kind->odd) & OUTPUT_BIT(o->output)) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "loss %s does not go with output %s: %s", kind->name, bp_output_name(o->output),
                 kind->never_why);
}

/* Builds the loss once for nothing, so that a formula that is wrong is told before any work. */
static bp_status check_expression(bp_context *ctx, const bp_objective *o) {
  bp_graph *graph;
  if (o->loss != BP_LOSS_EXPRESSION) return BP_OK;
  BP_TRY(bp_graph_new(ctx, &graph));
  bp_var z = bp_input(graph, "z", BP_F64, 2, (int64_t[]){BP_BATCH, bp_objective_units(o)});
  bp_var y = bp_input(graph, "y", o->classes ? BP_I32 : BP_F64, o->classes ? 1 : 2, (int64_t[]){BP_BATCH, o->width});
  (void)bp_objective_rows(o, z, y, true);
  bp_status status = bp_graph_status(graph);
  bp_graph_free(graph);
  return status;
}

bp_status bp_objective_resolve(bp_context *context, const bp_objective *objective, bool classes, int64_t width,
                               bp_objective *out) {
  bp_objective o = *objective;
  if ((unsigned)o.loss >= BP_LOSS_COUNT) return bp_fail(context, BP_E_ARG, "no loss number %d", (int)o.loss);
  if ((unsigned)o.output >= BP_OUTPUT_COUNT)
    return bp_fail(context, BP_E_ARG, "no output unit number %d", (int)o.output);
  o.classes = classes;
  o.width = width;
  if (o.loss == BP_LOSS_AUTO) o.loss = classes ? BP_LOSS_CROSS_ENTROPY : BP_LOSS_MSE;
  if (o.output == BP_OUTPUT_AUTO) o.output = usual_output(&o);
  if (o.setting == 0) o.setting = loss_kinds[o.loss].setting.fallback;
  if (o.setting != 0) BP_TRY(check_setting(context, o.loss, o.setting));
  BP_TRY(check_source(context, &o));
  BP_TRY(check_targets(context, &o));
  BP_TRY(check_output(context, &o));
  BP_TRY(check_expression(context, &o));
  *out = o;
  return BP_OK;
}

const char *bp_objective_mismatch(const bp_objective *o) {
  if (!(loss_kinds[o->loss].odd & OUTPUT_BIT(o->output))) return NULL;
  if (o->loss == BP_LOSS_HINGE || o->loss == BP_LOSS_PERCEPTRON)
    return "the loss looks at the raw output only, so the answers are no probabilities to rely on; a cross entropy "
           "gives "
           "those";
  if (o->output == BP_OUTPUT_SOFTMAX)
    return "the gradient vanishes when the answer is wrong and certain; that of cross_entropy does not";
  if (o->output == BP_OUTPUT_SIGMOID)
    return "the gradient vanishes when the answer is wrong and certain; that of binary_cross_entropy does not";
  return "the gradient vanishes when the answer is wrong and the unit saturated; that of output identity does not";
}

/* ---- looking at it ---- */

int64_t bp_objective_units(const bp_objective *o) {
  bool single = loss_kinds[o->loss].one_unit || o->output == BP_OUTPUT_SIGMOID || o->output == BP_OUTPUT_HEAVISIDE;
  if (o->loss == BP_LOSS_GAUSSIAN_VARIANCE) return 2 * o->width;
  if (o->loss == BP_LOSS_GAUSSIAN_FULL) return o->width + o->width * (o->width + 1) / 2;
  return o->classes && o->width == 2 && single && o->output != BP_OUTPUT_SOFTMAX ? 1 : o->width;
}

bool bp_objective_scales(const bp_objective *o) {
  return !o->classes && o->output == BP_OUTPUT_IDENTITY && o->loss >= BP_LOSS_MSE;
}

void bp_objective_range(const bp_objective *o, double *low, double *high) {
  static const struct {
    double low, high;
  } units[BP_OUTPUT_COUNT] = {
      [BP_OUTPUT_AUTO] = {-INFINITY, INFINITY},
      [BP_OUTPUT_IDENTITY] = {-INFINITY, INFINITY},
      [BP_OUTPUT_SIGMOID] = {0, 1},
      [BP_OUTPUT_SOFTMAX] = {0, 1},
      [BP_OUTPUT_HEAVISIDE] = {0, 1},
      [BP_OUTPUT_EXP] = {0, INFINITY},
      [BP_OUTPUT_SOFTPLUS] = {0, INFINITY},
      [BP_OUTPUT_TANH] = {-1, 1},
  };
  const loss_kind *kind = &loss_kinds[o->loss];
  *low = fmax(kind->least, units[o->output].low);
  *high = fmin(kind->most, units[o->output].high);
}

double bp_objective_square_weight(const bp_objective *o) {
  double weight = loss_kinds[o->loss].square_weight;
  if (weight < 0) return -weight / (double)bp_objective_units(o); /* a mean over outputs */
  return o->loss == BP_LOSS_GAUSSIAN ? weight / (o->setting * o->setting) : weight;
}

/* ---- as a graph ---- */

/* Targets as real numbers beside p: one-hot, or 0 and 1 where one unit stands for two classes. */
static bp_var real_targets(const bp_objective *o, bp_var target, bp_var p) {
  bp_dtype dtype = bp_var_dtype(p);
  if (!o->classes) return bp_var_dtype(target) == dtype ? target : bp_cast(target, dtype);
  return bp_var_dim(p, 1) == 1 ? bp_expand(bp_cast(target, dtype), -1) : bp_one_hot(target, o->width, dtype);
}

/* (1-ε) y + ε/n for n classes: all columns of softmax, two of a sigmoid. */
static bp_var smoothed(const bp_objective *o, bp_var y) {
  double e = o->label_smoothing, n = o->output == BP_OUTPUT_SIGMOID ? 2 : (double)o->width;
  return bp_add(bp_mul(y, like(y, 1 - e)), like(y, e / n));
}

/* A row of one number is a number in a formula. */
static bp_var as_row(bp_var x) { return bp_var_dim(x, 1) == 1 ? bp_reshape(x, 1, (int64_t[]){BP_BATCH}) : x; }

/* Means (0) or scales (1) of the standardised targets, [width]. */
static bp_var standard(const bp_objective *o, bp_var like_x, int which) {
  bp_var both = bp_constant(like_x.graph, BP_F64, 2, (int64_t[]){o->width, 2}, o->standardised);
  bp_var one = bp_reshape(bp_slice(both, 1, which, which + 1, 1), 1, (int64_t[]){o->width});
  return bp_cast(one, bp_var_dtype(like_x));
}

/* y or p in the target's own units. */
static bp_var in_own_units(const bp_objective *o, bp_var x) {
  if (o->standardised == NULL || o->classes) return x;
  return bp_add(bp_mul(x, standard(o, x, 1)), standard(o, x, 0));
}

static bp_var expression_rows(const loss_case *c) {
  bp_graph *graph = c->z.graph;
  bp_expression_name names[] = {{"y", as_row(c->y), false},
                                {"p", as_row(c->p), false},
                                {"z", as_row(c->z), false},
                                {"y_raw", as_row(in_own_units(c->o, c->y)), false},
                                {"p_raw", as_row(in_own_units(c->o, c->p)), false}};
  bp_var rows = {graph, 0};
  char message[BP_MESSAGE_MAX];
  if (bp_graph_status(graph) != BP_OK) return rows;
  bp_status status =
      bp_expression_parse(graph, bp_var_dtype(c->z), c->o->expression, names, sizeof names / sizeof *names, &rows);
  if (status == BP_OK) return bp_var_rank(rows) == 2 && bp_var_dim(rows, 1) == 1 ? as_row(rows) : rows;
  (void)snprintf(message, sizeof message, "%s", bp_graph_message(graph));
  graph->status = BP_OK;
  (void)bp_graph_fail(graph, status, "loss '%.60s': %s", c->o->expression, message);
  return (bp_var){graph, 0};
}

static bp_var callback_rows(const loss_case *c) {
  const bp_objective *o = c->o;
  if (o->rows != NULL) return o->rows(o->user, c->z, c->p, c->y);
  return o->rows_raw(o->user, c->z, c->p, c->y, in_own_units(o, c->p), in_own_units(o, c->y));
}

/* One number for each row, or an error on the graph. */
static bp_var checked_rows(const bp_objective *o, bp_var z, bp_var rows) {
  char shape[64];
  if (bp_graph_status(z.graph) != BP_OK) return (bp_var){z.graph, 0};
  const char *name = o->loss == BP_LOSS_EXPRESSION ? o->expression : "callback";
  if (rows.graph != z.graph || bp_var_is_zero(rows)) {
    (void)bp_graph_fail(z.graph, BP_E_ARG,
                        "loss '%.60s' depends on no output of the network; expected a use of p, p_raw or z", name);
    return (bp_var){z.graph, 0};
  }
  if (bp_var_rank(rows) == 1 && bp_var_dim(rows, 0) == bp_var_dim(z, 0) && bp_var_dtype(rows) == bp_var_dtype(z))
    return rows;
  (void)bp_graph_fail(z.graph, BP_E_SHAPE,
                      "loss '%.60s' gives %s %s; expected one %s number for each row, [batch]; take sum(...) or "
                      "mean(...) of a row's numbers",
                      name, bp_dtype_name(bp_var_dtype(rows)), bp_var_shape_text(rows, shape, sizeof shape),
                      bp_dtype_name(bp_var_dtype(z)));
  return (bp_var){z.graph, 0};
}

bp_var bp_objective_rows(const bp_objective *o, bp_var z, bp_var target, bool training) {
  bp_var given[] = {z, target};
  if (!bp_args_ok("loss", 2, given)) return bp_zero_of(bp_graph_of(given, 2));
  loss_case c = {.o = o, .z = z, .smoothing = training ? o->label_smoothing : 0};
  int64_t units = bp_objective_units(o);
  c.p = output_unit(o, columns_of(z, 0, units < o->width ? units : o->width));
  c.y = real_targets(o, target, c.p);
  if (c.smoothing > 0) c.y = smoothed(o, c.y);
  if (o->classes) c.classes = target;
  if (o->loss == BP_LOSS_EXPRESSION) return checked_rows(o, z, expression_rows(&c));
  if (z.graph->status != BP_OK) return bp_zero_of(z.graph); /* a callback gets variables that are there */
  if (o->loss == BP_LOSS_CALLBACK) return checked_rows(o, z, callback_rows(&c));
  /* cppcheck-suppress returnDanglingLifetime ; a variable points to its graph, not to what a function was given */
  return loss_kinds[o->loss].rows(&c);
}

/* ---- in short ---- */

/* The targets tell the kind; what does not fit is recorded on the graph. */
static bool resolve_for(bp_loss loss, bp_var z, bool classes, int64_t width, bp_objective *o) {
  bp_context *ctx = bp_graph_context(z.graph);
  bp_status status = bp_objective_resolve(ctx, &(bp_objective){.loss = loss}, classes, width, o);
  if (status != BP_OK) (void)bp_graph_fail(z.graph, status, "%s", bp_error_message(ctx));
  return status == BP_OK;
}

bp_var bp_loss_rows(bp_loss loss, bp_var z, bp_var target) {
  bp_objective o;
  bp_var given[] = {z, target};
  if (!bp_args_ok("loss", 2, given)) return bp_zero_of(bp_graph_of(given, 2));
  bool classes = bp_var_dtype(target) == BP_I32;
  int64_t width = classes ? bp_var_dim(z, 1) : bp_var_dim(target, 1);
  if (!resolve_for(loss, z, classes, width > 1 || !classes ? width : 2, &o)) return (bp_var){z.graph, 0};
  return bp_objective_rows(&o, z, target, false);
}

bp_var bp_loss_output(bp_loss loss, bp_var z) {
  bp_objective o;
  if (!bp_args_ok("loss", 1, &z)) return bp_zero_of(z.graph);
  bool classes = loss == BP_LOSS_CROSS_ENTROPY || loss == BP_LOSS_KL;
  int64_t width = bp_var_dim(z, 1);
  if (loss == BP_LOSS_GAUSSIAN_VARIANCE) width /= 2;
  while (loss == BP_LOSS_GAUSSIAN_FULL && width > 1 && width + width * (width + 1) / 2 > bp_var_dim(z, 1)) width--;
  if (!resolve_for(loss, z, classes, width, &o)) return (bp_var){z.graph, 0};
  return bp_objective_predict(&o, z);
}
