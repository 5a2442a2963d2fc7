/* formats/readers.h - the readers behind bp_table_read(), one per kind of file. They trust nothing. */
#ifndef BP_FORMATS_READERS_H
#define BP_FORMATS_READERS_H
#include "backprop/table.h"
#include "base/file.h"

/* NEW table from CSV text. as_tab: take a tab for the delimiter unless the options say otherwise (.tsv). */
bp_status bp_csv_read(bp_context *ctx, bp_reader *reader, bool as_tab, const bp_read_options *options, bp_table **out);
/* NEW table from IDX images, or labels alone; labels NULL: none. */
bp_status bp_idx_read(bp_context *ctx, bp_reader *images, bp_reader *labels, bp_table **out);

#endif
