#include "config.h"

#include "daemon/confine.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/policy.h"
#include "daemon/notify.h"
#include "daemon/sandbox.h"
#include "log/log.h"
#include "log/sink.h"

/* One warning about a file; path is NULL where it is about none. */
static void
warn(const char *event, const char *path, const char *user, struct str hint)
{
	struct log_line l;
	int error = errno;

	if (!log_begin(&l, LOG_LEVEL_WARNING, event, NULL, LOG_EVERY))
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
		    LOG_EVERY))
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

static int
sandbox(const struct listen_set *listeners)
{
	struct sandbox_needs needs = {.append = log_sink_path() != NULL,
	    .unix_sockets = log_sink_is_syslog() || notify_is_wanted()};

	for (size_t i = 0; i < listeners->n; i++)
		if (listeners->at[i].name != NULL)
			needs.unlink = true;
	return sandbox_enter(&needs);
}

int
confine(const struct confine_options *o, const struct priv *who,
    const struct policy_set *policies, const struct listen_set *listeners)
{
	sockets_check(listeners);
	if (priv_drop(who) == -1)
		return -1;
	if (who->change)
		files_check(who->user, policies);
	else if (geteuid() == 0)
		warn("running-as-root", NULL, NULL, STR("give --user: nothing "
		    "here needs root"));
	if (priv_limit() == -1)
		return -1;
	return o->sandbox ? sandbox(listeners) : 0;
}
