/* The builders' rules: which shapes and types they give, and what they refuse, with a message that names the shapes and the
 * place of the caller.
 */
#include <stdio.h>
#include <string.h>

#include "backprop/ops.h"
#include "support/testing.h"

#define B BP_BATCH
#define SHAPE(...)                                                                                                     \
  (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }

/* ---- arguments ---- */
static bp_var f32(bp_graph *g, int rank, const int64_t *dims) { return bp_input(g, "x", BP_F32, rank, dims); }
static bp_var f64(bp_graph *g, int rank, const int64_t *dims) { return bp_input(g, "x", BP_F64, rank, dims); }
static bp_var i32(bp_graph *g, int rank, const int64_t *dims) { return bp_input(g, "n", BP_I32, rank, dims); }
static bp_var u8(bp_graph *g, int rank, const int64_t *dims) { return bp_input(g, "u", BP_U8, rank, dims); }
static bp_var scalar(bp_graph *g) { return bp_scalar(g, BP_F32, 1); }

/* ---- what comes out ---- */

static void assert_is(bp_var v, bp_dtype dtype, const char *shape) {
  char text[192];
  bt_assert_ok(bp_graph_context(v.graph), bp_graph_status(v.graph));
  assert_string_equal(bp_var_shape_text(v, text, sizeof text), shape);
  assert_int_equal(bp_var_dtype(v), dtype);
}

static void elementwise_operations_broadcast(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  assert_is(bp_tanh(f32(g, SHAPE(B, 3))), BP_F32, "[batch,3]");
  assert_is(bp_exp(f64(g, 0, NULL)), BP_F64, "[]");
  assert_is(bp_add(f32(g, SHAPE(B, 3)), f32(g, SHAPE(3))), BP_F32, "[batch,3]");
  assert_is(bp_add(f32(g, SHAPE(3)), f32(g, SHAPE(B, 3))), BP_F32, "[batch,3]");
  assert_is(bp_mul(f32(g, SHAPE(B, 1)), f32(g, SHAPE(1, 4))), BP_F32, "[batch,4]");
  assert_is(bp_mul(f32(g, SHAPE(B, 5, 1)), f32(g, SHAPE(5, 7))), BP_F32, "[batch,5,7]");
  assert_is(bp_div(f32(g, SHAPE(2, 1, 4)), f32(g, SHAPE(3, 1))), BP_F32, "[2,3,4]");
  assert_is(bp_max(scalar(g), f32(g, SHAPE(0, 2))), BP_F32, "[0,2]");
  assert_is(bp_max(f32(g, SHAPE(1)), f32(g, SHAPE(0))), BP_F32, "[0]");
  assert_is(bp_less(f64(g, SHAPE(2)), f64(g, SHAPE(2))), BP_F64, "[2]");
  assert_is(bp_where(scalar(g), f32(g, SHAPE(B, 1)), f32(g, SHAPE(6))), BP_F32, "[batch,6]");
  bp_graph_free(g);
}

/* Nothing is to be done along an axis of one element: a sum or an extreme over it is the array in another shape. */
static void axes_of_one_element_are_dropped(void **state) {
  static bp_var (*const reduce[])(bp_var, unsigned) = {bp_sum, bp_reduce_max, bp_reduce_min};
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  for (size_t i = 0; i < sizeof reduce / sizeof *reduce; i++) {
    bp_var x = f32(g, SHAPE(B, 1, 5, 1)), some = reduce[i](x, BP_AXIS(1) | BP_AXIS(3));
    assert_is(some, BP_F32, "[batch,5]");
    assert_string_equal(bp_var_op(some), "reshape");
    bp_var both = reduce[i](x, BP_AXIS(1) | BP_AXIS(2));
    assert_is(both, BP_F32, "[batch,1]");
    assert_string_not_equal(bp_var_op(both), "reshape");
  }
  bp_graph_free(g);
}

