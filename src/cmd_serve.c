#include "config.h"

#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf.h"
#include "confine.h"
#include "facts.h"
#include "fcgi.h"
#include "listen.h"
#include "log.h"
#include "notify.h"
#include "serve_options.h"
#include "server.h"

/* File descriptors besides connections: logs, epoll, files of a reload. */
enum { FDS_RESERVED = 64, FDS_PER_THREAD = 2 };

static int
failed(const char *what)
{
	fprintf(stderr, "preflightd serve: %s: %s\n", what, strerror(errno));
	return -1;
}

/* ---- descriptors ------------------------------------------------------- */

/* Opens 0 to 2 where they are not, so that no socket gets such a number, and
 * turns stdout away: where systemd starts us on a socket, it is the socket. */
static int
standard_fds(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			return failed("/dev/null");
	} while (fd <= STDERR_FILENO);
	if (dup2(fd, STDOUT_FILENO) == -1)
		return failed("dup2");
	if (listen_is_listening(STDERR_FILENO) && dup2(fd, STDERR_FILENO) == -1)
		return failed("dup2");
	close(fd);
	return 0;
}

/* Raises the limit of open files, and lowers the number of connections to what
 * it allows. */
static void
limits_fit(struct server_options *o, const struct listen_set *listeners)
{
	struct rlimit rl;
	struct log_line l;
	rlim_t other = FDS_RESERVED + FDS_PER_THREAD * (rlim_t)o->threads +
	    (rlim_t)listeners->n;

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

/* ---- the policy -------------------------------------------------------- */

/* Loads the policy; what is wrong with it is printed. */
static struct policy_set *
policy_load(const char *path)
{
	struct diag *d = diag_new();
	struct policy_set *policies;

	if (d == NULL) {
		failed("memory");
		return NULL;
	}
	policies = conf_load(path, d, NULL);
	diag_print(d, stderr);
	diag_free(d);
	return policies;
}

static void
diag_log(struct diag *d)
{
	size_t n;
	const struct diag_item *items = diag_items(d, &n);
	struct log_line l;
	bool error;

	for (size_t i = 0; i < n; i++) {
		error = items[i].level == DIAG_ERROR;
		if (!log_begin(&l, error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		    error ? "policy-error" : "policy-warning", NULL,
		    LOG_EVERY))
			continue;
		log_str(&l, "file", str_of(diag_file_name(d,
		    items[i].at.file)));
		log_num(&l, "line", items[i].at.line);
		log_num(&l, "col", items[i].at.col);
		log_str(&l, "id", str_of(items[i].id));
		log_text(&l, "text", str_of(items[i].text));
		log_text(&l, "hint", str_of(items[i].hint));
		log_end(&l);
	}
}

static void
event_log(enum log_level level, const char *event, const char *key,
    const char *value)
{
	struct log_line l;

	if (!log_begin(&l, level, event, NULL, LOG_EVERY))
		return;
	if (key != NULL)
		log_str(&l, key, str_of(value));
	log_end(&l);
}

/* Notes why a load was refused: its first error, as check prints it. */
static void
refusal_note(struct diag *d)
{
	char text[FACTS_TEXT] = "no memory";
	size_t n = 0;
	const struct diag_item *items = d != NULL ? diag_items(d, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (items[i].level == DIAG_ERROR) {
			snprintf(text, sizeof text, "%s:%u:%u: %s",
			    diag_file_name(d, items[i].at.file),
			    items[i].at.line, items[i].at.col, items[i].text);
			break;
		}
	facts_refused(FACTS_LIVE, text);
}

/* Loads the policy anew; where that fails the old one stays. */
static void
reload(struct server *server, const char *path)
{
	struct policy_set *policies = NULL;
	struct diag *d = diag_new();
	char digest[80] = "";

	if (d != NULL)
		policies = conf_load(path, d, NULL);
	if (d != NULL)
		diag_log(d);
	if (policies != NULL)
		snprintf(digest, sizeof digest, "%s",
		    policy_set_digest(policies));
	if (policies == NULL || server_swap_policy(server, policies) == -1) {
		policy_set_free(policies);
		refusal_note(d);
		event_log(LOG_LEVEL_ERROR, "reload-refused", "policy", path);
	} else {
		facts_loaded(FACTS_LIVE, digest);
		event_log(LOG_LEVEL_INFO, "reloaded", "digest", digest);
	}
	diag_free(d);
}

/* ---- signals ----------------------------------------------------------- */

/* Blocks the signals that signals_serve waits for, in all threads to come. */
static void
signals_block(sigset_t *set)
{
	static const int waited[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct sigaction sa = {.sa_handler = SIG_DFL};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof waited / sizeof waited[0]; i++) {
		sigaddset(set, waited[i]);
		/* One that is ignored would not be waited for. */
		sigaction(waited[i], &sa, NULL);
	}
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	/* A log file at its limit of size is an error like a full disk. */
	sigaction(SIGXFSZ, &sa, NULL);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* Serves until it is told to stop. */
static void
signals_serve(const sigset_t *set, struct server *server, const char *policy)
{
	int sig;

	for (;;) {
		if (sigwait(set, &sig) != 0)
			continue;
		if (sig == SIGHUP) {
			notify_reloading();
			reload(server, policy);
			notify_ready();
		} else if (sig == SIGUSR1 && log_reopen() == -1) {
			event_log(LOG_LEVEL_ERROR, "log-not-reopened", "error",
			    strerror(errno));
		} else if (sig == SIGTERM || sig == SIGINT) {
			return;
		}
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
serve(struct serve_options *o, const struct priv *who,
    struct policy_set *policies, const sigset_t *signals)
{
	struct listen_set listeners;
	struct server *server;

	if (listen_open(&listeners, &o->listen) == -1) {
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	limits_fit(&o->server, &listeners);
	if (confine(&o->confine, who, policies, &listeners) == -1) {
		listen_unlink(&listeners);
		listen_close(&listeners);
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	started_log(o, policies, &listeners);
	facts_loaded(FACTS_LIVE, policy_set_digest(policies));
	server = log_start() == -1 ? NULL : server_start(&o->server,
	    &listeners, policies);
	if (server == NULL) {
		failed("cannot start");
		listen_unlink(&listeners);
		listen_close(&listeners);
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	notify_ready();
	notify_watchdog(server);
	signals_serve(signals, server, cmd_policy_path(o->policy));
	notify_stopping();
	event_log(LOG_LEVEL_INFO, "stopping", NULL, NULL);
	server_stop(server);
	stopped_log(server);
	notify_end();
	server_free(server);
	return STATUS_GOOD;
}

int
cmd_serve(int argc, char **argv)
{
	struct serve_options o;
	struct policy_set *policies;
	struct priv who;
	sigset_t signals;
	int status;

	switch (serve_options_parse(argc, argv, &o)) {
	case SERVE_HELP:
		return STATUS_GOOD;
	case SERVE_WRONG:
		return STATUS_USAGE;
	case SERVE_GO:
		break;
	}
	if (standard_fds() == -1)
		return STATUS_SYSTEM;
	/* libfcgi sets handlers of its own: ours come after it. */
	if (fcgi_init() == -1) {
		failed("libfcgi");
		return STATUS_SYSTEM;
	}
	signals_block(&signals);
	facts_start();
	if ((policies = policy_load(cmd_policy_path(o.policy))) == NULL)
		return STATUS_USAGE;
	if (priv_find(&who, o.confine.user, o.confine.group) == -1) {
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	if (log_open(o.log, o.log_level, who.change ? who.uid : (uid_t)-1,
	    who.gid) == -1) {
		fprintf(stderr, "preflightd serve: cannot open the log '%s': "
		    "%s\n  name stderr, syslog or a file in a writable "
		    "folder%s\n", o.log, strerror(errno), who.change ?
		    "; with --user it may be no symbolic link" : "");
		policy_set_free(policies);
		return STATUS_SYSTEM;
	}
	status = serve(&o, &who, policies, &signals);
	log_close();
	return status;
}
