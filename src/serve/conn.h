/* conn.h - one connection of a web server: what it sent, what it has still to
 * read, and what it is waited for. */
#ifndef PREFLIGHTD_SERVE_CONN_H
#define PREFLIGHTD_SERVE_CONN_H

#include <stdint.h>

#include "base/list.h"
#include "serve/fcgi_parser.h"

struct worker;

/* What an epoll event stands for; the first member of what it points at. */
enum source { SOURCE_CONN, SOURCE_LISTENER, SOURCE_WAKE };

/* What a connection is waited for.  Each has one duration, so a list in order
 * of arrival is a list in order of deadline. */
enum wait {
	WAIT_FIRST,  /* its first byte */
	WAIT_REST,   /* the rest of a request */
	WAIT_READER, /* that it reads an answer */
	WAIT_NEXT,   /* a further request */
	WAIT_END,    /* that it closes, after we did */
	WAITS
};

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
	unsigned starts;        /* of the stream, when the deadline was set */
	int64_t deadline;       /* us, of the wait */
	int64_t active;         /* us, of the last event */
	struct link by_wait, by_activity;
	struct stream stream;
	struct held unsent;     /* of answers, from sent on */
	size_t sent;
	struct held untaken;    /* input behind an answer that must go first */
};

/* Takes a connection that was just accepted and has entered the crowd, and
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
