/* explain_args.h - the arguments of `explain`, and the query that they make. */
#ifndef PREFLIGHTD_CMD_EXPLAIN_ARGS_H
#define PREFLIGHTD_CMD_EXPLAIN_ARGS_H

#include "base/arena.h"
#include "base/diag.h"
#include "cmd/http_options.h"
#include "explain/curl_command.h"
#include "explain/explain.h"

/* NULL: not given. */
struct explain_args {
	const char *policy, *origin, *method, *curl, *url;
	const char **headers, **reads;
	size_t nheaders, nreads;
	bool credentials, upload_listener, stream, json;
	bool live, preflight_only;
	struct http_args http;
	enum browser_profile profile;
};

struct explain_asking {
	const struct explain_args *args;
	struct arena arena;
	struct diag *d;             /* for what is wrong with them */
	bool system_error;          /* a call failed, and that was said */
	struct explain_query query;
	struct curl_command curl;
};

/* Fills a->query; its memory is a->arena's.  Returns 0, or -1 with a message
 * printed or an error in a->d. */
int explain_collect(struct explain_asking *a);

#endif
