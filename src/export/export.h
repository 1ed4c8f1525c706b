/* export.h - the configuration of a web server made from the policies: the
 * delegation of preflights, and the header fields of actual responses. */
#ifndef PREFLIGHTD_EXPORT_EXPORT_H
#define PREFLIGHTD_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/str.h"
#include "core/policy.h"

/* Where preflightd listens. */
struct export_socket {
	struct str path; /* of a Unix socket; n is 0 for TCP */
	struct str host; /* IPv6 in brackets */
	unsigned port;
};

/* Reads unix:PATH, HOST:PORT or [IPv6]:PORT, with nothing that would need a
 * quote in any server's configuration.  The parts point into text.  Returns 0
 * or -1. */
int export_socket_parse(const char *text, struct export_socket *out);

/* Reads an absolute path in the same way. */
int export_path_parse(const char *text, struct str *out);

struct export_options {
	struct export_socket socket;
	struct str script; /* lighttpd: where its script is installed */
	bool ask;    /* actual responses are asked of preflightd */
	bool closed; /* while it is down, so is the server */
};

/* A path of a host, and the number of the policy that serves it: the first of
 * the policies, sorted by name, has number 1.  In other languages a policy is
 * "p" and its number: some of the names that it may have mean something
 * there. */
struct export_path {
	struct str text; /* "/" or "/a/b" */
	size_t number;
};

/* A host of the policies.  Where by_path is not set every path of it, whatever
 * it is, belongs to the policy of the first. */
struct export_host {
	struct str name; /* without "*."; n is 0 for '*' */
	bool subdomains;
	bool by_path;
	const struct export_path *paths; /* the longest first */
	size_t npaths;
};

/* The policies as a server's configuration has them. */
struct export {
	const struct policy_set *set;
	const struct export_options *options;
	/* In an order in which the first that matches decides; a path that none
	 * of a host's matches may be one of the next host. */
	const struct export_host *hosts;
	size_t nhosts;
	size_t number;        /* of the policy that is being written, from 1 */
	bool names_hosts;     /* some policy names a host */
	bool has_paths;       /* some host has policies by path */
	bool has_star;        /* some policy allows '*' */
	bool has_credentials; /* some policy allows them */
	bool has_exposed;     /* some policy exposes header fields */
	FILE *to;
	bool failed;          /* out of memory on the way */
};

/* A part of a configuration that has its own place there. */
struct export_part {
	const char *name;
	const char *comment; /* what a comment begins with there */
	void (*write)(struct export *e);
};

enum { EXPORT_PARTS_MAX = 4 };

struct export_server {
	const char *name;
	bool can_ask;
	const char *no_ask;   /* else why not */
	const char *no_open;  /* why it can't ask --open; NULL where it can */
	size_t origins_max;   /* of a policy, that it can go through */
	size_t line_max;      /* bytes of a line of its configuration; 0: any */
	size_t field_max;     /* of a field of an answer to it; 0: any */
	size_t answer_max;    /* of an answer to a preflight; 0: any */
	const char *no_field; /* bytes of a field name that it can't write */
	struct export_part parts[EXPORT_PARTS_MAX]; /* up to a NULL name */
};

/* The server of that name, or NULL; the i-th one, or NULL. */
const struct export_server *export_server_named(struct str name);
const struct export_server *export_server_get(size_t i);

/* Writes the configuration: all parts, or that of a name where part is not
 * NULL.  What the server cannot express exactly is an error in d; then what was
 * written is of no use.  Returns 0, or -1 with an error in d, or without
 * memory. */
int export_write(const struct export_server *server, const char *part,
    const struct policy_set *set, const struct export_options *options,
    struct diag *d, FILE *to);

/* The fields of a response that are the policy's; Vary is not its alone. */
enum { EXPORT_FIELDS = 3 };
extern const char *const export_fields[EXPORT_FIELDS];

/* Closes a stream of open_memstream, which sets *text.  Returns 0, or -1 where
 * not all that was written is there. */
int export_stream_close(FILE *stream, char *const *text);

extern const struct export_server export_apache, export_caddy, export_haproxy,
    export_lighttpd, export_nginx;

/* ---- for the servers --------------------------------------------------- */

/* Writes "LEADpN is policy NAME (FILE:LINE)\n" for the policy of a number. */
void export_policy_comment(const struct export *e, const char *lead,
    size_t number);

/* Calls fn for each entry of the policy that some origin matches, those left
 * out that others cover.  Not for policies with '*'. */
void export_origins(struct export *e, const struct policy *p,
    void (*fn)(struct export *e, const struct policy *p,
        const struct origin *o));

/* The value of Access-Control-Expose-Headers, with what lead returns (a byte or
 * more, or "") in front of each byte; lead may be NULL. */
void export_exposed(const struct export *e, const struct policy *p,
    const char *(*lead)(char c));
bool export_exposes(const struct policy *p);

/* Writes the socket as unix:PATH, or HOST:PORT. */
void export_socket(const struct export *e, const char *unix_lead);

#endif
