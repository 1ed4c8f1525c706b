/* policy_route.c - which policy serves a host and a path. */
#include "config.h"

#include "core/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "core/policy_impl.h"
#include "core/target.h"

/* ---- the order of paths ------------------------------------------------ */

/* By segments: '/' sorts below every other byte, and the root is the lowest. */
static int
path_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	if (a.n == 1 || b.n == 1)
		return (a.n > 1) - (b.n > 1);
	while (i < n && a.p[i] == b.p[i])
		i++;
	if (i == n)
		return (a.n > b.n) - (a.n < b.n);
	if (a.p[i] == '/' || b.p[i] == '/')
		return a.p[i] == '/' ? -1 : 1;
	return (unsigned char)a.p[i] < (unsigned char)b.p[i] ? -1 : 1;
}

/* The segment of a path that begins at p[at], behind its '/'. */
static struct str
segment_at(struct str path, size_t at)
{
	const char *end = memchr(path.p + at, '/', path.n - at);

	return (struct str){path.p + at, end != NULL ?
	    (size_t)(end - path.p) - at : path.n - at};
}

/* The first of routes[low..high), all of which have the same segments before
 * `at`, whose next one is not below segment, or not at it either (above). */
static size_t
find_segment(const struct route *routes, size_t low, size_t high, size_t at,
    struct str segment, bool above)
{
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = str_compare(segment_at(routes[mid].path, at), segment);

		if (c < 0 || (above && c == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The longest route of the node that covers the path. */
static const struct policy *
node_route(const struct host_node *node, struct str path)
{
	const struct route *routes = node->routes;
	const struct policy *found = NULL;
	size_t low = 0, high = node->nroutes;

	if (high > 0 && routes[0].path.n == 1) {
		found = routes[0].policy;
		low = 1;
	}
	for (size_t at = 1; low < high && at <= path.n;) {
		struct str segment = segment_at(path, at);

		low = find_segment(routes, low, high, at, segment, false);
		high = find_segment(routes, low, high, at, segment, true);
		at += segment.n + 1;
		if (low < high && routes[low].path.n == at - 1)
			found = routes[low++].policy;
	}
	return found;
}

/* ---- building ---------------------------------------------------------- */

/* A host of one policy. */
struct host_claim {
	struct str host; /* "" for '*' */
	bool subdomains;
	const struct policy *policy;
	struct place at;
};

/* The claims of one host, in order of the policies. */
struct claimed {
	const struct host_claim *claims;
	size_t count;
};

/* A path of the policy that makes the claims[claim] of a host. */
struct path_claim {
	struct str path;
	size_t claim;
	struct place at;
};

struct build {
	struct policy_set *set;
	struct diag *d;
	struct host_claim *claims;
	struct claimed *hosts;
	size_t nhosts;
	struct host_node *nodes;
	size_t conflicts;
};

/* More claims made twice tell nothing new. */
enum { CONFLICTS_SHOWN = 20000 };

static int
host_compare(const struct host_claim *x, const struct host_claim *y)
{
	if (x->subdomains != y->subdomains)
		return x->subdomains ? 1 : -1;
	return str_compare(x->host, y->host);
}

static bool
place_after(struct place a, struct place b)
{
	return a.line != b.line ? a.line > b.line : a.col > b.col;
}

static struct place
later(struct place a, struct place b)
{
	return place_after(a, b) ? a : b;
}

static int
host_claim_compare(const void *a, const void *b)
{
	const struct host_claim *x = a, *y = b;
	int c = host_compare(x, y);

	if (c != 0)
		return c;
	if (x->policy != y->policy)
		return x->policy->index > y->policy->index ? 1 : -1;
	return place_after(x->at, y->at) - place_after(y->at, x->at);
}

static int
path_claim_compare(const void *a, const void *b)
{
	const struct path_claim *x = a, *y = b;
	int c = path_compare(x->path, y->path);

	if (c == 0)
		c = (x->claim > y->claim) - (x->claim < y->claim);
	return c != 0 ? c : place_after(x->at, y->at) -
	    place_after(y->at, x->at);
}

/* By the policies that claim the host, and as the hosts are sorted. */
static int
claimed_compare(const void *a, const void *b)
{
	const struct claimed *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? 1 : -1;
	for (size_t i = 0; i < x->count; i++) {
		size_t p = x->claims[i].policy->index;
		size_t q = y->claims[i].policy->index;

		if (p != q)
			return p > q ? 1 : -1;
	}
	return x->claims > y->claims ? 1 : -1;
}

static bool
same_policies(const struct claimed *x, const struct claimed *y)
{
	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++)
		if (x->claims[i].policy != y->claims[i].policy)
			return false;
	return true;
}

/* Fills claims and hosts. */
static int
collect_hosts(struct build *b)
{
	const struct policy_set *s = b->set;
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < s->count; i++)
		count += s->policies[i]->nhosts;
	b->claims = calloc(count + 1, sizeof *b->claims);
	b->hosts = calloc(count + 1, sizeof *b->hosts);
	if (b->claims == NULL || b->hosts == NULL || count > UINT32_MAX / 4)
		return -1;
	count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct policy *p = s->policies[i];

		for (size_t k = 0; k < p->nhosts; k++) {
			struct str host = p->hosts[k].text;
			bool star = str_starts(host, STR("*."));

			b->claims[count++] = (struct host_claim){
			    str_eq(host, STR("*")) ? STR("") :
			    str_from(host, star ? 2 : 0), star, p,
			    p->hosts[k].at};
		}
	}
	qsort(b->claims, count, sizeof *b->claims, host_claim_compare);
	for (size_t i = 0; i < count; i++) {
		struct host_claim *claim = &b->claims[kept];
		bool known = kept > 0 &&
		    host_compare(claim - 1, &b->claims[i]) == 0;

		if (known && claim[-1].policy == b->claims[i].policy)
			continue;
		*claim = b->claims[i];
		if (!known)
			b->hosts[b->nhosts++].claims = claim;
		b->hosts[b->nhosts - 1].count++;
		kept++;
	}
	return 0;
}

