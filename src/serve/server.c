#include "config.h"

#include "serve/server.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "serve/worker.h"

enum {
	HELD_MAX = 64 * 1024 * 1024, /* bytes of half-sent requests and unread
	                                answers, over all workers, but */
	HELD_MIN = 4 * PARSER_PARAMS_MAX, /* for each */
	LINGER_US = 2000000,         /* see update_interest in conn.c */
};

struct server {
	struct server_options options;
	struct listen_set *listeners;
	struct snapshot *snapshot; /* the newest */
	struct epoch epoch;
	struct conn_limit limit;
	struct metrics *metrics;
	struct worker *workers;
	size_t nstarted;
};

/* ---- changes ----------------------------------------------------------- */

/* Wakes the workers for a new epoch, and waits until all have passed into it.
 */
static void
epoch_spread(struct server *s)
{
	for (size_t i = 0; i < s->nstarted; i++)
		worker_wake(&s->workers[i]);
	epoch_wait(&s->epoch, s->nstarted);
}

int
server_swap(struct server *s, struct policy_set *policies,
    struct policy_set *candidate)
{
	struct snapshot *old = s->snapshot, *new;

	new = snapshot_new(policies != NULL ? policies : old->policies,
	    candidate != NULL ? candidate : old->candidate,
	    s->metrics, s->options.threads);
	if (new == NULL)
		return -1;
	s->snapshot = new;
	epoch_publish(&s->epoch, new);
	epoch_spread(s);
	metrics_carry(s->metrics, new->view, old->view);
	shadow_succeed(new->shadow, old->shadow);
	if (policies != NULL)
		policy_set_free(old->policies);
	if (candidate != NULL)
		policy_set_free(old->candidate);
	snapshot_free(old);
	return 0;
}

const struct shadow *
server_shadow(const struct server *s)
{
	return s->snapshot->shadow;
}

/* ---- starting and stopping --------------------------------------------- */

/* Prepares all workers, though one fails: worker_clear must find them
 * initialized. */
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
		w->index = i;
		w->epoch = &s->epoch;
		w->limit = &s->limit;
		w->metrics = s->metrics;
		w->env.shard = metrics_shard(s->metrics, i);
		w->env.status_path = str_of(o->status_path);
		w->env.log_all = o->log_requests;
		s->limit.members[i] = &w->member;
		w->duration[WAIT_FIRST_BYTE] = o->timeout;
		w->duration[WAIT_REQUEST] = o->timeout;
		w->duration[WAIT_WRITE] = o->timeout;
		w->duration[WAIT_IDLE] = o->idle_timeout;
		w->duration[WAIT_LINGER] = o->timeout < LINGER_US ?
		    o->timeout : LINGER_US;
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

/* Frees all but the policies. */
static void
server_clear(struct server *s)
{
	for (size_t i = 0; s->workers != NULL && i < s->options.threads; i++)
		worker_clear(&s->workers[i]);
	free(s->workers);
	free(s->limit.members);
	snapshot_free(s->snapshot);
	epoch_clear(&s->epoch);
	metrics_free(s->metrics);
	free(s);
}

struct server *
server_start(const struct server_options *o, struct listen_set *listeners,
    struct policy_set *policies, struct policy_set *candidate)
{
	struct server *s = calloc(1, sizeof *s);
	int saved;

	if (s == NULL)
		return NULL;
	s->options = *o;
	s->listeners = listeners;
	s->limit.max = o->max_connections;
	s->limit.nmembers = o->threads;
	s->limit.members = calloc(o->threads, sizeof *s->limit.members);
	s->workers = calloc(o->threads, sizeof *s->workers);
	for (size_t i = 0; s->workers != NULL && i < o->threads; i++)
		s->workers[i].epoll = s->workers[i].member.wake = -1;
	s->metrics = metrics_new(o->threads);
	if (epoch_init(&s->epoch, o->threads) == -1 ||
	    s->limit.members == NULL || s->workers == NULL ||
	    s->metrics == NULL)
		goto fail;
	s->snapshot = snapshot_new(policies, candidate, s->metrics, o->threads);
	if (s->snapshot == NULL)
		goto fail;
	epoch_publish(&s->epoch, s->snapshot);
	if (workers_init(s) == 0 && workers_start(s) == 0)
		return s;
fail:
	saved = errno;
	s->options.grace = 0;
	server_stop(s);
	server_clear(s);
	errno = saved;
	return NULL;
}

void
server_stop(struct server *s)
{
	listen_unlink(s->listeners);
	epoch_stop(&s->epoch, clock_us() + s->options.grace);
	epoch_spread(s);
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
	return all || atomic_load(&s->epoch.stop_at) != 0;
}

unsigned long
server_count(const struct server *s, size_t counter)
{
	return metrics_total(s->metrics, counter);
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	policy_set_free(s->snapshot->policies);
	policy_set_free(s->snapshot->candidate);
	server_clear(s);
}
