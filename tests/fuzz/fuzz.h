/* fuzz.h - what the fuzz targets share.  Each is one file with the function
 * below; the main that calls it is an engine's, or replay.c. */
#ifndef PREFLIGHTD_FUZZ_H
#define PREFLIGHTD_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

/* Takes an input and returns 0; it ends the program where a property does not
 * hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property. */
#define HOLDS(property)                                                        \
	do {                                                                   \
		if (!(property))                                               \
			fuzz_broken(__FILE__, __LINE__, #property);            \
	} while (0)

static inline _Noreturn void
fuzz_broken(const char *file, int line, const char *property)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
	abort();
}

/* Takes a line off the front of *rest, without its end. */
static inline struct str
fuzz_line(struct str *rest)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	struct str line = *rest;

	if (end != NULL)
		line.n = (size_t)(end - rest->p);
	*rest = str_from(*rest, end != NULL ? line.n + 1 : line.n);
	return line;
}

/* The same for what stands before a line that is only mark; without one it is
 * all of *rest. */
static inline struct str
fuzz_part(struct str *rest, struct str mark)
{
	struct str part = {rest->p, 0}, line;

	while (rest->n > 0) {
		line = fuzz_line(rest);
		if (str_eq(line, mark))
			return part;
		part.n = (size_t)(rest->p - part.p);
	}
	return part;
}

#endif
