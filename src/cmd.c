#include "config.h"

#include "cmd.h"

#include <stdlib.h>

const char *
cmd_policy_path(const char *option)
{
	const char *from_environment = getenv("PREFLIGHTD_POLICY");

	if (option != NULL)
		return option;
	if (from_environment != NULL && from_environment[0] != '\0')
		return from_environment;
	return SYSCONFDIR "/preflightd/policy.ini";
}
