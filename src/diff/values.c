/* values.c - what one policy allows that another does not: origins, names
 * and scalars. */
#include "config.h"

#include "diff/diff_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/field.h"
#include "core/policy.h"

/* All functions return 0, or -1 without memory, unless they say else. */

/* ---- origins ----------------------------------------------------------- */

/* A comparison under way. */
struct origins {
	struct diff *d;
	const struct diff_pair *pair;
};

static enum origin_cover
cover(const struct policy *p, const struct origin_entry *e,
    struct origin_entry *by)
{
	*by = (struct origin_entry){.text = STR("")};
	return p != NULL ? origin_set_cover(p->origins, e, by) :
	    ORIGIN_UNCOVERED;
}

static enum diff_why
why_look(const struct origin_entry *e)
{
	return e->kind == ORIGIN_ANY || e->kind == ORIGIN_NULL ? DIFF_LOOK :
	    DIFF_PLAIN;
}

/* Whether a wider entry beside it makes an entry of p needless. */
static bool
is_needless(const struct policy *p, const struct origin_entry *e)
{
	struct origin_entry by;

	return cover(p, e, &by) == ORIGIN_COVERED;
}

/* An entry of the policy after. */
static int
compare_new_origin(void *ctx, const struct origin_entry *e)
{
	const struct origins *o = ctx;
	struct diff_change c = {.kind = DIFF_GRANTED, .subject = DIFF_ORIGIN,
	    .why = why_look(e), .value = e->text, .after = e->at};
	struct origin_entry by;

	switch (cover(o->pair->before, e, &by)) {
	case ORIGIN_LISTED:
		return 0;
	case ORIGIN_COVERED:
		if (is_needless(o->pair->after, e))
			return 0;
		c.kind = DIFF_MOVED;
		c.why = DIFF_LISTED;
		c.from = by.text;
		c.to = e->text;
		c.before = by.at;
		break;
	case ORIGIN_UNCOVERED:
	default:
		break;
	}
	return diff_add(o->d, o->pair, c);
}

/* An entry of the policy before. */
static int
compare_old_origin(void *ctx, const struct origin_entry *e)
{
	const struct origins *o = ctx;
	struct diff_change c = {.kind = DIFF_TAKEN, .subject = DIFF_ORIGIN,
	    .value = e->text, .before = e->at};
	struct origin_entry by;

	switch (cover(o->pair->after, e, &by)) {
	case ORIGIN_LISTED:
		return 0;
	case ORIGIN_COVERED:
		if (is_needless(o->pair->before, e))
			return 0;
		c.kind = DIFF_MOVED;
		c.why = DIFF_COVERED;
		c.from = e->text;
		c.to = by.text;
		c.after = by.at;
		break;
	case ORIGIN_UNCOVERED:
	default:
		break;
	}
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
	struct origins o = {.d = d, .pair = pair};
	size_t first = d->count;

	if (pair->before != NULL && pair->after != NULL &&
	    pair->before->origins == pair->after->origins)
		return 0;
	if (pair->after != NULL && origin_set_each(pair->after->origins,
	        compare_new_origin, &o) != 0)
		return -1;
	if (pair->before != NULL && origin_set_each(pair->before->origins,
	        compare_old_origin, &o) != 0)
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

/* What '*' of a list stands for (Fetch: it is never Authorization). */
static bool
star_covers(const struct lists *l, const struct meaning_names *names,
    struct str name)
{
	return names->any && (l->key != KEY_ALLOW_HEADERS ||
	    !str_eq(name, STR("authorization")));
}

/* GET, HEAD and POST of a policy go through preflights unlisted. */
static bool
is_always_allowed(const struct lists *l, struct str name)
{
	return l->key == KEY_ALLOW_METHODS && l->pair->before != NULL &&
	    l->pair->after != NULL && method_is_safelisted(name);
}

static int
add_new_name(struct diff *d, const struct lists *l,
    const struct field_item *item)
{
	struct diff_change c = {.kind = DIFF_GRANTED, .subject = l->subject,
	    .value = item->name, .after = item->at};

	if (star_covers(l, &l->before, item->name)) {
		c.kind = DIFF_MOVED;
		c.why = DIFF_LISTED;
		c.from = STR("*");
		c.to = item->name;
		c.before = l->before.any_at;
	} else if (is_always_allowed(l, item->name)) {
		c.kind = DIFF_CHANGED;
		c.why = DIFF_SAFELISTED;
		c.from = STR("not listed");
		c.to = STR("listed");
	}
	return diff_add(d, l->pair, c);
}

static int
add_old_name(struct diff *d, const struct lists *l,
    const struct field_item *item)
{
	struct diff_change c = {.kind = DIFF_TAKEN, .subject = l->subject,
	    .value = item->name, .before = item->at};

	if (star_covers(l, &l->after, item->name)) {
		c.kind = DIFF_MOVED;
		c.why = DIFF_COVERED;
		c.from = item->name;
		c.to = STR("*");
		c.after = l->after.any_at;
	} else if (is_always_allowed(l, item->name)) {
		c.kind = DIFF_CHANGED;
		c.why = DIFF_SAFELISTED;
		c.from = STR("listed");
		c.to = STR("not listed");
	}
	return diff_add(d, l->pair, c);
}

static int
add_star(struct diff *d, const struct lists *l)
{
	struct diff_change c = {.kind = DIFF_GRANTED, .subject = l->subject,
	    .value = STR("*"), .after = l->after.any_at};

	if (l->before.any == l->after.any)
		return 0;
	if (l->before.any) {
		c.kind = DIFF_TAKEN;
		c.before = l->before.any_at;
		c.after = (struct place){0, 0, 0};
	}
	return diff_add(d, l->pair, c);
}

static int
compare_lists(struct diff *d, const struct lists *l)
{
	const struct meaning_names *b = &l->before, *a = &l->after;
	size_t i = 0, j = 0;
	int ret = add_star(d, l);

	while (ret == 0 && (i < b->count || j < a->count)) {
		int c = i == b->count ? 1 : j == a->count ? -1 :
		    str_compare(b->items[i].name, a->items[j].name);

		if (c > 0)
			ret = add_new_name(d, l, &a->items[j]);
		else if (c < 0)
			ret = add_old_name(d, l, &b->items[i]);
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
