#include "config.h"

#include "server.h"

#include <errno.h>
#include <stdlib.h>

#include "answer.h"
#include "clock.h"
#include "worker.h"

enum {
	HELD_MAX = 64 * 1024 * 1024, /* bytes of half-sent requests and unread
	                                answers, over all workers, but */
	HELD_MIN = 4 * STREAM_PARAMS_MAX, /* for each */
	OUT_ROOM = 64 * 1024,        /* for the answers of one wake-up */
	END_US = 2000000,            /* see linger in conn.c */
};

/* The policies and the candidate beside them, with what is needed to answer
 * from the ones and compare them with the other. */
struct generation {
	struct policy_set *policies, *candidate; /* not its own */
	struct shadow *shadow;
	struct ledger_view *view;
	size_t n;
	struct answer_space spaces[];
};

struct server {
	struct server_options options;
	struct listen_set *listeners;
	atomic_uint open;            /* connections of all workers */
	atomic_ulong epoch;          /* raised by each change */
	_Atomic int64_t stopping;    /* us, the end of the grace */
	pthread_mutex_t lock;
	pthread_cond_t passed;
	struct generation *generation; /* under lock, as seen[] */
	unsigned long *seen;           /* each worker's epoch */
	size_t nstarted;
	struct worker *workers;
	struct ledger *ledger;
	int64_t started;             /* us */
};

static void
generation_free(struct generation *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++) {
		free(g->spaces[i].text);
		free(g->spaces[i].out);
	}
	ledger_view_free(g->view);
	shadow_free(g->shadow);
	free(g);
}

/* Returns NULL without memory. */
static struct generation *
generation_new(struct policy_set *policies, struct policy_set *candidate,
    struct ledger *ledger, size_t workers)
{
	struct generation *g;
	struct answer_space *space;

	g = calloc(1, sizeof *g + workers * sizeof g->spaces[0]);
	if (g == NULL)
		return NULL;
	g->policies = policies;
	g->view = ledger_view_new(ledger, policies);
	if (g->view == NULL) {
		generation_free(g);
		return NULL;
	}
	g->candidate = candidate;
	g->n = workers;
	if (candidate != NULL &&
	    (g->shadow = shadow_new(policies, candidate)) == NULL) {
		generation_free(g);
		return NULL;
	}
	for (size_t i = 0; i < workers; i++) {
		space = &g->spaces[i];
		space->policies = policies;
		space->view = g->view;
		space->shadow = g->shadow;
		space->text_cap = answer_max(policies);
		space->answer_cap = fcgi_answer_max(space->text_cap);
		if (space->answer_cap < STREAM_REPLY_MAX)
			space->answer_cap = STREAM_REPLY_MAX;
		space->out_cap = space->answer_cap + OUT_ROOM;
		space->text = malloc(space->text_cap);
		space->out = malloc(space->out_cap);
		if (space->text == NULL || space->out == NULL) {
			generation_free(g);
			return NULL;
		}
	}
	return g;
}

/* ---- changes ----------------------------------------------------------- */

unsigned long
server_epoch(const struct server *s)
{
	return atomic_load_explicit(&s->epoch, memory_order_acquire);
}

int64_t
server_stopping(const struct server *s)
{
	return atomic_load(&s->stopping);
}

void
server_renew(struct server *s, struct worker *w)
{
	pthread_mutex_lock(&s->lock);
	w->epoch = atomic_load(&s->epoch);
	w->space = s->generation->spaces[w->index];
	pthread_mutex_unlock(&s->lock);
}

void
server_renewed(struct server *s, struct worker *w)
{
	pthread_mutex_lock(&s->lock);
	s->seen[w->index] = w->epoch;
	pthread_cond_signal(&s->passed);
	pthread_mutex_unlock(&s->lock);
}

/* Whether every worker has taken in the newest change; under the lock. */
static bool
all_passed(const struct server *s)
{
	for (size_t i = 0; i < s->nstarted; i++)
		if (s->seen[i] != atomic_load(&s->epoch))
			return false;
	return true;
}

/* Tells the workers of a change and waits until none of them is in the middle
 * of a wake-up from before; under the lock. */
static void
change_spread(struct server *s)
{
	atomic_fetch_add_explicit(&s->epoch, 1, memory_order_release);
	for (size_t i = 0; i < s->nstarted; i++)
		worker_wake(&s->workers[i]);
	while (!all_passed(s))
		pthread_cond_wait(&s->passed, &s->lock);
}

int
server_swap(struct server *s, struct policy_set *policies,
    struct policy_set *candidate)
{
	struct generation *old = s->generation, *new;

	new = generation_new(policies != NULL ? policies : old->policies,
	    candidate != NULL ? candidate : old->candidate,
	    s->ledger, s->options.threads);
	if (new == NULL)
		return -1;
	pthread_mutex_lock(&s->lock);
	s->generation = new;
	change_spread(s);
	pthread_mutex_unlock(&s->lock);
	ledger_carry(s->ledger, new->view, old->view);
	shadow_succeed(new->shadow, old->shadow);
	if (policies != NULL)
		policy_set_free(old->policies);
	if (candidate != NULL)
		policy_set_free(old->candidate);
	generation_free(old);
	return 0;
}

const struct shadow *
server_shadow(const struct server *s)
{
	return s->generation->shadow;
}

/* ---- connections ------------------------------------------------------- */

/* The worker whose quietest connection is the quietest of all. */
static struct worker *
quietest_worker(struct server *s)
{
	struct worker *found = &s->workers[0];
	int64_t at, best = INT64_MAX;

	for (size_t i = 0; i < s->options.threads; i++) {
		at = atomic_load_explicit(&s->workers[i].quietest,
		    memory_order_relaxed);
		if (at < best) {
			best = at;
			found = &s->workers[i];
		}
	}
	return found;
}

