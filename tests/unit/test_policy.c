#include "config.h"

#include "policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const char policies[] =
    "[policy everywhere]\nallow-origins = https://a.example\n"
    "[policy api]\nhost = api.example.com\nallow-origins = https://a.example\n"
    "[policy api-v1]\nhost = api.example.com\npath = /v1\n"
    "allow-origins = https://a.example\n"
    "[policy api-v1-admin]\nhost = api.example.com\npath = /v1/admin /admin\n"
    "allow-origins = https://a.example\n"
    "[policy sub]\nhost = *.example.com\npath = /sub\n"
    "allow-origins = https://a.example\n"
    "[policy deep]\nhost = *.deep.example.com\n"
    "allow-origins = https://a.example\n"
    "[policy admin]\npath = /admin\nallow-origins = https://a.example\n"
    "[policy v6]\nhost = [::1]\nallow-origins = https://a.example\n";

static const struct {
	const char *about, *host, *uri, *policy;
} choices[] = {
	{"any host", "other.test", "/", "everywhere"},
	{"any host, path", "other.test", "/admin/x", "admin"},
	{"exact host", "api.example.com", "/", "api"},
	{"exact host, upper case and port", "API.example.com:8443", "/x",
	    "api"},
	{"exact host, trailing dot", "api.example.com.", "/x", "api"},
	{"longest path", "api.example.com", "/v1/admin/x", "api-v1-admin"},
	{"shorter path", "api.example.com", "/v1/adm", "api-v1"},
	{"whole segments", "api.example.com", "/v10", "api"},
	{"second path of a policy", "api.example.com", "/admin",
	    "api-v1-admin"},
	{"subdomain", "x.example.com", "/sub/y", "sub"},
	{"subdomain of two labels", "y.x.example.com", "/sub", "sub"},
	{"subdomain, other path", "x.example.com", "/other", "everywhere"},
	{"bare domain", "example.com", "/sub", "everywhere"},
	{"glued", "xexample.com", "/sub", "everywhere"},
	{"exact before subdomain", "api.example.com", "/sub", "api"},
	{"longest subdomain", "x.deep.example.com", "/sub", "deep"},
	{"shorter subdomain", "deep.example.com", "/sub", "sub"},
	{"host before path", "api.example.com", "/admin", "api-v1-admin"},
	{"IPv6", "[::1]:8080", "/", "v6"},
	{"no host", "", "/", "everywhere"},
	{"no host by its bytes", "a b", "/admin", "admin"},
	{"absolute form", "other.test", "http://api.example.com/v1", "api-v1"},
	{"absolute form, no path", "other.test", "https://api.example.com",
	    "api"},
	{"absolute form, bad Host", "\x80", "http://api.example.com/", "api"},
	{"star", "api.example.com", "*", "api"},
	{"query", "api.example.com", "/v1?/admin", "api-v1"},
	{"decoded", "api.example.com", "/v1/%61dmin", "api-v1-admin"},
	{"merged", "api.example.com", "//v1//admin", "api-v1-admin"},
	{"dots", "api.example.com", "/v1/x/../admin", "api-v1-admin"},
	{"parameters, same policy", "api.example.com", "/v1/x;y=1", "api-v1"},
	{"parameters, other policy", "api.example.com", "/v1/admin;y/x", NULL},
	{"encoded parameters, other policy", "api.example.com",
	    "/v1/admin%3by/x", NULL},
	{"encoded slash", "api.example.com", "/v1/..%2fadmin", NULL},
	{"above the root", "api.example.com", "/../v1", NULL},
	{"relative", "api.example.com", "v1", NULL},
	{"authority form", "api.example.com", "api.example.com:443", NULL},
};

static struct request
request_of(const char *host, const char *uri)
{
	struct request r;

	request_init(&r);
	request_param(&r, STR("HTTP_HOST"), str_of(host));
	request_param(&r, STR("REQUEST_URI"), str_of(uri));
	return r;
}

