/* The digits of MNIST: five epochs of the reference network recognise at least 97 of 100 test images. */
/* labels: slow */
#include <zlib.h>

#include "train/train_fixtures.h"

enum { COLUMNS = 784, ROWS = 60000, TEST_ROWS = 10000 };

/* NEW what an IDX file, packed or not, holds behind its header. */
static uint8_t *idx_items(const char *dir, const char *name, unsigned header, unsigned size) {
  char path[BT_PATH];
  uint8_t skipped[16];
  (void)snprintf(path, sizeof path, "%s/%s", dir, name);
  if (!bt_file_exists(path)) (void)snprintf(path, sizeof path, "%s/%s.gz", dir, name);
  gzFile file = gzopen(path, "rb");
  uint8_t *items = malloc(size);
  if (file == NULL || items == NULL) fail_msg("cannot open %s", path);
  assert_int_equal(gzread(file, skipped, header), header);
  assert_int_equal(gzread(file, items, size), size);
  (void)gzclose(file);
  return items;
}

/* NEW pixels and classes; free() both. */
static bp_source digits(const char *dir, const char *kind, int64_t rows, uint8_t **pixels, int32_t **classes) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s-images-idx3-ubyte", kind);
  *pixels = idx_items(dir, name, 16, (unsigned)(rows * COLUMNS));
  (void)snprintf(name, sizeof name, "%s-labels-idx1-ubyte", kind);
  uint8_t *labels = idx_items(dir, name, 8, (unsigned)rows);
  *classes = malloc((size_t)rows * sizeof **classes);
  for (int64_t i = 0; i < rows; i++) (*classes)[i] = labels[i];
  free(labels);
  return (bp_source){rows, COLUMNS, BP_U8, *pixels, 1.0 / 255, 0, BP_I32, 10, *classes, NULL, NULL, 0, NULL, 0, NULL};
}

static void five_epochs_reach_97_percent_of_the_test_digits(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const int64_t widths[] = {128, 128, 10};
  const char *dir = bt_mnist_dir();
  if (dir == NULL) skip();
  uint8_t *pixels, *test_pixels;
  int32_t *classes, *test_classes;
  bp_source train = digits(dir, "train", ROWS, &pixels, &classes);
  bp_source test = digits(dir, "t10k", TEST_ROWS, &test_pixels, &test_classes);
  tt_model m = {0};
  bt_assert_ok(ctx, bp_net_new(ctx, COLUMNS, BP_F32, &m.net));
  for (int l = 0; l < 3; l++)
    bt_assert_ok(ctx, bp_net_dense(ctx, m.net, widths[l], l < 2 ? BP_TANH : BP_IDENTITY, BP_INIT_AUTO));
  for (int p = 0; p < bp_net_params(m.net); p++) m.params[p] = malloc(tt_bytes(&m, p));
  bp_net_init(m.net, 1, m.params);
  bp_fit_options o = {.size = sizeof o, .lr = 0.1, .momentum = 0.9, .batch_size = 128, .epochs = 5, .seed = 1};
  bp_fit_result result = {0};
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &train, &test, &o, &result));
  for (int e = 0; e < result.epochs; e++)
    print_message("epoch %d: loss %.4f, test accuracy %.4f, %.2f s\n", e + 1, result.history[e].train_loss,
                  result.history[e].valid_accuracy, result.history[e].seconds);
  assert_true(result.history[4].valid_accuracy >= 0.970);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(pixels);
  free(classes);
  free(test_pixels);
  free(test_classes);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(five_epochs_reach_97_percent_of_the_test_digits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
