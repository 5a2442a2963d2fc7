/* minute.c - learns XOR from four rows, keeps the model in a file, and asks it. */
#include <stdio.h>

#include "backprop/backprop.h"

int main(void) {
  const double a[] = {0, 0, 1, 1}, b[] = {0, 1, 0, 1};
  const char *const y[] = {"no", "yes", "yes", "no"};
  double p[4][2]; /* probabilities of "no" and "yes" */
  bp_context *ctx = NULL;
  bp_table *table = NULL;
  bp_model *model = NULL;
  bp_train_options options = {.size = sizeof options, .target = "xor", .fit.optimizer = BP_ADAM};

  bp_status status = bp_context_new(NULL, &ctx);
  if (!status) status = bp_table_new(ctx, 4, &table);
  if (!status) status = bp_table_add_numbers(ctx, table, "a", a);
  if (!status) status = bp_table_add_numbers(ctx, table, "b", b);
  if (!status) status = bp_table_add_text(ctx, table, "xor", y);
  if (!status) status = bp_model_train(ctx, table, NULL, &options, &model, NULL);
  if (!status) status = bp_model_save(ctx, model, "xor.safetensors");
  if (!status) status = bp_model_predict(ctx, model, table, 1, &p[0][0]);
  for (int i = 0; i < 4 && !status; i++) printf("%g xor %g: %.3f\n", a[i], b[i], p[i][1]);
  if (status) fprintf(stderr, "%s\n", bp_error_message(ctx));

  bp_model_free(model);
  bp_table_free(table);
  bp_context_free(ctx);
  return status != BP_OK;
}
