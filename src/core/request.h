/* request.h - what the decision looks at of a request, as CGI meta-variables
 * give it (RFC 3875; FastCGI 1.0, 6.2).  All text belongs to the caller and
 * lasts as long as the request. */
#ifndef PREFLIGHTD_CORE_REQUEST_H
#define PREFLIGHTD_CORE_REQUEST_H

#include "base/str.h"

enum { REQUEST_LINES_MAX = 64 };

struct request {
	struct str method;         /* REQUEST_METHOD */
	struct str origin;         /* HTTP_ORIGIN; n is 0 where it is absent */
	struct str request_method; /* HTTP_ACCESS_CONTROL_REQUEST_METHOD */
	struct str host;           /* HTTP_HOST */
	struct str other_host;     /* a second, different HTTP_HOST: a server's
	                              configuration may add one without port */
	struct str server_name;    /* SERVER_NAME */
	struct str uri;            /* REQUEST_URI */
	struct str script_name;    /* SCRIPT_NAME */
	struct str path_info;      /* PATH_INFO */
	struct str policy;         /* CORS_POLICY */
	struct str scheme;         /* REQUEST_SCHEME */
	bool https;                /* HTTPS is set, and not to "off" */
	bool actual;               /* CORS_MODE is "actual" */
	bool origin_repeated, request_method_repeated;
	bool host_differs; /* a third HTTP_HOST, different again */
	bool uri_differs;  /* REQUEST_URI repeated with another value */
	bool too_many_lines;       /* more than REQUEST_LINES_MAX below */
	size_t nlines;
	/* The lines of HTTP_ACCESS_CONTROL_REQUEST_HEADERS, in order; one list.
	 * Those from nlines on are not initialized. */
	struct str lines[REQUEST_LINES_MAX];
};

void request_init(struct request *r);

/* Notes one parameter; names that mean nothing here are passed over, and an
 * empty value is an absent one.  Of a repeated parameter that only the server's
 * configuration can set the last counts, as with php-fpm. */
void request_param(struct request *r, struct str name, struct str value);

/* Whether Origin is that of the request's own URL: its scheme, and its host
 * with the port.  Without REQUEST_SCHEME and HTTPS the scheme is http. */
bool request_is_same_origin(const struct request *r);

#endif
