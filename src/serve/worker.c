#include "config.h"

#include "serve/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/log.h"

enum {
	EVENTS = 64,
	ACCEPTS = 16,           /* per wake-up and listener: others wait too */
	PAUSE_US = 100000,      /* without descriptors or memory */
	FIRST_BYTE_US = 500000, /* at the end, for who has just connected */
	SLEEP_MAX_MS = 60000,
};

/* ---- too many ---------------------------------------------------------- */

/* Closes a connection that may go: the kept one that has been idle longest, or
 * one that has been quiet for a while.  Returns false where there is none. */
static bool
evict(struct worker *w)
{
	const struct link *idle = &w->waiting[WAIT_NEXT];
	struct pollfd news = {0};
	struct conn *c;

	if (!list_empty(idle))
		c = LIST_ELEMENT(idle->next, struct conn, by_wait);
	else if (!list_empty(&w->activity))
		c = LIST_ELEMENT(w->activity.next, struct conn, by_activity);
	else
		return false;
	if (c->wait != WAIT_NEXT && c->active > w->now - CROWD_QUIET_US)
		return false;
	/* What the peer did since may not have been seen yet. */
	news = (struct pollfd){.fd = c->fd,
	    .events = c->writing ? POLLOUT : POLLIN};
	if (poll(&news, 1, 0) == 1) {
		if (c->writing)
			conn_writable(w, c);
		else
			conn_readable(w, c);
		return c->fd == -1;
	}
	conn_close(w, c);
	metrics_count(w->env.shard, COUNT_EVICTED_CONNECTIONS);
	log_event(LOG_LEVEL_WARNING, "closed",
	    counter_name(COUNT_EVICTED_CONNECTIONS), LOG_SOME);
	return true;
}

/* Shows the other workers which of its connections may go. */
static void
publish(struct worker *w)
{
	const struct link *idle = &w->waiting[WAIT_NEXT];
	bool had_idle = atomic_load(&w->member.idle) != INT64_MAX;

	atomic_store(&w->member.quiet, list_empty(&w->activity) ? INT64_MAX :
	    LIST_ELEMENT(w->activity.next, struct conn, by_activity)->active);
	atomic_store(&w->member.idle, list_empty(idle) ? INT64_MAX :
	    LIST_ELEMENT(idle->next, struct conn, by_wait)->active);
	if (!had_idle && !list_empty(idle))
		crowd_call(w->crowd);
}

/* Takes a place for one in the queue.  Where there is none, one that may go is
 * closed, here or by its worker.  Returns false where it has to wait, until
 * *when at the latest. */
static bool
place_take(struct worker *w, int64_t *when)
{
	struct crowd_member *m;

	publish(w);
	crowd_want(w->crowd, &w->member);
	if (crowd_enter(w->crowd))
		return true;
	m = crowd_choose(w->crowd, w->now, when);
	if (m == &w->member) {
		if (evict(w) && crowd_enter(w->crowd))
			return true;
		*when = w->now; /* others may have changed */
	} else if (m != NULL) {
		crowd_ask(m);
		*when = w->now + PAUSE_US;
	}
	return false;
}

/* ---- listening --------------------------------------------------------- */

/* Where it fails some may have been added: listeners_remove takes them out. */
static int
listeners_add(struct worker *w)
{
	struct epoll_event ev;

	w->listening = true;
	for (size_t i = 0; i < w->nlisteners; i++) {
		ev = (struct epoll_event){.events = EPOLLIN | EPOLLEXCLUSIVE,
		    .data.ptr = &w->listeners[i]};
		if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->listeners[i].fd,
		    &ev) == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static void
listeners_remove(struct worker *w)
{
	if (w->listening)
		for (size_t i = 0; i < w->nlisteners; i++)
			epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->listeners[i].fd,
			    NULL);
	w->listening = false;
}

