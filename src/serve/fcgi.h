/* fcgi.h - libfcgi as the writer of answers: a reply goes in, the records to
 * send come out.  It never waits and never sees a socket. */
#ifndef PREFLIGHTD_SERVE_FCGI_H
#define PREFLIGHTD_SERVE_FCGI_H

#include <stddef.h>

#include "base/str.h"
#include "serve/fcgi_record.h"

struct fcgi;

/* Once, before any thread: it replaces the handlers of PIPE, USR1 and TERM.
 * Returns 0 or -1. */
int fcgi_init(void);

/* One per thread; NULL without memory. */
struct fcgi *fcgi_new(void);
void fcgi_free(struct fcgi *f);

/* How many bytes fcgi_answer can write for a reply of n bytes. */
size_t fcgi_answer_max(size_t n);

/* Answers a request, of which every parameter was read and checked, with that
 * reply, a CGI response.  Returns the length written to out, of which cap bytes
 * are there, at least fcgi_answer_max of the reply. */
size_t fcgi_answer(struct fcgi *f, unsigned id, struct str reply,
    unsigned char *out, size_t cap);

#endif
