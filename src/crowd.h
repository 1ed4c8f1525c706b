/* crowd.h - the connections of all workers: how many there are, and whose has
 * been quiet longest where there is one too many. */
#ifndef PREFLIGHTD_CROWD_H
#define PREFLIGHTD_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a worker shows the others, and how they reach it. */
struct crowd_member {
	_Atomic int64_t quietest; /* us, when its quietest connection was last
	                             heard; INT64_MAX: it has none */
	atomic_uint evict;        /* how often others ask it to make room */
	int wake;                 /* an eventfd */
};

struct crowd {
	atomic_uint open;
	unsigned max;
	size_t nmembers;
	struct crowd_member **members;
};

static inline void
crowd_enter(struct crowd *c)
{
	atomic_fetch_add(&c->open, 1);
}

static inline void
crowd_leave(struct crowd *c)
{
	atomic_fetch_sub(&c->open, 1);
}

static inline bool
crowd_is_over(const struct crowd *c)
{
	return atomic_load(&c->open) > c->max;
}

/* Whose quietest connection is the quietest of all, by what they published. */
struct crowd_member *crowd_quietest(const struct crowd *c);

/* Makes a member look at what is wanted of it; from any thread. */
void crowd_wake(const struct crowd_member *m);

/* The same, and asks it to see whether a connection has to go. */
void crowd_ask(struct crowd_member *m);

#endif
