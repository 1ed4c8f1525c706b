/* lex.h - the lines of a policy file, and of the files that it names:
 * comments, lists, sections, keys and what goes on with a key.  The only user
 * of inih.
 *
 * inih keeps 200 bytes of a line and reads the rest as a new one, cuts names in
 * silence and reports one error at most.  So it is given lines of ours: each
 * stands for one line of the file, is short and well-formed, and has a
 * placeholder for the value, which is kept here whole, with its place. */
#ifndef PREFLIGHTD_CONF_LEX_H
#define PREFLIGHTD_CONF_LEX_H

#include "base/lines.h"
#include "conf/keys.h"

/* Takes the next element, of those that commas and white space separate, off
 * the front of *rest.  Returns false at the end. */
bool conf_list_next(struct str *rest, struct str *element);

/* text without the comment that starts at its begin or after white space with
 * one of marks, and without white space at both ends. */
struct str conf_strip(struct str text, const char *marks);

/* Reports a byte that may stand nowhere in the value.  Returns whether there
 * is one. */
bool conf_bad_byte(struct str line, struct str value, struct diag *d,
    struct place at);

/* What is told of a file, in its order; text lasts until the call returns. */
struct conf_events {
	/* A section; name is empty where it is no good, or in [defaults].  One
	 * that is not known is told as a policy. */
	void (*section)(void *ctx, enum section_kind kind, struct str name,
	    struct place at, bool known);
	/* A key of that section. */
	void (*key)(void *ctx, struct str key, struct place at,
	    struct str value, struct place value_at);
	/* An indented line: the value goes on. */
	void (*more)(void *ctx, struct str text, struct place at);
	/* A line of that section was refused. */
	void (*dropped)(void *ctx);
};

/* Reads a file that is open as in; findings go to d, at the number file.
 * Returns 0, or -1 without memory or where it can't be read to its end. */
int conf_read(struct lines *in, unsigned file, struct diag *d,
    const struct conf_events *events, void *ctx);

#endif
