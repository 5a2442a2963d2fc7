/* backprop/json.h - JSON (RFC 8259): a text as a tree of values, and a text written value by value.
 *
 * It is what the texts of a model are written in: its training record, and the note that a program keeps in a checkpoint.
 *
 *   BP_TRY(bp_json_parse(context, text, strlen(text), &root));
 *   if (!bp_json_whole(bp_json_member(root, "rows"), &rows)) …
 *   bp_json_free(root);
 *
 * A value that is not there is NULL, which every function here takes and answers with "none".
 */
#ifndef BACKPROP_JSON_H
#define BACKPROP_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backprop/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading ---- */

typedef struct bp_json bp_json;
typedef enum bp_json_kind {
  BP_JSON_NONE, /* NULL */
  BP_JSON_NULL,
  BP_JSON_FALSE,
  BP_JSON_TRUE,
  BP_JSON_WHOLE, /* written without point and exponent, and fits int64_t; not -0 */
  BP_JSON_REAL,  /* any other number: the double nearest to it */
  BP_JSON_TEXT,
  BP_JSON_ARRAY,
  BP_JSON_OBJECT
} bp_json_kind;

/* NEW tree of the value that is all of text[size], immutable; its memory is one block of at most 9 bytes for each byte of text and
 * 64 more. Release the root with bp_json_free().
 * BP_E_DATA   it is no JSON; the message names line and column. Strict: UTF-8 only, no name twice in an object, no \u0000, at most
 *             100 arrays and objects inside one another, numbers of at most 1024 characters in the range of a double
 * BP_E_LIMIT  2 GiB or more
 * BP_E_NOMEM */
BP_API bp_status bp_json_parse(bp_context *context, const char *text, size_t size, bp_json **out);
BP_API void bp_json_free(bp_json *root);

BP_API bp_json_kind bp_json_type(const bp_json *value);
/* How many members or elements; 0 for any other value. */
BP_API size_t bp_json_size(const bp_json *value);
/* VIEW the member of an object, NULL if there is none of that name. It is looked for from the first on. */
BP_API const bp_json *bp_json_member(const bp_json *object, const char *name);
/* VIEW the first of an array or object, and the one behind; NULL: no more. In the order of the text. */
BP_API const bp_json *bp_json_first(const bp_json *value);
BP_API const bp_json *bp_json_next(const bp_json *value);
/* VIEW the name of a member; NULL for any other value. */
BP_API const char *bp_json_name(const bp_json *member);
/* VIEW UTF-8; NULL unless the value is a text. */
BP_API const char *bp_json_text(const bp_json *value);
/* False, and *out untouched, unless the value is a whole number; any number; true or false. */
BP_API bool bp_json_whole(const bp_json *value, int64_t *out);
BP_API bool bp_json_number(const bp_json *value, double *out);
BP_API bool bp_json_truth(const bp_json *value, bool *out);

/* What bp_json_walk() calls, in the order of the text: `name` is that of a member, NULL for an element; `word` is true, false or null. */
typedef struct bp_json_visitor {
  void (*open)(void *to, const char *name, char bracket); /* '[' or '{', before what the array or object holds */
  void (*close)(void *to, char bracket);
  void (*text)(void *to, const char *name, const char *value);
  void (*whole)(void *to, const char *name, int64_t value);
  void (*real)(void *to, const char *name, double value);
  void (*word)(void *to, const char *name, const char *word);
} bp_json_visitor;
/* Hands on a value and all that is in it, NULL as null; `name` is what the value itself is called. */
BP_API void bp_json_walk(const char *name, const bp_json *value, const bp_json_visitor *visitor, void *to);

/* ---- writing ---- */

/* A text in the making, on one line without blanks. The first failure sticks: what follows does nothing, and bp_json_end() reports
 * it. Its members are its own business. */
typedef struct bp_json_writer {
  bp_context *context;
  char *data;
  size_t size, capacity;
  bool fixed, comma; /* data is the caller's, what does not fit is cut; something stands before the next value */
  bp_status status;
} bp_json_writer;

BP_API void bp_json_begin(bp_json_writer *writer, bp_context *context);
/* `name` NULL: an element of an array, or the whole text. A name is not written twice: that is the caller's to see to.
 * open: '{' or '[', to be closed by '}' or ']'. */
BP_API void bp_json_open(bp_json_writer *writer, const char *name, char open);
BP_API void bp_json_close(bp_json_writer *writer, char close);
/* Fails with BP_E_ARG when it is not UTF-8. */
BP_API void bp_json_put_text(bp_json_writer *writer, const char *name, const char *value);
BP_API void bp_json_put_whole(bp_json_writer *writer, const char *name, int64_t value);
/* Reads back as the same double; always with a point or an exponent. NaN and infinities, which JSON does not have: null. */
BP_API void bp_json_put_real(bp_json_writer *writer, const char *name, double value);
BP_API void bp_json_put_bool(bp_json_writer *writer, const char *name, bool value);
BP_API void bp_json_put_null(bp_json_writer *writer, const char *name);
/* A value that was read, NULL as null. */
BP_API void bp_json_put(bp_json_writer *writer, const char *name, const bp_json *value);
/* NEW text, to be released with bp_string_free(); ends the writer whatever happens. */
BP_API bp_status bp_json_end(bp_json_writer *writer, char **out);

#ifdef __cplusplus
}
#endif
#endif
