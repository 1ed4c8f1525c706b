#include "config.h"

#include "fcgi_os.h"

#include <errno.h>
#include <sys/types.h>

ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __real_write(int fd, const void *from, size_t n);
int __real_close(int fd);

ssize_t __wrap_read(int fd, void *to, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
int __wrap_close(int fd);

static _Thread_local struct fcgi_os *current;

void
fcgi_os_enter(struct fcgi_os *os)
{
	os->nout = 0;
	current = os;
}

void
fcgi_os_leave(void)
{
	current = NULL;
}

ssize_t
__wrap_read(int fd, void *to, size_t n)
{
	struct fcgi_os *os = current;

	if (os == NULL)
		return __real_read(fd, to, n);
	if (n > os->in.n)
		n = os->in.n;
	if (n > 0)
		memcpy(to, os->in.p, n);
	os->in = str_from(os->in, n);
	return (ssize_t)n;
}

ssize_t
__wrap_write(int fd, const void *from, size_t n)
{
	struct fcgi_os *os = current;

	if (os == NULL)
		return __real_write(fd, from, n);
	if (n > os->cap - os->nout) {
		errno = ENOBUFS;
		return -1;
	}
	memcpy(os->out + os->nout, from, n);
	os->nout += n;
	return (ssize_t)n;
}

int
__wrap_close(int fd)
{
	return current == NULL ? __real_close(fd) : 0;
}
