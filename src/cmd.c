#include "config.h"

#include "cmd.h"

#include <stdlib.h>
#include <unistd.h>

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
