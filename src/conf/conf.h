/* conf.h - reads a policy file into compiled policies, or into diagnostics. */
#ifndef PREFLIGHTD_CONF_CONF_H
#define PREFLIGHTD_CONF_CONF_H

#include <stdio.h>

#include "base/diag.h"
#include "conf/keys.h"

/* The [test NAME] sections of a file, run.  The tests are in file order and
 * last as long as the policies. */
struct conf_tests {
	size_t run, failed;
	const struct conf_test *tests;
};

/* Loads the policy file, runs every check and, where no error was found, every
 * [test].  All findings go to d.  Returns NULL with at least one error in d.
 * tests may be NULL.  The caller frees the result with policy_set_free. */
struct policy_set *conf_load(const char *path, struct diag *d,
    struct conf_tests *tests);

/* The same for a command that reads a policy once: path may name a pipe, or be
 * "-" for standard input, which messages call <stdin>.  Lists that such a
 * policy names are relative to the current folder. */
struct policy_set *conf_load_stream(const char *path, struct diag *d,
    struct conf_tests *tests);

/* Is told of every file of a load, the policy file and its @FILE lists, before
 * it is opened, whether it is there or not; path lasts until it returns. */
struct conf_observer {
	void (*opens)(void *ctx, const char *path);
	/* Is asked again and again whether to give the load up; NULL: never.  A
	 * load that is given up fails with the error 'load-stopped'. */
	bool (*stops)(void *ctx);
	void *ctx;
};

/* conf_load with an observer, which may be NULL. */
struct policy_set *conf_load_observed(const char *path, struct diag *d,
    struct conf_tests *tests, const struct conf_observer *observer);

/* format.c: prints the policies, and the tests that were loaded with them,
 * sorted by name: every key in one order, the defaults filled in, files of
 * origins written out, lists sorted with one element a line, names and origins
 * that have no effect left out.  conf_load reads it back to the same digest.
 * Returns 0, or -1 without memory; what the stream can't take is left to the
 * caller's fflush. */
int canonical_print(const struct policy_set *s,
    const struct conf_tests *tests, FILE *to);

#endif
