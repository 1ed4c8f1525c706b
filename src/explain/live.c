/* live.c - a running server's answers in place of the policy's, and where the
 * two differ. */
#include "config.h"

#include "explain/explain.h"

#include "base/buf.h"
#include "core/field.h"

enum { NOTE_MAX = 1024, SHOWN = 160 };

/* ---- asking ------------------------------------------------------------ */

/* Sends a request.  *out is the answer, or NULL with the reason in live. */
static int
send_request(struct explanation *e, struct explain_live *live,
    struct http *http, const struct http_request *r,
    const struct browser_answer **out)
{
	struct http_result *result = arena_alloc(&e->arena, sizeof(*result));

	*out = NULL;
	if (result == NULL || http_ask(http, r, &e->arena, result) != 0)
		return -1;
	if (result->outcome == HTTP_ANSWERED)
		*out = &result->answer;
	else
		live->no_answer = result->error.n > 0 ? result->error :
		    STR("unknown");
	return 0;
}

/* The preflight; libcurl sets Host and Accept itself. */
static int
send_preflight(struct explanation *e, struct explain_live *live,
    struct http *http, const struct browser_answer **out)
{
	struct http_request r = {.url = e->query->url.text,
	    .method = STR("OPTIONS"), .headers = e->sent};

	while (r.headers.count > 0 &&
	    (str_eq(r.headers.items->name, STR("Host")) ||
	        str_eq(r.headers.items->name, STR("Accept")))) {
		r.headers.items++;
		r.headers.count--;
	}
	return send_request(e, live, http, &r, out);
}

static int
send_actual(struct explanation *e, struct explain_live *live,
    struct http *http, const struct browser_answer **out)
{
	const struct browser_request *q = &e->query->request;
	struct http_request r = {.url = e->query->url.text,
	    .method = q->method};
	struct header *h = arena_array(&e->arena, q->headers.count + 1,
	    sizeof(*h));

	if (h == NULL)
		return -1;
	h[0] = (struct header){STR("Origin"), q->origin};
	if (q->headers.count > 0)
		memcpy(h + 1, q->headers.items,
		    q->headers.count * sizeof(*h));
	r.headers = (struct headers){h, q->headers.count + 1};
	live->sent = true;
	return send_request(e, live, http, &r, out);
}

/* ---- differences ------------------------------------------------------- */

/* What of the request the comparison looks at. */
static struct verify_case
make_case(const struct explanation *e, enum verify_kind kind)
{
	const struct explain_query *q = e->query;
	bool preflight = kind == VERIFY_PREFLIGHT;

	return (struct verify_case){
	    .name = preflight ? "preflight" : "actual", .kind = kind,
	    .url = &q->url, .origin = q->request.origin,
	    .method = q->request.method,
	    .names = preflight ? e->plan.names : NULL,
	    .nnames = preflight ? e->plan.nnames : 0,
	    .joined = preflight ? e->plan.joined : STR(""),
	    .expected = {.reason = e->reason, .policy = e->policy,
	        .answer = preflight ? e->answer : e->actual}};
}

/* Adds how an answer differs from the policy's, which is still in *e. */
static int
compare(struct explanation *e, struct explain_live *live,
    enum verify_kind kind, const struct browser_answer *answer)
{
	struct verify_case *c = arena_alloc(&e->arena, sizeof(*c));
	struct verify_findings found;

	if (c == NULL)
		return -1;
	*c = make_case(e, kind);
	if (verify_judge(e->set, c, answer, &e->arena, &found) != 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (verify_findings_add(&live->differences, &found.items[i],
		    &e->arena) != 0)
			return -1;
	return 0;
}

/* ---- the whole --------------------------------------------------------- */

static void
note_redirect(struct explanation *e)
{
	struct header_lines location = headers_find(&e->actual.headers,
	    STR("location"));
	char space[NOTE_MAX];
	struct buf b = BUF(space);

	if (location.count == 0 || e->actual.status < 300 ||
	    e->actual.status > 399)
		return;
	buf_add(&b, STR("the browser follows the redirect, and CORS begins "
	    "anew: explain "));
	buf_escaped(&b, location.first->value, SHOWN);
	buf_add(&b, STR(" too; where it leads to a third host, the origin "
	    "becomes null"));
	explain_note(e, buf_str(&b));
}

/* Puts the answers, of which NULL is one that was not asked for or did not
 * come, in place of the policy's and judges anew. */
static int
take_answers(struct explanation *e, struct explain_live *live,
    const struct browser_answer *preflight,
    const struct browser_answer *actual)
{
	static const struct browser_answer none = {.status = 0};
	bool by_policy = e->goes_on;

	if (e->set != NULL && ((preflight != NULL &&
	        compare(e, live, VERIFY_PREFLIGHT, preflight) != 0) ||
	    (actual != NULL &&
	        compare(e, live, VERIFY_ACTUAL, actual) != 0)))
		return -1;
	e->live = live;
	e->answer = preflight != NULL ? *preflight : none;
	e->actual = actual != NULL ? *actual : none;
	e->nnotes = 0;
	if (live->no_answer.n > 0) {
		e->at_response = live->sent;
		e->failures.count = 0;
		e->readable = (struct browser_readable){.count = 0};
		e->goes_on = false;
	} else if (explain_conclude(e) != 0) {
		return -1;
	}
	/* The changes are for what the policy says, not for what the server
	 * has made of it. */
	if (e->goes_on != by_policy)
		e->fixes.count = e->fixes.nremarks = 0;
	if (explain_add_notes(e) != 0)
		return -1;
	if (!live->sent && e->plan.cors && e->goes_on)
		explain_note(e, STR("the request itself was not sent, so that "
		    "its response is not known"));
	note_redirect(e);
	return e->failed ? -1 : 0;
}

int
explain_live(struct explanation *e, struct explain_live *live,
    struct http *http, bool whole)
{
	const struct browser_answer *preflight = NULL, *actual = NULL;
	const struct browser_request *r = &e->query->request;
	struct browser_failures f = {.count = 0};

	*live = (struct explain_live){.no_answer = STR("")};
	if (e->plan.preflight) {
		if (send_preflight(e, live, http, &preflight) != 0)
			return -1;
		if (preflight != NULL && browser_judge_preflight(
		    e->query->profile, r, &e->plan, preflight, &e->arena,
		    &f) != 0)
			return -1;
	}
	if (whole && e->plan.cors && !method_is_forbidden(r->method) &&
	    live->no_answer.n == 0 && f.count == 0 &&
	    send_actual(e, live, http, &actual) != 0)
		return -1;
	return take_answers(e, live, preflight, actual);
}
