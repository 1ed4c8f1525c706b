#include "config.h"

#include "conf/lint.h"

#include "base/buf.h"
#include "core/domain.h"

/* What nginx reads a response's header into (fastcgi_buffer_size), without the
 * FastCGI record around it. */
enum { ANSWER_MAX = 4096 - 16 };

/* ---- lists ------------------------------------------------------------- */

void
lint_methods(const struct field_set *methods, struct diag *d)
{
	if (methods->any && methods->count > 0)
		diag_add(d, DIAG_WARNING, methods->any_at, "method-star-named",
		    "write '*' alone, or remove it",
		    "'*' stands beside named methods, which it covers");
}

void
lint_headers(const struct field_set *headers, struct diag *d)
{
	if (headers->any && !field_set_find(headers, STR("Authorization")))
		diag_add(d, DIAG_WARNING, headers->any_at,
		    "header-authorization",
		    "write '*, Authorization' if pages send it",
		    "'*' does not cover Authorization, which must be listed "
		    "beside it");
}

/* ---- origins ----------------------------------------------------------- */

static bool
parse(struct str entry, struct origin *out)
{
	return origin_parse(entry, out, NULL, (struct place){0, 0, 0}) == 0;
}

/* Both begin with what tells nearly every entry of a long list. */
bool
lint_is_insecure(struct str entry)
{
	struct origin o;

	return !str_starts(entry, STR("https://")) && parse(entry, &o) &&
	    o.kind != ORIGIN_ANY && o.kind != ORIGIN_NULL &&
	    !origin_is_secure(&o);
}

bool
lint_is_over_suffix(struct str entry)
{
	struct origin o;

	return memchr(entry.p, '*', entry.n) != NULL && parse(entry, &o) &&
	    o.kind == ORIGIN_PATTERN && o.subdomains &&
	    o.host_kind == HOST_NAME && !origin_is_loopback(&o) &&
	    suffix_is_public(o.host);
}

struct origins_ctx {
	const struct origin_set *set;
	struct diag *d;
	bool any, patterns, risky;
};

static void
warn_covered(const struct origins_ctx *c, const struct origin_entry *e)
{
	struct origin_entry by;
	struct shown shown, by_shown;

	if (e->kind == ORIGIN_ANY || !origin_set_covered(c->set, e->text, &by))
		return;
	diag_add(c->d, DIAG_WARNING, e->at, "origin-covered",
	    "remove one of them",
	    "origin '%s' is covered by '%s' already, in %s:%u",
	    buf_shown(&shown, e->text), buf_shown(&by_shown, by.text),
	    diag_file_name(c->d, by.at.file), by.at.line);
}

/* Whether an entry of that text stands in the set. */
static bool
is_listed(const struct origin_set *set, enum origin_kind kind, struct str text)
{
	const struct origin_entry e = {.text = text, .kind = kind};
	struct origin_entry found;

	if (kind == ORIGIN_PATTERN)
		return origin_set_cover(set, &e, &found) == ORIGIN_LISTED;
	return origin_set_match(set, text, &found) && str_eq(found.text, text);
}

static void
warn_twin(const struct origins_ctx *c, const struct origin_entry *e)
{
	char text[2][512];
	struct buf twin = BUF(text[0]), dotted = BUF(text[1]);
	struct shown shown;
	struct origin o;
	struct str rest;

	if (!str_starts(e->text, STR("http://")) || !parse(e->text, &o) ||
	    origin_is_loopback(&o))
		return;
	/* With or without a trailing dot it is the same host. */
	rest = (struct str){o.host.p + o.host.n,
	    (size_t)(e->text.p + e->text.n - (o.host.p + o.host.n))};
	if (str_ends(o.host, STR(".")))
		o.host.n--;
	buf_add(&twin, STR("https://"));
	if (o.subdomains)
		buf_add(&twin, STR("*."));
	buf_add(&twin, o.host);
	buf_add(&dotted, buf_str(&twin));
	buf_char(&dotted, '.');
	buf_add(&twin, rest);
	buf_add(&dotted, rest);
	if (dotted.full || (!is_listed(c->set, e->kind, buf_str(&twin)) &&
	    !is_listed(c->set, e->kind, buf_str(&dotted))))
		return;
	diag_add(c->d, DIAG_WARNING, e->at, "origin-http-twin",
	    "remove it, unless the site is still served without https",
	    "origin '%s' stands beside its https twin",
	    buf_shown(&shown, e->text));
}

