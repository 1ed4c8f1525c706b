/* confine.h - `serve` once it has what it needs: another user, no privileges,
 * no system calls but its own. */
#ifndef PREFLIGHTD_DAEMON_CONFINE_H
#define PREFLIGHTD_DAEMON_CONFINE_H

#include <stdbool.h>

#include "daemon/privileges.h"
#include "serve/listen.h"

struct policy_set;

struct confine_options {
	const char *user, *group; /* NULL: not given */
	bool sandbox;
};

/* Confines the process: after the policy, the log and the sockets were opened,
 * before any other thread runs.  What will then be missing, a policy file that
 * the user may not read, say, is a warning in the log, and so is a socket that
 * nobody but root can connect to.  Returns 0, or -1 after
 * a message on stderr. */
int confine(const struct confine_options *o, const struct priv *who,
    const struct policy_set *policies, const struct listen_set *listeners);

#endif
