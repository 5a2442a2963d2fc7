/* fuzz_date_form.c - lines of any text as a column of dates: what is a date is one in some form, instants are in the calendar, come
 * back from their text, and have their places in its cycles.
 *
 * about: src/data/date_form.c src/data/calendar.c
 */
#include <math.h>
#include <string.h>

#include "data/calendar.h"
#include "data/date_form.h"
#include "support/fuzzing.h"

static void follow(double seconds) {
  const bp_date_form year_first = {.layout = BP_DATE_YEAR_FIRST};
  char text[BP_INSTANT_TEXT];
  double again = 0, sine, cosine;
  check(bp_instant_is_valid(seconds));
  bp_instant_text(seconds, text);
  check(bp_date_form_read(&year_first, text, strlen(text), &again));
  check(fabs(again - seconds) < 0.0011);
  for (int c = 0; c < BP_CYCLES; c++) {
    double phase = bp_cycle_phase((bp_cycle)c, seconds);
    check(phase >= 0 && phase < 1);
    bp_turn(phase, &sine, &cosine);
    check(fabs(sine * sine + cosine * cosine - 1) < 1e-12);
  }
}

/* In how many forms a text is a date. */
static int forms_of(const char *text, size_t size) {
  int forms = 0;
  for (int layout = BP_DATE_NONE; layout < BP_DATE_LAYOUTS; layout++)
    for (int zone = 0; zone < 2; zone++) {
      const bp_date_form form = {(bp_date_layout)layout, zone == 1};
      double seconds;
      if (!bp_date_form_read(&form, text, size, &seconds)) continue;
      check(layout != BP_DATE_NONE);
      follow(seconds);
      forms++;
    }
  return forms;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data, *end = text + size;
  char described[BP_DATE_FORM_TEXT];
  bp_date_evidence evidence = {0};
  bool open;
  while (text < end) {
    const char *line = memchr(text, '\n', (size_t)(end - text));
    size_t length = (size_t)((line ? line : end) - text);
    bool date = bp_date_evidence_add(&evidence, text, length);
    check(date == bp_date_is_any(text, length));
    int forms = forms_of(text, length);
    check(date || forms == 0);
    text += length + 1;
  }
  bp_date_form form = bp_date_evidence_form(&evidence, &open);
  check(form.layout == BP_DATE_NONE || (evidence.texts[form.layout] > 0 || form.layout == BP_DATE_MONTH_FIRST));
  check(strlen(bp_date_form_text(&form, &evidence, described)) + 1 < sizeof described);
  return 0;
}
