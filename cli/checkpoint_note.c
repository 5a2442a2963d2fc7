/* cli/checkpoint_note.c - the note in a checkpoint, a JSON object: {"data": PATH, "files": {NAME: PATH, …}, "options": {NAME: VALUE, …}},
 * the options of `train` as they were written. "files" has those of --out and --log that lie in the folder of the checkpoint,
 * seen from there: only these may be written by a run that goes on without being given them anew (checkpoint_paths.h).
 */
#include <stdlib.h>
#include <string.h>

#include "checkpoint_paths.h"
#include "json_text.h"
#include "train_run.h"

const cli_option_id cli_noted_outputs[CLI_NOTED_OUTPUTS] = {CLI_OPTION_out, CLI_OPTION_log};

bool cli_option_is_noted(const cli_option *option) {
  static const cli_option_id shown[] = {CLI_OPTION_config,     CLI_OPTION_help,     CLI_OPTION_json,
                                        CLI_OPTION_max_memory, CLI_OPTION_progress, CLI_OPTION_quiet};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
    if (option == &cli_options[shown[i]]) return false;
  return cli_option_is_for(option, CLI_COMMAND_train);
}

/* What may be written beside the checkpoint, its path seen from there; NULL: nothing such. free() */
static char *file_beside(const cli_request *request, int option, const char *checkpoint) {
  for (size_t i = 0; i < CLI_NOTED_OUTPUTS; i++)
    if ((int)cli_noted_outputs[i] == option && request->texts[option])
      return cli_path_beside(checkpoint, request->texts[option]);
  return NULL;
}

static int by_name(const void *a, const void *b) {
  return strcmp(cli_options[*(const int *)a].name, cli_options[*(const int *)b].name);
}

char *cli_checkpoint_note(const cli_request *request, const char *data, const char *checkpoint) {
  bp_json_writer w;
  int order[CLI_OPTION_COUNT];
  for (int i = 0; i < CLI_OPTION_COUNT; i++) order[i] = i;
  qsort(order, CLI_OPTION_COUNT, sizeof *order, by_name);
  bp_json_begin(&w, NULL);
  bp_json_open(&w, NULL, '{');
  bp_json_put_text(&w, "data", data);
  bp_json_open(&w, "files", '{');
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    char *name = file_beside(request, order[i], checkpoint);
    if (name) bp_json_put_text(&w, cli_options[order[i]].name, name);
    free(name);
  }
  bp_json_close(&w, '}');
  bp_json_open(&w, "options", '{');
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const char *text = request->texts[order[i]];
    const cli_option *option = &cli_options[order[i]];
    if (request->given[order[i]] && text && cli_option_is_noted(option)) bp_json_put_text(&w, option->name, text);
  }
  bp_json_close(&w, '}');
  bp_json_close(&w, '}');
  return cli_json_end(&w);
}
