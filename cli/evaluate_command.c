/* cli/evaluate_command.c - `backprop evaluate`: the measures of a labelled table, for people or as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "json_out.h"
#include "reading.h"

enum { MISTAKES = 5, CLASS_NAME = 20 };

/* ---- for people ---- */

/* A line with a measure, where it applies, and a word on it. */
static void line(const char *name, double value, const char *remark) {
  char text[32];
  if (isnan(value)) return;
  cli_print("%s%*s%*s", name, 10 - cli_width(name), "", *remark ? -6 : 0, cli_short_number(value, text, sizeof text));
  cli_print(*remark ? "  %s\n" : "%s\n", remark);
}

/* What accuracy alone does not tell. */
static void class_lines(const bp_metrics *m) {
  char top[24], top_remark[64];
  static const char rest[] = "mean of each class against the rest";
  bool two = m->classes == 2;
  (void)snprintf(top, sizeof top, "top %" PRId64, m->k);
  (void)snprintf(top_remark, sizeof top_remark, "the truth is among the %" PRId64 " likeliest classes", m->k);
  line("accuracy", m->accuracy, "");
  line("balanced", m->balanced_accuracy, "accuracy where every class counts the same");
  line(top, m->top_k, top_remark);
  line("MCC", m->mcc, "correlation of truth and prediction: 0 as by chance, 1 best");
  line("ROC AUC", m->auc, two ? "how well the classes are ranked apart: 0.5 as by chance, 1 best" : rest);
  line("PR AUC", m->pr_auc, two ? "mean precision, over all thresholds" : rest);
  line("Brier", m->brier, "squared error of the probabilities: 0 best");
  line("ECE", m->calibration_error, "calibration: how far confidence is from accuracy");
}

/* One line for each of several targets. */
static void target_lines(const bp_model *model, const bp_metrics *m) {
  char rmse[32], mae[32], r2[32];
  int width = 6;
  if (m->n_targets < 2) return;
  for (int64_t t = 0; t < m->n_targets; t++) {
    int own = cli_width(bp_model_target_at(model, t));
    if (own > width) width = own;
  }
  cli_print("\n%-*s %10s %10s         R²\n", width, "target", "RMSE", "MAE");
  for (int64_t t = 0; t < m->n_targets; t++) {
    const bp_value_metrics *v = &m->targets[t];
    const char *name = bp_model_target_at(model, t);
    cli_print("%s%*s %10s %10s %10s\n", name, width - cli_width(name), "", cli_short_number(v->rmse, rmse, sizeof rmse),
              cli_short_number(v->mae, mae, sizeof mae), cli_short_number(v->r2, r2, sizeof r2));
  }
}

static void value_lines(const bp_model *model, const bp_metrics *m) {
  line("accuracy", m->accuracy, "share of labels on the right side of a half");
  line("RMSE", m->rmse, "root of the mean squared error, in units of the target");
  line("MAE", m->mae, "mean of the absolute errors");
  line("median", m->median_error, "of the absolute errors");
  line("largest", m->max_error, "absolute error");
  line("bias", m->bias, "mean of prediction - truth");
  line("R²", m->r2, "share of the variance explained: 0 as the mean does, 1 best");
  cli_wrap_output(0);
  target_lines(model, m);
}

static void loss_line(const bp_model *model, const bp_metrics *m) {
  char nats[32], bits[32], name[64];
  (void)bp_objective_text(bp_model_objective(model), name, sizeof name);
  if (isnan(m->loss)) return;
  cli_print("%-10s%s", "loss", cli_short_number(m->loss, nats, sizeof nats));
  if (isnan(m->log_loss) || m->log_loss != m->loss)
    cli_print(" (%s)\n", name);
  else
    cli_print(" nats, %s bits (%s)\n", cli_short_number(m->log_loss_bits, bits, sizeof bits), name);
}

