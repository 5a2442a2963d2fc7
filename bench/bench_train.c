/* bench/bench_train.c - seconds per epoch of bp_fit() on the digits of MNIST. Public headers only.
 *
 *   bench_train                                a table of the usual settings
 *   bench_train --batch 32 --threads 2 ...     one setting
 *
 *   --threads N --batch N --hidden 128,128 --optimizer sgd|adam --activation tanh --dtype float32|float64
 *   --lr R --momentum R --seed N               as in bp_fit_options; sgd runs with momentum 0.9 and lr 0.1
 *   --epochs N     timed epochs, after one that warms up (default 5)
 *   --rows N       only the first N rows
 *   --accuracy     fits again with the test images as validation rows, and shows the accuracy after the last epoch
 *   --json         one JSON object per line instead of the table
 *   --data FOLDER  of the IDX files, plain or .gz; default $BACKPROP_MNIST, then data/mnist; without them, synthetic bytes
 *
 * BP_EXPLAIN=1 in the environment shows the plan of the compiled step.
 * Reading the data is not timed; shuffling, converting bytes to floats, and the loss of every step are. Beside the seconds of
 * the clock stand the seconds of the processor, of all threads together: on a machine that others use too, these show what
 * the work costs, and the clock what waiting for a core adds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "backprop/info.h"
#include "backprop/train.h"

enum { COLUMNS = 784, CLASSES = 10, ROWS = 60000, TEST_ROWS = 10000, LAYERS_MAX = 16, EPOCHS_MAX = 1000 };

static void die(const char *what, const char *why) {
  (void)fprintf(stderr, "bench_train: %s%s%s\n", what, *why ? ": " : "", why);
  exit(1);
}

static void must(bp_context *ctx, bp_status status) {
  if (status != BP_OK) die(bp_status_name(status), bp_error_message(ctx));
}

static void *must_have(void *ptr) {
  if (ptr == NULL) die("out of memory", "");
  return ptr;
}

static void say(void *user, bp_message_kind kind, const char *line) {
  (void)user, (void)kind;
  (void)fprintf(stderr, "%s\n", line);
}

/* ---- data ---- */
typedef struct digits {
  int64_t rows;
  uint8_t *pixels;  /* [rows, COLUMNS] */
  int32_t *classes; /* [rows] */
} digits;

/* The items of an IDX file behind its header of `header` bytes, `size` bytes each; false when it is not there. */
static bool read_idx(const char *folder, const char *name, unsigned header, int64_t items, int64_t size, uint8_t *out) {
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  gzFile file = gzopen(path, "rb");
  if (file == NULL) {
    (void)snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    file = gzopen(path, "rb");
  }
  if (file == NULL) return false;
  uint8_t head[16];
  unsigned bytes = (unsigned)(items * size);
  bool good = gzread(file, head, header) == (int)header && gzread(file, out, bytes) == (int)bytes;
  (void)gzclose(file);
  if (!good) die(path, "is cut short");
  return true;
}

static digits digits_new(int64_t rows) {
  return (digits){rows, must_have(malloc((size_t)rows * COLUMNS)), must_have(malloc((size_t)rows * sizeof(int32_t)))};
}

static void digits_free(digits *d) {
  free(d->pixels);
  free(d->classes);
}

static bool digits_read(const char *folder, const char *kind, digits *d) {
  char name[64];
  uint8_t *labels = must_have(malloc((size_t)d->rows));
  (void)snprintf(name, sizeof name, "%s-images-idx3-ubyte", kind);
  bool found = read_idx(folder, name, 16, d->rows, COLUMNS, d->pixels);
  (void)snprintf(name, sizeof name, "%s-labels-idx1-ubyte", kind);
  found = found && read_idx(folder, name, 8, d->rows, 1, labels);
  for (int64_t i = 0; found && i < d->rows; i++) d->classes[i] = labels[i];
  free(labels);
  return found;
}

/* As many zeros as in MNIST (four of five); the class is where the row's first bright pixel lies. */
static void digits_make(digits *d) {
  uint32_t x = 1;
  for (int64_t row = 0; row < d->rows; row++) {
    d->classes[row] = -1;
    for (int64_t i = 0; i < COLUMNS; i++) {
      x = x * 1664525u + 1013904223u;
      uint8_t pixel = x >> 24 < 51 ? (uint8_t)(x >> 16) : 0;
      d->pixels[row * COLUMNS + i] = pixel;
      if (d->classes[row] < 0 && pixel > 127) d->classes[row] = (int32_t)(i % CLASSES);
    }
    if (d->classes[row] < 0) d->classes[row] = 0;
  }
}

