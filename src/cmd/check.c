#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/color.h"
#include "base/error.h"
#include "base/escape.h"
#include "conf/conf.h"
#include "conf/keys.h"

struct check {
	const char *path;
	bool json, strict, canonical, keys, quiet;
	struct diag *d;
	struct policy_set *set; /* NULL where there are errors */
	struct conf_tests tests;
};

/* ---- counting ---------------------------------------------------------- */

static int
compare_sets(const void *left, const void *right)
{
	const struct origin_set *const *a = left, *const *b = right;

	return (*a > *b) - (*a < *b);
}

/* The entries of all policies in *total; a list that several share counts
 * once.  Returns 0, or -1 without memory. */
static int
count_origins(const struct policy_set *s, size_t *total)
{
	size_t count = policy_set_count(s);
	const struct origin_set **sets = calloc(count + 1, sizeof(*sets));

	*total = 0;
	if (sets == NULL)
		return -1;
	for (size_t i = 0; i < count; i++)
		sets[i] = policy_set_get(s, i)->origins;
	qsort(sets, count, sizeof(*sets), compare_sets);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || sets[i] != sets[i - 1])
			*total += origin_set_count(sets[i]);
	free(sets);
	return 0;
}

/* A number and the ending of what it counts, for "%zu thing%s". */
#define PLURAL(n) (n), (n) == 1 ? "" : "s"

/* ---- as text ----------------------------------------------------------- */

static void
print_claims(const char *label, const struct claim *claims, size_t count)
{
	printf("  %-8s", label);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		escape_controls(stdout, claims[i].text);
	}
	putchar('\n');
}

static void
print_policy(const struct check *c, const struct policy *p)
{
	printf("policy %.*s (", STR_ARG(p->name));
	escape_controls(stdout, str_of(policy_set_file_name(c->set,
	    p->section.file)));
	printf(":%u)\n", p->section.line);
	print_claims("hosts", p->hosts, p->nhosts);
	print_claims("paths", p->paths, p->npaths);
	printf("  origins %zu exact, %zu pattern%s%s\n",
	    origin_set_exact(p->origins),
	    PLURAL(origin_set_patterns(p->origins)),
	    origin_set_any(p->origins) ? ", and '*': all" : "");
}

static int
print_text(const struct check *c)
{
	size_t origins;

	if (c->set == NULL) {
		escape_controls(stderr, str_of(diag_file_name(c->d, 0)));
		fprintf(stderr, ": %zu error%s, %zu warning%s: not used\n",
		    PLURAL(diag_errors(c->d)),
		    PLURAL(diag_warnings(c->d)));
		return 0;
	}
	if (count_origins(c->set, &origins) != 0)
		return -1;
	for (size_t i = 0; i < policy_set_count(c->set); i++)
		print_policy(c, policy_set_get(c->set, i));
	printf("%zu polic%s, %zu origin%s, %zu test%s passed, %zu warning%s\n",
	    policy_set_count(c->set),
	    policy_set_count(c->set) == 1 ? "y" : "ies", PLURAL(origins),
	    PLURAL(c->tests.run), PLURAL(diag_warnings(c->d)));
	printf("digest %s\n", policy_set_digest(c->set));
	return 0;
}

/* ---- as JSON ----------------------------------------------------------- */

static json_t *
json_item(const struct diag *d, const struct diag_item *item)
{
	return json_pack("{s:o, s:i, s:i, s:s, s:o, s:o}",
	    "file", json_text(str_of(diag_file_name(d, item->at.file))),
	    "line", (int)item->at.line, "col", (int)item->at.col,
	    "id", item->id, "text", json_text(str_of(item->text)),
	    "hint", json_text(str_of(item->hint)));
}

