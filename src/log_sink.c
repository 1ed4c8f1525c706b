#include "config.h"

#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_syslog.h"

enum { LOOK_AGAIN_MS = 1000 };

static struct {
	bool syslog;
	int fd;
	const char *path; /* NULL unless a file */
	atomic_bool torn; /* its last line ends in the middle */
} sink = {.fd = STDERR_FILENO};

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
		log_syslog_open(where[6] == ':' ? where + 7 : NULL);
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
	int fd, ret;

	if (sink.path == NULL)
		return 0;
	if ((fd = file_open((uid_t)-1, (gid_t)-1)) == -1)
		return -1;
	/* Under the same number: the log's thread may be writing. */
	ret = dup3(fd, sink.fd, O_CLOEXEC);
	close(fd);
	sink.torn = false;
	return ret == -1 ? -1 : 0;
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
log_sink_wait(const int *fd)
{
	struct pollfd p;

	do
		p = (struct pollfd){.fd = *fd, .events = POLLOUT};
	while (poll(&p, 1, LOOK_AGAIN_MS) == 0 || p.revents == 0);
}

/* Writes it whole, or notes that the line is torn.  It waits for room first, so
 * a pipe that others share need not be non-blocking. */
static int
bytes_write(const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		log_sink_wait(&sink.fd);
		done = write(sink.fd, p, n);
		if (done == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (done > 0) {
			sink.torn = (size_t)done < n;
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int
log_sink_write(enum log_level level, const char *line, size_t n)
{
	if (sink.syslog)
		return log_syslog_write(level, line, n - 1);
	/* What a full disk cut off ends here. */
	if (sink.torn && bytes_write("\n", 1) == -1)
		return -1;
	return bytes_write(line, n);
}
