/* browser.c - the request: what script can set, what needs no permission, and
 * whether the browser asks first.  A name with '#' is an anchor of the Fetch
 * standard. */
#include "config.h"

#include "browser/browser.h"

#include <stdlib.h>

#include "browser/browser_impl.h"
#include "core/field.h"

enum { VALUE_MAX = 128, SUM_MAX = 1024 };

static const char *const names[BROWSER_COUNT] = {
	[BROWSER_SPEC] = "spec",
	[BROWSER_CHROMIUM] = "chromium",
	[BROWSER_FIREFOX] = "firefox",
	[BROWSER_WEBKIT] = "webkit",
};

const char *
browser_name(enum browser_profile profile)
{
	return names[profile];
}

int
browser_parse(struct str word)
{
	for (int i = 0; i < BROWSER_COUNT; i++)
		if (str_eq(word, str_of(names[i])))
			return i;
	return -1;
}

/* ---- what script can set ----------------------------------------------- */

static bool
is_method_override(struct str name)
{
	return str_eq_fold(name, STR("x-http-method")) ||
	    str_eq_fold(name, STR("x-http-method-override")) ||
	    str_eq_fold(name, STR("x-method-override"));
}

bool
browser_header_dropped(enum browser_profile profile, const struct header *h)
{
	struct str rest = h->value, element;

	if (profile == BROWSER_CHROMIUM &&
	    str_eq_fold(h->name, STR("user-agent")))
		return true;
	if (request_header_is_forbidden(h->name) ||
	    str_eq_fold(h->name, STR("access-control-request-headers")) ||
	    str_eq_fold(h->name, STR("access-control-request-method")))
		return true;
	if (is_method_override(h->name))
		while (list_next(&rest, &element))
			if (method_is_forbidden(element))
				return true;
	return false;
}

/* ---- safelisted headers (#cors-safelisted-request-header) -------------- */

static bool
is_unsafe_byte(unsigned char c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f ||
	    (c != '\0' && strchr("\"():<>?@[\\]{}", c) != NULL);
}

static bool
is_language_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr(" *,-.;=", c) != NULL);
}

static bool
has_unsafe_byte(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (is_unsafe_byte((unsigned char)value.p[i]))
			return true;
	return false;
}

/* The type and subtype of a media type (MIME Sniffing, "parse a MIME type").
 * Returns false where it is none. */
static bool
mime_essence(struct str value, struct str *essence)
{
	const char *semicolon, *slash;

	value = str_trim_lines(value);
	semicolon = value.n > 0 ? memchr(value.p, ';', value.n) : NULL;
	if (semicolon != NULL)
		value = str_trim_lines((struct str){value.p,
		    (size_t)(semicolon - value.p)});
	slash = value.n > 0 ? memchr(value.p, '/', value.n) : NULL;
	if (slash == NULL)
		return false;
	*essence = value;
	return token_valid((struct str){value.p, (size_t)(slash - value.p)}) &&
	    token_valid(str_from(value, (size_t)(slash - value.p) + 1));
}

static enum trigger_why
content_type_why(struct str value)
{
	struct str essence;

	if (has_unsafe_byte(value))
		return WHY_BYTE;
	if (!mime_essence(value, &essence))
		return WHY_NO_MIME;
	if (str_eq_fold(essence, STR("application/x-www-form-urlencoded")) ||
	    str_eq_fold(essence, STR("multipart/form-data")) ||
	    str_eq_fold(essence, STR("text/plain")))
		return WHY_SAFE;
	return WHY_ESSENCE;
}

/* Takes digits off the front of *rest; without leading zeros in the result. */
static struct str
take_digits(struct str *rest, bool *any)
{
	struct str digits = *rest;
	size_t n = 0;

	while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
		n++;
	*any = n > 0;
	*rest = str_from(*rest, n);
	digits.n = n;
	while (digits.n > 0 && digits.p[0] == '0')
		digits = str_from(digits, 1);
	return digits;
}

/* #simple-range-header-value, without white space.  The numbers may have any
 * length. */
static enum trigger_why
range_why(struct str value)
{
	struct str start, end;
	bool has_start, has_end;

	if (!str_starts(value, STR("bytes=")))
		return WHY_NO_RANGE;
	value = str_from(value, 6);
	start = take_digits(&value, &has_start);
	if (value.n == 0 || value.p[0] != '-')
		return WHY_NO_RANGE;
	value = str_from(value, 1);
	end = take_digits(&value, &has_end);
	if (value.n > 0 || (!has_start && !has_end))
		return WHY_NO_RANGE;
	if (!has_start)
		return WHY_RANGE_SUFFIX;
	if (has_end && (start.n > end.n || (start.n == end.n && start.n > 0 &&
	    memcmp(start.p, end.p, start.n) > 0)))
		return WHY_NO_RANGE;
	return WHY_SAFE;
}

static enum trigger_why
language_why(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!is_language_byte((unsigned char)value.p[i]))
			return WHY_LANGUAGE_BYTE;
	return WHY_SAFE;
}

