#include "config.h"

#include "browser/policy_query.h"

#include "base/buf.h"
#include "core/request.h"
#include "core/response.h"

enum { DETAIL_MAX = 1024 };

/* The parameters that a web server would pass. */
static void
fill_request(const struct ask *ask, struct request *r)
{
	request_init(r);
	request_param(r, STR("HTTP_HOST"), ask->url->authority);
	request_param(r, STR("SERVER_NAME"), ask->url->host);
	request_param(r, STR("REQUEST_URI"), ask->url->target);
	request_param(r, STR("REQUEST_SCHEME"), ask->url->scheme);
	request_param(r, STR("HTTP_ORIGIN"), ask->origin);
	request_param(r, STR("CORS_POLICY"), ask->policy);
}

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

/* The number that a Status field begins with. */
static int
status_of(struct str value)
{
	int status = 0;

	for (size_t i = 0; i < 3 && i < value.n; i++)
		status = status * 10 + (value.p[i] - '0');
	return status;
}

static void
take_field(struct str line, struct browser_answer *out, struct header *items)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct header field;

	if (colon == NULL)
		return;
	field.name = (struct str){line.p, (size_t)(colon - line.p)};
	field.value = str_from(line, field.name.n + 1);
	if (field.value.n > 0 && field.value.p[0] == ' ')
		field.value = str_from(field.value, 1);
	if (str_eq(field.name, STR("Status")))
		out->status = status_of(field.value);
	else
		items[out->headers.count++] = field;
}

/* Takes a CGI response apart. */
static int
parse_reply(struct str reply, struct arena *a, struct browser_answer *out)
{
	size_t lines = 0;
	struct header *items;
	struct str line;

	*out = (struct browser_answer){.status = 0};
	for (size_t i = 0; i < reply.n; i++)
		lines += reply.p[i] == '\n';
	items = arena_array(a, lines + 1, sizeof(*items));
	if (items == NULL)
		return -1;
	for (line = take_line(&reply); line.n > 0; line = take_line(&reply))
		take_field(line, out, items);
	out->headers.items = items;
	return 0;
}

/* Notes what the policies say and why. */
static int
take_decision(const struct request *r, const struct decision *d,
    struct arena *a, struct asked *out)
{
	char space[DETAIL_MAX];
	struct buf detail = BUF(space);

	preflight_explain(r, d, &detail);
	*out = (struct asked){.reason = d->reason, .policy = d->policy,
	    .rule = preflight_place(d),
	    .detail = arena_str(a, buf_str(&detail))};
	return out->detail.p != NULL ? 0 : -1;
}

/* Decides on the request and writes the reply. */
static size_t
decide(const struct policy_set *s, const struct request *r, bool actual,
    struct decision *d, struct buf *reply)
{
	if (actual) {
		preflight_decide_actual(s, r, d);
		return reply_write_actual(r, d, reply->p, reply->cap);
	}
	preflight_decide(s, r, d);
	return reply_write(s, r, d, reply->p, reply->cap);
}

static int
answer(const struct policy_set *s, const struct request *r, bool actual,
    struct arena *a, struct asked *out)
{
	size_t cap = reply_max(s);
	struct buf reply = {arena_alloc(a, cap), 0, cap, false};
	struct decision d;

	if (reply.p == NULL)
		return -1;
	reply.n = decide(s, r, actual, &d, &reply);
	if (take_decision(r, &d, a, out) != 0)
		return -1;
	return parse_reply(buf_str(&reply), a, &out->answer);
}

int
ask_preflight(const struct policy_set *s, const struct ask *ask,
    struct arena *a, struct asked *out)
{
	struct request r;

	fill_request(ask, &r);
	request_param(&r, STR("REQUEST_METHOD"), STR("OPTIONS"));
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    ask->method);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    ask->names);
	return answer(s, &r, false, a, out);
}

int
ask_actual(const struct policy_set *s, const struct ask *ask, struct arena *a,
    struct asked *out)
{
	struct request r;

	fill_request(ask, &r);
	request_param(&r, STR("REQUEST_METHOD"), ask->method);
	return answer(s, &r, true, a, out);
}
