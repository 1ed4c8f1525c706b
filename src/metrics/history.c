#include "config.h"

#include "metrics/history.h"

/* Minutes before the first one have slots too. */
static size_t
slot(int64_t minute)
{
	int64_t n = minute % HISTORY_MINUTES;

	return (size_t)(n < 0 ? n + HISTORY_MINUTES : n);
}

void
history_enter(struct history *h, int64_t minute,
    const unsigned long counts[REASON_COUNT])
{
	int64_t first = h->minute + 1;

	if (minute <= h->minute)
		return;
	if (first <= minute - HISTORY_MINUTES)
		first = minute - HISTORY_MINUTES + 1;
	for (int64_t m = first; m <= minute; m++)
		memcpy(h->at[slot(m)], counts, sizeof h->at[0]);
	h->minute = minute;
}

/* What had been counted when a minute began. */
static const unsigned long *
start_of(const struct history *h, int64_t minute, const unsigned long *counts)
{
	return minute > h->minute ? counts : h->at[slot(minute)];
}

void
history_add(const struct history *h, int64_t minute,
    const unsigned long counts[REASON_COUNT],
    unsigned long out[HISTORY_MINUTES][REASON_COUNT])
{
	int64_t first;

	/* Another thread may have entered the next one meanwhile. */
	if (minute < h->minute)
		minute = h->minute;
	first = minute - HISTORY_MINUTES + 1;
	for (size_t i = 0; i < HISTORY_MINUTES; i++) {
		int64_t m = first + (int64_t)i;
		const unsigned long *from = start_of(h, m, counts);
		const unsigned long *to = m == minute ? counts :
		    start_of(h, m + 1, counts);
		for (size_t r = 0; r < REASON_COUNT; r++)
			out[i][r] += to[r] - from[r];
	}
}
