#include "config.h"

#include "core/request.h"

#include "core/target.h"

void
request_init(struct request *r)
{
	static const struct str none = {"", 0};

	r->method = r->origin = r->request_method = r->host = r->other_host =
	    r->server_name = r->uri = r->script_name = r->path_info =
	    r->policy = r->scheme = none;
	r->origin_repeated = r->request_method_repeated = false;
	r->host_differs = r->uri_differs = r->too_many_lines = false;
	r->https = r->actual = false;
	r->nlines = 0;
}

/* A header that a browser sends once. */
static void
set_once(struct str *to, bool *repeated, struct str value)
{
	if (to->n > 0)
		*repeated = true;
	else
		*to = value;
}

static void
set_host(struct request *r, struct str value)
{
	if (r->host.n == 0 || str_eq(r->host, value))
		r->host = value;
	else if (r->other_host.n == 0 || str_eq(r->other_host, value))
		r->other_host = value;
	else
		r->host_differs = true;
}

void
request_param(struct request *r, struct str name, struct str value)
{
	if (value.n == 0)
		return;
	if (str_eq(name, STR("REQUEST_METHOD"))) {
		r->method = value;
	} else if (str_eq(name, STR("HTTP_ORIGIN"))) {
		set_once(&r->origin, &r->origin_repeated, value);
	} else if (str_eq(name, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"))) {
		set_once(&r->request_method, &r->request_method_repeated,
		    value);
	} else if (str_eq(name, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"))) {
		if (r->nlines == REQUEST_LINES_MAX)
			r->too_many_lines = true;
		else
			r->lines[r->nlines++] = value;
	} else if (str_eq(name, STR("HTTP_HOST"))) {
		set_host(r, value);
	} else if (str_eq(name, STR("REQUEST_URI"))) {
		if (r->uri.n > 0 && !str_eq(r->uri, value))
			r->uri_differs = true;
		r->uri = value;
	} else if (str_eq(name, STR("SERVER_NAME"))) {
		r->server_name = value;
	} else if (str_eq(name, STR("SCRIPT_NAME"))) {
		r->script_name = value;
	} else if (str_eq(name, STR("PATH_INFO"))) {
		r->path_info = value;
	} else if (str_eq(name, STR("REQUEST_SCHEME"))) {
		r->scheme = value;
	} else if (str_eq(name, STR("HTTPS"))) {
		r->https = !str_eq_fold(value, STR("off"));
	} else if (str_eq(name, STR("CORS_POLICY"))) {
		r->policy = value;
	} else if (str_eq(name, STR("CORS_MODE"))) {
		r->actual = str_eq(value, STR("actual"));
	}
}

/* ---- the request's own origin ------------------------------------------ */

static struct str
own_scheme(const struct request *r)
{
	if (r->scheme.n > 0)
		return r->scheme;
	return r->https ? STR("https") : STR("http");
}

/* An origin leaves the default port out, a Host may have it. */
static struct str
without_default_port(struct str host, struct str scheme)
{
	struct str port = str_eq_fold(scheme, STR("https")) ? STR(":443") :
	    STR(":80");

	if (host.n > port.n && str_ends(host, port))
		host.n -= port.n;
	return host;
}

/* rest is what stands behind the scheme of the Origin. */
static bool
is_own_host(struct str rest, struct str host, struct str scheme)
{
	return host.n > 0 &&
	    str_eq_fold(rest, without_default_port(host, scheme));
}

bool
request_is_same_origin(const struct request *r)
{
	struct str scheme = own_scheme(r), rest;
	struct target t;

	if (r->origin.n <= scheme.n || !str_eq_fold(scheme,
	        (struct str){r->origin.p, scheme.n}))
		return false;
	rest = str_from(r->origin, scheme.n);
	if (!str_starts(rest, STR("://")))
		return false;
	rest = str_from(rest, 3);
	target_split(r->uri, &t);
	if (t.absolute)
		return is_own_host(rest, t.authority, scheme);
	if (r->host.n == 0)
		return is_own_host(rest, r->server_name, scheme);
	return is_own_host(rest, r->host, scheme) ||
	    is_own_host(rest, r->other_host, scheme);
}
