#include "config.h"

#include "core/preflight.h"

#include "core/field.h"

static const char *const reason_names[REASON_COUNT] = {
	[REASON_ALLOWED] = "allowed",
	[REASON_ORIGIN] = "origin",
	[REASON_METHOD] = "method",
	[REASON_HEADER] = "header",
	[REASON_NO_POLICY] = "no-policy",
	[REASON_MALFORMED] = "malformed",
	[REASON_NOT_PREFLIGHT] = "not-preflight",
	[REASON_NOT_OPTIONS] = "not-options",
};

const char *
reason_name(enum reason r)
{
	return reason_names[r];
}

int
reason_parse(struct str word)
{
	for (int i = 0; i < REASON_COUNT; i++)
		if (str_eq(word, str_of(reason_names[i])))
			return i;
	return -1;
}

bool
reason_is_refusal(enum reason r)
{
	return r != REASON_ALLOWED && r != REASON_NOT_PREFLIGHT;
}

/* ---- what a request may carry ------------------------------------------ */

/* One value of printable ASCII. */
static bool
origin_well_formed(const struct request *r)
{
	for (size_t i = 0; i < r->origin.n; i++) {
		char c = r->origin.p[i];

		if (c < ' ' || c > '~' || c == ',')
			return false;
	}
	return !r->origin_repeated;
}

/* Goes through the requested header names.  Returns false at one that is no
 * token, with it in *refused; else *refused is the first that the policy does
 * not allow, or "".  Names that are echoed stop being allowed where the answer
 * has no more room for them. */
static bool
check_headers(const struct request *r, const struct policy *p,
    struct str *refused)
{
	size_t room = p->credentials && p->headers.any ? ECHO_MAX : SIZE_MAX;

	*refused = STR("");
	for (size_t i = 0; i < r->nlines; i++)
		if (!field_set_admits(&p->headers, r->lines[i], &room, refused))
			return false;
	return !r->too_many_lines;
}

/* The same where no policy allows the origin: all names must be tokens. */
static bool
check_tokens(const struct request *r, struct str *bad)
{
	struct str name;

	*bad = STR("");
	for (size_t i = 0; i < r->nlines; i++)
		for (struct str rest = r->lines[i]; list_next(&rest, &name);)
			if (!token_valid(name)) {
				*bad = name;
				return false;
			}
	return !r->too_many_lines;
}

static bool
method_allowed(const struct policy *p, struct str method)
{
	if (method_is_safelisted(method) ||
	    field_set_find(&p->methods, method) != NULL)
		return true;
	return p->methods.any && (!p->credentials || method.n <= ECHO_MAX);
}

bool
preflight_allows(const struct policy *p, enum reason reason, struct str part)
{
	struct str refused = STR("");
	size_t room = SIZE_MAX;

	if (reason == REASON_ORIGIN)
		return origin_set_match(p->origins, part, NULL);
	if (reason == REASON_METHOD)
		return method_allowed(p, part);
	return reason == REASON_HEADER &&
	    field_set_admits(&p->headers, part, &room, &refused) &&
	    refused.n == 0;
}

/* ---- the decision ------------------------------------------------------ */

/* The origin is well formed and there is a policy. */
static bool
match_origin(const struct request *r, struct decision *d)
{
	d->origin_allowed = origin_set_match(d->policy->origins, r->origin,
	    &d->origin);
	return d->origin_allowed;
}

static void
refuse(struct decision *d, enum reason reason, struct str offending)
{
	d->reason = reason;
	d->offending = offending;
}

static void
malformed(struct decision *d, enum malformed what, struct str offending)
{
	refuse(d, REASON_MALFORMED, offending);
	d->malformed = what;
}

static void
decide_preflight(const struct request *r, enum choice choice,
    struct decision *d)
{
	struct str header = STR("");
	bool matched = false, tokens;

