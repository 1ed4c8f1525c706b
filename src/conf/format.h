/* format.h - a policy file in one normal form: what has the same meaning is
 * printed the same, and what is printed is a policy file of that meaning. */
#ifndef PREFLIGHTD_CONF_FORMAT_H
#define PREFLIGHTD_CONF_FORMAT_H

#include <stdio.h>

#include "conf/conf.h"

/* Prints the policies, and the tests that were loaded with them, sorted by
 * name: every key in one order, the defaults filled in, files of origins
 * written out, lists sorted with one element a line, names and origins that
 * have no effect left out.  conf_load reads it back to the same digest.
 * Returns 0, or -1 without memory; what the stream can't take is left to the
 * caller's fflush. */
int canonical_print(const struct policy_set *s,
    const struct conf_tests *tests, FILE *to);

#endif
