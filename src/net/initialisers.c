/* initialisers.c - how weights start: names and variances in a table, and the arrays filled. Floor: net.
 *
 * Every number is a pure function of (seed, number of the array, element), but for orthogonal matrices, which depend on their
 * array as a whole.
 */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/philox.h"
#include "net/net_core.h"

/* Variance gain / (fan_in · fan_in + fan_out · fan_out), or `gain` itself; U(-r, r) has variance r²/3. */
static const struct {
  const char *name;
  double gain;
  int with_in, with_out;
  bool normal, orthogonal;
} inits[BP_INIT_COUNT] = {
    [BP_INIT_AUTO] = {"auto", 0, 0, 0, false, false},
    [BP_INIT_GLOROT_UNIFORM] = {"glorot_uniform", 2, 1, 1, false, false},
    [BP_INIT_GLOROT_NORMAL] = {"glorot_normal", 2, 1, 1, true, false},
    [BP_INIT_HE_UNIFORM] = {"he_uniform", 2, 1, 0, false, false},
    [BP_INIT_HE_NORMAL] = {"he_normal", 2, 1, 0, true, false},
    [BP_INIT_ZEROS] = {"zeros", 0, 0, 0, false, false},
    [BP_INIT_LECUN_UNIFORM] = {"lecun_uniform", 1, 1, 0, false, false},
    [BP_INIT_LECUN_NORMAL] = {"lecun_normal", 1, 1, 0, true, false},
    [BP_INIT_UNIFORM] = {"uniform", 0.05 * 0.05 / 3, 0, 0, false, false},
    [BP_INIT_NORMAL] = {"normal", 0.05 * 0.05, 0, 0, true, false},
    [BP_INIT_ORTHOGONAL] = {"orthogonal", 1, 0, 0, true, true},
};

const char *bp_init_name(bp_init init) { return (unsigned)init < BP_INIT_COUNT ? inits[init].name : NULL; }

bool bp_init_find(const char *name, bp_init *out) {
  for (int i = 0; i < BP_INIT_COUNT; i++)
    if (strcmp(name, inits[i].name) == 0) return *out = (bp_init)i, true;
  return false;
}

bool bp_init_parse(const char *text, bp_init *out, double *scale) {
  char name[32];
  bp_init init;
  double factor = 1;
  size_t length = strcspn(text, ":");
  if (length >= sizeof name) return false;
  memcpy(name, text, length);
  name[length] = '\0';
  if (!bp_init_find(name, &init)) return false;
  if (text[length] == ':' && !bp_number_parse(text + length + 1, strlen(text + length + 1), &factor)) return false;
  if (!(factor > 0 && isfinite(factor))) return false;
  *out = init;
  *scale = factor;
  return true;
}

void init_describe(bp_init init, double scale, bp_activation activation, int64_t fan_in, int64_t fan_out,
                   bp_param_info *info) {
  if (init == BP_INIT_AUTO) init = activation_init(activation);
  double fans = inits[init].with_in * (double)fan_in + inits[init].with_out * (double)fan_out;
  double variance = inits[init].gain / (fans > 0 ? fans : 1);
  info->normal = inits[init].normal;
  info->orthogonal = inits[init].orthogonal;
  info->bound = scale * sqrt(info->normal ? variance : 3 * variance);
}

static double starting_value(const bp_param_info *info, uint64_t seed, int p, int64_t i) {
  if (!(info->bound > 0)) return info->start;
  double x = info->normal ? bp_random_normal(seed, BP_PURPOSE_INIT, (uint32_t)p, (uint64_t)i)
                          : 2 * bp_random_uniform(seed, BP_PURPOSE_INIT, (uint32_t)p, (uint64_t)i) - 1;
  return info->orthogonal ? x : x * info->bound;
}

void bp_net_init(const bp_net *net, uint64_t seed, void *const *values) {
  for (int p = 0; p < bp_net_params(net); p++) {
    bp_param_info info = bp_net_param(net, p);
    for (int64_t i = 0; i < info.elements; i++) {
      double x = starting_value(&info, seed, p, i);
      if (net->dtype == BP_F64)
        ((double *)values[p])[i] = x;
      else
        ((float *)values[p])[i] = (float)x;
    }
    if (info.orthogonal) make_orthogonal(values[p], net->dtype, info.dims[0], info.dims[1], info.bound);
  }
}
