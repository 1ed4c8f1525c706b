/* headers.h - the headers of a request or an answer, and the lists in them. */
#ifndef PREFLIGHTD_BROWSER_HEADERS_H
#define PREFLIGHTD_BROWSER_HEADERS_H

#include "base/arena.h"
#include "base/str.h"

struct header {
	struct str name, value;
};

struct headers {
	const struct header *items;
	size_t count;
};

/* The lines of a name. */
struct header_lines {
	const struct header *first; /* NULL: there is none */
	size_t count;
};
struct header_lines headers_find(const struct headers *h, struct str name);

/* Takes the next element of a list header from all its lines; *at begins as
 * zeros.  Returns false at the end. */
struct list_at {
	size_t line;
	struct str rest;
};
bool headers_list_next(const struct headers *h, struct str name,
    struct list_at *at, struct str *element);

/* A list header (Fetch, "extract header list values").  An empty list is not
 * an absent one. */
enum list_state { LIST_ABSENT, LIST_GOOD, LIST_BAD };

/* Sets *bad, with LIST_BAD, to the element that is no token. */
enum list_state headers_list_state(const struct headers *h, struct str name,
    struct str *bad);

enum list_case { LIST_EXACT, LIST_FOLD };

/* Whether a list that is good has the element. */
bool headers_list_has(const struct headers *h, struct str name,
    struct str element, enum list_case how);

/* Joins the values of lines of one name by ", ", as XMLHttpRequest does, and
 * Chromium for fetch() too; *out keeps the order of the first lines, its memory
 * is the arena's.  Returns 0, or -1 without memory. */
int headers_join(const struct headers *h, struct arena *a,
    struct headers *out);

#endif
