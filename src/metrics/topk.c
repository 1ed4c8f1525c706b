#include "config.h"

#include "metrics/topk.h"

#include "base/hash.h"

static bool
is_same(const struct top_entry *a, const struct top_entry *b)
{
	return a->length == b->length && a->reason == b->reason &&
	    str_eq(top_policy(a), top_policy(b)) &&
	    str_eq(top_text(a), top_text(b));
}

/* The number of the entry, or t->n. */
static size_t
find(const struct top *t, const struct top_entry *e)
{
	size_t i = 0;

	while (i < t->n && (t->hashes[i] != e->hash || !is_same(&t->at[i], e)))
		i++;
	return i;
}

/* The number of the entry with the least count; there is one. */
static size_t
least(const struct top *t)
{
	size_t found = 0;

	for (size_t i = 1; i < t->n; i++)
		if (t->counts[i] < t->counts[found])
			found = i;
	return found;
}

static void
put(struct top *t, size_t i, const struct top_entry *e)
{
	t->at[i] = *e;
	t->hashes[i] = e->hash;
	t->counts[i] = e->count;
	if (i == t->n)
		t->n++;
}

static void
entry_init(struct top_entry *e, struct str policy, enum reason reason,
    struct str text)
{
	e->hash = hash_str(text, hash_str(policy, (uint64_t)reason));
	e->length = text.n;
	e->reason = reason;
	if (policy.n > POLICY_NAME_MAX)
		policy.n = POLICY_NAME_MAX;
	e->npolicy = (uint8_t)policy.n;
	memcpy(e->policy, policy.p, policy.n);
	memcpy(e->text, text.p, text.n < TOP_TEXT ? text.n : TOP_TEXT);
}

void
top_add(struct top *t, struct str policy, enum reason reason, struct str text)
{
	struct top_entry e;
	size_t i;

	entry_init(&e, policy, reason, text);
	i = find(t, &e);
	if (i < t->n) {
		t->counts[i]++;
		return;
	}
	e.count = 1;
	e.excess = t->floor;
	if (t->n == TOP_SIZE) {
		/* The newcomer takes over the count of what it drives out. */
		i = least(t);
		e.excess = t->counts[i];
		t->floor = t->counts[i];
	}
	e.count += e.excess;
	put(t, i, &e);
}

/* How often what is not in a summary may have come. */
static unsigned long
unknown(const struct top *t)
{
	return t->n < TOP_SIZE ? t->floor : t->counts[least(t)];
}

/* Puts an entry into a summary that does not have it. */
static void
insert(struct top *t, const struct top_entry *e)
{
	size_t i = t->n;

	if (i == TOP_SIZE) {
		i = least(t);
		if (t->counts[i] >= e->count)
			return;
	}
	put(t, i, e);
}

void
top_merge(struct top *into, const struct top *t)
{
	const unsigned long here = unknown(into), there = unknown(t);
	struct top_entry e;
	size_t i, own = into->n;
	bool met[TOP_SIZE] = {false};

	for (size_t j = 0; j < t->n; j++) {
		i = find(into, &t->at[j]);
		if (i < own) {
			met[i] = true;
			into->counts[i] += t->counts[j];
			into->at[i].excess += t->at[j].excess;
		}
	}
	for (i = 0; i < own; i++)
		if (!met[i]) {
			into->counts[i] += there;
			into->at[i].excess += there;
		}
	for (size_t j = 0; j < t->n; j++)
		if (find(into, &t->at[j]) == into->n) {
			e = t->at[j];
			e.count = t->counts[j] + here;
			e.excess += here;
			insert(into, &e);
		}
	into->floor = here + there;
}

/* Whether entry i surely came more often than j. */
static bool
is_before(const struct top *t, size_t i, size_t j)
{
	unsigned long a = t->counts[i] - t->at[i].excess,
	    b = t->counts[j] - t->at[j].excess;

	return a != b ? a > b : t->counts[i] > t->counts[j];
}

/* The entry to come next: there is one that is not taken. */
static size_t
next_best(const struct top *t, const bool *taken)
{
	size_t best = 0;

	while (taken[best])
		best++;
	for (size_t i = best + 1; i < t->n; i++)
		if (!taken[i] && is_before(t, i, best))
			best = i;
	return best;
}

size_t
top_best(const struct top *t, struct top_entry *out, size_t max)
{
	bool taken[TOP_SIZE] = {false};
	size_t n = 0, i;

	for (; n < max && n < t->n; n++) {
		i = next_best(t, taken);
		taken[i] = true;
		out[n] = t->at[i];
		out[n].count = t->counts[i];
	}
	return n;
}
