/* autodiff/elementwise_formulas.h - the partial derivatives of the elementwise operations, one formula each. A template: included
 * once by elementwise_rules.c, where V is a variable of a graph and F(op) appends a node, and once by backward.c, where V
 * is a number and F(op) computes it. So both have the same derivatives.
 *
 * x (or a and b) are the arguments, y is the result: used wherever the derivative is cheaper or more exact in terms of it.
 */
#define LN2  0.69314718055994530942
#define LN10 2.3025850929940456840

static V scaled(V x, double k) { return F(mul)(x, F(number)(x, k)); }
static V shifted(V x, double k) { return F(add)(x, F(number)(x, k)); }
/* 1 - x */
static V one_minus(V x) { return F(sub)(F(number)(x, 1), x); }
/* 1 - x²: the value is that of (1 - x) (1 + x), since the square rounds away what is left near ±1; the derivative is that of
 * -x², since the two of the product cancel near 0. */
static V one_minus_square(V x) {
  V square = F(square)(x), value = F(mul)(one_minus(x), shifted(x, 1));
  return F(sub)(F(stop_gradient)(value), F(sub)(square, F(stop_gradient)(square)));
}

/* Where 1 + x² is x² to the last bit, in both types, and x² does not overflow yet. Beyond, formulas in 1/x stand: of these also
 * the derivatives go to 0 where x goes to infinity, while the others make 0 · inf. Either formula sees its own x only. */
enum { FAR = 1000000000 };
static V is_far(V x) { return F(greater)(F(abs)(x), F(number)(x, FAR)); }
static V near_part(V far, V x) { return F(where)(far, F(number)(x, 0), x); }
static V far_part(V far, V x) { return F(where)(far, x, F(number)(x, FAR)); }

/* 1 / (1 + x²) */
static V reciprocal_of_1_and_square(V x) {
  V far = is_far(x), inverse = F(reciprocal)(far_part(far, x));
  return F(where)(far, F(square)(inverse), F(reciprocal)(shifted(F(square)(near_part(far, x)), 1)));
}

/* 1 / sqrt(1 + x²) */
static V rsqrt_of_1_and_square(V x) {
  V far = is_far(x), inverse = F(reciprocal)(F(abs)(far_part(far, x)));
  return F(where)(far, inverse, F(rsqrt)(shifted(F(square)(near_part(far, x)), 1)));
}

/* x for a factor of e^(-x²), which is 0 beyond: an infinite x would make 0 · inf. */
static V held(V x) { return F(min)(F(number)(x, 40), F(max)(F(number)(x, -40), x)); }

PARTIAL1(neg, F(number)(x, -1))
PARTIAL1(abs, F(sign)(x))
PARTIAL1(square, scaled(x, 2))
PARTIAL1(reciprocal, F(neg)(F(square)(y)))
PARTIAL1(sqrt, F(div)(F(number)(x, 0.5), y))
PARTIAL1(rsqrt, scaled(F(div)(y, x), -0.5))
PARTIAL1(exp, y)
PARTIAL1(expm1, F(exp)(x))
PARTIAL1(log, F(reciprocal)(x))
PARTIAL1(log1p, F(reciprocal)(shifted(x, 1)))
PARTIAL1(log2, F(div)(F(number)(x, 1 / LN2), x))
PARTIAL1(sin, F(cos)(x))
PARTIAL1(cos, F(neg)(F(sin)(x)))
PARTIAL1(tan, shifted(F(square)(y), 1))
PARTIAL1(asin, F(rsqrt)(one_minus_square(x)))
PARTIAL1(acos, F(neg)(F(rsqrt)(one_minus_square(x))))
PARTIAL1(atan, reciprocal_of_1_and_square(x))
PARTIAL1(log10, F(div)(F(number)(x, 1 / LN10), x))
PARTIAL1(sinh, F(cosh)(x))
PARTIAL1(cosh, F(sinh)(x))
PARTIAL1(tanh, F(tanh_slope)(x, y))
/* Slopes are functions of a; b, the function at a, only helps with their computation. sigmoid'' = sigmoid' (1 - 2 sigmoid),
 * written so that it does not cancel near 0. */
PARTIAL2(tanh_slope, F(mul)(scaled(b, -2), y), F(number)(a, 0))
PARTIAL2(sigmoid_slope, F(neg)(F(mul)(y, F(tanh)(scaled(a, 0.5)))), F(number)(a, 0))
PARTIAL2(tanh_unit_slope, F(mul)(scaled(b, -2), y), F(number)(a, 0))
PARTIAL2(sigmoid_unit_slope, F(neg)(F(mul)(y, F(tanh)(scaled(a, 0.5)))), F(number)(a, 0))
PARTIAL1(asinh, rsqrt_of_1_and_square(x))
/* 1 / sqrt((x - 1) (x + 1)), as two roots: exact near 1, and no overflow */
PARTIAL1(acosh, F(mul)(F(rsqrt)(shifted(x, -1)), F(rsqrt)(shifted(x, 1))))
PARTIAL1(atanh, F(reciprocal)(one_minus_square(x)))
PARTIAL1(sigmoid, F(sigmoid_slope)(x, y))
PARTIAL1(softplus, F(sigmoid)(x))
PARTIAL1(relu, F(sign)(y)) /* NaN stays NaN */
PARTIAL1(erf, scaled(F(gaussian)(x), 2 / 1.7724538509055160273))
PARTIAL1(erfc, scaled(F(gaussian)(x), -2 / 1.7724538509055160273))
PARTIAL1(gaussian, F(mul)(scaled(held(x), -2), y))
PARTIAL1(lgamma, F(digamma)(x))

