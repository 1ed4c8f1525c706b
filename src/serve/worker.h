/* worker.h - a thread with its own epoll and its connections: worker.c accepts
 * them and ends what takes too long or too much, conn.c reads and answers. */
#ifndef PREFLIGHTD_SERVE_WORKER_H
#define PREFLIGHTD_SERVE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/list.h"
#include "metrics/metrics.h"
#include "serve/answer.h"
#include "serve/fcgi.h"
#include "serve/fcgi_parser.h"
#include "serve/listen.h"
#include "serve/pool.h"
#include "serve/snapshot.h"

/* What an epoll event stands for; the first member of what it points at. */
enum source { SOURCE_CONN, SOURCE_LISTENER, SOURCE_WAKE };

/* What a connection is waited for.  Each has one duration, so a list in order
 * of arrival is a list in order of deadline. */
enum wait {
	WAIT_FIRST_BYTE,
	WAIT_REQUEST, /* the rest of a request */
	WAIT_WRITE,   /* that it reads an answer */
	WAIT_IDLE,    /* a further request */
	WAIT_LINGER,  /* that it closes, after we did */
	WAITS
};

/* A connection of a web server. */
struct conn {
	enum source source;
	int fd;                 /* -1: closed, to be freed after this wake-up */
	enum wait wait;
	bool polled;            /* epoll knows fd */
	bool writing;           /* ... for writing, not for reading */
	bool closing;           /* no further request is to be read */
	bool unclean;           /* ... though records may still come */
	bool ended;             /* the peer will send nothing more */
	bool failed;            /* close without another word */
	unsigned starts;        /* of the parser, when the deadline was set */
	int64_t deadline;       /* us, of the wait */
	int64_t active;         /* us, of the last event */
	struct link by_wait, by_activity;
	struct fcgi_parser parser;
	struct held unsent;     /* of answers, from sent on */
	size_t sent;
	struct held untaken;    /* input behind an answer that must go first */
};

/* What a worker shows the others of its connections, and how they reach it.
 * Times are of the last event of a connection, in us; INT64_MAX: it has none.
 */
struct limit_member {
	_Atomic int64_t idle;   /* the kept connection idle longest */
	_Atomic int64_t active; /* of the others, the least recently active */
	atomic_bool evict;      /* it is asked to close one */
	atomic_bool called;     /* there may be a place now */
	int wake;               /* an eventfd */
};

/* The limit of connections, over all workers. */
struct conn_limit {
	atomic_uint open;
	unsigned max;
	atomic_bool wanted; /* somebody waits for a place */
	size_t nmembers;
	struct limit_member **members;
};

/* Gives a place back, and calls who waits for one. */
void conn_limit_leave(struct conn_limit *l);

struct worker_listener {
	enum source source;
	int fd;
	bool tcp, inherited;
};

enum { WORKER_INPUT = 32 * 1024 };

struct worker {
	size_t index;
	pthread_t thread;
	struct epoch *epoch;
	struct conn_limit *limit;
	struct limit_member member;
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
	struct link activity;       /* conn.by_activity, the least recently
	                               active first; without the idle ones */
	struct link dead;           /* conn.by_wait */
	size_t nconns;
	struct pool pool;
	struct parser_env parser_env;
	struct fcgi *fcgi;
	struct answer_env env;
	struct answer_space space;
	size_t nout;                /* bytes in space.out */
	unsigned long epoch_number; /* of the policies in env */
	atomic_ulong turns;         /* of its loop */
	unsigned long turns_seen;   /* by server_progress */
	unsigned char input[WORKER_INPUT];
};

/* --- worker.c --- */

/* Prepares a worker, in which all is set that it shares with others, and its
 * index, durations and what of env does not change.  Returns 0, or -1 with
 * errno; worker_clear is to be called in both cases. */
int worker_init(struct worker *w, const struct listen_set *listeners,
    unsigned max_connections, size_t max_held);
void worker_clear(struct worker *w);

/* The thread's function; returns NULL when the server has stopped. */
void *worker_run(void *worker);

/* Makes it look at the epoch; from any thread. */
void worker_wake(struct worker *w);

/* --- conn.c --- */

/* Takes a connection that was just accepted and has entered the limit, and
 * reads what is there.  Without memory it is closed. */
void conn_open(struct worker *w, int fd);

/* Reads once and answers what is whole. */
void conn_readable(struct worker *w, struct conn *c);

/* Goes on sending. */
void conn_writable(struct worker *w, struct conn *c);

/* Closes it and puts it among the dead. */
void conn_close(struct worker *w, struct conn *c);

/* Frees the dead. */
void conn_reap(struct worker *w);

#endif
