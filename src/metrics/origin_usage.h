/* origin_usage.h - which of the allowed origins have come: a bit for each entry
 * of the policies, and how many there are.  Any thread may note, ask and
 * list. */
#ifndef PREFLIGHTD_METRICS_ORIGIN_USAGE_H
#define PREFLIGHTD_METRICS_ORIGIN_USAGE_H

#include <limits.h>
#include <stdatomic.h>

#include "core/policy.h"

struct seen_set; /* the origins of a policy that no earlier one has */

struct seen {
	const struct policy_set *policies;
	size_t *first;          /* by policy->index: the bit of its slot 0 */
	struct seen_set *sets;
	size_t nsets;
	size_t total;           /* entries of all policies */
	atomic_size_t count;    /* those that have come */
	atomic_ulong *bits;
};

enum { SEEN_BITS = sizeof(unsigned long) * CHAR_BIT };

/* For policies that last as long; NULL without memory. */
struct seen *seen_new(const struct policy_set *policies);
void seen_free(struct seen *s);

/* Notes for the first time; seen_note calls it. */
void seen_mark(struct seen *s, size_t bit);

static inline bool
seen_bit(const struct seen *s, size_t bit)
{
	return atomic_load_explicit(&s->bits[bit / SEEN_BITS],
	    memory_order_relaxed) >> bit % SEEN_BITS & 1;
}

/* The entry of the policy's origins has allowed somebody. */
static inline void
seen_note(struct seen *s, const struct policy *p, const struct origin_entry *e)
{
	size_t bit = s->first[p->index] + e->slot;

	if (!seen_bit(s, bit))
		seen_mark(s, bit);
}

/* Notes what an older set of policies has seen, for policies of the same name
 * and entries of the same text. */
void seen_carry(struct seen *s, const struct seen *old);

/* An entry that nobody came for yet, and the first policy that has it. */
struct seen_missing {
	const struct policy *policy;
	struct origin_entry entry;
};

/* Writes the first of them, max at most, and returns how many.  Looks at a
 * bounded number of entries: of a very long list some may be left out, which
 * come when it is called again. */
size_t seen_list(struct seen *s, struct seen_missing *out, size_t max);

#endif
