/* regex.h - what a policy compares with, as regular expressions that
 * PCRE and RE2 read alike but where it says so: without look-around, and
 * without a byte that needs a quote in any server's configuration.  They are
 * written to a stream and have no anchors but where it says so. */
#ifndef PREFLIGHTD_EXPORT_REGEX_H
#define PREFLIGHTD_EXPORT_REGEX_H

#include <stdio.h>

#include "base/str.h"
#include "core/origin.h"

/* An Origin that is well formed, anchored; what '*' allows. */
#define REGEX_CLEAN "^[ -+.-~-]+$"

/* An Origin whose host is longer than any that a pattern may match, with the
 * anchor at its begin: 254 bytes, the last of which is no trailing dot. */
#define REGEX_LONG_ORIGIN "^[^:]*://[^:]{253}([^.:]|[.][^:])"

/* A Host field whose name is longer than any is, for engines that have no
 * look-ahead. */
#define REGEX_LONG_HOST "^[^: ]{253}([^.: ]|[.][^: ])"

enum host_form {
	HOST_BARE,  /* a name alone, or an address in brackets */
	HOST_FIELD, /* as a Host field has it: with '.' and port, any case */
	HOST_SHORT, /* the same where long ones have been left out already */
};

/* A host of a policy: itself, or with subdomains one or more labels before it;
 * where it has no bytes, whatever is a host.  The last form alone goes without
 * look-ahead.  In lower case. */
void regex_host(FILE *to, struct str host, bool subdomains,
    enum host_form form);

/* The same where no policy names a host. */
#define REGEX_UNSEEN_HOST "[!-~]*"

/* An entry of allow-origins that is exact, null or a pattern. */
void regex_origin(FILE *to, const struct origin *o);

/* Whether some origin matches the pattern: a label of its own may be one that
 * no origin has. */
bool regex_origin_possible(const struct origin *o);

/* ---- paths ------------------------------------------------------------- */

/* All that is said of paths is said of the raw target.  These can be read in
 * so many ways that they get no policy: dot segments in any spelling, what a
 * second decoding would change, control and 8-bit bytes, a raw '#', an invalid
 * escape.
 *
 * The first is matched by all other targets, for PCRE: an engine that gives up
 * refuses, and no byte is looked at twice.  The second is matched by the odd
 * ones, for RE2, which knows neither look-ahead nor giving up. */
extern const char regex_clean_path[], regex_odd_path[];

enum { REGEX_SEGMENTS_MAX = 100 }; /* in a path: groups that nest */

/* A path that begins with the prefix, by whole segments, every byte written
 * plainly or as an escape.  The path "/" matches every path.  No repetition
 * is in it. */
void regex_path(FILE *to, struct str path);

/* A path that some would take for one below the prefix though it is spelled
 * otherwise: it follows the prefix up to the end of a segment, where something
 * ambiguous comes: ';', '\', an escaped '/', or a second '/'.  Not for "/". */
void regex_ambiguous_path(FILE *to, struct str path);

#endif
