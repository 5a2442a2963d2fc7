/* cli/option_values.c - the values of options: text to field, and what an option expects in words (option_text.c: field to text).
 *
 * Parsing never guesses: a value is what the option expects from its first to its last character, or it is refused.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "options.h"

/* ---- numbers ---- */

static bool is_auto(const cli_option *option, const char *value) {
  return option->domain.automatic && strcmp(value, "auto") == 0;
}

static bool starts_a_number(const char *value) {
  if (*value == '-') value++;
  if (*value == '.') value++;
  return *value >= '0' && *value <= '9';
}

/* What is no whole number, or is beyond int64_t, is refused by the range as well. */
static bool parse_whole(const cli_option *option, const char *value, void *field) {
  const cli_domain *domain = &option->domain;
  char *end;
  long long number = 0;
  if (!is_auto(option, value)) {
    if (!starts_a_number(value)) return false;
    errno = 0;
    number = strtoll(value, &end, 10);
    if (*end || errno || (double)number < domain->low || (double)number > domain->high) return false;
  }
  *(int64_t *)field = number;
  return true;
}

static bool parse_seed(const cli_option *option, const char *value, void *field) {
  char *end;
  (void)option;
  if (!starts_a_number(value) || *value == '-') return false;
  errno = 0;
  unsigned long long number = strtoull(value, &end, 10);
  if (*end || errno) return false;
  *(uint64_t *)field = number;
  return true;
}

/* Decimal and finite; NaN fails every comparison of the range. */
static bool parse_number(const char *value, const cli_domain *domain, double *out) {
  char *end;
  if (!starts_a_number(value) || strpbrk(value, "xXpP")) return false;
  double number = strtod(value, &end);
  if (*end || !isfinite(number)) return false;
  if (domain->above ? !(number > domain->low) : !(number >= domain->low)) return false;
  if (domain->below ? !(number < domain->high) : !(number <= domain->high)) return false;
  *out = number;
  return true;
}

static bool parse_real(const cli_option *option, const char *value, void *field) {
  double number = 0;
  if (!is_auto(option, value) && !parse_number(value, &option->domain, &number)) return false;
  *(double *)field = number;
  return true;
}

static bool parse_batch(const cli_option *option, const char *value, void *field) {
  if (strcmp(value, "full") != 0) return parse_whole(option, value, field);
  *(int64_t *)field = INT64_MAX;
  return true;
}

/* ---- text ---- */

static bool parse_flag(const cli_option *option, const char *value, void *field) {
  (void)option;
  bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
  if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0) return false;
  *(bool *)field = yes;
  return true;
}

static bool parse_text(const cli_option *option, const char *value, void *field) {
  (void)option;
  *(const char **)field = value;
  return true;
}

static bool parse_choice(const cli_option *option, const char *value, void *field) {
  for (int i = 0; option->domain.name(i); i++) {
    if (strcmp(value, option->domain.name(i)) != 0) continue;
    *(int *)field = i;
    return true;
  }
  return false;
}

static const struct {
  const char *word;
  int value;
} delimiters[] = {{"auto", 0}, {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"space", ' '}, {"pipe", '|'},
                  {",", ','},  {";", ';'},     {"\t", '\t'},       {"\\t", '\t'}, {" ", ' '},     {"|", '|'}};

static bool parse_delimiter(const cli_option *option, const char *value, void *field) {
  (void)option;
  for (size_t i = 0; i < sizeof delimiters / sizeof *delimiters; i++) {
    if (strcmp(value, delimiters[i].word) != 0) continue;
    *(int *)field = delimiters[i].value;
    return true;
  }
  return false;
}

static const char comment_marks[] = "#%;!*/$&@~\\^'";

static bool parse_comment(const cli_option *option, const char *value, void *field) {
  (void)option;
  bool automatic = strcmp(value, "auto") == 0, none = strcmp(value, "none") == 0;
  if (!automatic && !none && (!value[0] || value[1] || !strchr(comment_marks, value[0]))) return false;
  *(int *)field = automatic ? 0 : none ? ' ' : value[0];
  return true;
}

