/* labels: unit */
/* The elementwise functions against the C library in long double, in units in the last place, on every build that this
 * CPU runs. With BACKPROP_EXHAUSTIVE=1 (or the name of one function) all 2^32 floats, 10^7 doubles and 10^7 pairs instead
 * of a sample. */
#define _DEFAULT_SOURCE
#include "kernels/kernel_testing.h"

/* ---- references that share no code with the kernels ---- */
static long double sigmoid_l(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static double sigmoid_d(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static long double softplus_l(long double x) { return isnan(x) ? x : fmaxl(x, 0) + log1pl(expl(-fabsl(x))); }
static double softplus_d(double x) { return isnan(x) ? x : fmax(x, 0) + log1p(exp(-fabs(x))); }
static long double gaussian_l(long double x) { return expl(-x * x); }
static double gaussian_d(double x) { return (double)gaussian_l((long double)x); }
static long double square_l(long double x) { return x * x; }
static double square_d(double x) { return x * x; }
static long double reciprocal_l(long double x) { return 1 / x; }
static double reciprocal_d(double x) { return 1 / x; }
static long double rsqrt_l(long double x) { return 1 / sqrtl(x); }
static double rsqrt_d(double x) { return 1 / sqrt(x); }
static long double copy_l(long double x) { return x; }
static double copy_d(double x) { return x; }
static long double neg_l(long double x) { return -x; }
static double neg_d(double x) { return -x; }
static long double sign_l(long double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double sign_d(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static long double relu_l(long double x) { return x <= 0 ? 0 : x; }
static double relu_d(double x) { return x <= 0 ? 0 : x; }
static long double heaviside_l(long double x) { return x >= 0; }
static double heaviside_d(double x) { return x >= 0; }
/* psi by its recurrence up to 16 and eight terms of its expansion there; by reflection below zero. */
static long double digamma_l(long double x) {
  const long double pi = 3.14159265358979323846264338327950288L;
  if (x <= 0 && x == floorl(x)) return x == 0 ? copysignl((long double)INFINITY, -x) : (long double)NAN;
  if (x < 0) return digamma_l(1 - x) - pi / tanl(pi * (x - rintl(x)));
  long double sum = 0;
  for (; x < 16; x++) sum += 1 / x;
  const long double w = 1 / (x * x);
  static const long double b[] = {1 / 12.0L,  -1 / 120.0L,     1 / 252.0L, -1 / 240.0L,
                                  1 / 132.0L, -691 / 32760.0L, 1 / 12.0L,  -3617 / 8160.0L};
  long double series = 0;
  for (int i = 7; i >= 0; i--) series = w * (series + b[i]);
  return logl(x) - 1 / (2 * x) - series - sum;
}
static double digamma_d(double x) { return (double)digamma_l((long double)x); }

/* ---- what is checked: the reference twice, the bounds, and where samples are taken besides everywhere ---- */
typedef struct row {
  bp_ew op;
  long double (*exact)(long double);
  double (*quick)(double); /* for all floats */
  double f32_ulps, f64_ulps;
  double low, high;
  double absolute; /* allowed besides: near zeros of functions that lose relative accuracy there */
} row;
#define LIBM(name, f32, f64, low, high)                                                                                \
  { BP_EW_##name, name##l, name, f32, f64, low, high, 0 }
#define OWN(name, f32, f64, low, high)                                                                                 \
  { BP_EW_##name, name##_l, name##_d, f32, f64, low, high, 0 }
/* acoshl of musl gives numbers below 1. */
static long double acosh_l(long double x) { return x < 1 ? (long double)NAN : acoshl(x); }

static const row rows[] = {
    LIBM(exp, 1, 1, -760, 720),
    OWN(gaussian, 2, 2, -28, 28),
    LIBM(expm1, 1.5, 2, -50, 720),
    LIBM(log, 1, 1, 0, 10),
    LIBM(log1p, 1.5, 1.5, -1, 4),
    LIBM(log2, 1, 1, 0, 10),
    LIBM(sin, 0.6, 1, -1e4, 1e4),
    LIBM(cos, 0.6, 1, -1e4, 1e4),
    LIBM(tanh, 1.5, 1.5, -24, 24),
    OWN(sigmoid, 1.75, 1.75, -760, 40),
    OWN(softplus, 1.6, 1.75, -760, 40),
    /* rounded once */
    LIBM(sqrt, 0.5, 0.5, 0, 10),
    OWN(square, 0.5, 0.5, -10, 10),
    OWN(reciprocal, 0.5, 0.5, -10, 10),
    OWN(rsqrt, 1.5, 1.5, 0, 10),
    LIBM(floor, 0, 0, -10, 10),
    LIBM(ceil, 0, 0, -10, 10),
    {BP_EW_round, rintl, rint, 0, 0, -10, 10, 0},
    {BP_EW_abs, fabsl, fabs, 0, 0, -10, 10, 0},
    OWN(copy, 0, 0, -10, 10),
    OWN(neg, 0, 0, -10, 10),
    OWN(sign, 0, 0, -10, 10),
    OWN(relu, 0, 0, -10, 10),
    OWN(heaviside, 0, 0, -10, 10),
    /* the C library in double, rounded to float; its own accuracy in double */
    LIBM(tan, 0.501, 1, -100, 100),
    LIBM(asin, 0.501, 1, -1, 1),
    LIBM(acos, 0.501, 1, -1, 1),
    LIBM(atan, 0.501, 1, -10, 10),
    LIBM(sinh, 0.501, 2, -720, 720),
    LIBM(cosh, 0.501, 2, -720, 720),
    LIBM(log10, 0.501, 2, 0, 10),
    LIBM(asinh, 0.501, 2, -10, 10),
    {BP_EW_acosh, acosh_l, acosh, 0.501, 2, 1, 10, 0},
    LIBM(atanh, 0.501, 2, -1, 1),
    LIBM(erf, 1.5, 1.75, -6, 6),
    LIBM(erfc, 4, 1.25, -6, 28),
    LIBM(lgamma, 0.501, 2, -20, 200),
    {BP_EW_digamma, digamma_l, digamma_d, 0.501, 1.25, -20, 100, 2e-18},
};

enum { BATCH = 4096 };
typedef struct batch {
  union {
    float f32[BATCH];
    double f64[BATCH];
  } x, y, before;
  int n;
} batch;

typedef struct worst {
  double ulps, at;
} worst;

/* kt_ulps() for a float, fast where nothing is special. */
static double quick_ulps(double y, double exact) {
  uint64_t bits;
  memcpy(&bits, &exact, sizeof bits);
  const int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
  if (exponent < -126 || exponent > 126 || !isfinite(y)) return kt_ulps(y, (long double)exact, BP_KF32);
  const uint64_t scale_bits = (uint64_t)(23 - exponent + 1023) << 52;
  double scale;
  memcpy(&scale, &scale_bits, sizeof scale);
  return fabs(y - exact) * scale;
}

static double reference_error(const row *r, bp_real real, double x, double y, bool quick) {
  if (quick) {
    const double exact = r->quick(x);
    return fabs(y - exact) <= r->absolute ? 0 : quick_ulps(y, exact);
  }
  const long double exact = r->exact((long double)x);
  if (isfinite(exact) && fabsl((long double)y - exact) <= (long double)r->absolute) return 0;
  return kt_ulps(y, exact, real);
}

/* The worst of one batch and build. */
static worst batch_worst(const row *r, bp_real real, const batch *b, bool quick) {
  worst found = {0};
  for (int i = 0; i < b->n; i++) {
    const double x = kt_get(&b->x, real, i), e = reference_error(r, real, x, kt_get(&b->y, real, i), quick);
    if (e > found.ulps) found = (worst){e, x};
  }
  return found;
}

static void check_batch(const row *r, bp_real real, batch *b, bool quick, worst found[BP_ISA_COUNT]) {
  const size_t bytes = (size_t)b->n * kt_size(real);
  worst here = {0};
  bool first = true;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
    if (!kernels) continue;
    memcpy(&b->before, &b->y, bytes);
    kernels->ew[real][r->op](&b->y, (const void *const[]){&b->x}, b->n);
    /* The bits of the build before have its errors. */
    if (first || memcmp(&b->before, &b->y, bytes) != 0) here = batch_worst(r, real, b, quick);
    if (here.ulps > found[isa].ulps) found[isa] = here;
    first = false;
  }
  b->n = 0;
}

static void add_sample(const row *r, bp_real real, batch *b, double x, worst found[BP_ISA_COUNT]) {
  kt_set(&b->x, real, b->n++, x);
  if (b->n == BATCH) check_batch(r, real, b, false, found);
}

/* Numbers of every exponent, of the named range, and the neighbours of places where formulas change. */
static void sample(const row *r, bp_real real, int draws, worst found[BP_ISA_COUNT]) {
  static const double places[] = {0,
                                  0x1p-149,
                                  0x1p-126,
                                  0x1p-1074,
                                  0x1p-1022,
                                  0x1p-54,
                                  0x1p-25,
                                  1e-8,
                                  0.25,
                                  0.34657359,
                                  0.41421356237,
                                  0.29289321881,
                                  0.5,
                                  0.5625,
                                  0.70710678118,
                                  1,
                                  1.0397207,
                                  1.41421356237,
                                  1.5707963267948966,
                                  2,
                                  3.1415926535897932,
                                  9.0109,
                                  10,
                                  17.5,
                                  20,
                                  40,
                                  87.33654,
                                  88.72284,
                                  89,
                                  103.97208,
                                  104,
                                  708.3964,
                                  709.782712893384,
                                  710,
                                  745.1332191019411,
                                  746,
                                  8388608,
                                  1048576,
                                  268435456,
                                  4503599627370496,
                                  3.4e38,
                                  1.7e308,
                                  (double)INFINITY};
  batch *b = calloc(1, sizeof *b);
  assert_non_null(b);
  uint64_t seed = 17;
  for (int i = 0; i < draws; i++) {
    const uint64_t bits = kt_random(&seed);
    double any;
    if (real == BP_KF64) {
      memcpy(&any, &bits, sizeof any);
    } else {
      const uint32_t low = (uint32_t)bits;
      float f;
      memcpy(&f, &low, sizeof f);
      any = (double)f;
    }
    add_sample(r, real, b, any, found);
    const double u = 0.5 + 0.5 * kt_uniform(&seed);
    add_sample(r, real, b, r->low + u * (r->high - r->low), found);
    add_sample(r, real, b, kt_uniform(&seed) * exp(-8 * u), found);
  }
  for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
    double up = places[p], down = up;
    for (int i = 0; i < 100; i++) {
      add_sample(r, real, b, up, found);
      add_sample(r, real, b, -up, found);
      add_sample(r, real, b, down, found);
      add_sample(r, real, b, -down, found);
      up = real == BP_KF64 ? nextafter(up, (double)INFINITY) : (double)nextafterf((float)up, INFINITY);
      down = real == BP_KF64 ? nextafter(down, 0) : (double)nextafterf((float)down, 0);
    }
  }
  check_batch(r, real, b, false, found);
  free(b);
}

/* The reference in double is quick, but where a kernel is the C library's function in double, it is the same. So one batch
 * of 32 is compared with the one in long double: from every exponent 64 batches of either sign. */
static void all_floats(const row *r, worst found[BP_ISA_COUNT]) {
  batch *b = calloc(1, sizeof *b);
  assert_non_null(b);
  for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits++) {
    const uint32_t low = (uint32_t)bits;
    memcpy(&b->x.f32[b->n++], &low, sizeof low);
    if (b->n == BATCH) check_batch(r, BP_KF32, b, bits / BATCH % 32 != 31, found);
  }
  free(b);
}

static bool wish_for_all(bp_ew op) {
  const char *wish = getenv("BACKPROP_EXHAUSTIVE");
  return wish && (!strcmp(wish, "1") || !strcmp(wish, bp_ew_name(op)));
}

/* Prints what was found; whether all of it is within the bound. */
static bool judge(bp_ew op, bp_real real, const char *points, double bound, const worst found[BP_ISA_COUNT]) {
  bool good = true;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    if (!bp_kernels_of((bp_isa)isa)) continue;
    print_message("%-10s %s %-8s %s worst %.3f ulp at %.17g\n", bp_ew_name(op), kt_name(real), bp_isa_name((bp_isa)isa),
                  points, found[isa].ulps, found[isa].at);
    good &= found[isa].ulps <= bound;
  }
  if (!good) print_message("%s %s is less accurate than promised: %g ulp\n", bp_ew_name(op), kt_name(real), bound);
  return good;
}

static bool check_row(const row *r, bp_real real) {
  enum { DRAWS = 60000, MANY_DRAWS = 3333334 }; /* three numbers each */
  const bool all = wish_for_all(r->op);
  worst found[BP_ISA_COUNT] = {{0}};
  if (all && real == BP_KF32)
    all_floats(r, found);
  else
    sample(r, real, all ? MANY_DRAWS : DRAWS, found);
  const char *points = real == BP_KF32 ? "of 2^32" : "of 10^7";
  return judge(r->op, real, all ? points : "sampled", real == BP_KF64 ? r->f64_ulps : r->f32_ulps, found);
}

static void floats_are_within_their_bounds(void **state) {
  (void)state;
  int bad = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) bad += !check_row(&rows[i], BP_KF32);
  assert_int_equal(bad, 0);
}
static void doubles_are_within_their_bounds(void **state) {
  (void)state;
  int bad = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) bad += !check_row(&rows[i], BP_KF64);
  assert_int_equal(bad, 0);
}

