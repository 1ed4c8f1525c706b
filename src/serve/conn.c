#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/log.h"
#include "serve/worker.h"
#include "status/status.h"

static void
conn_abort(struct worker *w, struct conn *c, const char *problem)
{
	struct log_line l;

	c->failed = true;
	metrics_count(w->env.shard, COUNT_PROTOCOL_ERRORS);
	if (!log_begin(&l, LOG_LEVEL_WARNING, "closed", problem,
	    LOG_PER_SECOND))
		return;
	if (strcmp(problem, "bad-version") == 0)
		log_str(&l, "hint", STR("the peer does not speak "
		    "FastCGI (nginx: fastcgi_pass, not proxy_pass)"));
	log_end(&l);
}

/* ---- sending ----------------------------------------------------------- */

/* Sends bytes.  Returns how many the socket took, or -1 where the peer is gone:
 * then c has failed. */
static ssize_t
push(struct worker *w, struct conn *c, const unsigned char *p, size_t n)
{
	ssize_t done;

	do
		done = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (done == -1 && errno == EINTR);
	if (done == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (done == -1) {
		metrics_count(w->env.shard, COUNT_PEER_ERRORS);
		c->failed = true;
	}
	return done;
}

/* Sends what the answers put into the worker's buffer; what the socket does not
 * take is kept.  Returns whether all of it is gone. */
static bool
flush(struct worker *w, struct conn *c)
{
	const unsigned char *p = w->space.out;
	size_t n = w->nout;
	ssize_t done = 0;

	w->nout = 0;
	if (n == 0)
		return c->unsent.n == 0;
	if (c->unsent.n == 0 && (done = push(w, c, p, n)) == -1)
		return false;
	if ((size_t)done == n)
		return true;
	/* Answers before what made it fail have had their chance. */
	if (!c->failed && held_add(&c->unsent, &w->pool, p + done,
	    n - (size_t)done) == -1)
		conn_abort(w, c, "no-memory");
	return false;
}

/* ---- answering --------------------------------------------------------- */

/* The status page is too long for the worker's buffers.  It goes out when the
 * connection has its next turn, so that who asks for many of them at once waits
 * between others. */
static void
answer_status(struct worker *w, struct conn *c, const struct parser_item *item,
    const struct status_ask *ask)
{
	struct status_input in = {
		.policies = w->env.policies,
		.shadow = w->env.shadow,
		.usage = w->env.view->usage,
		.metrics = w->metrics,
		.open = atomic_load(&w->limit->open),
		.max_connections = w->limit->max,
		.threads = w->limit->nmembers,
	};
	struct status_response page = {NULL, 0};
	unsigned char *out = NULL;
	size_t n = 0, cap;

	if (status_respond(&in, ask, &page) == 0) {
		cap = fcgi_answer_max(page.n);
		if ((out = malloc(cap)) != NULL)
			n = fcgi_answer(w->fcgi, item->id,
			    (struct str){page.p, page.n}, out, cap);
	}
	(void)flush(w, c);
	if (!c->failed && (n == 0 ||
	    held_add(&c->unsent, &w->pool, out, n) == -1))
		conn_abort(w, c, "no-memory");
	free(out);
	free(page.p);
}

static void
answer(struct worker *w, struct conn *c, const struct parser_item *item)
{
	struct answer_space *space = &w->space;
	struct status_ask ask;
	ptrdiff_t n;

	n = answer_write(&w->env, item->role, item->params, &ask, space->text,
	    space->text_cap);
	if (n == ANSWER_STATUS) {
		answer_status(w, c, item, &ask);
		return;
	}
	if (n == ANSWER_MALFORMED) {
		conn_abort(w, c, "bad-pair");
		return;
	}
	w->nout += fcgi_answer(w->fcgi, item->id,
	    (struct str){space->text, (size_t)n}, space->out + w->nout,
	    space->out_cap - w->nout);
}

/* Acts on what the parser found; false where input is no longer to be read. */
static bool
item_take(struct worker *w, struct conn *c, enum parser_event event,
    const struct parser_item *item)
{
	static const enum counter counters[] = {
		[REPLY_MANAGEMENT] = COUNT_MANAGEMENT,
		[REPLY_ABORT] = COUNT_ABORTED,
		[REPLY_REFUSAL] = COUNT_REFUSED_BEGIN,
	};

	switch (event) {
	case PARSER_MORE:
		return true;
	case PARSER_BAD:
		conn_abort(w, c, item->problem);
		break;
	case PARSER_REQUEST:
		answer(w, c, item);
		break;
	case PARSER_REPLY:
		memcpy(w->space.out + w->nout, item->reply, item->nreply);
		w->nout += item->nreply;
		metrics_count(w->env.shard, counters[item->what]);
		break;
	}
	if (c->failed)
		return false;
	if (!item->keep) {
		c->closing = true;
		c->unclean = !item->clean;
	}
	return item->keep;
}

/* Takes input until it is used up or an answer has to be read first; the rest
 * is kept. */
static void
input_take(struct worker *w, struct conn *c, struct str in)
{
	struct parser_item item;
	const char *problem;
	enum parser_event event;
	bool more = true;

	while (more && in.n > 0 && c->unsent.n == 0) {
		if (w->space.out_cap - w->nout < w->space.answer_cap &&
		    !flush(w, c))
			break;
		event = parser_next(&c->parser, &w->parser_env, &in, &item);
		more = item_take(w, c, event, &item);
	}
	if (!c->failed && !c->closing) {
		problem = parser_pause(&c->parser, &w->parser_env);
		if (problem == NULL &&
		    held_add(&c->untaken, &w->pool, in.p, in.n) == -1)
			problem = "no-memory";
		if (problem != NULL)
			conn_abort(w, c, problem);
	} else if (in.n > 0) {
		c->unclean = true;
	}
}

/* ---- waiting ----------------------------------------------------------- */

/* Makes c wait for something, with its deadline from now on. */
static void
wait_for(struct worker *w, struct conn *c, enum wait wait)
{
	list_remove(&c->by_wait);
	list_append(&w->waiting[wait], &c->by_wait);
	c->wait = wait;
	c->deadline = w->now + w->duration[wait];
}

/* Has epoll tell when c can be written to, or read. */
static void
epoll_update(struct worker *w, struct conn *c, bool writing)
{
	struct epoll_event ev = {.events = writing ? EPOLLOUT : EPOLLIN,
	    .data.ptr = c};
	int op = c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (c->polled && c->writing == writing)
		return;
	if (epoll_ctl(w->epoll, op, c->fd, &ev) == -1) {
		metrics_count(w->env.shard, COUNT_PEER_ERRORS);
		conn_close(w, c);
		return;
	}
	c->polled = true;
	c->writing = writing;
}

/* Decides what the connection is waited for now. */
static void
update_interest(struct worker *w, struct conn *c)
{
	bool busy = parser_is_busy(&c->parser);

	if (c->failed) {
		conn_close(w, c);
	} else if (c->unsent.n > 0) {
		if (c->wait != WAIT_WRITE)
			wait_for(w, c, WAIT_WRITE);
		epoll_update(w, c, true);
	} else if (c->closing && c->unclean && !c->ended) {
		/* Closes our side at once, as a web server waits for that; then
		 * what it still sends is read away, since closing over unread
		 * bytes could cost it the answer. */
		if (c->wait == WAIT_LINGER)
			return;
		shutdown(c->fd, SHUT_WR);
		parser_clear(&c->parser, &w->pool);
		wait_for(w, c, WAIT_LINGER);
		epoll_update(w, c, false);
	} else if (c->closing || c->ended) {
		if (!c->closing && busy)
			metrics_count(w->env.shard, COUNT_CUT_SHORT);
		conn_close(w, c);
	} else if (busy) {
		if (c->wait != WAIT_REQUEST || c->starts != c->parser.starts)
			wait_for(w, c, WAIT_REQUEST);
		c->starts = c->parser.starts;
		epoll_update(w, c, false);
	} else if (w->stopping) {
		conn_close(w, c);
	} else {
		wait_for(w, c, WAIT_IDLE);
		list_remove(&c->by_activity);
		epoll_update(w, c, false);
	}
}

static void
touch(struct worker *w, struct conn *c)
{
	c->active = w->now;
	list_remove(&c->by_activity);
	list_append(&w->activity, &c->by_activity);
}

/* ---- events ------------------------------------------------------------ */

void
conn_readable(struct worker *w, struct conn *c)
{
	ssize_t n = recv(c->fd, w->input, sizeof w->input, MSG_DONTWAIT);

	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		metrics_count(w->env.shard, COUNT_PEER_ERRORS);
		conn_close(w, c);
		return;
	}
	touch(w, c);
	if (n == 0)
		c->ended = true;
	else if (c->wait != WAIT_LINGER) {
		input_take(w, c, (struct str){(char *)w->input, (size_t)n});
		(void)flush(w, c);
	}
	update_interest(w, c);
}

