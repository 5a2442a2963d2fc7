/* cli/reading.h - tables and models from files, as the options say. */
#ifndef BACKPROP_CLI_READING_H
#define BACKPROP_CLI_READING_H
#include "options.h"

/* NEW table. `labels`: the file of labels for IDX images, NULL: none. Returns 0, or an exit status after a message. */
int cli_read_table(bp_context *context, const cli_settings *settings, const char *path, const char *labels,
                   bp_table **out);

/* NEW table of the same columns as another, read before: what is text there is text here. */
int cli_read_beside(bp_context *context, const cli_settings *settings, const bp_table *table, const char *path,
                    const char *labels, bp_table **out);

int cli_load_model(bp_context *context, const char *path, bp_model **out);

/* NEW table for a model: what it reads as text is taken as text, and what it was told to take as missing counts as missing. */
int cli_read_for_model(bp_context *context, const cli_settings *settings, const bp_model *model, const char *path,
                       bp_table **out);
/* NEW stream of the same; columns that the model does not read are not looked at. */
int cli_open_for_model(bp_context *context, const cli_settings *settings, const bp_model *model, const char *path,
                       bp_table_stream **out);

/* NEW the setting of a name that a model was trained with, as it would be written in an option; NULL: not known. free(). */
char *cli_recorded_setting(const bp_model *model, const char *name);
/* NEW the settings to be recorded: a JSON object of option names and values, one line. What is not UTF-8 is
 * left out with a warning. bp_string_free() */
char *cli_settings_text(const cli_settings *settings);

/* Whether `name` is in a comma-separated list of names as the library reads them. */
bool cli_list_has(const char *list, const char *name);
/* Takes the next name off a comma-separated list: NEW in *name (free()), NULL in *list at its end; false when there is none.
 * Blanks around a name are dropped; a name in double quotes may hold commas. */
bool cli_list_next(const char **list, char **name);

#endif
