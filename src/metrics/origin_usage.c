#include "config.h"

#include "metrics/origin_usage.h"

#include <limits.h>
#include <stdlib.h>

enum {
	WORD_BITS = sizeof(unsigned long) * CHAR_BIT,
	LOOKS_MAX = 65536, /* entries that are listed at a time: a few
	                      milliseconds */
};

struct usage_set {
	const struct policy *policy;
	size_t first;         /* its bit 0 */
	atomic_size_t cursor; /* all entries before it have come */
};

/* By their origins, which policies may share. */
static int
compare_origins(const void *a, const void *b)
{
	const struct policy *const *x = a, *const *y = b;
	uintptr_t p = (uintptr_t)(*x)->origins, q = (uintptr_t)(*y)->origins;

	if (p != q)
		return p < q ? -1 : 1;
	return (*x)->index < (*y)->index ? -1 : (*x)->index > (*y)->index;
}

struct origin_usage *
origin_usage_new(const struct policy_set *policies)
{
	size_t n = policy_set_count(policies), bits = 0;
	struct origin_usage *u = calloc(1, sizeof *u);
	const struct policy **sorted = calloc(n + 1, sizeof *sorted), *p;

	if (u == NULL || sorted == NULL)
		goto fail;
	u->policies = policies;
	u->first = calloc(n + 1, sizeof *u->first);
	u->sets = calloc(n + 1, sizeof *u->sets);
	if (u->first == NULL || u->sets == NULL)
		goto fail;
	for (size_t i = 0; i < n; i++)
		sorted[i] = policy_set_get(policies, i);
	qsort(sorted, n, sizeof *sorted, compare_origins);
	/* For now the first policy with the same origins. */
	for (size_t i = 0; i < n; i++)
		u->first[sorted[i]->index] = i > 0 &&
		    sorted[i]->origins == sorted[i - 1]->origins ?
		    u->first[sorted[i - 1]->index] : sorted[i]->index;
	for (size_t i = 0; i < n; i++) {
		p = policy_set_get(policies, i);
		if (u->first[i] < i) {
			u->first[i] = u->first[u->first[i]];
			continue;
		}
		u->first[i] = bits;
		u->sets[u->nsets].policy = p;
		u->sets[u->nsets++].first = bits;
		u->total += origin_set_count(p->origins);
		bits += origin_set_slots(p->origins);
	}
	u->bits = calloc(bits / WORD_BITS + 1, sizeof *u->bits);
	if (u->bits == NULL)
		goto fail;
	free(sorted);
	return u;
fail:
	free(sorted);
	origin_usage_free(u);
	return NULL;
}

void
origin_usage_free(struct origin_usage *u)
{
	if (u == NULL)
		return;
	free(u->bits);
	free(u->sets);
	free(u->first);
	free(u);
}

static bool
has_come(const struct origin_usage *u, size_t bit)
{
	return atomic_load(&u->bits[bit / WORD_BITS]) >> bit % WORD_BITS & 1;
}

void
origin_usage_note(struct origin_usage *u, const struct policy *p,
    const struct origin_entry *e)
{
	size_t bit = u->first[p->index] + e->slot;
	unsigned long mask = 1UL << bit % WORD_BITS;

	/* Most have come before: then nothing is written. */
	if (!has_come(u, bit) &&
	    (atomic_fetch_or(&u->bits[bit / WORD_BITS], mask) & mask) == 0)
		atomic_fetch_add(&u->count, 1);
}

void
origin_usage_carry(struct origin_usage *u, const struct origin_usage *old)
{
	const struct policy *was, *is;
	struct origin_entry e, twin;
	size_t at;

	for (size_t i = 0; i < u->nsets; i++) {
		is = u->sets[i].policy;
		was = policy_set_named(old->policies, is->name);
		at = 0;
		while (was != NULL && origin_set_next(was->origins, &at, &e))
			if (has_come(old, old->first[was->index] + e.slot) &&
			    origin_set_twin(is->origins, &e, &twin))
				origin_usage_note(u, is, &twin);
	}
}

size_t
origin_usage_unused(struct origin_usage *u, struct unused_origin *out,
    size_t max)
{
	size_t n = 0, looks = LOOKS_MAX;
	struct origin_entry e;

	for (size_t i = 0; i < u->nsets; i++) {
		struct usage_set *set = &u->sets[i];
		size_t at = atomic_load(&set->cursor);
		bool prefix = true;

		while (n < max && looks > 0 &&
		    origin_set_next(set->policy->origins, &at, &e)) {
			looks--;
			if (!has_come(u, set->first + e.slot)) {
				out[n++] = (struct unused_origin){set->policy,
				    e};
				prefix = false;
			} else if (prefix) {
				/* A bit stays set: start behind it next
				 * time. */
				atomic_store(&set->cursor, at);
			}
		}
	}
	return n;
}
