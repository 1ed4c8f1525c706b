/* export_regex.h - what a policy compares with, as regular expressions that
 * PCRE and RE2 read alike: no look-around, and no byte that needs a quote in
 * any server's configuration.  They are written to a stream and have no
 * anchors but where it says so. */
#ifndef PREFLIGHTD_EXPORT_REGEX_H
#define PREFLIGHTD_EXPORT_REGEX_H

#include <stdio.h>

#include "origin.h"
#include "str.h"

/* An Origin that is well formed, anchored; what '*' allows. */
#define REGEX_CLEAN "^[ -+.-~-]+$"

/* An Origin whose host is longer than any that a pattern may match, with the
 * anchor at its begin: 254 bytes, the last of which is no trailing dot. */
#define REGEX_LONG_ORIGIN "^[^:]*://[^:]{253}([^.:]|[.][^:])"

/* The same for a host, as a Host field has it. */
#define REGEX_LONG_HOST "^[^:]{253}([^.:]|[.][^:])"

/* A Host field that is malformed, and what may stand behind a host in one that
 * is not, anchored at its end. */
#define REGEX_BAD_HOST "[^ -~]"
#define REGEX_HOST_END "\\.?(:[0-9]{0,5})?$"

/* A host of a policy: the host itself, or with subdomains one or more labels
 * before it.  In lower case. */
void regex_host(FILE *to, struct str host, bool subdomains);

/* An entry of allow-origins that is exact, null or a pattern. */
void regex_origin(FILE *to, const struct origin *o);

/* Whether some origin matches the pattern: a label of its own may be one that
 * no origin has. */
bool regex_origin_possible(const struct origin *o);

/* How the server gives the path of a request. */
enum path_form {
	PATH_DECODED, /* percent-decoded, without dot segments */
	PATH_RAW,     /* as it came, with its query */
};

/* How ";parameters" behind a segment are read: as a part of it, or cut off. */
enum path_reading { PATH_LITERAL, PATH_PLAIN };

/* A path prefix of a policy, whole segments, from the first '/' on; with '//'
 * taken for '/'.  The path "/" matches every path. */
void regex_path(FILE *to, struct str path, enum path_form form,
    enum path_reading reading);

/* Raw request targets that get no policy, since servers read them in different
 * ways: anchored expressions, ended by NULL.  Those for PATH_RAW are more, as a
 * raw path cannot be compared behind a dot segment. */
const char *const *regex_odd(enum path_form form);

#endif
