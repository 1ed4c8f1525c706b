#include "config.h"

#include "core/policy.h"

#include "diff/diff.h"
#include "unit.h"

/* A set of entries separated by spaces, as the policy 'p' has it. */
static struct policy_set *
policy_of(const char *origins)
{
	char text[512];

	snprintf(text, sizeof(text), "[policy p]\nallow-origins = %s\n",
	    origins);
	return unit_policy(text);
}

Test(meaning, what_covers_an_entry)
{
	static const struct {
		const char *set, *entry;
		enum origin_cover wanted;
		const char *by;
	} rows[] = {
		{"https://a.x", "https://a.x", ORIGIN_LISTED, "https://a.x"},
		{"https://a.x", "https://b.x", ORIGIN_UNCOVERED, ""},
		{"https://a.x null", "null", ORIGIN_LISTED, "null"},
		{"https://*.x.y", "null", ORIGIN_UNCOVERED, ""},
		{"*", "null", ORIGIN_COVERED, "*"},
		{"*", "*", ORIGIN_LISTED, "*"},
		{"https://a.x", "*", ORIGIN_UNCOVERED, ""},
		{"* https://*.x.y", "https://*.x.y", ORIGIN_COVERED, "*"},
		{"https://*.x.y https://a.x.y", "https://a.x.y",
		    ORIGIN_COVERED, "https://*.x.y"},
		{"https://*.x.y", "https://x.y", ORIGIN_UNCOVERED, ""},
		{"https://*.x.y", "https://*.x.y", ORIGIN_LISTED,
		    "https://*.x.y"},
		{"https://*.x.y https://*.a.x.y", "https://*.a.x.y",
		    ORIGIN_COVERED, "https://*.x.y"},
		{"https://*.a.x.y", "https://*.x.y", ORIGIN_UNCOVERED, ""},
		{"https://*.x.y", "https://*.ax.y", ORIGIN_UNCOVERED, ""},
		{"http://*.x.y", "https://*.x.y", ORIGIN_UNCOVERED, ""},
		{"https://*.x.y:*", "https://*.x.y", ORIGIN_COVERED,
		    "https://*.x.y:*"},
		{"https://*.x.y https://*.x.y:*", "https://*.x.y",
		    ORIGIN_COVERED, "https://*.x.y:*"},
		{"https://*.x.y https://*.x.y:*", "https://*.x.y:*",
		    ORIGIN_LISTED, "https://*.x.y:*"},
		{"https://*.x.y:8443", "https://*.x.y:*", ORIGIN_UNCOVERED,
		    ""},
		{"https://*.x.y:*", "https://*.a.x.y:8443", ORIGIN_COVERED,
		    "https://*.x.y:*"},
		{"https://*.x.y:*", "https://a.x.y:*", ORIGIN_COVERED,
		    "https://*.x.y:*"},
		{"https://*.x.y:*", "https://x.y:*", ORIGIN_UNCOVERED, ""},
		{"https://a.x.y:*", "https://a.x.y:*", ORIGIN_LISTED,
		    "https://a.x.y:*"},
		{"http://[::1]:*", "http://[::1]:*", ORIGIN_LISTED,
		    "http://[::1]:*"},
		{"http://[::1]:*", "http://[::2]:*", ORIGIN_UNCOVERED, ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_set *s = policy_of(rows[i].set);
		struct policy_set *t = policy_of(rows[i].entry);
		struct arena a = {NULL};
		struct origin_entry by = {.text = STR("")};
		size_t count;
		const struct origin_entry *entries = meaning_origins(
		    policy_set_get(t, 0)->origins, &a, &count);

		cr_assert(entries != NULL && count == 1);
		cr_expect(origin_set_cover(policy_set_get(s, 0)->origins,
		    &entries[0], &by) == rows[i].wanted &&
		    (rows[i].wanted == ORIGIN_UNCOVERED ||
		    str_eq(by.text, str_of(rows[i].by))),
		    "%s in %s: %.*s", rows[i].entry, rows[i].set,
		    STR_ARG(by.text));
		arena_clear(&a);
		policy_set_free(s);
		policy_set_free(t);
	}
}

Test(meaning, origins_without_effect_are_left_out)
{
	struct policy_set *s = policy_of("https://b.x https://a.b.y "
	    "https://*.c.y https://*.y https://a.x");
	struct arena a = {NULL};
	size_t count;
	const struct origin_entry *entries = meaning_origins(
	    policy_set_get(s, 0)->origins, &a, &count);

	cr_assert(entries != NULL && count == 3);
	cr_expect(str_eq(entries[0].text, STR("https://*.y")));
	cr_expect(str_eq(entries[1].text, STR("https://a.x")));
	cr_expect(str_eq(entries[2].text, STR("https://b.x")));
	arena_clear(&a);
	policy_set_free(s);
}

Test(meaning, names_beside_a_star)
{
	static const struct {
		const char *line;
		enum policy_key key;
		bool any;
		const char *names;
	} rows[] = {
		{"allow-methods = PUT GET", KEY_ALLOW_METHODS, false,
		    "GET PUT "},
		{"allow-methods = PUT * PURGE OPTIONS", KEY_ALLOW_METHODS,
		    true, "PURGE "},
		{"allow-headers = X-B x-a", KEY_ALLOW_HEADERS, false,
		    "x-a x-b "},
		{"allow-headers = X-B AUTHORIZATION *", KEY_ALLOW_HEADERS,
		    true, "authorization "},
		{"expose-headers = X-B * Authorization", KEY_EXPOSE_HEADERS,
		    true, ""},
		{"expose-headers =", KEY_EXPOSE_HEADERS, false, ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256], got[128];
		struct buf b = BUF(got);
		struct arena a = {NULL};
		struct meaning_names names;
		struct policy_set *s;

		snprintf(text, sizeof(text), "[policy p]\n"
		    "allow-origins = https://a.x\n%s\n", rows[i].line);
		s = unit_policy(text);
		cr_assert(meaning_names(policy_set_get(s, 0), rows[i].key, &a,
		    &names) == 0);
		for (size_t k = 0; k < names.count; k++) {
			buf_add(&b, names.items[k].name);
			buf_char(&b, ' ');
		}
		cr_expect(names.any == rows[i].any &&
		    str_eq(buf_str(&b), str_of(rows[i].names)), "%s: %.*s",
		    rows[i].line, STR_ARG(buf_str(&b)));
		arena_clear(&a);
		policy_set_free(s);
	}
}

Test(meaning, who_serves_a_claim)
{
	static const struct {
		const char *host, *path, *policy;
	} rows[] = {
		{"*", "/", "all"},
		{"*", "/v1", "all"},
		{"*.x.y", "/", "all"},
		{"*.x.y", "/v1", "sub"},
		{"*.x.y", "/v10", "all"},
		{"*.a.x.y", "/v1/b", "sub"},
		{"a.x.y", "/v1", "one"},
		{"a.x.y", "/", "one"},
		{"x.y", "/v1", "all"},
	};
	struct policy_set *s = unit_policy(
	    "[policy all]\nallow-origins = https://a.x\n"
	    "[policy sub]\nhost = *.x.y\npath = /v1\n"
	    "allow-origins = https://a.x\n"
	    "[policy one]\nhost = a.x.y\nallow-origins = https://a.x\n");

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct policy *p = policy_set_serving(s,
		    str_of(rows[i].host), str_of(rows[i].path));

		cr_expect(p != NULL &&
		    str_eq(p->name, str_of(rows[i].policy)), "%s%s: %.*s",
		    rows[i].host, rows[i].path, p != NULL ?
		    (int)p->name.n : 4, p != NULL ? p->name.p : "none");
	}
	policy_set_free(s);
}

Test(meaning, a_diff_with_itself_is_empty_and_can_be_cleared_twice)
{
	struct policy_set *s = policy_of("https://a.x https://*.y null");
	struct policy_set *t = policy_of("https://b.x");
	struct diff d = {.count = 0};

	cr_expect(diff_policies(&d, s, s) == 0 && d.count == 0);
	diff_clear(&d);
	cr_expect(diff_policies(&d, s, t) == 0 && d.count == 4);
	diff_clear(&d);
	diff_clear(&d);
	policy_set_free(s);
	policy_set_free(t);
}
