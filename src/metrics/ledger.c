#include "config.h"

#include "metrics/ledger.h"

#include <stdlib.h>

struct ledger {
	size_t workers;
	pthread_mutex_t lock; /* over the rows of tally */
	struct tally *tally;
	struct ledger_page *pages;
};

struct ledger *
ledger_new(size_t workers)
{
	struct ledger *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->tally = tally_new(workers);
	l->pages = calloc(workers, sizeof *l->pages);
	if (l->pages != NULL) {
		l->workers = workers;
		for (size_t i = 0; i < workers; i++)
			pthread_mutex_init(&l->pages[i].lock, NULL);
	}
	if (l->tally == NULL || l->pages == NULL) {
		ledger_free(l);
		return NULL;
	}
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->workers; i++)
		pthread_mutex_destroy(&l->pages[i].lock);
	free(l->pages);
	tally_free(l->tally);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct ledger_page *
ledger_page(struct ledger *l, size_t worker, const struct counters *counters)
{
	struct ledger_page *page = &l->pages[worker];

	page->worker = worker;
	page->counters = counters;
	return page;
}

/* ---- a set of policies ------------------------------------------------- */

/* Fills v->rows; 0, or -1 without memory. */
static int
rows_open(struct ledger *l, struct ledger_view *v,
    const struct policy_set *policies)
{
	int ret = 0;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < policy_set_count(policies) && ret == 0; i++) {
		v->rows[i] = tally_open(l->tally, policy_set_get(policies, i));
		if (v->rows[i] == NULL)
			ret = -1;
	}
	pthread_mutex_unlock(&l->lock);
	return ret;
}

struct ledger_view *
ledger_view_new(struct ledger *l, const struct policy_set *policies)
{
	struct ledger_view *v = calloc(1, sizeof *v +
	    policy_set_count(policies) * sizeof v->rows[0]);

	if (v == NULL)
		return NULL;
	v->none = tally_none(l->tally);
	v->seen = seen_new(policies);
	if (v->seen == NULL || rows_open(l, v, policies) == -1) {
		ledger_view_free(v);
		return NULL;
	}
	return v;
}

void
ledger_view_free(struct ledger_view *v)
{
	if (v == NULL)
		return;
	seen_free(v->seen);
	free(v);
}

void
ledger_carry(struct ledger *l, struct ledger_view *v,
    const struct ledger_view *old)
{
	seen_carry(v->seen, old->seen);
	pthread_mutex_lock(&l->lock);
	tally_trim(l->tally, v->seen->policies);
	pthread_mutex_unlock(&l->lock);
}

/* ---- writing ----------------------------------------------------------- */

static void
reasons_get(const struct counters *counters, unsigned long out[REASON_COUNT])
{
	for (size_t r = 0; r < REASON_COUNT; r++)
		out[r] = count_get(counters, COUNT_REASONS + r);
}

void
ledger_minute(struct ledger_page *page, int64_t now)
{
	unsigned long counts[REASON_COUNT];
	int64_t minute = now / LEDGER_MINUTE_US;

	reasons_get(page->counters, counts);
	pthread_mutex_lock(&page->lock);
	history_enter(&page->history, minute, counts);
	pthread_mutex_unlock(&page->lock);
	page->minute_end = (minute + 1) * LEDGER_MINUTE_US;
}

/* Of what kind the refused text is; LEDGER_KINDS where it is of none. */
static enum ledger_kind
kind_of(const struct decision *d)
{
	static const enum ledger_kind malformed[] = {
		[MALFORMED_NOT] = LEDGER_KINDS,
		[MALFORMED_HOST] = LEDGER_KINDS,
		[MALFORMED_ORIGIN] = LEDGER_ORIGINS,
		[MALFORMED_METHOD] = LEDGER_METHODS,
		[MALFORMED_HEADER] = LEDGER_HEADERS,
	};

	switch (d->reason) {
	case REASON_ORIGIN:
	case REASON_NO_POLICY:
		return LEDGER_ORIGINS;
	case REASON_METHOD:
		return LEDGER_METHODS;
	case REASON_HEADER:
		return LEDGER_HEADERS;
	case REASON_MALFORMED:
		return malformed[d->malformed];
	case REASON_ALLOWED:
	case REASON_NOT_PREFLIGHT:
	case REASON_NOT_OPTIONS:
	case REASON_COUNT:
	default:
		return LEDGER_KINDS;
	}
}

