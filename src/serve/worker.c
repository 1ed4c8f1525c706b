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
	INACTIVE_US = 1000000,  /* before one that is not idle may go */
	FIRST_BYTE_US = 500000, /* at the end, for who has just connected */
	SLEEP_MAX_MS = 60000,
};

/* ---- the limit of connections ------------------------------------------ */

/* Makes a worker look at what is wanted of it; from any thread. */
static void
member_wake(const struct limit_member *m)
{
	uint64_t one = 1;
	ssize_t n;

	/* It fails only where the counter is full: then it is awake. */
	n = write(m->wake, &one, sizeof one);
	(void)n;
}

/* Calls who waits for a place: one is free, or a connection may go now. */
static void
limit_call(struct conn_limit *l)
{
	if (!atomic_load(&l->wanted) || !atomic_exchange(&l->wanted, false))
		return;
	for (size_t i = 0; i < l->nmembers; i++) {
		atomic_store(&l->members[i]->called, true);
		member_wake(l->members[i]);
	}
}

/* Takes a place.  Returns false where all are taken. */
static bool
limit_enter(struct conn_limit *l)
{
	unsigned n = atomic_load(&l->open);

	while (n < l->max)
		if (atomic_compare_exchange_weak(&l->open, &n, n + 1))
			return true;
	return false;
}

void
conn_limit_leave(struct conn_limit *l)
{
	atomic_fetch_sub(&l->open, 1);
	limit_call(l);
}

/* Whose connection is to go: that of the kept one idle longest, or else of the
 * least recently active of the others if it was not active for INACTIVE_US.
 * NULL where none may go yet; *when is then the time at which one may. */
static struct limit_member *
limit_choose(const struct conn_limit *l, int64_t now, int64_t *when)
{
	struct limit_member *idle = NULL, *inactive = NULL;
	int64_t at, idle_at = INT64_MAX, active_at = INT64_MAX;

	for (size_t i = 0; i < l->nmembers; i++) {
		at = atomic_load(&l->members[i]->idle);
		if (at < idle_at) {
			idle_at = at;
			idle = l->members[i];
		}
		at = atomic_load(&l->members[i]->active);
		if (at < active_at) {
			active_at = at;
			inactive = l->members[i];
		}
	}
	if (idle != NULL)
		return idle;
	/* Where none is shown at all, another worker is about to. */
	*when = (inactive != NULL ? active_at : now) + INACTIVE_US;
	return *when <= now ? inactive : NULL;
}

/* Closes a connection that may go: the kept one that has been idle longest, or
 * the least recently active.  Returns false where there is none. */
static bool
evict(struct worker *w)
{
	const struct link *idle = &w->waiting[WAIT_IDLE];
	struct pollfd news;
	struct conn *c;

	if (!list_empty(idle))
		c = LIST_ELEMENT(idle->next, struct conn, by_wait);
	else if (!list_empty(&w->activity))
		c = LIST_ELEMENT(w->activity.next, struct conn, by_activity);
	else
		return false;
	if (c->wait != WAIT_IDLE && c->active > w->now - INACTIVE_US)
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
	    counter_name(COUNT_EVICTED_CONNECTIONS), LOG_PER_SECOND);
	return true;
}

/* Shows the other workers which of its connections may go. */
static void
member_update(struct worker *w)
{
	const struct link *idle = &w->waiting[WAIT_IDLE];
	bool had_idle = atomic_load(&w->member.idle) != INT64_MAX;

	atomic_store(&w->member.active, list_empty(&w->activity) ? INT64_MAX :
	    LIST_ELEMENT(w->activity.next, struct conn, by_activity)->active);
	atomic_store(&w->member.idle, list_empty(idle) ? INT64_MAX :
	    LIST_ELEMENT(idle->next, struct conn, by_wait)->active);
	if (!had_idle && !list_empty(idle))
		limit_call(w->limit);
}

/* Takes a place for one in the queue.  Where there is none, one that may go is
 * closed, here or by its worker.  Returns false where it has to wait, until
 * *when at the latest. */
static bool
place_take(struct worker *w, int64_t *when)
{
	struct limit_member *m;

	member_update(w);
	/* To be called as soon as there may be a place; as there may have been
	 * one before, it tries once more. */
	atomic_store(&w->member.called, false);
	atomic_store(&w->limit->wanted, true);
	if (limit_enter(w->limit))
		return true;
	m = limit_choose(w->limit, w->now, when);
	if (m == &w->member) {
		if (evict(w) && limit_enter(w->limit))
			return true;
		*when = w->now; /* others may have changed */
	} else if (m != NULL) {
		atomic_store(&m->evict, true);
		member_wake(m);
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
	log_event(LOG_LEVEL_WARNING, "accept-paused", why, LOG_PER_SECOND);
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
	    LOG_PER_SECOND);
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
		atomic_fetch_add(&w->limit->open, 1);
	} else if (!limit_enter(w->limit)) {
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

		conn_limit_leave(w->limit);
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
		conn_limit_leave(w->limit);
	else
		conn_open(w, fd);
	return true;
}

static void
accept_some(struct worker *w, const struct worker_listener *l, int most)
{
	while (most-- > 0 && accept_one(w, l))
		;
}

/* ---- limits ------------------------------------------------------------ */

