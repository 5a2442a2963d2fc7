/* formats/idx_read.c - IDX, the format of MNIST (http://yann.lecun.com/exdb/mnist, "file formats").
 *
 *   2 bytes 0, 1 byte element type, 1 byte rank, then rank sizes of 4 bytes, big-endian, then the elements
 *
 * The sizes are believed only as far as the file can hold what they promise.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "data/table_core.h"
#include "formats/readers.h"

enum { MAGIC = 4, BYTE_TYPE = 0x08, RANK_MAX = 8, FIRST_ROOM = 1 << 16 };
/* No gzip stream unpacks to more than this many times its size (zlib's technical details). */
#define GZIP_RATIO 1032

/* An IDX file being read. */
typedef struct idx {
  bp_context *ctx;
  bp_reader *reader;
  const char *name;
  int rank;
  int64_t rows;
  size_t row, header; /* bytes of a row, of the header */
  uint64_t size;      /* bytes of all elements: what a header promises may be more than memory has addresses */
  uint8_t *values;    /* [rows, row] */
} idx;

/* ---- header ---- */

static const char *type_name(int type) {
  static const struct {
    int type;
    const char *name;
  } names[] = {{0x09, "int8"}, {0x0B, "int16"}, {0x0C, "int32"}, {0x0D, "float32"}, {0x0E, "float64"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].type == type) return names[i].name;
  return NULL;
}

static bp_status check_magic(const idx *f, const unsigned char magic[MAGIC]) {
  const char *type = type_name(magic[2]);
  if (magic[0] != 0 || magic[1] != 0 || (magic[2] != BYTE_TYPE && !type))
    return bp_fail(f->ctx, BP_E_DATA,
                   "%s: begins with the bytes %02X %02X %02X %02X; expected 00 00 08 and a rank: not an IDX file",
                   f->name, magic[0], magic[1], magic[2], magic[3]);
  if (type) return bp_fail(f->ctx, BP_E_DATA, "%s: IDX elements of type %s; only uint8 can be read", f->name, type);
  if (magic[3] < 1 || magic[3] > RANK_MAX)
    return bp_fail(f->ctx, BP_E_DATA, "%s: IDX array of rank %d; expected 1 to %d", f->name, magic[3], RANK_MAX);
  return BP_OK;
}

static bp_status read_exactly(const idx *f, unsigned char *data, size_t size, size_t before) {
  size_t got = 0;
  BP_TRY(bp_reader_read(f->reader, data, size, &got));
  if (got == size) return BP_OK;
  return bp_fail(f->ctx, BP_E_DATA, "%s: ends after %zu bytes, inside the IDX header; the file is incomplete", f->name,
                 before + got);
}

/* Sizes to rows and bytes of a row, with checked products. */
static bp_status read_sizes(idx *f) {
  unsigned char be[4];
  f->row = 1;
  for (int axis = 0; axis < f->rank; axis++) {
    BP_TRY(read_exactly(f, be, sizeof be, MAGIC + 4 * (size_t)axis));
    uint32_t size = (uint32_t)be[0] << 24 | (uint32_t)be[1] << 16 | (uint32_t)be[2] << 8 | be[3];
    if (size == 0)
      return bp_fail(f->ctx, BP_E_DATA, "%s: size 0 of axis %d in the IDX header; expected at least 1", f->name, axis);
    if (axis == 0)
      f->rows = size;
    else if (!bp_mul_size(f->row, size, &f->row) || f->row > BP_COLUMNS_MAX)
      return bp_fail(f->ctx, BP_E_LIMIT, "%s: more than %d bytes a row by the IDX header; so many are not allowed",
                     f->name, BP_COLUMNS_MAX);
  }
  f->header = MAGIC + 4 * (size_t)f->rank;
  if (f->rows > INT32_MAX)
    return bp_fail(f->ctx, BP_E_LIMIT, "%s: %" PRId64 " rows by the IDX header; at most %d are allowed", f->name,
                   f->rows, INT32_MAX);
  f->size = (uint64_t)f->rows * f->row;
  return BP_OK;
}

static bp_status read_header(idx *f) {
  unsigned char magic[MAGIC] = {0};
  BP_TRY(read_exactly(f, magic, MAGIC, 0));
  BP_TRY(check_magic(f, magic));
  f->rank = magic[3];
  return read_sizes(f);
}

/* ---- elements ---- */

static bp_status fail_short(const idx *f, uint64_t got) {
  return bp_fail(f->ctx, BP_E_DATA,
                 "%s: %" PRIu64 " bytes of elements; the IDX header promises %" PRIu64 " (%" PRId64
                 " rows of %zu); the file is incomplete",
                 f->name, got, f->size, f->rows, f->row);
}

/* Whether the stored file can hold what the header promises; a pipe is not known to. */
static bp_status check_size(const idx *f, bool *certain) {
  uint64_t stored = bp_reader_stored_size(f->reader), after = stored > f->header ? stored - f->header : 0;
  *certain = stored > 0;
  if (stored == 0) return BP_OK;
  if (bp_reader_is_gzip(f->reader)) after = stored < UINT64_MAX / GZIP_RATIO ? stored * GZIP_RATIO : UINT64_MAX;
  if (after >= f->size) return BP_OK;
  if (!bp_reader_is_gzip(f->reader)) return fail_short(f, after);
  return bp_fail(f->ctx, BP_E_DATA,
                 "%s: %" PRIu64 " bytes of gzip cannot unpack to the %" PRIu64
                 " that the IDX header promises; the file is damaged",
                 f->name, stored, f->size);
}

