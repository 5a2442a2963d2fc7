/* support/scratch.c - a folder of files, in memory where the system has a place for that. */
#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "support/fuzzing.h"

static char paths[SCRATCH_FILES][64], folder[32];

static void clean(void) {
  for (int i = 0; i < SCRATCH_FILES; i++) (void)unlink(paths[i]);
  (void)rmdir(folder);
}

static int no_wait(int fd) {
  (void)fd;
  return 0;
}

static void begin(void) {
  static bp_io quick;
  (void)snprintf(folder, sizeof folder, "/dev/shm/fuzz-XXXXXX");
  if (mkdtemp(folder) == NULL) {
    (void)snprintf(folder, sizeof folder, "/tmp/fuzz-XXXXXX");
    check(mkdtemp(folder) != NULL);
  }
  for (int i = 0; i < SCRATCH_FILES; i++) (void)snprintf(paths[i], sizeof paths[i], "%s/%d.safetensors", folder, i);
  (void)atexit(clean);
  quick = bp_io_system;
  quick.fsync = no_wait;
  bp_io_set_for_test(&quick);
}

const char *scratch_path(int file) {
  if (folder[0] == '\0') begin();
  return paths[file];
}

const char *scratch_write(int file, const void *data, size_t size) {
  const char *path = scratch_path(file);
  FILE *out = fopen(path, "wb");
  check(out != NULL);
  check(fwrite(data, 1, size, out) == size);
  check(fclose(out) == 0);
  return path;
}

uint8_t *scratch_read(int file, size_t *size) {
  struct stat info;
  FILE *in = fopen(scratch_path(file), "rb");
  check(in != NULL);
  check(fstat(fileno(in), &info) == 0);
  *size = (size_t)info.st_size;
  uint8_t *data = malloc(*size + 1);
  check(data != NULL && fread(data, 1, *size, in) == *size);
  (void)fclose(in);
  return data;
}
