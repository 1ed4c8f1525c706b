#include "config.h"

#include "base/color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
color_wanted(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(fileno(to)) == 1 && (no == NULL || no[0] == '\0') &&
	    (terminal == NULL || strcmp(terminal, "dumb") != 0);
}
