/* verify.h - asks running servers whether they answer as the policies say. */
#ifndef PREFLIGHTD_VERIFY_VERIFY_H
#define PREFLIGHTD_VERIFY_VERIFY_H

#include <stdio.h>

#include "base/arena.h"
#include "browser/url.h"
#include "core/policy.h"
#include "verify/cases.h"
#include "verify/check.h"
#include "verify/http.h"

/* One URL and what came of it. */
struct verify_server {
	struct url url;
	bool only_error;             /* it answers with an error */
	const struct policy *policy; /* NULL: none serves it */
	size_t requests;             /* that were sent */
	struct verify_findings findings;
	struct arena arena;
};

struct verify {
	const struct policy_set *set;
	struct http *http;
	struct str method;  /* of the actual requests */
	struct str policy;  /* CORS_POLICY as the servers set it; n is 0: not */
	struct verify_server *servers;
	size_t nservers;
};

/* Sends every case to the server and judges the answers; one that cannot be
 * reached is a finding too and is asked no more.  Returns 0, or -1 without
 * memory or randomness. */
int verify_run(const struct verify *v, struct verify_server *server);

bool verify_is_good(const struct verify *v);

/* print.c.  The second returns 0, or -1 without memory; what the stream
 * can't take is left to the caller's fflush. */
void verify_print_text(const struct verify *v, FILE *to);
int verify_print_json(const struct verify *v, FILE *to);

#endif
