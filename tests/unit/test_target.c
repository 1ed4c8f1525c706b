#include "config.h"

#include "target.h"

#include <stdlib.h>

#include "unit.h"

/* ---- hosts ------------------------------------------------------------- */

static const struct {
	const char *about, *host;
	enum host_verdict verdict;
	const char *out;
} hosts[] = {
	{"plain", "api.example.com", HOST_GOOD, "api.example.com"},
	{"upper case", "API.Example.COM", HOST_GOOD, "api.example.com"},
	{"port", "api.example.com:8443", HOST_GOOD, "api.example.com"},
	{"empty port", "api.example.com:", HOST_GOOD, "api.example.com"},
	{"trailing dot", "api.example.com.", HOST_GOOD, "api.example.com"},
	{"trailing dot and port", "api.example.com.:80", HOST_GOOD,
	    "api.example.com"},
	{"IPv4", "127.0.0.1:8080", HOST_GOOD, "127.0.0.1"},
	{"IPv6", "[::1]:8080", HOST_GOOD, "[::1]"},
	{"IPv6 upper case", "[2001:DB8::1]", HOST_GOOD, "[2001:db8::1]"},
	{"underscore", "_", HOST_GOOD, "_"},
	{"empty", "", HOST_NONE, NULL},
	{"two trailing dots", "api.example.com..", HOST_NONE, NULL},
	{"only a dot", ".", HOST_NONE, NULL},
	{"leading dot", ".example.com", HOST_NONE, NULL},
	{"empty label", "a..b", HOST_NONE, NULL},
	{"port letters", "api.example.com:x", HOST_NONE, NULL},
	{"port of six digits", "api.example.com:123456", HOST_NONE, NULL},
	{"two ports", "api.example.com:80:80", HOST_NONE, NULL},
	{"IPv6 without brackets", "::1", HOST_NONE, NULL},
	{"open bracket", "[::1", HOST_NONE, NULL},
	{"empty brackets", "[]", HOST_NONE, NULL},
	{"text behind the bracket", "[::1]x", HOST_NONE, NULL},
	{"userinfo", "user@api.example.com", HOST_NONE, NULL},
	{"slash", "api.example.com/x", HOST_NONE, NULL},
	{"space", "api example", HOST_NONE, NULL},
	{"star", "*.example.com", HOST_NONE, NULL},
	{"comma", "a.example, b.example", HOST_NONE, NULL},
	{"control byte", "api\x01.example.com", HOST_MALFORMED, NULL},
	{"control byte in the port", "api.example.com:8\n", HOST_MALFORMED,
	    NULL},
	{"tab", "api.example.com\t", HOST_MALFORMED, NULL},
	{"delete", "api\x7f", HOST_MALFORMED, NULL},
	{"8-bit", "b\xc3\xbc" "cher.example", HOST_MALFORMED, NULL},
	{"8-bit in brackets", "[\xff::1]", HOST_MALFORMED, NULL},
};

Test(target, hosts)
{
	for (size_t i = 0; i < COUNT(hosts); i++) {
		char out[TARGET_HOST_MAX];
		size_t n = 0;
		enum host_verdict v = host_normalize(str_of(hosts[i].host), out,
		    &n);
		cr_expect(v == hosts[i].verdict, "%s: verdict %d",
		    hosts[i].about, v);
		if (v == HOST_GOOD)
			cr_expect(str_eq((struct str){out, n},
			    str_of(hosts[i].out)), "%s: %.*s", hosts[i].about,
			    (int)n, out);
	}
	char out[TARGET_HOST_MAX];
	size_t n;
	cr_expect(host_normalize(RAW("api\0.example.com"), out, &n) ==
	    HOST_MALFORMED);
}

