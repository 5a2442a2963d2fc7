/* cli/progress.c - how training goes on, on standard error.
 *
 * On a terminal the table of epochs grows line by line, and below it one line with a bar is drawn over and over. In a log
 * there are only whole lines of `name value` pairs. Anything else that is said removes the bar first.
 */
#include "progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "json_out.h"

enum { BAR_WIDEST = 30, BAR_NARROWEST = 8, LINES_ALL = 60, LINES_SOME = 20 };
enum { WIDTH_OF_LOSSES = 46, WIDTH_OF_ALL = 68 }; /* columns of the table */

static cli_training *drawing; /* whose bar is on the screen; NULL: none */

/* ---- the table of epochs ---- */

static bool has_line(int epoch, int epochs) {
  int step = epochs <= LINES_ALL ? 1 : (epochs + LINES_SOME - 1) / LINES_SOME;
  return epoch == 1 || epoch == epochs || epoch % step == 0;
}

static void epoch_heading(bool has_accuracy, bool has_valid) {
  cli_put(&cli_stderr, "%10s %11s", "epoch", "loss");
  if (has_accuracy) cli_put(&cli_stderr, " %10s", "accuracy");
  if (has_valid) cli_put(&cli_stderr, " %11s", "valid loss");
  if (has_valid && has_accuracy) cli_put(&cli_stderr, " %10s", "valid acc.");
  cli_put(&cli_stderr, " %11s\n", "time");
}

static void epoch_line(const bp_epoch *epoch, int epochs, bool has_accuracy, bool has_valid) {
  char number[32], text[32];
  (void)snprintf(number, sizeof number, "%d/%d", epoch->epoch, epochs);
  cli_put(&cli_stderr, "%10s %11s", number, cli_short_number(epoch->train_loss, text, sizeof text));
  if (has_accuracy) cli_put(&cli_stderr, " %10s", cli_short_number(epoch->train_accuracy, text, sizeof text));
  if (has_valid) cli_put(&cli_stderr, " %11s", cli_short_number(epoch->valid_loss, text, sizeof text));
  if (has_valid && has_accuracy)
    cli_put(&cli_stderr, " %10s", cli_short_number(epoch->valid_accuracy, text, sizeof text));
  cli_put(&cli_stderr, " %11s\n", cli_duration(epoch->seconds, text, sizeof text));
}

/* "epoch 3/20 loss 0.2134 accuracy 0.9340 valid_loss … time 1.2 s" */
static void plain_line(const cli_training *t, const bp_epoch *epoch) {
  char text[32];
  cli_put(&cli_stderr, "epoch %d/%d loss %s", epoch->epoch, t->epochs,
          cli_short_number(epoch->train_loss, text, sizeof text));
  if (t->has_accuracy) cli_put(&cli_stderr, " accuracy %s", cli_short_number(epoch->train_accuracy, text, sizeof text));
  if (t->has_valid) cli_put(&cli_stderr, " valid_loss %s", cli_short_number(epoch->valid_loss, text, sizeof text));
  if (t->has_valid && t->has_accuracy)
    cli_put(&cli_stderr, " valid_accuracy %s", cli_short_number(epoch->valid_accuracy, text, sizeof text));
  cli_put(&cli_stderr, " time %s\n", cli_duration(epoch->seconds, text, sizeof text));
}

/* ---- the bar ---- */

static void remove_bar(void) {
  if (!drawing || !drawing->bar_shown) return;
  cli_put_text(&cli_stderr, "\r\033[K");
  cli_flush(&cli_stderr);
  drawing->bar_shown = false;
}

/* Adds a piece to text[size] if all of it fits in `room` columns; ASCII only. */
static void add_piece(char *text, size_t size, int room, const char *format, const char *value) {
  char piece[64];
  size_t used = strlen(text);
  (void)snprintf(piece, sizeof piece, format, value);
  size_t length = strlen(piece);
  if (used + length < size && (int)(used + length) <= room) memcpy(text + used, piece, length + 1);
}