	if (choice == CHOICE_MALFORMED_HOST) {
		malformed(d, MALFORMED_HOST, r->host);
		return;
	}
	if (!origin_well_formed(r)) {
		malformed(d, MALFORMED_ORIGIN, r->origin);
		return;
	}
	if (r->request_method_repeated || !token_valid(r->request_method)) {
		malformed(d, MALFORMED_METHOD, r->request_method);
		return;
	}
	if (d->policy != NULL)
		matched = match_origin(r, d);
	tokens = matched ? check_headers(r, d->policy, &header) :
	    check_tokens(r, &header);
	if (!tokens) {
		d->origin_allowed = false;
		malformed(d, MALFORMED_HEADER, header);
	} else if (d->policy == NULL) {
		refuse(d, REASON_NO_POLICY, r->policy);
	} else if (!matched) {
		refuse(d, REASON_ORIGIN, r->origin);
	} else if (!method_allowed(d->policy, r->request_method)) {
		refuse(d, REASON_METHOD, r->request_method);
	} else if (header.n > 0) {
		refuse(d, REASON_HEADER, header);
	}
}

void
preflight_decide(const struct policy_set *s, const struct request *r,
    struct decision *d)
{
	enum choice choice;

	*d = (struct decision){.reason = REASON_ALLOWED};
	if (!str_eq(r->method, STR("OPTIONS"))) {
		refuse(d, REASON_NOT_OPTIONS, r->method);
		return;
	}
	choice = policy_set_choose(s, r, &d->policy);
	d->unknown_policy = choice == CHOICE_NONE && r->policy.n > 0;
	if (r->origin.n > 0 && r->request_method.n > 0) {
		decide_preflight(r, choice, d);
	} else {
		d->reason = REASON_NOT_PREFLIGHT;
		if (r->origin.n > 0 && d->policy != NULL &&
		    origin_well_formed(r))
			(void)match_origin(r, d);
	}
}

void
preflight_decide_actual(const struct policy_set *s, const struct request *r,
    struct decision *d)
{
	enum choice choice;

	*d = (struct decision){.reason = REASON_ALLOWED};
	choice = policy_set_choose(s, r, &d->policy);
	d->unknown_policy = choice == CHOICE_NONE && r->policy.n > 0;
	if (choice == CHOICE_MALFORMED_HOST)
		malformed(d, MALFORMED_HOST, r->host);
	else if (!origin_well_formed(r))
		malformed(d, MALFORMED_ORIGIN, r->origin);
	else if (d->unknown_policy)
		refuse(d, REASON_NO_POLICY, r->policy);
	else if (r->origin.n > 0 &&
	    (d->policy == NULL || !match_origin(r, d)) &&
	    !request_is_same_origin(r))
		refuse(d, d->policy == NULL ? REASON_NO_POLICY : REASON_ORIGIN,
		    d->policy == NULL ? STR("") : r->origin);
}

struct place
preflight_place(const struct decision *d)
{
	const struct policy *p = d->policy;

	if (p == NULL)
		return (struct place){0, 0, 0};
	switch (d->reason) {
	case REASON_ALLOWED:
		return d->origin.at;
	case REASON_ORIGIN:
		return p->at[KEY_ALLOW_ORIGINS];
	case REASON_METHOD:
		return p->at[KEY_ALLOW_METHODS];
	case REASON_HEADER:
		return p->at[KEY_ALLOW_HEADERS];
	case REASON_NO_POLICY:
	case REASON_MALFORMED:
	case REASON_NOT_PREFLIGHT:
	case REASON_NOT_OPTIONS:
	case REASON_COUNT:
	default:
		return p->section;
	}
}

/* ---- in words ---------------------------------------------------------- */

enum { SHOWN = 200 };

