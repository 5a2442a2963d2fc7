/* fuzz_idx.c - any bytes as IDX images and labels.
 *
 * The first byte is the number of bytes that belong to the labels (0: there are none), which follow; the rest are the images.
 *
 * about: src/formats/idx_read.c
 */
#include <stdlib.h>

#include "formats/readers.h"

static void check(bool holds) {
  if (!holds) abort();
}

static void read_files(bp_context *ctx, bp_reader *images, bp_reader *labels, size_t size) {
  bp_table *t;
  if (bp_idx_read(ctx, images, labels, &t) != BP_OK) {
    check(bp_error_message(ctx)[0] != '\0');
    return;
  }
  int64_t rows = bp_table_rows(t), columns = bp_table_columns(t);
  check(rows > 0 && columns > 0);
  if (!bp_reader_is_gzip(images)) check(rows * (columns - (labels != NULL)) <= (int64_t)size);
  double sum = 0;
  for (int64_t c = 0; c < columns; c++) sum += bp_table_number(t, rows - 1, c);
  check(sum >= 0);
  bp_table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || data[0] > size - 1) return 0;
  size_t labels_size = data[0], images_size = size - 1 - labels_size;
  bp_context *ctx;
  bp_reader *images, *labels = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  if (bp_reader_open_memory(ctx, "images", data + 1 + labels_size, images_size, &images) == BP_OK) {
    if (labels_size == 0 || bp_reader_open_memory(ctx, "labels", data + 1, labels_size, &labels) == BP_OK)
      read_files(ctx, images, labels, images_size);
    bp_reader_close(labels);
    bp_reader_close(images);
  }
  bp_context_free(ctx);
  return 0;
}
