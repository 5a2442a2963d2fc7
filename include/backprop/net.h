/* backprop/net.h - networks as lists of layers. A layer only appends nodes to a graph; derivatives and programs come from
 * there.
 *
 *   bp_net_new(ctx, 784, BP_F32, &net);
 *   bp_net_dense(ctx, net, 128, BP_RELU, BP_INIT_AUTO);
 *   bp_net_dropout(ctx, net, 0.2);
 *   bp_net_dense(ctx, net, 10, BP_IDENTITY, BP_INIT_AUTO);
 *
 * Layers are numbered from 0, and their arrays are named as the state_dict of a PyTorch Sequential has them:
 * layers.0.weight, layers.0.bias, layers.2.weight, … A network holds no values: those of its arrays are the caller's, or
 * variables of a graph.
 *
 *   NEW     the caller owns the result and releases it with the matching _free()
 *   BORROW  used during the call only
 *   VIEW    points into its parent and lives as long as the parent
 *
 * Structs of options: `size` is sizeof the struct, and zero is the default of every other field.
 */
#ifndef BACKPROP_NET_H
#define BACKPROP_NET_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- activations ---- */
/* name, formula and, at a kink, the derivative; then what BP_INIT_AUTO means. In float32 the derivative of BP_TANH is 0 for |a| > 10
 * and that of BP_SIGMOID 0 for a > 17.5, where it is less than 1e-8 and 3e-8: error signals so small teach nothing, but become
 * denormals that slow training down. In float64, and of bp_tanh() and bp_sigmoid(), they are exact everywhere. */
typedef enum bp_activation {
  BP_IDENTITY,   /* c·a; setting c, 1 */
  BP_TANH,       /* tanh(a) */
  BP_SIGMOID,    /* 1 / (1 + exp(-a)) */
  BP_RELU,       /* max(a, 0); φ'(0) = 0; He */
  BP_HEAVISIDE,  /* 1 for a >= 0, else 0; derivative 0 */
  BP_LEAKY_RELU, /* a for a > 0, else s·a; setting s, 0.01; φ'(0) = s; Maas, Hannun and Ng, 2013; He */
  BP_ABS,        /* |a|; φ'(0) = 0; He */
  BP_PRELU, /* leaky_relu whose s is learnt, one for the layer or one for each unit; from 0.25; He et al., 2015; He */
  BP_MAXOUT, /* the largest of k affine maps; setting k, 2; equal ones share the cotangent; Goodfellow et al., 2013; He */
  BP_ELU, /* a for a > 0, else α(exp(a) - 1); setting α, 1; φ'(0) = α; Clevert, Unterthiner and Hochreiter, 2016; He */
  BP_SELU,         /* λ·elu of α; λ 1.0507…, α 1.6732…; φ'(0) = λα; Klambauer et al., 2017; LeCun, normal */
  BP_GELU,         /* a·Φ(a) = a erfc(-a/√2) / 2; Hendrycks and Gimpel, 2016; He */
  BP_GELU_TANH,    /* a (1 + tanh(√(2/π) (a + 0.044715 a³))) / 2, an approximation of it; He */
  BP_SILU,         /* a·σ(a); Elfwing, Uchibe and Doya, 2018; He */
  BP_SOFTPLUS,     /* log(1 + exp(a)); He */
  BP_SOFTSIGN,     /* a / (1 + |a|) */
  BP_MISH,         /* a·tanh(softplus(a)); Misra, 2019; He */
  BP_HARD_TANH,    /* min(max(a, -1), 1); derivative 1 from -1 to 1, both included */
  BP_HARD_SIGMOID, /* min(max(a/6 + 1/2, 0), 1); derivative 1/6 from -3 to 3, both included */
  BP_HARD_SILU,    /* a·hard_sigmoid(a); derivative at ±3 as if from within; Howard et al., 2019; He */
  BP_ACTIVATION_COUNT
} bp_activation;

/* An activation with its setting; {BP_TANH} is tanh. */
typedef struct bp_activation_spec {
  bp_activation kind;
  double setting; /* as said above; 0: the default */
  bool per_unit;  /* prelu: a slope for each unit instead of one for the layer */
} bp_activation_spec;

/* VIEW "tanh"; NULL out of range. */
BP_API const char *bp_activation_name(bp_activation activation);
/* The activation of that name; false if there is none. */
BP_API bool bp_activation_find(const char *name, bp_activation *out);
/* Room for any activation in text, its NUL included. */
#define BP_ACTIVATION_TEXT 48
/* An activation in text: "relu", "leaky_relu:0.2", "elu:1", "maxout:3", "prelu:unit". False (*out untouched) for anything
 * else: no such name, a setting where there is none, or one out of its range (above 0; maxout: 2 to 64). */
