/* reload.h - the policies of a running server, the one that answers and the
 * candidate of --shadow beside it: loaded at the start, at a signal, and with
 * --watch when their files change.  What can't be used is logged, and the one
 * before it stays.  For one thread, which may wait for files. */
#ifndef PREFLIGHTD_DAEMON_RELOAD_H
#define PREFLIGHTD_DAEMON_RELOAD_H

#include <stdbool.h>

#include "metrics/metrics.h"
#include "serve/server.h"

struct reload;

/* Remembers the paths, which must outlive it; shadow is NULL without a
 * candidate.  Returns NULL without memory.  stop is asked again and again
 * during a load, which ends, without result and without a word, once it says
 * so. */
struct reload *reload_new(const char *live, const char *shadow, bool watch,
    bool (*stop)(void));
void reload_free(struct reload *r);

/* Loads the policy for the first time and prints what is wrong with it on
 * stderr.  Returns NULL where it can't be used. */
struct policy_set *reload_first(struct reload *r);

/* Loads the candidate for the first time.  Returns NULL where there is none, or
 * after lines in the log where it can't be used: the server does without. */
struct policy_set *reload_first_shadow(struct reload *r);

/* Loads both anew and hands them to the server. */
void reload_all(struct reload *r, struct server *s);

/* How long to sleep before reload_check, in ms, -1 for ever. */
int reload_timeout_ms(const struct reload *r);

/* Looks for changed files and loads them once they do not change any more. */
void reload_check(struct reload *r, struct server *s);

#endif
