/* full_method.c - L-BFGS or a method of least squares behind one set of functions. Floor: train. */
#include "train/full_method.h"

#include "backprop/minimize.h"
#include "base/fail.h"

full_kind full_kind_of_squares(size_t n) { return n <= BP_LM_DENSE ? FULL_TRUST_REGION : FULL_LM; }

bp_status full_method_init(bp_context *ctx, full_method *m, full_kind kind, size_t n, int memory, double tolerance) {
  *m = (full_method){.kind = kind};
  if (kind == FULL_LBFGS) return lbfgs_init(ctx, &m->lbfgs, n, memory, tolerance);
  return kind == FULL_LM ? lm_init(ctx, &m->lm, n, tolerance) : trust_region_init(ctx, &m->trust, n, tolerance);
}

void full_method_release(full_method *m) {
  if (m->kind == FULL_LBFGS && m->lbfgs.block != NULL) lbfgs_release(&m->lbfgs);
  if (m->kind == FULL_LM && m->lm.block != NULL) lm_release(&m->lm);
  if (m->kind == FULL_TRUST_REGION) trust_region_release(&m->trust);
}

bp_status full_method_begin(bp_context *ctx, full_method *m, const full_objective *objective, double *x,
                            full_step *out) {
  if (m->begun) return BP_OK;
  if (m->kind == FULL_LBFGS) BP_TRY(lbfgs_begin(&m->lbfgs, objective, x, out));
  if (m->kind == FULL_LM) BP_TRY(lm_begin(&m->lm, objective, x, out));
  if (m->kind == FULL_TRUST_REGION) BP_TRY(trust_region_begin(&m->trust, objective, x, out));
  if (!isfinite(out->f) || !isfinite(out->gradient))
    return bp_fail(ctx, BP_E_DIVERGED, "the value is %g where minimisation begins, with a gradient up to %g", out->f,
                   out->gradient);
  m->begun = true;
  return BP_OK;
}

bp_status full_method_iterate(full_method *m, const full_objective *objective, double *x, full_step *out) {
  if (m->kind == FULL_LBFGS) return lbfgs_iterate(&m->lbfgs, objective, x, out);
  return m->kind == FULL_LM ? lm_iterate(&m->lm, objective, x, out)
                            : trust_region_iterate(&m->trust, objective, x, out);
}

int64_t full_method_evaluations(const full_method *m) {
  return m->lbfgs.evaluations + m->lm.evaluations + m->trust.evaluations; /* one of them is used */
}

size_t full_method_state_size(full_kind kind, size_t n, int memory) {
  if (kind == FULL_LBFGS) return lbfgs_state_size(n, memory);
  return kind == FULL_LM ? FULL_SCALARS : trust_region_state_size(n);
}

double *full_method_state(full_method *m, size_t *size) {
  *size = m->lbfgs.state_size + m->lm.state_size + m->trust.state_size;
  return m->kind == FULL_LBFGS ? m->lbfgs.state : m->kind == FULL_LM ? m->lm.state : m->trust.state;
}

bool full_method_fits(const full_method *m) { return m->kind != FULL_LBFGS || lbfgs_fits(&m->lbfgs); }

double *full_method_mark(full_method *m) {
  size_t size;
  return full_method_state(m, &size) + FULL_SCALARS - 1;
}
