/* test_number_form.c - numbers as people write them, and marks for missing ones. */
#include "data/number_form.h"

#include <math.h>
#include <string.h>

#include "support/testing.h"

static void reads_numbers_of_a_form(void **state) {
  static const struct {
    bp_number_form form;
    const char *text;
    double value; /* NaN: it is none */
  } rows[] = {
      {{.decimal = 0}, "12.5", 12.5},
      {{.decimal = 0}, "−12.5", -12.5},
      {{.decimal = 0}, "–3", -3},
      {{.decimal = 0}, "１２．５", 12.5},
      {{.decimal = 0},
       "\xC2\xA0"
       "7 ",
       7},
      {{.decimal = 0}, "7-", -7},
      {{.decimal = 0}, "5.", 5},
      {{.decimal = 0}, ".5", 0.5},
      {{.decimal = 0}, "+5", 5},
      {{.decimal = 0}, "1,234", NAN},
      {{.decimal = 0}, "$5", NAN},
      {{.decimal = 0}, "(5)", NAN},
      {{.decimal = 0}, "1d5", NAN},
      {{.decimal = 0}, "12:30", NAN},
      {{.decimal = 0}, "2020-01-05", NAN},
      {{.decimal = 0}, "18-25", NAN},
      {{.decimal = 0}, "", NAN},
      {{.prefix = "$"}, "$1.50", 1.5},
      {{.prefix = "$"}, "-$1.50", -1.5},
      {{.prefix = "$"}, "$-1.50", -1.5},
      {{.prefix = "$"}, "$ 1.50", 1.5},
      {{.prefix = "$"}, "1.50", NAN},
      {{.prefix = "$"}, "-$-1", NAN},
      {{.prefix = "$", .brackets = true}, "($1.50)", -1.5},
      {{.prefix = "€"}, "€ 5", 5},
      {{.suffix = "%"}, "35%", 35},
      {{.suffix = "%"}, "35 %", 35},
      {{.suffix = "%"}, "35％", 35},
      {{.suffix = "%"}, "35", NAN},
      {{.suffix = "kg"}, "1e5 kg", 1e5},
      {{.suffix = "kg"}, "5 g", NAN},
      {{.thousands = ','}, "1,234", 1234},
      {{.thousands = ','}, "1,234,567.5", 1234567.5},
      {{.thousands = ','}, "12,34,567", 1234567}, /* as in India */
      {{.thousands = ','}, "999", 999},
      {{.thousands = ','}, "1,23", NAN},
      {{.thousands = ','}, "1,2345", NAN},
      {{.thousands = ','}, "1234,567", NAN},
      {{.thousands = '_'}, "1_000", 1000},
      {{.thousands = '\''}, "1'000.5", 1000.5},
      {{.thousands = '\''}, "1’000", 1000},
      {{.thousands = ' '}, "1 000", 1000},
      {{.thousands = ' '},
       "1\xE2\x80\x89"
       "000",
       1000},
      {{.thousands = ' ', .decimal = ','},
       "1\xE2\x80\xAF"
       "000,5",
       1000.5},
      {{.decimal = ','}, "1,5", 1.5},
      {{.decimal = ','}, "-0,25e2", -25},
      {{.decimal = ','}, "1.5", NAN},
      {{.decimal = ','}, "12", 12},
      {{.decimal = ',', .thousands = '.'}, "1.234,56", 1234.56},
      {{.decimal = ',', .thousands = '.'}, "1.234", 1234},
      {{.decimal = ',', .thousands = '.'}, "1.5", NAN},
      {{.radix = 16}, "0x1f", 31},
      {{.radix = 16}, "-0XFF", -255},
      {{.radix = 16}, "31", NAN},
      {{.radix = 16}, "0x", NAN},
      {{.radix = 16}, "0b101", NAN},
      {{.radix = 2}, "0b101", 5},
      {{.radix = 2}, "-0B11", -3},
      {{.radix = 2}, "0b12", NAN},
      {{.radix = 2}, "101", NAN},
      {{.radix = 8}, "0o17", 15},
      {{.radix = 8}, "0o18", NAN},
      {{.fractions = true}, "1/2", 0.5},
      {{.fractions = true}, "-1/4", -0.25},
      {{.fractions = true}, "1 1/2", 1.5},
      {{.fractions = true}, "-2 3/4", -2.75},
      {{.fractions = true}, "2", 2},
      {{.fractions = true}, "2½", 2.5},
      {{.fractions = true}, "⅞", 0.875},
      {{.fractions = true}, "1⁄2", 0.5},
      {{.fractions = true}, "1/0", NAN},
      {{.fractions = true}, "1/2/3", NAN},
      {{.fractions = true}, "1 3/2", NAN},
      {{.fractions = true}, "1/", NAN},
      {{.decimal = 0}, "1/2", NAN},
      {{.decimal = 0}, "٤٢", 42},
      {{.decimal = 0}, "۱۲٫۵", 12.5},
      {{.decimal = 0}, "४२", 42},
      {{.thousands = '\''}, "١٬٢٣٤", 1234},
      {{.decimal = 0}, "=\"12\"", 12},
      {{.decimal = 0}, "=\"\"", NAN},
      {{.decimal = 0}, "'12", 12},
      {{.decimal = 0}, "'12'", NAN},
      {{.prefix = "$"}, "=\"$5\"", 5},
      {{.fortran = true}, "1d5", 1e5},
      {{.fortran = true}, "1.5D+02", 150},
      {{.fortran = true}, "1e5", 1e5},
      {{.brackets = true}, "(5)", -5},
      {{.brackets = true}, "5", 5},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double value = NAN;
    bool read = bp_number_form_read(&rows[i].form, rows[i].text, strlen(rows[i].text), &value);
    if (read == isnan(rows[i].value) || (read && value != rows[i].value))
      fail_msg("row %zu: '%s' is %g, expected %g", i, rows[i].text, value, rows[i].value);
  }
}

