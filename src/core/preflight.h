/* preflight.h - the decision: a pure function of the policies and a request.
 * It allocates nothing and knows neither FastCGI nor clocks. */
#ifndef PREFLIGHTD_CORE_PREFLIGHT_H
#define PREFLIGHTD_CORE_PREFLIGHT_H

#include "base/buf.h"
#include "core/origin_set.h"
#include "core/policy.h"
#include "core/request.h"

enum reason {
	REASON_ALLOWED,
	REASON_ORIGIN,
	REASON_METHOD,
	REASON_HEADER,
	REASON_NO_POLICY,
	REASON_MALFORMED,
	REASON_NOT_PREFLIGHT,
	REASON_NOT_OPTIONS,
	REASON_COUNT
};

/* The word for a reason, as logs, counters, explain and debug print it, and
 * back; reason_parse returns -1 for another word. */
const char *reason_name(enum reason r);
int reason_parse(struct str word);

/* Whether a request with that reason was refused: neither allowed nor left
 * undecided as no preflight. */
bool reason_is_refusal(enum reason r);

/* What a malformed request has wrong. */
enum malformed {
	MALFORMED_NOT,
	MALFORMED_HOST,
	MALFORMED_ORIGIN,
	MALFORMED_METHOD,
	MALFORMED_HEADER,
};

struct decision {
	enum reason reason;
	enum malformed malformed;
	const struct policy *policy;  /* NULL where none serves the request */
	bool origin_allowed;          /* the answer names the origin or '*' */
	struct origin_entry origin;   /* what allowed it, if origin_allowed */
	struct str offending;         /* the refused or malformed part of the
	                                 request: origin, method, field name */
	bool unknown_policy;          /* CORS_POLICY names none */
};

void preflight_decide(const struct policy_set *s, const struct request *r,
    struct decision *d);

/* The decision on an actual request, whatever its method: which policy serves
 * it and whether the response may name its Origin.  The reason is allowed,
 * origin, no-policy or malformed; without an Origin, or with the request's own,
 * there is nothing to refuse. */
void preflight_decide_actual(const struct policy_set *s,
    const struct request *r, struct decision *d);

/* Whether the policy allows this origin, method or field name: the part of a
 * request that was refused for that reason, alone.  False for other reasons. */
bool preflight_allows(const struct policy *p, enum reason reason,
    struct str part);

/* One line on a decision for logs, debug and explain: what was refused and the
 * nearest miss.  All bytes of the request in it are escaped.  "" where there
 * is nothing to add to the reason. */
void preflight_explain(const struct request *r, const struct decision *d,
    struct buf *out);

/* The place in the policy that decided: an origin entry, a key, a section. */
struct place preflight_place(const struct decision *d);

#endif
