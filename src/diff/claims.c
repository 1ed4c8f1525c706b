/* claims.c - the hosts and paths that a policy lists. */
#include "config.h"

#include "diff/diff_impl.h"

#include "core/policy.h"

/* Hosts or paths of a pair of policies, both sorted. */
struct claims {
	const struct diff_match *match;
	const struct diff_pair *pair;
	bool hosts;
	const struct claim *before, *after;
	size_t nbefore, nafter;
};

/* What serves the i-th host and path, of those that a claim of p makes. */
static const struct policy *
serving(const struct policy_set *s, const struct claims *c,
    const struct policy *p, struct str claim, size_t i)
{
	return c->hosts ? policy_set_serving(s, claim, p->paths[i].text) :
	    policy_set_serving(s, p->hosts[i].text, claim);
}

/* Who serves, in the set s, what p has by a claim that s does not have; same is
 * what p is there, or NULL. */
static enum diff_why
why(const struct policy_set *s, const struct claims *c,
    const struct policy *p, const struct policy *same, struct str claim)
{
	size_t count = c->hosts ? p->npaths : p->nhosts;
	size_t by_same = 0, by_none = 0;

	for (size_t i = 0; i < count; i++) {
		const struct policy *by = serving(s, c, p, claim, i);

		if (by == NULL)
			by_none++;
		else if (by == same)
			by_same++;
	}
	if (by_same == count)
		return DIFF_SAME_POLICY;
	if (s == c->match->before || by_none == 0)
		return DIFF_PLAIN;
	return by_none == count ? DIFF_UNSERVED : DIFF_PARTLY_UNSERVED;
}

static int
add_new(struct diff *d, const struct claims *c, const struct claim *claim)
{
	const struct diff_pair *pair = c->pair;

	return diff_add(d, pair, (struct diff_change){
	    .kind = DIFF_GRANTED,
	    .subject = c->hosts ? DIFF_HOST : DIFF_PATH,
	    .why = why(c->match->before, c, pair->after, pair->before,
	        claim->text),
	    .value = claim->text,
	    .after = claim->at});
}

static int
add_old(struct diff *d, const struct claims *c, const struct claim *claim)
{
	const struct diff_pair *pair = c->pair;

	return diff_add(d, pair, (struct diff_change){
	    .kind = DIFF_TAKEN,
	    .subject = c->hosts ? DIFF_HOST : DIFF_PATH,
	    .why = why(c->match->after, c, pair->before, pair->after,
	        claim->text),
	    .value = claim->text,
	    .before = claim->at});
}

/* Returns 0, or -1 without memory. */
static int
compare(struct diff *d, const struct claims *c)
{
	size_t i = 0, j = 0;
	int ret = 0;

	while (ret == 0 && (i < c->nbefore || j < c->nafter)) {
		int order = i == c->nbefore ? 1 : j == c->nafter ? -1 :
		    str_compare(c->before[i].text, c->after[j].text);

		if (order > 0)
			ret = add_new(d, c, &c->after[j]);
		else if (order < 0)
			ret = add_old(d, c, &c->before[i]);
		i += order <= 0;
		j += order >= 0;
	}
	return ret;
}

int
diff_claims(struct diff *d, const struct diff_match *m,
    const struct diff_pair *pair)
{
	static const struct policy none;
	const struct policy *b = pair->before != NULL ? pair->before : &none;
	const struct policy *a = pair->after != NULL ? pair->after : &none;
	struct claims hosts = {m, pair, true,
	    meaning_claims(b->hosts, b->nhosts, &d->arena),
	    meaning_claims(a->hosts, a->nhosts, &d->arena),
	    b->nhosts, a->nhosts};
	struct claims paths = {m, pair, false,
	    meaning_claims(b->paths, b->npaths, &d->arena),
	    meaning_claims(a->paths, a->npaths, &d->arena),
	    b->npaths, a->npaths};

	if (hosts.before == NULL || hosts.after == NULL ||
	    paths.before == NULL || paths.after == NULL ||
	    compare(d, &hosts) != 0)
		return -1;
	return compare(d, &paths);
}
