/* test_dictionary.c - words and their numbers, against a plain list. */
#include "data/dictionary.h"

#include <stdio.h>
#include <string.h>

#include "base/keyed_hash.h"
#include "support/testing.h"

static void numbers_words_in_their_order(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_dictionary d = {0};
  char word[32];
  const char *first = NULL;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 5000; i++) {
      int32_t number = -1;
      int length = snprintf(word, sizeof word, "word %d", i);
      bt_assert_ok(ctx, bp_dictionary_add(ctx, &d, word, (size_t)length, &number));
      assert_int_equal(number, i);
      if (i == 0 && !first) first = d.words[0];
    }
  }
  assert_int_equal(d.count, 5000);
  assert_ptr_equal(first, d.words[0]); /* words never move */
  assert_string_equal(first, "word 0");
  for (int i = 0; i < 5000; i++) {
    int length = snprintf(word, sizeof word, "word %d", i);
    assert_int_equal(bp_dictionary_find(&d, word, (size_t)length), i);
    assert_string_equal(bp_dictionary_word(&d, i), word);
  }
  bp_dictionary_release(bp_context_allocator(ctx), &d);
}

static void tells_prefixes_apart(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_dictionary d = {0};
  int32_t number;
  for (size_t size = 0; size <= 20; size++) {
    bt_assert_ok(ctx, bp_dictionary_add(ctx, &d, "aaaaaaaaaaaaaaaaaaaa", size, &number));
    assert_int_equal(number, size);
  }
  assert_int_equal(bp_dictionary_find(&d, "aaaa", 4), 4);
  assert_int_equal(bp_dictionary_find(&d, "aaab", 4), -1);
  assert_int_equal(bp_dictionary_find(&d, "", 0), 0);
  bp_dictionary_release(bp_context_allocator(ctx), &d);
}

static void keeps_long_words(void **state) {
  bp_context *ctx = bt_ctx(state);
  static char text[300000];
  bp_dictionary d = {0};
  int32_t number;
  memset(text, 'x', sizeof text);
  for (size_t size = 1; size < sizeof text; size = size * 3 + 1)
    bt_assert_ok(ctx, bp_dictionary_add(ctx, &d, text, size, &number));
  for (size_t size = 1, i = 0; size < sizeof text; size = size * 3 + 1, i++) assert_int_equal(strlen(d.words[i]), size);
  bp_dictionary_release(bp_context_allocator(ctx), &d);
}

static void an_empty_one_finds_nothing(void **state) {
  (void)state;
  bp_dictionary d = {0};
  assert_int_equal(bp_dictionary_find(&d, "a", 1), -1);
  assert_string_equal(bp_dictionary_word(&d, 0), "");
  assert_string_equal(bp_dictionary_word(&d, -1), "");
}

/* Where words lie is decided by the key; their numbers are not. */
static void no_number_depends_on_the_key(void **state) {
  enum { WORDS = 3000 };
  static const bp_hash_key keys[] = {{{0, 0}}, {{1, 2}}, {{0x0123456789ABCDEFu, 0xFEDCBA9876543210u}}};
  bp_context *ctx = bt_ctx(state);
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
    bp_dictionary d = {0};
    bp_hash_key_set_for_test(&keys[k]);
    for (int i = 0; i < 2 * WORDS; i++) {
      char word[16];
      int32_t number = -1;
      size_t size = (size_t)snprintf(word, sizeof word, "%d", i % WORDS * 7919 % WORDS);
      bt_assert_ok(ctx, bp_dictionary_add(ctx, &d, word, size, &number));
      assert_int_equal(number, i % WORDS);
    }
    bp_dictionary_release(bp_context_allocator(ctx), &d);
  }
  bp_hash_key_set_for_test(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(numbers_words_in_their_order), BT_TEST(tells_prefixes_apart),
                                     BT_TEST(keeps_long_words), BT_TEST(an_empty_one_finds_nothing),
                                     BT_TEST(no_number_depends_on_the_key)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
