/* curl_command.h - reads the request out of a curl command as browsers copy it
 * from their developer tools.  The text is untrusted and nothing of it is
 * run. */
#ifndef PREFLIGHTD_EXPLAIN_CURL_COMMAND_H
#define PREFLIGHTD_EXPLAIN_CURL_COMMAND_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "browser/browser.h"

struct curl_command {
	struct str url;
	struct str method;      /* given or implied */
	struct headers headers; /* in order, those for cookies and origin too */
	bool cookies;
};

/* Parses text; what *out refers to lives in the arena.  Returns 0, or -1 with
 * an error in d at the place `at`. */
int curl_command_parse(struct str text, struct curl_command *out,
    struct arena *a, struct diag *d, struct place at);

/* The value of the first header of that name, or n is 0. */
struct str curl_command_header(const struct curl_command *c, struct str name);

/* Whether a copied header is one that the browser sets itself. */
bool curl_header_is_browsers(const struct header *h);

#endif
