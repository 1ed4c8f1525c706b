#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/color.h"
#include "base/error.h"
#include "cmd/explain_args.h"
#include "explain/live.h"
#include "explain/print.h"

static const char usage[] =
    "usage: preflightd explain [-p FILE] --origin ORIGIN [-X METHOD]\n"
    "           [-H 'NAME: VALUE']... [--credentials]\n"
    "           [--upload-listener | --stream] [--read NAME]...\n"
    "           [--browser NAME] [--json] URL\n"
    "       preflightd explain [-p FILE] [options] --curl COMMAND\n"
    "       preflightd explain --live [--preflight-only] [--cacert FILE]\n"
    "           [--timeout TIME] [--rate N]\n"
    "           [--resolve HOST:PORT:ADDRESS]... [--proxy] [options] URL\n";

static void
print_help(void)
{
	fputs(usage, stdout);
	fputs("\n"
	    "Says what a browser does with a request that a page makes, and\n"
	    "what to change in the policy where it is blocked.\n"
	    "\n"
	    "  -p, --policy FILE    the file ($PREFLIGHTD_POLICY, else the\n"
	    "                       installed one)\n"
	    "      --origin ORIGIN  the page's: https://app.example.com, null\n"
	    "  -X, --method METHOD  as script writes it; GET without\n"
	    "  -H, --header HEADER  'NAME: VALUE', set by script\n"
	    "      --credentials    credentials: 'include', withCredentials\n"
	    "      --upload-listener  a listener is on xhr.upload\n"
	    "      --stream         the body is a ReadableStream\n"
	    "      --read NAME      a response header that the page reads\n"
	    "      --browser NAME   spec (without), chromium, firefox, webkit\n"
	    "      --curl COMMAND   the request as the network panel of a\n"
	    "                       browser copies it; - reads it from\n"
	    "                       standard input\n"
	    "      --json           print one JSON object\n"
	    "  -h, --help           print this\n"
	    "\n"
	    "      --live           ask the server of the URL, and tell where\n"
	    "                       it differs from the policy, if there is\n"
	    "                       one; with -X PUT it gets that PUT,\n"
	    "                       without a body\n"
	    "      --preflight-only send it the preflight alone\n", stdout);
	fputs(http_options_help, stdout);
	fputs(
	    "\n"
	    "Exit status: 0 the browser goes on, 1 it is blocked, 2 usage or\n"
	    "policy error, 3 a system call failed.\n", stdout);
}

/* ---- the command ------------------------------------------------------- */

static int
print(const struct explanation *e, bool json)
{
	if (json && explain_print_json(e, stdout) != 0)
		return STATUS_SYSTEM;
	if (!json)
		explain_print_text(e, color_wanted(stdout), stdout);
	if (fflush(stdout) != 0)
		return STATUS_SYSTEM;
	return e->goes_on ? STATUS_GOOD : STATUS_NO;
}

/* GET, HEAD and OPTIONS change nothing; others are sent only where the method
 * was asked for, not where a copied command has it. */
static bool
is_sent_whole(const struct explain_asking *a)
{
	struct str method = a->query.request.method;

	if (a->args->preflight_only)
		return false;
	return a->args->method != NULL || str_eq(method, STR("GET")) ||
	    str_eq(method, STR("HEAD")) || str_eq(method, STR("OPTIONS"));
}

/* Returns an exit status. */
static int
answer_by_policy(const struct explain_asking *a, const struct policy_set *set)
{
	struct explanation e;
	int status = STATUS_SYSTEM;

	if (explain_run(set, &a->query, &e) == 0)
		status = print(&e, a->args->json);
	if (status == STATUS_SYSTEM)
		perror("preflightd explain");
	explain_clear(&e);
	return status;
}

/* Asks the server; set may be NULL.  Returns an exit status. */
static int
answer_live(const struct explain_asking *a, const struct policy_set *set)
{
	struct explanation e;
	struct explain_live live;
	struct http *http = http_new(&a->args->http.options);
	int status = STATUS_SYSTEM;

	if (http == NULL) {
		perror("preflightd explain");
		return STATUS_SYSTEM;
	}
	if (explain_run(set, &a->query, &e) == 0 &&
	    live_explain(&e, &live, http, is_sent_whole(a)) == 0)
		status = print(&e, a->args->json);
	if (status == STATUS_SYSTEM)
		perror("preflightd explain");
	explain_clear(&e);
	http_free(http);
	return status;
}

/* What is wrong with an argument: the first finding, since others about the
 * same text only follow from it.  Returns an exit status. */
static int
print_mistake(struct diag *d)
{
	size_t count;
	const struct diag_item *items = diag_items(d, &count);

	if (count == 0 && diag_errors(d) > 0) {
		fputs("preflightd explain: out of memory\n", stderr);
		return STATUS_SYSTEM;
	}
	if (count > 0)
		(void)fail_usage("explain", items[0].text, NO_TEXT,
		    items[0].hint);
	return STATUS_USAGE;
}

/* Answers the query.  Returns an exit status. */
static int
answer(const struct explain_asking *a)
{
	const char *path = a->args->live ?
	    cmd_policy_path_if_any(a->args->policy) :
	    cmd_policy_path(a->args->policy);
	struct policy_set *set = NULL;
	int status;

	if (path != NULL &&
	    (set = cmd_load("explain", path, &status)) == NULL)
		return status;
	status = a->args->live ? answer_live(a, set) :
	    answer_by_policy(a, set);
	policy_set_free(set);
	return status;
}