Test(target, long_hosts)
{
	char text[400], out[TARGET_HOST_MAX];
	size_t n;

	for (size_t len = 240; len < sizeof text; len++) {
		for (size_t i = 0; i < len; i++)
			text[i] = i % 50 == 49 && i + 1 < len ? '.' : 'a';
		cr_expect(host_normalize((struct str){text, len}, out, &n) ==
		    (len <= 253 ? HOST_GOOD : HOST_NONE), "%zu", len);
	}
	memset(text, 'a', 64);
	cr_expect(host_normalize((struct str){text, 63}, out, &n) == HOST_GOOD);
	cr_expect(host_normalize((struct str){text, 64}, out, &n) == HOST_NONE);
}

/* ---- targets ----------------------------------------------------------- */

static const struct {
	const char *raw, *path, *authority;
} targets[] = {
	{"/v1/items?x=/../y", "/v1/items", ""},
	{"/v1", "/v1", ""},
	{"*", "/", ""},
	{"?x", "", ""},
	{"http://api.example.com/v1?x", "/v1", "api.example.com"},
	{"HTTPS://api.example.com:8443", "/", "api.example.com:8443"},
	{"http://api.example.com?x", "/", "api.example.com"},
	{"http://", "/", ""},
	{"ftp://api.example.com/v1", "ftp://api.example.com/v1", ""},
	{"api.example.com:443", "api.example.com:443", ""},
	{"//api.example.com/v1", "//api.example.com/v1", ""},
};

Test(target, splits)
{
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct target t;
		target_split(str_of(targets[i].raw), &t);
		cr_expect(str_eq(t.path, str_of(targets[i].path)), "%s: %.*s",
		    targets[i].raw, STR_ARG(t.path));
		cr_expect(str_eq(t.authority, str_of(targets[i].authority)),
		    "%s: %.*s", targets[i].raw, STR_ARG(t.authority));
	}
}

/* ---- paths ------------------------------------------------------------- */

static const struct {
	const char *about, *raw;
	const char *literal; /* NULL: refused */
	const char *plain;   /* the same without parameters */
} paths[] = {
	{"root", "/", "", ""},
	{"one", "/v1", "/v1", "/v1"},
	{"two", "/v1/items", "/v1/items", "/v1/items"},
	{"trailing slash", "/v1/", "/v1", "/v1"},
	{"merged", "/v1//items", "/v1/items", "/v1/items"},
	{"merged in front", "//v1///items", "/v1/items", "/v1/items"},
	{"decoded", "/%76%31", "/v1", "/v1"},
	{"decoded lower and upper hex", "/%6a%6A", "/jj", "/jj"},
	{"decoded once", "/%2576", "/%76", "/%76"},
	{"8-bit", "/caf%c3%a9", "/caf\xc3\xa9", "/caf\xc3\xa9"},
	{"encoded question mark", "/a%3fb", "/a?b", "/a?b"},
	{"encoded number sign", "/a%23b", "/a#b", "/a#b"},
	{"dot", "/a/./b", "/a/b", "/a/b"},
	{"dot at the end", "/a/.", "/a", "/a"},
	{"dots", "/a/../b", "/b", "/b"},
	{"dots at the end", "/a/b/..", "/a", "/a"},
	{"dots to the root", "/a/..", "", ""},
	{"encoded dots", "/a/%2e%2e/b", "/b", "/b"},
	{"half encoded dots", "/a/.%2e/b", "/b", "/b"},
	{"three dots", "/a/.../b", "/a/.../b", "/a/.../b"},
	{"dot in a name", "/a/.b/c..", "/a/.b/c..", "/a/.b/c.."},
	{"encoded dots twice", "/a/%252e%252e/b", "/a/%2e%2e/b",
	    "/a/%2e%2e/b"},
	{"parameters", "/v1;x=1/items", "/v1;x=1/items", "/v1/items"},
	{"parameters at the end", "/v1/items;x", "/v1/items;x", "/v1/items"},
	{"encoded parameters", "/v1%3bx", "/v1;x", "/v1"},
	{"only parameters", "/;x/v1", "/;x/v1", "/v1"},
	{"encoded slash", "/public/..%2fadmin", NULL, NULL},
	{"encoded slash, upper case", "/public%2Fadmin", NULL, NULL},
	{"encoded backslash", "/public/..%5cadmin", NULL, NULL},
	{"encoded NUL", "/public%00", NULL, NULL},
	{"encoded control", "/public%0a", NULL, NULL},
	{"encoded delete", "/public%7f", NULL, NULL},
	{"raw backslash", "/public\\admin", NULL, NULL},
	{"raw number sign", "/public#x", NULL, NULL},
	{"raw control", "/public\x01", NULL, NULL},
	{"dots with parameters", "/public/..;/admin", NULL, NULL},
	{"dots with more parameters", "/public/..;a;b/admin", NULL, NULL},
	{"dot with parameters", "/public/.;x/admin", NULL, NULL},
	{"encoded dots with parameters", "/public/%2e%2e;/admin", NULL, NULL},
	{"dots with encoded parameters", "/public/..%3b/admin", NULL, NULL},
	{"dots and a double slash", "/public//../admin", NULL, NULL},
	{"double slash behind dots", "/a/../b//c", NULL, NULL},
	{"dot and a double slash", "/a/.//b", NULL, NULL},
	{"above the root", "/..", NULL, NULL},
	{"above the root and back", "/../admin", NULL, NULL},
	{"above the root late", "/a/../../admin", NULL, NULL},
	{"bad escape", "/%zz", NULL, NULL},
	{"cut escape", "/%2", NULL, NULL},
	{"bare percent", "/%", NULL, NULL},
	{"overlong dot", "/public/%c0%ae%c0%ae/admin", NULL, NULL},
	{"overlong slash", "/public/..%c0%afadmin", NULL, NULL},
	{"overlong in three", "/public/%e0%80%ae./admin", NULL, NULL},
	{"relative", "v1", NULL, NULL},
	{"empty", "", NULL, NULL},
};

