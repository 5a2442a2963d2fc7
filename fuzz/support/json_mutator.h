/* support/json_mutator.h - JSON text with another value in a place: what stays JSON gets past the reader, to those who must judge
 * the values. The text is cut into values without a library, so that text that is no JSON can be changed as well.
 */
#ifndef FUZZ_JSON_MUTATOR_H
#define FUZZ_JSON_MUTATOR_H
#include "support/fuzzing.h"

typedef struct json_text {
  char *at; /* not closed by a NUL */
  size_t size, room;
} json_text;

/* A value or a key: where it begins and ends. kind: '"', '[', '{', or '0' for numbers and literals. */
typedef struct json_span {
  size_t begin, end;
  char kind;
} json_span;
enum { JSON_SPANS = 1024 };
int json_spans(const json_text *text, json_span spans[JSON_SPANS]);

/* Puts `size` bytes in place of begin .. end - 1; false, and nothing done, where there is no room. */
bool json_splice(json_text *text, size_t begin, size_t end, const char *with, size_t size);
/* One change, chosen by *random, which moves on. */
void json_mutate(json_text *text, unsigned *random);
/* 0 .. n - 1 */
unsigned random_below(unsigned *random, unsigned n);

#endif
