/* hash.h - a fast hash for tables and for the digest of a set: the same on
 * every machine.  It does not resist an attacker who chooses the stored keys;
 * those come from the policy, which is trusted. */
#ifndef PREFLIGHTD_HASH_H
#define PREFLIGHTD_HASH_H

#include <stdint.h>

#include "swar.h"

#define HASH_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t
hash_step(uint64_t h, uint64_t word)
{
	h = (h ^ word) * HASH_MULTIPLIER;
	return h ^ h >> 32;
}

/* The last word overlaps the one before it, so that none is read byte by
 * byte. */
static inline uint64_t
hash_str(struct str s, uint64_t seed)
{
	uint64_t h = hash_step(seed, s.n);

	if (s.n < 8)
		return hash_step(h, swar_upto(s.p, s.n));
	for (size_t i = 0; i + 8 < s.n; i += 8)
		h = hash_step(h, swar_word(s.p + i));
	return hash_step(h, swar_word(s.p + s.n - 8));
}

#endif
