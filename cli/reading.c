/* cli/reading.c - tables and models from files, and the settings that a model remembers. */
#include "reading.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "console.h"
#include "json_text.h"

/* ---- lists of names, written as the library reads them: commas between, double quotes around what holds one ---- */

static const char *skip_blanks(const char *text) { return text + strspn(text, " \t"); }

/* The name at `text` into name[], which has room; gives what follows it. */
static const char *unquote(const char *text, char *name) {
  for (text++; *text; text++) {
    if (*text == '"' && text[1] != '"') return text + 1;
    if (*text == '"') text++;
    *name++ = *text;
  }
  return text;
}

bool cli_list_next(const char **list, char **name) {
  const char *text = *list;
  if (!text) return false;
  text = skip_blanks(text);
  *name = cli_alloc(strlen(text) + 1, 1);
  if (*text == '"')
    text = skip_blanks(unquote(text, *name));
  else {
    size_t length = strcspn(text, ",");
    memcpy(*name, text, length);
    text += length;
    while (length > 0 && strchr(" \t", (*name)[length - 1])) (*name)[--length] = '\0';
  }
  *list = *text == ',' ? text + 1 : NULL;
  return true;
}

bool cli_list_has(const char *list, const char *name) {
  char *item;
  bool found = false;
  while (!found && cli_list_next(&list, &item)) {
    found = strcmp(item, name) == 0;
    free(item);
  }
  return found;
}

/* A list that grows. */
typedef struct name_list {
  char *text; /* NULL: empty */
  size_t length, capacity;
} name_list;

static void list_char(name_list *list, char c) {
  if (list->length + 2 > list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 256;
    char *text = cli_alloc(list->capacity, 1);
    if (list->text) memcpy(text, list->text, list->length);
    free(list->text);
    list->text = text;
  }
  list->text[list->length++] = c;
  list->text[list->length] = '\0';
}

static void list_add(name_list *list, const char *name) {
  if (list->length > 0) list_char(list, ',');
  list_char(list, '"');
  for (; *name; name++) {
    if (*name == '"') list_char(list, '"');
    list_char(list, *name);
  }
  list_char(list, '"');
}

/* ---- files ---- */

int cli_load_model(bp_context *context, const char *path, bp_model **out) {
  bp_status status = bp_model_load(context, path, out);
  return status == BP_OK ? CLI_DONE : cli_fail_with(context, status);
}

static bp_read_options read_options(const cli_settings *settings, const char *labels, const char *as_text,
                                    const char *missing) {
  return (bp_read_options){.size = sizeof(bp_read_options),
                           .labels = labels,
                           .delimiter = (char)settings->delimiter,
                           .header = settings->header == 1   ? 1
                                     : settings->header == 2 ? -1
                                                             : 0,
                           .missing = missing,
                           .as_text = as_text,
                           .comment = (char)settings->comment,
                           .skip = settings->skip.n,
                           .decimal = (char)settings->decimal,
                           .thousands = (char)settings->thousands};
}

static bp_status read_table(bp_context *context, const cli_settings *settings, const char *path, const char *labels,
                            const char *as_text, const char *missing, bp_table **out) {
  bp_read_options options = read_options(settings, labels, as_text, missing);
  return bp_table_read(context, path, &options, out);
}

int cli_read_table(bp_context *context, const cli_settings *settings, const char *path, const char *labels,
                   bp_table **out) {
  bp_status status = read_table(context, settings, path, labels, settings->text, settings->missing, out);
  return status == BP_OK ? CLI_DONE : cli_fail_with(context, status);
}

static void add_if_text(name_list *list, const cli_settings *settings, const bp_model *model, const char *name) {
  if (bp_model_take(model, name) == BP_TAKE_TEXT && !cli_list_has(settings->text, name)) list_add(list, name);
}

/* Columns that must be text: those asked for, and those that the model reads as text. */
static name_list text_columns(const cli_settings *settings, const bp_model *model) {
  name_list list = {0};
  const char *asked = settings->text;
  char *name;
  while (cli_list_next(&asked, &name)) {
    list_add(&list, name);
    free(name);
  }
  for (int64_t i = 0; i < bp_model_columns(model); i++)
    add_if_text(&list, settings, model, bp_model_column(model, i).name);
  for (int64_t i = 0; i < bp_model_targets(model); i++)
    add_if_text(&list, settings, model, bp_model_target_at(model, i));
  return list;
}