static void
expect_choice(const struct policy_set *s, const struct request *r,
    const char *about, const char *wanted)
{
	const struct policy *p;
	enum choice c = policy_set_choose(s, r, &p);

	cr_expect(c == (wanted != NULL ? CHOICE_POLICY : CHOICE_NONE),
	    "%s: choice %d", about, c);
	if (wanted != NULL && p != NULL)
		cr_expect(str_eq(p->name, str_of(wanted)), "%s: policy %.*s",
		    about, STR_ARG(p->name));
}

Test(policy, chooses)
{
	struct policy_set *s = unit_policy(policies);

	for (size_t i = 0; i < COUNT(choices); i++) {
		struct request r = request_of(choices[i].host, choices[i].uri);
		expect_choice(s, &r, choices[i].about, choices[i].policy);
	}
	policy_set_free(s);
}

Test(policy, parameters_that_stand_in)
{
	struct policy_set *s = unit_policy(policies);
	struct request r;

	request_init(&r);
	expect_choice(s, &r, "nothing at all", "everywhere");
	request_param(&r, STR("SERVER_NAME"), STR("api.example.com"));
	expect_choice(s, &r, "SERVER_NAME", "api");
	request_param(&r, STR("HTTP_HOST"), STR(""));
	expect_choice(s, &r, "an empty Host is an absent one", "api");
	request_param(&r, STR("SCRIPT_NAME"), STR("/v1"));
	expect_choice(s, &r, "SCRIPT_NAME", "api-v1");
	request_param(&r, STR("PATH_INFO"), STR("/admin"));
	expect_choice(s, &r, "SCRIPT_NAME and PATH_INFO", "api-v1-admin");
	request_param(&r, STR("REQUEST_URI"), STR("/x"));
	expect_choice(s, &r, "REQUEST_URI comes first", "api");
	request_param(&r, STR("REQUEST_URI"), STR("/x"));
	expect_choice(s, &r, "REQUEST_URI twice, equal", "api");
	request_param(&r, STR("REQUEST_URI"), STR("/v1"));
	expect_choice(s, &r, "REQUEST_URI twice, different", NULL);
	request_param(&r, STR("CORS_POLICY"), STR("sub"));
	expect_choice(s, &r, "CORS_POLICY comes first", "sub");
	request_param(&r, STR("CORS_POLICY"), STR("nope"));
	expect_choice(s, &r, "unknown CORS_POLICY", NULL);
	policy_set_free(s);
}

#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

Test(policy, two_hosts)
{
	struct policy_set *s = unit_policy(policies);
	const struct policy *p;
	struct request r = request_of("api.example.com", "/");

	request_param(&r, STR("HTTP_HOST"), STR("API.example.com:80"));
	expect_choice(s, &r, "with and without port", "api");
	request_param(&r, STR("HTTP_HOST"), STR("x.example.com"));
	cr_expect(policy_set_choose(s, &r, &p) == CHOICE_MALFORMED_HOST);
	r = request_of("api.example.com", "/");
	request_param(&r, STR("HTTP_HOST"), STR("x.example.com"));
	cr_expect(policy_set_choose(s, &r, &p) == CHOICE_MALFORMED_HOST);
	r = request_of("api\x01", "/");
	cr_expect(policy_set_choose(s, &r, &p) == CHOICE_MALFORMED_HOST);
	r = request_of("no host", "/nowhere");
	request_param(&r, STR("HTTP_HOST"), STR(LABEL "." LABEL "." LABEL "."
	    LABEL));
	cr_expect(policy_set_choose(s, &r, &p) != CHOICE_MALFORMED_HOST,
	    "neither is a host: they do not differ");
	request_param(&r, STR("CORS_POLICY"), STR("api"));
	expect_choice(s, &r, "CORS_POLICY, whatever the host", "api");
	policy_set_free(s);
}

Test(policy, no_match)
{
	struct policy_set *s = unit_policy("[policy a]\nhost = a.example\n"
	    "path = /x\nallow-origins = *\n");
	struct request r = request_of("a.example", "/y");

	expect_choice(s, &r, "other path", NULL);
	r = request_of("b.example", "/x");
	expect_choice(s, &r, "other host", NULL);
	policy_set_free(s);
}