static bool
is_safelisted_name(struct str name)
{
	static const char *const safelisted[] = {"accept", "accept-language",
	    "content-language", "content-type", "range"};

	for (size_t i = 0; i < sizeof(safelisted) / sizeof(*safelisted); i++)
		if (str_eq_fold(name, str_of(safelisted[i])))
			return true;
	return false;
}

enum trigger_why
browser_header_why(enum browser_profile profile, const struct header *h)
{
	bool more = profile == BROWSER_CHROMIUM && chromium_safelists(h);

	if (!more && !is_safelisted_name(h->name))
		return WHY_NAME;
	if (h->value.n > VALUE_MAX)
		return WHY_LONG;
	if (more)
		return WHY_SAFE;
	if (str_eq_fold(h->name, STR("accept")))
		return has_unsafe_byte(h->value) ? WHY_BYTE : WHY_SAFE;
	if (str_eq_fold(h->name, STR("content-type")))
		return content_type_why(h->value);
	if (str_eq_fold(h->name, STR("range")))
		return range_why(h->value);
	return language_why(h->value);
}

/* ---- the plan ---------------------------------------------------------- */

const char *
trigger_kind_name(enum trigger_kind kind)
{
	static const char *const kinds[] = {
		[TRIGGER_METHOD] = "method",
		[TRIGGER_HEADER] = "header",
		[TRIGGER_VALUE] = "value",
		[TRIGGER_FLAG] = "flag",
	};

	return kinds[kind];
}

struct building {
	struct trigger *triggers;
	size_t ntriggers;
	struct str *names;
	size_t nnames;
	enum browser_profile profile;
	struct arena *arena;
};

static void
add_trigger(struct building *b, enum trigger_kind kind, enum trigger_why why,
    struct str name, struct str value)
{
	b->triggers[b->ntriggers++] = (struct trigger){kind, why, name, value};
}

/* A second line of a name adds nothing. */
static int
add_header(struct building *b, const struct header *h, enum trigger_why why)
{
	struct str name = arena_lower(b->arena, h->name);

	if (name.p == NULL)
		return -1;
	for (size_t i = 0; i < b->nnames; i++)
		if (str_eq(b->names[i], name))
			return 0;
	b->names[b->nnames++] = name;
	add_trigger(b, why == WHY_NAME ? TRIGGER_HEADER : TRIGGER_VALUE, why,
	    name, h->value);
	return 0;
}

/* #cors-unsafe-request-header-names */
static int
add_headers(struct building *b, const struct browser_request *r)
{
	size_t sum = 0;

	for (size_t i = 0; i < r->headers.count; i++) {
		const struct header *h = &r->headers.items[i];
		enum trigger_why why = browser_header_why(b->profile, h);

		if (why == WHY_SAFE)
			sum += h->value.n;
		else if (add_header(b, h, why) != 0)
			return -1;
	}
	for (size_t i = 0; sum > SUM_MAX && i < r->headers.count; i++)
		if (browser_header_why(b->profile, &r->headers.items[i]) ==
		        WHY_SAFE &&
		    add_header(b, &r->headers.items[i], WHY_SUM) != 0)
			return -1;
	return 0;
}

static void
add_method_and_flag(struct building *b, const struct browser_request *r)
{
	if (!method_is_safelisted(r->method))
		add_trigger(b, TRIGGER_METHOD, WHY_METHOD, r->method, STR(""));
	if (r->flag == FLAG_UPLOAD_LISTENER)
		add_trigger(b, TRIGGER_FLAG, WHY_UPLOAD_LISTENER,
		    STR("upload-listener"), STR(""));
	else if (r->flag == FLAG_STREAM)
		add_trigger(b, TRIGGER_FLAG, WHY_STREAM, STR("stream"),
		    STR(""));
}

/* #concept-main-fetch, #concept-http-fetch */
int
browser_plan(enum browser_profile profile, const struct browser_request *r,
    struct arena *a, struct browser_plan *out)
{
	struct building b = {.profile = profile, .arena = a};

	*out = (struct browser_plan){.joined = STR("")};
	if (str_eq(r->origin, r->url_origin))
		return 0;
	b.triggers = arena_array(a, r->headers.count + 2, sizeof(*b.triggers));
	b.names = arena_array(a, r->headers.count + 1, sizeof(*b.names));
	if (b.triggers == NULL || b.names == NULL)
		return -1;
	add_method_and_flag(&b, r);
	if (add_headers(&b, r) != 0)
		return -1;
	qsort(b.names, b.nnames, sizeof(*b.names), str_compare_items);
	out->joined = arena_join(a, b.names, b.nnames);
	if (out->joined.p == NULL)
		return -1;
	out->cors = true;
	out->preflight = b.ntriggers > 0;
	out->triggers = b.triggers;
	out->ntriggers = b.ntriggers;
	out->names = b.names;
	out->nnames = b.nnames;
	return 0;
}
