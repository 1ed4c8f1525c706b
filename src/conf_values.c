#include "config.h"

#include "conf_values.h"

#include <limits.h>

#include "buf.h"
#include "conf_foreign.h"
#include "target.h"

enum { MAX_AGE_CHROMIUM = 7200 };

int
names_add(struct conf *c, struct names *n, struct str s, struct place at)
{
	struct field_item *items = arena_grow(&c->scratch, n->items, n->count,
	    &n->cap, sizeof(*items));
	struct str copy = arena_str(c->kept, s);

	if (items == NULL || copy.p == NULL)
		return -1;
	n->items = items;
	n->items[n->count++] = (struct field_item){.name = copy, .at = at};
	return 0;
}

/* ---- lists ------------------------------------------------------------- */

int
conf_set_host(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct str host;

	if (host_check(v, &host, c->d, at) != 0)
		return 0;
	return names_add(c, &s->lists[KEY_HOST], host, at);
}

int
conf_set_path(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct str path;

	if (path_check(v, &path, c->d, at) != 0)
		return 0;
	return names_add(c, &s->lists[KEY_PATH], path, at);
}

/* An element of a list of methods or field names. */
static int
add_field(struct conf *c, struct names *list, struct str v, struct place at,
    int (*check)(struct str, struct diag *, struct place))
{
	if (!str_eq(v, STR("*")) && check(v, c->d, at) != 0)
		return 0;
	return names_add(c, list, v, at);
}

int
conf_set_methods(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	return add_field(c, &s->lists[KEY_ALLOW_METHODS], v, at, method_check);
}

int
conf_set_headers(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	return add_field(c, &s->lists[KEY_ALLOW_HEADERS], v, at,
	    request_header_check);
}

int
conf_set_expose(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	return add_field(c, &s->lists[KEY_EXPOSE_HEADERS], v, at,
	    response_header_check);
}

/* ---- words ------------------------------------------------------------- */

void
conf_choose(struct conf *c, const char *key, struct str v, struct place at,
    const char *yes, const char *no, bool *out)
{
	struct shown shown;
	char hint[128];
	struct buf h = BUF(hint);
	int meant;

	*out = str_eq(v, str_of(yes));
	if (*out || str_eq(v, str_of(no)))
		return;
	meant = conf_foreign_choice(v);
	buf_add(&h, STR("write "));
	if (meant != 0)
		buf_add(&h, str_of(yes));
	if (meant < 0)
		buf_add(&h, STR(" or "));
	if (meant <= 0)
		buf_add(&h, str_of(no));
	diag_add(c->d, DIAG_ERROR, at, "key-value", buf_cstr(&h),
	    "'%s' is no value of %s", buf_shown(&shown, v), key);
}

int
conf_set_credentials(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	conf_choose(c, "allow-credentials", v, at, "yes", "no",
	    &s->values.credentials);
	return 0;
}

int
conf_set_debug(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	conf_choose(c, "debug", v, at, "yes", "no", &s->values.debug);
	return 0;
}

int
conf_set_insecure(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	conf_choose(c, "insecure-origins", v, at, "allow", "refuse",
	    &s->values.insecure_allowed);
	return 0;
}

int
conf_set_suffixes(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	conf_choose(c, "public-suffixes", v, at, "allow", "refuse",
	    &s->values.suffixes_allowed);
	return 0;
}

/* ---- numbers ----------------------------------------------------------- */

/* Takes the digits that v begins with; what is over LLONG_MAX stays there.
 * Returns how many there are. */
static size_t
take_number(struct str v, long long *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++) {
		int digit = v.p[i] - '0';

		*out = *out > (LLONG_MAX - digit) / 10 ? LLONG_MAX :
		    *out * 10 + digit;
	}
	return i;
}

/* Seconds in the unit that follows a number, or 0. */
static int
unit_seconds(struct str unit)
{
	if (unit.n == 0)
		return 1;
	if (unit.n != 1)
		return 0;
	switch (unit.p[0]) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

/* More than any policy may say.  Whole minutes of milliseconds are hardly meant
 * as seconds. */
static void
refuse_max_age(struct conf *c, struct str v, long long number, bool plain,
    struct place at)
{
	struct shown shown;
	char hint[128];
	struct buf h = BUF(hint);
	bool milli = plain && number % 60000 == 0 &&
	    number / 1000 <= MAX_AGE_MAX;

	buf_add(&h, STR("write "));
	buf_uint(&h, milli ? (unsigned long)(number / 1000) : MAX_AGE_MAX);
	if (!milli)
		buf_add(&h, STR(" or less"));
	diag_add(c->d, DIAG_ERROR, at, milli ? "max-age-milliseconds" :
	    "max-age-too-large", buf_cstr(&h), milli ?
	    "max-age '%s' is over 86400 and looks like milliseconds" :
	    "max-age '%s' is over 86400 seconds (1d), the most that any "
	    "browser keeps", buf_shown(&shown, v));
}

int
conf_set_max_age(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct shown shown;
	long long number;
	size_t digits = take_number(v, &number);
	int unit = unit_seconds(str_from(v, digits));

	if (v.n > 1 && v.p[0] == '-' && v.p[1] >= '0' && v.p[1] <= '9')
		diag_add(c->d, DIAG_ERROR, at, "max-age-negative",
		    "write 0 for answers that browsers do not keep",
		    "max-age '%s' is negative", buf_shown(&shown, v));
	else if (digits == 0 || unit == 0)
		diag_add(c->d, DIAG_ERROR, at, "max-age-invalid",
		    "write seconds, or a number with s, m, h or d: 600, 10m",
		    "'%s' is no value of max-age", buf_shown(&shown, v));
	else if (number > MAX_AGE_MAX / unit)
		refuse_max_age(c, v, number, digits == v.n, at);
	else
		s->values.max_age = (int)number * unit;
	if (s->values.max_age > MAX_AGE_CHROMIUM)
		diag_add(c->d, DIAG_WARNING, at, "max-age-over-cap",
		    "write 7200 or less, or keep it for Firefox's sake",
		    "max-age '%s' is more than most browsers keep: Chromium "
		    "7200 seconds, WebKit 600", buf_shown(&shown, v));
	return 0;
}

/* A status of exactly three digits, or -1. */
static int
parse_status(struct str v)
{
	long long number;

	return v.n == 3 && take_number(v, &number) == 3 ? (int)number : -1;
}

int
conf_set_success_status(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct shown shown;
	int status = parse_status(v);

	if (status >= 200 && status <= 299)
		s->values.success_status = status;
	else
		diag_add(c->d, DIAG_ERROR, at, "status-invalid",
		    "write 200 to 299, usually 204: browsers take no other "
		    "as success", "'%s' is no value of success-status",
		    buf_shown(&shown, v));
	return 0;
}

int
conf_set_refuse_status(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct shown shown;
	int status = parse_status(v);

	if (status >= 200 && status <= 599 && status / 100 != 3)
		s->values.refuse_status = status;
	else
		diag_add(c->d, DIAG_ERROR, at, "status-invalid",
		    "write 200 to 299 or 400 to 599, usually 403",
		    "'%s' is no value of refuse-status", buf_shown(&shown, v));
	return 0;
}
