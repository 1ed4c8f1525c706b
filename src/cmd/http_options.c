#include "config.h"

#include "cmd/http_options.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/parse.h"

enum { TIMEOUT_MAX = 3600, PORT_MAX = 65535 };

const char http_options_help[] =
    "      --cacert FILE    certificates of authorities to trust, in PEM\n"
    "      --timeout TIME   of a request; 10 s without\n"
    "      --rate N         requests a second at most; 20 without\n"
    "      --resolve HOST:PORT:ADDRESS  ask ADDRESS for that host\n"
    "      --proxy          use the proxies that the environment names\n";

int
http_args_init(struct http_args *a, size_t max)
{
	*a = (struct http_args){.options = {.timeout = HTTP_TIMEOUT,
	    .rate = HTTP_RATE}};
	a->resolve = calloc(max + 1, sizeof(*a->resolve));
	a->options.resolve = a->resolve;
	return a->resolve != NULL ? 0 : -1;
}

void
http_args_clear(struct http_args *a)
{
	free(a->resolve);
	a->resolve = NULL;
}

/* HOST:PORT:ADDRESS, each with something in it. */
static bool
is_resolve(const char *value)
{
	const char *port = strchr(value, ':');
	const char *address = port != NULL ? strchr(port + 1, ':') : NULL;
	char digits[8];
	unsigned long number;
	size_t n;

	if (port == NULL || port == value || address == NULL ||
	    address[1] == '\0')
		return false;
	n = (size_t)(address - port - 1);
	if (n >= sizeof(digits))
		return false;
	memcpy(digits, port + 1, n);
	digits[n] = '\0';
	return number_parse(digits, 1, PORT_MAX, &number) == 0;
}

int
http_args_take(struct http_args *a, int opt, const char *value,
    const char *command)
{
	struct http_options *o = &a->options;

	switch (opt) {
	case HTTP_OPT_CACERT:
		if (access(value, R_OK) != 0)
			return fail_usage(command, "cannot read the "
			    "certificates", str_of(value), strerror(errno));
		o->cacert = value;
		break;
	case HTTP_OPT_PROXY:
		o->proxy = true;
		break;
	case HTTP_OPT_RATE:
		if (number_parse(value, 1, HTTP_RATE_MAX, &o->rate) != 0)
			return fail_usage(command, "there is no rate",
			    str_of(value), "write requests a second, 1 to "
			    "1000");
		break;
	case HTTP_OPT_RESOLVE:
		if (!is_resolve(value))
			return fail_usage(command, "there is no address in",
			    str_of(value), "write --resolve "
			    "api.example.com:443:127.0.0.1");
		a->resolve[o->nresolve++] = value;
		break;
	case HTTP_OPT_TIMEOUT:
		if (seconds_parse(value, 1, TIMEOUT_MAX, &o->timeout) != 0)
			return fail_usage(command, "there is no time",
			    str_of(value), "write seconds, as 10 or 10s, or "
			    "minutes, as 1m");
		break;
	default:
		return -1;
	}
	return 0;
}
