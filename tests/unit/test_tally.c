#include "config.h"

#include "metrics/tally.h"

#include <stdio.h>

#include "unit.h"

static const char policies[] =
    "[policy a]\nhost = a.example\nallow-origins = https://a.example\n"
    "[policy b]\nhost = b.example\nallow-origins = https://a.example\n";

/* The row of a policy of that name. */
static struct tally_row *
named(struct tally *t, const char *name)
{
	const struct policy p = {.name = str_of(name)};

	return tally_open(t, &p);
}

static size_t
rows(const struct tally *t)
{
	size_t n = 0;

	for (const struct tally_row *r = tally_rows(t); r != NULL; r = r->next)
		n++;
	return n;
}

static unsigned long
sum(const struct tally *t, const struct tally_row *row, enum reason reason)
{
	unsigned long of[REASON_COUNT];

	tally_sum(t, row, of);
	return of[reason];
}

Test(tally, adds_up_what_workers_count)
{
	struct tally *t = tally_new(2);
	struct tally_row *a = named(t, "a");

	tally_add(a, 0, REASON_ORIGIN);
	tally_add(a, 1, REASON_ORIGIN);
	tally_add(a, 1, REASON_ALLOWED);
	tally_add(tally_none(t), 0, REASON_NO_POLICY);
	cr_expect_eq(sum(t, a, REASON_ORIGIN), 2);
	cr_expect_eq(sum(t, a, REASON_ALLOWED), 1);
	cr_expect_eq(sum(t, tally_none(t), REASON_NO_POLICY), 1);
	cr_expect_eq(named(t, "a"), a, "by its name");
	cr_expect_neq(named(t, "b"), a);
	cr_expect_eq((uintptr_t)a->of % 64, 0);
	tally_free(t);
}

Test(tally, has_one_row_for_what_is_too_much)
{
	struct tally *t = tally_new(1);
	struct policy p = {.name = STR("last"), .index = TALLY_MAX - 1};

	cr_expect_neq(tally_open(t, &p), tally_others(t));
	p = (struct policy){.name = STR("one-more"), .index = TALLY_MAX};
	cr_expect_eq(tally_open(t, &p), tally_others(t));
	cr_expect_eq(rows(t), 1);
	tally_free(t);
}

Test(tally, folds_what_is_gone)
{
	struct policy_set *set = unit_policy(policies);
	struct tally *t = tally_new(1);
	struct tally_row *b = named(t, "b");
	char name[16];

	tally_add(b, 0, REASON_ALLOWED);
	for (unsigned i = 0; i < TALLY_GONE + 3; i++) {
		snprintf(name, sizeof name, "p%u", i);
		tally_add(named(t, name), 0, REASON_ALLOWED);
	}
	tally_trim(t, set);
	cr_expect_eq(rows(t), TALLY_GONE + 1);
	cr_expect_eq(sum(t, tally_others(t), REASON_ALLOWED), 3);
	cr_expect_eq(named(t, "b"), b, "it is in use");
	cr_expect_eq(sum(t, b, REASON_ALLOWED), 1);
	tally_trim(t, set);
	cr_expect_eq(rows(t), TALLY_GONE + 1);
	cr_expect_eq(sum(t, named(t, "p0"), REASON_ALLOWED), 0);
	named(t, "a");
	tally_trim(t, set);
	cr_expect_eq(sum(t, tally_others(t), REASON_ALLOWED), 4,
	    "p0 came as the last, p3 went");
	tally_free(t);
	policy_set_free(set);
}
