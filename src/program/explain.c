/* explain.c - a program in words: phases, chains, instructions, buffers, and what they cost. Floor: program.
 *
 * Costs are those of the largest batch: floating-point operations, bytes read and written (not counting what stays in
 * registers, and each array once), and their ratio. Where that is below what the machine does for a byte from memory, some ten
 * operations, the instruction waits for memory unless its arrays are in a cache.
 */
#include <inttypes.h>

#include "base/builder.h"
#include "program/plan.h"

static const char *code_name(const plan_code *c) {
  switch ((plan_code_kind)c->kind) {
  case CODE_COMPOUND: return bp_compound_name((bp_compound)c->number);
  case CODE_CAST: return "cast";
  case CODE_GATHER: return "gather";
  case CODE_ONE_HOT: return "one_hot";
  case CODE_ELEMENTWISE:
  default: return bp_ew_name((bp_ew)c->number);
  }
}

static void explain_buffer(bp_builder *b, const bp_program *p, int32_t number) {
  static const char *const place[] = {"", "input ", "output ", "constant "};
  if (number < 0) return;
  const plan_buffer *buffer = &p->buffers[number];
  if (buffer->place == PLAN_WORKSPACE)
    bp_builder_add(b, "@%zu", buffer->offset);
  else
    bp_builder_add(b, "%s%" PRId32, place[buffer->place], buffer->number);
}

static void explain_code(bp_builder *b, const bp_program *p, const plan_instruction *ins) {
  for (int32_t i = 0; i < ins->n_code; i++) {
    const plan_code *code = &ins->code[i];
    bp_builder_add(b, " %s", code_name(code));
    int outputs = code->kind == CODE_COMPOUND ? bp_compound_outputs((bp_compound)code->number) : 1;
    for (int o = 0; o < outputs; o++) {
      const plan_slot *out = &ins->slots[code->out[o]];
      if (out->kind == SLOT_MEMORY) bp_builder_add(b, o > 0 ? " →" : "→"), explain_buffer(b, p, out->buffer);
    }
  }
}

/* ---- costs ---- */
typedef struct cost {
  double flops, bytes;
} cost;

static cost cost_of(const bp_program *p, const plan_instruction *ins) {
  double rows = (double)p->max_batch;
  return (cost){ins->flops_per_row * rows + ins->flops, ins->bytes_per_row * rows + ins->bytes};
}

static cost cost_of_phase(const bp_program *p, const plan_phase *phase) {
  cost sum = {0, 0};
  for (int32_t k = 0; k < phase->count; k++) {
    const plan_chain *c = &p->chains[phase->first + k];
    for (int32_t i = 0; i < c->count; i++) {
      cost one = cost_of(p, &p->instructions[c->first + i]);
      sum.flops += one.flops, sum.bytes += one.bytes;
    }
  }
  return sum;
}

/* "12.8 M" */
static void explain_amount(bp_builder *b, double amount, const char *unit) {
  static const char *const prefix[] = {"", "k", "M", "G", "T"};
  int i = 0;
  for (; amount >= 1000 && i < 4; i++) amount /= 1000;
  bp_builder_add(b, i == 0 ? "%.0f %s%s" : "%.1f %s%s", amount, prefix[i], unit);
}

static void explain_cost(bp_builder *b, cost c) {
  explain_amount(b, c.flops, "flop");
  bp_builder_add(b, ", ");
  explain_amount(b, c.bytes, "B");
  if (c.bytes > 0) bp_builder_add(b, ", %.1f flop/B", c.flops / c.bytes);
}

/* ---- instructions ---- */
static const char *kind_name(const plan_instruction *ins) {
  if (ins->kind == PLAN_FUSED) return "fused";
  if (ins->kind == PLAN_SCALARS) return "scalars";
  return ins->kind == PLAN_PACK ? "pack" : bp_op_table[ins->node.op].name;
}

static void explain_instruction(bp_builder *b, const bp_program *p, const plan_instruction *ins) {
  char shape[BP_SHAPE_TEXT];
  bp_builder_add(b, "      %-10s %-18s", kind_name(ins), bp_shape_text(&ins->shape, shape, sizeof shape));
  if (ins->kind != PLAN_FUSED && ins->kind != PLAN_SCALARS) {
    for (int32_t a = 0; a < ins->n_args; a++)
      bp_builder_add(b, a > 0 ? ", " : " "), explain_buffer(b, p, ins->args[a].buffer);
    bp_builder_add(b, ins->out >= 0 ? " → " : " →");
    explain_buffer(b, p, ins->out);
  }
  explain_code(b, p, ins);
  bp_builder_add(b, "  (");
  explain_cost(b, cost_of(p, ins));
  bp_builder_add(b, ")%s\n", ins->fixed ? ", once for each size of the batch" : "");
}

/* Where the values are, and what sharing memory saved. */
static void explain_buffers(bp_builder *b, const bp_program *p) {
  static const char *const name[] = {"in the workspace", "inputs", "outputs", "constants"};
  int n[4] = {0};
  double bytes[4] = {0};
  for (int32_t i = 0; i < p->n_buffers; i++) {
    n[p->buffers[i].place]++;
    bytes[p->buffers[i].place] += (double)p->buffers[i].bytes;
  }
  bp_builder_add(b, "  buffers:");
  for (int place = 0; place < 4; place++) {
    bp_builder_add(b, "%s %d %s, ", place > 0 ? ";" : "", n[place], name[place]);
    explain_amount(b, bytes[place], "B");
    if (place == PLAN_WORKSPACE) bp_builder_add(b, " in %zu", p->workspace_bytes);
  }
  bp_builder_add(b, "\n");
}

bp_status bp_program_explain(bp_context *context, const bp_program *program, char **out) {
  const bp_program *p = program;
  bp_builder b;
  bp_builder_init(&b, context);
  bp_builder_add(&b,
                 "program: %" PRId32 " instructions, %" PRId32 " phases, %" PRId32
                 " buffers, workspace %zu bytes, scratch %zu bytes a thread, at most %" PRId64 " rows\n",
                 p->n_instructions, p->n_phases, p->n_buffers, p->workspace_bytes, plan_scratch_bytes(p), p->max_batch);
  explain_buffers(&b, p);
  if (p->n_prologue > 0) bp_builder_add(&b, "  before all phases, in the calling thread\n");
  for (int32_t i = 0; i < p->n_prologue; i++) explain_instruction(&b, p, &p->instructions[i]);
  for (int32_t i = 0; i < p->n_phases; i++) {
    bp_builder_add(&b, "  phase %" PRId32 ": ", i + 1);
    explain_cost(&b, cost_of_phase(p, &p->phases[i]));
    bp_builder_add(&b, "\n");
    for (int32_t k = 0; k < p->phases[i].count; k++) {
      const plan_chain *c = &p->chains[p->phases[i].first + k];
      if (c->rows < 0)
        bp_builder_add(&b, "    over the batch, blocks of %" PRId64 " rows\n", c->block);
      else
        bp_builder_add(&b, "    over %" PRId64 " rows, blocks of %" PRId64 "\n", c->rows, c->block);
      for (int32_t m = 0; m < c->count; m++) explain_instruction(&b, p, &p->instructions[c->first + m]);
    }
  }
  return bp_builder_finish(&b, out);
}
