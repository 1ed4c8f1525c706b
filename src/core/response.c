#include "config.h"

#include "core/response.h"

#include <assert.h>

#include "base/buf.h"
#include "core/field.h"
#include "core/policy_impl.h"

/* The field of every answer to OPTIONS. */
#define POLICY_VARY                                                            \
	"Vary: Origin, Access-Control-Request-Method, "                        \
	"Access-Control-Request-Headers\r\n"

/* The fixed part of any answer, an Origin included. */
enum { DETAIL_MAX = 1024, REPLY_FIXED = 2704 + DETAIL_MAX };

/* ---- made once per policy ----------------------------------------------- */

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{200, "OK"}, {201, "Created"}, {202, "Accepted"},
	{203, "Non-Authoritative Information"}, {204, "No Content"},
	{205, "Reset Content"}, {206, "Partial Content"},
	{400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"},
	{403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
	{406, "Not Acceptable"}, {409, "Conflict"}, {410, "Gone"},
	{418, "I'm a teapot"}, {421, "Misdirected Request"},
	{422, "Unprocessable Content"}, {429, "Too Many Requests"},
	{451, "Unavailable For Legal Reasons"}, {500, "Internal Server Error"},
	{501, "Not Implemented"}, {502, "Bad Gateway"},
	{503, "Service Unavailable"},
};

static const char *
phrase_of(int status)
{
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return status < 300 ? "Success" : status < 500 ? "Refused" : "Error";
}

static void
add_status(struct buf *b, int status)
{
	buf_add(b, STR("Status: "));
	buf_uint(b, (unsigned long)status);
	buf_char(b, ' ');
	buf_add(b, str_of(phrase_of(status)));
	buf_add(b, STR("\r\n"));
	if (status != 204)
		buf_add(b, STR("Content-Length: 0\r\n"));
}

struct str
status_line_render(int status, struct arena *a)
{
	char space[128];
	struct buf b = BUF(space);

	add_status(&b, status);
	return arena_str(a, buf_str(&b));
}

static size_t
names_size(const struct field_set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->items[i].name.n + 2;
	return n;
}

static void
add_separated(struct buf *b, bool *first, struct str name)
{
	if (!*first)
		buf_add(b, STR(", "));
	*first = false;
	buf_add(b, name);
}

static void
add_names(struct buf *b, const struct field_set *s)
{
	bool first = true;

	for (size_t i = 0; i < s->count; i++)
		add_separated(b, &first, s->items[i].name);
}

static void
add_field(struct buf *b, struct str name, const struct field_set *s)
{
	if (s->count == 0)
		return;
	buf_add(b, name);
	add_names(b, s);
	buf_add(b, STR("\r\n"));
}

/* A '*' answers for every name but Authorization, which is listed beside it
 * (Fetch, CORS non-wildcard request-header name). */
static void
add_headers(struct buf *b, const struct policy *p)
{
	const struct field_item *item;

	if (!p->headers.any) {
		add_field(b, STR("Access-Control-Allow-Headers: "),
		    &p->headers);
		return;
	}
	if (p->credentials)
		return; /* a literal '*': response.c answers by name */
	buf_add(b, STR("Access-Control-Allow-Headers: *"));
	item = field_set_find(&p->headers, STR("authorization"));
	if (item != NULL) {
		buf_add(b, STR(", "));
		buf_add(b, item->name);
	}
	buf_add(b, STR("\r\n"));
}

static void
add_methods(struct buf *b, const struct policy *p)
{
	if (!p->methods.any)
		add_field(b, STR("Access-Control-Allow-Methods: "),
		    &p->methods);
	else if (!p->credentials)
		buf_add(b, STR("Access-Control-Allow-Methods: *\r\n"));
}

static void
add_credentials(struct buf *b, const struct policy *p)
{
	if (p->credentials)
		buf_add(b, STR("Access-Control-Allow-Credentials: true\r\n"));
}

static void
add_grant(struct buf *b, const struct policy *p)
{
	add_status(b, p->success_status);
	buf_add(b, STR("Access-Control-Allow-Origin: "));
	if (origin_set_any(p->origins))
		buf_char(b, '*');
}

static void
add_grant_tail(struct buf *b, const struct policy *p)
{
	buf_add(b, STR("\r\n"));
	add_credentials(b, p);
	add_methods(b, p);
	add_headers(b, p);
	if (p->max_age != MAX_AGE_UNSET) {
		buf_add(b, STR("Access-Control-Max-Age: "));
		buf_uint(b, (unsigned long)p->max_age);
		buf_add(b, STR("\r\n"));
	}
	buf_add(b, STR(POLICY_VARY));
}

static void
render_actual(struct buf *b, const struct policy *p)
{
	add_credentials(b, p);
	if (p->expose.any)
		buf_add(b, STR("Access-Control-Expose-Headers: *\r\n"));
	else
		add_field(b, STR("Access-Control-Expose-Headers: "),
		    &p->expose);
}

/* The methods that a '*' stands for cannot be listed: those that every browser
 * may send are. */
static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH",
    "DELETE"};

