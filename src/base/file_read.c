/* base/file_read.c - a stream of bytes from a file, a pipe or memory, unpacked when it is gzip (RFC 1952).
 *
 * Several gzip members in a row are one stream, as gzip itself has it; zeros after the last one are padding, anything
 * else is damage. Nothing is allocated by what the stream says: one buffer for what is read, and zlib's window.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bound.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/io.h"

enum { BUFFER = 1 << 16, ERROR_TEXT = 128, FIRST_CONTENT = 1 << 16 };

typedef enum phase { PLAIN, MEMBER, AFTER_MEMBER } phase;

struct bp_reader {
  bp_context *ctx;
  char *name;
  size_t name_size;
  int fd; /* -1: from memory */
  bool owns_fd;
  uint64_t stored_size;
  const unsigned char *in; /* what was read and not used yet */
  size_t in_size;
  uint64_t used; /* bytes of the stored file that were used */
  bool at_end;   /* nothing more will come after `in` */
  bool is_gzip;
  phase phase;
  z_stream z;
  unsigned char buffer[BUFFER]; /* last: a reader from memory has none */
};

/* ---- bytes as stored ---- */

static size_t reader_size(bool has_buffer) { return has_buffer ? sizeof(bp_reader) : offsetof(bp_reader, buffer); }

static bp_status fail_errno(const bp_reader *r, const char *what, int error) {
  char text[ERROR_TEXT];
  return bp_fail(r->ctx, BP_E_IO, "%s: cannot %s: %s", r->name, what, bp_io_error_text(error, text, sizeof text));
}

/* Adds what one read gives to `in`, which holds less than a buffer's worth. */
static bp_status fill(bp_reader *r) {
  if (r->at_end) return BP_OK;
  if (r->in_size > 0) memmove(r->buffer, r->in, r->in_size);
  r->in = r->buffer;
  ssize_t got = bp_io_read(r->fd, r->buffer + r->in_size, BUFFER - r->in_size);
  if (got < 0) return fail_errno(r, "read it", errno);
  if (got == 0) r->at_end = true;
  r->in_size += (size_t)got;
  return BP_OK;
}

/* Reads until `want` bytes are in `in`, or the end. want <= BUFFER. */
static bp_status look_ahead(bp_reader *r, size_t want) {
  while (r->in_size < want && !r->at_end) BP_TRY(fill(r));
  return BP_OK;
}

/* What is read from a pipe justifies memory as it comes; a file has done so when it was opened. */
static void count_used(bp_reader *r, uint64_t size) {
  uint64_t before = r->used < BP_BOUND_PIPE ? r->used : BP_BOUND_PIPE;
  r->used += size;
  if (r->stored_size == 0) bp_bound_credit(r->ctx, (r->used < BP_BOUND_PIPE ? r->used : BP_BOUND_PIPE) - before);
}

static void use(bp_reader *r, size_t size) {
  r->in += size;
  r->in_size -= size;
  count_used(r, size);
}

/* ---- plain ---- */

/* What is buffered first; a request larger than the buffer is read straight into its place. */
static bp_status read_plain(bp_reader *r, unsigned char *data, size_t size, size_t *got) {
  *got = 0;
  while (*got < size) {
    size_t left = size - *got;
    if (r->in_size == 0 && !r->at_end && left >= BUFFER) {
      ssize_t n = bp_io_read(r->fd, data + *got, left);
      if (n < 0) return fail_errno(r, "read it", errno);
      if (n == 0) r->at_end = true;
      count_used(r, (uint64_t)n);
      *got += (size_t)n;
      continue;
    }
    BP_TRY(look_ahead(r, 1));
    if (r->in_size == 0) break;
    size_t n = left < r->in_size ? left : r->in_size;
    memcpy(data + *got, r->in, n);
    use(r, n);
    *got += n;
  }
  return BP_OK;
}

/* ---- gzip ---- */

/* zlib does not tell the size when it frees: it is kept in front of the block. */
typedef union z_block {
  size_t size;
  max_align_t align;
} z_block;

static voidpf z_alloc(voidpf ctx, uInt items, uInt size) {
  size_t bytes = (size_t)items * size + sizeof(z_block);
  z_block *block = bp_alloc(ctx, bytes, 1);
  if (!block) return Z_NULL;
  block->size = bytes;
  return block + 1;
}

static void z_free(voidpf ctx, voidpf ptr) {
  z_block *block = (z_block *)ptr - 1;
  bp_release(bp_context_allocator(ctx), block, block->size, 1);
}

