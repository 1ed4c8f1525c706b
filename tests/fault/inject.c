/* inject.c - a library to preload: it makes one call of the C library fail, or
 * wait, the Nth of those that are armed, and counts them.  What is armed stands in a file
 * that the test maps too (faults.py knows its layout), so that a server can be
 * hit in the middle of its work. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared with the test. */
struct control {
	char calls[512];        /* names that are armed, each between spaces */
	_Atomic int64_t at;     /* the first call to fail, from 1; 0: none */
	_Atomic int64_t times;  /* how many fail from there on */
	_Atomic int64_t count;  /* calls seen */
	_Atomic int64_t hits;   /* calls failed */
	_Atomic int64_t error;  /* errno instead of the call's usual one; or 0 */
	_Atomic int64_t all;    /* also calls made by libraries */
	_Atomic int64_t clock;  /* seconds added to CLOCK_REALTIME */
	_Atomic int64_t hold;   /* calls do not fail: they wait until it is 0 */
};

static struct control *control;
static uintptr_t program_start, program_end;

static int
program_note(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		program_start = start;
		program_end = start + p->p_memsz;
	}
	return 1; /* the first is the program */
}

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("FAULT_CONTROL");
	struct control *c;
	int fd;

	if (path == NULL)
		return;
	dl_iterate_phdr(program_note, NULL);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	/* From here on calls are counted. */
	if (c != MAP_FAILED)
		control = c;
}

/* main returns to exit(), and what is called from there is called by what was
 * built into the program: gcov, to write its counts. */
static int (*program_main)(int, char **, char **);

static int
main_run(int argc, char **argv, char **env)
{
	int status = program_main(argc, argv, env);

	control = NULL;
	return status;
}

int __libc_start_main(int (*)(int, char **, char **), int, char **,
    void (*)(void), void (*)(void), void (*)(void), void *);

int
__libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
    void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *end)
{
	__typeof__(&__libc_start_main) next = (__typeof__(next))dlsym(
	    RTLD_NEXT, "__libc_start_main");

	program_main = main;
	return next(main_run, argc, argv, init, fini, rtld_fini, end);
}

static bool
is_armed(const char *name)
{
	size_t n = strlen(name);

	for (const char *p = control->calls; (p = strstr(p, name)) != NULL; p++)
		if (p > control->calls && p[-1] == ' ' && p[n] == ' ')
			return true;
	return false;
}

/* Whether this call is to fail, with errno set. */
static bool
fails(const char *name, int error, const void *caller)
{
	uintptr_t from = (uintptr_t)caller;
	int64_t number, at;

	if (control == NULL || !is_armed(name))
		return false;
	if (!control->all && (from < program_start || from >= program_end))
		return false;
	number = atomic_fetch_add(&control->count, 1) + 1;
	at = control->at;
	if (at == 0 || number < at || number - at >= control->times)
		return false;
	atomic_fetch_add(&control->hits, 1);
	if (control->hold) {
		while (control->hold)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		return false;
	}
	errno = control->error != 0 ? (int)control->error : error;
	return true;
}

