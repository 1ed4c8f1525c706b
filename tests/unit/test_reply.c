#include "config.h"

#include "core/response.h"

#include <stdlib.h>

#include "unit.h"

#define VARY                                                                  \
	"Vary: Origin, Access-Control-Request-Method, "                       \
	"Access-Control-Request-Headers\r\n"

static const char policies[] =
    "[defaults]\nrefuse-status = 404\n"
    "[policy plain]\nhost = plain.example\n"
    "allow-origins = https://a.example https://*.b.example\n"
    "allow-methods = PUT PATCH\nallow-headers = X-A Content-Type\n"
    "expose-headers = X-Total Content-Disposition\nmax-age = 2h\n"
    "success-status = 200\nrefuse-status = 401\n"
    "[policy bare]\nhost = bare.example\nallow-origins = https://a.example\n"
    "refuse-status = 200\n"
    "[policy empty]\nhost = empty.example\nallow-origins = https://a.example\n"
    "allow-methods =\n"
    "[policy cred]\nhost = cred.example\nallow-origins = https://a.example\n"
    "allow-credentials = yes\nallow-methods = *\nallow-headers = *\n"
    "max-age = 0\n"
    "[policy credauth]\nhost = credauth.example\n"
    "allow-origins = https://a.example\nallow-credentials = yes\n"
    "allow-headers = Authorization *\n"
    "[policy auth]\nhost = auth.example\nallow-origins = https://a.example\n"
    "allow-methods = * \nallow-headers = * X-B authoRization\n"
    "expose-headers = *\n"
    "[policy star]\nhost = star.example\nallow-origins = * https://a.example\n"
    "allow-headers = *\n";

#define DEFAULT_METHODS "Access-Control-Allow-Methods: GET, HEAD, POST\r\n"
#define PLAIN_GRANT                                                           \
	"Access-Control-Allow-Methods: PUT, PATCH\r\n"                        \
	"Access-Control-Allow-Headers: X-A, Content-Type\r\n"                 \
	"Access-Control-Max-Age: 7200\r\n" VARY "\r\n"
#define OK_200 "Status: 200 OK\r\nContent-Length: 0\r\n"
#define NO_CONTENT "Status: 204 No Content\r\n"
#define ORIGIN_A "Access-Control-Allow-Origin: https://a.example\r\n"
#define CREDENTIALS "Access-Control-Allow-Credentials: true\r\n"

