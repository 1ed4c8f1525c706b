#include "config.h"

#include "export/export.h"

#include <regex.h>
#include <stdlib.h>

#include "export/regex.h"
#include "unit.h"

/* The C library knows neither \\xHH, none of which is of a byte that means
 * something, nor (?:. */
static void
turn_escapes(char *text)
{
	for (char *p = text; (p = strstr(p, "\\x")) != NULL; p++) {
		char digits[3] = {p[2], p[3], '\0'};

		*p = (char)strtol(digits, NULL, 16);
		memmove(p + 1, p + 4, strlen(p + 4) + 1);
	}
	for (char *p = text; (p = strstr(p, "(?:")) != NULL; p++)
		memmove(p + 1, p + 3, strlen(p + 3) + 1);
}

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
	turn_escapes(text);
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

/* ---- hosts ------------------------------------------------------------- */

static void
write_host(FILE *to, const void *what)
{
	const char *host = what;
	bool subdomains = host[0] == '*' && host[1] != '\0';

	regex_host(to, str_of(host[0] != '*' ? host :
	    host + (subdomains ? 2 : 1)), subdomains, HOST_SHORT);
}

Test(export, hosts)
{
	static const char *const policies[] = {"*", "*.example.com",
	    "api.example.com", "[::1]"};
	static const struct {
		const char *host;
		bool matched[4]; /* by each of them */
	} cases[] = {
		{"api.example.com", {true, true, true, false}},
		{"api.example.com.", {true, true, true, false}},
		{"api.example.com:8080", {true, true, true, false}},
		{"api.example.com.:8080", {true, true, true, false}},
		{"api.example.com:", {true, true, true, false}},
		{"api.example.com:123456", {false, false, false, false}},
		{"api.example.com:x", {false, false, false, false}},
		{"api.example.com..", {false, false, false, false}},
		{"b.a_1.example.com", {true, true, false, false}},
		{"-a.example.com", {false, false, false, false}},
		{"a-.example.com", {false, false, false, false}},
		{".example.com", {false, false, false, false}},
		{"a!b.example.com", {false, false, false, false}},
		{"example.com", {true, false, false, false}},
		{"x", {true, false, false, false}},
		{"", {false, false, false, false}},
		{"[::1]", {true, false, false, true}},
		{"[::1]:80", {true, false, false, true}},
		{"[::1].", {false, false, false, false}},
		{"[::]", {true, false, false, false}},
		{"[1:2:3:4:5:6:7:8]", {true, false, false, false}},
		{"[1:2:3:4:5:6:7]", {false, false, false, false}},
		{"[1:2:3:4:5:6:7:8:9]", {false, false, false, false}},
		{"[1::8]", {true, false, false, false}},
		{"[1:2:3:4:5:6:7::]", {true, false, false, false}},
		{"[1::2:3:4:5:6:7:8]", {false, false, false, false}},
		{"[1::2::3]", {false, false, false, false}},
		{"[:1]", {false, false, false, false}},
		{"[12345::]", {false, false, false, false}},
		{"[x]", {false, false, false, false}},
	};

	for (size_t i = 0; i < COUNT(policies); i++) {
		regex_t re;

		compile(&re, write_host, policies[i]);
		for (size_t k = 0; k < COUNT(cases); k++)
			cr_expect(matches(&re, cases[k].host) ==
			    cases[k].matched[i], "%s: %s", policies[i],
			    cases[k].host);
		regfree(&re);
	}
}

/* ---- paths ------------------------------------------------------------- */

static void
write_path(FILE *to, const void *what)
{
	regex_path(to, str_of(what));
	fputs(".*", to);
}

static void
write_ambiguous_path(FILE *to, const void *what)
{
	regex_ambiguous_path(to, str_of(what));
	fputs(".*", to);
}