/* What stands right of the bar: as much as fits in `room` columns. */
static void bar_text(const cli_training *t, const bp_epoch *epoch, double part, int room, char *text, size_t size) {
  char number[32];
  double seconds = part > 0 ? epoch->seconds * (1 - part) / part : NAN;
  bool known = isfinite(epoch->train_loss);
  (void)snprintf(number, sizeof number, "%3d%%", (int)(100 * part));
  text[0] = '\0';
  add_piece(text, size, room, " %s", number);
  if (known) add_piece(text, size, room, "  loss %s", cli_short_number(epoch->train_loss, number, sizeof number));
  if (known && t->has_accuracy)
    add_piece(text, size, room, "  accuracy %s", cli_short_number(epoch->train_accuracy, number, sizeof number));
  if (isfinite(seconds) && epoch->seconds > 0.5)
    add_piece(text, size, room, "  %s left", cli_duration(seconds, number, sizeof number));
}

static void put_bar(const cli_training *t, int width, double part) {
  const char *full = t->utf8 ? "━" : "=", *empty = t->utf8 ? "─" : "-";
  int filled = (int)(part * width + 0.5);
  if (t->colour) cli_put_text(&cli_stderr, "\033[32m");
  for (int i = 0; i < filled; i++) cli_put_text(&cli_stderr, full);
  if (t->colour) cli_put_text(&cli_stderr, "\033[2m");
  for (int i = filled; i < width; i++) cli_put_text(&cli_stderr, empty);
  if (t->colour) cli_put_text(&cli_stderr, "\033[0m");
}

static void draw_bar(cli_training *t, const bp_epoch *epoch, double done) {
  char left[32], right[160];
  int columns = cli_terminal_columns(&cli_stderr) - 1; /* the last one would wrap */
  double part = (epoch->epoch - 1 + done) / t->epochs;
  if (part > 1) part = 1;
  int used = snprintf(left, sizeof left, "%6d/%d ", epoch->epoch, t->epochs);
  int width = columns - used - 50;
  width = width > BAR_WIDEST ? BAR_WIDEST : width < BAR_NARROWEST ? BAR_NARROWEST : width;
  if (columns < used + width + 5) width = 0;
  bar_text(t, epoch, part, columns - used - width, right, sizeof right);
  cli_put(&cli_stderr, "\r%.*s", columns, left);
  put_bar(t, width, part);
  cli_put(&cli_stderr, "%s\033[K", right);
  cli_flush(&cli_stderr);
  t->bar_shown = true;
  t->drawn = epoch->seconds;
}

/* ---- the log ---- */

static void log_measures(cli_json *json, const char *key, double loss, double accuracy, bool has_accuracy) {
  cli_json_open(json, key, '{');
  cli_json_real(json, "loss", loss);
  if (has_accuracy) cli_json_real(json, "accuracy", accuracy);
  cli_json_close(json, '}');
}

/* One object for each layer that has parameters. */
static void log_norms(cli_json *json, const cli_training *t) {
  cli_json_open(json, "norms", '[');
  for (int l = 0; l < t->layers; l++) {
    char name[32];
    (void)snprintf(name, sizeof name, "layers.%d", l);
    if (!(t->norms[l].weights > 0 || t->norms[l].gradient > 0)) continue;
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "layer", name);
    cli_json_real(json, "weights", t->norms[l].weights);
    cli_json_real(json, "gradient", t->norms[l].gradient);
    cli_json_real(json, "update", t->norms[l].update);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
}

static void log_epoch(const cli_training *t, const bp_epoch *epoch) {
  cli_json json = {.file = t->log->to};
  cli_json_open(&json, NULL, '{');
  cli_json_whole(&json, "epoch", epoch->epoch);
  cli_json_whole(&json, "steps", epoch->steps);
  cli_json_real(&json, "seconds", epoch->seconds);
  log_measures(&json, "train", epoch->train_loss, epoch->train_accuracy, t->has_accuracy);
  if (t->has_valid)
    log_measures(&json, "valid", epoch->valid_loss, epoch->valid_accuracy, t->has_accuracy);
  else
    cli_json_null(&json, "valid");
  if (t->layers > 0) log_norms(&json, t);
  cli_json_close(&json, '}');
  cli_put_char(json.file, '\n');
  cli_flush(t->log->to); /* a log is followed while it grows */
}

