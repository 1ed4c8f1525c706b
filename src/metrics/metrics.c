#include "config.h"

#include "metrics/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* The minutes stand in a ring; each place says which minute is in it. */
struct per_minute {
	int64_t minute[METRICS_MINUTES];
	unsigned long of[METRICS_MINUTES][REASON_COUNT];
};

struct metrics_shard {
	size_t worker;
	int64_t minute;       /* the present one; the worker's own */
	pthread_mutex_t lock; /* over what follows, and the worker's part of
	                         each policy's counters */
	unsigned long counters[COUNTERS];
	struct per_minute per_minute;
	struct topk refused[REFUSED_KINDS];
};

struct policy_counters {
	struct policy_counters *next;
	size_t nname;
	char name[POLICY_NAME_MAX];
	unsigned long of[][REASON_COUNT]; /* by worker; the last for what was
	                                     added up, under the lock of the
	                                     rows */
};

struct metrics {
	size_t workers;
	pthread_mutex_t lock; /* over the rows; comes before that of a shard */
	struct policy_counters *first, **end;
	struct policy_counters *none, *others;
	struct metrics_shard *shards;
};

static const char *const names[COUNT_REASONS] = {
	[COUNT_REQUESTS] = "requests",
	[COUNT_ACCEPTED] = "accepted",
	[COUNT_CLOSED] = "closed",
	[COUNT_TIMEOUT_FIRST] = "timeout-first",
	[COUNT_TIMEOUT_REQUEST] = "timeout-request",
	[COUNT_TIMEOUT_ANSWER] = "timeout-answer",
	[COUNT_TIMEOUT_IDLE] = "timeout-idle",
	[COUNT_EVICTED_CONNECTIONS] = "evicted-connections",
	[COUNT_EVICTED_MEMORY] = "evicted-memory",
	[COUNT_PROTOCOL_ERRORS] = "protocol-errors",
	[COUNT_PEER_ERRORS] = "peer-errors",
	[COUNT_CUT_SHORT] = "cut-short",
	[COUNT_ABORTED] = "aborted",
	[COUNT_MANAGEMENT] = "management",
	[COUNT_REFUSED_BEGIN] = "refused-begin",
	[COUNT_REFUSED_PEERS] = "refused-peers",
	[COUNT_REFUSED_MEMORY] = "refused-memory",
	[COUNT_ACCEPT_PAUSES] = "accept-pauses",
	[COUNT_SHADOW_JUDGED] = "shadow-judged",
	[COUNT_SHADOW_DIFFERENCES] = "shadow-differences",
	[COUNT_STATUS] = "status-requests",
};

const char *
counter_name(size_t i)
{
	return i < COUNT_REASONS ? names[i] :
	    reason_name((enum reason)(i - COUNT_REASONS));
}

/* ---- policies ---------------------------------------------------------- */

static struct policy_counters *
row_new(const struct metrics *m, struct str name)
{
	struct policy_counters *row = calloc(1, sizeof *row +
	    (m->workers + 1) * sizeof row->of[0]);

	if (row != NULL) {
		row->nname = name.n;
		memcpy(row->name, name.p, name.n);
	}
	return row;
}

static struct str
row_name(const struct policy_counters *row)
{
	return (struct str){row->name, row->nname};
}

/* The row of a policy, made where there is none; behind the first of its file
 * that of all others.  NULL without memory. */
static struct policy_counters *
row_open(struct metrics *m, const struct policy *p)
{
	struct policy_counters *row = m->first;

	if (p->index >= METRICS_POLICIES || p->name.n > POLICY_NAME_MAX)
		return m->others;
	while (row != NULL && !str_eq(row_name(row), p->name))
		row = row->next;
	if (row != NULL || (row = row_new(m, p->name)) == NULL)
		return row;
	*m->end = row;
	m->end = &row->next;
	return row;
}

static bool
row_is_gone(const struct policy_counters *row,
    const struct policy_set *policies)
{
	const struct policy *p = policy_set_named(policies, row_name(row));

	return p == NULL || p->index >= METRICS_POLICIES;
}

/* Adds the oldest policies that are gone to the others where there are too
 * many.  No worker counts for them any more. */
static void
rows_trim(struct metrics *m, const struct policy_set *policies)
{
	struct policy_counters **at = &m->first, *row;
	size_t gone = 0;

	for (row = m->first; row != NULL; row = row->next)
		gone += row_is_gone(row, policies);
	while ((row = *at) != NULL && gone > METRICS_GONE) {
		if (!row_is_gone(row, policies)) {
			at = &row->next;
			continue;
		}
		for (size_t w = 0; w <= m->workers; w++)
			for (size_t r = 0; r < REASON_COUNT; r++)
				m->others->of[m->workers][r] += row->of[w][r];
		*at = row->next;
		if (m->end == &row->next)
			m->end = at;
		free(row);
		gone--;
	}
}

