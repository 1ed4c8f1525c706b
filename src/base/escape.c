#include "config.h"

#include "base/escape.h"

#include "base/buf.h"

enum { PIECE = 64 };

void
escape_each(FILE *to, struct str text, void (*put)(FILE *to, struct str piece))
{
	char space[4 * PIECE];
	struct buf b;
	size_t n;

	for (; text.n > 0; text = str_from(text, n)) {
		b = BUF(space);
		n = text.n < PIECE ? text.n : PIECE;
		buf_escaped(&b, (struct str){text.p, n}, n);
		put(to, buf_str(&b));
	}
}

static void
put_plain(FILE *to, struct str piece)
{
	(void)fwrite(piece.p, 1, piece.n, to);
}

void
escape_print(FILE *to, struct str text)
{
	escape_each(to, text, put_plain);
}

void
escape_controls(FILE *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == 0xc2 && i + 1 < text.n &&
		    ((unsigned char)text.p[i + 1] & 0xe0) == 0x80)
			fprintf(to, "\\xc2\\x%02x",
			    (unsigned char)text.p[++i]);
		else if (c < 0x20 || c == 0x7f)
			fprintf(to, "\\x%02x", c);
		else
			putc(c, to);
	}
}
