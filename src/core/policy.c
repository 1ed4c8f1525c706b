#include "config.h"

#include "core/policy.h"

#include <stdlib.h>

#include "core/policy_impl.h"

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

const char *
policy_set_file_name(const struct policy_set *s, unsigned file)
{
	return file < s->nfiles && s->files[file] != NULL ? s->files[file] : "";
}

struct place
policy_set_default_place(const struct policy_set *s, enum policy_key key)
{
	if (key == KEY_REFUSE_STATUS)
		return s->refuse_status_at;
	return key == KEY_DEBUG ? s->debug_at : (struct place){0, 0, 0};
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
