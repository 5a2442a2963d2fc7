/* bench/peers/work_fann.c - training steps and predictions of FANN, for bench/peers/suite, which compiles it.
 *
 *   work_fann train|infer --units 784,128,128,10 --rows N --seconds S [what else the workers take, and FANN has not]
 *
 * FANN's incremental training takes a step after each row: that is what its users call fast. Rows are timed, and a step of N
 * rows is N times that. Its network learns squared errors with a sigmoid at the end; threads it has none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fann.h>

enum { LAYERS_MAX = 16, SAMPLES_MAX = 100000 };

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static float *random_floats(size_t n, float low, float high) {
  float *data = malloc(n * sizeof *data);
  if (data == NULL) exit(1);
  unsigned x = 1;
  for (size_t i = 0; i < n; i++) {
    x = x * 1664525u + 1013904223u;
    data[i] = low + (high - low) * ((float)(x >> 8) / 16777216.0F);
  }
  return data;
}

int main(int argc, char **argv) {
  unsigned units[LAYERS_MAX], layers = 0, table = 256;
  double rows = 1, budget = 1;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rows") == 0) rows = strtod(argv[i + 1], NULL);
    if (strcmp(argv[i], "--seconds") == 0) budget = strtod(argv[i + 1], NULL);
    if (strcmp(argv[i], "--units") == 0)
      for (char *word = strtok(argv[i + 1], ","); word != NULL && layers < LAYERS_MAX; word = strtok(NULL, ","))
        units[layers++] = (unsigned)strtoul(word, NULL, 10);
  }
  if (argc < 2 || layers < 2) return 2;
  int train = strcmp(argv[1], "train") == 0;
  struct fann *net = fann_create_standard_array(layers, units);
  if (net == NULL) return 1;
  fann_set_activation_function_hidden(net, FANN_SIGMOID_SYMMETRIC); /* tanh */
  fann_set_activation_function_output(net, FANN_SIGMOID);
  fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
  fann_set_learning_rate(net, 0.01F);
  fann_set_learning_momentum(net, 0.9F);
  float *x = random_floats((size_t)table * units[0], -1, 1),
        *y = random_floats((size_t)table * units[layers - 1], 0, 1);
  static double samples[SAMPLES_MAX];
  int n = 0;
  unsigned row = 0, count = 1;
  for (double end = now() + budget; n < SAMPLES_MAX && (n == 0 || now() < end);) {
    double t = now();
    for (unsigned i = 0; i < count; i++, row = (row + 1) % table) {
      if (train)
        fann_train(net, x + (size_t)row * units[0], y + (size_t)row * units[layers - 1]);
      else
        (void)fann_run(net, x + (size_t)row * units[0]);
    }
    t = now() - t;
    if (t < 5e-3 && count < 1u << 24)
      count *= 2;
    else
      samples[n++] = t / count;
  }
  qsort(samples, (size_t)n, sizeof *samples, by_value);
  printf("{\"tool\": \"FANN\", \"seconds\": %.9g, \"seconds_median\": %.9g}\n", samples[0] * rows,
         samples[n / 2] * rows);
  fann_destroy(net);
  free(x);
  free(y);
  return 0;
}