bool
policy_star_lists(struct str method)
{
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (str_eq(method, str_of(usual[i])))
			return true;
	return str_eq(method, STR("OPTIONS"));
}

static void
add_plain_allow(struct buf *b, const struct policy *p)
{
	bool first = true;

	buf_add(b, STR("Allow: "));
	add_separated(b, &first, STR("OPTIONS"));
	if (p->methods.any) {
		for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
			if (field_set_find(&p->methods,
			        str_of(usual[i])) == NULL)
				add_separated(b, &first, str_of(usual[i]));
	}
	for (size_t i = 0; i < p->methods.count; i++)
		if (!str_eq(p->methods.items[i].name, STR("OPTIONS")))
			add_separated(b, &first, p->methods.items[i].name);
	buf_add(b, STR("\r\n"));
}

static int
render(struct str *to, void (*add)(struct buf *, const struct policy *),
    const struct policy *p, struct arena *a)
{
	size_t size = 512 + names_size(&p->methods) + names_size(&p->headers) +
	    names_size(&p->expose);
	struct buf b = {arena_alloc(a, size), 0, size, false};

	if (b.p == NULL)
		return -1;
	add(&b, p);
	*to = buf_str(&b);
	return b.full ? -1 : 0;
}

int
policy_render(struct policy *p, struct arena *a)
{
	p->refuse_line = status_line_render(p->refuse_status, a);
	if (p->refuse_line.p == NULL)
		return -1;
	return render(&p->grant, add_grant, p, a) == 0 &&
	        render(&p->grant_tail, add_grant_tail, p, a) == 0 &&
	        render(&p->actual_tail, render_actual, p, a) == 0 &&
	        render(&p->plain_allow, add_plain_allow, p, a) == 0 ? 0 : -1;
}

/* ---- answers ----------------------------------------------------------- */

static const char not_options_text[] =
    "preflightd answers CORS preflights: OPTIONS requests with Origin and\n"
    "Access-Control-Request-Method.  The web server has sent it a request of\n"
    "another method, so its configuration delegates too much.  Look at:\n"
    "  nginx     the variable in if (... = OPTIONS), and the maps that set it\n"
    "  lighttpd  the condition $HTTP[\"request-method\"] == \"OPTIONS\"\n"
    "  Apache    RewriteCond %{REQUEST_METHOD} =OPTIONS\n"
    "  HAProxy   the acl with method OPTIONS\n"
    "  Caddy     the matcher with method OPTIONS\n"
    "  h2o       env[\"REQUEST_METHOD\"] == \"OPTIONS\" in its handler\n"
    "Where actual requests are to be asked for, the FastCGI parameter\n"
    "CORS_MODE has to be actual.\n";