static int
explain(const struct explain_args *args)
{
	struct explain_asking a = {.args = args, .d = diag_new()};
	int status;

	if (a.d == NULL) {
		perror("preflightd explain");
		status = STATUS_SYSTEM;
	} else if (explain_collect(&a) == 0) {
		status = answer(&a);
	} else if (a.system_error) {
		status = STATUS_SYSTEM;
	} else {
		status = print_mistake(a.d);
	}
	arena_clear(&a.arena);
	diag_free(a.d);
	return status;
}

/* What the options say together.  Returns 0, or -1 with a message. */
static int
check_args(const struct explain_args *args, int argc, char **argv)
{
	if (argc - optind > 1)
		return fail_usage("explain", "one URL at a time; unexpected",
		    str_of(argv[optind + 1]),
		    "put a URL with '&' or spaces in quotes");
	if (args->curl == NULL && argc == optind)
		return fail_usage("explain", "missing URL", NO_TEXT,
		    "add the one that the page asks for: "
		    "https://api.example.com/items");
	if (args->curl != NULL && optind < argc)
		return fail_usage("explain", "there are a URL and a curl "
		    "command", NO_TEXT, "give one of them");
	if (args->preflight_only && !args->live)
		return fail_usage("explain", "--preflight-only is for a "
		    "running server", NO_TEXT, "add --live");
	if (args->upload_listener && args->stream)
		return fail_usage("explain", "--upload-listener and --stream "
		    "exclude each other", NO_TEXT, "XMLHttpRequest has the "
		    "one, fetch() the other");
	return 0;
}

enum { OPT_ORIGIN = 256, OPT_CREDENTIALS, OPT_UPLOAD_LISTENER, OPT_STREAM,
	OPT_READ, OPT_BROWSER, OPT_CURL, OPT_JSON, OPT_LIVE,
	OPT_PREFLIGHT_ONLY };

static int
take_browser(struct explain_args *args, const char *value)
{
	int profile = browser_parse(str_of(value));

	if (profile < 0)
		return fail_usage("explain", "unknown browser", str_of(value),
		    "write spec, chromium (Chrome, Edge), firefox or webkit "
		    "(Safari)");
	args->profile = (enum browser_profile)profile;
	return 0;
}

static int
take_option(void *ctx, int opt, const char *value)
{
	struct explain_args *args = ctx;

	switch (opt) {
	case 'p':
		args->policy = value;
		break;
	case 'X':
		args->method = value;
		break;
	case 'H':
		args->headers[args->nheaders++] = value;
		break;
	case OPT_ORIGIN:
		args->origin = value;
		break;
	case OPT_CREDENTIALS:
		args->credentials = true;
		break;
	case OPT_UPLOAD_LISTENER:
		args->upload_listener = true;
		break;
	case OPT_STREAM:
		args->stream = true;
		break;
	case OPT_READ:
		args->reads[args->nreads++] = value;
		break;
	case OPT_CURL:
		args->curl = value;
		break;
	case OPT_JSON:
		args->json = true;
		break;
	case OPT_LIVE:
		args->live = true;
		break;
	case OPT_PREFLIGHT_ONLY:
		args->preflight_only = true;
		break;
	case OPT_BROWSER:
		return take_browser(args, value);
	default:
		return http_args_take(&args->http, opt, value, "explain");
	}
	return 0;
}

static int
run(int argc, char **argv, struct explain_args *args)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"origin", required_argument, NULL, OPT_ORIGIN},
		{"method", required_argument, NULL, 'X'},
		{"header", required_argument, NULL, 'H'},
		{"credentials", no_argument, NULL, OPT_CREDENTIALS},
		{"upload-listener", no_argument, NULL, OPT_UPLOAD_LISTENER},
		{"stream", no_argument, NULL, OPT_STREAM},
		{"read", required_argument, NULL, OPT_READ},
		{"browser", required_argument, NULL, OPT_BROWSER},
		{"curl", required_argument, NULL, OPT_CURL},
		{"json", no_argument, NULL, OPT_JSON},
		{"live", no_argument, NULL, OPT_LIVE},
		{"preflight-only", no_argument, NULL, OPT_PREFLIGHT_ONLY},
		HTTP_OPTIONS,
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static const struct cmd_syntax syntax = {usage, "p:X:H:h", options,
	    print_help, take_option};
	int status;

	if (!cmd_parse(argc, argv, &syntax, args, &status))
		return status;
	if (check_args(args, argc, argv) != 0)
		return STATUS_USAGE;
	args->url = optind < argc ? argv[optind] : NULL;
	return explain(args);
}

int
cmd_explain(int argc, char **argv)
{
	struct explain_args args = {.profile = BROWSER_SPEC};
	int status = STATUS_SYSTEM;

	args.headers = calloc((size_t)argc + 1, sizeof(*args.headers));
	args.reads = calloc((size_t)argc + 1, sizeof(*args.reads));
	if (args.headers == NULL || args.reads == NULL ||
	    http_args_init(&args.http, (size_t)argc) != 0)
		perror("preflightd explain");
	else
		status = run(argc, argv, &args);
	http_args_clear(&args.http);
	free(args.headers);
	free(args.reads);
	return status;
}
