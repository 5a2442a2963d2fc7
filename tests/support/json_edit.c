/* support/json_edit.c - JSON texts with something in them changed: read, and written anew but for that. */
#include "support/json_edit.h"

#include <stdlib.h>
#include <string.h>

#include "backprop/graph.h"
#include "support/testing.h"

bp_json *bt_json(const char *text) {
  bp_json *root = NULL;
  if (bp_json_parse(NULL, text, strlen(text), &root) != BP_OK) fail_msg("not JSON: %s", text);
  return root;
}

/* What was written, in memory of malloc. */
static char *taken(bp_json_writer *w) {
  char *text = NULL;
  assert_int_equal(bp_json_end(w, &text), BP_OK);
  char *copy = strdup(text);
  bp_string_free(NULL, text);
  assert_non_null(copy);
  return copy;
}

char *bt_json_dump(const bp_json *value) {
  bp_json_writer w;
  bp_json_begin(&w, NULL);
  bp_json_put(&w, NULL, value);
  return taken(&w);
}

char *bt_json_quoted(const char *text) {
  bp_json_writer w;
  bp_json_begin(&w, NULL);
  bp_json_put_text(&w, NULL, text);
  return taken(&w);
}

/* Where the change is, and what comes there. */
typedef struct change {
  const char *path; /* NULL: by number */
  const bp_json *value;
  size_t left; /* values before it */
  bool done;
} change;

static void put(bp_json_writer *w, const bp_json *v, change *c);

static void put_members(bp_json_writer *w, const bp_json *value, change *c) {
  const char *path = c->path;
  size_t length = path ? strcspn(path, "/") : 0;
  for (const bp_json *v = bp_json_first(value); v; v = bp_json_next(v)) {
    const char *name = bp_json_name(v);
    if (path && !(name && strlen(name) == length && strncmp(name, path, length) == 0)) {
      bp_json_put(w, name, v);
      continue;
    }
    if (path) c->path = path + length + (path[length] == '/');
    put(w, v, c);
  }
  if (path && !c->done && !path[length] && c->value) {
    bp_json_put(w, path, c->value);
    c->done = true;
  }
}

static void put(bp_json_writer *w, const bp_json *v, change *c) {
  bp_json_kind kind = bp_json_type(v);
  bool here = !c->done && (c->path ? !*c->path : c->left-- == 0);
  if (here) {
    c->done = true;
    if (c->value) bp_json_put(w, bp_json_name(v), c->value);
  } else if (c->done || (kind != BP_JSON_OBJECT && kind != BP_JSON_ARRAY)) {
    bp_json_put(w, bp_json_name(v), v);
  } else {
    bp_json_open(w, bp_json_name(v), kind == BP_JSON_OBJECT ? '{' : '[');
    put_members(w, v, c);
    bp_json_close(w, kind == BP_JSON_OBJECT ? '}' : ']');
  }
}

static char *changed(const char *text, change *c, const char *value) {
  bp_json *root = bt_json(text), *new = value ? bt_json(value) : NULL;
  bp_json_writer w;
  c->value = new;
  bp_json_begin(&w, NULL);
  put(&w, root, c);
  bp_json_free(root);
  bp_json_free(new);
  return taken(&w);
}

char *bt_json_set(const char *text, const char *path, const char *value) {
  change c = {.path = path};
  char *out = changed(text, &c, value);
  if (!c.done) fail_msg("%s has no %s", text, path);
  return out;
}

void bt_json_change(char **text, const char *path, const char *value) {
  char *out = bt_json_set(*text, path, value);
  free(*text);
  *text = out;
}

char *bt_json_set_nth(const char *text, size_t n, const char *value) {
  change c = {.left = n + 1};
  char *out = changed(text, &c, value);
  if (c.done) return out;
  free(out);
  return NULL;
}
