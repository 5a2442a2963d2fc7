/* cli/bench_items.c - the standard networks and products that `backprop bench` measures. */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

/* The digits of MNIST; the smallest network that is of use; a deep one on few features; one that is all matrix products. */
static const bench_net mnist = {784, {128, 128, 10}, 3, true, BP_LOSS_CROSS_ENTROPY};
static const bench_net tiny = {2, {4, 3, 1}, 3, false, BP_LOSS_BINARY_CROSS_ENTROPY};
static const bench_net higgs = {28, {300, 300, 300, 300, 300, 1}, 6, false, BP_LOSS_BINARY_CROSS_ENTROPY};
static const bench_net wide = {1024, {1024, 1024, 1024, 1024}, 4, false, BP_LOSS_MSE};

#define PRODUCT(m_, n_, k_, left_, right_)                                                                             \
  { .kind = BENCH_PRODUCT, .m = (m_), .n = (n_), .k = (k_), .left = (left_), .right = (right_) }
#define TRAINING(net_, rows_, steps_, optimizer_)                                                                      \
  { .kind = BENCH_TRAINING, .net = &(net_), .rows = (rows_), .steps = (steps_), .optimizer = (optimizer_) }
#define INFERENCE(net_, rows_)                                                                                         \
  { .kind = BENCH_INFERENCE, .net = &(net_), .rows = (rows_) }

static const bench_item items[] = {
    /* a layer forward, its weights' gradient, the error signal back; then products beyond the caches */
    PRODUCT(128, 128, 784, false, false),
    PRODUCT(784, 128, 128, true, false),
    PRODUCT(128, 128, 128, false, true),
    PRODUCT(1, 128, 784, false, false),
    PRODUCT(512, 1024, 1024, false, false),
    PRODUCT(1024, 1024, 512, true, false),
    PRODUCT(512, 1024, 1024, false, true),
    /* 16,384 images are 13 MB, which no core has for itself: rows come from memory, as they do in earnest */
    TRAINING(mnist, 32, 512, BP_SGD),
    TRAINING(mnist, 128, 128, BP_SGD),
    TRAINING(mnist, 512, 32, BP_SGD),
    TRAINING(mnist, 128, 128, BP_ADAM),
    TRAINING(tiny, 4, 4096, BP_SGD),
    TRAINING(higgs, 100, 40, BP_SGD),
    TRAINING(wide, 512, 2, BP_SGD),
    INFERENCE(mnist, 1),
    INFERENCE(mnist, 1024),
    INFERENCE(tiny, 1),
    INFERENCE(higgs, 1),
    INFERENCE(higgs, 1024),
};

const bench_item *bench_item_at(int i) { return i >= 0 && (size_t)i < sizeof items / sizeof *items ? &items[i] : NULL; }

const char *bench_layout(const bench_item *item) { return item->left ? "AᵀB" : item->right ? "ABᵀ" : "AB"; }

const char *bench_net_name(const bench_net *net, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%" PRId64, net->inputs);
  for (int l = 0, next; l < net->layers && used < size; l = next) {
    for (next = l + 1; next < net->layers && net->units[next] == net->units[l];) next++;
    const char *format = next - l > 2 ? "-%" PRId64 "x%d" : "-%" PRId64;
    if (next - l <= 2) next = l + 1;
    used += (size_t)snprintf(text + used, size - used, format, net->units[l], next - l);
  }
  return text;
}

const char *bench_item_name(const bench_item *item, char *text, size_t size) {
  char net[128];
  static const char *const layouts[] = {"AB", "ABt", "AtB"};
  switch (item->kind) {
  case BENCH_PRODUCT:
    (void)snprintf(text, size, "product %s %" PRId64 "x%" PRId64 "x%" PRId64, layouts[item->left ? 2 : item->right],
                   item->m, item->n, item->k);
    break;
  case BENCH_TRAINING:
    (void)snprintf(text, size, "training %s batch %" PRId64 " %s", bench_net_name(item->net, net, sizeof net),
                   item->rows, bp_optimizer_name(item->optimizer));
    break;
  default:
    (void)snprintf(text, size, "inference %s rows %" PRId64, bench_net_name(item->net, net, sizeof net), item->rows);
    break;
  }
  return text;
}
