#include "config.h"

#include "verify/cases.h"

#include <stdlib.h>

#include "base/buf.h"
#include "core/field.h"
#include "verify/origins.h"

enum {
	ASKED_MAX = 64,      /* names in one preflight */
	ASKED_BYTES = 2048,  /* of them: servers bound the header line */
};

struct making {
	const struct verify_subject *subject;
	const struct policy *policy; /* NULL: none serves the URL */
	struct verify_origins origins;
	struct str method;           /* that the policy allows */
	struct str names[ASKED_MAX]; /* likewise */
	size_t nnames;
	struct arena *arena;
	struct verify_cases *out;
	bool no_memory;
};

/* ---- a case ------------------------------------------------------------ */

/* Fills in what the policy answers.  Returns 0, or -1 without memory. */
static int
expect(struct making *m, struct verify_case *c)
{
	struct policy_query ask = {.url = c->url, .origin = c->origin,
	    .method = c->method, .names = c->joined,
	    .policy = m->subject->policy};

	return c->kind == VERIFY_PREFLIGHT ?
	    policy_query_preflight(m->subject->set, &ask, m->arena,
	        &c->expected) :
	    policy_query_actual(m->subject->set, &ask, m->arena,
	        &c->expected);
}

/* For a case that is of use whatever the policy says. */
#define ANY_REASON REASON_COUNT

/* Adds a case, if the policy's word on it is `reason`. */
static bool
add(struct making *m, struct verify_case c, enum reason reason)
{
	struct verify_cases *out = m->out;
	struct verify_case *items;

	if (m->no_memory)
		return false;
	items = arena_grow(m->arena, out->items, out->count, &out->cap,
	    sizeof(*items));
	if (items == NULL || expect(m, &c) != 0) {
		m->no_memory = true;
		return false;
	}
	out->items = items;
	if (reason != ANY_REASON && c.expected.reason != reason)
		return false;
	out->items[out->count++] = c;
	return true;
}

/* ---- preflights -------------------------------------------------------- */

static struct verify_case
preflight(struct making *m, const char *name, struct str origin)
{
	struct str joined = arena_join(m->arena, m->names, m->nnames);

	m->no_memory = m->no_memory || joined.p == NULL;
	return (struct verify_case){.name = name, .kind = VERIFY_PREFLIGHT,
	    .url = m->subject->url, .origin = origin, .method = m->method,
	    .names = m->names, .nnames = m->nnames, .joined = joined};
}

static void
add_refused_methods(struct making *m, struct str origin)
{
	static const char *const methods[] = {"PUT", "DELETE", "PATCH",
	    "CORS-CHECK"};
	struct verify_case c = preflight(m, "preflight-refused-method", origin);

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		c.method = str_of(methods[i]);
		if (add(m, c, REASON_METHOD))
			return;
	}
}

static void
add_refused_headers(struct making *m, struct str origin)
{
	static const struct str names[] = {
		{"x-cors-check", 12}, {"authorization", 13},
	};
	struct verify_case c = preflight(m, "preflight-refused-header", origin);

	c.nnames = 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		c.names = &names[i];
		c.joined = names[i];
		if (add(m, c, REASON_HEADER))
			return;
	}
}

static void
add_preflights(struct making *m)
{
	const struct verify_origins *o = &m->origins;
	enum reason refused = m->policy != NULL ? REASON_ORIGIN :
	    REASON_NO_POLICY;

	for (size_t i = 0; i < o->nallowed; i++)
		(void)add(m, preflight(m, i == 0 ? "preflight-allowed" :
		    "preflight-other-origin", o->allowed[i]), REASON_ALLOWED);
	if (o->foreign.n > 0)
		(void)add(m, preflight(m, "preflight-refused-origin",
		    o->foreign), refused);
	for (size_t i = 0; i < o->nnear; i++)
		(void)add(m, preflight(m, "preflight-near-miss", o->near[i]),
		    refused);
	if (o->nallowed > 0) {
		add_refused_methods(m, o->allowed[0]);
		add_refused_headers(m, o->allowed[0]);
	}
}

/* ---- actual requests --------------------------------------------------- */

static void
add_actual(struct making *m, const char *name, const struct url *url,
    struct str origin, enum reason reason)
{
	(void)add(m, (struct verify_case){.name = name, .kind = VERIFY_ACTUAL,
	    .url = url, .origin = origin, .method = m->subject->method,
	    .joined = STR("")}, reason);
}

/* The URL of what is not there, below that of the subject; NULL where the
 * policy file's own rules make it none. */
