#include "config.h"

#include "escape.h"

#include "buf.h"

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
