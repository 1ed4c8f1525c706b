/* target.h - the host of a request, what its target is made of, and the
 * spelling of hosts and paths in a policy. */
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

#endif
