/* test_number_disguise.c - numbers and something more, of which nothing tells what is meant. */
/* labels: unit */
#include "data/number_disguise.h"

#include <string.h>

#include "support/testing.h"

static void knows_disguises(void **state) {
  static const struct {
    bp_disguise of;
    const char *texts[6];
  } rows[] = {
      {BP_DISGUISE_ERROR, {"12±3", "12 ± 0.5", "1.5+-0.1", "-3 +/- 1", "=\"1±2\""}},
      {BP_DISGUISE_BOUND, {"<5", "> 10.5", "<=3", "≥2", "~7", "±5"}},
      {BP_DISGUISE_COUNT_OF, {"#12", "№ 7", "'#3"}},
      {BP_DISGUISE_QUOTIENT, {"1/2", "120/80", "3.5 / 7", "-1/4", "٣/٤"}},
      {BP_DISGUISE_NONE, {"12", "a±b", "<a", "#", "#ff00aa", "5/1/2020"}},
      {BP_DISGUISE_NONE, {"a/b", "1/", "/2", "18-25", "12:30", "item7"}},
      {BP_DISGUISE_NONE, {"", "±", "nan/nan", "<inf", "1e5", "N/A"}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t k = 0; k < 6 && rows[i].texts[k]; k++)
      if (bp_number_disguise(rows[i].texts[k], strlen(rows[i].texts[k])) != rows[i].of)
        fail_msg("'%s' is not taken for %d", rows[i].texts[k], (int)rows[i].of);
}

static void each_has_words(void **state) {
  (void)state;
  for (int of = BP_DISGUISE_NONE + 1; of < BP_DISGUISES; of++) {
    assert_true(strlen(bp_disguise_text((bp_disguise)of)) > 5);
    assert_true(strlen(bp_disguise_advice((bp_disguise)of)) > 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(knows_disguises), BT_TEST(each_has_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
