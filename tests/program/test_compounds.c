/* Compound kernels in programs: each is found where its operations stand, in either order of what commutes; not where something
 * else reads what lies between; and no way of running changes a bit.
 */
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 2, 0};
static const int64_t batches[] = {0, 1, 37, -1};
enum { COLUMNS = 7, INPUTS = 6, OUTPUTS = 5 };

typedef struct sample {
  bp_graph *g;
  bp_var x[4]; /* [batch, COLUMNS] */
  bp_var w, s; /* states [COLUMNS] */
  bp_var out[OUTPUTS];
  size_t n_out;
} sample;

static bp_var k(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }
static void give(sample *s, bp_var v) { s->out[s->n_out++] = v; }

/* ---- where one is found ---- */
static void mul_add(sample *s) { give(s, bp_add(bp_mul(s->x[0], s->x[1]), s->x[2])); }
static void add_mul(sample *s) { give(s, bp_add(s->x[2], bp_mul(s->x[0], s->x[1]))); }
static void mul_no_nan_add(sample *s) { give(s, bp_add(s->x[2], bp_mul_no_nan(s->x[0], s->x[1]))); }
static void sub_mul(sample *s) { give(s, bp_sub(s->x[0], bp_mul(s->x[1], s->x[2]))); }
static void descend(sample *s) { give(s, bp_sub(s->x[0], bp_mul(k(s->x[0], 0.3), s->x[1]))); }
static void lerp(sample *s) { give(s, bp_add(bp_mul(s->x[0], k(s->x[0], 0.9)), bp_mul(k(s->x[0], 0.1), s->x[1]))); }
static void lerp_square(sample *s) {
  give(s, bp_add(bp_mul(bp_square(s->x[1]), k(s->x[0], 0.01)), bp_mul(s->x[0], k(s->x[0], 0.99))));
}
static void root_quotient(sample *s) { give(s, bp_div(s->x[0], bp_add(bp_sqrt(bp_abs(s->x[1])), k(s->x[0], 1e-3)))); }
static void relu_pull(sample *s) { give(s, bp_mul_no_nan(s->x[0], bp_sign(s->x[1]))); }
static void add_tanh(sample *s) { give(s, bp_tanh(bp_add(s->x[0], s->x[1]))); }
static void add_sigmoid(sample *s) { give(s, bp_sigmoid(bp_add(s->x[0], s->x[1]))); }
static void add_relu(sample *s) { give(s, bp_relu(bp_add(s->x[0], s->x[1]))); }

static void add_tanh_unit(sample *s) {
  bp_var x = bp_add(s->x[0], s->x[1]), y = bp_tanh_unit(x);
  give(s, bp_tanh_slope(x, y));
  give(s, y);
}
static void add_sigmoid_unit(sample *s) {
  bp_var x = bp_add(s->x[0], s->x[1]), y = bp_sigmoid_unit(x);
  give(s, bp_sigmoid_slope(x, y));
  give(s, y);
}
/* The backward pass of a layer: the derivative is made where the activation is, in one pass, not where it is used. */
static void tanh_and_back(sample *s) {
  bp_var w = bp_broadcast(s->w, 2, ((const int64_t[]){COLUMNS, COLUMNS}));
  bp_var x = bp_add(bp_matmul(s->x[0], w), s->x[1]), y = bp_tanh_unit(x);
  give(s, bp_matmul(bp_mul(bp_matmul(y, w), bp_tanh_slope(x, y)), w));
}

static bp_var gradient_of(const sample *s) { return bp_sum(bp_mul(s->x[0], s->x[1]), BP_AXIS(0)); }
static void momentum(sample *s) {
  bp_var v = bp_add(bp_mul(s->s, k(s->s, 0.9)), gradient_of(s));
  give(s, bp_assign(s->s, v));
  give(s, bp_assign(s->w, bp_sub(s->w, bp_mul(v, k(v, 0.1)))));
}
/* The rate is a number that is computed in the run. */
static void momentum_at_a_rate(sample *s) {
  bp_var v = bp_add(bp_mul(s->s, k(s->s, 0.9)), gradient_of(s)),
         rate = bp_reciprocal(bp_axis_size(s->x[2], BP_ALL_AXES));
  give(s, bp_assign(s->s, v));
  give(s, bp_assign(s->w, bp_sub(s->w, bp_mul(rate, v))));
}
static void adam(sample *s) {
  bp_var g = gradient_of(s);
  bp_var m = bp_add(bp_mul(s->s, k(g, 0.9)), bp_mul(g, k(g, 0.1)));
  bp_var v = bp_add(bp_mul(s->w, k(g, 0.99)), bp_mul(bp_square(g), k(g, 0.01)));
  give(s, bp_assign(s->s, m));
  give(s, bp_assign(s->w, v));
  give(s, bp_sub(k(g, 1), bp_mul(bp_div(m, bp_add(bp_sqrt(v), k(g, 1e-8))), k(g, 0.001))));
}

