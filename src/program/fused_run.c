/* fused_run.c - the register machine of elementwise instructions: code over blocks of elements. Floor: program.
 *
 * Registers are blocks in the first-level cache, code is a list of vector kernels; what lies in memory is read and written in
 * place. Each element is computed alone, so blocks and rows can be cut anywhere. The slots of an
 * instruction stand in the order of their kinds: finding where they lie is one loop for each kind.
 */
#include <string.h>

#include "program/plan.h"

typedef struct block {
  void *const *pointers;
  char *registers, *product;
  char **at;                    /* by slot: where the elements of this block are */
  int64_t task_begin, task_end; /* elements of the task */
  int64_t begin;                /* first element of the block */
  int64_t n;
} block;

/* dst[i] = src, for one element of the slot's type. */
static void spread(char *dst, const char *src, uint8_t dtype, int64_t n) {
  if (dtype == BP_F64)
    bp_fill(dst, BP_KF64, *(const double *)(const void *)src, n);
  else
    bp_fill(dst, BP_KF32, *(const float *)(const void *)src, n);
}

/* A tile laid out over a block, and a period more: a block may begin anywhere in it. */
static void lay_tile(const plan_slot *s, const block *b, int64_t n) {
  const char *memory = b->pointers[s->buffer];
  char *to = b->registers + s->offset;
  size_t size = s->size, period = (size_t)s->period, want = (size_t)n + period;
  memcpy(to, memory, period * size);
  for (size_t have = period; have < want;) {
    size_t part = have < want - have ? have : want - have;
    memcpy(to + have * size, to, part * size);
    have += part;
  }
}

/* to[i] = from[((begin + i) / repeat) % period], run by run; short runs are not worth a call. */
#define REPEAT(name, real, kernel)                                                                                     \
  static void name(real *to, const real *from, const plan_slot *s, int64_t begin, int64_t n) {                         \
    int64_t index = begin / s->repeat, stop = s->repeat - begin % s->repeat;                                           \
    if (s->period > 0) index %= s->period;                                                                             \
    for (int64_t i = 0; i < n; stop += s->repeat) {                                                                    \
      real value = from[index];                                                                                        \
      if (stop > n) stop = n;                                                                                          \
      if (stop - i >= 64) bp_fill(to + i, kernel, (double)value, stop - i), i = stop;                                  \
      for (; i < stop; i++) to[i] = value;                                                                             \
      if (++index == s->period) index = 0;                                                                             \
    }                                                                                                                  \
  }
REPEAT(repeat_f32, float, BP_KF32)
REPEAT(repeat_f64, double, BP_KF64)

static void repeat_elements(char *to, const char *memory, const plan_slot *s, const block *b) {
  if (s->dtype == BP_F64)
    repeat_f64((double *)(void *)to, (const double *)(const void *)memory, s, b->begin, b->n);
  else
    repeat_f32((float *)(void *)to, (const float *)(const void *)memory, s, b->begin, b->n);
}

static char *strip(char *to, char *memory, const plan_slot *s, const block *b) {
  size_t size = s->size;
  int64_t at = b->begin % s->period, first = s->period - at;
  if (first >= b->n) return memory + (size_t)at * size;
  memcpy(to, memory + (size_t)at * size, (size_t)first * size);
  memcpy(to + (size_t)first * size, memory, (size_t)(b->n - first) * size);
  return to;
}

/* Asks for a row of a table before it is needed: rows are picked at random, so the hardware cannot guess them. */
static void prefetch_row(const char *row, size_t bytes) {
#if defined(__GNUC__)
  for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(row + i);
#else
  (void)row, (void)bytes;
#endif
}

enum { ROWS_AHEAD = 2 };

/* Rows of one element, which is what a list of places in an array is. */
#define PICK(name, size)                                                                                               \
  static void name(char *out, const char *table, const int32_t *index, int64_t n) {                                    \
    for (int64_t i = 0; i < n; i++) memcpy(out + i * (size), table + (int64_t)index[i] * (size), size);                \
  }
PICK(pick4, 4)
PICK(pick8, 8)

static bool pick_elements(const plan_code *c, char *out, const char *table, const int32_t *index, int64_t n) {
  size_t size = bp_dtype_size((bp_dtype)c->dtype);
  if (c->columns != 1 || c->from != c->dtype || (size != 4 && size != 8)) return false;
  (size == 8 ? pick8 : pick4)(out, table, index, n);
  return true;
}

void plan_gather(const plan_code *c, char *out, const char *table, const int32_t *index, int64_t begin, int64_t n,
                 int64_t end) {
  const int64_t columns = c->columns, last = (end - 1) / columns;
  const size_t size_in = bp_dtype_size((bp_dtype)c->from), size_out = bp_dtype_size((bp_dtype)c->dtype);
  int64_t row = begin / columns, column = begin - row * columns;
  if (pick_elements(c, out, table, index + begin, n)) return;
  for (int64_t part; n > 0; n -= part, row++, column = 0) {
    part = columns - column < n ? columns - column : n;
    if (column == 0 && row + ROWS_AHEAD <= last)
      prefetch_row(table + (size_t)((int64_t)index[row + ROWS_AHEAD] * columns) * size_in, (size_t)columns * size_in);
    const char *from = table + (size_t)((int64_t)index[row] * columns + column) * size_in;
    if (c->from == c->dtype)
      memcpy(out, from, (size_t)part * size_out);
    else
      bp_convert(out, c->dtype, from, c->from, part);
    out += (size_t)part * size_out;
  }
}

