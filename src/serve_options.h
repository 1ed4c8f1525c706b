/* serve_options.h - the command line of `preflightd serve`. */
#ifndef PREFLIGHTD_SERVE_OPTIONS_H
#define PREFLIGHTD_SERVE_OPTIONS_H

#include "confine.h"
#include "listen.h"
#include "log.h"
#include "server.h"

struct serve_options {
	const char *policy; /* NULL: not given */
	const char *shadow; /* NULL: none */
	bool watch;
	const char *log;
	enum log_level log_level;
	struct confine_options confine;
	struct listen_options listen;
	struct server_options server;
	const char *specs[LISTEN_MAX]; /* listen.specs points here */
};

enum serve_parsed { SERVE_GO, SERVE_HELP, SERVE_WRONG };

/* Reads the arguments.  After SERVE_HELP the help was printed on stdout, after
 * SERVE_WRONG a message on stderr.  Text in *o points into argv. */
enum serve_parsed serve_options_parse(int argc, char **argv,
    struct serve_options *o);

#endif
