/* cli/checkpoint_paths.h - which files a checkpoint may name. Its note comes from whoever made the file, so it is no order: what is
 * written is named by the command line, or lies in the folder of the checkpoint and is nothing but what such a run writes.
 */
#ifndef BACKPROP_CLI_CHECKPOINT_PATHS_H
#define BACKPROP_CLI_CHECKPOINT_PATHS_H
#include <stdbool.h>

/* NEW name by which a note may name `path`, seen from the folder of `checkpoint`, links followed; free(). NULL when it does not lie
 * there, or is hidden. */
char *cli_path_beside(const char *checkpoint, const char *path);

/* NEW path of a file that the note names, seen from the folder of the checkpoint: *out, free(). `option` is "out" or "log". Refuses
 * what leads out of that folder by name or by link, what is hidden, and what is there and was not written by such a run; name NULL: the
 * file lies elsewhere, as it was `given`. Returns 0 or an exit status after a message. */
int cli_noted_output(const char *checkpoint, const char *option, const char *given, const char *name, char **out);

/* Refuses, as data of a run that goes on, what is no ordinary file: a device or a pipe may never end. `option` is what gives it on
 * the command line. Returns 0 or an exit status after a message. */
int cli_noted_input(const char *checkpoint, const char *option, const char *path);

#endif
