#include "config.h"

#include "core/field.h"

#include "base/buf.h"

static bool
is_among(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_fold(name, str_of(names[i])))
			return true;
	return false;
}

#define IS_AMONG(name, names) \
	is_among((name), (names), sizeof(names) / sizeof((names)[0]))

static bool
starts_fold(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	    str_eq_fold((struct str){s.p, prefix.n}, prefix);
}

/* ---- methods ----------------------------------------------------------- */

/* Fetch, "normalize a method": these and no others. */
static const char *const normalized[] = {
	"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT",
};

struct str
method_normalize(struct str name)
{
	for (size_t i = 0; i < sizeof(normalized) / sizeof(*normalized); i++)
		if (str_eq_fold(name, str_of(normalized[i])))
			return str_of(normalized[i]);
	return name;
}

bool
method_is_forbidden(struct str name)
{
	static const char *const forbidden[] = {"CONNECT", "TRACE", "TRACK"};

	return IS_AMONG(name, forbidden);
}

static bool
has_between(struct str s, char from, char to)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= from && s.p[i] <= to)
			return true;
	return false;
}

enum { METHOD_SHOWN = 64 };

/* A name of mixed case is taken for one that somebody chose. */
static void
check_case(struct str name, struct diag *d, struct place at)
{
	bool folded = IS_AMONG(name, normalized);
	char upper[METHOD_SHOWN + 1], hint[128];
	struct buf b = BUF(upper), h = BUF(hint);
	struct shown shown;

	if (!has_between(name, 'a', 'z') || name.n > METHOD_SHOWN)
		return;
	if (!folded && has_between(name, 'A', 'Z') &&
	    !str_eq_fold(name, STR("PATCH")))
		return;
	for (size_t i = 0; i < name.n; i++)
		buf_char(&b, name.p[i] >= 'a' && name.p[i] <= 'z' ?
		    (char)(name.p[i] - 'a' + 'A') : name.p[i]);
	buf_add(&h, STR("write "));
	buf_escaped(&h, buf_str(&b), METHOD_SHOWN);
	diag_add(d, DIAG_WARNING, at, "method-case", buf_cstr(&h), folded ?
	    "method '%s' never matches: browsers send it in upper case" :
	    "method '%s' is in lower case: it matches only pages that "
	    "write it so, as browsers do not change its case",
	    buf_shown(&shown, name));
}

/* A '*' is a legal byte of a token, but in a policy it means all or nothing. */
static bool
has_asterisk(struct str name, struct diag *d, struct place at, const char *id)
{
	struct shown shown;

	if (memchr(name.p, '*', name.n) == NULL)
		return false;
	diag_add(d, DIAG_ERROR, at, id,
	    "list each name, or write '*' alone for all of them",
	    "'%s' has a '*' that does not stand alone",
	    buf_shown(&shown, name));
	return true;
}

int
method_check(struct str name, struct diag *d, struct place at)
{
	struct shown shown;

	if (has_asterisk(name, d, at, "method-asterisk"))
		return -1;
	if (!token_valid(name)) {
		diag_add(d, DIAG_ERROR, at, "method-invalid",
		    "write names such as GET or PATCH, separated by commas or "
		    "white space", "'%s' is no method",
		    buf_shown(&shown, name));
		return -1;
	}
	if (method_is_forbidden(name)) {
		diag_add(d, DIAG_ERROR, at, "method-forbidden", "take it out",
		    "method '%s' is forbidden: browsers refuse to send it",
		    buf_shown(&shown, name));
		return -1;
	}
	check_case(name, d, at);
	return 0;
}

/* ---- field names ------------------------------------------------------- */

#define CORS_PREFIX STR("access-control-")

static int
check_token(struct str name, struct diag *d, struct place at, const char *id)
{
	struct shown shown;

	if (token_valid(name))
		return 0;
	diag_add(d, DIAG_ERROR, at, id,
	    memchr(name.p, ':', name.n) != NULL ?
	    "write only the name, without ':' and value" :
	    "write names such as Content-Type, separated by commas or white "
	    "space", "'%s' is no header name", buf_shown(&shown, name));
	return -1;
}

bool
request_header_is_forbidden(struct str name)
{
	static const char *const names[] = {
		"accept-charset", "accept-encoding", "connection",
		"content-length", "cookie", "cookie2", "date", "dnt", "expect",
		"host", "keep-alive", "origin", "referer", "set-cookie", "te",
		"trailer", "transfer-encoding", "upgrade", "via",
	};

	return starts_fold(name, STR("proxy-")) ||
	    starts_fold(name, STR("sec-")) || IS_AMONG(name, names);
}

int
request_header_check(struct str name, struct diag *d, struct place at)
{
	struct shown shown;

	if (has_asterisk(name, d, at, "header-asterisk") ||
	    check_token(name, d, at, "header-invalid") != 0)
		return -1;
	if (starts_fold(name, CORS_PREFIX)) {
		diag_add(d, DIAG_ERROR, at, "header-cors",
		    "take it out: list the headers that pages set themselves",
		    "header '%s' belongs to CORS itself",
		    buf_shown(&shown, name));
		return -1;
	}
	if (request_header_is_forbidden(name)) {
		diag_add(d, DIAG_ERROR, at, "header-forbidden",
		    starts_fold(name, STR("cookie")) ?
		    "take it out: cookies are allowed by "
		    "allow-credentials = yes" : "take it out",
		    "header '%s' is forbidden: browsers let no page set it",
		    buf_shown(&shown, name));
		return -1;
	}
	return 0;
}

int
response_header_check(struct str name, struct diag *d, struct place at)
{
	static const char *const hidden[] = {"set-cookie", "set-cookie2"};
	struct shown shown;

	if (has_asterisk(name, d, at, "expose-asterisk") ||
	    check_token(name, d, at, "expose-invalid") != 0)
		return -1;
	if (IS_AMONG(name, hidden)) {
		diag_add(d, DIAG_ERROR, at, "expose-forbidden", "take it out",
		    "header '%s' is forbidden: browsers show it to no page",
		    buf_shown(&shown, name));
		return -1;
	}
	if (starts_fold(name, CORS_PREFIX) ||
	    str_eq_fold(name, STR("origin"))) {
		diag_add(d, DIAG_ERROR, at, "expose-cors",
		    "take it out: list the response headers that pages read",
		    "header '%s' belongs to CORS itself",
		    buf_shown(&shown, name));
		return -1;
	}
	return 0;
}
