#include "config.h"

#include "conf_test.h"

#include "buf.h"
#include "conf_keys.h"
#include "field.h"
#include "preflight.h"
#include "target.h"

/* ---- the keys ---------------------------------------------------------- */

/* Stores a copy of v.  Returns 0, or -1 without memory. */
static int
keep(struct conf *c, struct str *out, struct str v)
{
	*out = arena_str(c->kept, v);
	return out->p != NULL ? 0 : -1;
}

/* 1 to 5 digits that are a port. */
static bool
is_port(struct str s)
{
	unsigned long port = 0;

	if (s.n == 0 || s.n > 5)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		port = port * 10 + (unsigned long)(s.p[i] - '0');
	}
	return port > 0 && port <= 65535;
}

/* host[:port], as a browser puts it into the Host field. */
static bool
is_authority(struct str s)
{
	char host[TARGET_HOST_MAX];
	size_t n = s.n, len;

	while (n > 0 && s.p[n - 1] != ':' && s.p[n - 1] != ']')
		n--;
	if (n > 0 && s.p[n - 1] == ':') {
		if (!is_port(str_from(s, n)))
			return false;
		s.n = n - 1;
	}
	return host_normalize(s, host, &len) == HOST_GOOD;
}

/* What is wrong with the URL of a request, or NULL and its parts. */
static const char *
split_url(struct str url, struct str *scheme, struct str *authority,
    struct str *path)
{
	size_t n = 0;

	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] >= 0x7f)
			return "has a byte that browsers encode";
	if (str_starts(url, STR("https://")))
		n = 5;
	else if (str_starts(url, STR("http://")))
		n = 4;
	else
		return "does not begin with http:// or https://";
	*scheme = (struct str){url.p, n};
	url = str_from(url, n + 3);
	n = str_find_any(url, "/?#");
	*authority = (struct str){url.p, n};
	*path = str_from(url, n);
	if (str_find_any(*path, "#") < path->n)
		return "has a fragment, which browsers do not send";
	if (!is_authority(*authority))
		return "has no good host or port";
	return NULL;
}

/* The request target: a path is never empty. */
static int
keep_target(struct conf *c, struct section *s, struct str path)
{
	char *p;

	if (path.n > 0 && path.p[0] == '/')
		return keep(c, &s->test.uri, path);
	p = arena_alloc(c->kept, path.n + 1);
	if (p == NULL)
		return -1;
	p[0] = '/';
	if (path.n > 0)
		memcpy(p + 1, path.p, path.n);
	s->test.uri = (struct str){p, path.n + 1};
	return 0;
}

int
conf_test_set_request(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct str method = {v.p, str_find_any(v, " \t")};
	struct str url = str_from(v, method.n), scheme, authority, path;
	const char *wrong;
	struct shown shown;

	while (url.n > 0 && (url.p[0] == ' ' || url.p[0] == '\t'))
		url = str_from(url, 1);
	if (url.n == 0 || !token_valid(method))
		wrong = "is no method and URL";
	else
		wrong = split_url(url, &scheme, &authority, &path);
	if (wrong != NULL) {
		diag_add(c->d, DIAG_ERROR, at, "test-request",
		    "write a method and a URL: "
		    "PUT https://api.example.com/v1/items",
		    "request '%s' %s", buf_shown(&shown, v), wrong);
		return 0;
	}
	if (keep(c, &s->test.method, method_normalize(method)) != 0 ||
	    keep(c, &s->test.scheme, scheme) != 0 ||
	    keep(c, &s->test.host, authority) != 0)
		return -1;
	return keep_target(c, s, path);
}

int
conf_test_header_check(struct str name, struct diag *d, struct place at)
{
	struct shown shown;

	if (token_valid(name))
		return 0;
	diag_add(d, DIAG_ERROR, at, "test-header",
	    "write the names of headers, without values",
	    "invalid header name '%s'", buf_shown(&shown, name));
	return -1;
}

int
conf_test_set_expect(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	char text[256];
	struct buf hint = BUF(text);
	struct shown shown;

	if (reason_parse(v) >= 0 || str_eq(v, STR("credentials")))
		return keep(c, &s->test.expect, v);
	buf_add(&hint, STR("write one of "));
	for (int i = 0; i < REASON_COUNT; i++) {
		buf_add(&hint, str_of(reason_name((enum reason)i)));
		buf_add(&hint, STR(", "));
	}
	buf_add(&hint, STR("credentials"));
	diag_add(c->d, DIAG_ERROR, at, "test-expect", buf_cstr(&hint),
	    "invalid value '%s' of expect", buf_shown(&shown, v));
	return 0;
}

/* ---- before they run --------------------------------------------------- */

static const struct section *
find_policy(const struct conf *c, struct str name)
{
	const struct section *s = c->sections;

	while (s != NULL &&
	    (s->kind != SECTION_POLICY || !str_eq(s->name, name)))
		s = s->next;
	return s;
}

static void
check_test(struct conf *c, const struct section *s)
{
	static const enum test_key required[] = {
		TEST_REQUEST, TEST_ORIGIN, TEST_EXPECT,
	};
	size_t count;
	const struct conf_key *keys = conf_keys(SECTION_TEST, &count);
	struct shown shown;

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!s->set[required[i]] && !s->damaged)
			diag_add(c->d, DIAG_ERROR, s->at, "test-incomplete",
			    "a test has request, origin and expect",
			    "test '%.*s' has no %s", STR_ARG(s->name),
			    keys[required[i]].name);
	if (s->test.policy.n > 0 && find_policy(c, s->test.policy) == NULL)
		diag_add(c->d, DIAG_ERROR, s->value_at[TEST_POLICY],
		    "test-policy", "name a policy of this file",
		    "there is no policy '%s'",
		    buf_shown(&shown, s->test.policy));
}

