/* cli/bench_command.c - `backprop bench`: how fast this machine does what Backprop does, without any data. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "commands.h"
#include "console.h"

/* ---- the line of progress ---- */
static bool line_shown;

static void remove_line(void) {
  if (line_shown) cli_put_text(&cli_stderr, "\r\033[K");
  line_shown = false;
}

static void show_line(const cli_settings *s, int number, int of, const char *name) {
  if (s->quiet || !cli_is_terminal(&cli_stderr)) return;
  remove_line();
  cli_put(&cli_stderr, "%d/%d %.*s", number, of, cli_terminal_columns(&cli_stderr) - 12, name);
  cli_flush(&cli_stderr);
  line_shown = true;
}

/* ---- what is measured ---- */
static bool is_wanted(const cli_settings *s, const bench_item *item) {
  char name[192];
  return !s->only || strstr(bench_item_name(item, name, sizeof name), s->only) != NULL;
}

static int count_wanted(const cli_settings *s) {
  int n = 0;
  for (int i = 0; bench_item_at(i); i++) n += is_wanted(s, bench_item_at(i));
  return n;
}

/* An eighth of the time, at most half a second, is for the peak; items share the rest. */
static int measure(const cli_settings *s, bench_report *report, bp_context *ctx) {
  int wanted = count_wanted(s);
  double peak = s->seconds / 16 < 0.25 ? s->seconds / 16 : 0.25;
  bench_setting setting = {
      .ctx = ctx, .dtype = report->dtype, .threads = report->threads, .seconds = (s->seconds - 2 * peak) / wanted};
  show_line(s, 0, wanted, "multiply-add peak");
  report->peak[0] = bp_measure_peak(BP_F32, peak);
  report->peak[1] = bp_measure_peak(BP_F64, peak);
  for (int i = 0; bench_item_at(i); i++) {
    const bench_item *item = bench_item_at(i);
    bench_result *r = &report->results[report->n];
    char name[192];
    if (!is_wanted(s, item)) continue;
    show_line(s, report->n + 1, wanted, bench_item_name(item, name, sizeof name));
    r->item = item;
    bp_status status = bench_measure(&setting, item, &r->times);
    if (status != BP_OK) return cli_fail_with(ctx, status);
    report->n++;
  }
  remove_line();
  return CLI_DONE;
}

int cli_run_bench(const cli_request *request) {
  const cli_settings *s = &request->settings;
  bp_context *ctx = NULL;
  bench_report report = {.dtype = (bp_dtype)s->dtype,
                         .threads = s->threads > 0 ? (int)s->threads : bp_build().cores,
                         .seconds = s->seconds};
  int wanted = count_wanted(s);
  if (wanted == 0)
    return cli_fail(CLI_USAGE, "bench: --only %s: nothing that is measured has this in its name, as 'training 784' has",
                    s->only);
  int failed = cli_new_context(s->quiet, s->max_memory, &ctx);
  if (failed) return failed;
  report.results = cli_alloc((size_t)wanted, sizeof *report.results);
  cli_set_before_message(remove_line);
  failed = measure(s, &report, ctx);
  if (!failed && s->json) bench_report_json(&report);
  if (!failed && !s->json) bench_report_text(&report);
  free(report.results);
  bp_context_free(ctx);
  return failed;
}
