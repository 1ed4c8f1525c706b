#include "config.h"

#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "curl_command.h"
#include "explain.h"
#include "explain_print.h"
#include "shell_words.h"

struct args {
	const char *policy, *origin, *method, *curl, *url;
	const char **headers, **reads;
	size_t nheaders, nreads;
	bool credentials, upload_listener, stream, json;
	enum browser_profile profile;
};

/* What the arguments come to, in the memory of the arena. */
struct asking {
	const struct args *args;
	struct arena arena;
	struct diag *d;
	struct explain_query query;
	struct curl_command curl;
};

static const char usage[] =
    "usage: preflightd explain [-p FILE] --origin ORIGIN [-X METHOD]\n"
    "           [-H 'NAME: VALUE']... [--credentials]\n"
    "           [--upload-listener | --stream] [--read NAME]...\n"
    "           [--browser NAME] [--json] URL\n"
    "       preflightd explain [-p FILE] [options] --curl COMMAND\n";

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
	    "      --curl COMMAND   the request as the browser's network panel\n"
	    "                       copies it; - reads it from standard input\n"
	    "      --json           print one JSON object\n"
	    "  -h, --help           print this\n"
	    "\n"
	    "Exit status: 0 the browser goes on, 1 it is blocked, 2 usage or\n"
	    "policy error, 3 a system call failed.\n", stdout);
}

/* ---- messages ---------------------------------------------------------- */

static int
usage_error(const char *what, const char *hint)
{
	fprintf(stderr, "preflightd explain: %s\n  %s\n", what, hint);
	return -1;
}

static int
usage_error_about(const char *what, struct str text, const char *hint)
{
	struct shown shown;

	fprintf(stderr, "preflightd explain: %s '%s'\n  %s\n", what,
	    buf_shown(&shown, text), hint);
	return -1;
}

static int
no_memory(void)
{
	perror("preflightd explain");
	return -1;
}

/* The place of an argument in messages. */
static struct place
argument(struct asking *a, const char *name)
{
	return (struct place){diag_file(a->d, name), 0, 0};
}

/* ---- headers ----------------------------------------------------------- */

static const char private_network[] =
    "access-control-request-private-network";

