/* claims.c - the hosts and paths that a policy lists. */
#include "config.h"

#include "diff/diff_impl.h"

#include "core/policy_impl.h"
#include "core/policy_normalize.h"

/* A policy of a pair, and the set that has the other one. */
struct side {
	const struct policy *policy, *other; /* may be NULL */
	const struct policy_set *set;        /* the other's */
	bool is_new;
	const struct claim *claims; /* hosts or paths, sorted */
	size_t count;
	struct diff_hosts hosts;    /* of policy, as set serves them */
	const struct claim *last;   /* the host that why_claim saw last */
	enum diff_why last_why;
};

/* Who serves, in the other set, what the policy has by a claim that the other
 * policy does not list. */
static enum diff_why
why_claim(struct side *s, bool is_host, struct str claim)
{
	size_t count = is_host ? s->policy->npaths : s->hosts.count;
	size_t by_same = 0, by_none = 0;

	for (size_t i = 0; i < count; i++) {
		const struct policy *by = is_host ?
		    policy_set_serving(s->set, claim,
		        s->policy->paths[i].text) :
		    policy_set_serving(s->set, s->hosts.texts[i], claim);

		by_none += by == NULL;
		by_same += by != NULL && by == s->other;
	}
	if (by_same == count)
		return DIFF_SAME_POLICY;
	if (s->is_new || by_none == 0)
		return DIFF_PLAIN;
	return by_none == count ? DIFF_UNSERVED : DIFF_PARTLY_UNSERVED;
}

/* Adds a claim that the other policy does not list.  Returns 0, or -1 without
 * memory. */
static int
add_claim(struct diff *d, const struct diff_pair *pair, struct side *s,
    bool is_host, const struct claim *claim)
{
	struct diff_change c = {
	    .kind = s->is_new ? DIFF_GRANTED : DIFF_TAKEN,
	    .subject = is_host ? DIFF_HOST : DIFF_PATH, .value = claim->text};

	/* What holds for a host holds for all that the same tables serve. */
	if (!is_host || s->last == NULL ||
	    diff_compare_tables(policy_set_host(s->set, claim->text),
	        policy_set_host(s->set, s->last->text)) != 0)
		s->last_why = why_claim(s, is_host, claim->text);
	s->last = claim;
	c.why = s->last_why;
	if (s->is_new)
		c.after = claim->at;
	else
		c.before = claim->at;
	return diff_add(d, pair, c);
}

/* Compares the claims of both sides.  Returns 0, or -1 without memory. */
static int
compare(struct diff *d, const struct diff_pair *pair, struct side *b,
    struct side *a, bool is_host)
{
	size_t i = 0, j = 0;
	int ret = 0;

	b->last = a->last = NULL;
	while (ret == 0 && (i < b->count || j < a->count)) {
		int order = i == b->count ? 1 : j == a->count ? -1 :
		    str_compare(b->claims[i].text, a->claims[j].text);

		if (order > 0)
			ret = add_claim(d, pair, a, is_host, &a->claims[j]);
		else if (order < 0)
			ret = add_claim(d, pair, b, is_host, &b->claims[i]);
		i += order <= 0;
		j += order >= 0;
	}
	return ret;
}

int
diff_claims(struct diff *d, const struct diff_match *m,
    const struct diff_pair *pair)
{
	struct side sides[] = {
		{.policy = pair->before, .other = pair->after,
		    .set = m->after},
		{.policy = pair->after, .other = pair->before,
		    .set = m->before, .is_new = true},
	};

	for (size_t i = 0; i < 2; i++) {
		const struct policy *p = sides[i].policy;

		if (p == NULL)
			continue;
		sides[i].count = p->nhosts;
		sides[i].claims = meaning_claims(p->hosts, p->nhosts,
		    &d->arena);
		if (sides[i].claims == NULL || diff_hosts(sides[i].set, p,
		        &d->arena, &sides[i].hosts) != 0)
			return -1;
	}
	if (compare(d, pair, &sides[0], &sides[1], true) != 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		const struct policy *p = sides[i].policy;

		if (p == NULL)
			continue;
		sides[i].count = p->npaths;
		sides[i].claims = meaning_claims(p->paths, p->npaths,
		    &d->arena);
		if (sides[i].claims == NULL)
			return -1;
	}
	return compare(d, pair, &sides[0], &sides[1], false);
}
