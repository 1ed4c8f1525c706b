/* text.c - triggers and failures in words. */
#include "config.h"

#include "browser/browser.h"

enum { SHOWN = 160 };

/* ---- triggers ---------------------------------------------------------- */

static void
explain_long(const struct trigger *t, struct buf *out)
{
	buf_add(out, STR("the value has "));
	buf_uint(out, t->value.n);
	buf_add(out, STR(" bytes, more than 128"));
}

void
trigger_explain(const struct trigger *t, struct buf *out)
{
	static const char *const texts[] = {
		[WHY_SAFE] = "",
		[WHY_METHOD] = "is not GET, HEAD or POST",
		[WHY_NAME] = "is a header that needs permission",
		[WHY_LONG] = "",
		[WHY_BYTE] = "has a control character or one of "
		    "\"():<>?@[\\]{}",
		[WHY_LANGUAGE_BYTE] =
		    "has other characters than letters, digits and ' *,-.;='",
		[WHY_NO_MIME] = "is no media type",
		[WHY_ESSENCE] = "is none of text/plain, multipart/form-data "
		    "and application/x-www-form-urlencoded",
		[WHY_NO_RANGE] = "is no single range such as 'bytes=0-1023'",
		[WHY_RANGE_SUFFIX] = "is a range without a start",
		[WHY_SUM] = "the values of the headers that need no permission "
		    "have more than 1024 bytes together",
		[WHY_UPLOAD_LISTENER] =
		    "a listener is on XMLHttpRequest.upload",
		[WHY_STREAM] = "the body is a ReadableStream",
	};

	if (t->why == WHY_LONG) {
		explain_long(t, out);
		return;
	}
	if (t->why == WHY_METHOD || t->why == WHY_NAME) {
		buf_escaped(out, t->name, SHOWN);
		buf_char(out, ' ');
	} else if (t->kind == TRIGGER_VALUE && t->why != WHY_SUM) {
		buf_quoted(out, t->value, SHOWN);
		buf_char(out, ' ');
	}
	buf_add(out, str_of(texts[t->why]));
}

/* ---- failures ---------------------------------------------------------- */

static const struct {
	const char *name, *step;
} codes[CODE_COUNT] = {
	[CODE_METHOD_FORBIDDEN] = {"method-forbidden", "3.1"},
	[CODE_ACAO_MISSING] = {"acao-missing", "9.1"},
	[CODE_ACAO_STAR_CREDENTIALS] = {"acao-star-credentials", "9.3"},
	[CODE_ACAO_MULTIPLE] = {"acao-multiple", "9.3"},
	[CODE_ACAO_INVALID] = {"acao-invalid", "9.3"},
	[CODE_ACAO_MISMATCH] = {"acao-mismatch", "9.3"},
	[CODE_ACAC_MISSING] = {"acac-missing", "9.5"},
	[CODE_ACAC_INVALID] = {"acac-invalid", "9.5"},
	[CODE_STATUS] = {"status", "10.2"},
	[CODE_REDIRECT] = {"redirect", "10.2"},
	[CODE_ACAM_SYNTAX] = {"acam-syntax", "10.3"},
	[CODE_ACAH_SYNTAX] = {"acah-syntax", "10.3"},
	[CODE_METHOD] = {"method", "10.5"},
	[CODE_AUTHORIZATION] = {"authorization", "10.6"},
	[CODE_HEADER] = {"header", "10.7"},
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

/* Whether a and b differ only by what stands behind the other. */
static bool
is_origin_and_slash(struct str value, struct str origin)
{
	return value.n == origin.n + 1 && str_starts(value, origin) &&
	    value.p[origin.n] == '/';
}

static void
explain_mismatch(const struct browser_failure *f,
    const struct browser_request *r, struct buf *out)
{
	buf_add(out, STR("Access-Control-Allow-Origin is "));
	buf_quoted(out, f->subject, SHOWN);
	buf_add(out, STR(", the page is of "));
	buf_quoted(out, r->origin, SHOWN);
	if (is_origin_and_slash(f->subject, r->origin))
		buf_add(out, STR(": an origin has no trailing slash"));
	else if (str_eq_fold(f->subject, r->origin))
		buf_add(out, STR(": an origin is in lower case"));
}

/* Texts around the subject; NULL in front: the subject is left out. */
static const struct {
	const char *front, *behind;
} texts[CODE_COUNT] = {
	[CODE_METHOD_FORBIDDEN] = {"method ",
	    " is forbidden: the browser refuses to send it"},
	[CODE_ACAO_MISSING] = {NULL,
	    "the answer has no Access-Control-Allow-Origin"},
	[CODE_ACAO_STAR_CREDENTIALS] = {NULL,
	    "Access-Control-Allow-Origin is '*', which does not count with "
	    "credentials"},
	[CODE_ACAO_MULTIPLE] = {"Access-Control-Allow-Origin has several "
	    "values (", "), and only one counts"},
	[CODE_ACAO_INVALID] = {"Access-Control-Allow-Origin is ",
	    ", which is no origin"},
	[CODE_ACAC_MISSING] = {NULL, "the request has credentials, and the "
	    "answer has no Access-Control-Allow-Credentials"},
	[CODE_ACAC_INVALID] = {"Access-Control-Allow-Credentials is ",
	    ", and only 'true' counts, so written"},
	[CODE_ACAM_SYNTAX] = {"Access-Control-Allow-Methods has ",
	    ", which is no method: the whole list does not count"},
	[CODE_ACAH_SYNTAX] = {"Access-Control-Allow-Headers has ",
	    ", which is no header name: the whole list does not count"},
	[CODE_METHOD] = {"Access-Control-Allow-Methods does not list method ",
	    ""},
	[CODE_AUTHORIZATION] = {NULL, "Access-Control-Allow-Headers does not "
	    "list authorization by name, and '*' does not cover it"},
	[CODE_HEADER] = {"Access-Control-Allow-Headers does not list header ",
	    ""},
};

void
browser_failure_explain(const struct browser_failure *f,
    const struct browser_request *r, struct buf *out)
{
	if (f->code == CODE_STATUS || f->code == CODE_REDIRECT) {
		buf_add(out, STR("the answer has status "));
		buf_uint(out, (unsigned long)f->status);
		buf_add(out, f->code == CODE_STATUS ?
		    STR(", and only 200 to 299 count") :
		    STR(": a preflight is never redirected"));
		return;
	}
	if (f->code == CODE_ACAO_MISMATCH) {
		explain_mismatch(f, r, out);
		return;
	}
	if (texts[f->code].front != NULL) {
		buf_add(out, str_of(texts[f->code].front));
		buf_quoted(out, f->subject, SHOWN);
	}
	buf_add(out, str_of(texts[f->code].behind));
	if (f->code == CODE_METHOD &&
	    str_eq_fold(f->subject, STR("patch")) &&
	    !str_eq(f->subject, STR("PATCH")))
		buf_add(out, STR(": browsers do not change the case of "
		    "PATCH"));
}
