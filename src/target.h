/* target.h - the host and the path of a request, judged as the web server and
 * what stands behind it will judge them, and the spelling of both in a
 * policy. */
#ifndef PREFLIGHTD_TARGET_H
#define PREFLIGHTD_TARGET_H

#include "diag.h"
#include "str.h"

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
	HOST_NONE,      /* absent or no host: only '*' matches */
	HOST_MALFORMED, /* control or 8-bit bytes */
};

/* Takes HTTP_HOST (or an authority, or SERVER_NAME) down to what policies are
 * compared with: lower case, no port, without one trailing dot.  out holds
 * TARGET_HOST_MAX bytes; *len is set with HOST_GOOD only. */
enum host_verdict host_normalize(struct str host, char *out, size_t *len);

/* Whether a Host is malformed, for policies that do not look at it further. */
bool host_is_malformed(struct str host);

/* A path as it is compared. */
struct path {
	struct str text; /* "/a/b", no slash at the end; root is "" */
	size_t beyond;   /* segments that space had no room for */
	bool plain;      /* nothing had to be decoded: text is in the request,
	                    and has no parameters */
	char space[TARGET_PATH_MAX + 2];
};

/* How ";parameters" behind a segment are read: as a part of it (nginx and most
 * others), or cut off (servlet containers and some frameworks). */
enum path_reading { PATH_LITERAL, PATH_PLAIN };

/* Decodes and resolves the path raw followed by more: percent-decoded once,
 * "//" merged, then dot segments removed.  Returns false for one whose meaning
 * servers disagree on: an encoded '/', '\', NUL or control byte, a raw '\',
 * '#' or control byte, a dot segment with parameters, a dot segment in a path
 * that also has "//", dot segments above the root, an invalid escape, an
 * overlong UTF-8 sequence, or no '/' in front.  The result
 * lasts as long as raw. */
bool path_normalize(struct str raw, struct str more, enum path_reading reading,
    struct path *out);

/* Whether prefix, as path_check accepted it, covers the path by whole
 * segments. */
static inline bool
path_has_prefix(const struct path *p, struct str prefix)
{
	if (prefix.n <= 1)
		return true;
	return str_starts(p->text, prefix) &&
	    (p->text.n == prefix.n || p->text.p[prefix.n] == '/');
}

/* A request target (RFC 9112, 3.2) taken apart: the path without the query,
 * "/" for "*", and the authority of an absolute form (else n is 0). */
struct target {
	struct str path;
	struct str authority;
	bool absolute;
};
void target_split(struct str raw, struct target *out);

#endif
