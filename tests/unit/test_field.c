#include "config.h"

#include "core/field.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

Test(field, tokens)
{
	static const char good[] = "!#$%&'*+-.^_`|~0123456789"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char c;

	cr_expect(!token_valid(STR("")));
	cr_expect(token_valid(str_of(good)));
	for (int i = 0; i < 256; i++) {
		c = (char)i;
		cr_expect(token_valid((struct str){&c, 1}) ==
		    (i != 0 && strchr(good, i) != NULL), "byte %d", i);
	}
}

Test(field, lists)
{
	static const struct {
		const char *text, *elements;
	} rows[] = {
		{"", ""}, {" \t", ""}, {",,, ,", ""},
		{"a", "a|"}, {"a,b", "a|b|"}, {" a , b ", "a|b|"},
		{",, a\t,,b ,", "a|b|"}, {"a b,c", "a b|c|"},
		{"a,", "a|"}, {",a", "a|"}, {"a;b", "a;b|"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str rest = str_of(rows[i].text), element;
		char got[64] = "";
		while (list_next(&rest, &element))
			snprintf(got + strlen(got), sizeof got - strlen(got),
			    "%.*s|", STR_ARG(element));
		cr_expect_str_eq(got, rows[i].elements, "'%s': %s",
		    rows[i].text, got);
	}
}

static void
expect_ids(int (*check)(struct str, struct diag *, struct place),
    const char *name, const char *ids)
{
	struct diag *d = diag_new();

	(void)diag_file(d, "f");
	int ret = check(str_of(name), d, (struct place){0, 1, 1});
	char *got = unit_ids(d);
	cr_expect_str_eq(got, ids, "'%s': %s", name, got);
	cr_expect(ret == (diag_errors(d) > 0 ? -1 : 0), "'%s': %d", name, ret);
	free(got);
	diag_free(d);
}

Test(field, forbidden_names)
{
	static const char *const methods[] = {"CONNECT", "connect", "TRACE",
	    "Trace", "TRACK", "track"};
	static const char *const requests[] = {"Accept-Charset",
	    "accept-encoding", "Connection", "Content-Length", "Cookie",
	    "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin",
	    "Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding",
	    "Upgrade", "Via", "Proxy-Authorization", "proxy-x", "Sec-Fetch-Mode",
	    "sec-x", "Access-Control-Request-Method",
	    "access-control-request-headers", "Access-Control-Allow-Origin",
	    "Access-Control-Max-Age"};
	static const char *const responses[] = {"Set-Cookie", "set-cookie2",
	    "Origin", "Access-Control-Request-Method",
	    "Access-Control-Allow-Methods", "access-control-max-age"};
	struct place at = {0, 1, 1};

	for (size_t i = 0; i < COUNT(methods); i++)
		cr_expect(method_check(str_of(methods[i]), NULL, at) == -1,
		    "%s", methods[i]);
	for (size_t i = 0; i < COUNT(requests); i++)
		cr_expect(request_header_check(str_of(requests[i]), NULL, at)
		    == -1, "%s", requests[i]);
	for (size_t i = 0; i < COUNT(responses); i++)
		cr_expect(response_header_check(str_of(responses[i]), NULL, at)
		    == -1, "%s", responses[i]);
	cr_expect(method_check(STR("PROPFIND"), NULL, at) == 0);
	cr_expect(request_header_check(STR("X-HTTP-Method"), NULL, at) == 0);
	cr_expect(request_header_check(STR("Security"), NULL, at) == 0);
	cr_expect(response_header_check(STR("Cookie"), NULL, at) == 0);
	cr_expect(method_check(STR("A B"), NULL, at) == -1);
	cr_expect(request_header_check(STR("X:"), NULL, at) == -1);
	cr_expect(response_header_check(STR("X\x80"), NULL, at) == -1);
}

Test(field, warnings)
{
	expect_ids(method_check, "PATCH", "");
	expect_ids(method_check, "patch", "method-case");
	expect_ids(method_check, "put", "method-case");
	expect_ids(method_check, "purgeCache", "");
}

Test(field, asterisks)
{
	expect_ids(method_check, "P*", "method-asterisk");
	expect_ids(request_header_check, "X-*", "header-asterisk");
	expect_ids(response_header_check, "*-Id", "expose-asterisk");
}

Test(field, sets)
{
	static const struct field_item items[] = {
		{.name = {"X-One", 5}, .at = {0, 1, 1}},
		{.name = {"*", 1}, .at = {0, 2, 1}},
		{.name = {"Authorization", 13}, .at = {0, 3, 1}},
		{.name = {"x-one", 5}, .at = {0, 4, 1}},
	};
	struct arena a = {NULL};
	struct field_set fold, exact, none;

	cr_assert(field_set_init(&fold, FIELD_FOLD, items, COUNT(items), &a)
	    == 0);
	cr_expect(fold.any && fold.any_at.line == 2 && fold.count == 2);
	cr_expect(field_set_find(&fold, STR("X-ONE"))->at.line == 1);
	cr_expect(field_set_find(&fold, STR("authorization")) != NULL);
	cr_expect(field_set_find(&fold, STR("x-two")) == NULL);
	cr_expect(field_set_find(&fold, STR("*")) == NULL);
	cr_expect(field_set_find(&fold, STR("")) == NULL);
	cr_assert(field_set_init(&exact, FIELD_EXACT, items, COUNT(items), &a)
	    == 0);
	cr_expect(exact.count == 3);
	cr_expect(field_set_find(&exact, STR("x-one"))->at.line == 4);
	cr_expect(field_set_find(&exact, STR("X-ONE")) == NULL);
	cr_assert(field_set_init(&none, FIELD_FOLD, NULL, 0, &a) == 0);
	cr_expect(field_set_find(&none, STR("x")) == NULL);
	arena_clear(&a);
}

Test(field, a_thousand_names)
{
	enum { N = 1000 };
	static struct field_item items[N];
	static char names[N][16];
	struct arena a = {NULL};
	struct field_set s;

	for (unsigned i = 0; i < N; i++) {
		int n = snprintf(names[i], sizeof names[i], "X-%u-y", i);
		items[i].name = (struct str){names[i], (size_t)n};
		items[i].at.line = i;
	}
	cr_assert(field_set_init(&s, FIELD_FOLD, items, N, &a) == 0);
	for (unsigned i = 0; i < N; i++) {
		names[i][0] = 'x';
		const struct field_item *item = field_set_find(&s,
		    items[i].name);
		cr_expect(item != NULL && item->at.line == i, "%s", names[i]);
		names[i][0] = 'z';
		cr_expect(field_set_find(&s, items[i].name) == NULL);
	}
	arena_clear(&a);
}

/* Names that begin and end alike, as the set compares these first. */
Test(field, alike_names)
{
	enum { N = 8000, SIZE = 40 };
	static struct field_item items[2 * N];
	static char names[N][SIZE], list[N * SIZE];
	struct arena a = {NULL};
	struct str refused = STR("");
	struct field_set s;
	size_t room = SIZE_MAX, n = 0;

	for (unsigned i = 0; i < N; i++) {
		int length = snprintf(names[i], SIZE,
		    "X-Customer-%u-Of-The-Example", i * 7919 % N);
		items[i].name = (struct str){names[i], (size_t)length};
		items[i].at.line = i;
		items[N + i] = items[i];
		items[N + i].at.line = N + i;
		n += (size_t)snprintf(list + n, sizeof list - n, "%s,",
		    names[i]);
	}
	cr_assert(field_set_init(&s, FIELD_FOLD, items, COUNT(items), &a) ==
	    0);
	cr_expect(s.count == N);
	for (unsigned i = 0; i < N; i++) {
		cr_expect(s.items[i].at.line == i);
		names[i][0] = 'x';
		const struct field_item *item = field_set_find(&s,
		    items[i].name);
		cr_expect(item == &s.items[i], "%s", names[i]);
		names[i][items[i].name.n - 9] = 'x';
		cr_expect(field_set_find(&s, items[i].name) == NULL);
	}
	cr_expect(field_set_admits(&s, (struct str){list, n}, &room,
	    &refused) && refused.n == 0, "%.*s", STR_ARG(refused));
	arena_clear(&a);
}

/* ---- lists against sets ------------------------------------------------- */

/* Names of every length that is looked up in another way, and some that differ
 * from them only in the middle, at an end, or in case. */
static const char *const known[] = {"a", "if", "x-1", "etag", "x-abcde",
    "x-abcdef", "x-abcdefg", "content-type", "x-requested-with",
    "x-requested-with2", "x-a-name-of-more-than-sixteen-bytes",
    "a-name-as-long-as-what-is-kept-folded-of-a-name-and-not-a-byte-m",
    "a-name-longer-than-what-is-kept-folded-of-a-name-by-a-byte-or-two"};
static const char *const others[] = {"b", "of", "x-2", "etags", "x-abcdf",
    "x-abcdee", "x-abcdefh", "content-typo", "x-requested+with",
    "x-requested-witt2", "x-a-name-of-more-tham-sixteen-bytes",
    "authorization", "A_name", "z",
    "a-name-as-long-as-what-is-kept-folded-of-a-nome-and-not-a-byte-m",
    "a-name-longer-than-what-is-kept-folded-of-a-nome-by-a-byte-or-two"};
static const char *const bad[] = {"a b", "x:y", "content-\x80type", "(",
    "x-requested-with\x7f", "a\x01"};

static unsigned
chance(unsigned *state, unsigned n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

static void
add_element(struct buf *b, unsigned *state, unsigned wild)
{
	unsigned kind = chance(state, wild);
	const char *name = kind == 0 ? bad[chance(state, COUNT(bad))] :
	    kind < 4 ? others[chance(state, COUNT(others))] :
	    known[chance(state, COUNT(known))];
	bool upper = chance(state, 6) == 0;

	for (; *name != '\0'; name++)
		buf_char(b, upper && *name >= 'a' && *name <= 'z' ?
		    (char)(*name - 0x20) : *name);
}

/* What field_set_admits says, the slow way. */
static bool
admits_slowly(const struct field_set *s, struct str list, size_t room,
    struct str *refused)
{
	struct str name;
	bool listed;

	while (list_next(&list, &name)) {
		if (!token_valid(name)) {
			*refused = name;
			return false;
		}
		listed = s->any && !str_eq_fold(name, STR("authorization"));
		for (size_t i = 0; i < s->count; i++)
			listed = listed || str_eq_fold(name, s->items[i].name);
		if (refused->n == 0 && (!listed || name.n + 2 > room))
			*refused = name;
		room -= room < name.n + 2 ? room : name.n + 2;
	}
	return true;
}

static void
compare_lists(const struct field_set *s, unsigned *state, unsigned most)
{
	static const char *const separators[] = {",", ",", ",", ", ", " ,",
	    ",,", ",\t", " , ,,, ", ",         ,,,,,,,,,,  "};
	/* Of just its size, so that nothing behind it may be read. */
	char text[16384], *exact;
	struct buf b = BUF(text);
	struct str quick = STR(""), slow = STR(""), list;
	size_t room = chance(state, 4) == 0 ? chance(state, 300) : SIZE_MAX;
	size_t left = room;
	bool good;

	for (unsigned n = chance(state, most); n > 0; n--) {
		if (chance(state, 8) == 0)
			buf_add(&b, str_of(separators[chance(state,
			    COUNT(separators))]));
		add_element(&b, state, most * 4);
		if (n > 1 || chance(state, 4) == 0)
			buf_add(&b, str_of(separators[chance(state,
			    COUNT(separators))]));
	}
	cr_assert(!b.full);
	exact = malloc(b.n + (b.n == 0));
	cr_assert(exact != NULL);
	memcpy(exact, text, b.n);
	list = (struct str){exact, b.n};
	good = field_set_admits(s, list, &left, &quick);
	cr_expect(good == admits_slowly(s, list, room, &slow) &&
	    str_eq(quick, slow), "'%.*s': '%.*s', slowly '%.*s'",
	    STR_ARG(list), STR_ARG(quick), STR_ARG(slow));
	free(exact);
}

Test(field, lists_against_sets)
{
	struct field_item items[COUNT(known) + 2] = {0};
	struct arena a = {NULL};
	struct field_set all, star, none;
	unsigned state = 1;

	for (size_t i = 0; i < COUNT(known); i++)
		items[i].name = str_of(known[i]);
	items[COUNT(known)].name = STR("*");
	cr_assert(field_set_init(&none, FIELD_FOLD, NULL, 0, &a) == 0);
	cr_assert(field_set_init(&all, FIELD_FOLD, items, COUNT(known), &a) ==
	    0);
	cr_assert(field_set_init(&star, FIELD_FOLD, items, COUNT(known) + 1,
	    &a) == 0);
	for (int i = 0; i < 20000; i++) {
		/* Some are so long that they take another way. */
		unsigned most = i % 20 == 0 ? 160 : 12;

		compare_lists(&all, &state, most);
		compare_lists(&star, &state, most);
		compare_lists(&none, &state, most);
	}
	arena_clear(&a);
}
