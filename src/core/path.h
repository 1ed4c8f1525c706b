/* path.h - the path of a request in every way that a web server, or what stands
 * behind it, is known to read it. */
#ifndef PREFLIGHTD_CORE_PATH_H
#define PREFLIGHTD_CORE_PATH_H

#include "base/str.h"

/* Bounds on what is tried for one request: the texts on the way to its
 * readings, their bytes, and the bytes that are looked at. */
enum {
	PATH_STATES_MAX = 256,
	PATH_SPACE = 64 * 1024,
	PATH_WORK_MAX = 8 * PATH_SPACE,
};

/* The plain reading: percent-decoded once, "//" merged, then dot segments
 * removed; a '/' at the end stays.  *out lies in space.  Returns false for what
 * does not begin with '/' or has more than cap bytes. */
bool path_plain(struct str raw, char *space, size_t cap, struct str *out);

/* Whether a '/' is among what is percent-encoded. */
bool path_escapes_slash(struct str raw);

/* Calls fn with every reading of the path raw followed by more, until it
 * returns false; the text lasts as long as the call.  decoded says that a
 * server has percent-decoded it once.  Returns false where fn did, where there
 * are more readings than the bounds allow and for what is no path, as it does
 * not begin with '/'. */
bool path_readings(struct str raw, struct str more, bool decoded,
    bool (*fn)(void *ctx, struct str reading), void *ctx);

/* Whether prefix, as path_check accepted it, covers the path by whole
 * segments. */
static inline bool
path_under(struct str path, struct str prefix)
{
	if (prefix.n <= 1)
		return true;
	return str_starts(path, prefix) &&
	    (path.n == prefix.n || path.p[prefix.n] == '/');
}

#endif
