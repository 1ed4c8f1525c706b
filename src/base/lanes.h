/* lanes.h - looks at sixteen bytes at a time, in a vector of the compiler's:
 * what a request brings is nearly always clean, and this finds that out
 * quickly. */
#ifndef PREFLIGHTD_BASE_LANES_H
#define PREFLIGHTD_BASE_LANES_H

#include "base/swar.h"

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

/* Printable ASCII, and the same without commas: one value of a list. */
static inline lanes
lanes_printable(lanes v)
{
	return lanes_within(v, ' ', '~');
}

static inline lanes
lanes_single(lanes v)
{
	return lanes_printable(v) & ~lanes_is(v, ',');
}

/* What browsers write lists of field names with: a-z 0-9 - and commas. */
static inline lanes
lanes_listed(lanes v)
{
	return lanes_within(v, 'a', 'z') | lanes_within(v, '0', '9') |
	    lanes_within(v, ',', '-');
}

/* Whether judge, which must say yes to an 'a', does so to every byte of s. */
static inline bool
lanes_every(struct str s, lanes (*judge)(lanes v))
{
	const char *end = s.p + s.n;
	lanes good;

	if (s.n < 8)
		return lanes_all(judge(lanes_of_words(SWAR_ALL('a'),
		    swar_padded(s, 'a'))));
	if (s.n < 16)
		return lanes_all(judge(lanes_both(s.p, end - 8)));
	good = judge(lanes_load(end - 16));
	for (const char *p = s.p; p < end - 16; p += 16)
		good &= judge(lanes_load(p));
	return lanes_all(good);
}

#endif
