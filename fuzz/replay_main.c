/* replay_main.c - runs a fuzz target over given files, so that every finding is a test of the ordinary builds too.
 *
 * Usage: fuzz_<thing> FILE|FOLDER …   (files of a folder in the order of their names; no folders inside)
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int failed(const char *path) {
  fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
  return 1;
}

/* The block has exactly the size of the file, so that reading past its end is seen by the address sanitizer. */
static int replay_file(const char *path, size_t size) {
  int bad = 1;
  uint8_t *data = malloc(size > 0 ? size : 1);
  FILE *file = fopen(path, "rb");
  if (file != NULL && data != NULL && fread(data, 1, size, file) == size) {
    printf("%s (%zu bytes)\n", path, size);
    fflush(stdout); /* the last line names the culprit when the target crashes */
    LLVMFuzzerTestOneInput(data, size);
    bad = 0;
  }
  if (bad) failed(path);
  if (file != NULL) fclose(file);
  free(data);
  return bad;
}

static int replay(const char *path, int *count) {
  struct stat info;
  if (stat(path, &info) != 0) return failed(path);
  if (!S_ISDIR(info.st_mode)) {
    ++*count;
    return replay_file(path, (size_t)info.st_size);
  }
  struct dirent **entries = NULL;
  int n = scandir(path, &entries, NULL, alphasort);
  if (n < 0) return failed(path);
  int bad = 0;
  for (int i = 0; i < n; i++) {
    char file[4096];
    int length = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
    int hidden = entries[i]->d_name[0] == '.';
    free(entries[i]);
    if (hidden) continue;
    if (length >= (int)sizeof file || stat(file, &info) != 0) {
      bad |= failed(file);
    } else if (S_ISREG(info.st_mode)) {
      ++*count;
      bad |= replay_file(file, (size_t)info.st_size);
    }
  }
  free(entries);
  return bad;
}

int main(int argc, char **argv) {
  int bad = 0;
  int count = 0;
  for (int i = 1; i < argc; i++) bad |= replay(argv[i], &count);
  printf("%d inputs replayed\n", count);
  return bad;
}
