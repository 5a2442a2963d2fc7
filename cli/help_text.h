/* cli/help_text.h - sentences about options that help, the man page and completion share. */
#ifndef BACKPROP_CLI_HELP_TEXT_H
#define BACKPROP_CLI_HELP_TEXT_H
#include "options.h"

/* "step size; auto: … (a number above 0 and at most 1000, or auto; default auto)", into text[size]; returns text. */
const char *cli_option_sentence(const cli_option *option, char *text, size_t size);
/* "-o, --out FILE", or four blanks for the letter; into text[size]; returns text. */
const char *cli_option_usage(const cli_option *option, char *text, size_t size);

#endif
