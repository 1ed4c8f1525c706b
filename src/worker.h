/* worker.h - a thread with its own epoll: it accepts, lets conn.c read and
 * answer, and ends what takes too long or too much. */
#ifndef PREFLIGHTD_WORKER_H
#define PREFLIGHTD_WORKER_H

#include <pthread.h>
#include <stdint.h>

#include "conn.h"
#include "counters.h"
#include "fcgi.h"
#include "ledger.h"
#include "listen.h"
#include "policy.h"
#include "pool.h"

enum { WORKER_INPUT = 32 * 1024 };

struct server;
struct shadow;

/* What a worker answers with; made for each policy and worker by the server. */
struct answer_space {
	const struct policy_set *policies;
	struct shadow *shadow; /* NULL: no candidate is judged beside them */
	const struct ledger_view *view;
	char *text;         /* one answer */
	size_t text_cap;
	unsigned char *out; /* the records of one or more */
	size_t out_cap, answer_cap; /* room; what one answer may need */
};

struct worker_listener {
	enum source source;
	int fd;
	bool tcp, inherited;
};

struct worker {
	struct server *server;
	size_t index;
	pthread_t thread;
	int epoll, wake;            /* wake: an eventfd */
	enum source wake_source;
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
	struct link activity;       /* conn.by_activity, the quietest first */
	struct link dead;           /* conn.by_wait */
	size_t nconns;
	struct pool pool;
	struct stream_env stream_env;
	struct fcgi *fcgi;
	struct answer_space space;
	size_t nout;                /* bytes in space.out */
	bool log_requests;
	struct str status_path;     /* "": none */
	struct counters counters;
	struct ledger_page *page;
	unsigned long epoch;        /* of the policy in space */
	_Atomic int64_t quietest;   /* conn.active of the quietest, published */
	atomic_ulong turns;         /* of its loop */
	unsigned long turns_seen;   /* by server_progress */
	atomic_uint evict;          /* how often others ask it to make room */
	unsigned char input[WORKER_INPUT];
};

/* Prepares a worker for w->server at w->index, its durations set.  Returns 0,
 * or -1 with errno; worker_clear is to be called in both cases. */
int worker_init(struct worker *w, const struct listen_set *listeners,
    unsigned max_connections, size_t max_held);
void worker_clear(struct worker *w);

/* The thread's function; returns NULL when the server has stopped. */
void *worker_run(void *worker);

/* Makes it look at what the server wants; from any thread. */
void worker_wake(struct worker *w);

/* Closes the connection that has been quiet longest, if there is one. */
bool worker_evict_quietest(struct worker *w, enum counter why);

/* Shows the other workers how long its quietest connection has been so. */
void worker_publish(struct worker *w);

/* Makes c wait for something, with its deadline from now on. */
void worker_wait(struct worker *w, struct conn *c, enum wait wait);

#endif
