/* labels: unit prop */
/* The temperature of a classifier: against a search over a fine grid, by the loss written out another way. */
#include "train/temperature.h"

#include <math.h>

#include "train/train_fixtures.h"

enum { ROWS = 60, CLASSES_MOST = 5 };

typedef struct problem {
  double p[ROWS * CLASSES_MOST], weights[ROWS];
  int32_t classes[ROWS];
  int64_t n;
} problem;

/* Logits that know the class by `knows`, and are `sure` times as large as they should be. */
static problem problem_of(int64_t n, double knows, double sure, uint32_t seed) {
  problem s = {.n = n};
  for (int r = 0; r < ROWS; r++) {
    double z[CLASSES_MOST], total = 0;
    s.classes[r] = (int32_t)((tt_noise(&seed) + 1) / 2 * (double)n);
    s.weights[r] = 1 + (r % 4);
    for (int64_t c = 0; c < n; c++) z[c] = sure * (2 * tt_noise(&seed) + (c == s.classes[r] ? knows : 0));
    for (int64_t c = 0; c < n; c++) total += exp(z[c]);
    for (int64_t c = 0; c < n; c++) s.p[r * n + c] = exp(z[c]) / total;
  }
  return s;
}

/* The mean of -Σ y log softmax(log p / T) = -Σ y log (p^(1/T) / Σ p^(1/T)), y the class but for 1 / (rows + 2), which all others share;
 * smooth false: y the class. */
static double loss_of(const problem *s, const double *weights, bool smooth, double t) {
  double sum = 0, all = 0, part = smooth ? 1.0 / (ROWS + 2) : 0;
  for (int r = 0; r < ROWS; r++) {
    const double *p = s->p + r * s->n;
    double total = 0, w = weights ? weights[r] : 1;
    for (int64_t c = 0; c < s->n; c++) total += pow(p[c], 1 / t);
    for (int64_t c = 0; c < s->n; c++)
      sum -= w * log(pow(p[c], 1 / t) / total) * (c == s->classes[r] ? 1 - part : part / (double)(s->n - 1));
    all += w;
  }
  return sum / all;
}

/* The best of 4001 temperatures, evenly spread by their logarithm from 1/20 to 20. */
static double best_of_grid(const problem *s, const double *weights) {
  enum { STEPS = 4000 };
  double best = 1, least = INFINITY;
  for (int i = 0; i <= STEPS; i++) {
    double t = pow(20, 2.0 * i / STEPS - 1), loss = loss_of(s, weights, true, t);
    if (loss < least) least = loss, best = t;
  }
  return best;
}

static void it_is_the_best_of_a_grid(void **state) {
  static const struct {
    int64_t n;
    double knows, sure;
  } rows[] = {{2, 1, 1}, {2, 2, 6}, {2, 1, 0.2}, {3, 2, 3}, {5, 3, 0.5}, {5, 1, 4}, {3, 6, 0.3}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    problem s = problem_of(rows[i].n, rows[i].knows, rows[i].sure, (uint32_t)(i + 1));
    const double *given[] = {NULL, s.weights};
    for (int w = 0; w < 2; w++) {
      double t = temperature_of(s.p, s.classes, given[w], ROWS, s.n), best = best_of_grid(&s, given[w]);
      bt_assert_close(t, best, 2e-3, 0); /* two steps of the grid */
      assert_true(loss_of(&s, given[w], true, t) <= loss_of(&s, given[w], true, best) + 1e-12);
      bt_assert_close(temperature_loss(s.p, s.classes, given[w], ROWS, s.n, t), loss_of(&s, given[w], false, t), 1e-12,
                      1e-12);
    }
  }
}

/* Too sure by a factor means a temperature that is larger by it. */
static void a_factor_comes_back(void **state) {
  problem a = problem_of(3, 2, 1, 9), b = problem_of(3, 2, 2.5, 9);
  (void)state;
  bt_assert_close(temperature_of(b.p, b.classes, NULL, ROWS, 3), 2.5 * temperature_of(a.p, a.classes, NULL, ROWS, 3),
                  1e-5, 0);
}

