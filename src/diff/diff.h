/* diff.h - what another version of the policies grants and takes away, by
 * meaning: order, spelling, defaults and files make no difference.  Two sets
 * differ just where their digests do. */
#ifndef PREFLIGHTD_DIFF_DIFF_H
#define PREFLIGHTD_DIFF_DIFF_H

#include <stdio.h>

#include "base/arena.h"
#include "core/policy.h"

enum diff_kind {
	DIFF_GRANTED,
	DIFF_TAKEN,
	DIFF_CHANGED, /* from one value to another */
	DIFF_MOVED,   /* allowed or served as before, by something else */
};

enum diff_subject {
	DIFF_POLICY, DIFF_HOST, DIFF_PATH, DIFF_ORIGIN, DIFF_METHOD,
	DIFF_HEADER, DIFF_EXPOSE, DIFF_CREDENTIALS, DIFF_MAX_AGE, DIFF_STATUS,
	DIFF_DEBUG
};

/* What there is to add. */
enum diff_why {
	DIFF_PLAIN,
	DIFF_RENAMED,        /* the policy: only its name is another */
	DIFF_COVERED,        /* `to` covers it now */
	DIFF_LISTED,         /* `from` covered it before, now it is listed */
	DIFF_SAFELISTED,     /* a method that browsers always allow */
	DIFF_SAME_POLICY,    /* the policy serves it without the claim too */
	DIFF_UNSERVED,       /* no policy serves it now */
	DIFF_PARTLY_UNSERVED,/* no policy serves some of it now */
	DIFF_LOOK,           /* to be looked at: credentials, every origin */
};

/* A text whose p is NULL is none; a place with line 0, too. */
struct diff_change {
	enum diff_kind kind;
	enum diff_subject subject;
	enum diff_why why;
	struct str policy;  /* the new name; none for [defaults] */
	struct str where;   /* the host and path that are another policy's now,
	                       where the change holds for them alone */
	size_t more;        /* ... and for so many others beside it */
	struct str value;
	struct str from, to;
	struct place before, after; /* in the files of either set */
};

struct diff {
	struct arena arena;
	struct diff_change *changes;
	size_t count, size;
};

/* Fills d, which is all zero, with the changes from before to after in an
 * order that does not depend on that of the files; none where both mean the
 * same.  Texts are in d or in the sets.  Returns 0, or -1 without memory.
 * diff_clear is to be called in both cases. */
int diff_policies(struct diff *d, const struct policy_set *before,
    const struct policy_set *after);
void diff_clear(struct diff *d);

/* Two policy files and how they differ. */
struct diff_report {
	const char *before_path, *after_path;
	const struct policy_set *before, *after;
	const struct diff *diff;
	bool all; /* every line, however many there are of a kind */
};

/* Prints a line for each change and one for the sum. */
void diff_print_text(const struct diff_report *r, FILE *to);

/* Prints one object, a line for each change.  Returns 0, or -1 without memory;
 * what the stream can't take is left to the caller's fflush. */
int diff_print_json(const struct diff_report *r, FILE *to);

#endif
