/* tape.c - small programs: every call of a run with its arguments in place. Floor: program.
 *
 * In a step of a network of a few units the kernels take less time than finding out what to call: rows are cut, slots are found,
 * shapes resolved, again and again with the same answers. When every chain of a program is one block, the answers depend on the
 * batch alone, and on where the caller's arrays are. A tape has the calls in order, for one batch, and a list of the places where
 * each of the caller's arrays is named: a run sets those whose array has moved, and makes the calls. They are the calls that run.c
 * would make, so no bit differs. A batch is taped when it comes a second time in a row.
 */
#include "program/tape.h"

#include <string.h>

#include "base/fail.h"

typedef enum tape_kind {
  TAPE_ELEMENTWISE,
  TAPE_COMPOUND,
  TAPE_PRODUCT,
  TAPE_EXEC,       /* one operation through graph/exec.h */
  TAPE_TILE,       /* a short array laid out as often as rows need it */
  TAPE_GATHER,     /* rows of a table */
  TAPE_INSTRUCTION /* what is rare: an instruction as run.c runs it */
} tape_kind;

typedef struct tape_entry {
  tape_kind kind;
  uint8_t size; /* tile: bytes of an element */
  int64_t n;    /* elements; rows of an operation or instruction */
  union {
    struct {
      union {
        bp_ew_fn ew;
        bp_compound_fn compound;
      } fn;
      const void *in[BP_COMPOUND_INPUTS];
      void *out[BP_COMPOUND_OUTPUTS];
    } call;
    struct {
      bp_gemm_fn fn;
      bp_gemm g;
    } product;
    struct {
      const void *from;
      void *to;
      int64_t period;
    } tile;
    struct {
      const plan_code *code;
      void *out;
      const void *table, *index;
    } gather;
    bp_exec exec;
    const plan_instruction *instruction;
  } u;
} tape_entry;

/* A pointer to one of the caller's arrays. */
typedef struct tape_patch {
  void *where;
  int32_t next; /* of the same buffer, -1 ends */
} tape_patch;

struct plan_tape {
  tape_entry *entries;
  tape_patch *patches;
  int32_t *first; /* by buffer: its newest patch, -1 none */
  size_t n_entries, n_patches, max_entries, max_patches;
  int64_t batch; /* that it is for; of the last run, while it is for none */
  bool bound, usable;
};

/* ---- making ---- */
/* At most so many entries: more is no small program. */
enum { MOST_ENTRIES = 400 };

static bool has_plain_code(const plan_instruction *ins) {
  for (int32_t i = 0; i < ins->n_code; i++)
    if (ins->code[i].kind == CODE_CAST || ins->code[i].kind == CODE_ONE_HOT) return false;
  return ins->n_slots == 0 || ins->slots_end[SLOT_REPEAT] == ins->slots_end[SLOT_STRIP];
}

static bool fits(const bp_program *p, size_t *entries, size_t *patches) {
  if (p->n_calls > 0) return false;
  for (int32_t i = 0; i < p->n_instructions; i++) {
    const plan_instruction *ins = &p->instructions[i];
    if (ins->node.op == BP_OP_custom || ins->node.op == BP_OP_custom_vjp) return false;
    *entries += (size_t)(ins->n_code + ins->n_slots + 1);
    *patches += (size_t)(ins->n_args + 1 + ins->n_slots);
    for (int32_t k = 0; k < ins->n_code; k++) *patches += BP_COMPOUND_INPUTS + BP_COMPOUND_OUTPUTS;
  }
  for (int32_t i = 0; i < p->n_chains; i++)
    if (p->chains[i].rows > p->chains[i].block) return false;
  return *entries <= MOST_ENTRIES;
}

bp_status plan_tape_init(bp_workspace *w) {
  const bp_program *p = w->program;
  size_t entries = 0, patches = 0;
  if (!fits(p, &entries, &patches)) return BP_OK;
  plan_tape *t = w->tape = bp_calloc(w->ctx, 1, sizeof *t);
  if (t == NULL) return BP_E_NOMEM;
  t->max_entries = entries;
  t->max_patches = patches;
  t->batch = -1;
  t->entries = bp_calloc(w->ctx, entries, sizeof *t->entries);
  t->patches = bp_calloc(w->ctx, patches, sizeof *t->patches);
  t->first = bp_calloc(w->ctx, (size_t)p->n_buffers, sizeof *t->first);
  return t->entries != NULL && t->patches != NULL && t->first != NULL ? BP_OK : BP_E_NOMEM;
}

void plan_tape_release(bp_workspace *w) {
  plan_tape *t = w->tape;
  if (t == NULL) return;
  bp_release(w->allocator, t->entries, t->max_entries, sizeof *t->entries);
  bp_release(w->allocator, t->patches, t->max_patches, sizeof *t->patches);
  bp_release(w->allocator, t->first, (size_t)w->program->n_buffers, sizeof *t->first);
  bp_release(w->allocator, t, 1, sizeof *t);
}

