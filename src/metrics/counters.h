/* counters.h - what a worker has seen since it started.  Only the worker adds;
 * any thread may read. */
#ifndef PREFLIGHTD_METRICS_COUNTERS_H
#define PREFLIGHTD_METRICS_COUNTERS_H

#include <stdatomic.h>

#include "core/preflight.h"

enum counter {
	COUNT_REQUESTS,           /* whole requests that were answered */
	COUNT_ACCEPTED,           /* connections */
	COUNT_CLOSED,
	COUNT_TIMEOUT_FIRST,      /* no first byte in time */
	COUNT_TIMEOUT_REQUEST,    /* half a request */
	COUNT_TIMEOUT_ANSWER,     /* an answer nobody read */
	COUNT_TIMEOUT_IDLE,       /* kept, without a further request */
	COUNT_EVICTED_CONNECTIONS, /* went as there were too many */
	COUNT_EVICTED_MEMORY,     /* went as half-sent requests took too much */
	COUNT_PROTOCOL_ERRORS,    /* closed: no FastCGI, or over a limit */
	COUNT_PEER_ERRORS,        /* closed: reading or writing failed */
	COUNT_CUT_SHORT,          /* the peer closed within a request */
	COUNT_ABORTED,            /* ABORT_REQUEST */
	COUNT_MANAGEMENT,         /* management records answered */
	COUNT_REFUSED_BEGIN,      /* CANT_MPX_CONN or UNKNOWN_ROLE */
	COUNT_REFUSED_PEERS,      /* not in FCGI_WEB_SERVER_ADDRS */
	COUNT_REFUSED_MEMORY,     /* accepted, and then no memory for it */
	COUNT_ACCEPT_PAUSES,      /* no place, descriptor or memory */
	COUNT_SHADOW_JUDGED,      /* preflights that a candidate judged too */
	COUNT_SHADOW_DIFFERENCES, /* and those of them it judged otherwise */
	COUNT_STATUS,             /* requests for the status page; in none of
	                             the others */
	COUNT_REASONS,            /* from here on one per enum reason */
	COUNTERS = COUNT_REASONS + REASON_COUNT
};

struct counters {
	atomic_ulong at[COUNTERS];
};

static inline void
count_add(struct counters *c, size_t i)
{
	unsigned long n = atomic_load_explicit(&c->at[i],
	    memory_order_relaxed);

	atomic_store_explicit(&c->at[i], n + 1, memory_order_relaxed);
}

static inline unsigned long
count_get(const struct counters *c, size_t i)
{
	return atomic_load_explicit(&c->at[i], memory_order_relaxed);
}

/* The word for a counter in logs and on the status page. */
const char *counter_name(size_t i);

#endif