static void
explain_origin(const struct request *r, const struct decision *d,
    struct buf *out)
{
	static const char *const why[] = {
		[NEAR_NONE] = "",
		[NEAR_CASE] = ": an origin is in lower case",
		[NEAR_SLASH] = ": an origin has no path and no trailing slash",
		[NEAR_SCHEME] = ": other scheme",
		[NEAR_PORT] = ": other port",
		[NEAR_DEFAULT_PORT] = ": an origin leaves its default port out",
		[NEAR_APEX] = ": '*.' does not cover the bare domain",
		[NEAR_WWW] = ": other host",
		[NEAR_DOT] = ": other host, for its trailing dot",
		[NEAR_LABEL] = (": '*' stands for labels of a-z 0-9 - _, of 1 "
		    "to 63 bytes and without '-' at an end"),
		[NEAR_SPELLING] = ": other spelling",
	};
	struct origin_entry near;
	struct origin parts;
	enum near_kind kind = origin_set_nearest(d->policy->origins, r->origin,
	    &near);

	if (str_eq(r->origin, STR("null")))
		buf_add(out, STR("policy does not list null, which sandboxed "
		    "frames and file: pages send"));
	if (kind == NEAR_NONE)
		return;
	buf_add(out, STR("policy has "));
	buf_escaped(out, near.text, SHOWN);
	if (origin_split(r->origin, &parts) && r->origin.n <= SHOWN) {
		buf_add(out, STR(", got "));
		buf_escaped(out, r->origin, SHOWN);
	}
	buf_add(out, str_of(why[kind]));
}

static void
explain_method(const struct decision *d, struct buf *out)
{
	const struct field_set *methods = &d->policy->methods;

	for (size_t i = 0; i < methods->count; i++)
		if (str_eq_fold(methods->items[i].name, d->offending)) {
			buf_add(out, STR("policy has "));
			buf_escaped(out, methods->items[i].name, SHOWN);
			buf_add(out, STR(", got "));
			buf_escaped(out, d->offending, SHOWN);
			buf_add(out, STR(": methods are case-sensitive"));
			return;
		}
	buf_add(out, STR("allow-methods does not list "));
	buf_escaped(out, d->offending, SHOWN);
}

static void
explain_header(const struct decision *d, struct buf *out)
{
	buf_add(out, STR("allow-headers does not list "));
	buf_escaped(out, d->offending, SHOWN);
	if (!d->policy->headers.any)
		return;
	if (str_eq_fold(d->offending, STR("authorization")))
		buf_add(out, STR(", which * does not cover"));
	else
		buf_add(out,
		    STR(", and the answer has no room for more names"));
}

static void
explain_malformed(const struct decision *d, struct buf *out)
{
	static const char *const what[] = {
		[MALFORMED_NOT] = "",
		[MALFORMED_HOST] = "Host is repeated or no host",
		[MALFORMED_ORIGIN] = ("Origin is repeated or has a comma, a "
		    "control or an 8-bit byte"),
		[MALFORMED_METHOD] =
		    "Access-Control-Request-Method is repeated or no token",
		[MALFORMED_HEADER] = ("Access-Control-Request-Headers has a "
		    "name that is no token"),
	};

	buf_add(out, str_of(what[d->malformed]));
}

void
preflight_explain(const struct request *r, const struct decision *d,
    struct buf *out)
{
	switch (d->reason) {
	case REASON_ORIGIN:
		explain_origin(r, d, out);
		break;
	case REASON_METHOD:
		explain_method(d, out);
		break;
	case REASON_HEADER:
		explain_header(d, out);
		break;
	case REASON_MALFORMED:
		explain_malformed(d, out);
		break;
	case REASON_NO_POLICY:
		buf_add(out, d->unknown_policy ?
		    STR("CORS_POLICY names no policy") :
		    STR("no policy serves this host and path"));
		break;
	case REASON_ALLOWED:
	case REASON_NOT_PREFLIGHT:
	case REASON_NOT_OPTIONS:
	case REASON_COUNT:
	default:
		break;
	}
}
