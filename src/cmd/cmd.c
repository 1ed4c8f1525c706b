#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/color.h"
#include "conf/conf.h"

/* ---- the policy file --------------------------------------------------- */

static const char installed[] = SYSCONFDIR "/preflightd/policy.ini";

/* The file that is named, or NULL. */
static const char *
named(const char *option)
{
	const char *from_environment = getenv("PREFLIGHTD_POLICY");

	if (option != NULL)
		return option;
	return from_environment != NULL && from_environment[0] != '\0' ?
	    from_environment : NULL;
}

const char *
cmd_policy_path(const char *option)
{
	const char *path = named(option);

	return path != NULL ? path : installed;
}

const char *
cmd_policy_path_if_any(const char *option)
{
	const char *path = named(option);

	if (path == NULL && access(installed, F_OK) == 0)
		path = installed;
	return path;
}

/* ---- the command line -------------------------------------------------- */

bool
cmd_parse(int argc, char **argv, const struct cmd_syntax *s, void *ctx,
    int *status)
{
	int option;

	*status = STATUS_USAGE;
	while ((option = getopt_long(argc, argv, s->letters, s->options,
	    NULL)) != -1) {
		if (option == 'h') {
			s->print_help();
			*status = STATUS_GOOD;
			return false;
		}
		/* Of what it does not know getopt_long has said so. */
		if (option == '?') {
			fputs(s->usage, stderr);
			return false;
		}
		if (s->take(ctx, option, optarg) != 0)
			return false;
	}
	return true;
}

static struct policy_set *
load(const char *command, const char *path, bool stream, int *status)
{
	struct diag *d = diag_new();
	struct policy_set *set = NULL;

	if (d == NULL) {
		fprintf(stderr, "preflightd %s: out of memory\n", command);
		*status = STATUS_SYSTEM;
		return NULL;
	}
	set = stream ? conf_load_stream(path, d, NULL) :
	    conf_load(path, d, NULL);
	if (set == NULL) {
		diag_print(d, stderr, color_wanted(stderr));
		*status = STATUS_USAGE;
	}
	diag_free(d);
	return set;
}

struct policy_set *
cmd_load(const char *command, const char *path, int *status)
{
	return load(command, path, false, status);
}

struct policy_set *
cmd_load_stream(const char *command, const char *path, int *status)
{
	return load(command, path, true, status);
}
