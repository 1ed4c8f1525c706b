#include "config.h"

#include "conf/edit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/lines.h"
#include "unit.h"

enum change { APPEND, REPLACE, SET };

/* with: for APPEND the element, for SET the value. */
static const struct {
	const char *about;
	enum change change;
	const char *line, *element, *with, *wanted;
} rows[] = {
	{"behind an element", APPEND, "a = b", "", "c", "a = b, c"},
	{"to an empty list", APPEND, "a =", "", "c", "a = c"},
	{"in front of a comment", APPEND, "a = b ; why", "", "c",
	    "a = b, c ; why"},
	{"behind a comma", APPEND, "    b,", "", "c", "    b, c"},
	{"to nothing", APPEND, "", "", "c", ", c"},
	{"one of several", REPLACE, "a = b, bb, c", "bb", "d", "a = b, d, c"},
	{"by itself, not a part", REPLACE, "a = xb bx b", "b", "d",
	    "a = xb bx d"},
	{"right behind the '='", REPLACE, "a =b,c", "b", "d", "a =d,c"},
	{"at the line's start", REPLACE, "b c", "b", "d", "d c"},
	{"taken out", REPLACE, "a = b, c", "b", "", "a = c"},
	{"the last taken out", REPLACE, "a = b, c", "c", "", "a = b"},
	{"not there", REPLACE, "a = b", "c", "d", "a = b"},
	{"longer than the line", REPLACE, "a", "abc", "d", "a"},
	{"a value", SET, "a = b ; why", "a", "c", "a = c ; why"},
	{"no value", SET, "a = b", "a", "", "a ="},
};

Test(policy_source, changes_lines)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a = {NULL};
		struct str line = str_of(rows[i].line), got;
		struct str element = str_of(rows[i].element);
		struct str with = str_of(rows[i].with);

		if (rows[i].change == APPEND)
			got = source_append(line, with, &a);
		else if (rows[i].change == REPLACE)
			got = source_replace(line, element, with, &a);
		else
			got = source_set(line, element, with, &a);
		cr_expect(str_eq(got, str_of(rows[i].wanted)),
		    "%s: '%.*s'", rows[i].about, STR_ARG(got));
		arena_clear(&a);
	}
}

/* The second of four lines is too long for a policy file. */
static void
write_lines(const char *path)
{
	FILE *f = fopen(path, "w");

	cr_assert(f != NULL);
	fprintf(f, "[policy a]\n%0*d\nhost = a\n[policy b]", LINE_BYTES_MAX + 1,
	    0);
	cr_assert(fclose(f) == 0);
}

Test(policy_source, reads_lines)
{
	char path[] = "/tmp/preflightd-unit-XXXXXX";
	struct arena a = {NULL};
	struct source_line line;
	unsigned last;

	close(mkstemp(path));
	write_lines(path);
	cr_expect(source_read(path, 3, &a, &line, &last) == 0);
	cr_expect(str_eq(line.text, STR("host = a")));
	cr_expect(line.section == 1 && last == 3);
	cr_expect(source_read(path, 2, &a, &line, &last) == 0);
	cr_expect(line.text.n == 0, "a long line is not shown");
	cr_expect(source_read(path, 9, &a, &line, &last) == 0);
	cr_expect(line.section == 4 && last == 4, "the last line");
	unlink(path);
	cr_expect(source_read(path, 1, &a, &line, &last) == -1);
	arena_clear(&a);
}
