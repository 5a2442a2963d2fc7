/* same_rows.h - whether a table holds the rows of another, from a row on. */
#ifndef TESTS_FORMATS_SAME_ROWS_H
#define TESTS_FORMATS_SAME_ROWS_H
#include <math.h>

#include "support/testing.h"

static inline void same_rows(const bp_table *part, const bp_table *whole, int64_t first) {
  assert_int_equal(bp_table_columns(part), bp_table_columns(whole));
  for (int64_t r = 0; r < bp_table_rows(part); r++)
    for (int64_t c = 0; c < bp_table_columns(part); c++) {
      double a = bp_table_number(part, r, c), b = bp_table_number(whole, first + r, c);
      assert_string_equal(bp_table_name(part, c), bp_table_name(whole, c));
      assert_string_equal(bp_table_text(part, r, c), bp_table_text(whole, first + r, c));
      assert_true(isnan(a) ? isnan(b) : a == b);
    }
}

#endif
