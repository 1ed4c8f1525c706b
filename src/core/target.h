/* target.h - the host of a request, what its target is made of and how servers
 * may read its path, and the spelling of hosts and paths in a policy. */
#ifndef PREFLIGHTD_CORE_TARGET_H
#define PREFLIGHTD_CORE_TARGET_H

#include "base/diag.h"
#include "base/str.h"

enum {
	TARGET_PATH_MAX = 1024, /* bytes of a path prefix in a policy */
	TARGET_HOST_MAX = 255,  /* bytes of a host, brackets included */
};

/* Checks an element of `host` or `path`.  Return 0, with the spelling that is
 * compared in *out (a part of text), or -1 with an error in d. */
int host_check(struct str text, struct str *out, struct diag *d,
    struct place at);
int path_check(struct str text, struct str *out, struct diag *d,
    struct place at);

enum host_verdict {
	HOST_GOOD,
	HOST_NONE,      /* absent: only '*' matches */
	HOST_MALFORMED, /* no host */
};

/* Takes HTTP_HOST (or an authority, or SERVER_NAME) down to what policies are
 * compared with: lower case, no port, without one trailing dot.  out holds
 * TARGET_HOST_MAX bytes; *len is set with HOST_GOOD only. */
enum host_verdict host_normalize(struct str host, char *out, size_t *len);

/* Whether a Host has control or 8-bit bytes, for policies that do not look at
 * it further. */
bool host_is_malformed(struct str host);

/* A request target (RFC 9112, 3.2) taken apart: the path without the query,
 * "/" for "*", and the authority of an absolute form (else n is 0). */
struct target {
	struct str path;
	struct str authority;
	bool absolute;
};
void target_split(struct str raw, struct target *out);

/* ---- the path: in every way that servers are known to read it ------------ */

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
