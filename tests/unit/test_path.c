#include "config.h"

#include "core/target.h"

#include <stdlib.h>

#include "unit.h"

/* ---- readings ---------------------------------------------------------- */

static const struct {
	const char *about, *raw;
	const char *wanted; /* the readings in order of the alphabet */
} rows[] = {
	{"root", "/", "/"},
	{"ordinary", "/v1/items", "/v1/items"},
	{"ordinary bytes", "/~a-b_c.d!$&'()*+,=:@", "/~a-b_c.d!$&'()*+,=:@"},
	{"trailing slash", "/v1/", "/v1/"},
	{"decoded", "/%76%31", "/v1"},
	{"a space and 8-bit bytes", "/a%20b/caf%c3%a9", "/a b/caf\xc3\xa9"},
	{"raw 8-bit byte", "/caf\xe9", "/caf\xe9"},
	{"overlong UTF-8", "/a%c0%af", "/a\xc0\xaf"},
	{"dots in names", "/.a/b..c/...", "/.a/b..c/..."},
	{"dots", "/x/../admin", "/admin"},
	{"dot", "/a/./b/.", "/a/b/"},
	{"encoded dots", "/x/%2e%2E/admin", "/admin"},
	{"above the root", "/../admin", "/admin"},
	{"above the root, late", "/a/../../b", "/b"},
	{"slashes", "/a//b", "/a//b /a/b"},
	{"slashes and dots", "/a//../b", "/a/b /b"},
	{"a name in front", "//public/admin",
	    "//public/admin /admin /public/admin"},
	{"only a name", "//public", "/ //public /public"},
	{"three slashes", "///a/b", "///a/b /a/b /b"},
	{"encoded slash", "/group%2Fproject",
	    "/group%2Fproject /group/project"},
	{"encoded slash and dots", "/public/..%2fadmin",
	    "/admin /public/..%2fadmin"},
	{"backslash", "/a\\b", "/a/b /a\\b"},
	{"encoded backslash", "/public%5c..%5cadmin",
	    "/admin /public\\..\\admin"},
	{"parameters", "/v1;x=1/foo", "/v1/foo /v1;x=1/foo"},
	{"encoded parameters", "/v1%3b/foo", "/v1/foo /v1;/foo"},
	{"dots with parameters", "/public/..;/admin",
	    "/admin /public/..;/admin"},
	{"dots' parameters alone", "/a;b/..;/c", "/a;b/..;/c /c"},
	{"decoded twice", "/a/%252e%252e/b", "/a/%2e%2e/b /b"},
	{"three times", "/%252541", "/%2541 /%41"},
	{"encoded NUL", "/admin%00", "/admin /admin\x01"},
	{"two ends", "/a%0ab%09c", "/a /a\x01" "b /a\x01" "b\x01" "c"},
	{"raw number sign", "/admin#x", "/admin /admin#x"},
	{"encoded number sign", "/admin%23x", "/admin#x"},
	{"bad escape", "/public/%zz", "/public/%zz"},
	{"cut escape", "/public/%4", "/public/%4"},
	{"an escape out of two", "/%%34%31", "/%41 /A"},
	{"encoded question mark", "/a%3fb", "/a?b"},
};

struct texts {
	char items[PATH_STATES_MAX][100];
	size_t count;
};

static bool
take(void *ctx, struct str reading)
{
	struct texts *t = ctx;
	char *item = t->items[t->count];

	cr_assert(t->count < PATH_STATES_MAX && reading.n < 100);
	for (size_t i = 0; i < reading.n; i++)
		item[i] = is_control((unsigned char)reading.p[i]) ? 1 :
		    reading.p[i];
	item[reading.n] = '\0';
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->items[i], item) == 0)
			return true;
	t->count++;
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
expect_readings(const char *about, struct str raw, struct str more,
    bool decoded, const char *wanted)
{
	struct texts t = {.count = 0};
	char got[2000] = "";

	cr_expect(path_readings(raw, more, decoded, take, &t), "%s", about);
	qsort(t.items, t.count, sizeof t.items[0], compare);
	for (size_t i = 0; i < t.count; i++) {
		/* A space in a path is no end of it. */
		strcat(got, i > 0 ? " " : "");
		strcat(got, t.items[i]);
	}
	cr_expect_str_eq(got, wanted, "%s: %s", about, got);
}

Test(path, readings)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_readings(rows[i].about, str_of(rows[i].raw), STR(""),
		    false, rows[i].wanted);
}