static void
report_conflict(struct diag *d, const struct path_claim *first,
    const struct path_claim *again, const struct claimed *host)
{
	const struct host_claim *x = &host->claims[first->claim];
	const struct host_claim *y = &host->claims[again->claim];
	struct place first_at = later(first->at, x->at);
	char hint[512];
	struct shown path;

	(void)snprintf(hint, sizeof hint,
	    "policy '%.*s' claims them first, at %s:%u; give one of the two "
	    "another host or path",
	    STR_ARG(x->policy->name), diag_file_name(d, first_at.file),
	    first_at.line);
	diag_add(d, DIAG_ERROR, later(again->at, y->at), "policy-conflict",
	    hint,
	    "policy '%.*s' claims host '%s%.*s' and path '%s' as another does",
	    STR_ARG(y->policy->name), y->subdomains ? "*." : "",
	    STR_ARG(y->host.n > 0 ? y->host : STR("*")),
	    buf_shown(&path, again->path));
}

static size_t
count_paths(const struct claimed *host)
{
	size_t n = 0;

	for (size_t i = 0; i < host->count; i++)
		n += host->claims[i].policy->npaths;
	return n;
}

/* Sets the routes of hosts[0..count), which the same policies claim. */
static int
build_group(struct build *b, const struct claimed *hosts, size_t count)
{
	size_t n = count_paths(hosts), kept = 0;
	struct path_claim *paths = calloc(n + 1, sizeof *paths);
	struct route *routes = arena_array(&b->set->arena, n + 1,
	    sizeof *routes);
	const struct policy *only = hosts->claims[0].policy;

	if (paths == NULL || routes == NULL) {
		free(paths);
		return -1;
	}
	n = 0;
	for (size_t i = 0; i < hosts->count; i++) {
		const struct policy *p = hosts->claims[i].policy;

		for (size_t k = 0; k < p->npaths; k++)
			paths[n++] = (struct path_claim){p->paths[k].text, i,
			    p->paths[k].at};
	}
	qsort(paths, n, sizeof *paths, path_claim_compare);
	for (size_t i = 0; i < n; i++) {
		const struct path_claim *last = &paths[kept > 0 ? kept - 1 : 0];

		if (kept == 0 || !str_eq(last->path, paths[i].path)) {
			paths[kept] = paths[i];
			routes[kept++] = (struct route){paths[i].path,
			    hosts->claims[paths[i].claim].policy};
			if (routes[kept - 1].policy != only)
				only = NULL;
			continue;
		}
		if (last->claim == paths[i].claim)
			continue;
		for (size_t k = 0; k < count && b->d != NULL &&
		    b->conflicts < CONFLICTS_SHOWN; k++, b->conflicts++)
			report_conflict(b->d, last, &paths[i], &hosts[k]);
	}
	for (size_t i = 0; i < count; i++) {
		const struct host_claim *host = hosts[i].claims;

		b->nodes[b->set->nnodes++] = (struct host_node){
		    .host = host->host, .subdomains = host->subdomains,
		    .routes = routes, .nroutes = kept, .only = only};
	}
	free(paths);
	return 0;
}

