#include "config.h"

#include "explain/explain.h"

#include "browser/policy_query.h"
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

static int
ask_policies(struct explanation *e)
{
	const struct explain_query *q = e->query;
	struct policy_query query = {.url = &q->url,
	    .origin = q->request.origin, .method = q->request.method,
	    .names = e->plan.joined, .policy = STR("")};
	struct policy_answer got;

	if (policy_query_actual(e->set, &query, &e->arena, &got) != 0)
		return -1;
	e->actual = got.answer;
	if (e->plan.preflight) {
		if (policy_query_preflight(e->set, &query, &e->arena, &got) !=
		    0)
			return -1;
		e->answer = got.answer;
	}
	e->policy = got.policy;
	e->reason = got.reason;
	e->rule = got.rule;
	e->detail = got.detail;
	return 0;
}

/* ---- which policy ------------------------------------------------------ */

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
		size_t rank = host_claim_rank(p->hosts[i].text, host);

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
		e->failures.count = 1;
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
	struct fix_goal goal = {.query = e->query, .plan = &e->plan,
	    .policy = e->policy, .blocked = !e->goes_on};
	struct browser_readable readable;

	if (browser_exposed(&e->query->request, &e->actual, &e->arena,
	    &readable) != 0)
		return -1;
	goal.readable = &readable;
	return explain_fix(e->set, &goal, &e->arena, &e->fixes);
}

int
explain_run(const struct policy_set *s, const struct explain_query *q,
    struct explanation *out)
{
	*out = (struct explanation){.query = q, .set = s,
	    .reason = REASON_ALLOWED, .detail = STR("")};
	if (browser_plan(q->profile, &q->request, &out->arena, &out->plan) !=
	    0)
		return -1;
	if (method_is_forbidden(q->request.method)) {
		/* It gets no further than the call. */
		out->plan.preflight = false;
		out->plan.ntriggers = 0;
	}
	if (out->plan.preflight && fill_sent(out) != 0)
		return -1;
	if (s == NULL)
		return 0;
	if ((out->plan.cors && ask_policies(out) != 0) ||
	    explain_conclude(out) != 0 ||
	    (out->policy != NULL && find_claims(out) != 0) ||
	    (out->plan.cors && add_fixes(out) != 0))
		return -1;
	return explain_add_notes(out);
}

void
explain_clear(struct explanation *e)
{
	arena_clear(&e->arena);
}
