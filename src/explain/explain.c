#include "config.h"

#include "explain/explain.h"

#include "browser/policy_query.h"
#include "core/path.h"
#include "core/target.h"

/* ---- what the server is asked ------------------------------------------ */

static int
fill_sent(struct explanation *e)
{
	const struct explain_query *q = e->query;
	struct header *h = arena_array(&e->arena, 5, sizeof(*h));
	size_t n = 0;

	if (h == NULL)
		return -1;
	h[n++] = (struct header){STR("Host"), q->url.authority};
	h[n++] = (struct header){STR("Accept"), STR("*/*")};
	h[n++] = (struct header){STR("Access-Control-Request-Method"),
	    q->request.method};
	if (e->plan.nnames > 0)
		h[n++] = (struct header){STR("Access-Control-Request-Headers"),
		    e->plan.joined};
	h[n++] = (struct header){STR("Origin"), q->request.origin};
	e->sent = (struct headers){h, n};
	return 0;
}

/* ---- what it answers --------------------------------------------------- */

/* Notes what the policies say and why. */
static void
take_asked(struct explanation *e, const struct asked *asked)
{
	e->policy = asked->policy;
	e->reason = asked->reason;
	e->rule = asked->rule;
	e->detail = asked->detail;
}

static int
ask_policies(struct explanation *e)
{
	const struct explain_query *q = e->query;
	struct ask ask = {.url = &q->url, .origin = q->request.origin,
	    .method = q->request.method, .names = e->plan.joined,
	    .policy = STR("")};
	struct asked asked;

	if (ask_actual(e->set, &ask, &e->arena, &asked) != 0)
		return -1;
	take_asked(e, &asked);
	e->actual = asked.answer;
	if (!e->plan.preflight)
		return 0;
	if (ask_preflight(e->set, &ask, &e->arena, &asked) != 0)
		return -1;
	take_asked(e, &asked);
	e->answer = asked.answer;
	return 0;
}

/* ---- which policy ------------------------------------------------------ */

size_t
explain_host_rank(struct str claim, struct str host)
{
	if (str_eq(claim, STR("*")))
		return 1;
	if (str_eq(claim, host))
		return TARGET_HOST_MAX + 2;
	if (!str_starts(claim, STR("*.")) || host.n < claim.n ||
	    !str_ends(host, str_from(claim, 1)))
		return 0;
	return claim.n;
}

/* The claims of the policy for which it was chosen.  Returns 0, or -1 without
 * memory. */
static int
find_claims(struct explanation *e)
{
	char space[TARGET_HOST_MAX];
	struct str host = {space, 0};
	const struct policy *p = e->policy;
	struct str raw = e->query->url.path, path;
	char *decoded = arena_alloc(&e->arena, raw.n);
	size_t best = 0;

	if (decoded == NULL)
		return -1;
	(void)host_normalize(e->query->url.host, space, &host.n);
	for (size_t i = 0; i < p->nhosts; i++) {
		size_t rank = explain_host_rank(p->hosts[i].text, host);

		if (rank > best) {
			best = rank;
			e->host = &p->hosts[i];
		}
	}
	if (!path_plain(raw, decoded, raw.n, &path))
		return 0;
	for (size_t i = 0; i < p->npaths; i++)
		if (path_under(path, p->paths[i].text) &&
		    (e->path == NULL ||
		        p->paths[i].text.n > e->path->text.n))
			e->path = &p->paths[i];
	return 0;
}

/* ---- what the browser makes of it -------------------------------------- */

/* Whether the actual response is known: of a server only if it was asked. */
static bool
has_response(const struct explanation *e)
{
	return e->live == NULL || e->live->sent || !e->plan.cors;
}

static int
judge(struct explanation *e)
{
	const struct browser_request *r = &e->query->request;

	e->failures = (struct browser_failures){.count = 0};
	if (method_is_forbidden(r->method)) {
		e->failures.items = arena_array(&e->arena, 1,
		    sizeof(*e->failures.items));
		if (e->failures.items == NULL)
			return -1;
		e->failures.items[0] = (struct browser_failure){
		    CODE_METHOD_FORBIDDEN, r->method, 0};
		e->failures.count = e->failures.cap = 1;
		return 0;
	}
	if (e->plan.preflight && browser_judge_preflight(e->query->profile, r,
	    &e->plan, &e->answer, &e->arena, &e->failures) != 0)
		return -1;
	e->at_response = e->failures.count == 0;
	if (!e->at_response || !has_response(e))
		return 0;
	return browser_judge_actual(r, &e->actual, &e->arena, &e->failures);
}

int
explain_conclude(struct explanation *e)
{
	if (judge(e) != 0)
		return -1;
	e->goes_on = e->failures.count == 0;
	e->readable = (struct browser_readable){.count = 0};
	if (e->goes_on && has_response(e) && browser_exposed(
	    &e->query->request, &e->actual, &e->arena, &e->readable) != 0)
		return -1;
	return 0;
}

bool
explain_is_unreadable(const struct explanation *e, struct str name)
{
	return e->goes_on && !browser_can_read(&e->readable, name);
}

/* Makes a fix where something is refused to the page. */
static int
add_fixes(struct explanation *e)
{
	struct fix_wishes w = {.query = e->query, .plan = &e->plan,
	    .policy = e->policy, .blocked = !e->goes_on};
	struct browser_readable readable;

	if (!e->plan.cors)
		return 0;
	if (browser_exposed(&e->query->request, &e->actual, &e->arena,
	    &readable) != 0)
		return -1;
	w.readable = &readable;
	return explain_fix(e->set, &w, &e->arena, &e->fixes);
}

/* A method that browsers refuse gets as far as the call. */
static int
plan(struct explanation *e)
{
	if (browser_plan(e->query->profile, &e->query->request, &e->arena,
	    &e->plan) != 0)
		return -1;
	if (method_is_forbidden(e->query->request.method)) {
		e->plan.preflight = false;
		e->plan.ntriggers = 0;
	}
	return 0;
}

int
explain_run(const struct policy_set *s, const struct explain_query *q,
    struct explanation *out)
{
	*out = (struct explanation){.query = q, .set = s,
	    .reason = REASON_ALLOWED, .detail = STR("")};
	if (plan(out) != 0 || (out->plan.preflight && fill_sent(out) != 0))
		return -1;
	if (s == NULL)
		return 0;
	if ((out->plan.cors && ask_policies(out) != 0) ||
	    explain_conclude(out) != 0)
		return -1;
	if ((out->policy != NULL && find_claims(out) != 0) ||
	    add_fixes(out) != 0)
		return -1;
	return explain_add_notes(out);
}

void
explain_clear(struct explanation *e)
{
	arena_clear(&e->arena);
}
