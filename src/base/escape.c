#include "config.h"

#include "base/escape.h"

#include "base/buf.h"

static void
put_html(FILE *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '<')
			fputs("&lt;", to);
		else if (text.p[i] == '>')
			fputs("&gt;", to);
		else if (text.p[i] == '&')
			fputs("&amp;", to);
		else if (text.p[i] == '\'')
			fputs("&#39;", to);
		else if (text.p[i] == '"')
			fputs("&quot;", to);
		else
			fputc(text.p[i], to);
	}
}

static void
print(FILE *to, struct str text, bool html)
{
	char space[4];
	struct buf b;

	for (size_t i = 0; i < text.n; i++) {
		b = BUF(space);
		buf_escaped(&b, (struct str){text.p + i, 1}, 1);
		if (html)
			put_html(to, buf_str(&b));
		else
			(void)fwrite(b.p, 1, b.n, to);
	}
}

void
escape_print(FILE *to, struct str text)
{
	print(to, text, false);
}

void
markup_html(FILE *to, struct str text)
{
	print(to, text, true);
}

void
markup_own(FILE *to, const char *text)
{
	put_html(to, str_of(text));
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
		else if (is_control(c))
			fprintf(to, "\\x%02x", c);
		else
			putc(c, to);
	}
}

json_t *
json_text(struct str s)
{
	json_t *text = json_stringn(s.p, s.n);
	struct shown shown;

	return text != NULL ? text : json_string(buf_shown(&shown, s));
}

/* What jansson leaves as it is and a terminal may act on: DEL and U+0080 to
 * U+009F, which are 0xc2 and one byte.  They occur in strings alone. */
struct printing {
	FILE *to;
	bool lead; /* a 0xc2 was the last byte, and waits */
};

static int
print_safe(const char *text, size_t n, void *data)
{
	struct printing *p = data;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (p->lead && c > 0x9f)
			putc(0xc2, p->to);
		if (c == 0x7f || (p->lead && c <= 0x9f))
			fprintf(p->to, "\\u%04x", c);
		else if (c != 0xc2)
			putc(c, p->to);
		p->lead = c == 0xc2;
	}
	return ferror(p->to) ? -1 : 0;
}

int
json_print(const json_t *value, FILE *to, size_t flags)
{
	struct printing p = {to, false};

	return json_dump_callback(value, print_safe, &p, flags);
}

bool
json_add(json_t **array, json_t *item)
{
	if (json_array_append_new(*array, item) == 0)
		return true;
	json_decref(*array);
	*array = NULL;
	return false;
}
