/* formats/other_format.h - files of other formats, known by how they begin whatever their name is. */
#ifndef BP_FORMATS_OTHER_FORMAT_H
#define BP_FORMATS_OTHER_FORMAT_H
#include <stdbool.h>
#include <stddef.h>

/* So many bytes are enough to know any of them. */
#define BP_OTHER_PEEK ((size_t)1 << 16)

typedef struct bp_other_format {
  const char *name;   /* "a Parquet file" */
  const char *advice; /* how it becomes a table that can be read */
} bp_other_format;

/* The format of a file that begins with data[0 .. size); whole: that is all of it. NULL: none of those that are known.
 * *more (NULL: not asked): more bytes of a text could tell another one, as fewer lines are there than are looked at. */
const bp_other_format *bp_other_format_find(const char *data, size_t size, bool whole, bool *more);

#endif
