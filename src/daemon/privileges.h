/* privileges.h - gives root up for good, and with it the means to get anything
 * back. */
#ifndef PREFLIGHTD_DAEMON_PRIVILEGES_H
#define PREFLIGHTD_DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom to become. */
struct priv {
	const char *user; /* as it was named; NULL: nobody was */
	bool change;      /* false: the process is that user already */
	uid_t uid;
	gid_t gid;
};

/* Finds out whom to become; user may be NULL, group too: then it is the user's
 * own.  Returns 0, or -1 after a message on stderr.  *p points to user. */
int priv_find(struct priv *p, const char *user, const char *group);

/* Becomes that user, without supplementary groups, and proves that there is no
 * way back.  No other thread may run.  Returns 0, or -1 after a message. */
int priv_drop(const struct priv *p);

/* Lets no program gain privileges and leaves no core file: it would hold the
 * cookies of requests.  Returns 0, or -1 after a message. */
int priv_limit(void);

#endif
