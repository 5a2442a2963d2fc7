/* support/fuzzing.h - what every target needs: a check that ends the run, and input that is taken byte by byte. */
#ifndef FUZZ_FUZZING_H
#define FUZZ_FUZZING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline void check(bool holds) {
  if (!holds) abort();
}

/* What is left of an input; behind its end there are zeros. */
typedef struct byte_stream {
  const uint8_t *data;
  size_t size;
} byte_stream;

static inline unsigned next_byte(byte_stream *s) {
  if (s->size == 0) return 0;
  s->size--;
  return *s->data++;
}

/* 0 .. n - 1 */
static inline int next_below(byte_stream *s, int n) { return (int)next_byte(s) % n; }

#endif
