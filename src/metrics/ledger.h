/* ledger.h - what is known of the requests beside their number: by policy and
 * reason, in each minute, what is refused most, and which of the allowed
 * origins have come.  It outlives the policies; each worker writes a page of
 * its own, and any thread reads. */
#ifndef PREFLIGHTD_METRICS_LEDGER_H
#define PREFLIGHTD_METRICS_LEDGER_H

#include <pthread.h>

#include "core/preflight.h"
#include "metrics/counters.h"
#include "metrics/history.h"
#include "metrics/origin_usage.h"
#include "metrics/tally.h"
#include "metrics/topk.h"

/* What is counted of refusals. */
enum ledger_kind { LEDGER_ORIGINS, LEDGER_METHODS, LEDGER_HEADERS,
	LEDGER_KINDS };

enum { LEDGER_MINUTE_US = 60000000 };

struct ledger_page {
	size_t worker;
	const struct counters *counters; /* the worker's */
	int64_t minute_end;              /* us */
	pthread_mutex_t lock;            /* over what follows */
	struct history history;
	struct top refused[LEDGER_KINDS];
};

struct ledger;

/* Where the requests of one set of policies are counted. */
struct ledger_view {
	struct tally_row *none;
	struct seen *seen;
	struct tally_row *rows[]; /* by policy->index */
};

/* For a number of workers, whose counters last as long.  Returns NULL without
 * memory. */
struct ledger *ledger_new(size_t workers);
void ledger_free(struct ledger *l);

/* The page of a worker, whose counters they are. */
struct ledger_page *ledger_page(struct ledger *l, size_t worker,
    const struct counters *counters);

/* A view for policies that last as long.  Returns NULL without memory. */
struct ledger_view *ledger_view_new(struct ledger *l,
    const struct policy_set *policies);
void ledger_view_free(struct ledger_view *v);

/* Takes over what is to be kept of a view that no worker uses any more. */
void ledger_carry(struct ledger *l, struct ledger_view *v,
    const struct ledger_view *old);

/* Begins another minute; ledger_tick calls it. */
void ledger_minute(struct ledger_page *page, int64_t now);

/* The worker is awake at now, in us, and has not counted anything yet. */
static inline void
ledger_tick(struct ledger_page *page, int64_t now)
{
	if (now >= page->minute_end)
		ledger_minute(page, now);
}

/* Notes what was refused; ledger_note calls it. */
void ledger_refusal(struct ledger_page *page, const struct request *r,
    const struct decision *d);

/* A request was decided so. */
static inline void
ledger_note(const struct ledger_view *v, struct ledger_page *page,
    const struct request *r, const struct decision *d)
{
	tally_add(d->policy != NULL ? v->rows[d->policy->index] : v->none,
	    page->worker, d->reason);
	if (d->origin_allowed)
		seen_note(v->seen, d->policy, &d->origin);
	if (d->offending.n > 0 || d->reason == REASON_NO_POLICY)
		ledger_refusal(page, r, d);
}

/* --- reading --- */

/* A counter, summed over the workers. */
unsigned long ledger_count(const struct ledger *l, size_t counter);

struct ledger_row {
	const char *name; /* "(none)" and "(others)" for those without */
	bool in_use;      /* it is one of the policies, or none of them */
	unsigned long of[REASON_COUNT];
};

/* All rows; of policies first.  Returns how many, or -1 without memory; the
 * caller frees *out, names and all, at once. */
ptrdiff_t ledger_rows(struct ledger *l, const struct policy_set *policies,
    struct ledger_row **out);

/* What is refused most, of all workers, at most max of them. */
size_t ledger_refused(struct ledger *l, enum ledger_kind kind,
    struct top_entry *out, size_t max);

/* The last hour up to now, in us. */
void ledger_history(struct ledger *l, int64_t now,
    unsigned long out[HISTORY_MINUTES][REASON_COUNT]);

#endif
