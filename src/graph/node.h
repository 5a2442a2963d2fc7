/* graph/node.h - what a graph is made of, for the floors above: autodiff walks nodes, program compiles them. */
#ifndef BP_GRAPH_NODE_H
#define BP_GRAPH_NODE_H
#include "backprop/graph.h"
#include "backprop/ops.h"
#include "base/arena.h"
#include "kernels/kernels.h"
#include "tensor/shape.h"

typedef enum bp_op {
#define BP_OP(name, arity, class, kernel, spelling) BP_OP_##name,
#include "graph/ops.def"
#undef BP_OP
  BP_OP_COUNT
} bp_op;

typedef enum bp_op_class {
  BP_CLASS_LEAF,
  BP_CLASS_ELEMENTWISE,
  BP_CLASS_LINEAR,
  BP_CLASS_CUSTOM,
  BP_CLASS_FLAT
} bp_op_class;

#define BP_EW_NONE (-1)

typedef struct bp_op_info {
  const char *name;
  int arity;
  bp_op_class op_class;
  int kernel; /* bp_ew, or BP_EW_NONE */
  const char *spelling;
} bp_op_info;


extern const bp_op_info bp_op_table[BP_OP_COUNT];

/* 32 bytes. */
typedef struct bp_node {
  uint16_t op;
  uint8_t dtype;
  uint8_t unused;
  uint32_t shape; /* number of the interned shape */
  uint32_t arg[3];
  uint32_t name; /* 1 + number of the name, 0: none */
  union {
    double scalar;    /* scalar */
    const void *data; /* constant: dense array in the arena */
    uint64_t bits;    /* matmul: BP_MATMUL_TA | BP_MATMUL_TB; sum, reduce_max, reduce_min, axis_size: axes mask;
                         transpose: 4 bits per axis, lowest first */
  } attr;
} bp_node;

#define BP_MATMUL_TA 1u
#define BP_MATMUL_TB 2u

struct bp_graph {
  bp_context *ctx;
  bp_arena arena;
  bp_node *nodes; /* [0] is the symbolic zero */
  size_t size, capacity;
  bp_shape *shapes; /* interned; [0] is rank 0 */
  size_t n_shapes, shapes_capacity;
  uint32_t *shape_table; /* open addressing: 1 + number, 0 free */
  size_t shape_table_size;
  const char **names;
  size_t n_names, names_capacity;
  bp_status status;
  char *message;
  const char *file; /* where the builder now running was called, NULL unknown */
  int line;
};

static inline const bp_node *bp_node_of(bp_var v) { return &v.graph->nodes[v.id]; }
static inline const bp_shape *bp_shape_of(bp_var v) { return &v.graph->shapes[v.graph->nodes[v.id].shape]; }
static inline bp_op bp_op_of(bp_var v) { return (bp_op)v.graph->nodes[v.id].op; }
static inline bp_dtype bp_dtype_of(bp_var v) { return (bp_dtype)v.graph->nodes[v.id].dtype; }
static inline bp_var bp_zero_of(bp_graph *g) { return (bp_var){g, 0}; }
static inline bool bp_dtype_is_real(bp_dtype t) { return t == BP_F32 || t == BP_F64; }

/* Appends a node as it is; the null variable when the graph holds an error or memory is out. */
bp_var bp_node_append(bp_graph *g, bp_node node, const bp_shape *shape);
/* Records the first error of a graph (with the caller's place before the message) and gives back the null variable. */
bp_var bp_graph_fail(bp_graph *g, bp_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/* Whether builders may go on with these arguments: one graph, no error, no null variable. */
bool bp_args_ok(const char *op, int n, const bp_var *args);

/* Builders for the floors above, without macros. */
/* x broadcast to the shape of another variable; x itself when the shapes are equal. */
bp_var bp_broadcast_like(bp_var x, const bp_shape *shape);
/* Zeros, or any one value, in a shape. */
bp_var bp_full(bp_graph *g, bp_dtype dtype, const bp_shape *shape, double value);
/* Undoes a reduction: y, whose axes in `axes` were reduced away, with these axes back at size 1. */
bp_var bp_unreduce(bp_var y, const bp_shape *before, unsigned axes);
/* The mask with BP_LAST_AXIS replaced and axes beyond the rank removed. */
unsigned bp_axes_normal(unsigned axes, int rank);
/* d/dx log |Γ(x)|. */
bp_var bp_digamma(bp_var x);
/* The value of a rank-0 constant, also behind broadcasts and reshapes. */
bool bp_var_constant(bp_var x, double *value);

#endif
