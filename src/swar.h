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

static inline uint64_t
swar_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static inline uint64_t
swar_unclean(uint64_t w, unsigned char except)
{
	return (w & SWAR_ALL(UINT64_C(0x80))) | swar_below(w, 0x20) |
	    swar_equal(w, 0x7f) | swar_equal(w, except);
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
