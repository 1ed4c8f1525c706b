#include "config.h"

#include "core/origin.h"

#include "unit.h"

/* ---- entries of allow-origins ------------------------------------------ */

static const struct {
	const char *about, *text;
	enum origin_kind kind;
	const char *ids; /* of warnings */
} good[] = {
	{"any", "*", ORIGIN_ANY, ""},
	{"null", "null", ORIGIN_NULL, ""},
	{"https", "https://app.example.com", ORIGIN_EXACT, ""},
	{"port", "https://app.example.com:8443", ORIGIN_EXACT, ""},
	{"highest port", "https://app.example.com:65535", ORIGIN_EXACT, ""},
	{"http on 443", "http://app.example.com:443", ORIGIN_EXACT, ""},
	{"https on 80", "https://app.example.com:80", ORIGIN_EXACT, ""},
	{"localhost", "http://localhost:5173", ORIGIN_EXACT, ""},
	{"one label", "https://intranet", ORIGIN_EXACT, ""},
	{"IPv4", "http://192.168.0.1:3000", ORIGIN_EXACT, ""},
	{"IPv6", "http://[::1]:9090", ORIGIN_EXACT, ""},
	{"IPv6 in the middle", "http://[2001:db8::1:0:0:1]", ORIGIN_EXACT, ""},
	{"IPv6 all groups", "http://[1:2:3:4:5:6:7:8]", ORIGIN_EXACT, ""},
	{"IPv6 mapped", "http://[::ffff:102:304]", ORIGIN_EXACT, ""},
	{"extension", "chrome-extension://abcdef", ORIGIN_EXACT, ""},
	{"extension with UUID",
	    "moz-extension://0b1c2d3e-0000-4000-8000-000000000000",
	    ORIGIN_EXACT, ""},
	{"app scheme", "capacitor://localhost", ORIGIN_EXACT, ""},
	{"scheme with all bytes", "a+b-c.9://host", ORIGIN_EXACT, ""},
	{"punycode", "https://xn--bcher-kva.example", ORIGIN_EXACT, ""},
	{"number and letters as last label", "https://example.0abc",
	    ORIGIN_EXACT, ""},
	{"hyphens in third and fourth place", "https://r3---sn-a.example.com",
	    ORIGIN_EXACT, ""},
	{"subdomains", "https://*.example.com", ORIGIN_PATTERN, ""},
	{"any port", "http://localhost:*", ORIGIN_PATTERN, ""},
	{"any port of an address", "http://[::1]:*", ORIGIN_PATTERN, ""},
	{"subdomains, any port", "https://*.example.com:*", ORIGIN_PATTERN, ""},
	{"subdomains, one port", "https://*.example.com:8443", ORIGIN_PATTERN,
	    ""},
	{"underscore", "https://my_app.example.com", ORIGIN_EXACT,
	    "origin-underscore"},
	{"trailing dot", "https://app.example.com.", ORIGIN_EXACT,
	    "origin-trailing-dot"},
	{"label ends in hyphen", "https://a-.example.com", ORIGIN_EXACT,
	    "origin-hyphen"},
};

