/* privileges.h - `serve` once it has what it needs: another user, no way back
 * to root, no system calls but its own. */
#ifndef PREFLIGHTD_DAEMON_PRIVILEGES_H
#define PREFLIGHTD_DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/policy.h"
#include "serve/listen.h"

struct privileges_options {
	const char *user, *group; /* NULL: not given */
	bool sandbox;
};

/* Whom to become. */
struct privileges {
	const char *user; /* as it was named; NULL: nobody was */
	bool change;      /* false: the process is that user already */
	uid_t uid;
	gid_t gid;
	bool sandbox;
};

/* Finds out whom to become.  Returns 0, or -1 after a message on stderr.  *p
 * points to the user's name. */
int privileges_find(struct privileges *p, const struct privileges_options *o);

/* Becomes that user, without supplementary groups, proves that there is no way
 * back, and puts the sandbox on: after the policy, the log and the sockets were
 * opened, before any other thread runs.  What will then be missing, a policy
 * file that the user may not read, say, is a warning in the log, and so is a
 * socket that nobody but root can connect to.  Returns 0, or -1 after a message
 * on stderr. */
int privileges_drop(const struct privileges *p,
    const struct policy_set *policies, const struct listen_set *listeners);

#endif
