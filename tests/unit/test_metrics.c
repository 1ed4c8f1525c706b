#include "config.h"

#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const char text[] =
    "[policy a]\nhost = a.example\nallow-origins = https://a.example\n"
    "[policy b]\nhost = b.example\nallow-origins = https://a.example\n";

/* A view of policies p0 to p(n - 1), which gets the set too. */
static struct metrics_view *
view_of(struct metrics *m, unsigned first, unsigned n, struct policy_set **set)
{
	char *lines = malloc(n * 100 + 1), *at = lines;
	struct metrics_view *v;

	for (unsigned i = first; i < first + n; i++)
		at += sprintf(at, "[policy p%u]\nhost = h%u.example\n"
		    "allow-origins = https://a.example\n", i, i);
	*set = unit_policy(lines);
	free(lines);
	v = metrics_view_new(m, *set);
	cr_assert_not_null(v);
	return v;
}

/* A request for the policy of that name, NULL: none. */
static void
request(struct metrics *m, size_t worker, const struct metrics_view *v,
    const char *policy, enum reason reason)
{
	struct decision d = {.reason = reason};
	struct request r;

	if (policy != NULL)
		d.policy = policy_set_named(v->usage->policies,
		    str_of(policy));
	request_init(&r);
	metrics_request(metrics_shard(m, worker), v, &r, &d);
}

/* What a row has counted for a reason; -1 without such a row. */
static long
counted(struct metrics *m, const struct metrics_view *v, const char *name,
    enum reason reason)
{
	struct metrics_row *rows;
	ptrdiff_t n = metrics_rows(m, v->usage->policies, &rows);
	long found = -1;

