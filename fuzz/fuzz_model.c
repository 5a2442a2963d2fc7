/* fuzz_model.c - any bytes as a model file, packed with gzip or not: what is loaded describes itself, predicts, is evaluated, and is saved
 * as a file that gives the same model.
 *
 * Changes are made where readers look (support/container_mutator.h): valid JSON with hostile values, and tensors that fit.
 *
 * about: src/model/model_file.c src/model/model_describe src/model/model.c src/model/predictor.c src/formats/safetensors_ src/data/encoding_json.c
 */
#include "support/container_mutator.h"
#include "support/fuzzing.h"
#include "support/model_use.h"
#include "support/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx = NULL;
  bp_model *model = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  if (bp_model_load(ctx, scratch_write(0, data, size), &model) == BP_OK) {
    bp_table *table = model_table(ctx, model);
    model_use(ctx, model, table);
    bp_table_free(table);
    bp_model_free(model);
  } else {
    check(model == NULL && bp_error_message(ctx)[0] != '\0');
  }
  bp_context_free(ctx);
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  return container_mutate(data, size, max_size, seed);
}
