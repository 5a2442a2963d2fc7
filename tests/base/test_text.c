/* UTF-8, against the definition: decode by hand and encode again. */
#include "base/text.h"

#include <string.h>

#include "support/testing.h"

/* The shortest encoding of a code point, by the bit pattern of RFC 3629; the length. */
static size_t encode(uint32_t code, char out[4]) {
  static const unsigned lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
  size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
  out[0] = (char)(lead[length] | code);
  return length;
}

static void every_character_has_its_length(void **state) {
  (void)state;
  for (uint32_t code = 0; code < 0x110000; code++) {
    char text[4];
    size_t length = encode(code, text);
    bool surrogate = code >= 0xD800 && code < 0xE000;
    if (bp_utf8_length(text, length) != (surrogate ? 0 : length)) fail_msg("U+%04X", (unsigned)code);
    if (length > 1 && bp_utf8_length(text, length - 1) != 0) fail_msg("U+%04X, cut off", (unsigned)code);
  }
  assert_int_equal(bp_utf8_length("", 0), 0);
}

/* All sequences of up to three bytes that are not the encoding of something are refused. */
static void nothing_else_is_a_character(void **state) {
  (void)state;
  size_t found[4] = {0};
  for (uint32_t bytes = 0; bytes < 1u << 24; bytes++) {
    const char text[3] = {(char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
    found[bp_utf8_length(text, 3)]++;
  }
  assert_int_equal(found[1], 0x80ull << 16);
  assert_int_equal(found[2], 0x780ull << 8);
  assert_int_equal(found[3], 0xF800 - 0x800);
}

static void a_text_is_valid_when_all_of_it_is(void **state) {
  (void)state;
  assert_true(bp_utf8_valid("", 0));
  assert_true(bp_utf8_valid("caf\xC3\xA9 \xF0\x9F\x99\x82", 10));
  assert_true(bp_utf8_valid("a\0b", 3));
  assert_false(bp_utf8_valid("caf\xC3\xA9", 4));
  assert_false(bp_utf8_valid("caf\xE9!", 5));
}

static void cleaning_never_leaves_the_line(void **state) {
  (void)state;
  const char *text = "ab\xE2\x82\xAC\n\xF0\x9F\x99\x82";
  static const char *const kept[] = {"", "a", "ab", "ab", "ab", "ab\xE2\x82\xAC", "ab\xE2\x82\xAC?", "ab\xE2\x82\xAC?"};
  for (size_t capacity = 1; capacity <= 8; capacity++) {
    char line[10];
    memset(line, '#', sizeof line);
    assert_int_equal(bp_text_clean(line, capacity, text), strlen(kept[capacity - 1]));
    assert_string_equal(line, kept[capacity - 1]);
    for (size_t i = capacity; i < sizeof line; i++) assert_int_equal(line[i], '#');
  }
}

/* Escapes, C1 as UTF-8, separators, and what turns the direction of writing; what only looks like them stays. */
static void what_drives_a_terminal_is_not_shown(void **state) {
  static const char *const rows[][2] = {
      {"\x1b[2J\x07\x7f\n\t", "?[2J????"},
      {"\xC2\x9B"
       "31m\xC2\x80\xC2\x9F",
       "?31m??"},
      {"a\xE2\x80\xA8"
       "b\xE2\x80\xA9",
       "a?b?"},
      {"\xE2\x80\xAA\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C", "???????"},
      {"\x9B\xFF\xC0\xAF", "????"},
      {"\xC2\xA0\xE2\x80\xA6\xE2\x80\x9C\xE2\x81\xAA\xD8\x9D", "\xC2\xA0\xE2\x80\xA6\xE2\x80\x9C\xE2\x81\xAA\xD8\x9D"},
  };
  char line[64];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    (void)bp_text_clean(line, sizeof line, rows[i][0]);
    assert_string_equal(line, rows[i][1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_character_has_its_length),      cmocka_unit_test(nothing_else_is_a_character),
      cmocka_unit_test(a_text_is_valid_when_all_of_it_is),   cmocka_unit_test(cleaning_never_leaves_the_line),
      cmocka_unit_test(what_drives_a_terminal_is_not_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
