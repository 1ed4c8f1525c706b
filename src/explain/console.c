/* console.c - what the consoles of Chrome and Firefox say, so that who
 * has the line finds the rule. */
#include "config.h"

#include "explain/print.h"

#include "browser/browser_impl.h"

enum { SHOWN = 400 };

/* Typographic quotes, as Firefox prints them. */
#define LQ "\u2018"
#define RQ "\u2019"

/* None of today's browsers enforces the Authorization rule where the answer
 * has a '*' that is no literal. */
static bool
passes_today(const struct explanation *e, const struct browser_failure *f)
{
	return f->code == CODE_AUTHORIZATION &&
	    !e->query->request.credentials &&
	    headers_list_has(&e->answer.headers,
	        STR("access-control-allow-headers"), STR("*"), LIST_EXACT);
}

/* Whether it is about a header for which Chromium asks no permission.  By its
 * own rules it has been judged already. */
static bool
passes_chromium(const struct explanation *e, const struct browser_failure *f)
{
	const struct headers *h = &e->query->request.headers;

	if (f->code != CODE_HEADER || e->query->profile == BROWSER_CHROMIUM)
		return false;
	for (size_t i = 0; i < h->count; i++)
		if (str_eq_fold(h->items[i].name, f->subject))
			return browser_header_dropped(BROWSER_CHROMIUM,
			    &h->items[i]) || (browser_header_why(BROWSER_SPEC,
			        &h->items[i]) == WHY_NAME &&
			    browser_header_why(BROWSER_CHROMIUM,
			        &h->items[i]) == WHY_SAFE);
	return false;
}

/* The one that the console has words for, or NULL. */
static const struct browser_failure *
shown_failure(const struct explanation *e, enum console which)
{
	for (size_t i = 0; i < e->failures.count; i++) {
		const struct browser_failure *f = &e->failures.items[i];

		if (!passes_today(e, f) && (which != CONSOLE_CHROME ||
		    !passes_chromium(e, f)))
			return f;
	}
	return NULL;
}

bool
console_has_words(const struct explanation *e)
{
	return shown_failure(e, CONSOLE_FIREFOX) != NULL;
}

/* Adds text with %s in place of the subject. */
static void
add_filled(struct buf *out, const char *text, struct str subject)
{
	const char *mark = strstr(text, "%s");

	if (mark == NULL) {
		buf_add(out, str_of(text));
		return;
	}
	buf_add(out, (struct str){text, (size_t)(mark - text)});
	buf_escaped(out, subject, SHOWN);
	buf_add(out, str_of(mark + 2));
}

static const char *const chrome[CODE_COUNT] = {
	[CODE_METHOD_FORBIDDEN] = "'%s' HTTP method is unsupported.",
	[CODE_ACAO_MISSING] = "No 'Access-Control-Allow-Origin' header is "
	    "present on the requested resource.",
	[CODE_ACAO_STAR_CREDENTIALS] = "The value of the "
	    "'Access-Control-Allow-Origin' header in the response must not be "
	    "the wildcard '*' when the request's credentials mode is "
	    "'include'.",
	[CODE_ACAO_MULTIPLE] = "The 'Access-Control-Allow-Origin' header "
	    "contains multiple values '%s', but only one is allowed.",
	[CODE_ACAO_INVALID] = "The 'Access-Control-Allow-Origin' header "
	    "contains the invalid value '%s'.",
	[CODE_ACAO_MISMATCH] = "The 'Access-Control-Allow-Origin' header has a "
	    "value '%s' that is not equal to the supplied origin.",
	[CODE_ACAC_MISSING] = "The value of the "
	    "'Access-Control-Allow-Credentials' header in the response is '' "
	    "which must be 'true' when the request's credentials mode is "
	    "'include'.",
	[CODE_ACAC_INVALID] = "The value of the "
	    "'Access-Control-Allow-Credentials' header in the response is '%s' "
	    "which must be 'true' when the request's credentials mode is "
	    "'include'.",
	[CODE_STATUS] = "It does not have HTTP ok status.",
	[CODE_REDIRECT] = "Redirect is not allowed for a preflight request.",
	[CODE_ACAM_SYNTAX] = "Cannot parse Access-Control-Allow-Methods "
	    "response header field in preflight response.",
	[CODE_ACAH_SYNTAX] = "Cannot parse Access-Control-Allow-Headers "
	    "response header field in preflight response.",
	[CODE_METHOD] = "Method %s is not allowed by "
	    "Access-Control-Allow-Methods in preflight response.",
	[CODE_AUTHORIZATION] = "Request header field %s is not allowed by "
	    "Access-Control-Allow-Headers in preflight response.",
	[CODE_HEADER] = "Request header field %s is not allowed by "
	    "Access-Control-Allow-Headers in preflight response.",
};

