/* cmd.h - the subcommands, and what they share. */
#ifndef PREFLIGHTD_CMD_H
#define PREFLIGHTD_CMD_H

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

/* The policy file: the option's value where not NULL, else $PREFLIGHTD_POLICY,
 * else the installed one. */
const char *cmd_policy_path(const char *option);

/* The same; NULL where none is named and none is installed. */
const char *cmd_policy_path_if_any(const char *option);

#endif
