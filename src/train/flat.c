/* flat.c - copies between typed arrays and one vector of doubles. Floor: train. */
#include "train/flat.h"

size_t flat_size(const flat *f) {
  size_t n = 0;
  for (size_t j = 0; j < f->n_arrays; j++) n += f->sizes[j];
  return n;
}

static double get(const flat *f, size_t array, size_t i) {
  return f->dtype == BP_F64 ? ((const double *)f->arrays[array])[i] : (double)((const float *)f->arrays[array])[i];
}

void flat_read(const flat *f, double *x) {
  for (size_t j = 0; j < f->n_arrays; j++)
    for (size_t i = 0; i < f->sizes[j]; i++) *x++ = get(f, j, i);
}

void flat_add(const flat *f, double *x) {
  for (size_t j = 0; j < f->n_arrays; j++)
    for (size_t i = 0; i < f->sizes[j]; i++) *x++ += get(f, j, i);
}

void flat_store(const flat *f, const double *x) {
  for (size_t j = 0; j < f->n_arrays; j++)
    for (size_t i = 0; i < f->sizes[j]; i++, x++)
      if (f->dtype == BP_F64)
        ((double *)f->arrays[j])[i] = *x;
      else
        ((float *)f->arrays[j])[i] = (float)*x;
}

void flat_write(const flat *f, double *x) {
  flat_store(f, x);
  flat_read(f, x);
}
