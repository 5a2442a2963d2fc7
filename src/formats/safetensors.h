/* formats/safetensors.h - named tensors and text in one file: https://huggingface.co/docs/safetensors
 *
 *   8 bytes   N, little-endian
 *   N bytes   JSON object: name -> {"dtype", "shape", "data_offsets": [begin, end)}, and "__metadata__": {text: text}
 *   the rest  the data, little-endian, without gaps
 *
 * Nothing in a file is trusted: every size, offset and type is checked before it is used.
 */
#ifndef BP_FORMATS_SAFETENSORS_H
#define BP_FORMATS_SAFETENSORS_H
#include "backprop/dtype.h"
#include "base/file.h"

/* The longest header that is read, as in the reference implementation. */
#define BP_SAFETENSORS_HEADER_MAX 100000000

typedef struct bp_named_tensor {
  const char *name;
  bp_dtype dtype;   /* BP_DTYPE_COUNT: read from a file, and of a type that is not one of ours */
  const char *type; /* "F32", "BF16", …; ignored when writing */
  int rank;
  int64_t dims[BP_MAX_RANK];
  const void *data; /* when read: aligned for its type in files that this library wrote, else copy it by memcpy */
  size_t size;      /* bytes of data; ignored when writing */
} bp_named_tensor;

typedef struct bp_text_pair {
  const char *key, *value;
} bp_text_pair;

/* Writes a file to `writer`, which is left to the caller to commit. The same tensors give the same bytes in whatever order they
 * are named: elements of 8 bytes first, then 4, then 1, each sorted by name, so all data are aligned.
 * BP_E_ARG  an empty, double or reserved name; a size below 0; text that is not UTF-8 */
bp_status bp_safetensors_write(bp_context *ctx, bp_writer *writer, const bp_named_tensor *tensors, size_t n_tensors,
                               const bp_text_pair *metadata, size_t n_metadata);

/* What was read. Tensors stand in the order of their data; pairs in the order of the file. */
typedef struct bp_safetensors {
  bp_allocator allocator;
  bp_named_tensor *tensors;
  size_t n_tensors;
  bp_text_pair *metadata;
  size_t n_metadata;
  char *content; /* the file; tensors' data point into it */
  size_t content_size;
  struct bp_json *header; /* names and texts point into it */
} bp_safetensors;

/* NEW from a file, or from bytes in memory (BORROW, copied; `name` is for messages).
 * BP_E_IO     the file cannot be read
 * BP_E_MODEL  it is no safetensors file; the message says what is wrong with it
 * BP_E_NOMEM */
bp_status bp_safetensors_read(bp_context *ctx, const char *path, bp_safetensors **out);
bp_status bp_safetensors_parse(bp_context *ctx, const char *name, const void *data, size_t size, bp_safetensors **out);
void bp_safetensors_free(bp_safetensors *file);

/* ---- safetensors_checksum.c ---- */
/* The text of the metadata that tells damage of the tensors. */
#define BP_CHECKSUM_KEY  "backprop.checksum"
#define BP_CHECKSUM_TEXT 17
/* Of tensors with different names: XXH64 of the name and then of the bytes of each, sorted by name, each with the hash before it as
 * seed, the first with 0; 16 hexadecimal digits. */
bp_status bp_safetensors_checksum(bp_context *ctx, const bp_named_tensor *tensors, size_t n,
                                  char text[BP_CHECKSUM_TEXT]);
/* BP_E_MODEL when the file has a checksum, and its tensors another. */
bp_status bp_safetensors_verify(bp_context *ctx, const bp_safetensors *file);

/* VIEW a tensor, a text; NULL if there is none of that name. */
const bp_named_tensor *bp_safetensors_tensor(const bp_safetensors *file, const char *name);
const char *bp_safetensors_text(const bp_safetensors *file, const char *key);

#endif
