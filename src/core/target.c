#include "config.h"

#include "core/target.h"

#include "base/hash.h"
#include "core/host.h"

/* ---- the request target ------------------------------------------------ */

/* The length of "http://" or "https://" in front of raw, or 0. */
static size_t
web_scheme(struct str raw)
{
	static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (raw.n >= schemes[i].n && str_eq_fold(schemes[i],
		        (struct str){raw.p, schemes[i].n}))
			return schemes[i].n;
	return 0;
}

void
target_split(struct str raw, struct target *out)
{
	/* A path cannot begin like a scheme: nearly every target is one. */
	size_t scheme = raw.n > 0 && raw.p[0] == '/' ? 0 : web_scheme(raw);
	size_t end = 0;

	*out = (struct target){.path = raw, .absolute = scheme > 0};
	if (out->absolute) {
		raw = str_from(raw, scheme);
		while (end < raw.n && memchr("/?#\\", raw.p[end], 4) == NULL)
			end++;
		out->authority = (struct str){raw.p, end};
		out->path = str_from(raw, end);
	}
	const char *query = out->path.n > 0 ?
	    memchr(out->path.p, '?', out->path.n) : NULL;
	if (query != NULL)
		out->path.n = (size_t)(query - out->path.p);
	if ((out->absolute && out->path.n == 0) ||
	    (!out->absolute && str_eq(raw, STR("*"))))
		out->path = STR("/");
}

/* ---- hosts ------------------------------------------------------------- */

/* Whether s, behind the host, is nothing or a port. */
static bool
is_port(struct str s)
{
	if (s.n == 0)
		return true;
	if (s.p[0] != ':' || s.n > 6)
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool
host_is_malformed(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] < ' ' || host.p[i] > '~')
			return true;
	return false;
}

enum host_verdict
host_normalize(struct str host, char *out, size_t *len)
{
	bool address = host.n > 0 && host.p[0] == '[';
	const char *end = host.n > 0 ?
	    memchr(host.p, address ? ']' : ':', host.n) : NULL;
	size_t n = end == NULL ? host.n : (size_t)(end - host.p) + address;

	if (host.n == 0)
		return HOST_NONE;
	if (n > TARGET_HOST_MAX || !is_port(str_from(host, n)))
		return HOST_MALFORMED;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)ascii_lower((unsigned char)host.p[i]);
	host = (struct str){out, n};
	if (address ? !host_is_ipv6(host) : !host_labels_valid(host))
		return HOST_MALFORMED;
	*len = n - (out[n - 1] == '.');
	return HOST_GOOD;
}

/* ---- the readings of a path --------------------------------------------- */

/* Each thing that some server does to a path is one step from a text to
 * another, and every order of the steps is tried. */

/* What a text has that a step would change. */
enum {
	HAS_ESCAPE = 1,
	HAS_ESCAPED_SLASH = 2,
	HAS_BACKSLASH = 4,
	HAS_PARAMETERS = 8,
	HAS_CONTROL = 16,
	HAS_NUMBER_SIGN = 32,
	HAS_DOUBLE_SLASH = 64,
	HAS_DOTS = 128,
};

/* The byte that a valid escape at s.p[i] stands for, or -1. */
static int
escape_at(struct str s, size_t i)
{
	int high, low;

	if (s.p[i] != '%' || s.n - i < 3)
		return -1;
	high = hex_digit((unsigned char)s.p[i + 1]);
	low = hex_digit((unsigned char)s.p[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* 1 or 2 where the segment that begins at s.p[i] is that many dots, else 0. */
static int
dots_at(struct str s, size_t i)
{
	int n = 0;

	while (n < 2 && i < s.n && s.p[i] == '.') {
		n++;
		i++;
	}
	return i == s.n || s.p[i] == '/' ? n : 0;
}

static unsigned
scan(struct str s)
{
	unsigned has = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		int byte;

		switch (c) {
		case '/':
			if (i + 1 == s.n)
				break;
			if (s.p[i + 1] == '/')
				has |= HAS_DOUBLE_SLASH;
			else if (dots_at(s, i + 1) > 0)
				has |= HAS_DOTS;
			break;
		case '%':
			byte = escape_at(s, i);
			if (byte >= 0)
				has |= HAS_ESCAPE;
			if (byte == '/')
				has |= HAS_ESCAPED_SLASH;
			break;
		case '\\':
			has |= HAS_BACKSLASH;
			break;
		case ';':
			has |= HAS_PARAMETERS;
			break;
		case '#':
			has |= HAS_NUMBER_SIGN;
			break;
		default:
			if (is_control(c))
				has |= HAS_CONTROL;
		}
	}
	return has;
}

/* ---- the steps --------------------------------------------------------- */

/* Each writes what it makes of s to out, which has room for s.n bytes, and
 * returns its length.  s begins with '/', and so does what comes out. */

static size_t
decode(struct str s, char *out, bool slashes)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int byte = escape_at(s, i);

		if (byte < 0 || (byte == '/' && !slashes)) {
			out[n++] = s.p[i];
		} else {
			out[n++] = (char)byte;
			i += 2;
		}
	}
	return n;
}

