/* program/compound_match.h - finds elementwise nodes of one instruction that a compound kernel computes in one pass. */
#ifndef BP_PROGRAM_COMPOUND_MATCH_H
#define BP_PROGRAM_COMPOUND_MATCH_H
#include "program/ir.h"

enum { COMPOUND_STEPS = 12 }; /* at most */

/* A compound found: the nodes that it reads, each with the node that reads it, and those that it computes. */
typedef struct compound_found {
  bp_compound compound;
  uint32_t input[BP_COMPOUND_INPUTS], reader[BP_COMPOUND_INPUTS];
  uint32_t step[COMPOUND_STEPS]; /* by step of the pattern: its node */
  uint32_t root;
} compound_found;

/* The first compound from `first` on whose result node `root` is, with every node between in the same instruction. Whether
 * something else reads the nodes between is the caller's to check: compound_output_of_step() says which may be read. */
bool compound_find(const ir *c, uint32_t root, bp_compound first, compound_found *found);
int compound_steps(bp_compound compound);
/* The number of the kernel's output that a step is, -1: none; the root is output 0. */
int compound_output_of_step(bp_compound compound, int step);
/* Whether an input of the kernel is one number. */
bool compound_is_number(bp_compound compound, int input);

#endif
