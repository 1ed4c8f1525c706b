/* query.h - what `explain` is asked: a request that a page makes. */
#ifndef PREFLIGHTD_EXPLAIN_QUERY_H
#define PREFLIGHTD_EXPLAIN_QUERY_H

#include "browser/browser.h"
#include "browser/url.h"

/* A header that is ignored. */
struct explain_ignored {
	struct str name;
	const char *why;
};

struct explain_query {
	struct url url;
	struct browser_request request;
	struct headers given;  /* as asked for, for output */
	const struct explain_ignored *ignored;
	size_t nignored;
	const struct str *reads; /* response headers that script wants */
	size_t nreads;
	enum browser_profile profile;
	bool private_network;  /* Access-Control-Request-Private-Network */
};

#endif