static bool parse_lines(const cli_option *option, const char *value, void *field) {
  cli_lines lines = {0, strcmp(value, "auto") != 0};
  if (lines.given && !parse_whole(option, value, &lines.n)) return false;
  *(cli_lines *)field = lines;
  return true;
}

static const struct {
  const char *word;
  char sign;
} separators[] = {{"auto", 0},    {"point", '.'},       {"comma", ','},
                  {"space", ' '}, {"apostrophe", '\''}, {"underscore", '_'}};

/* One of the option's words, or the character that it stands for. */
static bool parse_separator(const cli_option *option, const char *value, void *field) {
  for (size_t i = 0; i < sizeof separators / sizeof *separators; i++) {
    char sign[] = {separators[i].sign, '\0'};
    if (strcmp(value, separators[i].word) != 0 && (!*sign || strcmp(value, sign) != 0)) continue;
    int named = 0;
    if (!parse_choice(option, separators[i].word, &named)) return false;
    *(int *)field = (unsigned char)separators[i].sign;
    return true;
  }
  return false;
}

const char *cli_separator_word(int sign) {
  for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
    if (sign == separators[i].sign) return separators[i].word;
  return "";
}

/* A number is a part of the rows, anything else the name of a file. */
static bool parse_valid(const cli_option *option, const char *value, void *field) {
  cli_valid valid = {0, NULL};
  char *end;
  (void)strtod(value, &end);
  if (*end)
    valid.file = value;
  else if (!parse_number(value, &option->domain, &valid.fraction))
    return false;
  *(cli_valid *)field = valid;
  return true;
}

/* ---- lists ---- */

/* Calls item(user, text, length) for each part between commas; false as soon as one is refused. */
static bool each_part(const char *value, bool (*item)(void *user, const char *text, size_t length), void *user) {
  for (;;) {
    size_t length = strcspn(value, ",");
    if (length == 0 || !item(user, value, length)) return false;
    if (!value[length]) return true;
    value += length + 1;
  }
}

static bool add_width(void *user, const char *text, size_t length) {
  cli_widths *widths = user;
  int64_t units = 0;
  if (length > 8 || widths->n == BP_LAYERS_MAX) return false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    units = units * 10 + (text[i] - '0');
  }
  if (units < 1 || units > 1 << 24) return false;
  widths->units[widths->n++] = units;
  return true;
}

static bool parse_widths(const cli_option *option, const char *value, void *field) {
  cli_widths widths = {0};
  (void)option;
  if (strcmp(value, "none") == 0)
    widths.n = -1;
  else if (strcmp(value, "auto") == 0)
    widths.n = 0;
  else if (!each_part(value, add_width, &widths))
    return false;
  *(cli_widths *)field = widths;
  return true;
}

static bool add_activation(void *user, const char *text, size_t length) {
  cli_activations *list = user;
  char name[BP_ACTIVATION_TEXT];
  if (length >= sizeof name || list->n == BP_LAYERS_MAX) return false;
  memcpy(name, text, length);
  name[length] = '\0';
  return bp_activation_parse(name, &list->specs[list->n++]);
}

static bool parse_activations(const cli_option *option, const char *value, void *field) {
  cli_activations list = {0};
  (void)option;
  if (strcmp(value, "auto") != 0 && !each_part(value, add_activation, &list)) return false;
  *(cli_activations *)field = list;
  return true;
}

typedef struct number_list {
  const cli_option *option;
  cli_numbers *numbers;
} number_list;

static bool add_number(void *user, const char *text, size_t length) {
  const number_list *list = user;
  char number[64];
  if (length >= sizeof number || list->numbers->n == BP_LAYERS_MAX + 1) return false;
  memcpy(number, text, length);
  number[length] = '\0';
  return parse_number(number, &list->option->domain, &list->numbers->values[list->numbers->n++]);
}

static bool parse_numbers(const cli_option *option, const char *value, void *field) {
  cli_numbers numbers = {0};
  number_list list = {option, &numbers};
  if (!each_part(value, add_number, &list)) return false;
  *(cli_numbers *)field = numbers;
  return true;
}

/* ---- schedules ---- */

