#include "config.h"

#include "core/preflight.h"

#include <stdlib.h>

#include "unit.h"

Test(preflight, reasons_have_names)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *name = reason_name((enum reason)i);
		cr_assert(name != NULL);
		cr_expect(reason_parse(str_of(name)) == i, "%s", name);
	}
	cr_expect(reason_parse(STR("nope")) == -1);
	cr_expect(reason_parse(STR("")) == -1);
}

static const char policies[] =
    "[policy plain]\nallow-origins = https://a.example null\n"
    "allow-methods = PUT PATCH\nallow-headers = X-A Content-Type\n"
    "[policy cred]\nhost = cred.example\nallow-origins = https://a.example\n"
    "allow-credentials = yes\nallow-methods = *\nallow-headers = *\n"
    "[policy auth]\nhost = auth.example\nallow-origins = https://a.example\n"
    "allow-methods = *\nallow-headers = * Authorization\n"
    "[policy star]\nhost = star.example\nallow-origins = *\n"
    "allow-headers = *\n"
    "[policy only]\nhost = only.example\npath = /only\n"
    "allow-origins = https://a.example\n";

/* A row's request: NULL leaves a parameter out. */
static const struct {
	const char *about, *host, *origin, *method, *headers;
	enum reason reason;
	const char *offending;
} rows[] = {
	{"allowed", "h", "https://a.example", "PUT", NULL, REASON_ALLOWED, ""},
	{"allowed with headers", "h", "https://a.example", "PUT",
	    "content-type,x-a", REASON_ALLOWED, ""},
	{"headers in any case and order, spaces, empty elements", "h",
	    "https://a.example", "PUT", " X-a ,, \tCONTENT-type,", REASON_ALLOWED,
	    ""},
	{"only empty elements", "h", "https://a.example", "PUT", " ,, ",
	    REASON_ALLOWED, ""},
	{"null", "h", "null", "PUT", NULL, REASON_ALLOWED, ""},
	{"GET is not listed", "h", "https://a.example", "GET", NULL,
	    REASON_ALLOWED, ""},
	{"HEAD is not listed", "h", "https://a.example", "HEAD", NULL,
	    REASON_ALLOWED, ""},
	{"POST is not listed", "h", "https://a.example", "POST", NULL,
	    REASON_ALLOWED, ""},
	{"get in lower case", "h", "https://a.example", "get", NULL,
	    REASON_METHOD, "get"},
	{"patch in lower case", "h", "https://a.example", "patch", NULL,
	    REASON_METHOD, "patch"},
	{"method not listed", "h", "https://a.example", "DELETE", NULL,
	    REASON_METHOD, "DELETE"},
	{"method and header", "h", "https://a.example", "DELETE", "x-b",
	    REASON_METHOD, "DELETE"},
	{"header not listed", "h", "https://a.example", "PUT", "x-a,x-b,x-c",
	    REASON_HEADER, "x-b"},
	{"header that begins as one listed", "h", "https://a.example", "PUT",
	    "x-ab", REASON_HEADER, "x-ab"},
	{"origin", "h", "https://b.example", "PUT", NULL, REASON_ORIGIN,
	    "https://b.example"},
	{"origin before method and header", "h", "https://b.example",
	    "DELETE", "x-b", REASON_ORIGIN, "https://b.example"},
	{"no policy before origin", "only.example", "https://b.example",
	    "DELETE", NULL, REASON_ALLOWED, ""},
	{"no Origin", "h", NULL, "PUT", NULL, REASON_NOT_PREFLIGHT, ""},
	{"empty Origin", "h", "", "PUT", NULL, REASON_NOT_PREFLIGHT, ""},
	{"no requested method", "h", "https://a.example", NULL, NULL,
	    REASON_NOT_PREFLIGHT, ""},
	{"empty requested method", "h", "https://a.example", "", NULL,
	    REASON_NOT_PREFLIGHT, ""},
	{"plain OPTIONS with headers that are no tokens", "h",
	    "https://a.example", NULL, "a b", REASON_NOT_PREFLIGHT, ""},
	{"plain OPTIONS with a malformed Origin", "h", "a,b", NULL, NULL,
	    REASON_NOT_PREFLIGHT, ""},
	{"Origin with a comma", "h", "https://a.example, https://a.example",
	    "PUT", NULL, REASON_MALFORMED,
	    "https://a.example, https://a.example"},
	{"Origin with a control byte", "h", "https://a.example\x01", "PUT",
	    NULL, REASON_MALFORMED, "https://a.example\x01"},
	{"Origin with a tab", "h", "https://a.example\t", "PUT", NULL,
	    REASON_MALFORMED, "https://a.example\t"},
	{"Origin with an 8-bit byte", "h", "https://\xc3\xa9.example", "PUT",
	    NULL, REASON_MALFORMED, "https://\xc3\xa9.example"},
	{"Origin with a space", "h", "https://a.example b", "PUT", NULL,
	    REASON_ORIGIN, "https://a.example b"},
	{"method no token", "h", "https://a.example", "P T", NULL,
	    REASON_MALFORMED, "P T"},
	{"two methods", "h", "https://a.example", "PUT, PUT", NULL,
	    REASON_MALFORMED, "PUT, PUT"},
	{"method with a line end", "h", "https://a.example", "PUT\r\nX: y",
	    NULL, REASON_MALFORMED, "PUT\r\nX: y"},
	{"header no token", "h", "https://a.example", "PUT", "x-a, x b",
	    REASON_MALFORMED, "x b"},
	{"header with a colon", "h", "https://a.example", "PUT", "x-a:",
	    REASON_MALFORMED, "x-a:"},
	{"header with a line end", "h", "https://a.example", "PUT",
	    "x-a\r\nSet-Cookie: x", REASON_MALFORMED, "x-a\r\nSet-Cookie: x"},
	{"malformed header before a refused origin", "h", "https://b.example",
	    "PUT", "x b", REASON_MALFORMED, "x b"},
	{"malformed header behind a refused one", "h", "https://a.example",
	    "PUT", "x-b, x b", REASON_MALFORMED, "x b"},
	{"malformed Host", "h\x01", "https://a.example", "PUT", NULL,
	    REASON_MALFORMED, "h\x01"},
	{"credentials, any method", "cred.example", "https://a.example",
	    "PURGE", "x-anything", REASON_ALLOWED, ""},
	{"credentials, authorization under *", "cred.example",
	    "https://a.example", "PUT", "authorization,x-a", REASON_HEADER,
	    "authorization"},
	{"authorization beside *", "auth.example", "https://a.example", "PUT",
	    "Authorization,x-a", REASON_ALLOWED, ""},
	{"authorization under * without credentials", "star.example",
	    "https://any.example", "GET", "authorization", REASON_HEADER,
	    "authorization"},
	{"any origin", "star.example", "https://any.example", "GET", "x-q",
	    REASON_ALLOWED, ""},
	{"any origin covers null", "star.example", "null", "GET", NULL,
	    REASON_ALLOWED, ""},
	{"any origin, malformed", "star.example", "a,b", "GET", NULL,
	    REASON_MALFORMED, "a,b"},
};

