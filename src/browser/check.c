/* check.c - the answer: the CORS check, the preflight's answer, what script may
 * read of the response, and what is wrong in words. */
#include "config.h"

#include "browser/browser.h"

#include "core/field.h"

#define ALLOW_ORIGIN STR("access-control-allow-origin")
#define ALLOW_CREDENTIALS STR("access-control-allow-credentials")
#define ALLOW_METHODS STR("access-control-allow-methods")
#define ALLOW_HEADERS STR("access-control-allow-headers")
#define EXPOSE_HEADERS STR("access-control-expose-headers")
#define AUTHORIZATION STR("authorization")
#define STAR STR("*")

enum { SHOWN = 160 };

/* ---- the CORS check (#concept-cors-check) ------------------------------ */

struct judging {
	const struct browser_request *r;
	const struct browser_answer *answer;
	struct browser_failures *out;
};

static void
fail(struct judging *j, enum browser_code code, struct str subject)
{
	struct browser_failures *f = j->out;

	f->items[f->count++] = (struct browser_failure){code, subject,
	    j->answer->status};
}

/* Why an Access-Control-Allow-Origin is not that of the page. */
static enum browser_code
origin_code(const struct header_lines *lines, bool credentials)
{
	struct str value = lines->first->value;

	if (lines->count > 1 || (value.n > 0 &&
	    memchr(value.p, ',', value.n) != NULL))
		return CODE_ACAO_MULTIPLE;
	if (str_eq(value, STAR) && credentials)
		return CODE_ACAO_STAR_CREDENTIALS;
	for (size_t i = 0; i + 3 <= value.n; i++)
		if (memcmp(value.p + i, "://", 3) == 0)
			return CODE_ACAO_MISMATCH;
	return str_eq(value, STR("null")) ? CODE_ACAO_MISMATCH :
	    CODE_ACAO_INVALID;
}

static void
check_credentials(struct judging *j)
{
	struct header_lines lines = headers_find(&j->answer->headers,
	    ALLOW_CREDENTIALS);

	if (lines.count == 0)
		fail(j, CODE_ACAC_MISSING, STR(""));
	else if (lines.count > 1)
		fail(j, CODE_ACAC_INVALID, STR("true, true"));
	else if (!str_eq(lines.first->value, STR("true")))
		fail(j, CODE_ACAC_INVALID, lines.first->value);
}

static void
cors_check(struct judging *j)
{
	bool credentials = j->r->credentials;
	struct header_lines lines = headers_find(&j->answer->headers,
	    ALLOW_ORIGIN);

	if (lines.count == 0)
		fail(j, CODE_ACAO_MISSING, STR(""));
	else if (lines.count == 1 && !credentials &&
	    str_eq(lines.first->value, STAR))
		return;
	else if (lines.count > 1 || !str_eq(lines.first->value, j->r->origin))
		fail(j, origin_code(&lines, credentials), lines.first->value);
	else if (credentials)
		check_credentials(j);
}

/* ---- the preflight's answer (#cors-preflight-fetch-0) ------------------ */

static void
check_status(struct judging *j)
{
	static const int redirects[] = {301, 302, 303, 307, 308};
	int status = j->answer->status;
	enum browser_code code = CODE_STATUS;

	if (status >= 200 && status <= 299)
		return;
	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++)
		if (status == redirects[i])
			code = CODE_REDIRECT;
	fail(j, code, STR(""));
}

/* A '*' stands for every name, but is a literal with credentials. */
static bool
list_allows(const struct judging *j, struct str list, struct str name,
    enum list_case how)
{
	const struct headers *h = &j->answer->headers;

	return headers_list_has(h, list, name, how) ||
	    (!j->r->credentials && headers_list_has(h, list, STAR, how));
}

int
browser_judge_preflight(enum browser_profile profile,
    const struct browser_request *r, const struct browser_plan *plan,
    const struct browser_answer *answer, struct arena *a,
    struct browser_failures *out)
{
	struct judging j = {r, answer, out};
	struct str bad;
	enum list_state methods, headers;
	bool rule = browser_engines[profile].authorization_rule;

