/* model/model_layers.c - the layers of a model from the options of its training.
 *
 * A hidden layer is dense → normalisation → activation → dropout, and with `skip` its own input is added to what comes out, from the
 * second one on. In front of all stand the embedding of categories and the dropout of inputs, behind them the layer of the
 * objective's outputs.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/suggest.h"
#include "data/edges.h"
#include "model/model_object.h"

const char *bp_normalize_name(bp_normalize normalize) {
  static const char *const names[BP_NORMALIZE_COUNT] = {"none", "batch", "layer"};
  return (unsigned)normalize < BP_NORMALIZE_COUNT ? names[normalize] : NULL;
}

/* ---- checks ---- */

enum { BP_PIECES_MAX = 512 };

static int hidden_layers(const bp_train_options *o) { return o->n_hidden < 0 ? 0 : o->n_hidden == 0 ? 2 : o->n_hidden; }

static bp_status check_activations(bp_context *ctx, const bp_train_options *o) {
  int hidden = hidden_layers(o);
  if (o->n_hidden > BP_LAYERS_MAX)
    return bp_fail(ctx, BP_E_ARG, "%d hidden layers; expected at most %d", o->n_hidden, BP_LAYERS_MAX);
  if (o->n_activations < 0 || (o->n_activations > 1 && o->n_activations != hidden))
    return bp_fail(ctx, BP_E_ARG, "%d activations for %d hidden layers; expected 0, 1 or one for each",
                   o->n_activations, hidden);
  for (int i = 0; i < o->n_activations; i++)
    if (!bp_activation_name(o->activations[i].kind))
      return bp_fail(ctx, BP_E_ARG, "an activation is none of bp_activation");
  return BP_OK;
}

static bp_status check_rate(bp_context *ctx, const char *name, double rate) {
  if (rate >= 0 && rate < 1) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "%s %g: expected a number from 0 and below 1", name, rate);
}

bp_status bp_model_check_layers(bp_context *ctx, const bp_train_options *o) {
  if (!bp_init_name(o->init)) return bp_fail(ctx, BP_E_ARG, "init is none of bp_init");
  if (!(o->init_scale >= 0 && isfinite(o->init_scale)))
    return bp_fail(ctx, BP_E_ARG, "init_scale %g: expected a number above 0, or 0 for 1", o->init_scale);
  if (!isfinite(o->bias_init)) return bp_fail(ctx, BP_E_ARG, "bias_init %g: expected a finite number", o->bias_init);
  if (!bp_normalize_name(o->normalize)) return bp_fail(ctx, BP_E_ARG, "normalize: expected none, batch or layer");
  if (!(o->dropout < 0)) BP_TRY(check_rate(ctx, "dropout", o->dropout));
  if (!bp_preset_name(o->preset)) return bp_fail(ctx, BP_E_ARG, "preset: expected auto, strong or plain");
  if (o->effort < 0 || o->effort > 5)
    return bp_fail(ctx, BP_E_ARG, "effort %d: expected 1 to 5, or 0 for 3", o->effort);
  BP_TRY(check_rate(ctx, "dropout_input", o->dropout_input));
  if (o->members < 0 || o->members > BP_MEMBERS_MAX)
    return bp_fail(ctx, BP_E_ARG, "%d members; expected 1 to %d, or 0 for those of the preset", o->members,
                   BP_MEMBERS_MAX);
  if (o->pieces > BP_PIECES_MAX)
    return bp_fail(ctx, BP_E_ARG, "%d pieces; expected at most %d", o->pieces, BP_PIECES_MAX);
  return check_activations(ctx, o);
}

/* ---- embeddings ---- */

/* What `embed` says of one column: its width; 0: it is not embedded. */
typedef struct embed_part {
  const char *name, *width;
  size_t name_length, width_length;
} embed_part;

/* The parts between commas, one after the other; a part without = is for every column. */
static bool next_part(const char **text, embed_part *part) {
  if (*text == NULL) return false;
  size_t length = strcspn(*text, ","), name = length;
  while (name > 0 && (*text)[name - 1] != '=') name--;
  *part = (embed_part){*text, *text + name, name > 0 ? name - 1 : 0, length - name};
  *text = (*text)[length] == ',' ? *text + length + 1 : NULL;
  return true;
}

