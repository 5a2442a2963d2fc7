/* backprop/model.h - the trained model: weights and everything needed to use them, in one object and one file.
 *
 * The file is safetensors: tensors named and shaped as PyTorch's state_dict has them (layers.0.weight [out, in],
 * layers.0.bias [out]); columns, types, categories, scaling, missing-value rule, class names, output unit and training
 * record are JSON text in __metadata__ (docs/formats.md).
 * A model is immutable once made: any number of threads may use it at once.
 */
#ifndef BACKPROP_MODEL_H
#define BACKPROP_MODEL_H
#include "backprop/metrics.h"
#include "backprop/table.h"
#include "backprop/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_model bp_model;

typedef enum bp_task { BP_TASK_AUTO, BP_TASK_CLASSIFICATION, BP_TASK_REGRESSION, BP_TASK_COUNT } bp_task;
/* VIEW "auto", "classification", "regression"; NULL out of range. */
BP_API const char *bp_task_name(bp_task task);

#define BP_LAYERS_MAX 64

typedef enum bp_normalize {
  BP_NORMALIZE_NONE,
  BP_NORMALIZE_BATCH,
  BP_NORMALIZE_LAYER,
  BP_NORMALIZE_COUNT
} bp_normalize;
/* VIEW "none", "batch", "layer"; NULL out of range. */
BP_API const char *bp_normalize_name(bp_normalize normalize);

/* What is done about everything that the options leave open. */
typedef enum bp_preset {
  BP_PRESET_AUTO, /* strong; plain where the network is described by hand (n_hidden, n_activations), for images, and for methods
                     * of full batches */
  BP_PRESET_STRONG, /* an ensemble with numbers encoded piecewise, stopped early, calibrated: bp_train_resolve() */
  BP_PRESET_PLAIN,  /* one network of tanh units, trained for a number of epochs */
  BP_PRESET_COUNT
} bp_preset;
/* VIEW "auto", "strong", "plain"; NULL out of range. */
BP_API const char *bp_preset_name(bp_preset preset);

/* What to train; zero-filled means the defaults, which train well on tables and images. */
typedef struct bp_train_options {
  size_t size; /* sizeof(bp_train_options) */
  bp_preset preset;
  int effort; /* of the strong preset, from 1, a first look, to 5, what time can buy; 0: 3 */
  /* Networks side by side that learn from the same rows, and predict together; 0: by the preset. With fit.patience and without validation
   * rows, each leaves out a part of its own of the training rows, by which it is judged. */
  int members;
  /* Pieces of the piecewise-linear encoding of each column of numbers, at most (bp_net_piecewise()); 0: by the preset; below 0: none. */
  int pieces;
  /* name or number (from 0) of the target column, or several separated by commas, which are values; NULL: the last column. */
  const char *target;
  /* name or number of a column of row weights, as bp_source.weights; mean and standard deviation of the columns of numbers, features
   * and targets, go by them too (a weight of 2 counts as the row twice), medians do not; NULL: every row counts the same. */
  const char *weight;
  /* "balanced": rows / (classes · rows of the class), or "a=2,b=0.5": factors on the weights of the training rows of a class, 1 for
   * those not named; NULL: none. Validation and evaluation do without. */
  const char *class_weight;
  const char *ignore;   /* comma-separated columns to leave out; NULL: none */
  const char *features; /* comma-separated columns to use; NULL: all others */
  /* Texts of a column that become inputs of their own, the most frequent; 0: 256; below 0: all. All others share an input, and so do
   * those in fewer than 3 rows where there are more than 100. A column of a file in which most rows have a text of their own is left
   * out, unless `features` or the reader's as_text names it. */
  int64_t max_categories;
  /* "user=64,city=16": columns whose texts, or numbers, become so many categories each (2 to 65536) by a hash of them, which some
   * share by chance; NULL: none. */
  const char *hash;
  bp_task task;
  int n_hidden; /* -1: no hidden layer; 0: by the preset */
  int64_t hidden[BP_LAYERS_MAX];
  int n_activations; /* 0: by the preset; 1: the same for all; else one per hidden layer */
  bp_activation_spec activations[BP_LAYERS_MAX];
  bp_normalize normalize; /* of every hidden layer, in front of its activation */
  double dropout;         /* part of the units behind every hidden layer that a step leaves out; 0 <= dropout < 1 */
  double dropout_input;   /* the same for the inputs */
  bool skip;              /* every hidden layer but the first adds what came in to what goes out */
  /* columns of categories that become learnt vectors: a width for all, "8", or some, "city=8,colour=2"; the width "auto" is
   * 1.6 n^0.56 for n categories, at most 600; NULL: none. */
  const char *embed;
  bp_init init;
  double init_scale;      /* factor of all starting weights; 0: 1 */
  double bias_init;       /* where the biases of hidden layers start */
  bp_dtype dtype;         /* F32 or F64 */
  double valid_fraction;  /* part of the rows set aside for validation when no table is given; 0: none */
  const char *checkpoint; /* file that keeps the state of the run (checkpoint.h); NULL: none */
  int64_t
      checkpoint_every;  /* epochs between two checkpoints; 0: only when fit.step asks for one, and at the time limit */
  bool checkpoint_steps; /* checkpoint_every counts steps */
  const char *checkpoint_note; /* text kept in it for whoever goes on; NULL: none */
  const char *resume;          /* checkpoint to go on from, with the same data and settings; NULL: from the start */
  const char *settings;        /* one line that describes the settings for the training record; NULL: none */
  bp_fit_options fit; /* fit.objective.loss BP_LOSS_AUTO: cross_entropy for classification, mse for regression */
} bp_train_options;

