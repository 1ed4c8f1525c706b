#include "config.h"

#include "metrics/origin_usage.h"

#include <stdlib.h>

enum { LOOKS_MAX = 65536 }; /* entries of one seen_list: a few milliseconds */

struct seen_set {
	const struct policy *policy;
	size_t first;         /* its bit 0 */
	atomic_size_t cursor; /* all entries before it have come */
};

static int
compare_sets(const void *a, const void *b)
{
	const struct policy *const *x = a, *const *y = b;
	uintptr_t p = (uintptr_t)(*x)->origins, q = (uintptr_t)(*y)->origins;

	if (p != q)
		return p < q ? -1 : 1;
	return (*x)->index < (*y)->index ? -1 : (*x)->index > (*y)->index;
}

static int
compare_users(const void *a, const void *b)
{
	const struct seen_set *x = a, *y = b;
	size_t i = x->policy->index, j = y->policy->index;

	return i < j ? -1 : i > j;
}

/* Gives each set of origins, which policies may share, its bits; sorted holds
 * the policies by their sets.  Returns how many bits there are. */
static size_t
bits_share_out(struct seen *s, const struct policy *const *sorted, size_t n)
{
	const struct policy *p;
	size_t bits = 0, first = 0;

	for (size_t i = 0; i < n; i++) {
		p = sorted[i];
		if (i == 0 || p->origins != sorted[i - 1]->origins) {
			first = bits;
			bits += origin_set_slots(p->origins);
			s->total += origin_set_count(p->origins);
			s->sets[s->nsets].policy = p;
			s->sets[s->nsets++].first = first;
		}
		s->first[p->index] = first;
	}
	qsort(s->sets, s->nsets, sizeof *s->sets, compare_users);
	return bits;
}

/* Returns 0, or -1 without memory. */
static int
seen_init(struct seen *s, const struct policy_set *policies)
{
	size_t n = policy_set_count(policies), bits;
	const struct policy **sorted = calloc(n + 1, sizeof *sorted);

	s->first = calloc(n + 1, sizeof *s->first);
	s->sets = calloc(n + 1, sizeof *s->sets);
	if (sorted == NULL || s->first == NULL || s->sets == NULL) {
		free(sorted);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		sorted[i] = policy_set_get(policies, i);
	qsort(sorted, n, sizeof *sorted, compare_sets);
	bits = bits_share_out(s, sorted, n);
	free(sorted);
	s->bits = calloc(bits / SEEN_BITS + 1, sizeof *s->bits);
	return s->bits != NULL ? 0 : -1;
}

struct seen *
seen_new(const struct policy_set *policies)
{
	struct seen *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->policies = policies;
	if (seen_init(s, policies) == -1) {
		seen_free(s);
		return NULL;
	}
	return s;
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	free(s->bits);
	free(s->sets);
	free(s->first);
	free(s);
}

void
seen_mark(struct seen *s, size_t bit)
{
	unsigned long mask = 1UL << bit % SEEN_BITS;

	if ((atomic_fetch_or_explicit(&s->bits[bit / SEEN_BITS], mask,
	    memory_order_relaxed) & mask) == 0)
		atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
}

void
seen_carry(struct seen *s, const struct seen *old)
{
	const struct policy *was, *is;
	struct origin_entry e, twin;
	size_t at;

	for (size_t i = 0; i < s->nsets; i++) {
		is = s->sets[i].policy;
		was = policy_set_named(old->policies, is->name);
		at = 0;
		while (was != NULL && origin_set_next(was->origins, &at, &e))
			if (seen_bit(old, old->first[was->index] + e.slot) &&
			    origin_set_twin(is->origins, &e, &twin))
				seen_note(s, is, &twin);
	}
}

/* seen_list for one set; looks is how many more entries may be looked at. */
static size_t
list_set(struct seen *s, struct seen_set *set, size_t *looks,
    struct seen_missing *out, size_t max)
{
	size_t at = atomic_load_explicit(&set->cursor, memory_order_relaxed);
	bool prefix = true;
	struct origin_entry e;
	size_t n = 0;

	while (n < max && *looks > 0 &&
	    origin_set_next(set->policy->origins, &at, &e)) {
		(*looks)--;
		if (!seen_bit(s, set->first + e.slot)) {
			out[n++] = (struct seen_missing){set->policy, e};
			prefix = false;
		} else if (prefix) {
			/* A bit stays set: never look here again. */
			atomic_store_explicit(&set->cursor, at,
			    memory_order_relaxed);
		}
	}
	return n;
}

size_t
seen_list(struct seen *s, struct seen_missing *out, size_t max)
{
	size_t n = 0, looks = LOOKS_MAX;

	for (size_t i = 0; i < s->nsets && n < max && looks > 0; i++)
		n += list_set(s, &s->sets[i], &looks, out + n, max - n);
	return n;
}
