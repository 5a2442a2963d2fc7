/* base/file.h - files in: reading that looks through gzip. (Files out: backprop/writer.h.)
 *
 * With io, pool and cpu the only place of the library that knows the operating system. What fails is one line with the
 * file's name in it. The context must live as long as its readers.
 */
#ifndef BP_BASE_FILE_H
#define BP_BASE_FILE_H
#include <stdbool.h>
#include <stdint.h>

#include "backprop/writer.h"
#include "base/alloc.h"

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
/* Credits the bound that is open (base/bound.h) with what the file justifies, as opening it and reading from it do. */
void bp_reader_credit(const bp_reader *reader);
bool bp_reader_is_gzip(const bp_reader *reader);
void bp_reader_close(bp_reader *reader);

/* NEW the whole (unpacked) content, at most `limit` bytes (BP_E_LIMIT beyond), with a NUL after it that is not counted.
 * Release with bp_release(allocator, data, size + 1, 1). */
bp_status bp_read_file(bp_context *ctx, const char *path, size_t limit, char **data, size_t *size);

#endif
