#include "config.h"

#include "metrics/topk.h"

#include <stdio.h>

#include "unit.h"

static void
add(struct topk *t, const char *text, unsigned long times)
{
	while (times-- > 0)
		topk_add(t, STR("api"), REASON_ORIGIN, str_of(text));
}

static void
add_number(struct topk *t, unsigned long i)
{
	char text[32];

	snprintf(text, sizeof text, "https://%lu.example", i);
	add(t, text, 1);
}

/* The entry of that text, or NULL. */
static const struct topk_entry *
among(const struct topk_entry *at, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(topk_text(&at[i]), str_of(text)))
			return &at[i];
	return NULL;
}

Test(topk, is_exact_as_long_as_all_fit)
{
	static struct topk t;
	struct topk_entry best[3];

	add(&t, "b", 2);
	add(&t, "a", 3);
	add(&t, "c", 1);
	add(&t, "a", 1);
	cr_assert_eq(topk_best(&t, best, 2), 2);
	cr_expect(str_eq(topk_text(&best[0]), STR("a")));
	cr_expect_eq(best[0].count, 4);
	cr_expect_eq(topk_least(&best[0]), 4);
	cr_expect(str_eq(topk_policy(&best[0]), STR("api")));
	cr_expect(str_eq(topk_text(&best[1]), STR("b")));
	cr_expect_eq(topk_best(&t, best, 3), 3);
}

Test(topk, tells_policies_and_reasons_apart)
{
	static struct topk t;
	struct topk_entry best[4];

	topk_add(&t, STR("a"), REASON_ORIGIN, STR("x"));
	topk_add(&t, STR("b"), REASON_ORIGIN, STR("x"));
	topk_add(&t, STR("b"), REASON_MALFORMED, STR("x"));
	topk_add(&t, STR(""), REASON_MALFORMED, STR("x"));
	cr_expect_eq(topk_best(&t, best, 4), 4);
}

Test(topk, tells_long_texts_apart_behind_what_it_keeps)
{
	static struct topk t;
	struct topk_entry best[4];
	char text[TOPK_TEXT + 2];

	memset(text, 'x', sizeof text);
	for (size_t n = TOPK_TEXT; n < sizeof text; n++)
		topk_add(&t, STR(""), REASON_HEADER, (struct str){text, n});
	text[TOPK_TEXT] = 'y';
	topk_add(&t, STR(""), REASON_HEADER, (struct str){text, TOPK_TEXT + 1});
	cr_assert_eq(topk_best(&t, best, 4), 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(topk_text(&best[i]).n, TOPK_TEXT);
}

/* Whatever is more than one in TOPK_SIZE is there, between its bounds. */
Test(topk, keeps_what_is_frequent_in_a_flood)
{
	static struct topk t;
	struct topk_entry best[TOPK_SIZE];
	const struct topk_entry *e;
	size_t n;

	for (unsigned long i = 0; i < 20000; i++) {
		add_number(&t, i);
		if (i % 20 == 0)
			add(&t, "often", 1);
	}
	n = topk_best(&t, best, TOPK_SIZE);
	cr_assert_eq(n, TOPK_SIZE);
	e = among(best, n, "often");
	cr_assert(e != NULL);
	cr_expect_leq(topk_least(e), 1000);
	cr_expect_geq(e->count, 1000);
	cr_expect_leq(e->excess, 21000 / TOPK_SIZE);
	cr_expect(among(best, 1, "often") != NULL, "it surely leads");
}

Test(topk, counts_what_drives_out_another_from_its_count)
{
	static struct topk t;
	struct topk_entry best[TOPK_SIZE];
	const struct topk_entry *e;

	for (unsigned long i = 0; i < TOPK_SIZE; i++) {
		add_number(&t, i);
		add_number(&t, i);
	}
	add(&t, "new", 1);
	e = among(best, topk_best(&t, best, TOPK_SIZE), "new");
	cr_assert(e != NULL);
	cr_expect_eq(e->count, 3);
	cr_expect_eq(topk_least(e), 1);
}

Test(topk, merges_counts)
{
	static struct topk a, b;
	struct topk_entry best[3];

	add(&a, "x", 2);
	add(&a, "y", 5);
	add(&b, "x", 4);
	add(&b, "z", 1);
	topk_merge(&a, &b);
	cr_assert_eq(topk_best(&a, best, 3), 3);
	cr_expect(str_eq(topk_text(&best[0]), STR("x")));
	cr_expect_eq(best[0].count, 6);
	cr_expect_eq(topk_least(&best[0]), 6);
	cr_expect(str_eq(topk_text(&best[2]), STR("z")));
	cr_expect_eq(best[2].count, 1);
}

/* What one part has lost may be among what the other counted. */
Test(topk, merges_bounds_of_full_parts)
{
	static struct topk all, a, b;
	struct topk_entry best[TOPK_SIZE];
	const struct topk_entry *e;
	size_t n;

	for (unsigned long i = 0; i < 5000; i++) {
		add_number(&a, i);
		add_number(&b, i + 2500);
	}
	add(&a, "often", 300);
	add(&b, "often", 200);
	topk_merge(&all, &a);
	topk_merge(&all, &b);
	n = topk_best(&all, best, TOPK_SIZE);
	e = among(best, n, "often");
	cr_assert(e != NULL);
	cr_expect_leq(topk_least(e), 500);
	cr_expect_geq(e->count, 500);
	cr_expect_eq(among(best, 1, "often"), e);
	for (size_t i = 1; i < n; i++)
		cr_expect_leq(topk_least(&best[i]), 2);
	cr_expect_eq(n, TOPK_SIZE);
}
