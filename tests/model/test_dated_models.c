/* labels: unit prop */
/* test_dated_models.c - models of columns of dates: predictions by rows, what is told of the columns, derivatives. */
#include <math.h>
#include <string.h>

#include "backprop/predict.h"
#include "backprop/sensitivity.h"
#include "data/data_fixtures.h"
#include "model/model_fixtures.h"

enum { ROWS = 60, WIDTH = 2 };

/* NEW table of a day and a half for each row, a number, and a value that depends on both. */
static bp_table *dated_table(bp_context *ctx) {
  char text[ROWS * 64], instant[40];
  size_t used = (size_t)snprintf(text, sizeof text, "day,b,y\n");
  for (int r = 0; r < ROWS; r++) {
    double seconds = 1709251200.0 + r * 129600.0;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s,%d,%d.5\n",
                             r % 9 == 4 ? "" : bp_date_text(seconds, instant, sizeof instant), r % 7, r % 7 + r % 2);
  }
  return bt_table(ctx, text);
}

static bp_model *train(bp_context *ctx, const bp_table *table) {
  bp_train_options o = bt_small(BP_F32);
  o.fit.epochs = 3;
  return bt_train(ctx, table, &o);
}

static void tells_of_dates(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = dated_table(ctx);
  bp_model *model = train(ctx, table);
  bp_column_info day = bp_model_column(model, 0), b = bp_model_column(model, 1);
  assert_string_equal(day.type, "date");
  assert_string_equal(day.cycles, "month, week, day");
  assert_string_equal(b.cycles, "");
  assert_true(day.indicator && day.inputs == 1 + 6 + 1 && day.missing > 1709251200.0 && day.scale > 86400);
  assert_int_equal(bp_model_take(model, "day"), BP_TAKE_TEXT);
  char text[40];
  assert_string_equal(bp_date_text(1709251200.0, text, sizeof text), "2024-03-01");
  assert_string_equal(bp_date_text(1709251200.0, text, 5), "2024");
  bp_model_free(model);
  bp_table_free(table);
}

static void rows_of_seconds_predict_as_the_table(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = dated_table(ctx);
  bp_model *model = train(ctx, table);
  bp_predictor *predictor = NULL;
  double values[ROWS * WIDTH], of_table[ROWS], of_rows[ROWS];
  assert_int_equal(bp_model_width(model, BP_SPACE_COLUMNS), WIDTH);
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, values));
  assert_true(values[0] == 1709251200.0 && values[WIDTH] == 1709251200.0 + 129600 && isnan(values[4 * WIDTH]));
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, of_table));
  bt_assert_ok(ctx, bp_predictor_new(ctx, model, NULL, &predictor));
  bt_assert_ok(ctx, bp_predict_f64(predictor, ROWS, values, of_rows));
  bt_assert_same_bits(of_rows, of_table, sizeof of_rows);
  const double wrong[WIDTH] = {1e15, 0};
  bt_assert_fails(ctx, BP_E_DATA, bp_predict_f64(predictor, 1, wrong, of_rows));
  bt_assert_message(ctx, "column 'day' is 1e+15, which is no date");
  bp_predictor_free(predictor);
  bp_model_free(model);
  bp_table_free(table);
}

static void dates_have_no_derivative(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = dated_table(ctx);
  bp_model *model = train(ctx, table);
  const double row[WIDTH] = {1709296200.0, 2}, v[WIDTH] = {(double)NAN, 1};
  double gradient[WIDTH], hv[WIDTH];
  bt_assert_ok(ctx, bp_model_gradient(ctx, model, BP_SPACE_COLUMNS, 1, row, 0, NULL, gradient));
  bt_assert_ok(ctx, bp_model_hvp(ctx, model, BP_SPACE_COLUMNS, 1, row, 0, v, hv));
  assert_true(isnan(gradient[0]) && isfinite(gradient[1]) && gradient[1] != 0);
  assert_true(isnan(hv[0]) && isfinite(hv[1]));
  bp_model_free(model);
  bp_table_free(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(tells_of_dates), BT_TEST(rows_of_seconds_predict_as_the_table),
                                     BT_TEST(dates_have_no_derivative)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
