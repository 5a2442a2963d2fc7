/* Names and sizes of the element types. */
#include "backprop/dtype.h"

#include "support/testing.h"

static void every_type_has_its_name_and_size(void **state) {
  (void)state;
  static const struct {
    bp_dtype type;
    const char *name;
    size_t size;
  } rows[] = {{BP_F32, "float32", 4}, {BP_F64, "float64", 8}, {BP_U8, "uint8", 1}, {BP_I32, "int32", 4}};
  assert_int_equal(sizeof rows / sizeof *rows, BP_DTYPE_COUNT);
  for (size_t i = 0; i < BP_DTYPE_COUNT; i++) {
    assert_string_equal(bp_dtype_name(rows[i].type), rows[i].name);
    assert_int_equal(bp_dtype_size(rows[i].type), rows[i].size);
  }
}

static void what_is_no_type_has_no_size(void **state) {
  (void)state;
  assert_string_equal(bp_dtype_name(BP_DTYPE_COUNT), "?");
  assert_int_equal(bp_dtype_size(BP_DTYPE_COUNT), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_has_its_name_and_size),
      cmocka_unit_test(what_is_no_type_has_no_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
