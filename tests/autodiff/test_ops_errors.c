/* What the operations refuse: the status, and a message that names the operation and the shapes; and memory running out at each
 * allocation while they are built, differentiated, compiled and run. */
/* labels: oom */
#include "autodiff/op_check.h"

/* x is [2,3], s is [4,4], b is [batch,3], n is int32[2]. */
typedef struct inputs {
  bp_var x, s, b, n;
} inputs;
typedef struct refusal {
  bp_var (*build)(const inputs *in);
  bp_status status;
  const char *words;
} refusal;

#define BAD(name, expression)                                                                                          \
  static bp_var name(const inputs *in) { return expression; }
BAD(slice_axis, (bp_slice)(in->x, 2, 0, 1, 1))
BAD(slice_step, (bp_slice)(in->x, 0, 0, 1, 0))
BAD(slice_batch, (bp_slice)(in->b, 0, 0, 2, 1))
BAD(flip_batch, bp_flip(in->b, 0))
BAD(pad_negative, (bp_pad)(in->x, 0, -1, 0, 0))
BAD(pad_batch, (bp_pad)(in->b, 0, 1, 0, 0))
BAD(pad_integers, (bp_pad)(in->n, 0, 1, 0, 7))
BAD(concat_sizes, bp_concat((bp_var[]){in->x, in->s}, 2, 0))
BAD(concat_types, bp_concat((bp_var[]){in->x, bp_cast(in->x, BP_F32)}, 2, 0))
BAD(concat_batch, bp_concat((bp_var[]){in->b, in->b}, 2, 0))
BAD(stack_sizes, bp_stack((bp_var[]){in->x, in->s}, 2, 0))
BAD(stack_axis, bp_stack((bp_var[]){in->x, in->x}, 2, 5))
BAD(diag_scalar, bp_diag(bp_sum(in->x, BP_ALL_AXES)))
BAD(diag_part_of_a_vector, (bp_diag_part)(bp_sum(in->x, BP_AXIS(0))))
BAD(tril_vector, bp_tril(bp_sum(in->x, BP_AXIS(0)), 0))
BAD(matmul_inner, (bp_matmul)(in->x, in->s))
BAD(matmul_vector, (bp_matmul)(bp_sum(in->x, BP_AXIS(0)), in->x))
BAD(matmul_stacks,
    (bp_matmul)(bp_stack((bp_var[]){in->x, in->x}, 2, 0), bp_stack((bp_var[]){in->s, in->s, in->s}, 3, 0)))
BAD(dot_shapes, (bp_dot)(in->x, in->s))
BAD(outer_ranks, (bp_outer)(in->x, bp_sum(in->x, BP_AXIS(0))))
BAD(cholesky_tall, (bp_cholesky)(in->x))
BAD(solve_rows, (bp_solve)(in->s, in->x))
BAD(triangular_tall, (bp_solve_triangular)(in->x, in->s, true, false))
BAD(logdet_tall, bp_logdet(in->x))
BAD(logdet_spd_tall, bp_logdet_spd(in->x))
BAD(cumsum_axis, bp_cumsum(in->x, -3))
BAD(cumsum_integers, bp_cumsum(in->n, 0))
BAD(prod_batch, bp_prod(in->b, BP_ALL_AXES))
BAD(clip_ends, bp_clip(in->x, 2, 1))
BAD(clip_nan, bp_clip(in->x, NAN, 1))
BAD(polygamma_order, bp_polygamma(65, in->x))
BAD(polygamma_negative, bp_polygamma(-1, in->x))

