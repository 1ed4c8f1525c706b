/* conf.h - reads a policy file into compiled policies, or into diagnostics. */
#ifndef PREFLIGHTD_CONF_H
#define PREFLIGHTD_CONF_H

#include "diag.h"
#include "policy.h"

/* The [test NAME] sections of a file, run. */
struct conf_tests {
	size_t run, failed;
};

/* Loads the policy file, runs every check and, where no error was found, every
 * [test].  All findings go to d.  Returns NULL with at least one error in d.
 * tests may be NULL.  The caller frees the result with policy_set_free. */
struct policy_set *conf_load(const char *path, struct diag *d,
    struct conf_tests *tests);

#endif