/* Leaves who connects in the queue for a while. */
static void
accept_pause(struct worker *w, int64_t until, const char *why)
{
	listeners_remove(w);
	w->paused_until = until;
	metrics_count(w->env.shard, COUNT_ACCEPT_PAUSES);
	log_event(LOG_LEVEL_WARNING, "accept-paused", why, LOG_SOME);
}

/* Over TCP: answers go out at once, and not everybody may come. */
static bool
tcp_welcome(struct worker *w, int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof peer;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (!w->listen->restricted || (getpeername(fd,
	    (struct sockaddr *)&peer, &n) == 0 &&
	    listen_allows(w->listen, &peer)))
		return true;
	close(fd);
	metrics_count(w->env.shard, COUNT_REFUSED_PEERS);
	log_event(LOG_LEVEL_WARNING, "closed", "not-in-web-server-addrs",
	    LOG_SOME);
	return false;
}

/* Accepts one.  Returns false where there is no more to accept now. */
static bool
accept_one(struct worker *w, const struct worker_listener *l)
{
	struct pollfd queue = {.fd = l->fd, .events = POLLIN};
	int64_t when = 0;
	int fd;

	if (w->stopping) {
		crowd_force(w->crowd);
	} else if (!crowd_enter(w->crowd)) {
		/* None has to go where nobody comes. */
		if (poll(&queue, 1, 0) != 1)
			return false;
		if (!place_take(w, &when)) {
			accept_pause(w, when, "max-connections");
			return false;
		}
	}
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1 && (errno == EMFILE || errno == ENFILE) && evict(w))
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		int error = errno;

		crowd_leave(w->crowd);
		if (error == EMFILE || error == ENFILE || error == ENOBUFS ||
		    error == ENOMEM) {
			accept_pause(w, w->now + PAUSE_US,
			    "out-of-descriptors");
			return false;
		}
		/* The rest is about one connection that is gone already. */
		return error != EAGAIN && error != EBADF && error != EINVAL;
	}
	if (l->tcp && !tcp_welcome(w, fd))
		crowd_leave(w->crowd);
	else
		conn_open(w, fd);
	return true;
}

static void
accept_some(struct worker *w, const struct worker_listener *l, int most)
{
	for (int i = 0; i < most && accept_one(w, l); i++)
		;
}

/* ---- limits ------------------------------------------------------------ */

/* Makes room where half-sent requests and unread answers take too much: the
 * oldest of them go. */
static void
memory_trim(struct worker *w)
{
	static const enum wait order[] = {WAIT_REST, WAIT_READER};
	struct link *head;

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		head = &w->waiting[order[i]];
		while (pool_is_over(&w->pool) && !list_empty(head)) {
			conn_close(w, LIST_ELEMENT(head->next, struct conn,
			    by_wait));
			metrics_count(w->env.shard, COUNT_EVICTED_MEMORY);
			log_event(LOG_LEVEL_WARNING, "closed", "evicted-memory",
			    LOG_SOME);
		}
	}
}

/* Whoever kept us waiting too long; one that only stayed idle, or lingered, did
 * nothing wrong. */
static void
timeout_note(struct worker *w, enum wait wait)
{
	static const enum counter counters[] = {
		[WAIT_FIRST] = COUNT_TIMEOUT_FIRST,
		[WAIT_REST] = COUNT_TIMEOUT_REQUEST,
		[WAIT_READER] = COUNT_TIMEOUT_ANSWER,
		[WAIT_NEXT] = COUNT_TIMEOUT_IDLE,
	};

	if (wait == WAIT_END)
		return;
	metrics_count(w->env.shard, counters[wait]);
	log_event(wait == WAIT_NEXT ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
	    "closed", counter_name(counters[wait]), LOG_SOME);
}

