/* support/container_mutator.c - changes files of tensors where their readers look. */
#include "support/container_mutator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "formats/safetensors.h"
#include "support/json_mutator.h"

enum { ROOM = 1 << 16, LENGTH = 8, TENSORS = 64, RANK = 8 };

/* Of libFuzzer; not there when inputs are only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

typedef struct container {
  char header_room[ROOM], data[ROOM];
  json_text header;
  size_t data_size;
} container;

static size_t mutate_bytes(uint8_t *data, size_t size, size_t max_size) {
  return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, max_size) : size;
}

/* ---- the parts of a file ---- */

static bool take_apart(const uint8_t *file, size_t size, container *c) {
  uint64_t stated = 0;
  if (size < LENGTH) return false;
  memcpy(&stated, file, LENGTH);
  if (stated > size - LENGTH || stated > ROOM || size - LENGTH - (size_t)stated > ROOM) return false;
  size_t length = (size_t)stated;
  memcpy(c->header_room, file + LENGTH, length);
  c->header = (json_text){c->header_room, length, ROOM};
  c->data_size = size - LENGTH - length;
  memcpy(c->data, file + LENGTH + length, c->data_size);
  return true;
}

/* The size of the file; 0 where it does not fit. */
static size_t put_together(container *c, uint8_t *file, size_t max_size) {
  while (c->header.size % LENGTH != 0 && json_splice(&c->header, c->header.size, c->header.size, " ", 1)) continue;
  uint64_t length = c->header.size;
  if (LENGTH + c->header.size + c->data_size > max_size) return 0;
  memcpy(file, &length, LENGTH);
  memcpy(file + LENGTH, c->header_room, c->header.size);
  memcpy(file + LENGTH + c->header.size, c->data, c->data_size);
  return LENGTH + c->header.size + c->data_size;
}

/* ---- the checksum ---- */

static bool true_checksum(const uint8_t *file, size_t size, char text[BP_CHECKSUM_TEXT]) {
  bp_context *ctx = NULL;
  bp_safetensors *tensors = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return false;
  bool found = bp_safetensors_parse(ctx, "fuzz", file, size, &tensors) == BP_OK &&
               bp_safetensors_checksum(ctx, tensors->tensors, tensors->n_tensors, text) == BP_OK;
  bp_safetensors_free(tensors);
  bp_context_free(ctx);
  return found;
}

/* Room for the number in the texts of a file that has none. */
static void add_checksum(container *c) {
  static const char metadata[] = "\"__metadata__\":{", room[] = "\"" BP_CHECKSUM_KEY "\":\"0000000000000000\",";
  char *at = memmem(c->header.at, c->header.size, metadata, sizeof metadata - 1);
  if (at == NULL || memmem(c->header.at, c->header.size, BP_CHECKSUM_KEY, strlen(BP_CHECKSUM_KEY)) != NULL) return;
  size_t behind = (size_t)(at - c->header.at) + sizeof metadata - 1;
  (void)json_splice(&c->header, behind, behind, room, sizeof room - 1);
}

/* A file that tells a checksum of its tensors tells the true one, or changed tensors would get no further than to its reader. */
static void seal(uint8_t *file, size_t size) {
  static const char key[] = "\"" BP_CHECKSUM_KEY "\":\"";
  char text[BP_CHECKSUM_TEXT];
  uint8_t *at = memmem(file, size, key, sizeof key - 1);
  if (at == NULL || (size_t)(file + size - at) < sizeof key - 1 + sizeof text) return;
  at += sizeof key - 1;
  if (at[sizeof text - 1] == '"' && true_checksum(file, size, text)) memcpy(at, text, sizeof text - 1);
}

/* ---- texts in the header ---- */

static void unescape(const char *from, size_t size, json_text *to) {
  to->size = 0;
  for (size_t i = 0; i < size; i++) {
    if (from[i] == '\\' && i + 1 < size && (from[i + 1] == '"' || from[i + 1] == '\\')) i++;
    to->at[to->size++] = from[i];
  }
}

static size_t escape(const json_text *from, char *to, size_t room) {
  size_t size = 0;
  for (size_t i = 0; i < from->size && size + 2 < room; i++) {
    if (from->at[i] == '"' || from->at[i] == '\\') to[size++] = '\\';
    to[size++] = from->at[i];
  }
  return size;
}

