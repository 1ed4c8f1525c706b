/* crowd.h - the connections of all workers: how many there are, and which may
 * go where all places are taken. */
#ifndef PREFLIGHTD_SERVE_CROWD_H
#define PREFLIGHTD_SERVE_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long one that is no idle kept connection must have been quiet before it
 * may go. */
enum { CROWD_QUIET_US = 1000000 };

/* What a worker shows the others, and how they reach it.  Times are of the last
 * event of a connection, in us; INT64_MAX: it has none. */
struct crowd_member {
	_Atomic int64_t idle;  /* the kept connection idle longest */
	_Atomic int64_t quiet; /* of the others, the quietest */
	atomic_bool evict;     /* it is asked to close one */
	atomic_bool called;    /* there may be a place now */
	int wake;              /* an eventfd */
};

struct crowd {
	atomic_uint open;
	unsigned max;
	atomic_bool wanted; /* somebody waits for a place */
	size_t nmembers;
	struct crowd_member **members;
};

/* Takes a place.  Returns false where all are taken. */
bool crowd_enter(struct crowd *c);

static inline bool
crowd_is_full(const struct crowd *c)
{
	return atomic_load(&c->open) >= c->max;
}

/* Takes one over the limit too. */
void crowd_force(struct crowd *c);

/* Gives it back, and calls who waits for one. */
void crowd_leave(struct crowd *c);

/* Has m be called as soon as there may be a place.  It must then try once more,
 * as there may have been one before. */
void crowd_want(struct crowd *c, struct crowd_member *m);

/* Calls who waits for a place: one is free, or a connection may go now. */
void crowd_call(struct crowd *c);

/* Whose connection is to go: that of the kept one idle longest, or else of the
 * quietest of the others if that has been so for CROWD_QUIET_US.  NULL where
 * none may go yet; *when is then the time at which one may. */
struct crowd_member *crowd_choose(const struct crowd *c, int64_t now,
    int64_t *when);

/* Makes a member look at what is wanted of it; from any thread. */
void crowd_wake(const struct crowd_member *m);

/* The same, and asks it to see whether a connection of its may go. */
void crowd_ask(struct crowd_member *m);

#endif
