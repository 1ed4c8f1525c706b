#include "config.h"

#include "browser/browser.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/field.h"
#include "unit.h"

enum { HEADERS_MAX = 16 };

/* ---- texts into requests and answers ----------------------------------- */

/* "Name: value" lines, separated by \n. */
struct parsed {
	struct header items[HEADERS_MAX];
	struct headers headers;
};

static void
parse(struct parsed *out, const char *text)
{
	size_t n = 0;

	while (text != NULL && *text != '\0') {
		const char *end = strchr(text, '\n');
		const char *colon = strstr(text, ": ");

		cr_assert(colon != NULL && n < HEADERS_MAX);
		if (end == NULL)
			end = text + strlen(text);
		out->items[n].name = (struct str){text,
		    (size_t)(colon - text)};
		out->items[n++].value = (struct str){colon + 2,
		    (size_t)(end - colon - 2)};
		text = *end == '\n' ? end + 1 : end;
	}
	out->headers = (struct headers){out->items, n};
}

/* The headers that a browser keeps of those that script sets. */
static void
parse_request(struct parsed *out, const char *text)
{
	struct parsed all;
	size_t n = 0;

	parse(&all, text);
	for (size_t i = 0; i < all.headers.count; i++)
		if (!browser_header_dropped(BROWSER_SPEC, &all.items[i]))
			out->items[n++] = all.items[i];
	out->headers = (struct headers){out->items, n};
}

static struct browser_request
request(const char *method, const struct parsed *headers)
{
	return (struct browser_request){.origin = STR("https://a.example"),
	    .url_origin = STR("https://b.example"),
	    .method = method_normalize(str_of(method)),
	    .headers = headers->headers};
}

/* The codes of failures, separated by spaces. */
static const char *
codes(const struct browser_failures *f, char *space, size_t size)
{
	struct buf b = {space, 0, size, false};

	for (size_t i = 0; i < f->count; i++) {
		if (i > 0)
			buf_char(&b, ' ');
		buf_add(&b, str_of(browser_code_name(f->items[i].code)));
	}
	return buf_cstr(&b);
}

/* ---- names ------------------------------------------------------------- */

Test(browser, names)
{
	for (int i = 0; i < BROWSER_COUNT; i++) {
		const char *name = browser_engines[i].name;

		cr_expect(browser_parse(str_of(name)) == i, "%s", name);
	}
	cr_expect(browser_parse(STR("chrome")) == -1);
	cr_expect(browser_parse(STR("")) == -1);
	for (int i = 0; i < CODE_COUNT; i++) {
		enum browser_code code = (enum browser_code)i;

		cr_expect(browser_code_name(code)[0] != '\0');
		cr_expect(strchr(browser_code_step(code), '.') != NULL);
	}
}

