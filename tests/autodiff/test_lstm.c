/* The LSTM of a public benchmark: its value by plain loops, its gradient by differences of these. */
/* labels: grad */
#include "autodiff/derivative_fixtures.h"

#include "../../examples/lstm_objective.h"

static void check(bp_context *ctx, int64_t layers, int64_t characters, int64_t b) {
  lstm_problem p;
  assert_true(lstm_init(&p, layers, characters, b));
  bp_graph *g = new_graph(ctx);
  bp_var in[] = {bp_input(g, "main", BP_F64, DIMS(8 * layers, b)), bp_input(g, "extra", BP_F64, DIMS(3, b)),
                 bp_input(g, "state", BP_F64, DIMS(2 * layers, b)), bp_input(g, "text", BP_F64, DIMS(characters, b))};
  bp_var out[4];
  size_t n_main = elements_of(in[0]), n_extra = elements_of(in[1]);
  double value, *by_main = calloc(n_main, sizeof(double)), *by_extra = calloc(n_extra, sizeof(double));
  double *by_state = calloc(elements_of(in[2]), sizeof(double));
  bt_assert_ok(ctx, bp_value_and_grad(lstm_objective(in[0], in[1], in[2], in[3]), in, 3, out));
  values_of(out, 4, in, 4, (const void *[]){p.main, p.extra, p.state, p.text},
            (double *[]){&value, by_main, by_extra, by_state});
  bt_assert_close(value, lstm_plain(&p), 1e-13, 1e-14);
  double *at[] = {p.main, p.extra, p.state}, *found[] = {by_main, by_extra, by_state};
  for (int a = 0; a < 3; a++)
    for (size_t i = 0; i < elements_of(in[a]); i++) {
      double kept = at[a][i], h = 1e-5, high, low;
      at[a][i] = kept + h, high = lstm_plain(&p);
      at[a][i] = kept - h, low = lstm_plain(&p);
      at[a][i] = kept;
      bt_assert_close(found[a][i], (high - low) / (2 * h), 1e-6, 1e-9);
    }
  free(by_main), free(by_extra), free(by_state);
  bp_graph_free(g);
  lstm_release(&p);
}

static void value_and_gradient_are_those_of_plain_loops(void **state) {
  check(bt_ctx(state), 1, 5, 3);
  check(bt_ctx(state), 2, 40, 14);
  check(bt_ctx(state), 4, 12, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(value_and_gradient_are_those_of_plain_loops)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
