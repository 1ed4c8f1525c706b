#include "config.h"

#include "core/target.h"

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
	{"two trailing dots", "api.example.com..", HOST_MALFORMED, NULL},
	{"only a dot", ".", HOST_MALFORMED, NULL},
	{"leading dot", ".example.com", HOST_MALFORMED, NULL},
	{"empty label", "a..b", HOST_MALFORMED, NULL},
	{"port letters", "api.example.com:x", HOST_MALFORMED, NULL},
	{"port of six digits", "api.example.com:123456", HOST_MALFORMED, NULL},
	{"two ports", "api.example.com:80:80", HOST_MALFORMED, NULL},
	{"IPv6 without brackets", "::1", HOST_MALFORMED, NULL},
	{"open bracket", "[::1", HOST_MALFORMED, NULL},
	{"empty brackets", "[]", HOST_MALFORMED, NULL},
	{"text behind the bracket", "[::1]x", HOST_MALFORMED, NULL},
	{"userinfo", "user@api.example.com", HOST_MALFORMED, NULL},
	{"slash", "api.example.com/x", HOST_MALFORMED, NULL},
	{"space", "api example", HOST_MALFORMED, NULL},
	{"star", "*.example.com", HOST_MALFORMED, NULL},
	{"comma", "a.example, b.example", HOST_MALFORMED, NULL},
	{"unlikely byte", "a!b.example.com", HOST_MALFORMED, NULL},
	{"hyphen in front", "-a.example.com", HOST_MALFORMED, NULL},
	{"hyphen at the end of a label", "a-.example.com", HOST_MALFORMED,
	    NULL},
	{"only a port", ":80", HOST_MALFORMED, NULL},
	{"no IPv6 address", "[1::2::3]", HOST_MALFORMED, NULL},
	{"a name in brackets", "[api.example.com]", HOST_MALFORMED, NULL},
	{"IPv6 with a zone", "[fe80::1%25eth0]", HOST_MALFORMED, NULL},
	{"IPv6 and a dot", "[::1].", HOST_MALFORMED, NULL},
	{"IPv6 with a quad", "[::ffff:127.0.0.1]", HOST_GOOD,
	    "[::ffff:127.0.0.1]"},
	{"no IPv4 address", "1.2.3.999", HOST_GOOD, "1.2.3.999"},
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
		    (len <= 253 ? HOST_GOOD : HOST_MALFORMED), "%zu", len);
	}
	memset(text, 'a', 64);
	cr_expect(host_normalize((struct str){text, 63}, out, &n) == HOST_GOOD);
	cr_expect(host_normalize((struct str){text, 64}, out, &n) ==
	    HOST_MALFORMED);
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
	{"-a.example", "host-hyphen", "no such host can exist", "-a.example"},
	{"*.a-.example", "host-hyphen", NULL, "*.a-.example"},
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
	{"/v1\xc0\xaf", "", NULL, "/v1\xc0\xaf"},
	{"/../x/", "path-dot-segment", "write /x", NULL},
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
