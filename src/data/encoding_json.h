/* data/encoding_json.h - an encoding as JSON and back, for the model file (docs/formats.md has the layout). */
#ifndef BP_DATA_ENCODING_JSON_H
#define BP_DATA_ENCODING_JSON_H
#include "backprop/json.h"
#include "data/encoding.h"

/* Writes it as one object, under `name` where it is a member. Its numbers come back exactly. */
void bp_encoding_put_json(bp_json_writer *writer, const char *name, const bp_encoding *encoding);
/* NEW encoding from an object (BORROW); nothing in it is trusted.
 * BP_E_MODEL  the message names the place, as "columns[3].scale", and what was expected there */
bp_status bp_encoding_from_json(bp_context *ctx, const bp_json *object, bp_encoding **out);

#endif
