#include "config.h"

#include "conf/conf.h"

#include <stdlib.h>

#include "core/policy.h"

/* ---- lines ------------------------------------------------------------- */

static const char *
key_name(enum section_kind kind, int key)
{
	size_t count;

	return conf_keys(kind, &count)[key].name;
}

static void
print_text(FILE *to, const char *key, struct str value)
{
	fprintf(to, "%s = ", key);
	(void)fwrite(value.p, 1, value.n, to);
	putc('\n', to);
}

static void
print_word(FILE *to, enum policy_key key, const char *word)
{
	print_text(to, key_name(SECTION_POLICY, (int)key), str_of(word));
}

static void
print_number(FILE *to, enum policy_key key, int number)
{
	fprintf(to, "%s = %d\n", key_name(SECTION_POLICY, (int)key), number);
}

static void
print_yes(FILE *to, enum policy_key key, bool yes)
{
	print_word(to, key, yes ? "yes" : "no");
}

static void
print_list(FILE *to, enum policy_key key)
{
	fprintf(to, "%s =\n", key_name(SECTION_POLICY, (int)key));
}

/* Whether the loader would take a line of this element for something else: a
 * comment, or a key where a scheme has the name of one. */
static bool
is_ambiguous(struct str element)
{
	const char *colon = memchr(element.p, ':', element.n);

	return element.p[0] == '#' || (colon != NULL &&
	    conf_key_find(SECTION_POLICY, (struct str){element.p,
	        (size_t)(colon - element.p)}) >= 0);
}

static void
print_element(FILE *to, struct str element)
{
	fputs(is_ambiguous(element) ? "  ," : "  ", to);
	(void)fwrite(element.p, 1, element.n, to);
	putc('\n', to);
}

/* ---- policies ---------------------------------------------------------- */

/* The functions below return 0, or -1 without memory; a is for their own
 * use. */

static int
print_claims(FILE *to, enum policy_key key, const struct claim *claims,
    size_t count, struct arena *a)
{
	const struct claim *sorted = meaning_claims(claims, count, a);

	if (sorted == NULL)
		return -1;
	print_list(to, key);
	for (size_t i = 0; i < count; i++)
		print_element(to, sorted[i].text);
	return 0;
}

static int
print_origins(FILE *to, const struct policy *p, struct arena *a)
{
	size_t count;
	const struct origin_entry *entries = meaning_origins(p->origins, a,
	    &count);

	if (entries == NULL)
		return -1;
	print_list(to, KEY_ALLOW_ORIGINS);
	for (size_t i = 0; i < count; i++)
		print_element(to, entries[i].text);
	return 0;
}

static int
print_names(FILE *to, enum policy_key key, const struct policy *p,
    struct arena *a)
{
	struct meaning_names names;

	if (meaning_names(p, key, a, &names) != 0)
		return -1;
	print_list(to, key);
	if (names.any)
		print_element(to, STR("*"));
	for (size_t i = 0; i < names.count; i++)
		print_element(to, names.items[i].name);
	return 0;
}

/* Prints every key, so that [defaults] adds nothing; but a max-age that is not
 * sent can't be written, and [defaults] has none. */
static int
print_policy(FILE *to, const struct policy *p, struct arena *a)
{
	fprintf(to, "\n[policy %.*s]\n", STR_ARG(p->name));
	if (print_claims(to, KEY_HOST, p->hosts, p->nhosts, a) != 0 ||
	    print_claims(to, KEY_PATH, p->paths, p->npaths, a) != 0 ||
	    print_origins(to, p, a) != 0 ||
	    print_names(to, KEY_ALLOW_METHODS, p, a) != 0 ||
	    print_names(to, KEY_ALLOW_HEADERS, p, a) != 0)
		return -1;
	print_yes(to, KEY_ALLOW_CREDENTIALS, p->credentials);
	if (print_names(to, KEY_EXPOSE_HEADERS, p, a) != 0)
		return -1;
	if (p->max_age != MAX_AGE_UNSET)
		print_number(to, KEY_MAX_AGE, p->max_age);
	print_number(to, KEY_SUCCESS_STATUS, p->success_status);
	print_number(to, KEY_REFUSE_STATUS, p->refuse_status);
	print_word(to, KEY_INSECURE_ORIGINS,
	    p->insecure_allowed ? "allow" : "refuse");
	print_word(to, KEY_PUBLIC_SUFFIXES,
	    p->suffixes_allowed ? "allow" : "refuse");
	print_yes(to, KEY_DEBUG, p->debug);
	return 0;
}

/* ---- tests ------------------------------------------------------------- */

static int
compare_tests(const void *left, const void *right)
{
	const struct conf_test *const *a = left, *const *b = right;

	return str_compare((*a)->name, (*b)->name);
}

static int
print_test_headers(FILE *to, const struct conf_test *t, struct arena *a)
{
	struct str *names = arena_array(a, t->nheaders, sizeof(*names));

	if (names == NULL)
		return -1;
	for (size_t i = 0; i < t->nheaders; i++)
		if ((names[i] = arena_lower(a, t->headers[i].name)).p == NULL)
			return -1;
	qsort(names, t->nheaders, sizeof(*names), str_compare_items);
	fprintf(to, "%s =\n", key_name(SECTION_TEST, TEST_HEADERS));
	for (size_t i = 0; i < t->nheaders; i++)
		print_element(to, names[i]);
	return 0;
}

static int
print_test(FILE *to, const struct conf_test *t, struct arena *a)
{
	fprintf(to, "\n[test %.*s]\n%s = %.*s %.*s\n", STR_ARG(t->name),
	    key_name(SECTION_TEST, TEST_REQUEST), STR_ARG(t->method),
	    STR_ARG(t->url.text));
	print_text(to, key_name(SECTION_TEST, TEST_ORIGIN), t->origin);
	if (print_test_headers(to, t, a) != 0)
		return -1;
	print_text(to, key_name(SECTION_TEST, TEST_CREDENTIALS),
	    t->credentials ? STR("yes") : STR("no"));
	print_text(to, key_name(SECTION_TEST, TEST_EXPECT), t->expect);
	if (t->policy.n > 0)
		print_text(to, key_name(SECTION_TEST, TEST_POLICY), t->policy);
	return 0;
}

static int
print_tests(FILE *to, const struct conf_tests *tests, struct arena *a)
{
	const struct conf_test **sorted = arena_array(a, tests->run,
	    sizeof(*sorted));

	if (sorted == NULL)
		return -1;
	for (size_t i = 0; i < tests->run; i++)
		sorted[i] = &tests->tests[i];
	qsort(sorted, tests->run, sizeof(*sorted), compare_tests);
	for (size_t i = 0; i < tests->run; i++)
		if (print_test(to, sorted[i], a) != 0)
			return -1;
	return 0;
}

/* ---- the file ---------------------------------------------------------- */

int
canonical_print(const struct policy_set *s, const struct conf_tests *tests,
    FILE *to)
{
	struct arena a = {NULL};
	int ret = 0;

	fputs("[defaults]\n", to);
	print_number(to, KEY_REFUSE_STATUS, policy_set_refuse_status(s));
	print_yes(to, KEY_DEBUG, policy_set_debug(s));
	for (size_t i = 0; ret == 0 && i < policy_set_count(s); i++) {
		ret = print_policy(to, policy_set_sorted(s, i), &a);
		arena_clear(&a);
	}
	if (ret == 0)
		ret = print_tests(to, tests, &a);
	arena_clear(&a);
	return ret;
}