static const struct {
	const char *about, *text, *ids, *hint;
} bad[] = {
	{"trailing slash", "https://app.example.com/", "origin-trailing-slash",
	    "write https://app.example.com"},
	{"path", "https://app.example.com/x", "origin-path",
	    "write https://app.example.com"},
	{"query", "https://app.example.com?x", "origin-path",
	    "write https://app.example.com"},
	{"fragment", "https://app.example.com#x", "origin-path",
	    "write https://app.example.com"},
	{"upper-case scheme", "HTTPS://app.example.com", "origin-upper-case",
	    "write https://app.example.com"},
	{"upper-case host", "https://App.Example.com", "origin-upper-case",
	    "write https://app.example.com"},
	{"default port of https", "https://app.example.com:443",
	    "origin-default-port", "write https://app.example.com"},
	{"default port of http", "http://app.example.com:80",
	    "origin-default-port", "write http://app.example.com"},
	{"userinfo", "https://me:pw@app.example.com", "origin-userinfo",
	    "write https://app.example.com"},
	{"three at once", "https://App.example.com:443/",
	    "origin-upper-case origin-default-port origin-trailing-slash",
	    "write https://app.example.com"},
	{"non-ASCII", "https://b\xc3\xbc" "cher.example", "origin-non-ascii",
	    "write https://xn--bcher-kva.example"},
	{"non-ASCII upper case", "https://B\xc3\x9c" "CHER.example",
	    "origin-non-ascii", "write https://xn--bcher-kva.example"},
	{"invalid UTF-8", "https://b\xfc" "cher.example", "origin-non-ascii",
	    NULL},
	{"IPv6 not compressed", "http://[0:0:0:0:0:0:0:1]", "origin-ipv6",
	    "write http://[::1]"},
	{"IPv6 upper case", "http://[2001:DB8::1]", "origin-ipv6",
	    "write http://[2001:db8::1]"},
	{"IPv6 quad", "http://[::ffff:1.2.3.4]", "origin-ipv6",
	    "write http://[::ffff:102:304]"},
	{"IPv6 leading zero", "http://[::01]", "origin-ipv6",
	    "write http://[::1]"},
	{"IPv6 zone", "http://[fe80::1%eth0]", "origin-ipv6", NULL},
	{"IPv6 without brackets", "http://::1", "origin-ipv6", NULL},
	{"IPv6 open bracket", "http://[::1", "origin-ipv6", NULL},
	{"IPv6 two gaps", "http://[1::2::3]", "origin-ipv6", NULL},
	{"IPv6 nine groups", "http://[1:2:3:4:5:6:7:8:9]", "origin-ipv6", NULL},
	{"IPv4 short", "http://127.1", "origin-ipv4", "write http://127.0.0.1"},
	{"IPv4 hexadecimal", "http://0x7f.0.0.1", "origin-ipv4",
	    "write http://127.0.0.1"},
	{"IPv4 one number", "http://2130706433", "origin-ipv4",
	    "write http://127.0.0.1"},
	{"IPv4 octal", "http://192.168.01.1", "origin-ipv4",
	    "write http://192.168.1.1"},
	{"IPv4 trailing dot", "http://127.0.0.1.", "origin-ipv4",
	    "write http://127.0.0.1"},
	{"IPv4 over 255", "http://1.2.3.256", "origin-ipv4", NULL},
	{"IPv4 five numbers", "http://1.2.3.4.5", "origin-ipv4", NULL},
	{"number as last label", "http://a.1", "origin-ipv4", NULL},
	{"port 0", "https://app.example.com:0", "origin-port", NULL},
	{"port over", "https://app.example.com:65536", "origin-port", NULL},
	{"port huge", "https://app.example.com:4294967296", "origin-port",
	    NULL},
	{"port empty", "https://app.example.com:", "origin-port",
	    "write https://app.example.com"},
	{"port leading zero", "https://app.example.com:08443", "origin-port",
	    "write https://app.example.com:8443"},
	{"port letters", "https://app.example.com:http", "origin-port", NULL},
	{"label of 64",
	    "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaa.com", "origin-label-long", NULL},
	{"empty label", "https://app..example.com", "origin-label-empty", NULL},
	{"leading dot", "https://.example.com", "origin-label-empty", NULL},
	{"only a dot", "https://.", "origin-label-empty", NULL},
	{"bad punycode", "https://xn--a.example", "origin-punycode", NULL},
	{"bad punycode that overflows", "https://xn--99999999999.example",
	    "origin-punycode", NULL},
	{"file", "file:///", "origin-file origin-host-missing "
	    "origin-trailing-slash", NULL},
	{"file with host", "file://host", "origin-file", NULL},
	{"web socket", "wss://app.example.com", "origin-scheme-unsendable",
	    NULL},
	{"no scheme", "app.example.com", "origin-scheme-missing",
	    "write https://app.example.com"},
	{"no scheme, port", "localhost:3000", "origin-scheme-missing",
	    "write https://localhost:3000"},
	{"one slash", "https:/app.example.com", "origin-scheme-missing",
	    "write scheme://host, as in https://app.example.com"},
	{"blob", "blob:https://app.example.com", "origin-scheme-missing",
	    "write scheme://host, as in https://app.example.com"},
	{"upper-case null", "NULL", "origin-upper-case", "write null"},
	{"empty host", "https://", "origin-host-missing", NULL},
	{"space in host", "https://a b.example", "origin-control", NULL},
	{"control byte", "https://a\x01.example", "origin-control", NULL},
	{"percent escape", "https://a%2e.example", "origin-host", NULL},
	{"comma", "https://a,b.example", "origin-host", NULL},
	{"backslash", "https://app.example.com\\x", "origin-path",
	    "write https://app.example.com"},
	{"two stars", "**", "origin-asterisk", NULL},
	{"star for a scheme", "*://app.example.com", "origin-asterisk", NULL},
	{"star for the host", "https://*", "origin-asterisk", NULL},
	{"star for the host, port", "https://*:8443", "origin-asterisk", NULL},
	{"star in a label", "https://a*.example.com", "origin-asterisk", NULL},
	{"star in the middle", "https://a.*.example.com", "origin-asterisk",
	    NULL},
	{"two stars in front", "https://*.*.example.com", "origin-asterisk",
	    NULL},
	{"star at the end", "https://example.*", "origin-asterisk", NULL},
	{"star without a dot", "https://*example.com", "origin-asterisk",
	    NULL},
	{"star in a port", "https://app.example.com:8*", "origin-asterisk",
	    NULL},
	{"star before IPv4", "https://*.1.2.3.4", "origin-asterisk", NULL},
	{"bad scheme", "1http://app.example.com", "origin-scheme", NULL},
	{"empty", "", "origin-scheme-missing", NULL},
};