/* The batch size and the epochs of the plain preset for `rows` training rows, where they are 0: batches of 128, smaller
 * ones for small tables, all rows for an optimiser of full batches; and 20 epochs, more of them for small tables. Fields that are
 * set stay as they are. */
BP_API void bp_train_defaults(int64_t rows, bp_fit_options *fit);
/* What bp_model_train() takes for `rows` training rows, features of which are bytes alone (images) or not: *out has a preset that is not
 * AUTO, and no field that is left to it. Where optimizer, lr and momentum are all 0 the optimizer is adam. Plain is 128,128 tanh units
 * and bp_train_defaults(). Strong, where a field is 0, is
 *
 *   members 8 of 64,64 relu units, pieces 16          effort 1 to 5: 4 of 32, 8, 8, 16, 32 of 96
 *   epochs 200, patience 16, metric calibrated_loss   for classes learnt by cross_entropy; else the loss
 *   batch_size so that an epoch has 64 steps or more, from 8 to 1024
 *
 * with fewer members above 50,000 rows, and without patience where there is nothing to stop by: below 32 rows, which are learnt whole,
 * and for one member, or fewer than two rows for each, where valid_fraction is 0 (a table of validation rows counts as any part).
 * Knowing the columns, bp_model_train() takes fewer pieces where there are hundreds of numbers, and larger batches where there are many
 * weights. Then probabilities get the root of the temperature of the rows that were left out (Guo, Pleiss, Sun and Weinberger, 2017).
 * fit.patience below 0 is never. options and out may be the same. */
BP_API void bp_train_resolve(const bp_train_options *options, int64_t rows, bool images, bp_train_options *out);

/* NEW model fitted to a table. valid may be NULL. Preprocessing is learnt on the training rows only: numbers are standardised,
 * bytes are divided by 255, text becomes one column per category, dates and times in a file become a number that goes on with
 * time and the sine and cosine of year, month, week and day; a missing number or date becomes the median and a missing text the most
 * frequent one, each with an indicator column; a constant column is dropped with a note.
 * result may be NULL; else release it with bp_fit_result_release() (it is as it was, {0} say, when *out is).
 * BP_E_DATA      the table cannot be learnt from (no rows, one class, a column that is not there, …)
 * BP_E_DATA, BP_E_ARG  `resume` was made with other data, or other settings: the message names the difference
 * BP_E_MODEL     `resume` is no checkpoint, or damaged
 * BP_E_IO        a file cannot be read, or the checkpoint of BP_SUSPEND not be written; a checkpoint that cannot be written while
 *                training goes on is a warning
 * BP_E_DIVERGED  *out and *result are valid: the last good model */