static const struct url *
missing_url(struct making *m)
{
	const struct url *url = m->subject->url;
	size_t cap = url->text.n + m->subject->token.n + 64;
	struct buf b = {arena_alloc(m->arena, cap), 0, cap, false};
	struct url *out = arena_alloc(m->arena, sizeof(*out));

	if (b.p == NULL || out == NULL) {
		m->no_memory = true;
		return NULL;
	}
	buf_add(&b, url->origin);
	buf_add(&b, url->path);
	if (!str_ends(url->path, STR("/")))
		buf_char(&b, '/');
	buf_add(&b, STR("cors-check-"));
	buf_add(&b, m->subject->token);
	return url_parse(buf_str(&b), out, m->arena, NULL,
	    (struct place){0, 0, 0}) == 0 ? out : NULL;
}

/* Then an allowed origin comes first, so that a cache that keeps its response
 * has the wrong one for all others. */
static void
add_actuals(struct making *m)
{
	const struct verify_origins *o = &m->origins;
	const struct url *url = m->subject->url, *missing = missing_url(m);
	enum reason refused = m->policy != NULL ? REASON_ORIGIN :
	    REASON_NO_POLICY;

	for (size_t i = 0; i < o->nallowed; i++)
		add_actual(m, i == 0 ? "actual-allowed" :
		    "actual-other-origin", url, o->allowed[i], REASON_ALLOWED);
	if (o->foreign.n > 0)
		add_actual(m, "actual-refused-origin", url, o->foreign,
		    refused);
	add_actual(m, "actual-no-origin", url, STR(""), ANY_REASON);
	if (o->nallowed > 0)
		add_actual(m, "actual-again", url, o->allowed[0],
		    REASON_ALLOWED);
	for (size_t i = 0; i < o->nnear; i++)
		add_actual(m, "actual-near-miss", url, o->near[i], refused);
	if (missing != NULL && o->nallowed > 0)
		add_actual(m, "actual-not-found", missing, o->allowed[0],
		    REASON_ALLOWED);
}

static void
add_errors(struct making *m)
{
	const struct verify_origins *o = &m->origins;

	if (o->nallowed > 0)
		add_actual(m, "actual-error", m->subject->url, o->allowed[0],
		    REASON_ALLOWED);
	add_actual(m, "actual-error-no-origin", m->subject->url, STR(""),
	    ANY_REASON);
}

/* ---- what the policy allows -------------------------------------------- */

/* The listed names, as many as go into one request; one more for a '*'. */
static void
pick_names(struct making *m, const struct field_set *headers)
{
	size_t bytes = 0;

	if (headers->any)
		m->names[m->nnames++] = STR("x-cors-check");
	for (size_t i = 0; i < headers->count && m->nnames < ASKED_MAX; i++) {
		struct str name = {headers->items[i].folded,
		    headers->items[i].name.n};

		bytes += name.n;
		if (bytes > ASKED_BYTES)
			break;
		if (!str_eq(name, STR("x-cors-check")) || !headers->any)
			m->names[m->nnames++] = name;
	}
	qsort(m->names, m->nnames, sizeof(m->names[0]), str_compare_items);
}

/* A method that needs permission, if one has it. */
static struct str
pick_method(const struct field_set *methods)
{
	for (size_t i = 0; i < methods->count; i++)
		if (!method_is_safelisted(methods->items[i].name))
			return methods->items[i].name;
	return methods->any ? STR("PUT") : STR("GET");
}

/* Finds the policy that serves the subject's URL. */
static int
find_policy(struct making *m)
{
	struct policy_query ask = {.url = m->subject->url, .origin = STR(""),
	    .method = m->subject->method, .names = STR(""),
	    .policy = m->subject->policy};
	struct policy_answer asked;

	if (policy_query_actual(m->subject->set, &ask, m->arena, &asked) != 0)
		return -1;
	m->policy = m->out->policy = asked.policy;
	return 0;
}

int
verify_cases_make(const struct verify_subject *s, struct arena *a,
    struct verify_cases *out)
{
	struct making *m = arena_alloc(a, sizeof(*m));

	*out = (struct verify_cases){.count = 0};
	if (m == NULL)
		return -1;
	m->subject = s;
	m->arena = a;
	m->out = out;
	m->method = STR("PUT");
	if (find_policy(m) != 0 ||
	    verify_origins_pick(m->policy != NULL ? m->policy->origins : NULL,
	        a, &m->origins) != 0)
		return -1;
	if (m->policy != NULL) {
		m->method = pick_method(&m->policy->methods);
		pick_names(m, &m->policy->headers);
	}
	if (s->only_error) {
		add_errors(m);
	} else {
		/* As images ask, before a cache knows the URL: where it keeps
		 * that response, pages get it. */
		add_actual(m, "actual-first", s->url, STR(""), ANY_REASON);
		add_preflights(m);
		add_actuals(m);
	}
	return m->no_memory ? -1 : 0;
}
