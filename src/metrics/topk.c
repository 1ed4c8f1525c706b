#include "config.h"

#include "metrics/topk.h"

#include "base/hash.h"

/* The number of the entry of the same text, policy and reason, or t->n. */
static size_t
find(const struct topk *t, const struct topk_entry *e)
{
	size_t i = 0;

	for (; i < t->n; i++) {
		const struct topk_entry *x = &t->at[i];

		if (x->hash == e->hash && x->length == e->length &&
		    x->reason == e->reason &&
		    str_eq(topk_policy(x), topk_policy(e)) &&
		    str_eq(topk_text(x), topk_text(e)))
			break;
	}
	return i;
}

/* The number of the entry with the least count; there is one. */
static size_t
least(const struct topk *t)
{
	size_t found = 0;

	for (size_t i = 1; i < t->n; i++)
		if (t->at[i].count < t->at[found].count)
			found = i;
	return found;
}

void
topk_add(struct topk *t, struct str policy, enum reason reason, struct str text)
{
	struct topk_entry e = {.reason = reason, .length = text.n, .count = 1};
	size_t i;

	if (policy.n > POLICY_NAME_MAX)
		policy.n = POLICY_NAME_MAX;
	e.hash = hash_str(text, hash_str(policy, (uint64_t)reason));
	e.npolicy = (uint8_t)policy.n;
	memcpy(e.policy, policy.p, policy.n);
	memcpy(e.text, text.p, text.n < TOPK_TEXT ? text.n : TOPK_TEXT);
	i = find(t, &e);
	if (i < t->n) {
		t->at[i].count++;
		return;
	}
	if (t->n < TOPK_SIZE) {
		t->n++;
	} else {
		/* The new entry takes over the count of the one it replaces. */
		i = least(t);
		t->floor = t->at[i].count;
	}
	e.excess = t->floor;
	e.count += e.excess;
	t->at[i] = e;
}

/* How often what is not in a summary may have come. */
static unsigned long
unknown(const struct topk *t)
{
	return t->n < TOPK_SIZE ? t->floor : t->at[least(t)].count;
}

void
topk_merge(struct topk *into, const struct topk *t)
{
	const unsigned long here = unknown(into), there = unknown(t);
	const size_t own = into->n;

	for (size_t i = 0; i < own; i++) {
		struct topk_entry *e = &into->at[i];
		size_t j = find(t, e);

		e->count += j < t->n ? t->at[j].count : there;
		e->excess += j < t->n ? t->at[j].excess : there;
	}
	for (size_t j = 0; j < t->n; j++) {
		struct topk_entry e = t->at[j];
		size_t i = into->n;

		if (find(into, &e) < into->n)
			continue;
		e.count += here;
		e.excess += here;
		if (i < TOPK_SIZE)
			into->n++;
		else if (into->at[i = least(into)].count >= e.count)
			continue;
		into->at[i] = e;
	}
	into->floor = here + there;
}

static bool
is_before(const struct topk_entry *a, const struct topk_entry *b)
{
	unsigned long m = topk_least(a), n = topk_least(b);

	return m != n ? m > n : a->count > b->count;
}

size_t
topk_best(const struct topk *t, struct topk_entry *out, size_t max)
{
	size_t n = 0, at;

	/* Insertion sort: what is behind the last of max falls off. */
	for (size_t i = 0; i < t->n; i++) {
		at = n;
		while (at > 0 && is_before(&t->at[i], &out[at - 1]))
			at--;
		if (at == max)
			continue;
		if (n < max)
			n++;
		memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof *out);
		out[at] = t->at[i];
	}
	return n;
}
