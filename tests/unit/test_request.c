#include "config.h"

#include "core/request.h"

#include "unit.h"

/* Names as long as those that count. */
static const char *const others[] = {
	"HTTPX", "HTTP_HOSX", "PATH_INFX", "CORS_MODX", "HTTP_COOKIE",
	"REMOTE_ADDR", "SERVER_PORT", "CONTENT_TYPE", "CONTENT_LENGTH",
	"HTTP_X_REQUEST", "HTTP_ACCESS_CONTROL_REQUEST_METHOX",
	"HTTP_ACCESS_CONTROL_REQUEST_HEADERX", "X", "",
};

Test(request, leaves_others_alone)
{
	struct request r, empty;

	request_init(&empty);
	for (size_t i = 0; i < COUNT(others); i++) {
		request_init(&r);
		request_param(&r, str_of(others[i]), STR("x"));
		cr_expect(r.host.n == 0 && r.path_info.n == 0 && !r.actual &&
		    r.origin.n == 0 && r.uri.n == 0 && r.server_name.n == 0 &&
		    r.script_name.n == 0 && r.policy.n == 0 &&
		    r.method.n == 0 && r.scheme.n == 0 && !r.https &&
		    r.request_method.n == 0 && r.nlines == empty.nlines,
		    "'%s'", others[i]);
	}
}

Test(request, takes_those_that_count)
{
	struct request r;

	request_init(&r);
	request_param(&r, STR("HTTPS"), STR("OFF"));
	cr_expect(!r.https, "off is no https");
	request_param(&r, STR("HTTPS"), STR("on"));
	cr_expect(r.https);
	request_param(&r, STR("CORS_MODE"), STR("actual"));
	cr_expect(r.actual);
	request_param(&r, STR("CORS_MODE"), STR(""));
	cr_expect(r.actual, "an empty one is none");
	request_param(&r, STR("CORS_MODE"), STR("Actual"));
	cr_expect(!r.actual, "the last counts, as it is written");
	request_param(&r, STR("REQUEST_URI"), STR("/a"));
	request_param(&r, STR("REQUEST_URI"), STR("/a"));
	cr_expect(!r.uri_differs);
	request_param(&r, STR("REQUEST_URI"), STR("/b"));
	cr_expect(r.uri_differs);
	request_param(&r, STR("HTTP_HOST"), STR("a.example"));
	request_param(&r, STR("HTTP_HOST"), STR("a.example"));
	cr_expect(!r.host_differs);
	request_param(&r, STR("HTTP_HOST"), STR("b.example"));
	request_param(&r, STR("HTTP_HOST"), STR("c.example"));
	cr_expect(r.host_differs, "a third host");
}
