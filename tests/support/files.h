/* support/files.h - folders and files for tests. They do not go through the library. */
#ifndef BT_FILES_H
#define BT_FILES_H
#include <stdbool.h>
#include <stddef.h>

enum { BT_PATH = 4096 };

/* An empty folder of its own for a test. The test fails when it cannot be made. */
typedef struct bt_dir {
  char path[BT_PATH / 2];
} bt_dir;
void bt_dir_make(bt_dir *dir);
/* The folder with all that is in it. */
void bt_dir_remove(bt_dir *dir);
/* path[] = the folder's path, '/', name; returns path. */
const char *bt_dir_file(const bt_dir *dir, const char *name, char path[BT_PATH]);
/* How many entries the folder has. */
int bt_dir_entries(const bt_dir *dir);

/* The test fails when these fail. */
void bt_write_file(const char *path, const void *data, size_t size);
/* NEW content with a NUL behind it; free(). */
char *bt_read_file(const char *path, size_t *size);
bool bt_file_exists(const char *path);
/* The file holds exactly these bytes. */
bool bt_file_is(const char *path, const void *data, size_t size);
/* NEW one gzip member; free(). */
unsigned char *bt_gzip(const void *data, size_t size, size_t *packed_size);

/* VIEW the folder of the MNIST files ($BACKPROP_MNIST, or where the source tree keeps it), or NULL after saying that
 * the test is skipped: if (!dir) skip(); */
const char *bt_mnist_dir(void);

#endif