static void every_function_of_one_is_checked(void **state) {
  (void)state;
  for (int op = 0; op < BP_EW_COUNT; op++) {
    if (bp_ew_arity((bp_ew)op) != 1) continue;
    size_t i = 0;
    while (i < sizeof rows / sizeof *rows && rows[i].op != (bp_ew)op) i++;
    if (i == sizeof rows / sizeof *rows) fail_msg("%s has no row", bp_ew_name((bp_ew)op));
  }
}

/* ---- pow and atan2 over pairs ---- */
typedef struct row2 {
  bp_ew op;
  long double (*exact)(long double, long double);
  double f32_ulps, f64_ulps;
} row2;
/* powl of musl is not to be trusted below zero. */
static long double pow_l(long double a, long double b) {
  if (!(a < 0)) return powl(a, b);
  if (b != floorl(b)) return (long double)NAN;
  const long double size = powl(-a, b);
  return isfinite(b) && fmodl(b, 2) != 0 ? -size : size;
}

/* In double the C library's own accuracy: of atan2 1.2 with musl. */
#ifdef __GLIBC__
enum { ATAN2_ULPS = 1 };
#else
enum { ATAN2_ULPS = 2 };
#endif
static const row2 rows2[] = {{BP_EW_pow, pow_l, 0.501, 1}, {BP_EW_atan2, atan2l, 0.501, ATAN2_ULPS}};