static bp_status start_gzip(bp_reader *r) {
  enum { GZIP_ONLY = 16 + MAX_WBITS };
  r->z = (z_stream){.zalloc = z_alloc, .zfree = z_free, .opaque = r->ctx};
  int code = inflateInit2(&r->z, GZIP_ONLY);
  if (code == Z_MEM_ERROR) return BP_E_NOMEM; /* z_alloc has said so */
  if (code != Z_OK)
    return bp_fail(r->ctx, BP_E_IO, "%s: zlib %s cannot be used (error %d)", r->name, zlibVersion(), code);
  r->is_gzip = true;
  r->phase = MEMBER;
  return BP_OK;
}

static bp_status damaged(const bp_reader *r, const char *why) {
  return bp_fail(r->ctx, BP_E_DATA, "%s: the gzip data are damaged near byte %" PRIu64 ": %s", r->name, r->used, why);
}

static bool is_gzip_start(const bp_reader *r) { return r->in_size >= 2 && r->in[0] == 0x1F && r->in[1] == 0x8B; }

/* Behind a member: another one, zeros, or the end. */
static bp_status after_member(bp_reader *r, bool *ended) {
  BP_TRY(look_ahead(r, 2));
  if (is_gzip_start(r)) {
    (void)inflateReset(&r->z);
    r->phase = MEMBER;
    return BP_OK;
  }
  while (r->in_size > 0) {
    if (r->in[0] != 0) return damaged(r, "something other than gzip follows");
    use(r, 1);
    BP_TRY(look_ahead(r, 1));
  }
  *ended = true;
  return BP_OK;
}

static uInt piece(size_t size) { return size < UINT_MAX ? (uInt)size : UINT_MAX; }

/* Unpacks once; *made bytes came out. There is input and room, so zlib makes progress or fails. */
static bp_status inflate_some(bp_reader *r, unsigned char *data, size_t size, size_t *made) {
  *made = 0;
  BP_TRY(look_ahead(r, 1));
  if (r->in_size == 0)
    return bp_fail(r->ctx, BP_E_DATA, "%s: the gzip data end too early, after %" PRIu64 " bytes: the file is cut off",
                   r->name, r->used);
  uInt given = piece(r->in_size), room = piece(size);
  r->z.next_in = (z_const Bytef *)r->in;
  r->z.avail_in = given;
  r->z.next_out = data;
  r->z.avail_out = room;
  int code = inflate(&r->z, Z_NO_FLUSH);
  use(r, given - r->z.avail_in);
  *made = room - r->z.avail_out;
  if (code == Z_STREAM_END) r->phase = AFTER_MEMBER;
  if (code == Z_OK || code == Z_STREAM_END) return BP_OK;
  if (code == Z_MEM_ERROR) return BP_E_NOMEM;
  return damaged(r, r->z.msg ? r->z.msg : "not understood by zlib");
}

static bp_status read_gzip(bp_reader *r, unsigned char *data, size_t size, size_t *got) {
  bool ended = false;
  *got = 0;
  while (*got < size && !ended) {
    if (r->phase == AFTER_MEMBER) {
      BP_TRY(after_member(r, &ended));
    } else {
      size_t made;
      BP_TRY(inflate_some(r, data + *got, size - *got, &made));
      *got += made;
    }
  }
  return BP_OK;
}

/* ---- public ---- */

void bp_reader_close(bp_reader *reader) {
  if (!reader) return;
  bp_allocator allocator = bp_context_allocator(reader->ctx);
  bool has_buffer = reader->fd >= 0;
  if (reader->is_gzip) (void)inflateEnd(&reader->z);
  if (reader->owns_fd) (void)bp_io_now()->close(reader->fd);
  bp_release(allocator, reader->name, reader->name_size, 1);
  bp_release(allocator, reader, reader_size(has_buffer), 1);
}

/* A reader of fd (-1: of memory), without anything in it yet. */
static bp_status reader_new(bp_context *ctx, const char *name, int fd, bp_reader **out) {
  size_t size = reader_size(fd >= 0), name_size = strlen(name) + 1;
  bp_reader *r = bp_alloc(ctx, size, 1);
  char *copy = r ? bp_alloc(ctx, name_size, 1) : NULL;
  if (!copy) {
    bp_release(bp_context_allocator(ctx), r, size, 1);
    return BP_E_NOMEM;
  }
  memset(r, 0, reader_size(false));
  r->ctx = ctx;
  r->name = memcpy(copy, name, name_size);
  r->name_size = name_size;
  r->fd = fd;
  *out = r;
  return BP_OK;
}

