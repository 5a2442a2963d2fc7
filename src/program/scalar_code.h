/* program/scalar_code.h - the code of a region of numbers.
 *
 * All values lie in one array of slots: constants, then what is read from arrays, then results. Operations that are alike and do not
 * need each other stand in a row, so that their results are neighbours; where their arguments are at equal distances too,
 * one loop does them all (SCALAR_RUN). A sum or product of many terms is a loop with the value under way in a register
 * (SCALAR_CHAIN). What is left is done one by one.
 */
#ifndef BP_PROGRAM_SCALAR_CODE_H
#define BP_PROGRAM_SCALAR_CODE_H
#include "program/plan.h"

/* Words of code: the operation, then its fields. */
enum { SCALAR_ONE_WORDS = 5, SCALAR_RUN_WORDS = 9, SCALAR_CHAIN_WORDS = 6 };
typedef enum scalar_form {
  SCALAR_ONE,   /* operation, out, a, b, c */
  SCALAR_RUN,   /* operation, n, out, a, b, c, and the distances of a, b, c */
  SCALAR_SHORT, /* the same of few sums, differences or products */
  SCALAR_CHAIN  /* operation, n, out, a, b, and the distance of b: out = a op b, then each from the one before */
} scalar_form;
/* The first word: the kernel and the form. */
static inline uint32_t scalar_word(bp_ew kernel, scalar_form form) { return (uint32_t)kernel << 2 | (uint32_t)form; }

/* Elements of a buffer, and the slots that they are read from or written to. */
typedef struct scalar_move {
  int32_t buffer;
  uint32_t slot;
  int64_t slot_step, first, step, n;
} scalar_move;

struct plan_scalars {
  bp_real real;
  const uint32_t *code;
  const void *constants; /* of slots 0 .. n_constants - 1 */
  const scalar_move *loads, *stores;
  size_t n_words, n_constants, n_loads, n_stores, n_slots, n_values; /* n_values: operations */
};

/* Bytes of scratch that a run needs. */
size_t plan_scalars_scratch(const struct plan_scalars *s);
void plan_run_scalars(const bp_workspace *w, const struct plan_scalars *s, char *scratch);

#endif