/* NAME as the next library has it; what it returns where it fails. */
#define CALL(type, name, failed, error, params, args)                          \
	type name params;                                                      \
	type name params                                                       \
	{                                                                      \
		static type(*_Atomic next) params;                             \
		if (fails(#name, error, __builtin_return_address(0)))          \
			return failed;                                         \
		if (next == NULL)                                              \
			next = (type(*) params)dlsym(RTLD_NEXT, #name);        \
		return next args;                                              \
	}

CALL(void *, malloc, NULL, ENOMEM, (size_t n), (n))
CALL(void *, calloc, NULL, ENOMEM, (size_t count, size_t n), (count, n))
CALL(void *, realloc, NULL, ENOMEM, (void *p, size_t n), (p, n))
CALL(void *, reallocarray, NULL, ENOMEM, (void *p, size_t count, size_t n),
    (p, count, n))
CALL(FILE *, open_memstream, NULL, ENOMEM, (char **p, size_t *n), (p, n))

CALL(FILE *, fopen, NULL, EMFILE, (const char *path, const char *mode),
    (path, mode))
CALL(size_t, fread, 0, EIO, (void *p, size_t size, size_t n, FILE *f),
    (p, size, n, f))
CALL(int, fflush, EOF, ENOSPC, (FILE *f), (f))
CALL(ssize_t, read, -1, EIO, (int fd, void *p, size_t n), (fd, p, n))
CALL(ssize_t, write, -1, ENOSPC, (int fd, const void *p, size_t n), (fd, p, n))
CALL(int, fstat, -1, EIO, (int fd, struct stat *st), (fd, st))
CALL(int, lstat, -1, EACCES, (const char *path, struct stat *st), (path, st))
CALL(int, access, -1, EACCES, (const char *path, int mode), (path, mode))
CALL(int, unlink, -1, EACCES, (const char *path), (path))
CALL(int, unlinkat, -1, EACCES, (int fd, const char *path, int flags),
    (fd, path, flags))
CALL(int, fstatat, -1, EACCES,
    (int fd, const char *path, struct stat *st, int flags),
    (fd, path, st, flags))
CALL(int, fchownat, -1, EPERM,
    (int fd, const char *path, uid_t u, gid_t g, int flags),
    (fd, path, u, g, flags))
CALL(int, fchmod, -1, EPERM, (int fd, mode_t mode), (fd, mode))
CALL(int, flock, -1, ENOLCK, (int fd, int how), (fd, how))
CALL(int, mkostemp, -1, EMFILE, (char *path, int flags), (path, flags))
CALL(int, fsync, -1, EIO, (int fd), (fd))
CALL(int, rename, -1, EBUSY, (const char *from, const char *to), (from, to))
CALL(int, dup2, -1, EMFILE, (int from, int to), (from, to))

CALL(int, socket, -1, EMFILE, (int d, int t, int p), (d, t, p))
CALL(int, bind, -1, EADDRINUSE, (int fd, const struct sockaddr *a, socklen_t n),
    (fd, a, n))
CALL(int, listen, -1, EADDRINUSE, (int fd, int n), (fd, n))
CALL(int, connect, -1, ECONNREFUSED,
    (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
CALL(int, accept4, -1, ECONNABORTED,
    (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags))
CALL(ssize_t, recv, -1, ECONNRESET, (int fd, void *p, size_t n, int flags),
    (fd, p, n, flags))
CALL(ssize_t, send, -1, EPIPE, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags))
CALL(int, setsockopt, -1, EINVAL,
    (int fd, int l, int o, const void *v, socklen_t n), (fd, l, o, v, n))
CALL(int, getsockopt, -1, EINVAL,
    (int fd, int l, int o, void *v, socklen_t *n), (fd, l, o, v, n))
CALL(int, getsockname, -1, ENOTSOCK, (int fd, struct sockaddr *a, socklen_t *n),
    (fd, a, n))
CALL(int, getpeername, -1, ENOTCONN, (int fd, struct sockaddr *a, socklen_t *n),
    (fd, a, n))
CALL(int, getaddrinfo, EAI_MEMORY, ENOMEM,
    (const char *h, const char *s, const struct addrinfo *i,
        struct addrinfo **r), (h, s, i, r))
CALL(int, poll, -1, EINTR, (struct pollfd *p, nfds_t n, int ms), (p, n, ms))
CALL(int, epoll_create1, -1, EMFILE, (int flags), (flags))
CALL(int, epoll_ctl, -1, ENOMEM, (int e, int op, int fd, struct epoll_event *ev),
    (e, op, fd, ev))
CALL(int, epoll_wait, -1, EINTR,
    (int e, struct epoll_event *ev, int n, int ms), (e, ev, n, ms))
CALL(int, eventfd, -1, EMFILE, (unsigned n, int flags), (n, flags))
CALL(int, pthread_create, EAGAIN, EAGAIN,
    (pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg),
    (t, a, run, arg))
CALL(int, sigwait, EINTR, EINTR, (const sigset_t *set, int *sig), (set, sig))
CALL(int, getrlimit, -1, EPERM, (__rlimit_resource_t r, struct rlimit *l),
    (r, l))
CALL(int, setrlimit, -1, EPERM,
    (__rlimit_resource_t r, const struct rlimit *l), (r, l))
CALL(ssize_t, getrandom, -1, ENOSYS, (void *p, size_t n, unsigned flags),
    (p, n, flags))
CALL(pid_t, fork, -1, EAGAIN, (void), ())

int
open(const char *path, int flags, ...)
{
	static int (*_Atomic next)(const char *, int, ...);
	mode_t mode = 0;
	va_list ap;

	if (fails("open", EMFILE, __builtin_return_address(0)))
		return -1;
	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (next == NULL)
		next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT,
		    "open");
	return next(path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	static int (*_Atomic next)(int, const char *, int, ...);
	mode_t mode = 0;
	va_list ap;

	if (fails("openat", EMFILE, __builtin_return_address(0)))
		return -1;
	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (next == NULL)
		next = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT,
		    "openat");
	return next(folder, path, flags, mode);
}

int
fcntl(int fd, int cmd, ...)
{
	static int (*_Atomic next)(int, int, ...);
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fails("fcntl", EBADF, __builtin_return_address(0)))
		return -1;
	if (next == NULL)
		next = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
	return next(fd, cmd, arg);
}

/* The file is closed all the same. */
int
fclose(FILE *f)
{
	static int (*_Atomic next)(FILE *);
	int ret;

	if (next == NULL)
		next = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");
	ret = next(f);
	return fails("fclose", ENOSPC, __builtin_return_address(0)) ? EOF : ret;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	static int (*_Atomic next)(clockid_t, struct timespec *);
	int ret;

	if (next == NULL)
		next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
		    "clock_gettime");
	ret = next(clock, t);
	if (clock == CLOCK_REALTIME && control != NULL)
		t->tv_sec += control->clock;
	return ret;
}

time_t
time(time_t *to)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (to != NULL)
		*to = t.tv_sec;
	return t.tv_sec;
}
