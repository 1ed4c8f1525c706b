/* serve_options.h - the command line of `preflightd serve`. */
#ifndef PREFLIGHTD_CMD_SERVE_OPTIONS_H
#define PREFLIGHTD_CMD_SERVE_OPTIONS_H

#include <stdbool.h>

#include "daemon/privileges.h"
#include "log/log.h"
#include "serve/listen.h"
#include "serve/server.h"

struct serve_options {
	const char *policy; /* NULL: not given */
	const char *shadow; /* NULL: none */
	bool watch;
	const char *log;
	enum log_level log_level;
	struct privileges_options privileges;
	struct listen_options listen;
	struct server_options server;
	const char *specs[LISTEN_MAX]; /* listen.specs points here */
};

/* Reads the arguments; text in *o points into argv.  Returns whether to go on;
 * else *status is the exit status, after the help or a message. */
bool serve_options_parse(int argc, char **argv, struct serve_options *o,
    int *status);

#endif