static int
lint_origin(void *ctx, const struct origin_entry *e)
{
	struct origins_ctx *c = ctx;

	if (e->kind == ORIGIN_ANY || e->kind == ORIGIN_NULL ||
	    lint_is_insecure(e->text) || lint_is_over_suffix(e->text))
		c->risky = true;
	if (e->kind == ORIGIN_NULL)
		diag_add(c->d, DIAG_WARNING, e->at, "origin-null",
		    "remove it, unless pages of sandboxes and files are "
		    "meant", "'null' is the origin of every sandboxed frame, "
		    "of any site");
	if (c->any || (c->patterns && e->kind == ORIGIN_EXACT))
		warn_covered(c, e);
	warn_twin(c, e);
	return 0;
}

bool
lint_origins(const struct origin_set *origins, struct diag *d)
{
	struct origins_ctx c = {.set = origins, .d = d};

	c.any = origin_set_any(origins);
	c.patterns = origin_set_patterns(origins) > 0;
	(void)origin_set_each(origins, lint_origin, &c);
	return c.risky;
}

/* ---- credentials ------------------------------------------------------- */

struct credentials_ctx {
	const struct policy *policy;
	struct diag *d;
};

static void
refuse_entry(const struct credentials_ctx *c, const struct origin_entry *e,
    const char *id, const char *hint, const char *what)
{
	struct shown shown;

	diag_add(c->d, DIAG_ERROR, e->at, id, hint,
	    "policy '%.*s' allows credentials: origin '%s' %s",
	    STR_ARG(c->policy->name), buf_shown(&shown, e->text), what);
}

static int
lint_credentials_entry(void *ctx, const struct origin_entry *e)
{
	const struct credentials_ctx *c = ctx;

	if (e->kind == ORIGIN_ANY)
		refuse_entry(c, e, "credentials-star", "list the origins that "
		    "may send credentials, or write allow-credentials = no",
		    "would give every site its users' rights");
	else if (e->kind == ORIGIN_NULL)
		refuse_entry(c, e, "credentials-null", "remove it, or write "
		    "allow-credentials = no",
		    "would give every sandboxed frame its users' rights");
	if (!c->policy->insecure_allowed && lint_is_insecure(e->text))
		refuse_entry(c, e, "credentials-insecure", "write https, or "
		    "insecure-origins = allow",
		    "is not https: whoever is on the way can act for it");
	if (!c->policy->suffixes_allowed && lint_is_over_suffix(e->text))
		refuse_entry(c, e, "credentials-public-suffix", "name the "
		    "domain that is yours, or write public-suffixes = allow",
		    "matches names that anybody can register");
	return 0;
}

void
lint_policy(const struct policy *p, bool risky_origins, struct diag *d)
{
	struct credentials_ctx c = {.policy = p, .d = d};

	if (!p->credentials)
		return;
	if (risky_origins)
		(void)origin_set_each(p->origins, lint_credentials_entry, &c);
	if (p->expose.any)
		diag_add(d, DIAG_ERROR, p->expose.any_at,
		    "credentials-expose-star", "list the header names, or "
		    "write allow-credentials = no",
		    "policy '%.*s' allows credentials: '*' in expose-headers "
		    "is then a literal name to browsers", STR_ARG(p->name));
}

/* ---- answers ----------------------------------------------------------- */

static int
find_longest(void *ctx, const struct origin_entry *e)
{
	size_t *longest = ctx;
	size_t n = e->text.n;

	if (e->kind == ORIGIN_PATTERN)
		n += HOST_NAME_MAX_BYTES;
	if (n > *longest)
		*longest = n;
	return 0;
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

void
lint_answers(const struct policy_set *s, struct diag *d)
{
	const size_t field = STR("Access-Control-Allow-Origin: \r\n").n;

	for (size_t i = 0; i < policy_set_count(s); i++) {
		const struct policy *p = policy_set_get(s, i);
		size_t n = larger(p->grant.n + p->grant_tail.n,
		    p->plain_allow.n + p->actual_tail.n + 64 + field);
		size_t longest = 0;

		if (n <= ANSWER_MAX / 2)
			continue;
		(void)origin_set_each(p->origins, find_longest, &longest);
		if (n + longest > ANSWER_MAX)
			diag_add(d, DIAG_WARNING, p->section,
			    "policy-answer-size",
			    "shorten its lists, or raise the limit in the "
			    "server (nginx: fastcgi_buffer_size)",
			    "policy '%.*s' has answers of up to %zu bytes, "
			    "over the 4 KiB that servers take by default",
			    STR_ARG(p->name), n + longest);
	}
}