/* ---- where none is, or only a smaller one ---- */
/* x + x with x = a b: the product is an argument as well. */
static void a_sum_of_a_product_with_itself(sample *s) {
  bp_var x = bp_mul(s->x[0], s->x[1]);
  give(s, bp_add(x, x));
}
static void a_product_that_is_an_output_too(sample *s) {
  bp_var x = bp_mul(s->x[0], s->x[1]);
  give(s, x);
  give(s, bp_add(x, s->x[2]));
}
static void a_product_with_another_reader(sample *s) {
  bp_var x = bp_mul(s->x[0], s->x[1]);
  give(s, bp_max(bp_add(x, s->x[2]), bp_neg(x)));
}
/* The new velocity is needed before the weights: both readings must be of the new one. */
static void a_velocity_read_in_between(sample *s) {
  bp_var v = bp_add(bp_mul(s->s, k(s->s, 0.9)), gradient_of(s));
  bp_var slow = bp_exp(bp_neg(bp_abs(v)));
  give(s, bp_assign(s->s, v));
  give(s, bp_assign(s->w, bp_sub(bp_mul(s->w, slow), bp_mul(v, k(v, 0.1)))));
}
/* The old velocity is needed after the new one. */
static void an_old_velocity_read_late(sample *s) {
  bp_var v = bp_add(bp_mul(s->s, k(s->s, 0.9)), gradient_of(s));
  give(s, bp_assign(s->s, v));
  give(s, bp_assign(s->w, bp_sub(s->w, bp_mul(v, k(v, 0.1)))));
  give(s, bp_exp(bp_sub(s->s, v)));
}

static const struct {
  void (*build)(sample *s);
  const char *name;
  const char *found, *absent; /* in the plan; NULL: nothing is asked */
} cases[] = {
    {mul_add, "mul_add", " mul_add", NULL},
    {add_mul, "add_mul", " mul_add", NULL},
    {mul_no_nan_add, "mul_no_nan_add", " mul_no_nan_add", NULL},
    {sub_mul, "sub_mul", " sub_mul", NULL},
    {descend, "descend", " descend", NULL},
    {lerp, "lerp", " lerp→", NULL},
    {lerp_square, "lerp_square", " lerp_square", NULL},
    {root_quotient, "root_quotient", " root_quotient", NULL},
    {add_tanh_unit, "add_tanh_unit", " add_tanh_unit→output 0 →output 1", NULL},
    {add_sigmoid_unit, "add_sigmoid_unit", " add_sigmoid_unit→output 0 →output 1", NULL},
    {tanh_and_back, "tanh and back", " add_tanh_unit→", NULL},
    {relu_pull, "relu_pull", " relu_pull", NULL},
    {add_tanh, "add_tanh", " add_tanh", NULL},
    {add_sigmoid, "add_sigmoid", " add_sigmoid", NULL},
    {add_relu, "add_relu", " add_relu", NULL},
    {momentum, "momentum", " momentum→input 4 →input 5", NULL},
    {momentum_at_a_rate, "momentum at a rate", " momentum", NULL},
    {adam, "adam", " adam", NULL},
    {a_sum_of_a_product_with_itself, "x + x", NULL, " mul_add"},
    {a_product_that_is_an_output_too, "output between", NULL, " mul_add"},
    {a_product_with_another_reader, "reader between", NULL, " mul_add"},
    {a_velocity_read_in_between, "velocity read in between", NULL, NULL},
    {an_old_velocity_read_late, "old velocity read late", NULL, NULL},
};

static void make(bp_context *ctx, bp_dtype t, size_t number, sample *s, bp_var in[INPUTS]) {
  *s = (sample){0};
  bt_assert_ok(ctx, bp_graph_new(ctx, &s->g));
  for (int i = 0; i < 4; i++) s->x[i] = in[i] = bp_input(s->g, "x", t, 2, ((const int64_t[]){BP_BATCH, COLUMNS}));
  s->w = in[4] = bp_input(s->g, "w", t, 1, ((const int64_t[]){COLUMNS}));
  s->s = in[5] = bp_input(s->g, "s", t, 1, ((const int64_t[]){COLUMNS}));
  cases[number].build(s);
  bt_assert_ok(ctx, bp_graph_status(s->g));
}

static bool plan_has(bp_context *ctx, const bt_function *f, const char *words) {
  char *text;
  bt_runner r = bt_runner_new(ctx, f, false, 1);
  bt_assert_ok(ctx, bp_program_explain(ctx, r.program, &text));
  bool has = strstr(text, words) != NULL;
  bp_string_free(ctx, text);
  bt_runner_free(&r);
  return has;
}

static void compounds_are_found_and_change_no_bit(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int type = 0; type < 2; type++) {
      sample s;
      bp_var in[INPUTS];
      void *values[INPUTS];
      bt_random r = {.seed = 5};
      make(ctx, type == 0 ? BP_F32 : BP_F64, i, &s, in);
      for (int v = 0; v < INPUTS; v++) values[v] = bt_array_uniform(in[v], 37, &r, -1, 1);
      bt_function f = {cases[i].name, s.out, s.n_out, in, INPUTS, (const void *const *)values, 37};
      (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
      if (cases[i].found != NULL && !plan_has(ctx, &f, cases[i].found))
        fail_msg("%s: the plan has no%s", cases[i].name, cases[i].found);
      if (cases[i].absent != NULL && plan_has(ctx, &f, cases[i].absent))
        fail_msg("%s: the plan has%s", cases[i].name, cases[i].absent);
      bt_free_arrays(values, INPUTS);
      bp_graph_free(s.g);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(compounds_are_found_and_change_no_bit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
