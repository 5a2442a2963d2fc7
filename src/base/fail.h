/* base/fail.h - setting and handing on failures. Nothing here prints, exits or aborts. */
#ifndef BP_BASE_FAIL_H
#define BP_BASE_FAIL_H
#include "backprop/context.h"

#if defined(__GNUC__)
#define BP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define BP_PRINTF(fmt, args)
#endif

/* Keeps `status` and the formatted line (cut at BP_MESSAGE_MAX - 1 bytes, cleaned as bp_text_clean() does) in ctx, and returns status. ctx may be NULL: then only the status is handed back. */
bp_status bp_fail(bp_context *ctx, bp_status status, const char *format, ...) BP_PRINTF(3, 4);
/* Puts a formatted prefix before the message that ctx holds: bp_fail_prefix(ctx, "%s:%d: ", file, line). */
void bp_fail_prefix(bp_context *ctx, const char *format, ...) BP_PRINTF(2, 3);
/* Hand one formatted line, cleaned the same way, to whoever receives the messages of ctx. A warning is what may make a result wrong, or
 * what somebody should change; a note is a fact: what was found, decided or done. */
void bp_warn(bp_context *ctx, const char *format, ...) BP_PRINTF(2, 3);
void bp_note(bp_context *ctx, const char *format, ...) BP_PRINTF(2, 3);

#define BP_MESSAGE_MAX 1024

/* Hands a failure on to the caller. */
#define BP_TRY(expression)                                                                                             \
  do {                                                                                                                 \
    bp_status bp_try_status_ = (expression);                                                                           \
    if (bp_try_status_ != BP_OK) return bp_try_status_;                                                                \
  } while (0)
/* The same inside a function with one cleanup: sets `status` and goes to `done`. */
#define BP_TRY_DONE(expression)                                                                                        \
  do {                                                                                                                 \
    status = (expression);                                                                                             \
    if (status != BP_OK) goto done;                                                                                    \
  } while (0)

#endif