static const char *const firefox[CODE_COUNT] = {
	[CODE_METHOD_FORBIDDEN] = "Invalid request method %s.",
	[CODE_ACAO_MISSING] = "CORS header " LQ "Access-Control-Allow-Origin"
	    RQ " missing",
	[CODE_ACAO_STAR_CREDENTIALS] = "Credential is not supported if the "
	    "CORS header " LQ "Access-Control-Allow-Origin" RQ " is "
	    LQ "*" RQ,
	[CODE_ACAO_MULTIPLE] = "Multiple CORS header "
	    LQ "Access-Control-Allow-Origin" RQ " not allowed",
	[CODE_ACAO_INVALID] = "CORS header " LQ "Access-Control-Allow-Origin"
	    RQ " does not match " LQ "%s" RQ,
	[CODE_ACAO_MISMATCH] = "CORS header " LQ "Access-Control-Allow-Origin"
	    RQ " does not match " LQ "%s" RQ,
	[CODE_ACAC_MISSING] = "expected " LQ "true" RQ " in CORS header "
	    LQ "Access-Control-Allow-Credentials" RQ,
	[CODE_ACAC_INVALID] = "expected " LQ "true" RQ " in CORS header "
	    LQ "Access-Control-Allow-Credentials" RQ,
	[CODE_STATUS] = "CORS preflight response did not succeed",
	[CODE_REDIRECT] = "CORS request external redirect not allowed",
	[CODE_ACAM_SYNTAX] = "invalid token " LQ "%s" RQ " in CORS header "
	    LQ "Access-Control-Allow-Methods" RQ,
	[CODE_ACAH_SYNTAX] = "invalid token " LQ "%s" RQ " in CORS header "
	    LQ "Access-Control-Allow-Headers" RQ,
	[CODE_METHOD] = "Did not find method in CORS header "
	    LQ "Access-Control-Allow-Methods" RQ,
	[CODE_AUTHORIZATION] = "header " LQ "%s" RQ " is not allowed "
	    "according to header " LQ "Access-Control-Allow-Headers" RQ
	    " from CORS preflight response",
	[CODE_HEADER] = "header " LQ "%s" RQ " is not allowed according to "
	    "header " LQ "Access-Control-Allow-Headers" RQ
	    " from CORS preflight response",
};

/* What Chrome puts in front of reasons that the access check found. */
static bool
is_access_check(enum browser_code code)
{
	return code >= CODE_ACAO_MISSING && code <= CODE_REDIRECT;
}

static void
chrome_words(const struct explanation *e, const struct browser_failure *f,
    struct buf *out)
{
	const struct explain_query *q = e->query;
	bool xhr = q->request.flag == FLAG_UPLOAD_LISTENER;

	if (f->code == CODE_METHOD_FORBIDDEN) {
		buf_add(out, xhr ? STR("SecurityError: Failed to execute "
		    "'open' on 'XMLHttpRequest': ") : STR("TypeError: Failed "
		    "to execute 'fetch' on 'Window': "));
		add_filled(out, chrome[f->code], f->subject);
		return;
	}
	buf_add(out, xhr ?
	    STR("Access to XMLHttpRequest at '") : STR("Access to fetch at '"));
	buf_escaped(out, q->url.text, SHOWN);
	buf_add(out, STR("' from origin '"));
	buf_escaped(out, q->request.origin, SHOWN);
	buf_add(out, STR("' has been blocked by CORS policy: "));
	if (!e->at_response && is_access_check(f->code))
		buf_add(out, STR("Response to preflight request doesn't pass "
		    "access control check: "));
	add_filled(out, chrome[f->code], f->subject);
}

static void
firefox_words(const struct explanation *e, const struct browser_failure *f,
    struct buf *out)
{
	if (f->code == CODE_METHOD_FORBIDDEN) {
		buf_add(out, STR("TypeError: "));
		add_filled(out, firefox[f->code], f->subject);
		return;
	}
	buf_add(out, STR("Cross-Origin Request Blocked: The Same Origin Policy "
	    "disallows reading the remote resource at "));
	buf_escaped(out, e->query->url.text, SHOWN);
	buf_add(out, STR(". (Reason: "));
	add_filled(out, firefox[f->code], f->subject);
	buf_add(out, STR(")."));
	if (e->plan.preflight && (f->code == CODE_ACAO_MISSING ||
	    f->code == CODE_STATUS)) {
		buf_add(out, STR(" Status code: "));
		buf_uint(out, (unsigned long)f->status);
		buf_char(out, '.');
	}
}

void
console_words(const struct explanation *e, enum console which,
    struct buf *out)
{
	const struct browser_failure *f = shown_failure(e, which);

	if (f == NULL)
		return;
	if (which == CONSOLE_CHROME)
		chrome_words(e, f, out);
	else
		firefox_words(e, f, out);
}