static const struct {
	const char *about, *host, *origin, *method, *headers, *answer;
} rows[] = {
	{"the whole list", "plain.example", "https://a.example", "PUT", NULL,
	    OK_200 ORIGIN_A PLAIN_GRANT},
	{"a pattern answers with the request's origin", "plain.example",
	    "https://x.b.example", "PUT", "x-a",
	    OK_200 "Access-Control-Allow-Origin: https://x.b.example\r\n"
	    PLAIN_GRANT},
	{"method refused: the same", "plain.example", "https://a.example",
	    "LOCK", NULL, OK_200 ORIGIN_A PLAIN_GRANT},
	{"header refused: the same", "plain.example", "https://a.example",
	    "PUT", "x-z", OK_200 ORIGIN_A PLAIN_GRANT},
	{"origin refused", "plain.example", "https://z.example", "PUT", NULL,
	    "Status: 401 Unauthorized\r\nContent-Length: 0\r\n" VARY "\r\n"},
	{"malformed: status of the policy", "plain.example", "a,b", "PUT",
	    NULL,
	    "Status: 401 Unauthorized\r\nContent-Length: 0\r\n" VARY "\r\n"},
	{"refused with 200", "bare.example", "https://z.example", "PUT", NULL,
	    OK_200 VARY "\r\n"},
	{"no policy: status of the defaults", "none.example",
	    "https://a.example", "PUT", NULL,
	    "Status: 404 Not Found\r\nContent-Length: 0\r\n" VARY "\r\n"},
	{"malformed Host: status of the defaults", "plain.example\x01",
	    "https://a.example", "PUT", NULL,
	    "Status: 404 Not Found\r\nContent-Length: 0\r\n" VARY "\r\n"},
	{"defaults of every key", "bare.example", "https://a.example", "GET",
	    NULL, NO_CONTENT ORIGIN_A DEFAULT_METHODS VARY "\r\n"},
	{"no methods", "empty.example", "https://a.example", "GET", NULL,
	    NO_CONTENT ORIGIN_A VARY "\r\n"},
	{"credentials: what was asked", "cred.example", "https://a.example",
	    "PURGE", "x-a, ,X-B", NO_CONTENT ORIGIN_A CREDENTIALS
	    "Access-Control-Max-Age: 0\r\n" VARY
	    "Access-Control-Allow-Methods: PURGE\r\n"
	    "Access-Control-Allow-Headers: x-a, X-B\r\n\r\n"},
	{"credentials: nothing asked", "cred.example", "https://a.example",
	    "GET", NULL, NO_CONTENT ORIGIN_A CREDENTIALS
	    "Access-Control-Max-Age: 0\r\n" VARY
	    "Access-Control-Allow-Methods: GET\r\n\r\n"},
	{"credentials: * does not cover authorization", "cred.example",
	    "https://a.example", "GET", "authorization,x-a",
	    NO_CONTENT ORIGIN_A CREDENTIALS "Access-Control-Max-Age: 0\r\n"
	    VARY "Access-Control-Allow-Methods: GET\r\n"
	    "Access-Control-Allow-Headers: x-a\r\n\r\n"},
	{"credentials: authorization alone", "cred.example",
	    "https://a.example", "GET", "authorization",
	    NO_CONTENT ORIGIN_A CREDENTIALS "Access-Control-Max-Age: 0\r\n"
	    VARY "Access-Control-Allow-Methods: GET\r\n\r\n"},
	{"credentials: authorization beside *", "credauth.example",
	    "https://a.example", "GET", "authorization,x-a",
	    NO_CONTENT ORIGIN_A CREDENTIALS DEFAULT_METHODS
	    VARY "Access-Control-Allow-Headers: authorization, x-a\r\n"
	    "\r\n"},
	{"* and authorization", "auth.example", "https://a.example", "PUT",
	    "x-q", NO_CONTENT ORIGIN_A "Access-Control-Allow-Methods: *\r\n"
	    "Access-Control-Allow-Headers: *, authoRization\r\n" VARY "\r\n"},
	{"* for every origin", "star.example", "https://a.example", "GET",
	    NULL, NO_CONTENT "Access-Control-Allow-Origin: *\r\n"
	    DEFAULT_METHODS "Access-Control-Allow-Headers: *\r\n" VARY "\r\n"},
	{"* for null", "star.example", "null", "GET", NULL,
	    NO_CONTENT "Access-Control-Allow-Origin: *\r\n"
	    DEFAULT_METHODS "Access-Control-Allow-Headers: *\r\n" VARY "\r\n"},
	{"plain OPTIONS", "plain.example", NULL, NULL, NULL,
	    NO_CONTENT "Allow: OPTIONS, PUT, PATCH\r\n" VARY "\r\n"},
	{"plain OPTIONS with an allowed Origin", "plain.example",
	    "https://a.example", NULL, NULL,
	    NO_CONTENT "Allow: OPTIONS, PUT, PATCH\r\n" ORIGIN_A
	    "Access-Control-Expose-Headers: X-Total, Content-Disposition\r\n"
	    VARY "\r\n"},
	{"plain OPTIONS with a refused Origin", "plain.example",
	    "https://z.example", NULL, NULL,
	    NO_CONTENT "Allow: OPTIONS, PUT, PATCH\r\n" VARY "\r\n"},
	{"plain OPTIONS with a malformed Origin", "star.example", "a,b", NULL,
	    NULL, NO_CONTENT "Allow: OPTIONS, GET, HEAD, POST\r\n"
	    "Access-Control-Allow-Origin: *\r\n" VARY "\r\n"},
	{"plain OPTIONS, credentials", "cred.example", "https://a.example",
	    NULL, NULL, NO_CONTENT
	    "Allow: OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE\r\n" ORIGIN_A
	    CREDENTIALS VARY "\r\n"},
	{"plain OPTIONS, any exposed", "auth.example", "https://a.example",
	    NULL, NULL, NO_CONTENT
	    "Allow: OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE\r\n" ORIGIN_A
	    "Access-Control-Expose-Headers: *\r\n" VARY "\r\n"},
	{"plain OPTIONS without a policy", "none.example",
	    "https://a.example", NULL, NULL,
	    NO_CONTENT "Allow: OPTIONS\r\n" VARY "\r\n"},
	{"plain OPTIONS with a malformed Host", "\x80", NULL, NULL, NULL,
	    NO_CONTENT "Allow: OPTIONS\r\n" VARY "\r\n"},
};

