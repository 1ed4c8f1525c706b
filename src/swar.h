/* swar.h - looks at eight bytes at a time, in a register: what a request brings
 * is nearly always clean, and this finds that out quickly. */
#ifndef PREFLIGHTD_SWAR_H
#define PREFLIGHTD_SWAR_H

#include <stdint.h>

#include "str.h"

#define SWAR_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes, the first the lowest. */
static inline uint64_t
swar_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* 0x80 in each byte of w that is first to last, up to the first byte over 0x7f,
 * which never is. */
static inline uint64_t
swar_within(uint64_t w, uint64_t first, uint64_t last)
{
	return (w + SWAR_ALL(0x80 - first)) & ~(w + SWAR_ALL(0x7f - last)) &
	    SWAR_ALL(UINT64_C(0x80));
}

/* The same for the bytes that are c. */
static inline uint64_t
swar_where(uint64_t w, uint64_t c)
{
	return swar_within(w, c, c);
}

/* w with A-Z as a-z, up to the first byte over 0x7f. */
static inline uint64_t
swar_lower(uint64_t w)
{
	return w | swar_within(w, 'A', 'Z') >> 2;
}

/* Marks, with 0x80, the bytes of w that are none of a-z 0-9 - up to the first of
 * them; what is behind it says nothing. */
static inline uint64_t
swar_not_plain(uint64_t w)
{
	return ~(swar_within(w, 'a', 'z') | swar_within(w, '0', '9') |
	    swar_where(w, '-')) & SWAR_ALL(UINT64_C(0x80));
}

/* How many bytes stand before the first that is marked in what swar_where or
 * swar_within gave, not 0. */
static inline size_t
swar_before(uint64_t marks)
{
	return (size_t)__builtin_ctzll(marks) / 8;
}

/* How many bytes there are up to the last that is so marked, with it. */
static inline size_t
swar_behind(uint64_t marks)
{
	return 8 - (size_t)__builtin_clzll(marks) / 8;
}

/* The first n bytes of w, at most 8, and zeros. */
static inline uint64_t
swar_first(uint64_t w, size_t n)
{
	return n < 8 ? w & ((UINT64_C(1) << (8 * n)) - 1) : w;
}

/* Whether s is of a-z 0-9 - and commas alone, as browsers write lists of field
 * names: then each element is a token.  False says nothing. */
static inline bool
str_is_listed(struct str s)
{
	uint64_t good = SWAR_ALL(UINT64_C(0x80)), w;

	if (s.n < 8)
		return false;
	for (size_t i = 0;; i += 8) {
		if (i + 8 > s.n)
			i = s.n - 8;
		w = swar_word(s.p + i);
		good &= swar_within(w, 'a', 'z') | swar_within(w, '0', '9') |
		    swar_within(w, ',', '-');
		if (i + 8 == s.n)
			return good == SWAR_ALL(UINT64_C(0x80));
	}
}

/* 0x80 in each byte of w that is printable ASCII other than `except`, as far as
 * swar_within tells. */
static inline uint64_t
swar_clean(uint64_t w, unsigned char except)
{
	return swar_within(w, ' ', '~') & ~swar_where(w, except);
}

/* Whether s is of printable ASCII without the byte `except`. */
static inline bool
str_is_clean(struct str s, unsigned char except)
{
	uint64_t good = SWAR_ALL(UINT64_C(0x80));
	char last[8];

	if (s.n < 8) {
		memset(last, except == 'a' ? 'b' : 'a', sizeof last);
		for (size_t i = 0; i < s.n; i++)
			last[i] = s.p[i];
		return swar_clean(swar_word(last), except) == good;
	}
	for (size_t i = 0; i + 8 < s.n; i += 8)
		good &= swar_clean(swar_word(s.p + i), except);
	good &= swar_clean(swar_word(s.p + s.n - 8), except);
	return good == SWAR_ALL(UINT64_C(0x80));
}

#endif