static struct decision
decide(const struct policy_set *s, const struct request *r)
{
	struct decision d;

	preflight_decide(s, r, &d);
	return d;
}

static struct request
request_of(const char *host, const char *origin, const char *method,
    const char *headers)
{
	struct request r;

	request_init(&r);
	request_param(&r, STR("REQUEST_METHOD"), STR("OPTIONS"));
	request_param(&r, STR("REQUEST_URI"), STR("/only"));
	if (host != NULL)
		request_param(&r, STR("HTTP_HOST"), str_of(host));
	if (origin != NULL)
		request_param(&r, STR("HTTP_ORIGIN"), str_of(origin));
	if (method != NULL)
		request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
		    str_of(method));
	if (headers != NULL)
		request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
		    str_of(headers));
	return r;
}

Test(preflight, decides)
{
	struct policy_set *s = unit_policy(policies);

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r = request_of(rows[i].host, rows[i].origin,
		    rows[i].method, rows[i].headers);
		struct decision d;
		if (strcmp(rows[i].about, "no policy before origin") == 0) {
			request_param(&r, STR("CORS_POLICY"), STR("nope"));
			d = decide(s, &r);
			cr_expect(d.reason == REASON_NO_POLICY &&
			    d.unknown_policy, "%s", rows[i].about);
			continue;
		}
		d = decide(s, &r);
		cr_expect(d.reason == rows[i].reason, "%s: %s", rows[i].about,
		    reason_name(d.reason));
		cr_expect(str_eq(d.offending, str_of(rows[i].offending)),
		    "%s: '%.*s'", rows[i].about, STR_ARG(d.offending));
		cr_expect((d.malformed != MALFORMED_NOT) ==
		    (d.reason == REASON_MALFORMED), "%s", rows[i].about);
	}
	policy_set_free(s);
}

Test(preflight, other_methods)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "options",
	    "Options", "OPTIONSX", ""};
	struct policy_set *s = unit_policy(policies);

	for (size_t i = 0; i < COUNT(methods); i++) {
		struct request r = request_of("h", "https://a.example", "PUT",
		    NULL);
		r.method = str_of(methods[i]);
		cr_expect(decide(s, &r).reason == REASON_NOT_OPTIONS, "'%s'",
		    methods[i]);
	}
	policy_set_free(s);
}