/* The columns that are text in the training table. */
static name_list texts_of(const bp_table *table) {
  name_list list = {0};
  for (int64_t i = 0; i < bp_table_columns(table); i++)
    if (bp_table_type(table, i) == BP_COLUMN_TEXT) list_add(&list, bp_table_name(table, i));
  return list;
}

static void take_recorded(cli_settings *settings, const bp_model *model, cli_option_id id) {
  const cli_option *option = &cli_options[id];
  char *text = cli_recorded_setting(model, option->name);
  if (text)
    (void)cli_parse_value(option, text,
                          (char *)settings + option->field); /* another meaning of the name is none of it */
  free(text);
}

/* The settings, with what they leave open as it was in training. */
static cli_settings settings_for(const cli_settings *given, const bp_model *model) {
  cli_settings settings = *given;
  if (!given->skip.given) take_recorded(&settings, model, CLI_OPTION_skip);
  if (given->comment == 0) take_recorded(&settings, model, CLI_OPTION_comment);
  if (!given->skip.given && settings.skip.n > 0 && !given->quiet)
    cli_note("the first lines of the data are left out, as many as in training; --skip 0 keeps them");
  return settings;
}

/* A pipe gives its data once; whoever opens it again waits for ever. */
static bool can_be_read_again(const char *path) {
  struct stat info;
  return strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

int cli_read_beside(bp_context *context, const cli_settings *settings, const bp_table *table, const char *path,
                    const char *labels, bp_table **out) {
  name_list text = texts_of(table);
  bp_status status = read_table(context, settings, path, labels, text.text, settings->missing, out);
  /* as below */
  if (status == BP_E_DATA && can_be_read_again(path))
    status = read_table(context, settings, path, labels, settings->text, settings->missing, out);
  free(text.text);
  return status == BP_OK ? CLI_DONE : cli_fail_with(context, status);
}

int cli_read_for_model(bp_context *context, const cli_settings *given, const bp_model *model, const char *path,
                       bp_table **out) {
  const cli_settings for_model = settings_for(given, model), *settings = &for_model;
  name_list text = text_columns(settings, model);
  char *recorded = settings->missing ? NULL : cli_recorded_setting(model, "missing");
  const char *missing = settings->missing ? settings->missing : recorded;
  bp_status status = read_table(context, settings, path, settings->labels, text.text, missing, out);
  /* A column that the model names may not be there at all: who looks for it says that better. */
  if (status == BP_E_DATA && can_be_read_again(path))
    status = read_table(context, settings, path, settings->labels, settings->text, missing, out);
  free(recorded);
  free(text.text);
  return status == BP_OK ? CLI_DONE : cli_fail_with(context, status);
}

int cli_open_for_model(bp_context *context, const cli_settings *given, const bp_model *model, const char *path,
                       bp_table_stream **out) {
  const cli_settings for_model = settings_for(given, model), *settings = &for_model;
  char *recorded = settings->missing ? NULL : cli_recorded_setting(model, "missing");
  const char *missing = settings->missing ? settings->missing : recorded;
  bp_read_options options = read_options(settings, settings->labels, settings->text, missing);
  bp_status status = bp_table_stream_open(context, path, &options, out);
  free(recorded);
  if (status != BP_OK) return cli_fail_with(context, status);
  for (int64_t i = 0; i < bp_table_stream_columns(*out); i++) {
    const char *name = bp_table_stream_name(*out, i);
    if (!cli_list_has(settings->text, name)) bp_table_stream_take(*out, i, bp_model_take(model, name));
  }
  return CLI_DONE;
}

/* ---- settings that a model remembers ---- */

char *cli_settings_text(const cli_settings *settings) {
  char value[4096], warning[128];
  bp_json_writer w;
  bp_json_begin(&w, NULL);
  bp_json_open(&w, NULL, '{');
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (!option->recorded || !cli_value_text(option, settings, value, sizeof value)[0]) continue;
    if (cli_json_holds(value)) {
      bp_json_put_text(&w, option->name, value);
      continue;
    }
    (void)snprintf(warning, sizeof warning, "the model does not record --%s: it is not UTF-8", option->name);
    cli_warn(warning);
  }
  bp_json_close(&w, '}');
  return cli_json_end(&w);
}

char *cli_recorded_setting(const bp_model *model, const char *name) {
  bp_json *record = cli_json_parse(bp_model_record(model));
  bp_json *settings = cli_json_parse(bp_json_text(bp_json_member(record, "settings")));
  const char *value = bp_json_text(bp_json_member(settings, name));
  char *copy = value ? cli_copy(value, strlen(value)) : NULL;
  bp_json_free(settings);
  bp_json_free(record);
  return copy;
}
