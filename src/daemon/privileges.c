#include "config.h"

#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/user.h"
#include "daemon/notify.h"
#include "daemon/sandbox.h"
#include "log/log.h"
#include "log/sink.h"

/* ---- whom to become ---------------------------------------------------- */

int
privileges_find(struct privileges *p, const struct privileges_options *o)
{
	struct shown shown;
	const char *user;

	*p = (struct privileges){.user = o->user, .uid = (uid_t)-1,
	    .gid = (gid_t)-1, .sandbox = o->sandbox};
	if (o->user == NULL)
		return 0;
	user = buf_shown(&shown, str_of(o->user));
	if (user_find(o->user, &p->uid, &p->gid) == -1)
		return fail("name a user that exists, or a numeric id and "
		    "--group", "--user: no user '%s'", user);
	if (o->group != NULL && group_find(o->group, &p->gid) == -1)
		return fail("name a group that exists, or a numeric id",
		    "--group: no group '%s'",
		    buf_shown(&shown, str_of(o->group)));
	if (p->uid == 0)
		return fail("name a user without privileges, or omit --user",
		    "--user: '%s' is root", user);
	if (geteuid() == 0 && p->gid == (gid_t)-1)
		return fail("give --group too", "--user: '%s' is not a known "
		    "user and has no group of its own", user);
	p->change = geteuid() == 0;
	if (p->change)
		return 0;
	/* Who is not root can only stay who he is. */
	if (o->group == NULL)
		p->gid = getegid();
	if (p->uid == geteuid() && p->uid == getuid() && p->gid == getegid() &&
	    p->gid == getgid())
		return 0;
	return fail("start it as root, or as that user and group without "
	    "--user and --group", "--user: only root can become '%s', and "
	    "this is user %lu, group %lu", user, (unsigned long)geteuid(),
	    (unsigned long)getegid());
}

/* ---- becoming ---------------------------------------------------------- */

/* Whether any trace of who it was is left. */
static bool
is_final(const struct privileges *p)
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

static int
user_become(const struct privileges *p)
{
	struct shown shown;
	const char *user = buf_shown(&shown, str_of(p->user));

	if (setgroups(0, NULL) == -1 ||
	    setresgid(p->gid, p->gid, p->gid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1)
		return fail("a container must leave root CAP_SETUID and "
		    "CAP_SETGID; or let it start as that user",
		    "cannot become '%s': %s", user, strerror(errno));
	if (!is_final(p))
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

/* ---- what will be missing ---------------------------------------------- */

/* One warning about a file; path is NULL where it is about none. */
static void
warn(const char *event, const char *path, const char *user, struct str hint)
{
	struct log_line l;
	int error = errno;

	if (!log_begin(&l, LOG_LEVEL_WARNING, event, NULL, LOG_UNLIMITED))
		return;
	if (path != NULL) {
		log_str(&l, "file", str_of(path));
		log_str(&l, "user", str_of(user));
		log_str(&l, "error", str_of(strerror(error)));
	}
	log_str(&l, "hint", hint);
	log_end(&l);
}

/* What was opened by root, and will be opened by the user. */
static void
files_check(const char *user, const struct policy_set *policies)
{
	const char *name;

	for (unsigned i = 0; *(name = policy_set_file_name(policies, i)) !=
	    '\0'; i++)
		if (access(name, R_OK) == -1)
			warn("policy-unreadable", name, user, STR("a reload "
			    "will fail: let that user read the file and search "
			    "its folders"));
	if (!log_sink_can_reopen())
		warn("log-not-writable", log_sink_path(), user, STR("SIGUSR1 "
		    "will fail: give the file to that user, or have it rotated "
		    "with 'create 0640' and that user's name"));
}

/* Whether somebody else than root may write to the file: to connect(2) to a
 * socket takes that. */
static bool
is_for_others(const struct stat *st)
{
	return (st->st_uid != 0 && (st->st_mode & S_IWUSR) != 0) ||
	    (st->st_gid != 0 && (st->st_mode & S_IWGRP) != 0) ||
	    (st->st_mode & S_IWOTH) != 0;
}

/* To web servers such a socket looks as if preflightd were down. */
static void
sockets_check(const struct listen_set *listeners)
{
	for (size_t i = 0; i < listeners->n; i++) {
		const struct listener *at = &listeners->at[i];
		union {
			struct sockaddr any;
			struct sockaddr_un un;
			char bytes[sizeof(struct sockaddr_un) + 1];
		} name = {.bytes = ""};
		const char *path = name.bytes +
		    offsetof(struct sockaddr_un, sun_path);
		socklen_t n = sizeof name.un;
		struct log_line l;
		struct stat st;

		if (getsockname(at->fd, &name.any, &n) == -1 ||
		    name.any.sa_family != AF_UNIX || lstat(path, &st) == -1 ||
		    !S_ISSOCK(st.st_mode) || is_for_others(&st) ||
		    !log_begin(&l, LOG_LEVEL_WARNING, "socket-of-root", NULL,
		    LOG_UNLIMITED))
			continue;
		log_str(&l, "socket", str_of(path));
		log_str(&l, "hint", at->inherited ? STR("only root can "
		    "connect: who made the socket must give it to the web "
		    "server's group, www-data on Debian: spawn-fcgi -G "
		    "www-data -M 0660, SocketGroup=www-data in a socket unit") :
		    STR("only root can connect: give --socket-group with the "
		    "web server's group, www-data on Debian, and --socket-mode "
		    "0660"));
		log_end(&l);
	}
}

/* ---- all of it --------------------------------------------------------- */

int
privileges_drop(const struct privileges *p,
    const struct policy_set *policies, const struct listen_set *listeners)
{
	const struct rlimit none = {0, 0};
	struct sandbox_needs needs = {.append = log_sink_path() != NULL,
	    .unix_sockets = log_sink_is_syslog() || notify_is_wanted()};

	sockets_check(listeners);
	if (p->change) {
		if (user_become(p) == -1)
			return -1;
		files_check(p->user, policies);
	} else if (geteuid() == 0) {
		warn("running-as-root", NULL, NULL, STR("give --user: nothing "
		    "here needs root"));
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fail("this needs Linux 3.5 or newer",
		    "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	/* A core file would hold the cookies of requests.  To lower a limit is
	 * always allowed, unless a filter of system calls was put on before;
	 * that is no reason not to serve.  RLIMIT_NPROC is left alone: it
	 * counts all that the user runs, threads too.  So is RLIMIT_FSIZE:
	 * stderr may be a file, and a log grows. */
	(void)setrlimit(RLIMIT_CORE, &none);
	if (!p->sandbox)
		return 0;
	for (size_t i = 0; i < listeners->n; i++)
		if (listeners->at[i].name != NULL)
			needs.unlink = true;
	return sandbox_enter(&needs);
}
