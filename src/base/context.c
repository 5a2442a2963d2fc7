/* base/context.c - the context: allocator, last failure, receiver of messages.
 *
 * The message lives inside the object, so that failing needs no memory: the failure of an allocation must still be
 * able to say so.
 */
#include "backprop/context.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/alloc.h"
#include "base/bound.h"
#include "base/fail.h"
#include "base/text.h"

/* Objects keep the address of the context in their allocator and may be freed after it: so the block is released with the last of
 * them. */
struct bp_context {
  bp_allocator allocator; /* the caller's */
  _Atomic size_t live;    /* bytes allocated and not freed, the context itself among them */
  _Atomic size_t limit;   /* of live; SIZE_MAX: none */
  size_t max_memory;      /* 0: by files */
  size_t allowed;         /* by the bound that is open, for its message */
  bool bounded, exceeded; /* a bound is open; it has refused a block */
  bp_message_fn receive;
  void *receive_user;
  bp_status status;
  char message[BP_MESSAGE_MAX];
};

/* ---- memory of the system ---- */

/* Rows picked at random from a large block cost as much in looking up their pages as in reading them. So the system is asked for
 * pages of 2 MB within it, where it has any; no more than a part of the block can be wasted by that. */
enum { LARGE_PAGE = 2 << 20, LARGE_BLOCK = 8 << 20 };

static void ask_for_large_pages(void *ptr, size_t size) {
#if defined(MADV_HUGEPAGE)
  uintptr_t begin = ((uintptr_t)ptr + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
  uintptr_t end = ((uintptr_t)ptr + size) / LARGE_PAGE * LARGE_PAGE;
  (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE); /* what it says does not matter: a wish */
#else
  (void)ptr, (void)size;
#endif
}

static void *system_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  (void)user;
  (void)old_size;
  if (new_size == 0) {
    free(ptr);
    return NULL;
  }
  ptr = realloc(ptr, new_size);
  if (ptr && new_size >= LARGE_BLOCK) ask_for_large_pages(ptr, new_size);
  return ptr;
}

/* ---- the object ---- */

/* The caller's options in our own layout, whatever version of the header the caller was compiled with. */
static bp_status read_options(const bp_context_options *options, bp_context_options *out) {
  memset(out, 0, sizeof *out);
  if (options) {
    size_t size = options->size < sizeof *out ? options->size : sizeof *out;
    if (size < sizeof options->size) return BP_E_ARG;
    memcpy(out, options, size);
  }
  if (!out->alloc) out->alloc = system_alloc;
  return BP_OK;
}

bp_status bp_context_new(const bp_context_options *options, bp_context **out) {
  bp_context_options given;
  BP_TRY(read_options(options, &given));
  bp_context *ctx = given.alloc(given.alloc_user, NULL, 0, sizeof *ctx);
  if (!ctx) return BP_E_NOMEM;
  memset(ctx, 0, sizeof *ctx);
  ctx->allocator = (bp_allocator){given.alloc, given.alloc_user};
  ctx->receive = given.message;
  ctx->receive_user = given.message_user;
  ctx->max_memory = given.max_memory;
  ctx->live = sizeof *ctx;
  ctx->limit = SIZE_MAX;
  *out = ctx;
  return BP_OK;
}

/* Gives bytes back; who gives the last ones back releases the block of the context. */
static void take_from_live(bp_context *ctx, size_t bytes) {
  bp_allocator allocator = ctx->allocator;
  if (atomic_fetch_sub(&ctx->live, bytes) == bytes) (void)allocator.fn(allocator.user, ctx, sizeof *ctx, 0);
}

void bp_context_free(bp_context *context) {
  if (context) take_from_live(context, sizeof *context);
}

/* The allocator of every object: counts, and keeps to the bound that is open. */
static void *counted_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  bp_context *ctx = user;
  if (new_size > old_size) {
    size_t live = atomic_fetch_add(&ctx->live, new_size - old_size), limit = atomic_load(&ctx->limit);
    if (live > limit || new_size - old_size > limit - live) {
      ctx->exceeded = true;
      (void)atomic_fetch_sub(&ctx->live, new_size - old_size);
      return NULL;
    }
  }
  void *block = ctx->allocator.fn(ctx->allocator.user, ptr, old_size, new_size);
  if (!block && new_size > old_size) (void)atomic_fetch_sub(&ctx->live, new_size - old_size);
  if (new_size < old_size && (block || new_size == 0)) take_from_live(ctx, old_size - new_size);
  return block;
}

