/* support/files.c - folders and files for tests. */
#include "support/files.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "support/testing.h"

/* ---- folders ---- */

void bt_dir_make(bt_dir *dir) {
  const char *where = getenv("TMPDIR");
  (void)snprintf(dir->path, sizeof dir->path, "%s/backprop-test-XXXXXX", where && *where ? where : "/tmp");
  if (!mkdtemp(dir->path)) fail_msg("cannot make the folder %s", dir->path);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

void bt_dir_remove(bt_dir *dir) {
  if (nftw(dir->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) fail_msg("cannot remove the folder %s", dir->path);
}

const char *bt_dir_file(const bt_dir *dir, const char *name, char path[BT_PATH]) {
  (void)snprintf(path, BT_PATH, "%s/%s", dir->path, name);
  return path;
}

int bt_dir_entries(const bt_dir *dir) {
  int entries = 0;
  DIR *folder = opendir(dir->path);
  if (!folder) fail_msg("cannot look into the folder %s", dir->path);
  for (const struct dirent *e = readdir(folder); e; e = readdir(folder))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) entries++;
  (void)closedir(folder);
  return entries;
}

/* ---- files ---- */

void bt_write_file(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file) fail_msg("cannot create %s", path);
  size_t put = fwrite(data, 1, size, file);
  if (fclose(file) != 0 || put != size) fail_msg("cannot write %s", path);
}

static void *must_have(void *ptr) {
  if (!ptr) fail_msg("out of memory");
  return ptr;
}

char *bt_read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("cannot open %s", path);
  size_t capacity = 1 << 16, used = 0;
  char *data = must_have(malloc(capacity));
  for (;;) {
    used += fread(data + used, 1, capacity - 1 - used, file);
    if (used < capacity - 1) break;
    capacity *= 2;
    data = must_have(realloc(data, capacity));
  }
  (void)fclose(file);
  data[used] = '\0';
  *size = used;
  return data;
}

bool bt_file_exists(const char *path) { return access(path, F_OK) == 0; }

bool bt_file_is(const char *path, const void *data, size_t size) {
  size_t found_size;
  char *found = bt_read_file(path, &found_size);
  bool same = found_size == size && memcmp(found, data, size) == 0;
  free(found);
  return same;
}

unsigned char *bt_gzip(const void *data, size_t size, size_t *packed_size) {
  enum { GZIP = 16 + MAX_WBITS, MEMORY_LEVEL = 8 };
  z_stream z = {.next_in = (z_const Bytef *)data, .avail_in = (uInt)size};
  if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
    fail_msg("zlib cannot be used");
  size_t capacity = deflateBound(&z, (uLong)size);
  unsigned char *packed = must_have(malloc(capacity));
  z.next_out = packed;
  z.avail_out = (uInt)capacity;
  int code = deflate(&z, Z_FINISH);
  *packed_size = capacity - z.avail_out;
  (void)deflateEnd(&z);
  if (code != Z_STREAM_END) fail_msg("zlib cannot pack %zu bytes", size);
  return packed;
}

/* ---- data ---- */

/* The base of the tree, where it is known: compiled in, or told by the test runner. */
static const char *source_dir(void) {
  const char *told = getenv("TEST_SOURCE");
  if (told) return told;
#ifdef BP_SOURCE_DIR
  return BP_SOURCE_DIR;
#else
  return ".";
#endif
}

static bool has_mnist(const char *dir) {
  static const char *const names[] = {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"};
  char path[BT_PATH];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    if (bt_file_exists(path)) return true;
  }
  return false;
}

const char *bt_mnist_dir(void) {
  static const char *const below[] = {"data/mnist", "../shared/data/mnist"};
  static char path[BT_PATH];
  const char *told = getenv("BACKPROP_MNIST");
  if (told && has_mnist(told)) return told;
  for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", source_dir(), below[i]);
    if (has_mnist(path)) return path;
  }
  print_message("skipped: no MNIST (set BACKPROP_MNIST to its folder)\n");
  return NULL;
}
