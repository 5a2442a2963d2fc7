/* cli/json_out.h - writes one JSON text, member by member; numbers are the shortest that read back exactly. */
#ifndef BACKPROP_CLI_JSON_OUT_H
#define BACKPROP_CLI_JSON_OUT_H
#include <stdbool.h>
#include <stdint.h>

#include "stream.h"

#include "backprop/json.h"

typedef struct cli_json {
  cli_stream *file;
  bool comma; /* something stands before the next value */
} cli_json;

/* `key` NULL: an element of an array, or the whole text. open: '{' or '[', to be closed by '}' or ']'. */
void cli_json_open(cli_json *json, const char *key, char open);
void cli_json_close(cli_json *json, char close);
/* NaN and infinities, which JSON does not have, become null. */
void cli_json_real(cli_json *json, const char *key, double value);
void cli_json_whole(cli_json *json, const char *key, int64_t value);
void cli_json_text(cli_json *json, const char *key, const char *value);
void cli_json_bool(cli_json *json, const char *key, bool value);
void cli_json_null(cli_json *json, const char *key);
/* A value that was read, as it is. */
void cli_json_value(cli_json *json, const char *key, const bp_json *value);

#endif
