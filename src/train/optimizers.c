/* optimizers.c - the update rules as graph code, in one table: settings, defaults, states, nodes. Formulas and sources stand
 * beside the names in backprop/optimizer.h. Floor: train.
 */
#include <stdio.h>
#include <string.h>

#include "backprop/ops.h"
#include "base/fail.h"
#include "train/optimizer_update.h"

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

static bp_var times(bp_var x, double factor) { return bp_mul(x, number(x, factor)); }

/* decay·old + (1 - decay)·x */
static bp_var running_mean(bp_var old, double decay, bp_var x) {
  return bp_add(times(old, decay), times(x, 1 - decay));
}

/* ---- sgd ---- */
static int sgd_slots(const bp_fit_options *o) { return o->momentum > 0 ? 1 : 0; }

static bp_var sgd(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  bp_var direction = g;
  if (s->options->momentum > 0) {
    bp_var v = bp_add(times(slots[0], s->options->momentum), g);
    direction = s->options->nesterov ? bp_add(g, times(v, s->options->momentum)) : v;
    new_slots[0] = v;
  }
  return bp_sub(w, bp_mul(direction, s->lr));
}

/* ---- adam and its family ---- */
static int adam_slots(const bp_fit_options *o) { return o->amsgrad ? 3 : 2; }

/* 1 - βᵗ⁺ᵃ for the step under way, t = 1, 2, …, in float64 */
static bp_var bias_correction(const optimizer_step *s, double beta, int ahead) {
  bp_var t = bp_add(s->step, number(s->step, 1 + ahead));
  return bp_sub(number(s->step, 1), bp_pow(number(s->step, beta), t));
}

static bp_var scalar_as(bp_var scalar, bp_var like) { return bp_cast(scalar, bp_var_dtype(like)); }

/* lr m̂ / (sqrt(v̂) + ε) with v̂ = v / k², k = sqrt(1 - β₂ᵗ): the corrections move into scalars, (lr k) m̂ / (sqrt(v) + k ε), so that
 * each parameter pays for none of them. */
typedef struct adam_scalars {
  bp_var lr_k, epsilon_k; /* F64 */
} adam_scalars;

static adam_scalars adam_corrected(const optimizer_step *s) {
  bp_var k = bp_sqrt(bias_correction(s, s->options->beta2, 0));
  return (adam_scalars){bp_mul(bp_cast(s->lr, BP_F64), k), times(k, s->options->epsilon)};
}

static bp_var adam_second_moment(const optimizer_step *s, bp_var g, const bp_var *slots, bp_var *new_slots) {
  bp_var v = running_mean(slots[1], s->options->beta2, bp_square(g));
  new_slots[1] = v;
  return s->options->amsgrad ? new_slots[2] = bp_max(slots[2], v) : v;
}

static bp_var adam(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  double b1 = s->options->beta1;
  bp_var m = new_slots[0] = running_mean(slots[0], b1, g), v = adam_second_moment(s, g, slots, new_slots);
  adam_scalars c = adam_corrected(s);
  bp_var rate = scalar_as(bp_div(c.lr_k, bias_correction(s, b1, 0)), w);
  return bp_sub(w, bp_mul(bp_div(m, bp_add(bp_sqrt(v), scalar_as(c.epsilon_k, w))), rate));
}

static bp_var nadam(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  double b1 = s->options->beta1;
  bp_var m = new_slots[0] = running_mean(slots[0], b1, g), v = adam_second_moment(s, g, slots, new_slots);
  adam_scalars c = adam_corrected(s);
  bp_var old = bp_div(times(c.lr_k, b1), bias_correction(s, b1, 1));
  bp_var new = bp_div(times(c.lr_k, 1 - b1), bias_correction(s, b1, 0));
  bp_var step = bp_add(bp_mul(m, scalar_as(old, w)), bp_mul(g, scalar_as(new, w)));
  return bp_sub(w, bp_div(step, bp_add(bp_sqrt(v), scalar_as(c.epsilon_k, w))));
}

/* ---- a step size for each parameter from squared gradients ---- */
static int adagrad_slots(const bp_fit_options *o) {
  (void)o;
  return 1;
}

static bp_var adagrad(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  bp_var v = new_slots[0] = bp_add(slots[0], bp_square(g));
  return bp_sub(w, bp_mul(bp_div(g, bp_add(bp_sqrt(v), number(w, s->options->epsilon))), s->lr));
}

static int rmsprop_slots(const bp_fit_options *o) { return o->momentum > 0 ? 2 : 1; }

