#include "config.h"

#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

#include "buf.h"

int
fail(const char *hint, const char *fmt, ...)
{
	va_list ap;

	fputs("preflightd serve: ", stderr);
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

	fprintf(stderr, "preflightd %s: %s", command, what);
	if (text.p != NULL)
		fprintf(stderr, " '%s'", buf_shown(&shown, text));
	fprintf(stderr, "\n  %s\n", hint);
	return -1;
}
