#include "config.h"

#include "core/response.h"

#include <assert.h>

#include "base/buf.h"
#include "core/field.h"
#include "core/policy_impl.h"
#include "core/policy_render.h"

enum { DETAIL_MAX = 1024, REPLY_FIXED = 2048 + DETAIL_MAX };

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

size_t
reply_max(const struct policy_set *s)
{
	return REPLY_FIXED + s->reply_max;
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
