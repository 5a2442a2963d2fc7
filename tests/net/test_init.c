/* Starting values: the bounds and moments of each initialiser, and that they depend on (seed, parameter, element) alone. */
#include "net/net_fixtures.h"

/* fan_in and fan_out differ, so that one taken for the other shows. */
enum { FAN_IN = 300, FAN_OUT = 100, WEIGHTS = FAN_IN * FAN_OUT };

typedef struct moments {
  double mean, variance, kurtosis, low, high;
} moments;

static moments moments_of(const double *x, int n) {
  moments m = {.low = INFINITY, .high = -INFINITY};
  for (int i = 0; i < n; i++) {
    m.mean += x[i] / n;
    m.low = fmin(m.low, x[i]);
    m.high = fmax(m.high, x[i]);
  }
  double fourth = 0;
  for (int i = 0; i < n; i++) {
    double d = x[i] - m.mean;
    m.variance += d * d / n;
    fourth += d * d * d * d / n;
  }
  m.kurtosis = fourth / (m.variance * m.variance);
  return m;
}

/* Variance and shape as the papers have them, written out here once more. */
static const struct {
  bp_init init;
  bp_activation activation;
  double variance;
  bool normal;
} expected[] = {
    {BP_INIT_GLOROT_UNIFORM, BP_RELU, 2.0 / (FAN_IN + FAN_OUT), false},
    {BP_INIT_GLOROT_NORMAL, BP_RELU, 2.0 / (FAN_IN + FAN_OUT), true},
    {BP_INIT_HE_UNIFORM, BP_TANH, 2.0 / FAN_IN, false},
    {BP_INIT_HE_NORMAL, BP_TANH, 2.0 / FAN_IN, true},
    {BP_INIT_LECUN_UNIFORM, BP_RELU, 1.0 / FAN_IN, false},
    {BP_INIT_LECUN_NORMAL, BP_RELU, 1.0 / FAN_IN, true},
    {BP_INIT_UNIFORM, BP_RELU, 0.05 * 0.05 / 3, false},
    {BP_INIT_NORMAL, BP_RELU, 0.05 * 0.05, true},
    {BP_INIT_AUTO, BP_RELU, 2.0 / FAN_IN, false},
    {BP_INIT_AUTO, BP_LEAKY_RELU, 2.0 / FAN_IN, false},
    {BP_INIT_AUTO, BP_GELU, 2.0 / FAN_IN, false},
    {BP_INIT_AUTO, BP_SELU, 1.0 / FAN_IN, true},
    {BP_INIT_AUTO, BP_TANH, 2.0 / (FAN_IN + FAN_OUT), false},
    {BP_INIT_AUTO, BP_SIGMOID, 2.0 / (FAN_IN + FAN_OUT), false},
    {BP_INIT_AUTO, BP_IDENTITY, 2.0 / (FAN_IN + FAN_OUT), false},
};

/* 30,000 numbers: the mean is within 5 of its standard errors, the variance within 5 of its own, sqrt((k - 1) / n). The
 * kurtosis is 9/5 for a uniform distribution and 3 for a normal one; its error is below 0.15 for both. */
static void weights_have_the_moments_of_their_initialiser(void **state) {
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    bp_net *net = nt_net(bt_ctx(state), BP_F64, expected[i].activation, expected[i].init, FAN_IN, NT_WIDTHS(FAN_OUT));
    void *values[NT_PARAMS_MAX];
    nt_params(net, 20 + i, values);
    moments m = moments_of(values[0], WEIGHTS);
    double v = expected[i].variance, kurtosis = expected[i].normal ? 3 : 1.8;
    bt_assert_close(m.mean, 0, 0, 5 * sqrt(v / WEIGHTS));
    bt_assert_close(m.variance, v, 5 * sqrt((kurtosis - 1) / WEIGHTS), 0);
    bt_assert_close(m.kurtosis, kurtosis, 0, 0.15);
    nt_params_free(net, values);
    bp_net_free(net);
  }
}

/* A uniform one fills its interval, ends included to a thousandth, and never leaves it. */
static void uniform_weights_fill_their_interval(void **state) {
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    if (expected[i].normal) continue;
    bp_net *net = nt_net(bt_ctx(state), BP_F64, expected[i].activation, expected[i].init, FAN_IN, NT_WIDTHS(FAN_OUT));
    void *values[NT_PARAMS_MAX];
    nt_params(net, 3, values);
    moments m = moments_of(values[0], WEIGHTS);
    double r = sqrt(3 * expected[i].variance);
    assert_true(m.low >= -r && m.high <= r);
    bt_assert_close(m.low, -r, 1e-3, 0);
    bt_assert_close(m.high, r, 1e-3, 0);
    nt_params_free(net, values);
    bp_net_free(net);
  }
}

