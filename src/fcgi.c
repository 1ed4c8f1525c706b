/* Why libfcgi is used like this.  Its FCGX_Accept_r reads with blocking calls,
 * so one half-sent request stops the thread; it loses what is pipelined behind
 * a request; it ends the process on one name length near 2^31 or on four names
 * in GET_VALUES; it returns success on a truncated request, misreads legal
 * padding, lingers 2 s on a close, and cuts values at a NUL.  None of that can
 * happen if it is given, from memory, exactly one request that was checked
 * before, in the canonical form of FastCGI 1.0 (stream.c), and if its output
 * goes to memory too.  The parameters are read from the checked stream itself
 * (answer.c), since they need their lengths; libfcgi would only copy each of
 * them, in two thirds of the time that a request takes, so it is given none.
 * Its allocations come from a region of the worker's own. */
#include "config.h"

#include "fcgi.h"

#include <fcgiapp.h>
#include <stdlib.h>

#include "fcgi_os.h"

/* libfcgi's buffer for output: each time it is full, one record. */
enum { WRITER_SIZE = 8192 };

struct fcgi {
	FCGX_Request request;
	/* BEGIN_REQUEST, the ends of PARAMS and of STDIN. */
	unsigned char records[RECORD_HEADER + RECORD_BODY + 2 * RECORD_HEADER];
	struct fcgi_os os;
};

int
fcgi_init(void)
{
	return FCGX_Init() == 0 ? 0 : -1;
}

struct fcgi *
fcgi_new(void)
{
	struct fcgi *f = calloc(1, sizeof *f);

	if (f != NULL && FCGX_InitRequest(&f->request, -1, 0) != 0) {
		free(f);
		return NULL;
	}
	return f;
}

void
fcgi_free(struct fcgi *f)
{
	free(f);
}

size_t
fcgi_answer_max(size_t n)
{
	size_t records = n / (WRITER_SIZE - 2 * RECORD_HEADER) + 1;

	/* Each with a header and padding; then the ends of STDOUT and STDERR,
	 * and END_REQUEST. */
	return n + records * 2 * RECORD_HEADER + 2 * RECORD_HEADER +
	    RECORD_END_SIZE;
}

/* The records of the request, without parameters and body. */
static void
request_set(struct fcgi *f, unsigned id, enum record_role role)
{
	unsigned char *body = f->records + RECORD_HEADER;
	unsigned char *ends = body + RECORD_BODY;

	record_header(f->records, RECORD_BEGIN_REQUEST, id, RECORD_BODY);
	memset(body, 0, RECORD_BODY);
	body[1] = (unsigned char)role;
	/* Whether to close is not libfcgi's to decide. */
	body[2] = RECORD_KEEP_CONN;
	record_header(ends, RECORD_PARAMS, id, 0);
	record_header(ends + RECORD_HEADER, RECORD_STDIN, id, 0);
	f->os.in = (struct str){(const char *)f->records, sizeof f->records};
}

/* Puts the reply and reads STDIN to its end.  Returns 0 or -1. */
static int
respond(FCGX_Request *r, struct str reply)
{
	char rest[RECORD_HEADER];

	/* Success is returned for a truncated request too. */
	if (FCGX_GetError(r->in) != 0)
		return -1;
	if (FCGX_PutStr(reply.p, (int)reply.n, r->out) != (int)reply.n)
		return -1;
	while (FCGX_GetStr(rest, sizeof rest, r->in) == (int)sizeof rest)
		;
	return FCGX_GetError(r->in) == 0 ? 0 : -1;
}

ptrdiff_t
fcgi_answer(struct fcgi *f, unsigned id, enum record_role role,
    struct str reply, unsigned char *out, size_t cap)
{
	FCGX_Request *r = &f->request;
	int ret = -1;

	if (cap < fcgi_answer_max(reply.n))
		return -1;
	request_set(f, id, role);
	f->os.out = out;
	f->os.cap = cap;
	r->ipcFd = FCGI_OS_FD;
	r->keepConnection = 1; /* or it begins by closing the descriptor */
	r->detached = 1;       /* a plain close, without lingering */
	r->listen_sock = -1;   /* on an error it must not wait in accept */
	fcgi_os_enter(&f->os);
	if (FCGX_Accept_r(r) == 0) {
		ret = respond(r, reply);
		FCGX_Finish_r(r);
	}
	fcgi_os_leave();
	return ret == -1 || f->os.failed ? -1 : (ptrdiff_t)f->os.nout;
}