/* All at once when the file can hold them, else as they come. */
static bp_status read_values(idx *f, void **values, size_t *capacity) {
  bool certain;
  size_t done = 0, got;
  BP_TRY(check_size(f, &certain));
  if (certain) {
    *values = bp_alloc(f->ctx, (size_t)f->rows, f->row);
    if (!*values) return BP_E_NOMEM;
    *capacity = (size_t)f->size;
  }
  do {
    size_t want = (uint64_t)done + FIRST_ROOM < f->size ? done + FIRST_ROOM : (size_t)f->size;
    if (!certain) BP_TRY(bp_grow(f->ctx, values, capacity, want, 1));
    size_t room = *capacity < f->size ? *capacity : (size_t)f->size;
    BP_TRY(bp_reader_read(f->reader, (uint8_t *)*values + done, room - done, &got));
    done += got;
    if (done < room) return fail_short(f, done);
  } while (done < f->size);
  return bp_shrink(f->ctx, values, capacity, (size_t)f->size, 1);
}

static bp_status check_end(const idx *f) {
  char more;
  size_t got;
  BP_TRY(bp_reader_read(f->reader, &more, 1, &got));
  if (got == 0) return BP_OK;
  return bp_fail(f->ctx, BP_E_DATA,
                 "%s: more bytes than the %" PRIu64
                 " that the IDX header promises; the file is damaged, or sizes are wrong",
                 f->name, f->size);
}

static bp_status read_elements(idx *f) {
  void *values = NULL;
  size_t capacity = 0;
  bp_status status = read_values(f, &values, &capacity);
  if (status == BP_OK) status = check_end(f);
  if (status == BP_OK)
    f->values = values;
  else
    bp_release(bp_context_allocator(f->ctx), values, capacity, 1);
  return status;
}

/* ---- the table ---- */

static bp_status check_rank(const idx *f, bool labels) {
  if ((f->rank == 1) == labels) return BP_OK;
  return bp_fail(f->ctx, BP_E_DATA, "%s: IDX array of rank %d; expected %s; are images and labels swapped?", f->name,
                 f->rank, labels ? "labels, of rank 1" : "images, of rank 2 or more");
}

static bp_status add_labels(const idx *f, bp_table *table) {
  size_t n = (size_t)f->rows;
  double *numbers = bp_alloc(f->ctx, n, sizeof *numbers);
  if (!numbers) return BP_E_NOMEM;
  for (size_t i = 0; i < n; i++) numbers[i] = f->values[i];
  bp_status status = bp_table_take_numbers(f->ctx, table, "label", numbers);
  if (status != BP_OK) bp_release(bp_context_allocator(f->ctx), numbers, n, sizeof *numbers);
  return status;
}

static bp_status add_images(idx *f, bp_table *table) {
  BP_TRY(bp_table_take_bytes(f->ctx, table, "pixel", (int64_t)f->row, f->values));
  f->values = NULL;
  return BP_OK;
}

/* Headers first, so that files which do not belong together are refused before they are read. */
static bp_status read_files(idx *images, idx *labels) {
  BP_TRY(read_header(images));
  if (labels->reader) {
    BP_TRY(check_rank(images, false));
    BP_TRY(read_header(labels));
    BP_TRY(check_rank(labels, true));
    if (images->rows != labels->rows)
      return bp_fail(images->ctx, BP_E_DATA,
                     "%s has %" PRId64 " rows, but %s has %" PRId64 "; expected a label for every image", images->name,
                     images->rows, labels->name, labels->rows);
    BP_TRY(read_elements(labels));
  }
  return read_elements(images);
}

static bp_status fill(idx *images, const idx *labels, bp_table *table) {
  BP_TRY(bp_table_set_origin(images->ctx, table, images->name));
  if (images->rank == 1) return add_labels(images, table);
  BP_TRY(add_images(images, table));
  return labels->reader ? add_labels(labels, table) : BP_OK;
}

static bp_status make_table(idx *images, const idx *labels, bp_table **out) {
  bp_table *table;
  BP_TRY(bp_table_new(images->ctx, images->rows, &table));
  bp_status status = fill(images, labels, table);
  if (status == BP_OK)
    *out = table;
  else
    bp_table_free(table);
  return status;
}

bp_status bp_idx_read(bp_context *ctx, bp_reader *images, bp_reader *labels, bp_table **out) {
  idx i = {.ctx = ctx, .reader = images, .name = bp_reader_name(images)};
  idx l = {.ctx = ctx, .reader = labels, .name = labels ? bp_reader_name(labels) : ""};
  bp_status status = read_files(&i, &l);
  if (status == BP_OK) status = make_table(&i, &l, out);
  bp_release(bp_context_allocator(ctx), i.values, (size_t)i.size, 1);
  bp_release(bp_context_allocator(ctx), l.values, (size_t)l.size, 1);
  return status;
}
