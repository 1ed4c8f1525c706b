#include "config.h"

#include "diff/diff.h"

#include <stdlib.h>

#include "core/policy_normalize.h"
#include "diff/diff_impl.h"

/* ---- changes ----------------------------------------------------------- */

int
diff_add(struct diff *d, const struct diff_pair *pair,
    struct diff_change change)
{
	if (d->count == d->size) {
		size_t size = d->size > 0 ? d->size * 2 : 64;
		struct diff_change *changes = reallocarray(d->changes, size,
		    sizeof(*changes));

		if (changes == NULL)
			return -1;
		d->changes = changes;
		d->size = size;
	}
	change.policy = pair->name;
	change.where = pair->where;
	change.more = pair->more;
	d->changes[d->count++] = change;
	return 0;
}

void
diff_clear(struct diff *d)
{
	free(d->changes);
	arena_clear(&d->arena);
	*d = (struct diff){.count = 0};
}

/* ---- which policy is which --------------------------------------------- */

static int
compare_renamed(const void *left, const void *right)
{
	const struct diff_pair *a = left, *b = right;

	return str_compare(a->before->name, b->before->name);
}

const struct policy *
diff_successor(const struct diff_match *m, const struct policy *before)
{
	const struct policy *same = policy_set_named(m->after, before->name);
	const struct diff_pair key = {.before = before}, *found;

	if (same != NULL || m->nrenamed == 0)
		return same;
	found = bsearch(&key, m->renamed, m->nrenamed, sizeof(key),
	    compare_renamed);
	return found != NULL ? found->after : NULL;
}

/* Returns 1 where both lists have the same texts, 0 where not, -1 without
 * memory. */
static int
same_claims(const struct claim *x, size_t nx, const struct claim *y,
    size_t ny, struct arena *a)
{
	const struct claim *p = meaning_claims(x, nx, a);
	const struct claim *q = meaning_claims(y, ny, a);

	if (p == NULL || q == NULL)
		return -1;
	if (nx != ny)
		return 0;
	for (size_t i = 0; i < nx; i++)
		if (!str_eq(p[i].text, q[i].text))
			return 0;
	return 1;
}

/* Finds a policy that has another name and the same hosts and paths.  Claims
 * are made once, so that no other can.  Returns 0, or -1 without memory. */
static int
find_renamed(const struct diff_match *m, const struct policy *p,
    struct arena *a, const struct policy **out)
{
	const struct policy *q;
	int hosts, paths;

	*out = NULL;
	q = policy_set_serving(m->after, p->hosts[0].text, p->paths[0].text);
	if (q == NULL || policy_set_named(m->before, q->name) != NULL)
		return 0;
	hosts = same_claims(p->hosts, p->nhosts, q->hosts, q->nhosts, a);
	paths = same_claims(p->paths, p->npaths, q->paths, q->npaths, a);
	if (hosts < 0 || paths < 0)
		return -1;
	if (hosts > 0 && paths > 0)
		*out = q;
	return 0;
}

static int
match_renamed(struct diff_match *m, struct arena *a)
{
	size_t count = policy_set_count(m->before);

	m->renamed = arena_array(a, count, sizeof(*m->renamed));
	if (m->renamed == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct policy *p = policy_set_sorted(m->before, i), *q;

		if (policy_set_named(m->after, p->name) != NULL)
			continue;
		if (find_renamed(m, p, a, &q) != 0)
			return -1;
		if (q != NULL)
			m->renamed[m->nrenamed++] = (struct diff_pair){
			    .before = p, .after = q};
	}
	return 0;
}

static int
compare_pairs(const void *left, const void *right)
{
	const struct diff_pair *a = left, *b = right;

	return str_compare(a->name, b->name);
}

static int
compare_successors(const void *left, const void *right)
{
	const struct diff_pair *a = left, *b = right;

	return str_compare(a->after->name, b->after->name);
}

/* Pairs every policy with its successor, under the name that it has now.  The
 * name of one that is gone is no other's, or that would be its successor. */
