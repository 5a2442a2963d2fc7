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
  BP_CLASS_CALL,
  BP_CLASS_FLAT
} bp_op_class;

#define BP_EW_NONE (-1)
#define BP_NARY    (-1) /* as an arity: any number of arguments, which lie in the graph's pool */

typedef struct bp_op_info {
  const char *name;
  int arity; /* BP_NARY, or 0 to 3; ask bp_node_arity() */
  bp_op_class op_class;
  int kernel; /* bp_ew, or BP_EW_NONE */
  const char *spelling;
} bp_op_info;

extern const bp_op_info bp_op_table[BP_OP_COUNT];

/* 32 bytes. */
typedef struct bp_node {
  uint16_t op;
  uint8_t dtype;
  uint8_t
      axis; /* slice, place, concat, cumsum; input: 1 when it came with a value, in an eager graph; a root or a square:
                      1 when it was passed by, see builders_roots.c */
  uint32_t shape;  /* number of the interned shape */
  uint32_t arg[3]; /* BP_NARY: place of the first in the pool, and how many; read them with bp_node_args() */
  uint32_t name;   /* 1 + number of the name, 0: none */
  union {
    double scalar;    /* scalar */
    const void *data; /* constant: dense array in the arena; assemble: graph/assembly.h; custom: graph/custom_node.h */
    uint64_t bits; /* matmul, matmul_stack: BP_MATMUL_TA | BP_MATMUL_TB; sum, reduce_max, reduce_min, norm, axis_size:
                         axes mask; transpose: 4 bits per axis, lowest first; slice, place: bp_span_bits();
                         triangle: bp_triangle_bits(); cumsum: 1 from the end; concat: sizes along the axis, 0 when they differ; uniform: the key; solve_triangular: BP_SOLVE_… */
  } attr;
} bp_node;

/* The most derivatives of digamma. */
#define BP_POLYGAMMA_MAX    64
#define BP_MATMUL_TA        1u
#define BP_MATMUL_TB        2u
#define BP_SOLVE_UPPER      1u
#define BP_SOLVE_TRANSPOSED 2u

/* slice: element i is element start + i step of the argument; place: the other way round, zeros between. */
#define BP_SPAN_START_MAX (((int64_t)1 << 40) - 1)
#define BP_SPAN_STEP_MAX  (((int64_t)1 << 23) - 1)
static inline uint64_t bp_span_bits(int64_t start, int64_t step) { return (uint64_t)start | (uint64_t)step << 40; }
static inline int64_t bp_span_start(uint64_t bits) { return (int64_t)(bits & (uint64_t)BP_SPAN_START_MAX); }
static inline int64_t bp_span_step(uint64_t bits) {
  int64_t step = (int64_t)(bits >> 40);
  return step > BP_SPAN_STEP_MAX ? step - 2 * (BP_SPAN_STEP_MAX + 1) : step;
}
/* triangle: keeps column - row <= diagonal (lower) or >= diagonal (upper). */
static inline uint64_t bp_triangle_bits(bool upper, int diagonal) {
  return (uint64_t)(uint32_t)diagonal << 1 | (upper ? 1u : 0u);
}
static inline bool bp_triangle_upper(uint64_t bits) { return (bits & 1u) != 0; }
static inline int64_t bp_triangle_diagonal(uint64_t bits) { return (int32_t)(uint32_t)(bits >> 1); }

/* The value of a node of an eager graph: numbers of rank 0 in place, everything else in the arena. */
typedef union bp_value {
  double f64;
  float f32;
  void *array;
} bp_value;

struct bp_graph {
  bp_context *ctx;
  bp_arena arena;
  bp_node *nodes; /* [0] is the symbolic zero */
  size_t size, capacity;
  uint32_t *args; /* the arguments of nodes of arity BP_NARY */
  size_t n_args, args_capacity;
  bp_shape *shapes; /* interned; [0] is rank 0 */
  size_t n_shapes, shapes_capacity;
  uint32_t *shape_table; /* open addressing: 1 + number, 0 free */
  size_t shape_table_size;
  bp_value *values; /* eager graphs: by id; NULL else */
  size_t values_capacity;
  size_t last_array, last_nary; /* no later id has a value in a block of its own, or arguments in the pool */
  const bp_kernels *kernels;
  const char **names;
  size_t n_names, names_capacity;
  bp_graph *owned, *next_owned; /* graphs of branches and loops: the first, and the next one of the same owner */
  bp_status status;
  char *message;
  const char *file; /* where the builder now running was called, NULL unknown */
  int line;
};

/* A builder begins that is not told where it was called: the place of the last one would mislead. */
static inline void bp_place_forget(bp_graph *g) { g->file = NULL; }

static inline const bp_node *bp_node_of(bp_var v) { return &v.graph->nodes[v.id]; }
static inline const bp_shape *bp_shape_of(bp_var v) { return &v.graph->shapes[v.graph->nodes[v.id].shape]; }
static inline bp_op bp_op_of(bp_var v) { return (bp_op)v.graph->nodes[v.id].op; }
static inline bp_dtype bp_dtype_of(bp_var v) { return (bp_dtype)v.graph->nodes[v.id].dtype; }
static inline bp_var bp_zero_of(bp_graph *g) { return (bp_var){g, 0}; }
static inline int bp_node_arity(const bp_node *n) {
  return bp_op_table[n->op].arity != BP_NARY ? bp_op_table[n->op].arity : (int)n->arg[1];
}
/* VIEW the arguments of a node, until the next node is appended. */
static inline const uint32_t *bp_node_args(const bp_graph *g, const bp_node *n) {
  return bp_op_table[n->op].arity != BP_NARY ? n->arg : g->args + n->arg[0];
}
static inline bool bp_dtype_is_real(bp_dtype t) { return t == BP_F32 || t == BP_F64; }