/* "auto" is 1.6 n^0.56, at most 600, a rule of thumb for n categories (Howard and Gugger, 2020); else a number. */
static bp_status parse_width(bp_context *ctx, const embed_part *part, int64_t categories, int64_t *width) {
  char text[16] = "", *end;
  if (part->width_length < sizeof text) memcpy(text, part->width, part->width_length);
  if (strcmp(text, "auto") == 0) {
    double rule = round(1.6 * pow((double)categories, 0.56));
    *width = rule > 600 ? 600 : (int64_t)rule;
    return BP_OK;
  }
  end = text;
  long n = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
  *width = n;
  if (n >= 1 && n <= 4096 && *end == '\0') return BP_OK;
  return bp_fail(
      ctx, BP_E_ARG,
      "embed '%.*s': expected a width from 1 to 4096 or auto, for all columns of categories or as COLUMN=WIDTH",
      (int)part->width_length, part->width);
}

static bp_status width_of(bp_context *ctx, const char *text, const bp_feature *f, int64_t *width) {
  embed_part part;
  *width = 0;
  while (next_part(&text, &part)) {
    bool all = part.width == part.name;
    bool named = part.name_length == strlen(f->name) && memcmp(part.name, f->name, part.name_length) == 0;
    int64_t parsed;
    BP_TRY(parse_width(ctx, &part, bp_feature_ones(f), &parsed));
    if (named || (all && *width == 0)) *width = parsed;
  }
  return BP_OK;
}

/* Whether an earlier part of the text names the same column, or is for all of them too. */
static bool is_repeated(const char *text, const embed_part *part) {
  embed_part other;
  bool all = part->width == part->name;
  while (next_part(&text, &other) && other.name != part->name) {
    if (all && other.width == other.name) return true;
    if (!all && other.width != other.name && other.name_length == part->name_length &&
        memcmp(other.name, part->name, part->name_length) == 0)
      return true;
  }
  return false;
}

/* Every column named is there, once, and holds categories. */
static bp_status check_names(bp_context *ctx, const char *text, const bp_encoding *e) {
  embed_part part;
  const char *begin = text;
  while (next_part(&text, &part)) {
    size_t i = 0;
    if (is_repeated(begin, &part))
      return bp_fail(ctx, BP_E_ARG, "embed '%.*s': what it is for was given a width before",
                     (int)(part.width - part.name + (ptrdiff_t)part.width_length), part.name);
    if (part.width == part.name) continue;
    while (i < e->n_features && (strlen(e->features[i].name) != part.name_length ||
                                 memcmp(e->features[i].name, part.name, part.name_length) != 0))
      i++;
    if (i == e->n_features)
      return bp_fail(ctx, BP_E_ARG, "embed: there is no column '%.*s' to learn from", (int)part.name_length, part.name);
    if (e->features[i].type != BP_FEATURE_CATEGORY)
      return bp_fail(ctx, BP_E_ARG, "embed: column '%s' holds no categories", e->features[i].name);
  }
  return BP_OK;
}

static bp_status find_blocks(bp_context *ctx, const char *text, const bp_encoding *e, bp_embedding_block *blocks,
                             size_t *n) {
  *n = 0;
  for (size_t i = 0; i < e->n_features; i++) {
    const bp_feature *f = &e->features[i];
    int64_t width;
    if (f->type != BP_FEATURE_CATEGORY) continue;
    BP_TRY(width_of(ctx, text, f, &width));
    if (width > 0) blocks[(*n)++] = (bp_embedding_block){f->first_input, bp_feature_ones(f), width};
  }
  if (*n > 0) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "embed: there is no column of categories");
}

static bp_status add_embedding(bp_context *ctx, const char *text, const bp_encoding *e, bp_net *net) {
  size_t n, room = e->n_features;
  if (text == NULL || *text == '\0') return BP_OK;
  BP_TRY(check_names(ctx, text, e));
  bp_embedding_block *blocks = bp_alloc(ctx, room, sizeof *blocks);
  if (blocks == NULL) return BP_E_NOMEM;
  bp_status status = find_blocks(ctx, text, e, blocks, &n);
  if (status == BP_OK) status = bp_net_embedding(ctx, net, blocks, n);
  bp_release(bp_context_allocator(ctx), blocks, room, sizeof *blocks);
  return status;
}

/* ---- pieces of numbers ---- */

/* The features that are numbers, and the first inputs of dates, which go on with time, where they have enough different values. Edges
 * stand behind one another. */
static bp_status find_pieces(bp_context *ctx, const bp_encoding *e, const bp_encoded *rows, int pieces,
                             bp_piecewise_column *columns, double *edges, size_t *n) {
  *n = 0;
  for (size_t i = 0; i < e->n_features; i++) {
    const bp_feature *f = &e->features[i];
    int64_t count;
    if (f->type != BP_FEATURE_NUMBER && f->type != BP_FEATURE_DATE) continue;
    BP_TRY(bp_encoded_edges(ctx, e, rows, f->first_input, pieces, edges, &count));
    if (count == 0) continue;
    columns[(*n)++] = (bp_piecewise_column){f->first_input, count, edges};
    edges += count;
  }
  return BP_OK;
}

