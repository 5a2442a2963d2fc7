/* backprop/context.h - the allocator, the last error message and the receiver of messages of one thread.
 *
 * Ownership words used in all headers:
 *   NEW     the caller owns the result and releases it with the matching _free()
 *   BORROW  used during the call only
 *   VIEW    points into its parent and lives as long as the parent
 *
 * After a failure *out, and a struct that is to be filled, are as they were, unless the function says otherwise. So begin with NULL
 * or {0}, which every _free() and _release() takes. Variables of a graph are set in any case: graph.h.
 *
 * A context belongs to one thread at a time; make one per thread. There are no globals behind it. Objects made
 * with a context keep its allocator by value, and must be freed before the allocator's own state goes away;
 * graphs keep a pointer to their context and must be freed before it.
 *
 * fork(): a child may use and free whatever the process had made before, and make new objects, as long as the allocator can be used
 * there (malloc() can). Workspaces, predictors and trainings of several threads have lost them: they start others when they next
 * have work for them, or do it in the calling thread where that fails, and the results are the same bits. A free waits for no
 * thread of the parent. Only objects that another thread was using at the moment of the fork may not be used in the child, but for
 * being freed. Nothing the child does is seen by the parent.
 */
#ifndef BACKPROP_CONTEXT_H
#define BACKPROP_CONTEXT_H
#include <stddef.h>

#include "backprop/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_context bp_context;

/* The one allocator hook. ptr NULL: allocate new_size bytes. new_size 0: free ptr. Else: resize from old_size to
 * new_size, keeping the contents. Returns NULL when there is no memory (the old block then stays valid). Blocks must
 * be aligned for max_align_t. old_size is always the size the block was given. */
typedef void *(*bp_alloc_fn)(void *user, void *ptr, size_t old_size, size_t new_size);

/* How much a message matters that is no error. */
typedef enum bp_message_kind {
  BP_NOTE,   /* a fact: what was found, decided or done */
  BP_WARNING /* what may make a result wrong, or what somebody should change */
} bp_message_kind;
/* Receives one finished line, without a newline. BORROW. Kinds may be added: take one that is not known as a note. */
typedef void (*bp_message_fn)(void *user, bp_message_kind kind, const char *message);

typedef struct bp_context_options {
  size_t size;       /* sizeof(bp_context_options): lets later versions add fields */
  bp_alloc_fn alloc; /* NULL: malloc, realloc and free; blocks of 8 MB and more ask for large pages */
  void *alloc_user;
  bp_message_fn message; /* NULL: notes and warnings are dropped */
  void *message_user;
  /* Bytes that reading a file, or using a model, may add to what the context has allocated; SIZE_MAX: any. 0: what the files
   * justify, 64 MiB and 64 times their size as stored (512 times for gzip, whose tables are larger; of a pipe, which tells no size,
   * 2 GiB at most), and 2 GiB more for encoding the rows of a training. Beyond it: BP_E_NOMEM, with the bound in the message. */
  size_t max_memory;
} bp_context_options;

/* NEW context; options may be NULL for the defaults.
 * BP_E_NOMEM  the allocator returned NULL */
BP_API bp_status bp_context_new(const bp_context_options *options, bp_context **out);
BP_API void bp_context_free(bp_context *context);

/* VIEW the message of the last failure, one line with its values, "" if nothing failed yet. It is replaced by the next
 * failure, and kept by calls that succeed. */
BP_API const char *bp_error_message(const bp_context *context);
/* The status of the last failure; BP_OK if nothing failed yet. */
BP_API bp_status bp_error_status(const bp_context *context);
/* Forgets the last failure. */
BP_API void bp_error_clear(bp_context *context);

/* A text from outside as one line that can be shown anywhere: copies `text` to line[capacity], cut between characters to fit with
 * its NUL. Control characters, line and paragraph separators, characters that turn the direction of writing, and bytes that
 * are no UTF-8 become '?': nothing drives a terminal, forges a line or hides a part. Every message of this library is such a
 * line. Returns the length. capacity >= 1; no overlap. */
BP_API size_t bp_text_clean(char *line, size_t capacity, const char *text);

#ifdef __cplusplus
}
#endif
#endif
