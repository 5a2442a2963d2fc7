/* base/file.h - whole files in and out: atomic writes, and reading that looks through gzip.
 *
 * With io, pool and cpu the only place of the library that knows the operating system. What fails is one line with the
 * file's name in it. The context must live as long as its readers and writers.
 */
#ifndef BP_BASE_FILE_H
#define BP_BASE_FILE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

/* ---- writing: temporary in the same folder, fsync, rename, fsync of the folder ---- */
typedef struct bp_writer bp_writer;
/* NEW writer for `path`; nothing is visible there before bp_writer_commit(). "-" writes to standard output directly,
 * and what exists and is no ordinary file (a device, a pipe) is written to directly too. A symbolic link is followed,
 * permissions of an old file are kept, and a file that may not be written to is not replaced.
 * BP_E_IO, BP_E_NOMEM */
bp_status bp_writer_open(bp_context *ctx, const char *path, bp_writer **out);
bp_status bp_writer_write(bp_writer *writer, const void *data, size_t size);
/* Makes the file appear under its name, and frees the writer whatever happens. On failure the old file is intact and
 * the temporary is gone. A folder that cannot be synced after the file is in place is a warning. */
bp_status bp_writer_commit(bp_writer *writer);
/* Throws away what was written, and frees the writer; NULL is allowed. */
void bp_writer_cancel(bp_writer *writer);

/* ---- reading: a stream that unpacks gzip when the first bytes say so; "-" is standard input ---- */
typedef struct bp_reader bp_reader;
bp_status bp_reader_open(bp_context *ctx, const char *path, bp_reader **out);
/* A reader over bytes in memory (BORROW for the life of the reader); `name` is used in messages. Gzip is looked for. */
bp_status bp_reader_open_memory(bp_context *ctx, const char *name, const void *data, size_t size, bp_reader **out);
/* Reads up to `size` bytes; *got < size only at the end. A truncated or damaged gzip stream is BP_E_DATA; a system
 * failure BP_E_IO. What a gzip stream gave is known to be whole only when its end was reached: its checksum stands
 * there, so read on until *got < size. */
bp_status bp_reader_read(bp_reader *reader, void *data, size_t size, size_t *got);
/* VIEW the name for messages. */
const char *bp_reader_name(const bp_reader *reader);
/* Bytes of the file as stored (before unpacking), or 0 when unknown (a pipe): bounds what the file can justify. */
uint64_t bp_reader_stored_size(const bp_reader *reader);
bool bp_reader_is_gzip(const bp_reader *reader);
void bp_reader_close(bp_reader *reader);

/* NEW the whole (unpacked) content, at most `limit` bytes (BP_E_LIMIT beyond), with a NUL after it that is not counted.
 * Release with bp_release(allocator, data, size + 1, 1). */
bp_status bp_read_file(bp_context *ctx, const char *path, size_t limit, char **data, size_t *size);

#endif
