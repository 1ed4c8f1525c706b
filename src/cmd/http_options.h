/* http_options.h - the command line's options for requests over HTTP, which two
 * commands share. */
#ifndef PREFLIGHTD_CMD_HTTP_OPTIONS_H
#define PREFLIGHTD_CMD_HTTP_OPTIONS_H

#include "verify/http.h"

enum { HTTP_OPT_CACERT = 512, HTTP_OPT_PROXY, HTTP_OPT_RATE, HTTP_OPT_RESOLVE,
	HTTP_OPT_TIMEOUT };

/* For an array of struct option. */
#define HTTP_OPTIONS                                                           \
	{"cacert", required_argument, NULL, HTTP_OPT_CACERT},                  \
	{"proxy", no_argument, NULL, HTTP_OPT_PROXY},                          \
	{"rate", required_argument, NULL, HTTP_OPT_RATE},                      \
	{"resolve", required_argument, NULL, HTTP_OPT_RESOLVE},                \
	{"timeout", required_argument, NULL, HTTP_OPT_TIMEOUT}

/* Their lines for --help. */
extern const char http_options_help[];

struct http_args {
	struct http_options options;
	const char **resolve; /* those of options.resolve */
};

/* Sets the defaults, with room for max --resolve.  Returns 0, or -1 without
 * memory; http_args_clear frees it in both cases. */
int http_args_init(struct http_args *a, size_t max);
void http_args_clear(struct http_args *a);

/* Takes one of these options.  Returns 0, or -1 with a message printed for the
 * command. */
int http_args_take(struct http_args *a, int opt, const char *value,
    const char *command);

#endif
