#include "config.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/parse.h"
#include "daemon/notify.h"
#include "daemon/privileges.h"
#include "daemon/reload.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "serve/fcgi.h"
#include "serve/listen.h"
#include "serve/server.h"
#include "status/status.h"

/* File descriptors besides connections: logs, epoll, files of a reload. */
enum { FDS_RESERVED = 64, FDS_PER_THREAD = 2 };

enum { SIGNALS = 4 }; /* that are waited for */

/* ---- options ----------------------------------------------------------- */

struct serve_options {
	const char *policy; /* NULL: not given */
	const char *shadow; /* NULL: none */
	bool watch;
	const char *log;
	enum log_level log_level;
	struct privileges_options privileges;
	struct listen_options listen;
	struct server_options server;
	struct cmd_list specs; /* listen.specs is the same */
};

/* What is empty would be taken for one that was not given. */
static int
check_not_empty(const char *command, const char *value, void *ctx)
{
	return value[0] != '\0' ? 0 : fail_usage(command, ctx, str_of(value),
	    "write the name of a file");
}

static int
take_mode(const char *command, const char *value, void *ctx)
{
	struct serve_options *o = ctx;
	unsigned mode;

	if (mode_parse(value, &mode) == -1)
		return fail_usage(command, "invalid --socket-mode",
		    str_of(value), "write an octal mode, such as 0660");
	o->listen.mode = (mode_t)mode;
	return 0;
}

static int
take_level(const char *command, const char *value, void *ctx)
{
	struct serve_options *o = ctx;
	int level = log_level_parse(value);

	if (level == -1)
		return fail_usage(command, "invalid --log-level",
		    str_of(value), "write error, warning, info or debug");
	o->log_level = (enum log_level)level;
	return 0;
}

static int
check_status_path(const char *command, const char *value, void *ctx)
{
	(void)ctx;
	return status_path_valid(str_of(value)) ? 0 : fail_usage(command,
	    "invalid --status-path", str_of(value),
	    "write a path, such as /preflightd/status");
}

/* Reads the arguments; text in *o points into argv.  Returns whether to go on;
 * else *status is the exit status, after the help or a message. */
static bool
options_parse(int argc, char **argv, struct serve_options *o, int *status)
{
	static char no_shadow[] = "invalid --shadow";
	static char no_log[] = "invalid --log";
	const unsigned long day = 86400;
	unsigned long threads = 1, connections = 4096;
	unsigned long timeout = 30, idle_timeout = 300, grace = 10;
	struct server_options *s = &o->server;
	const struct cmd_option options[] = {
		POLICY_CMD_OPTION(&o->policy),
		{0, "watch", NULL, "load a policy again when one of its files "
		    "changes", .flag = &o->watch},
		{0, "shadow", "FILE", "judge preflights by this policy too: it "
		    "never answers; differences are counted and logged",
		    check_not_empty, no_shadow, .text = &o->shadow},
		{'l', "listen", "ADDRESS", "unix:PATH, HOST:PORT or "
		    "[IPv6]:PORT; repeatable. Without it: the sockets of "
		    "LISTEN_FDS (systemd), else file descriptor 0 (spawn-fcgi, "
		    "web servers)", .list = &o->specs},
		{0, "socket-mode", "MODE", "permissions of Unix sockets, octal "
		    "(0660)", take_mode, o, .text = NULL},
		{0, "socket-owner", "USER", "owner of Unix sockets",
		    .text = &o->listen.owner},
		{0, "socket-group", "GROUP", "group of Unix sockets",
		    .text = &o->listen.group},
		{'j', "threads", "N", "threads that answer, 1 to 256 (1)",
		    .number = &threads, .min = 1, .max = 256},
		/* The limit of open files clamps it. */
		{0, "max-connections", "N", "above it one that is idle is "
		    "closed, or the new one waits (4096)",
		    .number = &connections, .min = 1, .max = 1000000000},
		{0, "timeout", "TIME", "from a connection to its first byte, "
		    "from a request's first byte to its last, and for an "
		    "answer to be read; seconds, or with s or m (30s)",
		    .seconds = &timeout, .min = 1, .max = day},
		{0, "idle-timeout", "TIME", "how long a kept connection may be "
		    "idle (5m)", .seconds = &idle_timeout, .min = 1,
		    .max = day},
		{0, "grace", "TIME", "how long what is in flight may take "
		    "after SIGTERM or SIGINT (10s)", .seconds = &grace,
		    .min = 0, .max = day},
		{0, "log", "WHERE", "stderr, syslog, syslog:SOCKET or a file "
		    "(stderr)", check_not_empty, no_log, .text = &o->log},
		{0, "log-level", "LEVEL", "error, warning, info or debug "
		    "(info)", take_level, o, .text = NULL},
		{0, "log-requests", NULL, "log every request, not only refused "
		    "ones", .flag = &s->log_requests},
		{0, "user", "USER", "become this user, by name or number, once "
		    "the policy, the log and the sockets are open",
		    .text = &o->privileges.user},
		{0, "group", "GROUP", "and this group (the user's own)",
		    .text = &o->privileges.group},
		{0, "sandbox", NULL, "end at any system call that serving does "
		    "not need", .flag = &o->privileges.sandbox},
		{0, "status-path", "PATH", "answer a GET for this path with "
		    "the state of the server: text, ?json, ?openmetrics or "
		    "?html", check_status_path, NULL, .text = &s->status_path},
		{.name = NULL},
	};
	const struct cmd_syntax syntax = {
		"serve", "preflightd serve [options]",
		"Answers CORS preflights over FastCGI, in the foreground.",
		NULL, "SIGHUP loads the policies again, SIGUSR1 opens the log "
		"file again.", options,
	};

	if (!cmd_parse(argc, argv, &syntax, status))
		return false;
	*status = STATUS_USAGE;
	if (optind < argc) {
		(void)fail_usage("serve", "unexpected argument",
		    str_of(argv[optind]), "a policy file is named with -p, an "
		    "address with -l");
		return false;
	}
	if (o->specs.n > LISTEN_MAX) {
		(void)fail_usage("serve", "too many --listen:",
		    str_of(o->specs.items[LISTEN_MAX]),
		    "leave some out, 64 are allowed");
		return false;
	}
	if (o->privileges.group != NULL && o->privileges.user == NULL) {
		(void)fail_usage("serve", "--group without --user", NO_TEXT,
		    "give --user too");
		return false;
	}
	o->listen.specs = o->specs.items;
	o->listen.nspecs = o->specs.n;
	s->threads = (unsigned)threads;
	s->max_connections = (unsigned)connections;
	s->timeout = (int64_t)timeout * 1000000;
	s->idle_timeout = (int64_t)idle_timeout * 1000000;
	s->grace = (int64_t)grace * 1000000;
	return true;
}

