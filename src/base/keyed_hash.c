/* keyed_hash.c - SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): one round for each word of 8 bytes
 * and three at the end, as the hash tables of several languages have it. Floor: base.
 */
#include "base/keyed_hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__) || defined(__APPLE__)
#include <sys/random.h>

#include "base/words.h"
#endif

/* ---- the key ---- */

static bp_hash_key own;
static _Atomic(const bp_hash_key *) now; /* NULL: not drawn yet */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Without a source of entropy: what differs from run to run, mixed by the hash itself. */
static void guess_key(void) {
  struct timespec time = {0};
  const bp_hash_key none = {{0, 0}};
  (void)clock_gettime(CLOCK_REALTIME, &time);
  const uint64_t seed[] = {(uint64_t)time.tv_sec, (uint64_t)time.tv_nsec, (uint64_t)getpid(),
                           (uint64_t)(uintptr_t)&time, (uint64_t)(uintptr_t)&own};
  own.k[0] = bp_keyed_hash(&none, seed, sizeof seed);
  own.k[1] = bp_keyed_hash(&own, seed, sizeof seed);
}

static void draw_key(void) {
  if (getentropy(&own, sizeof own) != 0) guess_key();
}

const bp_hash_key *bp_hash_key_now(void) {
  const bp_hash_key *key = atomic_load_explicit(&now, memory_order_acquire);
  if (key) return key;
  (void)pthread_once(&once, draw_key);
  atomic_store_explicit(&now, &own, memory_order_release);
  return &own;
}

void bp_hash_key_set_for_test(const bp_hash_key *key) { atomic_store(&now, key); }

/* ---- the hash ---- */

/* The last 0 to 7 bytes, at p, the first of them lowest, and the length above them. Reads overlap where there are more or fewer
 * bytes than a word has. */
static uint64_t last_word(const unsigned char *p, size_t size) {
  uint64_t length = (uint64_t)size << 56;
  int n = (int)(size % 8);
  if (n == 0) return length;
  if (size > 8) return length | bp_word64(p + n - 8) >> (64 - 8 * n);
  if (n >= 4) return length | bp_word32(p) | bp_word32(p + n - 4) << 8 * (n - 4);
  return length | p[0] | (uint64_t)p[n / 2] << 8 * (n / 2) | (uint64_t)p[n - 1] << 8 * (n - 1);
}

typedef struct sip {
  uint64_t a, b, c, d;
} sip;

static inline sip sip_round(sip v) {
  v.a += v.b, v.b = bp_rotate64(v.b, 13) ^ v.a, v.a = bp_rotate64(v.a, 32);
  v.c += v.d, v.d = bp_rotate64(v.d, 16) ^ v.c;
  v.a += v.d, v.d = bp_rotate64(v.d, 21) ^ v.a;
  v.c += v.b, v.b = bp_rotate64(v.b, 17) ^ v.c, v.c = bp_rotate64(v.c, 32);
  return v;
}

static inline sip take_word(sip v, uint64_t word) {
  v.d ^= word;
  v = sip_round(v);
  v.a ^= word;
  return v;
}

uint64_t bp_keyed_hash(const bp_hash_key *key, const void *data, size_t size) {
  const unsigned char *p = data, *end = p + (size - size % 8);
  sip v = {key->k[0] ^ 0x736F6D6570736575u, key->k[1] ^ 0x646F72616E646F6Du, key->k[0] ^ 0x6C7967656E657261u,
           key->k[1] ^ 0x7465646279746573u};
  for (; p < end; p += 8) v = take_word(v, bp_word64(p));
  v = take_word(v, last_word(p, size));
  v.c ^= 0xFF;
  v = sip_round(sip_round(sip_round(v)));
  return v.a ^ v.b ^ v.c ^ v.d;
}
