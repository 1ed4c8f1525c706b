#include "config.h"

#include "metrics/history.h"

#include "unit.h"

typedef unsigned long minutes[HISTORY_MINUTES][REASON_COUNT];

static unsigned long
at(minutes of, size_t ago)
{
	return of[HISTORY_MINUTES - 1 - ago][REASON_ORIGIN];
}

static unsigned long
sum(minutes of)
{
	unsigned long n = 0;

	for (size_t i = 0; i < HISTORY_MINUTES; i++)
		n += of[i][REASON_ORIGIN];
	return n;
}

Test(history, counts_by_minute)
{
	struct history h = {0};
	unsigned long counts[REASON_COUNT] = {0};
	minutes out = {{0}};

	history_enter(&h, 1000, counts);
	counts[REASON_ORIGIN] = 3;
	history_enter(&h, 1001, counts);
	counts[REASON_ORIGIN] = 10;
	history_enter(&h, 1002, counts);
	history_enter(&h, 1002, counts);
	counts[REASON_ORIGIN] = 11;
	history_add(&h, 1002, counts, out);
	cr_expect_eq(at(out, 2), 3);
	cr_expect_eq(at(out, 1), 7);
	cr_expect_eq(at(out, 0), 1);
	cr_expect_eq(sum(out), 11);
}

/* A worker that sleeps has counted nothing meanwhile. */
Test(history, can_be_read_before_a_minute_is_entered)
{
	struct history h = {0};
	unsigned long counts[REASON_COUNT] = {0};
	minutes out = {{0}};

	history_enter(&h, 1000, counts);
	counts[REASON_ORIGIN] = 5;
	history_add(&h, 1010, counts, out);
	cr_expect_eq(at(out, 10), 5);
	cr_expect_eq(sum(out), 5);
}

Test(history, enters_minutes_that_were_slept_through)
{
	struct history h = {0};
	unsigned long counts[REASON_COUNT] = {0};
	minutes out = {{0}};

	history_enter(&h, 1000, counts);
	counts[REASON_ORIGIN] = 5;
	history_enter(&h, 1020, counts);
	counts[REASON_ORIGIN] = 7;
	history_add(&h, 1020, counts, out);
	cr_expect_eq(at(out, 20), 5);
	cr_expect_eq(at(out, 0), 2);
	cr_expect_eq(sum(out), 7);
}

Test(history, forgets_after_an_hour)
{
	static const int64_t gaps[] = {59, 60, 61, 1000, 1000000000};

	for (size_t i = 0; i < COUNT(gaps); i++) {
		struct history h = {0};
		unsigned long counts[REASON_COUNT] = {0};
		minutes out = {{0}}, early = {{0}};

		history_enter(&h, 1, counts);
		counts[REASON_ORIGIN] = 5;
		history_add(&h, 1 + gaps[i], counts, early);
		history_enter(&h, 1 + gaps[i], counts);
		counts[REASON_ORIGIN] = 6;
		history_add(&h, 1 + gaps[i], counts, out);
		cr_expect_eq(sum(early), gaps[i] < 60 ? 5 : 0);
		cr_expect_eq(sum(out), gaps[i] < 60 ? 6 : 1);
		cr_expect_eq(at(out, 0), 1);
	}
}

Test(history, agrees_with_a_plain_count)
{
	struct history h = {0};
	unsigned long counts[REASON_COUNT] = {0}, plain[1000] = {0};
	unsigned state = 1;

	history_enter(&h, 100, counts);
	for (int64_t m = 100; m < 1000; m++) {
		minutes out = {{0}};

		state = state * 1103515245 + 12345;
		if (state >> 16 & 1) {
			history_enter(&h, m, counts);
			plain[m] = state >> 20 & 15;
			counts[REASON_ORIGIN] += plain[m];
		}
		history_add(&h, m, counts, out);
		for (size_t ago = 0; ago < HISTORY_MINUTES; ago++)
			cr_assert_eq(at(out, ago),
			    plain[(size_t)m - ago], "minute %d, %zu ago",
			    (int)m, ago);
	}
}

/* The clock of a machine that has just started, at its first minutes. */
Test(history, begins_with_the_first_minute)
{
	for (int64_t first = 0; first < 2 * HISTORY_MINUTES; first++) {
		struct history h = {0};
		unsigned long counts[REASON_COUNT] = {0};

		history_enter(&h, first, counts);
		counts[REASON_ORIGIN] = 5;
		for (int64_t m = first; m < first + HISTORY_MINUTES; m++) {
			minutes out = {{0}};

			history_add(&h, m, counts, out);
			cr_expect_eq(sum(out), 5);
			cr_expect_eq(at(out, (size_t)(m - first)), 5);
		}
		history_enter(&h, first + 1, counts);
		counts[REASON_ORIGIN] = 6;
		for (int64_t m = first; m < first + 2; m++) {
			minutes out = {{0}};

			/* One that was over when it is asked for. */
			history_add(&h, m, counts, out);
			cr_expect_eq(at(out, 1), 5);
			cr_expect_eq(at(out, 0), 1);
			cr_expect_eq(sum(out), 6);
		}
	}
}
