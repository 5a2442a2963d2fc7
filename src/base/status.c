/* base/status.c - names and texts of the status codes, straight from status.def. */
#include "backprop/status.h"

#include <stddef.h>

static const char *const names[] = {
#define BP_STATUS(name, text) "BP_E_" #name,
#include "backprop/status.def"
#undef BP_STATUS
};

static const char *const texts[] = {
#define BP_STATUS(name, text) text,
#include "backprop/status.def"
#undef BP_STATUS
};

static int is_status(bp_status status) { return (unsigned)status < (unsigned)BP_STATUS_COUNT; }

const char *bp_status_name(bp_status status) { return is_status(status) ? names[status] : "BP_E_?"; }

const char *bp_status_text(bp_status status) { return is_status(status) ? texts[status] : "unknown status"; }
