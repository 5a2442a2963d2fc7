/* SipHash-1-3 against values of a program of its own, written from the paper and checked by the paper's value of SipHash-2-4. */
#include "base/keyed_hash.h"

#include <stdio.h>
#include <string.h>

#include "support/testing.h"

static const bp_hash_key counting = {{0x0706050403020100u, 0x0F0E0D0C0B0A0908u}};

static void known_values(void **state) {
  static const struct {
    size_t size;
    uint64_t hash;
  } rows[] = {{0, 0xabac0158050fc4dcu},  {1, 0xc9f49bf37d57ca93u}, {3, 0x8bf80ab8e7ddf7fbu},
              {7, 0xd3927d989bb11140u},  {8, 0x369095118d299a8eu}, {15, 0xd320d86d2a519956u},
              {16, 0xcc4fdd1a7d908b66u}, {63, 0x9d199062b7bbb3a8u}};
  unsigned char bytes[64];
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)i;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_true(bp_keyed_hash(&counting, bytes, rows[i].size) == rows[i].hash);
}

/* Words chosen to fall together under one key are spread by another. */
static void words_that_collide_under_one_key_do_not_under_another(void **state) {
  enum { WORDS = 200, SLOTS = 1024, MOST = 12 };
  const bp_hash_key other = {{1, 2}};
  int filled[SLOTS] = {0}, most = 0;
  char word[32];
  (void)state;
  for (int i = 0, found = 0; found < WORDS; i++) {
    size_t size = (size_t)snprintf(word, sizeof word, "%d", i);
    if (bp_keyed_hash(&counting, word, size) % SLOTS != 7) continue;
    found++;
    int *slot = &filled[bp_keyed_hash(&other, word, size) % SLOTS];
    if (++*slot > most) most = *slot;
  }
  assert_true(most < MOST);
}

static void the_key_of_the_process_is_drawn_once(void **state) {
  const bp_hash_key *key = bp_hash_key_now();
  (void)state;
  assert_ptr_equal(key, bp_hash_key_now());
  assert_true(key->k[0] != 0 || key->k[1] != 0);
  bp_hash_key_set_for_test(&counting);
  assert_ptr_equal(bp_hash_key_now(), &counting);
  bp_hash_key_set_for_test(NULL);
  assert_ptr_equal(bp_hash_key_now(), key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_values),
      cmocka_unit_test(words_that_collide_under_one_key_do_not_under_another),
      cmocka_unit_test(the_key_of_the_process_is_drawn_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
