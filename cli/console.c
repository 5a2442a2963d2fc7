/* cli/console.c - what the command says, and how it ends. */
#include "console.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one table of exit statuses: a status of the library, and what the command exits with. */
static const struct {
  bp_status status;
  int exit_status;
} exit_statuses[] = {
    {BP_OK, CLI_DONE},           {BP_E_CHECK, CLI_CHECK_FAILED},
    {BP_E_ARG, CLI_USAGE},       {BP_E_SHAPE, CLI_USAGE},
    {BP_E_DTYPE, CLI_USAGE},     {BP_E_GRAPH, CLI_USAGE},
    {BP_E_INPUT, CLI_USAGE},     {BP_E_DATA, CLI_BAD_DATA},
    {BP_E_LIMIT, CLI_BAD_DATA},  {BP_E_MODEL, CLI_BAD_MODEL},
    {BP_E_IO, CLI_IO},           {BP_E_DIVERGED, CLI_DIVERGED},
    {BP_E_NOMEM, CLI_NO_MEMORY}, {BP_E_STOPPED, CLI_SIGNAL + SIGINT},
};

int cli_exit_status(bp_status status) {
  for (size_t i = 0; i < sizeof exit_statuses / sizeof *exit_statuses; i++)
    if (exit_statuses[i].status == status) return exit_statuses[i].exit_status;
  return CLI_CHECK_FAILED;
}

/* ---- standard error ---- */

enum { LINE = 2048 };

static void (*before_message)(void);
static int told; /* the status of the last failure that was told; 0: none */

void cli_set_before_message(void (*function)(void)) { before_message = function; }

/* Goes on under the text when the line wraps. */
static void say(const char *prefix, const char *text) {
  char line[LINE], clean[LINE];
  (void)bp_text_clean(clean, sizeof clean, text);
  (void)snprintf(line, sizeof line, "%s%s", prefix, clean);
  if (before_message) before_message();
  cli_put_line(&cli_stderr, cli_width(prefix), line);
}

int cli_fail(int exit_status, const char *format, ...) {
  char line[LINE];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  say("backprop: ", line);
  return told = exit_status;
}

int cli_fail_with(const bp_context *context, bp_status status) {
  const char *message = bp_error_message(context);
  return cli_fail(cli_exit_status(status), "%s", message[0] ? message : bp_status_text(status));
}

void cli_warn(const char *message) { say("backprop: warning: ", message); }

void cli_note(const char *message) {
  bool dim = cli_has_colour(&cli_stderr);
  if (before_message) before_message();
  if (dim) cli_put_text(&cli_stderr, "\033[2m");
  say("note: ", message);
  if (dim) cli_put_text(&cli_stderr, "\033[0m");
  if (dim) cli_flush(&cli_stderr);
}

/* ---- standard output ---- */

static cli_stream *output = &cli_stdout;

cli_stream *cli_output(void) { return output; }

void cli_print_to_stderr(void) { output = &cli_stderr; }

/* Line ends of the format are told from those of the arguments: these are shown as other control characters are. No UTF-8 text
 * has this byte. */
enum { LINE_END = 0xFF };

/* Memory is asked for only where what is printed is longer than a line. */
static char *room_for(size_t size, char on_stack[LINE]) { return size <= LINE ? on_stack : cli_alloc(size, 1); }

static void give_back(char *room, const char *on_stack) {
  if (room != on_stack) free(room);
}

/* Piece by piece between the marks. */
static void print_clean(char *text) {
  char on_stack[LINE], *line = room_for(strlen(text) + 1, on_stack);
  for (char *end; text; text = end ? end + 1 : NULL) {
    end = strchr(text, LINE_END);
    if (end) *end = '\0';
    (void)bp_text_clean(line, strlen(text) + 1, text);
    cli_print_text(line);
    if (end) cli_print_text("\n");
  }
  give_back(line, on_stack);
}

