/* cli/inspect_settings.h - how a model was trained, as options of `train`. */
#ifndef BACKPROP_CLI_INSPECT_SETTINGS_H
#define BACKPROP_CLI_INSPECT_SETTINGS_H
#include "backprop/json.h"
#include "backprop/model.h"

/* Prints what was set and what the training decided by itself. settings: the options as the command had them; resolved: the values that
 * the training took. Either may be NULL, or no object: files of others, and of older versions, have none. */
void cli_report_settings(const bp_model *model, const bp_json *settings, const bp_json *resolved);

#endif
