/* cli/evaluate_command.c - `backprop evaluate`: the measures of a labelled table, for people or as JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "json_out.h"
#include "reading.h"

enum { MISTAKES = 5, CLASS_NAME = 20 };

/* ---- for people ---- */

static void line(const char *name, double value) {
  char text[32];
  if (!isnan(value)) cli_print("%s%*s%s\n", name, 10 - cli_width(name), "", cli_short_number(value, text, sizeof text));
}

static void loss_line(const bp_model *model, const bp_metrics *m) {
  char nats[32], bits[32];
  const char *name = bp_loss_name(bp_model_loss(model));
  cli_print("%-10s%s", "loss", cli_short_number(m->loss, nats, sizeof nats));
  if (isnan(m->log_loss_bits))
    cli_print(" (%s)\n", name);
  else
    cli_print(" nats, %s bits (%s)\n", cli_short_number(m->log_loss_bits, bits, sizeof bits), name);
}

static int64_t row_sum(const bp_metrics *m, int64_t c) {
  int64_t sum = 0;
  for (int64_t k = 0; k < m->classes; k++) sum += m->confusion[c * m->classes + k];
  return sum;
}

/* A class name cut to fit a column. */
static const char *short_name(const bp_model *model, int64_t c, char text[CLASS_NAME * 4 + 4]) {
  const char *name = bp_model_class(model, c);
  int columns = 0;
  size_t bytes = 0;
  for (; name[bytes] && columns <= CLASS_NAME; bytes++) columns += ((unsigned char)name[bytes] & 0xc0) != 0x80;
  while (columns > CLASS_NAME && bytes > 0) columns -= ((unsigned char)name[--bytes] & 0xc0) != 0x80;
  (void)snprintf(text, CLASS_NAME * 4 + 4, "%.*s%s", (int)bytes, name, name[bytes] ? "…" : "");
  return text;
}

static int name_width(const bp_model *model, int64_t classes) {
  char text[CLASS_NAME * 4 + 4];
  int widest = 5;
  for (int64_t c = 0; c < classes; c++) {
    int width = cli_width(short_name(model, c, text));
    if (width > widest) widest = width;
  }
  return widest;
}

/* Text in a column, right-aligned, whatever its bytes. */
static void print_right(const char *text, int width) {
  int blanks = width - cli_width(text);
  cli_print("%*s%s", blanks > 0 ? blanks : 0, "", text);
}

static void report_classes(const bp_model *model, const bp_metrics *m) {
  char name[CLASS_NAME * 4 + 4], a[32], b[32], c[32], rows[32];
  int width = name_width(model, m->classes);
  cli_print("\n%*s %10s %8s %8s %9s\n", width, "class", "precision", "recall", "F1", "rows");
  for (int64_t i = 0; i < m->classes; i++) {
    print_right(short_name(model, i, name), width);
    cli_print(" %10s %8s %8s %9s\n", cli_short_number(m->precision[i], a, sizeof a),
              cli_short_number(m->recall[i], b, sizeof b), cli_short_number(m->f1[i], c, sizeof c),
              cli_thousands(row_sum(m, i), rows, sizeof rows));
  }
}

static int cell_width(const bp_model *model, const bp_metrics *m) {
  char text[32], name[CLASS_NAME * 4 + 4];
  int widest = 3;
  for (int64_t i = 0; i < m->classes * m->classes; i++) {
    int width = snprintf(text, sizeof text, "%" PRId64, m->confusion[i]);
    if (width > widest) widest = width;
  }
  for (int64_t c = 0; c < m->classes; c++) {
    int width = cli_width(short_name(model, c, name));
    if (width > widest) widest = width;
  }
  return widest + 1;
}

static void report_confusion(const bp_model *model, const bp_metrics *m, int width, int cell) {
  char name[CLASS_NAME * 4 + 4], count[32];
  cli_print("\nconfusion: a line for each true class, a column for each predicted one\n%*s", width, "");
  for (int64_t c = 0; c < m->classes; c++) print_right(short_name(model, c, name), cell);
  cli_print("\n");
  for (int64_t r = 0; r < m->classes; r++) {
    print_right(short_name(model, r, name), width);
    for (int64_t c = 0; c < m->classes; c++) {
      int64_t number = m->confusion[r * m->classes + c];
      (void)snprintf(count, sizeof count, "%" PRId64, number);
      print_right(number ? count : ".", cell);
    }
    cli_print("\n");
  }
}

/* The largest cell off the diagonal that is smaller than `below`, or the same size and behind `after`; -1: none. */
static int64_t next_mistake(const bp_metrics *m, int64_t below, int64_t after) {
  int64_t best = -1, size = 0;
  for (int64_t i = 0; i < m->classes * m->classes; i++) {
    int64_t count = m->confusion[i];
    if (i / m->classes == i % m->classes || count == 0) continue;
    bool allowed = count < below || (count == below && i > after);
    if (allowed && count > size) best = i, size = count;
  }
  return best;
}

