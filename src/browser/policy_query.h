/* policy_query.h - what the policies answer a request, as its page's browser
 * sees it: the same decision and response as serving, without a server. */
#ifndef PREFLIGHTD_BROWSER_POLICY_QUERY_H
#define PREFLIGHTD_BROWSER_POLICY_QUERY_H

#include "base/arena.h"
#include "browser/browser.h"
#include "browser/url.h"
#include "core/policy.h"
#include "core/preflight.h"

/* A request that a page makes, as a web server passes it on. */
struct policy_query {
	const struct url *url;
	struct str origin; /* n is 0: without */
	struct str method; /* of the actual request */
	struct str names;  /* Access-Control-Request-Headers, n is 0: without */
	struct str policy; /* CORS_POLICY, n is 0: not set */
};

struct policy_answer {
	enum reason reason;
	const struct policy *policy; /* NULL: none serves it */
	struct place rule;           /* what decided; line 0: nothing */
	struct str detail;           /* preflight_explain's, may be empty */
	struct browser_answer answer;
};

/* The answer to the preflight, and the headers that the actual response should
 * carry.  *out lives in the arena and as long as what q refers to.  Return 0,
 * or -1 without memory. */
int policy_query_preflight(const struct policy_set *s,
    const struct policy_query *q, struct arena *a, struct policy_answer *out);
int policy_query_actual(const struct policy_set *s,
    const struct policy_query *q, struct arena *a, struct policy_answer *out);

#endif