	for (ptrdiff_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			found = (long)rows[i].of[reason];
	free(rows);
	return found;
}

static ptrdiff_t
row_count(struct metrics *m, const struct metrics_view *v)
{
	struct metrics_row *rows;
	ptrdiff_t n = metrics_rows(m, v->usage->policies, &rows);

	free(rows);
	return n;
}

Test(metrics, adds_up_what_workers_count)
{
	struct policy_set *set = unit_policy(text);
	struct metrics *m = metrics_new(2);
	struct metrics_view *v = metrics_view_new(m, set);

	request(m, 0, v, "a", REASON_ORIGIN);
	request(m, 1, v, "a", REASON_ORIGIN);
	request(m, 1, v, "a", REASON_ALLOWED);
	request(m, 0, v, NULL, REASON_NO_POLICY);
	metrics_count(metrics_shard(m, 0), COUNT_ACCEPTED);
	metrics_count(metrics_shard(m, 1), COUNT_ACCEPTED);
	cr_expect_eq(counted(m, v, "a", REASON_ORIGIN), 2);
	cr_expect_eq(counted(m, v, "a", REASON_ALLOWED), 1);
	cr_expect_eq(counted(m, v, "b", REASON_ALLOWED), 0);
	cr_expect_eq(counted(m, v, "(none)", REASON_NO_POLICY), 1);
	cr_expect_eq(counted(m, v, "(others)", REASON_ORIGIN), 0);
	cr_expect_eq(metrics_total(m, COUNT_REQUESTS), 4);
	cr_expect_eq(metrics_total(m, COUNT_REASONS + REASON_ORIGIN), 2);
	cr_expect_eq(metrics_total(m, COUNT_ACCEPTED), 2);
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}

Test(metrics, goes_on_under_the_same_name)
{
	struct policy_set *set = unit_policy(text);
	struct metrics *m = metrics_new(1);
	struct metrics_view *old = metrics_view_new(m, set), *v;

	request(m, 0, old, "b", REASON_ALLOWED);
	v = metrics_view_new(m, set);
	metrics_carry(m, v, old);
	metrics_view_free(old);
	request(m, 0, v, "b", REASON_ALLOWED);
	cr_expect_eq(counted(m, v, "b", REASON_ALLOWED), 2);
	cr_expect_eq(row_count(m, v), 4);
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}

Test(metrics, has_one_row_for_what_is_too_much)
{
	struct metrics *m = metrics_new(1);
	struct policy_set *set;
	struct metrics_view *v = view_of(m, 0, METRICS_POLICIES + 1, &set);

	request(m, 0, v, "p999", REASON_ALLOWED);
	request(m, 0, v, "p1000", REASON_ALLOWED);
	cr_expect_eq(counted(m, v, "p999", REASON_ALLOWED), 1);
	cr_expect_eq(counted(m, v, "(others)", REASON_ALLOWED), 1);
	cr_expect_eq(row_count(m, v), METRICS_POLICIES + 2);
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}

Test(metrics, adds_up_the_oldest_that_are_gone)
{
	struct policy_set *old_set, *set = unit_policy(text);
	struct metrics *m = metrics_new(1);
	struct metrics_view *old = view_of(m, 0, METRICS_GONE + 3, &old_set);
	struct metrics_view *v = metrics_view_new(m, set);
	char name[16];

	request(m, 0, v, "b", REASON_ALLOWED);
	for (unsigned i = 0; i < METRICS_GONE + 3; i++) {
		snprintf(name, sizeof name, "p%u", i);
		request(m, 0, old, name, REASON_ALLOWED);
	}
	metrics_carry(m, v, old);
	metrics_view_free(old);
	policy_set_free(old_set);
	cr_expect_eq(row_count(m, v), METRICS_GONE + 4);
	cr_expect_eq(counted(m, v, "(others)", REASON_ALLOWED), 3);
	cr_expect_eq(counted(m, v, "b", REASON_ALLOWED), 1);
	cr_expect_eq(counted(m, v, "p2", REASON_ALLOWED), -1);
	cr_expect_eq(counted(m, v, "p3", REASON_ALLOWED), 1);
	/* p0 comes back as the newest, and so p3 goes. */
	old = view_of(m, 0, 1, &old_set);
	cr_expect_eq(counted(m, old, "p0", REASON_ALLOWED), 0);
	metrics_carry(m, v, old);
	metrics_view_free(old);
	policy_set_free(old_set);
	cr_expect_eq(counted(m, v, "p0", REASON_ALLOWED), 0);
	cr_expect_eq(counted(m, v, "p3", REASON_ALLOWED), -1);
	cr_expect_eq(counted(m, v, "(others)", REASON_ALLOWED), 4);
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}

Test(metrics, lists_what_is_refused)
{
	struct policy_set *set = unit_policy(text);
	struct metrics *m = metrics_new(2);
	struct metrics_view *v = metrics_view_new(m, set);
	struct decision d = {.reason = REASON_HEADER, .offending = STR("x-a"),
	    .policy = policy_set_get(set, 1)};
	struct topk_entry best[4];
	struct request r;

	request_init(&r);
	r.origin = STR("https://elsewhere.example");
	metrics_request(metrics_shard(m, 0), v, &r, &d);
	metrics_request(metrics_shard(m, 1), v, &r, &d);
	d = (struct decision){.reason = REASON_NO_POLICY};
	metrics_request(metrics_shard(m, 1), v, &r, &d);
	cr_assert_eq(metrics_refused(m, REFUSED_HEADERS, best, 4), 1);
	cr_expect_eq(best[0].count, 2);
	cr_expect(str_eq(topk_policy(&best[0]), STR("b")));
	cr_assert_eq(metrics_refused(m, REFUSED_ORIGINS, best, 4), 1);
	cr_expect(str_eq(topk_text(&best[0]), r.origin));
	cr_expect_eq(metrics_refused(m, REFUSED_METHODS, best, 4), 0);
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}

/* ---- minutes ----------------------------------------------------------- */

static unsigned long last_hour[METRICS_MINUTES][REASON_COUNT];

static unsigned long
ago(size_t minutes)
{
	return last_hour[METRICS_MINUTES - 1 - minutes][REASON_ORIGIN];
}

/* Reads the hour up to a minute; returns the sum. */
static unsigned long
hour_up_to(struct metrics *m, int64_t minute)
{
	unsigned long n = 0;

	metrics_last_hour(m, minute * METRICS_MINUTE_US + 1, last_hour);
	for (size_t i = 0; i < METRICS_MINUTES; i++)
		n += ago(i);
	return n;
}

static void
minute(struct metrics *m, size_t worker, const struct metrics_view *v,
    int64_t at, unsigned long requests)
{
	metrics_tick(metrics_shard(m, worker), at * METRICS_MINUTE_US);
	while (requests-- > 0)
		request(m, worker, v, "a", REASON_ORIGIN);
}

Test(metrics, counts_by_minute)
{
	struct policy_set *set = unit_policy(text);
	struct metrics *m = metrics_new(2);
	struct metrics_view *v = metrics_view_new(m, set);

	minute(m, 0, v, 1000, 3);
	minute(m, 0, v, 1001, 7);
	minute(m, 0, v, 1002, 1);
	minute(m, 1, v, 990, 2);
	minute(m, 1, v, 1002, 4);
	cr_expect_eq(hour_up_to(m, 1002), 17);
	cr_expect_eq(ago(12), 2);
	cr_expect_eq(ago(2), 3);
	cr_expect_eq(ago(1), 7);
	cr_expect_eq(ago(0), 5);
	/* A worker is in the next minute already when it is asked for. */
	cr_expect_eq(hour_up_to(m, 1001), 17);
	cr_expect_eq(ago(0), 12);
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}

Test(metrics, forgets_after_an_hour)
{
	static const int64_t gaps[] = {59, 60, 61, 1000, 1000000};
	struct policy_set *set = unit_policy(text);

	for (size_t i = 0; i < COUNT(gaps); i++) {
		struct metrics *m = metrics_new(1);
		struct metrics_view *v = metrics_view_new(m, set);

		minute(m, 0, v, 1, 5);
		cr_expect_eq(hour_up_to(m, 1 + gaps[i]), gaps[i] < 60 ? 5 : 0);
		minute(m, 0, v, 1 + gaps[i], 1);
		cr_expect_eq(hour_up_to(m, 1 + gaps[i]), gaps[i] < 60 ? 6 : 1);
		cr_expect_eq(ago(0), 1);
		metrics_view_free(v);
		metrics_free(m);
	}
	policy_set_free(set);
}

/* From the first minute of a machine on. */
Test(metrics, agrees_with_a_plain_count)
{
	struct policy_set *set = unit_policy(text);
	struct metrics *m = metrics_new(1);
	struct metrics_view *v = metrics_view_new(m, set);
	unsigned long plain[1000] = {0};
	unsigned state = 1;

	for (size_t at = 0; at < COUNT(plain); at++) {
		state = state * 1103515245 + 12345;
		if (state >> 16 & 1) {
			plain[at] = state >> 20 & 15;
			minute(m, 0, v, (int64_t)at, plain[at]);
		}
		hour_up_to(m, (int64_t)at);
		for (size_t i = 0; i < METRICS_MINUTES; i++)
			cr_assert_eq(ago(i), at >= i ? plain[at - i] : 0,
			    "minute %zu, %zu ago", at, i);
	}
	metrics_view_free(v);
	metrics_free(m);
	policy_set_free(set);
}
