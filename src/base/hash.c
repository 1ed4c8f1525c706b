#include "config.h"

#include "base/hash.h"

/* Written once, before there are threads. */
static uint64_t keys[2];

/* n bytes, at most 8, as a number, the first the lowest. */
static inline uint64_t
word(const unsigned char *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

static inline uint64_t
turn(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void
mix(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = turn(v[1], 13) ^ v[0];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] = turn(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = turn(v[3], 21) ^ v[0];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

static inline void
take(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	mix(v);
	v[0] ^= w;
}

void
hash_key(const unsigned char key[16])
{
	keys[0] = word(key, 8);
	keys[1] = word(key + 8, 8);
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one
 * round a word and three at the end, of the salt and then the text. */
uint64_t
hash_str(struct str s, uint64_t salt)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint64_t v[4] = {
		keys[0] ^ UINT64_C(0x736f6d6570736575),
		keys[1] ^ UINT64_C(0x646f72616e646f6d),
		keys[0] ^ UINT64_C(0x6c7967656e657261),
		keys[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t n = s.n;

	take(v, salt);
	for (; n >= 8; p += 8, n -= 8)
		take(v, word(p, 8));
	take(v, word(p, n) | (uint64_t)(s.n + 8) << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