	*out = (struct browser_failures){arena_array(a,
	    plan->nnames + CODE_COUNT, sizeof(*out->items)), 0};
	if (out->items == NULL)
		return -1;
	cors_check(&j);
	check_status(&j);
	methods = headers_list_state(&answer->headers, ALLOW_METHODS, &bad);
	if (methods == LIST_BAD)
		fail(&j, CODE_ACAM_SYNTAX, bad);
	headers = headers_list_state(&answer->headers, ALLOW_HEADERS, &bad);
	if (headers == LIST_BAD)
		fail(&j, CODE_ACAH_SYNTAX, bad);
	/* Without a list a forced preflight stands for its own method. */
	if (methods != LIST_BAD && !(methods == LIST_ABSENT &&
	        r->flag != FLAG_NONE) && !method_is_safelisted(r->method) &&
	    !list_allows(&j, ALLOW_METHODS, r->method, LIST_EXACT))
		fail(&j, CODE_METHOD, r->method);
	if (headers == LIST_BAD)
		return 0;
	for (size_t i = 0; i < plan->nnames; i++)
		if (rule && str_eq(plan->names[i], AUTHORIZATION) &&
		    !headers_list_has(&answer->headers, ALLOW_HEADERS,
		        AUTHORIZATION, LIST_FOLD))
			fail(&j, CODE_AUTHORIZATION, AUTHORIZATION);
	for (size_t i = 0; i < plan->nnames; i++)
		if (!(rule && str_eq(plan->names[i], AUTHORIZATION)) &&
		    !list_allows(&j, ALLOW_HEADERS, plan->names[i], LIST_FOLD))
			fail(&j, CODE_HEADER, plan->names[i]);
	return 0;
}

/* ---- the actual response (#concept-http-fetch) ------------------------- */

int
browser_judge_actual(const struct browser_request *r,
    const struct browser_answer *answer, struct arena *a,
    struct browser_failures *out)
{
	struct judging j = {r, answer, out};

	*out = (struct browser_failures){arena_array(a, CODE_COUNT,
	    sizeof(*out->items)), 0};
	if (out->items == NULL)
		return -1;
	if (!str_eq(r->origin, r->url_origin))
		cors_check(&j);
	return 0;
}

/* #cors-safelisted-response-header-name */
static const char *const safelisted[] = {
	"cache-control", "content-language", "content-length", "content-type",
	"expires", "last-modified", "pragma",
};

enum { SAFELISTED = sizeof(safelisted) / sizeof(safelisted[0]) };

static bool
is_hidden(struct str name)
{
	return str_eq_fold(name, STR("set-cookie")) ||
	    str_eq_fold(name, STR("set-cookie2"));
}

static bool
has_name(const struct browser_readable *r, struct str name)
{
	for (size_t i = 0; i < r->count; i++)
		if (str_eq_fold(r->names[i], name))
			return true;
	return false;
}

int
browser_exposed(const struct browser_request *r,
    const struct browser_answer *answer, struct arena *a,
    struct browser_readable *out)
{
	const struct headers *h = &answer->headers;
	struct list_at at = {.line = 0};
	size_t cap = SAFELISTED;
	struct str name, *names;

	while (headers_list_next(h, EXPOSE_HEADERS, &at, &name))
		cap++;
	names = arena_array(a, cap, sizeof(*names));
	*out = (struct browser_readable){.names = names};
	if (names == NULL)
		return -1;
	for (size_t i = 0; i < SAFELISTED; i++)
		names[out->count++] = str_of(safelisted[i]);
	if (str_eq(r->origin, r->url_origin)) {
		out->all = true;
		return 0;
	}
	if (headers_list_state(h, EXPOSE_HEADERS, &name) != LIST_GOOD)
		return 0;
	at = (struct list_at){.line = 0};
	while (headers_list_next(h, EXPOSE_HEADERS, &at, &name)) {
		if (!r->credentials && str_eq(name, STAR))
			out->all = true;
		else if (!is_hidden(name) && !has_name(out, name))
			names[out->count++] = name;
	}
	return 0;
}

