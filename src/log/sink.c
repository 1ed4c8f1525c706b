#include "config.h"

#include "log/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 1000 };

/* What others open anew waits in `next`; the rest is the log's thread's own. */
static struct {
	bool syslog;
	int fd;
	atomic_int next;  /* the file to go on with, -1: the same */
	const char *path; /* NULL unless a file */
	bool partial_line; /* its last line ends in the middle */
} sink = {.fd = STDERR_FILENO, .next = -1};

/* Waits until the descriptor takes bytes, or has an error to tell.  Returns
 * false where it does not, and there is another file to go on with. */
static bool
wait_for_room(int fd)
{
	struct pollfd p;

	for (;;) {
		p = (struct pollfd){.fd = fd, .events = POLLOUT};
		if (poll(&p, 1, POLL_MS) > 0 && p.revents != 0)
			return true;
		if (atomic_load(&sink.next) != -1)
			return false;
	}
}

/* ---- syslog ------------------------------------------------------------ */

static struct {
	const char *path;
	int fd;      /* -1: not connected */
	bool stream; /* a NUL ends a line */
} system_log = {.fd = -1};

static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static void
disconnect(void)
{
	int saved = errno;

	if (system_log.fd != -1)
		close(system_log.fd);
	system_log.fd = -1;
	errno = saved;
}

/* Connects with one kind of socket. */
static int
connect_as(int type, const struct sockaddr_un *un)
{
	system_log.fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (system_log.fd == -1)
		return -1;
	system_log.stream = type == SOCK_STREAM;
	if (connect(system_log.fd, (const struct sockaddr *)un,
	    sizeof *un) == 0)
		return 0;
	disconnect();
	return -1;
}

static int
connect_if_not(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (system_log.fd != -1)
		return 0;
	if (strlen(system_log.path) >= sizeof un.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, system_log.path, strlen(system_log.path) + 1);
	if (connect_as(SOCK_DGRAM, &un) == 0)
		return 0;
	return errno == EPROTOTYPE ? connect_as(SOCK_STREAM, &un) : -1;
}

static int
bytes_send(const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		(void)wait_for_room(system_log.fd);
		done = send(system_log.fd, p, n, MSG_NOSIGNAL);
		if (done == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Sends a line, given without its newline, after connecting anew where whoever
 * listened is gone.  Unlike syslog(3) it tells what was not taken.  Returns 0,
 * or -1 with errno. */
static int
syslog_write(enum log_level level, const char *line, size_t n)
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
	/* A log daemon that was restarted needs another connection. */
	for (int tries = 2; tries > 0; tries--) {
		if (connect_if_not() == -1)
			return -1;
		if (bytes_send(text, (size_t)length +
		    (system_log.stream ? 1 : 0)) == 0)
			return 0;
		disconnect();
	}
	return -1;
}

/* ---- opening ----------------------------------------------------------- */

/* Opens the file, or makes it and gives it away.  Nothing here waits: a pipe is
 * opened for reading too, which needs no reader, and keeps what is in it until
 * one comes. */
static int
file_open(uid_t uid, gid_t gid)
{
	const int flags = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
	    (uid != (uid_t)-1 ? O_NOFOLLOW : 0);
	struct stat st;
	int fd;

	if (stat(sink.path, &st) == 0 && S_ISFIFO(st.st_mode))
		return open(sink.path, O_RDWR | flags);
	fd = open(sink.path, O_WRONLY | O_CREAT | O_EXCL | flags, 0640);
	if (fd == -1 && errno == EEXIST)
		return open(sink.path, O_WRONLY | O_CREAT | flags, 0640);
	if (fd != -1 && uid != (uid_t)-1 && fchown(fd, uid, gid) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
log_sink_open(const char *where, uid_t uid, gid_t gid)
{
	if (strcmp(where, "stderr") == 0)
		return 0;
	if (strcmp(where, "syslog") == 0 || strncmp(where, "syslog:", 7) == 0) {
		sink.syslog = true;
		/* It is connected to when there is a line for it. */
		system_log.path = where[6] == ':' ? where + 7 : _PATH_LOG;
		/* Before the sandbox, which has no time zones. */
		tzset();
		return 0;
	}
	sink.path = where;
	sink.fd = file_open(uid, gid);
	return sink.fd == -1 ? -1 : 0;
}

bool
log_sink_is_syslog(void)
{
	return sink.syslog;
}

const char *
log_sink_path(void)
{
	return sink.path;
}

int
log_sink_reopen(void)
{
	int fd, skipped;

	if (sink.path == NULL)
		return 0;
	if ((fd = file_open((uid_t)-1, (gid_t)-1)) == -1)
		return -1;
	if ((skipped = atomic_exchange(&sink.next, fd)) != -1)
		close(skipped);
	return 0;
}

bool
log_sink_can_reopen(void)
{
	int fd;

	if (sink.path == NULL)
		return true;
	if ((fd = file_open((uid_t)-1, (gid_t)-1)) == -1)
		return false;
	close(fd);
	return true;
}

/* ---- writing ----------------------------------------------------------- */

void
log_sink_renew(void)
{
	int fd = atomic_exchange(&sink.next, -1);

	if (fd == -1)
		return;
	close(sink.fd);
	sink.fd = fd;
	sink.partial_line = false;
}

enum { MOVED = 1 };

/* Writes it whole, or notes that a part of the line is there.  It waits for
 * room first, so a pipe that others share need not be non-blocking.  Returns 0,
 * -1 with errno, or MOVED where there is another file to go on with. */
static int
bytes_write(const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		if (!wait_for_room(sink.fd))
			return MOVED;
		done = write(sink.fd, p, n);
		if (done == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (done > 0) {
			sink.partial_line = (size_t)done < n;
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int
log_sink_write(enum log_level level, const char *line, size_t n)
{
	int ret;

	if (sink.syslog)
		return syslog_write(level, line, n - 1);
	do {
		log_sink_renew();
		/* What a full disk cut off ends here. */
		ret = sink.partial_line ? bytes_write("\n", 1) : 0;
		if (ret == 0)
			ret = bytes_write(line, n);
	} while (ret == MOVED);
	return ret;
}
