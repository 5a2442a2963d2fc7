/* cli/bench_report.c - what was measured: a table for people, JSON for programs. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "console.h"
#include "json_out.h"

/* ---- figures ---- */
static double rate(const bench_result *r) { return r->times.flops / r->times.best; }

/* Of the peak of all threads together. */
static double part_of_peak(const bench_report *report, const bench_result *r) {
  double peak = report->peak[report->dtype == BP_F64] * report->threads;
  return peak > 0 ? rate(r) / peak : NAN;
}

/* ---- for people ---- */
/* "105 µs", "0.42 ms", three digits. */
static const char *short_time(double seconds, char *text, size_t size) {
  static const struct {
    double unit;
    const char *name;
  } units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}};
  size_t i = 0;
  while (i < 3 && seconds < units[i].unit) i++;
  double value = seconds / units[i].unit;
  (void)snprintf(text, size, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[i].name);
  return text;
}

/* A text in a column of that many characters, which may be more bytes. */
static void put_right(const char *text, int width) {
  for (int room = width - cli_width(text); room > 0; room--) cli_print_text(" ");
  cli_print_text(text);
}
static void put_left(const char *text, int width) {
  cli_print_text(text);
  for (int room = width - cli_width(text); room > 0; room--) cli_print_text(" ");
}

enum { NAME = 17, WORKS = 16 };

static void put_name(const bench_item *item) {
  char text[160], net[128];
  if (item->kind == BENCH_PRODUCT) {
    (void)snprintf(text, sizeof text, "%" PRId64 "x%" PRId64 "x%" PRId64, item->m, item->n, item->k);
    put_left(text, NAME);
    put_left(bench_layout(item), WORKS);
    return;
  }
  put_left(bench_net_name(item->net, net, sizeof net), NAME);
  if (item->kind == BENCH_TRAINING)
    (void)snprintf(text, sizeof text, "%" PRId64 " rows, %s", item->rows, bp_optimizer_name(item->optimizer));
  else
    (void)snprintf(text, sizeof text, "%" PRId64 " row%s", item->rows, item->rows == 1 ? "" : "s");
  put_left(text, WORKS);
}

static void put_line(const bench_report *report, const bench_result *r) {
  char text[64];
  put_name(r->item);
  put_right(short_time(r->times.best, text, sizeof text), 9);
  (void)snprintf(text, sizeof text, "%.1f", rate(r) * 1e-9);
  put_right(text, 9);
  (void)snprintf(text, sizeof text, "%.0f%%", 100 * part_of_peak(report, r));
  put_right(text, 9);
  if (r->item->kind != BENCH_PRODUCT)
    put_right(cli_thousands((int64_t)((double)r->item->rows / r->times.best), text, sizeof text), 15);
  cli_print("\n");
}

void bench_report_text(const bench_report *report) {
  static const char *const headings[BENCH_KINDS] = {"matrix product", "training, a step", "inference"};
  bp_build_info build = bp_build();
  char line[128];
  cli_print("backprop %s, %s kernels, %d of %d cores, %s\n", build.version, build.kernels, report->threads, build.cores,
            bp_dtype_name(report->dtype));
  cli_print("peak of a core  %.1f GFLOP/s in float32, %.1f in float64\n", report->peak[0] * 1e-9,
            report->peak[1] * 1e-9);
  for (int i = 0; i < report->n; i++) {
    const bench_result *r = &report->results[i];
    if (i == 0 || r->item->kind != r[-1].item->kind) {
      (void)snprintf(line, sizeof line, "%-*s%9s%9s%9s%15s", NAME + WORKS, headings[r->item->kind], "time", "GFLOP/s",
                     "of peak", r->item->kind == BENCH_PRODUCT ? "" : "rows a second");
      for (size_t end = strlen(line); end > 0 && line[end - 1] == ' ';) line[--end] = '\0';
      cli_print("\n%s\n", line);
    }
    put_line(report, r);
  }
}

/* ---- for programs ---- */
static void json_net(cli_json *json, const bench_item *item) {
  char name[128];
  cli_json_text(json, "network", bench_net_name(item->net, name, sizeof name));
  cli_json_open(json, "units", '[');
  cli_json_whole(json, NULL, item->net->inputs);
  for (int l = 0; l < item->net->layers; l++) cli_json_whole(json, NULL, item->net->units[l]);
  cli_json_close(json, ']');
  cli_json_text(json, "activation", bp_activation_name(BP_TANH));
  cli_json_text(json, "loss", bp_loss_name(item->net->loss));
  cli_json_whole(json, "rows", item->rows);
  if (item->kind != BENCH_TRAINING) return;
  cli_json_text(json, "optimizer", bp_optimizer_name(item->optimizer));
  cli_json_whole(json, "steps", item->steps);
}

static void json_product(cli_json *json, const bench_item *item) {
  cli_json_whole(json, "m", item->m);
  cli_json_whole(json, "n", item->n);
  cli_json_whole(json, "k", item->k);
  cli_json_bool(json, "left_transposed", item->left);
  cli_json_bool(json, "right_transposed", item->right);
}

static void json_result(cli_json *json, const bench_report *report, const bench_result *r) {
  char name[192];
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "name", bench_item_name(r->item, name, sizeof name));
  if (r->item->kind == BENCH_PRODUCT)
    json_product(json, r->item);
  else
    json_net(json, r->item);
  cli_json_real(json, "seconds", r->times.best);
  cli_json_real(json, "seconds_median", r->times.median);
  cli_json_whole(json, "samples", r->times.samples);
  cli_json_real(json, "flops", r->times.flops);
  cli_json_real(json, "flops_per_second", rate(r));
  cli_json_real(json, "of_peak", part_of_peak(report, r));
  if (r->item->kind != BENCH_PRODUCT) cli_json_real(json, "rows_per_second", (double)r->item->rows / r->times.best);
  cli_json_close(json, '}');
}

void bench_report_json(const bench_report *report) {
  static const char *const keys[BENCH_KINDS] = {"products", "training", "inference"};
  bp_build_info build = bp_build();
  cli_json json = {.file = cli_output()};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "version", build.version);
  cli_json_text(&json, "kernels", build.kernels);
  cli_json_whole(&json, "cores", build.cores);
  cli_json_whole(&json, "threads", report->threads);
  cli_json_text(&json, "dtype", bp_dtype_name(report->dtype));
  cli_json_real(&json, "seconds", report->seconds);
  cli_json_open(&json, "peak_flops_per_second", '{');
  cli_json_real(&json, bp_dtype_name(BP_F32), report->peak[0]);
  cli_json_real(&json, bp_dtype_name(BP_F64), report->peak[1]);
  cli_json_close(&json, '}');
  for (int kind = 0; kind < BENCH_KINDS; kind++) {
    cli_json_open(&json, keys[kind], '[');
    for (int i = 0; i < report->n; i++)
      if ((int)report->results[i].item->kind == kind) json_result(&json, report, &report->results[i]);
    cli_json_close(&json, ']');
  }
  cli_json_close(&json, '}');
  cli_print("\n");
}
