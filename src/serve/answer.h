/* answer.h - from the parameters of a whole request to the text of its answer,
 * counted and logged.  It knows neither records nor sockets. */
#ifndef PREFLIGHTD_SERVE_ANSWER_H
#define PREFLIGHTD_SERVE_ANSWER_H

#include "base/str.h"
#include "core/policy.h"
#include "metrics/metrics.h"
#include "metrics/shadow.h"
#include "serve/fcgi_record.h"
#include "status/status.h"

/* What a worker answers from, and where it counts. */
struct answer_env {
	const struct policy_set *policies;
	struct shadow *shadow; /* judges preflights beside them; or NULL */
	const struct metrics_view *view;
	struct metrics_shard *shard;
	struct str status_path; /* "": there is no status page */
	bool log_all;
};

enum { ANSWER_MALFORMED = -1, ANSWER_STATUS = -2 };

/* How many bytes the longest answer of these policies needs. */
size_t answer_max(const struct policy_set *policies);

/* Writes the CGI response for a request with these parameters to text, which
 * has answer_max bytes: that of a preflight, or with CORS_MODE=actual and for
 * an authorizer the fields of the actual response.  Returns its length, or
 * ANSWER_MALFORMED where a pair is malformed: then nothing was counted; or
 * ANSWER_STATUS for the status page: then *status says what is asked. */
ptrdiff_t answer_write(const struct answer_env *env, enum record_role role,
    struct str params, struct status_ask *status, char *text, size_t cap);

#endif
