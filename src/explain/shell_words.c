#include "config.h"

#include "explain/shell_words.h"

#include <stdint.h>

#include "base/buf.h"

/* ---- cmd.exe ----------------------------------------------------------- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The length of the line end that s begins with, or 0. */
static size_t
line_end(struct str s)
{
	if (str_starts(s, STR("\r\n")))
		return 2;
	return s.n > 0 && s.p[0] == '\n' ? 1 : 0;
}

/* Whether the text is quoted for cmd.exe: ^" opens its first argument, or lines
 * go on behind ^ and no argument begins with '. */
static bool
is_cmd(struct str text)
{
	bool goes_on = false, single = false, first = true;

	for (size_t i = 1; i < text.n; i++) {
		if (is_space(text.p[i - 1]) && !is_space(text.p[i])) {
			if (first && text.p[i] == '^' &&
			    str_starts(str_from(text, i), STR("^\"")))
				return true;
			single = single || text.p[i] == '\'' ||
			    text.p[i] == '$';
			first = false;
		}
		if (text.p[i - 1] == '^' && line_end(str_from(text, i)) > 0)
			goes_on = true;
	}
	return goes_on && !single;
}

/* Takes the carets out; a line that goes on is one with the next. */
static struct str
without_carets(struct str text, char *space)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		size_t end;

		if (text.p[i] != '^' || i + 1 == text.n) {
			space[n++] = text.p[i];
			continue;
		}
		end = line_end(str_from(text, i + 1));
		space[n++] = end > 0 ? ' ' : text.p[i + 1];
		i += end > 0 ? end : 1;
	}
	return (struct str){space, n};
}

/* ---- $'...' ------------------------------------------------------------ */

/* Takes up to max digits of the base off the front of *rest. */
static uint32_t
take_number(struct str *rest, uint32_t base, size_t max, bool *any)
{
	uint32_t value = 0;

	*any = false;
	while (rest->n > 0 && max-- > 0) {
		int digit = hex_digit((unsigned char)rest->p[0]);

		if (digit < 0 || (uint32_t)digit >= base)
			break;
		value = value * base + (uint32_t)digit;
		*rest = str_from(*rest, 1);
		*any = true;
	}
	return value;
}

/* The escape takes more bytes than its UTF-8. */
static void
add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_char(out, (char)c);
	} else if (c < 0x800) {
		buf_char(out, (char)(0xc0 | c >> 6));
		buf_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_char(out, (char)(0xe0 | c >> 12));
		buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_char(out, (char)(0xf0 | (c >> 18 & 7)));
		buf_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* Adds what stands behind a backslash at the front of *rest, which is not
 * empty. */
static void
add_escape(struct str *rest, struct buf *out)
{
	static const char names[] = "abefnrtv", values[] = "\a\b\x1b\f\n\r\t\v";
	char c = rest->p[0];
	const char *found = c != '\0' ? strchr(names, c) : NULL;
	bool any;
	uint32_t value;

	if (c >= '0' && c <= '7') {
		value = take_number(rest, 8, 3, &any);
		buf_char(out, (char)(value & 0xff));
		return;
	}
	*rest = str_from(*rest, 1);
	if (found != NULL) {
		buf_char(out, values[found - names]);
		return;
	}
	if (c != 'x' && c != 'u' && c != 'U') {
		buf_char(out, c);
		return;
	}
	value = take_number(rest, 16, c == 'x' ? 2 : c == 'u' ? 4 : 8, &any);
	if (!any)
		buf_char(out, c);
	else if (c == 'x')
		buf_char(out, (char)value);
	else
		add_utf8(out, value);
}

/* ---- words ------------------------------------------------------------- */

/* Takes a quoted text, after its opening quote, off the front of *rest; dollar
 * says that it is $'...' or $"...".  Returns false where it does not end. */
static bool
take_quoted(struct str *rest, char quote, bool dollar, struct buf *out)
{
	while (rest->n > 0 && rest->p[0] != quote) {
		char c = rest->p[0];
		size_t end;

		*rest = str_from(*rest, 1);
		end = line_end(*rest);
		if (c != '\\' || rest->n == 0 || (quote == '\'' && !dollar)) {
			buf_char(out, c);
		} else if (quote == '\'') {
			add_escape(rest, out);
		} else if (end > 0) {
			*rest = str_from(*rest, end);
		} else {
			if (memchr("$`\"\\", rest->p[0], 4) != NULL) {
				c = rest->p[0];
				*rest = str_from(*rest, 1);
			}
			buf_char(out, c);
		}
	}
	if (rest->n == 0)
		return false;
	*rest = str_from(*rest, 1);
	return true;
}

/* Takes one part of a word: something quoted or one character. */
static bool
take_part(struct str *rest, struct buf *out)
{
	char c = rest->p[0];
	char next = rest->n > 1 ? rest->p[1] : '\0';
	bool dollar = c == '$' && (next == '\'' || next == '"');

	if (dollar)
		c = next;
	*rest = str_from(*rest, dollar ? 2 : 1);
	if (c == '\'' || c == '"')
		return take_quoted(rest, c, dollar, out);
	if (c == '\\' && rest->n > 0) {
		c = rest->p[0];
		*rest = str_from(*rest, 1);
	}
	buf_char(out, c);
	return true;
}

/* Passes over white space and lines that go on. */
static void
skip_space(struct str *rest)
{
	for (;;) {
		size_t end = rest->n > 0 && rest->p[0] == '\\' ?
		    line_end(str_from(*rest, 1)) : 0;

		if (end > 0)
			*rest = str_from(*rest, 1 + end);
		else if (rest->n > 0 && is_space(rest->p[0]))
			*rest = str_from(*rest, 1);
		else
			return;
	}
}

/* Whether the command ends in front of rest. */
static bool
is_over(struct str rest, bool at_start)
{
	if (rest.n == 0)
		return true;
	return memchr(";|<>", rest.p[0], 4) != NULL ||
	    (at_start && rest.p[0] == '&');
}

static bool
take_word(struct str *rest, struct buf *out)
{
	while (rest->n > 0 && !is_space(rest->p[0]) && !is_over(*rest, false)) {
		if (rest->p[0] == '\\' && line_end(str_from(*rest, 1)) > 0)
			return true;
		if (!take_part(rest, out))
			return false;
	}
	return true;
}

const char *
shell_words_split(struct str text, struct arena *a, struct shell_words *out)
{
	struct str *words;
	struct buf b;

	*out = (struct shell_words){.count = 0};
	if (text.n > SHELL_TEXT_MAX)
		return "has more than 1 MiB";
	words = arena_array(a, SHELL_WORDS_MAX, sizeof(*words));
	char *plain = arena_alloc(a, text.n + 1);
	b = (struct buf){arena_alloc(a, text.n + 1), 0, text.n + 1, false};
	if (words == NULL || plain == NULL || b.p == NULL)
		return "needs more memory";
	if (is_cmd(text))
		text = without_carets(text, plain);
	out->items = words;
	for (skip_space(&text); !is_over(text, true); skip_space(&text)) {
		size_t start = b.n;

		if (out->count == SHELL_WORDS_MAX)
			return "has more than 4096 words";
		if (!take_word(&text, &b))
			return "has a quote that does not end";
		words[out->count++] = str_from(buf_str(&b), start);
	}
	return NULL;
}
