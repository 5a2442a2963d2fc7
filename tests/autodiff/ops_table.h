/* autodiff/ops_table.h - the one table of elementwise operations: how each is built, what it computes according to the C
 * library in long double, where it may be differentiated, and what is promised at special points.
 *
 * array_ops.h is the same for the operations that are not elementwise.
 */
#ifndef BT_OPS_TABLE_H
#define BT_OPS_TABLE_H
#include <math.h>
#include <stdbool.h>

#include "backprop/ops.h"
#include "graph/node.h"

typedef struct op_row {
  const char *name;
  int arity;
  bp_var (*build)(const bp_var *x);
  long double (*value)(const long double *x);
  double low, high;               /* of every argument */
  bool (*avoid)(const double *x); /* too near to a kink, a pole or a step for differences; NULL: none */
  double ulps;                    /* of the value in float64; float32 is allowed 2, or as much if that is more */
  double ulps_f32;                /* of float32, when it is something else */
  bool flat;                      /* the derivative is zero by definition */
} op_row;

/* ---- what the operations compute ---- */
#define EXACT1(name, formula)                                                                                          \
  static long double name##_value(const long double *x) { return formula; }                                            \
  static bp_var name##_build(const bp_var *x) { return bp_##name(x[0]); }
#define EXACT2(name, formula)                                                                                          \
  static long double name##_value(const long double *x) { return formula; }                                            \
  static bp_var name##_build(const bp_var *x) { return bp_##name(x[0], x[1]); }

EXACT1(neg, -x[0])
EXACT1(abs, fabsl(x[0]))
EXACT1(sign, x[0] > 0 ? 1 : x[0] < 0 ? -1 : x[0])
EXACT1(square, x[0] * x[0])
EXACT1(reciprocal, 1 / x[0])
EXACT1(sqrt, sqrtl(x[0]))
EXACT1(rsqrt, 1 / sqrtl(x[0]))
EXACT1(exp, expl(x[0]))
EXACT1(gaussian, expl(-x[0] * x[0]))
EXACT1(expm1, expm1l(x[0]))
EXACT1(log, logl(x[0]))
EXACT1(log1p, log1pl(x[0]))
EXACT1(log2, log2l(x[0]))
EXACT1(sin, sinl(x[0]))
EXACT1(cos, cosl(x[0]))
EXACT1(tan, tanl(x[0]))
EXACT1(asin, asinl(x[0]))
EXACT1(acos, acosl(x[0]))
EXACT1(atan, atanl(x[0]))
EXACT1(sinh, sinhl(x[0]))
EXACT1(cosh, coshl(x[0]))
EXACT1(tanh, tanhl(x[0]))
EXACT1(sigmoid, 1 / (1 + expl(-x[0])))
EXACT1(softplus, log1pl(expl(-fabsl(x[0]))) + (x[0] > 0 ? x[0] : 0))
EXACT1(relu, x[0] > 0 ? x[0] : 0)
EXACT1(erf, erfl(x[0]))
EXACT1(erfc, erfcl(x[0]))
EXACT1(lgamma, lgammal(x[0]))
EXACT1(floor, floorl(x[0]))
EXACT1(ceil, ceill(x[0]))
EXACT1(round, rintl(x[0]))
EXACT1(heaviside, x[0] >= 0)
EXACT1(stop_gradient, x[0])
EXACT2(add, x[0] + x[1])
EXACT2(sub, x[0] - x[1])
EXACT2(mul, x[0] * x[1])
EXACT2(div, x[0] / x[1])
EXACT2(pow, powl(x[0], x[1]))
EXACT2(atan2, atan2l(x[0], x[1]))
EXACT2(max, x[0] > x[1] ? x[0] : x[1])
EXACT2(min, x[0] < x[1] ? x[0] : x[1])
EXACT2(max_share, x[0] > x[1] ? 1 : x[0] < x[1] ? 0 : 0.5L)
EXACT2(mul_no_nan, x[0] * x[1])
EXACT2(div_no_nan, x[0] / x[1])
static long double clip_value(const long double *x) { return fminl(fmaxl(x[0], x[1]), x[2]); }
static bp_var clip_build(const bp_var *x) { return bp_clip_between(x[0], x[1], x[2]); }
EXACT2(equal, x[0] == x[1])
EXACT2(not_equal, x[0] != x[1])
EXACT2(less, x[0] < x[1])
EXACT2(less_equal, x[0] <= x[1])
EXACT2(greater, x[0] > x[1])
EXACT2(greater_equal, x[0] >= x[1])
static long double where_value(const long double *x) { return x[0] > 0 ? x[1] : x[2]; }
static bp_var where_build(const bp_var *x) {
  return bp_where(bp_greater(x[0], bp_scalar(x[0].graph, bp_var_dtype(x[0]), 0)), x[1], x[2]);
}