static void
expire(struct worker *w)
{
	struct link *head;
	struct conn *c;

	for (size_t i = 0; i < WAITS; i++) {
		head = &w->waiting[i];
		while (!list_empty(head)) {
			c = LIST_ELEMENT(head->next, struct conn, by_wait);
			if (c->deadline > w->now)
				break;
			timeout_note(w, (enum wait)i);
			conn_close(w, c);
		}
	}
	if (w->paused_until != 0 && (w->now >= w->paused_until ||
	    atomic_exchange(&w->member.called, false))) {
		w->paused_until = 0;
		if (!w->stopping && listeners_add(w) == -1)
			accept_pause(w, w->now + PAUSE_US,
			    "out-of-descriptors");
	}
}

/* ---- the end ----------------------------------------------------------- */

static void
close_all(struct worker *w)
{
	for (size_t i = 0; i < WAITS; i++)
		while (!list_empty(&w->waiting[i]))
			conn_close(w, LIST_ELEMENT(w->waiting[i].next,
			    struct conn, by_wait));
}

/* Idle connections close, unless a request has just arrived. */
static void
stop_idle(struct worker *w)
{
	struct link *head = &w->waiting[WAIT_NEXT], *next;
	struct conn *c;

	for (struct link *l = head->next; l != head; l = next) {
		next = l->next;
		c = LIST_ELEMENT(l, struct conn, by_wait);
		conn_readable(w, c);
		if (c->fd != -1 && c->wait == WAIT_NEXT)
			conn_close(w, c);
	}
}

static void
stop_fresh(struct worker *w)
{
	struct link *head = &w->waiting[WAIT_FIRST];
	struct conn *c;

	if (w->duration[WAIT_FIRST] > FIRST_BYTE_US)
		w->duration[WAIT_FIRST] = FIRST_BYTE_US;
	for (struct link *l = head->next; l != head; l = l->next) {
		c = LIST_ELEMENT(l, struct conn, by_wait);
		if (c->deadline > w->now + FIRST_BYTE_US)
			c->deadline = w->now + FIRST_BYTE_US;
	}
}

/* Who is in the queue of a socket that closes has connected in good faith, and
 * is taken over the limit too; the queue of an inherited one goes to the next
 * process. */
static void
stop_begin(struct worker *w, int64_t stop_at)
{
	listeners_remove(w);
	w->stopping = true;
	w->stop_at = stop_at;
	stop_idle(w);
	for (size_t i = 0; i < w->nlisteners; i++)
		if (!w->listeners[i].inherited)
			accept_some(w, &w->listeners[i], SOMAXCONN);
	stop_fresh(w);
}

/* ---- the loop ---------------------------------------------------------- */

/* How long to sleep, in ms, -1 for ever. */
static int
patience(const struct worker *w)
{
	int64_t until = INT64_MAX;
	const struct conn *c;

	for (size_t i = 0; i < WAITS; i++) {
		if (list_empty(&w->waiting[i]))
			continue;
		c = LIST_ELEMENT(w->waiting[i].next, struct conn, by_wait);
		if (c->deadline < until)
			until = c->deadline;
	}
	if (w->paused_until != 0 && w->paused_until < until)
		until = w->paused_until;
	if (w->stopping && w->stop_at < until)
		until = w->stop_at;
	if (until == INT64_MAX)
		return -1;
	if (until <= w->now)
		return 0;
	/* Rounded up: awake too early, it would only sleep again. */
	until = (until - w->now + 999) / 1000;
	return until > SLEEP_MAX_MS ? SLEEP_MAX_MS : (int)until;
}

/* Takes the newest policies; nothing of the old ones may be in use. */
static void
renew(struct worker *w)
{
	const struct generation *g = handover_take(w->handover, &w->epoch);

	w->env.policies = g->policies;
	w->env.shadow = g->shadow;
	w->env.view = g->view;
	w->space = g->spaces[w->index];
}

/* Takes in what the server wants; nothing of a request or a policy is in use
 * between two events. */
