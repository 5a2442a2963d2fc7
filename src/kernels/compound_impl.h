/* kernels/compound_impl.h - compound elementwise kernels for one type; included twice by ew_kernel.c, behind ew_impl.h.
 *
 * A compound is written in terms of the value_...() functions of the single kernels, so that it rounds wherever they do.
 * Inputs are arrays, or one number each (S): that is read once.
 */

#undef BP_COMPOUND_BY
#undef BP_COMPOUND_FN_OF
#if BP_REAL_IS_F64
#define BP_COMPOUND_FN_OF(name) BP_COMPOUND_FN(name, f64)
#else
#define BP_COMPOUND_FN_OF(name) BP_COMPOUND_FN(name, f32)
#endif

#define BP_COMPOUND_BY(loop, name, outputs, inputs)                                                                    \
  void BP_COMPOUND_FN_OF(name)(void *const *out, const void *const *in, int64_t n) {                                   \
    loop(name, out, outputs, in, inputs);                                                                              \
  }

/* y = x0 x1 + x2 */
BP_CHUNK(mul_add) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  ARRAY(c, 2);
  EACH(c[j] = R(value_add)(R(value_mul)(a[j], b[j]), c[j]))
  RESULT(0, c);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, mul_add, 1, 3)

/* y = x0 x1 + x2, where x1 is a strong zero */
BP_CHUNK(mul_no_nan_add) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  ARRAY(c, 2);
  EACH(c[j] = R(value_add)(R(value_mul_no_nan)(a[j], b[j]), c[j]))
  RESULT(0, c);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, mul_no_nan_add, 1, 3)

/* y = x0 - x1 x2 */
BP_CHUNK(sub_mul) {
  ARRAY(c, 0);
  ARRAY(a, 1);
  ARRAY(b, 2);
  EACH(c[j] = R(value_sub)(c[j], R(value_mul)(a[j], b[j])))
  RESULT(0, c);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, sub_mul, 1, 3)

/* y = x0 - x1 S2 */
BP_CHUNK(descend) {
  ARRAY(w, 0);
  ARRAY(g, 1);
  NUMBER(rate, 2);
  EACH(w[j] = R(value_sub)(w[j], R(value_mul)(g[j], rate)))
  RESULT(0, w);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, descend, 1, 3)

/* y = x0 S1 + x2 S3 */
BP_CHUNK(lerp) {
  ARRAY(a, 0);
  NUMBER(s, 1);
  ARRAY(b, 2);
  NUMBER(t, 3);
  EACH(a[j] = R(value_add)(R(value_mul)(a[j], s), R(value_mul)(b[j], t)))
  RESULT(0, a);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, lerp, 1, 4)

/* y = x0 S1 + x2² S3 */
BP_CHUNK(lerp_square) {
  ARRAY(a, 0);
  NUMBER(s, 1);
  ARRAY(b, 2);
  NUMBER(t, 3);
  EACH(a[j] = R(value_add)(R(value_mul)(a[j], s), R(value_mul)(R(value_square)(b[j]), t)))
  RESULT(0, a);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, lerp_square, 1, 4)

/* y = x0 / (sqrt(x1) + S2) */
BP_CHUNK(root_quotient) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  NUMBER(e, 2);
  EACH(a[j] = R(value_div)(a[j], R(value_add)(R(value_sqrt)(b[j]), e)))
  RESULT(0, a);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, root_quotient, 1, 3)

/* y = x0 sign(x1), 0 where that is 0: through a relu */
BP_CHUNK(relu_pull) {
  ARRAY(g, 0);
  ARRAY(y, 1);
  EACH(g[j] = R(value_mul_no_nan)(g[j], R(value_sign)(y[j])))
  RESULT(0, g);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, relu_pull, 1, 2)

/* An activation of x0 + x1. */
BP_CHUNK(add_tanh) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  EACH(a[j] = R(value_tanh)(R(value_add)(a[j], b[j])))
  RESULT(0, a);
}
BP_COMPOUND_BY(BP_EACH_CHUNK_ONCE, add_tanh, 1, 2)

