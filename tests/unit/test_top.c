#include "config.h"

#include "metrics/topk.h"

#include <stdio.h>

#include "unit.h"

static void
add(struct top *t, const char *text, unsigned long times)
{
	while (times-- > 0)
		top_add(t, STR("api"), REASON_ORIGIN, str_of(text));
}

static void
add_number(struct top *t, unsigned long i)
{
	char text[32];

	snprintf(text, sizeof text, "https://%lu.example", i);
	add(t, text, 1);
}

/* The entry of that text, or NULL. */
static const struct top_entry *
among(const struct top_entry *at, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(top_text(&at[i]), str_of(text)))
			return &at[i];
	return NULL;
}

Test(top, is_exact_as_long_as_all_fit)
{
	static struct top t;
	struct top_entry best[3];

	add(&t, "b", 2);
	add(&t, "a", 3);
	add(&t, "c", 1);
	add(&t, "a", 1);
	cr_assert_eq(top_best(&t, best, 2), 2);
	cr_expect(str_eq(top_text(&best[0]), STR("a")));
	cr_expect_eq(best[0].count, 4);
	cr_expect_eq(top_least(&best[0]), 4);
	cr_expect(str_eq(top_policy(&best[0]), STR("api")));
	cr_expect(str_eq(top_text(&best[1]), STR("b")));
	cr_expect_eq(top_best(&t, best, 3), 3);
}

Test(top, tells_policies_and_reasons_apart)
{
	static struct top t;
	struct top_entry best[4];

	top_add(&t, STR("a"), REASON_ORIGIN, STR("x"));
	top_add(&t, STR("b"), REASON_ORIGIN, STR("x"));
	top_add(&t, STR("b"), REASON_MALFORMED, STR("x"));
	top_add(&t, STR(""), REASON_MALFORMED, STR("x"));
	cr_expect_eq(top_best(&t, best, 4), 4);
}

Test(top, tells_long_texts_apart_behind_what_it_keeps)
{
	static struct top t;
	struct top_entry best[4];
	char text[TOP_TEXT + 2];

	memset(text, 'x', sizeof text);
	for (size_t n = TOP_TEXT; n < sizeof text; n++)
		top_add(&t, STR(""), REASON_HEADER, (struct str){text, n});
	text[TOP_TEXT] = 'y';
	top_add(&t, STR(""), REASON_HEADER, (struct str){text, TOP_TEXT + 1});
	cr_assert_eq(top_best(&t, best, 4), 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(top_text(&best[i]).n, TOP_TEXT);
}

/* Whatever is more than one in TOP_SIZE is there, between its bounds. */
Test(top, keeps_what_is_frequent_in_a_flood)
{
	static struct top t;
	struct top_entry best[TOP_SIZE];
	const struct top_entry *e;
	size_t n;

	for (unsigned long i = 0; i < 20000; i++) {
		add_number(&t, i);
		if (i % 20 == 0)
			add(&t, "often", 1);
	}
	n = top_best(&t, best, TOP_SIZE);
	cr_assert_eq(n, TOP_SIZE);
	e = among(best, n, "often");
	cr_assert(e != NULL);
	cr_expect_leq(top_least(e), 1000);
	cr_expect_geq(e->count, 1000);
	cr_expect_leq(e->excess, 21000 / TOP_SIZE);
	cr_expect(among(best, 1, "often") != NULL, "it surely leads");
}

Test(top, counts_what_drives_out_another_from_its_count)
{
	static struct top t;
	struct top_entry best[TOP_SIZE];
	const struct top_entry *e;

	for (unsigned long i = 0; i < TOP_SIZE; i++) {
		add_number(&t, i);
		add_number(&t, i);
	}
	add(&t, "new", 1);
	e = among(best, top_best(&t, best, TOP_SIZE), "new");
	cr_assert(e != NULL);
	cr_expect_eq(e->count, 3);
	cr_expect_eq(top_least(e), 1);
}

Test(top, merges_counts)
{
	static struct top a, b;
	struct top_entry best[3];

	add(&a, "x", 2);
	add(&a, "y", 5);
	add(&b, "x", 4);
	add(&b, "z", 1);
	top_merge(&a, &b);
	cr_assert_eq(top_best(&a, best, 3), 3);
	cr_expect(str_eq(top_text(&best[0]), STR("x")));
	cr_expect_eq(best[0].count, 6);
	cr_expect_eq(top_least(&best[0]), 6);
	cr_expect(str_eq(top_text(&best[2]), STR("z")));
	cr_expect_eq(best[2].count, 1);
}

/* What one part has lost may be among what the other counted. */
Test(top, merges_bounds_of_full_parts)
{
	static struct top all, a, b;
	struct top_entry best[TOP_SIZE];
	const struct top_entry *e;
	size_t n;

	for (unsigned long i = 0; i < 5000; i++) {
		add_number(&a, i);
		add_number(&b, i + 2500);
	}
	add(&a, "often", 300);
	add(&b, "often", 200);
	top_merge(&all, &a);
	top_merge(&all, &b);
	n = top_best(&all, best, TOP_SIZE);
	e = among(best, n, "often");
	cr_assert(e != NULL);
	cr_expect_leq(top_least(e), 500);
	cr_expect_geq(e->count, 500);
	cr_expect_eq(among(best, 1, "often"), e);
	for (size_t i = 1; i < n; i++)
		cr_expect_leq(top_least(&best[i]), 2);
	cr_expect_eq(n, TOP_SIZE);
}
