#include "config.h"

#include "conf/conf.h"

#include <stdlib.h>

#include "conf/keys.h"
#include "core/domain.h"
#include "unit.h"

#define P "[policy a]\nallow-origins = https://a.example.com\n"
#define CREDENTIALS "allow-credentials = yes\n"

/* ---- files that are good, and what is found in others ------------------ */

static const struct {
	const char *about, *text, *ids;
} files[] = {
	{"the least policy", P, ""},
	{"byte order mark and CRLF", "\xef\xbb\xbf[policy a]\r\n"
	    "allow-origins = https://a.example.com\r\n", ""},
	{"no newline at the end", "[policy a]\nallow-origins = *", ""},
	{"comments", "; a\n# b\n  # c\n[policy a] ; d\nallow-origins = # e\n"
	    "  https://a.example.com ; f\n  ; g\n\n  # h\n"
	    "\thttp://b.example.com # https://c.example.com/\n", ""},
	{"first key of a section indented", "[policy a]\n  allow-origins = *\n",
	    ""},
	{"defaults behind", P "[defaults]\nmax-age = 5\n", ""},
	{"empty lists are none", P "allow-headers =\nexpose-headers = ;\n"
	    "allow-methods =\n", ""},
	{"name of 40 bytes", "[policy abcdefghijklmnopqrstuvwxyz-_0123456789ab]"
	    "\nallow-origins = *\n", ""},
	{"one name for a policy and a test", P "[test a]\n"
	    "request = GET http://a/\norigin = https://a.example.com\n"
	    "expect = allowed\n", ""},

	{"empty file", "", "policy-none"},
	{"only defaults", "[defaults]\nallow-origins = *\n", "policy-none"},
	{"no origins", "[policy a]\n", "policy-no-origins"},
	{"empty origins", "[defaults]\nallow-origins = *\n[policy a]\n"
	    "allow-origins =\n", "policy-no-origins"},
	{"unknown section", "[polisy b]\nallow-origins = *\nhost = b\n" P,
	    "section-unknown"},
	{"unlike section, keys passed over", "[server]\nlisten = 1\n" P,
	    "section-unknown"},
	{"policy without name", "[policy]\nallow-origins = *\n",
	    "section-name"},
	{"name in upper case", "[policy A]\nallow-origins = *\n",
	    "section-name"},
	{"name of 41 bytes", "[policy abcdefghijklmnopqrstuvwxyz-_0123456789abc"
	    "]\nallow-origins = *\n", "section-name"},
	{"defaults with a name", "[defaults x]\n" P, "section-name"},
	{"defaults twice", "[defaults]\n[defaults]\n" P, "section-duplicate"},
	{"policy twice", P P, "section-duplicate"},
	{"test twice", P "[test a]\nrequest = GET http://a/\norigin = null\n"
	    "expect = origin\n[test a]\nrequest = GET http://a/\n"
	    "origin = null\nexpect = origin\n", "section-duplicate"},
	{"no bracket", "[policy a\nallow-origins = *\n", "section-bracket"},
	{"text behind the bracket", "[policy a] x\nallow-origins = *\n",
	    "section-text"},
	{"key before all sections", "max-age = 5\n" P, "key-outside-section"},
	{"unknown key", P "foo = 1\n  bar\n", "key-unknown"},
	{"a near key's value is checked", "[policy a]\n"
	    "alow-origins = https://a.example.com/\n",
	    "key-unknown origin-trailing-slash"},
	{"long key", P "allow-origins-of-all-who-may-ask-us-for-anything = *\n",
	    "key-unknown"},
	{"scalar twice", P "max-age = 5\nmax-age = 5\n", "key-duplicate"},
	{"list twice", P "allow-origins = https://b.example.com\n",
	    "key-duplicate"},
	{"colon", "[policy a]\nallow-origins: *\n", "line-colon"},
	{"no key", P "yes\n", "line-no-key"},
	{"no name", P "= 5\n", "line-no-key"},
	{"list not indented", P "https://b.example.com\n",
	    "line-not-indented"},
	{"path not indented", P "path = /a\n/b=c\n", "line-no-key"},
	{"indented key", P "  max-age = 5\n", "line-indented"},
	{"indented section", P " [test x]\n", "line-indented test-incomplete "
	    "test-incomplete test-incomplete"},
	{"indented address goes on", "[policy a]\nallow-origins = *\nhost =\n"
	    "  [::1]\n", ""},
	{"scalar goes on", P "max-age = 5\n  6\n", "line-continues-scalar"},
	{"carriage return", P "max-age = 5\r6\n", "line-control-byte"},
	{"control byte", P "max-age = 5\x01\n", "line-control-byte"},
	{"no value", P "debug =\n", "key-empty"},
	{"no host", P "host =\n", "key-empty"},
	{"no path in defaults", P "[defaults]\npath = # all\n", "key-empty"},

	{"true", P "debug = true\n", "key-value"},
	{"Yes", P "allow-credentials = Yes\n", "key-value"},
	{"insecure-origins", P "insecure-origins = yes\n", "key-value"},
	{"public-suffixes", P "public-suffixes = no\n", "key-value"},
	{"max-age in words", P "max-age = long\n", "max-age-invalid"},
	{"max-age with a plus", P "max-age = +5\n", "max-age-invalid"},
	{"max-age with a fraction", P "max-age = 1.5h\n", "max-age-invalid"},
	{"max-age with space", P "max-age = 5 m\n", "max-age-invalid"},
	{"max-age in weeks", P "max-age = 1w\n", "max-age-invalid"},
	{"max-age negative", P "max-age = -1\n", "max-age-negative"},
	{"max-age over a day", P "max-age = 86401\n", "max-age-too-large"},
	{"max-age of two days", P "max-age = 2d\n", "max-age-too-large"},
	{"max-age of a year", P "max-age = 31536000\n", "max-age-too-large"},
	{"max-age without end", P "max-age = 99999999999999999999999999\n",
	    "max-age-too-large"},
	{"max-age in milliseconds", P "max-age = 86400000\n",
	    "max-age-milliseconds"},
	{"max-age of ten minutes in milliseconds", P "max-age = 600000\n",
	    "max-age-milliseconds"},
	{"max-age of a day", P "max-age = 1d\n", "max-age-over-cap"},
	{"max-age over Chromium's", P "max-age = 7201\n", "max-age-over-cap"},
	{"max-age of two hours", P "max-age = 2h\n", ""},
	{"success-status 199", P "success-status = 199\n", "status-invalid"},
	{"success-status 300", P "success-status = 300\n", "status-invalid"},
	{"success-status 0204", P "success-status = 0204\n", "status-invalid"},
	{"refuse-status 302", P "refuse-status = 302\n", "status-invalid"},
	{"refuse-status 600", P "refuse-status = 600\n", "status-invalid"},
	{"refuse-status 100", P "refuse-status = 100\n", "status-invalid"},
	{"refuse-status 599", P "refuse-status = 599\n", ""},

	{"method in lower case", P "allow-methods = patch, get, MyMethod\n",
	    "method-case method-case"},
	{"forbidden method", P "allow-methods = Trace\n", "method-forbidden"},
	{"no method", P "allow-methods = GET;\n", "method-invalid"},
	{"star beside methods", P "allow-methods = GET, *\n",
	    "method-star-named"},
	{"method twice", P "allow-methods = GET, PUT, GET\n",
	    "method-duplicate"},
	{"forbidden headers", P "allow-headers = cookie SEC-x proxy-Y Via\n",
	    "header-forbidden header-forbidden header-forbidden "
	    "header-forbidden"},
	{"headers that only some values forbid", P
	    "allow-headers = X-HTTP-Method-Override\n", ""},
	{"header of CORS", P "allow-headers = Access-Control-Allow-Origin\n",
	    "header-cors"},
	{"header with value", P "allow-headers = X-A:b\n", "header-invalid"},
	{"header twice", P "allow-headers = X-A, x-a\n", "header-duplicate"},
	{"star without Authorization", P "allow-headers = *\n",
	    "header-authorization"},
	{"star with Authorization", P "allow-headers = *, authorization\n", ""},
	{"cookies exposed", P "expose-headers = Set-Cookie\n",
	    "expose-forbidden"},
	{"CORS exposed", P "expose-headers = access-control-max-age, Origin\n",
	    "expose-cors expose-cors"},
	{"exposed twice", P "expose-headers = *, *\n", "expose-duplicate"},
	{"host twice", P "host = * a.example.com *\n", "host-duplicate"},
	{"path twice", P "path = /a, /b, /a\n", "path-duplicate"},

	{"origin twice", "[policy a]\nallow-origins = https://a.example.com,"
	    "https://a.example.com\n", "origin-duplicate"},
	{"null", "[policy a]\nallow-origins = null\n", "origin-null"},
	{"covered by a pattern", "[policy a]\nallow-origins = "
	    "https://x.example.com https://*.example.com\n", "origin-covered"},
	{"covered by a star", "[policy a]\nallow-origins = "
	    "https://x.example.com *\n", "origin-covered"},
	{"http beside https", "[policy a]\nallow-origins = "
	    "http://x.example.com https://x.example.com\n", "origin-http-twin"},
	{"http beside another port's https", "[policy a]\nallow-origins = "
	    "http://x.example.com https://x.example.com:444\n", ""},
	{"an http pattern beside its https twin", "[policy a]\nallow-origins = "
	    "http://*.example.com https://*.example.com\n",
	    "origin-http-twin"},
	{"an http pattern beside another's https", "[policy a]\nallow-origins = "
	    "http://*.x.example.com https://*.example.com\n", ""},
	{"same claims", P "[policy b]\nallow-origins = *\n", "policy-conflict"},

	{"credentials", P CREDENTIALS, ""},
	{"credentials with star", "[policy a]\nallow-origins = *\n" CREDENTIALS,
	    "credentials-star"},
	{"credentials with null", "[policy a]\nallow-origins = null\n"
	    CREDENTIALS, "origin-null credentials-null"},
	{"credentials with http", "[policy a]\n"
	    "allow-origins = http://a.example.com http://*.b.example\n"
	    CREDENTIALS, "credentials-insecure credentials-insecure"},
	{"credentials with http, allowed", "[policy a]\n"
	    "allow-origins = http://a.example.com\ninsecure-origins = allow\n"
	    CREDENTIALS, ""},
	{"credentials with loopback", "[policy a]\nallow-origins = "
	    "http://localhost:* http://127.0.0.1:3000 http://[::1]:1\n"
	    CREDENTIALS, ""},
	{"credentials with an extension", "[policy a]\nallow-origins = "
	    "chrome-extension://abcdef\n" CREDENTIALS, ""},
	{"credentials with public suffixes", "[policy a]\nallow-origins = "
	    "https://*.com https://*.github.io:*\n" CREDENTIALS,
	    "credentials-public-suffix credentials-public-suffix"},
	{"credentials with public suffixes, allowed", "[policy a]\n"
	    "allow-origins = https://*.github.io\npublic-suffixes = allow\n"
	    CREDENTIALS, ""},
	{"credentials with a private suffix", "[policy a]\nallow-origins = "
	    "https://*.internal https://*.localhost\n" CREDENTIALS, ""},
	{"credentials with star exposed", P CREDENTIALS "expose-headers = *\n",
	    "credentials-expose-star"},
	{"inherited, once for each policy", "[defaults]\nallow-origins = *\n"
	    CREDENTIALS "[policy a]\n[policy b]\npath = /b\n[policy c]\n"
	    "path = /c\nallow-credentials = no\n",
	    "credentials-star credentials-star"},
	{"everything in one run", "[policy a]\nallow-origins = http://A.example"
	    "\nmax-age = x\nallow-methods = TRACE\nfoo = 1\n[policy b]\n",
	    "origin-upper-case max-age-invalid method-forbidden key-unknown "
	    "policy-no-origins policy-conflict"},

	{"test that lacks all", P "[test t]\n", "test-incomplete "
	    "test-incomplete test-incomplete"},
	{"test with values that are none", P "[test t]\nrequest = GET /x\n"
	    "origin = null\nexpect = ok\nheaders = a:b\ncredentials = 1\n"
	    "policy = z\n", "test-request test-expect test-header key-value "
	    "test-policy"},
	{"test of a URL as browsers send it", "[policy a]\npath = /a\n"
	    "allow-origins = *\n[test t]\n"
	    "request = PUT https://a.example/a//../b\norigin = null\n"
	    "expect = method\n", ""},
	{"test of what no browser sends", P "[test t]\n"
	    "request = GET https://user@a/\norigin = null\n"
	    "expect = origin\n", "test-request"},
	{"key of a policy in a test", P "[test t]\nrequest = GET http://a/\n"
	    "origin = null\nexpect = origin\nmax-age = 5\n", "key-unknown"},
};

