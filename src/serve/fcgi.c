/* Why libfcgi is used like this.  Its FCGX_Accept_r reads with blocking calls,
 * so one half-sent request stops the thread; it loses what is pipelined behind
 * a request; it ends the process on one name length near 2^31 or on four names
 * in GET_VALUES; it returns success on a truncated request, misreads legal
 * padding, lingers 2 s on a close, and cuts values at a NUL.  So requests are
 * read by fcgi_parser.c and their parameters by answer.c, and libfcgi writes
 * the answers.
 *
 * It would also allocate ten blocks, read and free for each request, in more
 * time than all the rest takes, and end the process where it gets none.
 * Instead each thread has one FCGX_Request: begun once, from memory and in
 * memory of ours (fcgi_os.h), and never ended, it takes the id of the request
 * that is to be answered, and its output stream makes the records.  The ends of
 * the stream and of the request, which libfcgi writes when it frees them, are
 * ours. */
#include "config.h"

#include "serve/fcgi.h"

#include <assert.h>
#include <fcgiapp.h>
#include <limits.h>
#include <stdlib.h>

#include "serve/fcgi_os.h"

/* libfcgi's buffer for output: each time it is full, one record. */
enum { WRITER_SIZE = 8192 };

struct fcgi {
	FCGX_Request request;
	struct fcgi_os os;
};

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
	r->ipcFd = FCGI_OS_FD;
	r->keepConnection = 1; /* or it begins by closing the descriptor */
	r->detached = 1;       /* a plain close, without lingering */
	f->os.in = (struct str){(const char *)records, sizeof records};
	fcgi_os_enter(&f->os);
	ret = FCGX_Accept_r(r);
	fcgi_os_leave();
	f->os.in = (struct str){NULL, 0};
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
	fcgi_os_enter(&f->os);
	FCGX_Free(&f->request, 1);
	fcgi_os_leave();
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
	f->os.out = out;
	f->os.cap = cap - RECORD_HEADER - RECORD_END_SIZE;
	fcgi_os_enter(&f->os);
	put = FCGX_PutStr(reply.p, (int)reply.n, r->out);
	flushed = FCGX_FFlush(r->out);
	fcgi_os_leave();
	/* There was room: else the rest would begin the next answer. */
	assert(put == (int)reply.n && flushed == 0);
	(void)put;
	(void)flushed;
	out += f->os.nout;
	record_header(out, RECORD_STDOUT, id, 0);
	record_end(out + RECORD_HEADER, id, END_COMPLETE);
	return f->os.nout + RECORD_HEADER + RECORD_END_SIZE;
}
