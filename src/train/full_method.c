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
  BP_TRY(is_lm ? lm_begin(ctx, &m->lm, objective, x) : lbfgs_begin(ctx, &m->lbfgs, objective, x));
  *out = (full_step){is_lm ? m->lm.f : m->lbfgs.f, full_largest(is_lm ? m->lm.g : m->lbfgs.g, objective->n), false};
  return BP_OK;
}

bp_status full_method_iterate(bp_context *ctx, full_method *m, const full_objective *objective, double *x,
                              full_step *out) {
  return m->kind == FULL_LM ? lm_iterate(ctx, &m->lm, objective, x, out)
                            : lbfgs_iterate(ctx, &m->lbfgs, objective, x, out);
}

int64_t full_method_evaluations(const full_method *m) {
  return m->kind == FULL_LM ? m->lm.evaluations : m->lbfgs.evaluations;
}

double *full_method_state(full_method *m, size_t *size) {
  *size = m->kind == FULL_LM ? m->lm.state_size : m->lbfgs.state_size;
  return m->kind == FULL_LM ? m->lm.state : m->lbfgs.state;
}

double *full_method_mark(full_method *m) {
  size_t size;
  return full_method_state(m, &size) + FULL_SCALARS - 1;
}
