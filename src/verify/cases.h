/* cases.h - the requests that show whether a server answers as a policy
 * says. */
#ifndef PREFLIGHTD_VERIFY_CASES_H
#define PREFLIGHTD_VERIFY_CASES_H

#include "base/arena.h"
#include "base/str.h"
#include "browser/policy_query.h"
#include "browser/url.h"
#include "core/policy.h"

enum verify_kind { VERIFY_PREFLIGHT, VERIFY_ACTUAL };

struct verify_case {
	const char *name;        /* stable: "preflight-allowed" */
	enum verify_kind kind;
	const struct url *url;
	struct str origin;       /* n is 0: sent without */
	struct str method;       /* asked for by a preflight, or sent */
	const struct str *names; /* asked for: lower case, sorted, unique */
	size_t nnames;
	struct str joined;       /* the same as one text */
	struct policy_answer expected;   /* what the policy answers */
};

/* What the cases are made for. */
struct verify_subject {
	const struct policy_set *set;
	const struct url *url;
	struct str method;  /* of the actual requests */
	struct str policy;  /* CORS_POLICY as the server sets it; n is 0: not */
	struct str token;   /* a word that no path has */
	bool only_error;    /* the URL is one that answers with an error */
};

struct verify_cases {
	const struct policy *policy; /* that serves the URL, or NULL */
	struct verify_case *items;
	size_t count, cap;
};

/* Fills *out in the order in which the cases are to be sent: it lays traps for
 * caches.  It lives in the arena and as long as the subject.  Returns 0, or -1
 * without memory. */
int verify_cases_make(const struct verify_subject *s, struct arena *a,
    struct verify_cases *out);

#endif
