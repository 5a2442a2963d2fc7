/* autodiff/pattern.h - which elements of a matrix may differ from zero: compressed rows, on the host. */
#ifndef BP_AUTODIFF_PATTERN_H
#define BP_AUTODIFF_PATTERN_H
#include "base/alloc.h"

typedef struct bp_pattern {
  int64_t rows, columns;
  int64_t *start;  /* rows + 1: row i has the places start[i] .. start[i + 1] - 1 */
  int32_t *column; /* ascending in each row */
} bp_pattern;

typedef struct bp_entry {
  int32_t row, column;
} bp_entry;

static inline int64_t bp_pattern_nonzeros(const bp_pattern *p) { return p->start[p->rows]; }

/* NEW pattern of entries that are all different and ascend in column within each row. */
bp_status bp_pattern_from_entries(bp_context *ctx, int64_t rows, int64_t columns, const bp_entry *entries, size_t n,
                                  bp_pattern *out);
/* NEW transpose. */
bp_status bp_pattern_transpose(bp_context *ctx, const bp_pattern *p, bp_pattern *out);
/* NEW union of a square pattern and its transpose. */
bp_status bp_pattern_symmetric(bp_context *ctx, const bp_pattern *p, bp_pattern *out);
void bp_pattern_release(bp_allocator allocator, bp_pattern *p);

#endif
