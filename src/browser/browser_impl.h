/* browser_impl.h - reading an answer's headers, for the files of the browser's
 * side that share it. */
#ifndef PREFLIGHTD_BROWSER_BROWSER_IMPL_H
#define PREFLIGHTD_BROWSER_BROWSER_IMPL_H

#include "browser/browser.h"

/* The lines of a name in an answer. */
struct header_lines {
	const struct header *first; /* NULL: there is none */
	size_t count;
};
struct header_lines headers_find(const struct headers *h, struct str name);

/* A list header (Fetch, "extract header list values").  An empty list is not
 * an absent one. */
enum list_state { LIST_ABSENT, LIST_GOOD, LIST_BAD };

/* Sets *bad, with LIST_BAD, to the element that is no token. */
enum list_state headers_list_state(const struct headers *h, struct str name,
    struct str *bad);

/* Whether Chromium asks no permission for a header for which the standard does,
 * as long as its value is not too long. */
bool chromium_safelists(const struct header *h);

enum list_case { LIST_EXACT, LIST_FOLD };

/* Whether a list that is good has the element. */
bool headers_list_has(const struct headers *h, struct str name,
    struct str element, enum list_case how);

#endif
