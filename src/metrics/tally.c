#include "config.h"

#include "metrics/tally.h"

#include <stdlib.h>

struct tally {
	size_t workers;
	struct tally_row *first, **end;
	struct tally_row *none, *others;
};

static struct tally_row *
row_new(const struct tally *t, struct str name)
{
	size_t size = sizeof(struct tally_row) +
	    (t->workers + 1) * sizeof(struct tally_counts);
	struct tally_row *row = aligned_alloc(_Alignof(struct tally_counts),
	    size);

	if (row == NULL)
		return NULL;
	memset(row, 0, size);
	row->nname = name.n;
	memcpy(row->name, name.p, name.n);
	return row;
}

struct tally *
tally_new(size_t workers)
{
	struct tally *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->workers = workers;
	t->end = &t->first;
	t->none = row_new(t, STR(""));
	t->others = row_new(t, STR(""));
	if (t->none == NULL || t->others == NULL) {
		tally_free(t);
		return NULL;
	}
	return t;
}

void
tally_free(struct tally *t)
{
	struct tally_row *row;

	if (t == NULL)
		return;
	while ((row = t->first) != NULL) {
		t->first = row->next;
		free(row);
	}
	free(t->none);
	free(t->others);
	free(t);
}

struct tally_row *
tally_open(struct tally *t, const struct policy *p)
{
	struct tally_row *row = t->first;

	if (p->index >= TALLY_MAX || p->name.n > POLICY_NAME_MAX)
		return t->others;
	while (row != NULL && !str_eq(tally_name(row), p->name))
		row = row->next;
	if (row != NULL || (row = row_new(t, p->name)) == NULL)
		return row;
	*t->end = row;
	t->end = &row->next;
	return row;
}

struct tally_row *
tally_none(struct tally *t)
{
	return t->none;
}

struct tally_row *
tally_others(struct tally *t)
{
	return t->others;
}

const struct tally_row *
tally_rows(const struct tally *t)
{
	return t->first;
}

void
tally_sum(const struct tally *t, const struct tally_row *row,
    unsigned long out[REASON_COUNT])
{
	for (size_t r = 0; r < REASON_COUNT; r++) {
		out[r] = 0;
		for (size_t w = 0; w <= t->workers; w++)
			out[r] += atomic_load_explicit(&row->of[w].at[r],
			    memory_order_relaxed);
	}
}

/* Adds the counts of a row that goes to the others, where no worker adds. */
static void
fold(struct tally *t, const struct tally_row *row)
{
	atomic_ulong *to = t->others->of[t->workers].at;
	unsigned long sum[REASON_COUNT];

	tally_sum(t, row, sum);
	for (size_t r = 0; r < REASON_COUNT; r++)
		atomic_fetch_add_explicit(&to[r], sum[r],
		    memory_order_relaxed);
}

static bool
is_gone(const struct tally_row *row, const struct policy_set *policies)
{
	const struct policy *p = policy_set_named(policies, tally_name(row));

	return p == NULL || p->index >= TALLY_MAX;
}

void
tally_trim(struct tally *t, const struct policy_set *policies)
{
	struct tally_row **at = &t->first, *row;
	size_t gone = 0;

	for (row = t->first; row != NULL; row = row->next)
		gone += is_gone(row, policies);
	while ((row = *at) != NULL && gone > TALLY_GONE) {
		if (!is_gone(row, policies)) {
			at = &row->next;
			continue;
		}
		fold(t, row);
		*at = row->next;
		if (t->end == &row->next)
			t->end = at;
		free(row);
		gone--;
	}
}