BP_CHUNK(add_sigmoid) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  EACH(a[j] = R(value_sigmoid)(R(value_add)(a[j], b[j])))
  RESULT(0, a);
}
BP_COMPOUND_BY(BP_EACH_CHUNK_ONCE, add_sigmoid, 1, 2)

/* The same with the derivative of it, in training: y1 the activation, y0 its derivative. */
BP_CHUNK(add_tanh_unit) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  real ratio[LANES], slope[LANES];
  EACH(a[j] = R(value_add)(a[j], b[j]))
  EACH(b[j] = R(tanh_with)(a[j], &ratio[j]))
#if BP_REAL_IS_F64
  EACH(slope[j] = R(tanh_slope_of)(a[j], b[j], ratio[j]))
  TANH_SLOPES_BEYOND(a, slope);
#else
  EACH(slope[j] = R(tanh_unit_slope_of)(a[j], b[j], ratio[j]))
#endif
  RESULT(1, b);
  RESULT(0, slope);
}
BP_COMPOUND_BY(BP_EACH_CHUNK_ONCE, add_tanh_unit, 2, 2)

BP_CHUNK(add_sigmoid_unit) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  real e[LANES], slope[LANES];
  EACH(a[j] = R(value_add)(a[j], b[j]))
  EACH(b[j] = R(sigmoid_with)(a[j], &e[j]))
#if BP_REAL_IS_F64
  EACH(slope[j] = R(sigmoid_slope_of)(a[j], b[j], e[j]))
#else
  EACH(slope[j] = R(sigmoid_unit_slope_of)(a[j], b[j], e[j]))
#endif
  RESULT(1, b);
  RESULT(0, slope);
}
BP_COMPOUND_BY(BP_EACH_CHUNK_ONCE, add_sigmoid_unit, 2, 2)

BP_CHUNK(add_relu) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  EACH(a[j] = R(value_relu)(R(value_add)(a[j], b[j])))
  RESULT(0, a);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, add_relu, 1, 2)

/* y1 = x0 S1 + x2, y0 = x3 - y1 S4: velocity and weights of stochastic gradient descent */
BP_CHUNK(momentum) {
  ARRAY(v, 0);
  NUMBER(beta, 1);
  ARRAY(g, 2);
  ARRAY(w, 3);
  NUMBER(rate, 4);
  EACH(v[j] = R(value_add)(R(value_mul)(v[j], beta), g[j]))
  EACH(w[j] = R(value_sub)(w[j], R(value_mul)(v[j], rate)))
  RESULT(1, v);
  RESULT(0, w);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, momentum, 2, 5)

/* y1 = x0 S1 + x2 S3, y2 = x4 S5 + x2² S6, y0 = x8 - y1 / (sqrt(y2) + S7) S9: moments and weights of Adam */
BP_CHUNK(adam) {
  ARRAY(m, 0);
  NUMBER(b1, 1);
  ARRAY(g, 2);
  NUMBER(k1, 3);
  ARRAY(v, 4);
  NUMBER(b2, 5);
  NUMBER(k2, 6);
  NUMBER(epsilon, 7);
  ARRAY(w, 8);
  NUMBER(rate, 9);
  EACH(m[j] = R(value_add)(R(value_mul)(m[j], b1), R(value_mul)(g[j], k1)))
  EACH(v[j] = R(value_add)(R(value_mul)(v[j], b2), R(value_mul)(R(value_square)(g[j]), k2)))
  EACH(w[j] = R(value_sub)(w[j], R(value_mul)(R(value_div)(m[j], R(value_add)(R(value_sqrt)(v[j]), epsilon)), rate)))
  RESULT(1, m);
  RESULT(2, v);
  RESULT(0, w);
}
BP_COMPOUND_BY(BP_EACH_CHUNK, adam, 3, 10)
