/* run.c - workspaces, and running a program: the prologue, then phase after phase. Floor: program.
 *
 * The tasks of a phase are the row blocks of its chains. A phase with little work is not shared; a small program as a whole runs from
 * its tape (tape.h). Threads claim them one by one; which thread runs a block, and how rows
 * are cut into blocks, changes no bit of the result.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "program/plan.h"
#include "program/scalar_code.h"
#include "program/tape.h"

/* ---- workspaces ---- */
static void *place_of(const bp_workspace *w, const plan_buffer *b, const void *const *inputs, void *const *outputs) {
  switch (b->place) {
  case PLAN_INPUT: return (void *)(uintptr_t)inputs[b->number];
  case PLAN_OUTPUT: return outputs[b->number] != NULL ? outputs[b->number] : w->values + b->offset;
  case PLAN_CONSTANT: return (void *)(uintptr_t)b->data;
  case PLAN_WORKSPACE:
  default: return w->values + b->offset;
  }
}

/* Buffers that lie where they lie in every run. */
static void place_own_buffers(bp_workspace *w) {
  for (int32_t i = 0; i < w->program->n_buffers; i++) {
    const plan_buffer *b = &w->program->buffers[i];
    if (b->place == PLAN_CONSTANT || b->place == PLAN_WORKSPACE) w->pointers[i] = place_of(w, b, NULL, NULL);
  }
}

/* Whether a batch exists with which a phase is worth sharing: else threads would be started, and stopped, for nothing. */
static bool can_share(const bp_program *p) {
  for (int32_t i = 0; i < p->n_phases; i++)
    if (p->phases[i].work_per_row * (double)p->max_batch + p->phases[i].work >= PLAN_SHARED_WORK) return true;
  return false;
}

bp_status bp_workspace_new(bp_context *context, const bp_program *program, int threads, bp_workspace **out) {
  if (threads < 0)
    return bp_fail(context, BP_E_ARG, "workspace: %d threads, expected 0 (one per core) or more", threads);
  bp_workspace *w = bp_calloc(context, 1, sizeof *w);
  if (w == NULL) return BP_E_NOMEM;
  w->ctx = context;
  w->allocator = bp_context_allocator(context);
  w->program = program;
  w->args_batch = w->prologue_batch = -1;
  w->kernels = bp_kernels_use();
  bp_status status = BP_OK;
  if (threads != 1 && can_share(program)) status = bp_pool_new(context, threads, &w->pool);
  if (status == BP_OK) {
    w->threads = w->pool != NULL ? bp_pool_threads(w->pool) : 1;
    w->scratch_part = (plan_scratch_bytes(program) + 127) / 64 * 64;
    w->pointers = bp_calloc(context, (size_t)program->n_buffers, sizeof *w->pointers);
    w->args = bp_calloc(context, (size_t)program->n_args, sizeof *w->args);
    w->alone_until = bp_calloc(context, (size_t)program->n_phases, sizeof *w->alone_until);
    w->values = bp_aligned_alloc(context, program->workspace_bytes + 64);
    w->scratch = bp_aligned_alloc(context, w->scratch_part * (size_t)w->threads);
    if (w->pointers == NULL || w->args == NULL || w->alone_until == NULL || w->values == NULL || w->scratch == NULL)
      status = BP_E_NOMEM;
    if (status == BP_OK) place_own_buffers(w);
    if (status == BP_OK) status = plan_calls_init(w);
    if (status == BP_OK) status = plan_tape_init(w);
  }
  if (status != BP_OK) {
    bp_workspace_free(w);
    return status;
  }
  *out = w;
  return BP_OK;
}

void bp_workspace_free(bp_workspace *workspace) {
  if (workspace == NULL) return;
  const bp_program *p = workspace->program;
  bp_pool_free(workspace->pool);
  plan_calls_release(workspace);
  plan_tape_release(workspace);
  bp_release(workspace->allocator, workspace->alone_until, (size_t)p->n_phases, sizeof *workspace->alone_until);
  bp_release(workspace->allocator, workspace->pointers, (size_t)p->n_buffers, sizeof *workspace->pointers);
  bp_release(workspace->allocator, workspace->args, (size_t)p->n_args, sizeof *workspace->args);
  if (workspace->values != NULL) bp_aligned_free(workspace->allocator, workspace->values, p->workspace_bytes + 64);
  if (workspace->scratch != NULL)
    bp_aligned_free(workspace->allocator, workspace->scratch, workspace->scratch_part * (size_t)workspace->threads);
  bp_release(workspace->allocator, workspace, 1, sizeof *workspace);
}