Test(browser, methods)
{
	static const struct {
		const char *given, *sent;
	} rows[] = {
		{"delete", "DELETE"}, {"Get", "GET"}, {"head", "HEAD"},
		{"options", "OPTIONS"}, {"pOsT", "POST"}, {"put", "PUT"},
		{"patch", "patch"}, {"Chicken", "Chicken"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect(str_eq(method_normalize(str_of(rows[i].given)),
		    str_of(rows[i].sent)), "%s", rows[i].given);
	cr_expect(method_is_forbidden(STR("connect")));
	cr_expect(method_is_forbidden(STR("Trace")));
	cr_expect(method_is_forbidden(STR("TRACK")));
	cr_expect(!method_is_forbidden(STR("PATCH")));
}

Test(browser, dropped_headers)
{
	static const struct {
		const char *name, *value;
		bool dropped;
	} rows[] = {
		{"Accept-Charset", "a", true}, {"accept-encoding", "a", true},
		{"Access-Control-Request-Headers", "a", true},
		{"Access-Control-Request-Method", "a", true},
		{"Connection", "a", true}, {"Content-Length", "1", true},
		{"Cookie", "a", true}, {"Cookie2", "a", true},
		{"Date", "a", true}, {"DNT", "1", true},
		{"Expect", "a", true}, {"Host", "a", true},
		{"Keep-Alive", "a", true}, {"Origin", "a", true},
		{"Referer", "a", true}, {"Set-Cookie", "a", true},
		{"TE", "a", true}, {"Trailer", "a", true},
		{"Transfer-Encoding", "a", true}, {"Upgrade", "a", true},
		{"Via", "a", true}, {"Proxy-", "a", true},
		{"proxy-authorization", "a", true}, {"Sec-Foo", "a", true},
		{"X-HTTP-Method", "TRACE", true},
		{"X-HTTP-Method-Override", "GET, track", true},
		{"x-method-override", " connect ", true},
		{"X-HTTP-Method", "PUT", false},
		{"X-HTTP-Method-Override", "TRACES", false},
		{"User-Agent", "a", false}, {"Authorization", "a", false},
		{"Secret", "a", false}, {"Proxy", "a", false},
		{"Access-Control-Allow-Origin", "*", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct header h = {str_of(rows[i].name),
		    str_of(rows[i].value)};

		cr_expect(browser_header_dropped(BROWSER_SPEC, &h) ==
		    rows[i].dropped,
		    "%s: %s", rows[i].name, rows[i].value);
	}
}

/* ---- safelisting ------------------------------------------------------- */

Test(browser, safelisted_headers)
{
	static const struct {
		const char *name, *value;
		enum trigger_why why;
	} rows[] = {
		{"Accept", "application/json", WHY_SAFE},
		{"Accept", "text/html; q=\"1\"", WHY_BYTE},
		{"Accept", "a\tb", WHY_SAFE}, {"Accept", "a\x01", WHY_BYTE},
		{"Accept", "a\x7f", WHY_BYTE}, {"Accept", "a\xe9", WHY_SAFE},
		{"Accept", "a(", WHY_BYTE}, {"Accept", "a)", WHY_BYTE},
		{"Accept", "a:", WHY_BYTE}, {"Accept", "a<", WHY_BYTE},
		{"Accept", "a>", WHY_BYTE}, {"Accept", "a?", WHY_BYTE},
		{"Accept", "a@", WHY_BYTE}, {"Accept", "a[", WHY_BYTE},
		{"Accept", "a\\", WHY_BYTE}, {"Accept", "a]", WHY_BYTE},
		{"Accept", "a{", WHY_BYTE}, {"Accept", "a}", WHY_BYTE},
		{"Accept", "", WHY_SAFE},
		{"Accept-Language", "de, en;q=0.9, *", WHY_SAFE},
		{"accept-language", "de_DE", WHY_LANGUAGE_BYTE},
		{"Content-Language", "de\t", WHY_LANGUAGE_BYTE},
		{"Content-Language", "\xc3\xa9", WHY_LANGUAGE_BYTE},
		{"Content-Type", "text/plain", WHY_SAFE},
		{"Content-Type", "text/plain;charset=UTF-8", WHY_SAFE},
		{"content-type", " TEXT/Plain ; x", WHY_SAFE},
		{"Content-Type", "multipart/form-data; boundary=x", WHY_SAFE},
		{"Content-Type", "application/x-www-form-urlencoded",
		    WHY_SAFE},
		{"Content-Type", "application/json", WHY_ESSENCE},
		{"Content-Type", "application/csp-report", WHY_ESSENCE},
		{"Content-Type", "text/plain; a=\"b\"", WHY_BYTE},
		{"Content-Type", "text", WHY_NO_MIME},
		{"Content-Type", "text/", WHY_NO_MIME},
		{"Content-Type", "/plain", WHY_NO_MIME},
		{"Content-Type", "", WHY_NO_MIME},
		{"Content-Type", "text/plain, text/plain", WHY_NO_MIME},
		{"Content-Type", "text /plain", WHY_NO_MIME},
		{"Range", "bytes=0-", WHY_SAFE},
		{"Range", "bytes=0-1023", WHY_SAFE},
		{"Range", "bytes=5-5", WHY_SAFE},
		{"Range", "bytes=0005-6", WHY_SAFE},
		{"Range", "bytes=9-0010", WHY_SAFE},
		{"Range", "bytes=99999999999999999998-99999999999999999999",
		    WHY_SAFE},
		{"Range", "bytes=99999999999999999999-99999999999999999998",
		    WHY_NO_RANGE},
		{"Range", "bytes=-500", WHY_RANGE_SUFFIX},
		{"Range", "bytes=5-4", WHY_NO_RANGE},
		{"Range", "bytes=-", WHY_NO_RANGE},
		{"Range", "bytes=", WHY_NO_RANGE},
		{"Range", "bytes=5", WHY_NO_RANGE},
		{"Range", "bytes = 0-1", WHY_NO_RANGE},
		{"Range", "bytes=0- 1", WHY_NO_RANGE},
		{"Range", "Bytes=0-1", WHY_NO_RANGE},
		{"Range", "bytes=0-1,3-4", WHY_NO_RANGE},
		{"Last-Event-ID", "1", WHY_NAME},
		{"DPR", "1", WHY_NAME}, {"Save-Data", "on", WHY_NAME},
		{"X-Requested-With", "XMLHttpRequest", WHY_NAME},
		{"User-Agent", "x", WHY_NAME},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct header h = {str_of(rows[i].name),
		    str_of(rows[i].value)};

		cr_expect(browser_header_why(BROWSER_SPEC, &h) == rows[i].why,
		    "%s: %s: %d", rows[i].name, rows[i].value,
		    browser_header_why(BROWSER_SPEC, &h));
	}
}

Test(browser, long_values)
{
	char value[129];
	struct header h = {STR("Accept"), {value, 128}};

	memset(value, 'a', sizeof(value));
	cr_expect(browser_header_why(BROWSER_SPEC, &h) == WHY_SAFE);
	h.value.n = 129;
	cr_expect(browser_header_why(BROWSER_SPEC, &h) == WHY_LONG);
	h.name = STR("X-A");
	cr_expect(browser_header_why(BROWSER_SPEC, &h) == WHY_NAME);
}

Test(browser, chromium_headers)
{
	static const struct {
		const char *name, *value;
		enum trigger_why why;
	} rows[] = {
		{"DPR", "2", WHY_SAFE}, {"dpr", "1.5", WHY_SAFE},
		{"DPR", "1.", WHY_NAME}, {"DPR", ".5", WHY_NAME},
		{"DPR", "1.5.2", WHY_NAME}, {"DPR", "-1", WHY_NAME},
		{"DPR", "", WHY_NAME}, {"DPR", "x", WHY_NAME},
		{"Device-Memory", "0.25", WHY_SAFE},
		{"Downlink", "1.5", WHY_SAFE}, {"RTT", "50", WHY_SAFE},
		{"RTT", "50.5", WHY_NAME}, {"Width", "640", WHY_SAFE},
		{"Width", "1.5", WHY_NAME}, {"Viewport-Width", "", WHY_NAME},
		{"Viewport-Width", "640", WHY_SAFE}, {"ECT", "4g", WHY_SAFE},
		{"ECT", "slow-2g", WHY_SAFE}, {"ECT", "2G", WHY_NAME},
		{"Save-Data", "On", WHY_SAFE}, {"Save-Data", "", WHY_NAME},
		{"Intervention", "\"(<", WHY_SAFE},
		{"Accept", "\"", WHY_BYTE}, {"X-A", "1", WHY_NAME},
	};
	struct header own = {STR("User-Agent"), STR("x")};
	char value[129];
	struct header h = {STR("Intervention"), {value, 129}};

	memset(value, 'a', sizeof(value));
	cr_expect(browser_header_why(BROWSER_CHROMIUM, &h) == WHY_LONG);
	for (size_t i = 0; i < COUNT(rows); i++) {
		h = (struct header){str_of(rows[i].name),
		    str_of(rows[i].value)};
		cr_expect(browser_header_why(BROWSER_CHROMIUM, &h) ==
		    rows[i].why, "%s: %s", rows[i].name, rows[i].value);
	}
	cr_expect(browser_header_dropped(BROWSER_CHROMIUM, &own));
	cr_expect(!browser_header_dropped(BROWSER_SPEC, &own));
}

Test(browser, joined_lines)
{
	const struct header items[] = {{STR("Accept"), STR("a/b")},
	    {STR("X-A"), STR("")}, {STR("accept"), STR("c/d")},
	    {STR("x-a"), STR("1")}};
	const struct headers h = {items, COUNT(items)}, none = {NULL, 0};
	struct headers joined;
	struct arena a = {NULL};

	cr_assert(headers_join(&h, &a, &joined) == 0);
	cr_assert(joined.count == 2);
	cr_expect(str_eq(joined.items[0].name, STR("Accept")));
	cr_expect(str_eq(joined.items[0].value, STR("a/b, c/d")));
	cr_expect(str_eq(joined.items[1].value, STR(", 1")));
	cr_assert(headers_join(&none, &a, &joined) == 0);
	cr_expect(joined.count == 0);
	arena_clear(&a);
}

/* Every line counts, also of one name. */
Test(browser, sum_of_values)
{
	char value[128];
	struct header items[10];
	struct browser_request r = {.origin = STR("https://a.example"),
	    .url_origin = STR("https://b.example"), .method = STR("GET"),
	    .headers = {items, 9}};
	struct browser_plan plan;
	struct arena a = {NULL};

	memset(value, 'a', sizeof(value));
	for (size_t i = 0; i < 8; i++)
		items[i] = (struct header){i % 2 == 0 ? STR("Accept") :
		    STR("Accept-Language"), {value, 128}};
	items[8] = (struct header){STR("Content-Language"), {value, 0}};
	items[9] = (struct header){STR("X-A"), {value, 10}};
	cr_assert(browser_plan(BROWSER_SPEC, &r, &a, &plan) == 0);
	cr_expect(!plan.preflight, "1024 bytes");
	items[8].value.n = 1;
	cr_assert(browser_plan(BROWSER_SPEC, &r, &a, &plan) == 0);
	cr_expect(plan.preflight, "1025 bytes");
	cr_expect(str_eq(plan.joined,
	    STR("accept,accept-language,content-language")));
	cr_expect(plan.ntriggers == 3);
	cr_expect(plan.triggers[0].kind == TRIGGER_VALUE);
	cr_expect(plan.triggers[0].why == WHY_SUM);
	/* What is unsafe by itself does not count into the sum. */
	items[8].value.n = 0;
	r.headers.count = 10;
	cr_assert(browser_plan(BROWSER_SPEC, &r, &a, &plan) == 0);
	cr_expect(str_eq(plan.joined, STR("x-a")));
	arena_clear(&a);
}

/* ---- the plan ---------------------------------------------------------- */

static const struct {
	const char *about, *method, *headers;
	enum browser_flag flag;
	bool preflight;
	const char *joined, *kinds;
} plans[] = {
	{"GET", "GET", NULL, FLAG_NONE, false, "", ""},
	{"POST text/plain", "POST", "Content-Type: text/plain;charset=UTF-8",
	    FLAG_NONE, false, "", ""},
	{"POST JSON", "POST", "Content-Type: application/json", FLAG_NONE,
	    true, "content-type", "value"},
	{"POST with an unsafe parameter", "POST",
	    "Content-Type: text/plain; a=\"b\"", FLAG_NONE, true,
	    "content-type", "value"},
	{"PUT", "PUT", NULL, FLAG_NONE, true, "", "method"},
	{"put is PUT", "put", NULL, FLAG_NONE, true, "", "method"},
	{"patch", "patch", NULL, FLAG_NONE, true, "", "method"},
	{"OPTIONS by script", "OPTIONS", NULL, FLAG_NONE, true, "", "method"},
	{"HEAD with a header", "HEAD", "X-A: 1", FLAG_NONE, true, "x-a",
	    "header"},
	{"sorted, in lower case, once", "GET",
	    "X-B: 1\nAuthorization: x\nX-A: 1\nx-b: 2\nX-AA: 1", FLAG_NONE,
	    true, "authorization,x-a,x-aa,x-b",
	    "header header header header"},
	{"what is dropped", "GET",
	    "X-A: 1\nCookie: a\nSec-Foo: a\nProxy-X: a", FLAG_NONE, true,
	    "x-a", "header"},
	{"only what is dropped", "GET", "Cookie: a", FLAG_NONE, false, "",
	    ""},
	{"upload listener", "POST", NULL, FLAG_UPLOAD_LISTENER, true, "",
	    "flag"},
	{"stream", "POST", NULL, FLAG_STREAM, true, "", "flag"},
	{"all kinds", "PUT", "X-A: 1\nContent-Type: a/b", FLAG_STREAM, true,
	    "content-type,x-a", "method flag header value"},
	{"a header safe and unsafe", "GET",
	    "Accept: a\nAccept: a:\nAccept: b", FLAG_NONE, true, "accept",
	    "value"},
};

Test(browser, plan)
{
	for (size_t i = 0; i < COUNT(plans); i++) {
		char space[128];
		struct buf kinds = BUF(space);
		struct parsed headers;
		struct browser_request r;
		struct browser_plan plan;
		struct arena a = {NULL};

		parse_request(&headers, plans[i].headers);
		r = request(plans[i].method, &headers);
		r.flag = plans[i].flag;
		cr_assert(browser_plan(BROWSER_SPEC, &r, &a, &plan) == 0);
		for (size_t k = 0; k < plan.ntriggers; k++) {
			if (k > 0)
				buf_char(&kinds, ' ');
			buf_add(&kinds, str_of(trigger_kind_name(
			    plan.triggers[k].kind)));
		}
		cr_expect(plan.cors && plan.preflight == plans[i].preflight,
		    "%s", plans[i].about);
		cr_expect(str_eq(plan.joined, str_of(plans[i].joined)),
		    "%s: %.*s", plans[i].about, STR_ARG(plan.joined));
		cr_expect_str_eq(buf_cstr(&kinds), plans[i].kinds, "%s",
		    plans[i].about);
		r.url_origin = r.origin;
		cr_assert(browser_plan(BROWSER_SPEC, &r, &a, &plan) == 0);
		cr_expect(!plan.cors && !plan.preflight, "%s, same origin",
		    plans[i].about);
		arena_clear(&a);
	}
}

Test(browser, triggers_in_words)
{
	static const struct trigger rows[] = {
		{TRIGGER_METHOD, WHY_METHOD, {"PUT", 3}, {"", 0}},
		{TRIGGER_VALUE, WHY_BYTE, {"accept", 6}, {"\x1b[1m:", 5}},
	};
	char space[256];
	struct buf b = BUF(space);

	trigger_explain(&rows[0], &b);
	cr_expect_str_eq(buf_cstr(&b), "PUT is not GET, HEAD or POST");
	b = BUF(space);
	trigger_explain(&rows[1], &b);
	cr_expect_str_eq(buf_cstr(&b), "'\\x1b[1m:' has a control character "
	    "or one of \"():<>?@[\\]{}");
}

/* ---- the preflight's answer -------------------------------------------- */

#define ORIGIN "Access-Control-Allow-Origin: https://a.example"
#define STAR "Access-Control-Allow-Origin: *"
#define CREDENTIALS "\nAccess-Control-Allow-Credentials: true"
#define METHODS "\nAccess-Control-Allow-Methods: "
#define HEADERS "\nAccess-Control-Allow-Headers: "

static const struct answer_row {
	const char *about, *method, *headers;
	bool credentials;
	enum browser_flag flag;
	int status;
	const char *answer, *spec;
} answers[] = {
	{"put is normalized", "put", NULL, false, FLAG_NONE, 204,
	    ORIGIN METHODS "PUT", ""},
	{"patch is not", "patch", NULL, false, FLAG_NONE, 204,
	    ORIGIN METHODS "PATCH", "method"},
	{"stars", "PUT", NULL, false, FLAG_NONE, 204, STAR METHODS "*", ""},
	{"a star in a list", "PUT", NULL, false, FLAG_NONE, 204,
	    STAR METHODS "GET, *", ""},
	{"a star with credentials is a literal", "PUT", NULL, true, FLAG_NONE,
	    204, ORIGIN CREDENTIALS METHODS "*", "method"},
	{"a method of that name", "*", NULL, true, FLAG_NONE, 204,
	    ORIGIN CREDENTIALS METHODS "*", ""},
	{"star origin with credentials", "PUT", NULL, true, FLAG_NONE, 204,
	    STAR CREDENTIALS METHODS "PUT", "acao-star-credentials"},
	{"header in other case", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    STAR HEADERS "X-A", ""},
	{"a star among headers", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    STAR HEADERS "*", ""},
	{"with credentials it is none", "GET", "x-a: 1", true, FLAG_NONE, 204,
	    ORIGIN CREDENTIALS HEADERS "*", "header"},
	{"authorization under a star", "GET", "x-a: 1\nauthorization: b",
	    false, FLAG_NONE, 204, STAR HEADERS "*", "authorization"},
	{"authorization beside it", "GET", "x-a: 1\nauthorization: b",
	    false, FLAG_NONE, 204, STAR HEADERS "*, Authorization", ""},
	{"authorization by name, credentials", "GET", "authorization: b",
	    true, FLAG_NONE, 204, ORIGIN CREDENTIALS HEADERS "AUTHORIZATION",
	    ""},
	{"headers without commas", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    STAR HEADERS "x-a x-b", "acah-syntax"},
	{"methods with a semicolon", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    STAR HEADERS "x-a" METHODS "GET, PUT;", "acam-syntax"},
	{"two lines of the origin", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    STAR "\n" STAR HEADERS "x-a", "acao-multiple"},
	{"two origins in a line", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    ORIGIN ", https://b.example" HEADERS "x-a", "acao-multiple"},
	{"a slash behind the origin", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    ORIGIN "/" HEADERS "x-a", "acao-mismatch"},
	{"null for an origin", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    "Access-Control-Allow-Origin: null" HEADERS "x-a",
	    "acao-mismatch"},
	{"true for an origin", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    "Access-Control-Allow-Origin: true" HEADERS "x-a",
	    "acao-invalid"},
	{"no origin", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    "Vary: Origin" HEADERS "x-a", "acao-missing"},
	{"credentials True", "GET", "x-a: 1", true, FLAG_NONE, 204,
	    ORIGIN HEADERS "x-a\nAccess-Control-Allow-Credentials: True",
	    "acac-invalid"},
	{"credentials twice", "GET", "x-a: 1", true, FLAG_NONE, 204,
	    ORIGIN HEADERS "x-a" CREDENTIALS CREDENTIALS, "acac-invalid"},
	{"no credentials", "GET", "x-a: 1", true, FLAG_NONE, 204,
	    ORIGIN HEADERS "x-a", "acac-missing"},
	{"credentials do not matter without", "GET", "x-a: 1", false,
	    FLAG_NONE, 204,
	    ORIGIN HEADERS "x-a\nAccess-Control-Allow-Credentials: no", ""},
	{"redirect", "DELETE", NULL, false, FLAG_NONE, 302,
	    ORIGIN METHODS "DELETE", "redirect"},
	{"200", "DELETE", NULL, false, FLAG_NONE, 200,
	    ORIGIN METHODS "DELETE", ""},
	{"299", "DELETE", NULL, false, FLAG_NONE, 299,
	    ORIGIN METHODS "DELETE", ""},
	{"300", "DELETE", NULL, false, FLAG_NONE, 300,
	    ORIGIN METHODS "DELETE", "status"},
	{"304", "DELETE", NULL, false, FLAG_NONE, 304,
	    ORIGIN METHODS "DELETE", "status"},
	{"308", "DELETE", NULL, false, FLAG_NONE, 308,
	    ORIGIN METHODS "DELETE", "redirect"},
	{"401", "DELETE", NULL, false, FLAG_NONE, 401,
	    ORIGIN METHODS "DELETE", "status"},
	{"forced, no list", "POST", NULL, false, FLAG_UPLOAD_LISTENER, 204,
	    STAR, ""},
	{"forced, no list, other method", "PUT", NULL, false, FLAG_STREAM,
	    204, STAR, ""},
	{"forced, empty list", "PUT", NULL, false, FLAG_STREAM, 204,
	    STAR METHODS "", "method"},
	{"empty elements", "GET", "x-a: 1", false, FLAG_NONE, 204,
	    STAR HEADERS ",, x-a ,", ""},
	{"several lines", "GET", "x-a: 1\nx-b: 1", false, FLAG_NONE, 204,
	    STAR HEADERS "x-b" HEADERS "x-a", ""},
	{"OPTIONS by script", "OPTIONS", NULL, false, FLAG_NONE, 204,
	    STAR METHODS "GET, PUT", "method"},
	{"HEAD needs no list", "HEAD", "x-a: 1", false, FLAG_NONE, 204,
	    STAR HEADERS "x-a", ""},
	{"methods by bytes", "CHICKEN", NULL, false, FLAG_NONE, 204,
	    STAR METHODS "chicken", "method"},
	{"what is dropped needs none", "GET", "x-a: 1\nCookie: a\nSec-A: b",
	    false, FLAG_NONE, 204, STAR HEADERS "x-a", ""},
	{"all at once", "PUT", "x-a: 1\nx-b: 1\nauthorization: c", true,
	    FLAG_NONE, 403, "Vary: Origin",
	    "acao-missing status method authorization header header"},
};

static const char *
judged(const struct answer_row *row, enum browser_profile profile,
    char *space, size_t size)
{
	struct parsed headers, fields;
	struct browser_request r;
	struct browser_plan plan;
	struct browser_failures failures;
	struct arena a = {NULL};
	const char *found;

	parse_request(&headers, row->headers);
	parse(&fields, row->answer);
	r = request(row->method, &headers);
	r.credentials = row->credentials;
	r.flag = row->flag;
	cr_assert(browser_plan(BROWSER_SPEC, &r, &a, &plan) == 0);
	cr_expect(plan.preflight, "%s", row->about);
	cr_assert(browser_judge_preflight(profile, &r, &plan,
	    &(struct browser_answer){row->status, fields.headers}, &a,
	    &failures) == 0);
	for (size_t i = 0; i < failures.count; i++) {
		char text[512];
		struct buf b = BUF(text);

		browser_failure_explain(&failures.items[i], &r, &b);
		cr_expect(b.n > 10 && !b.full, "%s", row->about);
	}
	found = codes(&failures, space, size);
	arena_clear(&a);
	return found;
}

Test(browser, answers)
{
	char space[256];

	for (size_t i = 0; i < COUNT(answers); i++)
		cr_expect_str_eq(judged(&answers[i], BROWSER_SPEC, space,
		    sizeof(space)), answers[i].spec, "%s: %s",
		    answers[i].about, space);
}

/* Only the Authorization rule differs. */
Test(browser, engines)
{
	char space[256];

	for (size_t i = 0; i < COUNT(answers); i++)
		for (int p = BROWSER_CHROMIUM; p < BROWSER_COUNT; p++) {
			const char *wanted = answers[i].spec;

			if (strcmp(wanted, "authorization") == 0)
				wanted = "";
			if (strstr(wanted, "authorization") != NULL)
				wanted = "acao-missing status method header "
				    "header header";
			cr_expect_str_eq(judged(&answers[i],
			    (enum browser_profile)p, space, sizeof(space)),
			    wanted, "%s: %s", answers[i].about, space);
		}
}

/* ---- the actual response ----------------------------------------------- */

static size_t
exposed(const char *answer, bool credentials, const char *name, bool *all,
    bool *can)
{
	struct parsed headers, fields;
	struct browser_request r;
	struct browser_readable readable;
	struct arena a = {NULL};

	parse(&headers, NULL);
	parse(&fields, answer);
	r = request("GET", &headers);
	r.credentials = credentials;
	cr_assert(browser_exposed(&r, &(struct browser_answer){200,
	    fields.headers}, &a, &readable) == 0);
	*all = readable.all;
	*can = browser_can_read(&readable, str_of(name));
	arena_clear(&a);
	return readable.count;
}

Test(browser, exposure)
{
	static const struct {
		const char *answer, *name;
		bool credentials, can, all;
		size_t count;
	} rows[] = {
		{"", "x-total", false, false, false, 7},
		{"", "Content-Type", false, true, false, 7},
		{"Access-Control-Expose-Headers: X-Total", "x-total", false,
		    true, false, 8},
		{"Access-Control-Expose-Headers: X-Total, x-total, pragma",
		    "x-total", false, true, false, 8},
		{"Access-Control-Expose-Headers: *", "x-total", false, true,
		    true, 7},
		{"Access-Control-Expose-Headers: *", "set-cookie", false,
		    false, true, 7},
		{"Access-Control-Expose-Headers: *", "x-total", true, false,
		    false, 8},
		{"Access-Control-Expose-Headers: Set-Cookie", "set-cookie",
		    false, false, false, 7},
		{"Access-Control-Expose-Headers: x total", "x", false, false,
		    false, 7},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool all, can;
		size_t count = exposed(rows[i].answer, rows[i].credentials,
		    rows[i].name, &all, &can);

		cr_expect(count == rows[i].count, "%s: %zu", rows[i].answer,
		    count);
		cr_expect(all == rows[i].all && can == rows[i].can,
		    "%s, %s", rows[i].answer, rows[i].name);
	}
}

Test(browser, actual)
{
	char space[64];
	struct parsed headers, fields;
	struct browser_request r;
	struct browser_failures failures;
	struct arena a = {NULL};

	parse(&headers, NULL);
	r = request("GET", &headers);
	parse(&fields, ORIGIN);
	cr_assert(browser_judge_actual(&r, &(struct browser_answer){500,
	    fields.headers}, &a, &failures) == 0);
	cr_expect(failures.count == 0, "the status does not matter");
	parse(&fields, "Vary: Origin");
	cr_assert(browser_judge_actual(&r, &(struct browser_answer){200,
	    fields.headers}, &a, &failures) == 0);
	cr_expect_str_eq(codes(&failures, space, sizeof(space)),
	    "acao-missing");
	/* The second host of a redirect from site to site sees null. */
	r.origin = STR("null");
	parse(&fields, ORIGIN);
	cr_assert(browser_judge_actual(&r, &(struct browser_answer){200,
	    fields.headers}, &a, &failures) == 0);
	cr_expect_str_eq(codes(&failures, space, sizeof(space)),
	    "acao-mismatch");
	arena_clear(&a);
}

/* ---- the cache --------------------------------------------------------- */

Test(browser, max_age)
{
	static const struct {
		const char *answer;
		unsigned long spec, chromium, firefox, webkit;
	} rows[] = {
		{"", 5, 5, 5, 5},
		{"Access-Control-Max-Age: 0", 0, 0, 0, 0},
		{"Access-Control-Max-Age: 600", 600, 600, 600, 600},
		{"Access-Control-Max-Age: 0600", 600, 600, 600, 600},
		{"Access-Control-Max-Age: -1", 5, 0, 0, 0},
		{"Access-Control-Max-Age: 86400000", 86400000, 7200, 86400,
		    600},
		{"Access-Control-Max-Age: 999999999999999999999999999999",
		    ULONG_MAX, 7200, 86400, 600},
		{"Access-Control-Max-Age: 600, 600", 5, 5, 0, 5},
		{"Access-Control-Max-Age: 600\nAccess-Control-Max-Age: 600",
		    5, 5, 0, 5},
		{"Access-Control-Max-Age: 10m", 5, 5, 0, 5},
		{"Access-Control-Max-Age: +600", 5, 5, 0, 5},
		{"Access-Control-Max-Age: 600.0", 5, 5, 0, 5},
		{"Access-Control-Max-Age: ", 5, 5, 0, 5},
		{"Access-Control-Max-Age: -", 5, 5, 0, 5},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const unsigned long wanted[] = {rows[i].spec,
		    rows[i].chromium, rows[i].firefox, rows[i].webkit};
		struct parsed fields;

		parse(&fields, rows[i].answer);
		for (int p = 0; p < BROWSER_COUNT; p++) {
			unsigned long got = browser_max_age(
			    (enum browser_profile)p, &(struct browser_answer){
			        204, fields.headers});
			cr_expect(got == wanted[p], "%s, %s: %lu",
			    rows[i].answer,
			    browser_engines[p].name, got);
		}
	}
}

static const struct cache_row {
	const char *about, *first, *first_headers;
	bool first_credentials;
	enum browser_flag flag;
	const char *answer, *second, *second_headers;
	bool second_credentials, spec, firefox;
} cached[] = {
	{"the same", "PUT", "X-A: 1", false, FLAG_NONE,
	    STAR METHODS "PUT" HEADERS "x-a", "PUT", "x-A: 2", false, true,
	    true},
	{"another listed method", "PUT", NULL, false, FLAG_NONE,
	    STAR METHODS "PUT, DELETE", "DELETE", NULL, false, true, true},
	{"another method", "PUT", NULL, false, FLAG_NONE,
	    STAR METHODS "PUT", "DELETE", NULL, false, false, false},
	{"a star", "PUT", "X-A: 1", false, FLAG_NONE,
	    STAR METHODS "*" HEADERS "*", "DELETE", "X-B: 1", false, true,
	    false},
	{"a star and Authorization", "PUT", NULL, false, FLAG_NONE,
	    STAR METHODS "*" HEADERS "*", "GET", "Authorization: b", false,
	    false, false},
	{"with credentials for without", "PUT", NULL, true, FLAG_NONE,
	    ORIGIN CREDENTIALS METHODS "PUT", "PUT", NULL, false, true, true},
	{"without for with", "PUT", NULL, false, FLAG_NONE,
	    ORIGIN METHODS "PUT", "PUT", NULL, true, false, false},
	{"no header listed", "GET", "X-A: 1", false, FLAG_NONE,
	    STAR HEADERS "x-a", "GET", "X-B: 1", false, false, false},
	{"HEAD", "GET", "X-A: 1", false, FLAG_NONE, STAR HEADERS "x-a",
	    "HEAD", "X-A: 1", false, true, false},
	{"forced, no list", "POST", NULL, false, FLAG_STREAM, STAR, "POST",
	    NULL, false, true, true},
	{"forced, empty list", "POST", NULL, false, FLAG_STREAM,
	    STAR METHODS "", "POST", NULL, false, false, false},
	{"kept for no time", "PUT", NULL, false, FLAG_NONE,
	    STAR METHODS "PUT\nAccess-Control-Max-Age: 0", "PUT", NULL,
	    false, false, false},
};

static bool
covers(const struct cache_row *row, enum browser_profile profile)
{
	struct parsed first, second, fields;
	struct browser_request earlier, later;
	struct browser_plan plan;
	struct arena a = {NULL};
	bool covered;

	parse(&first, row->first_headers);
	parse(&second, row->second_headers);
	parse(&fields, row->answer);
	earlier = request(row->first, &first);
	earlier.credentials = row->first_credentials;
	later = request(row->second, &second);
	later.credentials = row->second_credentials;
	earlier.flag = later.flag = row->flag;
	cr_assert(browser_plan(BROWSER_SPEC, &later, &a, &plan) == 0);
	covered = browser_cache_covers(profile, &earlier,
	    &(struct browser_answer){204, fields.headers}, &later, &plan);
	arena_clear(&a);
	return covered;
}

Test(browser, cache)
{
	for (size_t i = 0; i < COUNT(cached); i++) {
		cr_expect(covers(&cached[i], BROWSER_SPEC) == cached[i].spec,
		    "%s", cached[i].about);
		cr_expect(covers(&cached[i], BROWSER_FIREFOX) ==
		    cached[i].firefox, "%s, Firefox", cached[i].about);
	}
}