static bp_var rmsprop(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  bp_var v = new_slots[0] = running_mean(slots[0], s->options->rho, bp_square(g));
  bp_var u = bp_div(g, bp_add(bp_sqrt(v), number(w, s->options->epsilon)));
  if (s->options->momentum > 0) u = new_slots[1] = bp_add(times(slots[1], s->options->momentum), u);
  return bp_sub(w, bp_mul(u, s->lr));
}

static int adadelta_slots(const bp_fit_options *o) {
  (void)o;
  return 2;
}

static bp_var adadelta(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  double rho = s->options->rho;
  bp_var epsilon = number(w, s->options->epsilon);
  bp_var v = new_slots[0] = running_mean(slots[0], rho, bp_square(g));
  bp_var d = bp_mul(g, bp_sqrt(bp_div(bp_add(slots[1], epsilon), bp_add(v, epsilon))));
  new_slots[1] = running_mean(slots[1], rho, bp_square(d));
  return bp_sub(w, bp_mul(d, s->lr));
}

/* ---- rprop: slots are the gradient before, and the step size ---- */
#define RPROP_GROW   1.2
#define RPROP_SHRINK 0.5
#define RPROP_LEAST  1e-6
#define RPROP_MOST   50

static int rprop_slots(const bp_fit_options *o) {
  (void)o;
  return 2;
}

/* Where the sign changed the gradient counts as 0: no step now, and no change of sign at the next one. Signs are multiplied, since
 * the product of two small gradients would vanish. */
static bp_var rprop(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots) {
  bp_var zero = number(w, 0), first = scalar_as(bp_equal(s->step, number(s->step, 0)), w);
  bp_var size = bp_where(first, s->lr, slots[1]), agree = bp_mul(bp_sign(g), bp_sign(slots[0]));
  bp_var shrink = bp_less(agree, zero);
  bp_var factor =
      bp_where(bp_greater(agree, zero), number(w, RPROP_GROW), bp_where(shrink, number(w, RPROP_SHRINK), number(w, 1)));
  bp_var kept = bp_where(shrink, zero, g);
  size = bp_clip(bp_mul(size, factor), RPROP_LEAST, RPROP_MOST);
  new_slots[0] = kept;
  new_slots[1] = size;
  return bp_sub(w, bp_mul(bp_sign(kept), size));
}

/* ---- the table ---- */
static int no_slots(const bp_fit_options *o) {
  (void)o;
  return 0;
}

enum {
  MOMENTUM = 1,
  NESTEROV = 2,
  BETAS = 4,
  EPSILON = 8,
  RHO = 16,
  AMSGRAD = 32,
  WEIGHT_DECAY = 64,
  LR = 128, /* and what else works on the gradient or the step: clipping, max-norm, an l1 penalty */
  MEMORY = 256,
};

static const struct {
  const char *name;
  unsigned has; /* settings that it takes */
  bool full_batch;
  double lr, epsilon, weight_decay; /* what 0 stands for */
  int (*slots)(const bp_fit_options *options);
  bp_var (*update)(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots,
                   bp_var *new_slots); /* NULL: a method */
} optimizers[BP_OPTIMIZER_COUNT] = {
    [BP_SGD] = {"sgd", LR | MOMENTUM | NESTEROV | WEIGHT_DECAY, false, 0.1, 0, 0, sgd_slots, sgd},
    [BP_ADAM] = {"adam", LR | BETAS | EPSILON | AMSGRAD | WEIGHT_DECAY, false, 0.001, 1e-8, 0, adam_slots, adam},
    [BP_ADAMW] = {"adamw", LR | BETAS | EPSILON | AMSGRAD | WEIGHT_DECAY, false, 0.001, 1e-8, 0.01, adam_slots, adam},
    [BP_NADAM] = {"nadam", LR | BETAS | EPSILON | WEIGHT_DECAY, false, 0.001, 1e-8, 0, adam_slots, nadam},
    [BP_ADAGRAD] = {"adagrad", LR | EPSILON | WEIGHT_DECAY, false, 0.01, 1e-10, 0, adagrad_slots, adagrad},
    [BP_RMSPROP] = {"rmsprop", LR | MOMENTUM | RHO | EPSILON | WEIGHT_DECAY, false, 0.001, 1e-8, 0, rmsprop_slots,
                    rmsprop},
    [BP_ADADELTA] = {"adadelta", LR | RHO | EPSILON | WEIGHT_DECAY, false, 1, 1e-6, 0, adadelta_slots, adadelta},
    [BP_LBFGS] = {"lbfgs", MEMORY, true, 0, 0, 0, no_slots, NULL},
    [BP_LM] = {"lm", 0, true, 0, 0, 0, no_slots, NULL},
    [BP_RPROP] = {"rprop", LR, true, 0.01, 0, 0, rprop_slots, rprop},
};

