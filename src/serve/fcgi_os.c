#include "config.h"

#include "serve/fcgi_os.h"

#include <errno.h>
#include <sys/types.h>

ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __real_write(int fd, const void *from, size_t n);
int __real_close(int fd);
void *__real_malloc(size_t n);
void __real_free(void *p);

ssize_t __wrap_read(int fd, void *to, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
int __wrap_close(int fd);
void *__wrap_malloc(size_t n);
void __wrap_free(void *p);

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

void *
__wrap_malloc(size_t n)
{
	struct fcgi_os *os = current;
	void *p;

	if (os == NULL)
		return __real_malloc(n);
	if (n > sizeof os->memory - os->used) {
		errno = ENOMEM;
		return NULL;
	}
	p = os->memory + os->used;
	n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	os->used += n;
	return p;
}

void
__wrap_free(void *p)
{
	if (current == NULL)
		__real_free(p);
}