/* The derivatives of tanh and sigmoid as operations of their own, given the value of the function as well. */
static long double tanh_slope_value(const long double *x) { return 1 / (coshl(x[0]) * coshl(x[0])); }
static bp_var tanh_slope_build(const bp_var *x) { return bp_tanh_slope(x[0], bp_tanh(x[0])); }
static long double sigmoid_slope_value(const long double *x) { return 0.25L / (coshl(x[0] / 2) * coshl(x[0] / 2)); }
static bp_var sigmoid_slope_build(const bp_var *x) { return bp_sigmoid_slope(x[0], bp_sigmoid(x[0])); }
static bp_var tanh_unit_slope_build(const bp_var *x) { return bp_tanh_slope(x[0], bp_tanh_unit(x[0])); }
static bp_var sigmoid_unit_slope_build(const bp_var *x) { return bp_sigmoid_slope(x[0], bp_sigmoid_unit(x[0])); }
#define tanh_unit_slope_value    tanh_slope_value
#define sigmoid_unit_slope_value sigmoid_slope_value

/* ---- where differences see something that the derivative does not ---- */
static bool near_zero(const double *x) { return fabs(x[0]) < 1e-2; }
static bool near_equal(const double *x) { return fabs(x[0] - x[1]) < 1e-2; }
static bool near_ends(const double *x) { return x[1] > x[2] || fabs(x[0] - x[1]) < 1e-2 || fabs(x[0] - x[2]) < 1e-2; }
static bool near_pole_of_tan(const double *x) { return fabs(cos(x[0])) < 0.1; }
static bool near_pole_of_gamma(const double *x) { return x[0] < 0.5 && fabs(x[0] - rint(x[0])) < 0.05; }
static bool near_zero_divisor(const double *x) { return fabs(x[1]) < 0.1; }
static bool near_origin_or_cut(const double *x) { return hypot(x[0], x[1]) < 0.2 || (x[1] < 0 && fabs(x[0]) < 1e-2); }

#define ROW1(name_, low_, high_, avoid_, ulps_)                                                                        \
  {                                                                                                                    \
    .name = #name_, .arity = 1, .build = name_##_build, .value = name_##_value, .low = (low_), .high = (high_),        \
    .avoid = (avoid_), .ulps = (ulps_)                                                                                 \
  }
#define ROW2(name_, low_, high_, avoid_, ulps_)                                                                        \
  {                                                                                                                    \
    .name = #name_, .arity = 2, .build = name_##_build, .value = name_##_value, .low = (low_), .high = (high_),        \
    .avoid = (avoid_), .ulps = (ulps_)                                                                                 \
  }
