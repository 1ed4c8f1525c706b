/* The floor that the engine is measured against: epoll and raw FastCGI without
 * libfcgi, policies, limits, timeouts or logs.  It finds the end of a request,
 * compares one Origin, and sends one of two canned answers.  A yardstick, no
 * product: pairs that cross a PARAMS record are not joined.
 *
 * usage: limit SOCKET */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/fcgi_record.h"

enum { INPUT = 64 * 1024, EVENTS = 64, ACCEPTS = 16, BACKLOG = 4096 };

#define ORIGIN "https://app.example.com"
#define VARY "Vary: Origin, Access-Control-Request-Method, " \
    "Access-Control-Request-Headers\r\n\r\n"

static const char GRANT[] = "Status: 204 No Content\r\n"
    "Access-Control-Allow-Origin: " ORIGIN "\r\n"
    "Access-Control-Allow-Methods: GET, PUT, DELETE\r\n"
    "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
    "Access-Control-Max-Age: 3600\r\n" VARY;
static const char REFUSAL[] = "Status: 403 Forbidden\r\n" VARY;

/* The records of an answer; the id stands in three places. */
struct answer {
	unsigned char bytes[1024];
	size_t n, end; /* where the end of STDOUT begins */
};

/* A connection; the bytes of half a request. */
struct peer {
	int fd;
	size_t n;
	unsigned char *part;
};

static struct answer grant, refusal;
static unsigned char input[INPUT];

static void
answer_prepare(struct answer *a, const char *text)
{
	size_t n = strlen(text);

	record_header(a->bytes, RECORD_STDOUT, 1, n);
	memcpy(a->bytes + RECORD_HEADER, text, n);
	a->end = RECORD_HEADER + n;
	record_header(a->bytes + a->end, RECORD_STDOUT, 1, 0);
	record_end(a->bytes + a->end + RECORD_HEADER, 1, END_COMPLETE);
	a->n = a->end + RECORD_HEADER + RECORD_END_SIZE;
}

static void
answer_address(struct answer *a, const unsigned char *id)
{
	memcpy(a->bytes + 2, id, 2);
	memcpy(a->bytes + a->end + 2, id, 2);
	memcpy(a->bytes + a->end + RECORD_HEADER + 2, id, 2);
}

static bool
origin_is_allowed(struct str params)
{
	struct str name, value;

	while (pair_next(&params, &name, &value) == PAIR_GOOD)
		if (str_eq(name, STR("HTTP_ORIGIN")))
			return str_eq(value, STR(ORIGIN));
	return false;
}

/* Answers every whole request.  Returns how many bytes were used, or -1 where
 * the connection is to be closed. */
static ssize_t
requests_answer(int fd, const unsigned char *p, size_t n)
{
	struct answer *a;
	size_t at = 0, used = 0, content;
	bool keep = false, allowed = false;

	while (n - at >= RECORD_HEADER) {
		const unsigned char *h = p + at;

		content = record_u16(h + 4);
		if (h[0] != RECORD_VERSION)
			return -1;
		if (RECORD_HEADER + content + h[6] > n - at)
			break;
		at += RECORD_HEADER + content + h[6];
		if (h[1] == RECORD_BEGIN_REQUEST && content == RECORD_BODY)
			keep = h[RECORD_HEADER + 2] & RECORD_KEEP_CONN;
		else if (h[1] == RECORD_PARAMS && content > 0)
			allowed |= origin_is_allowed((struct str){
			    (const char *)h + RECORD_HEADER, content});
		if (h[1] != RECORD_STDIN || content > 0)
			continue;
		a = allowed ? &grant : &refusal;
		answer_address(a, h + 2);
		if (send(fd, a->bytes, a->n, MSG_NOSIGNAL) != (ssize_t)a->n ||
		    !keep)
			return -1;
		used = at;
		allowed = false;
	}
	return (ssize_t)used;
}

/* Keeps what is left of half a request; false where that is impossible. */
static bool
rest_keep(struct peer *c, const unsigned char *p, size_t n)
{
	c->n = n;
	if (n == 0)
		return true;
	if (n == INPUT || (c->part == NULL &&
	    (c->part = malloc(INPUT)) == NULL))
		return false;
	memcpy(c->part, p, n);
	return true;
}

static void
peer_close(struct peer *c)
{
	close(c->fd);
	free(c->part);
	free(c);
}

/* Returns whether the connection is still there. */
static bool
peer_readable(struct peer *c)
{
	size_t n = c->n;
	ssize_t got, used;

	if (n > 0)
		memcpy(input, c->part, n);
	got = recv(c->fd, input + n, INPUT - n, 0);
	if (got == -1 && errno == EAGAIN)
		return true;
	if (got > 0) {
		n += (size_t)got;
		used = requests_answer(c->fd, input, n);
		if (used >= 0 && rest_keep(c, input + used, n - (size_t)used))
			return true;
	}
	peer_close(c);
	return false;
}

static void
accept_some(int epoll, int listener)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct peer *c;
	int fd;

	for (int i = 0; i < ACCEPTS; i++) {
		fd = accept4(listener, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd == -1)
			return;
		if ((c = calloc(1, sizeof *c)) == NULL) {
			close(fd);
			return;
		}
		c->fd = fd;
		ev.data.ptr = c;
		if (peer_readable(c) &&
		    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
			peer_close(c);
	}
}

static int
listen_on(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct rlimit rl;
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	if (strlen(path) >= sizeof un.sun_path)
		return -1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&un, sizeof un) == -1 ||
	    listen(fd, BACKLOG) == -1)
		return -1;
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event ev[EVENTS], listening = {.events = EPOLLIN};
	int listener, epoll, n;

	listener = argc == 2 ? listen_on(argv[1]) : -1;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (listener == -1 || epoll == -1 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening) == -1) {
		perror("limit");
		return 1;
	}
	answer_prepare(&grant, GRANT);
	answer_prepare(&refusal, REFUSAL);
	for (;;) {
		n = epoll_wait(epoll, ev, EVENTS, -1);
		for (int i = 0; i < n; i++)
			if (ev[i].data.ptr == NULL)
				accept_some(epoll, listener);
			else
				(void)peer_readable(ev[i].data.ptr);
	}
}