/* Rows, or their weight where rows have weights: "12", "12.50". Returns text. */
static const char *count_text(double count, char text[32]) {
  (void)snprintf(text, 32, count == floor(count) ? "%.0f" : "%.2f", count);
  return text;
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
  int widest = 7; /* "by rows" */
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

static void score_line(const char *name, int width, const bp_class_score *score) {
  char a[32], b[32], c[32], rows[32];
  print_right(name, width);
  cli_print(" %10s %8s %8s %9s\n", cli_short_number(score->precision, a, sizeof a),
            cli_short_number(score->recall, b, sizeof b), cli_short_number(score->f1, c, sizeof c),
            score->weight == floor(score->weight) ? cli_thousands((int64_t)score->weight, rows, sizeof rows)
                                                  : count_text(score->weight, rows));
}

static void report_classes(const bp_model *model, const bp_metrics *m) {
  char name[CLASS_NAME * 4 + 4];
  int width = name_width(model, m->classes);
  cli_print("\n%*s %10s %8s %8s %9s\n", width, "class", "precision", "recall", "F1", "rows");
  for (int64_t i = 0; i < m->classes; i++) score_line(short_name(model, i, name), width, &m->scores[i]);
  score_line("mean", width, &m->macro);
  score_line("by rows", width, &m->weighted);
}

static int cell_width(const bp_model *model, const bp_metrics *m) {
  char text[32], name[CLASS_NAME * 4 + 4];
  int widest = 3;
  for (int64_t i = 0; i < m->classes * m->classes; i++) {
    int width = cli_width(count_text(m->confusion[i], text));
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
  cli_wrap_output(11);
  cli_print("\nconfusion: a line for each true class, a column for each predicted one\n");
  cli_wrap_output(0);
  cli_print("%*s", width, "");
  for (int64_t c = 0; c < m->classes; c++) print_right(short_name(model, c, name), cell);
  cli_print("\n");
  for (int64_t r = 0; r < m->classes; r++) {
    print_right(short_name(model, r, name), width);
    for (int64_t c = 0; c < m->classes; c++) {
      double number = m->confusion[r * m->classes + c];
      print_right(number > 0 ? count_text(number, count) : ".", cell);
    }
    cli_print("\n");
  }
}

/* The largest cell off the diagonal that is smaller than `below`, or the same size and behind `after`; -1: none. */
static int64_t next_mistake(const bp_metrics *m, double below, int64_t after) {
  int64_t best = -1;
  double size = 0;
  for (int64_t i = 0; i < m->classes * m->classes; i++) {
    double count = m->confusion[i];
    if (i / m->classes == i % m->classes) continue;
    bool allowed = count < below || (count == below && i > after);
    if (allowed && count > size) best = i, size = count;
  }
  return best;
}

/* Where the matrix is too wide for a terminal. */
static void report_mistakes(const bp_model *model, const bp_metrics *m) {
  char truth[CLASS_NAME * 4 + 4], taken[CLASS_NAME * 4 + 4], count[32];
  double below = INFINITY;
  int64_t cell = -1;
  cli_wrap_output(2);
  cli_print("\nmost frequent mistakes (the whole confusion matrix: --json)\n");
  for (int i = 0; i < MISTAKES && (cell = next_mistake(m, below, cell)) >= 0; i++) {
    below = m->confusion[cell];
    cli_print("  %s taken for %s: %s\n", short_name(model, cell / m->classes, truth),
              short_name(model, cell % m->classes, taken), count_text(below, count));
  }
  cli_wrap_output(0);
}

static void report(const bp_model *model, const bp_metrics *m) {
  char rows[32];
  cli_wrap_output(10);
  cli_print("%-10s%s\n", "rows", cli_thousands(m->rows, rows, sizeof rows));
  if (bp_model_is_multilabel(model)) cli_print("%-10s%s\n", "task", bp_model_task_text(model));
  loss_line(model, m);
  if (m->task != BP_TASK_CLASSIFICATION) {
    value_lines(model, m);
    return;
  }
  class_lines(m);
  cli_wrap_output(0);
  report_classes(model, m);
  int width = name_width(model, m->classes), columns = cli_terminal_columns(cli_output());
  int cell = m->classes <= 40 ? cell_width(model, m) : columns;
  if (width + m->classes * cell < columns)
    report_confusion(model, m, width, cell);
  else if (m->accuracy < 1)
    report_mistakes(model, m);
}

/* ---- for programs ---- */

/* Members of an object, in order. `always`: null where it does not apply, else left out. */
typedef struct member {
  const char *key;
  size_t field; /* a double in bp_metrics */
  bool always;
} member;

#define FIELD(name) offsetof(bp_metrics, name)

static const member class_members[] = {
    {"accuracy", FIELD(accuracy), true},
    {"balanced_accuracy", FIELD(balanced_accuracy), true},
    {"mcc", FIELD(mcc), true},
    {"kappa", FIELD(kappa), true},
    {"log_loss", FIELD(log_loss), false},
    {"log_loss_bits", FIELD(log_loss_bits), false},
    {"brier", FIELD(brier), false},
    {"calibration_error", FIELD(calibration_error), false},
    {"auc", FIELD(auc), true},
    {"pr_auc", FIELD(pr_auc), true},
};

static const member value_members[] = {
    {"accuracy", FIELD(accuracy), false},
    {"rmse", FIELD(rmse), true},
    {"mae", FIELD(mae), true},
    {"median_error", FIELD(median_error), true},
    {"max_error", FIELD(max_error), true},
    {"bias", FIELD(bias), true},
    {"r2", FIELD(r2), true},
    {"coverage", FIELD(coverage), true},
};

static void json_members(cli_json *json, const bp_metrics *m, const member *members, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double value;
    memcpy(&value, (const char *)m + members[i].field, sizeof value);
    if (members[i].always || !isnan(value)) cli_json_real(json, members[i].key, value);
  }
}

/* A count of rows, or a weight. */
static void json_count(cli_json *json, const char *key, double count) {
  if (count == floor(count))
    cli_json_whole(json, key, (int64_t)count);
  else
    cli_json_real(json, key, count);
}

static void json_score(cli_json *json, const char *key, const char *class_name, const bp_class_score *score) {
  cli_json_open(json, key, '{');
  if (class_name) cli_json_text(json, "class", class_name);
  json_count(json, "rows", score->weight);
  cli_json_real(json, "precision", score->precision);
  cli_json_real(json, "recall", score->recall);
  cli_json_real(json, "f1", score->f1);
  cli_json_close(json, '}');
}

static void json_confusion(cli_json *json, const bp_metrics *m) {
  cli_json_open(json, "confusion", '[');
  for (int64_t r = 0; r < m->classes; r++) {
    cli_json_open(json, NULL, '[');
    for (int64_t c = 0; c < m->classes; c++) json_count(json, NULL, m->confusion[r * m->classes + c]);
    cli_json_close(json, ']');
  }
  cli_json_close(json, ']');
}

static void json_classes(cli_json *json, const bp_model *model, const bp_metrics *m) {
  json_members(json, m, class_members, sizeof class_members / sizeof *class_members);
  if (!isnan(m->top_k)) {
    cli_json_open(json, "top_k", '{');
    cli_json_whole(json, "k", m->k);
    cli_json_real(json, "accuracy", m->top_k);
    cli_json_close(json, '}');
  }
  json_score(json, "macro", NULL, &m->macro);
  json_score(json, "weighted", NULL, &m->weighted);
  cli_json_open(json, "classes", '[');
  for (int64_t c = 0; c < m->classes; c++) json_score(json, NULL, bp_model_class(model, c), &m->scores[c]);
  cli_json_close(json, ']');
  json_confusion(json, m);
}

static void json_targets(cli_json *json, const bp_model *model, const bp_metrics *m) {
  if (m->n_targets < 2) return;
  cli_json_open(json, "targets", '[');
  for (int64_t t = 0; t < m->n_targets; t++) {
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "target", bp_model_target_at(model, t));
    cli_json_real(json, "rmse", m->targets[t].rmse);
    cli_json_real(json, "mae", m->targets[t].mae);
    cli_json_real(json, "r2", m->targets[t].r2);
    cli_json_close(json, '}');
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
    json_members(&json, m, value_members, sizeof value_members / sizeof *value_members);
    json_targets(&json, model, m);
  }
  cli_json_close(&json, '}');
  cli_print("\n");
}

/* ---- the command ---- */

static int evaluate(bp_context *context, const cli_request *request, const bp_model *model) {
  const cli_settings *s = &request->settings;
  bp_table *table = NULL;
  bp_metrics metrics;
  int failed = cli_read_for_model(context, s, model, request->operands[1], &table);
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
  int status = cli_new_context(request->settings.quiet, request->settings.max_memory, &context);
  if (status) return status;
  status = cli_load_model(context, request->operands[0], &model);
  if (status == CLI_DONE) status = evaluate(context, request, model);
  bp_model_free(model);
  bp_context_free(context);
  return status;
}
