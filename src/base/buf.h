/* buf.h - builds text in a buffer of the caller's, bounded: what does not fit
 * is left out and remembered, never written and never silent. */
#ifndef PREFLIGHTD_BASE_BUF_H
#define PREFLIGHTD_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap;
	bool full; /* something did not fit */
};

/* A buf over the array a. */
#define BUF(a) ((struct buf){(a), 0, sizeof(a), false})

static inline void
buf_add(struct buf *b, struct str s)
{
	if (s.n > b->cap - b->n) {
		b->full = true;
		return;
	}
	if (s.n > 0)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){b->p, b->n};
}

void buf_char(struct buf *b, char c);
void buf_uint(struct buf *b, unsigned long v);

/* Adds two hexadecimal digits for each byte. */
void buf_hex(struct buf *b, const unsigned char *bytes, size_t n);

/* Adds s with every control byte, 8-bit byte, '"' and '\' as \xHH, cut after
 * max bytes of s with "..." in place of the rest.  Safe for a terminal, a log
 * line, and inside quotes. */
void buf_escaped(struct buf *b, struct str s, size_t max);

/* The same between single quotes. */
void buf_quoted(struct buf *b, struct str s, size_t max);

/* Ends the text with a NUL, in place of its last byte where it is full, and
 * returns it.  The cap must not be 0. */
const char *buf_cstr(struct buf *b);

/* Room for a text of a file or a request in a message: its first SHOWN_MAX
 * bytes, escaped. */
enum { SHOWN_MAX = 100 };
struct shown {
	char text[4 * SHOWN_MAX + 4];
};

/* Fills *out and returns its text, terminated. */
const char *buf_shown(struct shown *out, struct str s);

#endif
