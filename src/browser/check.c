/* check.c - the answer: the CORS check, the preflight's answer, what
 * script may read of the response. */
#include "config.h"

#include "browser/browser.h"

#include "browser/browser_impl.h"
#include "core/field.h"

#define ALLOW_ORIGIN STR("access-control-allow-origin")
#define ALLOW_CREDENTIALS STR("access-control-allow-credentials")
#define ALLOW_METHODS STR("access-control-allow-methods")
#define ALLOW_HEADERS STR("access-control-allow-headers")
#define EXPOSE_HEADERS STR("access-control-expose-headers")
#define STAR STR("*")

/* ---- reading headers --------------------------------------------------- */

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

enum list_state
headers_list_state(const struct headers *h, struct str name, struct str *bad)
{
	enum list_state state = LIST_ABSENT;
	struct str element;

	for (size_t i = 0; i < h->count; i++) {
		struct str rest = h->items[i].value;

		if (!str_eq_fold(h->items[i].name, name))
			continue;
		state = LIST_GOOD;
		while (list_next(&rest, &element))
			if (!token_valid(element)) {
				*bad = element;
				return LIST_BAD;
			}
	}
	return state;
}

bool
headers_list_has(const struct headers *h, struct str name, struct str element,
    enum list_case how)
{
	struct str found;

	for (size_t i = 0; i < h->count; i++) {
		struct str rest = h->items[i].value;

		if (!str_eq_fold(h->items[i].name, name))
			continue;
		while (list_next(&rest, &found))
			if (how == LIST_FOLD ? str_eq_fold(found, element) :
			    str_eq(found, element))
				return true;
	}
	return false;
}

/* ---- the CORS check (#concept-cors-check) ------------------------------ */

struct judging {
	const struct browser_request *r;
	const struct browser_answer *answer;
	struct browser_failures *out;
};

static void
fail(struct judging *j, enum browser_code code, struct str subject)
{
	struct browser_failures *f = j->out;

	f->items[f->count++] = (struct browser_failure){code, subject,
	    j->answer->status};
}

/* Why an Access-Control-Allow-Origin is not that of the page. */
static enum browser_code
origin_code(const struct header_lines *lines, bool credentials)
{
	struct str value = lines->first->value;

	if (lines->count > 1 || (value.n > 0 &&
	    memchr(value.p, ',', value.n) != NULL))
		return CODE_ACAO_MULTIPLE;
	if (str_eq(value, STAR) && credentials)
		return CODE_ACAO_STAR_CREDENTIALS;
	for (size_t i = 0; i + 3 <= value.n; i++)
		if (memcmp(value.p + i, "://", 3) == 0)
			return CODE_ACAO_MISMATCH;
	return str_eq(value, STR("null")) ? CODE_ACAO_MISMATCH :
	    CODE_ACAO_INVALID;
}

static void
check_credentials(struct judging *j)
{
	struct header_lines lines = headers_find(&j->answer->headers,
	    ALLOW_CREDENTIALS);

	if (lines.count == 0)
		fail(j, CODE_ACAC_MISSING, STR(""));
	else if (lines.count > 1)
		fail(j, CODE_ACAC_INVALID, STR("true, true"));
	else if (!str_eq(lines.first->value, STR("true")))
		fail(j, CODE_ACAC_INVALID, lines.first->value);
}

static void
cors_check(struct judging *j)
{
	bool credentials = j->r->credentials;
	struct header_lines lines = headers_find(&j->answer->headers,
	    ALLOW_ORIGIN);

	if (lines.count == 0)
		fail(j, CODE_ACAO_MISSING, STR(""));
	else if (lines.count == 1 && !credentials &&
	    str_eq(lines.first->value, STAR))
		return;
	else if (lines.count > 1 || !str_eq(lines.first->value, j->r->origin))
		fail(j, origin_code(&lines, credentials), lines.first->value);
	else if (credentials)
		check_credentials(j);
}

/* ---- the preflight's answer (#cors-preflight-fetch-0) ------------------ */

static void
check_status(struct judging *j)
{
	static const int redirects[] = {301, 302, 303, 307, 308};
	int status = j->answer->status;
	enum browser_code code = CODE_STATUS;

	if (status >= 200 && status <= 299)
		return;
	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++)
		if (status == redirects[i])
			code = CODE_REDIRECT;
	fail(j, code, STR(""));
}

/* A '*' stands for every name, but is a literal with credentials. */
static bool
list_allows(const struct judging *j, struct str list, struct str name,
    enum list_case how)
{
	const struct headers *h = &j->answer->headers;

	return headers_list_has(h, list, name, how) ||
	    (!j->r->credentials && headers_list_has(h, list, STAR, how));
}

static void
check_method(struct judging *j, enum list_state methods)
{
	bool forced = j->r->flag != FLAG_NONE;

	if (methods == LIST_BAD || (methods == LIST_ABSENT && forced) ||
	    method_is_safelisted(j->r->method) ||
	    list_allows(j, ALLOW_METHODS, j->r->method, LIST_EXACT))
		return;
	fail(j, CODE_METHOD, j->r->method);
}

