#include "config.h"

#include "conf/edit.h"

#include "base/buf.h"
#include "base/lines.h"
#include "conf/lex.h"

int
source_read(const char *file, unsigned line, struct arena *a,
    struct source_line *out, unsigned *last)
{
	struct lines in;
	struct str text;
	const char *why;
	enum lines_next next = LINES_END;
	int ret = -1;

	*out = (struct source_line){.section = 0};
	*last = 0;
	if (lines_open(&in, file, &why) != 0)
		return -1;
	while (*last < line &&
	    (next = lines_next(&in, &text)) != LINES_END) {
		if (next == LINES_ERROR)
			goto out;
		*last = in.number;
		if (next == LINES_LONG)
			text = STR("");
		if (text.n > 0 && text.p[0] == '[')
			out->section = in.number;
		if (in.number == line)
			out->text = arena_str(a, text);
	}
	ret = next == LINES_END || out->text.p != NULL ? 0 : -1;
out:
	lines_close(&in);
	return ret;
}

/* The three parts joined. */
static struct str
join(struct str front, struct str middle, struct str behind, struct arena *a)
{
	size_t cap = front.n + middle.n + behind.n + 1;
	struct buf b = {arena_alloc(a, cap), 0, cap, false};

	if (b.p == NULL || front.p == NULL || middle.p == NULL)
		return (struct str){NULL, 0};
	buf_add(&b, front);
	buf_add(&b, middle);
	buf_add(&b, behind);
	return buf_str(&b);
}

static bool
is_separator(char c)
{
	return c == ',' || is_blank(c);
}

/* Without separators at its end. */
static struct str
trim_end(struct str s)
{
	while (s.n > 0 && is_separator(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* What stands in front of a comment, white space at its end left out. */
static struct str
before_comment(struct str line)
{
	struct str value = conf_strip(line, ";#");

	return (struct str){line.p, (size_t)(value.p - line.p) + value.n};
}

struct str
source_append(struct str line, struct str element, struct arena *a)
{
	struct str front = before_comment(line);
	struct str comment = trim_end(str_from(line, front.n));
	struct str separator = STR(", ");

	front = trim_end(front);
	if (front.n > 0 && front.p[front.n - 1] == '=')
		separator = STR(" ");
	return join(front, join(separator, element, STR(""), a), comment, a);
}

/* Where the element stands in the line by itself, or line.n. */
static size_t
find_element(struct str line, struct str element)
{
	for (size_t i = 0; i + element.n <= line.n; i++) {
		size_t end = i + element.n;

		if (str_starts(str_from(line, i), element) &&
		    (i == 0 || is_separator(line.p[i - 1]) ||
		        line.p[i - 1] == '=') &&
		    (end == line.n || is_separator(line.p[end])))
			return i;
	}
	return line.n;
}

struct str
source_replace(struct str line, struct str element, struct str with,
    struct arena *a)
{
	size_t start = find_element(line, element), end;

	if (start == line.n)
		return arena_str(a, line);
	end = start + element.n;
	if (with.n == 0)
		while (end < line.n && is_separator(line.p[end]))
			end++;
	return trim_end(join((struct str){line.p, start}, with,
	    str_from(line, end), a));
}

struct str
source_set(struct str line, struct str key, struct str value, struct arena *a)
{
	struct str comment = trim_end(str_from(line, before_comment(line).n));

	return join(join(key, value.n > 0 ? STR(" = ") : STR(" ="), value, a),
	    comment, STR(""), a);
}
