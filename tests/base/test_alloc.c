/* Checked sizes, memory through the hook, arenas. */
/* labels: unit oom */
#include "base/alloc.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/fail.h"
#include "support/testing.h"

/* ---- checked arithmetic ---- */

static void sizes_are_multiplied_up_to_the_edge(void **state) {
  (void)state;
  const size_t root = (size_t)1 << sizeof(size_t) * CHAR_BIT / 2; /* of SIZE_MAX + 1 */
  size_t out = 7;
  assert_true(bp_mul_size(0, SIZE_MAX, &out) && out == 0);
  assert_true(bp_mul_size(SIZE_MAX, 0, &out) && out == 0);
  assert_true(bp_mul_size(SIZE_MAX, 1, &out) && out == SIZE_MAX);
  assert_true(bp_mul_size(root, root - 1, &out) && out == SIZE_MAX - (root - 1));
  out = 7;
  assert_false(bp_mul_size(root, root, &out));
  assert_false(bp_mul_size(SIZE_MAX, 2, &out));
  assert_false(bp_mul_size(SIZE_MAX / 2 + 1, 2, &out));
  assert_int_equal(out, 7);
}

static void sizes_are_added_up_to_the_edge(void **state) {
  (void)state;
  size_t out = 7;
  assert_true(bp_add_size(SIZE_MAX, 0, &out) && out == SIZE_MAX);
  assert_true(bp_add_size(1, SIZE_MAX - 1, &out) && out == SIZE_MAX);
  out = 7;
  assert_false(bp_add_size(SIZE_MAX, 1, &out));
  assert_false(bp_add_size(SIZE_MAX, SIZE_MAX, &out));
  assert_int_equal(out, 7);
}

/* Where sizes have 32 bits, 2^32 + 1 rows are not one row. */
static void counts_are_refused_beyond_a_size(void **state) {
  (void)state;
  const int64_t beyond = SIZE_MAX > UINT32_MAX ? INT64_MAX : (int64_t)UINT32_MAX + 2;
  size_t out = 7;
  assert_true(bp_mul_count(0, INT64_MAX, &out) && out == 0);
  assert_true(bp_mul_count(SIZE_MAX, 0, &out) && out == 0);
  assert_true(bp_mul_count(SIZE_MAX, 1, &out) && out == SIZE_MAX);
  assert_true(bp_mul_count(2, SIZE_MAX / 2, &out) && out == SIZE_MAX - 1);
  out = 7;
  assert_false(bp_mul_count(4, beyond, &out));
  assert_false(bp_mul_count(SIZE_MAX, 2, &out));
  assert_false(bp_mul_count(1, -1, &out));
  assert_false(bp_mul_count(0, -1, &out));
  assert_int_equal(out, 7);
}

static void dimensions_are_never_negative(void **state) {
  (void)state;
  int64_t out = 7;
  assert_true(bp_mul_dim(INT64_MAX, 1, &out) && out == INT64_MAX);
  assert_true(bp_mul_dim(0, INT64_MAX, &out) && out == 0);
  assert_true(bp_mul_dim(3037000499, 3037000499, &out) && out == 9223372030926249001);
  out = 7;
  assert_false(bp_mul_dim(3037000500, 3037000500, &out));
  assert_false(bp_mul_dim(INT64_MAX, 2, &out));
  assert_false(bp_mul_dim(-1, 5, &out));
  assert_false(bp_mul_dim(INT64_MIN, -1, &out));
  assert_false(bp_mul_dim(INT64_MIN, 2, &out));
  assert_int_equal(out, 7);
}

/* ---- blocks ---- */

static void a_block_of_no_bytes_is_a_block(void **state) {
  bp_context *ctx = bt_ctx(state);
  void *a = bp_alloc(ctx, 0, 8), *b = bp_calloc(ctx, 8, 0);
  assert_non_null(a);
  assert_non_null(b);
  bp_release(bp_context_allocator(ctx), a, 0, 8);
  bp_release(bp_context_allocator(ctx), b, 8, 0);
  bp_release(bp_context_allocator(ctx), NULL, 8, 8);
}

static void calloc_gives_zeros(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char zeros[1000];
  void *block = bp_calloc(ctx, 100, 10);
  bt_assert_same_bits(block, zeros, sizeof zeros);
  bp_release(bp_context_allocator(ctx), block, 100, 10);
}

static void a_size_that_overflows_is_out_of_memory(void **state) {
  bp_context *ctx = bt_ctx(state);
  char message[80];
  (void)snprintf(message, sizeof message, "out of memory: cannot get %zu x 3 bytes", SIZE_MAX / 2);
  assert_null(bp_alloc(ctx, SIZE_MAX / 2, 3));
  assert_int_equal(bp_error_status(ctx), BP_E_NOMEM);
  bt_assert_message(ctx, message);
  assert_null(bp_calloc(ctx, SIZE_MAX, SIZE_MAX));
  assert_null(bp_aligned_alloc(ctx, SIZE_MAX - 3));
}