/* ---- binding ---- */
static tape_entry *add(plan_tape *t, tape_kind kind, int64_t n) {
  tape_entry *e = &t->entries[t->n_entries++];
  *e = (tape_entry){.kind = kind, .n = n};
  return e;
}

/* The pointer at `where` is to the beginning of a buffer, wherever that will be. */
static void point(bp_workspace *w, void *where, int32_t buffer) {
  plan_tape *t = w->tape;
  memcpy(where, &w->pointers[buffer], sizeof(void *));
  plan_place place = w->program->buffers[buffer].place;
  if (place != PLAN_INPUT && place != PLAN_OUTPUT) return;
  t->patches[t->n_patches] = (tape_patch){where, t->first[buffer]};
  t->first[buffer] = (int32_t)t->n_patches++;
}

/* The pointer at `where` is to the elements of a slot: a place in scratch or of a constant, or a buffer. */
static void point_to_slot(bp_workspace *w, const plan_instruction *ins, int32_t slot, void *where, int64_t n) {
  const bp_program *p = w->program;
  const plan_slot *s = &ins->slots[slot];
  char *product = w->scratch + p->gemm_scratch, *at = product + p->product_bytes + s->offset;
  switch ((plan_slot_kind)s->kind) {
  case SLOT_MEMORY:
  case SLOT_STRIP:
  case SLOT_RAW: point(w, where, s->buffer); return;
  case SLOT_TILE:
    if (s->period < n) break;
    point(w, where, s->buffer);
    return;
  case SLOT_PRODUCT: at = product; break;
  case SLOT_SPLAT: at = (char *)(uintptr_t)s->splat; break;
  default: break; /* registers, and what is laid out there */
  }
  memcpy(where, &at, sizeof at);
}

/* Numbers and short arrays are laid out before the code of their instruction. */
static void bind_tiles(bp_workspace *w, const plan_instruction *ins, int64_t n) {
  for (int32_t i = 0; i < ins->n_slots; i++) {
    const plan_slot *s = &ins->slots[i];
    bool tile = s->kind == SLOT_TILE && s->period < n;
    if (!tile && s->kind != SLOT_SCALAR) continue;
    tape_entry *e = add(w->tape, TAPE_TILE, n);
    e->size = s->size;
    e->u.tile.period = tile ? s->period : 1;
    e->u.tile.to = w->scratch + w->program->gemm_scratch + w->program->product_bytes + s->offset;
    point(w, &e->u.tile.from, s->buffer);
  }
}

static void bind_gather(bp_workspace *w, const plan_instruction *ins, const plan_code *c, int64_t n) {
  tape_entry *e = add(w->tape, TAPE_GATHER, n);
  e->u.gather.code = c;
  point_to_slot(w, ins, c->out[0], &e->u.gather.out, n);
  point_to_slot(w, ins, c->in[0], &e->u.gather.table, n);
  point_to_slot(w, ins, c->in[1], &e->u.gather.index, n);
}

static void bind_kernel(bp_workspace *w, const plan_instruction *ins, const plan_code *c, int64_t n) {
  bool compound = c->kind == CODE_COMPOUND;
  tape_entry *e = add(w->tape, compound ? TAPE_COMPOUND : TAPE_ELEMENTWISE, n);
  int n_in = compound ? bp_compound_inputs((bp_compound)c->number) : bp_ew_arity((bp_ew)c->number);
  int n_out = compound ? bp_compound_outputs((bp_compound)c->number) : 1;
  if (compound)
    e->u.call.fn.compound = c->fn.compound;
  else
    e->u.call.fn.ew = c->fn.ew;
  for (int k = 0; k < n_in; k++) point_to_slot(w, ins, c->in[k], &e->u.call.in[k], n);
  for (int k = 0; k < n_out; k++) point_to_slot(w, ins, c->out[k], &e->u.call.out[k], n);
}

static void bind_code(bp_workspace *w, const plan_instruction *ins, int64_t n) {
  bind_tiles(w, ins, n);
  for (int32_t i = 0; i < ins->n_code; i++)
    (ins->code[i].kind == CODE_GATHER ? bind_gather : bind_kernel)(w, ins, &ins->code[i], n);
}

static void bind_product(bp_workspace *w, const plan_instruction *ins, int64_t rows) {
  tape_entry *e = add(w->tape, TAPE_PRODUCT, rows);
  e->u.product.fn = w->kernels->gemm[ins->node.dtype == BP_F64 ? BP_KF64 : BP_KF32];
  e->u.product.g = plan_product(w, ins, w->scratch, 0, rows);
  point(w, &e->u.product.g.a, ins->args[0].buffer);
  point(w, &e->u.product.g.b, ins->args[1].buffer);
  if (ins->out >= 0) point(w, &e->u.product.g.c, ins->out);
}

