/* program/ir.h - the compiler's own list of nodes, and the instructions that it becomes.
 *
 * The way of a compilation, one file each:
 *   lower      the nodes that the outputs need, copied out of the graph (prune)
 *   simplify   constants folded, common subexpressions shared, views composed
 *   legalize   what has to lie in memory is made a node of its own: transposed operands, materialised views, stores
 *   scalars    regions of numbers, which become one instruction each
 *   fuse       nodes become instructions; elementwise nodes join the instruction that feeds them
 *   schedule   instructions become chains over row blocks, chains become phases
 *   memory     buffers for what is handed on between instructions
 *   encode     the immutable program
 */
#ifndef BP_PROGRAM_IR_H
#define BP_PROGRAM_IR_H
#include "backprop/program.h"
#include "graph/exec.h"

typedef struct ir_node {
  bp_node node; /* arguments are numbers of this list; 0: none. BP_OP_scalar with a shape is that value everywhere */
  bp_shape shape;
  int32_t input;       /* number among the inputs, -1: computed */
  int32_t output;      /* number of the output that it is written to, -1: none */
  int32_t state;       /* a store: number of the input that it is written to, -1: none */
  int32_t instruction; /* that computes it, -1: none (inputs, constants, views) */
  bool live;
  bool strided; /* a broadcast that is an instruction, not a view */
  bool
      packed; /* a copy of the node's argument in the order in which matrix products read it; the shape is the argument's */
  bool early;       /* a number that depends on inputs only, or what it is made of */
  bool in_memory;   /* read by another instruction, or written to an output or a state */
  uint32_t readers; /* nodes of instructions that read its memory */
  int32_t buffer;   /* where it lies, -1: nowhere */
  int32_t region;   /* of numbers, 0: in none; there a slice has the place that it reads in attr.bits */
} ir_node;

/* How an elementwise instruction reads the value of a node. */
typedef enum ir_read {
  IR_READ_FULL,  /* element e */
  IR_READ_VIEW,  /* element (e / repeat) % period */
  IR_READ_SPLAT, /* one constant */
  IR_READ_NONE   /* cannot be read elementwise: must be materialised first */
} ir_read;
typedef struct ir_access {
  ir_read read;
  uint32_t source; /* the node whose memory is read, behind reshapes and broadcasts */
  bp_view view;
} ir_access;

typedef enum ir_kind {
  IR_OP,     /* one node through graph/exec.h */
  IR_FUSED,  /* elementwise nodes, run block by block */
  IR_GEMM,   /* a matrix product, then elementwise nodes on each block of its rows */
  IR_SCALARS /* a region of numbers */
} ir_kind;

typedef struct ir_instruction {
  ir_kind kind;
  uint32_t main;  /* IR_OP, IR_GEMM: the node */
  uint32_t *body; /* elementwise nodes in order */
  size_t n_body, body_capacity;
  bp_shape shape; /* rows and columns that it runs over */
  bool dead;
  bool prologue; /* computed before the first phase: a scalar that depends on inputs only, or what follows */
  bool constant; /* an array that depends on constants only: computed once for each workspace */
  int32_t phase, chain;
  int32_t follower; /* the newest loop over values that this one could not take in, 0 none */
} ir_instruction;

/* Instruction `to` needs what `from` made (or must come after it, because it overwrites what `from` reads). */
typedef struct ir_edge {
  int32_t from, to;
  bool same_rows; /* a row block of `to` needs only the same row block of `from` */
} ir_edge;

typedef struct ir {
  bp_context *ctx;
  bp_allocator allocator;
  ir_node *nodes; /* [0] unused */
  size_t size, capacity;
  uint32_t *args; /* the arguments of nodes of arity BP_NARY */
  size_t n_args, args_capacity;
  uint32_t *input_node; /* by input: its node, 0: not used */
  size_t n_inputs;
  size_t n_outputs;
  int64_t max_batch;
  bool no_fusion;
  ir_instruction *instructions; /* in an order that respects their needs */
  size_t n_instructions, instructions_capacity;
  ir_edge *edges;
  size_t n_edges, edges_capacity;
  int32_t phases, chains;
} ir;

void ir_release(ir *c);
/* Appends a node; 0 when memory is out. */
uint32_t ir_append(ir *c, const ir_node *node);
/* Gives a node of arity BP_NARY a place of its own in the pool, its arguments still to be set; others need none. */
bp_status ir_reserve_args(ir *c, ir_node *node);

bp_status ir_lower(ir *c, const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs);
bp_status ir_simplify(ir *c);
bp_status ir_legalize(ir *c);
bp_status ir_find_scalars(ir *c);
bp_status ir_fuse(ir *c);
bp_status ir_schedule(ir *c);
bp_status ir_encode(ir *c, bp_program **out);

/* ---- asked by several passes ---- */
static inline int ir_arity(const ir_node *n) { return n->node.op == BP_OP_axis_size ? 0 : bp_node_arity(&n->node); }
static inline uint32_t ir_arg(const ir *c, const ir_node *n, int a) {
  return bp_op_table[n->node.op].arity != BP_NARY ? n->node.arg[a] : c->args[n->node.arg[0] + (uint32_t)a];
}
static inline void ir_set_arg(ir *c, ir_node *n, int a, uint32_t to) {
  if (bp_op_table[n->node.op].arity != BP_NARY)
    n->node.arg[a] = to;
  else
    c->args[n->node.arg[0] + (uint32_t)a] = to;
}
/* Nodes that elementwise instructions can hold. */
bool ir_is_elementwise(const ir_node *n);
/* Nodes that no instruction computes: inputs, constants, views. */
bool ir_is_virtual(const ir_node *n);
/* A broadcast that is read where its argument lies. */
static inline bool ir_is_view(const ir_node *n) { return n->node.op == BP_OP_broadcast && !n->strided; }
/* How an elementwise node of shape `shape` reads node `id`. */
ir_access ir_access_of(const ir *c, uint32_t id, const bp_shape *shape);
/* Behind reshapes: the node that owns the memory. */
uint32_t ir_memory_node(const ir *c, uint32_t id);
/* Whether rows r0 .. r1 of node `id` need only the same rows of argument a; nothing else is said of elementwise nodes. */
bool ir_same_rows(const ir *c, uint32_t id, int a);
/* Nodes that are computed in one piece: their rows cannot be cut. */
bool ir_is_whole(const ir_node *n);
/* Same leading size: rows of one are rows of the other. */
bool ir_rows_match(const bp_shape *a, const bp_shape *b);
/* Whether two nodes have as many elements and as many rows, so that one loop can run over both. */
bool ir_same_space(const bp_shape *a, const bp_shape *b);

#endif