Test(conf, finds)
{
	for (size_t i = 0; i < COUNT(files); i++) {
		struct diag *d = diag_new();
		struct policy_set *s = unit_load(files[i].text, d);
		char *ids = unit_ids(d);

		cr_expect_str_eq(ids, files[i].ids, "%s: %s", files[i].about,
		    ids);
		cr_expect((s != NULL) == (diag_errors(d) == 0), "%s",
		    files[i].about);
		free(ids);
		policy_set_free(s);
		diag_free(d);
	}
}

/* ---- places and texts -------------------------------------------------- */

static const struct {
	const char *about, *text;
	unsigned line, col;
	const char *says, *hint;
} places[] = {
	{"element of a list", P "allow-methods = GET,\tTRACE\n", 3, 22,
	    "TRACE", "remove it"},
	{"element of a later line", P "allow-methods = GET\n  # c\n\tPUT A(\n",
	    5, 6, "'A('", ""},
	{"value", P "max-age  =  86400000 ; a day\n", 3, 13, "milliseconds",
	    "write 86400"},
	{"suggestion", P "max_age = 5\n", 3, 1, "'max_age'",
	    "did you mean max-age?"},
	{"suggestion for a header", P "Access-Control-Allow-Methods = GET\n",
	    3, 1, "'Access-Control-Allow-Methods'",
	    "did you mean allow-methods?"},
	{"suggestion for a word", P "credentials = yes\n", 3, 1, "credentials",
	    "did you mean allow-credentials?"},
	{"key of another section", P "expect = allowed\n", 3, 1, "expect",
	    "it is a key of [test NAME]"},
	{"first of two keys", P "debug = no\nmax-age = 5\ndebug = no\n", 5, 1,
	    "line 3", "remove one"},
	{"not indented", P "https://b.example.com\n", 3, 1, "https://b.ex",
	    "indent it"},
	{"bytes that terminals act on", P "allow-methods = \xc3\xbc\n", 3, 17,
	    "'\\xc3\\xbc'", ""},
};