static size_t
echoes_max(const struct policy *p)
{
	return p->credentials && (p->methods.any || p->headers.any) ?
	    (size_t)2 * ECHO_MAX : 0;
}

size_t
policy_answer_max(const struct policy *p)
{
	enum { FIXED = 256, ORIGIN = 400 };

	return FIXED + ORIGIN + p->grant_tail.n + echoes_max(p);
}

size_t
reply_max(const struct policy_set *s)
{
	size_t most = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct policy *p = s->policies[i];
		size_t n = p->grant_tail.n + p->plain_allow.n +
		    p->actual_tail.n + echoes_max(p);

		if (n > most)
			most = n;
	}
	return REPLY_FIXED + most;
}

/* The bytes that were written; reply_max has promised room for all. */
static size_t
written(const struct buf *b)
{
	assert(!b->full);
	return b->n;
}

static void
add_allow_origin(struct buf *b, const struct request *r,
    const struct policy *p)
{
	buf_add(b, STR("Access-Control-Allow-Origin: "));
	buf_add(b, origin_set_any(p->origins) ? STR("*") : r->origin);
	buf_add(b, STR("\r\n"));
}

/* Whether the policy's fields of an actual response stand on this one.  Those
 * of '*' are constant: a response that is kept from a request without an Origin
 * would else block pages. */
static bool
has_fields(const struct decision *d)
{
	return d->origin_allowed ||
	    (d->policy != NULL && origin_set_any(d->policy->origins));
}

/* With credentials a '*' is a literal to browsers: the answer names what was
 * asked, as far as the policy covers it. */
static void
add_asked_method(struct buf *b, const struct request *r,
    const struct decision *d)
{
	if (!d->policy->credentials || !d->policy->methods.any ||
	    d->reason == REASON_METHOD || r->request_method.n > ECHO_MAX)
		return;
	buf_add(b, STR("Access-Control-Allow-Methods: "));
	buf_add(b, r->request_method);
	buf_add(b, STR("\r\n"));
}

static void
add_asked_headers(struct buf *b, const struct request *r,
    const struct policy *p)
{
	size_t before = b->n, echoed = 0;
	struct str name;

	if (!p->credentials || !p->headers.any)
		return;
	bool listed = field_set_find(&p->headers, STR("authorization")) != NULL;
	buf_add(b, STR("Access-Control-Allow-Headers: "));
	size_t start = b->n;
	for (size_t i = 0; i < r->nlines; i++)
		for (struct str rest = r->lines[i]; list_next(&rest, &name);) {
			echoed += name.n + 2;
			if (echoed > ECHO_MAX)
				break;
			if (!listed && str_eq_fold(name, STR("authorization")))
				continue;
			if (b->n > start)
				buf_add(b, STR(", "));
			buf_add(b, name);
		}
	if (b->n == start)
		b->n = before;
	else
		buf_add(b, STR("\r\n"));
}

static void
add_reason(struct buf *b, const struct policy_set *s, const struct request *r,
    const struct decision *d)
{
	char detail[DETAIL_MAX / 2];
	struct buf more = BUF(detail);
	struct place at = preflight_place(d);

	buf_add(b, STR("Preflight-Reason: "));
	buf_add(b, str_of(reason_name(d->reason)));
	if (d->policy != NULL) {
		buf_add(b, STR("; policy "));
		buf_add(b, d->policy->name);
		buf_add(b, STR(" at "));
		buf_escaped(b, str_of(policy_set_file_name(s, at.file)), 200);
		buf_char(b, ':');
		buf_uint(b, at.line);
	}
	preflight_explain(r, d, &more);
	if (more.n > 0) {
		buf_add(b, STR("; "));
		buf_add(b, buf_str(&more));
	}
	buf_add(b, STR("\r\n"));
}

static bool
wants_reason(const struct policy_set *s, const struct decision *d)
{
	return d->policy != NULL ? d->policy->debug : s->debug;
}

