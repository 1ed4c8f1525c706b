#include "config.h"

#include "metrics/origin_usage.h"

#include "unit.h"

static const char text[] =
    "[defaults]\nallow-origins = https://shared.example, https://two.example\n"
    "[policy a]\nhost = a.example\n"
    "[policy b]\nhost = b.example\nallow-origins = https://b.example,\n"
    "  https://*.b.example, http://localhost:*, null\n"
    "[policy c]\nhost = c.example\n";

/* An origin comes to a policy, which must allow it. */
static void
come(struct origin_usage *s, const char *policy, const char *origin)
{
	const struct policy *p = policy_set_named(s->policies, str_of(policy));
	struct origin_entry e;

	cr_assert(origin_set_match(p->origins, str_of(origin), &e));
	origin_usage_note(s, p, &e);
}

/* The texts that are missing, in a row. */
static const char *
missing(struct origin_usage *s, size_t max)
{
	static char out[1024];
	struct unused_origin at[16];
	size_t n = origin_usage_unused(s, at, max);
	struct buf b = BUF(out);

	for (size_t i = 0; i < n; i++) {
		buf_add(&b, at[i].entry.text);
		buf_char(&b, ' ');
	}
	return buf_cstr(&b);
}

Test(origin_usage, notes_each_entry_once)
{
	struct policy_set *set = unit_policy(text);
	struct origin_usage *s = origin_usage_new(set);

	cr_expect_eq(s->total, 6, "what policies share is one");
	cr_expect_str_eq(missing(s, 16), "https://shared.example "
	    "https://two.example https://b.example https://*.b.example "
	    "http://localhost:* null ");
	cr_expect_str_eq(missing(s, 1), "https://shared.example ");
	come(s, "c", "https://shared.example");
	come(s, "a", "https://shared.example");
	come(s, "b", "https://x.b.example");
	come(s, "b", "https://y.b.example");
	come(s, "b", "null");
	cr_expect_eq(s->count, 3);
	cr_expect_str_eq(missing(s, 16), "https://two.example "
	    "https://b.example http://localhost:* ");
	come(s, "a", "https://two.example");
	come(s, "b", "https://b.example");
	come(s, "b", "http://localhost:1");
	cr_expect_eq(s->count, s->total);
	cr_expect_str_eq(missing(s, 16), "");
	origin_usage_free(s);
	policy_set_free(set);
}

Test(origin_usage, carries_over_to_another_policy_file)
{
	struct policy_set *old_set = unit_policy(text), *new_set = unit_policy(
	    "[policy b]\nhost = b.example\nallow-origins = null,\n"
	    "  https://new.example, https://*.b.example, https://b.example\n"
	    "[policy d]\nhost = d.example\n"
	    "allow-origins = https://two.example\n"
	    "[policy a]\nhost = a.example\nallow-origins = *\n");
	struct origin_usage *old = origin_usage_new(old_set), *s = origin_usage_new(new_set);

	come(old, "a", "https://two.example");
	come(old, "b", "https://b.example");
	come(old, "b", "https://x.b.example");
	come(old, "b", "http://localhost:1");
	origin_usage_carry(s, old);
	cr_expect_eq(s->count, 2);
	cr_expect_str_eq(missing(s, 16), "null https://new.example "
	    "https://two.example * ");
	origin_usage_free(old);
	policy_set_free(old_set);
	come(s, "a", "https://anybody.example");
	cr_expect_eq(s->count, 3);
	origin_usage_free(s);
	policy_set_free(new_set);
}
