/* diff_impl.h - what the parts of the comparison share. */
#ifndef PREFLIGHTD_DIFF_DIFF_IMPL_H
#define PREFLIGHTD_DIFF_DIFF_IMPL_H

#include "diff/diff.h"

/* Two policies that are compared; one may be NULL: it allows nothing. */
struct diff_pair {
	const struct policy *before, *after;
	struct str name;   /* of the policy in the changes */
	struct str where;  /* see struct diff_change */
	size_t more;
};

/* Adds a change; what pair says is filled in.  Returns 0, or -1 without
 * memory. */
int diff_add(struct diff *d, const struct diff_pair *pair,
    struct diff_change change);

/* Adds how origins, names and scalars of the pair differ.  Returns 0, or -1
 * without memory. */
int diff_values(struct diff *d, const struct diff_pair *pair);

/* The policies of both sets, brought together. */
struct diff_match {
	const struct policy_set *before, *after;
	struct diff_pair *pairs;  /* sorted by name */
	size_t count;
	struct diff_pair *renamed; /* sorted by the name before */
	size_t nrenamed;
};

/* What became of a policy of the set before, or NULL. */
const struct policy *diff_successor(const struct diff_match *m,
    const struct policy *before);

/* Hosts of a policy: one of those that the same route tables of some set
 * serve, for all of them. */
struct diff_hosts {
	struct str *texts;
	size_t count;
};

/* routes.c: fills out, in a, with the hosts of p as the set s serves them.
 * Returns 0, or -1 without memory. */
int diff_hosts(const struct policy_set *s, const struct policy *p,
    struct arena *a, struct diff_hosts *out);

struct host_node;

/* routes.c: orders nodes by the route tables that requests for their hosts go
 * through, wider hosts included; 0 where these are the same. */
int diff_compare_tables(const struct host_node *x, const struct host_node *y);

/* routes.c: hosts and paths that another policy serves now.  Returns 0,
 * or -1 without memory. */
int diff_routes(struct diff *d, const struct diff_match *m);

#endif
