/* cli/json_text.h - the JSON texts that a model and a checkpoint keep for the command. Without memory all of these exit with 7. */
#ifndef BACKPROP_CLI_JSON_TEXT_H
#define BACKPROP_CLI_JSON_TEXT_H
#include "backprop/json.h"

/* NEW tree; NULL when `text` is NULL or no JSON. bp_json_free() */
bp_json *cli_json_parse(const char *text);
/* NEW text that a writer made; NULL when a text in it is not UTF-8. bp_string_free() */
char *cli_json_end(bp_json_writer *writer);
/* Whether JSON can hold it: it is UTF-8. */
bool cli_json_holds(const char *text);
/* A whole number of an object; 0 if there is none. */
int64_t cli_json_whole_of(const bp_json *object, const char *name);

#endif
