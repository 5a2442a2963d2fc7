/* compound_match.c - the patterns of compound kernels, and the search for one below a node. Floor: program.
 *
 * A pattern is a list of operations in the order of computation, the last of which is the root. The search goes down from the root;
 * where an operation commutes it tries both orders, and takes back what it bound on the way. Patterns are a few steps deep.
 */
#include "program/compound_match.h"

#include <string.h>

/* Arguments of a step: input k of the kernel; or the result of an earlier step. */
#define STEP(k) (-1 - (k))
#define NONE    INT8_MIN
typedef struct pattern_step {
  int16_t op;
  int8_t a, b;
} pattern_step;

typedef struct pattern {
  int8_t steps;
  int8_t output[BP_COMPOUND_OUTPUTS]; /* the step of outputs 1, 2, …; 0 ends: no first step is an output */
  uint16_t numbers;                   /* inputs that are one number, as bits */
  pattern_step step[COMPOUND_STEPS];
} pattern;

#define ONE(op, a)                                                                                                     \
  { BP_OP_##op, a, NONE }
#define TWO(op, a, b)                                                                                                  \
  { BP_OP_##op, a, b }
#define BIT(k) (1u << (k))

static const pattern patterns[BP_COMPOUND_COUNT] = {
    [BP_COMPOUND_adam] = {12,
                          {2, 6},
                          BIT(1) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(9),
                          {TWO(mul, 0, 1), TWO(mul, 2, 3), TWO(add, STEP(0), STEP(1)), ONE(square, 2),
                           TWO(mul, STEP(3), 6), TWO(mul, 4, 5), TWO(add, STEP(5), STEP(4)), ONE(sqrt, STEP(6)),
                           TWO(add, STEP(7), 7), TWO(div, STEP(2), STEP(8)), TWO(mul, STEP(9), 9),
                           TWO(sub, 8, STEP(10))}},
    [BP_COMPOUND_momentum] = {4,
                              {1},
                              BIT(1) | BIT(4),
                              {TWO(mul, 0, 1), TWO(add, STEP(0), 2), TWO(mul, STEP(1), 4), TWO(sub, 3, STEP(2))}},
    [BP_COMPOUND_lerp_square] = {4,
                                 {0},
                                 BIT(1) | BIT(3),
                                 {TWO(mul, 0, 1), ONE(square, 2), TWO(mul, STEP(1), 3), TWO(add, STEP(0), STEP(2))}},
    [BP_COMPOUND_lerp] = {3, {0}, BIT(1) | BIT(3), {TWO(mul, 0, 1), TWO(mul, 2, 3), TWO(add, STEP(0), STEP(1))}},
    [BP_COMPOUND_root_quotient] = {3, {0}, BIT(2), {ONE(sqrt, 1), TWO(add, STEP(0), 2), TWO(div, 0, STEP(1))}},
    [BP_COMPOUND_add_tanh_unit] = {3,
                                   {1},
                                   0,
                                   {TWO(add, 0, 1), ONE(tanh, STEP(0)), TWO(tanh_unit_slope, STEP(0), STEP(1))}},
    [BP_COMPOUND_add_sigmoid_unit] =
        {3, {1}, 0, {TWO(add, 0, 1), ONE(sigmoid, STEP(0)), TWO(sigmoid_unit_slope, STEP(0), STEP(1))}},
    [BP_COMPOUND_relu_pull] = {2, {0}, 0, {ONE(sign, 1), TWO(mul_no_nan, 0, STEP(0))}},
    [BP_COMPOUND_descend] = {2, {0}, BIT(2), {TWO(mul, 1, 2), TWO(sub, 0, STEP(0))}},
    [BP_COMPOUND_mul_add] = {2, {0}, 0, {TWO(mul, 0, 1), TWO(add, STEP(0), 2)}},
    [BP_COMPOUND_mul_no_nan_add] = {2, {0}, 0, {TWO(mul_no_nan, 0, 1), TWO(add, STEP(0), 2)}},
    [BP_COMPOUND_sub_mul] = {2, {0}, 0, {TWO(mul, 1, 2), TWO(sub, 0, STEP(0))}},
    [BP_COMPOUND_add_tanh] = {2, {0}, 0, {TWO(add, 0, 1), ONE(tanh, STEP(0))}},
    [BP_COMPOUND_add_sigmoid] = {2, {0}, 0, {TWO(add, 0, 1), ONE(sigmoid, STEP(0))}},
    [BP_COMPOUND_add_relu] = {2, {0}, 0, {TWO(add, 0, 1), ONE(relu, STEP(0))}},
};

int compound_steps(bp_compound compound) { return patterns[compound].steps; }

int compound_output_of_step(bp_compound compound, int step) {
  const pattern *p = &patterns[compound];
  if (step == p->steps - 1) return 0;
  for (int i = 0; i < BP_COMPOUND_OUTPUTS && p->output[i] != 0; i++)
    if (p->output[i] == step) return i + 1;
  return -1;
}

bool compound_is_number(bp_compound compound, int input) { return (patterns[compound].numbers & BIT(input)) != 0; }

static bool is_number(const ir *c, uint32_t id, const ir_node *reader) {
  ir_access a = ir_access_of(c, id, &reader->shape);
  if (a.read == IR_READ_SPLAT) return true;
  return a.read != IR_READ_NONE && bp_shape_elements(&c->nodes[a.source].shape, 2) == 1;
}

static bool bind_input(const ir *c, compound_found *f, int input, uint32_t id, uint32_t reader) {
  if (f->input[input] != 0) return f->input[input] == id;
  if (compound_is_number(f->compound, input) && !is_number(c, id, &c->nodes[reader])) return false;
  f->input[input] = id;
  f->reader[input] = reader;
  return true;
}

static bool match_step(const ir *c, compound_found *f, int step, uint32_t id);

/* Binds argument `arg` of a step to node `id`, which `reader` reads. */
static bool match_arg(const ir *c, compound_found *f, int arg, uint32_t id, uint32_t reader) {
  if (arg >= 0) return bind_input(c, f, arg, id, reader);
  ir_access a = ir_access_of(c, id, &c->nodes[reader].shape);
  return a.read == IR_READ_FULL && match_step(c, f, -1 - arg, a.source);
}

static bool match_step(const ir *c, compound_found *f, int step, uint32_t id) {
  const pattern_step *s = &patterns[f->compound].step[step];
  const ir_node *n = &c->nodes[id], *root = &c->nodes[f->root];
  if (f->step[step] != 0) return f->step[step] == id;
  if (n->node.op != s->op || n->node.dtype != root->node.dtype || n->instruction != root->instruction) return false;
  compound_found before = *f;
  f->step[step] = id;
  if (s->b == NONE) return match_arg(c, f, s->a, n->node.arg[0], id) || (*f = before, false);
  if (match_arg(c, f, s->a, n->node.arg[0], id) && match_arg(c, f, s->b, n->node.arg[1], id)) return true;
  *f = before;
  if (s->op != BP_OP_add && s->op != BP_OP_mul) return false;
  f->step[step] = id;
  if (match_arg(c, f, s->a, n->node.arg[1], id) && match_arg(c, f, s->b, n->node.arg[0], id)) return true;
  *f = before;
  return false;
}

bool compound_find(const ir *c, uint32_t root, bp_compound first, compound_found *found) {
  for (int k = (int)first; k < BP_COMPOUND_COUNT; k++) {
    *found = (compound_found){.compound = (bp_compound)k, .root = root};
    if (match_step(c, found, patterns[k].steps - 1, root)) return true;
  }
  return false;
}