/* The standard holds '*' not to cover Authorization; no browser does so yet. */
static bool
is_non_wildcard(enum browser_profile profile, struct str name)
{
	return profile == BROWSER_SPEC &&
	    str_eq_fold(name, STR("authorization"));
}

static void
check_headers(struct judging *j, enum browser_profile profile,
    const struct browser_plan *plan)
{
	for (size_t i = 0; i < plan->nnames; i++)
		if (is_non_wildcard(profile, plan->names[i]) &&
		    !headers_list_has(&j->answer->headers, ALLOW_HEADERS,
		        plan->names[i], LIST_FOLD))
			fail(j, CODE_AUTHORIZATION, plan->names[i]);
	for (size_t i = 0; i < plan->nnames; i++)
		if (!is_non_wildcard(profile, plan->names[i]) &&
		    !list_allows(j, ALLOW_HEADERS, plan->names[i], LIST_FOLD))
			fail(j, CODE_HEADER, plan->names[i]);
}

/* Makes room for as many failures as there can be. */
static int
failures_init(struct browser_failures *f, size_t cap, struct arena *a)
{
	*f = (struct browser_failures){.cap = cap};
	f->items = arena_array(a, cap, sizeof(*f->items));
	return f->items != NULL ? 0 : -1;
}

int
browser_judge_preflight(enum browser_profile profile,
    const struct browser_request *r, const struct browser_plan *plan,
    const struct browser_answer *answer, struct arena *a,
    struct browser_failures *out)
{
	struct judging j = {r, answer, out};
	struct str bad;
	enum list_state methods, headers;

	if (failures_init(out, plan->nnames + CODE_COUNT, a) != 0)
		return -1;
	cors_check(&j);
	check_status(&j);
	methods = headers_list_state(&answer->headers, ALLOW_METHODS, &bad);
	if (methods == LIST_BAD)
		fail(&j, CODE_ACAM_SYNTAX, bad);
	headers = headers_list_state(&answer->headers, ALLOW_HEADERS, &bad);
	if (headers == LIST_BAD)
		fail(&j, CODE_ACAH_SYNTAX, bad);
	check_method(&j, methods);
	if (headers != LIST_BAD)
		check_headers(&j, profile, plan);
	return 0;
}

/* ---- the actual response (#concept-http-fetch) ------------------------- */

int
browser_judge_actual(const struct browser_request *r,
    const struct browser_answer *answer, struct arena *a,
    struct browser_failures *out)
{
	struct judging j = {r, answer, out};

	if (failures_init(out, CODE_COUNT, a) != 0)
		return -1;
	if (!str_eq(r->origin, r->url_origin))
		cors_check(&j);
	return 0;
}

/* #cors-safelisted-response-header-name */
static const char *const safelisted[] = {
	"cache-control", "content-language", "content-length", "content-type",
	"expires", "last-modified", "pragma",
};

enum { SAFELISTED = sizeof(safelisted) / sizeof(safelisted[0]) };

static bool
is_hidden(struct str name)
{
	return str_eq_fold(name, STR("set-cookie")) ||
	    str_eq_fold(name, STR("set-cookie2"));
}

static size_t
count_exposed(const struct headers *h)
{
	size_t count = 0;
	struct str name;

	for (size_t i = 0; i < h->count; i++) {
		struct str rest = h->items[i].value;

		if (str_eq_fold(h->items[i].name, EXPOSE_HEADERS))
			while (list_next(&rest, &name))
				count++;
	}
	return count;
}

static void
add_exposed(const struct headers *h, struct str *names,
    struct browser_readable *out)
{
	struct str name;

	for (size_t i = 0; i < h->count; i++) {
		struct str rest = h->items[i].value;

		if (!str_eq_fold(h->items[i].name, EXPOSE_HEADERS))
			continue;
		while (list_next(&rest, &name))
			if (!is_hidden(name) && !(out->all &&
			    str_eq(name, STAR)) && !browser_can_read(
			    &(struct browser_readable){names, out->count,
			        false}, name))
				names[out->count++] = name;
	}
}

int
browser_exposed(const struct browser_request *r,
    const struct browser_answer *answer, struct arena *a,
    struct browser_readable *out)
{
	const struct headers *h = &answer->headers;
	struct str bad, *names = arena_array(a, SAFELISTED + count_exposed(h),
	    sizeof(*names));
	bool good = headers_list_state(h, EXPOSE_HEADERS, &bad) == LIST_GOOD;

	*out = (struct browser_readable){.names = names};
	if (names == NULL)
		return -1;
	for (size_t i = 0; i < SAFELISTED; i++)
		names[out->count++] = str_of(safelisted[i]);
	if (str_eq(r->origin, r->url_origin)) {
		out->all = true;
	} else if (good) {
		out->all = !r->credentials &&
		    headers_list_has(h, EXPOSE_HEADERS, STAR, LIST_EXACT);
		add_exposed(h, names, out);
	}
	return 0;
}

bool
browser_can_read(const struct browser_readable *readable, struct str name)
{
	if (is_hidden(name))
		return false;
	for (size_t i = 0; i < readable->count; i++)
		if (str_eq_fold(readable->names[i], name))
			return true;
	return readable->all;
}
