#include "config.h"

#include "conf/conf_impl.h"

#include "base/buf.h"
#include "browser/policy_query.h"
#include "core/field.h"
#include "core/preflight.h"

/* ---- the keys ---------------------------------------------------------- */

/* Stores a copy of v.  Returns 0, or -1 without memory. */
static int
keep(struct conf *c, struct str *out, struct str v)
{
	*out = arena_str(c->kept, v);
	return out->p != NULL ? 0 : -1;
}

/* Reports what is wrong with the URL of a request, as explain says it. */
static int
refuse_url(struct conf *c, struct str url, struct place at)
{
	struct diag *why = diag_new();
	const struct diag_item *items;
	struct url parsed;
	size_t count;

	if (why == NULL)
		return -1;
	(void)url_parse(url, &parsed, &c->scratch, why,
	    (struct place){DIAG_NO_FILE, 0, 0});
	items = diag_items(why, &count);
	if (count > 0)
		diag_add(c->d, DIAG_ERROR, at, "test-request", items[0].hint,
		    "%s", items[0].text);
	diag_free(why);
	return count > 0 ? 0 : -1;
}

int
conf_test_set_request(struct conf *c, struct section *s, struct str v,
    struct place at)
{
	struct str method = {v.p, str_find_any(v, " \t")};
	struct str url = str_trim(str_from(v, method.n));
	struct shown shown;

	if (url.n == 0 || !token_valid(method)) {
		diag_add(c->d, DIAG_ERROR, at, "test-request",
		    "write a method and a URL: "
		    "PUT https://api.example.com/v1/items",
		    "request '%s' is no method and URL", buf_shown(&shown, v));
		return 0;
	}
	at.col += (unsigned)(url.p - v.p);
	if (url_parse(url, &s->test.url, c->kept, NULL, at) != 0)
		return refuse_url(c, url, at);
	return keep(c, &s->test.method, method_normalize(method));
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
	if (s->test.policy.n > 0 &&
	    policy_set_named(c->set, s->test.policy) == NULL)
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
    const struct policy_answer *asked, const char *got)
{
	const struct conf_test *t = &s->test;
	const struct policy *p = asked->policy;
	char where[512];
	struct buf h = BUF(where);

	if (p == NULL) {
		buf_add(&h, STR("no policy decided"));
	} else {
		buf_add(&h, STR("decided by policy '"));
		buf_add(&h, p->name);
		buf_add(&h, STR("' at "));
		buf_add(&h, str_of(diag_file_name(c->d, asked->rule.file)));
		buf_char(&h, ':');
		buf_uint(&h, asked->rule.line);
	}
	if (str_eq(t->expect, str_of(got)))
		diag_add(c->d, DIAG_ERROR, s->value_at[TEST_EXPECT],
		    "test-failed", buf_cstr(&h),
		    "test '%.*s' expects policy '%.*s' to decide, got '%.*s'",
		    STR_ARG(s->name), STR_ARG(t->policy),
		    STR_ARG(p != NULL ? p->name : STR("none")));
	else
		diag_add(c->d, DIAG_ERROR, s->value_at[TEST_EXPECT],
		    "test-failed", buf_cstr(&h),
		    "test '%.*s' expects '%.*s', got '%s'%s%.*s",
		    STR_ARG(s->name), STR_ARG(t->expect), got,
		    asked->detail.n > 0 ? ": " : "", STR_ARG(asked->detail));
}

/* Asks for the preflight that a browser would send, even where it would send
 * none.  Returns 1 where the test passes, 0 where it fails, or -1 without
 * memory. */
static int
run(struct conf *c, const struct section *s, struct str headers)
{
	const struct conf_test *t = &s->test;
	const struct policy_query ask = {.url = &t->url, .origin = t->origin,
	    .method = t->method, .names = headers, .policy = STR("")};
	struct policy_answer asked;
	const char *got;

	if (policy_query_preflight(c->set, &ask, &c->scratch, &asked) != 0)
		return -1;
	got = reason_name(asked.reason);
	if (asked.reason == REASON_ALLOWED && t->credentials &&
	    !asked.policy->credentials)
		got = "credentials";
	if (str_eq(t->expect, str_of(got)) && (t->policy.n == 0 ||
	    (asked.policy != NULL && str_eq(t->policy, asked.policy->name))))
		return 1;
	report_failure(c, s, &asked, got);
	return 0;
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
		int passed;

		if (s->kind != SECTION_TEST)
			continue;
		headers = join_headers(c, &s->lists[TEST_HEADERS]);
		if (headers.p == NULL ||
		    keep_test(c, s, &tests[done.run]) != 0)
			return -1;
		done.run++;
		passed = run(c, s, headers);
		if (passed < 0)
			return -1;
		done.failed += !passed;
	}
	if (out != NULL)
		*out = done;
	return 0;
}
