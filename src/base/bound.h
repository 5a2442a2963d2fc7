/* base/bound.h - what memory a file may take: while a bound is open, blocks that are asked for from a context are refused beyond
 *
 *   a constant + BP_BOUND_FACTOR × bytes read from files, as they are stored
 *
 * more than there was when it was opened, or the context's max_memory where the caller gave one. A byte of gzip counts as
 * BP_BOUND_GZIP bytes, as ordinary tables shrink by that; of what does not tell its size, as a pipe, BP_BOUND_PIPE bytes
 * count at most. Every function that reads a file, or that does with a model what the model says, opens one.
 */
#ifndef BP_BASE_BOUND_H
#define BP_BASE_BOUND_H
#include <stdbool.h>
#include <stdint.h>

#include "backprop/context.h"

#define BP_BOUND_FACTOR 64
#define BP_BOUND_GZIP   8
#define BP_BOUND_PIPE   ((uint64_t)32 << 20)
/* Constants: of reading and of using a model; of training, whose network and encoded rows the caller asked for. */
#define BP_BOUND_READING  ((uint64_t)64 << 20)
#define BP_BOUND_TRAINING ((uint64_t)2 << 30)

/* What was before: where a bound is open already, it goes on. */
typedef struct bp_bound {
  bool outer;
} bp_bound;

/* Opens a bound of `constant` bytes; ctx may be NULL: then there is none. */
bp_bound bp_bound_open(bp_context *ctx, uint64_t constant);
/* So many bytes of files were read, or stand for those that were: cells of a table, parameters of a model. */
void bp_bound_credit(bp_context *ctx, uint64_t bytes);
/* Closes it again and returns `status`. Where that is BP_E_NOMEM because of the bound, the message says so; `name` is the file, NULL:
 * no one file. */
bp_status bp_bound_close(bp_context *ctx, bp_bound bound, bp_status status, const char *name);

#endif