void
ledger_refusal(struct ledger_page *page, const struct request *r,
    const struct decision *d)
{
	enum ledger_kind kind = kind_of(d);
	struct str text = d->reason == REASON_NO_POLICY ? r->origin :
	    d->offending;

	if (kind == LEDGER_KINDS || text.n == 0)
		return;
	pthread_mutex_lock(&page->lock);
	top_add(&page->refused[kind],
	    d->policy != NULL ? d->policy->name : STR(""), d->reason, text);
	pthread_mutex_unlock(&page->lock);
}

/* ---- reading ----------------------------------------------------------- */

unsigned long
ledger_count(const struct ledger *l, size_t counter)
{
	unsigned long n = 0;

	for (size_t i = 0; i < l->workers; i++)
		n += count_get(l->pages[i].counters, counter);
	return n;
}

static void
row_read(const struct tally *t, const struct tally_row *row, const char *name,
    bool in_use, struct ledger_row *out)
{
	out->name = name;
	out->in_use = in_use;
	tally_sum(t, row, out->of);
}

/* Copies a name that may go with its row; returns where the next may stand. */
static char *
name_copy(char *to, struct str name)
{
	memcpy(to, name.p, name.n);
	to[name.n] = '\0';
	return to + name.n + 1;
}

static size_t
rows_count(const struct tally *t)
{
	size_t n = 2;

	for (const struct tally_row *r = tally_rows(t); r != NULL; r = r->next)
		n++;
	return n;
}

ptrdiff_t
ledger_rows(struct ledger *l, const struct policy_set *policies,
    struct ledger_row **out)
{
	const struct tally_row *r;
	struct ledger_row *rows;
	size_t n, i = 0;
	char *names;

	pthread_mutex_lock(&l->lock);
	n = rows_count(l->tally);
	*out = rows = malloc(n * (sizeof *rows + POLICY_NAME_MAX + 1));
	if (rows != NULL) {
		names = (char *)(rows + n);
		for (r = tally_rows(l->tally); r != NULL; r = r->next, i++) {
			row_read(l->tally, r, names, policy_set_named(policies,
			    tally_name(r)) != NULL, &rows[i]);
			names = name_copy(names, tally_name(r));
		}
		row_read(l->tally, tally_none(l->tally), "(none)", true,
		    &rows[i]);
		row_read(l->tally, tally_others(l->tally), "(others)", false,
		    &rows[i + 1]);
	}
	pthread_mutex_unlock(&l->lock);
	return rows != NULL ? (ptrdiff_t)n : -1;
}

size_t
ledger_refused(struct ledger *l, enum ledger_kind kind, struct top_entry *out,
    size_t max)
{
	struct top *all = calloc(1, sizeof *all);
	size_t n;

	if (all == NULL)
		return 0;
	for (size_t i = 0; i < l->workers; i++) {
		pthread_mutex_lock(&l->pages[i].lock);
		top_merge(all, &l->pages[i].refused[kind]);
		pthread_mutex_unlock(&l->pages[i].lock);
	}
	n = top_best(all, out, max);
	free(all);
	return n;
}

void
ledger_history(struct ledger *l, int64_t now,
    unsigned long out[HISTORY_MINUTES][REASON_COUNT])
{
	unsigned long counts[REASON_COUNT];
	struct ledger_page *page;

	memset(out, 0, HISTORY_MINUTES * sizeof out[0]);
	for (size_t i = 0; i < l->workers; i++) {
		page = &l->pages[i];
		pthread_mutex_lock(&page->lock);
		reasons_get(page->counters, counts);
		history_add(&page->history, now / LEDGER_MINUTE_US, counts,
		    out);
		pthread_mutex_unlock(&page->lock);
	}
}
