/* base/json_walk.c - a value that was read, and all that is in it, handed on piece by piece. */
#include "backprop/json.h"

static void walk_container(const char *name, const bp_json *value, const char *brackets, const bp_json_visitor *visitor,
                           void *to) {
  visitor->open(to, name, brackets[0]);
  for (const bp_json *v = bp_json_first(value); v; v = bp_json_next(v)) bp_json_walk(bp_json_name(v), v, visitor, to);
  visitor->close(to, brackets[1]);
}

/* As deep as a text may be that bp_json_parse() reads. */
void bp_json_walk(const char *name, const bp_json *value, const bp_json_visitor *visitor, void *to) {
  int64_t whole = 0;
  double real = 0;
  switch (bp_json_type(value)) {
  case BP_JSON_OBJECT: walk_container(name, value, "{}", visitor, to); break;
  case BP_JSON_ARRAY: walk_container(name, value, "[]", visitor, to); break;
  case BP_JSON_TEXT: visitor->text(to, name, bp_json_text(value)); break;
  case BP_JSON_WHOLE:
    (void)bp_json_whole(value, &whole);
    visitor->whole(to, name, whole);
    break;
  case BP_JSON_REAL:
    (void)bp_json_number(value, &real);
    visitor->real(to, name, real);
    break;
  case BP_JSON_TRUE: visitor->word(to, name, "true"); break;
  case BP_JSON_FALSE: visitor->word(to, name, "false"); break;
  case BP_JSON_NULL:
  case BP_JSON_NONE: visitor->word(to, name, "null"); break;
  }
}
