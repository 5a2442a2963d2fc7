/* train/temperature.h - probabilities that are as often right as they say. */
#ifndef BP_TRAIN_TEMPERATURE_H
#define BP_TRAIN_TEMPERATURE_H
#include <stdint.h>

/* The temperature T > 0 that minimises the (weighted) mean of -log softmax(log p / T)[class] over rows, p [rows, classes]
 * probabilities and classes [rows] the true ones: Guo, Pleiss, Sun and Weinberger, 2017. Between 1/20 and 20. weights NULL: all rows
 * the same. */
double temperature_of(const double *p, const int32_t *classes, const double *weights, int64_t rows, int64_t n);
/* That mean for a given temperature. */
double temperature_loss(const double *p, const int32_t *classes, const double *weights, int64_t rows, int64_t n,
                        double temperature);

#endif
