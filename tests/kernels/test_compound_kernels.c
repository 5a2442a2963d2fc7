/* labels: unit */
/* The compound kernels: the bits of the single kernels one after the other, for every length and place, on every build. */
#include "kernels/kernel_testing.h"

enum { LONGEST = 70, VALUES = 24 }; /* elements; numbers 0 .. 9 are inputs, 10 .. 12 outputs, then what lies between */

/* value[to] = op(value[a], value[b]) */
typedef struct step {
  bp_ew op;
  int to, a, b;
} step;
typedef struct recipe {
  bp_compound compound;
  unsigned numbers; /* inputs that are one number, as bits */
  step steps[12];   /* to 0 ends */
} recipe;

#define BIT(k) (1u << (k))
static const recipe recipes[BP_COMPOUND_COUNT] = {
    {BP_COMPOUND_adam,
     BIT(1) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(9),
     {{BP_EW_mul, 13, 0, 1},
      {BP_EW_mul, 14, 2, 3},
      {BP_EW_add, 11, 13, 14},
      {BP_EW_square, 13, 2, 2},
      {BP_EW_mul, 13, 13, 6},
      {BP_EW_mul, 14, 4, 5},
      {BP_EW_add, 12, 14, 13},
      {BP_EW_sqrt, 13, 12, 12},
      {BP_EW_add, 13, 13, 7},
      {BP_EW_div, 13, 11, 13},
      {BP_EW_mul, 13, 13, 9},
      {BP_EW_sub, 10, 8, 13}}},
    {BP_COMPOUND_momentum,
     BIT(1) | BIT(4),
     {{BP_EW_mul, 13, 0, 1}, {BP_EW_add, 11, 13, 2}, {BP_EW_mul, 13, 11, 4}, {BP_EW_sub, 10, 3, 13}}},
    {BP_COMPOUND_lerp_square,
     BIT(1) | BIT(3),
     {{BP_EW_mul, 13, 0, 1}, {BP_EW_square, 14, 2, 2}, {BP_EW_mul, 14, 14, 3}, {BP_EW_add, 10, 13, 14}}},
    {BP_COMPOUND_lerp, BIT(1) | BIT(3), {{BP_EW_mul, 13, 0, 1}, {BP_EW_mul, 14, 2, 3}, {BP_EW_add, 10, 13, 14}}},
    {BP_COMPOUND_root_quotient, BIT(2), {{BP_EW_sqrt, 13, 1, 1}, {BP_EW_add, 13, 13, 2}, {BP_EW_div, 10, 0, 13}}},
    {BP_COMPOUND_add_tanh_unit,
     0,
     {{BP_EW_add, 13, 0, 1}, {BP_EW_tanh, 11, 13, 13}, {BP_EW_tanh_unit_slope, 10, 13, 11}}},
    {BP_COMPOUND_add_sigmoid_unit,
     0,
     {{BP_EW_add, 13, 0, 1}, {BP_EW_sigmoid, 11, 13, 13}, {BP_EW_sigmoid_unit_slope, 10, 13, 11}}},
    {BP_COMPOUND_relu_pull, 0, {{BP_EW_sign, 13, 1, 1}, {BP_EW_mul_no_nan, 10, 0, 13}}},
    {BP_COMPOUND_descend, BIT(2), {{BP_EW_mul, 13, 1, 2}, {BP_EW_sub, 10, 0, 13}}},
    {BP_COMPOUND_mul_add, 0, {{BP_EW_mul, 13, 0, 1}, {BP_EW_add, 10, 13, 2}}},
    {BP_COMPOUND_mul_no_nan_add, 0, {{BP_EW_mul_no_nan, 13, 0, 1}, {BP_EW_add, 10, 13, 2}}},
    {BP_COMPOUND_sub_mul, 0, {{BP_EW_mul, 13, 1, 2}, {BP_EW_sub, 10, 0, 13}}},
    {BP_COMPOUND_add_tanh, 0, {{BP_EW_add, 13, 0, 1}, {BP_EW_tanh, 10, 13, 13}}},
    {BP_COMPOUND_add_sigmoid, 0, {{BP_EW_add, 13, 0, 1}, {BP_EW_sigmoid, 10, 13, 13}}},
    {BP_COMPOUND_add_relu, 0, {{BP_EW_add, 13, 0, 1}, {BP_EW_relu, 10, 13, 13}}},
};

