/* naive_decision.c - which policy serves a request and what it says. */
#include "config.h"

#include "core/target.h"
#include "naive.h"

/* ---- parameters -------------------------------------------------------- */

bool
naive_value(const struct naive_request *r, const char *name, size_t n,
    struct str *value)
{
	for (size_t i = 0; i < r->count; i++)
		if (str_eq(r->params[i].name, str_of(name)) &&
		    r->params[i].value.n > 0 && n-- == 0) {
			*value = r->params[i].value;
			return true;
		}
	return false;
}

static struct str
last_value(const struct naive_request *r, const char *name)
{
	struct str value = STR("");

	for (size_t i = 0; naive_value(r, name, i, &value); i++)
		;
	return value;
}

/* How many different values a parameter has. */
static size_t
distinct(const struct naive_request *r, const char *name)
{
	struct str value, earlier;
	size_t count = 0;

	for (size_t i = 0; naive_value(r, name, i, &value); i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = (naive_value(r, name, k, &earlier) &&
			    str_eq(value, earlier)) || seen;
		count += !seen;
	}
	return count;
}

/* ---- the target -------------------------------------------------------- */

struct naive_target {
	bool absolute;
	struct str authority;
	char path[NAIVE_PATH_BYTES];
	size_t n;
};

static void
path_add(struct naive_target *t, struct str s)
{
	if (s.n > 0)
		memcpy(t->path + t->n, s.p, s.n);
	t->n += s.n;
}

static void
target_read(const struct naive_request *r, struct naive_target *t)
{
	struct str uri = last_value(r, "REQUEST_URI");
	size_t scheme = str_eq_fold((struct str){uri.p, uri.n < 8 ? 0 : 8},
	    STR("https://")) ? 8 : str_eq_fold((struct str){uri.p,
	    uri.n < 7 ? 0 : 7}, STR("http://")) ? 7 : 0;

	t->absolute = scheme > 0;
	t->n = 0;
	if (uri.n == 0) {
		path_add(t, last_value(r, "SCRIPT_NAME"));
		path_add(t, last_value(r, "PATH_INFO"));
	} else if (!str_eq(uri, STR("*"))) {
		uri = str_from(uri, scheme);
		t->authority = uri;
		t->authority.n = t->absolute ? str_find_any(uri, "/?#\\") : 0;
		while (t->absolute && t->authority.n < uri.n &&
		    uri.p[t->authority.n] == '\0')
			t->authority.n++;
		uri = str_from(uri, t->authority.n);
		for (size_t i = 0; i < uri.n && uri.p[i] != '?'; i++)
			path_add(t, (struct str){uri.p + i, 1});
		if (t->n > 0 || !t->absolute)
			return;
	}
	if (t->n == 0)
		path_add(t, STR("/"));
}

/* ---- the policy -------------------------------------------------------- */

/* 0 for no match; more for a more specific claim. */
static size_t
host_rank(struct str claim, struct str host)
{
	if (str_eq(claim, STR("*")))
		return 1;
	if (!str_starts(claim, STR("*.")))
		return str_eq(claim, host) ? 10000 : 0;
	claim = str_from(claim, 1);
	return host.n > claim.n && str_ends(host, claim) ? 1 + claim.n : 0;
}

/* The policy with the best claim to a path of a host. */
static const struct policy *
best(const struct policy_set *s, struct str host, struct str path)
{
	const struct policy *found = NULL;
	size_t most = 0, longest = 0;

	for (size_t i = 0; i < policy_set_count(s); i++) {
		const struct policy *p = policy_set_get(s, i);

		for (size_t h = 0; h < p->nhosts; h++)
			for (size_t k = 0; k < p->npaths; k++) {
				size_t rank = host_rank(p->hosts[h].text,
				    host);
				struct str prefix = p->paths[k].text;

				if (rank == 0 || rank < most ||
				    (rank == most && prefix.n < longest) ||
				    !naive_path_under(path, prefix))
					continue;
				found = p;
				most = rank;
				longest = prefix.n;
			}
	}
	return found;
}