static void reductions_take_axes_away(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  bp_var x = f32(g, SHAPE(B, 3, 4, 5));
  assert_is(bp_sum(x, BP_AXIS(0)), BP_F32, "[3,4,5]");
  assert_is(bp_sum(x, BP_AXIS(1) | BP_AXIS(3)), BP_F32, "[batch,4]");
  assert_is(bp_sum(x, BP_LAST_AXIS), BP_F32, "[batch,3,4]");
  assert_is(bp_sum(x, BP_LAST_AXIS | BP_AXIS(0)), BP_F32, "[3,4]");
  assert_is(bp_mean(x, BP_ALL_AXES), BP_F32, "[]");
  assert_is(bp_reduce_max(x, BP_AXIS(0) | BP_AXIS(2)), BP_F32, "[3,5]");
  assert_is(bp_reduce_min(x, BP_AXIS(2) | BP_AXIS(1)), BP_F32, "[batch,5]");
  assert_int_equal(bp_sum(x, 0).id, x.id);
  assert_int_equal(bp_sum(x, BP_AXIS(6)).id, x.id); /* there is no such axis */
  assert_is(bp_sum(scalar(g), BP_ALL_AXES), BP_F32, "[]");
  assert_is(bp_logsumexp(x), BP_F32, "[batch,3,4]");
  assert_is(bp_softmax(x), BP_F32, "[batch,3,4,5]");
  assert_is(bp_argmax(x), BP_I32, "[batch,3,4]");
  assert_is(bp_axis_size(x, BP_ALL_AXES), BP_F32, "[]");
  assert_is(bp_axis_size(i32(g, SHAPE(4)), 1), BP_F32, "[]");
  bp_graph_free(g);
}

static void products_shapes_and_numbers(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  bp_var x = f32(g, SHAPE(B, 3)), w = f32(g, SHAPE(3, 5)), n = i32(g, SHAPE(B)), t = u8(g, SHAPE(9, 4));
  assert_is(bp_matmul(x, w), BP_F32, "[batch,5]");
  assert_is(bp_matmul_t(x, true, x, false), BP_F32, "[3,3]");
  assert_is(bp_matmul_t(x, false, f32(g, SHAPE(7, 3)), true), BP_F32, "[batch,7]");
  assert_is(bp_matmul_t(w, true, f32(g, SHAPE(2, 3)), true), BP_F32, "[5,2]");
  assert_is(bp_reshape(x, SHAPE(B, 3, 1)), BP_F32, "[batch,3,1]");
  assert_int_equal(bp_reshape(x, SHAPE(B, 3)).id, x.id);
  assert_is(bp_reshape(scalar(g), SHAPE(1, 1)), BP_F32, "[1,1]");
  assert_is(bp_broadcast(w, SHAPE(B, 3, 5)), BP_F32, "[batch,3,5]");
  assert_is(bp_broadcast(scalar(g), SHAPE(B)), BP_F32, "[batch]");
  assert_is(bp_expand(x, -1), BP_F32, "[batch,3,1]");
  assert_is(bp_expand(w, 0), BP_F32, "[1,3,5]");
  assert_is(bp_expand(x, 1), BP_F32, "[batch,1,3]");
  assert_is(bp_transpose(f32(g, SHAPE(2, 3, 4)), NULL), BP_F32, "[4,3,2]");
  assert_is(bp_transpose(f32(g, SHAPE(B, 3, 4)), (const int[]){0, 2, 1}), BP_F32, "[batch,4,3]");
  assert_is(bp_cast(t, BP_F64), BP_F64, "[9,4]");
  assert_int_equal(bp_cast(x, BP_F32).id, x.id);
  assert_is(bp_gather(t, n, BP_F32), BP_F32, "[batch,4]");
  assert_is(bp_gather(t, i32(g, SHAPE(3)), BP_U8), BP_U8, "[3,4]");
  assert_is(bp_scatter_add(x, n, 11), BP_F32, "[11,3]");
  assert_is(bp_one_hot(n, 10, BP_F64), BP_F64, "[batch,10]");
  assert_is(bp_softmax_cross_entropy(x, n), BP_F32, "[batch]");
  assert_is(bp_assign(x, bp_tanh(x)), BP_F32, "[batch,3]");
  assert_is(bp_stop_gradient(x), BP_F32, "[batch,3]");
  bp_graph_free(g);
}

/* ---- what is refused ---- */
typedef bp_var (*mistake)(bp_graph *g);
#define MISTAKE(name, expression)                                                                                      \
  static bp_var name(bp_graph *g) { return expression; }

