/* check.h - how an answer differs from what the policy says, named as
 * the pain that it is. */
#ifndef PREFLIGHTD_VERIFY_CHECK_H
#define PREFLIGHTD_VERIFY_CHECK_H

#include "base/arena.h"
#include "browser/browser.h"
#include "verify/cases.h"

enum verify_id {
	/* Nothing came that could be judged. */
	VERIFY_UNREACHABLE,
	VERIFY_TLS,
	VERIFY_TIMEOUT,
	VERIFY_NOT_HTTP,
	/* Somebody else answered the preflight. */
	VERIFY_REDIRECT,
	VERIFY_UNAUTHORIZED,
	VERIFY_FORBIDDEN,
	VERIFY_NOT_FOUND,
	VERIFY_METHOD_NOT_ALLOWED,
	VERIFY_NOT_OPTIONS,
	VERIFY_SERVER_ERROR,
	VERIFY_STATUS,
	VERIFY_WRONG_POLICY,
	/* What the answer carries. */
	VERIFY_ORIGIN_MISSING,
	VERIFY_ORIGIN_DUPLICATE,
	VERIFY_ORIGIN_WRONG,
	VERIFY_ORIGIN_GRANTED,
	VERIFY_STAR_CREDENTIALS,
	VERIFY_CREDENTIALS_MISSING,
	VERIFY_CREDENTIALS_GRANTED,
	VERIFY_REFUSED_HEADERS,
	VERIFY_LIST_SYNTAX,
	VERIFY_METHODS,
	VERIFY_HEADERS,
	VERIFY_EXPOSE,
	VERIFY_MAX_AGE,
	VERIFY_VARY,
	VERIFY_ERROR_HEADERS,
	VERIFY_CACHED,
	VERIFY_ID_COUNT
};

/* Its name, which is stable, and how to mend it in answers of that kind. */
const char *verify_id_name(enum verify_id id);
const char *verify_id_hint(enum verify_id id, enum verify_kind kind);

struct verify_finding {
	enum verify_id id;
	const struct verify_case *of;
	struct str text;  /* what the server sent is escaped */
	int status;       /* of the answer; 0: none */
	size_t more;      /* cases of the same kind with the same finding */
};

struct verify_findings {
	struct verify_finding *items;
	size_t count, cap;
};

/* Adds a finding; where there is one of that id for a case of the same kind, it
 * is counted there.  Returns 0, or -1 without memory. */
int verify_findings_add(struct verify_findings *f,
    const struct verify_finding *finding, struct arena *a);

bool verify_findings_has(const struct verify_findings *f, enum verify_id id,
    enum verify_kind kind);

/* Fills *out with the differences of an answer to c from what the policy says;
 * one that another policy of the set would give is said to be that.  It lives
 * in the arena.  Returns 0, or -1 without memory. */
int verify_judge(const struct policy_set *s, const struct verify_case *c,
    const struct browser_answer *answer, struct arena *a,
    struct verify_findings *out);

#endif
