#include "config.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/color.h"

static void
prefix(const char *command)
{
	bool colour = color_wanted(stderr);

	fprintf(stderr, "%spreflightd %s:%s ", color(colour, COLOR_ERROR),
	    command, color(colour, COLOR_OFF));
}

int
fail(const char *hint, const char *fmt, ...)
{
	va_list ap;

	prefix("serve");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n  %s\n", hint);
	return -1;
}

int
fail_usage(const char *command, const char *what, struct str text,
    const char *hint)
{
	struct shown shown;

	prefix(command);
	fputs(what, stderr);
	if (text.p != NULL)
		fprintf(stderr, " '%s'", buf_shown(&shown, text));
	fprintf(stderr, "\n  %s\n", hint);
	return -1;
}

bool
color_wanted(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(fileno(to)) == 1 && (no == NULL || no[0] == '\0') &&
	    (terminal == NULL || strcmp(terminal, "dumb") != 0);
}
