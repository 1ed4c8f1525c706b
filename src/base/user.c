#include "config.h"

#include "base/user.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"

/* The number above it, (uid_t)-1, means "leave it as it is". */
static const unsigned long id_max = UINT32_MAX - 1;

int
user_find(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = getpwnam(name);
	unsigned long id;

	if (pw == NULL) {
		if (number_parse(name, 0, id_max, &id) == -1)
			return -1;
		*uid = (uid_t)id;
		*gid = (gid_t)-1;
		if ((pw = getpwuid(*uid)) == NULL)
			return 0;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

int
group_find(const char *name, gid_t *gid)
{
	const struct group *gr = getgrnam(name);
	unsigned long id;

	if (gr != NULL) {
		*gid = gr->gr_gid;
		return 0;
	}
	if (number_parse(name, 0, id_max, &id) == -1)
		return -1;
	*gid = (gid_t)id;
	return 0;
}
