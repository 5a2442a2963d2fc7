/* net/net_fixtures.h - networks in one line, and their parameters, for the tests of this folder. */
#ifndef BT_NET_FIXTURES_H
#define BT_NET_FIXTURES_H
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/net.h"
#include "support/testing.h"

/* NEW network with these widths, ended by 0; `activation` in all layers. */
static inline bp_net *nt_net(bp_context *ctx, bp_dtype dtype, bp_activation activation, bp_init init, int64_t inputs,
                             const int64_t *widths) {
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, inputs, dtype, &net));
  for (; *widths > 0; widths++) bt_assert_ok(ctx, bp_net_dense(ctx, net, *widths, activation, init));
  return net;
}
#define NT_WIDTHS(...) ((const int64_t[]){__VA_ARGS__, 0})

enum { NT_PARAMS_MAX = 32 };

/* NEW starting values; nt_params_free(). */
static inline void nt_params(const bp_net *net, uint64_t seed, void *values[NT_PARAMS_MAX]) {
  assert_true(bp_net_params(net) <= NT_PARAMS_MAX);
  for (int p = 0; p < bp_net_params(net); p++)
    values[p] = malloc((size_t)bp_net_param(net, p).elements * bp_dtype_size(bp_net_dtype(net)));
  bp_net_init(net, seed, values);
}

static inline void nt_params_free(const bp_net *net, void *values[NT_PARAMS_MAX]) {
  for (int p = 0; p < bp_net_params(net); p++) free(values[p]);
}

/* Numbers in -1 .. 1 from a plain congruential generator: the library's own is under test elsewhere. */
static inline double nt_noise(uint32_t *x) {
  *x = *x * 1664525u + 1013904223u;
  return (double)(*x >> 8) / 8388608.0 - 1.0;
}

#endif