PARTIAL2(add, F(number)(a, 1), F(number)(a, 1))
PARTIAL2(sub, F(number)(a, 1), F(number)(a, -1))
PARTIAL2(mul, b, a)
PARTIAL2(div, F(reciprocal)(b), F(neg)(F(div)(y, b)))
PARTIAL2(max, F(max_share)(a, b), F(max_share)(b, a))
PARTIAL2(min, F(max_share)(b, a), F(max_share)(a, b))
PARTIAL2(mul_no_nan, b, a)
PARTIAL2(div_no_nan, F(reciprocal)(b), F(neg)(F(div)(y, b)))

/* Of x: 1 from low to high, both included, else 0; of an end: 1 where it is taken instead. NaN for NaN. */
static V clip_along(V x, V low, V high, V y, int i) {
  V is_nan = F(not_equal)(x, x), nan = F(stop_gradient)(x);
  if (i == 0) return F(where)(is_nan, nan, F(equal)(y, x));
  V raised = F(mul)(F(less)(x, low), F(less_equal)(low, high));
  return F(where)(is_nan, nan, i == 1 ? raised : F(sub)(F(not_equal)(y, x), raised));
}
PARTIAL3(clip, clip_along(x, low, high, y, i))

/* Where the derivative along b is 0 by convention, of every order: for a <= 0; but NaN for NaN. */
static V pow_is_flat(V a, V b) { return F(mul)(F(less_equal)(a, F(number)(a, 0)), F(equal)(b, b)); }

/* b a^(b-1), and 0 for b = 0 also where a^(b-1) is infinite. */
static V pow_along_a(V a, V b) {
  V exponent = F(where)(pow_is_flat(a, b), F(stop_gradient)(b), b);
  return F(mul_no_nan)(F(pow)(a, shifted(exponent, -1)), exponent);
}

/* a^b log a */
static V pow_along_b(V a, V b, V y) {
  V flat = pow_is_flat(a, b);
  return F(where)(flat, F(number)(a, 0), F(mul)(y, F(log)(F(where)(flat, F(number)(a, 1), a))));
}
PARTIAL2(pow, pow_along_a(a, b), pow_along_b(a, b, y))

/* atan2(a, b): b / (a² + b²) and -a / (a² + b²); at the origin, and at infinity, 0 of every order. Worked with a / m and b / m, m =
 * max(|a|, |b|), so that no square overflows; m cancels, so it may count as a constant. */
static V over_norm2(V of, V a, V b) {
  V zero = F(number)(a, 0), one = F(number)(a, 1), m = F(stop_gradient)(F(max)(F(abs)(a), F(abs)(b)));
  V flat = F(add)(F(equal)(m, zero), F(equal)(m, F(number)(a, INFINITY))), safe = F(where)(flat, one, m);
  V norm2 = F(where)(flat, one, F(add)(F(square)(F(div)(a, safe)), F(square)(F(div)(b, safe))));
  return F(where)(flat, zero, F(div)(F(div)(F(div)(of, safe), norm2), safe));
}
PARTIAL2(atan2, over_norm2(b, a, b), F(neg)(over_norm2(a, a, b)))

/* Every operation above, for tables. */
/* clang-format off */
#define PARTIAL_RULES(RULE) \
  RULE(neg) RULE(abs) RULE(square) RULE(reciprocal) RULE(sqrt) RULE(rsqrt) RULE(exp) RULE(expm1) RULE(log) \
  RULE(log1p) RULE(log2) RULE(sin) RULE(cos) RULE(tan) RULE(asin) RULE(acos) RULE(atan) RULE(log10) \
  RULE(sinh) RULE(cosh) RULE(tanh) RULE(asinh) RULE(acosh) RULE(atanh) RULE(sigmoid) RULE(softplus) \
  RULE(relu) RULE(erf) RULE(erfc) RULE(lgamma) RULE(add) RULE(sub) RULE(mul) RULE(div) RULE(max) RULE(min) \
  RULE(mul_no_nan) RULE(div_no_nan) RULE(clip) RULE(atan2) RULE(gaussian) RULE(tanh_slope) RULE(sigmoid_slope) \
  RULE(tanh_unit_slope) RULE(sigmoid_unit_slope)
/* clang-format on */
