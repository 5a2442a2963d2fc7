/* cost.c - what instructions cost: floating-point operations by the rule in backprop/program.h, and bytes. Floor: program. */
#include "program/encode.h"

static double elements_of(const bp_shape *s) { return (double)bp_shape_elements(s, 1); }

/* Adds to the batch rows' part or to the constant part of a cost. */
static void add_cost(const bp_shape *s, double amount, double *per_row, double *fixed) {
  *(bp_shape_has_batch(s) ? per_row : fixed) += amount;
}

static void add_flops(const bp_shape *s, double amount, plan_instruction *to) {
  add_cost(s, amount, &to->flops_per_row, &to->flops);
}

static void add_bytes(const bp_shape *s, uint8_t dtype, plan_instruction *to) {
  add_cost(s, elements_of(s) * (double)bp_dtype_size((bp_dtype)dtype), &to->bytes_per_row, &to->bytes);
}

static const bp_shape *shape_of_arg(const ir *c, const ir_node *n, int a) { return &c->nodes[ir_arg(c, n, a)].shape; }

/* ---- operations that are no elementwise arithmetic ---- */
/* Operations for each element of the first argument, and of the result; what only moves or converts has none. */
static const struct {
  uint8_t argument, result;
} simple_table[BP_OP_COUNT] = {
    [BP_OP_sum] = {1, 0},
    [BP_OP_reduce_max] = {1, 0},
    [BP_OP_reduce_min] = {1, 0},
    [BP_OP_argmax] = {1, 0},
    [BP_OP_cumsum] = {1, 0},
    [BP_OP_norm] = {2, 0},
    [BP_OP_scatter_add] = {1, 0},
    [BP_OP_uniform] = {0, 1},
    [BP_OP_logsumexp] = {4, 0}, /* compare, subtract, exp, add */
    [BP_OP_softmax_cross_entropy] = {4, 0},
};

static void count_product(const ir *c, const ir_node *n, plan_instruction *to) {
  const bp_shape *a = shape_of_arg(c, n, 0);
  bool ta = (n->node.attr.bits & BP_MATMUL_TA) != 0;
  int64_t k = a->dims[a->rank - (ta ? 2 : 1)];
  add_flops(k < 0 ? a : &n->shape, 2.0 * (double)(k < 0 ? 1 : k) * elements_of(&n->shape), to);
}

/* Factors of n by n matrices, and n or 2n operations for each element of what is solved for. */
static void count_factors(const ir *c, const ir_node *n, plan_instruction *to) {
  const bp_shape *a = shape_of_arg(c, n, 0);
  double size = (double)a->dims[a->rank - 1], factor = 0, solved = 0;
  switch (n->node.op) {
  case BP_OP_cholesky: factor = size / 3; break;
  case BP_OP_solve_triangular: solved = size; break;
  case BP_OP_solve: factor = 2 * size / 3, solved = 2 * size; break;
  default: factor = 2 * size / 3; break; /* logdet */
  }
  add_flops(a, factor * elements_of(a), to);
  add_flops(&n->shape, solved * elements_of(&n->shape), to);
}

static void count_custom(const ir *c, const ir_node *n, plan_instruction *to) {
  for (int a = 0; a < ir_arity(n); a++) add_flops(shape_of_arg(c, n, a), elements_of(shape_of_arg(c, n, a)), to);
  add_flops(&n->shape, elements_of(&n->shape), to);
}

static void count_call(const bp_program *p, plan_instruction *to) {
  const plan_call *call = &p->calls[to->call];
  bp_cost f[2] = {{0}, {0}};
  for (int i = 0; i < 2; i++)
    if (call->functions[i] != NULL) f[i] = bp_program_cost(call->functions[i], 0);
  if (call->layout.is_loop) {
    to->flops += (double)call->layout.length * ((double)f[0].flops + (double)f[1].flops);
    to->bytes += (double)call->layout.length * ((double)f[0].bytes + (double)f[1].bytes);
  } else {
    to->flops += (double)(f[0].flops > f[1].flops ? f[0].flops : f[1].flops);
    to->bytes += (double)(f[0].bytes > f[1].bytes ? f[0].bytes : f[1].bytes);
  }
}

