/* net_eval.c - a network applied to rows of numbers, once. Floor: net. */
#include <inttypes.h>

#include "base/fail.h"
#include "net/net_core.h"

/* vars and data: the rows, then the arrays of the network. */
static bp_status eval(bp_context *ctx, const bp_net *net, bp_graph *graph, int64_t rows, bp_var *vars,
                      const void *const *data, void *z) {
  vars[0] = bp_input(graph, "x", net->dtype, 2, (int64_t[]){BP_BATCH, net->inputs});
  bp_net_declare(net, graph, vars + 1);
  bp_var out = bp_net_apply(net, vars[0], vars + 1);
  bp_status status = bp_graph_status(graph);
  if (status != BP_OK) return bp_fail(ctx, status, "%s", bp_graph_message(graph));
  return bp_eval(&out, 1, vars, 1 + (size_t)bp_net_params(net), rows, data, &z);
}

bp_status bp_net_eval(bp_context *context, const bp_net *net, void *const *values, int64_t rows, const void *x,
                      void *z) {
  if (rows < 0) return bp_fail(context, BP_E_ARG, "network: %" PRId64 " rows, expected 0 or more", rows);
  size_t n = 1 + (size_t)bp_net_params(net);
  bp_allocator allocator = bp_context_allocator(context);
  bp_graph *graph = NULL;
  bp_var *vars = bp_alloc(context, n, sizeof *vars);
  const void **data = bp_alloc(context, n, sizeof *data);
  bp_status status = vars != NULL && data != NULL ? bp_graph_new(context, &graph) : BP_E_NOMEM;
  if (status == BP_OK) {
    data[0] = x;
    for (size_t p = 1; p < n; p++) data[p] = values[p - 1];
    status = eval(context, net, graph, rows, vars, data, z);
  }
  bp_graph_free(graph);
  bp_release(allocator, (void *)data, n, sizeof *data);
  bp_release(allocator, vars, n, sizeof *vars);
  return status;
}
