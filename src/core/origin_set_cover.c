/* origin_set_cover.c - which entries of a set have no effect beside others, and
 * which of one set another allows: for checks and comparisons of policies. */
#include "config.h"

#include "core/origin_set.h"

#include "base/buf.h"
#include "core/origin_set_impl.h"

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
