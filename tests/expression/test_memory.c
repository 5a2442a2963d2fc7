/* Expressions and traces when memory runs out: a status and a message each time, and nothing lost. */
/* labels: oom */
#include "backprop/trace.h"
#include "expression/expression_fixtures.h"

static const xt_name point[] = {{"x", 0, {0}, {0.5}}, {"v", 1, {3}, {1, 2, 3}}, {"A", 2, {2, 3}, {1, 2, 3, 4, 5, 6}}};
enum { POINT = sizeof point / sizeof *point };

static const char long_text[] =
    "a = v[0]*v[1]; b = A @ v; c = [x, a, 1]; d = [[1, 2], [3, 4]]; k = where(x > 0, sum(b), max(v, 0, x)[1]); "
    "log(2)*k + norm(softmax(c) - [1, 2, 3]) + sum(d @ b) + reshape(A, 6)[5] + logsumexp(concat(v, x)) + clip(x, 0, 1)";

static bp_status parse_job(bp_context *ctx, void *user) {
  xt_case c;
  bp_status status = xt_parse(ctx, user, point, POINT, &c);
  if (status != BP_OK) assert_int_equal(c.y.id, 0);
  if (status != BP_OK && c.graph != NULL) assert_int_equal(bp_graph_status(c.graph), BP_E_NOMEM);
  bp_graph_free(c.graph);
  return status;
}

/* Reading, differentiating and tracing, forwards or backwards. */
static bp_status trace_job(bp_context *ctx, void *user) {
  xt_case c;
  bp_trace *trace = NULL;
  bp_status status = xt_parse(ctx, long_text, point, POINT, &c);
  bp_mode mode = *(const bp_mode *)user;
  bp_trace_options o = {.size = sizeof o,
                        .mode = mode,
                        .inputs = c.vars,
                        .n_inputs = POINT,
                        .wrt = c.vars,
                        .n_wrt = POINT,
                        .n_columns = 1};
  bp_var seeds[POINT] = {{c.graph, 0}, {c.graph, 0}, {c.graph, 0}};
  if (status == BP_OK) {
    seeds[0] = bp_scalar(c.graph, BP_F64, 1); /* of the result, or of x: both are numbers */
    o.seeds = seeds;
    status = bp_graph_status(c.graph) != BP_OK ? bp_graph_status(c.graph) : bp_trace_new(c.y, &o, &trace);
  }
  assert_true((status == BP_OK) == (trace != NULL));
  bp_trace_free(trace);
  bp_graph_free(c.graph);
  return status;
}

static void parsing_survives_a_failing_allocator(void **state) {
  (void)state;
  char text[sizeof long_text];
  memcpy(text, long_text, sizeof text);
  assert_true(bt_alloc_sweep(parse_job, text) > 10);
}

static void tracing_survives_a_failing_allocator(void **state) {
  (void)state;
  for (bp_mode mode = BP_MODE_FORWARD; mode <= BP_MODE_REVERSE; mode++)
    assert_true(bt_alloc_sweep(trace_job, &mode) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parsing_survives_a_failing_allocator),
      cmocka_unit_test(tracing_survives_a_failing_allocator),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