static const refusal refusals[] = {
    {slice_axis, BP_E_ARG, "slice: [2,3] has no axis 2"},
    {slice_step, BP_E_ARG, "slice: the step is 0"},
    {slice_batch, BP_E_SHAPE, "slice: axis 0 is the batch"},
    {flip_batch, BP_E_SHAPE, "slice: axis 0 is the batch"},
    {pad_negative, BP_E_ARG, "pad: -1 before and 0 after"},
    {pad_batch, BP_E_SHAPE, "pad: axis 0 is the batch"},
    {pad_integers, BP_E_DTYPE, "pad: argument 1 is int32"},
    {concat_sizes, BP_E_SHAPE, "concat: argument 1 is float64[2,3], argument 2 is float64[4,4]"},
    {concat_types, BP_E_SHAPE, "concat: argument 1 is float64[2,3], argument 2 is float32[2,3]"},
    {concat_batch, BP_E_SHAPE, "concat: axis 0 is the batch"},
    {stack_sizes, BP_E_SHAPE, "stack: argument 1 is float64[2,3], argument 2 is float64[4,4]"},
    {stack_axis, BP_E_ARG, "axis 5"},
    {diag_scalar, BP_E_SHAPE, "diag: [], expected vectors"},
    {diag_part_of_a_vector, BP_E_SHAPE, "diag_part: [3], expected matrices"},
    {tril_vector, BP_E_SHAPE, "tril: [3], expected matrices"},
    {matmul_inner, BP_E_SHAPE, "matmul: left is [2,3], right is [4,4]; the inner sizes differ"},
    {matmul_vector, BP_E_SHAPE, "matmul: left is [3], right is [2,3]"},
    {matmul_stacks, BP_E_SHAPE, "matmul: left is [2,2,3], right is [3,4,4]; the leading axes differ"},
    {dot_shapes, BP_E_SHAPE, "dot: left is [2,3], right is [4,4]"},
    {outer_ranks, BP_E_SHAPE, "outer: left is [2,3], right is [3]"},
    {cholesky_tall, BP_E_SHAPE, "cholesky: [2,3], expected square matrices"},
    {solve_rows, BP_E_SHAPE, "solve: left is [4,4], right is [2,3]"},
    {triangular_tall, BP_E_SHAPE, "solve_triangular: [2,3], expected square matrices"},
    {logdet_tall, BP_E_SHAPE, "logdet: [2,3], expected square matrices"},
    {logdet_spd_tall, BP_E_SHAPE, "cholesky: [2,3], expected square matrices"},
    {cumsum_axis, BP_E_ARG, "cumsum: [2,3] has no axis -3"},
    {cumsum_integers, BP_E_DTYPE, "cumsum: argument 1 is int32"},
    {prod_batch, BP_E_SHAPE, "prod: axis 0 is the batch"},
    {clip_ends, BP_E_ARG, "clip: from 2 to 1"},
    {clip_nan, BP_E_ARG, "clip: from nan to 1"},
    {polygamma_order, BP_E_ARG, "polygamma: order 65, expected 0 to 64"},
    {polygamma_negative, BP_E_ARG, "polygamma: order -1, expected 0 to 64"},
};

static void what_does_not_fit_is_refused_with_its_shapes(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    bp_graph *g;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    inputs in = {bp_input(g, "x", BP_F64, 2, (int64_t[]){2, 3}), bp_input(g, "s", BP_F64, 2, (int64_t[]){4, 4}),
                 bp_input(g, "b", BP_F64, 2, (int64_t[]){BP_BATCH, 3}), bp_input(g, "n", BP_I32, 1, (int64_t[]){2})};
    bp_var y = refusals[i].build(&in);
    if (bp_graph_status(g) != refusals[i].status) print_error("row %zu: %s\n", i, bp_graph_message(g));
    assert_true(bp_var_is_zero(y));
    assert_int_equal(bp_graph_status(g), refusals[i].status);
    bt_assert_message(ctx, refusals[i].words);
    bp_graph_free(g);
  }
}