static char *
answer(const struct policy_set *s, const struct request *r)
{
	size_t cap = reply_max(s);
	char *out = malloc(cap + 1);
	struct decision d;

	cr_assert(out != NULL);
	preflight_decide(s, r, &d);
	size_t n = reply_write(s, r, &d, out, cap);
	cr_assert(n < cap);
	out[n] = '\0';
	return out;
}

static struct request
request_of(const char *host, const char *origin, const char *method,
    const char *headers)
{
	struct request r;

	request_init(&r);
	request_param(&r, STR("REQUEST_METHOD"), STR("OPTIONS"));
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

Test(reply, answers)
{
	struct policy_set *s = unit_policy(policies);

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r = request_of(rows[i].host, rows[i].origin,
		    rows[i].method, rows[i].headers);
		char *got = answer(s, &r);
		cr_expect_str_eq(got, rows[i].answer, "%s:\n%s", rows[i].about,
		    got);
		free(got);
	}
	policy_set_free(s);
}

Test(reply, other_methods)
{
	struct policy_set *s = unit_policy(policies);
	struct request r = request_of("plain.example", "https://a.example",
	    "PUT", NULL);

	r.method = STR("POST");
	char *got = answer(s, &r);
	cr_expect(strncmp(got, "Status: 405 Method Not Allowed\r\n"
	    "Allow: OPTIONS\r\n", 48) == 0);
	cr_expect(strstr(got, "nginx") != NULL);
	cr_expect(strstr(got, "Access-Control-Allow") == NULL);
	char *body = strstr(got, "\r\n\r\n") + 4;
	unsigned long length = strtoul(strstr(got, "Content-Length: ") + 16,
	    NULL, 10);
	cr_expect(strlen(body) == length);
	free(got);
	r.method = STR("HEAD");
	got = answer(s, &r);
	cr_expect(strstr(got, "\r\n\r\n")[4] == '\0');
	free(got);
	policy_set_free(s);
}

Test(reply, debug)
{
	static const struct {
		const char *host, *origin, *method, *headers, *reason;
	} cases[] = {
		{"h", "https://a.example", "PUT", NULL,
		    "allowed; policy p at "},
		{"h", "https://b.example", "PUT", NULL, "origin; policy p at "},
		{"h", "https://a.example", "LOCK", NULL,
		    "method; policy p at "},
		{"h", "https://a.example", "PUT", "x-z",
		    "header; policy p at "},
		{"h", "a\r\nX: y", "PUT", NULL, "malformed; policy p at "},
		{"h", NULL, NULL, NULL, "not-preflight; policy p at "},
		{"g", "https://a.example", "PUT", NULL,
		    "no-policy; no policy serves this host and path\r\n"},
	};
	struct policy_set *s = unit_policy("[defaults]\ndebug = yes\n"
	    "[policy p]\nhost = h\nallow-origins = https://a.example\n"
	    "allow-methods = PUT\n");

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = request_of(cases[i].host, cases[i].origin,
		    cases[i].method, cases[i].headers);
		char *got = answer(s, &r);
		char *line = strstr(got, "Preflight-Reason: ");
		cr_assert(line != NULL, "%s", cases[i].reason);
		cr_expect(strncmp(line + 18, cases[i].reason,
		    strlen(cases[i].reason)) == 0, "%s", line);
		cr_expect(strstr(line, "X: y") == NULL);
		cr_expect_str_eq(strstr(line, "\r\n"), "\r\n\r\n");
		free(got);
	}
	policy_set_free(s);
}

Test(reply, longest_answer_fits)
{
	static char headers[65536], method[65536], host[300];
	struct policy_set *s = unit_policy("[policy p]\n"
	    "allow-origins = https://*.example.com:*\nallow-credentials = yes\n"
	    "allow-methods = *\nallow-headers = *\ndebug = yes\n");

	memset(method, 'M', sizeof method);
	for (size_t i = 0; i < sizeof headers; i += 4)
		memcpy(headers + i, "abc,", 4);
	strcpy(host, "https://");
	for (size_t i = 8; i < 8 + 241; i++)
		host[i] = i % 2 ? '.' : 'a';
	strcpy(host + 8 + 241, ".example.com:65535");
	for (size_t n = ECHO_MAX - 3; n < ECHO_MAX + 3; n++) {
		struct request r = request_of("h", host, NULL, NULL);
		request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
		    (struct str){method, n});
		request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
		    (struct str){headers, sizeof headers});
		char *got = answer(s, &r);
		size_t len = strlen(got);
		cr_expect(strstr(got, host) != NULL);
		cr_expect(strcmp(got + len - 4, "\r\n\r\n") == 0);
		free(got);
	}
	policy_set_free(s);
}

