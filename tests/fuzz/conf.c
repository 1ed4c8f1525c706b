/* conf.c - fuzzes a policy file.  What stands behind a line "=== origins.txt"
 * is another file beside it, which it may name as @origins.txt. */
#include "config.h"

#include "conf/conf.h"

#include "files.h"
#include "fuzz.h"
#include "naive.h"

enum { TEXT_MAX = 64 * 1024 };

/* ---- findings ---------------------------------------------------------- */

static bool
is_message(const char *text)
{
	return naive_is_clean(str_of(text));
}

static void
check_findings(struct diag *d, bool loaded)
{
	size_t count;
	const struct diag_item *items = diag_items(d, &count);

	HOLDS(loaded == (diag_errors(d) == 0));
	HOLDS(count <= diag_errors(d) + diag_warnings(d));
	for (size_t i = 0; i < count; i++) {
		const struct diag_item *f = &items[i];

		HOLDS(f->id[0] != '\0' && is_message(f->id));
		HOLDS(f->text[0] != '\0' && is_message(f->text));
		HOLDS(is_message(f->hint));
		HOLDS(f->at.line >= 1 && f->at.col >= 1);
		HOLDS(f->level == DIAG_WARNING || f->hint[0] != '\0');
		if (i > 0 && f->at.file == f[-1].at.file)
			HOLDS(f->at.line > f[-1].at.line ||
			    (f->at.line == f[-1].at.line &&
			        f->at.col >= f[-1].at.col));
	}
}

static struct policy_set *
load(struct str text, struct conf_tests *tests)
{
	struct diag *d = diag_new();
	struct policy_set *s;

	HOLDS(d != NULL);
	s = conf_load(fuzz_file("policy.ini", text), d, tests);
	check_findings(d, s != NULL);
	diag_free(d);
	return s;
}

/* ---- what was loaded --------------------------------------------------- */

/* '*' never meets credentials, nor does null. */
static void
check_policy(const struct policy *p)
{
	HOLDS(p->origins != NULL);
	HOLDS(p->name.n >= 1 && p->name.n <= POLICY_NAME_MAX);
	HOLDS(p->success_status >= 200 && p->success_status <= 299);
	HOLDS(p->refuse_status >= 200 && p->refuse_status <= 599);
	HOLDS(p->max_age >= MAX_AGE_UNSET && p->max_age <= MAX_AGE_MAX);
	HOLDS(p->nhosts > 0 && p->npaths > 0);
	for (size_t i = 0; i < p->methods.count; i++)
		HOLDS(naive_token(p->methods.items[i].name));
	for (size_t i = 0; i < p->headers.count; i++)
		HOLDS(naive_token(p->headers.items[i].name));
	for (size_t i = 0; i < p->expose.count; i++)
		HOLDS(naive_token(p->expose.items[i].name));
	if (!p->credentials)
		return;
	HOLDS(!origin_set_any(p->origins) && !p->expose.any);
	HOLDS(!origin_set_match(p->origins, STR("null"), NULL));
}

static void
check_same(const struct policy_set *s, struct str text)
{
	struct policy_set *again = load(text, NULL);

	HOLDS(again != NULL);
	HOLDS(strcmp(policy_set_digest(s), policy_set_digest(again)) == 0);
	policy_set_free(again);
}

/* What is printed is read back to the same meaning and printed the same. */
static void
check_canonical(const struct policy_set *s, const struct conf_tests *tests)
{
	char *once = NULL, *twice = NULL;
	size_t n = 0, m = 0;
	FILE *to = open_memstream(&once, &n);
	struct conf_tests same_tests;
	struct policy_set *same;

	HOLDS(to != NULL && canonical_print(s, tests, to) == 0);
	HOLDS(fclose(to) == 0);
	same = load((struct str){once, n}, &same_tests);
	HOLDS(same != NULL);
	HOLDS(strcmp(policy_set_digest(s), policy_set_digest(same)) == 0);
	HOLDS(tests->run == same_tests.run);
	to = open_memstream(&twice, &m);
	HOLDS(to != NULL && canonical_print(same, &same_tests, to) == 0);
	HOLDS(fclose(to) == 0);
	HOLDS(str_eq((struct str){once, n}, (struct str){twice, m}));
	policy_set_free(same);
	free(once);
	free(twice);
}

/* A byte order mark and line ends of DOS change nothing. */
static void
check_spelling(const struct policy_set *s, struct str text)
{
	char *other = malloc(2 * text.n + 3);
	struct buf b = {other, 0, 2 * text.n + 3, false};

	HOLDS(other != NULL);
	if (!str_starts(text, STR("\xef\xbb\xbf")))
		buf_add(&b, STR("\xef\xbb\xbf"));
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
			buf_char(&b, '\r');
		buf_char(&b, text.p[i]);
	}
	check_same(s, buf_str(&b));
	free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, text;
	struct conf_tests tests;
	struct policy_set *s;

	if (size > TEXT_MAX / 4)
		return 0;
	text = fuzz_part(&rest, STR("=== origins.txt"));
	(void)fuzz_file("origins.txt", rest);
	s = load(text, &tests);
	if (s == NULL)
		return 0;
	HOLDS(policy_set_count(s) > 0 && tests.failed == 0);
	for (size_t i = 0; i < policy_set_count(s); i++)
		check_policy(policy_set_get(s, i));
	check_canonical(s, &tests);
	check_spelling(s, text);
	policy_set_free(s);
	return 0;
}