static double draw(uint64_t *state) {
  static const double special[] = {0, -0.0, 1, INFINITY, -INFINITY, 1e30, -1e-30};
  uint64_t pick = kt_random(state) % 40;
  return pick < sizeof special / sizeof *special ? special[pick] : (pick % 4 == 0 ? 30 : 3) * kt_uniform(state);
}

/* One after the other, each number spread over an array. */
static void by_single_kernels(const bp_kernels *k, bp_real real, const recipe *r, double values[VALUES][LONGEST],
                              int64_t n) {
  for (const step *s = r->steps; s < r->steps + 12 && s->to != 0; s++) {
    const void *in[3] = {values[s->a], values[s->b], NULL};
    k->ew[real][s->op](values[s->to], in, n);
  }
}

/* in_place: every output is written over an input that is an array. */
static void check(const bp_kernels *k, bp_real real, const recipe *r, int n, bool in_place, uint64_t *state) {
  static double values[VALUES][LONGEST]; /* room for either type */
  int n_in = bp_compound_inputs(r->compound), n_out = bp_compound_outputs(r->compound), next = 0;
  size_t size = real == BP_KF64 ? 8 : 4;
  kt_block blocks[BP_COMPOUND_INPUTS + BP_COMPOUND_OUTPUTS];
  const void *in[BP_COMPOUND_INPUTS];
  void *out[BP_COMPOUND_OUTPUTS];
  for (int i = 0; i < n_in; i++) {
    bool number = (r->numbers & BIT(i)) != 0;
    double one = draw(state);
    for (int e = 0; e < LONGEST; e++) kt_set(values[i], real, e, number ? one : draw(state));
    blocks[i] = kt_new(LONGEST * size);
    void *at = kt_at_end(&blocks[i], (number ? 1 : (size_t)n) * size);
    memcpy(at, values[i], (number ? 1 : (size_t)n) * size);
    in[i] = at;
  }
  for (int o = 0; o < n_out; o++) {
    while (in_place && (r->numbers & BIT(next)) != 0) next++;
    blocks[n_in + o] = kt_new(LONGEST * size);
    out[o] = in_place ? (void *)(uintptr_t)in[next++] : kt_at_end(&blocks[n_in + o], (size_t)n * size);
  }
  by_single_kernels(k, real, r, values, n);
  k->compound[real][r->compound](out, in, n);
  for (int o = 0; o < n_out; o++)
    for (int e = 0; e < n; e++)
      if (!kt_same(out[o], e, values[10 + o], e, real))
        fail_msg("%s, %s, output %d, element %d of %d differs from the single kernels", bp_isa_name(k->isa),
                 bp_compound_name(r->compound), o, e, n);
  for (int o = 0; o < n_out && !in_place; o++) kt_check_before(&blocks[n_in + o], (size_t)n * size);
  for (int i = 0; i < n_in + n_out; i++) kt_free(&blocks[i]);
}

static void a_compound_has_the_bits_of_its_parts(void **state) {
  (void)state;
  static const int lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 70};
  uint64_t random = 7;
  for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
    const bp_kernels *k = bp_kernels_of((bp_isa)isa);
    for (int c = 0; k != NULL && c < BP_COMPOUND_COUNT; c++) {
      assert_int_equal(recipes[c].compound, c);
      for (int real = 0; real < BP_REAL_COUNT; real++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
          for (int in_place = 0; in_place < 2; in_place++)
            check(k, (bp_real)real, &recipes[c], lengths[i], in_place != 0, &random);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_compound_has_the_bits_of_its_parts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
