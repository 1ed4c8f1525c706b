/* fix.h - the smallest change to a policy that lets a request through. */
#ifndef PREFLIGHTD_EXPLAIN_FIX_H
#define PREFLIGHTD_EXPLAIN_FIX_H

#include "base/arena.h"
#include "browser/browser.h"
#include "core/policy.h"
#include "explain/query.h"

/* One line to write: in place of that line, or after it. */
struct fix {
	const char *file;
	unsigned line;
	bool insert;
	struct str write;      /* may be several lines */
	bool in_defaults;      /* the line is one of [defaults] */
	const struct policy *policy; /* of an inserted key */
	enum policy_key key;
};

enum { FIXES_MAX = 32, FIX_REMARKS_MAX = 6 };

struct fixes {
	struct fix items[FIXES_MAX];
	size_t count;
	/* What comes with it, or why there is none; literals. */
	const char *remarks[FIX_REMARKS_MAX];
	size_t nremarks;
};

/* What the page is to be allowed. */
struct fix_goal {
	const struct explain_query *query;
	const struct browser_plan *plan;
	const struct policy *policy; /* NULL: none serves the request */
	const struct browser_readable *readable; /* NULL: leave expose alone */
	bool blocked;
};

/* Fills *out; without a change that would do, count is 0 and a remark says
 * why.  Returns 0, or -1 without memory or where the policy file cannot be read
 * any more. */
int explain_fix(const struct policy_set *s, const struct fix_goal *w,
    struct arena *a, struct fixes *out);

/* ---- for fix.c and route.c --------------------------------------------- */

struct fix_ctx {
	const struct policy_set *set;
	const struct fix_goal *goal;
	const struct policy *policy; /* that is to let the request through */
	struct arena *arena;
	struct fixes *out;
	bool impossible; /* no change would do */
	bool failed;     /* no memory, or the file is gone */
};

/* No change would do, for this reason, a literal. */
void fix_give_up(struct fix_ctx *f, const char *text);

/* An empty change, or NULL where there are too many. */
struct fix *fix_new(struct fix_ctx *f);

/* One more element for a list of the policy, where the list stands. */
void fix_append(struct fix_ctx *f, const struct policy *p, enum policy_key key,
    struct str element);

/* Whether the policy sets the key in its own section. */
bool fix_is_own(struct fix_ctx *f, const struct policy *p,
    enum policy_key key);

/* route.c: lets a policy serve the request's host and path.  Returns it, or
 * NULL where it wrote a new one or there is no way. */
const struct policy *fix_route(struct fix_ctx *f);

/* route.c: how well a claim of `host` fits a host: the longer, the more
 * specific; 0: not at all. */
size_t host_claim_rank(struct str claim, struct str host);

#endif
