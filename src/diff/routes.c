/* routes.c - the hosts and paths that another policy serves now, and what
 * that grants and takes away there.
 *
 * Hosts that the same route tables serve are compared once for all of them: the
 * cost is that of the tables and of what moved, not of hosts times paths. */
#include "config.h"

#include "diff/diff_impl.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/policy_impl.h"

enum { IN_BEFORE = 1, IN_AFTER = 2 };

/* A host that some policy claims, and the first of the tables that serve it. */
struct host {
	struct str text;
	const struct host_node *before, *after;
	unsigned claimed; /* IN_BEFORE and IN_AFTER */
};

/* A host and a path, and what serves them. */
struct point {
	struct str host, path;
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
	struct point *items = array_grow(ps->items, ps->count, &ps->size,
	    sizeof(*items));

	if (items == NULL)
		return -1;
	ps->items = items;
	items[ps->count++] = point;
	return 0;
}

/* ---- hosts ------------------------------------------------------------- */

int
diff_compare_tables(const struct host_node *x, const struct host_node *y)
{
	for (; x != NULL && y != NULL; x = x->wider, y = y->wider)
		if (x->routes != y->routes)
			return (uintptr_t)x->routes < (uintptr_t)y->routes ?
			    -1 : 1;
	return (x != NULL) - (y != NULL);
}

static int
compare_host_texts(const void *left, const void *right)
{
	const struct host *a = left, *b = right;

	return str_compare(a->text, b->text);
}

/* By the tables that serve them. */
static int
compare_hosts(const void *left, const void *right)
{
	const struct host *a = left, *b = right;
	int c = diff_compare_tables(a->before, b->before);

	if (c == 0)
		c = diff_compare_tables(a->after, b->after);
	return c != 0 ? c : (a->claimed > b->claimed) -
	    (a->claimed < b->claimed);
}

/* The hosts of both sets, once each, in an array that the caller frees. */
static int
collect_hosts(const struct diff_match *m, struct host **out, size_t *count)
{
	const struct policy_set *sets[] = {m->before, m->after};
	struct host *hosts;
	size_t n = 0, kept = 0;

	for (size_t side = 0; side < 2; side++)
		for (size_t i = 0; i < policy_set_count(sets[side]); i++)
			n += policy_set_get(sets[side], i)->nhosts;
	hosts = *out = calloc(n + 1, sizeof(*hosts));
	if (hosts == NULL)
		return -1;
	n = 0;
	for (size_t side = 0; side < 2; side++)
		for (size_t i = 0; i < policy_set_count(sets[side]); i++) {
			const struct policy *p = policy_set_get(sets[side], i);

			for (size_t h = 0; h < p->nhosts; h++)
				hosts[n++] = (struct host){
				    .text = p->hosts[h].text,
				    .claimed = side == 0 ? IN_BEFORE :
				        IN_AFTER};
		}
	qsort(hosts, n, sizeof(*hosts), compare_host_texts);
	for (size_t i = 0; i < n; i++)
		if (kept > 0 && str_eq(hosts[kept - 1].text, hosts[i].text))
			hosts[kept - 1].claimed |= hosts[i].claimed;
		else
			hosts[kept++] = hosts[i];
	for (size_t i = 0; i < kept; i++) {
		hosts[i].before = policy_set_host(m->before, hosts[i].text);
		hosts[i].after = policy_set_host(m->after, hosts[i].text);
	}
	*count = kept;
	return 0;
}

int
diff_hosts(const struct policy_set *s, const struct policy *p,
    struct arena *a, struct diff_hosts *out)
{
	struct host *hosts = calloc(p->nhosts + 1, sizeof(*hosts));

	*out = (struct diff_hosts){arena_array(a, p->nhosts,
	    sizeof(*out->texts)), 0};
	if (hosts == NULL || out->texts == NULL) {
		free(hosts);
		return -1;
	}
	for (size_t i = 0; i < p->nhosts; i++)
		hosts[i] = (struct host){.text = p->hosts[i].text,
		    .before = policy_set_host(s, p->hosts[i].text)};
	qsort(hosts, p->nhosts, sizeof(*hosts), compare_hosts);
	for (size_t i = 0; i < p->nhosts; i++)
		if (i == 0 || compare_hosts(&hosts[i - 1], &hosts[i]) != 0)
			out->texts[out->count++] = hosts[i].text;
	free(hosts);
	return 0;
}

/* ---- the paths of a host ----------------------------------------------- */

/* In the order that routes have: '/' is the lowest byte. */
static int
compare_paths(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		unsigned x = a.p[i] == '/' ? 0 : (unsigned char)a.p[i];
		unsigned y = b.p[i] == '/' ? 0 : (unsigned char)b.p[i];

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.n > b.n) - (a.n < b.n);
}

static bool
is_below(struct str path, struct str prefix)
{
	if (prefix.n <= 1)
		return path.n > 1;
	return path.n > prefix.n && str_starts(path, prefix) &&
	    path.p[prefix.n] == '/';
}

