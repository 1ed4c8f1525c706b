#include "config.h"

#include "serve/snapshot.h"

#include <stdlib.h>

#include "serve/answer.h"
#include "serve/fcgi.h"
#include "serve/fcgi_parser.h"

enum { OUT_ROOM = 64 * 1024 }; /* for the answers of one wake-up */

struct snapshot *
snapshot_new(struct policy_set *policies, struct policy_set *candidate,
    struct metrics *metrics, size_t workers)
{
	struct snapshot *s = calloc(1, sizeof *s +
	    workers * sizeof s->spaces[0]);
	struct answer_space *space;

	if (s == NULL)
		return NULL;
	s->policies = policies;
	s->candidate = candidate;
	s->workers = workers;
	if ((s->view = metrics_view_new(metrics, policies)) == NULL)
		goto fail;
	if (candidate != NULL &&
	    (s->shadow = shadow_new(policies, candidate)) == NULL)
		goto fail;
	for (size_t i = 0; i < workers; i++) {
		space = &s->spaces[i];
		space->text_cap = answer_max(policies);
		space->answer_cap = fcgi_answer_max(space->text_cap);
		if (space->answer_cap < PARSER_REPLY_MAX)
			space->answer_cap = PARSER_REPLY_MAX;
		space->out_cap = space->answer_cap + OUT_ROOM;
		space->text = malloc(space->text_cap);
		space->out = malloc(space->out_cap);
		if (space->text == NULL || space->out == NULL)
			goto fail;
	}
	return s;
fail:
	snapshot_free(s);
	return NULL;
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->workers; i++) {
		free(s->spaces[i].text);
		free(s->spaces[i].out);
	}
	metrics_view_free(s->view);
	shadow_free(s->shadow);
	free(s);
}

int
epoch_init(struct epoch *e, size_t workers)
{
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->passed, NULL);
	atomic_init(&e->number, 0);
	atomic_init(&e->stop_at, 0);
	e->snapshot = NULL;
	e->seen = calloc(workers, sizeof *e->seen);
	return e->seen != NULL ? 0 : -1;
}

void
epoch_clear(struct epoch *e)
{
	free(e->seen);
	pthread_cond_destroy(&e->passed);
	pthread_mutex_destroy(&e->lock);
}

void
epoch_publish(struct epoch *e, const struct snapshot *s)
{
	pthread_mutex_lock(&e->lock);
	e->snapshot = s;
	atomic_fetch_add(&e->number, 1);
	pthread_mutex_unlock(&e->lock);
}

void
epoch_stop(struct epoch *e, int64_t stop_at)
{
	atomic_store(&e->stop_at, stop_at);
	atomic_fetch_add(&e->number, 1);
}

void
epoch_wait(struct epoch *e, size_t workers)
{
	pthread_mutex_lock(&e->lock);
	for (size_t i = 0; i < workers; i++)
		while (e->seen[i] != atomic_load(&e->number))
			pthread_cond_wait(&e->passed, &e->lock);
	pthread_mutex_unlock(&e->lock);
}

const struct snapshot *
epoch_take(struct epoch *e, unsigned long *number)
{
	const struct snapshot *s;

	pthread_mutex_lock(&e->lock);
	*number = atomic_load(&e->number);
	s = e->snapshot;
	pthread_mutex_unlock(&e->lock);
	return s;
}

void
epoch_pass(struct epoch *e, size_t worker, unsigned long number)
{
	pthread_mutex_lock(&e->lock);
	e->seen[worker] = number;
	pthread_cond_signal(&e->passed);
	pthread_mutex_unlock(&e->lock);
}
