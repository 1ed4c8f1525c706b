/* browser.c - the request: what script can set, what needs no permission, and
 * whether the browser sends a preflight.  A name with '#' is an anchor of the
 * Fetch standard. */
#include "config.h"

#include "browser/browser.h"

#include <stdlib.h>

#include "core/field.h"

enum { VALUE_MAX = 128, SUM_MAX = 1024, SHOWN = 160 };

/* ---- what script can set ----------------------------------------------- */

bool
browser_header_dropped(enum browser_profile profile, const struct header *h)
{
	struct str rest = h->value, element;

	if (browser_engines[profile].drops_user_agent &&
	    str_eq_fold(h->name, STR("user-agent")))
		return true;
	if (request_header_is_forbidden(h->name) ||
	    str_eq_fold(h->name, STR("access-control-request-headers")) ||
	    str_eq_fold(h->name, STR("access-control-request-method")))
		return true;
	if (str_eq_fold(h->name, STR("x-http-method")) ||
	    str_eq_fold(h->name, STR("x-http-method-override")) ||
	    str_eq_fold(h->name, STR("x-method-override")))
		while (list_next(&rest, &element))
			if (method_is_forbidden(element))
				return true;
	return false;
}

/* ---- safelisted headers (#cors-safelisted-request-header) -------------- */

static bool
has_unsafe_byte(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((is_control((unsigned char)value.p[i]) &&
		        value.p[i] != '\t') ||
		    (value.p[i] != '\0' &&
		        strchr("\"():<>?@[\\]{}", value.p[i]) != NULL))
			return true;
	return false;
}

static enum trigger_why
accept_why(struct str value)
{
	return has_unsafe_byte(value) ? WHY_BYTE : WHY_SAFE;
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
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = ascii_lower((unsigned char)value.p[i]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    (c == '\0' || strchr(" *,-.;=", c) == NULL))
			return WHY_LANGUAGE_BYTE;
	}
	return WHY_SAFE;
}

/* ---- client hints ------------------------------------------------------ */

/* A value that a hint does not have is as a name that is not safelisted. */
static enum trigger_why
good_hint(bool good)
{
	return good ? WHY_SAFE : WHY_NAME;
}

static bool
is_integer(struct str s)
{
	bool any;

	(void)take_digits(&s, &any);
	return any && s.n == 0;
}

static enum trigger_why
integer_why(struct str value)
{
	return good_hint(is_integer(value));
}

/* 1*DIGIT [ "." 1*DIGIT ] */
static enum trigger_why
decimal_why(struct str value)
{
	bool any;

	(void)take_digits(&value, &any);
	return good_hint(any && (value.n == 0 || (value.p[0] == '.' &&
	    is_integer(str_from(value, 1)))));
}

static enum trigger_why
connection_why(struct str value)
{
	return good_hint(str_eq(value, STR("slow-2g")) ||
	    str_eq(value, STR("2g")) || str_eq(value, STR("3g")) ||
	    str_eq(value, STR("4g")));
}

static enum trigger_why
on_why(struct str value)
{
	return good_hint(str_eq_fold(value, STR("on")));
}

static enum trigger_why
any_why(struct str value)
{
	(void)value;
	return WHY_SAFE;
}

/* ---- the tables -------------------------------------------------------- */

static const struct safelisted {
	const char *name;
	enum trigger_why (*why)(struct str value);
	bool hint; /* of engines alone that safelist client hints */
} safelist[] = {
	{"accept", accept_why, false},
	{"accept-language", language_why, false},
	{"content-language", language_why, false},
	{"content-type", content_type_why, false},
	{"range", range_why, false},
	{"device-memory", decimal_why, true},
	{"downlink", decimal_why, true},
	{"dpr", decimal_why, true},
	{"ect", connection_why, true},
	{"intervention", any_why, true},
	{"rtt", integer_why, true},
	{"save-data", on_why, true},
	{"viewport-width", integer_why, true},
	{"width", integer_why, true},
};

enum trigger_why
browser_header_why(enum browser_profile profile, const struct header *h)
{
	bool hints = browser_engines[profile].safelists_hints;
	enum trigger_why why = WHY_NAME;

	for (size_t i = 0; i < sizeof(safelist) / sizeof(safelist[0]); i++)
		if ((hints || !safelist[i].hint) &&
		    str_eq_fold(h->name, str_of(safelist[i].name)))
			why = safelist[i].why(h->value);
	return why != WHY_NAME && h->value.n > VALUE_MAX ? WHY_LONG : why;
}

/* ---- the plan ---------------------------------------------------------- */

struct planning {
	struct trigger *triggers;
	size_t ntriggers;
	struct str *names;
	size_t nnames;
	struct arena *arena;
};

