/* cli/json_text.c - the JSON texts that a model and a checkpoint keep for the command. */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#include "backprop/graph.h"
#include "console.h"

static void need_memory(bp_status status) {
  if (status == BP_E_NOMEM) exit(cli_fail(CLI_NO_MEMORY, "out of memory: a JSON text"));
}

bp_json *cli_json_parse(const char *text) {
  bp_json *root = NULL;
  if (text) need_memory(bp_json_parse(NULL, text, strlen(text), &root));
  return root;
}

char *cli_json_end(bp_json_writer *writer) {
  char *text = NULL;
  need_memory(bp_json_end(writer, &text));
  return text;
}

bool cli_json_holds(const char *text) {
  bp_json_writer writer;
  bp_json_begin(&writer, NULL);
  bp_json_put_text(&writer, NULL, text);
  char *json = cli_json_end(&writer);
  bp_string_free(NULL, json);
  return json != NULL;
}

int64_t cli_json_whole_of(const bp_json *object, const char *name) {
  int64_t number = 0;
  (void)bp_json_whole(bp_json_member(object, name), &number);
  return number;
}