MISTAKE(add_sizes, bp_add(f32(g, SHAPE(2, 3)), f32(g, SHAPE(2, 4))))
MISTAKE(add_batch_not_leading, bp_add(f32(g, SHAPE(4, 3)), f32(g, SHAPE(B))))
MISTAKE(add_batch_and_size, bp_sub(f32(g, SHAPE(B, 3)), f32(g, SHAPE(5, 3))))
MISTAKE(add_batch_inside, bp_mul(f32(g, SHAPE(2, 1, 3)), f32(g, SHAPE(B, 3))))
MISTAKE(add_types, bp_add(f32(g, SHAPE(2)), f64(g, SHAPE(2))))
MISTAKE(add_integers, bp_add(f32(g, SHAPE(2)), i32(g, SHAPE(2))))
MISTAKE(tanh_bytes, bp_tanh(u8(g, SHAPE(2))))
MISTAKE(where_sizes, bp_where(f32(g, SHAPE(2)), f32(g, SHAPE(2)), f32(g, SHAPE(3))))
MISTAKE(matmul_inner, bp_matmul(f32(g, SHAPE(B, 3)), f32(g, SHAPE(4, 5))))
MISTAKE(matmul_inner_t, bp_matmul_t(f32(g, SHAPE(B, 3)), true, f32(g, SHAPE(5, 3)), true))
MISTAKE(matmul_rank, bp_matmul(f32(g, SHAPE(3)), f32(g, SHAPE(3, 5))))
MISTAKE(matmul_batch_column, bp_matmul_t(f32(g, SHAPE(2, 3)), false, f32(g, SHAPE(B, 3)), true))
MISTAKE(matmul_types, bp_matmul(f32(g, SHAPE(2, 3)), f64(g, SHAPE(3, 4))))
MISTAKE(reshape_count, bp_reshape(f32(g, SHAPE(2, 3)), SHAPE(7)))
MISTAKE(reshape_batch, bp_reshape(f32(g, SHAPE(B, 4)), SHAPE(4)))
MISTAKE(reshape_batch_moves, bp_reshape(f32(g, SHAPE(B, 4)), SHAPE(4, B)))
MISTAKE(reshape_negative, bp_reshape(f32(g, SHAPE(2, 3)), SHAPE(-2, -3)))
MISTAKE(reshape_rank, bp_reshape(f32(g, SHAPE(1)), SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)))
MISTAKE(broadcast_shrinks, bp_broadcast(f32(g, SHAPE(2, 3)), SHAPE(1, 3)))
MISTAKE(broadcast_rank, bp_broadcast(f32(g, SHAPE(2, 3)), SHAPE(3)))
MISTAKE(expand_axis, bp_expand(f32(g, SHAPE(2, 3)), 3))
MISTAKE(expand_batch, bp_expand(f32(g, SHAPE(B, 3)), 0))
MISTAKE(expand_full, bp_expand(f32(g, SHAPE(1, 1, 1, 1, 1, 1, 1, 1)), 0))
MISTAKE(transpose_twice, bp_transpose(f32(g, SHAPE(2, 3)), ((const int[]){1, 1})))
MISTAKE(transpose_range, bp_transpose(f32(g, SHAPE(2, 3)), ((const int[]){0, 2})))
MISTAKE(transpose_batch, bp_transpose(f32(g, SHAPE(B, 3)), NULL))
MISTAKE(cast_unknown, bp_cast(f32(g, SHAPE(2)), BP_DTYPE_COUNT))
MISTAKE(sum_integers, bp_sum(i32(g, SHAPE(2)), 1))
MISTAKE(logsumexp_scalar, bp_logsumexp(scalar(g)))
MISTAKE(logsumexp_batch, bp_logsumexp(f32(g, SHAPE(B))))
MISTAKE(softmax_batch, bp_softmax(f32(g, SHAPE(B))))
MISTAKE(softmax_empty, bp_softmax(f32(g, SHAPE(B, 0))))
MISTAKE(argmax_batch, bp_argmax(f32(g, SHAPE(B))))
MISTAKE(gather_scalar, bp_gather(scalar(g), i32(g, SHAPE(2)), BP_F32))
MISTAKE(gather_batch, bp_gather(f32(g, SHAPE(B, 2)), i32(g, SHAPE(2)), BP_F32))
MISTAKE(gather_index_type, bp_gather(f32(g, SHAPE(5, 2)), f32(g, SHAPE(2)), BP_F32))
MISTAKE(gather_index_rank, bp_gather(f32(g, SHAPE(5, 2)), i32(g, SHAPE(2, 2)), BP_F32))
MISTAKE(gather_index_computed, bp_gather(f32(g, SHAPE(5, 2)), bp_argmax(f32(g, SHAPE(B, 5))), BP_F32))
MISTAKE(gather_to_integers, bp_gather(f32(g, SHAPE(5, 2)), i32(g, SHAPE(2)), BP_I32))
MISTAKE(scatter_rows, bp_scatter_add(f32(g, SHAPE(5, 2)), i32(g, SHAPE(4)), 3))
MISTAKE(scatter_negative, bp_scatter_add(f32(g, SHAPE(5, 2)), i32(g, SHAPE(5)), -1))
MISTAKE(uniform_step, bp_uniform(f32(g, SHAPE(2)), 1, 0, BP_F32, 0, NULL))
MISTAKE(uniform_type, bp_uniform(bp_scalar(g, BP_F64, 1), 1, 0, BP_I32, 0, NULL))
MISTAKE(uniform_shape, bp_uniform(bp_scalar(g, BP_F64, 1), 1, 0, BP_F32, 1, (const int64_t[]){-7}))
MISTAKE(one_hot_none, bp_one_hot(i32(g, SHAPE(5)), 0, BP_F32))
MISTAKE(one_hot_type, bp_one_hot(i32(g, SHAPE(5)), 3, BP_I32))
MISTAKE(entropy_rows, bp_softmax_cross_entropy(f32(g, SHAPE(B, 3)), i32(g, SHAPE(4))))
MISTAKE(entropy_rank, bp_softmax_cross_entropy(f32(g, SHAPE(B)), i32(g, SHAPE(B))))
MISTAKE(assign_result, bp_assign(bp_tanh(f32(g, SHAPE(2))), f32(g, SHAPE(2))))
MISTAKE(assign_shape, bp_assign(f32(g, SHAPE(2)), f32(g, SHAPE(3))))
MISTAKE(assign_type, bp_assign(f32(g, SHAPE(2)), f64(g, SHAPE(2))))
MISTAKE(use_of_a_root, bp_add(bp_assign(f32(g, SHAPE(2)), f32(g, SHAPE(2))), f32(g, SHAPE(2))))
MISTAKE(null_first, bp_add(((bp_var){NULL, 0}), scalar(g)))
MISTAKE(null_second, bp_add(scalar(g), ((bp_var){NULL, 0})))
MISTAKE(zero_argument, bp_tanh(((bp_var){g, 0})))
MISTAKE(unknown_argument, bp_mul(scalar(g), ((bp_var){g, 12345})))
MISTAKE(too_large, bp_mul(f32(g, SHAPE(1 << 20, 1, 1)), f32(g, SHAPE(1 << 13, 1 << 13))))

