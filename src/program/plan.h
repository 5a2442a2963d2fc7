/* program/plan.h - the immutable program that a compilation leaves behind, and the workspace that runs it. */
#ifndef BP_PROGRAM_PLAN_H
#define BP_PROGRAM_PLAN_H
#include <stdatomic.h>

#include "backprop/program.h"
#include "base/arena.h"
#include "base/pool.h"
#include "graph/call.h"
#include "graph/exec.h"

/* Bytes of a register: the block that an elementwise loop keeps in the first-level cache. */
enum { PLAN_REGISTER_BYTES = 4096 };

/* ---- where values lie ---- */
typedef enum plan_place { PLAN_WORKSPACE, PLAN_INPUT, PLAN_OUTPUT, PLAN_CONSTANT } plan_place;
typedef struct plan_buffer {
  plan_place place;
  int32_t number;   /* of the input or output */
  size_t offset;    /* in the workspace; for an output: used when the caller does not want it */
  size_t bytes;     /* at the largest batch */
  const void *data; /* constant */
} plan_buffer;

/* ---- elementwise code ---- */
typedef enum plan_slot_kind {               /* an instruction has its slots in this order */
                              SLOT_PRODUCT, /* the block of rows that the matrix product has just made */
                              SLOT_MEMORY,  /* element e of a buffer */
                              SLOT_TILE, /* element e % period of a buffer, laid out twice over when a task begins; period <= a block */
                              SLOT_STRIP, /* element e % period; longer than a block: read in place unless the block wraps */
                              SLOT_REPEAT,   /* element (e / repeat) % period, gathered block by block */
                              SLOT_REGISTER, /* a block in scratch */
                              SLOT_SCALAR, /* the one element of a buffer, spread over a register when a task begins */
                              SLOT_SPLAT,  /* a register's worth of one constant */
                              SLOT_RAW, /* the whole buffer: row numbers, tables, and numbers that compound kernels read */
                              SLOT_KINDS
} plan_slot_kind;
typedef struct plan_slot {
  uint8_t kind, dtype, size; /* size: bytes of an element */
  int32_t buffer;            /* -1: none */
  size_t offset;             /* of its register or tile in scratch */
  int64_t repeat, period;
  const void *splat;
} plan_slot;

typedef enum plan_code_kind { CODE_ELEMENTWISE, CODE_COMPOUND, CODE_CAST, CODE_GATHER, CODE_ONE_HOT } plan_code_kind;
typedef struct plan_code {
  uint8_t kind, dtype, from; /* from: element type read by casts and gathers */
  int16_t number;            /* of the elementwise or compound kernel */
  union {
    bp_ew_fn ew;
    bp_compound_fn compound;
  } fn;
  /* slots; where a kernel has fewer, the first one again */
  int32_t out[BP_COMPOUND_OUTPUTS], in[BP_COMPOUND_INPUTS];
  int64_t columns; /* gather, one_hot: elements of a row */
} plan_code;

typedef struct plan_arg {
  int32_t buffer;
  bp_dtype dtype;
  bp_shape shape; /* the batch not resolved */
} plan_arg;

typedef enum plan_kind { PLAN_OP, PLAN_FUSED, PLAN_GEMM, PLAN_PACK, PLAN_SCALARS } plan_kind;
/* A branch or loop: programs for its functions. */
typedef struct plan_call {
  bp_call_layout layout;
  bp_program *functions[2]; /* body, other; NULL none */
} plan_call;

typedef struct plan_scalars plan_scalars; /* scalar_code.h */

typedef struct plan_instruction {
  plan_kind kind;
  bp_shape shape; /* the batch not resolved */
  int64_t row;    /* elements of a row */
  /* PLAN_OP, PLAN_GEMM */
  bp_node node;
  const plan_arg *args;
  int32_t n_args, first_arg; /* first_arg: place in the workspace's list */
  int32_t call;              /* number of the branch or loop, when the node is one */
  int32_t out;               /* buffer; -1: the product stays in scratch */
  bool b_packed;             /* the right side of a product was packed by a PLAN_PACK */
  /* PLAN_FUSED, PLAN_GEMM */
  const plan_slot *slots;
  const plan_code *code;
  int32_t n_slots, n_code, n_registers;
  int32_t slots_end[SLOT_KINDS]; /* by kind: one behind its last slot */
  int64_t block;                 /* elements of a block */
  const plan_scalars *scalars;   /* PLAN_SCALARS */
  bool fixed;                    /* in the prologue: depends on the batch alone */
  double flops_per_row, flops;   /* batch rows × the first + the second */
  double bytes_per_row, bytes;
} plan_instruction;

