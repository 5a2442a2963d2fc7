/* optimizers.c - the update rules, in one table. Floor: train. */
#include <string.h>

#include "backprop/ops.h"
#include "train/optimizer_update.h"

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

/* ---- sgd, with momentum and Nesterov's form (Sutskever, Martens, Dahl and Hinton, 2013, rewritten for the new point) ---- */
static int sgd_slots(const bp_fit_options *o) { return o->momentum > 0 ? 1 : 0; }

static void sgd_update(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots,
                       bp_var *new_w) {
  bp_var direction = g;
  if (s->options->momentum > 0) {
    bp_var momentum = number(w, s->options->momentum);
    bp_var v = bp_add(bp_mul(slots[0], momentum), g);
    direction = s->options->nesterov ? bp_add(g, bp_mul(v, momentum)) : v;
    new_slots[0] = v;
  }
  *new_w = bp_sub(w, bp_mul(direction, s->lr));
}

/* ---- Adam (Kingma and Ba, 2015), Algorithm 1 ---- */
static int adam_slots(const bp_fit_options *o) {
  (void)o;
  return 2;
}

/* 1 - βᵗ for the step under way, in float64 */
static bp_var bias_correction(const optimizer_step *s, double beta) {
  bp_var t = bp_add(s->step, number(s->step, 1));
  return bp_sub(number(s->step, 1), bp_pow(number(s->step, beta), t));
}

/* lr m̂ / (sqrt(v̂) + ε) with m̂ = m / (1 - β₁ᵗ), v̂ = v / k², k = sqrt(1 - β₂ᵗ): both corrections move into two scalars,
 * (lr k / (1 - β₁ᵗ)) m / (sqrt(v) + k ε), so that each parameter pays for neither. */
static void adam_update(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots,
                        bp_var *new_w) {
  double b1 = s->options->beta1, b2 = s->options->beta2;
  bp_dtype dtype = bp_var_dtype(w);
  bp_var m = bp_add(bp_mul(slots[0], number(w, b1)), bp_mul(g, number(w, 1 - b1)));
  bp_var v = bp_add(bp_mul(slots[1], number(w, b2)), bp_mul(bp_square(g), number(w, 1 - b2)));
  bp_var k = bp_sqrt(bias_correction(s, b2)), lr = bp_cast(s->lr, BP_F64);
  bp_var rate = bp_cast(bp_div(bp_mul(lr, k), bias_correction(s, b1)), dtype);
  bp_var epsilon = bp_cast(bp_mul(k, number(k, s->options->epsilon)), dtype);
  *new_w = bp_sub(w, bp_mul(bp_div(m, bp_add(bp_sqrt(v), epsilon)), rate));
  new_slots[0] = m;
  new_slots[1] = v;
}

static const struct {
  const char *name;
  int (*slots)(const bp_fit_options *options);
  void (*update)(const optimizer_step *s, bp_var w, bp_var g, const bp_var *slots, bp_var *new_slots, bp_var *new_w);
} optimizers[BP_OPTIMIZER_COUNT] = {
    [BP_SGD] = {"sgd", sgd_slots, sgd_update},
    [BP_ADAM] = {"adam", adam_slots, adam_update},
};

const char *bp_optimizer_name(bp_optimizer optimizer) {
  return (unsigned)optimizer < BP_OPTIMIZER_COUNT ? optimizers[optimizer].name : NULL;
}

bool bp_optimizer_find(const char *name, bp_optimizer *out) {
  for (int i = 0; i < BP_OPTIMIZER_COUNT; i++)
    if (strcmp(name, optimizers[i].name) == 0) return *out = (bp_optimizer)i, true;
  return false;
}

int optimizer_slots(bp_optimizer optimizer, const bp_fit_options *options) {
  return optimizers[optimizer].slots(options);
}

void optimizer_update(const optimizer_step *s, bp_var param, bp_var gradient, const bp_var *slots, bp_var *new_slots,
                      bp_var *new_param) {
  optimizers[s->options->optimizer].update(s, param, gradient, slots, new_slots, new_param);
}
