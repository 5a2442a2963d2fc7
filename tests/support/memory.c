/* support/memory.c - the checking allocator and the allocation sweep. */
#include "support/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

/* A block is: header, the caller's bytes, guard. */
typedef union header {
  struct {
    uint64_t magic;
    size_t size;
  } is;
  max_align_t align;
} header;

enum { GUARD = 16, FRESH = 0xA5, FREED = 0xDD, GUARD_BYTE = 0xFB, MOST_FAILURES = 100000 };
static const size_t largest = SIZE_MAX > UINT32_MAX ? (size_t)((uint64_t)1 << 36) : SIZE_MAX / 4;
static const uint64_t live_magic = 0x4C49564520424C4Bu, dead_magic = 0x4445414420424C4Bu;

void bt_alloc_init(bt_alloc_state *state) { *state = (bt_alloc_state){.fail_at = BT_NEVER}; }

static void *block_new(bt_alloc_state *state, size_t size) {
  if (size > largest) return NULL; /* sanitizers stop the program where malloc would give NULL */
  header *h = malloc(sizeof *h + size + GUARD);
  if (!h) return NULL;
  h->is.magic = live_magic;
  h->is.size = size;
  memset(h + 1, FRESH, size);
  memset((char *)(h + 1) + size, GUARD_BYTE, GUARD);
  state->live_blocks++;
  state->live_bytes += size;
  if (state->live_bytes > state->peak_bytes) state->peak_bytes = state->live_bytes;
  return h + 1;
}

static bool guard_is_intact(const header *h) {
  const unsigned char *guard = (const unsigned char *)(h + 1) + h->is.size;
  for (int i = 0; i < GUARD; i++)
    if (guard[i] != GUARD_BYTE) return false;
  return true;
}

/* Whether the block can be given back at all. */
static bool block_check(bt_alloc_state *state, const header *h, size_t old_size) {
  const char *fault = NULL;
  if (h->is.magic != live_magic)
    fault = h->is.magic == dead_magic ? "was freed before" : "is none of ours";
  else if (h->is.size != old_size)
    fault = "is given back with a wrong size";
  else if (!guard_is_intact(h))
    fault = "was written beyond its end";
  if (!fault) return true;
  print_error("allocator: a block of %zu bytes (said to be %zu) %s\n", h->is.size, old_size, fault);
  state->faults++;
  return h->is.magic == live_magic;
}

static void block_free(bt_alloc_state *state, void *ptr, size_t old_size) {
  header *h = (header *)ptr - 1;
  if (!block_check(state, h, old_size)) return;
  state->live_blocks--;
  state->live_bytes -= h->is.size;
  memset(ptr, FREED, h->is.size);
  h->is.magic = dead_magic;
  free(h);
}

void *bt_alloc_hook(void *user, void *ptr, size_t old_size, size_t new_size) {
  bt_alloc_state *state = user;
  if (new_size == 0) {
    if (ptr) block_free(state, ptr, old_size);
    return NULL;
  }
  size_t call = state->calls++;
  if (call == state->fail_at || (state->fail_on && call > state->fail_at && state->fail_at != BT_NEVER)) {
    state->failed = true;
    return NULL;
  }
  void *fresh = block_new(state, new_size);
  if (!fresh || !ptr) return fresh;
  memcpy(fresh, ptr, old_size < new_size ? old_size : new_size);
  block_free(state, ptr, old_size);
  return fresh;
}

bool bt_alloc_report(const bt_alloc_state *state) {
  if (state->live_blocks > 0)
    print_error("allocator: %zu blocks with %zu bytes were not freed\n", state->live_blocks, state->live_bytes);
  return state->live_blocks > 0 || state->faults > 0;
}

/* ---- the sweep ---- */

/* One round of it. */
typedef struct sweep {
  bt_job job;
  void *user;
  size_t n;
  bool on; /* all from n on fail */
  const char *file;
  int line;
} sweep;

static void require(bool good, const char *what, const sweep *s, const bp_context *ctx) {
  if (good) return;
  print_error("allocation sweep: allocation %zu%s failed: %s; message: \"%s\"\n", s->n,
              s->on ? " and all behind it" : "", what, bp_error_message(ctx));
  _fail(s->file, s->line);
}

/* Whether an allocation was left to fail. */
static bool fail_nth(const sweep *s) {
  bt_alloc_state state;
  bp_context *ctx;
  bt_alloc_init(&state);
  const bp_context_options options = {.size = sizeof options, .alloc = bt_alloc_hook, .alloc_user = &state};
  assert_int_equal(bp_context_new(&options, &ctx), BP_OK);
  size_t blocks = state.live_blocks;
  state.fail_at = state.calls + s->n;
  state.fail_on = s->on;
  bp_status status = s->job(ctx, s->user);
  state.fail_at = BT_NEVER;
  if (state.failed) {
    require(status == BP_E_NOMEM, bp_status_name(status), s, ctx);
    require(bp_error_status(ctx) == BP_E_NOMEM && *bp_error_message(ctx), "the context does not say so", s, ctx);
    require(state.live_blocks == blocks, "memory was lost", s, ctx);
    status = s->job(ctx, s->user);
  }
  require(status == BP_OK, "the job fails when memory is there", s, ctx);
  bp_context_free(ctx);
  require(!bt_alloc_report(&state), "memory was lost or damaged", s, NULL);
  return state.failed;
}

size_t bt_alloc_sweep_at(bt_job job, void *user, const char *file, int line) {
  sweep s = {.job = job, .user = user, .file = file, .line = line};
  for (s.on = false; fail_nth(&s); s.on = !s.on) {
    s.n += s.on;
    require(s.n < MOST_FAILURES, "this has no end", &s, NULL);
  }
  return s.n;
}
