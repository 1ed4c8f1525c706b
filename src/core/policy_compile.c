/* policy_compile.c - makes a policy set: it is filled, put into one order and
 * spelling, rendered and given a digest. */
#include "config.h"

#include "core/policy.h"

#include <sha2.h>
#include <stdlib.h>

#include "core/field.h"
#include "core/policy_impl.h"
#include "core/response.h"

/* ---- filling it -------------------------------------------------------- */

struct arena *
policy_set_arena(struct policy_set *s)
{
	return &s->arena;
}

int
policy_set_own(struct policy_set *s, struct origin_set *origins)
{
	/* It is full at each power of two, and gets twice the room. */
	if ((s->nowned & (s->nowned - 1)) == 0) {
		struct origin_set **owned = reallocarray(s->owned,
		    s->nowned > 0 ? s->nowned * 2 : 1, sizeof *owned);
		if (owned == NULL) {
			origin_set_free(origins);
			return -1;
		}
		s->owned = owned;
	}
	s->owned[s->nowned++] = origins;
	return 0;
}

int
policy_set_file(struct policy_set *s, unsigned file, const char *name)
{
	if (file >= s->nfiles) {
		const char **files = reallocarray(s->files, (size_t)file + 1,
		    sizeof *files);
		if (files == NULL)
			return -1;
		s->files = files;
		while (s->nfiles <= file)
			s->files[s->nfiles++] = "";
	}
	s->files[file] = arena_str(&s->arena, str_of(name)).p;
	return s->files[file] != NULL ? 0 : -1;
}

void
policy_set_defaults(struct policy_set *s, int refuse_status, bool debug)
{
	s->refuse_status = refuse_status;
	s->debug = debug;
}

void
policy_set_defaults_at(struct policy_set *s, struct place refuse_status,
    struct place debug)
{
	s->refuse_status_at = refuse_status;
	s->debug_at = debug;
}

int
policy_set_add(struct policy_set *s, const struct policy *p)
{
	struct policy *copy = arena_alloc(&s->arena, sizeof *copy);

	if (s->count == s->size) {
		size_t size = s->size > 0 ? s->size * 2 : 8;
		struct policy **policies = reallocarray(s->policies, size,
		    sizeof *policies);
		if (policies == NULL)
			return -1;
		s->policies = policies;
		s->size = size;
	}
	if (copy == NULL)
		return -1;
	*copy = *p;
	copy->index = s->count;
	s->policies[s->count++] = copy;
	return 0;
}

/* ---- one order and spelling --------------------------------------------- */

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

/* ---- the digest -------------------------------------------------------- */

static void
digest_str(SHA2_CTX *c, struct str text)
{
	uint8_t length[4] = {(uint8_t)(text.n >> 24), (uint8_t)(text.n >> 16),
	    (uint8_t)(text.n >> 8), (uint8_t)text.n};

	SHA256Update(c, length, sizeof length);
	SHA256Update(c, (const uint8_t *)text.p, text.n);
}

static void
digest_number(SHA2_CTX *c, uint64_t v)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	SHA256Update(c, bytes, sizeof bytes);
}

static int
digest_claims(SHA2_CTX *c, const struct claim *claims, size_t count)
{
	struct arena a = {NULL};
	const struct claim *sorted = meaning_claims(claims, count, &a);

	if (sorted != NULL)
		digest_number(c, count);
	for (size_t i = 0; sorted != NULL && i < count; i++)
		digest_str(c, sorted[i].text);
	arena_clear(&a);
	return sorted != NULL ? 0 : -1;
}

static int
digest_names(SHA2_CTX *c, const struct policy *p, enum policy_key key)
{
	struct arena a = {NULL};
	struct meaning_names names;
	int ret = meaning_names(p, key, &a, &names);

	if (ret == 0) {
		digest_number(c, names.any);
		digest_number(c, names.count);
		for (size_t i = 0; i < names.count; i++)
			digest_str(c, names.items[i].name);
	}
	arena_clear(&a);
	return ret;
}

static int
digest_policy(SHA2_CTX *c, const struct policy *p)
{
	digest_str(c, p->name);
	if (digest_claims(c, p->hosts, p->nhosts) != 0 ||
	    digest_claims(c, p->paths, p->npaths) != 0 ||
	    digest_names(c, p, KEY_ALLOW_METHODS) != 0 ||
	    digest_names(c, p, KEY_ALLOW_HEADERS) != 0 ||
	    digest_names(c, p, KEY_EXPOSE_HEADERS) != 0)
		return -1;
	SHA256Update(c, origin_set_digest(p->origins), ORIGIN_SET_DIGEST);
	digest_number(c, p->credentials);
	digest_number(c, p->debug);
	digest_number(c, (uint64_t)p->max_age + 1);
	digest_number(c, (uint64_t)p->success_status);
	digest_number(c, (uint64_t)p->refuse_status);
	return 0;
}

static int
digest_all(struct policy_set *s)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t bytes[SHA256_DIGEST_LENGTH];
	SHA2_CTX c;

	SHA256Init(&c);
	digest_number(&c, (uint64_t)s->refuse_status);
	digest_number(&c, s->debug);
	digest_number(&c, s->count);
	for (size_t i = 0; i < s->count; i++)
		if (digest_policy(&c, s->by_name[i]) != 0)
			return -1;
	SHA256Final(bytes, &c);
	for (size_t i = 0; i < sizeof bytes; i++) {
		s->digest[2 * i] = hex[bytes[i] >> 4];
		s->digest[2 * i + 1] = hex[bytes[i] & 15];
	}
	return 0;
}

/* ---- sealing ----------------------------------------------------------- */

static int
compare_policies(const void *a, const void *b)
{
	const struct policy *const *x = a, *const *y = b;

	return str_compare((*x)->name, (*y)->name);
}

int
policy_set_seal(struct policy_set *s, struct diag *d)
{
	s->by_name = arena_array(&s->arena, s->count + 1, sizeof *s->by_name);
	s->refuse_line = status_line_render(s->refuse_status, &s->arena);
	if (s->by_name == NULL || s->refuse_line.p == NULL)
		return -1;
	for (size_t i = 0; i < s->count; i++) {
		if (policy_render(s->policies[i], &s->arena) != 0)
			return -1;
		s->by_name[i] = s->policies[i];
	}
	qsort(s->by_name, s->count, sizeof *s->by_name, compare_policies);
	if (policy_set_route(s, d) != 0)
		return -1;
	for (size_t i = 0; i < s->nowned; i++)
		if (origin_set_seal(s->owned[i]) != 0)
			return -1;
	return digest_all(s);
}