static void
expect_path(const char *about, struct str raw, struct str more,
    enum path_reading reading, const char *wanted)
{
	struct path p;
	bool ok = path_normalize(raw, more, reading, &p);

	cr_expect(ok == (wanted != NULL), "%s: %s", about,
	    ok ? "taken" : "refused");
	if (ok && wanted != NULL)
		cr_expect(str_eq(p.text, str_of(wanted)),
		    "%s: %.*s", about, STR_ARG(p.text));
}

Test(target, paths)
{
	for (size_t i = 0; i < COUNT(paths); i++) {
		expect_path(paths[i].about, str_of(paths[i].raw), STR(""),
		    PATH_LITERAL, paths[i].literal);
		expect_path(paths[i].about, str_of(paths[i].raw), STR(""),
		    PATH_PLAIN, paths[i].plain);
	}
	expect_path("raw NUL", RAW("/a\0b"), STR(""), PATH_LITERAL, NULL);
}

Test(target, paths_in_two_parts)
{
	expect_path("both", STR("/app"), STR("/v1"), PATH_LITERAL, "/app/v1");
	expect_path("second only", STR(""), STR("/v1"), PATH_LITERAL, "/v1");
	expect_path("cut in a name", STR("/a"), STR("b"), PATH_LITERAL, "/ab");
	expect_path("dots over the cut", STR("/a/."), STR("./b"), PATH_LITERAL,
	    "/b");
	expect_path("escape over the cut", STR("/a%2"), STR("e"), PATH_LITERAL,
	    NULL);
}