BP_API bp_status bp_model_train(bp_context *context, const bp_table *train, const bp_table *valid,
                                const bp_train_options *options, bp_model **out, bp_fit_result *result);
BP_API void bp_model_free(bp_model *model);

/* Writes the file atomically; a failed save leaves the old one. */
BP_API bp_status bp_model_save(bp_context *context, const bp_model *model, const char *path);
/* NEW model from a file.
 * BP_E_IO, BP_E_MODEL (the message says where and what) */
BP_API bp_status bp_model_load(bp_context *context, const char *path, bp_model **out);

/* ---- using it ---- */
/* The predictions for every row: [rows, outputs] in row-major order, written to `output` of rows × bp_model_outputs() doubles:
 * class probabilities (scores, where the output unit gives none), or values in the target's own units, and what else the loss
 * learns, as bp_objective_prediction() says. Columns are found by name. The result of a row does not depend on the other rows.
 * threads: 0 one per core.
 * BP_E_DATA  a column is missing, surplus or of another type; the message names it */
BP_API bp_status bp_model_predict(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                                  double *output);

/* How many rows of a table have a target that the model knows how to compare with: the rows that bp_model_evaluate() and the
 * diagnoses look at.
 * BP_E_DATA  a target column is missing, or holds texts where the model was trained with numbers */
BP_API bp_status bp_model_labelled_rows(bp_context *context, const bp_model *model, const bp_table *table,
                                        int64_t *rows);

/* What bp_table_stream_take() is to be told of a column of that name, so that every table of a stream has the types that the model
 * was trained with: text for categories and for numbers that are written in a form of their own, found for other
 * numbers, nothing for what the model does not read. A target is read by bp_model_evaluate() and the like: for these text where it is
 * text here, found where it is nothing. */
BP_API bp_take bp_model_take(const bp_model *model, const char *name);
/* Called with the rows of one table of a stream and their predictions, as above. BORROW. Return false to stop. */
typedef bool (*bp_predicted_fn)(void *user, const bp_table *rows, const double *output);
/* The predictions for all rows that the stream has left, table after table, in memory that does not grow with their number. Of what
 * training never saw it warns once, at the end.
 * BP_E_DATA  as bp_model_predict() and bp_table_stream_next(): `receive` may have had rows before */
BP_API bp_status bp_model_predict_stream(bp_context *context, const bp_model *model, bp_table_stream *stream,
                                         int threads, bp_predicted_fn receive, void *user);

/* The measures of a labelled table, each explained in metrics.h. NaN where they do not apply. */
typedef struct bp_metrics {
  bp_task task;
  int64_t rows;
  double loss; /* (weighted) mean over rows, as trained but without label smoothing; NaN for a callback's */

  /* classes */
  int64_t classes;        /* 0 for regression */
  double *confusion;      /* NEW [classes, classes]: rows are true classes, columns predicted ones */
  bp_class_score *scores; /* NEW [classes] */
  double accuracy, balanced_accuracy, mcc, kappa;
  bp_class_score macro, weighted;
  int64_t k;    /* of top_k: 5, or 2 for five classes or less */
  double top_k; /* more than two classes */
  /* where the outputs of a row are probabilities that sum to 1 */
  double log_loss, log_loss_bits, brier, calibration_error;
  /* of the second of two classes; of more, the mean of each against the rest. NaN when rows × classes is above 2^25: all of them
   * must be sorted */
  double auc, pr_auc;

  /* values, in the target's own units; of several targets the mean over them */
  double rmse, mae, r2, bias, median_error, max_error;
  /* the share of the rows whose value is at most the prediction: τ for a good prediction of a quantile τ */
  double coverage;
  int64_t n_targets;         /* 0 for classification */
  bp_value_metrics *targets; /* NEW [n_targets] */
} bp_metrics;
BP_API bp_status bp_model_evaluate(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                                   bp_metrics *out);
BP_API void bp_metrics_release(bp_context *context, bp_metrics *metrics);