static void long_and_broken_texts_are_no_numbers(void **state) {
  static const bp_number_form dollars = {.prefix = "$"};
  char text[4000];
  double value = 0;
  (void)state;
  memset(text, '1', sizeof text);
  text[0] = '$';
  assert_false(bp_number_form_read(&dollars, text, sizeof text, &value));
  assert_false(bp_number_form_read(&dollars,
                                   "$\xFF"
                                   "1",
                                   3, &value));
  assert_true(bp_number_form_read(&dollars, "$12", 2, &value));
  assert_true(value == 1);
  assert_false(bp_is_missing_mark(text, sizeof text));
}

static void knows_the_marks_for_missing_values(void **state) {
  static const char *const marks[] = {"",        " ",       "NA",      "N/A",    "n/a",    "n.a.", "#N/A", "#N/A N/A",
                                      "#NA",     "<NA>",    "NaN",     "-nan",   "null",   "NULL", "None", "none",
                                      "nil",     "missing", "Missing", " NA ",   "-",      "--",   ".",    "?",
                                      "#DIV/0!", "#VALUE!", "#REF!",   "#NAME?", "#NUM!",  "\\N",  "—",    "1.#IND",
                                      "-1.#IND", "1.#QNAN", "NaT",     "=\"\"",  "=\"NA\""},
                           *const others[] = {"unknown", "n.d.", "see note", "0",    "x",
                                              "no",      "<0.5", "--1",      "nano", "inf"};
  (void)state;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (!bp_is_missing_mark(marks[i], strlen(marks[i]))) fail_msg("'%s' is a mark", marks[i]);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (bp_is_missing_mark(others[i], strlen(others[i]))) fail_msg("'%s' is no mark", others[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(reads_numbers_of_a_form), BT_TEST(long_and_broken_texts_are_no_numbers),
                                     BT_TEST(knows_the_marks_for_missing_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
