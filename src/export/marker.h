/* marker.h - the comments around an exported part: they say of which
 * policy it is, and whether it was changed since. */
#ifndef PREFLIGHTD_EXPORT_MARKER_H
#define PREFLIGHTD_EXPORT_MARKER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

/* Writes text between its marks, each behind what begins a comment. */
void export_mark_write(const char *comment, const char *server,
    const char *part, const char *digest, struct str text, FILE *to);

struct export_marks {
	size_t found; /* parts in the file */
	size_t good;
};

/* Goes through the exported parts in a file, which may hold more than them and
 * be indented in other ways: each must be of the policies with this digest and
 * as it was exported.  Says on `to` what is wrong, as check does, with colours
 * for a terminal.  Returns 0, or -1 with the reason in *why where the file
 * can't be read. */
int export_mark_check(const char *file, const char *digest, FILE *to,
    bool colour, struct export_marks *out, const char **why);

#endif