/* A text that holds JSON gets one or two changes; the header itself where there is none. */
static void change_text(container *c, unsigned *random) {
  static json_span spans[JSON_SPANS];
  static char plain[ROOM], escaped[ROOM];
  int n = json_spans(&c->header, spans), which = -1, seen = 0;
  for (int i = 0; i < n; i++) {
    bool holds = spans[i].kind == '"' && spans[i].end - spans[i].begin > 4 && c->header.at[spans[i].begin + 1] == '{';
    if (holds && random_below(random, (unsigned)++seen) == 0) which = i;
  }
  if (which < 0) {
    json_mutate(&c->header, random);
    return;
  }
  json_text text = {plain, 0, ROOM / 2};
  unescape(c->header.at + spans[which].begin + 1, spans[which].end - spans[which].begin - 2, &text);
  for (unsigned k = 1 + random_below(random, 2); k > 0; k--) json_mutate(&text, random);
  size_t size = escape(&text, escaped, sizeof escaped);
  (void)json_splice(&c->header, spans[which].begin + 1, spans[which].end - 1, escaped, size);
}

/* ---- sizes ---- */

/* Puts another number in place of one wherever it stands, in texts and in shapes: so a layer gets wider and its tensors with it. */
static void change_number_everywhere(container *c, unsigned *random) {
  char old = (char)('1' + random_below(random, 9)), new = (char)('1' + random_below(random, 9));
  for (size_t i = 1; i + 1 < c->header.size; i++) {
    char before = c->header.at[i - 1], after = c->header.at[i + 1];
    bool alone = (before == ':' || before == '[' || before == ',') && (after == ',' || after == ']' || after == '}');
    if (alone && c->header.at[i] == old) c->header.at[i] = new;
  }
}

typedef struct entry {
  size_t at, end; /* where its offsets stand */
  size_t old_begin, old_size, size;
} entry;

static size_t element_size(const char *type) {
  return strncmp(type, "F64", 3) == 0 || strncmp(type, "I64", 3) == 0 ? 8 : strncmp(type, "U8", 2) == 0 ? 1 : 4;
}

/* The elements of a shape behind its bracket, times `total`; at most ROOM. */
static size_t times_shape(const char *shape, size_t total) {
  char *end;
  for (const char *at = shape; total < ROOM; at = end + 1) {
    unsigned long dim = strtoul(at, &end, 10);
    if (end == at) break;
    total = dim < ROOM ? total * dim : ROOM;
    if (*end != ',') break;
  }
  return total;
}

/* {"data_offsets":[0,48],"dtype":"F32","shape":[4,3]}, in any order of the three. */
static bool read_entry(const container *c, size_t from, entry *out) {
  char text[256], *end;
  size_t size = c->header.size - from < sizeof text - 1 ? c->header.size - from : sizeof text - 1;
  memcpy(text, c->header.at + from, size);
  text[size] = '\0';
  text[strcspn(text, "}")] = '\0';
  char *offsets = strstr(text, "data_offsets\":["), *type = strstr(text, "dtype\":\""),
       *shape = strstr(text, "shape\":[");
  if (offsets == NULL || type == NULL || shape == NULL) return false;
  offsets += strlen("data_offsets\":[");
  out->old_begin = strtoul(offsets, &end, 10);
  size_t old_end = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
  out->old_size = old_end > out->old_begin ? old_end - out->old_begin : 0;
  out->at = from + (size_t)(offsets - text);
  out->end = out->at + strcspn(offsets, "]");
  out->size = times_shape(shape + strlen("shape\":["), element_size(type + strlen("dtype\":\"")));
  return out->size < ROOM;
}

static void sort_by_place(entry *entries, int n) {
  for (int i = 1; i < n; i++)
    for (int k = i; k > 0 && entries[k].old_begin < entries[k - 1].old_begin; k--) {
      entry other = entries[k];
      entries[k] = entries[k - 1];
      entries[k - 1] = other;
    }
}

static int find_entries(const container *c, entry entries[TENSORS]) {
  int n = 0;
  for (size_t i = 0; i < c->header.size && n < TENSORS; i++)
    if (c->header.at[i] == '{' && read_entry(c, i, &entries[n])) i = entries[n++].end;
  sort_by_place(entries, n);
  return n;
}

