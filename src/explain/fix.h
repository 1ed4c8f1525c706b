/* fix.h - the smallest change to a policy that lets a request
 * through. */
#ifndef PREFLIGHTD_EXPLAIN_FIX_H
#define PREFLIGHTD_EXPLAIN_FIX_H

#include "base/arena.h"
#include "browser/browser.h"
#include "core/policy.h"

struct explain_query;

/* One line to write: in place of that line, or behind it. */
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
struct fix_wishes {
	const struct explain_query *query;
	const struct browser_plan *plan;
	const struct policy *policy; /* NULL: none serves the request */
	const struct browser_readable *readable; /* NULL: leave expose alone */
	bool blocked;
};

/* Fills *out; without a change that would do, count is 0 and a remark says
 * why.  Returns 0, or -1 without memory or where the policy file cannot be read
 * any more. */
int explain_fix(const struct policy_set *s, const struct fix_wishes *w,
    struct arena *a, struct fixes *out);

#endif
