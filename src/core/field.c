#include "config.h"

#include "core/field.h"

#include <stdlib.h>

#include "base/buf.h"

/* The bytes that a token may have (RFC 9110, 5.6.2). */
static const unsigned char token_byte[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1,
	['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1,
	['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1,
	['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1,
	['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,
	['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,
	['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1,
	['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,
	['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,
	['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1,
	['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,
	['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,
	['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

bool
token_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!token_byte[(unsigned char)s.p[i]])
			return false;
	return s.n > 0;
}

bool
list_next(struct str *rest, struct str *element)
{
	const char *p = rest->p, *end = rest->p + rest->n, *start;

	while (p < end && (*p == ',' || *p == ' ' || *p == '\t'))
		p++;
	for (start = p; p < end && *p != ',';)
		p++;
	*rest = (struct str){p, (size_t)(end - p)};
	*element = str_trim((struct str){start, (size_t)(p - start)});
	return element->n > 0;
}

/* ---- sets -------------------------------------------------------------- */

/* Names in the order of a set: by length, then by their bytes. */
static int
compare_name(struct str name, enum field_case fold,
    const struct field_item *item)
{
	if (name.n != item->name.n)
		return name.n < item->name.n ? -1 : 1;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char a = (unsigned char)name.p[i],
		    b = (unsigned char)item->folded[i];

		if (fold == FIELD_FOLD)
			a = ascii_lower(a);
		if (a != b)
			return a < b ? -1 : 1;
	}
	return 0;
}

const struct field_item *
field_set_find(const struct field_set *s, struct str name)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_name(name, s->fold, s->sorted[middle]);

		if (c == 0)
			return s->sorted[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool
field_set_admits(const struct field_set *s, struct str list, size_t *room,
    struct str *refused)
{
	struct str name;

	while (list_next(&list, &name)) {
		const size_t wanted = name.n + 2;

		if (!token_valid(name)) {
			*refused = name;
			return false;
		}
		/* A '*' does not cover Authorization (Fetch, CORS non-wildcard
		 * request-header name). */
		if (refused->n == 0 && (wanted > *room ||
		    (field_set_find(s, name) == NULL && (!s->any ||
		    str_eq_fold(name, STR("authorization"))))))
			*refused = name;
		*room -= wanted < *room ? wanted : *room;
	}
	return true;
}

/* By name, and the same name in the order of the file. */
static int
compare_items(const void *left, const void *right)
{
	const struct field_item *a = *(struct field_item *const *)left,
	    *b = *(struct field_item *const *)right;
	int c = compare_name((struct str){a->folded, a->name.n}, FIELD_EXACT,
	    b);

	return c != 0 ? c : (a > b) - (a < b);
}

static void
sort(const struct field_item **sorted, const struct field_item *items,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		sorted[i] = &items[i];
	qsort(sorted, count, sizeof *sorted, compare_items);
}

int
field_set_init(struct field_set *s, enum field_case fold,
    const struct field_item *items, size_t count, struct arena *a)
{
	size_t n = 0;

	*s = (struct field_set){.fold = fold};
	if (count == 0)
		return 0;
	struct field_item *kept = arena_array(a, count, sizeof *kept);
	const struct field_item **sorted = arena_array(a, count,
	    sizeof *sorted);
	if (kept == NULL || sorted == NULL)
		return -1;
	s->items = kept;
	s->sorted = sorted;
	for (size_t i = 0; i < count; i++) {
		if (str_eq(items[i].name, STR("*"))) {
			s->any_at = s->any ? s->any_at : items[i].at;
			s->any = true;
			continue;
		}
		struct str name = arena_str(a, items[i].name);
		struct str folded = fold == FIELD_FOLD ? arena_lower(a, name) :
		    name;
		if (name.p == NULL || folded.p == NULL)
			return -1;
		kept[n++] = (struct field_item){name, items[i].at, folded.p};
	}
	/* Of those with the same name the first stays. */
	sort(sorted, kept, n);
	for (size_t i = 1, first = 0; i < n; i++) {
		const struct field_item *item = sorted[first];

		if (compare_name((struct str){item->folded, item->name.n},
		    FIELD_EXACT, sorted[i]) == 0)
			kept[sorted[i] - kept].folded = NULL;
		else
			first = i;
	}
	for (size_t i = 0; i < n; i++)
		if (kept[i].folded != NULL)
			kept[s->count++] = kept[i];
	sort(sorted, kept, s->count);
	return 0;
}

static bool
is_among(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_fold(name, str_of(names[i])))
			return true;
	return false;
}

#define IS_AMONG(name, names) \
	is_among((name), (names), sizeof(names) / sizeof((names)[0]))

static bool
starts_fold(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	    str_eq_fold((struct str){s.p, prefix.n}, prefix);
}

/* ---- methods ----------------------------------------------------------- */

/* Fetch, "normalize a method": these and no others. */
static const char *const normalized[] = {
	"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT",
};

struct str
method_normalize(struct str name)
{
	for (size_t i = 0; i < sizeof(normalized) / sizeof(*normalized); i++)
		if (str_eq_fold(name, str_of(normalized[i])))
			return str_of(normalized[i]);
	return name;
}

bool
method_is_safelisted(struct str name)
{
	return str_eq(name, STR("GET")) || str_eq(name, STR("HEAD")) ||
	    str_eq(name, STR("POST"));
}

bool
method_is_forbidden(struct str name)
{
	static const char *const forbidden[] = {"CONNECT", "TRACE", "TRACK"};

	return IS_AMONG(name, forbidden);
}

static bool
has_between(struct str s, char from, char to)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= from && s.p[i] <= to)
			return true;
	return false;
}

enum { METHOD_SHOWN = 64 };

/* A name of mixed case is taken for one that somebody chose. */
static void
check_case(struct str name, struct diag *d, struct place at)
{
	bool folded = IS_AMONG(name, normalized);
	char upper[METHOD_SHOWN + 1], hint[128];
	struct buf b = BUF(upper), h = BUF(hint);
	struct shown shown;

	if (!has_between(name, 'a', 'z') || name.n > METHOD_SHOWN)
		return;
	if (!folded && has_between(name, 'A', 'Z') &&
	    !str_eq_fold(name, STR("PATCH")))
		return;
	for (size_t i = 0; i < name.n; i++)
		buf_char(&b, name.p[i] >= 'a' && name.p[i] <= 'z' ?
		    (char)(name.p[i] - 'a' + 'A') : name.p[i]);
	buf_add(&h, STR("write "));
	buf_escaped(&h, buf_str(&b), METHOD_SHOWN);
	diag_add(d, DIAG_WARNING, at, "method-case", buf_cstr(&h), folded ?
	    "method '%s' never matches: browsers send it in upper case" :
	    "method '%s' is in lower case: it matches only pages that "
	    "write it so, as browsers do not change its case",
	    buf_shown(&shown, name));
}

/* A '*' is a legal byte of a token, but in a policy it means all or nothing. */
static bool
has_asterisk(struct str name, struct diag *d, struct place at, const char *id)
{
	struct shown shown;

	if (memchr(name.p, '*', name.n) == NULL)
		return false;
	diag_add(d, DIAG_ERROR, at, id,
	    "list each name, or write '*' alone for all of them",
	    "'%s' has a '*' that does not stand alone",
	    buf_shown(&shown, name));
	return true;
}

int
method_check(struct str name, struct diag *d, struct place at)
{
	struct shown shown;

	if (has_asterisk(name, d, at, "method-asterisk"))
		return -1;
	if (!token_valid(name)) {
		diag_add(d, DIAG_ERROR, at, "method-invalid",
		    "write names such as GET or PATCH, separated by commas or "
		    "white space", "invalid method '%s'",
		    buf_shown(&shown, name));
		return -1;
	}
	if (method_is_forbidden(name)) {
		diag_add(d, DIAG_ERROR, at, "method-forbidden", "remove it",
		    "method '%s' is forbidden: browsers refuse to send it",
		    buf_shown(&shown, name));
		return -1;
	}
	check_case(name, d, at);
	return 0;
}

/* ---- field names ------------------------------------------------------- */

#define CORS_PREFIX STR("access-control-")

static int
check_token(struct str name, struct diag *d, struct place at, const char *id)
{
	struct shown shown;

	if (token_valid(name))
		return 0;
	diag_add(d, DIAG_ERROR, at, id,
	    memchr(name.p, ':', name.n) != NULL ?
	    "write only the name, without ':' and value" :
	    "write names such as Content-Type, separated by commas or white "
	    "space", "invalid header name '%s'", buf_shown(&shown, name));
	return -1;
}

bool
request_header_is_forbidden(struct str name)
{
	static const char *const names[] = {
		"accept-charset", "accept-encoding", "connection",
		"content-length", "cookie", "cookie2", "date", "dnt", "expect",
		"host", "keep-alive", "origin", "referer", "set-cookie", "te",
		"trailer", "transfer-encoding", "upgrade", "via",
	};

	return starts_fold(name, STR("proxy-")) ||
	    starts_fold(name, STR("sec-")) || IS_AMONG(name, names);
}

int
request_header_check(struct str name, struct diag *d, struct place at)
{
	struct shown shown;

	if (has_asterisk(name, d, at, "header-asterisk") ||
	    check_token(name, d, at, "header-invalid") != 0)
		return -1;
	if (starts_fold(name, CORS_PREFIX)) {
		diag_add(d, DIAG_ERROR, at, "header-cors",
		    "remove it: list the headers that pages set themselves",
		    "header '%s' belongs to CORS itself",
		    buf_shown(&shown, name));
		return -1;
	}
	if (request_header_is_forbidden(name)) {
		diag_add(d, DIAG_ERROR, at, "header-forbidden",
		    starts_fold(name, STR("cookie")) ?
		    "remove it: cookies are allowed by "
		    "allow-credentials = yes" : "remove it",
		    "header '%s' is forbidden: browsers let no page set it",
		    buf_shown(&shown, name));
		return -1;
	}
	return 0;
}

int
response_header_check(struct str name, struct diag *d, struct place at)
{
	static const char *const hidden[] = {"set-cookie", "set-cookie2"};
	struct shown shown;

	if (has_asterisk(name, d, at, "expose-asterisk") ||
	    check_token(name, d, at, "expose-invalid") != 0)
		return -1;
	if (IS_AMONG(name, hidden)) {
		diag_add(d, DIAG_ERROR, at, "expose-forbidden", "remove it",
		    "header '%s' is forbidden: browsers show it to no page",
		    buf_shown(&shown, name));
		return -1;
	}
	if (starts_fold(name, CORS_PREFIX) ||
	    str_eq_fold(name, STR("origin"))) {
		diag_add(d, DIAG_ERROR, at, "expose-cors",
		    "remove it: list the response headers that pages read",
		    "header '%s' belongs to CORS itself",
		    buf_shown(&shown, name));
		return -1;
	}
	return 0;
}
