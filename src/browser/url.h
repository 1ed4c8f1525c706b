/* url.h - the http or https URL of a request as a browser serializes it (URL
 * Standard, "URL parsing"); what fetch() would refuse is an error. */
#ifndef PREFLIGHTD_BROWSER_URL_H
#define PREFLIGHTD_BROWSER_URL_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

struct url {
	struct str text;      /* the whole, without a fragment */
	struct str origin;    /* https://api.example.com:8443 */
	struct str scheme;    /* http or https */
	struct str host;      /* IPv6 in brackets */
	struct str authority; /* the Host field: host, and the port unless it is
	                         the default one */
	struct str target;    /* path and query, at least "/" */
	struct str path;
};

/* Parses text.  The parts of *out live in the arena.  Returns 0, or -1 with an
 * error in d at the place `at`. */
int url_parse(struct str text, struct url *out, struct arena *a,
    struct diag *d, struct place at);

#endif