/* ---- the loop's side ---- */

/* Whether the terminal's text is UTF-8, as the environment says. */
static bool says_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (int i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (value && value[0]) return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
  }
  return false;
}

void cli_progress_begin(cli_training *training, const cli_settings *settings, int epochs, bool has_valid,
                        cli_out *log) {
  *training = (cli_training){.style = (cli_progress)settings->progress,
                             .utf8 = says_utf8(),
                             .colour = cli_has_colour(&cli_stderr),
                             .epochs = epochs,
                             .has_valid = has_valid,
                             .drawn = -1,
                             .log = log};
  if (settings->quiet) training->style = CLI_PROGRESS_NONE;
  if (training->style == CLI_PROGRESS_AUTO)
    training->style = cli_is_terminal(&cli_stderr) ? CLI_PROGRESS_BAR : CLI_PROGRESS_PLAIN;
  drawing = training;
  cli_set_before_message(remove_bar);
}

/* A line of the table on a terminal, with as many of its columns as there is room for. */
static void table_line(cli_training *t, const bp_epoch *epoch) {
  int columns = cli_terminal_columns(&cli_stderr);
  bool valid = t->has_valid && columns > WIDTH_OF_LOSSES;
  bool accuracy = t->has_accuracy && columns > (valid ? WIDTH_OF_ALL : WIDTH_OF_LOSSES);
  remove_bar();
  if (!t->header_shown) epoch_heading(accuracy, valid);
  t->header_shown = true;
  epoch_line(epoch, t->epochs, accuracy, valid);
}

static void show_epoch(cli_training *t, const bp_epoch *epoch) {
  if (t->style == CLI_PROGRESS_PLAIN) plain_line(t, epoch);
  if (t->style == CLI_PROGRESS_BAR) table_line(t, epoch);
}

static void end_of_epoch(cli_training *t, const bp_epoch *epoch) {
  if (t->log) log_epoch(t, epoch);
  t->last = *epoch;
  t->last_shown = has_line(epoch->epoch, t->epochs);
  if (t->last_shown) show_epoch(t, epoch);
}

bool cli_progress_step(void *user, const bp_epoch *epoch, double done) {
  cli_training *t = user;
  t->last_epoch = epoch->epoch;
  t->has_accuracy = !isnan(epoch->train_accuracy);
  if (done >= 1) end_of_epoch(t, epoch);
  bool ended = done >= 1, last = ended && epoch->epoch == t->epochs;
  bool due = t->drawn < 0 || epoch->seconds - t->drawn >= (ended ? 0.03 : 0.1); /* back at once after a line */
  if (t->style == CLI_PROGRESS_BAR && !last && due) draw_bar(t, epoch, done);
  return true;
}

bp_action cli_progress_after_step(void *user, const bp_fit_step *step) {
  cli_training *t = user;
  t->last_epoch = step->epoch;
  t->last_step = step->step;
  t->layers = step->norms == NULL ? 0 : step->layers < CLI_NORMS_MAX ? step->layers : CLI_NORMS_MAX;
  if (t->layers > 0) memcpy(t->norms, step->norms, (size_t)t->layers * sizeof *step->norms);
  if (cli_caught_signal()) return BP_SUSPEND;
  return cli_checkpoint_wanted() ? BP_CHECKPOINT : BP_GO_ON;
}

void cli_progress_past(cli_training *training, const bp_epoch *history, int epochs) {
  for (int i = 0; i < epochs && training->log; i++) {
    training->has_accuracy = !isnan(history[i].train_accuracy);
    log_epoch(training, &history[i]);
  }
  training->first_epoch = epochs + 1;
}

void cli_progress_end(cli_training *training) {
  remove_bar();
  if (training->last.epoch > 0 && !training->last_shown) show_epoch(training, &training->last); /* where it stopped */
  if (training->header_shown) cli_put_text(&cli_stderr, "\n"); /* the table ends here */
  cli_set_before_message(NULL);
  drawing = NULL;
}
