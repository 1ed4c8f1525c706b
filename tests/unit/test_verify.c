#include "config.h"

#include "verify/check.h"

#include <stdio.h>

#include "unit.h"
#include "verify/origins.h"

static const struct place nowhere = {0, 0, 0};

static const char *const policies[] = {
	"[policy p]\nallow-origins = https://app.example.com\n",
	"[policy p]\nallow-origins = *\nallow-methods = *\n"
	"allow-headers = *\n",
	"[policy p]\nallow-origins = null\nrefuse-status = 404\n",
	"[policy p]\nallow-origins = https://*.example.com:*, "
	"http://[::1]:*, http://localhost:5173, chrome-extension://abcdef\n"
	"allow-methods = PUT, get, X-Y\nallow-headers = X-B, x-a, Range\n"
	"expose-headers = *\nmax-age = 0\nsuccess-status = 200\n",
	"[policy p]\nallow-origins = https://a.example, https://b.example\n"
	"allow-methods = *\nallow-headers = *, Authorization\n"
	"allow-credentials = yes\nexpose-headers = X-Total\ndebug = yes\n"
	"[policy q]\npath = /v2\nallow-origins = https://b.example\n",
	"[policy p]\nhost = elsewhere.example\n"
	"allow-origins = https://a.example\n",
};

/* The cases for a policy; what is made lives in the arena. */
static void
make_cases(const struct policy_set *s, struct arena *a, bool only_error,
    struct verify_cases *out)
{
	struct url *url = arena_alloc(a, sizeof(*url));
	struct verify_subject subject = {.set = s, .url = url,
	    .method = STR("GET"), .policy = STR(""), .token = STR("t"),
	    .only_error = only_error};

	cr_assert(url != NULL);
	cr_assert(url_parse(STR("https://api.example/v1?x=y"), url, a, NULL,
	    nowhere) == 0);
	cr_assert(verify_cases_make(&subject, a, out) == 0);
}

static const struct verify_case *
find_case(const struct verify_cases *cases, const char *name)
{
	for (size_t i = 0; i < cases->count; i++)
		if (strcmp(cases->items[i].name, name) == 0)
			return &cases->items[i];
	cr_assert(false, "there is no case %s", name);
	return NULL;
}

/* ---- sample origins ---------------------------------------------------- */

Test(verify, samples_are_what_they_are_taken_for)
{
	for (size_t i = 0; i < COUNT(policies); i++) {
		struct policy_set *s = unit_policy(policies[i]);
		const struct origin_set *set = policy_set_get(s, 0)->origins;
		struct arena a = {NULL};
		struct verify_origins o;
		struct origin parsed;

		cr_assert(verify_origins_pick(set, &a, &o) == 0);
		cr_expect(o.nallowed > 0, "%zu", i);
		for (size_t k = 0; k < o.nallowed; k++)
			cr_expect(origin_set_match(set, o.allowed[k], NULL),
			    "%zu: %.*s", i, STR_ARG(o.allowed[k]));
		for (size_t k = 0; k < o.nnear; k++)
			cr_expect(!origin_set_match(set, o.near[k], NULL) &&
			    origin_parse(o.near[k], &parsed, NULL, nowhere) ==
			        0, "%zu: %.*s", i, STR_ARG(o.near[k]));
		cr_expect((o.foreign.n == 0) == origin_set_any(set));
		arena_clear(&a);
		policy_set_free(s);
	}
}

Test(verify, near_misses_of_an_origin)
{
	static const char *const wanted[] = {
		"http://app.example.com", "https://app.example.com:8443",
		"https://app.example.com.cors-check.invalid",
		"https://cors-checkapp.example.com",
		"https://cors-check.app.example.com",
		"https://appxexample.com", "null",
	};
	struct policy_set *s = unit_policy(policies[0]);
	struct arena a = {NULL};
	struct verify_origins o;

	cr_assert(verify_origins_pick(policy_set_get(s, 0)->origins, &a,
	    &o) == 0);
	cr_assert(o.nnear == COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++)
		cr_expect(str_eq(o.near[i], str_of(wanted[i])), "%.*s",
		    STR_ARG(o.near[i]));
	arena_clear(&a);
	policy_set_free(s);
}

/* ---- judging ----------------------------------------------------------- */

static size_t
count_findings(const struct policy_set *s, const struct verify_case *c,
    const struct browser_answer *answer, struct arena *a)
{
	struct verify_findings f;

	cr_assert(verify_judge(s, c, answer, a, &f) == 0);
	for (size_t i = 0; i < f.count; i++)
		cr_log_info("%s: %.*s", verify_id_name(f.items[i].id),
		    STR_ARG(f.items[i].text));
	return f.count;
}

Test(verify, a_policys_own_answers_are_right)
{
	for (size_t i = 0; i < 2 * COUNT(policies); i++) {
		struct policy_set *s = unit_policy(policies[i / 2]);
		struct arena a = {NULL};
		struct verify_cases cases;

		make_cases(s, &a, i % 2 == 1, &cases);
		cr_expect(cases.count > 0, "%zu", i);
		for (size_t k = 0; k < cases.count; k++)
			cr_expect(count_findings(s, &cases.items[k],
			    &cases.items[k].expected.answer, &a) == 0,
			    "%zu: %s", i, cases.items[k].name);
		arena_clear(&a);
		policy_set_free(s);
	}
}