void
conf_tests_check(struct conf *c)
{
	for (const struct section *s = c->sections; s != NULL; s = s->next)
		if (s->kind == SECTION_TEST)
			check_test(c, s);
}

/* ---- running ----------------------------------------------------------- */

/* The names as browsers join them, or p NULL without memory. */
static struct str
join_headers(struct conf *c, const struct names *list)
{
	size_t n = 1;
	struct buf b;

	for (size_t i = 0; i < list->count; i++)
		n += list->items[i].name.n + 1;
	b = (struct buf){arena_alloc(&c->scratch, n), 0, n, false};
	if (b.p == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_char(&b, ',');
		buf_add(&b, list->items[i].name);
	}
	return buf_str(&b);
}

static void
report_failure(struct conf *c, const struct section *s,
    const struct request *r, const struct decision *d, const char *got)
{
	const struct conf_test *t = &s->test;
	char why[512], where[512];
	struct buf w = BUF(why), h = BUF(where);
	struct place at;

	preflight_explain(r, d, &w);
	if (d->policy == NULL) {
		buf_add(&h, STR("no policy decided"));
	} else {
		at = preflight_place(d);
		buf_add(&h, STR("decided by policy '"));
		buf_add(&h, d->policy->name);
		buf_add(&h, STR("' at "));
		buf_add(&h, str_of(diag_file_name(c->d, at.file)));
		buf_char(&h, ':');
		buf_uint(&h, at.line);
	}
	(void)buf_cstr(&w);
	if (str_eq(t->expect, str_of(got)))
		diag_add(c->d, DIAG_ERROR, s->value_at[TEST_EXPECT],
		    "test-failed", buf_cstr(&h),
		    "test '%.*s' expects policy '%.*s' to decide, got '%.*s'",
		    STR_ARG(s->name), STR_ARG(t->policy), d->policy != NULL ?
		    (int)d->policy->name.n : 4, d->policy != NULL ?
		    d->policy->name.p : "none");
	else
		diag_add(c->d, DIAG_ERROR, s->value_at[TEST_EXPECT],
		    "test-failed", buf_cstr(&h),
		    "test '%.*s' expects '%.*s', got '%s'%s%s",
		    STR_ARG(s->name), STR_ARG(t->expect), got,
		    w.n > 0 ? ": " : "", why);
}

/* Whether the test passes; the request is the preflight that a browser would
 * send, even where it would send none. */
static bool
run(struct conf *c, const struct section *s, struct str headers)
{
	const struct conf_test *t = &s->test;
	struct request r;
	struct decision d;
	const char *got;

	request_init(&r);
	request_param(&r, STR("REQUEST_METHOD"), STR("OPTIONS"));
	request_param(&r, STR("HTTP_ORIGIN"), t->origin);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
	    t->method);
	request_param(&r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"), headers);
	request_param(&r, STR("HTTP_HOST"), t->host);
	request_param(&r, STR("REQUEST_URI"), t->uri);
	preflight_decide(c->set, &r, &d);
	got = reason_name(d.reason);
	if (d.reason == REASON_ALLOWED && t->credentials &&
	    !d.policy->credentials)
		got = "credentials";
	if (str_eq(t->expect, str_of(got)) && (t->policy.n == 0 ||
	    (d.policy != NULL && str_eq(t->policy, d.policy->name))))
		return true;
	report_failure(c, s, &r, &d, got);
	return false;
}

static size_t
tests_count(const struct conf *c)
{
	size_t n = 0;

	for (const struct section *s = c->sections; s != NULL; s = s->next)
		n += s->kind == SECTION_TEST;
	return n;
}

/* Copies what the section says to *out, for as long as the policies last.
 * Returns 0, or -1 without memory. */
static int
keep_test(struct conf *c, const struct section *s, struct conf_test *out)
{
	const struct names *list = &s->lists[TEST_HEADERS];
	struct field_item *headers = arena_array(c->kept, list->count,
	    sizeof(*headers));

	if (headers == NULL)
		return -1;
	if (list->count > 0)
		memcpy(headers, list->items, list->count * sizeof(*headers));
	*out = s->test;
	out->name = s->name;
	out->headers = headers;
	out->nheaders = list->count;
	return 0;
}

int
conf_tests_run(struct conf *c, struct conf_tests *out)
{
	struct conf_tests done = {.run = 0};
	struct conf_test *tests = arena_array(c->kept, tests_count(c),
	    sizeof(*tests));

	if (tests == NULL)
		return -1;
	done.tests = tests;
	for (const struct section *s = c->sections; s != NULL; s = s->next) {
		struct str headers;

		if (s->kind != SECTION_TEST)
			continue;
		headers = join_headers(c, &s->lists[TEST_HEADERS]);
		if (headers.p == NULL ||
		    keep_test(c, s, &tests[done.run]) != 0)
			return -1;
		done.run++;
		if (!run(c, s, headers))
			done.failed++;
	}
	if (out != NULL)
		*out = done;
	return 0;
}
