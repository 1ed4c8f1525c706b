/* naive_target.c - hosts and paths as the documentation has them. */
#include "config.h"

#include "naive.h"

/* ---- hosts ------------------------------------------------------------- */

static bool
host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

static bool
is_address(struct str s)
{
	if (s.n < 4 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++)
		if (!host_byte(s.p[i]) && s.p[i] != ':' && s.p[i] != '.')
			return false;
	return s.n <= 255;
}

static bool
is_name(struct str s)
{
	size_t label = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? label == 0 : !host_byte(s.p[i]))
			return false;
		label = s.p[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && s.n <= 253;
}

/* Up to five digits, or none, behind the last colon. */
static struct str
without_port(struct str s)
{
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] >= '0' && s.p[i - 1] <= '9')
		i--;
	if (i > 0 && s.p[i - 1] == ':' && s.n - i <= 5)
		s.n = i - 1;
	return s;
}

enum naive_host
naive_host_read(struct str raw, char out[NAIVE_HOST_BYTES], size_t *n)
{
	struct str host;

	if (!naive_is_clean(raw))
		return NAIVE_MALFORMED;
	host = without_port(raw);
	if (host.n > 0 && host.p[0] != '[' && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n >= NAIVE_HOST_BYTES)
		return NAIVE_NO_HOST;
	for (size_t i = 0; i < host.n; i++)
		out[i] = (char)ascii_lower((unsigned char)host.p[i]);
	*n = host.n;
	host.p = out;
	return is_address(host) || is_name(host) ? NAIVE_HOST : NAIVE_NO_HOST;
}

/* ---- paths ------------------------------------------------------------- */

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	if (found == NULL)
		return -1;
	return (int)(found - digits) - (found - digits > 15 ? 6 : 0);
}

/* Decodes path into text once; what may not stand there, coded or not, and
 * what some decoders take for a shorter character, is refused. */
static bool
decode(struct str path, char *text, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];
		bool coded = c == '%';

		if (coded) {
			if (path.n - i < 3 || hex(path.p[i + 1]) < 0 ||
			    hex(path.p[i + 2]) < 0)
				return false;
			c = (unsigned char)(hex(path.p[i + 1]) * 16 +
			    hex(path.p[i + 2]));
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || c == '\\' ||
		    (coded ? c == '/' : c == '#'))
			return false;
		text[(*n)++] = (char)c;
	}
	for (size_t i = 0; i < *n; i++) {
		unsigned char a = (unsigned char)text[i];
		unsigned char b = i + 1 < *n ? (unsigned char)text[i + 1] : 0;

		if (a == 0xc0 || a == 0xc1 ||
		    (a == 0xe0 && b >= 0x80 && b < 0xa0) ||
		    (a == 0xf0 && b >= 0x80 && b < 0x90))
			return false;
	}
	return true;
}

static bool
contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (memcmp(s.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

/* Takes the next segment off the front of *rest, which begins with a '/'. */
static struct str
segment_off(struct str *rest)
{
	size_t n = 1;
	struct str segment;

	while (n < rest->n && rest->p[n] != '/')
		n++;
	segment = (struct str){rest->p + 1, n - 1};
	*rest = str_from(*rest, n);
	return segment;
}

static bool
is_dots(struct str s)
{
	return str_eq(s, STR(".")) || str_eq(s, STR(".."));
}

static bool
has_dots(struct str text)
{
	bool found = false;

	while (text.n > 0)
		found = is_dots(segment_off(&text)) || found;
	return found;
}

bool
naive_path_read(struct str path, bool cut, struct naive_path *out)
{
	struct str text = {out->text, 0}, segment;

	out->n = 0;
	if (path.n == 0 || path.p[0] != '/' ||
	    !decode(path, out->text, &text.n))
		return false;
	if (contains(text, STR("/.;")) || contains(text, STR("/..;")) ||
	    (has_dots(text) && contains(text, STR("//"))))
		return false;
	while (text.n > 0) {
		segment = segment_off(&text);
		if (cut && memchr(segment.p, ';', segment.n) != NULL)
			segment.n = str_find_any(segment, ";");
		if (str_eq(segment, STR(".."))) {
			if (out->n == 0)
				return false;
			out->n--;
		} else if (segment.n > 0 && !str_eq(segment, STR("."))) {
			out->segments[out->n++] = segment;
		}
	}
	return true;
}

bool
naive_path_under(const struct naive_path *path, struct str prefix)
{
	size_t i = 0;

	while (prefix.n > 1) {
		struct str segment = segment_off(&prefix);

		if (i == path->n || !str_eq(path->segments[i++], segment))
			return false;
	}
	return true;
}
