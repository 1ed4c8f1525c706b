/* print.h - the changes from one policy file to another as lines for a
 * review, and as JSON. */
#ifndef PREFLIGHTD_DIFF_PRINT_H
#define PREFLIGHTD_DIFF_PRINT_H

#include <stdio.h>

#include "diff/diff.h"

/* Two policy files and how they differ. */
struct diff_report {
	const char *before_path, *after_path;
	const struct policy_set *before, *after;
	const struct diff *diff;
	bool all; /* every line, however many there are of a kind */
};

/* Prints a line for each change and one for the sum. */
void diff_print_text(const struct diff_report *r, FILE *to);

/* Prints one object, a line for each change.  Returns 0, or -1 without memory;
 * what the stream can't take is left to the caller's fflush. */
int diff_print_json(const struct diff_report *r, FILE *to);

#endif