static int
match_pairs(struct diff_match *m, struct arena *a)
{
	size_t nbefore = policy_set_count(m->before);
	size_t nafter = policy_set_count(m->after), kept;

	m->pairs = arena_array(a, nbefore + nafter, sizeof(*m->pairs));
	if (m->pairs == NULL)
		return -1;
	for (size_t i = 0; i < nbefore; i++) {
		const struct policy *p = policy_set_sorted(m->before, i);
		const struct policy *q = diff_successor(m, p);

		if (q != NULL)
			m->pairs[m->count++] = (struct diff_pair){.before = p,
			    .after = q, .name = q->name};
	}
	kept = m->count;
	qsort(m->pairs, kept, sizeof(*m->pairs), compare_successors);
	for (size_t i = 0; i < nafter; i++) {
		const struct policy *q = policy_set_sorted(m->after, i);
		const struct diff_pair key = {.after = q};

		if (bsearch(&key, m->pairs, kept, sizeof(key),
		        compare_successors) == NULL)
			m->pairs[m->count++] = (struct diff_pair){.after = q,
			    .name = q->name};
	}
	for (size_t i = 0; i < nbefore; i++) {
		const struct policy *p = policy_set_sorted(m->before, i);

		if (diff_successor(m, p) == NULL)
			m->pairs[m->count++] = (struct diff_pair){.before = p,
			    .name = p->name};
	}
	qsort(m->pairs, m->count, sizeof(*m->pairs), compare_pairs);
	return 0;
}

/* ---- the comparison ---------------------------------------------------- */

/* What [defaults] says of requests that no policy serves, as a policy. */
static struct policy
defaults_of(const struct policy_set *s)
{
	static const enum policy_key keys[] = {KEY_REFUSE_STATUS, KEY_DEBUG};
	struct policy p = {.refuse_status = policy_set_refuse_status(s),
	    .debug = policy_set_debug(s)};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		p.at[keys[i]] = policy_set_default_place(s, keys[i]);
		p.set[keys[i]] = p.at[keys[i]].line > 0;
	}
	return p;
}

static int
compare_defaults(struct diff *d, const struct policy_set *before,
    const struct policy_set *after)
{
	const struct policy b = defaults_of(before), a = defaults_of(after);
	const struct diff_pair pair = {.before = &b, .after = &a};

	return diff_values(d, &pair);
}

/* A policy that is new, gone, or has another name. */
static int
compare_policy(struct diff *d, const struct diff_pair *pair)
{
	const struct policy *b = pair->before, *a = pair->after;
	struct diff_change c = {.subject = DIFF_POLICY, .value = pair->name};

	if (b != NULL)
		c.before = b->section;
	if (a != NULL)
		c.after = a->section;
	if (b == NULL) {
		c.kind = DIFF_GRANTED;
	} else if (a == NULL) {
		c.kind = DIFF_TAKEN;
	} else {
		if (str_eq(b->name, a->name))
			return 0;
		c.kind = DIFF_CHANGED;
		c.why = DIFF_RENAMED;
		c.from = b->name;
		c.to = a->name;
	}
	return diff_add(d, pair, c);
}

/* Whether no policy of the set serves some host and path that p claims: 1 or 0,
 * or -1 without memory. */
static int
is_unserved(const struct policy_set *s, const struct policy *p,
    struct arena *a)
{
	struct diff_hosts hosts;

	if (diff_hosts(s, p, a, &hosts) != 0)
		return -1;
	for (size_t h = 0; h < hosts.count; h++)
		for (size_t k = 0; k < p->npaths; k++)
			if (policy_set_serving(s, hosts.texts[h],
			        p->paths[k].text) == NULL)
				return 1;
	return 0;
}

/* What a new policy took over from others, or left to others, is told by
 * diff_routes: as a whole it grants only what none served before. */
static int
compare_pair(struct diff *d, const struct diff_match *m,
    const struct diff_pair *pair)
{
	int unserved = 1;

	if (compare_policy(d, pair) != 0 || diff_claims(d, m, pair) != 0)
		return -1;
	if (pair->before == NULL)
		unserved = is_unserved(m->before, pair->after, &d->arena);
	else if (pair->after == NULL)
		unserved = is_unserved(m->after, pair->before, &d->arena);
	return unserved <= 0 ? unserved : diff_values(d, pair);
}

int
diff_policies(struct diff *d, const struct policy_set *before,
    const struct policy_set *after)
{
	struct diff_match m = {.before = before, .after = after};

	if (match_renamed(&m, &d->arena) != 0 ||
	    match_pairs(&m, &d->arena) != 0 ||
	    compare_defaults(d, before, after) != 0)
		return -1;
	for (size_t i = 0; i < m.count; i++)
		if (compare_pair(d, &m, &m.pairs[i]) != 0)
			return -1;
	return diff_routes(d, &m);
}
