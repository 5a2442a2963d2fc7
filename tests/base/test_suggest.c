/* test_suggest.c - the nearest word. */
#include "base/suggest.h"

#include <string.h>

#include "support/testing.h"

static const char *const words[] = {"epochs", "batch-size", "seed", "hidden", "lr", "petal_width", "petal_length"};

static const char *nearest(const char *word) { return bp_suggest(word, words, sizeof words / sizeof *words); }

static void finds_what_was_meant(void **state) {
  static const struct {
    const char *word, *meant;
  } rows[] = {{"epoch", "epochs"},         {"epohcs", "epochs"}, {"EPOCHS", "epochs"},
              {"batchsize", "batch-size"}, {"hiden", "hidden"},  {"petal width", "petal_width"},
              {"seeds", "seed"},           {"lr", "lr"},         {"petl_lenght", "petal_length"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_non_null(nearest(rows[i].word));
    assert_string_equal(nearest(rows[i].word), rows[i].meant);
  }
}

static void is_silent_when_nothing_is_near(void **state) {
  char longest[300];
  (void)state;
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_null(nearest("momentum"));
  assert_null(nearest(""));
  assert_null(nearest("x"));
  assert_null(nearest(longest));
  assert_null(bp_suggest("seed", NULL, 0));
}

static void takes_the_first_of_equals(void **state) {
  static const char *const equal[] = {"x12", "x13", "x23"};
  (void)state;
  assert_string_equal(bp_suggest("x11", equal, 3), "x12");
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(finds_what_was_meant), BT_TEST(is_silent_when_nothing_is_near),
                                     BT_TEST(takes_the_first_of_equals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
