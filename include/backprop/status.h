/* backprop/status.h - what every function that can fail returns. */
#ifndef BACKPROP_STATUS_H
#define BACKPROP_STATUS_H

#if defined(BP_BUILDING_LIBRARY) && defined(__GNUC__)
#define BP_API __attribute__((visibility("default")))
#else
#define BP_API
#endif

#if defined(__GNUC__)
#define BP_NODISCARD __attribute__((warn_unused_result))
#else
#define BP_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* BP_OK is 0; every other code means that nothing was changed and that the context holds a message. */
typedef enum bp_status {
#define BP_STATUS(name, text) BP_E_##name,
#include "backprop/status.def"
#undef BP_STATUS
  BP_STATUS_COUNT
} bp_status;

#define BP_OK BP_E_OK

/* VIEW "BP_E_SHAPE"; "BP_E_?" for a number that is no status. */
BP_API const char *bp_status_name(bp_status status);
/* VIEW "shapes do not fit". */
BP_API const char *bp_status_text(bp_status status);

#ifdef __cplusplus
}
#endif
#endif