bool
browser_can_read(const struct browser_readable *readable, struct str name)
{
	return !is_hidden(name) &&
	    (readable->all || has_name(readable, name));
}

/* ---- in words ---------------------------------------------------------- */

/* Texts around the subject; NULL in front: the subject is left out. */
static const struct {
	const char *name, *step, *front, *behind;
} codes[CODE_COUNT] = {
	[CODE_METHOD_FORBIDDEN] = {"method-forbidden", "3.1",
	    "method ", " is forbidden: the browser refuses to send it"},
	[CODE_ACAO_MISSING] = {"acao-missing", "9.1", NULL,
	    "the answer has no Access-Control-Allow-Origin"},
	[CODE_ACAO_STAR_CREDENTIALS] = {"acao-star-credentials", "9.3", NULL,
	    "Access-Control-Allow-Origin is '*', which is ignored with "
	    "credentials"},
	[CODE_ACAO_MULTIPLE] = {"acao-multiple", "9.3",
	    "Access-Control-Allow-Origin has several values (",
	    "), and only one is allowed"},
	[CODE_ACAO_INVALID] = {"acao-invalid", "9.3",
	    "Access-Control-Allow-Origin is ", ", which is not an origin"},
	[CODE_ACAO_MISMATCH] = {"acao-mismatch", "9.3",
	    "Access-Control-Allow-Origin is ", ", the page is of "},
	[CODE_ACAC_MISSING] = {"acac-missing", "9.5", NULL,
	    "the request has credentials, and the answer has no "
	    "Access-Control-Allow-Credentials"},
	[CODE_ACAC_INVALID] = {"acac-invalid", "9.5",
	    "Access-Control-Allow-Credentials is ",
	    ", and must be exactly 'true'"},
	[CODE_STATUS] = {"status", "10.2", NULL, ", and must be 200 to 299"},
	[CODE_REDIRECT] = {"redirect", "10.2", NULL,
	    ": a preflight is never redirected"},
	[CODE_ACAM_SYNTAX] = {"acam-syntax", "10.3",
	    "Access-Control-Allow-Methods has ",
	    ", which is not a method: the whole list is ignored"},
	[CODE_ACAH_SYNTAX] = {"acah-syntax", "10.3",
	    "Access-Control-Allow-Headers has ",
	    ", which is not a header name: the whole list is ignored"},
	[CODE_METHOD] = {"method", "10.5",
	    "Access-Control-Allow-Methods does not list method ", ""},
	[CODE_AUTHORIZATION] = {"authorization", "10.6", NULL,
	    "Access-Control-Allow-Headers does not list authorization by "
	    "name, and '*' does not cover it"},
	[CODE_HEADER] = {"header", "10.7",
	    "Access-Control-Allow-Headers does not list header ", ""},
};

const char *
browser_code_name(enum browser_code code)
{
	return codes[code].name;
}

const char *
browser_code_step(enum browser_code code)
{
	return codes[code].step;
}

void
browser_failure_explain(const struct browser_failure *f,
    const struct browser_request *r, struct buf *out)
{
	struct str subject = f->subject;

	if (f->code == CODE_STATUS || f->code == CODE_REDIRECT) {
		buf_add(out, STR("the answer has status "));
		buf_uint(out, (unsigned long)f->status);
	} else if (codes[f->code].front != NULL) {
		buf_add(out, str_of(codes[f->code].front));
		buf_quoted(out, subject, SHOWN);
	}
	buf_add(out, str_of(codes[f->code].behind));
	if (f->code == CODE_ACAO_MISMATCH) {
		buf_quoted(out, r->origin, SHOWN);
		if (subject.n == r->origin.n + 1 &&
		    str_starts(subject, r->origin) &&
		    subject.p[r->origin.n] == '/')
			buf_add(out,
			    STR(": an origin has no trailing slash"));
		else if (str_eq_fold(subject, r->origin))
			buf_add(out, STR(": an origin is in lower case"));
	} else if (f->code == CODE_METHOD &&
	    str_eq_fold(subject, STR("patch")) &&
	    !str_eq(subject, STR("PATCH"))) {
		buf_add(out, STR(": browsers do not change the case of "
		    "PATCH"));
	}
}
