#include "config.h"

#include "base/html_text.h"

#include "base/escape.h"

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
markup_html(FILE *f, struct str text)
{
	escape_each(f, text, put_html);
}

void
markup_own(FILE *f, const char *text)
{
	put_html(f, str_of(text));
}