Test(preflight, repeated_parameters)
{
	struct policy_set *s = unit_policy(policies);
	struct request r = request_of("h", "https://a.example", "PUT", "x-a");

	request_param(&r, STR("HTTP_ORIGIN"), STR(""));
	cr_expect(decide(s, &r).reason == REASON_ALLOWED,
	    "an empty second Origin is none");
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    STR("content-type"));
	cr_expect(decide(s, &r).reason == REASON_ALLOWED, "two lines, joined");
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    STR("x-b"));
	cr_expect(decide(s, &r).reason == REASON_HEADER, "third line refused");
	request_param(&r, STR("HTTP_ORIGIN"), STR("https://a.example"));
	cr_expect(decide(s, &r).malformed == MALFORMED_ORIGIN,
	    "Origin twice, equal");
	r = request_of("h", "https://a.example", "PUT", "x-a");
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    STR("PUT"));
	cr_expect(decide(s, &r).malformed == MALFORMED_METHOD,
	    "method twice, equal");
	r = request_of("h", "https://a.example", "PUT", NULL);
	for (size_t i = 0; i < REQUEST_LINES_MAX; i++)
		request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
		    STR("x-a"));
	cr_expect(decide(s, &r).reason == REASON_ALLOWED, "as many as fit");
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    STR("x-a"));
	cr_expect(decide(s, &r).malformed == MALFORMED_HEADER, "one more");
	policy_set_free(s);
}

Test(preflight, nul_is_seen)
{
	struct policy_set *s = unit_policy(policies);
	struct request r = request_of("h", NULL, "PUT", NULL);

	request_param(&r, STR("HTTP_ORIGIN"), RAW("https://a.example\0"));
	cr_expect(decide(s, &r).malformed == MALFORMED_ORIGIN);
	r = request_of("h", "https://a.example", NULL, NULL);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    RAW("PUT\0"));
	cr_expect(decide(s, &r).malformed == MALFORMED_METHOD);
	r = request_of("h", "https://a.example", "PUT", NULL);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    RAW("x-a\0"));
	cr_expect(decide(s, &r).malformed == MALFORMED_HEADER);
	r = request_of(NULL, "https://a.example", "PUT", NULL);
	request_param(&r, STR("HTTP_HOST"), RAW("h\0"));
	cr_expect(decide(s, &r).malformed == MALFORMED_HOST);
	policy_set_free(s);
}

Test(preflight, echo_has_a_limit)
{
	struct policy_set *s = unit_policy(policies);
	static char headers[2 * ECHO_MAX], method[ECHO_MAX + 2];
	struct request r = request_of("cred.example", "https://a.example",
	    "PUT", NULL);

	for (size_t i = 0; i < sizeof headers; i += 8)
		memcpy(headers + i, "x-aaaaa,", 8);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
	    (struct str){headers, 8 * 400});
	cr_expect(decide(s, &r).reason == REASON_ALLOWED);
	r.lines[0].n = sizeof headers;
	cr_expect(decide(s, &r).reason == REASON_HEADER);
	memset(method, 'M', sizeof method);
	r = request_of("cred.example", "https://a.example", NULL, NULL);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    (struct str){method, ECHO_MAX});
	cr_expect(decide(s, &r).reason == REASON_ALLOWED);
	r.request_method.n++;
	cr_expect(decide(s, &r).reason == REASON_METHOD);
	policy_set_free(s);
}

Test(preflight, explains)
{
	static const struct {
		const char *origin, *method, *headers, *text;
	} cases[] = {
		{"https://a.example", "PUT", NULL, ""},
		{"https://A.example", "PUT", NULL,
		    "policy has https://a.example: an origin is in lower case"},
		{"https://a.example:8443", "PUT", NULL,
		    "policy has https://a.example, got https://a.example:8443: "
		    "other port"},
		{"https://a.example", "patch", NULL,
		    "policy has PATCH, got patch: methods are case-sensitive"},
		{"https://a.example", "LOCK", NULL,
		    "allow-methods does not list LOCK"},
		{"https://a.example", "PUT", "x-z",
		    "allow-headers does not list x-z"},
		{"https://elsewhere.test", "PUT", NULL, ""},
		{"https://a.example/\"\\", "PUT", NULL,
		    "policy has https://a.example: an origin has no path and no "
		    "trailing slash"},
	};
	struct policy_set *s = unit_policy(policies);

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = request_of("h", cases[i].origin,
		    cases[i].method, cases[i].headers);
		struct decision d = decide(s, &r);
		char space[512];
		struct buf b = BUF(space);
		preflight_explain(&r, &d, &b);
		cr_expect_str_eq(buf_cstr(&b), cases[i].text, "%s: %s",
		    cases[i].origin, space);
	}
	policy_set_free(s);
}

