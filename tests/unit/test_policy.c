#include "config.h"

#include "core/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/policy_impl.h"
#include "core/target.h"
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
	{"absolute form", "other.test", "http://api.example.com/v1", "api-v1"},
	{"absolute form, no path", "other.test", "https://api.example.com",
	    "api"},
	{"absolute form, bad Host", "\x80", "http://api.example.com/", "api"},
	{"star", "api.example.com", "*", "api"},
	{"query", "api.example.com", "/v1?/admin", "api-v1"},
	{"decoded", "api.example.com", "/v1/%61dmin", "api-v1-admin"},
	{"merged", "api.example.com", "/v1//x", "api-v1"},
	{"merged, other policy", "api.example.com", "/v1//admin", NULL},
	{"dots", "api.example.com", "/v1/x/../admin", "api-v1-admin"},
	{"parameters, same policy", "api.example.com", "/v1/x;y=1", "api-v1"},
	{"parameters, other policy", "api.example.com", "/v1/admin;y/x", NULL},
	{"encoded parameters, other policy", "api.example.com",
	    "/v1/admin%3by/x", NULL},
	{"encoded slash", "api.example.com", "/v1/..%2fadmin", NULL},
	{"above the root", "api.example.com", "/../v1", "api-v1"},
	{"relative", "api.example.com", "v1", NULL},
	{"authority form", "api.example.com", "api.example.com:443", NULL},
	{"authority form, one policy", "[::1]", "api.example.com:443", "v6"},
	{"relative, one policy", "[::1]", "x", "v6"},
	{"any path, one policy", "[::1]", "//..%2f%00;/\\\x01%", "v6"},
	{"any path, one policy of three hosts", "a.deep.example.com",
	    "/sub/..%2f", "deep"},
	{"a path of a less specific host", "x.example.com", "/sub/..%2fadmin",
	    NULL},
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
	cr_expect(policy_set_choose(s, &r, &p) == CHOICE_MALFORMED_HOST);
	request_param(&r, STR("CORS_POLICY"), STR("api"));
	expect_choice(s, &r, "CORS_POLICY, whatever the host", "api");
	policy_set_free(s);
}

/* By the paths that a server may read in several ways, on a host with policies
 * for "/", "/public", "/admin" and "/v1". */
Test(policy, readings_that_disagree)
{
	static const struct {
		const char *uri, *policy;
	} rows[] = {
		{"/public/x", "public"}, {"/public/a%20b", "public"},
		{"/public/a%2fb", "public"}, {"/public//x", "public"},
		{"/public/..%2fadmin", NULL}, {"//public/admin", NULL},
		{"/public/..;/admin", NULL}, {"/public%5c..%5cadmin", NULL},
		{"/public/%252e%252e/admin", NULL}, {"/admin%00", NULL},
		{"/admin%00x", NULL}, {"/admin/%00x", "admin"},
		{"/public/\\..\\..\\admin", NULL}, {"/x/../admin", "admin"},
		{"/../admin", "admin"}, {"/v1;x=1/foo", NULL},
		{"/v1%3b/foo", NULL}, {"/v1/foo;x", "v1"},
		{"/public/%zz", "public"}, {"/x%2fy", "root"},
		{"/x//y", "root"}, {"//x/y", "root"}, {"//x/public", NULL},
		{"/admin#x", NULL}, {"/admin%23x", "root"},
		{"/public/x/../../admin", "admin"}, {"/%70ublic", "public"},
		{"/%2570ublic", NULL}, {"/public%2fx", NULL},
		{"/\\public", NULL}, {"/pub%09lic", "root"},
		{"/admin%09/x", NULL}, {"/public//../admin", NULL},
		{"/public?/../admin", "public"}, {"*", "root"}, {"x", NULL},
		{"/public/%c0%ae%c0%ae/admin", "public"},
	};
	struct policy_set *s = unit_policy(
	    "[policy root]\nallow-origins = *\n"
	    "[policy public]\npath = /public\nallow-origins = *\n"
	    "[policy admin]\npath = /admin\nallow-origins = *\n"
	    "[policy v1]\npath = /v1\nallow-origins = *\n");

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r = request_of("a", rows[i].uri);
		expect_choice(s, &r, rows[i].uri, rows[i].policy);
	}
	policy_set_free(s);
}

