/* activations.c - activations: names, settings, formulas and defaults in one table; their text form. Floor: net. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "graph/node.h"
#include "net/net_core.h"

/* ---- formulas: x and the setting; elementwise, so that a compiled program appends them to the matrix product ---- */
static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }
static bp_var times(bp_var x, double factor) { return factor == 1 ? x : bp_mul(x, number(x, factor)); }
static bp_var plus(bp_var x, double term) { return bp_add(x, number(x, term)); }

static bp_var identity(bp_var x, double c) { return times(x, c); }

#define PLAIN(name)                                                                                                    \
  static bp_var plain_##name(bp_var x, double setting) {                                                               \
    (void)setting;                                                                                                     \
    return bp_##name(x);                                                                                               \
  }
PLAIN(tanh_unit)
PLAIN(sigmoid_unit)
PLAIN(relu)
PLAIN(heaviside)
PLAIN(abs)
PLAIN(softplus)

/* The negative part, min(x, 0): its derivative at 0 is 1, where that of relu is 0, so the left one is taken together. */
static bp_var negative(bp_var x) { return bp_clip(x, -INFINITY, 0); }

static bp_var leaky_relu(bp_var x, double slope) { return bp_add(bp_relu(x), times(negative(x), slope)); }
/* exp sees no positive number, so nothing overflows. */
static bp_var elu(bp_var x, double alpha) { return bp_add(bp_relu(x), times(bp_expm1(negative(x)), alpha)); }
static bp_var selu(bp_var x, double setting) {
  (void)setting;
  return times(elu(x, 1.6732632423543772848), 1.0507009873554804934);
}
/* Of 1 + erf little is left where erf is nearly -1; erfc is the same and exact. */
static bp_var gelu(bp_var x, double setting) {
  (void)setting;
  return bp_mul(times(x, 0.5), bp_erfc(times(x, -0.70710678118654752440)));
}
/* (1 + tanh u) / 2 is σ(2u), exact where tanh u is nearly -1. It is 0 or 1 beyond 32, where u' would overflow. */
static bp_var gelu_tanh(bp_var x, double setting) {
  (void)setting;
  bp_var held = bp_clip(x, -32, 32), u = bp_add(held, times(bp_mul(held, bp_square(held)), 0.044715));
  return bp_mul(x, bp_sigmoid(times(u, 2 * 0.79788456080286535588))); /* sqrt(2/π) */
}
static bp_var silu(bp_var x, double setting) {
  (void)setting;
  return bp_mul(x, bp_sigmoid(x));
}
/* From 1 on sign(x) (1 - 1 / (1 + |x|)), whose derivative does not cancel. */
static bp_var softsign(bp_var x, double setting) {
  (void)setting;
  bp_var a = bp_abs(x), b = plus(a, 1), one = number(x, 1);
  bp_var far = bp_mul(bp_sign(x), bp_sub(one, bp_reciprocal(b)));
  return bp_where(bp_less(a, one), bp_div(x, b), far);
}
static bp_var mish(bp_var x, double setting) {
  (void)setting;
  return bp_mul(x, bp_tanh(bp_softplus(x)));
}
static bp_var hard_tanh(bp_var x, double setting) {
  (void)setting;
  return bp_clip(x, -1, 1);
}
static bp_var hard_sigmoid(bp_var x, double setting) {
  (void)setting;
  return bp_clip(plus(times(x, 1.0 / 6), 0.5), 0, 1);
}
static bp_var hard_silu(bp_var x, double setting) { return bp_mul(x, hard_sigmoid(x, setting)); }

/* [rows, k·units] → [rows, units]: the maps of a unit stand k apart along an axis of their own. */
static bp_var maxout(bp_var x, double pieces) {
  int64_t k = (int64_t)pieces, dims[3] = {bp_var_dim(x, 0), k, bp_var_dim(x, 1) / k};
  return bp_reduce_max(bp_reshape(x, 3, dims), BP_AXIS(1));
}

/* ---- the table ---- */
typedef enum setting_kind { NO_SETTING, ABOVE_ZERO, NOT_ZERO, PIECES, PER_UNIT } setting_kind;

static const char *const expectations[] = {
    [NO_SETTING] = "no setting",           [ABOVE_ZERO] = "a number above 0",
    [NOT_ZERO] = "a number that is not 0", [PIECES] = "a whole number from 2 to 64",
    [PER_UNIT] = "no setting, or unit",
};

