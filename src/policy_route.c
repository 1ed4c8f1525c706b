/* policy_route.c - which policy serves a host and a path. */
#include "config.h"

#include "policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "hash.h"
#include "policy_impl.h"
#include "target.h"

/* ---- building ---------------------------------------------------------- */

/* One host and one path of one policy. */
struct pair {
	struct str host; /* "" for '*' */
	bool subdomains;
	struct str path;
	const struct policy *policy;
	struct place at; /* of the later of the two claims */
	size_t order;
};

static int
host_compare(const struct pair *x, const struct pair *y)
{
	if (x->subdomains != y->subdomains)
		return x->subdomains ? 1 : -1;
	return str_compare(x->host, y->host);
}

/* By host, then the longest path first, then as written. */
static int
pair_compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int c = host_compare(x, y);

	if (c != 0)
		return c;
	if (x->path.n != y->path.n)
		return x->path.n > y->path.n ? -1 : 1;
	c = str_compare(x->path, y->path);
	return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

static bool
place_after(struct place a, struct place b)
{
	return a.line != b.line ? a.line > b.line : a.col > b.col;
}

static size_t
pairs_count(const struct policy_set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->policies[i]->nhosts * s->policies[i]->npaths;
	return n;
}

static void
pairs_fill(const struct policy_set *s, struct pair *pairs)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct policy *p = s->policies[i];
		for (size_t h = 0; h < p->nhosts; h++)
			for (size_t k = 0; k < p->npaths; k++) {
				struct pair *x = &pairs[n];
				struct str host = p->hosts[h].text;
				x->subdomains = str_starts(host, STR("*."));
				x->host = str_eq(host, STR("*")) ? STR("") :
				    str_from(host, x->subdomains ? 2 : 0);
				x->path = p->paths[k].text;
				x->policy = p;
				x->at = place_after(p->paths[k].at,
				    p->hosts[h].at) ? p->paths[k].at :
				    p->hosts[h].at;
				x->order = n++;
			}
	}
}

static void
report_conflict(struct diag *d, const struct pair *first,
    const struct pair *again)
{
	char hint[512];
	struct shown path;
	const char *star = again->subdomains ? "*." : "";
	struct str host = again->host.n > 0 ? again->host : STR("*");

	if (d == NULL)
		return;
	(void)snprintf(hint, sizeof hint,
	    "policy '%.*s' claims them first, at %s:%u; give one of the two "
	    "another host or path",
	    STR_ARG(first->policy->name), diag_file_name(d, first->at.file),
	    first->at.line);
	diag_add(d, DIAG_ERROR, again->at, "policy-conflict", hint,
	    "policy '%.*s' claims host '%s%.*s' and path '%s' as another does",
	    STR_ARG(again->policy->name), star, STR_ARG(host),
	    buf_shown(&path, again->path));
}

/* Takes out pairs that are there twice; returns how many are left. */
static size_t
pairs_unique(struct pair *pairs, size_t count, struct diag *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct pair *last = kept > 0 ? &pairs[kept - 1] : NULL;
		if (last != NULL && host_compare(last, &pairs[i]) == 0 &&
		    str_eq(last->path, pairs[i].path)) {
			if (last->policy != pairs[i].policy)
				report_conflict(d, last, &pairs[i]);
			continue;
		}
		pairs[kept++] = pairs[i];
	}
	return kept;
}

static uint32_t
node_hash(struct str host, bool subdomains)
{
	return (uint32_t)hash_str(host, subdomains ? 11 : 10);
}

static void
index_node(struct policy_set *s, size_t i)
{
	const struct host_node *node = &s->nodes[i];
	uint32_t slot = node_hash(node->host, node->subdomains) & s->mask;

	if (node->host.n == 0) {
		s->any_host = node;
		return;
	}
	if (node->subdomains)
		s->has_subdomains = true;
	else
		s->has_exact_hosts = true;
	while (s->table[slot] != 0)
		slot = (slot + 1) & s->mask;
	s->table[slot] = (uint32_t)i + 1;
}

/* Makes nodes of sorted pairs. */
static int
nodes_build(struct policy_set *s, const struct pair *pairs, size_t count)
{
	struct route *routes = arena_array(&s->arena, count + 1,
	    sizeof *routes);
	struct host_node *nodes = arena_array(&s->arena, count + 1,
	    sizeof *nodes);
	size_t slots = 8;

	while (slots < count * 2)
		slots *= 2;
	s->table = arena_array(&s->arena, slots, sizeof *s->table);
	if (routes == NULL || nodes == NULL || s->table == NULL ||
	    count > UINT32_MAX / 4)
		return -1;
	s->mask = (uint32_t)(slots - 1);
	s->nodes = nodes;
	for (size_t i = 0; i < count; i++) {
		routes[i] = (struct route){pairs[i].path, pairs[i].policy};
		if (i == 0 || host_compare(&pairs[i - 1], &pairs[i]) != 0)
			nodes[s->nnodes++] = (struct host_node){pairs[i].host,
			    pairs[i].subdomains, &routes[i], 0};
		nodes[s->nnodes - 1].nroutes++;
	}
	for (size_t i = 0; i < s->nnodes; i++)
		index_node(s, i);
	return 0;
}