/* Instructions that a thread runs one after the other on a block of rows. */
typedef struct plan_chain {
  int32_t first, count;      /* in the program's list */
  int64_t rows;              /* -1: the batch */
  int64_t block;             /* rows of a block on one thread; the most that scratch has room for */
  double work_per_row, work; /* flops and bytes: batch rows × the first + the second */
  double most_work;          /* with the largest batch */
} plan_chain;
typedef struct plan_phase {
  int32_t first, count;      /* chains, those with most work first */
  double work_per_row, work; /* of all of them */
} plan_phase;

static inline double plan_chain_work(const plan_chain *c, int64_t batch) {
  return c->work_per_row * (double)batch + c->work;
}

/* Numbers that must be in range before anything runs. */
typedef struct plan_check {
  bp_op op;
  int32_t buffer;
  int64_t rows; /* -1: the batch */
  int64_t limit;
} plan_check;

struct bp_program {
  bp_arena arena; /* everything below */
  plan_buffer *buffers;
  plan_instruction *instructions; /* the prologue first, then by phase and chain */
  plan_chain *chains;
  plan_phase *phases;
  plan_check *checks;
  plan_call *calls;
  const int32_t *moving; /* buffers that are the caller's: where they lie may differ from run to run */
  int32_t n_moving;
  int32_t n_buffers, n_instructions, n_prologue, n_chains, n_phases, n_checks, n_calls;
  int32_t n_args; /* of all instructions */
  size_t n_inputs, n_outputs;
  int64_t max_batch;
  size_t workspace_bytes; /* shared values */
  /* scratch of one thread: */
  size_t gemm_scratch, product_bytes, register_bytes, slot_bytes;
};

/* What one branch or loop needs to run. */
typedef struct plan_call_room {
  bp_workspace *functions[2];
  const void **args;
  void *scratch;
} plan_call_room;

typedef struct plan_tape plan_tape;
struct bp_workspace {
  bp_context *ctx;
  bp_allocator allocator;
  const bp_program *program;
  const bp_kernels *kernels;
  bp_pool *pool;
  void **pointers;         /* by buffer, for the run under way */
  bp_exec_arg *args;       /* of all instructions, for the run under way */
  _Atomic int64_t failure; /* of an operation of the user in this run; see graph/exec.h */
  plan_call_room *calls;
  atomic_int status; /* the first failure inside the run under way */
  char *values;
  char *scratch; /* one part per thread */
  size_t scratch_part;
  int threads;
  int64_t batch;
  int64_t args_batch;     /* that the shapes in args were resolved for, -1 none yet */
  int64_t prologue_batch; /* that the fixed part of the prologue was run for, -1 none yet */
  double *alone_until;    /* by phase: the time until which it is not shared; see run_phase() */
  plan_tape *tape;        /* NULL: the program is not small */
  int32_t phase;
};

static inline size_t plan_scratch_bytes(const bp_program *p) {
  return p->gemm_scratch + p->product_bytes + p->register_bytes + p->slot_bytes;
}

/* Work, flops and bytes, of a phase or of a whole program below which waking another thread costs more than it saves: some
 * microseconds. */
#define PLAN_SHARED_WORK 200000.0

/* Branches and loops: room for them in a workspace, and running one. */
bp_status plan_calls_init(bp_workspace *w);
void plan_calls_release(bp_workspace *w);
void plan_run_call(bp_workspace *w, const plan_instruction *ins);

/* One instruction, or what it hands to its kernel, for rows row0 .. row1 - 1; scratch: of the thread. */
void plan_run_instruction(bp_workspace *w, const plan_instruction *ins, int thread, int64_t row0, int64_t row1);
bp_gemm plan_product(const bp_workspace *w, const plan_instruction *ins, char *scratch, int64_t row0, int64_t row1);
bp_exec plan_operation(bp_workspace *w, const plan_instruction *ins, char *scratch);
/* Sets the arguments of all instructions for the run under way. */
void plan_resolve_args(bp_workspace *w);

/* Runs the elementwise code of an instruction on rows row0 .. row1 - 1. scratch: of the thread; the product of a matrix product
 * lies there already. */
void plan_run_fused(const bp_program *p, const plan_instruction *ins, void *const *pointers, char *scratch,
                    int64_t row0, int64_t row1);
/* out[0 .. n) = elements `begin` on of the picked rows of a table, converted; `end`: up to which the caller will go on. */
void plan_gather(const plan_code *c, char *out, const char *table, const int32_t *index, int64_t begin, int64_t n,
                 int64_t end);

#endif
