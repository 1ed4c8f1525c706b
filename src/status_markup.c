#include "config.h"

#include "status_markup.h"

#include "buf.h"

/* Writes text escaped, a piece at a time, by way of a function. */
static void
escaped_write(FILE *f, struct str text, void (*put)(FILE *f, struct str piece))
{
	char space[4 * 64];
	struct buf b;
	size_t n;

	while (text.n > 0) {
		b = BUF(space);
		n = text.n < sizeof space / 4 ? text.n : sizeof space / 4;
		buf_escaped(&b, (struct str){text.p, n}, n);
		put(f, buf_str(&b));
		text = str_from(text, n);
	}
}

static void
put_plain(FILE *f, struct str piece)
{
	fwrite(piece.p, 1, piece.n, f);
}

static void
put_html(FILE *f, struct str piece)
{
	for (size_t i = 0; i < piece.n; i++) {
		if (piece.p[i] == '<')
			fputs("&lt;", f);
		else if (piece.p[i] == '>')
			fputs("&gt;", f);
		else if (piece.p[i] == '&')
			fputs("&amp;", f);
		else if (piece.p[i] == '\'')
			fputs("&#39;", f);
		else if (piece.p[i] == '"')
			fputs("&quot;", f);
		else
			fputc(piece.p[i], f);
	}
}

void
markup_plain(FILE *f, struct str text)
{
	escaped_write(f, text, put_plain);
}

void
markup_html(FILE *f, struct str text)
{
	escaped_write(f, text, put_html);
}

void
markup_own(FILE *f, const char *text)
{
	put_html(f, str_of(text));
}
