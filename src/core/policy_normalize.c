#include "config.h"

#include "core/policy_normalize.h"

#include <stdlib.h>

#include "core/field.h"
#include "core/policy_render.h"

/* ---- names ------------------------------------------------------------- */

static int
compare_items(const void *left, const void *right)
{
	const struct field_item *a = left, *b = right;

	return str_compare(a->name, b->name);
}

/* Whether some answer changes with a name beside a '*'. */
static bool
acts_beside_star(enum policy_key key, struct str name)
{
	if (key == KEY_ALLOW_METHODS)
		return !policy_star_lists(name);
	return key == KEY_ALLOW_HEADERS &&
	    str_eq_fold(name, STR("authorization"));
}

static const struct field_set *
set_of(const struct policy *p, enum policy_key key)
{
	if (key == KEY_ALLOW_METHODS)
		return &p->methods;
	return key == KEY_ALLOW_HEADERS ? &p->headers : &p->expose;
}

int
meaning_names(const struct policy *p, enum policy_key key, struct arena *a,
    struct meaning_names *out)
{
	const struct field_set *set = set_of(p, key);
	struct field_item *items = arena_array(a, set->count, sizeof(*items));

	if (items == NULL)
		return -1;
	*out = (struct meaning_names){.items = items, .any = set->any,
	    .any_at = set->any_at};
	for (size_t i = 0; i < set->count; i++) {
		const struct field_item *item = &set->items[i];
		struct str name = item->name;

		if (set->any && !acts_beside_star(key, name))
			continue;
		if (set->fold == FIELD_FOLD)
			name.p = item->folded;
		items[out->count++] = (struct field_item){.name = name,
		    .at = item->at};
	}
	qsort(items, out->count, sizeof(*items), compare_items);
	return 0;
}

/* ---- claims and origins ------------------------------------------------ */

static int
compare_claims(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;

	return str_compare(a->text, b->text);
}

const struct claim *
meaning_claims(const struct claim *claims, size_t count, struct arena *a)
{
	struct claim *sorted = arena_array(a, count, sizeof(*sorted));

	if (sorted == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		sorted[i] = claims[i];
	qsort(sorted, count, sizeof(*sorted), compare_claims);
	return sorted;
}

struct collect {
	const struct origin_set *set;
	struct origin_entry *entries;
	size_t count;
};

static int
collect_entry(void *ctx, const struct origin_entry *e)
{
	struct collect *c = ctx;
	struct origin_entry by;

	if (origin_set_cover(c->set, e, &by) != ORIGIN_COVERED)
		c->entries[c->count++] = *e;
	return 0;
}

static int
compare_entries(const void *left, const void *right)
{
	const struct origin_entry *a = left, *b = right;

	return str_compare(a->text, b->text);
}

const struct origin_entry *
meaning_origins(const struct origin_set *s, struct arena *a, size_t *count)
{
	struct collect c = {.set = s};

	c.entries = arena_array(a, origin_set_count(s), sizeof(*c.entries));
	if (c.entries == NULL)
		return NULL;
	(void)origin_set_each(s, collect_entry, &c);
	qsort(c.entries, c.count, sizeof(*c.entries), compare_entries);
	*count = c.count;
	return c.entries;
}
