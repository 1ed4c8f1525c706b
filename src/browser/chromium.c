/* chromium.c - request headers with which Chromium departs from the
 * standard: lines of one name are one header, and client hints need no
 * permission. */
#include "config.h"

#include "browser/browser_impl.h"

/* ---- lines of one name ------------------------------------------------- */

/* The values of all lines of the name, or p NULL without memory. */
static struct str
joined_value(const struct headers *h, struct str name, struct arena *a)
{
	size_t cap = 1;
	struct buf b;

	for (size_t i = 0; i < h->count; i++)
		if (str_eq_fold(h->items[i].name, name))
			cap += h->items[i].value.n + 2;
	b = (struct buf){arena_alloc(a, cap), 0, cap, false};
	if (b.p == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0, n = 0; i < h->count; i++) {
		if (!str_eq_fold(h->items[i].name, name))
			continue;
		if (n++ > 0)
			buf_add(&b, STR(", "));
		buf_add(&b, h->items[i].value);
	}
	return buf_str(&b);
}

static bool
has_line(const struct header *items, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_fold(items[i].name, name))
			return true;
	return false;
}

int
browser_headers_join(const struct headers *h, struct arena *a,
    struct headers *out)
{
	struct header *items = arena_array(a, h->count + 1, sizeof(*items));
	size_t n = 0;

	if (items == NULL)
		return -1;
	for (size_t i = 0; i < h->count; i++) {
		struct str name = h->items[i].name;

		if (has_line(items, n, name))
			continue;
		items[n] = (struct header){name, joined_value(h, name, a)};
		if (items[n++].value.p == NULL)
			return -1;
	}
	*out = (struct headers){items, n};
	return 0;
}

/* ---- what needs no permission ------------------------------------------ */

/* 1*DIGIT */
static bool
is_integer(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* 1*DIGIT [ "." 1*DIGIT ] */
static bool
is_decimal(struct str s)
{
	const char *point = s.n > 0 ? memchr(s.p, '.', s.n) : NULL;
	size_t whole;

	if (point == NULL)
		return is_integer(s);
	whole = (size_t)(point - s.p);
	return is_integer((struct str){s.p, whole}) &&
	    is_integer(str_from(s, whole + 1));
}

static bool
is_on(struct str s)
{
	return str_eq_fold(s, STR("on"));
}

static bool
is_connection_type(struct str s)
{
	return str_eq(s, STR("slow-2g")) || str_eq(s, STR("2g")) ||
	    str_eq(s, STR("3g")) || str_eq(s, STR("4g"));
}

static bool
is_any(struct str s)
{
	(void)s;
	return true;
}

bool
chromium_safelists(const struct header *h)
{
	static const struct {
		const char *name;
		bool (*is_good)(struct str value);
	} more[] = {
		{"device-memory", is_decimal}, {"downlink", is_decimal},
		{"dpr", is_decimal}, {"ect", is_connection_type},
		{"intervention", is_any}, {"rtt", is_integer},
		{"save-data", is_on}, {"viewport-width", is_integer},
		{"width", is_integer},
	};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (str_eq_fold(h->name, str_of(more[i].name)))
			return more[i].is_good(h->value);
	return false;
}