static size_t
decode_all(struct str s, char *out)
{
	return decode(s, out, true);
}

static size_t
decode_but_slashes(struct str s, char *out)
{
	return decode(s, out, false);
}

static size_t
turn_backslashes(struct str s, char *out)
{
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] == '\\' ? '/' : s.p[i];
	return s.n;
}

/* Leaves out what stands from a ';' to the next '/'; dots_only: behind a
 * segment's ".." alone. */
static size_t
cut(struct str s, char *out, bool dots_only)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ';' && (!dots_only || (i >= 3 &&
		    memcmp(s.p + i - 3, "/..", 3) == 0)))
			while (i < s.n && s.p[i] != '/')
				i++;
		if (i < s.n)
			out[n++] = s.p[i];
	}
	return n;
}

static size_t
cut_parameters(struct str s, char *out)
{
	return cut(s, out, false);
}

static size_t
cut_behind_dots(struct str s, char *out)
{
	return cut(s, out, true);
}

static size_t
merge_slashes(struct str s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '/' || n == 0 || out[n - 1] != '/')
			out[n++] = s.p[i];
	return n;
}

/* As URL parsers do: an empty segment counts as one, and above the root there
 * is nothing to remove. */
static size_t
remove_dots(struct str s, char *out)
{
	size_t n = 0, end;

	for (size_t i = 0; i < s.n; i = end) {
		int dots = dots_at(s, i + 1);

		for (end = i + 1; end < s.n && s.p[end] != '/'; end++)
			;
		if (dots == 0) {
			memmove(out + n, s.p + i, end - i);
			n += end - i;
			continue;
		}
		if (dots == 2)
			while (n > 0 && out[--n] != '/')
				;
		if (end == s.n)
			out[n++] = '/';
	}
	if (n == 0)
		out[n++] = '/';
	return n;
}

bool
path_escapes_slash(struct str raw)
{
	return (scan(raw) & HAS_ESCAPED_SLASH) != 0;
}

bool
path_plain(struct str raw, char *space, size_t cap, struct str *out)
{
	if (raw.n == 0 || raw.p[0] != '/' || raw.n > cap)
		return false;
	/* No step writes beyond what it has read. */
	*out = (struct str){space, decode_all(raw, space)};
	out->n = merge_slashes(*out, space);
	out->n = remove_dots(*out, space);
	return true;
}

/* ---- every order of them ----------------------------------------------- */

struct state {
	struct str text;
	uint64_t hash;
	unsigned has, decodes;
};

struct search {
	struct state states[PATH_STATES_MAX];
	size_t count, used, work;
	bool (*fn)(void *ctx, struct str reading);
	void *ctx;
	char space[PATH_SPACE];
};

/* A text is what some server looks at once it is decoded and has no dot
 * segments left. */
static bool
is_reading(unsigned has, unsigned decodes)
{
	return !(has & HAS_DOTS) && (decodes > 0 || !(has & HAS_ESCAPE));
}

/* All functions from here return false where the search is to end. */

static bool
add(struct search *s, struct str text, unsigned decodes)
{
	struct state *new;
	uint64_t hash;

	s->work += text.n;
	if (s->work > PATH_WORK_MAX)
		return false;
	hash = hash_str(text, 0);
	for (size_t i = 0; i < s->count; i++) {
		const struct state *old = &s->states[i];

		/* What comes of the fewer decodes is more. */
		if (old->hash == hash && str_eq(old->text, text) &&
		    (old->decodes == decodes || (old->decodes < decodes &&
		    (old->decodes > 0 || !(old->has & HAS_ESCAPE)))))
			return true;
	}
	if (s->count == PATH_STATES_MAX)
		return false;
	if (text.p == s->space + s->used)
		s->used += text.n;
	new = &s->states[s->count++];
	*new = (struct state){text, hash, scan(text), decodes};
	return !is_reading(new->has, decodes) || s->fn(s->ctx, text);
}