/* Makes room where half-sent requests and unread answers take too much: the
 * oldest of them go. */
static void
memory_trim(struct worker *w)
{
	static const enum wait order[] = {WAIT_REQUEST, WAIT_WRITE};
	struct link *head;

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		head = &w->waiting[order[i]];
		while (pool_is_over(&w->pool) && !list_empty(head)) {
			conn_close(w, LIST_ELEMENT(head->next, struct conn,
			    by_wait));
			metrics_count(w->env.shard, COUNT_EVICTED_MEMORY);
			log_event(LOG_LEVEL_WARNING, "closed", "evicted-memory",
			    LOG_PER_SECOND);
		}
	}
}

/* Closes who kept us waiting too long, and accepts again after a pause. */
static void
expire(struct worker *w)
{
	/* One that lingered did nothing wrong, nor one that stayed idle. */
	static const enum counter counters[WAIT_LINGER] = {
		[WAIT_FIRST_BYTE] = COUNT_TIMEOUT_FIRST,
		[WAIT_REQUEST] = COUNT_TIMEOUT_REQUEST,
		[WAIT_WRITE] = COUNT_TIMEOUT_ANSWER,
		[WAIT_IDLE] = COUNT_TIMEOUT_IDLE,
	};
	struct conn *c;

	for (size_t i = 0; i < WAITS; i++)
		while (!list_empty(&w->waiting[i])) {
			c = LIST_ELEMENT(w->waiting[i].next, struct conn,
			    by_wait);
			if (c->deadline > w->now)
				break;
			conn_close(w, c);
			if (i == WAIT_LINGER)
				continue;
			metrics_count(w->env.shard, counters[i]);
			log_event(i == WAIT_IDLE ? LOG_LEVEL_DEBUG :
			    LOG_LEVEL_WARNING, "closed",
			    counter_name(counters[i]), LOG_PER_SECOND);
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

/* Idle connections close, unless a request has just arrived.  Who is in the
 * queue of a socket that closes has connected in good faith, and is taken over
 * the limit too; the queue of an inherited one goes to the next process.  Who
 * has just connected gets FIRST_BYTE_US. */
static void
stop_begin(struct worker *w, int64_t stop_at)
{
	const struct link *idle = &w->waiting[WAIT_IDLE];
	const struct link *fresh = &w->waiting[WAIT_FIRST_BYTE];
	struct link *next;
	struct conn *c;

	listeners_remove(w);
	w->stopping = true;
	w->stop_at = stop_at;
	for (struct link *l = idle->next; l != idle; l = next) {
		next = l->next;
		c = LIST_ELEMENT(l, struct conn, by_wait);
		conn_readable(w, c);
		if (c->fd != -1 && c->wait == WAIT_IDLE)
			conn_close(w, c);
	}
	for (size_t i = 0; i < w->nlisteners; i++)
		if (!w->listeners[i].inherited)
			accept_some(w, &w->listeners[i], SOMAXCONN);
	if (w->duration[WAIT_FIRST_BYTE] > FIRST_BYTE_US)
		w->duration[WAIT_FIRST_BYTE] = FIRST_BYTE_US;
	for (struct link *l = fresh->next; l != fresh; l = l->next) {
		c = LIST_ELEMENT(l, struct conn, by_wait);
		if (c->deadline > w->now + FIRST_BYTE_US)
			c->deadline = w->now + FIRST_BYTE_US;
	}
}

/* ---- the loop ---------------------------------------------------------- */

/* How long to sleep, in ms, -1 for ever. */
static int
poll_timeout_ms(const struct worker *w)
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
take_snapshot(struct worker *w)
{
	const struct snapshot *s = epoch_take(w->epoch, &w->epoch_number);

	w->env.policies = s->policies;
	w->env.shadow = s->shadow;
	w->env.view = s->view;
	w->space = s->spaces[w->index];
}

/* Passes into the newest epoch; nothing of a request or a policy is in use
 * between two events. */
static void
check_epoch(struct worker *w)
{
	int64_t stop_at;

	if (atomic_load(&w->epoch->number) == w->epoch_number)
		return;
	take_snapshot(w);
	stop_at = atomic_load(&w->epoch->stop_at);
	if (stop_at != 0 && !w->stopping)
		stop_begin(w, stop_at);
	epoch_pass(w->epoch, w->index, w->epoch_number);
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
			check_epoch(w);
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

	if (asked && atomic_load(&w->limit->open) >= w->limit->max)
		(void)evict(w);
	if (pool_is_over(&w->pool))
		memory_trim(w);
	expire(w);
	member_update(w);
	/* Who asked is to ask another where none of these may go. */
	if (asked)
		limit_call(w->limit);
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
		n = epoll_wait(w->epoll, ev, EVENTS, poll_timeout_ms(w));
		atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
		w->now = clock_us();
		metrics_tick(w->env.shard, w->now);
		check_epoch(w);
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
	member_wake(&w->member);
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
	take_snapshot(w);
	w->wake_source = SOURCE_WAKE;
	w->pool.max = max_held;
	w->parser_env = (struct parser_env){&w->pool, max_connections};
	atomic_store(&w->member.idle, INT64_MAX);
	atomic_store(&w->member.active, INT64_MAX);
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