/* Looks at the first bytes; the reader is closed on failure. */
static bp_status begin(bp_reader *r, bp_reader **out) {
  bp_status status = look_ahead(r, 2);
  if (status == BP_OK && is_gzip_start(r)) status = start_gzip(r);
  if (status != BP_OK) {
    bp_reader_close(r);
    return status;
  }
  if (r->stored_size > 0) bp_reader_credit(r);
  *out = r;
  return BP_OK;
}

bp_status bp_reader_open(bp_context *ctx, const char *path, bp_reader **out) {
  bool standard = strcmp(path, "-") == 0;
  char text[ERROR_TEXT];
  struct stat info;
  bp_reader *r;
  int fd = standard ? STDIN_FILENO : bp_io_open(path, O_RDONLY, 0);
  if (fd < 0) return bp_fail(ctx, BP_E_IO, "%s: cannot open it: %s", path, bp_io_error_text(errno, text, sizeof text));
  bp_status status = reader_new(ctx, standard ? "standard input" : path, fd, &r);
  if (status != BP_OK) {
    if (!standard) (void)bp_io_now()->close(fd);
    return status;
  }
  r->owns_fd = !standard;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) r->stored_size = (uint64_t)info.st_size;
  return begin(r, out);
}

bp_status bp_reader_open_memory(bp_context *ctx, const char *name, const void *data, size_t size, bp_reader **out) {
  bp_reader *r;
  BP_TRY(reader_new(ctx, name, -1, &r));
  r->in = data;
  r->in_size = size;
  r->at_end = true;
  r->stored_size = size;
  return begin(r, out);
}

bp_status bp_reader_read(bp_reader *reader, void *data, size_t size, size_t *got) {
  size_t done;
  BP_TRY(reader->is_gzip ? read_gzip(reader, data, size, &done) : read_plain(reader, data, size, &done));
  *got = done;
  return BP_OK;
}

void bp_reader_credit(const bp_reader *r) {
  uint64_t stored = r->stored_size, used = r->used < BP_BOUND_PIPE ? r->used : BP_BOUND_PIPE;
  if (r->is_gzip) stored = stored < UINT64_MAX / BP_BOUND_GZIP ? stored * BP_BOUND_GZIP : UINT64_MAX;
  bp_bound_credit(r->ctx, stored > 0 ? stored : used);
}

const char *bp_reader_name(const bp_reader *reader) { return reader->name; }

uint64_t bp_reader_stored_size(const bp_reader *reader) { return reader->stored_size; }

bool bp_reader_is_gzip(const bp_reader *reader) { return reader->is_gzip; }

/* ---- whole files ---- */

typedef struct content {
  void *data;
  size_t capacity, size;
} content;

/* Room to begin with: a plain file's size is known, and anything else shows its size as it comes. */
static size_t first_room(const bp_reader *r, size_t limit) {
  size_t room = FIRST_CONTENT;
  if (!r->is_gzip && r->stored_size > 0 && r->stored_size < SIZE_MAX) room = (size_t)r->stored_size + 1;
  return room <= limit ? room : limit + 1;
}

/* Reads to the end. One byte of room is kept for the NUL; a byte more than `limit` shows that it is exceeded. */
static bp_status read_all(bp_reader *r, size_t limit, content *c) {
  size_t room = first_room(r, limit);
  for (;;) {
    size_t got;
    BP_TRY(bp_grow(r->ctx, &c->data, &c->capacity, room + 1, 1));
    BP_TRY(bp_reader_read(r, (char *)c->data + c->size, room - c->size, &got));
    c->size += got;
    if (c->size > limit)
      return bp_fail(r->ctx, BP_E_LIMIT, "%s: more than %zu bytes, the limit for this kind of file", r->name, limit);
    if (c->size < room) return BP_OK;
    room = room <= limit / 2 ? room * 2 : limit + 1;
  }
}

bp_status bp_read_file(bp_context *ctx, const char *path, size_t limit, char **data, size_t *size) {
  bp_reader *r = NULL;
  content c = {0};
  if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
  BP_TRY(bp_reader_open(ctx, path, &r));
  bp_status status = read_all(r, limit, &c);
  bp_reader_close(r);
  if (status == BP_OK) status = bp_shrink(ctx, &c.data, &c.capacity, c.size + 1, 1);
  if (status != BP_OK) {
    bp_release(bp_context_allocator(ctx), c.data, c.capacity, 1);
    return status;
  }
  ((char *)c.data)[c.size] = '\0';
  *data = c.data;
  *size = c.size;
  return BP_OK;
}
