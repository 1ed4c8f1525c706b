#include "config.h"

#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/user.h"

/* ---- whom to become ---------------------------------------------------- */

static int
names_find(struct priv *p, const char *group)
{
	struct shown shown;

	if (account_user(p->user, &p->uid, &p->gid) == -1)
		return fail("name a user that exists, or a numeric id and "
		    "--group", "--user: there is no user '%s'",
		    buf_shown(&shown, str_of(p->user)));
	if (group != NULL && account_group(group, &p->gid) == -1)
		return fail("name a group that exists, or a numeric id",
		    "--group: there is no group '%s'",
		    buf_shown(&shown, str_of(group)));
	return 0;
}

/* Who is no root can only stay who he is. */
static int
stay(struct priv *p, const char *group)
{
	struct shown shown;

	if (group == NULL)
		p->gid = getegid();
	if (p->uid == geteuid() && p->uid == getuid() && p->gid == getegid() &&
	    p->gid == getgid())
		return 0;
	return fail("start it as root, or as that user and group without "
	    "--user and --group", "--user: only root can become '%s', and "
	    "this is user %lu, group %lu",
	    buf_shown(&shown, str_of(p->user)), (unsigned long)geteuid(),
	    (unsigned long)getegid());
}

int
priv_find(struct priv *p, const char *user, const char *group)
{
	struct shown shown;

	*p = (struct priv){.user = user, .uid = (uid_t)-1, .gid = (gid_t)-1};
	if (user == NULL)
		return 0;
	if (names_find(p, group) == -1)
		return -1;
	if (p->uid == 0)
		return fail("name a user without privileges, or leave --user "
		    "away", "--user: '%s' is root",
		    buf_shown(&shown, str_of(user)));
	if (geteuid() != 0)
		return stay(p, group);
	if (p->gid == (gid_t)-1)
		return fail("give --group too", "--user: '%s' is no known "
		    "user and has no group of its own",
		    buf_shown(&shown, str_of(user)));
	p->change = true;
	return 0;
}

/* ---- becoming ---------------------------------------------------------- */

/* Whether any trace of who it was is left. */
static bool
is_proved(const struct priv *p)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) == -1 ||
	    getresgid(&rgid, &egid, &sgid) == -1)
		return false;
	if (ruid != p->uid || euid != p->uid || suid != p->uid)
		return false;
	if (rgid != p->gid || egid != p->gid || sgid != p->gid)
		return false;
	/* Who kept a capability could still do these. */
	return getgroups(0, NULL) == 0 && setgroups(0, NULL) == -1 &&
	    setuid(0) == -1 && (p->gid == 0 || setgid(0) == -1);
}

int
priv_drop(const struct priv *p)
{
	struct shown shown;
	const char *user;

	if (!p->change)
		return 0;
	user = buf_shown(&shown, str_of(p->user));
	if (setgroups(0, NULL) == -1 ||
	    setresgid(p->gid, p->gid, p->gid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1)
		return fail("a container must leave root CAP_SETUID and "
		    "CAP_SETGID; or let it start as that user",
		    "cannot become '%s': %s", user, strerror(errno));
	if (!is_proved(p))
		return fail("look for kept capabilities and securebits, or "
		    "start it as that user",
		    "became '%s', but could become root again", user);
	/* Other processes of that user must not reach into this one; the
	 * kernel says so by default, but fs.suid_dumpable may not. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return fail("see prctl(2)", "PR_SET_DUMPABLE: %s",
		    strerror(errno));
	return 0;
}

/* RLIMIT_NPROC is left alone: it counts all that the user runs, threads too.
 * So is RLIMIT_FSIZE: stderr may be a file, and a log grows. */
int
priv_limit(void)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fail("a kernel before 3.5 cannot",
		    "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	/* To lower a limit is always allowed, unless a filter of system calls
	 * was put on before; that is no reason not to serve. */
	(void)setrlimit(RLIMIT_CORE, &none);
	return 0;
}