Test(policy, conflicts)
{
	static const struct {
		const char *text;
		const char *ids;
	} rows[] = {
		{"[policy a]\nallow-origins = *\n[policy b]\nallow-origins = *\n",
		    "policy-conflict"},
		{"[policy a]\nhost = x y\npath = /a /b\nallow-origins = *\n"
		    "[policy b]\nhost = y z\npath = /b /c\nallow-origins = *\n",
		    "policy-conflict"},
		{"[policy a]\nhost = x\nallow-origins = *\n"
		    "[policy b]\nhost = *.x\nallow-origins = *\n", ""},
		{"[policy a]\npath = /a\nallow-origins = *\n"
		    "[policy b]\npath = /a/b\nallow-origins = *\n", ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag *d = diag_new();
		struct policy_set *s = unit_load(rows[i].text, d);
		char *ids = unit_ids(d);
		cr_expect_str_eq(ids, rows[i].ids, "row %zu: %s", i, ids);
		cr_expect((s == NULL) == (rows[i].ids[0] != '\0'));
		free(ids);
		policy_set_free(s);
		diag_free(d);
	}
}

Test(policy, a_thousand_hosts)
{
	enum { N = 1000 };
	static char text[N * 80];
	char host[32], name[32];
	size_t n = 0;

	for (unsigned i = 0; i < N; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "[policy p%u]\nhost = %sh%u.example\nallow-origins = *\n",
		    i, i % 2 ? "*." : "", i);
	struct policy_set *s = unit_policy(text);
	for (unsigned i = 0; i < N; i++) {
		snprintf(host, sizeof host, "%sh%u.example", i % 2 ? "x." : "",
		    i);
		snprintf(name, sizeof name, "p%u", i);
		struct request r = request_of(host, "/");
		expect_choice(s, &r, host, name);
		cr_expect(policy_set_named(s, str_of(name)) != NULL);
	}
	policy_set_free(s);
}

Test(policy, digest_is_of_the_meaning)
{
	static const struct {
		const char *about, *text;
		bool same;
	} rows[] = {
		{"itself", "[policy a]\nallow-origins = https://a.example "
		    "https://b.example\nallow-headers = X-A X-B\n"
		    "allow-methods = PUT DELETE\nmax-age = 600\n", true},
		{"order, case, spelling", "; comment\n[policy a]\nmax-age=10m\n"
		    "allow-methods = DELETE, PUT\nallow-headers = x-b x-a\n"
		    "allow-origins = https://b.example\n https://a.example\n"
		    "host = *\npath = /\n", true},
		{"defaults", "[defaults]\nmax-age = 600\n[policy a]\n"
		    "allow-origins = https://a.example https://b.example\n"
		    "allow-headers = X-A X-B\nallow-methods = PUT DELETE\n",
		    true},
		{"another origin", "[policy a]\nallow-origins = "
		    "https://a.example https://c.example\n"
		    "allow-headers = X-A X-B\n"
		    "allow-methods = PUT DELETE\nmax-age = 600\n", false},
		{"another method case", "[policy a]\nallow-origins = "
		    "https://a.example https://b.example\n"
		    "allow-headers = X-A X-B\n"
		    "allow-methods = PUT DELETE Put\nmax-age = 600\n", false},
		{"another name", "[policy b]\nallow-origins = https://a.example "
		    "https://b.example\nallow-headers = X-A X-B\n"
		    "allow-methods = PUT DELETE\nmax-age = 600\n", false},
	};
	struct policy_set *first = unit_policy(rows[0].text);

	cr_expect(strlen(policy_set_digest(first)) == 64);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_set *s = unit_policy(rows[i].text);
		cr_expect((strcmp(policy_set_digest(s),
		    policy_set_digest(first)) == 0) == rows[i].same, "%s",
		    rows[i].about);
		policy_set_free(s);
	}
	policy_set_free(first);
}

Test(policy, conflicts_are_shown_escaped)
{
	struct diag *d = diag_new();
	size_t count;

	cr_expect(unit_load("[policy a]\npath = /\xd2\nallow-origins = *\n"
	    "[policy b]\npath = /\xd2\nallow-origins = *\n", d) == NULL);
	cr_expect_str_eq(diag_items(d, &count)->text, "policy 'b' claims host "
	    "'*' and path '/\\xd2' as another does");
	diag_free(d);
}
