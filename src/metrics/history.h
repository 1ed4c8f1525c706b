/* history.h - how many requests there were in each minute of the last hour, by
 * reason.  It knows no clock: minutes are numbers from 0 that only go
 * forward. */
#ifndef PREFLIGHTD_METRICS_HISTORY_H
#define PREFLIGHTD_METRICS_HISTORY_H

#include <stdint.h>

#include "core/preflight.h"

enum { HISTORY_MINUTES = 60 };

/* What was counted when each minute began.  Where nothing wakes the one who
 * counts, nothing is counted either: the minutes that it slept through can be
 * entered afterwards.  One that is all 0 is a history without requests. */
struct history {
	int64_t minute; /* the last one that was entered */
	unsigned long at[HISTORY_MINUTES][REASON_COUNT];
};

/* Enters a minute, of which nothing has been counted yet. */
void history_enter(struct history *h, int64_t minute,
    const unsigned long counts[REASON_COUNT]);

/* Adds what was counted in each of the last minutes to out, the oldest first;
 * the last is the minute given, or the last one entered where that is later;
 * counts is the present state. */
void history_add(const struct history *h, int64_t minute,
    const unsigned long counts[REASON_COUNT],
    unsigned long out[HISTORY_MINUTES][REASON_COUNT]);

#endif
