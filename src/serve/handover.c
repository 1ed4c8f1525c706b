#include "config.h"

#include "serve/handover.h"

#include <stdlib.h>

int
handover_init(struct handover *h, size_t workers)
{
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->passed, NULL);
	atomic_init(&h->epoch, 0);
	atomic_init(&h->stopping, 0);
	h->generation = NULL;
	h->seen = calloc(workers, sizeof *h->seen);
	return h->seen != NULL ? 0 : -1;
}

void
handover_clear(struct handover *h)
{
	free(h->seen);
	pthread_cond_destroy(&h->passed);
	pthread_mutex_destroy(&h->lock);
}

void
handover_to(struct handover *h, const struct generation *g)
{
	pthread_mutex_lock(&h->lock);
	h->generation = g;
	atomic_fetch_add_explicit(&h->epoch, 1, memory_order_release);
	pthread_mutex_unlock(&h->lock);
}

void
handover_stop(struct handover *h, int64_t stop_at)
{
	atomic_store(&h->stopping, stop_at);
	atomic_fetch_add_explicit(&h->epoch, 1, memory_order_release);
}

/* Whether every worker has taken the newest change in; under the lock. */
static bool
all_passed(const struct handover *h, size_t workers)
{
	for (size_t i = 0; i < workers; i++)
		if (h->seen[i] != atomic_load(&h->epoch))
			return false;
	return true;
}

void
handover_wait(struct handover *h, size_t workers)
{
	pthread_mutex_lock(&h->lock);
	while (!all_passed(h, workers))
		pthread_cond_wait(&h->passed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

const struct generation *
handover_take(struct handover *h, unsigned long *epoch)
{
	const struct generation *g;

	pthread_mutex_lock(&h->lock);
	*epoch = atomic_load(&h->epoch);
	g = h->generation;
	pthread_mutex_unlock(&h->lock);
	return g;
}

void
handover_taken(struct handover *h, size_t worker, unsigned long epoch)
{
	pthread_mutex_lock(&h->lock);
	h->seen[worker] = epoch;
	pthread_cond_signal(&h->passed);
	pthread_mutex_unlock(&h->lock);
}