const char *bp_optimizer_name(bp_optimizer optimizer) {
  return (unsigned)optimizer < BP_OPTIMIZER_COUNT ? optimizers[optimizer].name : NULL;
}

bool bp_optimizer_find(const char *name, bp_optimizer *out) {
  for (int i = 0; i < BP_OPTIMIZER_COUNT; i++)
    if (strcmp(name, optimizers[i].name) == 0) return *out = (bp_optimizer)i, true;
  return false;
}

bool optimizer_is_method(bp_optimizer optimizer) { return optimizers[optimizer].update == NULL; }

bool bp_optimizer_full_batch(bp_optimizer optimizer) {
  return (unsigned)optimizer < BP_OPTIMIZER_COUNT && optimizers[optimizer].full_batch;
}

/* ---- settings ---- */
static bp_status refuse(bp_context *ctx, bp_optimizer optimizer, const char *name, unsigned setting) {
  char names[128] = "";
  size_t used = 0;
  for (int i = 0; i < BP_OPTIMIZER_COUNT && used < sizeof names; i++)
    if (optimizers[i].has & setting)
      used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", optimizers[i].name);
  return bp_fail(ctx, BP_E_ARG, "%s has no %s; expected one of %s with it", optimizers[optimizer].name, name, names);
}

/* The settings that not every optimiser takes. */
static const struct {
  const char *name;
  unsigned setting;
} named[] = {
    {"momentum", MOMENTUM},
    {"nesterov", NESTEROV},
    {"beta1", BETAS},
    {"beta2", BETAS},
    {"epsilon", EPSILON},
    {"rho", RHO},
    {"amsgrad", AMSGRAD},
    {"memory", MEMORY},
    {"lr", LR},
    {"l1", LR},
    {"clip_value", LR},
    {"clip_norm", LR},
    {"max_norm", LR},
    {"weight_decay", WEIGHT_DECAY},
};
enum { NAMED = sizeof named / sizeof *named };

bool optimizer_takes(bp_optimizer optimizer, const char *name) {
  for (size_t i = 0; i < NAMED; i++)
    if (strcmp(named[i].name, name) == 0) return (optimizers[optimizer].has & named[i].setting) != 0;
  return true;
}

bp_status optimizer_defaults(bp_context *ctx, bp_fit_options *o) {
  const bool given[NAMED] = {
      o->momentum != 0,   o->nesterov,       o->beta1 != 0,    o->beta2 != 0,       o->epsilon != 0,
      o->rho != 0,        o->amsgrad,        o->memory != 0,   o->lr != 0,          o->l1 != 0 || o->n_l1_layers > 0,
      o->clip_value != 0, o->clip_norm != 0, o->max_norm != 0, o->weight_decay != 0};
  for (size_t i = 0; i < NAMED; i++)
    if (given[i] && !optimizer_takes(o->optimizer, named[i].name))
      return refuse(ctx, o->optimizer, named[i].name, named[i].setting);
  if (o->lr == 0) o->lr = optimizers[o->optimizer].lr;
  if (o->beta1 == 0) o->beta1 = 0.9;
  if (o->beta2 == 0) o->beta2 = 0.999;
  if (o->rho == 0) o->rho = 0.9;
  if (o->epsilon == 0) o->epsilon = optimizers[o->optimizer].epsilon;
  if (o->memory == 0) o->memory = 10;
  if (o->weight_decay == 0) o->weight_decay = optimizers[o->optimizer].weight_decay;
  return BP_OK;
}

int optimizer_slots(bp_optimizer optimizer, const bp_fit_options *options) {
  return optimizers[optimizer].slots(options);
}

void optimizer_update(const optimizer_step *s, bool is_weight, bp_var param, bp_var gradient, const bp_var *slots,
                      bp_var *new_slots, bp_var *new_param) {
  bp_var w = param;
  if (is_weight && s->options->weight_decay > 0)
    w = bp_mul(w, bp_sub(number(w, 1), times(s->lr, s->options->weight_decay)));
  *new_param = optimizers[s->options->optimizer].update(s, w, gradient, slots, new_slots);
}