Test(target, long_paths)
{
	enum { SEGMENTS = 3000 };
	char *raw = malloc(5 * SEGMENTS + 64);
	struct path p;
	size_t n = 0;

	cr_assert(raw != NULL);
	/* Down 3,000 segments and up again to the first. */
	for (size_t i = 0; i < SEGMENTS; i++, n += 2)
		memcpy(raw + n, i == 0 ? "/v" : "/x", 2);
	struct str down = {raw, n};
	cr_expect(path_normalize(down, STR(""), PATH_LITERAL, &p));
	cr_expect(path_has_prefix(&p, STR("/v/x/x")));
	cr_expect(!path_has_prefix(&p, STR("/x")));
	for (size_t i = 1; i < SEGMENTS; i++, n += 3)
		memcpy(raw + n, "/..", 3);
	cr_expect(path_normalize((struct str){raw, n}, STR(""), PATH_LITERAL,
	    &p));
	cr_expect(p.beyond == 0 && str_eq(p.text,
	    STR("/v")));
	memcpy(raw + n, "/../..", 6);
	cr_expect(!path_normalize((struct str){raw, n + 6}, STR(""),
	    PATH_LITERAL, &p));
	free(raw);
}

Test(target, one_long_segment)
{
	static char raw[5000], decoded[5000];
	struct path p;

	memset(raw, 'a', sizeof raw);
	memset(decoded, 'a', sizeof decoded);
	memcpy(raw, "/%61", 4);
	decoded[0] = '/';
	for (size_t len = TARGET_PATH_MAX - 3; len < TARGET_PATH_MAX + 5;
	    len++) {
		cr_expect(path_normalize((struct str){raw, len + 2}, STR(""),
		    PATH_LITERAL, &p));
		cr_expect(path_has_prefix(&p, (struct str){decoded, len}) ==
		    (len <= TARGET_PATH_MAX + 2), "%zu", len);
		cr_expect(path_has_prefix(&p, STR("/")));
		cr_expect(path_normalize((struct str){decoded, len}, STR(""),
		    PATH_LITERAL, &p));
		cr_expect(path_has_prefix(&p, (struct str){decoded, len}));
	}
}

