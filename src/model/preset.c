/* model/preset.c - what is done about everything that the options of a training leave open.
 *
 * The numbers were chosen on development tables, and are reported on others: docs/tables.md.
 */
#include "model/model_object.h"

const char *bp_preset_name(bp_preset preset) {
  static const char *const names[BP_PRESET_COUNT] = {"auto", "strong", "plain"};
  return (unsigned)preset < BP_PRESET_COUNT ? names[preset] : NULL;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

/* An epoch has at least 64 steps where it can, and there are epochs until there are 3000 steps. */
void bp_train_defaults(int64_t rows, bp_fit_options *fit) {
  if (fit->batch_size == 0 && bp_optimizer_full_batch(fit->optimizer)) fit->batch_size = rows;
  if (fit->batch_size == 0) {
    fit->batch_size = 8;
    while (fit->batch_size < 128 && fit->batch_size * 2 * 64 <= rows) fit->batch_size *= 2;
  }
  if (fit->epochs == 0 && fit->batch_size > 0) {
    int64_t batch = fit->batch_size < rows ? fit->batch_size : rows, steps = rows > 0 ? (rows + batch - 1) / batch : 1;
    fit->epochs = (int)clamp(3000 / steps, 20, rows < 100 ? 1000 : 200);
  }
}

/* ---- strong ---- */

/* Fewer rows are learnt whole: what could be set aside would say nothing. */
#define ROWS_TO_JUDGE_BY 32

/* Less is not worth the time. */
#define MIN_GAIN 1e-3

/* By effort: 1 for a first look, 5 for what time can buy. */
typedef struct recipe {
  int members, patience;
  int64_t units;
} recipe;

static recipe recipe_of(const bp_train_options *o, int64_t rows) {
  static const recipe recipes[] = {{4, 5, 32}, {8, 5, 64}, {8, 16, 64}, {16, 24, 64}, {32, 32, 96}};
  recipe r = recipes[o->effort > 0 ? o->effort - 1 : 2];
  for (int64_t many = 50000; rows > many && r.members > 2; many *= 4) r.members /= 2, r.patience = r.patience / 2 + 1;
  return r;
}

/* Whether nothing is said about how a step is made. */
static bool is_open(const bp_fit_options *f) { return f->optimizer == BP_SGD && f->lr == 0 && f->momentum == 0; }

static int64_t strong_batch(int64_t rows) {
  int64_t batch = 8;
  while (batch < 1024 && batch * 2 * (batch < 128 ? 64 : 256) <= rows) batch *= 2;
  return batch;
}

/* Whether there are rows to stop by: those set aside, or those that members leave out. */
static bool is_judged(const bp_train_options *o, const bp_facts *facts) {
  return facts->rows >= ROWS_TO_JUDGE_BY && (facts->has_valid || (o->members > 1 && 2 * o->members <= facts->rows));
}

/* Pieces of all columns together at most, where the preset decides: of hundreds of columns each is simple enough as it is. */
enum { PIECES_OF_ALL = 4096, PIECES_LEAST = 4 };

static int numbers_of(const bp_encoding *e) {
  int numbers = 0;
  for (size_t f = 0; f < e->n_features; f++) numbers += e->features[f].type == BP_FEATURE_NUMBER;
  return numbers;
}

static int pieces_within(const bp_encoding *e, int pieces) {
  int most = PIECES_OF_ALL / (1 + numbers_of(e));
  return pieces <= most ? pieces : most < PIECES_LEAST ? 0 : most;
}

/* A step costs a pass over its rows and one over all weights: where those are many, more rows make it worth while. */
static int64_t batch_for(const bp_train_options *o, const bp_encoding *e) {
  int64_t pieces = o->pieces > 0 ? o->pieces : 0, batch = o->fit.batch_size;
  int64_t inputs = e->inputs + pieces * numbers_of(e);
  int64_t weights = inputs * (o->n_hidden > 0 ? o->hidden[0] : 1) * o->members;
  while (batch < 64 && weights > 1 << 17) batch *= 2, weights /= 2;
  return batch;
}

/* What depends on the columns and the loss. */
static void resolve_by_columns(const bp_facts *facts, bool pieces, bool batches, bp_train_options *o) {
  bp_fit_options *f = &o->fit;
  if (facts->encoding == NULL) return;
  if (pieces) o->pieces = pieces_within(facts->encoding, o->pieces);
  if (batches) f->batch_size = batch_for(o, facts->encoding);
  if (f->metric == BP_METRIC_AUTO && f->patience > 0 && facts->loss == BP_LOSS_CROSS_ENTROPY)
    f->metric = BP_METRIC_CALIBRATED_LOSS;
}

static void resolve_strong(const bp_facts *facts, bp_train_options *o) {
  recipe r = recipe_of(o, facts->rows);
  bp_fit_options *f = &o->fit;
  bool pieces = o->pieces == 0, batches = f->batch_size == 0 && !bp_optimizer_full_batch(f->optimizer);
  if (o->members == 0) o->members = r.members;
  bool judged = is_judged(o, facts);
  if (pieces) o->pieces = 16;
  if (o->n_hidden == 0) o->n_hidden = 2, o->hidden[0] = o->hidden[1] = r.units;
  if (o->n_activations == 0) o->n_activations = 1, o->activations[0] = (bp_activation_spec){.kind = BP_RELU};
  if (f->patience == 0 && judged) f->patience = r.patience, f->min_gain = MIN_GAIN;
  if (batches) f->batch_size = strong_batch(facts->rows);
  if (f->epochs == 0 && judged && f->patience > 0) f->epochs = 200;
  resolve_by_columns(facts, pieces, batches, o);
}

/* ---- all ---- */

static bool is_strong(const bp_train_options *o, bool images) {
  if (o->preset != BP_PRESET_AUTO) return o->preset == BP_PRESET_STRONG;
  return o->n_hidden == 0 && o->n_activations == 0 && !images && !bp_optimizer_full_batch(o->fit.optimizer);
}

static void resolve_plain(bp_train_options *o) {
  if (o->n_hidden == 0) o->n_hidden = 2, o->hidden[0] = o->hidden[1] = 128;
  if (o->n_activations == 0) o->n_activations = 1, o->activations[0] = (bp_activation_spec){.kind = BP_TANH};
  if (o->members == 0) o->members = 1;
}

bp_train_options bp_preset_resolve(const bp_train_options *options, const bp_facts *facts) {
  bp_train_options o = *options;
  if (is_open(&o.fit)) o.fit.optimizer = BP_ADAM;
  o.preset = is_strong(&o, facts->images) ? BP_PRESET_STRONG : BP_PRESET_PLAIN;
  if (o.preset == BP_PRESET_STRONG)
    resolve_strong(facts, &o);
  else
    resolve_plain(&o);
  if (o.pieces < 0) o.pieces = 0;
  if (o.dropout < 0) o.dropout = 0;
  if (o.fit.patience < 0) o.fit.patience = 0;
  bp_train_defaults(facts->rows, &o.fit);
  return o;
}

void bp_train_resolve(const bp_train_options *options, int64_t rows, bool images, bp_train_options *out) {
  bp_facts facts = {.rows = rows, .images = images, .has_valid = options->valid_fraction > 0};
  *out = bp_preset_resolve(options, &facts);
}
