/* data/labelled.c - the rows of a table that have a target. Floor: data. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "data/column_numbers.h"
#include "data/encoding_parts.h"

/* ---- picking ---- */

bp_status bp_rows_picker_open(bp_context *ctx, const bp_table *table, bp_rows_picker *out) {
  bool *has = bp_alloc(ctx, (size_t)table->rows, sizeof *has);
  if (!has) return BP_E_NOMEM;
  for (int64_t r = 0; r < table->rows; r++) has[r] = true;
  *out = (bp_rows_picker){ctx, table, has};
  return BP_OK;
}

static bp_status list_rows(const bp_rows_picker *p, int64_t n, bp_labelled *out) {
  int64_t rows = p->table->rows;
  out->rows = bp_rows_all(p->table);
  if (n == rows) return BP_OK;
  out->list = bp_alloc(p->ctx, (size_t)n, sizeof *out->list);
  if (!out->list) return BP_E_NOMEM;
  out->room = (size_t)n;
  out->rows = (bp_rows){.list = out->list, .n = n};
  for (int64_t r = 0, at = 0; r < rows; r++)
    if (p->has[r]) out->list[at++] = (int32_t)r;
  return BP_OK;
}

bp_status bp_rows_picker_close(bp_rows_picker *p, const char *target, bp_labelled *out) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  int64_t rows = p->table->rows, n = 0;
  bp_status status = BP_OK;
  for (int64_t r = 0; r < rows; r++) n += p->has[r];
  (void)bp_table_source(p->table, source);
  (void)bp_quote(target, strlen(target), quoted);
  *out = (bp_labelled){0};
  if (n == 0 && rows > 0)
    status = bp_fail(p->ctx, BP_E_DATA, "%s: no row is left: the target '%s' is missing in all %" PRId64 " rows",
                     source, quoted, rows);
  else
    status = list_rows(p, n, out);
  if (status == BP_OK && n < rows)
    bp_note(p->ctx, "%s: %" PRId64 " of %" PRId64 " rows left out: the target '%s' is missing there", source, rows - n,
            rows, quoted);
  bp_release(bp_context_allocator(p->ctx), p->has, (size_t)rows, sizeof *p->has);
  return status;
}

void bp_labelled_release(bp_context *ctx, bp_labelled *labelled) {
  bp_release(bp_context_allocator(ctx), labelled->list, labelled->room, sizeof *labelled->list);
  *labelled = (bp_labelled){0};
}

/* ---- before anything is learnt ---- */

static void strike_out(bp_rows_picker *p, const bp_column_view *view) {
  for (int64_t r = 0; r < p->table->rows; r++)
    p->has[r] &= view->codes ? view->codes[r] >= 0 : !isnan(bp_view_number(view, r));
}

bp_status bp_encoding_labelled(bp_context *ctx, const bp_table *table, const bp_encoding_options *options,
                               bp_labelled *out) {
  bp_aims aims;
  bp_rows_picker picker;
  bp_judging judging = options->goal == BP_GOAL_CLASSIFICATION ? BP_JUDGE_CLASSES : BP_JUDGE_QUIETLY;
  bp_status status = BP_OK;
  *out = (bp_labelled){0};
  BP_TRY(bp_aims_find(ctx, table, options, &aims));
  BP_TRY(bp_rows_picker_open(ctx, table, &picker));
  for (size_t i = 0; i < aims.n_targets && status == BP_OK; i++) {
    bp_sense sense;
    status = bp_column_judge(ctx, table, aims.targets[i], judging, &sense);
    if (status == BP_OK) strike_out(&picker, &sense.view);
    bp_sense_release(table, &sense);
  }
  if (status == BP_OK) return bp_rows_picker_close(&picker, bp_table_name(table, aims.targets[0]), out);
  bp_release(bp_context_allocator(ctx), picker.has, (size_t)table->rows, sizeof *picker.has);
  return status;
}