/* Rows of weight 0 do not count, and all weights together mean nothing. */
static void weights_are_shares(void **state) {
  problem s = problem_of(2, 1, 4, 5);
  double weights[ROWS], t;
  (void)state;
  for (int r = 0; r < ROWS; r++) weights[r] = r < ROWS / 2;
  t = temperature_of(s.p, s.classes, weights, ROWS, 2);
  for (int r = ROWS / 2; r < ROWS; r++) s.classes[r] = 1 - s.classes[r]; /* rows without weight may be anything */
  assert_true(temperature_of(s.p, s.classes, weights, ROWS, 2) == t);
  for (int r = 0; r < ROWS; r++) weights[r] *= 1000;
  bt_assert_close(temperature_of(s.p, s.classes, weights, ROWS, 2), t, 1e-5, 0);
}

/* All rows right: without 1 / (rows + 2) no temperature would be low enough. With equal margins m it is where softmax says
 * 1 - 1 / (rows + 2): m / T = log(rows + 1). */
static void rows_that_are_all_right_give_a_finite_temperature(void **state) {
  static const double margins[] = {0.5, 2, 8, 30};
  (void)state;
  for (size_t i = 0; i < sizeof margins / sizeof *margins; i++) {
    problem s = {.n = 2};
    for (int r = 0; r < ROWS; r++) {
      s.classes[r] = r % 2;
      s.p[2 * r + s.classes[r]] = 1 / (1 + exp(-margins[i]));
      s.p[2 * r + 1 - s.classes[r]] = 1 / (1 + exp(margins[i]));
    }
    bt_assert_close(temperature_of(s.p, s.classes, NULL, ROWS, 2), margins[i] / log(ROWS + 1.0), 1e-5, 0);
  }
}

/* Nothing known, or all wrong: as little sure as may be. Certain and right: within the bounds too. */
static void it_stays_within_its_bounds(void **state) {
  problem wrong = {.n = 2}, sure = {.n = 2}, flat = {.n = 2};
  (void)state;
  for (int r = 0; r < ROWS; r++) {
    wrong.classes[r] = sure.classes[r] = flat.classes[r] = r % 2;
    wrong.p[2 * r + 1 - r % 2] = 1; /* probabilities of 0 and 1 */
    sure.p[2 * r + r % 2] = 1;
    flat.p[2 * r] = flat.p[2 * r + 1] = 0.5;
  }
  bt_assert_close(temperature_of(wrong.p, wrong.classes, NULL, ROWS, 2), 20, 1e-12, 0);
  double t = temperature_of(sure.p, sure.classes, NULL, ROWS, 2);
  assert_true(t >= 0.05 && t <= 20);
  assert_true(isfinite(temperature_loss(wrong.p, wrong.classes, NULL, ROWS, 2, 0.05)));
  t = temperature_of(flat.p, flat.classes, NULL, ROWS, 2);
  assert_true(t >= 0.05 && t <= 20);
  bt_assert_close(temperature_loss(flat.p, flat.classes, NULL, ROWS, 2, t), log(2), 1e-12, 0);
}

static void one_class_or_no_rows_leave_it_at_1(void **state) {
  static const double p[] = {1, 1, 1};
  static const int32_t classes[] = {0, 0, 0};
  (void)state;
  assert_true(temperature_of(p, classes, NULL, 3, 1) == 1);
  assert_true(temperature_of(p, classes, NULL, 0, 2) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(it_is_the_best_of_a_grid),   BT_TEST(a_factor_comes_back),
      BT_TEST(weights_are_shares),         BT_TEST(rows_that_are_all_right_give_a_finite_temperature),
      BT_TEST(it_stays_within_its_bounds), BT_TEST(one_class_or_no_rows_leave_it_at_1),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
