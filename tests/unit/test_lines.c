#include "config.h"

#include "base/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

static char path[] = "/tmp/preflightd-unit-XXXXXX";

static void
make_file(void)
{
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	cr_assert(write(fd, "one\ntwo", 7) == 7);
	close(fd);
}

static void
remove_file(void)
{
	unlink(path);
}

static void
open_file(struct lines *l)
{
	const char *why;

	cr_assert(lines_open(l, path, &why) == 0);
}

Test(lines, reads_to_the_end, .init = make_file, .fini = remove_file)
{
	struct lines l;
	struct str line;

	open_file(&l);
	cr_assert(lines_next(&l, &line) == LINES_LINE);
	cr_assert(str_eq(line, STR("one")));
	cr_assert(lines_next(&l, &line) == LINES_LINE);
	cr_assert(str_eq(line, STR("two")), "the last needs no newline");
	cr_assert(lines_next(&l, &line) == LINES_END);
	lines_close(&l);
}

/* What a writer does between two lines that are read, and must be noticed
 * before the last of them: it may be half of one. */
Test(lines, notices_a_change, .init = make_file, .fini = remove_file)
{
	static const struct {
		const char *what, *mode, *text;
	} rows[] = {
		{"more is written behind", "a", "/"},
		{"it is cut", "w", "one\n"},
		{"it is emptied", "w", ""},
	};
	struct lines l;
	struct str line;
	FILE *f;

	for (size_t i = 0; i < COUNT(rows); i++) {
		open_file(&l);
		cr_assert(lines_next(&l, &line) == LINES_LINE);
		cr_expect(!lines_changed(&l));
		f = fopen(path, rows[i].mode);
		cr_assert(f != NULL);
		fputs(rows[i].text, f);
		cr_assert(fclose(f) == 0);
		while (lines_next(&l, &line) == LINES_LINE)
			;
		cr_expect(lines_changed(&l), "%s", rows[i].what);
		lines_close(&l);
		f = fopen(path, "w");
		cr_assert(f != NULL);
		fputs("one\ntwo", f);
		cr_assert(fclose(f) == 0);
	}
}