typedef struct pairs {
  double a[BATCH], b[BATCH], y[BATCH]; /* hold either type */
} pairs;

/* In turn: any bits; moderate numbers, some negative with whole exponents; and b so that a^b is anywhere between the least
 * number and an overflow. */
static void draw_pairs(pairs *p, bp_real real, uint64_t *seed) {
  const double widest = real == BP_KF64 ? 760 : 110;
  for (int i = 0; i < BATCH; i++) {
    double a = exp(20 * kt_uniform(seed)), b = 15 * kt_uniform(seed);
    if (i % 3 == 0) {
      const uint64_t bits[2] = {kt_random(seed), kt_random(seed)};
      memcpy((char *)p->a + (size_t)i * kt_size(real), &bits[0], kt_size(real));
      memcpy((char *)p->b + (size_t)i * kt_size(real), &bits[1], kt_size(real));
      continue;
    }
    if (i % 3 == 1) b = widest * kt_uniform(seed) / log(a);
    if (i % 7 == 0) a = -a, b = floor(b);
    kt_set(p->a, real, i, a);
    kt_set(p->b, real, i, b);
  }
}

static bool check_pairs(const row2 *r, bp_real real) {
  const bool all = wish_for_all(r->op);
  pairs *p = calloc(1, sizeof *p);
  assert_non_null(p);
  worst found[BP_ISA_COUNT] = {{0}};
  uint64_t seed = 5;
  for (int rounds = all ? 10000000 / BATCH + 1 : 8; rounds > 0; rounds--) {
    draw_pairs(p, real, &seed);
    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
      const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
      if (!kernels) continue;
      kernels->ew[real][r->op](p->y, (const void *const[]){p->a, p->b}, BATCH);
      for (int i = 0; i < BATCH; i++) {
        const double a = kt_get(p->a, real, i);
        const double e =
            kt_ulps(kt_get(p->y, real, i), r->exact((long double)a, (long double)kt_get(p->b, real, i)), real);
        if (e > found[isa].ulps) found[isa] = (worst){e, a};
      }
    }
  }
  free(p);
  return judge(r->op, real, all ? "of 10^7" : "sampled", real == BP_KF64 ? r->f64_ulps : r->f32_ulps, found);
}