Test(origin, accepts)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct diag *d = diag_new();
		struct origin o;
		(void)diag_file(d, "f");
		int ret = origin_parse(str_of(good[i].text), &o, d,
		    (struct place){0, 1, 1});
		char *ids = unit_ids(d);
		cr_expect(ret == 0, "%s: accepted", good[i].about);
		cr_expect(o.kind == good[i].kind, "%s: kind", good[i].about);
		cr_expect_str_eq(ids, good[i].ids, "%s: warnings %s",
		    good[i].about, ids);
		free(ids);
		diag_free(d);
	}
}

Test(origin, refuses)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct diag *d = diag_new();
		struct origin o;
		size_t count;
		(void)diag_file(d, "f");
		int ret = origin_parse(str_of(bad[i].text), &o, d,
		    (struct place){0, 1, 1});
		char *ids = unit_ids(d);
		const struct diag_item *items = diag_items(d, &count);
		cr_expect(ret == -1, "%s: refused", bad[i].about);
		cr_expect_str_eq(ids, bad[i].ids, "%s: ids %s", bad[i].about,
		    ids);
		cr_assert(count > 0, "%s: says why", bad[i].about);
		cr_expect(items[0].hint[0] != '\0', "%s: has a hint",
		    bad[i].about);
		if (bad[i].hint != NULL)
			cr_expect_str_eq(items[0].hint, bad[i].hint,
			    "%s: hint '%s'", bad[i].about, items[0].hint);
		free(ids);
		diag_free(d);
	}
}

Test(origin, what_is_suggested_is_accepted)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct diag *d = diag_new();
		struct origin o;
		size_t count;
		(void)diag_file(d, "f");
		(void)origin_parse(str_of(bad[i].text), &o, d,
		    (struct place){0, 1, 1});
		const struct diag_item *items = diag_items(d, &count);
		for (size_t j = 0; j < count; j++)
			if (strncmp(items[j].hint, "write http", 10) == 0 &&
			    strchr(items[j].hint + 6, ' ') == NULL)
				cr_expect(origin_parse(
				    str_of(items[j].hint + 6), &o, NULL,
				    (struct place){0, 0, 0}) == 0,
				    "%s: '%s'", bad[i].about, items[j].hint);
		diag_free(d);
	}
}

Test(origin, columns_point_at_the_fault)
{
	struct diag *d = diag_new();
	struct origin o;
	size_t count;

	(void)diag_file(d, "f");
	(void)origin_parse(STR("https://a.example:443/"), &o, d,
	    (struct place){0, 7, 10});
	const struct diag_item *items = diag_items(d, &count);
	cr_assert(count == 2);
	cr_expect(items[0].at.line == 7 && items[0].at.col == 10 + 18);
	cr_expect(items[1].at.col == 10 + 21);
	diag_free(d);
}

