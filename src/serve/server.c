#include "config.h"

#include "serve/server.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "serve/worker.h"

enum {
	HELD_MAX = 64 * 1024 * 1024, /* bytes of half-sent requests and unread
	                                answers, over all workers, but */
	HELD_MIN = 4 * STREAM_PARAMS_MAX, /* for each */
	END_US = 2000000,            /* see linger in conn.c */
};

struct server {
	struct server_options options;
	struct listen_set *listeners;
	struct generation *generation; /* the newest */
	struct handover handover;
	struct crowd crowd;
	struct metrics *metrics;
	struct worker *workers;
	size_t nstarted;
};

/* ---- changes ----------------------------------------------------------- */

/* Has the workers take in what was changed, and waits until none of them is in
 * the middle of a wake-up from before. */
static void
change_spread(struct server *s)
{
	for (size_t i = 0; i < s->nstarted; i++)
		worker_wake(&s->workers[i]);
	handover_wait(&s->handover, s->nstarted);
}

int
server_swap(struct server *s, struct policy_set *policies,
    struct policy_set *candidate)
{
	struct generation *old = s->generation, *new;

	new = generation_new(policies != NULL ? policies : old->policies,
	    candidate != NULL ? candidate : old->candidate,
	    s->metrics, s->options.threads);
	if (new == NULL)
		return -1;
	s->generation = new;
	handover_to(&s->handover, new);
	change_spread(s);
	metrics_carry(s->metrics, new->view, old->view);
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
		workers[i].epoll = workers[i].member.wake = -1;
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
		w->index = i;
		w->handover = &s->handover;
		w->crowd = &s->crowd;
		w->metrics = s->metrics;
		w->env.shard = metrics_shard(s->metrics, i);
		w->env.status_path = str_of(o->status_path);
		w->env.log_all = o->log_requests;
		s->crowd.members[i] = &w->member;
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

/* Makes all that workers share.  Returns 0, or -1 without memory. */
static int
shared_init(struct server *s, struct policy_set *policies,
    struct policy_set *candidate)
{
	const struct server_options *o = &s->options;

	s->crowd = (struct crowd){.max = o->max_connections,
	    .nmembers = o->threads};
	s->crowd.members = calloc(o->threads, sizeof *s->crowd.members);
	s->workers = workers_new(o->threads);
	s->metrics = metrics_new(o->threads);
	if (handover_init(&s->handover, o->threads) == -1 ||
	    s->crowd.members == NULL || s->workers == NULL ||
	    s->metrics == NULL)
		return -1;
	s->generation = generation_new(policies, candidate, s->metrics,
	    o->threads);
	if (s->generation == NULL)
		return -1;
	handover_to(&s->handover, s->generation);
	return 0;
}

/* Frees all but the policies. */
static void
server_clear(struct server *s)
{
	for (size_t i = 0; s->workers != NULL && i < s->options.threads; i++)
		worker_clear(&s->workers[i]);
	free(s->workers);
	free(s->crowd.members);
	generation_free(s->generation);
	handover_clear(&s->handover);
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
	if (shared_init(s, policies, candidate) == 0 &&
	    workers_init(s) == 0 && workers_start(s) == 0)
		return s;
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
	handover_stop(&s->handover, clock_us() + s->options.grace);
	change_spread(s);
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
	return all || handover_stopping(&s->handover) != 0;
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
	policy_set_free(s->generation->policies);
	policy_set_free(s->generation->candidate);
	server_clear(s);
}
