/* snapshot.h - what all workers answer from, and how they go over from one to
 * the next: by quiescent-state-based reclamation.
 *
 * A snapshot is never changed.  To change something the server publishes a new
 * one and raises the epoch; each worker looks at the epoch between two events,
 * when it uses nothing of a snapshot, and takes the new one.  Once all have
 * passed, the old one is freed.  The end of serving goes the same way. */
#ifndef PREFLIGHTD_SERVE_SNAPSHOT_H
#define PREFLIGHTD_SERVE_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/policy.h"
#include "metrics/metrics.h"
#include "metrics/shadow.h"

/* A worker's buffers: how much is needed depends on the policies. */
struct answer_space {
	char *text;         /* one answer */
	size_t text_cap;
	unsigned char *out; /* the records of one or more */
	size_t out_cap, answer_cap; /* room; what one answer may need */
};

struct snapshot {
	struct policy_set *policies;  /* not its own */
	struct policy_set *candidate; /* nor this; NULL: none */
	struct shadow *shadow;        /* of the two; NULL without a candidate */
	struct metrics_view *view;
	size_t workers;
	struct answer_space spaces[]; /* one for each */
};

/* Returns NULL without memory. */
struct snapshot *snapshot_new(struct policy_set *policies,
    struct policy_set *candidate, struct metrics *metrics, size_t workers);
void snapshot_free(struct snapshot *s);

struct epoch {
	atomic_ulong number;      /* raised by each change */
	_Atomic int64_t stop_at;  /* us, the end of the grace; 0: serving */
	pthread_mutex_t lock;
	pthread_cond_t passed;
	const struct snapshot *snapshot; /* the newest; under lock, as seen[] */
	unsigned long *seen;      /* the number that each worker took last */
};

/* Returns 0, or -1 without memory; epoch_clear is to be called in both cases.
 */
int epoch_init(struct epoch *e, size_t workers);
void epoch_clear(struct epoch *e);

/* --- for the server --- */

void epoch_publish(struct epoch *e, const struct snapshot *s);
void epoch_stop(struct epoch *e, int64_t stop_at);

/* Waits until so many workers, the first ones, have passed into the newest
 * epoch.  They must be woken before. */
void epoch_wait(struct epoch *e, size_t workers);

/* --- for workers --- */

/* The newest snapshot, and the number of its epoch.  epoch_pass then says that
 * the worker uses nothing older. */
const struct snapshot *epoch_take(struct epoch *e, unsigned long *number);
void epoch_pass(struct epoch *e, size_t worker, unsigned long number);

#endif
