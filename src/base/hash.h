/* hash.h - the hash for tables in memory: SipHash-1-3 over the whole text, with
 * a key that the process drew, so that nobody can choose texts that collide.
 * No output may depend on it, nor on the order of a table. */
#ifndef PREFLIGHTD_BASE_HASH_H
#define PREFLIGHTD_BASE_HASH_H

#include <stdint.h>

#include "base/str.h"

/* Sets the key: once, before the first hash.  Without it all is as good, but
 * known beforehand, as tests and fuzzing want it. */
void hash_key(const unsigned char key[16]);

/* The hash of s.  Different salts make different hashes of it: for parts of
 * what is hashed, or for tables of other things. */
uint64_t hash_str(struct str s, uint64_t salt);

#endif
