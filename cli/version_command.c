/* cli/version_command.c - `backprop version`: what a bug report needs. */
#include "backprop/info.h"
#include "commands.h"
#include "console.h"
#include "json_out.h"

int cli_run_version(const cli_request *request) {
  bp_build_info b = bp_build();
  const struct {
    const char *name, *value;
  } lines[] = {{"version", b.version}, {"compiler", b.compiler},     {"build", b.build_type}, {"machine", b.machine},
               {"kernels", b.kernels}, {"arithmetic", b.arithmetic}, {"cpu", b.cpu},          {"zlib", b.zlib}};
  size_t count = sizeof lines / sizeof *lines;
  cli_json json = {.file = cli_output()};
  if (!request->settings.json) {
    cli_print("backprop %s\n", b.version);
    for (size_t i = 1; i < count; i++) cli_print("%-12s%s\n", lines[i].name, lines[i].value);
    cli_print("%-12s%d\n", "cores", b.cores);
    return CLI_DONE;
  }
  cli_json_open(&json, NULL, '{');
  for (size_t i = 0; i < count; i++) cli_json_text(&json, lines[i].name, lines[i].value);
  cli_json_whole(&json, "cores", b.cores);
  cli_json_close(&json, '}');
  cli_print("\n");
  return CLI_DONE;
}