/* The format has LINE_END for its line ends. */
static void print_marked(const char *format, va_list arguments) {
  char on_stack[LINE], *text = on_stack;
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(on_stack, sizeof on_stack, format, arguments);
  if (length >= LINE) {
    text = cli_alloc((size_t)length + 1, 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
  }
  va_end(again);
  if (length > 0) print_clean(text);
  if (length < 0 && !output->error) output->error = errno;
  give_back(text, on_stack);
}

void cli_print(const char *format, ...) {
  size_t size = strlen(format) + 1;
  char on_stack[LINE], *marked = room_for(size, on_stack);
  va_list arguments;
  memcpy(marked, format, size);
  for (char *c = marked; *c; c++)
    if (*c == '\n') *c = (char)LINE_END;
  va_start(arguments, format);
  print_marked(marked, arguments);
  va_end(arguments);
  give_back(marked, on_stack);
}

/* ---- lines that wrap ---- */

static struct {
  int indent; /* 0: lines are as they are */
  size_t used;
  char line[LINE]; /* the beginning of one that has no end yet */
} wrapped;

/* A line longer than there is room for goes out in pieces. */
static void put_wrapped(const char *text) {
  for (; *text; text++) {
    bool ends = *text == '\n';
    if (!ends) wrapped.line[wrapped.used++] = *text;
    if (!ends && wrapped.used + 1 < sizeof wrapped.line) continue;
    wrapped.line[wrapped.used] = '\0';
    if (ends)
      cli_put_line(output, wrapped.indent, wrapped.line);
    else
      cli_put_text(output, wrapped.line);
    wrapped.used = 0;
  }
}

void cli_wrap_output(int indent) { wrapped.indent = indent; }

void cli_print_text(const char *text) {
  if (wrapped.indent > 0)
    put_wrapped(text);
  else
    cli_put_text(output, text);
}

int cli_finish_output(int exit_status) {
  cli_flush(&cli_stdout);
  cli_flush(&cli_stderr);
  if (cli_stdout.error == 0 || exit_status != CLI_DONE) return exit_status;
  return cli_fail(CLI_IO, "standard output: cannot write: %s", strerror(cli_stdout.error));
}

/* ---- context and memory ---- */

/* `user` is there when notes are not wanted. */
static void receive(void *user, bp_message_kind kind, const char *message) {
  if (kind == BP_WARNING)
    cli_warn(message);
  else if (!user)
    cli_note(message);
}

int cli_new_context(bool quiet, uint64_t max_memory, bp_context **out) {
  static bool no_notes;
  bp_context_options options = {.size = sizeof options, .message = receive, .message_user = quiet ? &no_notes : NULL};
  options.max_memory = max_memory < SIZE_MAX ? (size_t)max_memory : SIZE_MAX;
  if (bp_context_new(&options, out) != BP_OK) return cli_fail(CLI_NO_MEMORY, "out of memory");
  return CLI_DONE;
}

/* What is said needs no memory: it is formatted on the stack and written from a buffer that is always there. A failure that was told
 * before is the one that counts. */
void *cli_alloc(size_t count, size_t size) {
  void *block = calloc(count ? count : 1, size);
  if (block) return block;
  bp_writers_abandon();
  exit(told ? told : cli_fail(CLI_NO_MEMORY, "out of memory: %zu times %zu bytes were asked for", count, size));
}

char *cli_copy(const char *begin, size_t length) {
  char *copy = cli_alloc(length + 1, 1);
  return memcpy(copy, begin, length);
}

/* ---- numbers as text ---- */

const char *cli_thousands(int64_t number, char *text, size_t size) {
  char digits[32];
  size_t n = 0;
  int count = snprintf(digits, sizeof digits, "%" PRId64, number);
  for (int i = 0; i < count && n + 2 < size; i++) {
    text[n++] = digits[i];
    int left = count - 1 - i;
    if (left > 0 && left % 3 == 0 && digits[i] != '-') text[n++] = ',';
  }
  text[n] = '\0';
  return text;
}

const char *cli_count(int64_t number, const char *noun, char *text, size_t size) {
  char digits[32];
  (void)snprintf(text, size, "%s %s%s", cli_thousands(number, digits, sizeof digits), noun, number == 1 ? "" : "s");
  return text;
}

const char *cli_number(double value, char *text, size_t size) {
  text[0] = '\0';
  if (isnan(value)) return text;
  bool single = (double)(float)value == value;
  for (int digits = single ? 6 : 15; digits <= 17; digits++) {
    (void)snprintf(text, size, "%.*g", digits, value);
    if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) break;
  }
  return text;
}

const char *cli_exact_number(double value, char *text, size_t size) {
  for (int digits = 15; digits <= 17; digits++) {
    (void)snprintf(text, size, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  return text;
}

const char *cli_short_number(double value, char *text, size_t size) {
  double magnitude = fabs(value);
  if (isnan(value))
    (void)snprintf(text, size, "-");
  else if (magnitude != 0 && (magnitude < 0.001 || magnitude >= 1e6))
    (void)snprintf(text, size, "%.3g", value);
  else
    (void)snprintf(text, size, "%.*f", magnitude >= 1000 ? 1 : magnitude >= 10 ? 2 : 4, value);
  return text;
}

const char *cli_duration(double seconds, char *text, size_t size) {
  if (seconds < 0.9995)
    (void)snprintf(text, size, "%.*f ms", seconds < 0.00995 ? 1 : 0, 1000 * seconds);
  else if (seconds < 9.95)
    (void)snprintf(text, size, "%.1f s", seconds);
  else if (seconds < 119.5)
    (void)snprintf(text, size, "%.0f s", seconds);
  else if (seconds < 7200)
    (void)snprintf(text, size, "%d min %d s", (int)(seconds / 60), (int)fmod(seconds, 60));
  else
    (void)snprintf(text, size, "%.0f h %d min", floor(seconds / 3600), (int)(fmod(seconds, 3600) / 60));
  return text;
}
