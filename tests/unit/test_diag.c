#include "config.h"

#include "base/diag.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* What diag_print prints; owned by the caller. */
static char *
printed(struct diag *d)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	cr_assert(f != NULL);
	diag_print(d, f, false);
	fclose(f);
	return text;
}

Test(diag, prints_in_file_order)
{
	struct diag *d = diag_new();
	unsigned a = diag_file(d, "a.ini"), b = diag_file(d, "b.txt");
	char *text;

	diag_add(d, DIAG_WARNING, (struct place){b, 1, 1}, "x-two", NULL,
	    "in b");
	diag_add(d, DIAG_ERROR, (struct place){a, 10, 2}, "x-one", "mend %d",
	    "line %d", 10);
	diag_add(d, DIAG_ERROR, (struct place){a, 9, 30}, "x-one", "", "later");
	diag_add(d, DIAG_ERROR, (struct place){a, 9, 3}, "x-one", "", "first");
	diag_add(d, DIAG_ERROR, (struct place){a, 9, 3}, "x-one", "", "second");
	diag_add(d, DIAG_ERROR, (struct place){a, 1, 1}, "x-all", "", "whole");
	text = printed(d);
	cr_expect_str_eq(text,
	    "a.ini:1:1: error: whole [x-all]\n"
	    "a.ini:9:3: error: first [x-one]\n"
	    "a.ini:9:3: error: second [x-one]\n"
	    "a.ini:9:30: error: later [x-one]\n"
	    "a.ini:10:2: error: line 10 [x-one]\n"
	    "  mend %d\n"
	    "b.txt:1:1: warning: in b [x-two]\n");
	cr_expect(diag_errors(d) == 5);
	cr_expect(diag_warnings(d) == 1);
	free(text);
	diag_free(d);
}

Test(diag, promotes_warnings)
{
	struct diag *d = diag_new();
	struct place at = {diag_file(d, "a.ini"), 1, 1};
	char *text;

	diag_add(d, DIAG_WARNING, at, "x-one", NULL, "one");
	diag_promote(d);
	cr_expect(diag_errors(d) == 1);
	cr_expect(diag_warnings(d) == 0);
	text = printed(d);
	cr_expect_str_eq(text, "a.ini:1:1: error: one [x-one]\n");
	free(text);
	diag_free(d);
}

Test(diag, keeps_errors_beside_countless_warnings)
{
	struct diag *d = diag_new();
	struct place at = {diag_file(d, "a.ini"), 1, 1};
	size_t count, errors = 0;
	const struct diag_item *items;

	for (unsigned i = 0; i < 100000; i++) {
		at.line = i + 1;
		diag_add(d, DIAG_WARNING, at, "x-many", NULL, "%u", i);
	}
	diag_add(d, DIAG_ERROR, at, "x-one", NULL, "one");
	cr_expect(diag_warnings(d) == 100000, "all are counted");
	items = diag_items(d, &count);
	cr_expect(count < 100000, "not all are kept");
	for (size_t i = 0; i < count; i++)
		errors += items[i].level == DIAG_ERROR;
	cr_expect(errors == 1);
	diag_free(d);
}

Test(diag, takes_null_for_nowhere)
{
	diag_add(NULL, DIAG_ERROR, (struct place){0, 0, 0}, "x-one", NULL,
	    "nowhere");
	diag_free(NULL);
}

/* KEPT_MAX of each level; errors are not crowded out by warnings. */
Test(diag, keeps_so_many_of_a_level)
{
	enum { KEPT = 20000, ADDED = KEPT + 5 };
	struct diag *d = diag_new();
	struct place at = {diag_file(d, "a.ini"), 1, 1};
	const char *last = "\n25006 more";
	size_t count;
	char *text;

	for (unsigned i = 0; i < KEPT + 25000; i++)
		diag_add(d, DIAG_WARNING, at, "x-w", NULL, "warning");
	for (at.line = 2; at.line < 2 + ADDED + 1; at.line++)
		diag_add(d, DIAG_ERROR, at, "x-e", NULL, "error");
	cr_expect(diag_errors(d) == ADDED + 1);
	cr_expect(diag_warnings(d) == KEPT + 25000);
	(void)diag_items(d, &count);
	cr_expect(count == 2 * KEPT);
	text = printed(d);
	cr_expect(strstr(text, "a.ini:20001:1: error: error") != NULL);
	cr_expect(strstr(text, "a.ini:20002:1: error: error") == NULL);
	cr_expect(strstr(text, last) != NULL, "'%s'",
	    text + strlen(text) - 60);
	free(text);
	diag_free(d);
}