/* The id of the only finding on an answer of these headers. */
static const char *
judge_by(const char *policy, const char *name, int status,
    const struct header *items, size_t count)
{
	struct policy_set *s = unit_policy(policy);
	const struct browser_answer answer = {status, {items, count}};
	struct arena a = {NULL};
	struct verify_cases cases;
	struct verify_findings f;
	const char *id = "none";

	make_cases(s, &a, false, &cases);
	cr_assert(verify_judge(s, find_case(&cases, name), &answer, &a, &f) ==
	    0);
	if (f.count > 0)
		id = verify_id_name(f.items[0].id);
	cr_expect(f.count <= 1, "%s: %s and %zu more", name, id, f.count - 1);
	arena_clear(&a);
	policy_set_free(s);
	return id;
}

static const char *
judge(const char *name, int status, const struct header *items, size_t count)
{
	return judge_by("[policy p]\n"
	    "allow-origins = https://app.example\nallow-methods = GET, PUT\n"
	    "allow-headers = X-A, X-B\nexpose-headers = X-T, X-U\n"
	    "allow-credentials = yes\nmax-age = 60\n", name, status, items,
	    count);
}

#define H(name, value) {{name, sizeof(name) - 1}, {value, sizeof(value) - 1}}
#define JUDGE(name, status, ...)                                               \
	judge(name, status, (const struct header[]){__VA_ARGS__},              \
	    COUNT(((const struct header[]){__VA_ARGS__})))
#define GRANT                                                                  \
	H("access-control-allow-ORIGIN", "https://app.example"),               \
	    H("Access-Control-Allow-Credentials", "true")

Test(verify, lists_are_sets)
{
	cr_expect_str_eq(JUDGE("preflight-allowed", 204, GRANT,
	    H("access-control-allow-methods", "PUT"),
	    H("Access-Control-Allow-Methods", " ,GET,PUT"),
	    H("Access-Control-Allow-Headers", "x-b\t, X-a"),
	    H("Access-Control-Max-Age", "60"),
	    H("vary", "access-control-request-headers,ORIGIN"),
	    H("Vary", "Accept, Access-Control-Request-Method")), "none");
	cr_expect_str_eq(JUDGE("preflight-allowed", 204, GRANT,
	    H("Access-Control-Allow-Methods", "GET, put"),
	    H("Access-Control-Allow-Headers", "x-a, x-b"),
	    H("Access-Control-Max-Age", "60"), H("Vary", "*")),
	    "methods-differ");
	cr_expect_str_eq(JUDGE("actual-allowed", 200, GRANT,
	    H("Access-Control-Expose-Headers", "x-u, X-T"),
	    H("Vary", "Accept-Encoding, origin")), "none");
}

Test(verify, pains_of_the_actual_response)
{
	cr_expect_str_eq(JUDGE("actual-allowed", 200, H("Vary", "Origin")),
	    "allow-origin-missing");
	cr_expect_str_eq(JUDGE("actual-allowed", 404, H("Server", "x")),
	    "errors-without-headers");
	cr_expect_str_eq(JUDGE("actual-allowed", 200, GRANT, GRANT,
	    H("Vary", "Origin")), "allow-origin-duplicate");
	cr_expect_str_eq(JUDGE("actual-allowed", 200,
	    H("Access-Control-Allow-Origin", "*"), H("Vary", "Origin")),
	    "star-with-credentials");
	cr_expect_str_eq(JUDGE("actual-allowed", 200,
	    H("Access-Control-Allow-Origin", "https://app.example"),
	    H("Access-Control-Allow-Credentials", "True"),
	    H("Vary", "Origin")), "credentials-missing");
	cr_expect_str_eq(JUDGE("actual-no-origin", 200, H("Vary", "Accept")),
	    "vary-missing");
	cr_expect_str_eq(JUDGE("actual-refused-origin", 200, GRANT,
	    H("Vary", "Origin")), "allow-origin-wrong");
	cr_expect_str_eq(JUDGE("actual-refused-origin", 200,
	    H("Access-Control-Allow-Origin", "https://cors-check.invalid"),
	    H("Vary", "Origin")), "origin-granted");
	cr_expect_str_eq(JUDGE("actual-refused-origin", 200,
	    H("Access-Control-Expose-Headers", "X-T"), H("Vary", "Origin")),
	    "refused-with-headers");
}

/* What '*' gives stands on every response; the first is asked for without an
 * Origin, before a cache knows the URL. */
Test(verify, a_star_is_constant)
{
	static const char policy[] = "[policy p]\nallow-origins = *\n"
	    "expose-headers = X-T\n";
	static const char *const names[] = {"actual-first",
	    "actual-no-origin"};
	static const struct header whole[] = {
	    H("Access-Control-Allow-Origin", "*"),
	    H("Access-Control-Expose-Headers", "X-T")};

	for (size_t i = 0; i < COUNT(names); i++) {
		cr_expect_str_eq(judge_by(policy, names[i], 200, whole, 2),
		    "none");
		cr_expect_str_eq(judge_by(policy, names[i], 200, whole, 1),
		    "expose-differs");
		cr_expect_str_eq(judge_by(policy, names[i], 200, NULL, 0),
		    "allow-origin-missing");
	}
	/* A policy that names origins grants nothing without one. */
	cr_expect_str_eq(JUDGE("actual-first", 200, H("Vary", "Origin"),
	    H("Access-Control-Allow-Origin", "*")), "origin-granted");
}

Test(verify, every_finding_has_a_name_and_a_remedy)
{
	for (int i = 0; i < VERIFY_ID_COUNT; i++) {
		const char *name = verify_id_name((enum verify_id)i);

		cr_assert(name != NULL && verify_id_hint((enum verify_id)i,
		    VERIFY_PREFLIGHT) != NULL && verify_id_hint(
		    (enum verify_id)i, VERIFY_ACTUAL) != NULL, "%d", i);
		for (int k = 0; k < i; k++)
			cr_expect_str_neq(name,
			    verify_id_name((enum verify_id)k));
	}
}