int
policy_set_route(struct policy_set *s, struct diag *d)
{
	size_t count = pairs_count(s);
	struct pair *pairs = calloc(count + 1, sizeof *pairs);
	int ret;

	if (pairs == NULL)
		return -1;
	pairs_fill(s, pairs);
	qsort(pairs, count, sizeof *pairs, pair_compare);
	count = pairs_unique(pairs, count, d);
	ret = nodes_build(s, pairs, count);
	free(pairs);
	return ret;
}

/* ---- choosing ---------------------------------------------------------- */

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

static const struct policy *
node_route(const struct host_node *node, const struct path *path)
{
	for (size_t i = 0; node != NULL && i < node->nroutes; i++)
		if (path_has_prefix(path, node->routes[i].path))
			return node->routes[i].policy;
	return NULL;
}

/* The most specific host whose paths match: exact, the longest "*.", '*'. */
static const struct policy *
route(const struct policy_set *s, struct str host, const struct path *path)
{
	const struct policy *found = NULL;

	if (s->has_exact_hosts && host.n > 0)
		found = node_route(policy_set_node(s, host, false), path);
	if (s->has_subdomains)
		for (size_t i = 1; found == NULL && i < host.n; i++)
			if (host.p[i - 1] == '.' && i > 1)
				found = node_route(policy_set_node(s,
				    str_from(host, i), true), path);
	return found != NULL ? found : node_route(s->any_host, path);
}

const struct policy *
policy_set_serving(const struct policy_set *s, struct str host,
    struct str path)
{
	/* No host has a '*': one that begins with it has no node but those of
	 * its suffixes. */
	const struct path as_path = {.text = path.n > 1 ? path : STR("")};

	return route(s, host, &as_path);
}

struct host_text {
	char text[TARGET_HOST_MAX];
	size_t n;
};

static enum host_verdict
request_host(const struct policy_set *s, const struct request *r,
    const struct target *t, struct host_text *out)
{
	struct host_text other;
	enum host_verdict verdict;

	out->n = other.n = 0;
	if (!t->absolute && r->host_differs)
		return HOST_MALFORMED;
	struct str host = t->absolute ? t->authority :
	    r->host.n > 0 ? r->host : r->server_name;
	if (!s->has_exact_hosts && !s->has_subdomains &&
	    (t->absolute || r->other_host.n == 0))
		return host_is_malformed(host) ? HOST_MALFORMED : HOST_NONE;
	verdict = host_normalize(host, out->text, &out->n);
	if (t->absolute)
		return verdict;
	if (r->other_host.n > 0 &&
	    (host_normalize(r->other_host, other.text, &other.n) != verdict ||
	        !str_eq((struct str){out->text, out->n},
	            (struct str){other.text, other.n})))
		return HOST_MALFORMED;
	return verdict;
}

/* A request without any path is one for the root. */
static bool
request_path(const struct request *r, const struct target *t,
    enum path_reading reading, struct path *out)
{
	if (r->uri.n > 0)
		return !r->uri_differs &&
		    path_normalize(t->path, STR(""), reading, out);
	if (r->script_name.n == 0 && r->path_info.n == 0)
		return path_normalize(STR("/"), STR(""), reading, out);
	return path_normalize(r->script_name, r->path_info, reading, out);
}

enum choice
policy_set_choose(const struct policy_set *s, const struct request *r,
    const struct policy **out)
{
	struct host_text host;
	struct target target;
	struct path path;

	*out = NULL;
	if (r->policy.n > 0) {
		*out = policy_set_named(s, r->policy);
		return *out != NULL ? CHOICE_POLICY : CHOICE_NONE;
	}
	target_split(r->uri, &target);
	if (request_host(s, r, &target, &host) == HOST_MALFORMED)
		return CHOICE_MALFORMED_HOST;
	struct str name = {host.text, host.n};
	if (!request_path(r, &target, PATH_LITERAL, &path))
		return CHOICE_NONE;
	*out = route(s, name, &path);
	/* What stands behind the server may cut ";parameters" off: where that
	 * leads to another policy, neither is safe. */
	if (!path.plain &&
	    (!request_path(r, &target, PATH_PLAIN, &path) ||
	        route(s, name, &path) != *out))
		*out = NULL;
	return *out != NULL ? CHOICE_POLICY : CHOICE_NONE;
}