/* Whether all claims that cover the host are of one policy, and one is for "/":
 * those of hosts less specific than one for "/" do not count. */
static bool
one_for_all(const struct policy_set *s, struct str host,
    const struct policy **out)
{
	size_t floor = 0;

	*out = NULL;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < policy_set_count(s); i++) {
			const struct policy *p = policy_set_get(s, i);

			for (size_t h = 0; h < p->nhosts; h++)
				for (size_t k = 0; k < p->npaths; k++) {
					size_t rank = host_rank(
					    p->hosts[h].text, host);

					if (pass == 0 && rank > floor &&
					    p->paths[k].text.n == 1)
						floor = rank;
					if (pass == 0 || rank < floor ||
					    rank == 0)
						continue;
					if (*out != NULL && *out != p)
						return false;
					*out = p;
				}
		}
	return floor > 0 || *out == NULL;
}

/* The one host of a request: its Host fields must agree (RFC 9112, 3.2).
 * named: a policy names a host, else it need not be one. */
static enum naive_host
request_host(const struct naive_request *r, const struct naive_target *t,
    bool named, char out[NAIVE_HOST_BYTES], size_t *n)
{
	char other[NAIVE_HOST_BYTES];
	enum naive_host kind, again;
	struct str host = t->authority;
	size_t m = 0;

	*n = 0;
	if (!t->absolute && !naive_value(r, "HTTP_HOST", 0, &host))
		host = last_value(r, "SERVER_NAME");
	kind = naive_host_read(host, out, n);
	if (!naive_is_clean(host) || (t->absolute && host.n == 0 && named))
		return NAIVE_MALFORMED;
	if (distinct(r, "HTTP_HOST") < 2 || t->absolute)
		return named || kind == NAIVE_HOST ? kind : NAIVE_NO_HOST;
	if (distinct(r, "HTTP_HOST") > 2)
		return NAIVE_MALFORMED;
	for (size_t i = 1; naive_value(r, "HTTP_HOST", i, &host); i++) {
		again = naive_host_read(host, other, &m);
		if (again != NAIVE_HOST || kind != NAIVE_HOST ||
		    !str_eq((struct str){out, *n}, (struct str){other, m}))
			return NAIVE_MALFORMED;
	}
	return kind;
}

/* Returns false for a malformed host. */
static bool
choose(const struct policy_set *s, const struct naive_request *r,
    const struct policy **out, bool *unsure)
{
	static struct naive_target t;
	const struct policy *found = NULL;
	struct str reading;
	bool named = false, all, begun = false;
	size_t count;
	struct str name = last_value(r, "CORS_POLICY"), host;
	char text[NAIVE_HOST_BYTES];
	enum naive_host kind;

	*out = NULL;
	for (size_t i = 0; name.n > 0 && i < policy_set_count(s); i++)
		if (str_eq(policy_set_get(s, i)->name, name))
			*out = policy_set_get(s, i);
	if (name.n > 0)
		return true;
	t.authority = STR("");
	target_read(r, &t);
	for (size_t i = 0; i < policy_set_count(s); i++)
		for (size_t h = 0; h < policy_set_get(s, i)->nhosts; h++)
			named = named || !str_eq(STR("*"),
			    policy_set_get(s, i)->hosts[h].text);
	kind = request_host(r, &t, named, text, &host.n);
	if (kind == NAIVE_MALFORMED)
		return false;
	host.p = text;
	if (kind == NAIVE_NO_HOST)
		host = STR("");
	if (distinct(r, "REQUEST_URI") > 1)
		return true;
	if (one_for_all(s, host, out))
		return true;
	*out = NULL;
	count = naive_readings((struct str){t.path, t.n},
	    !naive_value(r, "REQUEST_URI", 0, &reading), &all);
	for (size_t i = 0; i < count; i++) {
		const struct policy *p;

		if (!naive_reading(i, &reading))
			continue;
		p = best(s, host, reading);
		if (begun && p != found)
			return true;
		found = p;
		begun = true;
	}
	/* The bound may have been passed, or not. */
	*unsure = !all || count > PATH_STATES_MAX ||
	    count * t.n > PATH_SPACE / 2;
	*out = found;
	return true;
}

