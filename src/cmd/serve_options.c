#include "config.h"

#include "cmd/serve_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "status/ask.h"

enum {
	OPT_SOCKET_MODE = 256, OPT_SOCKET_OWNER, OPT_SOCKET_GROUP,
	OPT_MAX_CONNECTIONS, OPT_TIMEOUT, OPT_IDLE_TIMEOUT, OPT_GRACE, OPT_LOG,
	OPT_LOG_LEVEL, OPT_LOG_REQUESTS, OPT_USER, OPT_GROUP, OPT_SANDBOX,
	OPT_SHADOW, OPT_WATCH,
	OPT_STATUS_PATH,
};

enum {
	THREADS_MAX = 256,
	CONNECTIONS_MAX = 1000000000, /* the limit of files clamps it */
	SECONDS_MAX = 86400,
};

static const struct option options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"shadow", required_argument, NULL, OPT_SHADOW},
	{"watch", no_argument, NULL, OPT_WATCH},
	{"listen", required_argument, NULL, 'l'},
	{"socket-mode", required_argument, NULL, OPT_SOCKET_MODE},
	{"socket-owner", required_argument, NULL, OPT_SOCKET_OWNER},
	{"socket-group", required_argument, NULL, OPT_SOCKET_GROUP},
	{"threads", required_argument, NULL, 'j'},
	{"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
	{"grace", required_argument, NULL, OPT_GRACE},
	{"log", required_argument, NULL, OPT_LOG},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"log-requests", no_argument, NULL, OPT_LOG_REQUESTS},
	{"user", required_argument, NULL, OPT_USER},
	{"group", required_argument, NULL, OPT_GROUP},
	{"sandbox", no_argument, NULL, OPT_SANDBOX},
	{"status-path", required_argument, NULL, OPT_STATUS_PATH},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
"usage: preflightd serve [options]\n\n"
"Answers CORS preflights over FastCGI, in the foreground.\n\n"
"  -p, --policy FILE        the policy file; else $PREFLIGHTD_POLICY, else\n"
"                           " SYSCONFDIR "/preflightd/policy.ini\n"
"      --watch              load a policy again when one of its files changes\n"
"      --shadow FILE        judge preflights by this policy too: it never\n"
"                           answers; differences are counted and logged\n"
"  -l, --listen ADDRESS     unix:PATH, HOST:PORT or [v6]:PORT; repeatable.\n"
"                           Without it: the sockets of LISTEN_FDS (systemd),\n"
"                           else file descriptor 0 (spawn-fcgi, web servers)\n"
"      --socket-mode MODE   permissions of Unix sockets, octal (0660)\n"
"      --socket-owner USER  owner of Unix sockets\n"
"      --socket-group GROUP group of Unix sockets\n"
"  -j, --threads N          threads that answer, 1 to 256 (1)\n"
"      --max-connections N  above it one that is idle is closed, or the new\n"
"                           one waits (4096)\n"
"      --timeout TIME       from a connection to its first byte, from a\n"
"                           request's first byte to its last, and for an\n"
"                           answer to be read; seconds, or with s or m (30s)\n"
"      --idle-timeout TIME  how long a kept connection may be idle (5m)\n"
"      --grace TIME         how long what is in flight may take after SIGTERM\n"
"                           or SIGINT (10s)\n"
"      --log WHERE          stderr, syslog, syslog:SOCKET or a file (stderr)\n"
"      --log-level LEVEL    error, warning, info or debug (info)\n"
"      --log-requests       log every request, not only refused ones\n"
"      --user USER          become this user, by name or number, once the\n"
"                           policy, the log and the sockets are open\n"
"      --group GROUP        and this group (the user's own)\n"
"      --sandbox            end at any system call that serving does not need\n"
"      --status-path PATH   answer a GET for this path with the state of the\n"
"                           server: text, ?json, ?openmetrics or ?html\n"
"  -h, --help               this text\n\n"
"SIGHUP loads the policies again, SIGUSR1 opens the log file again.\n";

static void
print_help(void)
{
	fputs(help, stdout);
}

static const char help_hint[] = "preflightd serve --help shows the options";

static int
wrong(const char *option, const char *value, const char *wanted)
{
	struct shown shown;

	return fail(help_hint, "--%s: '%s' is not %s", option,
	    buf_shown(&shown, str_of(value)), wanted);
}

static int
time_set(int64_t *us, const char *option, const char *value,
    unsigned long min)
{
	unsigned long seconds;

	if (seconds_parse(value, min, SECONDS_MAX, &seconds) == -1)
		return wrong(option, value, "a time, such as 30, 30s or 5m");
	*us = (int64_t)seconds * 1000000;
	return 0;
}

