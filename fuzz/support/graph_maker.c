/* support/graph_maker.c - what is checked after every call, and what is kept. */
#include "support/graph_maker.h"

#include <stdio.h>
#include <string.h>

enum { NODES_MAX = 4000, SUM_MAX = 60000 };

int64_t maker_elements(bp_var v) {
  int64_t n = 1;
  for (int i = 0; i < bp_var_rank(v); i++) {
    int64_t size = bp_var_dim(v, i) == BP_BATCH ? MAKER_ROWS : bp_var_dim(v, i);
    if (size == 0) return 0;
    n = n > INT64_MAX / 2 / size ? INT64_MAX / 2 : n * size;
  }
  return n;
}

bool maker_is_small(const graph_maker *m) {
  int64_t sum = 0;
  if (bp_graph_size(m->graph) > NODES_MAX) return false;
  for (uint32_t id = 1; id < bp_graph_size(m->graph) && sum <= SUM_MAX; id++) {
    int64_t n = maker_elements((bp_var){m->graph, id});
    sum += n > SUM_MAX ? SUM_MAX + 1 : n;
  }
  return sum <= SUM_MAX;
}

/* The first error keeps its message, and is in the context when it is made. */
static void check_error(graph_maker *m) {
  const char *message = bp_graph_message(m->graph);
  check(message[0] != '\0' && bp_graph_status(m->graph) != BP_E_NOMEM);
  if (m->message[0] == '\0') {
    check(strcmp(message, bp_error_message(bp_graph_context(m->graph))) == 0);
    (void)snprintf(m->message, sizeof m->message, "%s", message);
  }
  check(strncmp(message, m->message, sizeof m->message - 1) == 0);
}

bp_var maker_keep(graph_maker *m, bp_var v) {
  if (v.graph != m->graph && v.graph == m->stranger.graph) return v; /* made there */
  if (bp_graph_status(m->graph) != BP_OK) {
    check(bp_var_is_zero(v));
    check_error(m);
    return v;
  }
  if (v.id == 0) return v; /* the symbolic zero */
  check(v.graph == m->graph && v.id < bp_graph_size(m->graph));
  check(bp_var_rank(v) >= 0 && bp_var_rank(v) <= BP_MAX_RANK);
  for (int i = 0; i < bp_var_rank(v); i++) check(bp_var_dim(v, i) >= (i == 0 ? BP_BATCH : 0));
  m->narrow |= bp_var_dtype(v) == BP_F32;
  if (m->n_pool < MAKER_POOL && maker_elements(v) <= MAKER_ELEMENTS) m->pool[m->n_pool++] = v;
  return v;
}

bool make_graph(graph_maker *m, int steps) {
  int after_error = 3; /* calls on a graph that holds an error */
  while (m->bytes->size > 0 && steps-- > 0 && after_error > 0) {
    if (m->n_pool == 0)
      (void)maker_add_input(m);
    else
      maker_step(m);
    if (bp_graph_status(m->graph) != BP_OK) after_error--;
  }
  return bp_graph_status(m->graph) == BP_OK;
}