static bp_source source_of(const digits *d, int64_t rows) {
  return (bp_source){.rows = rows < d->rows ? rows : d->rows,
                     .columns = COLUMNS,
                     .dtype = BP_U8,
                     .features = d->pixels,
                     .scale = 1.0 / 255,
                     .target_dtype = BP_I32,
                     .outputs = CLASSES,
                     .targets = d->classes};
}

/* ---- one setting ---- */
typedef struct setting {
  int threads, layers;
  int64_t batch, hidden[LAYERS_MAX], rows;
  bp_optimizer optimizer;
  bp_activation activation;
  bp_dtype dtype;
  double lr, momentum; /* lr 0: the optimiser's; momentum is for sgd */
  uint64_t seed;
  int epochs;
  bool accuracy, json;
} setting;

typedef struct figures {
  double best, median, worst;  /* seconds per epoch by the clock */
  double cpu_best, cpu_median; /* by the processor, all threads together */
  double gflops;               /* at the best */
  double loss, accuracy;       /* of the last epoch; on the test images, NaN when not asked for */
  size_t workspace_bytes;
} figures;

static bp_net *network(bp_context *ctx, const setting *s) {
  bp_net *net;
  must(ctx, bp_net_new(ctx, COLUMNS, s->dtype, &net));
  for (int i = 0; i < s->layers; i++) must(ctx, bp_net_dense(ctx, net, s->hidden[i], s->activation, BP_INIT_AUTO));
  must(ctx, bp_net_dense(ctx, net, CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  return net;
}

/* Multiply-adds, times two, of a training step on one row: x·W and Xᵀ·Δ of every layer, Δ·Wᵀ of all but the first. */
static double flops_per_row(const bp_net *net) {
  double flops = 0;
  for (int l = 0; l < bp_net_layers(net); l++) {
    bp_layer_info info = bp_net_layer(net, l);
    flops += (l == 0 ? 4.0 : 6.0) * (double)info.inputs * (double)info.outputs;
  }
  return flops;
}

/* The times at the ends of epochs. */
typedef struct stamps {
  double wall[EPOCHS_MAX + 1], cpu[EPOCHS_MAX + 1];
  int n;
} stamps;

static double seconds_of(clockid_t clock) {
  struct timespec t;
  (void)clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool stamp(void *user, const bp_epoch *epoch, double done) {
  stamps *t = user;
  (void)epoch;
  if (done < 1) return true;
  t->wall[t->n] = seconds_of(CLOCK_MONOTONIC);
  t->cpu[t->n++] = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  return true;
}

static bp_fit_result fit(bp_context *ctx, const bp_net *net, const setting *s, const bp_source *train,
                         const bp_source *valid, stamps *times) {
  void *params[2 * (LAYERS_MAX + 1)];
  for (int p = 0; p < bp_net_params(net); p++) {
    size_t bytes = (size_t)bp_net_param(net, p).elements * bp_dtype_size(s->dtype);
    params[p] = must_have(aligned_alloc(64, (bytes + 63) / 64 * 64));
  }
  bp_net_init(net, s->seed, params);
  bp_fit_options options = {.size = sizeof options,
                            .objective.loss = BP_LOSS_CROSS_ENTROPY,
                            .optimizer = s->optimizer,
                            .lr = s->lr,
                            .momentum = s->optimizer == BP_SGD ? s->momentum : 0,
                            .batch_size = s->batch,
                            .epochs = s->epochs + 1,
                            .seed = s->seed,
                            .threads = s->threads,
                            .progress = stamp,
                            .progress_user = times};
  times->n = 0;
  bp_fit_result result;
  must(ctx, bp_fit(ctx, net, params, train, valid, &options, &result));
  for (int p = 0; p < bp_net_params(net); p++) free(params[p]);
  return result;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct lengths {
  double best, median, worst;
} lengths;

/* Of the n times between n + 1 ends of epochs. */
static lengths lengths_of(const double *ends, int n) {
  double seconds[EPOCHS_MAX] = {0};
  for (int e = 0; e < n; e++) seconds[e] = ends[e + 1] - ends[e];
  qsort(seconds, (size_t)n, sizeof *seconds, by_value);
  return (lengths){seconds[0], n % 2 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2, seconds[n - 1]};
}

static figures measure(bp_context *ctx, const setting *s, const digits *train, const digits *test) {
  bp_net *net = network(ctx, s);
  bp_source rows = source_of(train, s->rows), test_rows = source_of(test, test->rows);
  static stamps times;
  bp_fit_result result = fit(ctx, net, s, &rows, NULL, &times);
  lengths wall = lengths_of(times.wall, s->epochs), cpu = lengths_of(times.cpu, s->epochs);
  figures f = {.best = wall.best,
               .median = wall.median,
               .worst = wall.worst,
               .cpu_best = cpu.best,
               .cpu_median = cpu.median,
               .gflops = flops_per_row(net) * (double)rows.rows / wall.best * 1e-9,
               .loss = result.history[s->epochs].train_loss,
               .workspace_bytes = result.workspace_bytes};
  bp_fit_result_release(ctx, &result);
  if (s->accuracy) {
    result = fit(ctx, net, s, &rows, &test_rows, &times);
    f.accuracy = result.history[s->epochs].valid_accuracy;
    bp_fit_result_release(ctx, &result);
  }
  bp_net_free(net);
  return f;
}

/* ---- showing ---- */
static const char *widths_text(const setting *s, char text[256]) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = 0; i < s->layers; i++)
    used += (size_t)snprintf(text + used, 256 - used, "%s%lld", i ? "-" : "", (long long)s->hidden[i]);
  return text;
}

static void show_heading(const setting *s, const char *data) {
  bp_build_info build = bp_build();
  if (s->json) return;
  printf("bp_fit on %s, %d rows at most; kernels %s, %d cores, %s\n", data, ROWS, build.kernels, build.cores,
         build.compiler);
  printf("%-7s %5s %-11s %-5s %-8s %-7s   %8s %8s %8s %8s %8s %9s %8s\n", "threads", "batch", "hidden", "opt", "dtype",
         "activ.", "best s", "median s", "worst s", "cpu s", "GFLOP/s", "loss", "accuracy");
}

static void show(const setting *s, const figures *f, const char *data) {
  char widths[256], accuracy[32] = "-";
  const char *optimizer = bp_optimizer_name(s->optimizer), *dtype = bp_dtype_name(s->dtype);
  if (s->accuracy) (void)snprintf(accuracy, sizeof accuracy, "%.4f", f->accuracy);
  if (!s->json) {
    printf("%-7d %5lld %-11s %-5s %-8s %-7s   %8.4f %8.4f %8.4f %8.4f %8.1f %9.5f %8s\n", s->threads,
           (long long)s->batch, widths_text(s, widths), optimizer, dtype, bp_activation_name(s->activation), f->best,
           f->median, f->worst, f->cpu_median, f->gflops, f->loss, accuracy);
  } else {
    printf("{\"tool\": \"backprop\", \"version\": \"%s\", \"kernels\": \"%s\", \"data\": \"%s\", \"threads\": %d, "
           "\"batch\": %lld, "
           "\"hidden\": \"%s\", \"optimizer\": \"%s\", \"dtype\": \"%s\", \"activation\": \"%s\", \"epochs\": %d, "
           "\"best\": %.6f, \"median\": %.6f, \"worst\": %.6f, \"cpu_best\": %.6f, \"cpu_median\": %.6f, \"gflops\": "
           "%.2f, \"workspace\": %zu, \"loss\": %.8f, "
           "\"accuracy\": %s}\n",
           bp_version(), bp_build().kernels, data, s->threads, (long long)s->batch, widths_text(s, widths), optimizer,
           dtype, bp_activation_name(s->activation), s->epochs, f->best, f->median, f->worst, f->cpu_best,
           f->cpu_median, f->gflops, f->workspace_bytes, f->loss, s->accuracy ? accuracy : "null");
  }
  (void)fflush(stdout);
}

/* ---- the command line ---- */
static double number(const char *option, const char *text, double low, double high) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= low && value <= high)) die(option, "is out of its range");
  return value;
}