Test(policy, an_encoded_slash_is_an_everyday_path)
{
	static const char uri[] = "/api/v4/projects/group%2Fproject";
	struct policy_set *one = unit_policy("[policy a]\nallow-origins = *\n");
	struct policy_set *two = unit_policy("[policy a]\nallow-origins = *\n"
	    "[policy b]\npath = /api\nallow-origins = *\n");
	struct policy_set *part = unit_policy(
	    "[policy b]\npath = /api/v4/projects/group\nallow-origins = *\n");
	struct request r = request_of("a", uri);

	expect_choice(one, &r, "one policy", "a");
	expect_choice(two, &r, "two policies", "b");
	expect_choice(part, &r, "one policy or none", NULL);
	policy_set_free(one);
	policy_set_free(two);
	policy_set_free(part);
}

Test(policy, hosts_that_are_none)
{
	static const char *const bad[] = {"a!b.example.com", "-a.example.com",
	    "a-.example.com", "[::1::]", "[a]", "[::1", "a b", ":80", ".",
	    "user@api.example.com", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaa.example.com"};
	struct policy_set *named = unit_policy(policies);
	struct policy_set *any = unit_policy("[policy a]\nallow-origins = *\n");
	const struct policy *p;
	struct request r;

	for (size_t i = 0; i < COUNT(bad); i++) {
		r = request_of(bad[i], "/");
		cr_expect(policy_set_choose(named, &r, &p) ==
		    CHOICE_MALFORMED_HOST, "%s", bad[i]);
		expect_choice(any, &r, bad[i], "a");
	}
	r = request_of("a\x80", "/");
	cr_expect(policy_set_choose(any, &r, &p) == CHOICE_MALFORMED_HOST);
	r = request_of("api.example.com", "http:///x");
	cr_expect(policy_set_choose(named, &r, &p) == CHOICE_MALFORMED_HOST);
	policy_set_free(named);
	policy_set_free(any);
}

/* Adds text with a number behind it. */
static void
add(struct buf *b, const char *text, unsigned number)
{
	buf_add(b, str_of(text));
	buf_uint(b, number);
}

/* A policy of that many hosts and paths. */
static void
add_large(struct buf *b, unsigned hosts, unsigned paths)
{
	buf_add(b, STR("[policy a]\nallow-origins = *\nhost ="));
	for (unsigned i = 0; i < hosts; i++)
		add(b, "\n h", i);
	buf_add(b, STR("\npath ="));
	for (unsigned i = 0; i < paths; i++)
		add(b, "\n /p", i);
}

/* Hosts of the same policies share their routes. */
Test(policy, many_hosts_and_paths)
{
	enum { N = 4000 };
	static char text[40 * N];
	struct buf b = BUF(text);
	char host[32], uri[32];
	struct policy_set *s;

	add_large(&b, N, N);
	s = unit_policy(buf_cstr(&b));
	cr_assert(s->nnodes == N);
	for (unsigned i = 0; i < N; i++) {
		cr_expect(s->nodes[i].routes == s->nodes[0].routes);
		(void)snprintf(host, sizeof host, "h%u", i);
		(void)snprintf(uri, sizeof uri, "/p%u/x", N - 1 - i);
		struct request r = request_of(host, uri);
		expect_choice(s, &r, uri, "a");
		(void)snprintf(uri, sizeof uri, "/p%u-x", i);
		r = request_of(host, uri);
		expect_choice(s, &r, uri, NULL);
	}
	policy_set_free(s);
}

/* Where they can't, there is a bound. */
Test(policy, too_many_routes)
{
	enum { HOSTS = 1001, PATHS = 1000 };
	static char text[200 * HOSTS];
	struct buf b = BUF(text);
	struct diag *d = diag_new();
	char *ids;

	add_large(&b, HOSTS, PATHS);
	for (unsigned i = 0; i < HOSTS; i++) {
		add(&b, "\n[policy b", i);
		add(&b, "]\nallow-origins = *\npath = /own\nhost = h", i);
	}
	cr_expect(unit_load(buf_cstr(&b), d) == NULL);
	ids = unit_ids(d);
	cr_expect_str_eq(ids, "policy-routes", "%s", ids);
	free(ids);
	diag_free(d);
}

/* The longest path of those that are written, among ones that sort about
 * it. */
Test(policy, paths_in_any_order)
{
	static const char *const paths[] = {"/", "/a", "/a!", "/a/b", "/a-b",
	    "/a/b/c", "/a/b.c", "/a.b/c", "/ab", "/b/c", "/a0", "/a/b!/c"};
	static const char *const more[] = {"", "/", "x", "/x", "!", ".", "-",
	    "/b", "/c", "0", "/b/c/d"};
	char text[2000] = "", uri[64];

	for (size_t i = 0; i < COUNT(paths); i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text),
		    "[policy p%zu]\npath = %s\nallow-origins = *\n", i,
		    paths[i]);
	struct policy_set *s = unit_policy(text);
	for (size_t i = 0; i < COUNT(paths); i++)
		for (size_t k = 0; k < COUNT(more); k++) {
			size_t best = 0;

			(void)snprintf(uri, sizeof uri, "%s%s", paths[i],
			    more[k]);
			if (strstr(uri, "//") != NULL)
				continue;
			for (size_t j = 0; j < COUNT(paths); j++)
				if (path_under(str_of(uri), str_of(paths[j])) &&
				    strlen(paths[j]) > strlen(paths[best]))
					best = j;
			(void)snprintf(text, sizeof text, "p%zu", best);
			struct request r = request_of("h", uri);
			expect_choice(s, &r, uri, text);
		}
	policy_set_free(s);
}

