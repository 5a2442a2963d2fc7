/* data/dictionary.c - words in chunks that never move, and a hash table of their numbers.
 *
 * Open addressing with linear probing, at most half full. A slot keeps the hash of its word, so growing needs no word and
 * nearly every comparison is one of equal words. The hash is keyed, so no file can choose words that collide. Few words need no
 * hash table: they are looked through.
 */
#include "data/dictionary.h"

#include <string.h>

#include "base/fail.h"
#include "base/keyed_hash.h"

enum { FEW = 8, FIRST_CHUNK = 64, LARGEST_CHUNK = 1 << 16 };

typedef struct bp_word_slot {
  uint32_t hash, size; /* of the word; its size, up to UINT32_MAX */
  int32_t next;        /* number of the word + 1; 0: empty */
} slot;

typedef struct bp_word_chunk {
  struct bp_word_chunk *next;
  size_t size;
  char text[];
} chunk;

static uint32_t hash_of(const char *text, size_t size) {
  return (uint32_t)bp_keyed_hash(bp_hash_key_now(), text, size);
}

void bp_dictionary_release(bp_allocator allocator, bp_dictionary *d) {
  for (chunk *c = d->chunks, *next; c; c = next) {
    next = c->next;
    bp_release(allocator, c, 1, sizeof *c + c->size);
  }
  bp_release(allocator, (void *)d->words, d->words_capacity, sizeof *d->words);
  bp_release(allocator, d->slots, d->n_slots, sizeof *d->slots);
  memset(d, 0, sizeof *d);
}

/* ---- finding ---- */

static bool is_word(const char *word, const char *text, size_t size) {
  return strncmp(word, text, size) == 0 && word[size] == '\0';
}

static int32_t find_among_few(const bp_dictionary *d, const char *text, size_t size) {
  for (size_t i = 0; i < d->count; i++)
    if (is_word(d->words[i], text, size)) return (int32_t)i;
  return -1;
}

static int32_t find_hashed(const bp_dictionary *d, uint32_t hash, const char *text, size_t size) {
  size_t mask = d->n_slots - 1;
  for (size_t s = hash & mask; d->slots[s].next; s = (s + 1) & mask) {
    int32_t number = d->slots[s].next - 1;
    if (d->slots[s].hash == hash && d->slots[s].size == size && memcmp(d->words[number], text, size) == 0)
      return number;
  }
  return -1;
}

int32_t bp_dictionary_find(const bp_dictionary *d, const char *text, size_t size) {
  return d->slots ? find_hashed(d, hash_of(text, size), text, size) : find_among_few(d, text, size);
}

const char *bp_dictionary_word(const bp_dictionary *d, int64_t number) {
  return number >= 0 && (uint64_t)number < d->count ? d->words[number] : "";
}

/* ---- adding ---- */

static slot slot_of(const char *text, size_t size, size_t number) {
  return (slot){hash_of(text, size), (uint32_t)size, (int32_t)number + 1};
}

static void put_slot(slot *slots, size_t n_slots, slot value) {
  size_t s = value.hash & (n_slots - 1);
  while (slots[s].next) s = (s + 1) & (n_slots - 1);
  slots[s] = value;
}

/* Room for one more word in the hash table. */
static bp_status grow_slots(bp_context *ctx, bp_dictionary *d) {
  if (d->count < FEW || (d->slots && d->count < d->n_slots / 2)) return BP_OK;
  size_t n = d->slots ? d->n_slots * 2 : 4 * (size_t)FEW;
  slot *slots = bp_calloc(ctx, n, sizeof *slots);
  if (!slots) return BP_E_NOMEM;
  for (size_t i = 0; i < d->count && !d->slots; i++) put_slot(slots, n, slot_of(d->words[i], strlen(d->words[i]), i));
  for (size_t s = 0; d->slots && s < d->n_slots; s++)
    if (d->slots[s].next) put_slot(slots, n, d->slots[s]);
  bp_release(bp_context_allocator(ctx), d->slots, d->n_slots, sizeof *d->slots);
  d->slots = slots;
  d->n_slots = n;
  return BP_OK;
}

/* Room for `size` bytes in the newest chunk; a long word gets a chunk of its own size. */
static bp_status grow_text(bp_context *ctx, bp_dictionary *d, size_t size) {
  if (d->chunks && size <= d->chunks->size - d->chunk_used) return BP_OK;
  size_t room = d->chunks ? d->chunks->size * 2 : FIRST_CHUNK;
  if (room > LARGEST_CHUNK) room = LARGEST_CHUNK;
  if (room < size) room = size;
  chunk *c = bp_alloc(ctx, 1, sizeof *c + room);
  if (!c) return BP_E_NOMEM;
  c->next = d->chunks;
  c->size = room;
  d->chunks = c;
  d->chunk_used = 0;
  return BP_OK;
}

bp_status bp_dictionary_add(bp_context *ctx, bp_dictionary *d, const char *text, size_t size, int32_t *out) {
  uint32_t hash = d->slots ? hash_of(text, size) : 0;
  int32_t found = d->slots ? find_hashed(d, hash, text, size) : find_among_few(d, text, size);
  if (found >= 0) {
    *out = found;
    return BP_OK;
  }
  if (size > UINT32_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "a text of %zu bytes; at most %u are allowed", size, UINT32_MAX);
  if (d->count >= INT32_MAX - 1) return bp_fail(ctx, BP_E_LIMIT, "more than %d different texts", INT32_MAX - 1);
  void *words = (void *)d->words;
  bp_status status = bp_grow(ctx, &words, &d->words_capacity, d->count + 1, sizeof *d->words);
  d->words = words;
  BP_TRY(status);
  BP_TRY(grow_slots(ctx, d));
  BP_TRY(grow_text(ctx, d, size + 1));
  char *word = d->chunks->text + d->chunk_used;
  memcpy(word, text, size);
  word[size] = '\0';
  d->chunk_used += size + 1;
  if (d->slots) put_slot(d->slots, d->n_slots, slot_of(text, size, d->count));
  d->words[d->count] = word;
  *out = (int32_t)d->count++;
  return BP_OK;
}
