#include "config.h"

#include "export.h"

#include <regex.h>
#include <stdlib.h>

#include "export_regex.h"
#include "path.h"
#include "target.h"
#include "unit.h"

/* Compiles what write prints, between anchors, as an expression that the C
 * library knows; the servers' engines read it alike. */
static void
compile(regex_t *re, void (*write)(FILE *to, const void *what),
    const void *what)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	cr_assert(to != NULL);
	putc('^', to);
	write(to, what);
	putc('$', to);
	cr_assert(fclose(to) == 0);
	cr_assert(regcomp(re, text, REG_EXTENDED | REG_NOSUB) == 0, "%s", text);
	free(text);
}

static bool
matches(const regex_t *re, const char *text)
{
	return regexec(re, text, 0, NULL, 0) == 0;
}

static void
write_origin(FILE *to, const void *what)
{
	regex_origin(to, what);
}

/* ---- origins ----------------------------------------------------------- */

static struct origin_set *
set_of(const char *entry, struct origin *o)
{
	struct origin_set *s = origin_set_new();
	struct place at = {0, 1, 1}, earlier;

	cr_assert(s != NULL);
	cr_assert(origin_parse(str_of(entry), o, NULL, at) == 0, "%s", entry);
	cr_assert(origin_set_add(s, o, at, &earlier) == ORIGIN_ADDED);
	return s;
}

static const char *const entries[] = {
	"https://app.example.com", "https://app.example.com:8443",
	"https://*.example.com", "https://*.example.com:8443",
	"https://*.example.com:*", "http://localhost:*", "http://[::1]:*",
	"http://[::1]:9090", "http://127.0.0.1:*", "ftp://h:*", "null",
	"web+a.b-c://*.h", "x-y://h:*",
	"https://*.a_b.example", "https://*.example.com.",
};

static const char *const origins[] = {
	"https://app.example.com", "https://appxexample.com", "null", "nulls",
	"https://app.example.com:8443", "https://a.example.com",
	"https://b.a.example.com", "https://example.com",
	"https://.example.com",
	"https://a..example.com", "https://-a.example.com",
	"https://a-.example.com", "https://a-b.example.com",
	"https://a_.example.com", "https://A.example.com",
	"https://a.example.com:8443", "https://a.example.com:443",
	"https://a.example.com.", "https://a.example.com.evil",
	"https://evilexample.com", "https://a.example.com/", "http://[::1]",
	"http://[::1]:9090", "http://[::1]:80", "http://[::1]:81",
	"http://127.0.0.1:3000", "http://127x0.0.1:3000", "ftp://h:21",
	"ftp://h:22", "ftp://h", "web+a.b-c://x.h", "webba.b-c://x.h",
	"x-y://h:1", "https://x.a_b.example", "https://x.a.b.example", "", "*",
	"https://" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com",
	"https://" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com",
};

Test(export, origins_match_as_in_a_set)
{
	for (size_t i = 0; i < COUNT(entries); i++) {
		struct origin o;
		struct origin_set *s = set_of(entries[i], &o);
		regex_t re;

		compile(&re, write_origin, &o);
		for (size_t k = 0; k < COUNT(origins); k++)
			cr_expect(matches(&re, origins[k]) ==
			    origin_set_match(s, str_of(origins[k]), NULL),
			    "%s: %s", entries[i], origins[k]);
		regfree(&re);
		origin_set_free(s);
	}
}

/* Every port, and some that are none. */
Test(export, ports_match_as_in_a_set)
{
	static const char *const schemes[] = {"http", "https", "ftp", "x"};
	static const char *const odd[] = {":", ":00", ":01", ":080", ":-1",
	    ":1a", ":99999", ":655360", ":100000", ":1:2", ":+1", ": 1"};

	for (size_t i = 0; i < COUNT(schemes); i++) {
		char entry[32], text[32];
		struct origin_set *s;
		struct origin o;
		regex_t re;

		snprintf(entry, sizeof entry, "%s://h:*", schemes[i]);
		s = set_of(entry, &o);
		compile(&re, write_origin, &o);
		for (int port = 0; port <= 66000; port++) {
			snprintf(text, sizeof text, "%s://h:%d", schemes[i],
			    port);
			cr_assert(matches(&re, text) ==
			    origin_set_match(s, str_of(text), NULL), "%s",
			    text);
		}
		for (size_t k = 0; k < COUNT(odd); k++) {
			snprintf(text, sizeof text, "%s://h%s", schemes[i],
			    odd[k]);
			cr_expect(!matches(&re, text), "%s", text);
		}
		regfree(&re);
		origin_set_free(s);
	}
}

