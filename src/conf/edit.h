/* edit.h - the lines of a policy file as they stand, and how they read
 * after a change. */
#ifndef PREFLIGHTD_CONF_EDIT_H
#define PREFLIGHTD_CONF_EDIT_H

#include "base/arena.h"
#include "base/str.h"

struct source_line {
	struct str text;
	unsigned section; /* the line of the last [section], 0: there is none */
};

/* Reads the line of that number, or the last one where there are less; *last
 * is its number.  Returns 0, or -1 where the file cannot be read. */
int source_read(const char *file, unsigned line, struct arena *a,
    struct source_line *out, unsigned *last);

/* Each returns a line in the arena, p NULL without memory.  Comments stay. */

/* `key = a` with one more element behind. */
struct str source_append(struct str line, struct str element,
    struct arena *a);

/* A line with an element of its list replaced, or taken out where `with` is
 * empty. */
struct str source_replace(struct str line, struct str element,
    struct str with, struct arena *a);

/* `key = a` with another value. */
struct str source_set(struct str line, struct str key, struct str value,
    struct arena *a);

#endif
