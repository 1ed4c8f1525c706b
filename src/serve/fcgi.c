/* What libfcgi does here: it makes the records of answers.  What it does not:
 * accept, read or close anything, or read a request.  Its FCGX_Accept_r reads
 * with blocking calls, so one half-sent request stops the thread; it loses what
 * is pipelined behind a request; it ends the process on one name length near
 * 2^31 or on four names in GET_VALUES; it returns success on a truncated
 * request, misreads legal padding, lingers 2 s on a close, and cuts values at a
 * NUL.  So fcgi_parser.c reads requests and answer.c their parameters.
 *
 * libfcgi would also allocate ten blocks for each request, and end the process
 * where it gets none.  Instead each thread has one FCGX_Request that is begun
 * once, from memory and in memory of ours, and never ended: it takes the id of
 * the request to be answered, and its output stream makes the records.  The
 * ends of the stream and of the request, which libfcgi writes when it frees
 * them, are written here.
 *
 * For that libfcgi sees another operating system: the linker binds its calls of
 * read, write, close, malloc and free, and those of the whole program, to the
 * __wrap_ functions below (-Wl,--wrap, see Makefile.am).  On a thread between
 * enter and leave, read takes from memory, write goes to memory, close does
 * nothing, malloc takes from a block that is there already, and free gives
 * nothing back.  Everywhere else they are the C library's. */
#include "config.h"

#include "serve/fcgi.h"

#include <assert.h>
#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/types.h>

enum {
	WRITER_SIZE = 8192,   /* libfcgi's buffer for output: each time it is
	                         full, one record */
	MEMORY = 24 * 1024,   /* its three streams with their buffers, and a
	                         table of 30 parameters, take 18 KB */
	NO_FD = 0x7fffffff,   /* no real one: what is not wrapped fails */
};

struct fcgi {
	FCGX_Request request;
	struct str in;      /* what read has still to give */
	unsigned char *out; /* what write wrote; ENOBUFS where it is full */
	size_t nout, cap;
	size_t used;        /* bytes of memory */
	alignas(max_align_t) unsigned char memory[MEMORY];
};

/* ---- the operating system that libfcgi sees ---------------------------- */

static _Thread_local struct fcgi *current; /* between enter and leave */

static void
enter(struct fcgi *f)
{
	f->nout = 0;
	current = f;
}

static void
leave(void)
{
	current = NULL;
}

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

ssize_t
__wrap_read(int fd, void *to, size_t n)
{
	struct fcgi *f = current;

	if (f == NULL)
		return __real_read(fd, to, n);
	if (n > f->in.n)
		n = f->in.n;
	if (n > 0)
		memcpy(to, f->in.p, n);
	f->in = str_from(f->in, n);
	return (ssize_t)n;
}

ssize_t
__wrap_write(int fd, const void *from, size_t n)
{
	struct fcgi *f = current;

	if (f == NULL)
		return __real_write(fd, from, n);
	if (n > f->cap - f->nout) {
		errno = ENOBUFS;
		return -1;
	}
	memcpy(f->out + f->nout, from, n);
	f->nout += n;
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
	struct fcgi *f = current;
	void *p;

	if (f == NULL)
		return __real_malloc(n);
	if (n > sizeof f->memory - f->used) {
		errno = ENOMEM;
		return NULL;
	}
	p = f->memory + f->used;
	n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	f->used += n;
	return p;
}

void
__wrap_free(void *p)
{
	if (current == NULL)
		__real_free(p);
}

/* ---- one request, again and again -------------------------------------- */

int
fcgi_init(void)
{
	return FCGX_Init() == 0 ? 0 : -1;
}

/* Has libfcgi read a request from memory that is as short as one can be: it
 * sets up its streams for that.  Returns 0 or -1. */
static int
request_begin(struct fcgi *f)
{
	unsigned char records[RECORD_HEADER + RECORD_BODY + RECORD_HEADER] = {
	    [RECORD_HEADER + 1] = ROLE_RESPONDER,
	    [RECORD_HEADER + 2] = RECORD_KEEP_CONN};
	FCGX_Request *r = &f->request;
	int ret;

	record_header(records, RECORD_BEGIN_REQUEST, 1, RECORD_BODY);
	record_header(records + RECORD_HEADER + RECORD_BODY, RECORD_PARAMS, 1,
	    0);
	r->ipcFd = NO_FD;
	r->keepConnection = 1; /* or it begins by closing the descriptor */
	r->detached = 1;       /* a plain close, without lingering */
	f->in = (struct str){(const char *)records, sizeof records};
	enter(f);
	ret = FCGX_Accept_r(r);
	leave();
	f->in = (struct str){NULL, 0};
	/* Success is returned for a truncated request too. */
	return ret == 0 && FCGX_GetError(r->in) == 0 ? 0 : -1;
}

struct fcgi *
fcgi_new(void)
{
	struct fcgi *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	if (FCGX_InitRequest(&f->request, -1, 0) != 0 ||
	    request_begin(f) == -1) {
		fcgi_free(f);
		return NULL;
	}
	return f;
}

void
fcgi_free(struct fcgi *f)
{
	if (f == NULL)
		return;
	enter(f);
	FCGX_Free(&f->request, 1);
	leave();
	free(f);
}

size_t
fcgi_answer_max(size_t n)
{
	size_t records = n / (WRITER_SIZE - 2 * RECORD_HEADER) + 1;

	/* Each with a header and padding; then the end of STDOUT, and
	 * END_REQUEST. */
	return n + records * 2 * RECORD_HEADER + RECORD_HEADER +
	    RECORD_END_SIZE;
}

size_t
fcgi_answer(struct fcgi *f, unsigned id, struct str reply, unsigned char *out,
    size_t cap)
{
	FCGX_Request *r = &f->request;
	int put, flushed;

	assert(reply.n <= INT_MAX && cap >= fcgi_answer_max(reply.n));
	r->requestId = (int)id;
	f->out = out;
	f->cap = cap - RECORD_HEADER - RECORD_END_SIZE;
	enter(f);
	put = FCGX_PutStr(reply.p, (int)reply.n, r->out);
	flushed = FCGX_FFlush(r->out);
	leave();
	/* There was room: else the rest would begin the next answer. */
	assert(put == (int)reply.n && flushed == 0);
	(void)put;
	(void)flushed;
	out += f->nout;
	record_header(out, RECORD_STDOUT, id, 0);
	record_end(out + RECORD_HEADER, id, END_COMPLETE);
	return f->nout + RECORD_HEADER + RECORD_END_SIZE;
}
