/* pattern.c - compressed rows from entries, transposed, made symmetric. Floor: autodiff. */
#include "autodiff/pattern.h"

#include "base/fail.h"

static bp_status pattern_init(bp_context *ctx, int64_t rows, int64_t columns, size_t nonzeros, bp_pattern *p) {
  *p = (bp_pattern){.rows = rows, .columns = columns};
  p->start = bp_calloc(ctx, (size_t)rows + 1, sizeof *p->start);
  p->column = bp_alloc(ctx, nonzeros, sizeof *p->column);
  if (p->start != NULL && p->column != NULL) return BP_OK;
  bp_allocator a = bp_context_allocator(ctx);
  bp_release(a, p->start, (size_t)rows + 1, sizeof *p->start);
  bp_release(a, p->column, nonzeros, sizeof *p->column);
  *p = (bp_pattern){0};
  return BP_E_NOMEM;
}

void bp_pattern_release(bp_allocator allocator, bp_pattern *p) {
  if (p->start == NULL) return;
  bp_release(allocator, p->column, (size_t)bp_pattern_nonzeros(p), sizeof *p->column);
  bp_release(allocator, p->start, (size_t)p->rows + 1, sizeof *p->start);
  *p = (bp_pattern){0};
}

/* start holds counts by row, shifted by one; makes them the places where rows begin. */
static void add_up(bp_pattern *p) {
  for (int64_t i = 0; i < p->rows; i++) p->start[i + 1] += p->start[i];
}

/* Filling has moved each start[i] to where row i ends: moves them back. */
static void move_back(bp_pattern *p) {
  for (int64_t i = p->rows; i > 0; i--) p->start[i] = p->start[i - 1];
  p->start[0] = 0;
}

bp_status bp_pattern_from_entries(bp_context *ctx, int64_t rows, int64_t columns, const bp_entry *entries, size_t n,
                                  bp_pattern *out) {
  bp_pattern p;
  BP_TRY(pattern_init(ctx, rows, columns, n, &p));
  for (size_t e = 0; e < n; e++) p.start[entries[e].row + 1]++;
  add_up(&p);
  for (size_t e = 0; e < n; e++) p.column[p.start[entries[e].row]++] = entries[e].column;
  move_back(&p);
  *out = p;
  return BP_OK;
}

bp_status bp_pattern_transpose(bp_context *ctx, const bp_pattern *p, bp_pattern *out) {
  bp_pattern t;
  int64_t n = bp_pattern_nonzeros(p);
  BP_TRY(pattern_init(ctx, p->columns, p->rows, (size_t)n, &t));
  for (int64_t e = 0; e < n; e++) t.start[p->column[e] + 1]++;
  add_up(&t);
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e++) t.column[t.start[p->column[e]]++] = (int32_t)i;
  move_back(&t);
  *out = t;
  return BP_OK;
}

/* Merges row i of two patterns, ascending, each column once; column NULL: counts only. */
static int64_t merge_row(const bp_pattern *a, const bp_pattern *b, int64_t i, int32_t *column) {
  int64_t x = a->start[i], x_end = a->start[i + 1], y = b->start[i], y_end = b->start[i + 1], n = 0;
  while (x < x_end || y < y_end) {
    int32_t next = y == y_end || (x < x_end && a->column[x] <= b->column[y]) ? a->column[x] : b->column[y];
    if (column != NULL) column[n] = next;
    n++;
    if (x < x_end && a->column[x] == next) x++;
    if (y < y_end && b->column[y] == next) y++;
  }
  return n;
}

bp_status bp_pattern_symmetric(bp_context *ctx, const bp_pattern *p, bp_pattern *out) {
  bp_pattern t, both;
  int64_t n = 0;
  BP_TRY(bp_pattern_transpose(ctx, p, &t));
  for (int64_t i = 0; i < p->rows; i++) n += merge_row(p, &t, i, NULL);
  bp_status status = pattern_init(ctx, p->rows, p->columns, (size_t)n, &both);
  if (status == BP_OK) {
    for (int64_t i = 0; i < p->rows; i++)
      both.start[i + 1] = both.start[i] + merge_row(p, &t, i, both.column + both.start[i]);
    *out = both;
  }
  bp_pattern_release(bp_context_allocator(ctx), &t);
  return status;
}