/* The number of hosts from the i-th that share their routes. */
static size_t
group_size(const struct build *b, size_t i)
{
	size_t n = 1;

	while (i + n < b->nhosts &&
	    same_policies(&b->hosts[i], &b->hosts[i + n]))
		n++;
	return n;
}

/* Whether all groups together have few enough routes; reports it. */
static bool
routes_fit(const struct build *b)
{
	size_t routes = 0;

	for (size_t i = 0; i < b->nhosts; i += group_size(b, i)) {
		const struct host_claim *host = b->hosts[i].claims;

		routes += count_paths(&b->hosts[i]);
		if (routes <= ROUTES_MAX)
			continue;
		diag_add(b->d, DIAG_ERROR, host->at, "policy-routes",
		    "a path that several policies' hosts share counts for each "
		    "combination of policies; write fewer paths, or hosts that "
		    "fewer policies share",
		    "host '%s%.*s': all hosts together have more than %d paths",
		    host->subdomains ? "*." : "",
		    STR_ARG(host->host.n > 0 ? host->host : STR("*")),
		    ROUTES_MAX);
		return false;
	}
	return true;
}

static uint32_t
node_hash(struct str host, bool subdomains)
{
	return (uint32_t)hash_str(host, subdomains ? 11 : 10);
}

const struct host_node *
policy_set_node(const struct policy_set *s, struct str host, bool subdomains)
{
	for (uint32_t i = node_hash(host, subdomains) & s->mask;
	    s->table[i] != 0; i = (i + 1) & s->mask) {
		const struct host_node *node = &s->nodes[s->table[i] - 1];
		if (node->subdomains == subdomains && str_eq(node->host, host))
			return node;
	}
	return NULL;
}

/* The node of the longest "*." that covers the host, else that of '*'. */
static const struct host_node *
find_wider(const struct policy_set *s, struct str host)
{
	const struct host_node *node;

	for (size_t i = 2; s->names_hosts && i < host.n; i++)
		if (host.p[i - 1] == '.' && (node = policy_set_node(s,
		        str_from(host, i), true)) != NULL)
			return node;
	return s->any_host;
}

const struct host_node *
policy_set_host(const struct policy_set *s, struct str host)
{
	const struct host_node *node = s->names_hosts && host.n > 0 ?
	    policy_set_node(s, host, false) : NULL;

	return node != NULL ? node : find_wider(s, host);
}

/* Says of a node whether the path counts, once all have their wider ones. */
static void
compare_paths(struct host_node *node)
{
	const struct host_node *n = node;

	node->every_path = node->only;
	while (n != NULL && n->only != NULL && n->only == node->only &&
	    (n->nroutes == 0 || n->routes[0].path.n > 1))
		n = n->wider;
	/* Without a route for "/" some paths have no policy. */
	node->differs_by_path = n == NULL || n->only == NULL ||
	    n->only != node->only;
	if (node->differs_by_path)
		node->every_path = NULL;
}

/* Makes the nodes findable and joins them. */
static int
index_nodes(struct policy_set *s, struct host_node *nodes)
{
	size_t slots = 8;

	while (slots < s->nnodes * 2)
		slots *= 2;
	s->table = arena_array(&s->arena, slots, sizeof *s->table);
	if (s->table == NULL)
		return -1;
	s->mask = (uint32_t)(slots - 1);
	s->nodes = nodes;
	for (size_t i = 0; i < s->nnodes; i++) {
		uint32_t slot = node_hash(nodes[i].host, nodes[i].subdomains) &
		    s->mask;

		if (nodes[i].host.n == 0) {
			s->any_host = &nodes[i];
			continue;
		}
		s->names_hosts = true;
		while (s->table[slot] != 0)
			slot = (slot + 1) & s->mask;
		s->table[slot] = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < s->nnodes; i++)
		if (&nodes[i] != s->any_host)
			nodes[i].wider = find_wider(s, nodes[i].host);
	for (size_t i = 0; i < s->nnodes; i++)
		compare_paths(&nodes[i]);
	return 0;
}