Test(preflight, places)
{
	struct policy_set *s = unit_policy(policies);
	struct request r = request_of("h", "null", "PUT", NULL);
	struct decision d = decide(s, &r);

	cr_expect(preflight_place(&d).line == 2, "the entry");
	r = request_of("h", "https://b.example", "PUT", NULL);
	d = decide(s, &r);
	cr_expect(preflight_place(&d).line == 2, "allow-origins");
	r = request_of("h", "null", "LOCK", NULL);
	d = decide(s, &r);
	cr_expect(preflight_place(&d).line == 3, "allow-methods");
	r = request_of("h", "null", "PUT", "x-z");
	d = decide(s, &r);
	cr_expect(preflight_place(&d).line == 4, "allow-headers");
	r = request_of("h", "a,b", "PUT", NULL);
	d = decide(s, &r);
	cr_expect(preflight_place(&d).line == 1, "the section");
	policy_set_free(s);
}

/* The Origin of the request's own URL. */
Test(preflight, same_origin)
{
	static const struct {
		const char *origin, *host, *scheme, *https, *uri;
		bool same;
	} cases[] = {
		{"http://h", "h", NULL, NULL, "/", true},
		{"https://h", "h", NULL, NULL, "/", false},
		{"https://h", "h", "https", NULL, "/", true},
		{"https://h", "h", "HTTPS", NULL, "/", true},
		{"http://h", "h", "https", NULL, "/", false},
		{"https://h", "h", NULL, "on", "/", true},
		{"https://h", "h", NULL, "1", "/", true},
		{"https://h", "h", NULL, "off", "/", false},
		{"http://h", "h", "http", "on", "/", true},
		{"https://h", "H", "https", NULL, "/", true},
		{"https://h", "h:443", "https", NULL, "/", true},
		{"https://h", "h:80", "https", NULL, "/", false},
		{"http://h", "h:80", "http", NULL, "/", true},
		{"https://h:8443", "h:8443", "https", NULL, "/", true},
		{"https://h:8443", "h", "https", NULL, "/", false},
		{"https://h", "h:8443", "https", NULL, "/", false},
		{"https://[::1]", "[::1]:443", "https", NULL, "/", true},
		{"https://h.evil", "h", "https", NULL, "/", false},
		{"https://", "h", "https", NULL, "/", false},
		{"https:", "h", "https", NULL, "/", false},
		{"null", "h", "https", NULL, "/", false},
		{"http://:80", ":80", "http", NULL, "/", true},
		{"http://", ":80", "http", NULL, "/", false},
		{"https://u", "h", "https", NULL, "https://u/x", true},
		{"https://h", "h", "https", NULL, "https://u/x", false},
		{"https://s", NULL, "https", NULL, "/", true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r;

		request_init(&r);
		request_param(&r, STR("HTTP_ORIGIN"), str_of(cases[i].origin));
		if (cases[i].host != NULL)
			request_param(&r, STR("HTTP_HOST"),
			    str_of(cases[i].host));
		request_param(&r, STR("SERVER_NAME"), STR("s"));
		if (cases[i].scheme != NULL)
			request_param(&r, STR("REQUEST_SCHEME"),
			    str_of(cases[i].scheme));
		if (cases[i].https != NULL)
			request_param(&r, STR("HTTPS"), str_of(cases[i].https));
		request_param(&r, STR("REQUEST_URI"), str_of(cases[i].uri));
		cr_expect(request_is_same_origin(&r) == cases[i].same,
		    "%s at %s", cases[i].origin, cases[i].host);
	}
}

/* A server's configuration may add a Host without its port. */
Test(preflight, same_origin_of_either_host)
{
	struct request r;

	request_init(&r);
	request_param(&r, STR("HTTP_ORIGIN"), STR("http://h:8080"));
	request_param(&r, STR("HTTP_HOST"), STR("h"));
	cr_expect(!request_is_same_origin(&r));
	request_param(&r, STR("HTTP_HOST"), STR("h:8080"));
	cr_expect(request_is_same_origin(&r));
}

Test(preflight, knows_each_parameter)
{
	static const char *const names[] = {"HTTPS", "HTTP_HOST", "PATH_INFO",
	    "CORS_MODE", "HTTP_ORIGIN", "REQUEST_URI", "SERVER_NAME",
	    "SCRIPT_NAME", "CORS_POLICY", "REQUEST_METHOD", "REQUEST_SCHEME",
	    "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
	    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"};
	struct request empty, r;

	request_init(&empty);
	memset(empty.lines, 0, sizeof empty.lines);
	for (size_t i = 0; i < COUNT(names); i++) {
		r = empty;
		request_param(&r, str_of(names[i]), STR("actual"));
		cr_expect(memcmp(&r, &empty, sizeof r) != 0, "%s", names[i]);
	}
}
