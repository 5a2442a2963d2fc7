/* fuzz_expression.c - any text as an expression; what is one is evaluated, differentiated and traced.
 *
 * The first byte chooses whether the names have a batch, the second what is done; the rest is the text.
 *
 * about: src/expression/
 */
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/expression.h"
#include "backprop/ops.h"
#include "backprop/trace.h"

enum { NAMES = 4, ROWS = 2, NODES_MAX = 3000, ELEMENTS_MAX = 60000 };

static void check(bool holds) {
  if (!holds) abort();
}

static const struct {
  const char *name;
  int rank;
  int64_t dims[2];
} names[NAMES] = {{"x", 0, {0}}, {"y", 0, {0}}, {"v", 1, {3}}, {"A", 2, {2, 3}}};

typedef struct fuzz_case {
  bp_context *ctx;
  bp_graph *graph;
  bp_var vars[NAMES], y;
  double values[NAMES][ROWS * 6];
  const void *inputs[NAMES];
} fuzz_case;

static int64_t elements(bp_var v) {
  int64_t n = 1;
  for (int i = 0; i < bp_var_rank(v); i++) n *= bp_var_dim(v, i) < 0 ? ROWS : bp_var_dim(v, i);
  return n;
}

/* Whether all of the graph is small enough to be computed thousands of times a second. */
static bool is_small(const fuzz_case *c) {
  int64_t sum = 0;
  if (bp_graph_size(c->graph) > NODES_MAX) return false;
  for (uint32_t id = 1; id < bp_graph_size(c->graph); id++) sum += elements((bp_var){c->graph, id});
  return sum <= ELEMENTS_MAX;
}

static void evaluate(const fuzz_case *c, bp_var y) {
  double *out = malloc((size_t)elements(y) * sizeof *out);
  check(out != NULL && elements(y) > 0);
  check(bp_eval(&y, 1, c->vars, NAMES, ROWS, c->inputs, (void *[]){out}) == BP_OK);
  free(out);
}

static void differentiate(const fuzz_case *c, bool twice) {
  bp_var g[NAMES], scalar = bp_sum(c->y, BP_ALL_AXES);
  check(bp_grad(scalar, c->vars, NAMES, g) == BP_OK);
  if (!is_small(c)) return;
  for (int i = 0; i < NAMES; i++) {
    check(bp_var_rank(g[i]) == bp_var_rank(c->vars[i]));
    evaluate(c, g[i]);
  }
  if (!twice || bp_graph_size(c->graph) > NODES_MAX / 10) return;
  check(bp_jvp(g, NAMES, c->vars, g, NAMES, g) == BP_OK);
}

/* Every line has its texts. */
static void trace(const fuzz_case *c, bp_mode mode) {
  bp_var seeds[NAMES] = {{c->graph, 0}, {c->graph, 0}, {c->graph, 0}, {c->graph, 0}};
  int64_t dims[BP_MAX_RANK];
  for (int i = 0; i < bp_var_rank(c->y); i++) dims[i] = bp_var_dim(c->y, i);
  bp_var one = bp_scalar(c->graph, BP_F64, 1);
  seeds[0] = mode == BP_MODE_FORWARD ? one : bp_broadcast(one, bp_var_rank(c->y), dims);
  bp_trace_options o = {
      .size = sizeof o, .mode = mode, .inputs = c->vars, .n_inputs = NAMES, .wrt = c->vars, .n_wrt = NAMES};
  o.seeds = seeds;
  o.n_columns = bp_var_rank(c->vars[0]) == 0 ? 1 : 0;
  bp_trace *t;
  check(bp_trace_new(c->y, &o, &t) == BP_OK);
  check(bp_trace_lines(t) >= NAMES);
  for (size_t i = 0; i < bp_trace_lines(t); i++) {
    bp_trace_line line = bp_trace_line_at(t, i);
    check(strlen(line.symbol) >= 4 && line.expression[0] != '\0' && line.rule != NULL);
    if (i % 64 == 0 && is_small(c)) evaluate(c, line.var);
  }
  bp_trace_free(t);
}

static void build(fuzz_case *c, bool batched) {
  for (int i = 0; i < NAMES; i++) {
    int64_t dims[3] = {BP_BATCH, names[i].dims[0], names[i].dims[1]};
    c->vars[i] = bp_input(c->graph, names[i].name, BP_F64, names[i].rank + batched, dims + !batched);
    for (int e = 0; e < ROWS * 6; e++) c->values[i][e] = 0.5 * i - 0.3 * e + 0.1;
    c->inputs[i] = c->values[i];
  }
}

/* A refusal names the column, and leaves the graph with the same message. */
static void refused(const fuzz_case *c, bp_status status) {
  check(status != BP_E_NOMEM && bp_graph_status(c->graph) == status);
  check(strcmp(bp_graph_message(c->graph), bp_error_message(c->ctx)) == 0);
  check(strncmp(bp_graph_message(c->graph), "column ", 7) == 0 || status == BP_E_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_case c = {.graph = NULL};
  bp_expression_name list[NAMES];
  if (size < 2) return 0;
  char *text = malloc(size - 1);
  if (text == NULL) return 0;
  memcpy(text, data + 2, size - 2);
  text[size - 2] = '\0';
  if (bp_context_new(NULL, &c.ctx) == BP_OK && bp_graph_new(c.ctx, &c.graph) == BP_OK) {
    build(&c, data[0] % 4 == 1);
    for (int i = 0; i < NAMES; i++) list[i] = (bp_expression_name){.name = names[i].name, .var = c.vars[i]};
    bp_status status = bp_expression_parse(c.graph, BP_F64, text, list, NAMES, &c.y);
    if (status != BP_OK) {
      refused(&c, status);
    } else if (is_small(&c)) {
      evaluate(&c, c.y);
      if (data[1] % 4 < 2) differentiate(&c, data[1] % 4 == 1);
      if (data[1] % 4 >= 2) trace(&c, data[1] % 4 == 2 ? BP_MODE_FORWARD : BP_MODE_REVERSE);
    }
  }
  bp_graph_free(c.graph);
  bp_context_free(c.ctx);
  free(text);
  return 0;
}