static void functions_of_two_are_within_their_bounds(void **state) {
  (void)state;
  int bad = 0;
  for (size_t i = 0; i < sizeof rows2 / sizeof *rows2; i++) {
    bad += !check_pairs(&rows2[i], BP_KF32);
    bad += !check_pairs(&rows2[i], BP_KF64);
  }
  assert_int_equal(bad, 0);
}

/* ---- the derivatives of tanh and sigmoid, given the kernels' own values of these ---- */
static long double tanh_slope_l(long double x) { return 1 / (coshl(x) * coshl(x)); }
static long double sigmoid_slope_l(long double x) { return 0.25L / (coshl(x / 2) * coshl(x / 2)); }
static const struct slope_row {
  bp_ew op, function;
  long double (*exact)(long double);
  double most; /* of |x| in floats: the result is 0 there; 7.5 times as much in doubles */
} slope_rows[] = {{BP_EW_tanh_slope, BP_EW_tanh, tanh_slope_l, 55},
                  {BP_EW_sigmoid_slope, BP_EW_sigmoid, sigmoid_slope_l, 110}};

static bool check_slope(const struct slope_row *r, bp_real real) {
  enum { ROUNDS = 24 };
  batch *x = calloc(3, sizeof *x), *y = x + 1, *slope = x + 2;
  assert_non_null(x);
  worst found[BP_ISA_COUNT] = {{0}};
  uint64_t seed = 23;
  for (int round = 0; round < ROUNDS; round++) {
    const double wide = round % 4 == 0 ? 1 : round % 4 == 1 ? 0.2 : round % 4 == 2 ? 0.02 : 1e-6;
    for (int i = 0; i < BATCH; i++)
      kt_set(&x->x, real, i, wide * (real == BP_KF64 ? 7.5 : 1) * r->most * kt_uniform(&seed));
    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
      const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
      if (!kernels) continue;
      kernels->ew[real][r->function](&y->x, (const void *const[]){&x->x}, BATCH);
      kernels->ew[real][r->op](&slope->x, (const void *const[]){&x->x, &y->x}, BATCH);
      for (int i = 0; i < BATCH; i++) {
        const double at = kt_get(&x->x, real, i);
        const double e = kt_ulps(kt_get(&slope->x, real, i), r->exact((long double)at), real);
        if (e > found[isa].ulps) found[isa] = (worst){e, at};
      }
    }
  }
  free(x);
  return judge(r->op, real, "sampled", 4, found);
}