static void read_widths(const char *text, setting *s) {
  s->layers = 0;
  if (strcmp(text, "none") == 0) return;
  for (;;) {
    char *end;
    long width = strtol(text, &end, 10);
    if (end == text || width < 1 || s->layers == LAYERS_MAX || (*end != ',' && *end != '\0')) die("--hidden", text);
    s->hidden[s->layers++] = width;
    if (*end == '\0') return;
    text = end + 1;
  }
}

static void read_dtype(const char *text, setting *s) {
  if (strcmp(text, "float32") != 0 && strcmp(text, "float64") != 0) die("--dtype", text);
  s->dtype = strcmp(text, "float64") == 0 ? BP_F64 : BP_F32;
}

/* One option with its value. */
static void read_option(const char *name, const char *value, setting *s) {
  if (strcmp(name, "--threads") == 0)
    s->threads = (int)number(name, value, 0, 1024);
  else if (strcmp(name, "--batch") == 0)
    s->batch = (int64_t)number(name, value, 1, ROWS);
  else if (strcmp(name, "--hidden") == 0)
    read_widths(value, s);
  else if (strcmp(name, "--lr") == 0)
    s->lr = number(name, value, 0, 1e6);
  else if (strcmp(name, "--momentum") == 0)
    s->momentum = number(name, value, 0, 1);
  else if (strcmp(name, "--seed") == 0)
    s->seed = (uint64_t)number(name, value, 0, 1e15);
  else if (strcmp(name, "--epochs") == 0)
    s->epochs = (int)number(name, value, 1, EPOCHS_MAX);
  else if (strcmp(name, "--rows") == 0)
    s->rows = (int64_t)number(name, value, 1, ROWS);
  else if (strcmp(name, "--dtype") == 0)
    read_dtype(value, s);
  else if (strcmp(name, "--optimizer") == 0 && bp_optimizer_find(value, &s->optimizer))
    return;
  else if (strcmp(name, "--activation") == 0 && bp_activation_find(value, &s->activation))
    return;
  else
    die("no such option", name);
}

