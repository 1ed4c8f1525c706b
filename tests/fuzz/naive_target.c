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

/* 0 to 8 groups of 1 to 4 digits, and how many; the last may be a dotted quad,
 * which counts as two.  -1 for anything else. */
static int
count_groups(struct str s)
{
	int count = 0;
	size_t digits = 0, dots = 0, value = 0;

	if (s.n == 0)
		return 0;
	for (size_t i = 0; i <= s.n; i++) {
		char c = i < s.n ? s.p[i] : ':';

		if (c == ':' || c == '.') {
			if (digits == 0 || (dots > 0 && c == ':' && i < s.n))
				return -1;
			if (c == '.' || dots > 0) {
				if (digits > 3 || value > 255)
					return -1;
				dots += c == '.';
			}
			if (c == ':')
				count += dots > 0 ? 2 : 1;
			if (c == ':' && dots > 0 && dots != 3)
				return -1;
			digits = value = 0;
			continue;
		}
		if (strchr("0123456789abcdef", c) == NULL || c == '\0' ||
		    ++digits > 4)
			return -1;
		/* Only a dotted quad is looked at, and it is decimal. */
		value = c > '9' || (digits > 1 && value == 0) ? 1000 :
		    value * 10 + (size_t)(c - '0');
	}
	return count;
}

