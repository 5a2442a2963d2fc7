/* scalar_run.c - runs the code of a region of numbers. Floor: program. */
#include <string.h>

#include "program/scalar_code.h"

/* Elements of a row that are copied together at once. */
enum { SCALAR_BLOCK = 256 };

#define REAL    double
#define NAME(x) x##_f64
#include "program/scalar_impl.h"
#undef REAL
#undef NAME
#define REAL    float
#define NAME(x) x##_f32
#include "program/scalar_impl.h"
#undef REAL
#undef NAME

size_t plan_scalars_scratch(const plan_scalars *s) {
  return (s->n_slots + 3 * SCALAR_BLOCK) * (s->real == BP_KF64 ? sizeof(double) : sizeof(float));
}

void plan_run_scalars(const bp_workspace *w, const plan_scalars *s, char *scratch) {
  if (s->real == BP_KF64)
    run_region_f64(w, s, (double *)(void *)scratch);
  else
    run_region_f32(w, s, (float *)(void *)scratch);
}
