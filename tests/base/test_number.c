/* labels: unit prop */
/* test_number.c - numbers in text: against strtod for every kind of number, and in a locale with a decimal comma. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "support/testing.h"

static bool parse(const char *text, double *value) { return bp_number_parse(text, strlen(text), value); }

static void assert_same(const char *text) {
  double expected = strtod(text, NULL), actual = -1;
  if (!parse(text, &actual) || actual != expected || signbit(actual) != signbit(expected))
    fail_msg("'%s' was read as %a; expected %a", text, actual, expected);
}

static void reads_what_strtod_reads(void **state) {
  static const char *const texts[] = {
      "0", "-0", "1", "+1", "12.5", ".5", "5.", "1e5", "1E-5", "1e+22", "1e23", "123456789012345678",
      /* one digit more than fits; halfway between two doubles, and just beside */
      "123456789012345678901234567890", "9007199254740993", "9007199254740993.00000000000000000000000000001",
      "9007199254740992.99999999999999999999", "0.1000000000000000055511151231257827021181583404541015625",
      /* both ends of the range */
      "1.7976931348623157e308", "1.7976931348623159e308", "2.2250738585072014e-308", "4.9e-324", "2.4e-324", "2.5e-324",
      "1e400", "1e-400", "1e99999999999", "1e-99999999999", "0e99999999999",
      "000000000000000000000000000000000000000000000000000001",
      "0.0000000000000000000000000000000000000000000000000001"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_same(texts[i]);
}

static void reads_random_numbers_as_strtod_does(void **state) {
  char text[96];
  (void)state;
  for (uint64_t i = 0; i < 200000; i++) {
    uint64_t a = bp_random_bits(1, BP_PURPOSE_TEST, 0, i), b = bp_random_bits(1, BP_PURPOSE_TEST, 1, i);
    double bits;
    memcpy(&bits, &a, sizeof bits);
    if (isfinite(bits)) {
      (void)snprintf(text, sizeof text, "%.17g", bits);
      assert_same(text);
    }
    (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)a, (int)(b % 90) - 45);
    assert_same(text);
    (void)snprintf(text, sizeof text, "-%llu.%llu", (unsigned long long)(a % 100000),
                   (unsigned long long)(b >> (b & 63)));
    assert_same(text);
    /* close to the middle between two doubles */
    (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)((a >> 10) | ((uint64_t)1 << 53) | 1),
                   (int)(b % 40) - 20);
    assert_same(text);
  }
}

static void reads_words(void **state) {
  double value = 0;
  (void)state;
  assert_true(parse("inf", &value) && isinf(value) && value > 0);
  assert_true(parse("-Infinity", &value) && isinf(value) && value < 0);
  assert_true(parse("NaN", &value) && isnan(value));
}

static void refuses_what_is_no_number(void **state) {
  static const char *const texts[] = {"",      "+",    "-",    ".",   "-.",       "e5",    "1e",  "1e+",
                                      "1.2.3", "0x10", "1 ",   " 1",  "infi",     "1_000", "--1", "+-1",
                                      "nan1",  "1,5",  "1e5.", "12a", "\xC2\xB2", "1e 5",  "i",   "n"};
  double value = 7;
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (parse(texts[i], &value)) fail_msg("'%s' was taken for a number", texts[i]);
    assert_true(value == 7);
  }
}

static void refuses_a_very_long_number(void **state) {
  char text[2000];
  double value;
  (void)state;
  memset(text, '1', sizeof text);
  assert_true(bp_number_parse(text, 1024, &value) && isinf(value));
  assert_false(bp_number_parse(text, 1025, &value));
}

/* Only text[0 .. size) counts, and nothing behind it is read. */
static void stops_at_the_size(void **state) {
  double value;
  (void)state;
  assert_true(bp_number_parse("12345", 3, &value) && value == 123);
  assert_true(bp_number_parse("1.5e10", 3, &value) && value == 1.5);
}

static void writes_short_texts(void **state) {
  static const struct {
    double value;
    const char *text;
  } rows[] = {{0, "0"},
              {-0.0, "-0"},
              {1, "1"},
              {-17, "-17"},
              {0.1, "0.1"},
              {1.0 / 3, "0.3333333333333333"},
              {1e300, "1e+300"},
              {123456789, "123456789"},
              {5e-324, "4.94065645841247e-324"}};
  char text[BP_NUMBER_TEXT];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(bp_number_text(rows[i].value, text), rows[i].text);
  assert_string_equal(bp_number_text((double)NAN, text), "nan");
  assert_string_equal(bp_number_text((double)-INFINITY, text), "-inf");
}

static void reads_back_what_it_writes(void **state) {
  char text[BP_NUMBER_TEXT];
  double value, back = 0;
  (void)state;
  for (uint64_t i = 0; i < 50000; i++) {
    uint64_t bits = bp_random_bits(2, BP_PURPOSE_TEST, 0, i);
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    assert_true(parse(bp_number_text(value, text), &back));
    bt_assert_same_bits(&back, &value, sizeof value);
  }
}

static void a_decimal_comma_changes_nothing(void **state) {
  static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "de_DE", "nl_NL.UTF-8"};
  char text[BP_NUMBER_TEXT];
  double value = 0;
  (void)state;
  for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
    if (setlocale(LC_NUMERIC, locales[i])) break;
  if (strcmp(localeconv()->decimal_point, ",") != 0) {
    print_message("skipped: no locale with a decimal comma is installed\n");
    skip();
  }
  assert_true(parse("1.7976931348623157e308", &value) && value > 1.79e308);
  assert_true(parse("0.12345678901234567890123", &value));
  bt_assert_close(value, 0.12345678901234568, 0, 0);
  assert_false(parse("0,5", &value));
  assert_string_equal(bp_number_text(0.5, text), "0.5");
  (void)setlocale(LC_NUMERIC, "C");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(reads_what_strtod_reads),
      BT_TEST(reads_random_numbers_as_strtod_does),
      BT_TEST(reads_words),
      BT_TEST(refuses_what_is_no_number),
      BT_TEST(refuses_a_very_long_number),
      BT_TEST(stops_at_the_size),
      BT_TEST(writes_short_texts),
      BT_TEST(reads_back_what_it_writes),
      BT_TEST(a_decimal_comma_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
