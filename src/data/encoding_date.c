/* data/encoding_date.c - an instant as the inputs of a network. Floor: data.
 *
 * One input goes on with time; what comes again in every cycle of the calendar has two, sine and cosine of the place in the cycle, so
 * that December is beside January and 23:59 beside 00:00.
 */
#include <math.h>

#include "data/encoding_parts.h"

int bp_date_inputs(const bp_feature *f, double seconds, double inputs[BP_DATE_INPUTS]) {
  int n = 0;
  inputs[n++] = (seconds - f->mean) / f->scale;
  for (int c = 0; c < BP_CYCLES; c++) {
    if (!(f->cycles >> c & 1)) continue;
    bp_turn(bp_cycle_phase((bp_cycle)c, seconds), &inputs[n], &inputs[n + 1]);
    n += 2;
  }
  return n;
}

/* What finer cycles can tell of dates in a form. */
static unsigned cycles_of(const bp_date_form *form) {
  if (form->layout == BP_DATE_TIME) return 1u << BP_CYCLE_DAY;
  return form->layout == BP_DATE_MONTH ? 1u << BP_CYCLE_YEAR : BP_CYCLES_ALL;
}

static bool stands_still(bp_cycle cycle, const double *seconds, int64_t n) {
  double phase = -1;
  for (int64_t i = 0; i < n; i++) {
    if (isnan(seconds[i])) continue;
    double next = bp_cycle_phase(cycle, seconds[i]);
    if (phase >= 0 && next != phase) return false;
    phase = next;
  }
  return true;
}

unsigned bp_date_cycles(const bp_date_form *form, const double *seconds, int64_t n) {
  double first = INFINITY, last = -INFINITY;
  unsigned cycles = cycles_of(form);
  for (int64_t i = 0; i < n; i++) {
    if (seconds[i] < first) first = seconds[i];
    if (seconds[i] > last) last = seconds[i];
  }
  for (int c = 0; c < BP_CYCLES; c++) {
    bool goes_through = form->layout == BP_DATE_TIME || last - first >= bp_cycle_seconds((bp_cycle)c) / 2;
    if (!goes_through || stands_still((bp_cycle)c, seconds, n)) cycles &= ~(1u << c);
  }
  /* The day of the week of what comes once a month is an accident. */
  bool monthly = !(cycles & 1u << BP_CYCLE_MONTH) && last - first >= bp_cycle_seconds(BP_CYCLE_MONTH) / 2;
  if (monthly) cycles &= ~(1u << BP_CYCLE_WEEK);
  return cycles;
}