static const struct {
  mistake make;
  bp_status status;
  const char *message;
} mistakes[] = {
    {add_sizes, BP_E_SHAPE, "add: shapes [2,3] and [2,4] do not broadcast"},
    {add_batch_not_leading, BP_E_SHAPE, "add: shapes [4,3] and [batch] do not broadcast"},
    {add_batch_and_size, BP_E_SHAPE, "sub: shapes [batch,3] and [5,3] do not broadcast"},
    {add_batch_inside, BP_E_SHAPE, "mul: shapes [2,1,3] and [batch,3] do not broadcast"},
    {add_types, BP_E_DTYPE, "add: argument 1 is float32, argument 2 is float64; bp_cast one of them"},
    {add_integers, BP_E_DTYPE, "add: argument 2 is int32, expected float32 or float64"},
    {tanh_bytes, BP_E_DTYPE, "tanh: argument 1 is uint8, expected float32 or float64"},
    {where_sizes, BP_E_SHAPE, "where: shapes [2] and [3] do not broadcast"},
    {matmul_inner, BP_E_SHAPE, "matmul: left is [batch,3], right is [4,5]; the inner sizes differ"},
    {matmul_inner_t, BP_E_SHAPE,
     "matmul: left is [batch,3] transposed, right is [5,3] transposed; the inner sizes differ"},
    {matmul_rank, BP_E_SHAPE, "matmul: left is [3], right is [3,5]; expected matrices"},
    {matmul_batch_column, BP_E_SHAPE, "matmul: the shape [2,batch] is not allowed"},
    {matmul_types, BP_E_DTYPE, "matmul: argument 1 is float32, argument 2 is float64"},
    {reshape_count, BP_E_SHAPE, "reshape: cannot turn [2,3] into [7]"},
    {reshape_batch, BP_E_SHAPE, "reshape: cannot turn [batch,4] into [4]"},
    {reshape_batch_moves, BP_E_SHAPE, "reshape: cannot turn [batch,4] into [4,batch]"},
    {reshape_negative, BP_E_SHAPE, "reshape: cannot turn [2,3] into "},
    {reshape_rank, BP_E_ARG, "reshape: rank 9, expected 0 to 8"},
    {broadcast_shrinks, BP_E_SHAPE, "broadcast: cannot turn [2,3] into [1,3]"},
    {broadcast_rank, BP_E_SHAPE, "broadcast: cannot turn [2,3] into [3]"},
    {expand_axis, BP_E_ARG, "expand: axis 3, expected -3 to 2"},
    {expand_batch, BP_E_SHAPE, "reshape: cannot turn [batch,3] into [1,batch,3]"},
    {expand_full, BP_E_ARG, "expand: "},
    {transpose_twice, BP_E_ARG, "transpose: axis 1 at place 1 is out of range or named twice"},
    {transpose_range, BP_E_ARG, "transpose: axis 2 at place 1 is out of range or named twice"},
    {transpose_batch, BP_E_SHAPE, "transpose: the shape [3,batch] is not allowed"},
    {cast_unknown, BP_E_DTYPE, "cast: no element type"},
    {sum_integers, BP_E_DTYPE, "sum: argument 1 is int32"},
    {logsumexp_scalar, BP_E_SHAPE, "logsumexp: [] has no last axis"},
    {logsumexp_batch, BP_E_SHAPE, "logsumexp: [batch] has no last axis"},
    {softmax_batch, BP_E_SHAPE, "softmax: [batch] has no last axis"},
    {softmax_empty, BP_E_SHAPE, "softmax: [batch,0] has no last axis"},
    {argmax_batch, BP_E_SHAPE, "argmax: [batch] has no last axis"},
    {gather_scalar, BP_E_SHAPE, "gather: expected a table with a known number of rows"},
    {gather_batch, BP_E_SHAPE, "gather: expected a table with a known number of rows"},
    {gather_index_type, BP_E_DTYPE, "gather: the numbers are float32[2], expected int32[rows]"},
    {gather_index_rank, BP_E_DTYPE, "gather: the numbers are int32[2,2], expected int32[rows]"},
    {gather_index_computed, BP_E_ARG, "gather: the numbers must be an input or a constant, not the result of argmax"},
    {gather_to_integers, BP_E_DTYPE, "gather: result int32, expected float32, float64 or the table's float32"},
    {scatter_rows, BP_E_SHAPE, "scatter_add: rows are [5,2], their numbers are [4]"},
    {scatter_negative, BP_E_SHAPE, "scatter_add: into -1 rows, expected 0 or more"},
    {uniform_step, BP_E_DTYPE, "uniform: the step is float32[2], expected a float64 of rank 0"},
    {uniform_type, BP_E_ARG, "uniform: int32 of rank 0"},
    {uniform_shape, BP_E_SHAPE, "uniform: the shape"},
    {one_hot_none, BP_E_ARG, "one_hot: 0 classes of float32"},
    {one_hot_type, BP_E_ARG, "one_hot: 3 classes of int32"},
    {entropy_rows, BP_E_SHAPE, "softmax_cross_entropy: logits are [batch,3], classes are [4]"},
    {entropy_rank, BP_E_SHAPE, "softmax_cross_entropy: logits are [batch], classes are [batch]"},
    {assign_result, BP_E_ARG, "assign: the state must be an input, not the result of tanh"},
    {assign_shape, BP_E_SHAPE, "assign: the state is float32[2], the value is float32[3]"},
    {assign_type, BP_E_SHAPE, "assign: the state is float32[2], the value is float64[2]"},
    {use_of_a_root, BP_E_ARG, "add: argument 1 is a bp_assign() root"},
    {null_first, BP_E_ARG, "add: argument 1 is the null variable"},
    {null_second, BP_E_ARG, "add: argument 2 is the null variable"},
    {zero_argument, BP_E_ARG, "tanh: argument 1 is the null variable"},
    {unknown_argument, BP_E_ARG, "mul: argument 2 is no variable of this graph"},
    {too_large, BP_E_SHAPE, "the shape [1048576,8192,8192] is not allowed"},
};