/* Exports ask it of each host. */
Test(policy, hosts_that_differ_by_path)
{
	static const struct {
		const char *host;
		bool subdomains, differs;
	} rows[] = {
		{"one.example", false, false}, {"two.example", false, true},
		{"same.example", false, false}, {"part.example", false, true},
		{"deep.example", true, false}, {"wide.example", true, true},
	};
	struct policy_set *s = unit_policy(
	    "[policy a]\nhost = * one.example\nallow-origins = *\n"
	    "[policy same]\nhost = same.example\npath = / /x\n"
	    "allow-origins = *\n"
	    "[policy two]\nhost = two.example\npath = /x\nallow-origins = *\n"
	    "[policy three]\nhost = two.example\nallow-origins = *\n"
	    "[policy part]\nhost = part.example\npath = /x\n"
	    "allow-origins = *\n"
	    "[policy deep]\nhost = *.deep.example\nallow-origins = *\n"
	    "[policy wide]\nhost = *.wide.example\npath = /x\n"
	    "allow-origins = *\n");

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct host_node *node = policy_set_node(s,
		    str_of(rows[i].host), rows[i].subdomains);

		cr_assert(node != NULL, "%s", rows[i].host);
		cr_expect(node->differs_by_path == rows[i].differs, "%s",
		    rows[i].host);
		cr_expect((node->every_path == NULL) == rows[i].differs);
	}
	cr_expect(!s->any_host->differs_by_path);
	policy_set_free(s);
	s = unit_policy("[policy a]\npath = /x\nallow-origins = *\n");
	cr_expect(s->any_host->differs_by_path);
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

/* The digest of a policy that allows the origins http://localhost:PORT. */
static void
digest_of_ports(const unsigned *ports, size_t n, char digest[65])
{
	char text[4096];
	size_t used = (size_t)snprintf(text, sizeof text,
	    "[policy p]\nallow-origins =\n");
	struct policy_set *s;

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof text - used,
		    "  http://localhost:%u\n", ports[i]);
	s = unit_policy(text);
	snprintf(digest, 65, "%s", policy_set_digest(s));
	policy_set_free(s);
}