Test(conf, tells_where_and_how)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		struct diag *d = diag_new();
		size_t count;
		const struct diag_item *items;

		policy_set_free(unit_load(places[i].text, d));
		items = diag_items(d, &count);
		cr_assert(count == 1, "%s: %zu", places[i].about, count);
		cr_expect(items->at.line == places[i].line &&
		    items->at.col == places[i].col, "%s: %u:%u",
		    places[i].about, items->at.line, items->at.col);
		cr_expect(strstr(items->text, places[i].says) != NULL,
		    "%s: %s", places[i].about, items->text);
		cr_expect(strstr(items->hint, places[i].hint) != NULL,
		    "%s: %s", places[i].about, items->hint);
		diag_free(d);
	}
}

/* ---- what a policy then says ------------------------------------------- */

Test(conf, fills_in_what_is_not_set)
{
	struct policy_set *s = unit_policy(P);
	const struct policy *p = policy_set_get(s, 0);

	cr_expect(p->nhosts == 1 && str_eq(p->hosts[0].text, STR("*")));
	cr_expect(p->npaths == 1 && str_eq(p->paths[0].text, STR("/")));
	cr_expect(p->methods.count == 3 && !p->methods.any);
	cr_expect(field_set_find(&p->methods, STR("HEAD")) != NULL);
	cr_expect(p->headers.count == 0 && p->expose.count == 0);
	cr_expect(!p->credentials && !p->debug);
	cr_expect(p->max_age == MAX_AGE_UNSET);
	cr_expect(p->success_status == 204 && p->refuse_status == 403);
	policy_set_free(s);
}