/* The message is "…/test_builders.c:LINE: words", in the context and on the graph; nothing is appended from then on. */
static void mistakes_name_shapes_and_the_place_of_the_caller(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    bp_graph *g;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var fine = scalar(g), v = mistakes[i].make(g);
    const char *message = bp_graph_message(g);
    if (bp_graph_status(g) != mistakes[i].status || strstr(message, mistakes[i].message) == NULL)
      fail_msg("'%s': got %s '%s'", mistakes[i].message, bp_status_name(bp_graph_status(g)), message);
    /* without an argument on which to note the place there is none */
    if (mistakes[i].make != null_first && strstr(message, "test_builders.c:") == NULL)
      fail_msg("no place in '%s'", message);
    assert_true(bp_var_is_zero(v));
    assert_string_equal(bp_error_message(ctx), message);
    assert_int_equal(bp_error_status(ctx), mistakes[i].status);
    size_t size = bp_graph_size(g);
    assert_true(bp_var_is_zero(bp_exp(fine)) && bp_var_is_zero(scalar(g)) &&
                bp_var_is_zero(bp_input(g, "x", BP_F32, 0, NULL)));
    assert_true(bp_var_is_zero(bp_matmul(f32(g, SHAPE(2, 3)), f32(g, SHAPE(4, 5)))));
    assert_int_equal(bp_graph_size(g), size);
    assert_string_equal(bp_graph_message(g), message);
    bp_graph_free(g);
  }
}

