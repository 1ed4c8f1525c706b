/* fix_impl.h - what the two files that make fixes share. */
#ifndef PREFLIGHTD_EXPLAIN_FIX_IMPL_H
#define PREFLIGHTD_EXPLAIN_FIX_IMPL_H

#include "explain/fix.h"

struct fixing {
	const struct policy_set *set;
	const struct fix_wishes *wishes;
	const struct policy *policy; /* that is to let the request through */
	struct arena *arena;
	struct fixes *out;
	bool impossible; /* no change would do */
	bool failed;     /* no memory, or the file is gone */
};

/* No change would do, for this reason. */
void fixing_give_up(struct fixing *f, const char *text);

/* An empty change, or NULL where there are too many. */
struct fix *fixing_new(struct fixing *f);

/* One more element for a list of the policy, where the list stands. */
void fixing_append(struct fixing *f, const struct policy *p,
    enum policy_key key, struct str element);

/* Whether the policy sets the key in its own section. */
bool fixing_is_own(struct fixing *f, const struct policy *p,
    enum policy_key key);

/* route.c: lets a policy serve the request's host and path.  Returns
 * it, or NULL where it wrote a new one or there is no way. */
const struct policy *fix_route(struct fixing *f);

#endif
