/* mnist.c - the digits of MNIST by 784-128-128-10 with tanh: a table after each epoch, and digits that it gets wrong.
 *
 *   mnist [FOLDER]    with the four IDX files, plain or .gz; default $BACKPROP_MNIST, then data/mnist
 *
 * Two epochs of SGD with momentum, mini-batches of 128 rows. Without the files it says so and ends with status 77.
 */
#include <stdio.h>
#include <stdlib.h>

#include <backprop/backprop.h>

enum { EPOCHS = 2, SHOWN = 4, SIDE = 28, SKIPPED = 77 };

/* NEW table of images and labels. */
static bp_status read_digits(bp_context *ctx, const char *folder, const char *kind, bp_table **out) {
  static const char *const endings[] = {"", ".gz"};
  char images[1024], labels[1024];
  bp_status status = BP_E_IO;
  for (int i = 0; i < 2 && status == BP_E_IO; i++) {
    const bp_read_options options = {.size = sizeof options, .labels = labels};
    (void)snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte%s", folder, kind, endings[i]);
    (void)snprintf(labels, sizeof labels, "%s/%s-labels-idx1-ubyte%s", folder, kind, endings[i]);
    status = bp_table_read(ctx, images, &options, out);
  }
  return status;
}

/* A row of the table when an epoch is done. */
static bool show_epoch(void *user, const bp_epoch *epoch, double done) {
  (void)user;
  if (done == 1)
    printf("%5d  %10.4f  %8.4f  %9.4f  %8.4f\n", epoch->epoch, epoch->train_loss, epoch->train_accuracy,
           epoch->valid_loss, epoch->valid_accuracy);
  return true;
}

/* The first wrong ones: their numbers, what they are, what was said. */
static bp_status show_wrong(bp_context *ctx, const bp_model *model, const bp_table *test) {
  int64_t rows = bp_table_rows(test), classes = bp_model_outputs(model);
  double *p = malloc((size_t)(rows * classes) * sizeof *p);
  bp_status status = p == NULL ? BP_E_NOMEM : bp_model_predict(ctx, model, test, 0, p);
  int64_t label = bp_table_find(test, bp_model_target(model));
  for (int64_t r = 0, shown = 0; r < rows && shown < SHOWN && status == BP_OK; r++) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++)
      if (p[r * classes + c] > p[r * classes + best]) best = c;
    if (best == (int64_t)bp_table_number(test, r, label)) continue;
    printf("test image %lld is a %g, taken for a %s (%.0f %% sure)\n", (long long)r, bp_table_number(test, r, label),
           bp_model_class(model, best), 100 * p[r * classes + best]);
    shown++;
  }
  free(p);
  return status;
}

static bp_status learn(bp_context *ctx, const bp_table *train, const bp_table *test, double *accuracy) {
  const bp_train_options options = {.size = sizeof options,
                                    .n_hidden = 2,
                                    .hidden = {128, 128},
                                    .fit = {.optimizer = BP_SGD,
                                            .lr = 0.1,
                                            .momentum = 0.9,
                                            .batch_size = 128,
                                            .epochs = EPOCHS,
                                            .seed = 1,
                                            .progress = show_epoch}};
  bp_model *model = NULL;
  bp_metrics metrics;
  printf("epoch  train loss  accuracy  test loss  accuracy\n");
  bp_status status = bp_model_train(ctx, train, test, &options, &model, NULL);
  if (status == BP_OK) status = show_wrong(ctx, model, test);
  if (status == BP_OK) status = bp_model_evaluate(ctx, model, test, 0, &metrics);
  if (status == BP_OK) {
    printf("%lld parameters, test accuracy %.4f\n", (long long)bp_net_size(bp_model_net(model)), metrics.accuracy);
    *accuracy = metrics.accuracy;
    bp_metrics_release(ctx, &metrics);
  }
  bp_model_free(model);
  return status;
}

int main(int argc, char **argv) {
  const char *folder = argc > 1 ? argv[1] : getenv("BACKPROP_MNIST");
  bp_context *ctx = NULL;
  bp_table *train = NULL, *test = NULL;
  double accuracy = 0;
  if (folder == NULL) folder = "data/mnist";
  bp_status status = bp_context_new(NULL, &ctx);
  if (status == BP_OK) status = read_digits(ctx, folder, "train", &train);
  if (status == BP_E_IO) {
    printf("skipped: no MNIST: %s\n", bp_error_message(ctx));
    bp_context_free(ctx);
    return SKIPPED;
  }
  if (status == BP_OK) status = read_digits(ctx, folder, "t10k", &test);
  if (status == BP_OK) status = learn(ctx, train, test, &accuracy);
  if (status != BP_OK) fprintf(stderr, "mnist: %s\n", bp_error_message(ctx));
  bp_table_free(train);
  bp_table_free(test);
  bp_context_free(ctx);
  return status != BP_OK || accuracy < 0.95;
}