static void bind_exec(bp_workspace *w, const plan_instruction *ins, int64_t rows) {
  tape_entry *e = add(w->tape, TAPE_EXEC, rows);
  e->u.exec = plan_operation(w, ins, w->scratch);
  point(w, &e->u.exec.out, ins->out);
  for (int32_t a = 0; a < ins->n_args; a++) point(w, &w->args[ins->first_arg + a].data, ins->args[a].buffer);
}

/* False when the instruction is more than a block. */
static bool bind_instruction(bp_workspace *w, const plan_instruction *ins, int64_t rows) {
  int64_t n = rows * ins->row;
  bool code = ins->kind == PLAN_FUSED || ins->kind == PLAN_GEMM;
  if (rows <= 0) return true;
  if (code && ins->n_code > 0 && n > ins->block) return false;
  if (ins->kind == PLAN_PACK || ins->kind == PLAN_SCALARS || ins->node.op == BP_OP_axis_size ||
      (code && !has_plain_code(ins))) {
    add(w->tape, TAPE_INSTRUCTION, rows)->u.instruction = ins;
    return true;
  }
  if (ins->kind == PLAN_GEMM) bind_product(w, ins, rows);
  if (ins->kind == PLAN_OP) bind_exec(w, ins, rows);
  if (code && n > 0) bind_code(w, ins, n);
  return true;
}

static bool bind_all(bp_workspace *w) {
  const bp_program *p = w->program;
  for (int32_t i = 0; i < p->n_prologue; i++)
    if (!p->instructions[i].fixed && !bind_instruction(w, &p->instructions[i], 1)) return false;
  for (int32_t i = 0; i < p->n_chains; i++) {
    const plan_chain *c = &p->chains[i];
    int64_t rows = c->rows < 0 ? w->batch : c->rows;
    if (rows > c->block) return false;
    for (int32_t k = 0; k < c->count; k++)
      if (!bind_instruction(w, &p->instructions[c->first + k], rows)) return false;
  }
  return true;
}

static void bind(bp_workspace *w) {
  plan_tape *t = w->tape;
  t->n_entries = t->n_patches = 0;
  for (int32_t b = 0; b < w->program->n_buffers; b++) t->first[b] = -1;
  t->bound = true;
  t->usable = false;
  if (w->threads > 1) {
    bp_cost cost = bp_program_cost(w->program, w->batch);
    if ((double)(cost.flops + cost.bytes) > PLAN_SHARED_WORK) return;
  }
  plan_resolve_args(w);
  t->usable = bind_all(w);
  if (!t->usable) t->n_patches = 0;
  for (int32_t b = 0; !t->usable && b < w->program->n_buffers; b++) t->first[b] = -1;
}

void plan_tape_moved(bp_workspace *w, int32_t buffer) {
  const plan_tape *t = w->tape;
  if (t == NULL || !t->usable) return;
  const void *moved = w->pointers[buffer];
  for (int32_t i = t->first[buffer]; i >= 0; i = t->patches[i].next) memcpy(t->patches[i].where, &moved, sizeof moved);
}

/* ---- running ---- */
#define LAY(name, size)                                                                                                \
  static void name(char *to, const char *from, int64_t period, int64_t n) {                                            \
    for (int64_t i = 0; i < n; i += period)                                                                            \
      for (int64_t k = 0; k < period && i + k < n; k++) memcpy(to + (i + k) * (size), from + k * (size), size);        \
  }
LAY(lay4, 4)
LAY(lay8, 8)

static void lay(const tape_entry *e) {
  (e->size == 8 ? lay8 : lay4)(e->u.tile.to, e->u.tile.from, e->u.tile.period, e->n);
}

bool plan_tape_run(bp_workspace *w) {
  plan_tape *t = w->tape;
  if (t == NULL) return false;
  if (t->batch != w->batch) {
    t->batch = w->batch;
    t->bound = t->usable = false;
    return false;
  }
  if (!t->bound) bind(w);
  if (!t->usable) return false;
  for (const tape_entry *e = t->entries, *end = e + t->n_entries; e < end; e++) switch (e->kind) {
    case TAPE_ELEMENTWISE: e->u.call.fn.ew(e->u.call.out[0], e->u.call.in, e->n); break;
    case TAPE_COMPOUND: e->u.call.fn.compound(e->u.call.out, e->u.call.in, e->n); break;
    case TAPE_PRODUCT: e->u.product.fn(&e->u.product.g); break;
    case TAPE_EXEC: bp_exec_rows(&e->u.exec, 0, e->n); break;
    case TAPE_TILE: lay(e); break;
    case TAPE_GATHER:
      plan_gather(e->u.gather.code, e->u.gather.out, e->u.gather.table, e->u.gather.index, 0, e->n, e->n);
      break;
    case TAPE_INSTRUCTION: plan_run_instruction(w, e->u.instruction, 0, 0, e->n); break;
    }
  return true;
}

bool plan_tape_is_on(const bp_workspace *w) { return w->tape != NULL && w->tape->usable && w->tape->batch == w->batch; }