static void
answer_granted(struct buf *b, const struct request *r,
    const struct decision *d)
{
	buf_add(b, d->policy->grant);
	if (!origin_set_any(d->policy->origins))
		buf_add(b, r->origin);
	buf_add(b, d->policy->grant_tail);
	add_asked_method(b, r, d);
	add_asked_headers(b, r, d->policy);
}

static void
answer_plain(struct buf *b, const struct request *r, const struct decision *d)
{
	buf_add(b, STR("Status: 204 No Content\r\n"));
	buf_add(b, d->policy != NULL ? d->policy->plain_allow :
	    STR("Allow: OPTIONS\r\n"));
	if (has_fields(d)) {
		add_allow_origin(b, r, d->policy);
		buf_add(b, d->policy->actual_tail);
	}
	buf_add(b, STR(POLICY_VARY));
}

static void
answer_not_options(struct buf *b, const struct request *r)
{
	struct str text = str_of(not_options_text);

	buf_add(b, STR("Status: 405 Method Not Allowed\r\n"
	    "Allow: OPTIONS\r\nContent-Type: text/plain\r\nContent-Length: "));
	buf_uint(b, text.n);
	buf_add(b, STR("\r\n\r\n"));
	if (!str_eq(r->method, STR("HEAD")))
		buf_add(b, text);
}

size_t
reply_write(const struct policy_set *s, const struct request *r,
    const struct decision *d, char *out, size_t cap)
{
	struct buf b = {out, 0, cap, false};

	switch (d->reason) {
	case REASON_NOT_OPTIONS:
		answer_not_options(&b, r);
		return written(&b);
	case REASON_ALLOWED:
	case REASON_METHOD:
	case REASON_HEADER:
		answer_granted(&b, r, d);
		break;
	case REASON_NOT_PREFLIGHT:
		answer_plain(&b, r, d);
		break;
	case REASON_ORIGIN:
	case REASON_NO_POLICY:
	case REASON_MALFORMED:
	case REASON_COUNT:
	default:
		buf_add(&b, d->policy != NULL ? d->policy->refuse_line :
		    s->refuse_line);
		buf_add(&b, STR(POLICY_VARY));
		break;
	}
	if (wants_reason(s, d))
		add_reason(&b, s, r, d);
	buf_add(&b, STR("\r\n"));
	return written(&b);
}

/* ---- actual responses -------------------------------------------------- */

/* Adds the lines of text, each with prefix in front. */
static void
add_lines(struct buf *b, struct str prefix, struct str text)
{
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end == NULL ? text.n : (size_t)(end - text.p) + 1;

		buf_add(b, prefix);
		buf_add(b, (struct str){text.p, n});
		text = str_from(text, n);
	}
}

/* The fields that the actual response should carry, and the empty line. */
static void
add_actual(struct buf *b, struct str prefix, const struct request *r,
    const struct decision *d)
{
	if (has_fields(d)) {
		buf_add(b, prefix);
		add_allow_origin(b, r, d->policy);
		add_lines(b, prefix, d->policy->actual_tail);
	}
	/* A cached answer must not reach another origin. */
	if (d->policy == NULL || !origin_set_any(d->policy->origins))
		add_lines(b, prefix, STR("Vary: Origin\r\n"));
	buf_add(b, STR("\r\n"));
}

size_t
reply_write_actual(const struct request *r, const struct decision *d,
    char *out, size_t cap)
{
	struct buf b = {out, 0, cap, false};

	buf_add(&b, STR("Status: 204 No Content\r\n"));
	add_actual(&b, STR(""), r, d);
	return written(&b);
}

size_t
reply_write_authorizer(const struct request *r, const struct decision *d,
    char *out, size_t cap)
{
	struct buf b = {out, 0, cap, false};

	buf_add(&b, STR("Status: 200 OK\r\n"));
	add_actual(&b, STR("Variable-"), r, d);
	return written(&b);
}
