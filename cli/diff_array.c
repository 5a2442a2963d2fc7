/* cli/diff_array.c - the arrays of `diff`, and their elements as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "diff.h"

diff_array diff_with_room(diff_array a) {
  a.size = 1;
  for (int i = 0; i < a.rank; i++) a.size *= a.dims[i];
  a.data = cli_alloc((size_t)a.size, sizeof *a.data);
  return a;
}

diff_array diff_array_like(bp_var v) {
  diff_array a = {.rank = bp_var_rank(v)};
  for (int i = 0; i < a.rank; i++) a.dims[i] = bp_var_dim(v, i);
  return diff_with_room(a);
}

diff_array diff_matrix(int64_t rows, int64_t columns) {
  return diff_with_room((diff_array){.rank = 2, .dims = {rows, columns}});
}

void diff_array_release(diff_array *a) {
  free(a->data);
  a->data = NULL;
}

void diff_brackets(const diff_array *a, int64_t e, int *opened, int *closed) {
  int64_t block = 1;
  *opened = *closed = 0;
  for (int i = a->rank - 1; i >= 0; i--) {
    block *= a->dims[i];
    *opened += e % block == 0;
    *closed += (e + 1) % block == 0;
  }
}

const char *diff_index_text(const diff_array *a, int64_t e, char text[DIFF_INDEX]) {
  size_t n = 0;
  int64_t block = a->size;
  text[0] = '\0';
  for (int i = 0; i < a->rank && n < DIFF_INDEX; i++) {
    block /= a->dims[i];
    n += (size_t)snprintf(text + n, DIFF_INDEX - n, "%c%lld%s", i == 0 ? '[' : ',', (long long)(e / block % a->dims[i]),
                          i == a->rank - 1 ? "]" : "");
  }
  return text;
}

/* The fewest digits that read back; as many as it takes to show a whole number of up to 16 digits without an exponent. */
const char *diff_number(double value, char text[DIFF_NUMBER]) {
  int digits = 1;
  if (isnan(value)) {
    (void)snprintf(text, DIFF_NUMBER, "nan");
    return text;
  }
  for (; digits <= 17; digits++) {
    (void)snprintf(text, DIFF_NUMBER, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  int magnitude = value != 0 && isfinite(value) ? (int)floor(log10(fabs(value))) + 1 : 0;
  if (magnitude > digits && magnitude <= 16) (void)snprintf(text, DIFF_NUMBER, "%.*g", magnitude, value);
  return text;
}
