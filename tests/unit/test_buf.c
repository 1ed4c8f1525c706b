#include "config.h"

#include "base/buf.h"

#include <limits.h>
#include <stdlib.h>

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

Test(buf, writes_hexadecimal_digits)
{
	char text[5];
	struct buf b = BUF(text);

	buf_hex(&b, (const unsigned char *)"\x0a\xff", 2);
	cr_expect_str_eq(buf_cstr(&b), "0aff");
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

Test(array, grows_and_keeps_the_items)
{
	size_t cap = 0;
	int *items = NULL;

	for (size_t i = 0; i < 1000; i++) {
		items = array_grow(items, i, &cap, sizeof(*items));
		cr_assert(items != NULL && i < cap);
		items[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		cr_assert(items[i] == (int)i);
	free(items);
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

Test(parse, numbers_and_ports_are_digits_alone)
{
	static const struct {
		const char *text;
		int port;
	} rows[] = {
		{"1", 1}, {"65535", 65535}, {"00080", 80}, {"", -1}, {"0", -1},
		{"65536", -1}, {"18446744073709551617", -1}, {"+1", -1},
		{" 1", -1}, {"1 ", -1}, {"1a", -1},
	};
	unsigned long v;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = str_of(rows[i].text);

		cr_expect(port_parse(s) == rows[i].port, "%s", rows[i].text);
		cr_expect(number_parse(s.p, 1, 65535, &v) ==
		    (rows[i].port == -1 ? -1 : 0), "%s", s.p);
	}
	cr_expect(digits_parse(STR("12x"), &v) == 2 && v == 12);
	cr_expect(digits_parse(STR("99999999999999999999"), &v) == 20 &&
	    v == ULONG_MAX);
	cr_expect(number_parse("99999999999999999999", 0, ULONG_MAX, &v) == -1);
}

Test(parse, splits_host_and_port)
{
	static const struct {
		const char *text, *host, *port;
		bool has_port;
	} rows[] = {
		{"a.example:80", "a.example", "80", true},
		{"a.example:", "a.example", "", true},
		{"a.example", "a.example", "", false},
		{"[::1]:80", "[::1]", "80", true},
		{"[::1]", "[::1]", "", false},
		{"::1", ":", "1", true}, {"", "", "", false},
	};
	struct str host, port;

	for (size_t i = 0; i < COUNT(rows); i++) {
		cr_expect(host_port_split(str_of(rows[i].text), &host,
		    &port) == rows[i].has_port, "%s", rows[i].text);
		cr_expect(str_eq(host, str_of(rows[i].host)) &&
		    str_eq(port, str_of(rows[i].port)), "%s", rows[i].text);
	}
}

Test(parse, times_and_modes)
{
	unsigned long v = 0;
	unsigned mode = 0;

	cr_expect(seconds_parse("10", 1, 600, &v) == 0 && v == 10);
	cr_expect(seconds_parse("10s", 1, 600, &v) == 0 && v == 10);
	cr_expect(seconds_parse("10m", 1, 600, &v) == 0 && v == 600);
	cr_expect(seconds_parse("11m", 1, 600, &v) == -1);
	cr_expect(seconds_parse("0m", 1, 600, &v) == -1);
	cr_expect(seconds_parse("m", 0, 600, &v) == -1);
	cr_expect(seconds_parse("1ms", 0, 600, &v) == -1);
	cr_expect(mode_parse("0660", &mode) == 0 && mode == 0660);
	cr_expect(mode_parse("", &mode) == -1);
	cr_expect(mode_parse("8", &mode) == -1);
	cr_expect(mode_parse("1000", &mode) == -1);
	cr_expect(mode_parse("777777777777777777777777", &mode) == -1);
}
