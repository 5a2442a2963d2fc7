/* XXH64 against values of the reference implementation (xxHash 0.8.4, XXH64()). */
#include "base/hash64.h"

#include <string.h>

#include "support/testing.h"

static void published_values(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t seed, hash;
  } rows[] = {
      {"", 0, 0xef46db3751d8e999u},
      {"a", 0, 0xd24ec4f1a98c6e5bu},
      {"abc", 0, 0x44bc2cf5ad770999u},
      {"Nobody inspects the spammish repetition", 0, 0xfbcea83c8a378bf1u},
      {"", 20141025, 0x493d554c526625bau},
      {"abc", 20141025, 0x15bf5082de140c67u},
      {"0123456789abcdef", 0, 0x5c5b90c34e376d0bu},
      {"0123456789abcdef0123456789abcdef", 0, 0x642a94958e71e6c5u},
      {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!", 42, 0x0020075d82ce3cffu},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_true(bp_hash64(rows[i].text, strlen(rows[i].text), rows[i].seed) == rows[i].hash);
}

/* Every byte counts, wherever it stands, and so do the length and the seed. */
static void every_bit_counts(void **state) {
  (void)state;
  unsigned char bytes[100] = {0};
  for (size_t size = 1; size <= sizeof bytes; size++) {
    uint64_t hash = bp_hash64(bytes, size, 7);
    assert_true(hash != bp_hash64(bytes, size - 1, 7));
    assert_true(hash != bp_hash64(bytes, size, 8));
    for (size_t i = 0; i < size; i++) {
      bytes[i] = 1;
      assert_true(hash != bp_hash64(bytes, size, 7));
      bytes[i] = 0;
    }
  }
}

static void alignment_does_not_matter(void **state) {
  (void)state;
  char room[80];
  const char text[] = "forty bytes of text, and a few more than that";
  uint64_t hash = bp_hash64(text, sizeof text, 1);
  for (size_t shift = 0; shift < 16; shift++) {
    memcpy(room + shift, text, sizeof text);
    assert_true(bp_hash64(room + shift, sizeof text, 1) == hash);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_values),
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(alignment_does_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
