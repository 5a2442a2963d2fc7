/* data/encoding_json.h - an encoding as JSON and back, for the model file (docs/formats.md has the layout).
 *
 * jansson takes its memory from malloc, not from the context's allocator; that it has none is BP_E_NOMEM all the same.
 */
#ifndef BP_DATA_ENCODING_JSON_H
#define BP_DATA_ENCODING_JSON_H
#include <jansson.h>

#include "data/encoding.h"

/* NEW object (json_decref). Numbers come back exactly when it is dumped with JSON_REAL_PRECISION(17). */
bp_status bp_encoding_to_json(bp_context *ctx, const bp_encoding *encoding, json_t **out);
/* NEW encoding from an object (BORROW); nothing in it is trusted.
 * BP_E_MODEL  the message names the place, as "columns[3].scale", and what was expected there */
bp_status bp_encoding_from_json(bp_context *ctx, const json_t *object, bp_encoding **out);

#endif