static void the_line_is_the_one_of_the_mistake(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  bp_var x = f32(g, SHAPE(2)), y = bp_tanh(bp_add(x, x));
  char place[64];
  (void)snprintf(place, sizeof place, "test_builders.c:%d: expand: axis 7", __LINE__ + 1);
  (void)bp_expand(y, 7);
  bt_assert_message(bt_ctx(state), place);
  bp_graph_free(g);
}

/* Builders that are not told their place give none, rather than the last one's. */
static bp_var bad_input(bp_graph *g, bp_var x) { return (void)x, bp_input(g, "x", BP_F32, 1, (const int64_t[]){-5}); }
static bp_var bad_constant(bp_graph *g, bp_var x) { return (void)x, bp_constant(g, BP_F32, 9, NULL, NULL); }
static bp_var bad_scalar(bp_graph *g, bp_var x) { return (void)x, bp_scalar(g, BP_I32, 1); }
static bp_var bad_concat(bp_graph *g, bp_var x) { return (void)g, bp_concat((const bp_var[]){x, x}, 2, 5); }
static bp_var bad_stack(bp_graph *g, bp_var x) { return (void)g, bp_stack((const bp_var[]){x, x}, 2, 5); }

static void no_place_is_better_than_a_wrong_one(void **state) {
  bp_var (*const makers[])(bp_graph * g, bp_var x) = {bad_input, bad_constant, bad_scalar, bad_concat, bad_stack};
  for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
    bp_graph *g;
    bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
    bp_var v = makers[i](g, bp_tanh(f32(g, SHAPE(2))));
    if (!bp_var_is_zero(v) || bp_graph_status(g) == BP_OK) fail_msg("mistake %zu is none", i);
    if (strstr(bp_graph_message(g), "test_builders.c:")) fail_msg("a wrong place in '%s'", bp_graph_message(g));
    bp_graph_free(g);
  }
}