static void write_offsets(container *c, entry *entries, int n) {
  size_t begin = 0;
  for (int k = 0; k < n; begin += entries[k++].size) {
    char offsets[64];
    int length = snprintf(offsets, sizeof offsets, "%zu,%zu", begin, begin + entries[k].size);
    size_t before = c->header.size, at = entries[k].at;
    if (!json_splice(&c->header, at, entries[k].end, offsets, (size_t)length)) return;
    for (int i = k + 1; i < n; i++) {
      if (entries[i].at < at) continue;
      entries[i].at = entries[i].at + c->header.size - before;
      entries[i].end = entries[i].end + c->header.size - before;
    }
  }
}

/* Offsets and data as the shapes say; what is new of the data is a small number. */
static void fit_data(container *c) {
  static char data[ROOM];
  entry entries[TENSORS];
  int n = find_entries(c, entries);
  size_t total = 0;
  for (int k = 0; k < n; total += entries[k++].size) {
    const entry *e = &entries[k];
    if (total + e->size > ROOM) return;
    for (size_t i = 0; i < e->size; i++) {
      bool there = i < e->old_size && e->old_begin + i < c->data_size;
      data[total + i] = there ? c->data[e->old_begin + i] : (char)(i % 4 == 3 ? 0x3e : i % 4 == 2 ? 0x40 : 0);
    }
  }
  memcpy(c->data, data, total);
  c->data_size = total;
  write_offsets(c, entries, n);
}

/* ---- data ---- */

static void change_data(container *c, unsigned *random) {
  static const float singles[] = {0, -1, 1e30F, -3e38F, 1e-40F, 100, INFINITY, NAN};
  static const double doubles[] = {0, -1, 1e300, -1e308, 1e-310, 3, INFINITY, NAN};
  size_t at = c->data_size >= 8 ? random_below(random, (unsigned)(c->data_size / 8)) * 8 : 0;
  unsigned kind = random_below(random, 3);
  if (c->data_size < 8 || kind == 0)
    (void)mutate_bytes((uint8_t *)c->data, c->data_size, c->data_size);
  else if (kind == 1)
    memcpy(c->data + at + 4 * random_below(random, 2), &singles[random_below(random, 8)], sizeof *singles);
  else
    memcpy(c->data + at, &doubles[random_below(random, 8)], sizeof *doubles);
}

static size_t mutate_plain(uint8_t *file, size_t size, size_t max_size, unsigned *random) {
  static container c;
  unsigned kind = random_below(random, 16);
  if (kind == 0 || !take_apart(file, size, &c)) return mutate_bytes(file, size, max_size);
  if (kind < 9)
    change_text(&c, random);
  else if (kind < 11)
    json_mutate(&c.header, random);
  else if (kind < 13)
    change_number_everywhere(&c, random);
  else
    change_data(&c, random);
  if (kind < 13 && random_below(random, 4) > 0) fit_data(&c);
  if (random_below(random, 16) == 0) add_checksum(&c);
  size_t fits = put_together(&c, file, max_size);
  if (fits == 0) return size;
  if (random_below(random, 32) > 0) seal(file, fits);
  return fits;
}

/* ---- gzip ---- */

/* Both ways; 0 on failure. */
static size_t unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room) {
  z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
  if (inflateInit2(&z, 31) != Z_OK) return 0;
  int end = inflate(&z, Z_FINISH);
  (void)inflateEnd(&z);
  return end == Z_STREAM_END ? z.total_out : 0;
}

static size_t pack(const uint8_t *from, size_t size, uint8_t *to, size_t room) {
  z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
  if (deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  int end = deflate(&z, Z_FINISH);
  (void)deflateEnd(&z);
  return end == Z_STREAM_END ? z.total_out : 0;
}

size_t container_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static uint8_t plain[2 * ROOM], packed[2 * ROOM];
  unsigned random = seed * 2654435761U + 1;
  bool was_packed = size > 2 && data[0] == 0x1f && data[1] == 0x8b, repack = random_below(&random, 40) == 0;
  size_t n = was_packed ? unpack(data, size, plain, sizeof plain) : 0;
  if (was_packed && (n == 0 || random_below(&random, 4) == 0)) return mutate_bytes(data, size, max_size);
  if (!was_packed && !repack) return mutate_plain(data, size, max_size, &random);
  if (!was_packed) memcpy(plain, data, n = size < sizeof plain ? size : sizeof plain);
  if (was_packed) n = mutate_plain(plain, n, sizeof plain, &random);
  n = pack(plain, n, packed, sizeof packed);
  if (n == 0 || n > max_size) return size;
  memcpy(data, packed, n);
  return n;
}
