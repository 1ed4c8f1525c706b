#include "config.h"

#include "browser/policy_query.h"

#include "base/buf.h"
#include "core/request.h"
#include "core/response.h"

enum { DETAIL_MAX = 1024 };

/* The parameters that a web server would pass. */
static void
fill_request(const struct policy_query *q, struct request *r)
{
	request_init(r);
	request_param(r, STR("HTTP_HOST"), q->url->authority);
	request_param(r, STR("SERVER_NAME"), q->url->host);
	request_param(r, STR("REQUEST_URI"), q->url->target);
	request_param(r, STR("REQUEST_SCHEME"), q->url->scheme);
	request_param(r, STR("HTTP_ORIGIN"), q->origin);
	request_param(r, STR("CORS_POLICY"), q->policy);
}

/* Takes a CGI response apart. */
static int
parse_response(struct str text, struct arena *a, struct browser_answer *out)
{
	size_t lines = 0, n = 0;
	struct header *items;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	items = arena_array(a, lines + 1, sizeof(*items));
	if (items == NULL)
		return -1;
	out->status = 0;
	while (text.n > 0 && text.p[0] != '\r') {
		struct str line = {text.p, str_find_any(text, "\r")};
		struct str name = {line.p, str_find_any(line, ":")}, value;

		text = str_from(text, line.n + 2 <= text.n ? line.n + 2 :
		    text.n);
		if (name.n == line.n)
			continue;
		value = str_trim(str_from(line, name.n + 1));
		if (!str_eq(name, STR("Status")))
			items[n++] = (struct header){name, value};
		for (size_t i = 0; str_eq(name, STR("Status")) && i < 3 &&
		    i < value.n; i++)
			out->status = out->status * 10 + (value.p[i] - '0');
	}
	out->headers = (struct headers){items, n};
	return 0;
}

static int
answer(const struct policy_set *s, const struct request *r, bool actual,
    struct arena *a, struct policy_answer *out)
{
	size_t cap = reply_max(s);
	struct buf reply = {arena_alloc(a, cap), 0, cap, false};
	char space[DETAIL_MAX];
	struct buf detail = BUF(space);
	struct decision d;

	if (reply.p == NULL)
		return -1;
	if (actual) {
		preflight_decide_actual(s, r, &d);
		reply.n = reply_write_actual(r, &d, reply.p, cap);
	} else {
		preflight_decide(s, r, &d);
		reply.n = reply_write(s, r, &d, reply.p, cap);
	}
	preflight_explain(r, &d, &detail);
	*out = (struct policy_answer){.reason = d.reason, .policy = d.policy,
	    .rule = preflight_place(&d),
	    .detail = arena_str(a, buf_str(&detail))};
	if (out->detail.p == NULL)
		return -1;
	return parse_response(buf_str(&reply), a, &out->answer);
}

int
policy_query_preflight(const struct policy_set *s,
    const struct policy_query *q, struct arena *a, struct policy_answer *out)
{
	struct request r;

	fill_request(q, &r);
	request_param(&r, STR("REQUEST_METHOD"), STR("OPTIONS"));
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    q->method);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    q->names);
	return answer(s, &r, false, a, out);
}

int
policy_query_actual(const struct policy_set *s, const struct policy_query *q,
    struct arena *a, struct policy_answer *out)
{
	struct request r;

	fill_request(q, &r);
	request_param(&r, STR("REQUEST_METHOD"), q->method);
	return answer(s, &r, true, a, out);
}