static bool parse_schedule(const cli_option *option, const char *value, void *field) {
  cli_schedule schedule = {.text = value};
  bool warmup = option->kind == CLI_WARMUP;
  if ((warmup ? bp_warmup_parse : bp_schedule_parse)(NULL, value, &schedule.value) != BP_OK) return false;
  *(cli_schedule *)field = schedule;
  return true;
}

/* ---- checkpoints and time ---- */

/* "500steps", "2epochs", "2": epochs */
static bool parse_every(const cli_option *option, const char *value, void *field) {
  cli_every every = {0};
  const char *unit = value + strspn(value, "0123456789");
  size_t digits = (size_t)(unit - value);
  if (digits == 0 || digits > 15) return false;
  for (const char *digit = value; digit < unit; digit++) every.n = 10 * every.n + (*digit - '0');
  every.steps = strcmp(unit, "steps") == 0 || strcmp(unit, "step") == 0;
  if (!every.steps && unit[0] && strcmp(unit, "epochs") != 0 && strcmp(unit, "epoch") != 0) return false;
  if ((double)every.n < option->domain.low) return false;
  *(cli_every *)field = every;
  return true;
}

/* "90", "90s", "1.5m", "1h30m": numbers of hours, minutes and seconds, in this order; or "none". */
static bool parse_duration(const cli_option *option, const char *value, void *field) {
  static const struct {
    char letter;
    double seconds;
  } units[] = {{'h', 3600}, {'m', 60}, {'s', 1}};
  double total = 0;
  size_t next = 0;
  if (strcmp(value, "none") == 0) return *(double *)field = 0, true;
  while (*value) {
    char *end;
    double number = strtod(value, &end);
    if (end != value + strspn(value, "0123456789.")) return false; /* no sign, no exponent, no name */
    while (next < 3 && *end && units[next].letter != *end) next++;
    if (end == value || next == 3 || (!*end && total > 0)) return false;
    total += number * (*end ? units[next].seconds : 1);
    value = *end ? end + 1 : end;
    next++;
  }
  if (!(total > option->domain.low && total <= option->domain.high)) return false;
  *(double *)field = total;
  return true;
}

/* "500M", "8G", "1000000", "none" */
static bool parse_size(const cli_option *option, const char *value, void *field) {
  static const char units[] = "KMGT";
  char *end;
  (void)option;
  if (strcmp(value, "none") == 0) return *(uint64_t *)field = UINT64_MAX, true;
  if (!starts_a_number(value) || *value == '-') return false;
  errno = 0;
  unsigned long long number = strtoull(value, &end, 10);
  const char *unit = *end ? strchr(units, *end) : NULL;
  int shift = unit ? 10 * (int)(unit - units + 1) : 0;
  if (errno || number == 0 || (*end && (!unit || end[1])) || number > UINT64_MAX >> shift) return false;
  *(uint64_t *)field = (uint64_t)number << shift;
  return true;
}

static bool parse_init(const cli_option *option, const char *value, void *field) {
  cli_init init;
  (void)option;
  if (!bp_init_parse(value, &init.init, &init.scale)) return false;
  *(cli_init *)field = init;
  return true;
}

/* ---- what is expected ---- */

static void range_text(const cli_option *option, const char *what, char *text, size_t size) {
  const cli_domain *d = &option->domain;
  const char *automatic = d->automatic ? ", or auto" : "";
  if (d->above || d->below)
    (void)snprintf(text, size, "%s %s %.10g and %s %.10g%s", what, d->above ? "above" : "from", d->low,
                   d->below ? "below" : "at most", d->high, automatic);
  else
    (void)snprintf(text, size, "%s from %.10g to %.10g%s", what, d->low, d->high, automatic);
}

/* "one of a, b, c" */
static void names_text(const cli_option *option, const char *what, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s", what);
  for (int i = 0; option->domain.name(i) && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : " ", option->domain.name(i));
}

static void numbers_expected(const cli_option *option, char *text, size_t size) {
  range_text(option, "a number", text, size);
  size_t used = strlen(text);
  if (used < size)
    (void)snprintf(text + used, size - used, ", or one for each layer with weights, separated by commas");
}