Test(export, long_origins)
{
	char text[320];
	regex_t re;

	cr_assert(regcomp(&re, REGEX_LONG_ORIGIN, REG_EXTENDED) == 0);
	for (size_t n = 250; n < 260; n++) {
		memcpy(text, "https://", 8);
		memset(text + 8, 'a', n);
		text[8 + n] = '\0';
		cr_expect(matches(&re, text) == (n > 253), "%zu", n);
		text[8 + n - 1] = '.';
		cr_expect(matches(&re, text) == (n > 254), "%zu with dot", n);
		memcpy(text + 8 + n, ":8443", 6);
		cr_expect(matches(&re, text) == (n > 254), "%zu with port", n);
	}
	regfree(&re);
}

/* An entry that nothing matches is left out. */
Test(export, impossible_patterns)
{
	struct origin o;

	origin_set_free(set_of("https://*.-a.example", &o));
	cr_expect(!regex_origin_possible(&o));
	origin_set_free(set_of("http://-a.example:*", &o));
	cr_expect(!regex_origin_possible(&o));
	origin_set_free(set_of("https://-a.example", &o));
	cr_expect(regex_origin_possible(&o));
	origin_set_free(set_of("https://*.a.example.", &o));
	cr_expect(regex_origin_possible(&o));
}

/* ---- paths ------------------------------------------------------------- */

struct prefix {
	const char *path;
	enum path_form form;
	enum path_reading reading;
};

static void
write_path(FILE *to, const void *what)
{
	const struct prefix *p = what;

	regex_path(to, str_of(p->path), p->form, p->reading);
	fputs(".*", to);
}

/* A path without dot segments as the expressions read it. */
static struct str
path_of(const char *raw, enum path_reading reading, char *space)
{
	struct target t;
	struct str text;
	size_t n = 0;

	target_split(str_of(raw), &t);
	cr_assert(path_plain(t.path, space, 64, &text), "%s", raw);
	for (size_t i = 0; i < text.n; i++) {
		if (space[i] == ';' && reading == PATH_PLAIN)
			while (i < text.n && space[i] != '/')
				i++;
		if (i < text.n && (space[i] != '/' || n == 0 ||
		    space[n - 1] != '/'))
			space[n++] = space[i];
	}
	return (struct str){space, n};
}

/* A raw path that has no dot segments and is not odd: the expressions must
 * match where it is under the prefix. */
Test(export, paths_match_as_prefixes)
{
	static const char *const prefixes[] = {"/", "/a", "/a/b", "/a.c/d+e",
	    "/a-b_c/~x"};
	static const char *const paths[] = {"/", "/a", "/a/", "/a/b", "/a/b/c",
	    "/ab", "/A", "/b/a", "//a", "/a//b", "///a///b", "/%61", "/%61/%62",
	    "/a%62", "/a;x", "/a;x/b", "/a;x/b;y/c", "/;a", "/;/a", "/;x/a/b",
	    "/a/;x/b", "/a%3bx/b", "/%3B/a", "/a.c/d+e", "/axc/d+e", "/a.c/dde",
	    "/a%2ec/d%2Be", "/a-b_c/~x", "/a-b_c/%7Ex", "/a%20", "/a?b",
	    "/?/a", "/a;b?c", "/;?/a/b"};

	for (int reading = PATH_LITERAL; reading <= PATH_PLAIN; reading++)
		for (size_t i = 0; i < COUNT(prefixes); i++) {
			struct prefix raw = {prefixes[i], PATH_RAW,
			    (enum path_reading)reading};
			regex_t re;

			compile(&re, write_path, &raw);
			for (size_t k = 0; k < COUNT(paths); k++) {
				char space[64];
				struct str path = path_of(paths[k], raw.reading,
				    space);

				cr_expect(matches(&re, paths[k]) ==
				    path_under(path, str_of(prefixes[i])),
				    "%s at %s, reading %d", prefixes[i],
				    paths[k], reading);
			}
			regfree(&re);
		}
}

