#include "config.h"

#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
bytes_write(int fd, const char *bytes, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, bytes, n);
		if (done == -1 && errno != EINTR)
			return -1;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Writes to what is no regular file, or is standard output. */
static int
stream_write(const char *path, bool is_stdout, const char *bytes, size_t n)
{
	int fd = is_stdout ? dup(STDOUT_FILENO) :
	    open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), ret, error;

	if (fd == -1)
		return -1;
	ret = bytes_write(fd, bytes, n);
	error = errno;
	if (close(fd) == -1 && ret == 0)
		return -1;
	errno = error;
	return ret;
}

/* Finds the file that the path leads to through symbolic links: the last of
 * them may name one that is not there yet. */
static int
links_follow(char target[PATH_MAX], const char *path)
{
	char link[PATH_MAX], *slash;
	size_t dir;
	ssize_t n;

	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(target, path, strlen(path) + 1);
	for (int links = 0; (n = readlink(target, link, sizeof link)) != -1;
	    links++) {
		slash = strrchr(target, '/');
		dir = slash != NULL && link[0] != '/' ?
		    (size_t)(slash - target) + 1 : 0;
		if (links == 40 || dir + (size_t)n >= PATH_MAX) {
			errno = links == 40 ? ELOOP : ENAMETOOLONG;
			return -1;
		}
		memcpy(target + dir, link, (size_t)n);
		target[dir + (size_t)n] = '\0';
	}
	/* EINVAL: it is no link. */
	return errno == EINVAL || errno == ENOENT ? 0 : -1;
}

/* Makes the new file look like the old one. */
static int
likeness_give(int fd, const struct stat *old)
{
	mode_t mask;

	if (old == NULL) {
		mask = umask(0);
		umask(mask);
		return fchmod(fd, 0666 & ~mask);
	}
	/* Who may not give files away keeps it, as with every editor. */
	if (fchown(fd, old->st_uid, old->st_gid) == -1)
		(void)!fchown(fd, (uid_t)-1, old->st_gid);
	return fchmod(fd, old->st_mode & 0777);
}

int
file_write_whole(const char *path, const char *bytes, size_t n)
{
	char target[PATH_MAX], temporary[PATH_MAX];
	struct stat old, out;
	const char *name;
	bool there, is_stdout;
	int fd, error;

	if (links_follow(target, path) == -1)
		return -1;
	there = stat(path, &old) == 0;
	if (!there && errno != ENOENT)
		return -1;
	is_stdout = there && fstat(STDOUT_FILENO, &out) == 0 &&
	    out.st_dev == old.st_dev && out.st_ino == old.st_ino;
	if (is_stdout || (there && !S_ISREG(old.st_mode)))
		return stream_write(path, is_stdout, bytes, n);
	/* The folder alone would do; a file that is kept from writing stays. */
	if (there && access(path, W_OK) == -1)
		return -1;
	name = strrchr(target, '/');
	name = name != NULL ? name + 1 : target;
	/* No pattern such as *.conf finds it. */
	if (snprintf(temporary, sizeof temporary, "%.*s.%s.XXXXXX",
	    (int)(name - target), target, name) >= (int)sizeof temporary) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (bytes_write(fd, bytes, n) == 0 &&
	    likeness_give(fd, there ? &old : NULL) == 0 && fsync(fd) == 0) {
		if (close(fd) == 0 && rename(temporary, target) == 0)
			return 0;
		error = errno;
	} else {
		error = errno;
		close(fd);
	}
	unlink(temporary);
	errno = error;
	return -1;
}
