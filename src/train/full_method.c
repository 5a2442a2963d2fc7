/* full_method.c - L-BFGS or Levenberg-Marquardt behind one set of functions. Floor: train. */
#include "train/full_method.h"

#include "base/fail.h"

bp_status full_method_init(bp_context *ctx, full_method *m, full_kind kind, size_t n, int memory, int threads) {
  *m = (full_method){.kind = kind};
  return kind == FULL_LM ? lm_init(ctx, &m->lm, n, threads) : lbfgs_init(ctx, &m->lbfgs, n, memory);
}

void full_method_release(full_method *m) {
  if (m->kind == FULL_LM)
    lm_release(&m->lm);
  else if (m->lbfgs.block != NULL)
    lbfgs_release(&m->lbfgs);
}

bp_status full_method_begin(bp_context *ctx, full_method *m, const full_objective *objective, double *x,
                            full_step *out) {
  bool is_lm = m->kind == FULL_LM;
  double *f = is_lm ? &m->lm.f : &m->lbfgs.f, *g = is_lm ? m->lm.g : m->lbfgs.g;
  if (!m->begun) BP_TRY(objective->value(objective->user, x, f, g));
  *out = (full_step){*f, full_largest(g, objective->n), false};
  if (!isfinite(out->f) || !isfinite(out->gradient))
    return bp_fail(ctx, BP_E_DIVERGED, "the value is %g where minimisation begins, with a gradient up to %g", out->f,
                   out->gradient);
  m->begun = true;
  return BP_OK;
}

bp_status full_method_iterate(full_method *m, const full_objective *objective, double *x, full_step *out) {
  return m->kind == FULL_LM ? lm_iterate(&m->lm, objective, x, out) : lbfgs_iterate(&m->lbfgs, objective, x, out);
}

int64_t full_method_evaluations(const full_method *m) {
  return m->begun + (m->kind == FULL_LM ? m->lm.evaluations : m->lbfgs.evaluations);
}

double *full_method_state(full_method *m, size_t *size) {
  *size = m->kind == FULL_LM ? m->lm.state_size : m->lbfgs.state_size;
  return m->kind == FULL_LM ? m->lm.state : m->lbfgs.state;
}

double *full_method_mark(full_method *m) {
  size_t size;
  return full_method_state(m, &size) + FULL_SCALARS - 1;
}