static void slopes_are_within_their_bounds(void **state) {
  (void)state;
  int bad = 0;
  for (size_t i = 0; i < sizeof slope_rows / sizeof *slope_rows; i++) {
    bad += !check_slope(&slope_rows[i], BP_KF32);
    bad += !check_slope(&slope_rows[i], BP_KF64);
  }
  assert_int_equal(bad, 0);
}

/* mpmath's values in 50 digits: another oracle than the C library. They are rounded to double, so two units are right for 1.5. */
typedef struct value {
  bp_ew op;
  double x, y;
} value;
static const value values[] = {
    {BP_EW_lgamma, -0.35950627950450065, 1.3617481002470393},
    {BP_EW_lgamma, -1.7081901382265712, 0.9345101397074408},
    {BP_EW_lgamma, -1.4561355965266114, 0.8999406471451274},
    {BP_EW_lgamma, -2.4570247382208006, 5.619192358950097e-17},
    {BP_EW_lgamma, -2.45, 0.01088697133977868},
    {BP_EW_lgamma, -2.7476826467274127, 1.733509244024501e-16},
    {BP_EW_lgamma, -3.1435808883499803, -1.7579854183617677e-15},
    {BP_EW_lgamma, -3.923264711271225, -0.4860384759741847},
    {BP_EW_lgamma, -4.98620926063075, -0.47990954263518876},
    {BP_EW_lgamma, -5.997784671390145, -0.46274015339109803},
    {BP_EW_lgamma, -6.002774983204046, -0.6973254968934547},
    {BP_EW_lgamma, -20.5, -42.70719597482576},
    {BP_EW_lgamma, -28.014543796640023, -63.70752922876149},
    {BP_EW_lgamma, -1e-20, 46.051701859880914},
    {BP_EW_lgamma, -150.75, -607.2911417334655},
    {BP_EW_lgamma, 1e-300, 690.7755278982137},
    {BP_EW_lgamma, 0.7174473286401845, 0.24000685189941562},
    {BP_EW_lgamma, 1.0000000000000002, -1.2816762426960008e-16},
    {BP_EW_lgamma, 1.9999999999999998, -9.387698065543117e-17},
    {BP_EW_lgamma, 2.5, 0.2846828704729192},
    {BP_EW_lgamma, 11.169447068904129, 15.504269098985926},
    {BP_EW_lgamma, 73.01738012555442, 239.052841054905},
    {BP_EW_lgamma, 1e+17, 3.8143946580898775e+18},
    {BP_EW_lgamma, 1e+300, 6.897755278982137e+302},
    {BP_EW_digamma, -0.5040830082644554, 7.289763902976895e-17},
    {BP_EW_digamma, -0.002491315217895355, 400.81308800104597},
    {BP_EW_digamma, -1.5734, 0.0009788966613444876},
    {BP_EW_digamma, -2.6107, 0.00022638218252594156},
    {BP_EW_digamma, -10.67, 0.5556323812862672},
    {BP_EW_digamma, -55.5, 4.025364976558462},
    {BP_EW_digamma, -1e-300, 9.999999999999999e+299},
    {BP_EW_digamma, 1e-300, -9.999999999999999e+299},
    {BP_EW_digamma, 0.99, -0.5937863040555952},
    {BP_EW_digamma, 1.4616321449683622, -9.241265521729427e-17},
    {BP_EW_digamma, 1.4616321449683625, 1.2245374622004068e-16},
    {BP_EW_digamma, 1.9999999999999998, 0.422784335098467},
    {BP_EW_digamma, 2.0000000000000004, 0.4227843350984674},
    {BP_EW_digamma, 6.9, 1.857310951331687},
    {BP_EW_digamma, 1e+17, 39.14394658089878},
    {BP_EW_erfc, -3.0, 1.9999779095030015},
    {BP_EW_erfc, -0.5, 1.5204998778130465},
    {BP_EW_erfc, 0.5, 0.4795001221869535},
    {BP_EW_erfc, 0.49999999999999994, 0.47950012218695354},
    {BP_EW_erfc, 1.216807880613489, 0.08528236524057538},
    {BP_EW_erfc, 2.1157922661914, 0.002769909685081807},
    {BP_EW_erfc, 10.5, 7.035928090177523e-50},
    {BP_EW_erfc, 26.47826769905962, 6.997563759708222e-307},
    {BP_EW_erfc, 27.2, 1e-323},
};
static void special_functions_have_the_values_of_mpmath(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    const value *v = &values[i];
    double y, first = 0;
    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
      const bp_kernels *kernels = bp_kernels_of((bp_isa)isa);
      if (!kernels) continue;
      kernels->ew[BP_KF64][v->op](&y, (const void *const[]){&v->x}, 1);
      if (isa == 0) first = y; /* the baseline, whose bits all builds give of what is compiled once */
      if ((y == first || v->op == BP_EW_erfc) &&
          (kt_ulps(y, (long double)v->y, BP_KF64) <= 2 || fabs(y - v->y) <= 2e-18))
        continue;
      fail_msg("%s %s(%.17g) is %.17g, not %.17g", bp_isa_name((bp_isa)isa), bp_ew_name(v->op), v->x, y, v->y);
    }
  }
}

/* The measure itself: a planted error of one unit, of a sign, of a NaN. */
static void the_measure_catches_planted_errors(void **state) {
  (void)state;
  assert_true(kt_ulps(1 + 0x1p-52, 1, BP_KF64) == 1);
  assert_true(kt_ulps(1 + 0x1p-23, 1, BP_KF32) == 1);
  assert_true(kt_ulps(0x1p-149, 0, BP_KF32) == 1);
  assert_true(kt_ulps(0.0, -0.0L, BP_KF32) > 1e9);
  assert_true(kt_ulps((double)NAN, 1, BP_KF32) > 1e9);
  assert_true(kt_ulps((double)INFINITY, 0x1p127L, BP_KF32) > 1e6);
  assert_true(kt_ulps((double)INFINITY, 0x1p129L, BP_KF32) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floats_are_within_their_bounds),
      cmocka_unit_test(doubles_are_within_their_bounds),
      cmocka_unit_test(every_function_of_one_is_checked),
      cmocka_unit_test(functions_of_two_are_within_their_bounds),
      cmocka_unit_test(slopes_are_within_their_bounds),
      cmocka_unit_test(special_functions_have_the_values_of_mpmath),
      cmocka_unit_test(the_measure_catches_planted_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
