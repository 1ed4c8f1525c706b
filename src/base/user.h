/* user.h - users and groups, by name or by number. */
#ifndef PREFLIGHTD_BASE_USER_H
#define PREFLIGHTD_BASE_USER_H

#include <sys/types.h>

/* The user of that name, or of that number, which need not be a known one.
 * *gid becomes the user's own group, (gid_t)-1 where the user is not known.
 * Returns 0, or -1 where there is none. */
int user_find(const char *name, uid_t *uid, gid_t *gid);

/* The same for a group. */
int group_find(const char *name, gid_t *gid);

#endif
