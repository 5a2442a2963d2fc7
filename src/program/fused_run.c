/* fused_run.c - the register machine of elementwise instructions: code over blocks of PLAN_BLOCK elements. Floor: program.
 *
 * Registers are blocks in the first-level cache, code is a list of vector kernels; what lies in memory is read and written in
 * place. Each element is computed alone, so blocks and rows can be cut anywhere.
 */
#include <string.h>

#include "program/plan.h"

typedef struct block {
  void *const *pointers;
  char *registers, *product;
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

/* What does not change from block to block. */
static void prepare_slot(const plan_slot *s, const block *b, int64_t n) {
  if (s->kind != SLOT_SCALAR && s->kind != SLOT_TILE) return;
  const char *memory = b->pointers[s->buffer];
  char *to = b->registers + s->offset;
  size_t size = s->size;
  if (s->kind == SLOT_SCALAR) {
    spread(to, memory, s->dtype, n < PLAN_BLOCK ? n : PLAN_BLOCK);
    return;
  }
  size_t period = (size_t)s->period, want = (size_t)(n < PLAN_BLOCK ? n : PLAN_BLOCK) + period;
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

/* Where the elements of this block are. */
static char *slot_pointer(const plan_slot *s, const block *b) {
  size_t size = s->size;
  char *mine = b->registers + s->offset;
  switch ((plan_slot_kind)s->kind) {
  case SLOT_MEMORY: return (char *)b->pointers[s->buffer] + (size_t)b->begin * size;
  case SLOT_PRODUCT: return b->product + (size_t)(b->begin - b->task_begin) * size;
  case SLOT_SPLAT: return (char *)(uintptr_t)s->splat;
  case SLOT_TILE: return mine + (size_t)(b->begin % s->period) * size;
  case SLOT_STRIP: return strip(mine, b->pointers[s->buffer], s, b);
  case SLOT_REPEAT: repeat_elements(mine, b->pointers[s->buffer], s, b); return mine;
  case SLOT_RAW: return b->pointers[s->buffer];
  case SLOT_REGISTER:
  case SLOT_SCALAR:
  default: return mine;
  }
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

static void run_gather(const plan_code *c, const block *b, char *out, const char *table, const int32_t *index) {
  int64_t last = (b->task_end - 1) / c->columns;
  size_t size_in = bp_dtype_size((bp_dtype)c->from), size_out = bp_dtype_size((bp_dtype)c->dtype);
  for (int64_t e = b->begin, end = b->begin + b->n; e < end;) {
    int64_t row = e / c->columns, column = e % c->columns;
    int64_t n = c->columns - column < end - e ? c->columns - column : end - e;
    if (column == 0 && row + ROWS_AHEAD <= last)
      prefetch_row(table + (size_t)((int64_t)index[row + ROWS_AHEAD] * c->columns) * size_in,
                   (size_t)c->columns * size_in);
    bp_convert(out, c->dtype, table + (size_t)((int64_t)index[row] * c->columns + column) * size_in, c->from, n);
    out += (size_t)n * size_out;
    e += n;
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

static void run_elementwise(const plan_code *c, const plan_slot *slots, const block *b, const bp_kernels *kernels) {
  const void *in[3] = {NULL, NULL, NULL};
  for (int i = 0; i < 3 && c->in[i] >= 0; i++) in[i] = slot_pointer(&slots[c->in[i]], b);
  kernels->ew[c->dtype == BP_F64 ? BP_KF64 : BP_KF32][c->ew](slot_pointer(&slots[c->out], b), in, b->n);
}

static void run_code(const plan_code *c, const plan_slot *slots, const block *b, const bp_kernels *kernels) {
  if (c->kind == CODE_ELEMENTWISE) {
    run_elementwise(c, slots, b, kernels);
    return;
  }
  const char *in = slot_pointer(&slots[c->in[0]], b);
  char *out = slot_pointer(&slots[c->out], b);
  if (c->kind == CODE_CAST)
    bp_convert(out, c->dtype, in, c->from, b->n);
  else if (c->kind == CODE_GATHER)
    run_gather(c, b, out, in, (const int32_t *)(const void *)slot_pointer(&slots[c->in[1]], b));
  else
    run_one_hot(c, b, out, (const int32_t *)(const void *)in);
}

void plan_run_fused(const bp_kernels *kernels, const plan_instruction *ins, void *const *pointers, char *registers,
                    char *product, int64_t row0, int64_t row1) {
  block b = {.pointers = pointers, .registers = registers, .product = product};
  int64_t end = row1 * ins->row;
  b.task_begin = row0 * ins->row;
  b.task_end = end;
  if (b.task_begin >= end) return;
  for (int32_t i = 0; i < ins->n_slots; i++) prepare_slot(&ins->slots[i], &b, end - b.task_begin);
  for (b.begin = b.task_begin; b.begin < end; b.begin += PLAN_BLOCK) {
    b.n = end - b.begin < PLAN_BLOCK ? end - b.begin : PLAN_BLOCK;
    for (int32_t i = 0; i < ins->n_code; i++) run_code(&ins->code[i], ins->slots, &b, kernels);
  }
}
