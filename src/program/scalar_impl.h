/* program/scalar_impl.h - a template: the loop that runs the code of a region, for the element type REAL; NAME(x) gives its functions
 * names. Included by scalar_run.c once for each type. Floor: program.
 */

/* Few operations in a row: no call for them. */
#define SHORT(label, op)                                                                                               \
  static void NAME(label)(REAL *restrict y, const REAL *a, const REAL *b, int64_t n, int64_t step_a, int64_t step_b) { \
    for (int64_t i = 0; i < n; i++) y[i] = a[i * step_a] op b[i * step_b];                                             \
  }
SHORT(short_add, +)
SHORT(short_sub, -)
SHORT(short_mul, *)
#undef SHORT

#define CHAIN(label, op)                                                                                               \
  static void NAME(label)(REAL * y, REAL value, const REAL *b, int64_t n, int64_t step) {                              \
    for (int64_t i = 0; i < n; i++) y[i] = value = value op b[i * step];                                               \
  }
CHAIN(chain_add, +)
CHAIN(chain_sub, -)
CHAIN(chain_mul, *)
#undef CHAIN

/* Arguments that are not dense are copied together first; one value for all of a row once for all blocks. */
static const REAL *NAME(dense)(const REAL *from, int64_t step, int64_t done, int64_t n, REAL *room) {
  if (step == 1) return from + done;
  if (step == 0 && done > 0) return room;
  for (int64_t i = 0; i < n; i++) room[i] = from[(done + i) * step];
  return room;
}

/* Operations in a row, through their kernel. */
static void NAME(run_kernel)(bp_ew_fn fn, int arity, REAL *slots, const uint32_t *code, REAL *room) {
  int64_t n = code[1];
  for (int64_t done = 0; done < n; done += SCALAR_BLOCK) {
    int64_t block = n - done < SCALAR_BLOCK ? n - done : SCALAR_BLOCK;
    const void *in[3] = {NULL, NULL, NULL};
    for (int k = 0; k < arity; k++)
      in[k] = NAME(dense)(slots + code[3 + k], (int32_t)code[6 + k], done, block, room + k * SCALAR_BLOCK);
    fn(slots + code[2] + done, in, block);
  }
}

static void NAME(run)(REAL *s, REAL *room, const uint32_t *code, const uint32_t *end, const bp_ew_fn *kernels) {
#define ONE(op)        case BP_EW_##op << 2 | SCALAR_ONE
#define SLOTS_OF_SHORT s + code[2], s + code[3], s + code[4], code[1], (int32_t)code[6], (int32_t)code[7]
#define SLOTS_OF_CHAIN s + code[2], s[code[3]], s + code[4], code[1], (int32_t)code[5]
  while (code < end) switch (code[0]) {
      ONE(add) : s[code[1]] = s[code[2]] + s[code[3]];
      code += SCALAR_ONE_WORDS;
      break;
      ONE(sub) : s[code[1]] = s[code[2]] - s[code[3]];
      code += SCALAR_ONE_WORDS;
      break;
      ONE(mul) : s[code[1]] = s[code[2]] * s[code[3]];
      code += SCALAR_ONE_WORDS;
      break;
      ONE(div) : s[code[1]] = s[code[2]] / s[code[3]];
      code += SCALAR_ONE_WORDS;
      break;
      ONE(neg) : s[code[1]] = -s[code[2]];
      code += SCALAR_ONE_WORDS;
      break;
      ONE(square) : s[code[1]] = s[code[2]] * s[code[2]];
      code += SCALAR_ONE_WORDS;
      break;
      ONE(copy) : s[code[1]] = s[code[2]];
      code += SCALAR_ONE_WORDS;
      break;
    case BP_EW_add << 2 | SCALAR_SHORT:
      NAME(short_add)(SLOTS_OF_SHORT);
      code += SCALAR_RUN_WORDS;
      break;
    case BP_EW_sub << 2 | SCALAR_SHORT:
      NAME(short_sub)(SLOTS_OF_SHORT);
      code += SCALAR_RUN_WORDS;
      break;
    case BP_EW_mul << 2 | SCALAR_SHORT:
      NAME(short_mul)(SLOTS_OF_SHORT);
      code += SCALAR_RUN_WORDS;
      break;
    case BP_EW_add << 2 | SCALAR_CHAIN:
      NAME(chain_add)(SLOTS_OF_CHAIN);
      code += SCALAR_CHAIN_WORDS;
      break;
    case BP_EW_sub << 2 | SCALAR_CHAIN:
      NAME(chain_sub)(SLOTS_OF_CHAIN);
      code += SCALAR_CHAIN_WORDS;
      break;
    case BP_EW_mul << 2 | SCALAR_CHAIN:
      NAME(chain_mul)(SLOTS_OF_CHAIN);
      code += SCALAR_CHAIN_WORDS;
      break;
    default:
      if ((code[0] & 3u) == SCALAR_ONE) {
        kernels[code[0] >> 2](s + code[1], (const void *[]){s + code[2], s + code[3], s + code[4]}, 1);
        code += SCALAR_ONE_WORDS;
      } else {
        NAME(run_kernel)(kernels[code[0] >> 2], bp_ew_arity((bp_ew)(code[0] >> 2)), s, code, room);
        code += SCALAR_RUN_WORDS;
      }
    }
#undef ONE
#undef SLOTS_OF_SHORT
#undef SLOTS_OF_CHAIN
}

static void NAME(move)(REAL *to, int64_t to_step, const REAL *from, int64_t from_step, int64_t n) {
  if (to_step == 1 && from_step == 1) {
    memcpy(to, from, (size_t)n * sizeof *to);
    return;
  }
  for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];
}

static void NAME(run_region)(const bp_workspace *w, const plan_scalars *p, REAL *slots) {
  memcpy(slots, p->constants, p->n_constants * sizeof *slots);
  for (const scalar_move *m = p->loads, *end = m + p->n_loads; m < end; m++)
    NAME(move)(slots + m->slot, m->slot_step, (const REAL *)w->pointers[m->buffer] + m->first, m->step, m->n);
  NAME(run)(slots, slots + p->n_slots, p->code, p->code + p->n_words, w->kernels->ew[p->real]);
  for (const scalar_move *m = p->stores, *end = m + p->n_stores; m < end; m++)
    NAME(move)((REAL *)w->pointers[m->buffer] + m->first, m->step, slots + m->slot, m->slot_step, m->n);
}