static void memory_without_a_context_is_the_systems(void **state) {
  (void)state;
  char *block = bp_calloc(NULL, 3, 5);
  assert_non_null(block);
  bp_release(bp_context_allocator(NULL), block, 3, 5);
}

static void aligned_blocks_are_aligned(void **state) {
  bp_context *ctx = bt_ctx(state);
  void *blocks[40];
  for (size_t i = 0; i < 40; i++) {
    blocks[i] = bp_aligned_alloc(ctx, i * i);
    assert_non_null(blocks[i]);
    assert_int_equal((uintptr_t)blocks[i] % 64, 0);
    memset(blocks[i], 0xFF, i * i);
  }
  for (size_t i = 0; i < 40; i++) bp_aligned_free(bp_context_allocator(ctx), blocks[i], i * i);
  bp_aligned_free(bp_context_allocator(ctx), NULL, 5);
}

/* ---- growing arrays ---- */

static void an_array_grows_by_doubling_and_keeps_its_content(void **state) {
  bp_context *ctx = bt_ctx(state);
  void *data = NULL;
  size_t capacity = 0, resizes = 0;
  for (size_t n = 0; n < 1000; n++) {
    size_t before = capacity;
    bt_assert_ok(ctx, bp_grow(ctx, &data, &capacity, n + 1, sizeof(int)));
    assert_true(capacity >= n + 1);
    if (capacity != before) {
      assert_true(capacity >= 2 * before && capacity >= 16);
      resizes++;
    }
    ((int *)data)[n] = (int)n;
  }
  assert_int_equal(resizes, 7); /* 16, 32 ... 1024 */
  for (int n = 0; n < 1000; n++) assert_int_equal(((int *)data)[n], n);
  bt_assert_ok(ctx, bp_shrink(ctx, &data, &capacity, 1000, sizeof(int)));
  assert_int_equal(capacity, 1000);
  assert_int_equal(((int *)data)[999], 999);
  bp_release(bp_context_allocator(ctx), data, capacity, sizeof(int));
}

static void an_array_that_cannot_grow_stays_as_it_is(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  bp_context *ctx = fixture->ctx;
  void *data = NULL;
  size_t capacity = 0;
  bt_assert_ok(ctx, bp_grow(ctx, &data, &capacity, 16, 8));
  void *before = data;
  bt_assert_fails(ctx, BP_E_NOMEM, bp_grow(ctx, &data, &capacity, SIZE_MAX / 4, 8));
  fixture->memory.fail_at = fixture->memory.calls;
  bt_assert_fails(ctx, BP_E_NOMEM, bp_grow(ctx, &data, &capacity, 17, 8));
  fixture->memory.fail_at = fixture->memory.calls;
  bt_assert_fails(ctx, BP_E_NOMEM, bp_shrink(ctx, &data, &capacity, 1, 8));
  assert_ptr_equal(data, before);
  assert_int_equal(capacity, 16);
  bp_release(bp_context_allocator(ctx), data, capacity, 8);
}

/* ---- arenas ---- */

/* Blocks of all sizes: aligned, zero, apart from each other, and unmoved when others come. */
static void arena_blocks_are_aligned_zeroed_and_apart(void **state) {
  enum { BLOCKS = 600 };
  static unsigned char *blocks[BLOCKS];
  bp_arena arena;
  bp_arena_init(&arena, bt_ctx(state));
  for (size_t i = 0; i < BLOCKS; i++) {
    size_t size = i % 50 == 49 ? i * 100 : i % 90;
    blocks[i] = bp_arena_alloc(&arena, 1, size);
    assert_non_null(blocks[i]);
    assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
    for (size_t j = 0; j < size; j++) assert_int_equal(blocks[i][j], 0);
    memset(blocks[i], (int)(i % 255 + 1), size);
  }
  for (size_t i = 0; i < BLOCKS; i++) {
    size_t size = i % 50 == 49 ? i * 100 : i % 90;
    for (size_t j = 0; j < size; j++) assert_int_equal(blocks[i][j], i % 255 + 1);
  }
  bp_arena_release(&arena);
}

static void empty_arena_blocks_have_addresses_of_their_own(void **state) {
  bp_arena arena;
  bp_arena_init(&arena, bt_ctx(state));
  const void *a = bp_arena_alloc(&arena, 0, 8), *b = bp_arena_alloc(&arena, 8, 0);
  assert_non_null(a);
  assert_non_null(b);
  assert_ptr_not_equal(a, b);
  bp_arena_release(&arena);
  bp_arena_release(&arena); /* empty by now */
}

