#include "config.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/serve_options.h"
#include "daemon/notify.h"
#include "daemon/privileges.h"
#include "daemon/reload.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "serve/fcgi.h"
#include "serve/listen.h"
#include "serve/server.h"

/* File descriptors besides connections: logs, epoll, files of a reload. */
enum { FDS_RESERVED = 64, FDS_PER_THREAD = 2 };

enum { SIGNALS = 4 }; /* that are waited for */

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
	    LOG_EVERY)) {
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
	    LOG_EVERY))
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

	if (!log_begin(&l, LOG_LEVEL_INFO, "started", NULL, LOG_EVERY))
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

	if (!log_begin(&l, LOG_LEVEL_INFO, "stopped", NULL, LOG_EVERY))
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
	log_event(LOG_LEVEL_INFO, "stopping", NULL, LOG_EVERY);
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

int
cmd_serve(int argc, char **argv)
{
	struct serve_options o;
	struct reload *reload;
	int signals, status;

	if (!serve_options_parse(argc, argv, &o, &status))
		return status;
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
	reload = reload_new(cmd_policy_path(o.policy), o.shadow, o.watch,
	    stop_is_asked);
	if (reload == NULL) {
		fail("see the limit of memory", "cannot start: %s",
		    strerror(errno));
		return STATUS_SYSTEM;
	}
	status = load_and_serve(&o, reload, signals);
	reload_free(reload);
	close(signals);
	return status;
}
