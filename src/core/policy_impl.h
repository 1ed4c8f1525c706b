/* policy_impl.h - the inside of a policy set, for the files that build it. */
#ifndef PREFLIGHTD_CORE_POLICY_IMPL_H
#define PREFLIGHTD_CORE_POLICY_IMPL_H

#include <stdint.h>

#include "core/policy.h"

/* What serves a path of a host. */
struct route {
	struct str path;
	const struct policy *policy;
};

/* A host that policies claim.  Its routes are in order of their segments, so
 * from the last to the first each comes before what it is a part of; hosts that
 * the same policies claim share them. */
struct host_node {
	struct str host;     /* without "*."; "" for '*' */
	bool subdomains;
	const struct route *routes;
	size_t nroutes;
	const struct policy *only; /* of all its routes, or NULL */

	/* The next less specific host that covers the same requests, or NULL:
	 * it serves the paths that no route here covers. */
	const struct host_node *wider;
	/* Whether the path decides which policy, or none, a request for this
	 * host gets; where it does not, the policy that every path gets. */
	bool differs_by_path;
	const struct policy *every_path;
};

/* Routes of all hosts together, those that hosts share counted once. */
enum { ROUTES_MAX = 1000000 };

enum { DIGEST_HEX = 64 };

struct policy_set {
	struct arena arena;
	struct policy **policies;  /* in file order */
	size_t count, size;
	const struct policy **by_name;
	struct origin_set **owned;
	size_t nowned;
	const char **files;
	size_t nfiles;
	int refuse_status;
	struct str refuse_line;
	bool debug;
	struct place refuse_status_at, debug_at; /* in [defaults] */

	/* Built by seal. */
	const struct host_node *nodes;
	size_t nnodes;
	const struct host_node *any_host;  /* the node of '*', or NULL */
	uint32_t *table;                   /* numbers of nodes, plus 1 */
	uint32_t mask;
	bool names_hosts;                  /* other than '*' */
	char digest[DIGEST_HEX + 1];
};

/* The node of a host without "*.", or NULL; that of '*' is any_host. */
const struct host_node *policy_set_node(const struct policy_set *s,
    struct str host, bool subdomains);

/* The most specific node that covers a host, or NULL. */
const struct host_node *policy_set_host(const struct policy_set *s,
    struct str host);

/* Builds the nodes and their table; reports claims made twice and more routes
 * than ROUTES_MAX.  Returns 0, or -1 without memory. */
int policy_set_route(struct policy_set *s, struct diag *d);

#endif