static bp_status add_pieces(bp_context *ctx, int pieces, const bp_encoding *e, const bp_encoded *rows, bp_net *net) {
  size_t n = 0, room = e->n_features, n_edges = room * BP_EDGES_ROOM(pieces > 0 ? pieces : 0);
  if (pieces <= 0 || rows->dtype == BP_U8) return BP_OK;
  bp_allocator allocator = bp_context_allocator(ctx);
  bp_piecewise_column *columns = bp_alloc(ctx, room, sizeof *columns);
  double *edges = columns ? bp_alloc(ctx, n_edges, sizeof *edges) : NULL;
  bp_status status = edges ? find_pieces(ctx, e, rows, pieces, columns, edges, &n) : BP_E_NOMEM;
  if (status == BP_OK && n > 0) status = bp_net_piecewise(ctx, net, columns, n);
  bp_release(allocator, columns, room, sizeof *columns);
  bp_release(allocator, edges, n_edges, sizeof *edges);
  return status;
}

/* ---- layers ---- */

static bp_status add_norm(bp_context *ctx, bp_net *net, bp_normalize how, bp_activation_spec activation) {
  bp_norm_options o = {.size = sizeof o, .activation = activation};
  return how == BP_NORMALIZE_BATCH ? bp_net_batch_norm(ctx, net, &o) : bp_net_layer_norm(ctx, net, &o);
}

/* The bias in front of batch normalisation would be taken out again. With maxout the normalisation sees all maps. */
static bp_status add_hidden(bp_context *ctx, bp_net *net, const bp_train_options *o, int64_t units,
                            bp_activation_spec activation, int from) {
  bool plain = o->normalize == BP_NORMALIZE_NONE;
  bp_dense_options d = {.size = sizeof d, .units = units, .init = o->init, .init_scale = o->init_scale};
  d.bias = o->bias_init;
  d.no_bias = o->normalize == BP_NORMALIZE_BATCH;
  if (plain) d.activation = activation;
  if (!plain && activation.kind == BP_MAXOUT) d.units *= activation.setting > 0 ? (int64_t)activation.setting : 2;
  BP_TRY(bp_net_add_dense(ctx, net, &d));
  if (!plain) BP_TRY(add_norm(ctx, net, o->normalize, activation));
  if (o->dropout > 0) BP_TRY(bp_net_dropout(ctx, net, o->dropout));
  bp_skip_options skip = {.size = sizeof skip, .from = from};
  return o->skip && from >= 0 ? bp_net_skip(ctx, net, &skip) : BP_OK;
}

static bp_status add_layers(bp_context *ctx, bp_model *model, const bp_encoded *rows, const bp_train_options *o) {
  bp_net *net = model->net;
  BP_TRY(bp_net_set_members(ctx, net, o->members));
  BP_TRY(add_pieces(ctx, o->pieces, model->encoding, rows, net));
  BP_TRY(add_embedding(ctx, o->embed, model->encoding, net));
  if (o->dropout_input > 0) BP_TRY(bp_net_dropout(ctx, net, o->dropout_input));
  for (int i = 0; i < hidden_layers(o); i++) {
    bp_activation_spec activation = {.kind = BP_TANH};
    if (o->n_activations > 0) activation = o->activations[o->n_activations == 1 ? 0 : i];
    BP_TRY(add_hidden(ctx, net, o, o->hidden[i], activation, i == 0 ? -1 : bp_net_layers(net) - 1));
  }
  bp_dense_options last = {.size = sizeof last, .init = o->init, .init_scale = o->init_scale};
  last.units = bp_objective_units(&model->objective);
  return bp_net_add_dense(ctx, net, &last);
}

/* A network beyond a limit was asked for by the options. */
bp_status bp_model_build_net(bp_context *ctx, bp_model *model, const bp_encoded *rows,
                             const bp_train_options *options) {
  char message[256];
  BP_TRY(bp_net_new(ctx, model->encoding->inputs, options->dtype, &model->net));
  bp_status status = add_layers(ctx, model, rows, options);
  if (status != BP_E_LIMIT) return status;
  (void)snprintf(message, sizeof message, "%s", bp_error_message(ctx));
  return bp_fail(ctx, BP_E_ARG, "%s", message);
}