const char *cli_expectation(const cli_option *option, char *text, size_t size) {
  text[0] = '\0';
  switch (option->kind) {
  case CLI_FLAG: (void)snprintf(text, size, "yes or no"); break;
  case CLI_WHOLE: range_text(option, "a whole number", text, size); break;
  case CLI_SEED: (void)snprintf(text, size, "a whole number from 0 to %" PRIu64, UINT64_MAX); break;
  case CLI_REAL: range_text(option, "a number", text, size); break;
  case CLI_TEXT: (void)snprintf(text, size, "a text"); break;
  case CLI_FILE: (void)snprintf(text, size, "the name of a file"); break;
  case CLI_CHOICE: names_text(option, "one of", text, size); break;
  case CLI_LOSS: names_text(option, "a formula of y, p and z, or one of", text, size); break;
  case CLI_WIDTHS:
    (void)snprintf(text, size,
                   "units of each layer, from 1 to 16777216, separated by commas (at most %d layers), none, or auto",
                   BP_LAYERS_MAX);
    break;
  case CLI_ACTIVATIONS:
    names_text(option,
               "auto, one name, or one for each hidden layer, some with a setting as leaky_relu:0.2, elu:1, maxout:3, "
               "prelu:unit, of",
               text, size);
    break;
  case CLI_INIT: names_text(option, "a name, and a factor behind a colon or none, of", text, size); break;
  case CLI_BATCH: range_text(option, "full, a whole number", text, size); break;
  case CLI_VALID: range_text(option, "the name of a file, or a number", text, size); break;
  case CLI_NUMBERS: numbers_expected(option, text, size); break;
  case CLI_SCHEDULE:
    (void)snprintf(text, size,
                   "constant, step:EPOCHS:FACTOR, exponential:FACTOR, linear:END, cosine:END, one_cycle:PEAK or "
                   "plateau:EPOCHS:FACTOR; numbers may be left out, factors are below 1");
    break;
  case CLI_WARMUP: (void)snprintf(text, size, "a number of epochs, or of steps, as 2epochs or 500steps"); break;
  case CLI_SIZE: (void)snprintf(text, size, "a number of bytes, as 500M or 8G, or none"); break;
  case CLI_EVERY: (void)snprintf(text, size, "a number of epochs, or of steps, as 5, 5epochs or 500steps"); break;
  case CLI_DURATION: (void)snprintf(text, size, "a time such as 30s, 5m or 1h30m, or none"); break;
  case CLI_LINES: range_text(option, "auto, or a whole number", text, size); break;
  case CLI_COMMENT: (void)snprintf(text, size, "auto, none, or one of %s", comment_marks); break;
  case CLI_SEPARATOR: names_text(option, "the character, or one of", text, size); break;
  case CLI_DELIMITER: (void)snprintf(text, size, "auto, comma, semicolon, tab, space, pipe, or the character"); break;
  default: break;
  }
  return text;
}

bool cli_parse_value(const cli_option *option, const char *value, void *field) {
  static bool (*const parse[CLI_KIND_COUNT])(const cli_option *, const char *, void *) = {
      [CLI_FLAG] = parse_flag,           [CLI_WHOLE] = parse_whole,       [CLI_SEED] = parse_seed,
      [CLI_REAL] = parse_real,           [CLI_TEXT] = parse_text,         [CLI_FILE] = parse_text,
      [CLI_CHOICE] = parse_choice,       [CLI_WIDTHS] = parse_widths,     [CLI_ACTIVATIONS] = parse_activations,
      [CLI_BATCH] = parse_batch,         [CLI_VALID] = parse_valid,       [CLI_DELIMITER] = parse_delimiter,
      [CLI_NUMBERS] = parse_numbers,     [CLI_SCHEDULE] = parse_schedule, [CLI_WARMUP] = parse_schedule,
      [CLI_LOSS] = parse_text,           [CLI_EVERY] = parse_every,       [CLI_DURATION] = parse_duration,
      [CLI_INIT] = parse_init,           [CLI_LINES] = parse_lines,       [CLI_COMMENT] = parse_comment,
      [CLI_SEPARATOR] = parse_separator, [CLI_SIZE] = parse_size,
  };
  return parse[option->kind](option, value, field);
}