static void count_main(const ir *c, const bp_program *p, const ir_node *n, plan_instruction *to) {
  switch (n->node.op) {
  case BP_OP_matmul:
  case BP_OP_matmul_stack: count_product(c, n, to); return;
  case BP_OP_cholesky:
  case BP_OP_solve_triangular:
  case BP_OP_solve:
  case BP_OP_logdet: count_factors(c, n, to); return;
  case BP_OP_custom:
  case BP_OP_custom_vjp: count_custom(c, n, to); return;
  case BP_OP_call: count_call(p, to); return;
  default: break;
  }
  if (ir_arity(n) == 0) return;
  const bp_shape *a = shape_of_arg(c, n, 0);
  add_flops(a, (double)simple_table[n->node.op].argument * elements_of(a), to);
  add_flops(&n->shape, (double)simple_table[n->node.op].result * elements_of(&n->shape), to);
}

/* ---- elementwise code ---- */
static void count_body(const ir *c, const ir_node *n, plan_instruction *to) {
  bool computes = bp_op_table[n->node.op].kernel != BP_EW_NONE && n->node.op != BP_OP_stop_gradient;
  if (computes) add_flops(&n->shape, elements_of(&n->shape), to);
  if (n->in_memory) add_bytes(&n->shape, n->node.dtype, to);
  for (int a = 0; a < ir_arity(n); a++) {
    const ir_node *arg = &c->nodes[ir_access_of(c, ir_arg(c, n, a), &n->shape).source];
    if (arg->buffer < 0) continue;
    add_bytes(n->node.op == BP_OP_gather && a == 0 ? &n->shape : &arg->shape, arg->node.dtype, to);
  }
}

void encode_cost(const ir *c, const bp_program *p, const ir_instruction *from, plan_instruction *to) {
  for (size_t i = 0; i < from->n_body; i++) count_body(c, &c->nodes[from->body[i]], to);
  if (from->kind == IR_FUSED) return;
  const ir_node *n = &c->nodes[from->main];
  if (!n->packed) count_main(c, p, n, to);
  for (int a = 0; a < ir_arity(n); a++) {
    const ir_node *arg = &c->nodes[ir_arg(c, n, a)];
    add_bytes(&arg->shape, arg->node.dtype, to);
  }
  if (n->in_memory) add_bytes(&n->shape, n->node.dtype, to);
}

/* ---- of a program ---- */
static int64_t whole(double amount) { return amount < 0x1p62 ? (int64_t)amount : (int64_t)1 << 62; }

/* Workspaces of branches and loops, one inside the other. */
static size_t memory_of(const bp_program *p) {
  size_t bytes = p->workspace_bytes + plan_scratch_bytes(p);
  for (int32_t i = 0; i < p->n_calls; i++) {
    bytes += bp_call_scratch(&p->calls[i].layout);
    for (int f = 0; f < 2; f++)
      if (p->calls[i].functions[f] != NULL) bytes += memory_of(p->calls[i].functions[f]);
  }
  return bytes;
}

bp_cost bp_program_cost(const bp_program *program, int64_t batch) {
  double flops = 0, bytes = 0;
  for (int32_t i = 0; i < program->n_instructions; i++) {
    const plan_instruction *ins = &program->instructions[i];
    flops += ins->flops_per_row * (double)batch + ins->flops;
    bytes += ins->bytes_per_row * (double)batch + ins->bytes;
  }
  return (bp_cost){.flops = whole(flops),
                   .bytes = whole(bytes),
                   .memory = memory_of(program),
                   .phases = program->n_phases,
                   .instructions = program->n_instructions};
}