static json_t *
json_items(struct diag *d, enum diag_level level)
{
	size_t count;
	const struct diag_item *items = diag_items(d, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (items[i].level == level &&
		    !json_add(&array, json_item(d, &items[i])))
			break;
	return array;
}

static json_t *
json_claims(const struct claim *claims, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (!json_add(&array, json_text(claims[i].text)))
			break;
	return array;
}

static json_t *
json_policies(const struct policy_set *s)
{
	json_t *array = json_array();

	for (size_t i = 0; s != NULL && i < policy_set_count(s); i++) {
		const struct policy *p = policy_set_get(s, i);
		size_t exact = origin_set_exact(p->origins);
		size_t patterns = origin_set_patterns(p->origins);
		json_t *policy = json_pack(
		    "{s:o, s:i, s:o, s:o, s:I, s:I, s:b}",
		    "name", json_text(p->name),
		    "line", (int)p->section.line,
		    "hosts", json_claims(p->hosts, p->nhosts),
		    "paths", json_claims(p->paths, p->npaths),
		    "origins", (json_int_t)exact,
		    "patterns", (json_int_t)patterns,
		    "any", origin_set_any(p->origins) ? 1 : 0);

		if (!json_add(&array, policy))
			break;
	}
	return array;
}

static int
print_json(const struct check *c)
{
	size_t origins = 0;
	json_t *root;
	int ret = -1;

	if (c->set != NULL && count_origins(c->set, &origins) != 0)
		return -1;
	root = json_pack("{s:o, s:b, s:s?, s:o, s:o, s:o, s:{s:I, s:I}, s:I}",
	    "file", json_text(str_of(diag_file_name(c->d, 0))),
	    "ok", c->set != NULL,
	    "digest", c->set != NULL ? policy_set_digest(c->set) : NULL,
	    "errors", json_items(c->d, DIAG_ERROR),
	    "warnings", json_items(c->d, DIAG_WARNING),
	    "policies", json_policies(c->set),
	    "tests", "run", (json_int_t)c->tests.run,
	    "failed", (json_int_t)c->tests.failed,
	    "origins", (json_int_t)origins);
	if (root != NULL)
		ret = json_print(root, stdout, JSON_INDENT(2));
	json_decref(root);
	putchar('\n');
	return ret;
}

/* ---- the command ------------------------------------------------------- */

static void
print_keys(void)
{
	static const struct {
		const char *title;
		enum section_kind kind;
	} kinds[] = {
		{"[defaults] and [policy NAME]", SECTION_POLICY},
		{"[test NAME]", SECTION_TEST},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t count;
		const struct conf_key *keys = conf_keys(kinds[i].kind, &count);

		printf("%s\n", kinds[i].title);
		for (size_t k = 0; k < count; k++)
			printf("  %-18s %s\n  %18s %s; default: %s\n",
			    keys[k].name, keys[k].help, "", keys[k].type,
			    keys[k].fallback);
	}
}

/* Loads the file and prints the result.  Returns an exit status. */
static int
check(struct check *c)
{
	int status, printed = 0;

	c->d = diag_new();
	if (c->d == NULL)
		return cmd_system_error("check");
	c->set = conf_load_stream(c->path, c->d, &c->tests);
	if (c->strict && diag_warnings(c->d) > 0) {
		diag_promote(c->d);
		policy_set_free(c->set);
		c->set = NULL;
	}
	diag_print(c->d, stderr, color_wanted(stderr));
	if (c->json)
		printed = print_json(c);
	else if (c->canonical && c->set != NULL)
		printed = canonical_print(c->set, &c->tests, stdout);
	else if (!c->quiet || c->set == NULL)
		printed = print_text(c);
	if (printed != 0 || fflush(stdout) != 0)
		status = cmd_system_error("check");
	else
		status = c->set != NULL ? STATUS_GOOD : STATUS_USAGE;
	policy_set_free(c->set);
	diag_free(c->d);
	return status;
}

int
cmd_check(int argc, char **argv)
{
	struct check c = {.path = NULL};
	const struct cmd_option options[] = {
		POLICY_CMD_OPTION(&c.path),
		{'q', "quiet", NULL, "print no summary of a good policy",
		    .flag = &c.quiet},
		{0, "canonical", NULL, "print the policy in one normal form, "
		    "the same for the same meaning", .flag = &c.canonical},
		{0, "json", NULL, "print everything as JSON", .flag = &c.json},
		{0, "strict", NULL, "warnings are errors", .flag = &c.strict},
		{0, "keys", NULL, "print the keys of a policy file",
		    .flag = &c.keys},
		{.name = NULL},
	};
	const struct cmd_syntax syntax = {
		"check", "preflightd check [options] [FILE]",
		"Checks a policy file and runs its tests. Findings go to "
		"standard error, the policies and their digest to standard "
		"output. FILE may be -, for standard input.", NULL,
		"Exit status: 0 the policy can be used, 2 it can't or the "
		"usage is wrong, 3 a system call failed.", options,
	};
	int status;

	if (!cmd_parse(argc, argv, &syntax, &status))
		return status;
	if (c.keys) {
		print_keys();
		return STATUS_GOOD;
	}
	if (argc - optind > 1 || (optind < argc && c.path != NULL)) {
		(void)fail_usage("check", "one policy file at a time; "
		    "unexpected", str_of(argv[argc - 1]),
		    "check each of them; preflightd diff compares two");
		return STATUS_USAGE;
	}
	if (c.json && c.canonical) {
		(void)fail_usage("check", "--json excludes --canonical",
		    NO_TEXT, "leave one out");
		return STATUS_USAGE;
	}
	c.path = cmd_policy_path(optind < argc ? argv[optind] : c.path);
	return check(&c);
}