static int
number_set(unsigned *to, const char *option, const char *value,
    unsigned long max)
{
	unsigned long n;
	char wanted[64];

	snprintf(wanted, sizeof wanted, "a number from 1 to %lu", max);
	if (number_parse(value, 1, max, &n) == -1)
		return wrong(option, value, wanted);
	*to = (unsigned)n;
	return 0;
}

static int
spec_add(struct serve_options *o, const char *spec)
{
	if (o->listen.nspecs == LISTEN_MAX)
		return wrong("listen", spec, "one of the first 64");
	o->specs[o->listen.nspecs++] = spec;
	return 0;
}

static int
mode_set(struct serve_options *o, const char *value)
{
	unsigned mode;

	if (mode_parse(value, &mode) == -1)
		return wrong("socket-mode", value, "a mode, such as 0660");
	o->listen.mode = (mode_t)mode;
	return 0;
}

static int
level_set(struct serve_options *o, const char *value)
{
	int level = log_level_parse(value);

	if (level == -1)
		return wrong("log-level", value,
		    "error, warning, info or debug");
	o->log_level = (enum log_level)level;
	return 0;
}

static int
status_path_set(struct server_options *s, const char *value)
{
	if (!status_path_valid(str_of(value)))
		return wrong("status-path", value,
		    "a path, such as /preflightd/status");
	s->status_path = value;
	return 0;
}

static int
option_take(void *ctx, int option, const char *value)
{
	struct serve_options *o = ctx;
	struct server_options *s = &o->server;

	switch (option) {
	case 'p':
		o->policy = value;
		return 0;
	case 'l':
		return spec_add(o, value);
	case 'j':
		return number_set(&s->threads, "threads", value, THREADS_MAX);
	case OPT_SHADOW:
		o->shadow = value;
		return value[0] != '\0' ? 0 : wrong("shadow", value,
		    "a policy file");
	case OPT_WATCH:
		o->watch = true;
		return 0;
	case OPT_SOCKET_MODE:
		return mode_set(o, value);
	case OPT_SOCKET_OWNER:
		o->listen.owner = value;
		return 0;
	case OPT_SOCKET_GROUP:
		o->listen.group = value;
		return 0;
	case OPT_MAX_CONNECTIONS:
		return number_set(&s->max_connections, "max-connections",
		    value, CONNECTIONS_MAX);
	case OPT_TIMEOUT:
		return time_set(&s->timeout, "timeout", value, 1);
	case OPT_IDLE_TIMEOUT:
		return time_set(&s->idle_timeout, "idle-timeout", value, 1);
	case OPT_GRACE:
		return time_set(&s->grace, "grace", value, 0);
	case OPT_LOG:
		o->log = value;
		return value[0] != '\0' ? 0 : wrong("log", value,
		    "stderr, syslog or a file");
	case OPT_LOG_LEVEL:
		return level_set(o, value);
	case OPT_LOG_REQUESTS:
		s->log_requests = true;
		return 0;
	case OPT_USER:
		o->privileges.user = value;
		return 0;
	case OPT_GROUP:
		o->privileges.group = value;
		return 0;
	case OPT_SANDBOX:
		o->privileges.sandbox = true;
		return 0;
	case OPT_STATUS_PATH:
	default:
		return status_path_set(s, value);
	}
}

bool
serve_options_parse(int argc, char **argv, struct serve_options *o,
    int *status)
{
	static const struct cmd_syntax syntax = {
	    "  preflightd serve --help shows the options\n", "p:l:j:h",
	    options, print_help, option_take};
	struct shown shown;

	*o = (struct serve_options){.log = "stderr",
	    .log_level = LOG_LEVEL_INFO, .listen = {.mode = 0660},
	    .server = {.threads = 1, .max_connections = 4096,
	        .timeout = 30000000, .idle_timeout = 300000000,
	        .grace = 10000000, .status_path = ""}};
	o->listen.specs = o->specs;
	if (!cmd_parse(argc, argv, &syntax, o, status))
		return false;
	*status = STATUS_USAGE;
	if (optind < argc) {
		fail("a policy file is named with -p, an address with -l",
		    "unexpected argument '%s'",
		    buf_shown(&shown, str_of(argv[optind])));
		return false;
	}
	if (o->privileges.group != NULL && o->privileges.user == NULL) {
		fail("give --user too", "--group is for --user");
		return false;
	}
	return true;
}