/* Where the matrix is too wide for a terminal. */
static void report_mistakes(const bp_model *model, const bp_metrics *m) {
  char truth[CLASS_NAME * 4 + 4], taken[CLASS_NAME * 4 + 4];
  int64_t below = INT64_MAX, cell = -1;
  cli_print("\nmost frequent mistakes (the whole confusion matrix: --json)\n");
  for (int i = 0; i < MISTAKES && (cell = next_mistake(m, below, cell)) >= 0; i++) {
    below = m->confusion[cell];
    cli_print("  %s taken for %s: %" PRId64 "\n", short_name(model, cell / m->classes, truth),
              short_name(model, cell % m->classes, taken), below);
  }
}

static void report(const bp_model *model, const bp_metrics *m) {
  char rows[32];
  cli_print("%-10s%s\n", "rows", cli_thousands(m->rows, rows, sizeof rows));
  loss_line(model, m);
  line("accuracy", m->accuracy);
  line("AUC", m->auc);
  line("RMSE", m->rmse);
  line("MAE", m->mae);
  line("R²", m->r2);
  if (m->task != BP_TASK_CLASSIFICATION) return;
  report_classes(model, m);
  int width = name_width(model, m->classes), columns = cli_terminal_columns(cli_output());
  int cell = m->classes <= 40 ? cell_width(model, m) : columns;
  if (width + m->classes * cell < columns)
    report_confusion(model, m, width, cell);
  else if (m->accuracy < 1)
    report_mistakes(model, m);
}

/* ---- for programs ---- */

static void json_class(cli_json *json, const bp_model *model, const bp_metrics *m, int64_t c) {
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "class", bp_model_class(model, c));
  cli_json_whole(json, "rows", row_sum(m, c));
  cli_json_real(json, "precision", m->precision[c]);
  cli_json_real(json, "recall", m->recall[c]);
  cli_json_real(json, "f1", m->f1[c]);
  cli_json_close(json, '}');
}

static void json_classes(cli_json *json, const bp_model *model, const bp_metrics *m) {
  cli_json_real(json, "accuracy", m->accuracy);
  if (!isnan(m->log_loss_bits)) {
    cli_json_real(json, "log_loss", m->loss);
    cli_json_real(json, "log_loss_bits", m->log_loss_bits);
  }
  if (m->classes == 2) cli_json_real(json, "auc", m->auc);
  cli_json_open(json, "classes", '[');
  for (int64_t c = 0; c < m->classes; c++) json_class(json, model, m, c);
  cli_json_close(json, ']');
  cli_json_open(json, "confusion", '[');
  for (int64_t r = 0; r < m->classes; r++) {
    cli_json_open(json, NULL, '[');
    for (int64_t c = 0; c < m->classes; c++) cli_json_whole(json, NULL, m->confusion[r * m->classes + c]);
    cli_json_close(json, ']');
  }
  cli_json_close(json, ']');
}

static void report_json(const bp_model *model, const bp_metrics *m) {
  cli_json json = {.file = cli_output()};
  cli_json_open(&json, NULL, '{');
  cli_json_whole(&json, "rows", m->rows);
  cli_json_real(&json, "loss", m->loss);
  if (m->task == BP_TASK_CLASSIFICATION)
    json_classes(&json, model, m);
  else {
    cli_json_real(&json, "rmse", m->rmse);
    cli_json_real(&json, "mae", m->mae);
    cli_json_real(&json, "r2", m->r2);
  }
  cli_json_close(&json, '}');
  cli_print("\n");
}

/* ---- the command ---- */

static int evaluate(bp_context *context, const cli_request *request, const bp_model *model) {
  const cli_settings *s = &request->settings;
  bp_table *table = NULL;
  bp_metrics metrics;
  int failed = cli_read_for_model(context, s, model, request->operands[1], NULL, &table);
  if (failed) return failed;
  bp_status status = bp_model_evaluate(context, model, table, (int)s->threads, &metrics);
  bp_table_free(table);
  if (status != BP_OK) return cli_fail_with(context, status);
  if (s->json)
    report_json(model, &metrics);
  else
    report(model, &metrics);
  bp_metrics_release(context, &metrics);
  return CLI_DONE;
}

int cli_run_evaluate(const cli_request *request) {
  bp_context *context;
  bp_model *model = NULL;
  int status = cli_new_context(request->settings.quiet, &context);
  if (status) return status;
  status = cli_load_model(context, request->operands[0], &model);
  if (status == CLI_DONE) status = evaluate(context, request, model);
  bp_model_free(model);
  bp_context_free(context);
  return status;
}
