/* support/scratch.h - files for targets of functions that take a path; they are gone when the process ends. */
#ifndef FUZZ_SCRATCH_H
#define FUZZ_SCRATCH_H
#include <stddef.h>
#include <stdint.h>

enum { SCRATCH_FILES = 4 };

/* VIEW the path of file 0 .. SCRATCH_FILES - 1. From the first call on nothing waits for the disk. */
const char *scratch_path(int file);
/* The same, holding these bytes. */
const char *scratch_write(int file, const void *data, size_t size);
/* NEW content of a file; free(). */
uint8_t *scratch_read(int file, size_t *size);

#endif
