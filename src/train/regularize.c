/* regularize.c - penalties, clipping and max-norm as graph code. Floor: train. */
#include "train/regularize.h"

#include <inttypes.h>
#include <math.h>

#include "backprop/ops.h"
#include "base/fail.h"

/* ---- one number for each layer with weights, the same for every member ---- */
static int weight_layers(const bp_net *net) {
  int n = 0, last = -1;
  for (int p = 0; p < bp_net_params(net); p++) {
    bp_param_info info = bp_net_param(net, p);
    if (!info.is_weight || info.layer == last || info.member > 0) continue;
    last = info.layer;
    n++;
  }
  return n;
}

static bp_status check_list(bp_context *ctx, const char *name, int n, const double *list, int layers) {
  if (list == NULL || n == 0) return BP_OK;
  if (n != layers)
    return bp_fail(ctx, BP_E_ARG, "%s: %d numbers for %d layers with weights; expected one, or one for each", name, n,
                   layers);
  for (int i = 0; i < n; i++)
    if (!(list[i] >= 0 && list[i] < 1e6))
      return bp_fail(ctx, BP_E_ARG, "%s of layer %d is %g, expected a number from 0 and below 1e+06", name, i, list[i]);
  return BP_OK;
}

bp_status regularize_check(bp_context *ctx, const bp_net *net, const bp_fit_options *options) {
  int layers = weight_layers(net);
  BP_TRY(check_list(ctx, "l1", options->n_l1_layers, options->l1_layers, layers));
  return check_list(ctx, "l2", options->n_l2_layers, options->l2_layers, layers);
}

/* ---- penalty ---- */
static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

static bp_var plus(bp_var sum, bp_var part) { return bp_var_is_zero(sum) ? part : bp_add(sum, part); }

static double of_layer(double all, const double *list, int n, int layer) {
  return list != NULL && n > 0 ? list[layer] : all;
}

bp_var regularize_penalty(const bp_net *net, const bp_fit_options *o, bp_graph *graph, const bp_var *params) {
  bp_var sum = {graph, 0};
  int layer = -1, last = -1, member = 0; /* layer: of those with weights; last: of all */
  for (int p = 0; p < bp_net_params(net); p++) {
    bp_param_info info = bp_net_param(net, p);
    if (!info.is_weight) continue;
    if (info.member != member) layer = last = -1;
    member = info.member;
    if (info.layer != last) layer++;
    last = info.layer;
    double l1 = of_layer(o->l1, o->l1_layers, o->n_l1_layers, layer);
    double l2 = of_layer(o->l2, o->l2_layers, o->n_l2_layers, layer);
    bp_var w = params[p];
    if (l1 > 0) sum = plus(sum, bp_mul(bp_sum(bp_abs(w), BP_ALL_AXES), number(w, l1)));
    if (l2 > 0) sum = plus(sum, bp_mul(bp_sum(bp_square(w), BP_ALL_AXES), number(w, l2 / 2)));
  }
  return sum;
}

/* ---- gradient ---- */

/* min(1, most / norm); the norm of a gradient too large to be squared is still a number. */
static bp_var scale_to(bp_var norm, double most) {
  return bp_div(number(norm, most), bp_max(norm, number(norm, most)));
}

/* ‖g‖, row by row first: rows are shared by threads, and joined to the product that makes them. */
static bp_var norm_of(bp_var g) { return bp_norm(bp_var_rank(g) == 2 ? bp_norm(g, BP_LAST_AXIS) : g, BP_ALL_AXES); }

static bp_var norm_of_all(const bp_var *gradients, int n) {
  bp_var sum = {gradients[0].graph, 0};
  for (int p = 0; p < n; p++) sum = plus(sum, bp_square(bp_cast(norm_of(gradients[p]), BP_F64)));
  return bp_cast(bp_sqrt(sum), bp_var_dtype(gradients[0]));
}

void regularize_gradient(const bp_fit_options *options, int members, bp_var *gradients, int n) {
  double most = options->clip_value;
  for (int p = 0; p < n && most > 0; p++) gradients[p] = bp_clip(gradients[p], -most, most);
  if (!(options->clip_norm > 0)) return;
  for (int first = 0, each = n / members; first < n; first += each) {
    bp_var scale = scale_to(norm_of_all(gradients + first, each), options->clip_norm);
    for (int p = first; p < first + each; p++) gradients[p] = bp_mul(gradients[p], scale);
  }
}

/* ---- weights ---- */
bp_var regularize_weights(const bp_fit_options *options, bp_var w) {
  if (!(options->max_norm > 0) || bp_var_rank(w) != 2) return w;
  return bp_mul(w, scale_to(bp_norm(w, BP_AXIS(0)), options->max_norm)); /* [in, units] · [units] */
}
