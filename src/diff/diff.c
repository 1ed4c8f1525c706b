#include "config.h"

#include "diff/diff.h"

#include <stdlib.h>

#include "core/field.h"
#include "core/policy.h"
#include "core/policy_impl.h"
#include "diff/diff_impl.h"

/* ---- changes ----------------------------------------------------------- */

int
diff_add(struct diff *d, const struct diff_pair *pair,
    struct diff_change change)
{
	struct diff_change *changes = array_grow(d->changes, d->count,
	    &d->size, sizeof(*changes));

	if (changes == NULL)
		return -1;
	d->changes = changes;
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

/* The functions below return 0, or -1 without memory, unless they say else. */

/* ---- hosts and paths --------------------------------------------------- */

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

/* Adds a claim that the other policy does not list. */
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

static int
compare_sides(struct diff *d, const struct diff_pair *pair, struct side *b,
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

static int
compare_claims(struct diff *d, const struct diff_match *m,
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
	if (compare_sides(d, pair, &sides[0], &sides[1], true) != 0)
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
	return compare_sides(d, pair, &sides[0], &sides[1], false);
}

/* ---- origins ----------------------------------------------------------- */

/* A comparison under way: of the entries of one policy with the other. */
struct origins {
	struct diff *d;
	const struct diff_pair *pair;
	const struct policy *policy, *other;
	bool is_new;
};

static enum origin_cover
cover(const struct policy *p, const struct origin_entry *e,
    struct origin_entry *by)
{
	*by = (struct origin_entry){.text = STR("")};
	return p != NULL ? origin_set_cover(p->origins, e, by) :
	    ORIGIN_UNCOVERED;
}

static int
compare_origin(void *ctx, const struct origin_entry *e)
{
	const struct origins *o = ctx;
	struct diff_change c = {.kind = o->is_new ? DIFF_GRANTED : DIFF_TAKEN,
	    .subject = DIFF_ORIGIN, .value = e->text};
	struct origin_entry by, wider;
	enum origin_cover covered = cover(o->other, e, &by);

	if (covered == ORIGIN_LISTED)
		return 0;
	if (covered == ORIGIN_COVERED) {
		/* A wider entry beside it makes it needless. */
		if (cover(o->policy, e, &wider) == ORIGIN_COVERED)
			return 0;
		c.kind = DIFF_MOVED;
		c.why = o->is_new ? DIFF_LISTED : DIFF_COVERED;
		c.from = o->is_new ? by.text : e->text;
		c.to = o->is_new ? e->text : by.text;
		c.before = c.after = by.at;
	} else if (o->is_new && (e->kind == ORIGIN_ANY ||
	    e->kind == ORIGIN_NULL)) {
		c.why = DIFF_LOOK;
	}
	*(o->is_new ? &c.after : &c.before) = e->at;
	return diff_add(o->d, o->pair, c);
}

static int
compare_changes(const void *left, const void *right)
{
	const struct diff_change *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return str_compare(a->value, b->value);
}

/* What a wider entry makes needless is no change, but it is told where it comes
 * or goes together with the wider one. */
static int
compare_origins(struct diff *d, const struct diff_pair *pair)
{
	struct origins o = {.d = d, .pair = pair, .policy = pair->after,
	    .other = pair->before, .is_new = true};
	size_t first = d->count;

	if (pair->before != NULL && pair->after != NULL &&
	    pair->before->origins == pair->after->origins)
		return 0;
	if (pair->after != NULL &&
	    origin_set_each(pair->after->origins, compare_origin, &o) != 0)
		return -1;
	o.policy = pair->before;
	o.other = pair->after;
	o.is_new = false;
	if (pair->before != NULL &&
	    origin_set_each(pair->before->origins, compare_origin, &o) != 0)
		return -1;
	if (d->count > first)
		qsort(&d->changes[first], d->count - first,
		    sizeof(*d->changes), compare_changes);
	return 0;
}

/* ---- names ------------------------------------------------------------- */

/* One of the three lists on both sides. */
struct lists {
	const struct diff_pair *pair;
	enum policy_key key;
	enum diff_subject subject;
	struct meaning_names before, after;
};

/* Adds a name that the other side does not list. */
static int
add_name(struct diff *d, const struct lists *l, bool is_new,
    const struct field_item *item)
{
	const struct meaning_names *other = is_new ? &l->before : &l->after;
	struct diff_change c = {.kind = is_new ? DIFF_GRANTED : DIFF_TAKEN,
	    .subject = l->subject, .value = item->name};

	/* Fetch: in allow-headers '*' is never Authorization. */
	if (other->any && (l->key != KEY_ALLOW_HEADERS ||
	    !str_eq(item->name, STR("authorization")))) {
		c.kind = DIFF_MOVED;
		c.why = is_new ? DIFF_LISTED : DIFF_COVERED;
		c.from = is_new ? STR("*") : item->name;
		c.to = is_new ? item->name : STR("*");
		c.before = c.after = other->any_at;
	} else if (l->key == KEY_ALLOW_METHODS && l->pair->before != NULL &&
	    l->pair->after != NULL && method_is_safelisted(item->name)) {
		/* GET, HEAD and POST go through preflights unlisted. */
		c.kind = DIFF_CHANGED;
		c.why = DIFF_SAFELISTED;
		c.from = is_new ? STR("not listed") : STR("listed");
		c.to = is_new ? STR("listed") : STR("not listed");
	}
	*(is_new ? &c.after : &c.before) = item->at;
	return diff_add(d, l->pair, c);
}

static int
compare_lists(struct diff *d, const struct lists *l)
{
	const struct meaning_names *b = &l->before, *a = &l->after;
	size_t i = 0, j = 0;
	int ret = 0;

	if (b->any != a->any)
		ret = diff_add(d, l->pair, (struct diff_change){
		    .kind = a->any ? DIFF_GRANTED : DIFF_TAKEN,
		    .subject = l->subject, .value = STR("*"),
		    .before = b->any ? b->any_at : (struct place){0, 0, 0},
		    .after = a->any ? a->any_at : (struct place){0, 0, 0}});
	while (ret == 0 && (i < b->count || j < a->count)) {
		int c = i == b->count ? 1 : j == a->count ? -1 :
		    str_compare(b->items[i].name, a->items[j].name);

		if (c > 0)
			ret = add_name(d, l, true, &a->items[j]);
		else if (c < 0)
			ret = add_name(d, l, false, &b->items[i]);
		i += c <= 0;
		j += c >= 0;
	}
	return ret;
}

static int
compare_names(struct diff *d, const struct diff_pair *pair,
    enum policy_key key, enum diff_subject subject)
{
	struct arena *a = &d->arena;
	struct lists l = {.pair = pair, .key = key, .subject = subject};

	if (pair->before != NULL &&
	    meaning_names(pair->before, key, a, &l.before) != 0)
		return -1;
	if (pair->after != NULL &&
	    meaning_names(pair->after, key, a, &l.after) != 0)
		return -1;
	return compare_lists(d, &l);
}

/* ---- scalars ----------------------------------------------------------- */

/* Where the key is set; none where its default holds. */
static struct place
place_of(const struct policy *p, enum policy_key key)
{
	return p != NULL && p->set[key] ? p->at[key] :
	    (struct place){0, 0, 0};
}

/* A key that is yes or no, and no in no policy. */
static int
compare_switch(struct diff *d, const struct diff_pair *pair,
    enum policy_key key, bool before, bool after)
{
	struct diff_change c = {.kind = after ? DIFF_GRANTED : DIFF_TAKEN,
	    .subject = key == KEY_DEBUG ? DIFF_DEBUG : DIFF_CREDENTIALS,
	    .value = STR("yes"),
	    .before = place_of(pair->before, key),
	    .after = place_of(pair->after, key)};

	if (before == after)
		return 0;
	if (key == KEY_ALLOW_CREDENTIALS && after)
		c.why = DIFF_LOOK;
	c.from = before ? STR("yes") : STR("no");
	c.to = after ? STR("yes") : STR("no");
	return diff_add(d, pair, c);
}

/* The number in the arena, or none where it is negative; *failed is set
 * without memory. */
static struct str
number_text(struct diff *d, int number, bool *failed)
{
	char digits[16];
	struct buf b = BUF(digits);
	struct str text = {NULL, 0};

	if (number < 0)
		return text;
	buf_uint(&b, (unsigned long)number);
	text = arena_str(&d->arena, buf_str(&b));
	*failed = *failed || text.p == NULL;
	return text;
}

static int
compare_number(struct diff *d, const struct diff_pair *pair,
    enum policy_key key, int before, int after)
{
	struct diff_change c = {.kind = DIFF_CHANGED,
	    .subject = key == KEY_MAX_AGE ? DIFF_MAX_AGE : DIFF_STATUS,
	    .before = place_of(pair->before, key),
	    .after = place_of(pair->after, key)};
	bool failed = false;

	if (before == after)
		return 0;
	if (key != KEY_MAX_AGE)
		c.value = key == KEY_SUCCESS_STATUS ? STR("success-status") :
		    STR("refuse-status");
	c.from = number_text(d, before, &failed);
	c.to = number_text(d, after, &failed);
	return failed ? -1 : diff_add(d, pair, c);
}

/* ---- all --------------------------------------------------------------- */

int
diff_values(struct diff *d, const struct diff_pair *pair)
{
	const struct policy *b = pair->before, *a = pair->after;

	if (compare_origins(d, pair) != 0 ||
	    compare_names(d, pair, KEY_ALLOW_METHODS, DIFF_METHOD) != 0 ||
	    compare_names(d, pair, KEY_ALLOW_HEADERS, DIFF_HEADER) != 0 ||
	    compare_names(d, pair, KEY_EXPOSE_HEADERS, DIFF_EXPOSE) != 0 ||
	    compare_switch(d, pair, KEY_ALLOW_CREDENTIALS,
	        b != NULL && b->credentials, a != NULL && a->credentials) != 0)
		return -1;
	if (a != NULL && b != NULL &&
	    (compare_number(d, pair, KEY_MAX_AGE, b->max_age,
	        a->max_age) != 0 ||
	    compare_number(d, pair, KEY_SUCCESS_STATUS, b->success_status,
	        a->success_status) != 0 ||
	    compare_number(d, pair, KEY_REFUSE_STATUS, b->refuse_status,
	        a->refuse_status) != 0))
		return -1;
	return compare_switch(d, pair, KEY_DEBUG, b != NULL && b->debug,
	    a != NULL && a->debug);
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

	if (compare_policy(d, pair) != 0 || compare_claims(d, m, pair) != 0)
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