Test(origin, host_of_253_bytes)
{
	char text[400] = "https://";
	struct origin o;
	struct place at = {0, 0, 0};

	for (size_t i = 0; i < 253; i++)
		text[8 + i] = i % 50 == 49 ? '.' : 'a';
	cr_expect(origin_parse(str_of(text), &o, NULL, at) == 0);
	text[8 + 253] = 'a';
	cr_expect(origin_parse(str_of(text), &o, NULL, at) == -1);
}

Test(origin, canonical)
{
	static const struct {
		const char *text, *canonical; /* NULL: there is none */
	} rows[] = {
		{"HTTPS://A.Example:0443/x", "https://a.example"},
		{"http://[1:0::1]:8080", "http://[1::1]:8080"},
		{"https://*.A.example:*", "https://*.a.example:*"},
		{"https://A..example", "https://a..example"},
		{"https://a.example:x", NULL},
		{"https://1.2.3.999", NULL},
		{"a.example", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char space[64];
		struct buf b = BUF(space);
		bool any = origin_canonical(str_of(rows[i].text), &b);

		cr_expect(any == (rows[i].canonical != NULL), "%s",
		    rows[i].text);
		if (any && rows[i].canonical != NULL)
			cr_expect(str_eq(buf_str(&b),
			    str_of(rows[i].canonical)), "%s", rows[i].text);
	}
}

/* ---- the Origin of a request ------------------------------------------- */

static const struct {
	const char *about, *text;
	bool splits;
	int port;
} requests[] = {
	{"plain", "https://a.example", true, ORIGIN_PORT_DEFAULT},
	{"port", "https://a.example:8443", true, 8443},
	{"default port", "https://a.example:443", false, 0},
	{"http on 443", "http://a.example:443", true, 443},
	{"empty port", "https://a.example:", false, 0},
	{"leading zero", "https://a.example:080", false, 0},
	{"port over", "https://a.example:65536", false, 0},
	{"path", "https://a.example/", false, 0},
	{"userinfo", "https://u@a.example", false, 0},
	{"upper case", "https://A.example", false, 0},
	{"upper-case scheme", "Https://a.example", false, 0},
	{"star", "https://*.example", false, 0},
	{"null", "null", false, 0},
	{"empty", "", false, 0},
	{"IPv6", "http://[::1]:80", false, 0},
	{"IPv6 port", "http://[::1]:81", true, 81},
	{"IPv6 open", "http://[::1", false, 0},
	{"space", "https://a example", false, 0},
};

Test(origin, splits_requests)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct origin o;
		bool ok = origin_split(str_of(requests[i].text), &o);
		cr_expect(ok == requests[i].splits, "%s", requests[i].about);
		if (ok)
			cr_expect(o.port == requests[i].port, "%s: port",
			    requests[i].about);
	}
}

Test(origin, loopback_and_secure)
{
	static const struct {
		const char *text;
		bool loopback, secure;
	} rows[] = {
		{"http://localhost", true, true},
		{"http://app.localhost:3000", true, true},
		{"http://*.localhost", true, true},
		{"http://localhost:*", true, true},
		{"http://127.3.2.1", true, true},
		{"http://[::1]:8080", true, true},
		{"http://localhost.example", false, false},
		{"http://notlocalhost", false, false},
		{"http://128.0.0.1", false, false},
		{"http://127.example.com", false, false},
		{"http://[::2]", false, false},
		{"http://a.example", false, false},
		{"https://a.example", false, true},
		{"chrome-extension://abcdef", false, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct origin o;
		cr_assert(origin_parse(str_of(rows[i].text), &o, NULL,
		    (struct place){0, 0, 0}) == 0, "%s", rows[i].text);
		cr_expect(origin_is_loopback(&o) == rows[i].loopback, "%s",
		    rows[i].text);
		cr_expect(origin_is_secure(&o) == rows[i].secure, "%s",
		    rows[i].text);
	}
}
