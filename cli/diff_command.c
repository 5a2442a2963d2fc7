/* cli/diff_command.c - `backprop diff`: the value and the derivatives of an expression. */
#include "commands.h"
#include "console.h"
#include "diff.h"

/* Options of which one says nothing beside the other: nothing is silently ignored. */
static const struct {
  cli_option_id one, other;
  const char *why;
} conflicts[] = {
    {CLI_OPTION_dot, CLI_OPTION_trace, "both are a way to show the graph"},
    {CLI_OPTION_dot, CLI_OPTION_json, "a drawing is no JSON"},
    {CLI_OPTION_dot, CLI_OPTION_check, "the drawing is of the expression, without derivatives"},
    {CLI_OPTION_dot, CLI_OPTION_wrt, "the drawing is of the expression, without derivatives"},
    {CLI_OPTION_dot, CLI_OPTION_along, "the drawing is of the expression, without derivatives"},
    {CLI_OPTION_dot, CLI_OPTION_mode, "the drawing is of the expression, without derivatives"},
    {CLI_OPTION_dot, CLI_OPTION_order, "the drawing is of the expression, without derivatives"},
    {CLI_OPTION_trace, CLI_OPTION_check, "check first, then look at the trace"},
};

static int check_options(const cli_request *request) {
  const cli_settings *s = &request->settings;
  for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++)
    if (request->given[conflicts[i].one] && request->given[conflicts[i].other])
      return cli_fail(CLI_USAGE, "diff: --%s and --%s do not go together: %s", cli_options[conflicts[i].one].name,
                      cli_options[conflicts[i].other].name, conflicts[i].why);
  if (request->given[CLI_OPTION_digits] && !s->trace) return cli_fail(CLI_USAGE, "diff: --digits is for --trace");
  if (s->trace && s->order == 2) return cli_fail(CLI_USAGE, "diff: --trace is of first order; leave --order out");
  if (s->along && s->wrt && s->order == 1)
    return cli_fail(CLI_USAGE, "diff: --along names the direction itself; --wrt goes with it for --order 2 only");
  if (s->along && s->mode == BP_MODE_REVERSE && s->order == 1)
    return cli_fail(CLI_USAGE, "diff: --along is one forward pass; --mode reverse goes with it for --order 2 only");
  return CLI_DONE;
}

static int draw(const diff_problem *p) {
  char *text;
  bp_status status = bp_graph_dot(&p->y, 1, &text);
  if (status != BP_OK) return diff_fail(p, status);
  cli_print_text(text);
  bp_string_free(p->ctx, text);
  return CLI_DONE;
}

static int trace(diff_problem *p, const cli_settings *s) {
  diff_table table;
  diff_result result;
  p->mode = p->along || s->mode == BP_MODE_FORWARD ? BP_MODE_FORWARD : BP_MODE_REVERSE;
  diff_result_init(&result, p->n);
  int failed = diff_trace_run(p, &table);
  if (!failed && s->json) failed = diff_derive(p, &result);
  if (!failed && s->json) diff_report_json(p, &result, NULL, &table);
  if (!failed && !s->json) diff_trace_report(p, &table, (int)s->digits);
  diff_table_release(&table);
  diff_result_release(&result);
  return failed;
}

static int derive(diff_problem *p, const cli_settings *s) {
  diff_result result;
  diff_check check = {0};
  diff_result_init(&result, p->n);
  diff_result_init(&check.differences, p->n);
  int failed = diff_derive(p, &result);
  if (!failed && s->check) failed = diff_check_run(p, &result, &check);
  const diff_check *shown = s->check ? &check : NULL;
  if (!failed && s->json) diff_report_json(p, &result, shown, NULL);
  if (!failed && !s->json) diff_report(p, &result, shown);
  cli_flush(cli_output()); /* what was found comes before what is wrong with it */
  if (!failed && s->check && !check.agrees)
    failed =
        cli_fail(CLI_CHECK_FAILED,
                 "diff: derivatives and difference quotients differ by %.1e; look for a kink or a pole near the point",
                 check.largest);
  diff_result_release(&result);
  diff_result_release(&check.differences);
  return failed;
}

int cli_run_diff(const cli_request *request) {
  const cli_settings *s = &request->settings;
  diff_problem p = {.mode = (bp_mode)s->mode, .order = (int)s->order};
  int failed = check_options(request);
  if (!failed) failed = cli_new_context(false, 0, &p.ctx);
  if (!failed) failed = diff_read_point(&p, request);
  if (!failed) failed = diff_read_expression(&p, request->operands[0]);
  if (!failed) failed = s->dot ? draw(&p) : s->trace ? trace(&p, s) : derive(&p, s);
  diff_problem_release(&p);
  return failed;
}