/* ---- looking at it ---- */
/* VIEW the network. */
BP_API const bp_net *bp_model_net(const bp_model *model);
/* VIEW the values of a parameter: layout as in bp_param_info. */
BP_API const void *bp_model_param(const bp_model *model, int param);
BP_API bp_task bp_model_task(const bp_model *model);
/* Whether it is multi-label classification, which is a regression of several targets by its arithmetic: sigmoid outputs, and the loss
 * binary_cross_entropy. */
BP_API bool bp_model_is_multilabel(const bp_model *model);
/* VIEW the task for people: "classification", "regression", "multi-label classification". */
BP_API const char *bp_model_task_text(const bp_model *model);
BP_API bp_loss bp_model_loss(const bp_model *model);
/* VIEW what was minimised, resolved. For a loss that was a callback `rows` is NULL: it is not kept with a model, and
 * bp_model_evaluate() then gives the other measures and NaN for the loss. */
BP_API const bp_objective *bp_model_objective(const bp_model *model);
BP_API int64_t bp_model_outputs(const bp_model *model);
/* The name of an output into text[size], cut to fit: a class, the target, "TARGET_sd" for a standard deviation. Returns text. */
BP_API const char *bp_model_output_name(const bp_model *model, int64_t output, char *text, size_t size);
/* VIEW the name of the (first) target column. */
BP_API const char *bp_model_target(const bp_model *model);
/* Target columns: one for classification, and VIEW the name of one; "" out of range. */
BP_API int64_t bp_model_targets(const bp_model *model);
BP_API const char *bp_model_target_at(const bp_model *model, int64_t target);
/* VIEW the name of the column of row weights; NULL: there was none. */
BP_API const char *bp_model_weight(const bp_model *model);
/* VIEW the name of a class; "" out of range or for regression. */
BP_API const char *bp_model_class(const bp_model *model, int64_t class_number);
/* Feature columns of the table, before encoding. */
BP_API int64_t bp_model_columns(const bp_model *model);
typedef struct bp_column_info {
  const char *name;   /* VIEW; a block of bytes is one entry, named by its prefix and width, as pixel0..783 */
  const char *type;   /* VIEW "number", "category", "bytes", "date" */
  int64_t inputs;     /* network inputs that it becomes */
  double mean, scale; /* numbers, dates: (value - mean) / scale; bytes: value * scale with scale 1/255 */
  double missing;     /* number put in place of a missing one; NaN: none was missing */
  bool indicator;     /* an extra input that is 1 where it was missing */
  int64_t n_categories;
  const char *const *categories; /* VIEW */
  bool others;                   /* behind the inputs of the categories there is one for all other texts */
  int64_t buckets;               /* of a column that is hashed, which has no list of categories; else 0 */
  const char *cycles; /* VIEW dates: of which cycles they have sine and cosine, "year, month, week, day"; else "" */
} bp_column_info;
BP_API bp_column_info bp_model_column(const bp_model *model, int64_t column);
/* The value of a date is its seconds since 1970-01-01 00:00 UTC, without leap seconds (a date without a zone as if it were in UTC, a
 * time of day on 1970-01-01). Writes "2024-03-01" or "2024-03-01 12:30:00" to text[size], cut where it does not fit, or the number
 * where it is in none of the years 1 to 9999; returns text. 40 bytes are enough. */
BP_API const char *bp_date_text(double seconds, char *text, size_t size);
/* VIEW the training record as JSON text: version, settings, rows, epochs, losses; "{}" where a file has none. */
BP_API const char *bp_model_record(const bp_model *model);

#ifdef __cplusplus
}
#endif
#endif
