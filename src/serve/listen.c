#include "config.h"

#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/user.h"

enum {
	BACKLOG = 4096,         /* the kernel lowers it to net.core.somaxconn */
	INHERITED_FIRST = 3,    /* sd_listen_fds(3) */
};

/* Adds a socket.  Returns NULL after a message where there is no room for it:
 * then it is closed, unless it was inherited. */
static struct listener *
set_add(struct listen_set *set, int fd, bool inherited)
{
	struct listener *l = &set->at[set->n];

	if (set->n == LISTEN_MAX) {
		fail("use fewer sockets", "more than %d sockets to listen on",
		    LISTEN_MAX);
		if (!inherited)
			close(fd);
		return NULL;
	}
	*l = (struct listener){.fd = fd, .folder = -1, .inherited = inherited};
	set->n++;
	return l;
}

/* ---- unix sockets ------------------------------------------------------ */

/* Whether somebody answers at the address. */
static bool
is_live(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool live;

	if (fd == -1)
		return true;
	/* EAGAIN is a full queue, EPROTOTYPE another kind of socket: both have
	 * an owner. */
	live = connect(fd, (const struct sockaddr *)un, sizeof *un) == 0 ||
	    (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return live;
}

/* Makes way where a socket file is left of a process that is gone. */
static int
stale_remove(int folder, const char *name, const struct sockaddr_un *un)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : fail("check its folder",
		    "'%s': %s", un->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail("name another path, or remove it yourself",
		    "'%s' exists and is not a socket", un->sun_path);
	if (is_live(un))
		return fail("stop the other program, or name another path",
		    "'%s' is in use by another program", un->sun_path);
	if (unlinkat(folder, name, 0) == -1 && errno != ENOENT)
		return fail("check the permissions of its folder",
		    "cannot remove the stale socket '%s': %s", un->sun_path,
		    strerror(errno));
	return 0;
}

static int
owner_find(const struct listen_options *o, uid_t *uid, gid_t *gid)
{
	gid_t own;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (o->owner != NULL && user_find(o->owner, uid, &own) == -1)
		return fail("name a user that exists",
		    "--socket-owner: no user '%s'", o->owner);
	if (o->group != NULL && group_find(o->group, gid) == -1)
		return fail("name a group that exists",
		    "--socket-group: no group '%s'", o->group);
	return 0;
}

/* Says why a socket's file could not be made.  Returns -1. */
static int
bind_fail(const char *path, int error)
{
	const char *slash = strrchr(path, '/');
	char hint[sizeof(struct sockaddr_un) + 40];

	if (error == ENOENT && slash != NULL)
		snprintf(hint, sizeof hint,
		    "make its folder first: mkdir -p %.*s", (int)(slash - path),
		    path);
	else
		snprintf(hint, sizeof hint, "check its folder: this user "
		    "must be able to write to it");
	return fail(hint, "cannot bind '%s': %s", path, strerror(error));
}

/* Opens the folder of the socket.  What is done there is done through this
 * descriptor, whatever becomes of the path. */
static int
folder_open(const char *path, size_t n)
{
	char dir[sizeof((struct sockaddr_un){0}.sun_path)];
	int fd;

	memcpy(dir, n > 0 ? path : ".", n > 0 ? n : 1);
	dir[n > 0 ? n : 1] = '\0';
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd != -1 ? fd : bind_fail(path, errno);
}

/* Between a look at what stands at the path and listen(2), a second process
 * that starts would take the first one's socket for a stale one.  So one alone
 * may be there: who has locked NAME.lock.  The lock file is removed before it
 * is unlocked; who locked it too late sees that by its inode.  A lock that is
 * left of a killed process is taken over. */
static int
lock_take(int folder, const char *name, const char *path)
{
	struct stat opened, named;
	int fd, error;

	for (;;) {
		fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW |
		    O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
		if (fd == -1) {
			error = errno;
			if (fstatat(folder, name, &named,
			    AT_SYMLINK_NOFOLLOW) == -1)
				return bind_fail(path, error);
			return fail("start it as the user who made that file, "
			    "or remove it", "cannot lock '%s.lock': %s", path,
			    strerror(error));
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
			error = errno;
			close(fd);
			if (error == EWOULDBLOCK)
				return fail("start it once, or name another "
				    "path", "'%s' is in use by another "
				    "preflightd, which is starting", path);
			return fail("name a path on a local file system",
			    "cannot lock '%s.lock': %s", path,
			    strerror(error));
		}
		if (fstat(fd, &opened) == 0 && fstatat(folder, name, &named,
		    AT_SYMLINK_NOFOLLOW) == 0 &&
		    opened.st_dev == named.st_dev &&
		    opened.st_ino == named.st_ino)
			return fd;
		close(fd);
	}
}

/* Notes which file bind(2) has made and gives it to its owner.  A path that was
 * checked could name another file by now, so this goes by a descriptor. */
static int
file_own(struct listener *l, const char *path, uid_t uid, gid_t gid)
{
	int fd = openat(l->folder, l->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool given = uid != (uid_t)-1 || gid != (gid_t)-1;
	struct stat st;
	int ret = -1;

	if (fd == -1 || fstat(fd, &st) == -1) {
		fail("check who may write to its folder", "'%s': %s", path,
		    strerror(errno));
		goto out;
	}
	if (!S_ISSOCK(st.st_mode) ||
	    (given && (st.st_uid != geteuid() || st.st_nlink != 1))) {
		fail("check who may write to its folder",
		    "'%s' was replaced by somebody else", path);
		goto out;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	if (given && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == -1) {
		fail("only root may give a socket to others",
		    "cannot set the owner of '%s': %s", path, strerror(errno));
		goto out;
	}
	ret = 0;
out:
	if (fd != -1)
		close(fd);
	return ret;
}

/* Binds and listens; the lock is held. */
static int
unix_listen(struct listener *l, const struct sockaddr_un *un,
    const struct listen_options *o, uid_t uid, gid_t gid)
{
	int ret, error;
	mode_t old;

	if (stale_remove(l->folder, l->name, un) == -1)
		return -1;
	/* The file is made with its mode. */
	old = umask(0777 & ~o->mode);
	ret = bind(l->fd, (const struct sockaddr *)un, sizeof *un);
	error = errno;
	umask(old);
	if (ret == -1)
		return bind_fail(un->sun_path, error);
	if (file_own(l, un->sun_path, uid, gid) == -1)
		return -1;
	if (listen(l->fd, BACKLOG) == -1)
		return fail("see socket(7)", "cannot listen on '%s': %s",
		    un->sun_path, strerror(errno));
	return 0;
}

static int
unix_open(struct listen_set *set, const char *path,
    const struct listen_options *o)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char lock_name[sizeof un.sun_path + sizeof ".lock"];
	struct listener *l;
	uid_t uid;
	gid_t gid;
	int fd, lock, ret;

	if (path[0] == '@' || name[0] == '\0')
		return fail("write unix:/run/preflightd/preflightd.sock",
		    "--listen: 'unix:%s' does not name a file%s", path,
		    path[0] == '@' ? "; an abstract socket has no permissions" :
		    "");
	if (strlen(path) >= sizeof un.sun_path)
		return fail("name a shorter path",
		    "--listen: a socket's path has at most %zu bytes: '%s'",
		    sizeof un.sun_path - 1, path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	if (owner_find(o, &uid, &gid) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return fail("see the limit of open files", "socket: %s",
		    strerror(errno));
	if ((l = set_add(set, fd, false)) == NULL)
		return -1;
	l->name = name;
	l->folder = folder_open(path, (size_t)(name - path));
	if (l->folder == -1)
		return -1;
	snprintf(lock_name, sizeof lock_name, "%s.lock", name);
	lock = lock_take(l->folder, lock_name, path);
	if (lock == -1)
		return -1;
	ret = unix_listen(l, &un, o, uid, gid);
	(void)unlinkat(l->folder, lock_name, 0);
	close(lock);
	return ret;
}

/* ---- TCP --------------------------------------------------------------- */

static int
tcp_open(struct listen_set *set, const struct addrinfo *ai, const char *spec)
{
	struct listener *l;
	const char *hint;
	int one = 1, fd;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return fail("see socket(7)", "'%s': socket: %s", spec,
		    strerror(errno));
	if ((l = set_add(set, fd, false)) == NULL)
		return -1;
	l->tcp = true;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* So that 0.0.0.0:PORT and [::]:PORT can stand side by side. */
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return 0;
	switch (errno) {
	case EACCES:
		hint = "name a port over 1023, or let systemd open it";
		break;
	case EADDRINUSE:
		hint = "stop the other program, or name another address or "
		    "port";
		break;
	case EADDRNOTAVAIL:
		hint = "no network interface has this address: ip address "
		    "lists those that there are; 0.0.0.0 is all of IPv4, [::] "
		    "all of IPv6";
		break;
	default:
		hint = "see bind(2)";
	}
	return fail(hint, "cannot listen on '%s': %s", spec, strerror(errno));
}

/* Takes HOST:PORT apart into host, of size bytes, and port. */
static int
spec_split(const char *spec, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(spec, ':'), *from = spec, *to = colon;

	if (colon == NULL || port_parse(str_of(colon + 1)) == -1)
		return -1;
	*port = colon + 1;
	if (spec[0] == '[') {
		if (colon == spec || colon[-1] != ']')
			return -1;
		from++;
		to--;
	} else if (memchr(spec, ':', (size_t)(colon - spec)) != NULL) {
		return -1;
	}
	if (to <= from || (size_t)(to - from) >= size)
		return -1;
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = '\0';
	return 0;
}

static bool
is_port(const char *text)
{
	return port_parse(str_of(text)) != -1;
}

/* Says what an address lacks that is none, and the one to write: other software
 * takes a path or a port alone.  Returns -1. */
static int
spec_fail(const char *spec)
{
	const char *colon = strrchr(spec, ':'), *what = "is not an address";
	const char *port = spec + (spec[0] == ':' ? 1 : 0);
	char hint[2 * sizeof(struct shown) + 100], host[INET6_ADDRSTRLEN] = "";
	struct in6_addr in6;
	struct shown shown;

	snprintf(hint, sizeof hint,
	    "write unix:PATH, 127.0.0.1:9000 or [::1]:9000");
	buf_shown(&shown, str_of(spec));
	if (colon != NULL && (size_t)(colon - spec) < sizeof host)
		memcpy(host, spec, (size_t)(colon - spec));
	if (strchr(spec, '/') != NULL || str_ends(str_of(spec), STR(".sock"))) {
		what = "is a path without unix: in front";
		snprintf(hint, sizeof hint, "write --listen unix:%s",
		    shown.text);
	} else if (is_port(port)) {
		what = "has no host";
		snprintf(hint, sizeof hint, "write --listen 127.0.0.1:%s, or "
		    "0.0.0.0:%s for all interfaces", port, port);
	} else if (colon != NULL && is_port(colon + 1) &&
	    inet_pton(AF_INET6, host, &in6) == 1) {
		what = "lacks the brackets of an IPv6 address";
		snprintf(hint, sizeof hint, "write --listen [%s]%s", host,
		    colon);
	} else if (inet_pton(AF_INET6, spec, &in6) == 1) {
		what = "has no port, and lacks the brackets of an IPv6 address";
		snprintf(hint, sizeof hint, "write --listen [%s]:9000", spec);
	} else if (colon == NULL && spec[0] != '\0') {
		what = "has no port";
		snprintf(hint, sizeof hint, "write --listen %s:9000 or "
		    "--listen unix:%s", shown.text, shown.text);
	} else if (colon != NULL && colon > spec && !is_port(colon + 1)) {
		what = "has no port from 1 to 65535";
	}
	return fail(hint, "--listen: '%s' %s", shown.text, what);
}

static int
inet_open(struct listen_set *set, const char *spec)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	struct shown shown;
	const char *port;
	char host[256];
	int error, ret = 0;

	if (spec_split(spec, host, sizeof host, &port) == -1)
		return spec_fail(spec);
	if (spec[0] == '[')
		hints.ai_flags |= AI_NUMERICHOST;
	if ((error = getaddrinfo(host, port, &hints, &list)) != 0)
		return fail("write an address, such as 127.0.0.1:9000",
		    "--listen: '%s': %s", buf_shown(&shown, str_of(spec)),
		    gai_strerror(error));
	for (const struct addrinfo *ai = list; ai != NULL && ret == 0;
	    ai = ai->ai_next)
		ret = tcp_open(set, ai, spec);
	freeaddrinfo(list);
	return ret;
}

/* ---- inherited sockets ------------------------------------------------- */

bool
listen_is_listening(int fd)
{
	int on = 0;
	socklen_t n = sizeof on;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 &&
	    on != 0;
}

static int
inherit(struct listen_set *set, int fd)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof name;
	struct listener *l;
	int flags;

	if (!listen_is_listening(fd))
		return fail("see that the socket unit has ListenStream= and "
		    "Accept=no", "inherited file descriptor %d is not a "
		    "listening stream socket", fd);
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return fail("this should not happen", "fcntl: %s",
		    strerror(errno));
	if ((l = set_add(set, fd, true)) == NULL)
		return -1;
	l->tcp = getsockname(fd, (struct sockaddr *)&name, &n) == 0 &&
	    name.ss_family != AF_UNIX;
	return 0;
}

/* How many sockets LISTEN_FDS gives to this process. */
static unsigned long
inherited_count(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	unsigned long n = 0, for_pid;

	if (fds == NULL || pid == NULL ||
	    number_parse(pid, 1, INT32_MAX, &for_pid) == -1 ||
	    (pid_t)for_pid != getpid() ||
	    number_parse(fds, 1, INT32_MAX - INHERITED_FIRST, &n) == -1)
		n = 0;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	return n;
}

/* ---- who may connect --------------------------------------------------- */

/* An IPv4 address is kept as IPv6 writes it, ::ffff:192.0.2.1. */
static int
peer_parse(const char *text, struct in6_addr *out)
{
	char mapped[INET6_ADDRSTRLEN + 8];

	if (strchr(text, ':') != NULL)
		return inet_pton(AF_INET6, text, out) == 1 ? 0 : -1;
	if (strlen(text) >= INET_ADDRSTRLEN)
		return -1;
	snprintf(mapped, sizeof mapped, "::ffff:%s", text);
	return inet_pton(AF_INET6, mapped, out) == 1 ? 0 : -1;
}

/* Reads FCGI_WEB_SERVER_ADDRS, addresses between commas. */
static int
peers_load(struct listen_set *set)
{
	const char *p = getenv("FCGI_WEB_SERVER_ADDRS");
	char one[INET6_ADDRSTRLEN];
	size_t n;

	set->npeers = 0;
	set->restricted = p != NULL && *p != '\0';
	while (set->restricted && *p != '\0') {
		p += strspn(p, ", ");
		n = strcspn(p, ", ");
		if (n == 0)
			break;
		memcpy(one, p, n < sizeof one ? n : 0);
		one[n < sizeof one ? n : 0] = '\0';
		if (set->npeers == LISTEN_PEERS_MAX ||
		    peer_parse(one, &set->peers[set->npeers]) == -1)
			return fail("write at most 64 IP addresses with commas "
			    "between them, or unset it",
			    "FCGI_WEB_SERVER_ADDRS has something else");
		set->npeers++;
		p += n;
	}
	return 0;
}

bool
listen_allows(const struct listen_set *set,
    const struct sockaddr_storage *peer)
{
	const struct sockaddr_in *in = (const void *)peer;
	const struct sockaddr_in6 *in6 = (const void *)peer;
	struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	if (!set->restricted || (peer->ss_family != AF_INET &&
	    peer->ss_family != AF_INET6))
		return true;
	if (peer->ss_family == AF_INET6)
		mapped = in6->sin6_addr;
	else
		memcpy(&mapped.s6_addr[12], &in->sin_addr, 4);
	for (size_t i = 0; i < set->npeers; i++)
		if (memcmp(&set->peers[i], &mapped, sizeof mapped) == 0)
			return true;
	return false;
}

/* ---- all of them ------------------------------------------------------- */

static int
all_open(struct listen_set *set, const struct listen_options *o)
{
	unsigned long inherited = inherited_count();
	const char *spec;

	for (size_t i = 0; i < o->nspecs; i++) {
		spec = o->specs[i];
		if ((strncmp(spec, "unix:", 5) == 0 ?
		    unix_open(set, spec + 5, o) : inet_open(set, spec)) == -1)
			return -1;
	}
	if (o->nspecs > 0)
		return 0;
	for (unsigned long i = 0; i < inherited; i++)
		if (inherit(set, INHERITED_FIRST + (int)i) == -1)
			return -1;
	if (inherited > 0)
		return 0;
	if (listen_is_listening(STDIN_FILENO))
		return inherit(set, STDIN_FILENO);
	return fail("give --listen unix:/run/preflightd/preflightd.sock or "
	    "--listen 127.0.0.1:9000, or let spawn-fcgi, the web server or a "
	    "systemd socket unit start it", "no socket to serve on: no "
	    "--listen, no LISTEN_FDS, and standard input is not a listening "
	    "socket");
}

int
listen_open(struct listen_set *set, const struct listen_options *o)
{
	set->n = 0;
	if (peers_load(set) == 0 && all_open(set, o) == 0)
		return 0;
	listen_unlink(set);
	listen_close(set);
	return -1;
}

void
listen_unlink(struct listen_set *set)
{
	struct listener *l;
	struct stat st;

	for (size_t i = 0; i < set->n; i++) {
		l = &set->at[i];
		if (l->name != NULL && fstatat(l->folder, l->name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == l->dev &&
		    st.st_ino == l->ino)
			unlinkat(l->folder, l->name, 0);
		l->name = NULL;
	}
}

void
listen_close(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		close(set->at[i].fd);
		if (set->at[i].folder != -1)
			close(set->at[i].folder);
	}
	set->n = 0;
}
