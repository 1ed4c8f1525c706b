#include "config.h"

#include "base/buf.h"

#include "base/arena.h"
#include "base/parse.h"
#include "unit.h"

Test(buf, adds_up_to_its_size)
{
	char text[4];
	struct buf b = BUF(text);

	buf_add(&b, STR("ab"));
	buf_add(&b, STR("cde"));
	cr_assert(b.full);
	cr_assert(str_eq(buf_str(&b), STR("ab")), "the rest is left out");
	buf_add(&b, STR("cd"));
	cr_assert(str_eq(buf_str(&b), STR("abcd")));
}

Test(buf, ends_with_a_nul)
{
	char text[4];
	struct buf b = BUF(text);

	buf_add(&b, STR("abc"));
	cr_assert_str_eq(buf_cstr(&b), "abc");
	cr_assert(!b.full);
	buf_char(&b, 'd');
	cr_assert_str_eq(buf_cstr(&b), "abc");
	cr_assert(b.full, "the last byte gave way");
}

Test(buf, writes_numbers)
{
	static const struct {
		unsigned long v;
		const char *text;
	} rows[] = {
		{0, "0"}, {9, "9"}, {10, "10"}, {4294967295, "4294967295"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[32];
		struct buf b = BUF(text);

		buf_uint(&b, rows[i].v);
		cr_expect_str_eq(buf_cstr(&b), rows[i].text);
	}
}

Test(buf, escapes)
{
	static const struct {
		const char *about;
		struct str in;
		size_t max;
		const char *out;
	} rows[] = {
		{"plain", RAW("a b'~"), 9, "a b'~"},
		{"quotes and backslash", RAW("\"\\"), 9, "\\x22\\x5c"},
		{"control bytes", RAW("\0\t\n\x1b\x7f"), 9,
		    "\\x00\\x09\\x0a\\x1b\\x7f"},
		{"8-bit bytes", RAW("\xc3\xbc\xff"), 9, "\\xc3\\xbc\\xff"},
		{"just fits", RAW("abc"), 3, "abc"},
		{"cut", RAW("abcd"), 3, "abc..."},
		{"empty", RAW(""), 0, ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[64];
		struct buf b = BUF(text);

		buf_escaped(&b, rows[i].in, rows[i].max);
		cr_expect_str_eq(buf_cstr(&b), rows[i].out, "%s",
		    rows[i].about);
	}
}

Test(arena, gives_zeroed_and_aligned_memory)
{
	struct arena a = {NULL};

	for (size_t n = 0; n < 20000; n += 333) {
		char *p = arena_alloc(&a, n);

		cr_assert(p != NULL);
		cr_assert((uintptr_t)p % _Alignof(max_align_t) == 0);
		for (size_t i = 0; i < n; i++)
			cr_assert(p[i] == 0);
		if (n > 0)
			memset(p, 'x', n);
	}
	arena_clear(&a);
	cr_assert(arena_alloc(&a, 1) != NULL, "usable after arena_clear");
	arena_clear(&a);
}

Test(arena, refuses_sizes_that_overflow)
{
	struct arena a = {NULL};

	cr_expect(arena_alloc(&a, SIZE_MAX) == NULL);
	cr_expect(arena_str(&a, (struct str){"", SIZE_MAX}).p == NULL);
	cr_expect(arena_array(&a, SIZE_MAX / 2, 3) == NULL);
	arena_clear(&a);
}

Test(arena, copies_strings)
{
	struct arena a = {NULL};
	struct str s = arena_str(&a, RAW("a\0b"));

	cr_assert(str_eq(s, RAW("a\0b")));
	cr_assert(s.p[3] == '\0');
	arena_clear(&a);
}

Test(arena, joins_and_lowers)
{
	static const struct str texts[] = {{"X-A", 3}, {"", 0}, {"b", 1}};
	struct arena a = {NULL};

	cr_expect(str_eq(arena_join(&a, texts, 3), STR("X-A,,b")));
	cr_expect(str_eq(arena_join(&a, NULL, 0), STR("")));
	cr_expect(str_eq(arena_lower(&a, RAW("X-\0\xc4")), RAW("x-\0\xc4")));
	cr_expect(arena_lower(&a, (struct str){"", SIZE_MAX}).p == NULL);
	arena_clear(&a);
}

Test(arena, grows_and_keeps_the_items)
{
	struct arena a = {NULL};
	size_t cap = 0, count = 0;
	int *items = NULL, *moved;

	while (count < 1000) {
		moved = arena_grow(&a, items, count, &cap, sizeof(*items));
		cr_assert(moved != NULL && count < cap);
		items = moved;
		items[count] = (int)count;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		cr_assert(items[i] == (int)i);
	cr_expect(arena_grow(&a, items, SIZE_MAX / 2, &(size_t){SIZE_MAX / 2},
	    sizeof(*items)) == NULL);
	arena_clear(&a);
}

Test(str, compares_by_bytes_then_by_length)
{
	cr_expect(str_compare(STR("a"), STR("a")) == 0);
	cr_expect(str_compare(STR("a"), STR("ab")) < 0);
	cr_expect(str_compare(STR("b"), STR("ab")) > 0);
	cr_expect(str_compare(STR(""), STR("a")) < 0);
	cr_expect(str_compare(STR("\xc3"), STR("z")) > 0);
}

Test(spelling, counts_edits_up_to_a_bound)
{
	static const struct {
		const char *a, *b;
		size_t max, distance;
	} rows[] = {
		{"", "", 2, 0},
		{"origin", "origin", 2, 0},
		{"origins", "origin", 2, 1},
		{"orgin", "origin", 2, 1},
		{"oirgin", "origin", 2, 2},
		{"kitten", "sitting", 5, 3},
		{"kitten", "sitting", 2, 3},
		{"a", "abcd", 2, 3},
	};
	char word[SPELLING_MAX + 1] = {0};
	struct str longer = {word, sizeof word};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect(spelling_distance(str_of(rows[i].a),
		    str_of(rows[i].b), rows[i].max) == rows[i].distance,
		    "%s %s", rows[i].a, rows[i].b);
	cr_expect(spelling_distance(longer, longer, 2) == 3, "too long");
}
