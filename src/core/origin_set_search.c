/* origin_set_search.c - which entry of a set covers another, and what a refused
 * Origin most likely meant: for checks, comparisons and messages, never for the
 * decision. */
#include "config.h"

#include "core/origin_set.h"

#include "base/buf.h"
#include "base/parse.h"
#include "core/origin_set_impl.h"

/* ---- entries ----------------------------------------------------------- */

bool
origin_set_twin(const struct origin_set *s, const struct origin_entry *e,
    struct origin_entry *out)
{
	const struct pattern *p;
	struct origin o;
	uint32_t ref = 0;

	if (e->kind == ORIGIN_ANY) {
		ref = s->any;
	} else if (e->kind != ORIGIN_PATTERN) {
		ref = origin_set_find(s, e->text);
	} else if (s->npatterns > 0 &&
	    origin_parse(e->text, &o, NULL, e->at) == 0 &&
	    (p = origin_set_same_pattern(s, &o)) != NULL) {
		ref = p->ref;
	}
	if (ref == 0)
		return false;
	origin_set_entry(s, ref, out);
	return true;
}

bool
origin_set_covered(const struct origin_set *s, struct str text,
    struct origin_entry *out)
{
	struct origin parts;
	const struct pattern *p;
	uint32_t ref = s->any;

	if (ref == 0 && s->npatterns > 0 && origin_split(text, &parts) &&
	    (p = origin_set_find_pattern(s, &parts)) != NULL)
		ref = p->ref;
	if (ref == 0)
		return false;
	origin_set_entry(s, ref, out);
	return true;
}

static enum origin_cover
cover_exact(const struct origin_set *s, const struct origin_entry *e,
    struct origin_entry *by)
{
	uint32_t ref;

	if (origin_set_covered(s, e->text, by))
		return ORIGIN_COVERED;
	ref = origin_set_find(s, e->text);
	if (ref == 0)
		return ORIGIN_UNCOVERED;
	origin_set_entry(s, ref, by);
	return ORIGIN_LISTED;
}

/* The pattern with the shortest host that covers o, whose host is one of those
 * that the pattern e matches. */
static bool
find_covering(const struct origin_set *s, const struct origin *o,
    struct origin_entry *by)
{
	const struct pattern *p = origin_set_find_pattern(s, o);

	if (p != NULL)
		origin_set_entry(s, p->ref, by);
	return p != NULL;
}

/* One host stands for all that the pattern matches, and the port '*' is covered
 * by itself only: what covers these covers the pattern. */
static enum origin_cover
cover_pattern(const struct origin_set *s, const struct origin_entry *e,
    struct origin_entry *by)
{
	char host[HOST_NAME_MAX_BYTES + 2];
	struct buf b = BUF(host);
	struct origin_entry wider;
	struct origin o;

	if (s->npatterns == 0 || origin_parse(e->text, &o, NULL, e->at) != 0)
		return ORIGIN_UNCOVERED;
	if (o.subdomains)
		buf_add(&b, STR("x."));
	buf_add(&b, o.host);
	o.host = buf_str(&b);
	if (b.full || !find_covering(s, &o, by))
		return ORIGIN_UNCOVERED;
	if (!str_eq(by->text, e->text))
		return ORIGIN_COVERED;
	o.port = ORIGIN_PORT_ANY;
	if (find_covering(s, &o, &wider) && !str_eq(wider.text, e->text)) {
		*by = wider;
		return ORIGIN_COVERED;
	}
	return ORIGIN_LISTED;
}

enum origin_cover
origin_set_cover(const struct origin_set *s, const struct origin_entry *e,
    struct origin_entry *by)
{
	if (s->any != 0) {
		origin_set_entry(s, s->any, by);
		return e->kind == ORIGIN_ANY ? ORIGIN_LISTED : ORIGIN_COVERED;
	}
	switch (e->kind) {
	case ORIGIN_ANY:
		return ORIGIN_UNCOVERED;
	case ORIGIN_PATTERN:
		return cover_pattern(s, e, by);
	case ORIGIN_NULL:
	case ORIGIN_EXACT:
	default:
		return cover_exact(s, e, by);
	}
}

/* ---- refused origins --------------------------------------------------- */

enum { NEAR_MAX = 400, TYPOS_MAX = 2 };

/* An entry of that text alone: www. in front is not worth a word where a
 * pattern covers it. */
static bool
found_exact(const struct origin_set *s, struct str text,
    struct origin_entry *out)
{
	uint32_t ref = origin_set_find(s, text);

	if (ref != 0)
		origin_set_entry(s, ref, out);
	return ref != 0;
}

/* Which of the differences between a text and its canonical form matters. */
static enum near_kind
spelling_kind(struct str got, const struct origin *canonical)
{
	struct str tail = got;
	bool upper = false;

	for (size_t i = 0; i < got.n; i++)
		upper = upper || (got.p[i] >= 'A' && got.p[i] <= 'Z');
	if (upper && str_eq_fold(got, canonical->text))
		return NEAR_CASE;
	for (size_t i = 0; i + 2 < got.n; i++)
		if (got.p[i] == '/' && got.p[i + 1] == '/')
			tail = str_from(got, i + 2);
	if (memchr(tail.p, '/', tail.n) != NULL ||
	    memchr(tail.p, '?', tail.n) != NULL ||
	    memchr(tail.p, '#', tail.n) != NULL)
		return NEAR_SLASH;
	if (canonical->port == ORIGIN_PORT_DEFAULT &&
	    (str_ends(tail, STR(":")) || str_ends(tail, STR(":80")) ||
	        str_ends(tail, STR(":443"))))
		return NEAR_DEFAULT_PORT;
	return upper ? NEAR_CASE : NEAR_SPELLING;
}

