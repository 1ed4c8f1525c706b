/* swar.h - up to eight bytes as one number, the first byte the lowest. */
#ifndef PREFLIGHTD_BASE_SWAR_H
#define PREFLIGHTD_BASE_SWAR_H

#include <stdint.h>

#include "base/str.h"

#define SWAR_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Between such a number and what the machine makes of the bytes in memory. */
static inline uint64_t
swar_native(uint64_t w)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(w);
#else
	return w;
#endif
}

static inline uint64_t
swar_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return swar_native(w);
}

/* n bytes, at most 8, and zeros. */
static inline uint64_t
swar_upto(const char *p, size_t n)
{
	const unsigned char *byte = (const unsigned char *)p;
	uint64_t low = 0, high = 0;

	if (n == 0)
		return 0;
	if (n < 4)
		return (uint64_t)byte[n - 1] << (8 * (n - 1)) |
		    (uint64_t)byte[n / 2] << (8 * (n / 2)) | byte[0];
	memcpy(&low, p, 4);
	memcpy(&high, p + n - 4, 4);
	return swar_native(low) | swar_native(high) << (8 * (n - 4));
}

/* The first n bytes of w, at most 8, and zeros. */
static inline uint64_t
swar_first(uint64_t w, size_t n)
{
	return n < 8 ? w & ((UINT64_C(1) << (8 * n)) - 1) : w;
}

/* s, of fewer than 8 bytes, and c for the rest. */
static inline uint64_t
swar_padded(struct str s, unsigned char c)
{
	return swar_upto(s.p, s.n) | SWAR_ALL(c) << (8 * s.n);
}

/* How many bytes of w, not 0, stand before the first that is not 0. */
static inline size_t
swar_before(uint64_t w)
{
	return (size_t)__builtin_ctzll(w) / 8;
}

/* How many bytes of w, not 0, there are up to the last that is not 0, with
 * it. */
static inline size_t
swar_behind(uint64_t w)
{
	return 8 - (size_t)__builtin_clzll(w) / 8;
}

#endif