static void
add_trigger(struct planning *p, enum trigger_kind kind, enum trigger_why why,
    struct str name, struct str value)
{
	p->triggers[p->ntriggers++] = (struct trigger){kind, why, name, value};
}

/* A second line of a name adds nothing. */
static int
add_header(struct planning *p, const struct header *h, enum trigger_why why)
{
	struct str name = arena_lower(p->arena, h->name);

	if (name.p == NULL)
		return -1;
	for (size_t i = 0; i < p->nnames; i++)
		if (str_eq(p->names[i], name))
			return 0;
	p->names[p->nnames++] = name;
	add_trigger(p, why == WHY_NAME ? TRIGGER_HEADER : TRIGGER_VALUE, why,
	    name, h->value);
	return 0;
}

/* #concept-main-fetch, #concept-http-fetch, with the names of
 * #cors-unsafe-request-header-names */
int
browser_plan(enum browser_profile profile, const struct browser_request *r,
    struct arena *a, struct browser_plan *out)
{
	struct planning p = {.arena = a};
	const struct headers *h = &r->headers;
	size_t sum = 0;

	*out = (struct browser_plan){.joined = STR("")};
	if (str_eq(r->origin, r->url_origin))
		return 0;
	p.triggers = arena_array(a, h->count + 2, sizeof(*p.triggers));
	p.names = arena_array(a, h->count + 1, sizeof(*p.names));
	if (p.triggers == NULL || p.names == NULL)
		return -1;
	if (!method_is_safelisted(r->method))
		add_trigger(&p, TRIGGER_METHOD, WHY_METHOD, r->method,
		    STR(""));
	if (r->flag == FLAG_UPLOAD_LISTENER)
		add_trigger(&p, TRIGGER_FLAG, WHY_UPLOAD_LISTENER,
		    STR("upload-listener"), STR(""));
	else if (r->flag == FLAG_STREAM)
		add_trigger(&p, TRIGGER_FLAG, WHY_STREAM, STR("stream"),
		    STR(""));
	for (size_t i = 0; i < h->count; i++) {
		enum trigger_why why = browser_header_why(profile,
		    &h->items[i]);

		if (why == WHY_SAFE)
			sum += h->items[i].value.n;
		else if (add_header(&p, &h->items[i], why) != 0)
			return -1;
	}
	for (size_t i = 0; sum > SUM_MAX && i < h->count; i++)
		if (browser_header_why(profile, &h->items[i]) == WHY_SAFE &&
		    add_header(&p, &h->items[i], WHY_SUM) != 0)
			return -1;
	qsort(p.names, p.nnames, sizeof(*p.names), str_compare_items);
	*out = (struct browser_plan){true, p.ntriggers > 0, p.triggers,
	    p.ntriggers, p.names, p.nnames, arena_join(a, p.names, p.nnames)};
	return out->joined.p != NULL ? 0 : -1;
}

/* ---- in words ---------------------------------------------------------- */

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

void
trigger_explain(const struct trigger *t, struct buf *out)
{
	static const char *const texts[] = {
		[WHY_SAFE] = "",
		[WHY_METHOD] = "is not GET, HEAD or POST",
		[WHY_NAME] = "is a header that needs permission",
		[WHY_LONG] = "",
		[WHY_BYTE] = "has a control character or one of "
		    "\"():<>?@[\\]{}",
		[WHY_LANGUAGE_BYTE] =
		    "has other characters than letters, digits and ' *,-.;='",
		[WHY_NO_MIME] = "is not a media type",
		[WHY_ESSENCE] = "is not text/plain, multipart/form-data or "
		    "application/x-www-form-urlencoded",
		[WHY_NO_RANGE] = "is not a single range such as 'bytes=0-1023'",
		[WHY_RANGE_SUFFIX] = "is a range without a start",
		[WHY_SUM] = "the values of the headers that need no permission "
		    "have more than 1024 bytes together",
		[WHY_UPLOAD_LISTENER] =
		    "a listener is on XMLHttpRequest.upload",
		[WHY_STREAM] = "the body is a ReadableStream",
	};

	if (t->why == WHY_LONG) {
		buf_add(out, STR("the value has "));
		buf_uint(out, t->value.n);
		buf_add(out, STR(" bytes, more than 128"));
	} else if (t->kind == TRIGGER_METHOD || t->kind == TRIGGER_HEADER) {
		buf_escaped(out, t->name, SHOWN);
		buf_char(out, ' ');
	} else if (t->kind == TRIGGER_VALUE && t->why != WHY_SUM) {
		buf_quoted(out, t->value, SHOWN);
		buf_char(out, ' ');
	}
	buf_add(out, str_of(texts[t->why]));
}
