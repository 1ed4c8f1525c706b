#include "config.h"

#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

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