BP_API bool bp_activation_parse(const char *text, bp_activation_spec *out);
/* The same backwards, without a setting that is the default. Returns text; "" when the kind is out of range. */
BP_API const char *bp_activation_text(bp_activation_spec spec, char text[BP_ACTIVATION_TEXT]);
/* φ(x) as graph nodes, x [rows, units] (maxout: [rows, k·units] → [rows, units], column j·units + u being map j of unit u);
 * slope is that of prelu, [1] or [units], and not looked at for others. */
BP_API bp_var bp_activate(bp_activation_spec spec, bp_var x, bp_var slope);

/* ---- starting weights ---- */
typedef enum bp_init {
  BP_INIT_AUTO,           /* what the activation wants: He or LeCun where it says so, Glorot for all others */
  BP_INIT_GLOROT_UNIFORM, /* U(-r, r), r = sqrt(6 / (fan_in + fan_out)); Glorot and Bengio, 2010 */
  BP_INIT_GLOROT_NORMAL,  /* N(0, 2 / (fan_in + fan_out)) */
  BP_INIT_HE_UNIFORM,     /* U(-r, r), r = sqrt(6 / fan_in); He, Zhang, Ren and Sun, 2015 */
  BP_INIT_HE_NORMAL,      /* N(0, 2 / fan_in) */
  BP_INIT_ZEROS,
  BP_INIT_LECUN_UNIFORM, /* U(-r, r), r = sqrt(3 / fan_in); LeCun, Bottou, Orr and Müller, 1998 */
  BP_INIT_LECUN_NORMAL,  /* N(0, 1 / fan_in) */
  BP_INIT_UNIFORM,       /* U(-0.05, 0.05) */
  BP_INIT_NORMAL,        /* N(0, 0.05²) */
  BP_INIT_ORTHOGONAL, /* orthonormal rows or columns, the fewer of them, all such alike probable; Saxe et al., 2014 */
  BP_INIT_COUNT
} bp_init;
/* VIEW "glorot_uniform"; NULL out of range. */
BP_API const char *bp_init_name(bp_init init);
BP_API bool bp_init_find(const char *name, bp_init *out);
/* An initialiser in text with a factor for all weights: "he_normal", "normal:0.2" (N(0, 0.01²)), "orthogonal:1.4". False
 * (outputs untouched) for anything else, and for a factor that is not above 0. */
BP_API bool bp_init_parse(const char *text, bp_init *out, double *scale);

/* ---- layers ---- */
typedef struct bp_net bp_net;

/* NEW network of no layers over rows of `inputs` features; dtype F32 or F64. */
BP_API bp_status bp_net_new(bp_context *context, int64_t inputs, bp_dtype dtype, bp_net **out);
BP_API void bp_net_free(bp_net *net);

/* Appends a dense layer: z = φ(x·W + b), W [fan_in, units], b [units]. Weights start as `init` says, biases at 0.
 * BP_E_ARG    units < 1, or more than 2^24
 * BP_E_LIMIT  more than 1000 layers or 2^36 weights (all layers) */
BP_API bp_status bp_net_dense(bp_context *context, bp_net *net, int64_t units, bp_activation activation, bp_init init);

/* The same with everything settable. maxout: W [fan_in, k·units]. */
typedef struct bp_dense_options {
  size_t size;
  int64_t units;
  bp_activation_spec activation;
  bp_init init;
  double init_scale; /* factor of all starting weights; 0: 1 */
  bool no_bias;      /* z = φ(x·W) */
  double bias;       /* where biases start; 0.1 is customary for relu */
} bp_dense_options;
BP_API bp_status bp_net_add_dense(bp_context *context, bp_net *net, const bp_dense_options *options);

/* Appends batch normalisation: z = φ(γ (x - μ) / sqrt(v + ε) + β), γ and β [units] learnt from 1 and 0. In training μ and v are
 * mean and (biased) variance of the batch, and the running ones move towards them: r ← (1 - w) r + w·(of the batch), the
 * variance unbiased. A full batch of B rows has the weight w = m; one of n rows counts by its degrees of freedom, as pooled
 * statistics do: m·n / B for the mean, m·(n - 1) / (B - 1) for the variance, at most 1. (PyTorch and Keras give every batch the weight
 * m, so that a short last batch distorts what is learnt from the whole ones.) In a batch of one row the result is φ(β).
 * In use μ and v are the running ones. With maxout, units is a k-th of the inputs. Ioffe and Szegedy, 2015. */
