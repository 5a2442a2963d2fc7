/* cli/checkpoint_note.c - the note in a checkpoint, a JSON object: {"data": PATH, "files": {NAME: PATH, …}, "options": {NAME: VALUE, …}},
 * the options of `train` as they were written. "files" has those of --out and --log that lie in the folder of the checkpoint,
 * seen from there: only these may be written by a run that goes on without being given them anew (checkpoint_paths.h).
 */
#include <jansson.h>
#include <stdlib.h>

#include "checkpoint_paths.h"
#include "train_run.h"

const cli_option_id cli_noted_outputs[CLI_NOTED_OUTPUTS] = {CLI_OPTION_out, CLI_OPTION_log};

bool cli_option_is_noted(const cli_option *option) {
  static const cli_option_id shown[] = {CLI_OPTION_config, CLI_OPTION_help, CLI_OPTION_json, CLI_OPTION_progress,
                                        CLI_OPTION_quiet};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
    if (option == &cli_options[shown[i]]) return false;
  return cli_option_is_for(option, CLI_COMMAND_train);
}

static json_t *files_beside(const cli_request *request, const char *checkpoint) {
  json_t *files = json_object();
  for (size_t i = 0; i < CLI_NOTED_OUTPUTS; i++) {
    const char *path = request->texts[cli_noted_outputs[i]];
    char *name = path ? cli_path_beside(checkpoint, path) : NULL;
    if (name) (void)json_object_set_new(files, cli_options[cli_noted_outputs[i]].name, json_string(name));
    free(name);
  }
  return files;
}

char *cli_checkpoint_note(const cli_request *request, const char *data, const char *checkpoint) {
  json_t *options = json_object();
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (!request->given[i] || !request->texts[i] || !cli_option_is_noted(option)) continue;
    (void)json_object_set_new(options, option->name, json_string(request->texts[i]));
  }
  json_t *note =
      json_pack("{s:s,s:o,s:o}", "data", data, "files", files_beside(request, checkpoint), "options", options);
  char *text = note ? json_dumps(note, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  json_decref(note);
  return text;
}