static bool
is_address(struct str s)
{
	int left, right = 0;
	size_t i = 0;

	if (s.n < 4 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	s = (struct str){s.p + 1, s.n - 2};
	while (i + 1 < s.n && memcmp(s.p + i, "::", 2) != 0)
		i++;
	if (i + 1 >= s.n)
		return count_groups(s) == 8;
	if (memchr(s.p, '.', i) != NULL)
		return false;
	left = count_groups((struct str){s.p, i});
	right = count_groups(str_from(s, i + 2));
	return left >= 0 && right >= 0 && left + right < 8;
}

static bool
is_name(struct str s)
{
	size_t label = 0;

	for (size_t i = 0; i <= s.n; i++) {
		bool end = i == s.n || s.p[i] == '.';

		if (!end && !host_byte(s.p[i]))
			return false;
		if (end && (label == 0 || label > 63 || s.p[i - 1] == '-' ||
		    s.p[i - label] == '-'))
			return false;
		label = end ? 0 : label + 1;
	}
	return s.n <= 253;
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
	struct str host = without_port(raw);

	if (raw.n == 0)
		return NAIVE_NO_HOST;
	if (host.n > 0 && host.p[0] != '[' && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n >= NAIVE_HOST_BYTES)
		return NAIVE_MALFORMED;
	for (size_t i = 0; i < host.n; i++)
		out[i] = (char)ascii_lower((unsigned char)host.p[i]);
	*n = host.n;
	host.p = out;
	return is_address(host) || is_name(host) ? NAIVE_HOST : NAIVE_MALFORMED;
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

/* The texts that come of the first one by what a server may do to it, each kept
 * with how often it was decoded. */
static struct {
	char text[NAIVE_PATH_BYTES];
	size_t n;
	int decoded;
} seen[NAIVE_TEXTS];
static size_t count;
static bool too_many;

/* The text that is being made. */
static char made[NAIVE_PATH_BYTES];
static size_t length;

static void
put(char c)
{
	made[length++] = c;
}

static void
keep(int decoded)
{
	if (length == 0)
		put('/');
	for (size_t i = 0; i < count; i++)
		if (seen[i].decoded == decoded && seen[i].n == length &&
		    memcmp(seen[i].text, made, length) == 0) {
			length = 0;
			return;
		}
	too_many = too_many || count == NAIVE_TEXTS;
	if (!too_many) {
		memcpy(seen[count].text, made, length);
		seen[count].n = length;
		seen[count++].decoded = decoded;
	}
	length = 0;
}

static int
escape(const char *p, size_t n)
{
	return n < 3 || p[0] != '%' || hex(p[1]) < 0 || hex(p[2]) < 0 ? -1 :
	    hex(p[1]) * 16 + hex(p[2]);
}

static bool
has_escape(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (escape(p + i, n - i) >= 0)
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

static void
decode(const char *p, size_t n, bool slashes)
{
	for (size_t i = 0; i < n; i++) {
		int c = escape(p + i, n - i);

		put(c < 0 || (c == '/' && !slashes) ? p[i] : (char)c);
		if (c >= 0 && (c != '/' || slashes))
			i += 2;
	}
}

/* Segments without dots, joined again: an empty one is one like the others. */
static void
resolve(struct str text)
{
	static struct str stack[NAIVE_PATH_BYTES];
	size_t depth = 0;

	while (text.n > 0) {
		struct str segment = segment_off(&text);

		if (str_eq(segment, STR("..")) && depth > 0)
			depth--;
		if (!is_dots(segment))
			stack[depth++] = segment;
		else if (text.n == 0)
			stack[depth++] = STR("");
	}
	for (size_t i = 0; i < depth; i++) {
		put('/');
		for (size_t k = 0; k < stack[i].n; k++)
			put(stack[i].p[k]);
	}
}

/* Segments without their parameters, all or those of ".." alone. */
static void
cut(struct str text, bool all)
{
	while (text.n > 0) {
		struct str segment = segment_off(&text);

		if (all || str_starts(segment, STR("..;")))
			for (size_t i = 0; i < segment.n; i++)
				if (segment.p[i] == ';')
					segment.n = i;
		put('/');
		for (size_t k = 0; k < segment.n; k++)
			put(segment.p[k]);
	}
}

static void
put_from(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(p[i]);
}

/* Everything that any server does to seen[at]. */
static void
each_step(size_t at)
{
	const char *p = seen[at].text;
	size_t n = seen[at].n, i;
	int decoded = seen[at].decoded;

	for (int slashes = 0; slashes < 2 && decoded < 2; slashes++) {
		decode(p, n, slashes);
		keep(decoded + 1);
	}
	for (int end = 0; end < 128; end++) {
		if ((end == '#' ? decoded > 0 : end >= ' ' && end != 0x7f) ||
		    memchr(p, end, n) == NULL)
			continue;
		for (i = 0; i < n && p[i] != end; i++)
			put(p[i]);
		keep(decoded);
	}
	for (i = 0; i < n; i++)
		put(p[i] == '\\' ? '/' : p[i]);
	keep(decoded);
	for (int all = 0; all < 2; all++) {
		cut((struct str){p, n}, all);
		keep(decoded);
	}
	for (i = 0; i < n; i++)
		if (i == 0 || p[i] != '/' || p[i - 1] != '/')
			put(p[i]);
	keep(decoded);
	resolve((struct str){p, n});
	keep(decoded);
	if (n < 2 || p[1] != '/')
		return;
	for (i = 2; i < n && p[i] != '/'; i++)
		;
	put_from(p + i, n - i);
	keep(decoded);
	for (i = 2; i < n && p[i] == '/'; i++)
		;
	for (; i < n && p[i] != '/'; i++)
		;
	put_from(p + i, n - i);
	keep(decoded);
}

size_t
naive_readings(struct str path, bool decoded, bool *all)
{
	count = 0;
	too_many = false;
	*all = true;
	if (path.n == 0 || path.p[0] != '/')
		return 0;
	length = path.n;
	memcpy(made, path.p, path.n);
	keep(decoded);
	for (size_t i = 0; i < count && !too_many; i++)
		each_step(i);
	*all = !too_many;
	return count;
}

bool
naive_reading(size_t i, struct str *out)
{
	*out = (struct str){seen[i].text, seen[i].n};
	return !has_dots(*out) && (seen[i].decoded > 0 ||
	    !has_escape(out->p, out->n));
}

bool
naive_path_under(struct str path, struct str prefix)
{
	while (prefix.n > 1) {
		if (path.n == 0 || !str_eq(segment_off(&path),
		    segment_off(&prefix)))
			return false;
	}
	return true;
}