Test(conf, inherits_key_by_key)
{
	struct policy_set *s = unit_policy(
	    "[policy a]\nallow-headers =\nmax-age = 1h\npath = /a\n"
	    "[policy b]\nallow-origins = *\ndebug = no\n"
	    "[defaults]\nallow-origins = https://a.example.com\n"
	    "allow-headers = X-A\nmax-age = 10m\nhost = d.example.com\n"
	    "debug = yes\nrefuse-status = 404\n");
	const struct policy *a = policy_set_get(s, 0);
	const struct policy *b = policy_set_get(s, 1);

	cr_expect(a->headers.count == 0, "an empty list overrides");
	cr_expect(b->headers.count == 1);
	cr_expect(a->max_age == 3600 && b->max_age == 600);
	cr_expect(str_eq(a->hosts[0].text, STR("d.example.com")));
	cr_expect(origin_set_exact(a->origins) == 1);
	cr_expect(origin_set_any(b->origins));
	cr_expect(a->debug && !b->debug && policy_set_debug(s));
	cr_expect(a->refuse_status == 404);
	cr_expect(policy_set_refuse_status(s) == 404);
	cr_expect(a->at[KEY_MAX_AGE].line == 3);
	cr_expect(b->at[KEY_MAX_AGE].line == 11);
	cr_expect(a->at[KEY_SUCCESS_STATUS].line == 1, "that of the policy");
	policy_set_free(s);
}

