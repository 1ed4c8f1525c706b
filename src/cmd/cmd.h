/* cmd.h - the subcommands, and what they share: exit statuses, options and the
 * policy file. */
#ifndef PREFLIGHTD_CMD_CMD_H
#define PREFLIGHTD_CMD_CMD_H

#include <stdbool.h>

#include "verify/http.h"

struct policy_set;

/* Exit statuses of every subcommand. */
enum {
	STATUS_GOOD = 0,
	STATUS_NO = 1,     /* the answer is no */
	STATUS_USAGE = 2,  /* usage or policy error */
	STATUS_SYSTEM = 3, /* a socket, user, log or system call */
};

/* Each takes the arguments from its own name on and returns an exit status. */
int cmd_check(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* Says that a system call failed, by errno.  Returns STATUS_SYSTEM. */
int cmd_system_error(const char *command);

/* ---- options ----------------------------------------------------------- */

/* The values of an option that may be repeated.  Free items. */
struct cmd_list {
	const char **items;
	size_t n;
};

/* One option: how it is written, and where its value goes. */
struct cmd_option {
	char letter;       /* 0: it has none */
	const char *name;  /* NULL ends a table */
	const char *value; /* what the help calls it; NULL: takes none */
	const char *help;

	/* Checks the value first, for the command; ctx is for it alone.
	 * Returns 0, or -1 after a message. */
	int (*check)(const char *command, const char *value, void *ctx);
	void *ctx;

	/* Those that are not NULL are set. */
	bool *flag;
	const char **text;
	struct cmd_list *list;
	unsigned long *number, *seconds, min, max; /* within the bounds */
};

struct cmd_syntax {
	const char *command;
	const char *usage;    /* below "usage: " */
	const char *about;    /* paragraph above the options */
	void (*print_more)(void); /* what else is above them, or NULL */
	const char *end;      /* paragraph below them */
	const struct cmd_option *options; /* --help is added */
};

/* Takes the options; what is left of the arguments begins at optind.  Returns
 * whether the subcommand goes on; else *status is its exit status. */
bool cmd_parse(int argc, char **argv, const struct cmd_syntax *s, int *status);

/* Rows of a table: the options for requests over HTTP go into a struct
 * http_options, which HTTP_DEFAULTS begins, and a list for its resolve. */
#define HTTP_DEFAULTS {.timeout = HTTP_TIMEOUT, .rate = HTTP_RATE}
#define HTTP_CMD_OPTIONS(http, addresses)                                      \
	{0, "cacert", "FILE", "certificates of authorities to trust, in PEM",  \
	    cmd_check_cacert, .text = &(http)->cacert},                        \
	{0, "timeout", "TIME", "limit of one request (10s)",                   \
	    .seconds = &(http)->timeout, .min = 1, .max = 3600},               \
	{0, "rate", "N", "requests a second at most (20)",                     \
	    .number = &(http)->rate, .min = 1, .max = HTTP_RATE_MAX},          \
	{0, "resolve", "HOST:PORT:ADDRESS", "connect to ADDRESS for that host",\
	    cmd_check_resolve, .list = (addresses)},                           \
	{0, "proxy", NULL, "use the proxies that the environment names",       \
	    .flag = &(http)->proxy}
int cmd_check_cacert(const char *command, const char *value, void *ctx);
int cmd_check_resolve(const char *command, const char *value, void *ctx);

/* ---- the policy file --------------------------------------------------- */

/* The row of the option for it. */
#define POLICY_CMD_OPTION(path)                                                \
	{'p', "policy", "FILE", "the policy file; else $PREFLIGHTD_POLICY, "   \
	    "else " SYSCONFDIR "/preflightd/policy.ini", .text = (path)}

/* Loads a policy file for the subcommand; where it can't be used its errors are
 * on stderr.  Where stream, path may name a pipe, or be "-" for standard input.
 * Returns NULL with the exit status in *status. */
struct policy_set *cmd_load(const char *command, const char *path, bool stream,
    int *status);

/* The policy file: the option's value where not NULL, else $PREFLIGHTD_POLICY,
 * else the installed one. */
const char *cmd_policy_path(const char *option);

/* The same; NULL where none is named and none is installed. */
const char *cmd_policy_path_if_any(const char *option);

#endif