static bool
step(struct search *s, const struct state *from,
    size_t (*change)(struct str s, char *out), unsigned decodes)
{
	char *out = s->space + s->used;

	return from->text.n <= PATH_SPACE - s->used &&
	    add(s, (struct str){out, change(from->text, out)}, decodes);
}

/* "//name" in front is a host to URL parsers; some skip more slashes. */
static bool
drop_name(struct search *s, const struct state *from)
{
	struct str text = from->text;
	size_t skipped = 2, end;

	for (int more = 0; more < 2; more++) {
		while (more && skipped < text.n && text.p[skipped] == '/')
			skipped++;
		for (end = skipped; end < text.n && text.p[end] != '/'; end++)
			;
		if (!add(s, end < text.n ? str_from(text, end) :
		    (struct str){text.p, 1}, from->decodes))
			return false;
	}
	return true;
}

/* Any control byte may be one that ends the path. */
static bool
end_at_controls(struct search *s, const struct state *from)
{
	bool seen[128] = {false};

	for (size_t i = 0; i < from->text.n; i++) {
		unsigned char c = (unsigned char)from->text.p[i];

		if (!is_control(c) || seen[c])
			continue;
		seen[c] = true;
		if (!add(s, (struct str){from->text.p, i}, from->decodes))
			return false;
	}
	return true;
}

static bool
expand(struct search *s, const struct state *from)
{
	unsigned has = from->has, decodes = from->decodes;
	struct str text = from->text;

	if (has & HAS_ESCAPE && decodes < 2 &&
	    !step(s, from, decode_all, decodes + 1))
		return false;
	if (has & HAS_ESCAPED_SLASH && decodes < 2 &&
	    !step(s, from, decode_but_slashes, decodes + 1))
		return false;
	if (has & HAS_BACKSLASH && !step(s, from, turn_backslashes, decodes))
		return false;
	if (has & HAS_PARAMETERS &&
	    (!step(s, from, cut_parameters, decodes) ||
	    !step(s, from, cut_behind_dots, decodes)))
		return false;
	if (has & HAS_CONTROL && !end_at_controls(s, from))
		return false;
	if (has & HAS_NUMBER_SIGN && decodes == 0) {
		text.n = (size_t)((const char *)memchr(text.p, '#', text.n) -
		    text.p);
		if (!add(s, text, decodes))
			return false;
	}
	if (has & HAS_DOUBLE_SLASH && from->text.p[1] == '/' &&
	    !drop_name(s, from))
		return false;
	if (has & HAS_DOUBLE_SLASH && !step(s, from, merge_slashes, decodes))
		return false;
	return !(has & HAS_DOTS) || step(s, from, remove_dots, decodes);
}

/* Apart, as its frame is large and hardly any request needs it. */
static bool __attribute__((noinline))
search(struct str raw, struct str more, bool decoded,
    bool (*fn)(void *ctx, struct str reading), void *ctx)
{
	struct search s;

	s.count = s.used = s.work = 0;
	s.fn = fn;
	s.ctx = ctx;
	if (more.n > 0) {
		if (raw.n > PATH_SPACE || more.n > PATH_SPACE - raw.n)
			return false;
		memcpy(s.space, raw.p, raw.n);
		memcpy(s.space + raw.n, more.p, more.n);
		raw = (struct str){s.space, raw.n + more.n};
	}
	if (!add(&s, raw, decoded ? 1 : 0))
		return false;
	for (size_t i = 0; i < s.count; i++)
		if (!expand(&s, &s.states[i]))
			return false;
	return true;
}

bool
path_readings(struct str raw, struct str more, bool decoded,
    bool (*fn)(void *ctx, struct str reading), void *ctx)
{
	if (raw.n == 0) {
		raw = more;
		more.n = 0;
	}
	if (raw.n == 0 || raw.p[0] != '/')
		return false;
	if (more.n == 0 && scan(raw) == 0)
		return fn(ctx, raw);
	return search(raw, more, decoded, fn, ctx);
}
