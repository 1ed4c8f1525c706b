#include "config.h"

#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK = 4 * LINE_BYTES_MAX };

/* What keeps a file of that kind from being read, or NULL. */
static const char *
why_not(int fd, mode_t mode, bool streams)
{
	if (S_ISREG(mode) || (streams && (S_ISFIFO(mode) || S_ISSOCK(mode) ||
	    (fd == STDIN_FILENO && isatty(fd)))))
		return NULL;
	if (S_ISDIR(mode))
		return "it is a directory";
	if (S_ISFIFO(mode))
		return "it is a pipe";
	if (S_ISSOCK(mode))
		return "it is a socket";
	return "it is a device";
}

static int
open_as(struct lines *l, const char *path, bool streams, const char **why)
{
	int ret = -1, error = 0;

	*l = (struct lines){.fd = -1};
	if (streams && strcmp(path, "-") == 0)
		l->fd = STDIN_FILENO;
	else
		l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
		    (streams ? 0 : O_NONBLOCK));
	if (l->fd == -1 || fstat(l->fd, &l->stat) == -1) {
		error = errno;
		*why = strerror(error);
		goto out;
	}
	*why = why_not(l->fd, l->stat.st_mode, streams);
	if (*why != NULL)
		goto out;
	l->buf = malloc(BLOCK);
	if (l->buf == NULL) {
		error = errno;
		*why = strerror(error);
		goto out;
	}
	ret = 0;
out:
	if (ret != 0) {
		lines_close(l);
		errno = error;
	}
	return ret;
}

/* O_NONBLOCK: `serve` reads files while it serves, and they are named by who
 * writes the policy.  To open a pipe would wait for its writer, to read it for
 * more, and the second load of a policy would find nothing in it. */
int
lines_open(struct lines *l, const char *path, const char **why)
{
	return open_as(l, path, false, why);
}

int
lines_open_stream(struct lines *l, const char *path, const char **why)
{
	return open_as(l, path, true, why);
}

/* Reads more behind what is there: 0, also at the end of the file, or -1. */
static int
fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	do
		n = read(l->fd, l->buf + l->end, BLOCK - l->end);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		l->why = strerror(errno);
		return -1;
	}
	if (n == 0)
		l->at_end = true;
	l->end += (size_t)n;
	return 0;
}

/* The bytes up to the next LF, or SIZE_MAX where it is not in the buffer; the
 * first *seen of them were looked at before. */
static size_t
find_end(const struct lines *l, size_t *seen)
{
	const char *from = l->buf + l->start;
	size_t n = l->end - l->start;
	const char *lf = memchr(from + *seen, '\n', n - *seen);

	*seen = n;
	return lf != NULL ? (size_t)(lf - from) : SIZE_MAX;
}

/* Drops bytes up to and with the next LF, or to the end of the file. */
static enum lines_next
pass_over(struct lines *l)
{
	for (;;) {
		size_t seen = 0, n = find_end(l, &seen);

		if (n != SIZE_MAX) {
			l->start += n + 1;
			return LINES_LONG;
		}
		l->start = l->end;
		if (l->at_end)
			return LINES_LONG;
		if (fill(l) != 0)
			return LINES_ERROR;
	}
}

static struct str
strip_marks(struct str line, unsigned number)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (number == 1 && str_starts(line, STR("\xef\xbb\xbf")))
		line = str_from(line, 3);
	return line;
}

enum lines_next
lines_next(struct lines *l, struct str *line)
{
	size_t seen = 0, n;

	while ((n = find_end(l, &seen)) == SIZE_MAX && !l->at_end) {
		if (seen > LINE_BYTES_MAX + 4) {
			l->number++;
			return pass_over(l);
		}
		if (fill(l) != 0)
			return LINES_ERROR;
	}
	if (n == SIZE_MAX && l->start == l->end)
		return LINES_END;
	if (n == SIZE_MAX)
		n = l->end - l->start;
	l->number++;
	*line = strip_marks((struct str){l->buf + l->start, n}, l->number);
	l->start += n;
	if (l->start < l->end)
		l->start++;
	return line->n > LINE_BYTES_MAX ? LINES_LONG : LINES_LINE;
}

bool
lines_changed(const struct lines *l)
{
	struct stat now;

	/* What went through a pipe is whole at its end. */
	if (!S_ISREG(l->stat.st_mode))
		return false;
	return fstat(l->fd, &now) == -1 || now.st_size != l->stat.st_size ||
	    now.st_mtim.tv_sec != l->stat.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != l->stat.st_mtim.tv_nsec;
}

void
lines_close(struct lines *l)
{
	if (l->fd > STDIN_FILENO)
		(void)close(l->fd);
	free(l->buf);
	l->fd = -1;
	l->buf = NULL;
}
