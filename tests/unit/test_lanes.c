/* Every byte at every place of texts of every length around a vector's, each in
 * memory of its own size, so that a look behind it is seen. */
#include "config.h"

#include "base/lanes.h"

#include <stdlib.h>

#include "unit.h"

enum { LENGTH_MAX = 40 };

/* Calls check with each text that is `filler` but for one byte. */
static void
each_text(char filler, void (*check)(struct str s, size_t at))
{
	for (size_t n = 1; n <= LENGTH_MAX; n++) {
		char *p = malloc(n);
		cr_assert(p != NULL);
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				memset(p, filler, n);
				p[at] = (char)c;
				check((struct str){p, n}, at);
			}
		free(p);
	}
}

static void
check_clean(struct str s, size_t at)
{
	unsigned char c = (unsigned char)s.p[at];
	bool printable = c >= ' ' && c <= '~';

	cr_expect(lanes_every(s, lanes_printable) == printable,
	    "%zu of %zu: %d", at, s.n, c);
	cr_expect(lanes_every(s, lanes_single) == (printable && c != ','),
	    "%zu of %zu: %d", at, s.n, c);
}

static void
check_listed(struct str s, size_t at)
{
	char c = s.p[at];
	bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == ',';

	cr_expect(lanes_every(s, lanes_listed) == good, "%zu of %zu: %d", at,
	    s.n, c);
}

static void
check_upto(struct str s, size_t at)
{
	unsigned char bytes[8];
	uint64_t w = swar_upto(s.p, s.n < 8 ? s.n : 8);

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(w >> (8 * i));
	for (size_t i = 0; i < sizeof bytes; i++)
		cr_expect(bytes[i] == (i < s.n ? (unsigned char)s.p[i] : 0),
		    "%zu of %zu", at, s.n);
	w = swar_first(w, at < 8 ? at : 8);
	for (size_t i = 0; i < sizeof bytes; i++)
		cr_expect((unsigned char)(w >> (8 * i)) ==
		    (i < at ? bytes[i] : 0), "%zu of %zu", at, s.n);
}

static void
check_leading(struct str s, size_t at)
{
	char block[16];
	size_t n = s.n < sizeof block ? s.n : sizeof block;

	memset(block, 'b', sizeof block);
	memcpy(block, s.p, n);
	if (at < n)
		cr_expect(lanes_leading(lanes_is(lanes_load(block), 'a')) ==
		    (s.p[at] != 'a' ? at : n), "%zu of %zu", at, s.n);
}

Test(lanes, clean)
{
	each_text('x', check_clean);
}

Test(lanes, listed)
{
	each_text('x', check_listed);
}

Test(lanes, words)
{
	each_text('\x80', check_upto);
}

Test(lanes, leading)
{
	each_text('a', check_leading);
}
