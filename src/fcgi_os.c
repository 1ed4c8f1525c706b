#include "config.h"

#include "fcgi_os.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/* With AddressSanitizer libfcgi gets memory whose bounds are watched. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WATCHED 1
#endif
#ifndef WATCHED
#define WATCHED 0
#endif

ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __real_write(int fd, const void *from, size_t n);
int __real_close(int fd);
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);

ssize_t __wrap_read(int fd, void *to, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
int __wrap_close(int fd);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

/* A block of the region: its size, then its bytes. */
enum { BLOCK_HEAD = 16 };

static _Thread_local struct fcgi_os *current;

void
fcgi_os_enter(struct fcgi_os *os)
{
	os->nout = 0;
	os->failed = false;
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
		os->failed = true;
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

static bool
in_region(const struct fcgi_os *os, const void *p)
{
	return (uintptr_t)p - (uintptr_t)os->region < FCGI_OS_REGION;
}

void *
__wrap_malloc(size_t n)
{
	struct fcgi_os *os = current;
	unsigned char *block;
	size_t size;

	if (os == NULL || WATCHED || n > FCGI_OS_REGION)
		return __real_malloc(n);
	size = BLOCK_HEAD + ((n + BLOCK_HEAD - 1) & ~(size_t)(BLOCK_HEAD - 1));
	if (size > FCGI_OS_REGION - os->used)
		return __real_malloc(n);
	block = os->region + os->used;
	memcpy(block, &n, sizeof n);
	os->used += size;
	os->live++;
	return block + BLOCK_HEAD;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	struct fcgi_os *os = current;
	void *p;

	if (os == NULL || (size > 0 && count > FCGI_OS_REGION / size))
		return __real_calloc(count, size);
	if ((p = __wrap_malloc(count * size)) != NULL)
		memset(p, 0, count * size);
	return p;
}

void
__wrap_free(void *p)
{
	struct fcgi_os *os = current;

	if (os == NULL || !in_region(os, p))
		__real_free(p);
	else if (--os->live == 0)
		os->used = 0;
}

void *
__wrap_realloc(void *p, size_t n)
{
	struct fcgi_os *os = current;
	size_t old;
	void *q;

	if (os == NULL || (p != NULL && !in_region(os, p)))
		return __real_realloc(p, n);
	if ((q = __wrap_malloc(n)) == NULL || p == NULL)
		return q;
	memcpy(&old, (unsigned char *)p - BLOCK_HEAD, sizeof old);
	memcpy(q, p, old < n ? old : n);
	__wrap_free(p);
	return q;
}
