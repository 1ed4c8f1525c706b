/* origin_usage.h - which of the allowed origins have come: a bit for each entry
 * of the policies, and how many are set.  Any thread may note, ask and list. */
#ifndef PREFLIGHTD_METRICS_ORIGIN_USAGE_H
#define PREFLIGHTD_METRICS_ORIGIN_USAGE_H

#include <stdatomic.h>

#include "core/policy.h"

struct usage_set; /* the origins of a policy that no earlier one has */

struct origin_usage {
	const struct policy_set *policies;
	size_t *first;          /* by policy->index: the bit of its slot 0 */
	struct usage_set *sets;
	size_t nsets;
	size_t total;           /* entries of all policies */
	atomic_size_t count;    /* those that have come */
	atomic_ulong *bits;
};

/* For policies that last as long; NULL without memory. */
struct origin_usage *origin_usage_new(const struct policy_set *policies);
void origin_usage_free(struct origin_usage *u);

/* The entry of the policy's origins has allowed somebody. */
void origin_usage_note(struct origin_usage *u, const struct policy *p,
    const struct origin_entry *e);

/* Notes what has come under an older set of policies, for policies of the same
 * name and entries of the same text. */
void origin_usage_carry(struct origin_usage *u, const struct origin_usage *old);

/* An entry that nobody came for yet, and the first policy that has it. */
struct unused_origin {
	const struct policy *policy;
	struct origin_entry entry;
};

/* Writes the first of them, max at most, and returns how many.  Looks at a
 * bounded number of entries: of a very long list some may be left out, which
 * come when it is called again. */
size_t origin_usage_unused(struct origin_usage *u, struct unused_origin *out,
    size_t max);

#endif