bp_allocator bp_context_allocator(const bp_context *ctx) {
  return ctx ? (bp_allocator){counted_alloc, (void *)(uintptr_t)ctx} : (bp_allocator){system_alloc, NULL};
}

/* ---- the bound ---- */

static size_t plus(size_t a, uint64_t b) { return b < SIZE_MAX - a ? a + (size_t)b : SIZE_MAX; }

static void allow(bp_context *ctx, uint64_t bytes) {
  ctx->allowed = plus(ctx->allowed, bytes);
  ctx->limit = plus(ctx->limit, bytes);
}

bp_bound bp_bound_open(bp_context *ctx, uint64_t constant) {
  bp_bound bound = {.outer = !ctx || ctx->bounded};
  if (bound.outer) return bound;
  ctx->bounded = true;
  ctx->exceeded = false;
  ctx->limit = ctx->live;
  ctx->allowed = 0;
  allow(ctx, ctx->max_memory ? ctx->max_memory : constant);
  return bound;
}

void bp_bound_credit(bp_context *ctx, uint64_t bytes) {
  if (!ctx || !ctx->bounded || ctx->max_memory) return;
  allow(ctx, bytes < UINT64_MAX / BP_BOUND_FACTOR ? bytes * BP_BOUND_FACTOR : UINT64_MAX);
}

bp_status bp_bound_close(bp_context *ctx, bp_bound bound, bp_status status, const char *name) {
  if (bound.outer) return status;
  ctx->bounded = false;
  ctx->limit = SIZE_MAX;
  if (status != BP_E_NOMEM || !ctx->exceeded) return status;
  return bp_fail(ctx, BP_E_NOMEM,
                 "%s%sneeds more memory than the %zu MiB that %s; if it can be trusted, raise --max-memory",
                 name ? name : "this", name ? ": " : " ", ctx->allowed >> 20,
                 ctx->max_memory ? "were allowed" : "files of this size may take");
}

const char *bp_error_message(const bp_context *context) { return context ? context->message : ""; }

bp_status bp_error_status(const bp_context *context) { return context ? context->status : BP_OK; }

void bp_error_clear(bp_context *context) {
  if (!context) return;
  context->status = BP_OK;
  context->message[0] = '\0';
}

/* ---- failing, warning and noting ---- */

/* Formats apart from `line` and then cleans into it, so that the arguments may point into `line` itself. A few bytes
 * more than fit are formatted, so that the cut falls between characters. */
static void format_line(char line[BP_MESSAGE_MAX], const char *format, va_list args) BP_PRINTF(2, 0);
static void format_line(char line[BP_MESSAGE_MAX], const char *format, va_list args) {
  char raw[BP_MESSAGE_MAX + 4];
  if (vsnprintf(raw, sizeof raw, format, args) < 0) raw[0] = '\0';
  bp_text_clean(line, BP_MESSAGE_MAX, raw);
}

bp_status bp_fail(bp_context *ctx, bp_status status, const char *format, ...) {
  if (!ctx) return status;
  va_list args;
  va_start(args, format);
  format_line(ctx->message, format, args);
  va_end(args);
  ctx->status = status;
  return status;
}

void bp_fail_prefix(bp_context *ctx, const char *format, ...) {
  if (!ctx) return;
  char line[BP_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  format_line(line, format, args);
  va_end(args);
  size_t used = strlen(line);
  bp_text_clean(line + used, sizeof line - used, ctx->message);
  memcpy(ctx->message, line, sizeof line);
}

static void hand_over(bp_context *ctx, bp_message_kind kind, const char *format, va_list args) BP_PRINTF(3, 0);
static void hand_over(bp_context *ctx, bp_message_kind kind, const char *format, va_list args) {
  char line[BP_MESSAGE_MAX];
  if (!ctx || !ctx->receive) return;
  format_line(line, format, args);
  ctx->receive(ctx->receive_user, kind, line);
}

void bp_warn(bp_context *ctx, const char *format, ...) {
  va_list args;
  va_start(args, format);
  hand_over(ctx, BP_WARNING, format, args);
  va_end(args);
}

void bp_note(bp_context *ctx, const char *format, ...) {
  va_list args;
  va_start(args, format);
  hand_over(ctx, BP_NOTE, format, args);
  va_end(args);
}