/* ---- one instruction on a block of rows ---- */
bp_exec plan_operation(bp_workspace *w, const plan_instruction *ins, char *scratch) {
  return (bp_exec){.kernels = w->kernels,
                   .node = ins->node,
                   .shape = bp_shape_resolve(&ins->shape, w->batch),
                   .out = w->pointers[ins->out],
                   .arg = w->args + ins->first_arg,
                   .arity = ins->n_args,
                   .scratch = scratch,
                   .number = (int32_t)(ins - w->program->instructions),
                   .failure = &w->failure};
}

static void run_op(bp_workspace *w, const plan_instruction *ins, char *scratch, int64_t row0, int64_t row1) {
  if (ins->node.op == BP_OP_axis_size) {
    bp_fill(w->pointers[ins->out], ins->node.dtype == BP_F64 ? BP_KF64 : BP_KF32,
            (double)w->batch * ins->node.attr.scalar, 1);
    return;
  }
  bp_exec e = plan_operation(w, ins, scratch);
  bp_exec_rows(&e, row0, row1);
}

bp_gemm plan_product(const bp_workspace *w, const plan_instruction *ins, char *scratch, int64_t row0, int64_t row1) {
  bool f64 = ins->node.dtype == BP_F64, ta = (ins->node.attr.bits & BP_MATMUL_TA) != 0;
  bool tb = (ins->node.attr.bits & BP_MATMUL_TB) != 0;
  const int64_t *b = ins->args[1].shape.dims;
  int64_t ldb = b[1];
  if (tb && (b[0] == 1 || b[1] == 1)) tb = false, ldb = b[0]; /* a vector is its own transpose */
  size_t size = f64 ? 8 : 4;
  int64_t lda = ins->args[0].shape.dims[1], k = ins->args[0].shape.dims[!ta];
  return (bp_gemm){.m = row1 - row0,
                   .n = ins->row,
                   .k = k < 0 ? w->batch : k,
                   .a = (const char *)w->pointers[ins->args[0].buffer] + (size_t)(ta ? row0 : row0 * lda) * size,
                   .lda = lda,
                   .b = w->pointers[ins->args[1].buffer],
                   .ldb = ldb,
                   .c = ins->out >= 0 ? (char *)w->pointers[ins->out] + (size_t)(row0 * ins->row) * size
                                      : scratch + w->program->gemm_scratch,
                   .ldc = ins->row,
                   .a_trans = ta,
                   .b_trans = tb,
                   .b_packed = ins->b_packed,
                   .scratch = scratch};
}

static void run_gemm(const bp_workspace *w, const plan_instruction *ins, char *scratch, int64_t row0, int64_t row1) {
  bp_gemm g = plan_product(w, ins, scratch, row0, row1);
  w->kernels->gemm[ins->node.dtype == BP_F64 ? BP_KF64 : BP_KF32](&g);
  if (ins->n_code > 0) plan_run_fused(w->program, ins, w->pointers, scratch, row0, row1);
}

/* The right side of products in their order: of its rows the strips, as wide as the widest vector, that begin in row0 .. row1 - 1. */
enum { PACK_STRIP = 16 };

static int64_t next_strip(int64_t row, int64_t rows) {
  int64_t begin = (row + PACK_STRIP - 1) / PACK_STRIP * PACK_STRIP;
  return begin < rows ? begin : rows;
}

static void run_pack(const bp_workspace *w, const plan_instruction *ins, int64_t row0, int64_t row1) {
  bool transposed = (ins->node.attr.bits & BP_MATMUL_TB) != 0;
  bp_gemm_pack g = {.n = ins->shape.dims[!transposed],
                    .k = ins->shape.dims[transposed],
                    .b = w->pointers[ins->args[0].buffer],
                    .ldb = ins->row,
                    .b_trans = transposed,
                    .first = next_strip(row0, ins->shape.dims[0]),
                    .last = next_strip(row1, ins->shape.dims[0]),
                    .packed = w->pointers[ins->out]};
  if (g.first < g.last) w->kernels->gemm_pack[ins->node.dtype == BP_F64 ? BP_KF64 : BP_KF32](&g);
}

