#include "config.h"

#include "core/policy.h"

#include <sha2.h>
#include <stdlib.h>

#include "core/policy_impl.h"
#include "core/policy_normalize.h"
#include "core/policy_render.h"

/* ---- life -------------------------------------------------------------- */

struct policy_set *
policy_set_new(void)
{
	struct policy_set *s = calloc(1, sizeof *s);

	if (s != NULL)
		s->refuse_status = REFUSE_STATUS_DEFAULT;
	return s;
}

void
policy_set_free(struct policy_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nowned; i++)
		origin_set_free(s->owned[i]);
	free(s->owned);
	free(s->policies);
	free(s->files);
	arena_clear(&s->arena);
	free(s);
}

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

const char *
policy_set_file_name(const struct policy_set *s, unsigned file)
{
	return file < s->nfiles && s->files[file] != NULL ? s->files[file] : "";
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

struct place
policy_set_default_place(const struct policy_set *s, enum policy_key key)
{
	if (key == KEY_REFUSE_STATUS)
		return s->refuse_status_at;
	return key == KEY_DEBUG ? s->debug_at : (struct place){0, 0, 0};
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

/* ---- names ------------------------------------------------------------- */

static int
compare_policies(const void *a, const void *b)
{
	const struct policy *const *x = a, *const *y = b;

	return str_compare((*x)->name, (*y)->name);
}

const struct policy *
policy_set_named(const struct policy_set *s, struct str name)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = str_compare(name, s->by_name[mid]->name);
		if (c == 0)
			return s->by_name[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
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

/* ---- sealing and asking ------------------------------------------------ */

int
policy_set_seal(struct policy_set *s, struct diag *d)
{
	s->by_name = arena_array(&s->arena, s->count + 1, sizeof *s->by_name);
	s->refuse_line = status_line_render(s->refuse_status, &s->arena);
	if (s->by_name == NULL || s->refuse_line.p == NULL)
		return -1;
	for (size_t i = 0; i < s->count; i++) {
		size_t size;
		if (policy_render(s->policies[i], &s->arena) != 0)
			return -1;
		s->by_name[i] = s->policies[i];
		size = policy_answer_max(s->policies[i]) +
		    s->policies[i]->plain_allow.n +
		    s->policies[i]->actual_tail.n;
		if (size > s->reply_max)
			s->reply_max = size;
	}
	qsort(s->by_name, s->count, sizeof *s->by_name, compare_policies);
	if (policy_set_route(s, d) != 0)
		return -1;
	for (size_t i = 0; i < s->nowned; i++)
		if (origin_set_seal(s->owned[i]) != 0)
			return -1;
	return digest_all(s);
}

size_t
policy_set_count(const struct policy_set *s)
{
	return s->count;
}

const struct policy *
policy_set_get(const struct policy_set *s, size_t i)
{
	return s->policies[i];
}

const struct policy *
policy_set_sorted(const struct policy_set *s, size_t i)
{
	return s->by_name[i];
}

int
policy_set_refuse_status(const struct policy_set *s)
{
	return s->refuse_status;
}

bool
policy_set_debug(const struct policy_set *s)
{
	return s->debug;
}

const char *
policy_set_digest(const struct policy_set *s)
{
	return s->digest;
}
