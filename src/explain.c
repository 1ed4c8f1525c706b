#include "config.h"

#include "explain.h"

#include "buf.h"
#include "reply.h"
#include "request.h"
#include "target.h"

enum { DETAIL_MAX = 1024 };

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

/* The parameters that a web server would pass for it. */
static void
fill_request(const struct explanation *e, struct request *r, bool preflight)
{
	const struct explain_query *q = e->query;

	request_init(r);
	request_param(r, STR("HTTP_HOST"), q->url.authority);
	request_param(r, STR("SERVER_NAME"), q->url.host);
	request_param(r, STR("REQUEST_URI"), q->url.target);
	request_param(r, STR("HTTP_ORIGIN"), q->request.origin);
	request_param(r, STR("REQUEST_METHOD"), preflight ? STR("OPTIONS") :
	    q->request.method);
	if (!preflight)
		return;
	request_param(r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    q->request.method);
	request_param(r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    e->plan.joined);
}

/* ---- what it answers --------------------------------------------------- */

/* Takes a line without its CR LF off the front of *rest. */
static struct str
take_line(struct str *rest)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\r', rest->n) : NULL;
	struct str line = *rest;

	if (end != NULL)
		line.n = (size_t)(end - rest->p);
	*rest = str_from(*rest, line.n + 2 <= rest->n ? line.n + 2 : rest->n);
	return line;
}

static int
status_of(struct str value)
{
	int status = 0;

	for (size_t i = 0; i < 3 && i < value.n; i++)
		status = status * 10 + (value.p[i] - '0');
	return status;
}

/* Takes a CGI response apart. */
static int
parse_reply(struct str reply, struct arena *a, struct browser_answer *out)
{
	size_t lines = 0, n = 0;
	struct header *h;
	struct str line;

	for (size_t i = 0; i < reply.n; i++)
		lines += reply.p[i] == '\n';
	h = arena_array(a, lines + 1, sizeof(*h));
	if (h == NULL)
		return -1;
	for (line = take_line(&reply); line.n > 0; line = take_line(&reply)) {
		const char *colon = memchr(line.p, ':', line.n);
		struct header field;

		if (colon == NULL)
			continue;
		field.name = (struct str){line.p, (size_t)(colon - line.p)};
		field.value = str_from(line, field.name.n + 1);
		if (field.value.n > 0 && field.value.p[0] == ' ')
			field.value = str_from(field.value, 1);
		if (str_eq(field.name, STR("Status")))
			out->status = status_of(field.value);
		else
			h[n++] = field;
	}
	out->headers = (struct headers){h, n};
	return 0;
}

/* Notes what the policy says and why. */
static int
take_decision(struct explanation *e, const struct request *r,
    const struct decision *d)
{
	char space[DETAIL_MAX];
	struct buf detail = BUF(space);

	preflight_explain(r, d, &detail);
	e->policy = d->policy;
	e->reason = d->reason;
	e->rule = preflight_place(d);
	e->detail = arena_str(&e->arena, buf_str(&detail));
	return e->detail.p != NULL ? 0 : -1;
}

static int
ask_preflight(struct explanation *e)
{
	size_t cap = reply_max(e->set);
	char *reply = arena_alloc(&e->arena, cap);
	struct request r;
	struct decision d;
	size_t n;

	if (reply == NULL || fill_sent(e) != 0)
		return -1;
	fill_request(e, &r, true);
	preflight_decide(e->set, &r, &d);
	n = reply_write(e->set, &r, &d, reply, cap);
	if (take_decision(e, &r, &d) != 0)
		return -1;
	return parse_reply((struct str){reply, n}, &e->arena, &e->answer);
}

static int
ask_actual(struct explanation *e)
{
	size_t cap = reply_max(e->set), n;
	char *reply = arena_alloc(&e->arena, cap);
	struct request r;
	struct decision d;

	if (reply == NULL)
		return -1;
	fill_request(e, &r, false);
	preflight_decide_actual(e->set, &r, &d);
	n = reply_write_actual(&r, &d, reply, cap);
	if (!e->plan.preflight && take_decision(e, &r, &d) != 0)
		return -1;
	return parse_reply((struct str){reply, n}, &e->arena, &e->actual);
}

/* ---- which policy ------------------------------------------------------ */

/* How well a claim of `host` fits: the longer, the more specific; 0: not. */
static size_t
host_rank(struct str claim, struct str host)
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

/* The claims of the policy for which it was chosen. */
static void
find_claims(struct explanation *e)
{
	char space[TARGET_HOST_MAX];
	struct str host = {space, 0};
	const struct policy *p = e->policy;
	struct path path;
	size_t best = 0;

	(void)host_normalize(e->query->url.host, space, &host.n);
	for (size_t i = 0; i < p->nhosts; i++) {
		size_t rank = host_rank(p->hosts[i].text, host);

		if (rank > best) {
			best = rank;
			e->host = &p->hosts[i];
		}
	}
	if (!path_normalize(e->query->url.path, STR(""), PATH_LITERAL, &path))
		return;
	for (size_t i = 0; i < p->npaths; i++)
		if (path_has_prefix(&path, p->paths[i].text) &&
		    (e->path == NULL ||
		        p->paths[i].text.n > e->path->text.n))
			e->path = &p->paths[i];
}

/* ---- what the browser makes of it -------------------------------------- */

static int
judge(struct explanation *e)
{
	const struct browser_request *r = &e->query->request;

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
	if (e->failures.count > 0)
		return 0;
	return browser_judge_actual(r, &e->actual, &e->arena, &e->failures);
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
	if (browser_plan(&e->query->request, &e->arena, &e->plan) != 0)
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
	if (plan(out) != 0 ||
	    (out->plan.preflight && ask_preflight(out) != 0) ||
	    (out->plan.cors && ask_actual(out) != 0) || judge(out) != 0)
		return -1;
	out->goes_on = out->failures.count == 0;
	if (out->policy != NULL)
		find_claims(out);
	if (out->goes_on && browser_exposed(&q->request, &out->actual,
	    &out->arena, &out->readable) != 0)
		return -1;
	if (add_fixes(out) != 0)
		return -1;
	return explain_add_notes(out);
}

void
explain_clear(struct explanation *e)
{
	arena_clear(&e->arena);
}