static void the_stated_bound_is_the_one_in_use(void **state) {
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    bp_net *net = nt_net(bt_ctx(state), BP_F64, expected[i].activation, expected[i].init, FAN_IN, NT_WIDTHS(FAN_OUT));
    bp_param_info weight = bp_net_param(net, 0), bias = bp_net_param(net, 1);
    double variance = weight.normal ? weight.bound * weight.bound : weight.bound * weight.bound / 3;
    assert_int_equal(weight.normal, expected[i].normal);
    bt_assert_close(variance, expected[i].variance, 1e-14, 0);
    assert_true(bias.bound == 0 && !bias.normal);
    bp_net_free(net);
  }
}

static void zeros_are_zeros_and_so_are_biases(void **state) {
  static const bp_init inits[] = {BP_INIT_ZEROS, BP_INIT_GLOROT_NORMAL, BP_INIT_HE_UNIFORM};
  for (int i = 0; i < 3; i++) {
    bp_net *net = nt_net(bt_ctx(state), BP_F32, BP_TANH, inits[i], 20, NT_WIDTHS(30));
    void *values[NT_PARAMS_MAX];
    nt_params(net, 5, values);
    for (int j = 0; j < 30; j++) assert_true(((float *)values[1])[j] == 0);
    for (int j = 0; j < 600; j++) assert_true((((float *)values[0])[j] == 0) == (inits[i] == BP_INIT_ZEROS));
    nt_params_free(net, values);
    bp_net_free(net);
  }
}

/* ---- orthogonal ---- */

/* The Gram matrix of the rows or columns, whichever are fewer, is scale² times the identity; both types, every shape. */
static void orthogonal_weights_are_orthogonal(void **state) {
  static const struct { int64_t in, out; } shapes[] = {{1, 1}, {7, 7}, {40, 19}, {19, 40}, {3, 64}, {64, 3}, {33, 32}};
  for (size_t k = 0; k < 2 * sizeof shapes / sizeof *shapes; k++) {
    int64_t in = shapes[k / 2].in, out = shapes[k / 2].out, n = in < out ? in : out, m = in < out ? out : in;
    bp_dtype dtype = k % 2 == 0 ? BP_F64 : BP_F32;
    bp_net *net = NULL;
    void *values[NT_PARAMS_MAX];
    bp_dense_options o = {.size = sizeof o, .units = out, .init = BP_INIT_ORTHOGONAL, .init_scale = 1.5};
    bt_assert_ok(bt_ctx(state), bp_net_new(bt_ctx(state), in, dtype, &net));
    bt_assert_ok(bt_ctx(state), bp_net_add_dense(bt_ctx(state), net, &o));
    nt_params(net, 4, values);
    for (int64_t a = 0; a < n; a++)
      for (int64_t b = 0; b <= a; b++) {
        double dot = 0;
        for (int64_t e = 0; e < m; e++) {
          int64_t i = in < out ? a * out + e : e * out + a, j = in < out ? b * out + e : e * out + b;
          dot += dtype == BP_F64 ? ((double *)values[0])[i] * ((double *)values[0])[j]
                                 : (double)((float *)values[0])[i] * (double)((float *)values[0])[j];
        }
        bt_assert_close(dot, a == b ? 2.25 : 0, 0, dtype == BP_F64 ? 1e-14 : 1e-6);
      }
    nt_params_free(net, values);
    bp_net_free(net);
  }
}

/* ---- settings ---- */

static void a_factor_and_a_bias_are_where_values_start(void **state) {
  bp_net *net = NULL;
  void *values[NT_PARAMS_MAX], *plain[NT_PARAMS_MAX];
  bp_dense_options o = {.size = sizeof o, .units = 5, .init = BP_INIT_HE_NORMAL, .init_scale = 0.25, .bias = 0.1};
  bt_assert_ok(bt_ctx(state), bp_net_new(bt_ctx(state), 4, BP_F64, &net));
  bt_assert_ok(bt_ctx(state), bp_net_add_dense(bt_ctx(state), net, &o));
  bp_net *other = nt_net(bt_ctx(state), BP_F64, BP_TANH, BP_INIT_HE_NORMAL, 4, NT_WIDTHS(5));
  nt_params(net, 6, values);
  nt_params(other, 6, plain);
  for (int i = 0; i < 20; i++) bt_assert_close(((double *)values[0])[i], 0.25 * ((double *)plain[0])[i], 1e-15, 0);
  for (int i = 0; i < 5; i++) assert_true(((double *)values[1])[i] == 0.1);
  nt_params_free(net, values);
  nt_params_free(other, plain);
  bp_net_free(net);
  bp_net_free(other);
}

static void initialisers_are_read_with_their_factor(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "he",
                                    "he_normal:",
                                    "he_normal:0",
                                    "he_normal:-1",
                                    "he_normal:nan",
                                    "he_normal:inf",
                                    "he_normal:1x",
                                    "he_normal:1:2",
                                    ":2",
                                    "zeros "};
  bp_init init = BP_INIT_ZEROS;
  double scale = 7;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (bp_init_parse(bad[i], &init, &scale)) fail_msg("'%s' is taken", bad[i]);
  assert_true(init == BP_INIT_ZEROS && scale == 7);
  assert_true(bp_init_parse("orthogonal", &init, &scale) && init == BP_INIT_ORTHOGONAL && scale == 1);
  assert_true(bp_init_parse("normal:0.2", &init, &scale) && init == BP_INIT_NORMAL && scale == 0.2);
}

