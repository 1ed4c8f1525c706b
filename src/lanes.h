/* lanes.h - looks at sixteen bytes at a time, in a vector of the compiler's:
 * what a request brings is nearly always clean, and this finds that out
 * quickly. */
#ifndef PREFLIGHTD_LANES_H
#define PREFLIGHTD_LANES_H

#include "swar.h"

/* Sixteen bytes, or for each of them 0xff, yes, or 0, no. */
typedef uint8_t lanes __attribute__((vector_size(16)));

/* Two words, the first in the lower addresses. */
typedef uint64_t lane_words __attribute__((vector_size(16)));

static inline lanes
lanes_load(const char *p)
{
	lanes v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline lanes
lanes_of_words(uint64_t first, uint64_t second)
{
	return (lanes)(lane_words){swar_native(first), swar_native(second)};
}

/* The 8 bytes at p, and the 8 at q. */
static inline lanes
lanes_both(const char *p, const char *q)
{
	return lanes_of_words(swar_word(p), swar_word(q));
}

/* The first 8 bytes, as lanes_of_words took them. */
static inline uint64_t
lanes_word(lanes v)
{
	return swar_native(((lane_words)v)[0]);
}

static inline lanes
lanes_is(lanes v, uint8_t c)
{
	return (lanes)(v == c);
}

static inline lanes
lanes_within(lanes v, uint8_t first, uint8_t last)
{
	return (lanes)(v - first <= (uint8_t)(last - first));
}

/* The lanes with a letter of A-Z a-z. */
static inline lanes
lanes_letters(lanes v)
{
	return lanes_within(v | 0x20, 'a', 'z');
}

/* Whether all lanes say yes. */
static inline bool
lanes_all(lanes v)
{
	lane_words w = (lane_words)v;

	return (w[0] & w[1]) == UINT64_MAX;
}

/* How many lanes say yes before the first no. */
static inline size_t
lanes_leading(lanes v)
{
	lane_words w = ~(lane_words)v;

	if (w[0] != 0)
		return swar_before(swar_native(w[0]));
	return w[1] != 0 ? 8 + swar_before(swar_native(w[1])) : 16;
}

/* Printable ASCII other than `except`. */
static inline lanes
lanes_clean(lanes v, uint8_t except)
{
	return lanes_within(v, ' ', '~') & ~lanes_is(v, except);
}

/* Whether s is of printable ASCII without the byte `except`, which is not a
 * space. */
static inline bool
str_is_clean(struct str s, uint8_t except)
{
	lanes good;
	size_t i = 16;

	if (s.n < 8)
		return lanes_all(lanes_clean(lanes_of_words(SWAR_ALL(' '),
		    swar_padded(s, ' ')), except));
	if (s.n < 16)
		return lanes_all(lanes_clean(lanes_both(s.p,
		    s.p + s.n - 8), except));
	good = lanes_clean(lanes_load(s.p + s.n - 16), except);
	for (; i < s.n; i += 16)
		good &= lanes_clean(lanes_load(s.p + i - 16), except);
	return lanes_all(good);
}

/* What browsers write lists of field names with: a-z 0-9 - and commas. */
static inline lanes
lanes_listed(lanes v)
{
	return lanes_within(v, 'a', 'z') | lanes_within(v, '0', '9') |
	    lanes_within(v, ',', '-');
}

/* Whether s is of those alone: then each element is a token.  False says
 * nothing. */
static inline bool
str_is_listed(struct str s)
{
	lanes good;
	size_t i = 16;

	if (s.n < 8)
		return false;
	if (s.n < 16)
		return lanes_all(lanes_listed(lanes_both(s.p,
		    s.p + s.n - 8)));
	good = lanes_listed(lanes_load(s.p + s.n - 16));
	for (; i < s.n; i += 16)
		good &= lanes_listed(lanes_load(s.p + i - 16));
	return lanes_all(good);
}

#endif
