/* http.h - one request over HTTP and what the server answers, headers as they
 * come.  Redirects are not followed, no cookies are kept, no logins are sent.
 * The only user of libcurl. */
#ifndef PREFLIGHTD_VERIFY_HTTP_H
#define PREFLIGHTD_VERIFY_HTTP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "browser/browser.h"

enum {
	HTTP_TIMEOUT = 10,           /* seconds for a whole request */
	HTTP_RATE = 20,              /* requests a second */
	HTTP_RATE_MAX = 1000,
	HTTP_HEAD_MAX = 128 * 1024,  /* bytes of header lines of an answer */
	HTTP_BODY_MAX = 64 * 1024,   /* bytes of a body that are waited for */
	HTTP_BODY_TIME = 1000,       /* ms, likewise */
};

struct http_options {
	const char *cacert;          /* file; NULL: what the system trusts */
	unsigned long timeout;       /* seconds for a whole request */
	unsigned long rate;          /* requests a second at most */
	const char *const *resolve;  /* HOST:PORT:ADDRESS */
	size_t nresolve;
	bool proxy;                  /* use those that the environment names */
};

struct http_request {
	struct str url;
	struct str method;           /* a token; the body is empty */
	struct headers headers;      /* without CR, LF and NUL */
};

enum http_outcome {
	HTTP_ANSWERED,
	HTTP_UNREACHABLE,
	HTTP_NO_TLS,                 /* say, a certificate not trusted */
	HTTP_TIMED_OUT,
	HTTP_NO_HTTP,                /* what came is no answer */
};

struct http_result {
	enum http_outcome outcome;
	struct browser_answer answer; /* if answered */
	struct str error;             /* else libcurl's words */
};

struct http;

/* The options must last as long as it does.  Returns NULL, with errno, where
 * libcurl is missing or lacks memory or what an option needs. */
struct http *http_new(const struct http_options *o);
void http_free(struct http *h);

/* Sends r, not before its turn by the rate, and fills *out, which lives in the
 * arena.  An answer counts from the end of its headers on, whatever becomes of
 * the body.  Returns 0, or -1 without memory. */
int http_ask(struct http *h, const struct http_request *r, struct arena *a,
    struct http_result *out);

#endif
