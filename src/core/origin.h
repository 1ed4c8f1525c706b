/* origin.h - the syntax of web origins and of the entries of allow-origins.
 * An origin is scheme://host[:port] as browsers serialize it (HTML, "origin";
 * URL Standard, "host serializing"). */
#ifndef PREFLIGHTD_CORE_ORIGIN_H
#define PREFLIGHTD_CORE_ORIGIN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/str.h"
#include "core/host.h"

enum origin_kind {
	ORIGIN_ANY,     /* * */
	ORIGIN_NULL,    /* null */
	ORIGIN_EXACT,   /* https://app.example.com */
	ORIGIN_PATTERN, /* https://[*.]example.com[:*], with at least one '*' */
};

enum { ORIGIN_PORT_DEFAULT = 0, ORIGIN_PORT_ANY = -1 };

struct origin {
	enum origin_kind kind;
	enum host_kind host_kind;
	struct str text;   /* the entry as written */
	struct str scheme;
	struct str host;   /* without "*."; IPv6 with its brackets */
	bool subdomains;   /* "*." before the host */
	int port;          /* 1 to 65535, or one of the two above */
};

/* Parses one entry of allow-origins, except @FILE.  The parts of *out point
 * into text.  Returns 0, or -1 where no browser would send it or it is no
 * entry at all; then, and for warnings, findings go to d (NULL: nowhere) at
 * the place `at` of its first byte. */
int origin_parse(struct str text, struct origin *out, struct diag *d,
    struct place at);

/* Takes the Origin of a request apart by the grammar of the browsers' own
 * serialization.  Returns false where it is none: then it can match nothing
 * but '*'.  "null" is none. */
bool origin_split(struct str text, struct origin *out);

/* The default port of a scheme, 0 where it has none. */
int origin_default_port(struct str scheme);

/* localhost, *.localhost, 127.0.0.0/8, [::1] (Secure Contexts, 3.1). */
bool origin_is_loopback(const struct origin *o);

/* Whether credentials are safe with it: https, loopback, or a scheme that is
 * no network one, such as an extension's. */
bool origin_is_secure(const struct origin *o);

/* Adds the origin that a browser would make of a text that is nearly one:
 * lower case, no path, no default port, punycode.  Bytes and labels that no
 * host has are left as they are.  Returns false where there is none. */
bool origin_canonical(struct str text, struct buf *out);

#endif