static void
shuffle(unsigned *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)rand() % i;
		unsigned item = items[i - 1];

		items[i - 1] = items[j];
		items[j] = item;
	}
}

static int
compare_ports(const void *left, const void *right)
{
	const unsigned *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Digits that change places between the entries of a list change the digest; to
 * write the same list in another order, or an entry twice, does not. */
Test(policy, digest_tells_digits_apart)
{
	enum { N = 40, ROUNDS = 200, DIGITS = 4 };
	const unsigned a[] = {3500, 7700}, b[] = {3700, 7500};
	char one[65], other[65];
	unsigned ports[N + 1], moved[N], sorted[N];

	digest_of_ports(a, 2, one);
	digest_of_ports(b, 2, other);
	cr_expect_str_neq(one, other);
	srand(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned digits[N][DIGITS];

		for (size_t i = 0; i < N; i++) {
			/* The first digit keeps them apart from each other. */
			ports[i] = 10000 + (unsigned)i * 1000 +
			    (unsigned)rand() % 1000;
			sorted[i] = ports[i];
			for (size_t k = 0; k < DIGITS - 1; k++)
				digits[i][k] = (unsigned)rand() % N;
		}
		digest_of_ports(sorted, N, one);
		ports[N] = ports[(unsigned)rand() % N];
		shuffle(ports, N + 1);
		digest_of_ports(ports, N + 1, other);
		cr_expect_str_eq(one, other, "round %u", round);
		memcpy(moved, sorted, sizeof moved);
		for (size_t i = 0; i < N; i++)
			for (unsigned k = 0, unit = 1; k < DIGITS - 1;
			    k++, unit *= 10) {
				unsigned j = digits[i][k];
				unsigned here = moved[i] / unit % 10;
				unsigned there = moved[j] / unit % 10;

				moved[i] += (there - here) * unit;
				moved[j] += (here - there) * unit;
			}
		digest_of_ports(moved, N, other);
		qsort(moved, N, sizeof *moved, compare_ports);
		cr_expect((strcmp(one, other) == 0) ==
		    (memcmp(moved, sorted, sizeof moved) == 0),
		    "round %u", round);
	}
}

/* What follows in a list, or stands in another field, is not taken for more of
 * what stands before it. */
Test(policy, digest_tells_fields_apart)
{
	static const char *const texts[] = {
		"allow-origins = https://a.example https://b.example\n",
		"allow-origins = https://a.exampleb.example\n",
		"allow-origins = https://a.example\n",
		"allow-origins = *\n",
		"allow-origins = null\n",
		"allow-origins = null https://a.example\n",
		"allow-origins = https://a.example\nhost = a.example\n",
		"allow-origins = https://a.example\npath = /a /b\n",
		"allow-origins = https://a.example\npath = /a/b\n",
		"allow-origins = https://a.example\nhost = a.b\npath = /a\n",
		"allow-origins = https://a.example\nhost = a b\npath = /a\n",
		"allow-origins = https://a.example\nallow-headers = X-A X-B\n",
		"allow-origins = https://a.example\nallow-headers = X-A\n"
		    "expose-headers = X-B\n",
		"allow-origins = https://a.example\nexpose-headers = X-A X-B\n",
		"allow-origins = https://a.example\nallow-methods = X-A X-B\n",
		"allow-origins = https://a.example\nmax-age = 204\n",
		"allow-origins = https://a.example\nsuccess-status = 205\n",
		"allow-origins = https://a.example\nrefuse-status = 204\n",
		"allow-origins = https://a.example\ndebug = yes\n",
		"allow-origins = https://a.example\nallow-credentials = yes\n",
	};
	static char digests[COUNT(texts)][65];

	for (size_t i = 0; i < COUNT(texts); i++) {
		char text[256];
		struct policy_set *s;

		snprintf(text, sizeof text, "[policy p]\n%s", texts[i]);
		s = unit_policy(text);
		snprintf(digests[i], sizeof digests[i], "%s",
		    policy_set_digest(s));
		policy_set_free(s);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(digests[i], digests[j], "%s and %s",
			    texts[i], texts[j]);
	}
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
