/* cmd.h - the subcommands, and what they share. */
#ifndef PREFLIGHTD_CMD_CMD_H
#define PREFLIGHTD_CMD_CMD_H

#include <stdbool.h>

struct option;
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

/* How the options of a subcommand are written, and what takes them. */
struct cmd_syntax {
	const char *usage;   /* for stderr, below what is wrong */
	const char *letters; /* the short ones, as getopt_long has them */
	const struct option *options;
	void (*print_help)(void);
	/* Takes an option other than --help.  Returns 0, or -1 after a
	 * message. */
	int (*take)(void *ctx, int option, const char *value);
};

/* Takes the options; what is left of the arguments begins at optind.  Returns
 * whether the subcommand goes on; else *status is its exit status. */
bool cmd_parse(int argc, char **argv, const struct cmd_syntax *s, void *ctx,
    int *status);

/* Loads a policy file for the subcommand; where it can't be used its errors are
 * on stderr.  Returns NULL with the exit status in *status. */
struct policy_set *cmd_load(const char *command, const char *path,
    int *status);

/* The same, but path may name a pipe, or be "-" for standard input. */
struct policy_set *cmd_load_stream(const char *command, const char *path,
    int *status);

/* The policy file: the option's value where not NULL, else $PREFLIGHTD_POLICY,
 * else the installed one. */
const char *cmd_policy_path(const char *option);

/* The same; NULL where none is named and none is installed. */
const char *cmd_policy_path_if_any(const char *option);

#endif