#define FLAT1(name_)                                                                                                   \
  { .name = #name_, .arity = 1, .build = name_##_build, .value = name_##_value, .low = -9, .high = 9, .flat = true }
#define FLAT2(name_)                                                                                                   \
  { .name = #name_, .arity = 2, .build = name_##_build, .value = name_##_value, .low = -4, .high = 4, .flat = true }

/* Units in the last place of the C library's own functions: glibc keeps one, musl two. */
#ifdef __GLIBC__
#define LIBM_ULPS 1
#else
#define LIBM_ULPS 2
#endif

static const op_row op_rows[] = {
    /* one rounding or none */
    ROW1(neg, -4, 4, NULL, 0),
    ROW1(abs, -4, 4, near_zero, 0),
    ROW1(square, -4, 4, NULL, 0.5),
    ROW1(reciprocal, 0.1, 4, NULL, 0.5),
    ROW1(sqrt, 0.05, 9, NULL, 0.5),
    ROW1(relu, -4, 4, near_zero, 0),
    ROW2(add, -4, 4, NULL, 0.5),
    ROW2(sub, -4, 4, NULL, 0.5),
    ROW2(mul, -4, 4, NULL, 0.5),
    ROW2(div, -4, 4, near_zero_divisor, 0.5),
    ROW2(max, -4, 4, near_equal, 0),
    ROW2(min, -4, 4, near_equal, 0),
    ROW2(mul_no_nan, -4, 4, NULL, 0.5),
    ROW2(div_no_nan, -4, 4, near_zero_divisor, 0.5),
    {.name = "clip", .arity = 3, .build = clip_build, .value = clip_value, .low = -4, .high = 4, .avoid = near_ends},
    {.name = "where", .arity = 3, .build = where_build, .value = where_value, .low = -4, .high = 4, .avoid = near_zero},
    FLAT1(sign),
    FLAT1(floor),
    FLAT1(ceil),
    FLAT1(round),
    FLAT1(heaviside),
    FLAT1(stop_gradient),
    FLAT2(max_share),
    FLAT2(equal),
    FLAT2(not_equal),
    FLAT2(less),
    FLAT2(less_equal),
    FLAT2(greater),
    FLAT2(greater_equal),
    /* two roundings */
    ROW1(rsqrt, 0.05, 9, NULL, 1.5),
    /* vector polynomials: the bounds that the tests of the kernels hold them to */
    ROW1(exp, -4, 4, NULL, 1),
    ROW1(gaussian, -4, 4, NULL, 2),
    ROW1(expm1, -4, 4, NULL, 2),
    ROW1(log, 0.05, 9, NULL, 1),
    ROW1(log1p, -0.9, 4, NULL, 1.5),
    ROW1(log2, 0.05, 9, NULL, 1),
    ROW1(sin, -9, 9, NULL, 1),
    ROW1(cos, -9, 9, NULL, 1),
    ROW1(tanh, -4, 4, NULL, 1.5),
    ROW1(sigmoid, -9, 9, NULL, 2),
    ROW1(softplus, -9, 9, NULL, 2),
    ROW1(tanh_slope, -4, 4, NULL, 3),
    ROW1(sigmoid_slope, -9, 9, NULL, 3),
    ROW1(tanh_unit_slope, -4, 4, NULL, 3),
    ROW1(sigmoid_unit_slope, -9, 9, NULL, 3),
    ROW1(erf, -3, 3, NULL, 1.75),
    {.name = "erfc",
     .arity = 1,
     .build = erfc_build,
     .value = erfc_value,
     .low = -3,
     .high = 3,
     .ulps = 1.25,
     .ulps_f32 = 4},
    /* the C library's double functions */
    ROW1(tan, -4, 4, near_pole_of_tan, LIBM_ULPS),
    ROW1(asin, -0.95, 0.95, NULL, LIBM_ULPS),
    ROW1(acos, -0.95, 0.95, NULL, LIBM_ULPS),
    ROW1(atan, -4, 4, NULL, LIBM_ULPS),
    ROW1(sinh, -4, 4, NULL, 2),
    ROW1(cosh, -4, 4, NULL, 2),
    ROW2(pow, 0.1, 3, NULL, LIBM_ULPS),
    ROW2(atan2, -4, 4, near_origin_or_cut, LIBM_ULPS),
    ROW1(lgamma, -3.5, 9, near_pole_of_gamma, 2),
};
enum { OP_ROWS = sizeof op_rows / sizeof *op_rows };

/* ---- special points: what the headers promise ---- */
#define ANY (-1234567.0) /* nothing is promised here */
typedef struct special_row {
  bp_var (*build)(const bp_var *x);
  double x[3];
  double value;
  double partial[3]; /* derivatives along each argument */
} special_row;

#define INF  ((double)INFINITY)
#define NAN_ ((double)NAN)
static const special_row special_rows[] = {
    {relu_build, {0}, 0, {0}},
    {relu_build, {-0.0}, 0, {0}},
    {relu_build, {INF}, INF, {1}},
    {relu_build, {-INF}, 0, {0}},
    {relu_build, {NAN_}, NAN_, {NAN_}},
    {abs_build, {0}, 0, {0}},
    {abs_build, {-2}, 2, {-1}},
    {abs_build, {-INF}, INF, {-1}},
    {sign_build, {0}, 0, {0}},
    {sign_build, {-3}, -1, {0}},
    {heaviside_build, {0}, 1, {0}},
    {heaviside_build, {-0.0}, 1, {0}},
    {heaviside_build, {-1e-30}, 0, {0}},
    {round_build, {0.5}, 0, {0}},
    {round_build, {1.5}, 2, {0}},
    {round_build, {2.5}, 2, {0}},
    {round_build, {-3.5}, -4, {0}},
    {floor_build, {-0.5}, -1, {0}},
    {ceil_build, {0.5}, 1, {0}},
    {square_build, {-3}, 9, {-6}},
    {reciprocal_build, {0}, INF, {-INF}},
    {sqrt_build, {0}, 0, {INF}},
    {sqrt_build, {4}, 2, {0.25}},
    {sqrt_build, {-1}, NAN_, {NAN_}},
    {rsqrt_build, {4}, 0.5, {-0.0625}},
    {rsqrt_build, {0}, INF, {-INF}},
    {exp_build, {1000}, INF, {INF}},
    {exp_build, {-INF}, 0, {0}},
    {expm1_build, {1e-20}, 1e-20, {1}},
    {log_build, {0}, -INF, {INF}},
    {log_build, {-1}, NAN_, {ANY}},
    {log_build, {1}, 0, {1}},
    {log1p_build, {-1}, -INF, {INF}},
    {log1p_build, {1e-20}, 1e-20, {1}},
    {log2_build, {8}, 3, {0.18033688011112042}},
    {sigmoid_build, {0}, 0.5, {0.25}},
    {sigmoid_build, {1000}, 1, {0}},
    {sigmoid_build, {-1000}, 0, {0}},
    {softplus_build, {0}, 0.6931471805599453, {0.5}},
    {softplus_build, {1000}, 1000, {1}},
    {softplus_build, {-1000}, 0, {0}},
    {softplus_build, {1e30}, 1e30, {1}},
    {tanh_build, {1000}, 1, {0}},
    {tanh_build, {-1000}, -1, {0}},
    {asin_build, {1}, 1.5707963267948966, {INF}},
    {acos_build, {1}, 0, {-INF}},
    {tan_build, {0}, 0, {1}},
    {erf_build, {0}, 0, {1.1283791670955126}},
    {erfc_build, {0}, 1, {-1.1283791670955126}},
    {erfc_build, {5}, 1.5374597944280349e-12, {-1.5670866531017336e-11}},
    {lgamma_build, {1}, 0, {-0.57721566490153286}},
    {lgamma_build, {0.5}, 0.57236494292470009, {-1.9635100260214235}},
    {lgamma_build, {3}, 0.69314718055994531, {0.92278433509846714}},
    {lgamma_build, {-0.5}, 1.2655121234846454, {0.03648997397857652}},
    {pow_build, {0, 0}, 1, {0, 0}},
    {pow_build, {0, 1}, 0, {1, 0}},
    {pow_build, {0, 2}, 0, {0, 0}},
    {pow_build, {0, 0.5}, 0, {INF, 0}},
    {pow_build, {2, 3}, 8, {12, 5.5451774444795623}},
    {pow_build, {-2, 3}, -8, {12, 0}},
    {pow_build, {-2, 0}, 1, {0, 0}},
    {pow_build, {5, 0}, 1, {0, 1.6094379124341003}},
    {pow_build, {-8, 0.5}, NAN_, {NAN_, 0}},
    {pow_build, {0, -1}, INF, {ANY, 0}},
    {pow_build, {NAN_, 2}, NAN_, {NAN_, NAN_}},
    {pow_build, {2, NAN_}, NAN_, {NAN_, NAN_}},
    {pow_build, {-2, NAN_}, NAN_, {NAN_, NAN_}},
    {atan2_build, {0, 1}, 0, {1, 0}},
    {atan2_build, {1, 0}, 1.5707963267948966, {0, -1}},
    {atan2_build, {0, -1}, 3.1415926535897932, {-1, 0}},
    {max_build, {1, 1}, 1, {0.5, 0.5}},
    {max_build, {0, -0.0}, 0, {0.5, 0.5}},
    {max_build, {INF, INF}, INF, {0.5, 0.5}},
    {max_build, {2, 1}, 2, {1, 0}},
    {max_build, {1, 2}, 2, {0, 1}},
    {max_build, {NAN_, 1}, NAN_, {NAN_, NAN_}},
    {max_build, {1, NAN_}, NAN_, {NAN_, NAN_}},
    {min_build, {1, 1}, 1, {0.5, 0.5}},
    {min_build, {1, 2}, 1, {1, 0}},
    {min_build, {2, 1}, 1, {0, 1}},
    {min_build, {1, NAN_}, NAN_, {NAN_, NAN_}},
    {clip_build, {-1, -1, 2}, -1, {1, 0, 0}},
    {clip_build, {2, -1, 2}, 2, {1, 0, 0}},
    {clip_build, {3, -1, 2}, 2, {0, 0, 1}},
    {clip_build, {-3, -1, 2}, -1, {0, 1, 0}},
    {clip_build, {NAN_, -1, 2}, NAN_, {NAN_, NAN_, NAN_}},
    {mul_no_nan_build, {NAN_, 0}, 0, {0, NAN_}},
    {mul_no_nan_build, {INF, 0}, 0, {0, INF}},
    {mul_no_nan_build, {3, NAN_}, NAN_, {NAN_, 3}},
    {div_no_nan_build, {3, 0}, 0, {INF, NAN_}},
    {div_no_nan_build, {NAN_, 0}, 0, {INF, NAN_}},
    {max_share_build, {1, 1}, 0.5, {0, 0}},
    {max_share_build, {NAN_, 1}, NAN_, {0, 0}},
    {max_share_build, {-INF, -INF}, 0.5, {0, 0}},
    {equal_build, {1, 1}, 1, {0, 0}},
    {equal_build, {NAN_, NAN_}, 0, {0, 0}},
    {equal_build, {0, -0.0}, 1, {0, 0}},
    {not_equal_build, {NAN_, NAN_}, 1, {0, 0}},
    {less_equal_build, {1, 1}, 1, {0, 0}},
    {less_build, {1, 1}, 0, {0, 0}},
    {greater_equal_build, {1, 1}, 1, {0, 0}},
    {greater_build, {1, 1}, 0, {0, 0}},
    {div_build, {1, 0}, INF, {INF, -INF}},
    {where_build, {1, 5, NAN_}, 5, {0, 1, 0}},
    {where_build, {-1, NAN_, 7}, 7, {0, 0, 1}},
    {stop_gradient_build, {3}, 3, {0}},
};
enum { SPECIAL_ROWS = sizeof special_rows / sizeof *special_rows };

#endif