/* Every builder has its macro (tools/check-headers), some with the variable at another place. */
static void the_place_is_known_where_the_variable_stands_second(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  bp_var x = f32(g, SHAPE(2));
  (void)bp_polygamma(-3, x);
  bt_assert_message(bt_ctx(state), "test_builders.c:");
  bp_graph_free(g);
}

static void variables_of_two_graphs_do_not_mix(void **state) {
  bp_graph *g, *other;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &other));
  assert_true(bp_var_is_zero(bp_add(scalar(g), scalar(other))));
  bt_assert_message(bt_ctx(state), "add: argument 2 belongs to another graph");
  assert_int_equal(bp_graph_status(g), BP_E_ARG);
  assert_int_equal(bp_graph_status(other), BP_OK);
  bp_var nothing = bp_tanh(((bp_var){NULL, 0}));
  assert_true(nothing.graph == NULL && bp_var_is_zero(nothing));
  bp_graph_free(g);
  bp_graph_free(other);
}

static void leaves_refuse_bad_shapes_and_types(void **state) {
  static const struct {
    int rank;
    int64_t dims[9];
    bp_dtype dtype;
    bp_status input, constant;
  } rows[] = {
      {2, {B, 3}, BP_F32, BP_OK, BP_E_SHAPE},
      {2, {3, B}, BP_F32, BP_E_SHAPE, BP_E_SHAPE},
      {1, {-2}, BP_F32, BP_E_SHAPE, BP_E_SHAPE},
      {9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, BP_F32, BP_E_ARG, BP_E_ARG},
      {8, {1, 1, 1, 1, 1, 1, 1, 1}, BP_F32, BP_OK, BP_OK},
      {-1, {0}, BP_F32, BP_E_ARG, BP_E_ARG},
      {1, {3}, BP_DTYPE_COUNT, BP_E_DTYPE, BP_E_DTYPE},
      {1, {3}, (bp_dtype)-1, BP_E_DTYPE, BP_E_DTYPE},
      {3, {1 << 20, 1 << 20, 2}, BP_F32, BP_E_SHAPE, BP_E_SHAPE},
      {3, {INT64_MAX, INT64_MAX, INT64_MAX}, BP_F32, BP_E_SHAPE, BP_E_SHAPE},
      {3, {INT64_MAX, 0, INT64_MAX}, BP_F32, BP_E_SHAPE, BP_E_SHAPE},
      {3, {0, INT64_MAX, 2}, BP_F32, BP_E_SHAPE, BP_E_SHAPE}, /* a row of it has too many */
      {2, {0, 5}, BP_F32, BP_OK, BP_OK},
  };
  static const float zeros[8] = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int constant = 0; constant < 2; constant++) {
      bp_graph *g;
      bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
      bp_var v = constant == 0 ? bp_input(g, NULL, rows[i].dtype, rows[i].rank, rows[i].dims)
                               : bp_constant(g, rows[i].dtype, rows[i].rank, rows[i].dims, zeros);
      bp_status want = constant == 0 ? rows[i].input : rows[i].constant;
      if (bp_graph_status(g) != want) fail_msg("row %d: %s", (int)i, bp_status_name(bp_graph_status(g)));
      assert_true(bp_var_is_zero(v) == (want != BP_OK));
      bp_graph_free(g);
    }
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  (void)bp_scalar(g, BP_I32, 3);
  assert_int_equal(bp_graph_status(g), BP_E_DTYPE);
  bt_assert_message(bt_ctx(state), "scalar: element type int32");
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(elementwise_operations_broadcast),
      BT_TEST(reductions_take_axes_away),
      BT_TEST(axes_of_one_element_are_dropped),
      BT_TEST(products_shapes_and_numbers),
      BT_TEST(mistakes_name_shapes_and_the_place_of_the_caller),
      BT_TEST(the_line_is_the_one_of_the_mistake),
      BT_TEST(no_place_is_better_than_a_wrong_one),
      BT_TEST(the_place_is_known_where_the_variable_stands_second),
      BT_TEST(variables_of_two_graphs_do_not_mix),
      BT_TEST(leaves_refuse_bad_shapes_and_types),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
