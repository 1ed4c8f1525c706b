/* routes.c - the hosts and paths that another policy serves now, and what
 * that grants and takes away there. */
#include "config.h"

#include "diff/diff_impl.h"

#include <stdlib.h>

#include "core/policy_impl.h"
#include "core/policy_normalize.h"

enum { IN_BEFORE = 1, IN_AFTER = 2 };

/* A host and a path as some policy claims them: there, and where a claim of a
 * wider host begins, what serves may change. */
struct point {
	struct str host, path;
	unsigned claimed; /* IN_BEFORE and IN_AFTER */
	const struct policy *before, *after;
};

struct points {
	const struct diff_match *match;
	struct point *items;
	size_t count, size;
};

/* All functions return 0, or -1 without memory, unless they say else. */

static int
add_point(struct points *ps, struct point point)
{
	if (ps->count == ps->size) {
		size_t size = ps->size > 0 ? ps->size * 2 : 64;
		struct point *items = reallocarray(ps->items, size,
		    sizeof(*items));

		if (items == NULL)
			return -1;
		ps->items = items;
		ps->size = size;
	}
	point.before = policy_set_serving(ps->match->before, point.host,
	    point.path);
	point.after = policy_set_serving(ps->match->after, point.host,
	    point.path);
	ps->items[ps->count++] = point;
	return 0;
}

/* ---- claims ------------------------------------------------------------ */

static int
add_claims(struct points *ps, const struct policy_set *s, unsigned side)
{
	for (size_t i = 0; i < policy_set_count(s); i++) {
		const struct policy *p = policy_set_get(s, i);

		for (size_t h = 0; h < p->nhosts; h++)
			for (size_t k = 0; k < p->npaths; k++)
				if (add_point(ps, (struct point){
				        .host = p->hosts[h].text,
				        .path = p->paths[k].text,
				        .claimed = side}) != 0)
					return -1;
	}
	return 0;
}

static int
compare_places(const void *left, const void *right)
{
	const struct point *a = left, *b = right;
	int c = str_compare(a->host, b->host);

	return c != 0 ? c : str_compare(a->path, b->path);
}

/* Makes one point of those that both sets claim. */
static void
unite(struct points *ps)
{
	size_t kept = 0;

	qsort(ps->items, ps->count, sizeof(*ps->items), compare_places);
	for (size_t i = 0; i < ps->count; i++) {
		const struct point *p = &ps->items[i];

		if (kept > 0 &&
		    compare_places(&ps->items[kept - 1], p) == 0)
			ps->items[kept - 1].claimed |= p->claimed;
		else
			ps->items[kept++] = *p;
	}
	ps->count = kept;
}

/* ---- below a claim ----------------------------------------------------- */

static bool
is_below(struct str path, struct str prefix)
{
	if (prefix.n <= 1)
		return path.n > 1;
	return path.n > prefix.n && str_starts(path, prefix) &&
	    path.p[prefix.n] == '/';
}

/* The paths of a wider host below the point, where they fall otherwise. */
static int
add_below(struct points *ps, const struct point *point,
    const struct host_node *node)
{
	for (size_t i = 0; node != NULL && i < node->nroutes; i++) {
		struct point *last;

		if (!is_below(node->routes[i].path, point->path))
			continue;
		if (add_point(ps, (struct point){.host = point->host,
		        .path = node->routes[i].path}) != 0)
			return -1;
		last = &ps->items[ps->count - 1];
		if (last->before == point->before &&
		    last->after == point->after)
			ps->count--;
	}
	return 0;
}

static int
add_wider(struct points *ps, const struct point *point,
    const struct policy_set *s)
{
	struct str host = point->host;

	for (size_t i = 1; i < host.n; i++)
		if (host.p[i - 1] == '.' && i > 1 &&
		    add_below(ps, point, policy_set_node(s,
		        str_from(host, i), true)) != 0)
			return -1;
	return str_eq(host, STR("*")) ? 0 : add_below(ps, point, s->any_host);
}

/* Where one set alone has a claim, the other may serve parts of it by claims
 * of wider hosts. */
static int
expand(struct points *ps)
{
	size_t count = ps->count;

	for (size_t i = 0; i < count; i++) {
		struct point point = ps->items[i];

		if (point.claimed == (IN_BEFORE | IN_AFTER))
			continue;
		if (add_wider(ps, &point, ps->match->before) != 0 ||
		    add_wider(ps, &point, ps->match->after) != 0)
			return -1;
	}
	return 0;
}

/* ---- what moved -------------------------------------------------------- */

/* From one policy to the other, then by place. */
static int
compare_moves(const void *left, const void *right)
{
	const struct point *a = left, *b = right;
	int c = str_compare(a->before->name, b->before->name);

	if (c == 0)
		c = str_compare(a->after->name, b->after->name);
	return c != 0 ? c : compare_places(a, b);
}

static void
keep_moved(struct points *ps)
{
	size_t kept = 0;

	for (size_t i = 0; i < ps->count; i++) {
		const struct point *p = &ps->items[i];

		if (p->before != NULL && p->after != NULL &&
		    diff_successor(ps->match, p->before) != p->after)
			ps->items[kept++] = *p;
	}
	ps->count = kept;
	if (kept == 0)
		return;
	qsort(ps->items, kept, sizeof(*ps->items), compare_moves);
	kept = 1;
	for (size_t i = 1; i < ps->count; i++)
		if (compare_moves(&ps->items[kept - 1], &ps->items[i]) != 0)
			ps->items[kept++] = ps->items[i];
	ps->count = kept;
}

/* Host and path in one text; p is NULL without memory. */
static struct str
place_text(struct arena *a, const struct point *p)
{
	size_t n = p->host.n + p->path.n;
	struct buf b = {arena_alloc(a, n), 0, n, false};

	if (b.p == NULL)
		return (struct str){NULL, 0};
	buf_add(&b, p->host);
	buf_add(&b, p->path);
	return buf_str(&b);
}

/* The moves from one policy to another, and how the two differ. */
static int
add_moves(struct diff *d, const struct point *points, size_t count)
{
	const struct policy *before = points[0].before;
	const struct policy *after = points[0].after;
	struct diff_pair pair = {.name = after->name};

	for (size_t i = 0; i < count; i++) {
		struct diff_change c = {.kind = DIFF_MOVED,
		    .subject = DIFF_PATH, .from = before->name,
		    .to = after->name, .before = before->at[KEY_PATH],
		    .after = after->at[KEY_PATH]};

		c.value = place_text(&d->arena, &points[i]);
		if (c.value.p == NULL || diff_add(d, &pair, c) != 0)
			return -1;
		if (i == 0)
			pair.where = c.value;
	}
	pair.before = before;
	pair.after = after;
	pair.more = count - 1;
	return diff_values(d, &pair);
}

int
diff_routes(struct diff *d, const struct diff_match *m)
{
	struct points ps = {.match = m};
	int ret = -1;

	if (add_claims(&ps, m->before, IN_BEFORE) != 0 ||
	    add_claims(&ps, m->after, IN_AFTER) != 0)
		goto out;
	unite(&ps);
	if (expand(&ps) != 0)
		goto out;
	keep_moved(&ps);
	for (size_t i = 0, n; i < ps.count; i += n) {
		const struct point *first = &ps.items[i];

		for (n = 1; i + n < ps.count &&
		    first[n].before == first->before &&
		    first[n].after == first->after; n++)
			;
		if (add_moves(d, first, n) != 0)
			goto out;
	}
	ret = 0;
out:
	free(ps.items);
	return ret;
}