/* ---- descriptors ------------------------------------------------------- */

/* Turns stdout away: where systemd starts us on a socket, it is the socket. */
static int
standard_fds(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd != -1 && dup2(fd, STDOUT_FILENO) != -1 &&
	    (!listen_is_listening(STDERR_FILENO) ||
	    dup2(fd, STDERR_FILENO) != -1)) {
		close(fd);
		return 0;
	}
	return fail("serving needs it in place of standard output",
	    "/dev/null: %s", strerror(errno));
}

/* Raises the limit of open files, and lowers the number of connections to what
 * it allows. */
static void
limits_fit(struct server_options *o, const struct listen_set *listeners)
{
	struct rlimit rl;
	struct log_line l;
	rlim_t other = FDS_RESERVED + FDS_PER_THREAD * (rlim_t)o->threads +
	    2 * (rlim_t)listeners->n; /* a socket file has its folder open */

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	if (rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
			getrlimit(RLIMIT_NOFILE, &rl);
	}
	if (rl.rlim_cur == RLIM_INFINITY ||
	    o->max_connections + other <= rl.rlim_cur)
		return;
	rl.rlim_cur = rl.rlim_cur > other ? rl.rlim_cur - other : 1;
	if (log_begin(&l, LOG_LEVEL_WARNING, "clamped", "open-files",
	    LOG_UNLIMITED)) {
		log_num(&l, "wanted", o->max_connections);
		log_num(&l, "max-connections", (unsigned long)rl.rlim_cur);
		log_str(&l, "hint", STR("raise the limit of open files "
		    "(LimitNOFILE=, ulimit -n)"));
		log_end(&l);
	}
	o->max_connections = (unsigned)rl.rlim_cur;
}

/* ---- signals ----------------------------------------------------------- */

/* Blocks the signals that signals_serve waits for, in all threads to come.
 * Returns a descriptor to read them from, or -1. */
static int
signals_open(void)
{
	static const int waited[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaddset(&set, waited[i]);
		/* One that is ignored would not be waited for. */
		sigaction(waited[i], &sa, NULL);
	}
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
log_not_reopened(int error)
{
	struct log_line l;

	if (!log_begin(&l, LOG_LEVEL_ERROR, "log-not-reopened", NULL,
	    LOG_UNLIMITED))
		return;
	log_str(&l, "error", str_of(strerror(error)));
	log_end(&l);
}

/* Whether one has come that ends it, and waits to be taken. */
static bool
stop_is_asked(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGTERM) == 1 ||
	    sigismember(&set, SIGINT) == 1);
}

/* Acts on the signals that have come.  Returns whether to go on. */
static bool
signals_take(int fd, struct reload *reload, struct server *server)
{
	/* All that wait: a storm of SIGHUP must not keep SIGTERM off. */
	struct signalfd_siginfo info[SIGNALS];
	bool came[NSIG] = {false};
	ssize_t n = read(fd, info, sizeof info);

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof info[0]; i++)
		came[info[i].ssi_signo] = true;
	if (came[SIGTERM] || came[SIGINT])
		return false;
	if (came[SIGUSR1] && log_reopen() == -1)
		log_not_reopened(errno);
	if (came[SIGHUP])
		reload_all(reload, server);
	return true;
}

