/* worker.h - a thread with its own epoll: it accepts, lets conn.c read and
 * answer, and ends what takes too long or too much. */
#ifndef PREFLIGHTD_SERVE_WORKER_H
#define PREFLIGHTD_SERVE_WORKER_H

#include <pthread.h>
#include <stdint.h>

#include "metrics/metrics.h"
#include "serve/answer.h"
#include "serve/conn.h"
#include "serve/crowd.h"
#include "serve/fcgi.h"
#include "serve/handover.h"
#include "serve/listen.h"
#include "serve/pool.h"

enum { WORKER_INPUT = 32 * 1024 };

struct worker_listener {
	enum source source;
	int fd;
	bool tcp, inherited;
};

struct worker {
	size_t index;
	pthread_t thread;
	struct handover *handover;
	struct crowd *crowd;
	struct crowd_member member;
	struct metrics *metrics;
	int epoll;
	enum source wake_source;    /* that of member.wake */
	struct worker_listener listeners[LISTEN_MAX];
	size_t nlisteners;
	const struct listen_set *listen;
	bool listening;             /* epoll knows them */
	bool stopping;
	int64_t paused_until;       /* us; 0: accepting */
	int64_t stop_at;            /* us, the end of the grace */
	int64_t now;                /* us, of this wake-up */
	int64_t duration[WAITS];    /* us */
	struct link waiting[WAITS]; /* conn.by_wait, the first deadline first */
	struct link activity;       /* conn.by_activity, the quietest first;
	                               those in WAIT_NEXT are in none */
	struct link dead;           /* conn.by_wait */
	size_t nconns;
	struct pool pool;
	struct stream_env stream_env;
	struct fcgi *fcgi;
	struct answer_env env;
	struct answer_space space;
	size_t nout;                /* bytes in space.out */
	unsigned long epoch;        /* of the policies in env */
	atomic_ulong turns;         /* of its loop */
	unsigned long turns_seen;   /* by server_progress */
	unsigned char input[WORKER_INPUT];
};

/* Prepares a worker, in which all is set that it shares with others, and its
 * index, durations and what of env does not change.  Returns 0, or -1 with
 * errno; worker_clear is to be called in both cases. */
int worker_init(struct worker *w, const struct listen_set *listeners,
    unsigned max_connections, size_t max_held);
void worker_clear(struct worker *w);

/* The thread's function; returns NULL when the server has stopped. */
void *worker_run(void *worker);

/* Makes it look at what the server wants; from any thread. */
void worker_wake(struct worker *w);

#endif
