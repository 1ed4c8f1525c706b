#include "config.h"

#include "log_syslog.h"

#include <errno.h>
#include <paths.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log_sink.h"

static struct {
	const char *path;
	int fd;      /* -1: not connected */
	bool stream; /* a NUL ends a line */
} link_state = {.fd = -1};

static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

void
log_syslog_open(const char *path)
{
	link_state.path = path != NULL ? path : _PATH_LOG;
	/* Before a sandbox, and before the first line is in a hurry. */
	tzset();
}

static void
disconnect(void)
{
	int saved = errno;

	if (link_state.fd != -1)
		close(link_state.fd);
	link_state.fd = -1;
	errno = saved;
}

/* Connects with one kind of socket. */
static int
connect_as(int type, const struct sockaddr_un *un)
{
	link_state.fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (link_state.fd == -1)
		return -1;
	link_state.stream = type == SOCK_STREAM;
	if (connect(link_state.fd, (const struct sockaddr *)un,
	    sizeof *un) == 0)
		return 0;
	disconnect();
	return -1;
}

static int
connect_if_not(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (link_state.fd != -1)
		return 0;
	if (strlen(link_state.path) >= sizeof un.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, link_state.path, strlen(link_state.path) + 1);
	if (connect_as(SOCK_DGRAM, &un) == 0)
		return 0;
	return errno == EPROTOTYPE ? connect_as(SOCK_STREAM, &un) : -1;
}

static int
bytes_send(const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		log_sink_wait(&link_state.fd);
		done = send(link_state.fd, p, n, MSG_NOSIGNAL);
		if (done == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int
log_syslog_write(enum log_level level, const char *line, size_t n)
{
	char text[LOG_LINE_MAX + 100], stamp[20];
	time_t now = time(NULL);
	struct tm tm;
	int length;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%b %e %T", &tm);
	length = snprintf(text, sizeof text, "<%d>%s preflightd[%ld]: %.*s",
	    LOG_DAEMON | priorities[level], stamp, (long)getpid(), (int)n,
	    line);
	if (length < 0 || (size_t)length >= sizeof text) {
		errno = EMSGSIZE;
		return -1;
	}
	/* Who was restarted answers on another connection. */
	for (int tries = 2; tries > 0; tries--) {
		if (connect_if_not() == -1)
			return -1;
		if (bytes_send(text, (size_t)length +
		    (link_state.stream ? 1 : 0)) == 0)
			return 0;
		disconnect();
	}
	return -1;
}