/* Serves until it is told to stop. */
static void
signals_serve(int fd, struct reload *reload, struct server *server)
{
	struct pollfd news = {.fd = fd, .events = POLLIN};

	while (signals_take(fd, reload, server)) {
		reload_check(reload, server);
		(void)poll(&news, 1, reload_timeout_ms(reload));
	}
}

/* ---- the command ------------------------------------------------------- */

static void
started_log(const struct serve_options *o, const struct policy_set *policies,
    const struct listen_set *listeners)
{
	struct log_line l;

	if (!log_begin(&l, LOG_LEVEL_INFO, "started", NULL, LOG_UNLIMITED))
		return;
	log_str(&l, "version", STR(PACKAGE_VERSION));
	log_num(&l, "policies", policy_set_count(policies));
	log_str(&l, "digest", str_of(policy_set_digest(policies)));
	log_num(&l, "sockets", listeners->n);
	log_num(&l, "threads", o->server.threads);
	log_num(&l, "max-connections", o->server.max_connections);
	log_end(&l);
}

static void
stopped_log(const struct server *server)
{
	struct log_line l;

	if (!log_begin(&l, LOG_LEVEL_INFO, "stopped", NULL, LOG_UNLIMITED))
		return;
	for (size_t i = 0; i < COUNTERS; i++)
		log_num(&l, counter_name(i), server_count(server, i));
	log_end(&l);
}

/* Listens and serves; the policies are taken over. */
static int
serve(struct serve_options *o, const struct privileges *who,
    struct policy_set *policies, struct reload *reload, int signals)
{
	struct listen_set listeners;
	struct policy_set *candidate;
	struct server *server;

	if (listen_open(&listeners, &o->listen) == -1) {
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	limits_fit(&o->server, &listeners);
	if (privileges_drop(who, policies, &listeners) == -1) {
		listen_unlink(&listeners);
		listen_close(&listeners);
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	started_log(o, policies, &listeners);
	candidate = reload_first_shadow(reload);
	server = log_start() == -1 ? NULL : server_start(&o->server,
	    &listeners, policies, candidate);
	if (server == NULL) {
		fail("see the limits of memory, threads and open files",
		    "cannot start: %s", strerror(errno));
		listen_unlink(&listeners);
		listen_close(&listeners);
		policy_set_free(policies);
		policy_set_free(candidate);
		return STATUS_SYSTEM;
	}
	notify_ready();
	notify_watchdog(server);
	signals_serve(signals, reload, server);
	notify_stopping();
	log_event(LOG_LEVEL_INFO, "stopping", NULL, LOG_UNLIMITED);
	server_stop(server);
	shadow_log(server_shadow(server));
	stopped_log(server);
	notify_end();
	server_free(server);
	return STATUS_GOOD;
}

#define LOG_HINT "name stderr, syslog or a file in a writable folder"

/* Loads the policy, opens the log and serves. */
static int
load_and_serve(struct serve_options *o, struct reload *reload, int signals)
{
	struct policy_set *policies = reload_first(reload);
	struct shown shown;
	struct privileges who;
	int status;

	if (policies == NULL)
		return stop_is_asked() ? STATUS_GOOD : STATUS_USAGE;
	if (privileges_find(&who, &o->privileges) == -1) {
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	if (log_open(o->log, o->log_level, who.change ? who.uid : (uid_t)-1,
	    who.gid) == -1) {
		fail(who.change ? LOG_HINT "; with --user it may be no "
		    "symbolic link" : LOG_HINT, "cannot open the log '%s': %s",
		    buf_shown(&shown, str_of(o->log)), strerror(errno));
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	status = serve(o, &who, policies, reload, signals);
	log_close();
	return status;
}

/* Sets the process up.  Returns an exit status. */
static int
set_up_and_serve(struct serve_options *o)
{
	struct reload *reload;
	int signals, status;

	if (standard_fds() == -1)
		return STATUS_SYSTEM;
	/* libfcgi sets handlers of its own: ours come after it. */
	if (fcgi_init() == -1) {
		fail("libfcgi could not set itself up", "libfcgi: %s",
		    strerror(errno));
		return STATUS_SYSTEM;
	}
	if ((signals = signals_open()) == -1) {
		fail("see the limit of open files", "signalfd: %s",
		    strerror(errno));
		return STATUS_SYSTEM;
	}
	load_state_start();
	reload = reload_new(cmd_policy_path(o->policy), o->shadow, o->watch,
	    stop_is_asked);
	if (reload == NULL) {
		fail("see the limit of memory", "cannot start: %s",
		    strerror(errno));
		return STATUS_SYSTEM;
	}
	status = load_and_serve(o, reload, signals);
	reload_free(reload);
	close(signals);
	return status;
}

int
cmd_serve(int argc, char **argv)
{
	struct serve_options o = {.log = "stderr",
	    .log_level = LOG_LEVEL_INFO, .listen = {.mode = 0660},
	    .server = {.status_path = ""}};
	int status;

	if (options_parse(argc, argv, &o, &status))
		status = set_up_and_serve(&o);
	free(o.specs.items);
	return status;
}
