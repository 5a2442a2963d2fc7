/* cli/resume_command.c - `backprop resume`: the settings and the data that a checkpoint's note names (checkpoint_note.c), and on with
 * it. What decides the result cannot be given anew; where files are, and what is shown, can. What is written is never decided by
 * the note alone (checkpoint_paths.h), and the checkpoint is written where it was read.
 */
#include <stdlib.h>
#include <string.h>

#include "checkpoint_paths.h"
#include "commands.h"
#include "console.h"
#include "json_text.h"
#include "train_run.h"

/* ---- from the note to settings ---- */

static int bad_note(const char *path, const char *what) {
  return cli_fail(CLI_BAD_MODEL, "%s: its note %s; was it written by `backprop train`?", path, what);
}

/* One option of the note, unless the command line gives it anew. */
static int take_option(cli_request *request, const char *path, const char *name, const char *text) {
  char where[320];
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (strcmp(option->name, name) != 0 || !cli_option_is_noted(option) || !text) continue;
    if (request->given[i]) return CLI_DONE;
    request->given[i] = true;
    request->texts[i] = text;
    (void)snprintf(where, sizeof where, "%.200s: %s", path, name);
    return cli_set_option(&request->settings, option, where, text) ? CLI_BAD_MODEL : CLI_DONE;
  }
  return cli_fail(CLI_BAD_MODEL, "%s: its note has an option '%.60s' that this backprop does not know", path, name);
}

/* An option that names a file to write: from the list of files beside the checkpoint, or not at all. */
static int take_output(cli_request *request, const char *path, const bp_json *note, cli_option_id id, char **made) {
  const cli_option *option = &cli_options[id];
  const bp_json *noted = bp_json_member(bp_json_member(note, "options"), option->name);
  const char *text = bp_json_text(noted);
  const char *name = bp_json_text(bp_json_member(bp_json_member(note, "files"), option->name));
  if (request->given[id] || !noted) return CLI_DONE;
  if (!text) return bad_note(path, "has an option that is no text");
  int failed = cli_noted_output(path, option->name, text, name, made);
  if (failed) return failed;
  request->given[id] = true;
  request->texts[id] = *made;
  return cli_set_option(&request->settings, option, path, *made) ? CLI_BAD_MODEL : CLI_DONE;
}

static bool names_output(const char *name) {
  if (strcmp(name, cli_options[CLI_OPTION_checkpoint].name) == 0) return true;
  for (size_t i = 0; i < CLI_NOTED_OUTPUTS; i++)
    if (strcmp(name, cli_options[cli_noted_outputs[i]].name) == 0) return true;
  return false;
}

static int take_options(cli_request *request, const char *path, const bp_json *note) {
  const bp_json *options = bp_json_member(note, "options");
  if (bp_json_type(options) != BP_JSON_OBJECT) return bad_note(path, "has no options");
  for (const bp_json *v = bp_json_first(options); v; v = bp_json_next(v)) {
    const char *name = bp_json_name(v);
    int failed = names_output(name) ? CLI_DONE : take_option(request, path, name, bp_json_text(v));
    if (failed) return failed;
  }
  return CLI_DONE;
}

/* Files that are read because the note says so. */
static int check_inputs(const cli_request *given, const cli_request *request, const char *data) {
  const char *path = given->operands[0];
  const cli_settings *s = &request->settings;
  const struct {
    const char *file, *how;
    bool by_note;
  } files[] = {{data, "DATA behind it", given->n_operands < 2},
               {s->labels, "--labels FILE", !given->given[CLI_OPTION_labels]},
               {s->valid.file, "--valid FILE", !given->given[CLI_OPTION_valid]},
               {s->valid_labels, "--valid-labels FILE", !given->given[CLI_OPTION_valid_labels]}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    int failed = files[i].file && files[i].by_note ? cli_noted_input(path, files[i].how, files[i].file) : CLI_DONE;
    if (failed) return failed;
  }
  return CLI_DONE;
}

/* The data: those of the command line, else those of the note. */
static int find_data(const cli_request *request, const bp_json *note, const char **data) {
  const char *path = request->operands[0];
  *data = request->n_operands > 1 ? request->operands[1] : bp_json_text(bp_json_member(note, "data"));
  if (!*data) return bad_note(path, "names no data");
  if (strcmp(*data, "-") != 0 || request->n_operands > 1) return CLI_DONE;
  return cli_fail(CLI_USAGE, "%s: its data came from standard input; give them again: backprop resume %s DATA", path,
                  path);
}

/* What the command line gives, before the note is added to it. */
static int check_given(const cli_request *request) {
  if (!request->given[CLI_OPTION_valid] || request->settings.valid.file) return CLI_DONE;
  return cli_fail(
      CLI_USAGE,
      "--valid %s: expected the name of a file, where the validation rows are now; a part set aside stays as it was",
      request->texts[CLI_OPTION_valid]);
}

static int resume(const cli_request *given, cli_request *request, bp_checkpoint *checkpoint, const bp_json *note,
                  char *made[]) {
  const char *path = request->operands[0], *data = NULL;
  const bp_epoch *history;
  int failed = check_given(request);
  if (!failed) failed = take_options(request, path, note);
  for (size_t i = 0; i < CLI_NOTED_OUTPUTS && !failed; i++)
    failed = take_output(request, path, note, cli_noted_outputs[i], &made[i]);
  if (!failed) failed = cli_check_pairs(request);
  if (!failed) failed = find_data(request, note, &data);
  if (!failed) failed = check_inputs(given, request, data);
  if (failed) return failed;
  if (!request->settings.checkpoint) request->settings.checkpoint = path;
  cli_past past = {.path = path, .epochs = bp_checkpoint_history(checkpoint, &history)};
  past.history = history;
  return cli_train(request, data, &past);
}

static int read_note(const char *path, const bp_checkpoint *checkpoint, bp_json **note) {
  *note = cli_json_parse(bp_checkpoint_note(checkpoint));
  return bp_json_type(*note) == BP_JSON_OBJECT ? CLI_DONE : bad_note(path, "is no JSON object");
}

int cli_run_resume(const cli_request *given) {
  cli_request request = *given;
  bp_context *context = NULL;
  bp_checkpoint *checkpoint = NULL;
  bp_json *note = NULL;
  char *made[CLI_NOTED_OUTPUTS] = {NULL};
  int status = cli_new_context(given->settings.quiet, given->settings.max_memory, &context);
  if (status) return status;
  bp_status read = bp_checkpoint_read(context, given->operands[0], &checkpoint);
  status = read == BP_OK ? read_note(given->operands[0], checkpoint, &note) : cli_fail_with(context, read);
  if (status == CLI_DONE) status = resume(given, &request, checkpoint, note, made);
  for (size_t i = 0; i < CLI_NOTED_OUTPUTS; i++) free(made[i]);
  bp_json_free(note);
  bp_checkpoint_free(checkpoint);
  bp_context_free(context);
  return status;
}