static struct str
trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_from(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* 'NAME: VALUE'.  Returns 0, or -1 with a message. */
static int
parse_header(struct str text, struct header *out)
{
	const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;

	if (colon == NULL)
		return usage_error_about("there is no ':' in header", text,
		    "write -H 'Name: value'");
	out->name = trim((struct str){text.p, (size_t)(colon - text.p)});
	out->value = trim(str_from(text, (size_t)(colon - text.p) + 1));
	return 0;
}

/* What script cannot even hand over. */
static int
check_header(const struct header *h)
{
	if (!token_valid(h->name))
		return usage_error_about("no header has the name", h->name,
		    "a name has letters, digits and !#$%&'*+-.^_`|~");
	for (size_t i = 0; i < h->value.n; i++)
		if (h->value.p[i] == '\r' || h->value.p[i] == '\n' ||
		    h->value.p[i] == '\0')
			return usage_error_about("a line end is in the value "
			    "of header", h->name, "write it in one line");
	return 0;
}

/* Why a header counts for nothing, or NULL. */
static const char *
why_ignored(const struct header *h, bool copied)
{
	if (copied && curl_header_is_browsers(h))
		return "the browser adds it by itself";
	if (str_eq_fold(h->name, str_of(private_network)))
		return "the browser sets it, not script";
	if (browser_header_dropped(h))
		return "browsers let no script set it";
	return NULL;
}

/* Sorts the headers into those that count and the others. */
static int
take_headers(struct asking *a, const struct headers *all, size_t copied)
{
	struct explain_query *q = &a->query;
	struct header *kept = arena_array(&a->arena, all->count + 1,
	    sizeof(*kept));
	struct header *given = arena_array(&a->arena, all->count + 1,
	    sizeof(*given));
	struct explain_ignored *ignored = arena_array(&a->arena,
	    all->count + 1, sizeof(*ignored));
	size_t nkept = 0, ngiven = 0;

	if (kept == NULL || given == NULL || ignored == NULL)
		return no_memory();
	for (size_t i = 0; i < all->count; i++) {
		const struct header *h = &all->items[i];
		const char *why;

		if (check_header(h) != 0)
			return -1;
		why = why_ignored(h, i < copied);
		if (str_eq_fold(h->name, str_of(private_network)))
			q->private_network = true;
		if (why == NULL)
			kept[nkept++] = *h;
		else
			ignored[q->nignored++] =
			    (struct explain_ignored){h->name, why};
		if (why == NULL || i >= copied)
			given[ngiven++] = *h;
	}
	q->request.headers = (struct headers){kept, nkept};
	q->given = (struct headers){given, ngiven};
	q->ignored = ignored;
	return 0;
}

/* Those of the curl command, then those of the options. */
static int
collect_headers(struct asking *a)
{
	size_t copied = a->curl.headers.count, n = copied;
	struct header *all = arena_array(&a->arena,
	    copied + a->args->nheaders + 1, sizeof(*all));

	if (all == NULL)
		return no_memory();
	if (copied > 0)
		memcpy(all, a->curl.headers.items, copied * sizeof(*all));
	for (size_t i = 0; i < a->args->nheaders; i++)
		if (parse_header(str_of(a->args->headers[i]), &all[n++]) != 0)
			return -1;
	return take_headers(a, &(struct headers){all, n}, copied);
}

static int
collect_reads(struct asking *a)
{
	struct str *reads = arena_array(&a->arena, a->args->nreads + 1,
	    sizeof(*reads));

	if (reads == NULL)
		return no_memory();
	for (size_t i = 0; i < a->args->nreads; i++) {
		reads[i] = str_of(a->args->reads[i]);
		if (!token_valid(reads[i]))
			return usage_error_about("no header has the name",
			    reads[i], "write --read X-Total-Count");
	}
	a->query.reads = reads;
	a->query.nreads = a->args->nreads;
	return 0;
}

/* ---- the curl command -------------------------------------------------- */

/* Standard input as a whole.  Returns 0, or -1 with a message. */
static int
read_input(struct asking *a, struct str *out)
{
	size_t cap = SHELL_TEXT_MAX + 1, n = 0, got;
	char *p = arena_alloc(&a->arena, cap);

	if (p == NULL)
		return no_memory();
	while (n < cap && (got = fread(p + n, 1, cap - n, stdin)) > 0)
		n += got;
	if (ferror(stdin))
		return no_memory();
	*out = (struct str){p, n};
	return 0;
}

static int
collect_curl(struct asking *a)
{
	struct str text;

	if (a->args->curl == NULL)
		return 0;
	text = str_of(a->args->curl);
	if (str_eq(text, STR("-")) && read_input(a, &text) != 0)
		return -1;
	return curl_command_parse(text, &a->curl, &a->arena, a->d,
	    argument(a, "--curl"));
}

/* ---- origin, URL, method ----------------------------------------------- */

static int
parse_origin(struct asking *a, struct str text, const char *name)
{
	struct origin o;

	if (origin_parse(text, &o, a->d, argument(a, name)) != 0)
		return -1;
	if (o.kind != ORIGIN_EXACT && o.kind != ORIGIN_NULL)
		return usage_error_about("a page has no such origin:", text,
		    "write that of one page, as in https://app.example.com");
	a->query.request.origin = text;
	return 0;
}

/* That of the option, else of the copied Origin, else of the Referer. */
static int
collect_origin(struct asking *a)
{
	struct str copied = curl_command_header(&a->curl, STR("origin"));
	struct str referer = curl_command_header(&a->curl, STR("referer"));
	struct url page;

	if (a->args->origin != NULL)
		return parse_origin(a, str_of(a->args->origin), "--origin");
	if (copied.n > 0)
		return parse_origin(a, copied, "Origin");
	if (referer.n == 0)
		return usage_error("the page's origin is missing",
		    "add --origin https://app.example.com");
	if (url_parse(referer, &page, &a->arena, a->d,
	    argument(a, "Referer")) != 0)
		return -1;
	a->query.request.origin = page.origin;
	return 0;
}

static int
collect_url(struct asking *a)
{
	struct str text = a->args->url != NULL ? str_of(a->args->url) :
	    a->curl.url;

	if (url_parse(text, &a->query.url, &a->arena, a->d,
	    argument(a, "URL")) != 0)
		return -1;
	a->query.request.url_origin = a->query.url.origin;
	return 0;
}

static int
collect_method(struct asking *a)
{
	struct str method = a->args->method != NULL ?
	    str_of(a->args->method) : a->curl.method;

	if (!token_valid(method))
		return usage_error_about("there is no method", method,
		    "write -X PUT");
	a->query.request.method = method_normalize(method);
	return 0;
}

/* Makes the query of the arguments.  Returns 0, or -1 with a message printed
 * or an error in a->d. */
static int
collect(struct asking *a)
{
	const struct args *args = a->args;
	struct explain_query *q = &a->query;

	a->curl = (struct curl_command){.url = STR(""),
	    .method = STR("GET")};
	if (collect_curl(a) != 0 || collect_url(a) != 0 ||
	    collect_origin(a) != 0 || collect_method(a) != 0 ||
	    collect_headers(a) != 0 || collect_reads(a) != 0)
		return -1;
	q->profile = args->profile;
	q->request.credentials = args->credentials || a->curl.cookies;
	q->request.flag = args->stream ? FLAG_STREAM :
	    args->upload_listener ? FLAG_UPLOAD_LISTENER : FLAG_NONE;
	return 0;
}

/* ---- the command ------------------------------------------------------- */

static int
print(const struct explanation *e, bool json)
{
	if (json && explain_print_json(e, stdout) != 0)
		return STATUS_SYSTEM;
	if (!json)
		explain_print_text(e, isatty(STDOUT_FILENO) == 1, stdout);
	if (fflush(stdout) != 0)
		return STATUS_SYSTEM;
	return e->goes_on ? STATUS_GOOD : STATUS_NO;
}

/* Warnings are for check. */
static void
print_errors(struct diag *d)
{
	if (diag_errors(d) > 0)
		diag_print(d, stderr);
}

/* Answers the query.  Returns an exit status. */
static int
answer(const struct asking *a, struct diag *d)
{
	struct explanation e;
	struct policy_set *set = conf_load(cmd_policy_path(a->args->policy),
	    d, NULL);
	int status = STATUS_SYSTEM;

	if (set == NULL) {
		print_errors(d);
		return STATUS_USAGE;
	}
	if (explain_run(set, &a->query, &e) == 0)
		status = print(&e, a->args->json);
	if (status == STATUS_SYSTEM)
		perror("preflightd explain");
	explain_clear(&e);
	policy_set_free(set);
	return status;
}

static int
explain(const struct args *args)
{
	struct asking a = {.args = args, .d = diag_new()};
	struct diag *d = diag_new();
	int status = STATUS_USAGE;

	if (a.d == NULL || d == NULL) {
		perror("preflightd explain");
		status = STATUS_SYSTEM;
	} else if (collect(&a) == 0) {
		status = answer(&a, d);
	} else {
		print_errors(a.d);
	}
	arena_clear(&a.arena);
	diag_free(d);
	diag_free(a.d);
	return status;
}

/* What the options say together.  Returns 0, or -1 with a message. */
static int
check_args(const struct args *args, int argc)
{
	if (argc - optind > 1 || (args->curl == NULL && argc == optind)) {
		fputs(usage, stderr);
		return -1;
	}
	if (args->curl != NULL && optind < argc)
		return usage_error("there are a URL and a curl command",
		    "give one of them");
	if (args->upload_listener && args->stream)
		return usage_error("--upload-listener and --stream exclude "
		    "each other", "XMLHttpRequest has the one, fetch() the "
		    "other");
	return 0;
}

enum { OPT_ORIGIN = 256, OPT_CREDENTIALS, OPT_UPLOAD_LISTENER, OPT_STREAM,
	OPT_READ, OPT_BROWSER, OPT_CURL, OPT_JSON };

/* Notes an option that has a value or is a switch.  Returns 0, or -1 with a
 * message. */
static int
take_option(struct args *args, int opt, const char *value)
{
	int profile;

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
	case OPT_BROWSER:
		profile = browser_parse(str_of(value));
		if (profile < 0)
			return usage_error_about("unknown browser",
			    str_of(value),
			    "write spec, chromium, firefox or webkit");
		args->profile = (enum browser_profile)profile;
		break;
	default:
		fputs(usage, stderr);
		return -1;
	}
	return 0;
}

static int
run(int argc, char **argv, struct args *args)
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
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "p:X:H:h", options, NULL)) !=
	    -1) {
		if (opt == 'h') {
			print_help();
			return STATUS_GOOD;
		}
		if (take_option(args, opt, optarg) != 0)
			return STATUS_USAGE;
	}
	if (check_args(args, argc) != 0)
		return STATUS_USAGE;
	args->url = optind < argc ? argv[optind] : NULL;
	return explain(args);
}

int
cmd_explain(int argc, char **argv)
{
	struct args args = {.profile = BROWSER_SPEC};
	int status = STATUS_SYSTEM;

	args.headers = calloc((size_t)argc + 1, sizeof(*args.headers));
	args.reads = calloc((size_t)argc + 1, sizeof(*args.reads));
	if (args.headers == NULL || args.reads == NULL)
		perror("preflightd explain");
	else
		status = run(argc, argv, &args);
	free(args.headers);
	free(args.reads);
	return status;
}
