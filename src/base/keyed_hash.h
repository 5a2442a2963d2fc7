/* base/keyed_hash.h - a hash of bytes that nobody can foresee who does not know the key: for every table whose words come from
 * outside. The key decides where a word lies in a table, and nothing that can be seen.
 */
#ifndef BP_BASE_KEYED_HASH_H
#define BP_BASE_KEYED_HASH_H
#include <stddef.h>
#include <stdint.h>

typedef struct bp_hash_key {
  uint64_t k[2];
} bp_hash_key;

/* VIEW the key of this process: drawn from the operating system when it is first asked for. */
const bp_hash_key *bp_hash_key_now(void);
/* Replaces it while there is no table; NULL: the process's own again. The key is BORROWed until then. */
void bp_hash_key_set_for_test(const bp_hash_key *key);

/* SipHash-1-3 of data[size]. */
uint64_t bp_keyed_hash(const bp_hash_key *key, const void *data, size_t size);

#endif
