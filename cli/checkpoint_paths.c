/* cli/checkpoint_paths.c - the files that a checkpoint's note names, trusted in nothing. */
#include "checkpoint_paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "console.h"

static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Whether a name leads down and to nothing hidden: parts that are not empty and do not begin with a dot. "-" is no file, and a name
 * that a terminal would not show as it is hides as well. */
static bool leads_down(const char *name) {
  char shown[PATH_MAX];
  (void)bp_text_clean(shown, sizeof shown, name);
  if (strcmp(name, "-") == 0 || strcmp(shown, name) != 0) return false;
  for (;; name++) {
    if (*name == '\0' || *name == '/' || *name == '.') return false;
    name += strcspn(name, "/");
    if (*name == '\0') return true;
  }
}

static char *folder_of(const char *path) {
  size_t folder = folder_length(path);
  return folder ? cli_copy(path, folder) : cli_copy("./", 2);
}

/* NEW way from the folder of `checkpoint` down to that of `path`, links followed: "", or "a/b/"; free(). NULL when it does not lead
 * down, or a folder is not there. */
static char *way_down(const char *checkpoint, const char *path) {
  char *top = folder_of(checkpoint), *folder = folder_of(path), *way = NULL;
  char *real_top = realpath(top, NULL), *real = realpath(folder, NULL);
  size_t length = real_top ? strlen(real_top) : 0, size = real ? strlen(real) : 0;
  if (length == 1) length = 0; /* the root */
  if (real_top && real && size == strlen(real_top) && strcmp(real, real_top) == 0) {
    way = cli_copy("", 0);
  } else if (real_top && real && size > length && memcmp(real, real_top, length) == 0 && real[length] == '/') {
    way = cli_alloc(size - length + 1, 1);
    (void)snprintf(way, size - length + 1, "%s/", real + length + 1);
  }
  free(real);
  free(real_top);
  free(folder);
  free(top);
  return way;
}

char *cli_path_beside(const char *checkpoint, const char *path) {
  char *way = way_down(checkpoint, path);
  if (!way) return NULL;
  size_t size = strlen(way) + strlen(path) + 1;
  char *name = cli_alloc(size, 1);
  (void)snprintf(name, size, "%s%s", way, path + folder_length(path));
  free(way);
  if (leads_down(name)) return name;
  free(name);
  return NULL;
}

/* ---- what is written ---- */

/* How a file begins that such a run writes, behind `skip` bytes. */
static const struct {
  const char *option, *what, *begin;
  long skip;
} kinds[] = {
    {"out", "model", "{\"__metadata__\":{\"backprop.", 8},
    {"log", "log", "{\"epoch\": ", 0},
};

static bool begins_so(const char *path, const char *begin, long skip) {
  char start[64];
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  size_t size = strlen(begin), got = fseek(file, skip, SEEK_SET) == 0 ? fread(start, 1, size, file) : 0;
  (void)fclose(file);
  return got == size && memcmp(start, begin, size) == 0;
}

/* An ordinary file, no link to one, and empty or of its kind. */
static bool is_of_kind(const char *path, const struct stat *info, const char *option) {
  if (!S_ISREG(info->st_mode) || info->st_nlink > 1) return false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].option, option) == 0)
      return info->st_size == 0 || begins_so(path, kinds[i].begin, kinds[i].skip);
  return false;
}

/* Whether the folder of `path` is that of the checkpoint or one below it, links followed. */
static bool stays_within(const char *checkpoint, const char *path) {
  char *way = way_down(checkpoint, path);
  free(way);
  return way != NULL;
}

static int refuse(const char *checkpoint, const char *option, const char *name, const char *why) {
  return cli_fail(CLI_USAGE,
                  "%s: its run had the --%s '%.*s', %s; a file does not decide what is written: give --%s FILE",
                  checkpoint, option, CLI_SHOWN, name, why, option);
}

/* Why a file may not be written; NULL: it may. */
static const char *objection(const char *checkpoint, const char *option, const char *path) {
  struct stat info;
  if (!stays_within(checkpoint, path)) return "which is not in the checkpoint's folder";
  if (lstat(path, &info) != 0 || is_of_kind(path, &info, option)) return NULL;
  return "and what is there now is no file of such a run";
}

int cli_noted_output(const char *checkpoint, const char *option, const char *given, const char *name, char **out) {
  if (!name) return refuse(checkpoint, option, given, "which is not in the checkpoint's folder");
  if (!leads_down(name)) return refuse(checkpoint, option, name, "which is hidden, or not in the checkpoint's folder");
  size_t folder = folder_length(checkpoint), size = folder + strlen(name) + 1;
  char *path = cli_alloc(size, 1);
  (void)snprintf(path, size, "%.*s%s", (int)folder, checkpoint, name);
  const char *why = objection(checkpoint, option, path);
  if (!why) return *out = path, CLI_DONE;
  free(path);
  return refuse(checkpoint, option, name, why);
}

/* ---- what is read ---- */

int cli_noted_input(const char *checkpoint, const char *option, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0)
    return cli_fail(CLI_IO, "%s: its run read '%.*s', which cannot be found: %s; if it is elsewhere now, give %s",
                    checkpoint, CLI_SHOWN, path, strerror(errno), option);
  if (S_ISREG(info.st_mode)) return CLI_DONE;
  return cli_fail(CLI_USAGE, "%s: its run read '%.*s', which is no ordinary file; to read it all the same, give %s",
                  checkpoint, CLI_SHOWN, path, option);
}