/* Whether one setting was asked for, not the table of the usual ones. */
static bool read_options(int argc, char **argv, setting *s, const char **folder) {
  bool one = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0) {
      s->json = true;
      continue;
    }
    if (strcmp(argv[i], "--accuracy") == 0) {
      s->accuracy = true;
      continue;
    }
    if (i + 1 == argc) die(argv[i], "is unknown, or needs a value");
    if (strcmp(argv[i], "--data") == 0) {
      *folder = argv[++i];
      continue;
    }
    one = one || (strcmp(argv[i], "--epochs") != 0 && strcmp(argv[i], "--seed") != 0);
    read_option(argv[i], argv[i + 1], s);
    i++;
  }
  return one;
}

/* What differs from the reference setting, in each row of the table. */
static const struct {
  int threads;
  int64_t batch;
  const char *hidden;
  bp_optimizer optimizer;
  bp_dtype dtype;
} usual[] = {
    {1, 128, "128,128", BP_SGD, BP_F32}, {2, 128, "128,128", BP_SGD, BP_F32},   {1, 128, "128,128", BP_ADAM, BP_F32},
    {1, 128, "128,128", BP_SGD, BP_F64}, {1, 1, "128,128", BP_SGD, BP_F32},     {1, 8, "128,128", BP_SGD, BP_F32},
    {1, 32, "128,128", BP_SGD, BP_F32},  {2, 32, "128,128", BP_SGD, BP_F32},    {1, 512, "128,128", BP_SGD, BP_F32},
    {2, 512, "128,128", BP_SGD, BP_F32}, {1, 128, "none", BP_SGD, BP_F32},      {1, 128, "512,512", BP_SGD, BP_F32},
    {2, 128, "512,512", BP_SGD, BP_F32}, {1, 128, "1024,1024", BP_SGD, BP_F32}, {2, 128, "1024,1024", BP_SGD, BP_F32},
};

int main(int argc, char **argv) {
  setting s = {.threads = 1,
               .batch = 128,
               .layers = 2,
               .hidden = {128, 128},
               .rows = ROWS,
               .activation = BP_TANH,
               .dtype = BP_F32,
               .momentum = 0.9,
               .seed = 1,
               .epochs = 5};
  const char *folder = getenv("BACKPROP_MNIST");
  if (folder == NULL) folder = "data/mnist";
  bool one = read_options(argc, argv, &s, &folder);
  bp_context *ctx;
  bp_context_options sink = {.size = sizeof sink, .message = say};
  if (bp_context_new(&sink, &ctx) != BP_OK) die("out of memory", "");
  digits train = digits_new(ROWS), test = digits_new(TEST_ROWS);
  bool real = digits_read(folder, "train", &train) && digits_read(folder, "t10k", &test);
  if (!real) digits_make(&train), digits_make(&test);
  const char *data = real ? "mnist" : "synthetic bytes";
  show_heading(&s, data);
  for (size_t i = 0; i < (one ? 1 : sizeof usual / sizeof *usual); i++) {
    if (!one) {
      s.threads = usual[i].threads;
      s.batch = usual[i].batch;
      s.optimizer = usual[i].optimizer;
      s.dtype = usual[i].dtype;
      s.lr = s.batch < 8 ? 0.001 : s.batch < 128 ? 0.01 : 0.1;
      if (s.optimizer == BP_ADAM) s.lr = 0.001;
      read_widths(usual[i].hidden, &s);
    }
    figures f = measure(ctx, &s, &train, &test);
    show(&s, &f, data);
  }
  digits_free(&train);
  digits_free(&test);
  bp_context_free(ctx);
  return 0;
}