/* What the servers' expressions give no policy. */
Test(export, odd_paths)
{
	static const struct {
		const char *path;
		bool odd, dots;
	} cases[] = {
		{"/", false, false}, {"/a%20b", false, false},
		{"/a%2fb", true, false}, {"/a%2Fb", true, false},
		{"/a%5cb", true, false}, {"/a%5Cb", true, false},
		{"/a%00", true, false}, {"/a%1f", true, false},
		{"/a%7f", true, false}, {"/a%20", false, false},
		{"/a%", true, false}, {"/a%4", true, false},
		{"/a%4g", true, false}, {"/a%g4", true, false},
		{"/a%41", false, false}, {"/a?%2f", false, false},
		{"/a%?b", true, false}, {"/a%4?b", true, false},
		{"/%c0%af", true, false}, {"/%C1%81", true, false},
		{"/%e0%80%af", true, false}, {"/%E0%a0%80", false, false},
		{"/%f0%80%80%af", true, false}, {"/%f0%90%80%80", false, false},
		{"/%c3%a4", false, false}, {"/..;/a", true, false},
		{"/.;a", true, false}, {"/a/%2e%2E%3b/b", true, false},
		{"/..a;", false, false}, {"/...", false, false},
		{"/a/../b", false, true}, {"/a/.", false, true},
		{"/./a?b", false, true}, {"/a/%2e%2e/b", false, true},
		{"/a//../b", true, false}, {"/a/../b//c", true, false},
		{"//./", true, false}, {"/a/..//b", true, false},
		{"//a/..?", true, false}, {"//a", false, false},
	};

	for (int form = PATH_DECODED; form <= PATH_RAW; form++)
		for (size_t i = 0; i < COUNT(cases); i++) {
			bool odd = false;

			/* Those with \xHH are not for the C library; what they
			 * are about cannot be in a C string of this table. */
			for (const char *const *text =
			    regex_odd((enum path_form)form); *text != NULL;
			    text++) {
				regex_t re;

				if (strstr(*text, "\\x") != NULL)
					continue;
				cr_assert(regcomp(&re, *text, REG_EXTENDED |
				    REG_NOSUB) == 0, "%s", *text);
				odd = odd || matches(&re, cases[i].path);
				regfree(&re);
			}
			cr_expect(odd == (cases[i].odd ||
			    (cases[i].dots && form == PATH_RAW)), "%s, form %d",
			    cases[i].path, form);
		}
}

/* ---- options ----------------------------------------------------------- */

Test(export, sockets)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"unix:/run/p.sock", true}, {"unix:/run/a-b_c+d@e/p", true},
		{"unix:run/p.sock", false}, {"unix:/", false}, {"unix:", false},
		{"unix:/a b", false}, {"unix:/a;b", false},
		{"unix:/a\"b", false}, {"unix:/a$b", false},
		{"unix:/a:b", false}, {"unix:/a\nb", false},
		{"127.0.0.1:9000", true}, {"localhost:1", true},
		{"h.example.com:65535", true}, {"[::1]:9000", true},
		{"127.0.0.1", false}, {":9000", false}, {"h:", false},
		{"h:0", false}, {"h:01", false}, {"h:65536", false},
		{"h:99999999999", false}, {"h:1a", false}, {"::1:9000", false},
		{"h/x:1", false}, {"H:1", false}, {"", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct export_socket s;

		cr_expect((export_socket_parse(cases[i].text, &s) == 0) ==
		    cases[i].good, "%s", cases[i].text);
	}
}

Test(export, servers_have_names_and_parts)
{
	const struct export_server *s;
	size_t i = 0;

	for (; (s = export_server_get(i)) != NULL; i++) {
		cr_expect(export_server_named(str_of(s->name)) == s);
		cr_expect(s->parts[0].name != NULL);
		cr_expect(s->parts[EXPORT_PARTS_MAX - 1].name == NULL);
		cr_expect(s->can_ask || s->no_ask[0] != '\0');
	}
	cr_expect(i == 5);
	cr_expect(export_server_named(STR("iis")) == NULL);
}