void
conn_writable(struct worker *w, struct conn *c)
{
	struct held in;
	ssize_t done;

	touch(w, c);
	done = push(w, c, c->unsent.p + c->sent, c->unsent.n - c->sent);
	if (done != -1 && (c->sent += (size_t)done) == c->unsent.n) {
		c->sent = 0;
		held_release(&c->unsent, &w->pool);
		/* What follows is another answer, with a time of its own. */
		wait_for(w, c, WAIT_IDLE);
		in = c->untaken;
		c->untaken = (struct held){NULL, 0, 0};
		input_take(w, c, (struct str){(char *)in.p, in.n});
		held_release(&in, &w->pool);
		(void)flush(w, c);
	}
	update_interest(w, c);
}

void
conn_open(struct worker *w, int fd)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL) {
		close(fd);
		conn_limit_leave(w->limit);
		metrics_count(w->env.shard, COUNT_REFUSED_MEMORY);
		log_event(LOG_LEVEL_WARNING, "closed",
		    counter_name(COUNT_REFUSED_MEMORY), LOG_PER_SECOND);
		return;
	}
	c->source = SOURCE_CONN;
	c->fd = fd;
	/* One that another thread accepts now must not look older for that this
	 * one woke up earlier. */
	c->active = w->now = clock_us();
	list_init(&c->by_wait);
	w->nconns++;
	metrics_count(w->env.shard, COUNT_ACCEPTED);
	list_append(&w->activity, &c->by_activity);
	wait_for(w, c, WAIT_FIRST_BYTE);
	/* Often the request is there already. */
	conn_readable(w, c);
	if (c->fd != -1)
		epoll_update(w, c, c->unsent.n > 0);
}

void
conn_close(struct worker *w, struct conn *c)
{
	if (c->fd == -1)
		return;
	close(c->fd);
	c->fd = -1;
	parser_clear(&c->parser, &w->pool);
	held_release(&c->unsent, &w->pool);
	held_release(&c->untaken, &w->pool);
	list_remove(&c->by_activity);
	list_remove(&c->by_wait);
	/* An event of this wake-up may still point at it. */
	list_append(&w->dead, &c->by_wait);
	w->nconns--;
	metrics_count(w->env.shard, COUNT_CLOSED);
	conn_limit_leave(w->limit);
}

void
conn_reap(struct worker *w)
{
	struct link *l;

	while (!list_empty(&w->dead)) {
		l = w->dead.next;
		list_remove(l);
		free(LIST_ELEMENT(l, struct conn, by_wait));
	}
}
