/* diag.h - diagnostics: what is wrong with a policy, where, and how to mend it.
 * They are collected during a load and printed in file order. */
#ifndef PREFLIGHTD_BASE_DIAG_H
#define PREFLIGHTD_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct diag;

/* A place in a file that was registered with diag_file.  Lines and columns
 * count from 1, columns in bytes; what concerns a file as a whole stands at its
 * start. */
struct place {
	unsigned file, line, col;
};

#define DIAG_NO_FILE (~0U)

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag_item {
	enum diag_level level;
	struct place at;
	const char *id;   /* stable, static: "origin-trailing-slash" */
	const char *text; /* one line, lower case, no full stop */
	const char *hint; /* how to mend it; "" where there is nothing to add */
};

/* Returns NULL without memory. */
struct diag *diag_new(void);
void diag_free(struct diag *d);

/* Registers a file by the name it is shown with and returns its number, from 0
 * in order of registration.  Without memory it is DIAG_NO_FILE, which counts as
 * an error and is shown as "?". */
unsigned diag_file(struct diag *d, const char *name);

/* The name of a file, as long as d lives. */
const char *diag_file_name(const struct diag *d, unsigned file);

/* Adds a finding.  id is a literal.  The text is made with fmt; the hint is
 * copied and may be NULL.  Text from a file or a request must have come through
 * buf_escaped.  Without memory the finding is lost but counted as an error, so
 * the policy is still refused.  d may be NULL: then nothing happens. */
void diag_add(struct diag *d, enum diag_level level, struct place at,
    const char *id, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* Takes out what the findings on a file quote of its lines, and leaves their
 * places and kinds: for one that is likely no policy but something secret. */
void diag_conceal(struct diag *d, unsigned file);

/* Makes every warning an error. */
void diag_promote(struct diag *d);

size_t diag_errors(const struct diag *d);
size_t diag_warnings(const struct diag *d);

/* Sorts by file, line and column (stable) and returns the items; they last
 * until the next diag_add or diag_free. */
const struct diag_item *diag_items(struct diag *d, size_t *count);

/* Prints every item in file order as
 *   FILE:LINE:COL: error: TEXT [ID]
 *     HINT
 * and then how many are not shown, and whether memory was the reason; with
 * colours for a terminal.
 */
void diag_print(struct diag *d, FILE *to, bool colour);

#endif