void plan_run_instruction(bp_workspace *w, const plan_instruction *ins, int thread, int64_t row0, int64_t row1) {
  char *scratch = w->scratch + w->scratch_part * (size_t)thread;
  if (ins->kind == PLAN_OP && ins->node.op == BP_OP_call)
    plan_run_call(w, ins);
  else if (ins->kind == PLAN_SCALARS)
    plan_run_scalars(w, ins->scalars, scratch);
  else if (ins->kind == PLAN_PACK)
    run_pack(w, ins, row0, row1);
  else if (ins->kind == PLAN_OP)
    run_op(w, ins, scratch, row0, row1);
  else if (ins->kind == PLAN_GEMM)
    run_gemm(w, ins, scratch, row0, row1);
  else
    plan_run_fused(w->program, ins, w->pointers, scratch, row0, row1);
}

/* ---- phases ---- */
static int64_t chain_rows(const bp_workspace *w, const plan_chain *c) { return c->rows < 0 ? w->batch : c->rows; }

/* Into how many blocks several threads part a chain, all of the same size but for a row: as many for each thread, few enough that
 * a block is worth claiming and that its products seldom read their right side. */
enum { BLOCKS_EACH = 4, ROWS_LEAST = 24 };
#define WORK_LEAST 50000.0

static int64_t chain_blocks(const bp_workspace *w, const plan_chain *c) {
  int64_t rows = chain_rows(w, c), least = (rows + c->block - 1) / c->block;
  int64_t blocks = BLOCKS_EACH * (int64_t)w->threads;
  double worth = plan_chain_work(c, w->batch) / WORK_LEAST;
  if (rows / ROWS_LEAST < blocks) blocks = rows / ROWS_LEAST;
  if (worth < (double)blocks) blocks = (int64_t)worth;
  if (blocks > w->threads) blocks -= blocks % w->threads;
  return blocks > least ? blocks : least;
}

static void run_block(bp_workspace *w, const plan_chain *c, int64_t number, int64_t blocks, int thread) {
  int64_t rows = chain_rows(w, c), row0 = rows * number / blocks, row1 = rows * (number + 1) / blocks;
  for (int32_t i = 0; i < c->count; i++)
    plan_run_instruction(w, &w->program->instructions[c->first + i], thread, row0, row1);
}

static void run_task(void *user, int64_t task, int thread) {
  bp_workspace *w = user;
  const plan_phase *phase = &w->program->phases[w->phase];
  for (int32_t i = 0; i < phase->count; i++) {
    const plan_chain *c = &w->program->chains[phase->first + i];
    int64_t blocks = chain_blocks(w, c);
    if (task < blocks) {
      run_block(w, c, task, blocks, thread);
      return;
    }
    task -= blocks;
  }
}

/* In the calling thread, chain after chain. */
static void run_phase_alone(bp_workspace *w, const plan_phase *phase) {
  const bp_program *p = w->program;
  for (const plan_chain *c = &p->chains[phase->first], *end = c + phase->count; c < end; c++) {
    int64_t rows = chain_rows(w, c);
    for (int64_t row = 0; row < rows; row += c->block)
      for (int32_t i = 0; i < c->count; i++)
        plan_run_instruction(w, &p->instructions[c->first + i], 0, row, rows - row < c->block ? rows : row + c->block);
  }
}

/* A thread that takes a block and then loses its core to another process holds everybody up for a time slice, which is many
 * phases long. When that has cost more than half of a phase, the phase stays with the calling thread for RESTS times as long as was
 * lost: so on a busy machine sharing costs a few percent at most, and begins again soon after. No result depends on it. */
#define LOST_SECONDS 1e-4
#define RESTS        20

static void share_phase(bp_workspace *w, int64_t tasks) {
  double begin = bp_clock_seconds(), *until = &w->alone_until[w->phase];
  if (begin < *until) {
    run_phase_alone(w, &w->program->phases[w->phase]);
    return;
  }
  double lost = 1e-9 * (double)bp_pool_run(w->pool, run_task, w, tasks);
  if (lost < LOST_SECONDS) return;
  double end = bp_clock_seconds();
  if (lost > (end - begin) / 2) *until = end + RESTS * lost;
}

