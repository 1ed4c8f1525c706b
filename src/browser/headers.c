#include "config.h"

#include "browser/headers.h"

#include "base/buf.h"
#include "core/field.h"

struct header_lines
headers_find(const struct headers *h, struct str name)
{
	struct header_lines found = {NULL, 0};

	for (size_t i = 0; i < h->count; i++) {
		if (!str_eq_fold(h->items[i].name, name))
			continue;
		if (found.count++ == 0)
			found.first = &h->items[i];
	}
	return found;
}

bool
headers_list_next(const struct headers *h, struct str name, struct list_at *at,
    struct str *element)
{
	while (at->rest.n == 0 || !list_next(&at->rest, element)) {
		while (at->line < h->count &&
		    !str_eq_fold(h->items[at->line].name, name))
			at->line++;
		if (at->line == h->count)
			return false;
		at->rest = h->items[at->line++].value;
	}
	return true;
}

enum list_state
headers_list_state(const struct headers *h, struct str name, struct str *bad)
{
	struct list_at at = {.line = 0};

	while (headers_list_next(h, name, &at, bad))
		if (!token_valid(*bad))
			return LIST_BAD;
	return headers_find(h, name).count > 0 ? LIST_GOOD : LIST_ABSENT;
}

bool
headers_list_has(const struct headers *h, struct str name, struct str element,
    enum list_case how)
{
	struct list_at at = {.line = 0};
	struct str found;

	while (headers_list_next(h, name, &at, &found))
		if (how == LIST_FOLD ? str_eq_fold(found, element) :
		    str_eq(found, element))
			return true;
	return false;
}

int
headers_join(const struct headers *h, struct arena *a, struct headers *out)
{
	struct header *items = arena_array(a, h->count + 1, sizeof(*items));
	size_t n = 0;

	if (items == NULL)
		return -1;
	for (size_t i = 0; i < h->count; i++) {
		struct str name = h->items[i].name;
		size_t cap = 1;
		struct buf b;

		if (headers_find(&(struct headers){items, n}, name).count > 0)
			continue;
		for (size_t k = i; k < h->count; k++)
			if (str_eq_fold(h->items[k].name, name))
				cap += h->items[k].value.n + 2;
		b = (struct buf){arena_alloc(a, cap), 0, cap, false};
		if (b.p == NULL)
			return -1;
		for (size_t k = i; k < h->count; k++) {
			if (!str_eq_fold(h->items[k].name, name))
				continue;
			buf_add(&b, k > i ? STR(", ") : STR(""));
			buf_add(&b, h->items[k].value);
		}
		items[n++] = (struct header){name, buf_str(&b)};
	}
	*out = (struct headers){items, n};
	return 0;
}
