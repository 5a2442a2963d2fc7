/* support/container_mutator.h - safetensors files (formats/safetensors.h), packed with gzip or not, with one thing changed in their
 * texts, in a tensor's entry or in the data; lengths, offsets and the checksum are made to fit again, so that the change is what a reader sees.
 */
#ifndef FUZZ_CONTAINER_MUTATOR_H
#define FUZZ_CONTAINER_MUTATOR_H
#include <stddef.h>
#include <stdint.h>

/* What LLVMFuzzerCustomMutator() does: changes data[size] in place, at most to max_size bytes; returns the new size. */
size_t container_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