Test(path, readings_of_two_parts)
{
	expect_readings("both", STR("/app"), STR("/v1"), true, "/app/v1");
	expect_readings("the second", STR(""), STR("/v1"), true, "/v1");
	expect_readings("decoded once already", STR("/a%2f"), STR("b"), true,
	    "/a%2fb /a/b");
	expect_readings("not more than twice", STR("/a%252f"), STR("b"), true,
	    "/a%252fb /a%2fb");
	expect_readings("a number sign that was encoded", STR("/a#"), STR("b"),
	    true, "/a#b");
	expect_readings("dots over the cut", STR("/a/."), STR("./b"), true,
	    "/b");
}

static bool
refuse(void *ctx, struct str reading)
{
	(void)reading;
	++*(int *)ctx;
	return false;
}

Test(path, readings_end)
{
	static const char *const none[] = {"", "x", "host:443", "?x", "\\a",
	    "%2fa"};
	int asked = 0;

	cr_expect(!path_readings(STR("/a%2fb"), STR(""), false, refuse,
	    &asked));
	cr_expect(asked == 1);
	for (size_t i = 0; i < COUNT(none); i++)
		cr_expect(!path_readings(str_of(none[i]), STR(""), false,
		    refuse, &asked), "%s", none[i]);
	cr_expect(asked == 1);
}

static bool
accept(void *ctx, struct str reading)
{
	(void)reading;
	++*(size_t *)ctx;
	return true;
}

/* What would take long is given up. */
Test(path, readings_are_bounded)
{
	enum { LONG = 200000 };
	char *text = malloc(LONG);
	struct str s = {text, LONG};
	size_t asked = 0;

	cr_assert(text != NULL);
	memset(text, 'a', LONG);
	text[0] = '/';
	cr_expect(path_readings(s, STR(""), false, accept, &asked));
	memcpy(text + 1, "%2f", 3);
	cr_expect(!path_readings(s, STR(""), false, accept, &asked));
	s.n = PATH_SPACE / 4;
	cr_expect(path_readings(s, STR(""), false, accept, &asked));
	/* Each slash the begin of another name. */
	memset(text, '/', LONG);
	s.n = 60000;
	asked = 0;
	cr_expect(!path_readings(s, STR(""), false, accept, &asked));
	cr_expect(asked < 20);
	memset(text, 'a', LONG);
	text[0] = '/';
	/* Each control byte another end, and each way with the others. */
	for (size_t i = 0; i < 31; i++)
		text[8 * i + 1] = (char)(i + 1);
	for (size_t i = 0; i < 31; i++)
		memcpy(text + 8 * i + 2, ";\\/%5c", 6);
	s.n = 260;
	asked = 0;
	cr_expect(!path_readings(s, STR(""), false, accept, &asked));
	cr_expect(asked <= PATH_STATES_MAX);
	free(text);
}

/* ---- the plain reading, prefixes --------------------------------------- */

Test(path, plain)
{
	static const struct {
		const char *raw, *plain;
	} cases[] = {
		{"/", "/"}, {"/a/", "/a/"}, {"/a//b", "/a/b"},
		{"/a//../b", "/b"}, {"/%61/%2e%2e/c", "/c"}, {"/..", "/"},
		{"/a/.", "/a/"}, {"/a;b", "/a;b"}, {"/a%2fb", "/a/b"},
		{"a", NULL}, {"", NULL},
	};
	char space[16];
	struct str out;

	for (size_t i = 0; i < COUNT(cases); i++) {
		bool good = path_plain(str_of(cases[i].raw), space,
		    sizeof space, &out);
		cr_expect(good == (cases[i].plain != NULL), "%s",
		    cases[i].raw);
		if (good && cases[i].plain != NULL)
			cr_expect(str_eq(out, str_of(cases[i].plain)),
			    "%s: %.*s", cases[i].raw, STR_ARG(out));
	}
	cr_expect(!path_plain(STR("/12345678901234567"), space, sizeof space,
	    &out));
}

Test(path, prefixes)
{
	static const struct {
		const char *path, *prefix;
		bool covers;
	} cases[] = {
		{"/v1", "/", true}, {"/", "/", true}, {"/v1", "/v1", true},
		{"/v1/x", "/v1", true}, {"/v1/", "/v1", true},
		{"/v10", "/v1", false}, {"/v", "/v1", false},
		{"/", "/v1", false}, {"/V1", "/v1", false},
		{"/x/v1", "/v1", false}, {"/v1/x", "/v1/x", true},
		{"/v1/xy", "/v1/x", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect(path_under(str_of(cases[i].path),
		    str_of(cases[i].prefix)) == cases[i].covers, "%s %s",
		    cases[i].path, cases[i].prefix);
}
