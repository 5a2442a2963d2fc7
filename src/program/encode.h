/* program/encode.h - the two halves of encoding: where values lie, and the code of one instruction. */
#ifndef BP_PROGRAM_ENCODE_H
#define BP_PROGRAM_ENCODE_H
#include "program/compound_match.h"
#include "program/ir.h"
#include "program/plan.h"

/* Scratch of the encoder, by node of the list; valid for an instruction when stamp holds its number + 1. */
typedef struct encode_value {
  int32_t stamp;
  int32_t slot;
  int32_t last_use; /* place in the body of the last reader */
  int32_t runs_at;  /* place in the body where its code stands: its own, or that of the root of its compound */
  int32_t found;    /* the compound that computes it, -1 none */
} encode_value;

typedef struct encoder {
  ir *c;
  bp_program *p;
  encode_value *values;
  /* the instruction under way */
  int32_t instruction;
  int64_t block;         /* elements of a register */
  size_t register_bytes; /* used so far */
  size_t block_bytes;    /* of a register */
  compound_found *found; /* compounds in the body */
  size_t n_found, found_capacity;
  plan_slot *slots;
  size_t n_slots, slots_capacity;
  int32_t *free_registers; /* slots whose register nobody needs any more */
  size_t n_free, free_capacity;
  int32_t n_registers;
} encoder;

/* Fills offset of every buffer that lies in the workspace, and workspace_bytes. */
bp_status encode_memory(ir *c, bp_program *p);
/* Counts flops and bytes of an instruction, of which everything else is encoded (cost.c). */
void encode_cost(const ir *c, const bp_program *p, const ir_instruction *from, plan_instruction *to);
/* Fills slots and code of an instruction from its body. */
bp_status encode_body(encoder *e, const ir_instruction *from, plan_instruction *to);
/* The code of a region of numbers. */
bp_status encode_scalars(encoder *e, const ir_instruction *from, plan_instruction *to);

#endif
