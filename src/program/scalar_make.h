/* program/scalar_make.h - what a region of numbers is while its code is made. */
#ifndef BP_PROGRAM_SCALAR_MAKE_H
#define BP_PROGRAM_SCALAR_MAKE_H
#include "program/encode.h"
#include "program/scalar_code.h"
#include "program/scalar_slots.h"

enum { SCALAR_CONSTANT = -1, SCALAR_LOAD = -2 };

typedef struct scalar_value {
  int16_t kernel; /* bp_ew, or SCALAR_... */
  bool extended;  /* a chain goes on behind it */
  bool stored;    /* needed when all is done */
  uint32_t arg[3], slot;
  int32_t depth, chain, wanted; /* chain: its first value; wanted: that of the first attempt, when it was long */
  int32_t group;                /* its operations and all that are computed beside them */
  union {
    double number;
    int64_t place; /* of a load */
  } u;
} scalar_value;

typedef struct scalar_key { /* to sort values by */
  int64_t major, minor;
  uint32_t last, value;
} scalar_key;

typedef struct scalar_maker {
  encoder *e;
  const ir *c;
  scalar_value *values;
  size_t n_values, values_capacity;
  uint32_t *elements; /* of all arrays that are put together here */
  size_t n_elements, elements_capacity;
  scalar_key *keys;
  uint32_t *code;
  size_t n_code, code_capacity;
  scalar_move *moves;
  size_t n_moves, moves_capacity;
  size_t n_slots, n_constants;
  slot_plan slots; /* of results */
} scalar_maker;

static inline bool scalar_is_array(const ir_node *n) {
  return n->node.op == BP_OP_concat || n->node.op == BP_OP_assemble;
}
/* Operations that a chain can be of. */
static inline bool scalar_chains(int16_t kernel) {
  return kernel == BP_EW_add || kernel == BP_EW_sub || kernel == BP_EW_mul;
}
static inline void scalar_swap(scalar_value *v) {
  uint32_t a = v->arg[0];
  v->arg[0] = v->arg[1];
  v->arg[1] = a;
}

/* What is known of a node: the number of its value, or of the first of its elements; -1 nothing. */
int32_t *scalar_known(scalar_maker *m, uint32_t id);
/* Makes the values of a node of the region, whose arguments were added before. */
bp_status scalar_add_node(scalar_maker *m, uint32_t id);
/* Fills the depths and chains of all values. */
bp_status scalar_find_chains(scalar_maker *m);

#endif
