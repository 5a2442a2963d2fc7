/* kernels/special.h - special functions of one double, compiled once: all instruction sets give the same bits. */
#ifndef BP_KERNELS_SPECIAL_H
#define BP_KERNELS_SPECIAL_H

double bp_special_lgamma(double x);  /* log |gamma(x)| */
double bp_special_digamma(double x); /* -inf at 0, inf at -0, NaN at negative integers */
/* The derivative of digamma, of an order from 1 to 64; NaN for another. */
double bp_special_polygamma(double order, double x);

#endif