static const struct {
  const char *name;
  bp_var (*apply)(bp_var x, double setting); /* NULL: needs more than that */
  setting_kind takes;
  double setting; /* the default */
  bp_init init;   /* what auto means */
} table[BP_ACTIVATION_COUNT] = {
    [BP_IDENTITY] = {"identity", identity, NOT_ZERO, 1, BP_INIT_GLOROT_UNIFORM},
    [BP_TANH] = {"tanh", plain_tanh_unit, NO_SETTING, 0, BP_INIT_GLOROT_UNIFORM},
    [BP_SIGMOID] = {"sigmoid", plain_sigmoid_unit, NO_SETTING, 0, BP_INIT_GLOROT_UNIFORM},
    [BP_RELU] = {"relu", plain_relu, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_HEAVISIDE] = {"heaviside", plain_heaviside, NO_SETTING, 0, BP_INIT_GLOROT_UNIFORM},
    [BP_LEAKY_RELU] = {"leaky_relu", leaky_relu, ABOVE_ZERO, 0.01, BP_INIT_HE_UNIFORM},
    [BP_ABS] = {"abs", plain_abs, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_PRELU] = {"prelu", NULL, PER_UNIT, 0, BP_INIT_HE_UNIFORM},
    [BP_MAXOUT] = {"maxout", maxout, PIECES, 2, BP_INIT_HE_UNIFORM},
    [BP_ELU] = {"elu", elu, ABOVE_ZERO, 1, BP_INIT_HE_UNIFORM},
    [BP_SELU] = {"selu", selu, NO_SETTING, 0, BP_INIT_LECUN_NORMAL},
    [BP_GELU] = {"gelu", gelu, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_GELU_TANH] = {"gelu_tanh", gelu_tanh, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_SILU] = {"silu", silu, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_SOFTPLUS] = {"softplus", plain_softplus, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_SOFTSIGN] = {"softsign", softsign, NO_SETTING, 0, BP_INIT_GLOROT_UNIFORM},
    [BP_MISH] = {"mish", mish, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
    [BP_HARD_TANH] = {"hard_tanh", hard_tanh, NO_SETTING, 0, BP_INIT_GLOROT_UNIFORM},
    [BP_HARD_SIGMOID] = {"hard_sigmoid", hard_sigmoid, NO_SETTING, 0, BP_INIT_GLOROT_UNIFORM},
    [BP_HARD_SILU] = {"hard_silu", hard_silu, NO_SETTING, 0, BP_INIT_HE_UNIFORM},
};

const char *bp_activation_name(bp_activation activation) {
  return (unsigned)activation < BP_ACTIVATION_COUNT ? table[activation].name : NULL;
}

bool bp_activation_find(const char *name, bp_activation *out) {
  for (int i = 0; i < BP_ACTIVATION_COUNT; i++)
    if (strcmp(name, table[i].name) == 0) return *out = (bp_activation)i, true;
  return false;
}

bp_init activation_init(bp_activation kind) { return table[kind].init; }
const char *activation_expects(bp_activation kind) { return expectations[table[kind].takes]; }
int64_t activation_pieces(const bp_activation_spec *spec) {
  return spec->kind == BP_MAXOUT ? (int64_t)spec->setting : 1;
}

bool activation_resolve(bp_activation_spec *spec) {
  double s = spec->setting;
  if (spec->per_unit && table[spec->kind].takes != PER_UNIT) return false;
  if (s == 0) return spec->setting = table[spec->kind].setting, true;
  switch (table[spec->kind].takes) {
  case ABOVE_ZERO: return s > 0 && isfinite(s);
  case NOT_ZERO: return isfinite(s);
  case PIECES: return s >= 2 && s <= 64 && s == floor(s);
  default: return false;
  }
}

bp_var bp_activate(bp_activation_spec spec, bp_var x, bp_var slope) {
  bp_var args[] = {x, slope};
  int n = spec.kind == BP_PRELU ? 2 : 1;
  if (!bp_args_ok("activate", n, args)) return bp_zero_of(bp_graph_of(args, (size_t)n));
  if ((unsigned)spec.kind >= BP_ACTIVATION_COUNT)
    return bp_graph_fail(x.graph, BP_E_ARG, "activate: no activation number %d", (int)spec.kind);
  if (!activation_resolve(&spec))
    return bp_graph_fail(x.graph, BP_E_ARG, "activate: %s with the setting %g, expected %s", table[spec.kind].name,
                         spec.setting, activation_expects(spec.kind));
  if (spec.kind == BP_PRELU) return bp_add(bp_relu(x), bp_mul(negative(x), slope));
  return table[spec.kind].apply(x, spec.setting);
}

/* ---- text ---- */
bool bp_activation_parse(const char *text, bp_activation_spec *out) {
  bp_activation_spec spec = {0};
  char name[BP_ACTIVATION_TEXT];
  size_t length = strcspn(text, ":");
  if (length >= sizeof name) return false;
  memcpy(name, text, length);
  name[length] = '\0';
  if (!bp_activation_find(name, &spec.kind)) return false;
  const char *setting = text[length] == ':' ? text + length + 1 : NULL;
  if (setting && table[spec.kind].takes == PER_UNIT) {
    if (strcmp(setting, "unit") != 0) return false;
    spec.per_unit = true;
  } else if (setting && (!bp_number_parse(setting, strlen(setting), &spec.setting) || spec.setting == 0)) {
    return false;
  }
  if (!activation_resolve(&spec)) return false;
  *out = spec;
  return true;
}

const char *bp_activation_text(bp_activation_spec spec, char text[BP_ACTIVATION_TEXT]) {
  char setting[BP_NUMBER_TEXT];
  text[0] = '\0';
  if ((unsigned)spec.kind >= BP_ACTIVATION_COUNT) return text;
  if (spec.per_unit)
    (void)snprintf(text, BP_ACTIVATION_TEXT, "%s:unit", table[spec.kind].name);
  else if (spec.setting == 0 || spec.setting == table[spec.kind].setting)
    (void)snprintf(text, BP_ACTIVATION_TEXT, "%s", table[spec.kind].name);
  else
    (void)snprintf(text, BP_ACTIVATION_TEXT, "%s:%s", table[spec.kind].name, bp_number_text(spec.setting, setting));
  return text;
}
