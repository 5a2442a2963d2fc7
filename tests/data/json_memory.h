/* json_memory.h - lets the n-th allocation of jansson fail. */
#ifndef BT_JSON_MEMORY_H
#define BT_JSON_MEMORY_H
#include <jansson.h>
#include <stdlib.h>

#include "support/testing.h"

static size_t bt_json_left; /* allocations that still succeed */
static bool bt_json_failed;

static void *bt_json_malloc(size_t size) {
  if (bt_json_left == 0) {
    bt_json_failed = true;
    return NULL;
  }
  bt_json_left--;
  return malloc(size);
}

/* Runs the job with the n-th allocation of jansson failing, for n = 0, 1, 2 ... until none was left to fail. Each time that one
 * failed: BP_E_NOMEM, or BP_OK where jansson could do without, or `also` (jansson's parser sometimes takes a lack of memory for a
 * fault in the text). Returns how many were made to fail. */
static inline size_t bt_json_sweep(bp_context *ctx, bt_job job, void *user, bp_status also) {
  size_t n = 0;
  for (bt_json_failed = true; bt_json_failed; n++) {
    bt_json_failed = false;
    bt_json_left = n;
    json_set_alloc_funcs(bt_json_malloc, free);
    bp_status status = job(ctx, user);
    json_set_alloc_funcs(malloc, free);
    if (status != BP_OK && status != also) bt_assert_fails(ctx, BP_E_NOMEM, status);
    if (!bt_json_failed) assert_int_equal(status, BP_OK);
  }
  return n - 1;
}

#endif
