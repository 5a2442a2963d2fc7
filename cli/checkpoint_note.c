/* cli/checkpoint_note.c - the note in a checkpoint, a JSON object: {"data": PATH, "options": {NAME: VALUE, …}}, the options of `train` as
 * they were written.
 */
#include <jansson.h>

#include "train_run.h"

bool cli_option_is_noted(const cli_option *option) {
  static const cli_option_id shown[] = {CLI_OPTION_config, CLI_OPTION_help, CLI_OPTION_json, CLI_OPTION_progress,
                                        CLI_OPTION_quiet};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
    if (option == &cli_options[shown[i]]) return false;
  return cli_option_is_for(option, CLI_COMMAND_train);
}

char *cli_checkpoint_note(const cli_request *request, const char *data) {
  json_t *options = json_object();
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (!request->given[i] || !request->texts[i] || !cli_option_is_noted(option)) continue;
    (void)json_object_set_new(options, option->name, json_string(request->texts[i]));
  }
  json_t *note = json_pack("{s:s,s:o}", "data", data, "options", options);
  char *text = note ? json_dumps(note, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  json_decref(note);
  return text;
}
