/* compile.c - bp_compile(): the passes in their order. Floor: program. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "program/ir.h"
#include "program/plan.h"

static bp_status read_options(bp_context *ctx, const bp_compile_options *options, ir *c) {
  bp_compile_options o = {0};
  if (options != NULL) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
  c->no_fusion = o.no_fusion;
  c->max_batch = o.max_batch == 0 ? 1024 : o.max_batch;
  if (c->max_batch < 1 || c->max_batch > BP_BATCH_MAX)
    return bp_fail(ctx, BP_E_ARG, "compile: max_batch %" PRId64 ", expected 1 to %" PRId64, o.max_batch, BP_BATCH_MAX);
  return BP_OK;
}

/* BP_EXPLAIN=1: the plan, line by line, to the receiver of messages. */
static void explain(bp_context *ctx, const bp_program *p) {
  const char *wanted = getenv("BP_EXPLAIN");
  char *text;
  if (wanted == NULL || strcmp(wanted, "1") != 0 || bp_program_explain(ctx, p, &text) != BP_OK) return;
  for (char *line = text, *end; *line != '\0'; line = end) {
    end = line + strcspn(line, "\n");
    bp_note(ctx, "%.*s", (int)(end - line), line);
    if (*end == '\n') end++;
  }
  bp_string_free(ctx, text);
}

bp_status bp_compile(const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs,
                     const bp_compile_options *options, bp_program **out) {
  bp_graph *g = bp_graph_of_two(outputs, n_outputs, inputs, n_inputs);
  bp_status status;
  if (g == NULL) return BP_E_ARG;
  ir c = {.ctx = g->ctx, .allocator = bp_context_allocator(g->ctx)};
  if (g->status != BP_OK) return bp_graph_refuse(g);
  if (n_outputs == 0) return bp_fail(g->ctx, BP_E_ARG, "compile: no outputs");
  BP_TRY(read_options(g->ctx, options, &c));
  BP_TRY_DONE(ir_lower(&c, outputs, n_outputs, inputs, n_inputs));
  BP_TRY_DONE(ir_simplify(&c));
  BP_TRY_DONE(ir_legalize(&c));
  BP_TRY_DONE(ir_find_scalars(&c));
  BP_TRY_DONE(ir_fuse(&c));
  BP_TRY_DONE(ir_schedule(&c));
  BP_TRY_DONE(ir_encode(&c, out));
  explain(g->ctx, *out);
done:
  ir_release(&c);
  return status;
}

void bp_program_free(bp_program *program) {
  if (program == NULL) return;
  bp_allocator a = program->arena.allocator;
  for (int32_t i = 0; i < program->n_calls; i++)
    for (int f = 0; f < 2; f++) bp_program_free(program->calls[i].functions[f]);
  bp_arena_release(&program->arena);
  bp_release(a, program, 1, sizeof *program);
}
