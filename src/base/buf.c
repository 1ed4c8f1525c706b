#include "config.h"

#include "base/buf.h"

void
buf_char(struct buf *b, char c)
{
	buf_add(b, (struct str){&c, 1});
}

void
buf_uint(struct buf *b, unsigned long v)
{
	char digits[3 * sizeof(v) + 1];
	char *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, (struct str){p, (size_t)(digits + sizeof(digits) - p)});
}

void
buf_hex(struct buf *b, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add(b, (struct str){(char[]){hex_char(bytes[i] >> 4),
		    hex_char(bytes[i])}, 2});
}

void
buf_escaped(struct buf *b, struct str s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			buf_char(b, (char)c);
		else
			buf_add(b, (struct str){(char[]){'\\', 'x',
			    hex_char(c >> 4), hex_char(c)}, 4});
	}
	if (n < s.n)
		buf_add(b, STR("..."));
}

void
buf_quoted(struct buf *b, struct str s, size_t max)
{
	buf_char(b, '\'');
	buf_escaped(b, s, max);
	buf_char(b, '\'');
}

const char *
buf_cstr(struct buf *b)
{
	if (b->n == b->cap) {
		b->full = true;
		b->n--;
	}
	b->p[b->n] = '\0';
	return b->p;
}

const char *
buf_shown(struct shown *out, struct str s)
{
	struct buf b = BUF(out->text);

	buf_escaped(&b, s, SHOWN_MAX);
	return buf_cstr(&b);
}
