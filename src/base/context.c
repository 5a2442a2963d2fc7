/* base/context.c - the context: allocator, last failure, warning sink.
 *
 * The message lives inside the object, so that failing needs no memory: the failure of an allocation must still be
 * able to say so.
 */
#include "backprop/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"

struct bp_context {
  bp_allocator allocator;
  bp_warn_fn warn;
  void *warn_user;
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
  ctx->warn = given.warn;
  ctx->warn_user = given.warn_user;
  *out = ctx;
  return BP_OK;
}

void bp_context_free(bp_context *context) {
  if (!context) return;
  bp_allocator allocator = context->allocator;
  allocator.fn(allocator.user, context, sizeof *context, 0);
}

bp_allocator bp_context_allocator(const bp_context *ctx) {
  return ctx ? ctx->allocator : (bp_allocator){system_alloc, NULL};
}

const char *bp_error_message(const bp_context *context) { return context ? context->message : ""; }

bp_status bp_error_status(const bp_context *context) { return context ? context->status : BP_OK; }

void bp_error_clear(bp_context *context) {
  if (!context) return;
  context->status = BP_OK;
  context->message[0] = '\0';
}

/* ---- failing and warning ---- */

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

void bp_warn(bp_context *ctx, const char *format, ...) {
  if (!ctx || !ctx->warn) return;
  char line[BP_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  format_line(line, format, args);
  va_end(args);
  ctx->warn(ctx->warn_user, line);
}