Test(export, paths)
{
	static const struct {
		const char *prefix, *path;
		char how; /* under it, ambiguous, or neither */
	} cases[] = {
		{"/", "/", 'u'}, {"/", "/x", 'u'}, {"/a", "/a", 'u'},
		{"/a", "/a/", 'u'}, {"/a", "/a?x", 'u'}, {"/a", "/a/b", 'u'},
		{"/a", "/a//b", 'u'}, {"/a", "/a/;x", 'u'}, {"/a", "/ab", '-'},
		{"/a", "/A", '-'}, {"/a", "/", '-'}, {"/a", "/b/a", '-'},
		{"/a", "/?/a", '-'}, {"/a", "/%61", 'u'}, {"/a", "/%61/x", 'u'},
		{"/a", "/%41", '-'}, {"/a", "/a;x", 'a'}, {"/a", "/a%3bx", 'a'},
		{"/a", "/a%3B", 'a'}, {"/a", "/a\\b", 'a'},
		{"/a", "/a%5cb", 'a'}, {"/a", "/a%2fb", 'a'},
		{"/a", "/a%2Fb", 'a'}, {"/a", "//a", 'a'}, {"/a", "//x", 'a'},
		{"/a", "/;x/a", 'a'}, {"/a", "/\\a", 'a'}, {"/a", "/%2fa", 'a'},
		{"/a", "/b;x/a", '-'}, {"/a", "/b//a", '-'},
		{"/a/b", "/a/b", 'u'}, {"/a/b", "/a//b", 'a'},
		{"/a/b", "/a;x/b", 'a'}, {"/a/b", "/a%2fb", 'a'},
		{"/a/b", "/a/;x/b", 'a'}, {"/a/b", "/a/%5cb", 'a'},
		{"/a/b", "/a/b;", 'a'}, {"/a/b", "/a/c", '-'},
		{"/a/b", "/a", '-'}, {"/a/b", "/a/", '-'},
		{"/a/b", "/a/b%2f", 'a'}, {"/a/b", "/a/bc//", '-'},
		{"/j.k", "/j.k", 'u'}, {"/j.k", "/jxk", '-'},
		{"/j.k", "/%6A%2ek", 'u'}, {"/j.k", "/%6a%2E%6b", 'u'},
		{"/\xc3\xbc", "/%c3%bc", 'u'}, {"/\xc3\xbc", "/%C3%BC/x", 'u'},
		{"/\xc3\xbc", "/%c3%Bc", 'u'}, {"/\xc3\xbc", "/%c3%9c", '-'},
		{"/\xc3\xbc", "/%C3%BC;", 'a'},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		regex_t under, ambiguous;

		compile(&under, write_path, cases[i].prefix);
		compile(&ambiguous, write_ambiguous_path, cases[i].prefix);
		cr_expect(matches(&under, cases[i].path) ==
		    (cases[i].how == 'u'), "%s: %s", cases[i].prefix,
		    cases[i].path);
		if (strlen(cases[i].prefix) > 1)
			cr_expect(matches(&ambiguous, cases[i].path) ==
			    (cases[i].how == 'a'), "%s: %s", cases[i].prefix,
			    cases[i].path);
		regfree(&under);
		regfree(&ambiguous);
	}
}

Test(export, odd_paths)
{
	static const char *const odd[] = {
		"/..", "/.", "/x/../y", "/%2e%2E/", "/.%2e", "/x/.?y",
		"/..;x", "/.;", "/%2e%3bx", "/..%3B", "/..%2fx", "/x%2f..",
		"/x%5c.", "/x\\..\\y", "/..\\", "/x%2F%2e%2e%5Cy", "/%252e",
		"/%25%32e", "/%252%65", "/%25%46%66", "/%00", "/%1f", "/%1F",
		"/%7f", "/%7F", "/%", "/%4", "/%zz", "/%4z", "/x%?y", "/%2?",
		"/#", "/x#y", "/\x01", "/\x7f", "/\xc3\xbc", "/ ",
	};
	static const char *const even[] = {
		"/", "/x", "//", "/...", "/..x", "/.x", "/x..", "/x;..",
		"/%2e%2e%2e", "/x%2fy", "/x%5cy", "\\x", "/x;y", "/%3b", "/%25",
		"/%25x", "/%252", "/100%25/x", "/%C3%BC", "/%80", "/%7e",
		"/x?/..", "/x?%", "/x?#\x01", "/%20", "/%23", "/%3f", "/..%23",
	};
	char *text = strdup(regex_odd_path);
	regex_t re;

	cr_assert(text != NULL);
	turn_escapes(text);
	cr_assert(regcomp(&re, text, REG_EXTENDED | REG_NOSUB) == 0);
	for (size_t i = 0; i < COUNT(odd); i++)
		cr_expect(matches(&re, odd[i]), "%s", odd[i]);
	for (size_t i = 0; i < COUNT(even); i++)
		cr_expect(!matches(&re, even[i]), "%s", even[i]);
	regfree(&re);
	free(text);
}

/* How many repetitions without a bound an expression has, and how many of them
 * never give back what they took. */
static size_t
count_repetitions(const char *text, size_t *possessive)
{
	size_t n = 0;
	bool bracket = false;

	*possessive = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\') {
			p++;
		} else if (bracket) {
			bracket = *p != ']';
		} else if (*p == '[') {
			bracket = true;
		} else if (*p == '*' || *p == '+') {
			n++;
			*possessive += p[1] == '+';
			p += p[1] == '+';
		} else if (*p == '{') {
			cr_assert(strchr(p, ',') == NULL || p[strcspn(p, ",") +
			    1] != '}', "%s", text);
		}
	}
	return n;
}

/* Every expression for a path takes time in proportion to the path, whatever
 * it is: none takes another way through what it has passed. */
Test(export, expressions_of_paths_are_linear)
{
	static const char *const prefixes[] = {"/", "/a", "/a.b/c+d/*e",
	    "/\xc3\xbc/x"};
	size_t possessive;

	cr_expect(count_repetitions(regex_clean_path, &possessive) == 5);
	cr_expect(possessive == 5);
	cr_expect(strncmp(regex_clean_path, "^(?=/)", 6) == 0);
	cr_expect(count_repetitions(regex_odd_path, &possessive) == 1);
	cr_expect(strncmp(regex_odd_path, "^[^?]*(", 7) == 0);
	for (size_t i = 0; i < COUNT(prefixes); i++)
		for (int ambiguous = 0; ambiguous < 2; ambiguous++) {
			char *text = NULL;
			size_t n;
			FILE *to = open_memstream(&text, &n);

			cr_assert(to != NULL);
			(ambiguous ? regex_ambiguous_path : regex_path)(to,
			    str_of(prefixes[i]));
			cr_assert(fclose(to) == 0);
			cr_expect(count_repetitions(text, &possessive) == 0,
			    "%s", text);
			free(text);
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
