/* swar.h - looks at eight bytes at a time, in a register: what a request brings
 * is nearly always clean, and this finds that out quickly. */
#ifndef PREFLIGHTD_SWAR_H
#define PREFLIGHTD_SWAR_H

#include <stdint.h>

#include "str.h"

#define SWAR_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not 0 where a byte of w is below n; n is at most 0x80. */
static inline uint64_t
swar_below(uint64_t w, uint64_t n)
{
	return (w - SWAR_ALL(n)) & ~w & SWAR_ALL(UINT64_C(0x80));
}

/* Not 0 where a byte of w is c. */
static inline uint64_t
swar_equal(uint64_t w, uint64_t c)
{
	return swar_below(w ^ SWAR_ALL(c), 1);
}

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

static inline uint64_t
swar_unclean(uint64_t w, unsigned char except)
{
	return (w & SWAR_ALL(UINT64_C(0x80))) | swar_below(w, 0x20) |
	    swar_equal(w, 0x7f) | swar_equal(w, except);
}

/* 0x80 in each byte of w that is first to last; all bytes are below 0x80. */
static inline uint64_t
swar_within(uint64_t w, uint64_t first, uint64_t last)
{
	return (w + SWAR_ALL(0x80 - first)) & ~(w + SWAR_ALL(0x7f - last)) &
	    SWAR_ALL(UINT64_C(0x80));
}

/* Whether every byte of w is one of a-z 0-9 - and the comma. */
static inline bool
swar_is_listed(uint64_t w)
{
	return (w & SWAR_ALL(UINT64_C(0x80))) == 0 &&
	    (swar_within(w, 'a', 'z') | swar_within(w, '0', '9') |
	        swar_within(w, ',', '-')) == SWAR_ALL(UINT64_C(0x80));
}

/* Whether s is of a-z 0-9 - and commas alone, as browsers write lists of field
 * names: then each element is a token.  False says nothing. */
static inline bool
str_is_listed(struct str s)
{
	if (s.n < 8)
		return false;
	for (size_t i = 0; i + 8 < s.n; i += 8)
		if (!swar_is_listed(swar_word(s.p + i)))
			return false;
	return swar_is_listed(swar_word(s.p + s.n - 8));
}

/* 0x80 in exactly the bytes of w that are c; all bytes are below 0x80. */
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

/* Whether s is of printable ASCII without the byte `except`. */
static inline bool
str_is_clean(struct str s, unsigned char except)
{
	uint64_t bad = 0;
	char last[8];

	if (s.n < 8) {
		memset(last, except == 'a' ? 'b' : 'a', sizeof last);
		for (size_t i = 0; i < s.n; i++)
			last[i] = s.p[i];
		return swar_unclean(swar_word(last), except) == 0;
	}
	for (size_t i = 0; i + 8 < s.n; i += 8)
		bad |= swar_unclean(swar_word(s.p + i), except);
	return (bad | swar_unclean(swar_word(s.p + s.n - 8), except)) == 0;
}

#endif