/* The same with http for https or the other way round, with or without www.,
 * without a trailing dot. */
static enum near_kind
try_variants(const struct origin_set *s, const struct origin *o,
    struct origin_entry *out)
{
	char space[NEAR_MAX];
	struct str rest = str_from(o->text, o->scheme.n);
	struct str after = str_from(rest, 3);
	bool https = str_eq(o->scheme, STR("https"));

	if (https || str_eq(o->scheme, STR("http"))) {
		struct buf b = BUF(space);
		buf_add(&b, https ? STR("http") : STR("https"));
		buf_add(&b, rest);
		if (!b.full && origin_set_match(s, buf_str(&b), out))
			return NEAR_SCHEME;
	}
	struct buf b = BUF(space);
	buf_add(&b, o->scheme);
	buf_add(&b, STR("://"));
	if (str_starts(after, STR("www.")))
		after = str_from(after, 4);
	else
		buf_add(&b, STR("www."));
	buf_add(&b, after);
	if (!b.full && found_exact(s, buf_str(&b), out))
		return NEAR_WWW;
	if (o->host.n > 1 && o->host.p[o->host.n - 1] == '.') {
		size_t dot = (size_t)(o->host.p - o->text.p) + o->host.n - 1;
		b = BUF(space);
		buf_add(&b, (struct str){o->text.p, dot});
		buf_add(&b, str_from(o->text, dot + 1));
		if (!b.full && origin_set_match(s, buf_str(&b), out))
			return NEAR_DOT;
	}
	return NEAR_NONE;
}

/* The pattern whose own domain this is, or that covers it but for its scheme
 * or port. */
static enum near_kind
try_patterns(const struct origin_set *s, const struct origin *o,
    struct origin_entry *out)
{
	enum near_kind kind = NEAR_NONE;
	size_t count = s->npatterns < ORIGIN_SET_SMALL ? s->npatterns :
	    ORIGIN_SET_SMALL;

	for (size_t i = 0; i < count && kind == NEAR_NONE; i++) {
		const struct pattern *p = &s->patterns[i];
		struct origin_entry e;
		origin_set_entry(s, p->ref, &e);
		struct str host = {e.text.p + p->origin.scheme.n + 3 +
		        (p->origin.subdomains ? 2 : 0), p->origin.host.n};
		struct str scheme = {e.text.p, p->origin.scheme.n};
		bool same = str_eq(scheme, o->scheme);
		bool apex = p->origin.subdomains && str_eq(host, o->host);
		bool inside = p->origin.subdomains ?
		    str_ends(o->host, host) && o->host.n > host.n + 1 &&
		        o->host.p[o->host.n - host.n - 1] == '.' :
		    str_eq(host, o->host);
		if (apex && same)
			kind = NEAR_APEX;
		else if (inside)
			kind = !same ? NEAR_SCHEME :
			    p->origin.port != ORIGIN_PORT_ANY &&
			        p->origin.port != o->port ? NEAR_PORT :
			    NEAR_LABEL;
		if (kind != NEAR_NONE)
			*out = e;
	}
	return kind;
}

struct spelling {
	struct str got;
	size_t best;
	struct origin_entry *out;
};

static int
try_spelling(void *ctx, const struct origin_entry *e)
{
	struct spelling *x = ctx;

	if (e->kind != ORIGIN_EXACT)
		return 0;
	size_t d = spelling_distance(x->got, e->text, TYPOS_MAX);
	if (d < x->best) {
		x->best = d;
		*x->out = *e;
	}
	return 0;
}

enum near_kind
origin_set_nearest(const struct origin_set *s, struct str origin,
    struct origin_entry *out)
{
	char space[NEAR_MAX];
	struct buf b = BUF(space);
	struct origin o;
	enum near_kind kind;
	uint32_t ref;

	if (origin.n >= NEAR_MAX || !origin_canonical(origin, &b) ||
	    !origin_split(buf_str(&b), &o))
		return NEAR_NONE;
	if (!str_eq(origin, o.text) && origin_set_match(s, o.text, out))
		return spelling_kind(origin, &o);
	kind = try_variants(s, &o, out);
	if (kind != NEAR_NONE)
		return kind;
	ref = origin_set_find_host(s, o.host);
	if (ref != 0) {
		origin_set_entry(s, ref, out);
		return str_starts(out->text, o.scheme) &&
		    out->text.n > o.scheme.n &&
		    out->text.p[o.scheme.n] == ':' ? NEAR_PORT : NEAR_SCHEME;
	}
	kind = try_patterns(s, &o, out);
	if (kind != NEAR_NONE)
		return kind;
	if (s->nexact <= ORIGIN_SET_SMALL) {
		struct spelling x = {o.text, TYPOS_MAX + 1, out};
		(void)origin_set_each(s, try_spelling, &x);
		if (x.best <= TYPOS_MAX)
			return NEAR_SPELLING;
	}
	return NEAR_NONE;
}