typedef struct bp_norm_options {
  size_t size;
  double epsilon;  /* 0: 1e-5 */
  double momentum; /* m; batch normalisation only; 0: 0.1 */
  bp_activation_spec activation;
} bp_norm_options;
BP_API bp_status bp_net_batch_norm(bp_context *context, bp_net *net, const bp_norm_options *options);
/* Appends layer normalisation: the same with mean and variance of each row. Ba, Kiros and Hinton, 2016. */
BP_API bp_status bp_net_layer_norm(bp_context *context, bp_net *net, const bp_norm_options *options);

/* Appends (inverted) dropout: in training each value is 0 with probability `rate`, else divided by 1 - rate; in use it does
 * nothing. On the inputs when it is the first layer. Srivastava et al., 2014.
 * BP_E_ARG  unless 0 <= rate < 1 */
BP_API bp_status bp_net_dropout(bp_context *context, bp_net *net, double rate);

/* Appends a skip connection: z = φ(x + s), s the output of an earlier layer, or s·P with a learnt P [width of s, units] when
 * widths differ. He, Zhang, Ren and Sun, 2016. */
typedef struct bp_skip_options {
  size_t size;
  int from; /* number of the layer; -1: the network's input */
  bp_activation_spec activation;
} bp_skip_options;
BP_API bp_status bp_net_skip(bp_context *context, bp_net *net, const bp_skip_options *options);

/* Appends an embedding: each block of `count` columns, one-hot for a category, becomes `width` learnt ones, z = x·E, E [count,
 * width], which start as N(0, 1/width); columns in no block stay as they are, all in their order. A row of zeros (a category
 * never seen) gives zeros. blocks: BORROW, in rising order, not overlapping.
 * BP_E_ARG  a block of no columns, out of order, or beyond the columns */
typedef struct bp_embedding_block {
  int64_t first, count, width;
} bp_embedding_block;
BP_API bp_status bp_net_embedding(bp_context *context, bp_net *net, const bp_embedding_block *blocks, size_t n_blocks);

/* Appends the piecewise-linear encoding of numbers: z = [x, e], all columns as they are and behind them, column by column, the
 * pieces of those that are listed. For edges b_0 < … < b_T piece t of x (t from 1) is (x - b_{t-1}) / (b_t - b_{t-1}), cut to 0 from
 * below but for the first piece, and to 1 from above but for the last: so a number is a row of ones, one fraction and zeros, and a linear
 * layer behind it is any function that is linear between edges. Nothing is learnt here; edges are learnt from data by who makes
 * the network. Gorishniy, Rubachev and Babenko, 2022. columns: BORROW, in rising order.
 * BP_E_ARG  no column, one out of order or that is not there, or edges that are not finite in its element type, or not rising */
typedef struct bp_piecewise_column {
  int64_t column;
  int64_t count;       /* of edges, T + 1; 2 or more */
  const double *edges; /* [count] */
} bp_piecewise_column;
BP_API bp_status bp_net_piecewise(bp_context *context, bp_net *net, const bp_piecewise_column *columns,
                                  size_t n_columns);

/* ---- an ensemble ---- */
/* Makes the network an ensemble of `members` networks with the layers that it has and gets, each with arrays of its own that start by
 * random numbers of their own: array p of member m is array m·n + p of n·members. All see the same rows; the output is that of
 * all members side by side, [rows, members · outputs]. bp_objective_pool() makes one prediction of them (loss.h).
 * BP_E_ARG  members < 1, or more than BP_MEMBERS_MAX */
#define BP_MEMBERS_MAX 64
BP_API bp_status bp_net_set_members(bp_context *context, bp_net *net, int members);

/* ---- looking at it ---- */
typedef enum bp_layer_kind {
  BP_LAYER_DENSE,
  BP_LAYER_BATCH_NORM,
  BP_LAYER_LAYER_NORM,
  BP_LAYER_DROPOUT,
  BP_LAYER_SKIP,
  BP_LAYER_EMBEDDING,
  BP_LAYER_PIECEWISE,
  BP_LAYER_KIND_COUNT
} bp_layer_kind;
/* VIEW "batch_norm"; NULL out of range. */
BP_API const char *bp_layer_kind_name(bp_layer_kind kind);