static void run_phase(bp_workspace *w) {
  const plan_phase *phase = &w->program->phases[w->phase];
  int64_t tasks = 0;
  if (w->threads == 1 || phase->work_per_row * (double)w->batch + phase->work < PLAN_SHARED_WORK) {
    run_phase_alone(w, phase);
    return;
  }
  for (int32_t i = 0; i < phase->count; i++) tasks += chain_blocks(w, &w->program->chains[phase->first + i]);
  if (tasks > 1)
    share_phase(w, tasks);
  else
    run_phase_alone(w, phase);
}

/* ---- a run ---- */
void plan_resolve_args(bp_workspace *w) {
  for (int32_t i = 0; i < w->program->n_instructions; i++) {
    const plan_instruction *ins = &w->program->instructions[i];
    for (int32_t a = 0; a < ins->n_args; a++) {
      bp_exec_arg *arg = &w->args[ins->first_arg + a];
      arg->data = w->pointers[ins->args[a].buffer];
      if (w->args_batch == w->batch) continue; /* shapes are as in the last run */
      arg->shape = bp_shape_resolve(&ins->args[a].shape, w->batch);
      arg->dtype = ins->args[a].dtype;
    }
  }
  w->args_batch = w->batch;
}

/* What went wrong inside a branch or loop, in whichever thread. */
static bp_status inside_status(const bp_workspace *w) {
  bp_status status = (bp_status)atomic_load(&w->status);
  if (status == BP_OK) return BP_OK;
  return bp_fail(w->ctx, status, "run: %s",
                 status == BP_E_LIMIT ? "the condition of a while still holds after max_trips iterations"
                                      : bp_status_text(status));
}

/* What depends on the batch alone, and was done already when this is as it was. */
static void run_fixed(bp_workspace *w) {
  const bp_program *p = w->program;
  if (w->prologue_batch == w->batch) return;
  plan_resolve_args(w);
  for (int32_t i = 0; i < p->n_prologue; i++)
    if (p->instructions[i].fixed)
      plan_run_instruction(w, &p->instructions[i], 0, 0, bp_shape_rows(&p->instructions[i].shape, 1));
  w->prologue_batch = w->batch;
}

static bp_status run_phases(bp_workspace *w) {
  const bp_program *p = w->program;
  atomic_store_explicit(&w->status, BP_OK, memory_order_relaxed);
  atomic_store_explicit(&w->failure, 0, memory_order_relaxed);
  plan_resolve_args(w);
  for (int32_t i = 0; i < p->n_prologue; i++)
    if (!p->instructions[i].fixed) plan_run_instruction(w, &p->instructions[i], 0, 0, 1);
  for (w->phase = 0; w->phase < p->n_phases; w->phase++) {
    run_phase(w);
    if (p->n_calls > 0) BP_TRY(inside_status(w));
    if (w->failure != 0) break;
  }
  return bp_failure_result(w->ctx, w->failure, &p->instructions[bp_failure_number(w->failure)].node);
}

bp_status bp_run(const bp_program *program, bp_workspace *workspace, int64_t batch, const void *const *inputs,
                 void *const *outputs) {
  bp_workspace *w = workspace;
  if (w->program != program) return bp_fail(w->ctx, BP_E_ARG, "run: the workspace was made for another program");
  if (batch < 0 || batch > program->max_batch)
    return bp_fail(w->ctx, BP_E_LIMIT,
                   "run: a batch of %" PRId64 " rows, expected 0 to %" PRId64 "; see max_batch of bp_compile_options",
                   batch, program->max_batch);
  w->batch = batch;
  for (int32_t i = 0; i < program->n_moving; i++) {
    int32_t b = program->moving[i];
    void *to = place_of(w, &program->buffers[b], inputs, outputs);
    if (to == w->pointers[b]) continue;
    w->pointers[b] = to;
    plan_tape_moved(w, b);
  }
  for (int32_t i = 0; i < program->n_checks; i++) {
    const plan_check *c = &program->checks[i];
    BP_TRY(bp_index_check(w->ctx, c->op, w->pointers[c->buffer], c->rows < 0 ? batch : c->rows, c->limit));
  }
  run_fixed(w);
  return plan_tape_run(w) ? BP_OK : run_phases(w);
}
