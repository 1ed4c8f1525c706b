#include "config.h"

#include "browser/url.h"

#include <stdlib.h>

#include "unit.h"

static const struct {
	const char *text, *whole, *origin, *authority, *target, *path;
} good[] = {
	{"https://api.example.com", "https://api.example.com/",
	    "https://api.example.com", "api.example.com", "/", "/"},
	{"HTTPS://API.Example.com:443/V1?Q#f",
	    "https://api.example.com/V1?Q", "https://api.example.com",
	    "api.example.com", "/V1?Q", "/V1"},
	{"http://h:80/", "http://h/", "http://h", "h", "/", "/"},
	{"http://h:443/", "http://h:443/", "http://h:443", "h:443", "/", "/"},
	{"http://h:/x", "http://h/x", "http://h", "h", "/x", "/x"},
	{"https://h:08443/x", "https://h:8443/x", "https://h:8443", "h:8443",
	    "/x", "/x"},
	{"http://[::1]:9090/a", "http://[::1]:9090/a", "http://[::1]:9090",
	    "[::1]:9090", "/a", "/a"},
	{"http://[0:0::1]", "http://[::1]/", "http://[::1]", "[::1]", "/",
	    "/"},
	{"http://0x7f.1/", "http://127.0.0.1/", "http://127.0.0.1",
	    "127.0.0.1", "/", "/"},
	{"https://b\xc3\xbc" "cher.example/", "https://xn--bcher-kva.example/",
	    "https://xn--bcher-kva.example", "xn--bcher-kva.example", "/",
	    "/"},
	{"https://h?a=1", "https://h/?a=1", "https://h", "h", "/?a=1", "/"},
	{"https://h#a", "https://h/", "https://h", "h", "/", "/"},
	{"https://h/a/./b/../c", "https://h/a/c", "https://h", "h", "/a/c",
	    "/a/c"},
	{"https://h/a/..", "https://h/", "https://h", "h", "/", "/"},
	{"https://h/a/b/..", "https://h/a/", "https://h", "h", "/a/", "/a/"},
	{"https://h/../../a", "https://h/a", "https://h", "h", "/a", "/a"},
	{"https://h/a/%2E%2e/b", "https://h/b", "https://h", "h", "/b", "/b"},
	{"https://h/a/.", "https://h/a/", "https://h", "h", "/a/", "/a/"},
	{"https://h/a/...", "https://h/a/...", "https://h", "h", "/a/...",
	    "/a/..."},
	{"https://h\\a\\b", "https://h/a/b", "https://h", "h", "/a/b",
	    "/a/b"},
	{"https://h/a//b/", "https://h/a//b/", "https://h", "h", "/a//b/",
	    "/a//b/"},
	{"https://h/a b\xc3\xa9?c d'\"", "https://h/a%20b%C3%A9?c%20d%27%22",
	    "https://h", "h", "/a%20b%C3%A9?c%20d%27%22", "/a%20b%C3%A9"},
	{"https://h/a%2fb?x=/../y", "https://h/a%2fb?x=/../y", "https://h",
	    "h", "/a%2fb?x=/../y", "/a%2fb"},
};

Test(url, good)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct arena a = {NULL};
		struct url u;

		cr_assert(url_parse(str_of(good[i].text), &u, &a, NULL,
		    (struct place){0, 0, 0}) == 0, "%s", good[i].text);
		cr_expect(str_eq(u.text, str_of(good[i].whole)), "%s: %.*s",
		    good[i].text, STR_ARG(u.text));
		cr_expect(str_eq(u.origin, str_of(good[i].origin)),
		    "%s: %.*s", good[i].text, STR_ARG(u.origin));
		cr_expect(str_eq(u.authority, str_of(good[i].authority)),
		    "%s: %.*s", good[i].text, STR_ARG(u.authority));
		cr_expect(str_eq(u.target, str_of(good[i].target)),
		    "%s: %.*s", good[i].text, STR_ARG(u.target));
		cr_expect(str_eq(u.path, str_of(good[i].path)), "%s: %.*s",
		    good[i].text, STR_ARG(u.path));
		cr_expect(str_starts(u.authority, u.host));
		arena_clear(&a);
	}
}

Test(url, bad)
{
	static const struct {
		struct str text;
		const char *id;
	} rows[] = {
		{{"", 0}, "url-scheme"},
		{{"/v1", 3}, "url-scheme"},
		{{"api.example.com", 15}, "url-scheme"},
		{{"ftp://h/", 8}, "url-scheme"},
		{{"https:/h", 8}, "url-scheme"},
		{{"https://", 8}, "url-host"},
		{{"https:///x", 10}, "url-host"},
		{{"https://a..b/", 13}, "url-host"},
		{{"https://a b/", 12}, "url-host"},
		{{"https://*.a/", 12}, "url-host"},
		{{"https://1.2.3.4.5/", 18}, "url-host"},
		{{"https://[::1/", 13}, "url-host"},
		{{"https://u@h/", 12}, "url-userinfo"},
		{{"https://u:p@h/", 14}, "url-userinfo"},
		{{"https://h:0/", 12}, "url-port"},
		{{"https://h:65536/", 16}, "url-port"},
		{{"https://h:99999999999999999999/", 31}, "url-port"},
		{{"https://h:8a/", 13}, "url-port"},
		{{"https://h/\n", 11}, "url-control"},
		{{"https://h/\0", 11}, "url-control"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag *d = diag_new();
		struct arena a = {NULL};
		struct url u;
		char *ids;

		cr_expect(url_parse(rows[i].text, &u, &a, d,
		    (struct place){diag_file(d, "URL"), 0, 0}) == -1, "%.*s",
		    STR_ARG(rows[i].text));
		ids = unit_ids(d);
		cr_expect_str_eq(ids, rows[i].id, "%.*s",
		    STR_ARG(rows[i].text));
		free(ids);
		arena_clear(&a);
		diag_free(d);
	}
}