typedef struct bp_layer_info {
  const char *type; /* VIEW "dense"; "" when there is no such layer */
  bp_layer_kind kind;
  bp_activation activation; /* the kind of spec */
  bp_activation_spec spec;
  int64_t inputs, outputs;
  int64_t parameters;               /* learnt, by all members */
  bool bias;                        /* dense: whether it has one */
  double rate;                      /* dropout */
  double epsilon, momentum;         /* normalisation */
  int from;                         /* skip */
  const bp_embedding_block *blocks; /* VIEW; embedding */
  size_t n_blocks;
  const bp_piecewise_column *pieces; /* VIEW; piecewise */
  size_t n_pieces;
} bp_layer_info;
BP_API int bp_net_members(const bp_net *net);
/* Layers, inputs and outputs of one member. */
BP_API int bp_net_layers(const bp_net *net);
BP_API bp_layer_info bp_net_layer(const bp_net *net, int layer);
BP_API int64_t bp_net_inputs(const bp_net *net);
BP_API int64_t bp_net_outputs(const bp_net *net);
BP_API bp_dtype bp_net_dtype(const bp_net *net);
/* All learnt parameters together. */
BP_API int64_t bp_net_size(const bp_net *net);

/* An array of the network: learnt, or a state that training updates otherwise.
 *
 *   dense        weight [fan_in, units], bias [units]          norm         weight [units], bias [units]
 *   skip         weight [width of s, units]                    batch_norm   also running_mean, running_var [units], states
 *   embedding    embedding.0.weight [count, width], …          prelu        slope [1] or [units], after the layer's own */
typedef struct bp_param_info {
  char name[56];  /* "layers.0.weight"; of several members "members.2.layers.0.weight" */
  int layer;      /* -1: there is no such parameter */
  int member;     /* from 0 */
  bool is_weight; /* of a linear map: regularised; biases, normalisation and slopes are not */
  bool is_state;  /* not learnt: it has no gradient, bp_net_apply_training() gives its next value */
  bool is_table;  /* [categories, width], kept so in files; other matrices [in, out] are kept as [out, in] */
  int rank;
  int64_t dims[2];
  int64_t elements;
  double bound; /* how it starts: U(-bound, bound), or N(0, bound²) when normal; 0: all at `start` */
  bool normal;
  bool orthogonal; /* then `bound` is the length of its rows or columns */
  double start;
} bp_param_info;
BP_API int bp_net_params(const bp_net *net);
BP_API bp_param_info bp_net_param(const bp_net *net, int param);

/* The arrays filled with their starting values: values[p] holds bp_net_param(net, p).elements elements of the network's dtype.
 * Array p is a pure function of (seed, p). */
BP_API void bp_net_init(const bp_net *net, uint64_t seed, void *const *values);

/* ---- as a graph ---- */
/* Failures are recorded on the graph; every result, in arrays too, is then a null variable (graph.h). */
/* Inputs for all arrays, in order: params[bp_net_params(net)]; and for those of one member, any: params[bp_net_params(net) / members]. */
BP_API void bp_net_declare(const bp_net *net, bp_graph *graph, bp_var *params);
BP_API void bp_net_declare_member(const bp_net *net, bp_graph *graph, bp_var *params);
/* The raw output for x [rows, inputs] given the arrays as variables, as the network is used: no dropout, running statistics. A
 * row of the result depends on that row of x alone. With several members: columns m · outputs + i, i of member m. */
BP_API bp_var bp_net_apply(const bp_net *net, bp_var x, const bp_var *params);
/* The same of one member, whose arrays alone are given. */
BP_API bp_var bp_net_apply_member(const bp_net *net, bp_var x, const bp_var *params);
/* The same of all; outputs (NULL, or the caller's [bp_net_layers()]) receives the output of each layer, those of members side by side. */
BP_API bp_var bp_net_apply_each(const bp_net *net, bp_var x, const bp_var *params, bp_var *outputs);

/* z [rows, members · outputs] for x [rows, inputs] as numbers, both of the network's dtype, dense and row-major; values[p] holds array p. By
 * plain evaluation: handy for a single use. Compile bp_net_apply(), or use a bp_predictor, to call often.
 * BP_E_ARG    rows < 0
 * BP_E_NOMEM  the allocator returned NULL */
BP_API bp_status bp_net_eval(bp_context *context, const bp_net *net, void *const *values, int64_t rows, const void *x,
                             void *z);

/* bp_net_apply() as the network is trained: with dropout and with the statistics of the batch. */
typedef struct bp_net_training {
  size_t size;
  uint64_t seed; /* of dropout: an element of a mask is a pure function of (seed, layer, step, element) */
  bp_var step;   /* F64 of rank 0, whole numbers from 0: a new one gives new masks; only looked at when a layer drops */
  int64_t
      batch; /* rows of a full batch, by which batch normalisation weighs a shorter one; 0: every batch counts as full */
} bp_net_training;
/* states[bp_net_params(net)] receives the next value of every state, for bp_assign(params[p], states[p]), and the null variable
 * for what is learnt; it may be NULL. */
BP_API bp_var bp_net_apply_training(const bp_net *net, bp_var x, const bp_var *params, const bp_net_training *training,
                                    bp_var *states);

#ifdef __cplusplus
}
#endif
#endif