static void many_small_blocks_need_few_allocations(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  bp_arena arena;
  size_t calls = fixture->memory.calls;
  bp_arena_init(&arena, fixture->ctx);
  assert_int_equal(fixture->memory.calls, calls);
  for (int i = 0; i < 100000; i++) assert_non_null(bp_arena_alloc(&arena, 1, 32)); /* 3.2 MB */
  assert_true(fixture->memory.calls - calls <= 12);                                /* 4 KiB ... 1 MiB, and some more */
  bp_arena_release(&arena);
}

static void arena_strings_are_copies(void **state) {
  bp_arena arena;
  bp_arena_init(&arena, bt_ctx(state));
  const char *text = "name=value";
  char *all = bp_arena_string(&arena, text, NULL), *name = bp_arena_string(&arena, text, text + 4),
       *none = bp_arena_string(&arena, text, text);
  assert_string_equal(all, "name=value");
  assert_string_equal(name, "name");
  assert_string_equal(none, "");
  assert_ptr_not_equal(all, text);
  bp_arena_release(&arena);
}

static void an_arena_refuses_what_overflows(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_arena arena;
  bp_arena_init(&arena, ctx);
  static const size_t rows[][2] = {
      {SIZE_MAX, 2}, {SIZE_MAX, 1}, {1, SIZE_MAX - 15}, {1, SIZE_MAX - 40}, {1, SIZE_MAX / 2}};
  for (size_t round = 0; round < 2; round++) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      bp_error_clear(ctx);
      assert_null(bp_arena_alloc(&arena, rows[i][0], rows[i][1]));
      assert_int_equal(bp_error_status(ctx), BP_E_NOMEM);
    }
    assert_non_null(bp_arena_alloc(&arena, 1, 1));
  }
  bp_arena_release(&arena);
}

static void an_arena_outlives_its_context(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  const bp_context_options options = {.size = sizeof options, .alloc = bt_alloc_hook, .alloc_user = &fixture->memory};
  bp_context *other;
  bp_arena arena;
  bt_assert_ok(fixture->ctx, bp_context_new(&options, &other));
  bp_arena_init(&arena, other);
  assert_non_null(bp_arena_alloc(&arena, 10, 1000));
  bp_context_free(other);
  bp_arena_release(&arena);
}

/* ---- without memory ---- */

static bp_status use_everything(bp_context *ctx, void *user) {
  (void)user;
  bp_status status = BP_E_NOMEM;
  bp_arena arena;
  void *array = NULL, *aligned = NULL;
  size_t capacity = 0;
  bp_arena_init(&arena, ctx);
  for (size_t i = 0; i < 10; i++)
    if (!bp_arena_alloc(&arena, i, 1000)) goto done;
  aligned = bp_aligned_alloc(ctx, 100);
  if (!aligned) goto done;
  for (size_t n = 1; n < 100; n += 20) BP_TRY_DONE(bp_grow(ctx, &array, &capacity, n, 3));
  BP_TRY_DONE(bp_shrink(ctx, &array, &capacity, 1, 3));
  status = BP_OK;
done:
  bp_release(bp_context_allocator(ctx), array, capacity, 3);
  bp_aligned_free(bp_context_allocator(ctx), aligned, 100);
  bp_arena_release(&arena);
  return status;
}

static void every_failed_allocation_is_reported(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(use_everything, NULL) >= 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_are_multiplied_up_to_the_edge),
      cmocka_unit_test(sizes_are_added_up_to_the_edge),
      cmocka_unit_test(counts_are_refused_beyond_a_size),
      cmocka_unit_test(dimensions_are_never_negative),
      BT_TEST(a_block_of_no_bytes_is_a_block),
      BT_TEST(calloc_gives_zeros),
      BT_TEST(a_size_that_overflows_is_out_of_memory),
      cmocka_unit_test(memory_without_a_context_is_the_systems),
      BT_TEST(aligned_blocks_are_aligned),
      BT_TEST(an_array_grows_by_doubling_and_keeps_its_content),
      BT_TEST(an_array_that_cannot_grow_stays_as_it_is),
      BT_TEST(arena_blocks_are_aligned_zeroed_and_apart),
      BT_TEST(empty_arena_blocks_have_addresses_of_their_own),
      BT_TEST(many_small_blocks_need_few_allocations),
      BT_TEST(arena_strings_are_copies),
      BT_TEST(an_arena_outlives_its_context),
      BT_TEST(an_arena_refuses_what_overflows),
      cmocka_unit_test(every_failed_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