Test(target, prefixes)
{
	static const struct {
		const char *path, *prefix;
		bool covers;
	} rows[] = {
		{"/v1", "/", true}, {"/", "/", true}, {"/v1", "/v1", true},
		{"/v1/x", "/v1", true}, {"/v1/", "/v1", true},
		{"/v10", "/v1", false}, {"/v", "/v1", false},
		{"/", "/v1", false}, {"/V1", "/v1", false},
		{"/x/v1", "/v1", false}, {"/v1/x", "/v1/x", true},
		{"/v1/xy", "/v1/x", false}, {"/v1%20", "/v1", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct path p;
		cr_assert(path_normalize(str_of(rows[i].path), STR(""),
		    PATH_LITERAL, &p));
		cr_expect(path_has_prefix(&p, str_of(rows[i].prefix)) ==
		    rows[i].covers, "%s %s", rows[i].path, rows[i].prefix);
	}
}

/* ---- in a policy ------------------------------------------------------- */

static const struct {
	const char *text, *ids, *hint, *out;
} policy_hosts[] = {
	{"*", "", NULL, "*"},
	{"api.example.com", "", NULL, "api.example.com"},
	{"*.example.com", "", NULL, "*.example.com"},
	{"localhost", "", NULL, "localhost"},
	{"127.0.0.1", "", NULL, "127.0.0.1"},
	{"[::1]", "", NULL, "[::1]"},
	{"my_host", "host-underscore", NULL, "my_host"},
	{"a.example.", "host-trailing-dot", "write a.example", "a.example"},
	{"API.example.com", "host-upper-case", "write api.example.com", NULL},
	{"*.Example.com", "host-upper-case", "write *.example.com", NULL},
	{"b\xc3\xbc" "cher.example", "host-non-ascii",
	    "write xn--bcher-kva.example", NULL},
	{"api.example.com:8443", "host-port", "write api.example.com", NULL},
	{"api.example.com:*", "host-port", "write api.example.com", NULL},
	{"https://api.example.com", "host-scheme", "write api.example.com",
	    NULL},
	{"https://api.example.com:8443/x", "host-scheme",
	    "write api.example.com", NULL},
	{"api.example.com/v1", "host-path", "write api.example.com", NULL},
	{"::1", "host-invalid", NULL, NULL},
	{"[::1]:80", "host-port", "write [::1]", NULL},
	{"[0::1]", "host-invalid", "write [::1]", NULL},
	{"127.1", "host-invalid", "write 127.0.0.1", NULL},
	{"a..b", "host-invalid", NULL, NULL},
	{"*.", "host-invalid", NULL, NULL},
	{"a.*.b", "host-asterisk", NULL, NULL},
	{"*.1.2.3.4", "host-asterisk", NULL, NULL},
	{"**", "host-asterisk", NULL, NULL},
	{"a%20b", "host-invalid", NULL, NULL},
};

static const struct {
	const char *text, *ids, *hint, *out;
} policy_paths[] = {
	{"/", "", NULL, "/"},
	{"/v1", "", NULL, "/v1"},
	{"/V1/Items.json", "", NULL, "/V1/Items.json"},
	{"/caf\xc3\xa9", "", NULL, "/caf\xc3\xa9"},
	{"/v1/", "path-trailing-slash", "write /v1", "/v1"},
	{"v1", "path-relative", "write /v1", NULL},
	{"/v1//x", "path-double-slash", "write /v1/x", NULL},
	{"/v1/../x", "path-dot-segment", "write /x", NULL},
	{"/v1/.", "path-dot-segment", "write /v1", NULL},
	{"/%76%31", "path-escape", "write /v1", NULL},
	{"/%2f", "path-escape", "write the decoded path", NULL},
	{"/v1?x", "path-query", "write /v1", NULL},
	{"/v1#x", "path-fragment", "write /v1", NULL},
	{"/v1/*", "path-asterisk", "write /v1", NULL},
	{"/*", "path-asterisk", "write /", NULL},
	{"/v1;x", "path-parameters", "write /v1", NULL},
	{"/v1\\x", "path-backslash", NULL, NULL},
	{"/v1\x01", "path-control", NULL, NULL},
	{"/v1\xc0\xaf", "path-overlong", "write it in UTF-8", NULL},
};

static void
expect_check(int (*check)(struct str, struct str *, struct diag *,
    struct place), const char *text, const char *ids, const char *hint,
    const char *wanted)
{
	struct diag *d = diag_new();
	struct str out;
	size_t count;

	(void)diag_file(d, "f");
	int ret = check(str_of(text), &out, d, (struct place){0, 1, 1});
	char *got = unit_ids(d);
	const struct diag_item *items = diag_items(d, &count);
	cr_expect(ret == (wanted != NULL ? 0 : -1), "%s: returns %d", text, ret);
	cr_expect_str_eq(got, ids, "%s: ids %s", text, got);
	if (ret == 0 && wanted != NULL)
		cr_expect(str_eq(out, str_of(wanted)), "%s: %.*s", text,
		    STR_ARG(out));
	if (hint != NULL && count > 0)
		cr_expect_str_eq(items[0].hint, hint, "%s: hint '%s'", text,
		    items[0].hint);
	free(got);
	diag_free(d);
}

Test(target, checks_hosts_of_policies)
{
	for (size_t i = 0; i < COUNT(policy_hosts); i++)
		expect_check(host_check, policy_hosts[i].text,
		    policy_hosts[i].ids, policy_hosts[i].hint,
		    policy_hosts[i].out);
}

Test(target, checks_paths_of_policies)
{
	static char longest[TARGET_PATH_MAX + 2];

	for (size_t i = 0; i < COUNT(policy_paths); i++)
		expect_check(path_check, policy_paths[i].text,
		    policy_paths[i].ids, policy_paths[i].hint,
		    policy_paths[i].out);
	memset(longest, 'a', TARGET_PATH_MAX);
	longest[0] = '/';
	expect_check(path_check, longest, "", NULL, longest);
	longest[TARGET_PATH_MAX] = 'a';
	expect_check(path_check, longest, "path-long", NULL, NULL);
}
