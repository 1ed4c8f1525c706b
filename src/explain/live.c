#include "config.h"

#include "explain/live.h"

#include "core/field.h"

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

/* The preflight; libcurl adds Host and Accept by itself. */
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

/* Sets *passes to whether the browser sends the request after that answer. */
static int
judge_preflight(struct explanation *e, const struct browser_answer *answer,
    bool *passes)
{
	struct browser_failures f;

	if (browser_judge_preflight(e->query->profile, &e->query->request,
	    &e->plan, answer, &e->arena, &f) != 0)
		return -1;
	*passes = f.count == 0;
	return 0;
}

int
live_explain(struct explanation *e, struct explain_live *live,
    struct http *http, bool whole)
{
	const struct browser_answer *preflight = NULL, *actual = NULL;
	bool passes = e->plan.cors &&
	    !method_is_forbidden(e->query->request.method);

	*live = (struct explain_live){.no_answer = STR("")};
	if (e->plan.preflight) {
		if (send_preflight(e, live, http, &preflight) != 0)
			return -1;
		passes = false;
		if (preflight != NULL &&
		    judge_preflight(e, preflight, &passes) != 0)
			return -1;
	}
	if (passes && whole && send_actual(e, live, http, &actual) != 0)
		return -1;
	return explain_take(e, live, preflight, actual);
}
