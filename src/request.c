#include "config.h"

#include "request.h"

void
request_init(struct request *r)
{
	static const struct str none = {"", 0};

	r->method = r->origin = r->request_method = r->host = r->other_host =
	    r->server_name = r->uri = r->script_name = r->path_info =
	    r->policy = none;
	r->origin_repeated = r->request_method_repeated = false;
	r->host_differs = r->uri_differs = r->too_many_lines = false;
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

static void
add_line(struct request *r, struct str value)
{
	if (r->nlines == REQUEST_LINES_MAX)
		r->too_many_lines = true;
	else
		r->lines[r->nlines++] = value;
}

void
request_param(struct request *r, struct str name, struct str value)
{
	if (value.n == 0)
		return;
	switch (name.n) {
	case 9:
		if (str_eq(name, STR("HTTP_HOST")))
			set_host(r, value);
		else if (str_eq(name, STR("PATH_INFO")))
			r->path_info = value;
		break;
	case 11:
		if (str_eq(name, STR("HTTP_ORIGIN")))
			set_once(&r->origin, &r->origin_repeated, value);
		else if (str_eq(name, STR("REQUEST_URI"))) {
			if (r->uri.n > 0 && !str_eq(r->uri, value))
				r->uri_differs = true;
			r->uri = value;
		} else if (str_eq(name, STR("SERVER_NAME")))
			r->server_name = value;
		else if (str_eq(name, STR("SCRIPT_NAME")))
			r->script_name = value;
		else if (str_eq(name, STR("CORS_POLICY")))
			r->policy = value;
		break;
	case 14:
		if (str_eq(name, STR("REQUEST_METHOD")))
			r->method = value;
		break;
	case 34:
		if (str_eq(name, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD")))
			set_once(&r->request_method,
			    &r->request_method_repeated, value);
		break;
	case 35:
		if (str_eq(name, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")))
			add_line(r, value);
		break;
	default:
		break;
	}
}