static void
look_around(struct worker *w)
{
	int64_t stop_at;

	if (handover_epoch(w->handover) == w->epoch)
		return;
	renew(w);
	stop_at = handover_stopping(w->handover);
	if (stop_at != 0 && !w->stopping)
		stop_begin(w, stop_at);
	handover_taken(w->handover, w->index, w->epoch);
}

static void
dispatch(struct worker *w, void *target)
{
	enum source source = *(const enum source *)target;
	struct conn *c = target;
	uint64_t wakes;

	if (source == SOURCE_LISTENER) {
		if (w->listening)
			accept_some(w, target, ACCEPTS);
	} else if (source == SOURCE_WAKE) {
		/* What is read away here may have come after the first look. */
		if (read(w->member.wake, &wakes, sizeof wakes) == sizeof wakes)
			look_around(w);
	} else if (c->fd == -1) {
		return; /* closed by an earlier event */
	} else if (c->writing) {
		conn_writable(w, c);
	} else {
		conn_readable(w, c);
	}
}

static void
keep_limits(struct worker *w)
{
	bool asked = atomic_load(&w->member.evict) &&
	    atomic_exchange(&w->member.evict, false);

	if (asked && crowd_is_full(w->crowd))
		(void)evict(w);
	if (pool_is_over(&w->pool))
		memory_trim(w);
	expire(w);
	publish(w);
	/* Who asked is to ask another where none of these may go. */
	if (asked)
		crowd_call(w->crowd);
}

/* Shows that it came round; nobody else writes there. */
static void
turn_note(struct worker *w)
{
	atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns,
	    memory_order_relaxed) + 1, memory_order_relaxed);
}

void *
worker_run(void *worker)
{
	struct worker *w = worker;
	struct epoll_event ev[EVENTS];
	int n;

	prctl(PR_SET_NAME, "worker", 0, 0, 0);
	w->now = clock_us();
	do {
		n = epoll_wait(w->epoll, ev, EVENTS, patience(w));
		turn_note(w);
		w->now = clock_us();
		metrics_tick(w->env.shard, w->now);
		look_around(w);
		for (int i = 0; i < n; i++)
			dispatch(w, ev[i].data.ptr);
		keep_limits(w);
		if (w->stopping && w->now >= w->stop_at)
			close_all(w);
		conn_reap(w);
	} while (!w->stopping || w->nconns > 0);
	return NULL;
}

void
worker_wake(struct worker *w)
{
	crowd_wake(&w->member);
}

/* ---- making and ending ------------------------------------------------- */

int
worker_init(struct worker *w, const struct listen_set *listeners,
    unsigned max_connections, size_t max_held)
{
	struct epoll_event ev = {.events = EPOLLIN,
	    .data.ptr = &w->wake_source};

	for (size_t i = 0; i < WAITS; i++)
		list_init(&w->waiting[i]);
	list_init(&w->activity);
	list_init(&w->dead);
	renew(w);
	w->wake_source = SOURCE_WAKE;
	w->pool.max = max_held;
	w->stream_env = (struct stream_env){&w->pool, max_connections};
	atomic_store(&w->member.idle, INT64_MAX);
	atomic_store(&w->member.quiet, INT64_MAX);
	w->listen = listeners;
	for (size_t i = 0; i < listeners->n; i++)
		w->listeners[w->nlisteners++] = (struct worker_listener){
		    SOURCE_LISTENER, listeners->at[i].fd, listeners->at[i].tcp,
		    listeners->at[i].inherited};
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->member.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll == -1 || w->member.wake == -1)
		return -1;
	if ((w->fcgi = fcgi_new()) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->member.wake, &ev) == -1)
		return -1;
	return listeners_add(w);
}

void
worker_clear(struct worker *w)
{
	fcgi_free(w->fcgi);
	pool_clear(&w->pool);
	if (w->member.wake != -1)
		close(w->member.wake);
	if (w->epoll != -1)
		close(w->epoll);
}
