/* model/file_parts.h - a model file taken apart: change a part, put it together. */
#ifndef BT_FILE_PARTS_H
#define BT_FILE_PARTS_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_edit.h"
#include "support/testing.h"

typedef struct parts {
  char *header, *data; /* JSON text; the tensors */
  size_t size;
} parts;

static inline parts take_apart(const char *bytes, size_t size) {
  parts p = {0};
  uint64_t stated;
  memcpy(&stated, bytes, 8);
  size_t header = (size_t)stated;
  p.header = strndup(bytes + 8, header);
  p.size = size - 8 - header;
  p.data = malloc(p.size + 64);
  memcpy(p.data, bytes + 8 + header, p.size);
  bt_json_change(&p.header, "__metadata__/backprop.checksum", NULL); /* changed on purpose */
  return p;
}

static inline void release(parts *p) {
  free(p->header);
  free(p->data);
}

static inline void put_together(parts *p, const char *path) {
  size_t header = (strlen(p->header) + 7) / 8 * 8, size = 8 + header + p->size;
  uint64_t stated = header;
  char *bytes = malloc(size);
  memset(bytes, ' ', size);
  memcpy(bytes, &stated, 8);
  memcpy(bytes + 8, p->header, strlen(p->header));
  memcpy(bytes + 8 + header, p->data, p->size);
  bt_write_file(path, bytes, size);
  free(bytes);
  release(p);
}

/* The whole numbers of an array in the entry of a tensor; how many. */
static inline int numbers_of(const parts *p, const char *tensor, const char *array, int64_t out[2]) {
  bp_json *root = bt_json(p->header);
  int n = 0;
  const bp_json *v = bp_json_first(bp_json_member(bp_json_member(root, tensor), array));
  for (; v && n < 2; v = bp_json_next(v)) assert_true(bp_json_whole(v, &out[n++]));
  bp_json_free(root);
  return n;
}

/* NEW (free) a text of the metadata, or NULL. */
static inline char *text_of(const parts *p, const char *key) {
  bp_json *root = bt_json(p->header);
  const char *text = bp_json_text(bp_json_member(bp_json_member(root, "__metadata__"), key));
  char *copy = text ? strdup(text) : NULL;
  bp_json_free(root);
  return copy;
}

/* text NULL: away with it. */
static inline void set_text(parts *p, const char *key, const char *text) {
  char path[64], *quoted = text ? bt_json_quoted(text) : NULL;
  (void)snprintf(path, sizeof path, "__metadata__/%s", key);
  bt_json_change(&p->header, path, quoted);
  free(quoted);
}

/* Sets members of a JSON text in the metadata: {"a": new}; a null removes it. */
static inline void edit_text(parts *p, const char *key, const char *changes) {
  char *text = text_of(p, key);
  bp_json *new = bt_json(changes);
  for (const bp_json *v = bp_json_first(new); v; v = bp_json_next(v)) {
    char *value = bp_json_type(v) == BP_JSON_NULL ? NULL : bt_json_dump(v);
    bt_json_change(&text, bp_json_name(v), value);
    free(value);
  }
  set_text(p, key, text);
  bp_json_free(new);
  free(text);
}

static inline void rename_tensor(parts *p, const char *from, const char *to) {
  bp_json *root = bt_json(p->header);
  char *tensor = bt_json_dump(bp_json_member(root, from));
  bt_json_change(&p->header, from, NULL);
  bt_json_change(&p->header, to, tensor);
  free(tensor);
  bp_json_free(root);
}

#endif
