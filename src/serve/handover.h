/* handover.h - how the workers go over from one generation to the next, and to
 * the end.  Each takes a change in between two events, when it uses nothing of
 * the generation before; who made the change waits until all have. */
#ifndef PREFLIGHTD_SERVE_HANDOVER_H
#define PREFLIGHTD_SERVE_HANDOVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "serve/snapshot.h"

struct handover {
	atomic_ulong epoch;        /* raised by each change */
	_Atomic int64_t stopping;  /* us, the end of the grace; 0: serving */
	pthread_mutex_t lock;
	pthread_cond_t passed;
	const struct generation *generation; /* under lock, as seen[] */
	unsigned long *seen;       /* each worker's epoch */
};

/* Returns 0, or -1 without memory; handover_clear is to be called in both
 * cases. */
int handover_init(struct handover *h, size_t workers);
void handover_clear(struct handover *h);

/* --- for who makes the changes --- */

void handover_to(struct handover *h, const struct generation *g);
void handover_stop(struct handover *h, int64_t stop_at);

/* Waits until so many workers, the first ones, have taken the newest change in.
 * They must be woken before. */
void handover_wait(struct handover *h, size_t workers);

/* --- for workers --- */

/* Which change is the newest; costs one load. */
static inline unsigned long
handover_epoch(const struct handover *h)
{
	return atomic_load_explicit(&h->epoch, memory_order_acquire);
}

/* The end of the grace in us, or 0 while the server serves. */
static inline int64_t
handover_stopping(const struct handover *h)
{
	return atomic_load(&h->stopping);
}

/* The newest generation, and which change it came with.  handover_taken then
 * says that the worker has taken it in. */
const struct generation *handover_take(struct handover *h,
    unsigned long *epoch);
void handover_taken(struct handover *h, size_t worker, unsigned long epoch);

#endif
