/* backprop/writer.h - a file that appears under its name whole, or not at all.
 *
 * What is written goes to a temporary in the folder of the file; commit brings it to the disk and puts it in the file's place. Where
 * the system has files without a name, the temporary is one, and nothing is left of it whatever ends the process. Elsewhere it
 * has a name that begins with ".backprop-", and the next writer of the same file takes away what a killed one left.
 *
 * The name is followed to the end of its symbolic links, whether a file is there yet or not. A file that is there is replaced:
 * permissions are kept, and the owner where the system allows it; its other hard links keep the old content; one that may not
 * be written to is not replaced. What is no ordinary file (a device, a pipe), "-" (standard output) and the names of open
 * descriptors ("/dev/stdout", "/dev/fd/3") are written to directly. The writer's context must live as long as the writer.
 */
#ifndef BACKPROP_WRITER_H
#define BACKPROP_WRITER_H
#include <stddef.h>

#include "backprop/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_writer bp_writer;

/* NEW writer; bp_writer_commit() or bp_writer_cancel() frees it.
 * BP_E_IO, BP_E_NOMEM */
BP_API bp_status bp_writer_open(bp_context *context, const char *path, bp_writer **out);
/* After the first failure nothing more is written, and every later call fails the same way. */
BP_API bp_status bp_writer_write(bp_writer *writer, const void *data, size_t size);
/* Makes the file appear under its name, and frees the writer whatever happens. On failure the old file is as it was. A folder
 * that cannot be synced once the file is in place is a warning. */
BP_API bp_status bp_writer_commit(bp_writer *writer);
/* Throws away what was written, and frees the writer; NULL is allowed. */
BP_API void bp_writer_cancel(bp_writer *writer);

/* Removes the temporaries of all writers of the process that have a name. For a handler of signals, right before the process
 * ends: it may be called at any moment, and no writer may be used after it. */
BP_API void bp_writers_abandon(void);

#ifdef __cplusplus
}
#endif
#endif
