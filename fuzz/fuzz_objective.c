/* fuzz_objective.c - any text as a loss: what is read can be resolved or says why not, and reads back as itself.
 *
 * about: src/train/objective.c
 */
#include <stdlib.h>
#include <string.h>

#include "backprop/loss.h"

static void check(bool holds) {
  if (!holds) abort();
}

static void resolve(bp_context *ctx, const bp_objective *o, bool classes, int64_t width) {
  bp_objective out;
  if (bp_objective_resolve(ctx, o, classes, width, &out) != BP_OK) {
    check(bp_error_message(ctx)[0] != '\0');
    return;
  }
  check(out.loss != BP_LOSS_AUTO && out.output != BP_OUTPUT_AUTO && out.width == width);
  check(bp_objective_units(&out) >= 1 && bp_objective_predictions(&out) >= width);
  for (int64_t i = 0; i < bp_objective_predictions(&out); i++) check(bp_objective_prediction(&out, i).target < width);
}

static void read_back(bp_context *ctx, const bp_objective *o) {
  char text[128];
  bp_objective again = {0};
  if (o->loss == BP_LOSS_EXPRESSION) return;
  check(bp_objective_parse(ctx, bp_objective_text(o, text, sizeof text), &again) == BP_OK);
  check(again.loss == o->loss && again.setting == o->setting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx;
  bp_objective o = {0};
  char *text = malloc(size + 1);
  if (!text) return 0;
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  if (bp_context_new(NULL, &ctx) == BP_OK) {
    if (bp_objective_parse(ctx, text, &o) == BP_OK) {
      read_back(ctx, &o);
      for (int64_t width = 1; width <= 3; width++) {
        resolve(ctx, &o, false, width);
        if (width > 1) resolve(ctx, &o, true, width);
      }
    } else {
      check(bp_error_message(ctx)[0] != '\0');
    }
    bp_context_free(ctx);
  }
  free(text);
  return 0;
}
