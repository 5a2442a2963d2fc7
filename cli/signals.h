/* cli/signals.h - what signals do to the command. The library knows none of it.
 *
 * SIGINT, SIGTERM and SIGHUP end a command at once, with 128 + their number and nothing half-written left. While it trains, the first
 * one asks for a checkpoint and the end of training instead; SIGUSR1 asks for a checkpoint. A closed pipe ends a command
 * quietly, as it ends `cat`; one that only messages go to does not. A SIGHUP that is ignored, as by nohup, stays so.
 */
#ifndef BACKPROP_CLI_SIGNALS_H
#define BACKPROP_CLI_SIGNALS_H
#include <stdbool.h>

/* Once, when the command begins. */
void cli_begin_signals(void);
/* From now on the first of SIGINT, SIGTERM and SIGHUP is remembered, and so is SIGUSR1. */
void cli_catch_signals(void);
/* From now on SIGINT, SIGTERM and SIGHUP end the command, and SIGUSR1 does nothing. */
void cli_release_signals(void);
/* The signal that came, 0: none; and its name. */
int cli_caught_signal(void);
const char *cli_signal_name(int number);
/* Whether SIGUSR1 came since the last call. */
bool cli_checkpoint_wanted(void);
/* Whether a write to a closed pipe ends the command; yes to begin with. */
void cli_closed_pipe_ends(bool ends);

#endif
