/* tally.h - requests by policy and reason.  A policy is known by its name and
 * keeps its counts when it is loaded anew, and for a while when it is gone.
 * Each worker adds to counts of its own, any thread may read them; the rows are
 * made and removed under a lock of the caller's. */
#ifndef PREFLIGHTD_METRICS_TALLY_H
#define PREFLIGHTD_METRICS_TALLY_H

#include <stdatomic.h>

#include "core/policy.h"
#include "core/preflight.h"

enum {
	TALLY_MAX = 1000, /* policies of a file with counts of their own */
	TALLY_GONE = 100, /* policies beside them that are in no file now */
};

/* One cache line: workers do not disturb each other. */
struct tally_counts {
	_Alignas(64) atomic_ulong at[REASON_COUNT];
};

struct tally_row {
	struct tally_row *next;
	size_t nname;
	char name[POLICY_NAME_MAX];
	struct tally_counts of[]; /* by worker, and one for what was folded */
};

struct tally;

/* NULL without memory. */
struct tally *tally_new(size_t workers);
void tally_free(struct tally *t);

/* The row of a policy, made where there is none; behind the first TALLY_MAX of
 * its file that of all others.  NULL without memory. */
struct tally_row *tally_open(struct tally *t, const struct policy *p);

/* The rows for requests that no policy serves, and for all other policies. */
struct tally_row *tally_none(struct tally *t);
struct tally_row *tally_others(struct tally *t);

/* The rows of policies, the first first; NULL behind the last. */
const struct tally_row *tally_rows(const struct tally *t);

/* Folds policies that are gone into the others where they are too many.  No
 * worker may still add to a policy that is not in the set. */
void tally_trim(struct tally *t, const struct policy_set *policies);

/* What all workers counted. */
void tally_sum(const struct tally *t, const struct tally_row *row,
    unsigned long out[REASON_COUNT]);

static inline struct str
tally_name(const struct tally_row *row)
{
	return (struct str){row->name, row->nname};
}

/* Only the worker itself calls this. */
static inline void
tally_add(struct tally_row *row, size_t worker, enum reason reason)
{
	atomic_ulong *at = &row->of[worker].at[reason];
	unsigned long n = atomic_load_explicit(at, memory_order_relaxed);

	atomic_store_explicit(at, n + 1, memory_order_relaxed);
}

#endif