/* The response to an actual request, whatever its method. */
Test(reply, actual)
{
	static const struct {
		const char *about, *host, *origin, *answer;
		enum reason reason;
	} cases[] = {
		{"allowed", "plain.example", "https://a.example",
		    NO_CONTENT ORIGIN_A
		    "Access-Control-Expose-Headers: X-Total, "
		    "Content-Disposition\r\nVary: Origin\r\n\r\n",
		    REASON_ALLOWED},
		{"refused", "plain.example", "https://z.example",
		    NO_CONTENT "Vary: Origin\r\n\r\n", REASON_ORIGIN},
		{"without an Origin", "plain.example", NULL,
		    NO_CONTENT "Vary: Origin\r\n\r\n", REASON_ALLOWED},
		{"malformed", "plain.example", "a,b",
		    NO_CONTENT "Vary: Origin\r\n\r\n", REASON_MALFORMED},
		{"no policy", "none.example", "https://a.example",
		    NO_CONTENT "Vary: Origin\r\n\r\n", REASON_NO_POLICY},
		{"malformed Host", "\x80", "https://a.example",
		    NO_CONTENT "Vary: Origin\r\n\r\n", REASON_MALFORMED},
		{"the policy is '*'", "star.example", "https://z.example",
		    NO_CONTENT "Access-Control-Allow-Origin: *\r\n\r\n",
		    REASON_ALLOWED},
	};
	struct policy_set *s = unit_policy(policies);
	size_t cap = reply_max(s);
	char *out = malloc(cap + 1);

	cr_assert(out != NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = request_of(cases[i].host, cases[i].origin,
		    NULL, NULL);
		struct decision d;

		r.method = STR("PUT");
		preflight_decide_actual(s, &r, &d);
		out[reply_write_actual(&r, &d, out, cap)] = '\0';
		cr_expect_str_eq(out, cases[i].answer, "%s:\n%s",
		    cases[i].about, out);
		cr_expect(d.reason == cases[i].reason, "%s", cases[i].about);
	}
	free(out);
	policy_set_free(s);
}

/* For an authorizer each line is a variable, and the status lets it through. */
Test(reply, authorizer)
{
	static const struct {
		const char *host, *origin, *answer;
	} cases[] = {
		{"plain.example", "https://a.example", "Status: 200 OK\r\n"
		    "Variable-Access-Control-Allow-Origin: https://a.example\r\n"
		    "Variable-Access-Control-Expose-Headers: X-Total, "
		    "Content-Disposition\r\nVariable-Vary: Origin\r\n\r\n"},
		{"cred.example", "https://a.example", "Status: 200 OK\r\n"
		    "Variable-Access-Control-Allow-Origin: https://a.example\r\n"
		    "Variable-Access-Control-Allow-Credentials: true\r\n"
		    "Variable-Vary: Origin\r\n\r\n"},
		{"plain.example", "https://z.example",
		    "Status: 200 OK\r\nVariable-Vary: Origin\r\n\r\n"},
		{"none.example", NULL,
		    "Status: 200 OK\r\nVariable-Vary: Origin\r\n\r\n"},
		{"star.example", "https://z.example", "Status: 200 OK\r\n"
		    "Variable-Access-Control-Allow-Origin: *\r\n\r\n"},
		{"star.example", NULL, "Status: 200 OK\r\n"
		    "Variable-Access-Control-Allow-Origin: *\r\n\r\n"},
		{"star.example", "a,b", "Status: 200 OK\r\n"
		    "Variable-Access-Control-Allow-Origin: *\r\n\r\n"},
	};
	struct policy_set *s = unit_policy(policies);
	size_t cap = reply_max(s);
	char *out = malloc(cap + 1);

	cr_assert(out != NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = request_of(cases[i].host, cases[i].origin,
		    NULL, NULL);
		struct decision d;

		preflight_decide_actual(s, &r, &d);
		out[reply_write_authorizer(&r, &d, out, cap)] = '\0';
		cr_expect_str_eq(out, cases[i].answer, "%s:\n%s",
		    cases[i].host, out);
	}
	free(out);
	policy_set_free(s);
}
