#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/color.h"
#include "base/error.h"
#include "verify/verify.h"

struct args {
	const char *policy, *method, *cors_policy;
	char **urls;
	size_t nurls;
	struct cmd_list error_urls, resolve;
	struct http_options http;
	bool json;
};

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
	for (size_t i = 0; i < args->error_urls.n; i++)
		if (add_server(v, args->error_urls.items[i], true, d) != 0)
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
		return fail_usage("verify", "browsers do not send method",
		    v->method, "write -X POST");
	v->method = method_normalize(v->method);
	if (args->cors_policy == NULL)
		return 0;
	v->policy = str_of(args->cors_policy);
	if (policy_set_named(v->set, v->policy) == NULL)
		return fail_usage("verify", "unknown policy", v->policy,
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

	v->servers = calloc(args->nurls + args->error_urls.n,
	    sizeof(*v->servers));
	if (v->servers == NULL)
		return STATUS_SYSTEM;
	if (check_names(args, v) != 0 || add_servers(args, v, d) != 0) {
		status = STATUS_USAGE;
	} else {
		v->http = http_new(&args->http);
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
	struct policy_set *set;

	if (args->nurls + args->error_urls.n == 0) {
		(void)fail_usage("verify", "missing URL", NO_TEXT,
		    "add those that web servers answer: "
		    "https://api.example.com/");
		return STATUS_USAGE;
	}
	set = cmd_load("verify", cmd_policy_path(args->policy), false,
	    &status);
	if (set == NULL)
		return status;
	v.set = set;
	d = diag_new();
	status = d != NULL ? verify_with(args, &v, d) : STATUS_SYSTEM;
	if (status == STATUS_SYSTEM)
		(void)cmd_system_error("verify");
	diag_free(d);
	policy_set_free(set);
	return status;
}

int
cmd_verify(int argc, char **argv)
{
	struct args a = {.http = HTTP_DEFAULTS};
	const struct cmd_option options[] = {
		POLICY_CMD_OPTION(&a.policy),
		{0, "error-url", "URL", "one more, which answers with an "
		    "error; repeatable", .list = &a.error_urls},
		{'X', "method", "METHOD", "of the actual requests (GET)",
		    .text = &a.method},
		{0, "cors-policy", "NAME", "the policy that the servers ask "
		    "for by the parameter CORS_POLICY", .text = &a.cors_policy},
		HTTP_CMD_OPTIONS(&a.http, &a.resolve),
		{0, "json", NULL, "print one JSON object", .flag = &a.json},
		{.name = NULL},
	};
	const struct cmd_syntax syntax = {
		"verify", "preflightd verify [options] URL...",
		"Sends preflights and actual requests to running servers and "
		"tells what differs from the policy file.", NULL,
		"Exit status: 0 all answer as the policy says, 1 one does not "
		"or can't be reached, 2 usage or policy error, 3 a system call "
		"failed.", options,
	};
	int status;

	if (cmd_parse(argc, argv, &syntax, &status)) {
		a.urls = argv + optind;
		a.nurls = (size_t)(argc - optind);
		a.http.resolve = a.resolve.items;
		a.http.nresolve = a.resolve.n;
		status = verify(&a);
	}
	free(a.error_urls.items);
	free(a.resolve.items);
	return status;
}