static void run_one_hot(const plan_code *c, const block *b, char *out, const int32_t *index) {
  size_t size = bp_dtype_size((bp_dtype)c->dtype);
  int64_t end = b->begin + b->n;
  memset(out, 0, (size_t)b->n * size);
  for (int64_t row = b->begin / c->columns; row * c->columns < end; row++) {
    int64_t e = row * c->columns + index[row];
    if (e >= b->begin && e < end)
      bp_fill(out + (size_t)(e - b->begin) * size, c->dtype == BP_F64 ? BP_KF64 : BP_KF32, 1, 1);
  }
}

/* ---- where the slots are ---- */
/* At the beginning of a task; each kind of slot in a loop of its own. */
static void begin_task(const plan_instruction *ins, block *b) {
  int64_t elements = b->task_end - b->task_begin, n = elements < ins->block ? elements : ins->block;
  const plan_slot *s = ins->slots;
  const int32_t *end = ins->slots_end;
  int32_t i = 0;
  for (; i < end[SLOT_PRODUCT]; i++) b->at[i] = b->product;
  for (; i < end[SLOT_MEMORY]; i++) b->at[i] = (char *)b->pointers[s[i].buffer] + (size_t)b->begin * s[i].size;
  for (; i < end[SLOT_TILE]; i++) lay_tile(&s[i], b, n);
  for (i = end[SLOT_TILE]; i < end[SLOT_REGISTER]; i++) b->at[i] = b->registers + s[i].offset;
  for (; i < end[SLOT_SCALAR]; i++) {
    b->at[i] = b->registers + s[i].offset;
    spread(b->at[i], b->pointers[s[i].buffer], s[i].dtype, n);
  }
  for (; i < end[SLOT_SPLAT]; i++) b->at[i] = (char *)(uintptr_t)s[i].splat;
  for (; i < end[SLOT_RAW]; i++) b->at[i] = b->pointers[s[i].buffer];
}

/* What a block of a view needs anew. */
static void begin_block(const plan_instruction *ins, block *b) {
  const plan_slot *s = ins->slots;
  const int32_t *end = ins->slots_end;
  int32_t i = end[SLOT_MEMORY];
  for (; i < end[SLOT_TILE]; i++) b->at[i] = b->registers + s[i].offset + (size_t)(b->begin % s[i].period) * s[i].size;
  for (; i < end[SLOT_STRIP]; i++) b->at[i] = strip(b->registers + s[i].offset, b->pointers[s[i].buffer], &s[i], b);
  for (; i < end[SLOT_REPEAT]; i++) repeat_elements(b->at[i], b->pointers[s[i].buffer], &s[i], b);
}

/* What lies in memory moves on. */
static void end_block(const plan_instruction *ins, block *b) {
  for (int32_t i = 0; i < ins->slots_end[SLOT_MEMORY]; i++) b->at[i] += (size_t)b->n * ins->slots[i].size;
}

/* ---- code ---- */
static void run_compound(const plan_code *c, char *const *at, int64_t n) {
  const void *in[BP_COMPOUND_INPUTS];
  void *out[BP_COMPOUND_OUTPUTS];
  for (int i = 0; i < BP_COMPOUND_INPUTS; i++) in[i] = at[c->in[i]];
  for (int i = 0; i < BP_COMPOUND_OUTPUTS; i++) out[i] = at[c->out[i]];
  c->fn.compound(out, in, n);
}

static void run_code(const plan_code *c, const block *b) {
  char *const *at = b->at;
  const void *in[3] = {at[c->in[0]], at[c->in[1]], at[c->in[2]]};
  char *out = at[c->out[0]];
  switch ((plan_code_kind)c->kind) {
  case CODE_ELEMENTWISE: c->fn.ew(out, in, b->n); return;
  case CODE_COMPOUND: run_compound(c, at, b->n); return;
  case CODE_CAST: bp_convert(out, c->dtype, in[0], c->from, b->n); return;
  case CODE_GATHER: plan_gather(c, out, in[0], in[1], b->begin, b->n, b->task_end); return;
  case CODE_ONE_HOT: run_one_hot(c, b, out, in[0]); return;
  }
}

void plan_run_fused(const bp_program *p, const plan_instruction *ins, void *const *pointers, char *scratch,
                    int64_t row0, int64_t row1) {
  block b = {.pointers = pointers, .product = scratch + p->gemm_scratch};
  b.registers = b.product + p->product_bytes;
  b.at = (char **)(void *)(b.registers + p->register_bytes);
  b.begin = b.task_begin = row0 * ins->row;
  b.task_end = row1 * ins->row;
  if (b.begin >= b.task_end) return;
  begin_task(ins, &b);
  for (;;) {
    b.n = b.task_end - b.begin < ins->block ? b.task_end - b.begin : ins->block;
    begin_block(ins, &b);
    for (int32_t i = 0; i < ins->n_code; i++) run_code(&ins->code[i], &b);
    b.begin += b.n;
    if (b.begin >= b.task_end) return;
    end_block(ins, &b);
  }
}
