/* base/io.h - the system calls that files are made of, in one small table, so that a test can let each of them fail.
 *
 * Every function gives -1 and sets errno on failure, as the system does. The helpers below go through the table,
 * repeat what a signal interrupted, wait where a descriptor does not block, and finish what came short.
 */
#ifndef BP_BASE_IO_H
#define BP_BASE_IO_H
#include <stddef.h>
#include <sys/types.h>

typedef struct bp_io {
  int (*open)(const char *path, int flags, mode_t mode);
  ssize_t (*read)(int fd, void *data, size_t size);
  ssize_t (*write)(int fd, const void *data, size_t size);
  int (*fsync)(int fd);
  int (*close)(int fd);
  int (*rename)(const char *from, const char *to);
  int (*link)(int fd, const char *to); /* gives a name to an open file without one */
  int (*unlink)(const char *path);
} bp_io;

/* The calls of the system itself. */
extern const bp_io bp_io_system;
/* The table in use. */
const bp_io *bp_io_now(void);
/* Replaces the table while nothing else is running; NULL: the system's again. The table is BORROWed until then. */
void bp_io_set_for_test(const bp_io *io);

int bp_io_open(const char *path, int flags, mode_t mode);
/* One read of at least a byte; 0 at the end. */
ssize_t bp_io_read(int fd, void *data, size_t size);
/* All of `size` bytes; 0, or -1. */
int bp_io_write_all(int fd, const void *data, size_t size);
int bp_io_fsync(int fd);

/* The path of an open descriptor, in text[size]; returns text. */
const char *bp_io_entry(int fd, char *text, size_t size);

/* The text of an errno in text[size]; returns text. */
const char *bp_io_error_text(int error, char *text, size_t size);

#endif