/* ---- making ------------------------------------------------------------ */

struct metrics *
metrics_new(size_t workers)
{
	struct metrics *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	m->end = &m->first;
	m->shards = calloc(workers, sizeof *m->shards);
	if (m->shards != NULL)
		m->workers = workers;
	for (size_t i = 0; i < m->workers; i++) {
		m->shards[i].worker = i;
		pthread_mutex_init(&m->shards[i].lock, NULL);
	}
	m->none = row_new(m, STR(""));
	m->others = row_new(m, STR(""));
	if (m->shards == NULL || m->none == NULL || m->others == NULL) {
		metrics_free(m);
		return NULL;
	}
	return m;
}

void
metrics_free(struct metrics *m)
{
	struct policy_counters *row;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->workers; i++)
		pthread_mutex_destroy(&m->shards[i].lock);
	free(m->shards);
	while ((row = m->first) != NULL) {
		m->first = row->next;
		free(row);
	}
	free(m->none);
	free(m->others);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

struct metrics_shard *
metrics_shard(struct metrics *m, size_t worker)
{
	return &m->shards[worker];
}

struct metrics_view *
metrics_view_new(struct metrics *m, const struct policy_set *policies)
{
	size_t n = policy_set_count(policies);
	struct metrics_view *v = calloc(1, sizeof *v + n * sizeof v->rows[0]);
	bool complete = true;

	if (v == NULL)
		return NULL;
	v->none = m->none;
	v->usage = origin_usage_new(policies);
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < n && complete; i++) {
		v->rows[i] = row_open(m, policy_set_get(policies, i));
		complete = v->rows[i] != NULL;
	}
	pthread_mutex_unlock(&m->lock);
	if (v->usage == NULL || !complete) {
		metrics_view_free(v);
		return NULL;
	}
	return v;
}

void
metrics_view_free(struct metrics_view *v)
{
	if (v == NULL)
		return;
	origin_usage_free(v->usage);
	free(v);
}

void
metrics_carry(struct metrics *m, struct metrics_view *v,
    const struct metrics_view *old)
{
	origin_usage_carry(v->usage, old->usage);
	pthread_mutex_lock(&m->lock);
	rows_trim(m, v->usage->policies);
	pthread_mutex_unlock(&m->lock);
}

/* ---- counting ---------------------------------------------------------- */

void
metrics_tick(struct metrics_shard *shard, int64_t now)
{
	shard->minute = now / METRICS_MINUTE_US;
}

void
metrics_count(struct metrics_shard *shard, enum counter which)
{
	pthread_mutex_lock(&shard->lock);
	shard->counters[which]++;
	pthread_mutex_unlock(&shard->lock);
}

static void
minute_count(struct per_minute *p, int64_t minute, enum reason reason)
{
	size_t at = (size_t)minute % METRICS_MINUTES;

	if (p->minute[at] != minute) {
		p->minute[at] = minute;
		memset(p->of[at], 0, sizeof p->of[at]);
	}
	p->of[at][reason]++;
}

/* Of what kind the refused text is; REFUSED_KINDS where it is of none. */
static enum refused_kind
kind_of(const struct decision *d)
{
	static const enum refused_kind malformed[] = {
		[MALFORMED_NOT] = REFUSED_KINDS,
		[MALFORMED_HOST] = REFUSED_KINDS,
		[MALFORMED_ORIGIN] = REFUSED_ORIGINS,
		[MALFORMED_METHOD] = REFUSED_METHODS,
		[MALFORMED_HEADER] = REFUSED_HEADERS,
	};

	switch (d->reason) {
	case REASON_ORIGIN:
	case REASON_NO_POLICY:
		return REFUSED_ORIGINS;
	case REASON_METHOD:
		return REFUSED_METHODS;
	case REASON_HEADER:
		return REFUSED_HEADERS;
	case REASON_MALFORMED:
		return malformed[d->malformed];
	case REASON_ALLOWED:
	case REASON_NOT_PREFLIGHT:
	case REASON_NOT_OPTIONS:
	case REASON_COUNT:
	default:
		return REFUSED_KINDS;
	}
}

void
metrics_request(struct metrics_shard *shard, const struct metrics_view *v,
    const struct request *r, const struct decision *d)
{
	const struct policy *p = d->policy;
	struct policy_counters *row = p != NULL ? v->rows[p->index] : v->none;
	enum refused_kind kind = kind_of(d);
	struct str text = d->reason == REASON_NO_POLICY ? r->origin :
	    d->offending;

	if (d->origin_allowed)
		origin_usage_note(v->usage, p, &d->origin);
	pthread_mutex_lock(&shard->lock);
	shard->counters[COUNT_REQUESTS]++;
	shard->counters[COUNT_REASONS + (size_t)d->reason]++;
	row->of[shard->worker][d->reason]++;
	minute_count(&shard->per_minute, shard->minute, d->reason);
	if (kind != REFUSED_KINDS && text.n > 0)
		topk_add(&shard->refused[kind], p != NULL ? p->name : STR(""),
		    d->reason, text);
	pthread_mutex_unlock(&shard->lock);
}