/* ---- a pure function of (seed, parameter, element) ---- */

/* Standardised weights of a parameter: divided by its bound, so that layers of other sizes can be compared. */
static void standard(const bp_net *net, void *const *values, int p, double *out, int n) {
  for (int i = 0; i < n; i++) out[i] = ((double *)values[p])[i] / bp_net_param(net, p).bound;
}

static void an_element_does_not_depend_on_the_sizes_of_layers(void **state) {
  enum { SHARED = 24 };
  for (bp_init init = BP_INIT_GLOROT_UNIFORM; init <= BP_INIT_HE_NORMAL; init++) {
    bp_net *small = nt_net(bt_ctx(state), BP_F64, BP_TANH, init, 4, NT_WIDTHS(6, 8));
    bp_net *large = nt_net(bt_ctx(state), BP_F64, BP_TANH, init, 50, NT_WIDTHS(70, 90, 10));
    void *a[NT_PARAMS_MAX], *b[NT_PARAMS_MAX];
    double x[SHARED], y[SHARED];
    nt_params(small, 77, a);
    nt_params(large, 77, b);
    for (int p = 0; p < 4; p += 2) {
      standard(small, a, p, x, SHARED);
      standard(large, b, p, y, SHARED);
      bt_assert_close_f64(x, y, SHARED, 1e-14, 0);
    }
    nt_params_free(small, a);
    nt_params_free(large, b);
    bp_net_free(small);
    bp_net_free(large);
  }
}

static bool same_weights(const bp_net *net, uint64_t seed_a, uint64_t seed_b) {
  void *a[NT_PARAMS_MAX], *b[NT_PARAMS_MAX];
  nt_params(net, seed_a, a);
  nt_params(net, seed_b, b);
  bool same = true;
  for (int p = 0; p < bp_net_params(net); p++)
    same = same && memcmp(a[p], b[p], (size_t)bp_net_param(net, p).elements * bp_dtype_size(bp_net_dtype(net))) == 0;
  nt_params_free(net, a);
  nt_params_free(net, b);
  return same;
}

static void the_seed_decides(void **state) {
  bp_net *net = nt_net(bt_ctx(state), BP_F32, BP_TANH, BP_INIT_AUTO, 10, NT_WIDTHS(10, 10));
  assert_true(same_weights(net, 0, 0));
  assert_true(same_weights(net, UINT64_MAX, UINT64_MAX));
  assert_false(same_weights(net, 0, 1));
  assert_false(same_weights(net, 1, 1 + ((uint64_t)1 << 32))); /* its upper half counts */
  bp_net_free(net);
}

static void parameters_differ_from_each_other(void **state) {
  bp_net *net = nt_net(bt_ctx(state), BP_F64, BP_TANH, BP_INIT_AUTO, 10, NT_WIDTHS(10, 10, 10));
  void *values[NT_PARAMS_MAX];
  nt_params(net, 1, values);
  assert_memory_not_equal(values[0], values[2], 100 * sizeof(double));
  assert_memory_not_equal(values[2], values[4], 100 * sizeof(double));
  nt_params_free(net, values);
  bp_net_free(net);
}

/* float32 starts from the float64 numbers, rounded: a model can be retrained in the other type. */
static void float32_values_are_the_float64_ones_rounded(void **state) {
  bp_net *narrow = nt_net(bt_ctx(state), BP_F32, BP_TANH, BP_INIT_GLOROT_NORMAL, 30, NT_WIDTHS(20));
  bp_net *wide = nt_net(bt_ctx(state), BP_F64, BP_TANH, BP_INIT_GLOROT_NORMAL, 30, NT_WIDTHS(20));
  void *a[NT_PARAMS_MAX], *b[NT_PARAMS_MAX];
  nt_params(narrow, 6, a);
  nt_params(wide, 6, b);
  for (int i = 0; i < 600; i++) assert_true(((float *)a[0])[i] == (float)((double *)b[0])[i]);
  nt_params_free(narrow, a);
  nt_params_free(wide, b);
  bp_net_free(narrow);
  bp_net_free(wide);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(weights_have_the_moments_of_their_initialiser),
      BT_TEST(uniform_weights_fill_their_interval),
      BT_TEST(the_stated_bound_is_the_one_in_use),
      BT_TEST(zeros_are_zeros_and_so_are_biases),
      BT_TEST(orthogonal_weights_are_orthogonal),
      BT_TEST(a_factor_and_a_bias_are_where_values_start),
      BT_TEST(initialisers_are_read_with_their_factor),
      BT_TEST(an_element_does_not_depend_on_the_sizes_of_layers),
      BT_TEST(the_seed_decides),
      BT_TEST(parameters_differ_from_each_other),
      BT_TEST(float32_values_are_the_float64_ones_rounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
