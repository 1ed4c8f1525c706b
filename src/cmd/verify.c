#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/color.h"
#include "base/error.h"
#include "cmd/http_options.h"
#include "verify/verify.h"

struct args {
	const char *policy, *method, *cors_policy;
	const char **urls, **error_urls;
	size_t nurls, nerror_urls;
	struct http_args http;
	bool json;
};

static const char usage[] =
    "usage: preflightd verify [-p FILE] [--error-url URL]... [-X METHOD]\n"
    "           [--cors-policy NAME] [--cacert FILE] [--timeout TIME]\n"
    "           [--rate N] [--resolve HOST:PORT:ADDRESS]... [--proxy]\n"
    "           [--json] URL...\n";

static void
print_help(void)
{
	fputs(usage, stdout);
	fputs("\n"
	    "Sends preflights and actual requests to running servers and\n"
	    "tells what differs from the policy file.\n"
	    "\n"
	    "  -p, --policy FILE    the file ($PREFLIGHTD_POLICY, else the\n"
	    "                       installed one)\n"
	    "      --error-url URL  one more, which answers with an error\n"
	    "  -X, --method METHOD  of the actual requests; GET without\n"
	    "      --cors-policy NAME  the policy that the servers ask for by\n"
	    "                       the parameter CORS_POLICY\n", stdout);
	fputs(http_options_help, stdout);
	fputs("      --json           print one JSON object\n"
	    "  -h, --help           print this\n"
	    "\n"
	    "Exit status: 0 all answer as the policy says, 1 one does not or\n"
	    "can't be reached, 2 usage or policy error, 3 a system call "
	    "failed.\n", stdout);
}

/* ---- the servers ------------------------------------------------------- */

/* Parses one URL.  Returns 0, or -1 with an error in d. */
static int
add_server(struct verify *v, const char *url, bool only_error,
    struct diag *d)
{
	struct verify_server *s = &v->servers[v->nservers++];

	s->only_error = only_error;
	return url_parse(str_of(url), &s->url, &s->arena, d,
	    (struct place){diag_file(d, "URL"), 0, 0});
}

/* All are parsed, so that the errors of all are told. */
static int
add_servers(const struct args *args, struct verify *v, struct diag *d)
{
	int ret = 0;

	for (size_t i = 0; i < args->nurls; i++)
		if (add_server(v, args->urls[i], false, d) != 0)
			ret = -1;
	for (size_t i = 0; i < args->nerror_urls; i++)
		if (add_server(v, args->error_urls[i], true, d) != 0)
			ret = -1;
	if (ret != 0)
		diag_print(d, stderr, color_wanted(stderr));
	return ret;
}

static void
clear_servers(struct verify *v)
{
	for (size_t i = 0; i < v->nservers; i++)
		arena_clear(&v->servers[i].arena);
	free(v->servers);
}

/* ---- the command ------------------------------------------------------- */

static int
check_names(const struct args *args, struct verify *v)
{
	if (args->method != NULL)
		v->method = str_of(args->method);
	if (!token_valid(v->method) || method_is_forbidden(v->method))
		return fail_usage("verify", "browsers send no method",
		    v->method, "write -X POST");
	v->method = method_normalize(v->method);
	if (args->cors_policy == NULL)
		return 0;
	v->policy = str_of(args->cors_policy);
	if (policy_set_named(v->set, v->policy) == NULL)
		return fail_usage("verify", "there is no policy", v->policy,
		    "preflightd check lists them");
	return 0;
}

/* Asks all servers and prints what came of it.  Returns an exit status. */
static int
ask(struct verify *v, bool json)
{
	for (size_t i = 0; i < v->nservers; i++)
		if (verify_run(v, &v->servers[i]) != 0)
			return STATUS_SYSTEM;
	if (json && verify_print_json(v, stdout) != 0)
		return STATUS_SYSTEM;
	if (!json)
		verify_print_text(v, stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		return STATUS_SYSTEM;
	return verify_is_good(v) ? STATUS_GOOD : STATUS_NO;
}

/* The policies are loaded. */
static int
verify_with(const struct args *args, struct verify *v, struct diag *d)
{
	int status = STATUS_SYSTEM;

	v->servers = calloc(args->nurls + args->nerror_urls,
	    sizeof(*v->servers));
	if (v->servers == NULL)
		return STATUS_SYSTEM;
	if (check_names(args, v) != 0 || add_servers(args, v, d) != 0) {
		status = STATUS_USAGE;
	} else {
		v->http = http_new(&args->http.options);
		if (v->http != NULL)
			status = ask(v, args->json);
		http_free(v->http);
	}
	clear_servers(v);
	return status;
}

static int
verify(const struct args *args)
{
	struct verify v = {.method = STR("GET"), .policy = STR("")};
	struct diag *d;
	int status;
	struct policy_set *set = cmd_load("verify",
	    cmd_policy_path(args->policy), &status);

	if (set == NULL)
		return status;
	v.set = set;
	d = diag_new();
	status = d != NULL ? verify_with(args, &v, d) : STATUS_SYSTEM;
	if (status == STATUS_SYSTEM)
		perror("preflightd verify");
	diag_free(d);
	policy_set_free(set);
	return status;
}

enum { OPT_ERROR_URL = 256, OPT_CORS_POLICY, OPT_JSON };

static int
take_option(void *ctx, int opt, const char *value)
{
	struct args *args = ctx;

	switch (opt) {
	case 'p':
		args->policy = value;
		break;
	case 'X':
		args->method = value;
		break;
	case OPT_ERROR_URL:
		args->error_urls[args->nerror_urls++] = value;
		break;
	case OPT_CORS_POLICY:
		args->cors_policy = value;
		break;
	case OPT_JSON:
		args->json = true;
		break;
	default:
		return http_args_take(&args->http, opt, value, "verify");
	}
	return 0;
}

static int
run(int argc, char **argv, struct args *args)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"error-url", required_argument, NULL, OPT_ERROR_URL},
		{"method", required_argument, NULL, 'X'},
		{"cors-policy", required_argument, NULL, OPT_CORS_POLICY},
		HTTP_OPTIONS,
		{"json", no_argument, NULL, OPT_JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static const struct cmd_syntax syntax = {usage, "p:X:h", options,
	    print_help, take_option};
	int status;

	if (!cmd_parse(argc, argv, &syntax, args, &status))
		return status;
	while (optind < argc)
		args->urls[args->nurls++] = argv[optind++];
	if (args->nurls + args->nerror_urls == 0) {
		(void)fail_usage("verify", "missing URL", NO_TEXT,
		    "add those that web servers answer: "
		    "https://api.example.com/");
		return STATUS_USAGE;
	}
	return verify(args);
}

int
cmd_verify(int argc, char **argv)
{
	struct args args = {.json = false};
	size_t max = (size_t)argc + 1;
	int status = STATUS_SYSTEM;

	args.urls = calloc(max, sizeof(*args.urls));
	args.error_urls = calloc(max, sizeof(*args.error_urls));
	if (args.urls == NULL || args.error_urls == NULL ||
	    http_args_init(&args.http, max) != 0)
		perror("preflightd verify");
	else
		status = run(argc, argv, &args);
	http_args_clear(&args.http);
	free(args.urls);
	free(args.error_urls);
	return status;
}