Test(conf, shares_an_inherited_list)
{
	struct policy_set *s = unit_policy("[defaults]\n"
	    "allow-origins = https://a.example.com\n[policy a]\npath = /a\n"
	    "[policy b]\npath = /b\n");

	cr_expect(policy_set_get(s, 0)->origins ==
	    policy_set_get(s, 1)->origins);
	policy_set_free(s);
}

Test(conf, takes_values_of_any_length)
{
	/* More than inih's 200 bytes, cut where a shorter origin would be. */
	enum { COUNT_MAX = 2000 };
	char *text = malloc(COUNT_MAX * 32 + 64);
	size_t n = (size_t)sprintf(text, "[policy a]\nallow-origins =");
	struct policy_set *s;

	for (int i = 0; i < COUNT_MAX; i++)
		n += (size_t)sprintf(text + n, " https://o%d.example.com", i);
	strcpy(text + n, "\n");
	s = unit_policy(text);
	cr_expect(origin_set_exact(policy_set_get(s, 0)->origins) == COUNT_MAX);
	cr_expect(!origin_set_match(policy_set_get(s, 0)->origins,
	    STR("https://o7.exam"), NULL));
	free(text);
	policy_set_free(s);
}

/* ---- the smaller parts ------------------------------------------------- */

Test(conf_keys, every_key_is_found_by_its_name)
{
	static const enum section_kind kinds[] = {SECTION_POLICY, SECTION_TEST};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		size_t count;
		const struct conf_key *keys = conf_keys(kinds[i], &count);

		for (size_t k = 0; k < count; k++) {
			cr_expect(conf_key_find(kinds[i],
			    str_of(keys[k].name)) == (int)k);
			cr_expect(*keys[k].help != '\0');
		}
	}
}

Test(suffix, knows_what_is_public)
{
	static const struct {
		const char *domain;
		bool public;
	} rows[] = {
		{"com", true}, {"co.uk", true}, {"github.io", true},
		{"xn--p1ai", true}, {"ck", true}, {"kawasaki.jp", true},
		{"example.com", false}, {"city.kawasaki.jp", false},
		{"www.ck", false}, {"internal", false}, {"corp.local", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect(suffix_is_public(str_of(rows[i].domain)) ==
		    rows[i].public, "%s", rows[i].domain);
}

Test(idn, makes_punycode)
{
	static const struct {
		const char *host, *ascii; /* NULL: none */
	} rows[] = {
		{"b\xc3\xbc" "cher.example", "xn--bcher-kva.example"},
		{"B\xc3\x9c" "CHER.Example", "xn--bcher-kva.example"},
		{"fa\xc3\x9f.de", "xn--fa-hia.de"}, {"\xff.de", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[300];
		struct buf b = BUF(text);
		bool found = idn_to_ascii(str_of(rows[i].host), &b);

		cr_expect(found == (rows[i].ascii != NULL), "%zu", i);
		if (found)
			cr_expect_str_eq(buf_cstr(&b), rows[i].ascii);
	}
	cr_expect(idn_label_valid(STR("xn--bcher-kva")));
	cr_expect(!idn_label_valid(STR("xn--a")));
	cr_expect(!idn_label_valid(STR("xn--abc-")));
	cr_expect(!idn_label_valid(STR("xn--")));
	cr_expect(!idn_label_valid(RAW("xn--bcher-kva\0x")));
}

/* ---- the URL of a test ------------------------------------------------- */

Test(conf, urls_of_tests)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{"https://a.example", true},
		{"http://a.example:8080/x?y", true},
		{"https://[::1]:65535/", true},
		{"https://a.example:/", true},
		{"https://user@a.example/", false},
		{"https:///x", false},
		{"https://a.example:0/", false},
		{"https://a.example:65536/", false},
		{"https://a.example:123456/", false},
		{"https://a.example:8x/", false},
		{"https://a.example:/8", true},
		{"https://a.example/#x", true},
		{"ftp://a.example/", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		struct diag *d = diag_new();
		char *ids;

		(void)snprintf(text, sizeof text, P "[test t]\nrequest = GET "
		    "\t%s\norigin = https://b.example\nexpect = allowed\n",
		    rows[i].url);
		policy_set_free(unit_load(text, d));
		ids = unit_ids(d);
		cr_expect((strstr(ids, "test-request") == NULL) ==
		    rows[i].good, "%s: %s", rows[i].url, ids);
		free(ids);
		diag_free(d);
	}
}