int
policy_set_route(struct policy_set *s, struct diag *d)
{
	struct build b = {.set = s, .d = d};
	int ret = -1;

	if (collect_hosts(&b) != 0)
		goto out;
	qsort(b.hosts, b.nhosts, sizeof *b.hosts, claimed_compare);
	if (!routes_fit(&b)) {
		if (d == NULL)
			goto out;
		b.nhosts = 0;
	}
	b.nodes = arena_array(&s->arena, b.nhosts + 1, sizeof *b.nodes);
	if (b.nodes == NULL)
		goto out;
	for (size_t i = 0, n; i < b.nhosts; i += n) {
		n = group_size(&b, i);
		if (build_group(&b, &b.hosts[i], n) != 0)
			goto out;
	}
	ret = index_nodes(s, b.nodes);
out:
	free(b.hosts);
	free(b.claims);
	return ret;
}

/* ---- choosing ---------------------------------------------------------- */

/* What serves a path of a host, its first node given. */
static const struct policy *
route(const struct host_node *node, struct str path)
{
	const struct policy *found = NULL;

	for (; node != NULL && found == NULL; node = node->wider)
		found = node_route(node, path);
	return found;
}

const struct policy *
policy_set_serving(const struct policy_set *s, struct str host,
    struct str path)
{
	/* No host has a '*': one that begins with it has no node but those of
	 * its suffixes. */
	return route(policy_set_host(s, host), path);
}

/* The host of a request as policies are compared with; its Host fields must
 * agree (RFC 9112, 3.2).  Returns HOST_NONE with '*' alone too. */
static enum host_verdict
request_host(const struct policy_set *s, const struct request *r,
    const struct target *t, char text[TARGET_HOST_MAX], size_t *n)
{
	struct str host = t->absolute ? t->authority :
	    r->host.n > 0 ? r->host : r->server_name;
	char other[TARGET_HOST_MAX];
	size_t m = 0;

	*n = 0;
	if (!t->absolute && (r->host_differs || (r->other_host.n > 0 &&
	        (host_normalize(r->host, text, n) != HOST_GOOD ||
	        host_normalize(r->other_host, other, &m) != HOST_GOOD ||
	        !str_eq((struct str){text, *n}, (struct str){other, m})))))
		return HOST_MALFORMED;
	if (!s->names_hosts)
		return host_is_malformed(host) ? HOST_MALFORMED : HOST_NONE;
	if (t->absolute && host.n == 0)
		return HOST_MALFORMED;
	return host_normalize(host, text, n);
}

/* Whether all readings of a path lead to one policy, or all to none. */
struct agreement {
	const struct host_node *node;
	const struct policy *policy;
	bool begun;
};

static bool
agrees(void *ctx, struct str reading)
{
	struct agreement *a = ctx;
	const struct policy *p = route(a->node, reading);

	if (!a->begun)
		a->policy = p;
	a->begun = true;
	return a->policy == p;
}

/* What serves the request's path; one without any path is for the root. */
static const struct policy *
choose_by_path(const struct host_node *node, const struct request *r,
    const struct target *t)
{
	struct agreement a = {.node = node};
	bool one;

	if (r->uri.n > 0)
		one = path_readings(t->path, STR(""), false, agrees, &a);
	else if (r->script_name.n > 0 || r->path_info.n > 0)
		one = path_readings(r->script_name, r->path_info, true,
		    agrees, &a);
	else
		one = agrees(&a, STR("/"));
	return one ? a.policy : NULL;
}

enum choice
policy_set_choose(const struct policy_set *s, const struct request *r,
    const struct policy **out)
{
	char text[TARGET_HOST_MAX];
	struct str host = {text, 0};
	struct target target;
	const struct host_node *node;

	*out = NULL;
	if (r->policy.n > 0) {
		*out = policy_set_named(s, r->policy);
		return *out != NULL ? CHOICE_POLICY : CHOICE_NONE;
	}
	target_split(r->uri, &target);
	if (request_host(s, r, &target, text, &host.n) == HOST_MALFORMED)
		return CHOICE_MALFORMED_HOST;
	node = r->uri_differs ? NULL : policy_set_host(s, host);
	if (node != NULL)
		*out = node->differs_by_path ?
		    choose_by_path(node, r, &target) : node->every_path;
	return *out != NULL ? CHOICE_POLICY : CHOICE_NONE;
}
