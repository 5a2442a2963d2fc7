/* cli/predict_command.c - `backprop predict`: a CSV line for each row: columns that are kept, then the prediction. Rows are read,
 * predicted and written piece by piece; what is written begins when the first piece went well.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "file_out.h"
#include "reading.h"

/* Room for the name of a column of the prediction. */
enum { OUTPUT_NAME = 4096 };

/* One run: what is read, and what is written. */
typedef struct prediction {
  bp_context *context;
  const cli_settings *settings;
  const bp_model *model;
  bp_table_stream *stream;
  int64_t *kept; /* columns of the data to copy */
  size_t n_kept;
  bool begun; /* out is open */
  cli_out out;
  int failed; /* to open it */
} prediction;

/* ---- CSV ---- */

/* Quoted where RFC 4180 wants it, and where blanks at an end would be lost to some readers. */
static void put_field(cli_stream *file, const char *text) {
  size_t length = strlen(text);
  bool quoted = strpbrk(text, ",\"\r\n") || (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
  if (!quoted) {
    cli_put_text(file, text);
    return;
  }
  cli_put_char(file, '"');
  for (; *text; text++) {
    if (*text == '"') cli_put_char(file, '"');
    cli_put_char(file, *text);
  }
  cli_put_char(file, '"');
}

static void put_number(cli_stream *file, double value) {
  char text[40];
  cli_put_text(file, cli_number(value, text, sizeof text));
}

static void put_kept(cli_stream *file, const bp_table *table, int64_t row, int64_t column) {
  if (bp_table_type(table, column) == BP_COLUMN_TEXT)
    put_field(file, bp_table_text(table, row, column));
  else
    put_number(file, bp_table_number(table, row, column));
}

/* Columns of the prediction: one for a class or a single number, else one for each output. */
static int64_t columns_of(const prediction *p) {
  bool one_class = bp_model_task(p->model) == BP_TASK_CLASSIFICATION && !p->settings->proba;
  return one_class ? 1 : bp_model_outputs(p->model);
}

/* "prediction", "prediction_NAME" where several numbers are predicted, or a class. */
static const char *column_name(const prediction *p, int64_t column, char name[OUTPUT_NAME]) {
  static const char prefix[] = "prediction_";
  if (p->settings->proba) return bp_model_output_name(p->model, column, name, OUTPUT_NAME);
  if (columns_of(p) == 1) return "prediction";
  (void)memcpy(name, prefix, sizeof prefix);
  (void)bp_model_output_name(p->model, column, name + sizeof prefix - 1, OUTPUT_NAME - (sizeof prefix - 1));
  return name;
}

static void put_header(cli_stream *file, const prediction *p) {
  for (size_t i = 0; i < p->n_kept; i++) {
    put_field(file, bp_table_stream_name(p->stream, p->kept[i]));
    cli_put_char(file, ',');
  }
  for (int64_t i = 0; i < columns_of(p); i++) {
    char name[OUTPUT_NAME];
    if (i > 0) cli_put_char(file, ',');
    put_field(file, column_name(p, i, name));
  }
  cli_put_char(file, '\n');
}

static int64_t largest(const double *values, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (values[i] > values[best]) best = i;
  return best;
}

static void put_row(cli_stream *file, const prediction *p, const bp_table *table, int64_t row, const double *output) {
  int64_t outputs = bp_model_outputs(p->model);
  for (size_t i = 0; i < p->n_kept; i++) {
    put_kept(file, table, row, p->kept[i]);
    cli_put_char(file, ',');
  }
  if (bp_model_task(p->model) == BP_TASK_CLASSIFICATION && !p->settings->proba)
    put_field(file, bp_model_class(p->model, largest(output, outputs)));
  else
    for (int64_t c = 0; c < outputs; c++) {
      if (c > 0) cli_put_char(file, ',');
      put_number(file, output[c]);
    }
  cli_put_char(file, '\n');
}

/* Writes the rows of a table; false when nobody takes them. */
static bool write_rows(void *user, const bp_table *table, const double *output) {
  prediction *p = user;
  int64_t rows = bp_table_rows(table), outputs = bp_model_outputs(p->model);
  if (!p->begun) {
    p->failed = cli_out_open(&p->out, p->context, p->settings->out);
    if (p->failed) return false;
    p->begun = true;
    put_header(p->out.to, p);
  }
  for (int64_t row = 0; row < rows && !p->out.to->error; row++)
    put_row(p->out.to, p, table, row, output + row * outputs);
  return !p->out.to->error;
}

/* ---- kept columns ---- */

static const char *column_at(const void *user, int i) {
  const bp_table_stream *stream = user;
  return i < bp_table_stream_columns(stream) ? bp_table_stream_name(stream, i) : NULL;
}

/* Whether the prediction has a column of that name. */
static bool is_output_name(const prediction *p, const char *name) {
  char text[OUTPUT_NAME];
  for (int64_t i = 0; i < columns_of(p); i++)
    if (strcmp(name, column_name(p, i, text)) == 0) return true;
  return false;
}

static int keep_column(prediction *p, const char *name) {
  int64_t column = bp_table_stream_find(p->stream, name);
  if (column < 0) {
    const char *near = cli_suggest(name, strlen(name), column_at, p->stream);
    return near ? cli_fail(CLI_BAD_DATA, "--keep: the data has no column '%s'; did you mean '%s'?", name, near)
                : cli_fail(CLI_BAD_DATA, "--keep: the data has no column '%s'", name);
  }
  for (size_t i = 0; i < p->n_kept; i++)
    if (p->kept[i] == column) return cli_fail(CLI_USAGE, "--keep: column '%s' is named twice", name);
  if (is_output_name(p, name))
    return cli_fail(CLI_USAGE, "--keep: the prediction has a column '%s' of its own; leave it out", name);
  p->kept[p->n_kept++] = column;
  /* a column that is only copied comes out as it went in */
  if (bp_model_take(p->model, name) == BP_TAKE_NOTHING) bp_table_stream_take(p->stream, column, BP_TAKE_COPY);
  return CLI_DONE;
}

static int find_kept(prediction *p) {
  const char *list = p->settings->keep;
  char *name;
  int failed = CLI_DONE;
  p->kept = cli_alloc((size_t)bp_table_stream_columns(p->stream), sizeof *p->kept);
  while (!failed && cli_list_next(&list, &name)) {
    failed = keep_column(p, name);
    free(name);
  }
  return failed;
}

/* ---- the command ---- */

static int check(bp_context *context, const cli_request *request) {
  const cli_settings *s = &request->settings;
  const char *inputs[] = {request->operands[0], request->operands[1], s->config};
  return s->out ? cli_check_output(context, "--out", s->out, inputs, 3) : CLI_DONE;
}

static int predict(prediction *p, const char *data) {
  if (p->settings->proba && bp_model_task(p->model) != BP_TASK_CLASSIFICATION)
    return cli_fail(CLI_USAGE, "--proba is for classification, but the model predicts the numbers of '%s'",
                    bp_model_target(p->model));
  int failed = cli_open_for_model(p->context, p->settings, p->model, data, &p->stream);
  if (!failed) failed = find_kept(p);
  if (failed) return failed;
  bp_status status = bp_model_predict_stream(p->context, p->model, p->stream, (int)p->settings->threads, write_rows, p);
  failed = status == BP_OK ? p->failed : cli_fail_with(p->context, status);
  return p->begun ? cli_out_close(&p->out, failed) : failed;
}

int cli_run_predict(const cli_request *request) {
  prediction p = {.settings = &request->settings};
  bp_model *model = NULL;
  int status = cli_new_context(request->settings.quiet, request->settings.max_memory, &p.context);
  if (status) return status;
  status = check(p.context, request);
  if (status == CLI_DONE) status = cli_load_model(p.context, request->operands[0], &model);
  p.model = model;
  if (status == CLI_DONE) status = predict(&p, request->operands[1]);
  free(p.kept);
  bp_table_stream_free(p.stream);
  bp_model_free(model);
  bp_context_free(p.context);
  return status;
}