static bool
is_moved(const struct diff_match *m, const struct point *p)
{
	return p->before != NULL && p->after != NULL &&
	    diff_successor(m, p->before) != p->after;
}

/* Adds the place, if it moved, unless it did just as the point above it. */
static int
add_moved(struct points *ps, struct str host, struct str path,
    const struct point *above)
{
	struct point p = {.host = host, .path = path,
	    .before = policy_set_serving(ps->match->before, host, path),
	    .after = policy_set_serving(ps->match->after, host, path)};

	if (!is_moved(ps->match, &p) || (above != NULL &&
	    above->before == p.before && above->after == p.after))
		return 0;
	return add_point(ps, p);
}

/* The paths of wider hosts below a point that one set alone claims: there the
 * other set may serve by them. */
static int
add_below(struct points *ps, const struct point *point,
    const struct host_node *node)
{
	for (; node != NULL; node = node->wider) {
		size_t low = 0, high = node->nroutes;

		while (low < high) {
			size_t mid = low + (high - low) / 2;

			if (compare_paths(node->routes[mid].path,
			        point->path) <= 0)
				low = mid + 1;
			else
				high = mid;
		}
		for (; low < node->nroutes &&
		    is_below(node->routes[low].path, point->path); low++)
			if (add_moved(ps, point->host, node->routes[low].path,
			        point) != 0)
				return -1;
	}
	return 0;
}

/* Adds what moved on a host.  Both tables are in the same order. */
static int
add_host(struct points *ps, const struct host *h)
{
	static const struct host_node none;
	const struct host_node *b = (h->claimed & IN_BEFORE) != 0 ?
	    h->before : &none;
	const struct host_node *a = (h->claimed & IN_AFTER) != 0 ?
	    h->after : &none;
	size_t i = 0, j = 0;

	while (i < b->nroutes || j < a->nroutes) {
		int c = i == b->nroutes ? 1 : j == a->nroutes ? -1 :
		    compare_paths(b->routes[i].path, a->routes[j].path);
		struct point p = {.host = h->text, .path = c <= 0 ?
		    b->routes[i].path : a->routes[j].path};

		p.before = c <= 0 ? b->routes[i].policy :
		    policy_set_serving(ps->match->before, p.host, p.path);
		p.after = c >= 0 ? a->routes[j].policy :
		    policy_set_serving(ps->match->after, p.host, p.path);
		if (is_moved(ps->match, &p) && add_point(ps, p) != 0)
			return -1;
		if (c != 0 && (add_below(ps, &p, b == &none ? h->before :
		    b->wider) != 0 || add_below(ps, &p, a == &none ?
		    h->after : a->wider) != 0))
			return -1;
		i += c <= 0;
		j += c >= 0;
	}
	return 0;
}

/* Adds what moved on hosts that the same tables serve. */
static int
add_hosts(struct points *ps, const struct host *hosts, size_t count)
{
	size_t first = ps->count, last;

	if (add_host(ps, &hosts[0]) != 0)
		return -1;
	last = ps->count;
	for (size_t h = 1; h < count; h++)
		for (size_t i = first; i < last; i++) {
			struct point p = ps->items[i];

			p.host = hosts[h].text;
			if (add_point(ps, p) != 0)
				return -1;
		}
	return 0;
}

/* ---- what moved -------------------------------------------------------- */

static int
compare_places(const void *left, const void *right)
{
	const struct point *a = left, *b = right;
	int c = str_compare(a->host, b->host);

	return c != 0 ? c : str_compare(a->path, b->path);
}

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
	struct host *hosts;
	size_t nhosts, kept = 0;
	int ret = -1;

	if (collect_hosts(m, &hosts, &nhosts) != 0)
		return -1;
	qsort(hosts, nhosts, sizeof(*hosts), compare_hosts);
	for (size_t i = 0, n; i < nhosts; i += n) {
		for (n = 1; i + n < nhosts &&
		    compare_hosts(&hosts[i], &hosts[i + n]) == 0; n++)
			;
		if (add_hosts(&ps, &hosts[i], n) != 0)
			goto out;
	}
	if (ps.count > 0)
		qsort(ps.items, ps.count, sizeof(*ps.items), compare_moves);
	for (size_t i = 0; i < ps.count; i++)
		if (kept == 0 ||
		    compare_moves(&ps.items[kept - 1], &ps.items[i]) != 0)
			ps.items[kept++] = ps.items[i];
	for (size_t i = 0, n; i < kept; i += n) {
		const struct point *first = &ps.items[i];

		for (n = 1; i + n < kept &&
		    first[n].before == first->before &&
		    first[n].after == first->after; n++)
			;
		if (add_moves(d, first, n) != 0)
			goto out;
	}
	ret = 0;
out:
	free(hosts);
	free(ps.items);
	return ret;
}