/* Appends a node as it is; the null variable when the graph holds an error or memory is out. */
bp_var bp_node_append(bp_graph *g, bp_node node, const bp_shape *shape);
/* The same for a shape that the graph has already, by its number. */
bp_var bp_node_append_alike(bp_graph *g, bp_node node, uint32_t shape);
/* The same for an operation of arity BP_NARY: fills in its arguments. */
bp_var bp_node_append_nary(bp_graph *g, bp_node node, const bp_shape *shape, const bp_var *args, size_t n);
/* Computes the value of the newest node of an eager graph; the error, if any, is recorded. */
void bp_eager_compute(bp_graph *g, uint32_t id);
/* One elementwise operation on numbers of an eager graph, recorded and computed at once; b: a again where there is only one
 * argument. The null variable, with nothing done, when these are no such numbers or the graph must grow first. */
bp_var bp_eager_number(bp_op op, bp_var a, bp_var b);
/* Releases the values of the nodes from `from` on. */
void bp_eager_release(bp_graph *g, size_t from);
/* VIEW the value of a node of an eager graph, until the next node is appended; NULL when it has none. */
const void *bp_eager_value(const bp_graph *g, uint32_t id);
/* What others answer when they are given a graph that holds an error: its message, and BP_E_GRAPH, or BP_E_NOMEM if that was it. */
bp_status bp_graph_refuse(const bp_graph *g);
/* Records the first error of a graph (with the caller's place before the message) and gives back the null variable. g may be
 * NULL. */
bp_var bp_graph_fail(bp_graph *g, bp_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/* Whether builders may go on with these arguments: variables of one graph, no error, no null variable. */
bool bp_args_ok(const char *op, int n, const bp_var *args);
/* The same for a graph that is given: a mistake is recorded there, whatever graph an argument has. */
bool bp_args_in(bp_graph *g, const char *op, size_t n, const bp_var *args);
/* The first graph among variables: mistakes are recorded there, and results belong there. NULL when none has one. */
bp_graph *bp_graph_of(const bp_var *vars, size_t n);
/* The same among two arrays: results and arguments, say. */
static inline bp_graph *bp_graph_of_two(const bp_var *a, size_t n_a, const bp_var *b, size_t n_b) {
  bp_graph *g = bp_graph_of(a, n_a);
  return g != NULL ? g : bp_graph_of(b, n_b);
}

/* |x| or ‖x‖: what is multiplied by it may be it. */
static inline bool bp_is_root(bp_var v) { return bp_op_of(v) == BP_OP_abs || bp_op_of(v) == BP_OP_norm; }
/* Whether something was built from what v is of instead of from v, though it is a function of v: |x|² from x. */
bool bp_var_passed_by(bp_var v);

/* Builders for the floors above, without macros. */
/* What a has of max(a, b): 1, ½ where they tie, 0; NaN where either is NaN. */
bp_var bp_max_share(bp_var a, bp_var b);
/* a b and a / b, but 0 wherever b is 0, whatever a is: b is a strong zero. Derivatives see the plain product and quotient, so that
 * the derivative of what was 0 is not lost. */
bp_var bp_mul_no_nan(bp_var a, bp_var b);
bp_var bp_div_no_nan(bp_var a, bp_var b);
/* min(max(x, low), high), with the derivative of bp_clip(). */
bp_var bp_clip_between(bp_var x, bp_var low, bp_var high);
/* x broadcast to the shape of another variable; x itself when the shapes are equal. */
bp_var bp_broadcast_like(bp_var x, const bp_shape *shape);
/* Zeros, or any one value, in a shape. */
bp_var bp_full(bp_graph *g, bp_dtype dtype, const bp_shape *shape, double value);
/* Undoes a reduction: y, whose axes in `axes` were reduced away, with these axes back at size 1. */
bp_var bp_unreduce(bp_var y, const bp_shape *before, unsigned axes);
/* Zeros with x at places start + i step of an axis that then has `size` elements: the transpose of a slice. */
bp_var bp_place(bp_var x, int axis, int64_t size, uint64_t span);
/* bp_cumsum(), or from the last element to the first: its transpose. */
bp_var bp_running_sum(bp_var x, int axis, bool from_end);
/* e^(-x²), to a few units in the last place also where x² is large: of the derivative of erf. */
bp_var bp_gaussian(bp_var x);
/* tanh and sigmoid as activations of a layer: in float32 their derivative is 0 where they are 1 or -1 to the last bit. */
bp_var bp_tanh_unit(bp_var x);
bp_var bp_sigmoid_unit(bp_var x);
/* The derivatives of tanh and sigmoid at x, of which y is the function (or the unit): exact where y is rounded to 1. Only x has a
 * derivative. */
bp_var bp_tanh_slope(bp_var x, bp_var y);
bp_var bp_sigmoid_slope(bp_var x, bp_var y);
/* The mask with BP_LAST_AXIS replaced and axes beyond the rank removed. */
unsigned bp_axes_normal(unsigned axes, int rank);
/* The value of a rank-0 constant, also behind broadcasts and reshapes. */
bool bp_var_constant(bp_var x, double *value);

#endif