/* Nothing is refused that works: empty slices, whole batches, one argument. */
static void the_ends_of_what_fits_are_allowed(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  char text[192];
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 2, (int64_t[]){2, 3}), b = bp_input(g, "b", BP_F64, 2, (int64_t[]){BP_BATCH, 3});
  assert_int_equal(bp_slice(b, 0, 0, BP_END, 1).id, b.id);
  assert_int_equal(bp_slice(x, 1, -9, 9, 1).id, x.id);
  assert_int_equal(bp_concat(&x, 1, 0).id, x.id);
  assert_int_equal(bp_pad(x, 1, 0, 0, 5).id, x.id);
  assert_string_equal(bp_var_shape_text(bp_slice(x, 1, 2, 1, 1), text, sizeof text), "[2,0]");
  assert_string_equal(bp_var_shape_text(bp_slice(x, 1, 1, -BP_END, -1), text, sizeof text), "[2,2]");
  assert_string_equal(bp_var_shape_text(bp_slice(x, 1, 2, 0, -BP_END), text, sizeof text), "[2,1]");
  assert_string_equal(bp_var_shape_text(bp_slice(x, 1, 0, 3, BP_END), text, sizeof text), "[2,1]");
  assert_string_equal(bp_var_shape_text(bp_stack(&b, 1, 1), text, sizeof text), "[batch,1,3]");
  bt_assert_ok(ctx, bp_graph_status(g));
  bp_graph_free(g);
}

/* ---- memory ---- */
static bp_status identity_eval(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user, (void)n_x;
  memcpy(y->data, x[0].data, (size_t)y->elements * sizeof(double));
  return BP_OK;
}
static bp_var identity_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)x, (void)n_x, (void)i, (void)y;
  return y_bar;
}

/* A little of everything that has arguments in a pool, scratch, or a table of its own. */
static bp_var build_all(bp_var x) {
  bp_custom_op op = {.size = sizeof op,
                     .name = "identity",
                     .dtype = BP_F64,
                     .rank = 2,
                     .dims = {4, 4},
                     .eval = identity_eval,
                     .vjp = identity_vjp};
  bp_var a = bp_custom(x.graph, &op, &x, 1), square = bp_matmul_t(a, false, a, true);
  bp_var spd = bp_add(square, bp_diag(bp_slice(bp_reshape(x, 1, (int64_t[]){16}), 0, 0, 4, 1)));
  bp_var l = bp_cholesky(spd), s = bp_solve(spd, bp_solve_triangular(l, a, true, false));
  bp_var many = bp_concat((bp_var[]){bp_tril(a, 0), bp_flip(s, 1), bp_cumsum(a, 0), bp_pad(a, 1, 0, 0, 1)}, 4, 0);
  bp_var stack = bp_stack((bp_var[]){a, l}, 2, 0);
  bp_var y = bp_add(bp_norm(many, BP_ALL_AXES), bp_prod(bp_matmul(stack, stack), BP_ALL_AXES));
  return bp_add(y, bp_add(bp_logdet(spd), bp_sum(bp_polygamma(1, bp_square(a)), BP_ALL_AXES)));
}

static bp_status build_and_run(bp_context *ctx, void *user) {
  bp_graph *g = NULL;
  bp_program *p = NULL;
  bp_workspace *w = NULL;
  double x[16], y = 7, gradient[16];
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  for (int k = 0; k < 16; k++) x[k] = 0.5 + 0.1 * k + (k % 5 == 0 ? 2 : 0);
  bp_var in = bp_input(g, "x", BP_F64, 2, (int64_t[]){4, 4}), out[2] = {build_all(in)};
  status = bp_graph_status(g);
  const void *from[] = {x};
  void *to[] = {&y, gradient};
  if (status == BP_OK) status = bp_grad(out[0], &in, 1, &out[1]);
  if (status == BP_OK) status = bp_compile(out, 2, &in, 1, NULL, &p);
  if (status == BP_OK) status = bp_workspace_new(ctx, p, 1, &w);
  if (status == BP_OK) status = bp_run(p, w, 0, from, to);
  if (status == BP_OK)
    status = bp_eval(out, 2, &in, 1, 0, from, to);
  else
    assert_true(y == 7); /* NOLINT: outputs are written only by a run that succeeds */
  (void)user;
  bp_workspace_free(w);
  bp_program_free(p);
  bp_graph_free(g);
  return status;
}

static void memory_may_run_out_anywhere(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(build_and_run, NULL) > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(what_does_not_fit_is_refused_with_its_shapes),
                                     BT_TEST(the_ends_of_what_fits_are_allowed),
                                     cmocka_unit_test(memory_may_run_out_anywhere)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