/* ---- the decision ------------------------------------------------------ */

static int
entry_check(void *origin, const struct origin_entry *e)
{
	return naive_entry_allows(e->text, *(const struct str *)origin);
}

static bool
origin_good(const struct naive_request *r, struct str origin)
{
	struct str second;

	return !naive_value(r, "HTTP_ORIGIN", 1, &second) &&
	    naive_is_clean(origin) &&
	    memchr(origin.p, ',', origin.n) == NULL;
}

bool
naive_header_allowed(const struct policy *p, struct str name)
{
	for (size_t i = 0; i < p->headers.count; i++)
		if (str_eq_fold(p->headers.items[i].name, name))
			return true;
	return p->headers.any && !str_eq_fold(name, STR("Authorization"));
}

static bool
method_allowed(const struct policy *p, struct str name)
{
	for (size_t i = 0; i < p->methods.count; i++)
		if (str_eq(p->methods.items[i].name, name))
			return true;
	return p->methods.any || str_eq(name, STR("GET")) ||
	    str_eq(name, STR("HEAD")) || str_eq(name, STR("POST"));
}

/* What is asked for besides the origin; p may be NULL. */
static enum reason
judge_asked(const struct naive_request *r, const struct policy *p,
    struct str method)
{
	bool allowed = true;
	struct str list, name;
	size_t i = 0;

	if (!naive_token(method) ||
	    naive_value(r, "HTTP_ACCESS_CONTROL_REQUEST_METHOD", 1, &list))
		return REASON_MALFORMED;
	for (; naive_value(r, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS", i, &list);
	    i++)
		for (size_t at = 0; naive_element(list, &at, &name);) {
			if (!naive_token(name))
				return REASON_MALFORMED;
			allowed = allowed && p != NULL &&
			    naive_header_allowed(p, name);
		}
	if (i > REQUEST_LINES_MAX)
		return REASON_MALFORMED;
	if (p != NULL && !method_allowed(p, method))
		return REASON_METHOD;
	return allowed ? REASON_ALLOWED : REASON_HEADER;
}

void
naive_decide(const struct policy_set *s, const struct naive_request *r,
    struct naive_decision *out)
{
	struct str origin = STR(""), method = STR("");
	bool host_good, good;

	out->unsure = false;
	host_good = choose(s, r, &out->policy, &out->unsure);

	out->reason = REASON_NOT_OPTIONS;
	out->origin_allowed = false;
	(void)naive_value(r, "HTTP_ORIGIN", 0, &origin);
	(void)naive_value(r, "HTTP_ACCESS_CONTROL_REQUEST_METHOD", 0, &method);
	good = origin.n > 0 && origin_good(r, origin);
	if (good && out->policy != NULL)
		out->origin_allowed = origin_set_each(out->policy->origins,
		    entry_check, &origin) != 0;
	if (!str_eq(last_value(r, "REQUEST_METHOD"), STR("OPTIONS")))
		return;
	if (origin.n == 0 || method.n == 0) {
		out->reason = REASON_NOT_PREFLIGHT;
		return;
	}
	out->reason = judge_asked(r, out->policy, method);
	if (!host_good || !good || out->reason == REASON_MALFORMED)
		out->reason = REASON_MALFORMED;
	else if (out->policy == NULL)
		out->reason = REASON_NO_POLICY;
	else if (!out->origin_allowed)
		out->reason = REASON_ORIGIN;
}