/* ---- reading ----------------------------------------------------------- */

unsigned long
metrics_total(struct metrics *m, size_t counter)
{
	unsigned long n = 0;

	for (size_t i = 0; i < m->workers; i++) {
		pthread_mutex_lock(&m->shards[i].lock);
		n += m->shards[i].counters[counter];
		pthread_mutex_unlock(&m->shards[i].lock);
	}
	return n;
}

static void
row_read(struct metrics *m, const struct policy_counters *row, struct str name,
    bool in_use, struct metrics_row *out)
{
	snprintf(out->name, sizeof out->name, "%.*s", STR_ARG(name));
	out->in_use = in_use;
	memcpy(out->of, row->of[m->workers], sizeof out->of);
	for (size_t w = 0; w < m->workers; w++) {
		pthread_mutex_lock(&m->shards[w].lock);
		for (size_t r = 0; r < REASON_COUNT; r++)
			out->of[r] += row->of[w][r];
		pthread_mutex_unlock(&m->shards[w].lock);
	}
}

ptrdiff_t
metrics_rows(struct metrics *m, const struct policy_set *policies,
    struct metrics_row **out)
{
	const struct policy_counters *row;
	struct metrics_row *rows;
	size_t n = 2, i = 0;

	pthread_mutex_lock(&m->lock);
	for (row = m->first; row != NULL; row = row->next)
		n++;
	*out = rows = malloc(n * sizeof *rows);
	if (rows != NULL) {
		for (row = m->first; row != NULL; row = row->next)
			row_read(m, row, row_name(row),
			    policy_set_named(policies, row_name(row)) != NULL,
			    &rows[i++]);
		row_read(m, m->none, STR("(none)"), true, &rows[i++]);
		row_read(m, m->others, STR("(others)"), false, &rows[i]);
	}
	pthread_mutex_unlock(&m->lock);
	return rows != NULL ? (ptrdiff_t)n : -1;
}

size_t
metrics_refused(struct metrics *m, enum refused_kind kind,
    struct topk_entry *out, size_t max)
{
	struct topk *all = calloc(1, sizeof *all);
	size_t n;

	if (all == NULL)
		return 0;
	for (size_t i = 0; i < m->workers; i++) {
		pthread_mutex_lock(&m->shards[i].lock);
		topk_merge(all, &m->shards[i].refused[kind]);
		pthread_mutex_unlock(&m->shards[i].lock);
	}
	n = topk_best(all, out, max);
	free(all);
	return n;
}

void
metrics_last_hour(struct metrics *m, int64_t now,
    unsigned long out[METRICS_MINUTES][REASON_COUNT])
{
	const int64_t last = now / METRICS_MINUTE_US;
	const struct per_minute *p;

	memset(out, 0, METRICS_MINUTES * sizeof out[0]);
	for (size_t w = 0; w < m->workers; w++) {
		p = &m->shards[w].per_minute;
		pthread_mutex_lock(&m->shards[w].lock);
		for (size_t i = 0; i < METRICS_MINUTES; i++) {
			int64_t ago = last - p->minute[i];

			/* Another worker's clock may be in the next minute. */
			if (ago < 0)
				ago = 0;
			for (size_t r = 0; ago < METRICS_MINUTES &&
			    r < REASON_COUNT; r++)
				out[METRICS_MINUTES - 1 - ago][r] +=
				    p->of[i][r];
		}
		pthread_mutex_unlock(&m->shards[w].lock);
	}
}

/* ---- loads of policies ------------------------------------------------- */

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static struct load_state load_state;

void
load_state_start(void)
{
	pthread_mutex_lock(&load_lock);
	load_state = (struct load_state){.started_at = (int64_t)time(NULL),
	    .started_us = clock_us()};
	pthread_mutex_unlock(&load_lock);
}

void
load_state_loaded(enum load_role role, const char *digest)
{
	struct policy_load *p = &load_state.policy[role];

	pthread_mutex_lock(&load_lock);
	snprintf(p->digest, sizeof p->digest, "%s", digest);
	p->loaded_at = (int64_t)time(NULL);
	p->loads++;
	p->error[0] = '\0';
	pthread_mutex_unlock(&load_lock);
}

void
load_state_refused(enum load_role role, const char *text)
{
	struct policy_load *p = &load_state.policy[role];

	pthread_mutex_lock(&load_lock);
	p->refusals++;
	p->refused_at = (int64_t)time(NULL);
	snprintf(p->error, sizeof p->error, "%s", text);
	pthread_mutex_unlock(&load_lock);
}

void
load_state_get(struct load_state *out)
{
	pthread_mutex_lock(&load_lock);
	*out = load_state;
	pthread_mutex_unlock(&load_lock);
}