void
server_make_room(struct server *s, struct worker *w)
{
	struct worker *quietest;

	if (atomic_load(&s->open) <= s->options.max_connections)
		return;
	worker_publish(w);
	quietest = quietest_worker(s);
	if (quietest == w) {
		(void)worker_evict_quietest(w, COUNT_EVICTED_CONNECTIONS);
		worker_publish(w);
		return;
	}
	/* What it published may be old: it will ask this again itself. */
	atomic_fetch_add(&quietest->evict, 1);
	worker_wake(quietest);
}

void
server_conn_opened(struct server *s)
{
	atomic_fetch_add(&s->open, 1);
}

void
server_conn_closed(struct server *s)
{
	atomic_fetch_sub(&s->open, 1);
}

/* ---- starting and stopping --------------------------------------------- */

static void
durations_set(struct worker *w, const struct server_options *o)
{
	w->duration[WAIT_FIRST] = o->timeout;
	w->duration[WAIT_REST] = o->timeout;
	w->duration[WAIT_READER] = o->timeout;
	w->duration[WAIT_NEXT] = o->idle_timeout;
	w->duration[WAIT_END] = o->timeout < END_US ? o->timeout : END_US;
}

static struct worker *
workers_new(size_t n)
{
	struct worker *workers = calloc(n, sizeof *workers);

	for (size_t i = 0; workers != NULL && i < n; i++)
		workers[i].epoll = workers[i].wake = -1;
	return workers;
}

static int
workers_init(struct server *s)
{
	const struct server_options *o = &s->options;
	struct worker *w;
	size_t held = HELD_MAX / o->threads;
	int ret = 0;

	if (held < HELD_MIN)
		held = HELD_MIN;
	for (size_t i = 0; i < o->threads; i++) {
		w = &s->workers[i];
		w->server = s;
		w->index = i;
		w->log_requests = o->log_requests;
		w->status_path = str_of(o->status_path);
		w->page = ledger_page(s->ledger, i, &w->counters);
		w->space = s->generation->spaces[i];
		durations_set(w, o);
		/* All of them: worker_clear must find them initialized. */
		if (worker_init(w, s->listeners, o->max_connections, held) ==
		    -1)
			ret = -1;
	}
	return ret;
}

static int
workers_start(struct server *s)
{
	int error;

	for (size_t i = 0; i < s->options.threads; i++) {
		error = pthread_create(&s->workers[i].thread, NULL, worker_run,
		    &s->workers[i]);
		if (error != 0) {
			errno = error;
			return -1;
		}
		s->nstarted++;
	}
	return 0;
}

struct server *
server_start(const struct server_options *o, struct listen_set *listeners,
    struct policy_set *policies, struct policy_set *candidate)
{
	struct server *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->options = *o;
	s->listeners = listeners;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->passed, NULL);
	s->started = clock_us();
	s->ledger = ledger_new(o->threads);
	if (s->ledger != NULL)
		s->generation = generation_new(policies, candidate, s->ledger,
		    o->threads);
	s->seen = calloc(o->threads, sizeof *s->seen);
	s->workers = workers_new(o->threads);
	if (s->generation == NULL || s->seen == NULL || s->workers == NULL ||
	    workers_init(s) == -1 || workers_start(s) == -1) {
		int saved = errno;

		s->options.grace = 0;
		server_stop(s);
		if (s->generation != NULL)
			s->generation->policies = s->generation->candidate =
			    NULL;
		server_free(s);
		errno = saved;
		return NULL;
	}
	return s;
}

void
server_stop(struct server *s)
{
	listen_unlink(s->listeners);
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stopping, clock_us() + s->options.grace);
	change_spread(s);
	pthread_mutex_unlock(&s->lock);
	listen_close(s->listeners);
	for (size_t i = 0; i < s->nstarted; i++)
		pthread_join(s->workers[i].thread, NULL);
	s->nstarted = 0;
}

bool
server_progress(struct server *s)
{
	bool all = true;
	unsigned long turns;
	struct worker *w;

	for (size_t i = 0; i < s->options.threads; i++) {
		w = &s->workers[i];
		turns = atomic_load_explicit(&w->turns, memory_order_relaxed);
		if (turns == w->turns_seen)
			all = false;
		w->turns_seen = turns;
		worker_wake(w);
	}
	return all || server_stopping(s) != 0;
}

unsigned long
server_count(const struct server *s, size_t counter)
{
	unsigned long n = 0;

	for (size_t i = 0; i < s->options.threads; i++)
		n += count_get(&s->workers[i].counters, counter);
	return n;
}

void
server_figures(const struct server *s, struct server_figures *out)
{
	for (size_t i = 0; i < COUNTERS; i++)
		out->counters[i] = server_count(s, i);
	out->open = atomic_load(&s->open);
	out->max_connections = s->options.max_connections;
	out->threads = s->options.threads;
	out->uptime = clock_us() - s->started;
}

struct ledger *
server_ledger(const struct server *s)
{
	return s->ledger;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	if (s->workers != NULL)
		for (size_t i = 0; i < s->options.threads; i++)
			worker_clear(&s->workers[i]);
	free(s->workers);
	free(s->seen);
	if (s->generation != NULL) {
		policy_set_free(s->generation->policies);
		policy_set_free(s->generation->candidate);
	}
	generation_free(s->generation);
	ledger_free(s->ledger);
	pthread_cond_destroy(&s->passed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
