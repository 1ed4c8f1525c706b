/* `explain`: a query out of the arguments, answered by the policy and, with
 * --live, by the server. */
#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/color.h"
#include "base/error.h"
#include "core/origin.h"
#include "explain/curl_command.h"
#include "explain/explain.h"
#include "explain/shell_words.h"

struct asking {
	/* The arguments; NULL: not given. */
	const char *policy, *origin, *method, *curl, *url;
	struct cmd_list headers, reads, resolve;
	bool credentials, upload_listener, stream, json, live, preflight_only;
	struct http_options http;

	struct arena arena;         /* the query's memory */
	struct diag *d;             /* what is wrong with the arguments */
	bool system_error;          /* a call failed, and that was said */
	struct explain_query query;
	struct curl_command command;
};

/* ---- messages ---------------------------------------------------------- */

static int
wrong(const char *what, struct str text, const char *hint)
{
	return fail_usage("explain", what, text, hint);
}

static int
no_memory(struct asking *a)
{
	(void)cmd_system_error("explain");
	a->system_error = true;
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

/* 'NAME: VALUE'.  Returns 0, or -1 with a message. */
static int
parse_header(struct str text, struct header *out)
{
	const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;

	if (colon == NULL)
		return wrong("missing ':' in header", text,
		    "write -H 'Name: value'");
	out->name = str_trim((struct str){text.p, (size_t)(colon - text.p)});
	out->value = str_trim(str_from(text, (size_t)(colon - text.p) + 1));
	return 0;
}

/* What no script can pass to a browser. */
static int
check_header(const struct header *h)
{
	if (!token_valid(h->name))
		return wrong("invalid header name", h->name,
		    "a name has letters, digits and !#$%&'*+-.^_`|~");
	for (size_t i = 0; i < h->value.n; i++)
		if (h->value.p[i] == '\r' || h->value.p[i] == '\n' ||
		    h->value.p[i] == '\0')
			return wrong("line break in the value of header",
			    h->name, "write it in one line");
	return 0;
}

/* Why a header is ignored, or NULL. */
static const char *
why_ignored(enum browser_profile profile, const struct header *h, bool copied)
{
	if (copied && curl_header_is_browsers(h))
		return "the browser sets it itself";
	if (str_eq_fold(h->name, str_of(private_network)))
		return "the browser sets it itself";
	if (browser_header_dropped(BROWSER_SPEC, h))
		return "browsers do not let scripts set it";
	if (browser_header_dropped(profile, h))
		return "this browser does not let scripts set it";
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
		return no_memory(a);
	for (size_t i = 0; i < all->count; i++) {
		const struct header *h = &all->items[i];
		const char *why;

		if (check_header(h) != 0)
			return -1;
		why = why_ignored(q->profile, h, i < copied);
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
	if ((q->profile == BROWSER_CHROMIUM ||
	    q->request.flag == FLAG_UPLOAD_LISTENER) &&
	    headers_join(&q->request.headers, &a->arena,
	        &q->request.headers) != 0)
		return no_memory(a);
	q->given = (struct headers){given, ngiven};
	q->ignored = ignored;
	return 0;
}

/* Those of the curl command, then those of the options. */
static int
collect_headers(struct asking *a)
{
	size_t copied = a->command.headers.count, n = copied;
	struct header *all = arena_array(&a->arena,
	    copied + a->headers.n + 1, sizeof(*all));

	if (all == NULL)
		return no_memory(a);
	if (copied > 0)
		memcpy(all, a->command.headers.items, copied * sizeof(*all));
	for (size_t i = 0; i < a->headers.n; i++)
		if (parse_header(str_of(a->headers.items[i]), &all[n++]) != 0)
			return -1;
	return take_headers(a, &(struct headers){all, n}, copied);
}

static int
collect_reads(struct asking *a)
{
	struct str *reads = arena_array(&a->arena, a->reads.n + 1,
	    sizeof(*reads));

	if (reads == NULL)
		return no_memory(a);
	for (size_t i = 0; i < a->reads.n; i++) {
		reads[i] = str_of(a->reads.items[i]);
		if (!token_valid(reads[i]))
			return wrong("invalid header name", reads[i],
			    "write --read X-Total-Count");
	}
	a->query.reads = reads;
	a->query.nreads = a->reads.n;
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
		return no_memory(a);
	while (n < cap && (got = fread(p + n, 1, cap - n, stdin)) > 0)
		n += got;
	if (ferror(stdin)) {
		perror("preflightd explain: standard input");
		a->system_error = true;
		return -1;
	}
	*out = (struct str){p, n};
	return 0;
}

static int
collect_curl(struct asking *a)
{
	struct str text;

	if (a->curl == NULL)
		return 0;
	text = str_of(a->curl);
	if (str_eq(text, STR("-")) && read_input(a, &text) != 0)
		return -1;
	return curl_command_parse(text, &a->command, &a->arena, a->d,
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
		return wrong("not the origin of a page:", text,
		    "write that of one page, as in https://app.example.com");
	a->query.request.origin = text;
	return 0;
}

/* That of the option, else of the copied Origin, else of the Referer. */
static int
collect_origin(struct asking *a)
{
	struct str copied = curl_command_header(&a->command, STR("origin"));
	struct str referer = curl_command_header(&a->command, STR("referer"));
	struct url page;

	if (a->origin != NULL)
		return parse_origin(a, str_of(a->origin), "--origin");
	if (copied.n > 0)
		return parse_origin(a, copied, "Origin");
	if (referer.n == 0)
		return wrong("the page's origin is missing", NO_TEXT,
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
	struct str text = a->url != NULL ? str_of(a->url) :
	    a->command.url;

	if (url_parse(text, &a->query.url, &a->arena, a->d,
	    argument(a, "URL")) != 0)
		return -1;
	a->query.request.url_origin = a->query.url.origin;
	return 0;
}

static int
collect_method(struct asking *a)
{
	struct str method = a->method != NULL ?
	    str_of(a->method) : a->command.method;

	if (!token_valid(method))
		return wrong("invalid method", method, "write -X PUT");
	a->query.request.method = method_normalize(method);
	return 0;
}

/* Fills the query.  Returns 0, or -1 with a message printed or an error in
 * a->d. */
static int
collect(struct asking *a)
{
	struct explain_query *q = &a->query;

	a->command = (struct curl_command){.url = STR(""),
	    .method = STR("GET")};
	q->request.flag = a->stream ? FLAG_STREAM :
	    a->upload_listener ? FLAG_UPLOAD_LISTENER : FLAG_NONE;
	if (collect_curl(a) != 0 || collect_url(a) != 0 ||
	    collect_origin(a) != 0 || collect_method(a) != 0 ||
	    collect_headers(a) != 0 || collect_reads(a) != 0)
		return -1;
	q->request.credentials = a->credentials || a->command.cookies;
	return 0;
}

/* ---- answering --------------------------------------------------------- */

/* GET, HEAD and OPTIONS change nothing; others are sent only where the method
 * was asked for, not where a copied command has it. */
static bool
is_sent_whole(const struct asking *a)
{
	struct str method = a->query.request.method;

	return !a->preflight_only && (a->method != NULL ||
	    str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) ||
	    str_eq(method, STR("OPTIONS")));
}

/* Answers by the policy, NULL: there is none, and with --live by the server.
 * Returns an exit status. */
static int
answer(const struct asking *a, const struct policy_set *set)
{
	struct explanation e = {.goes_on = false};
	struct explain_live live;
	struct http *http = NULL;
	int printed = -1, status;

	if (a->live && (http = http_new(&a->http)) == NULL)
		return cmd_system_error("explain");
	if (explain_run(set, &a->query, &e) == 0 && (!a->live ||
	    explain_live(&e, &live, http, is_sent_whole(a)) == 0)) {
		if (a->json)
			printed = explain_print_json(&e, stdout);
		else
			printed = 0;
		if (!a->json)
			explain_print_text(&e, color_wanted(stdout), stdout);
	}
	if (printed != 0 || fflush(stdout) != 0)
		status = cmd_system_error("explain");
	else
		status = e.goes_on ? STATUS_GOOD : STATUS_NO;
	explain_clear(&e);
	http_free(http);
	return status;
}

/* What is wrong with an argument: the first finding, since others about the
 * same text only follow from it.  Returns an exit status. */
static int
print_mistake(const struct asking *a)
{
	size_t count;
	const struct diag_item *items = diag_items(a->d, &count);

	if (a->system_error)
		return STATUS_SYSTEM;
	if (count == 0 && diag_errors(a->d) > 0)
		return cmd_system_error("explain");
	if (count > 0)
		(void)wrong(items[0].text, NO_TEXT, items[0].hint);
	return STATUS_USAGE;
}

/* Returns an exit status. */
static int
explain(struct asking *a)
{
	const char *path = a->live ? cmd_policy_path_if_any(a->policy) :
	    cmd_policy_path(a->policy);
	struct policy_set *set = NULL;
	int status;

	a->d = diag_new();
	if (a->d == NULL)
		return cmd_system_error("explain");
	if (collect(a) != 0)
		status = print_mistake(a);
	else if (path == NULL ||
	    (set = cmd_load("explain", path, false, &status)) != NULL)
		status = answer(a, set);
	policy_set_free(set);
	diag_free(a->d);
	return status;
}

/* ---- the command ------------------------------------------------------- */

/* What the options say together.  Returns 0, or -1 with a message. */
static int
check_args(const struct asking *a, int argc, char **argv)
{
	if (argc - optind > 1)
		return wrong("one URL at a time; unexpected",
		    str_of(argv[optind + 1]),
		    "put a URL with '&' or spaces in quotes");
	if (a->curl == NULL && argc == optind)
		return wrong("missing URL", NO_TEXT,
		    "add the one that the page asks for: "
		    "https://api.example.com/items");
	if (a->curl != NULL && optind < argc)
		return wrong("both a URL and --curl", NO_TEXT,
		    "leave one out");
	if (a->preflight_only && !a->live)
		return wrong("--preflight-only is for a "
		    "running server", NO_TEXT, "add --live");
	if (a->upload_listener && a->stream)
		return wrong("--upload-listener and --stream "
		    "exclude each other", NO_TEXT, "XMLHttpRequest has the "
		    "one, fetch() the other");
	return 0;
}

static int
check_browser(const char *command, const char *value, void *ctx)
{
	struct asking *a = ctx;
	int profile = browser_parse(str_of(value));

	if (profile < 0)
		return fail_usage(command, "unknown browser", str_of(value),
		    "write spec, chromium (Chrome, Edge), firefox or webkit "
		    "(Safari)");
	a->query.profile = (enum browser_profile)profile;
	return 0;
}

int
cmd_explain(int argc, char **argv)
{
	struct asking a = {.query.profile = BROWSER_SPEC,
	    .http = HTTP_DEFAULTS};
	const struct cmd_option options[] = {
		POLICY_CMD_OPTION(&a.policy),
		{0, "origin", "ORIGIN", "the page's: https://app.example.com, "
		    "null", .text = &a.origin},
		{'X', "method", "METHOD", "as script writes it (GET)",
		    .text = &a.method},
		{'H', "header", "HEADER", "'NAME: VALUE', set by script; "
		    "repeatable", .list = &a.headers},
		{0, "credentials", NULL, "credentials: 'include', "
		    "withCredentials", .flag = &a.credentials},
		{0, "upload-listener", NULL, "a listener is on xhr.upload",
		    .flag = &a.upload_listener},
		{0, "stream", NULL, "the body is a ReadableStream",
		    .flag = &a.stream},
		{0, "read", "NAME", "a response header that the page reads; "
		    "repeatable", .list = &a.reads},
		{0, "browser", "NAME", "spec, chromium, firefox or webkit "
		    "(spec)", check_browser, &a, .text = NULL},
		{0, "curl", "COMMAND", "the request as the network panel of a "
		    "browser copies it; - reads it from standard input",
		    .text = &a.curl},
		{0, "json", NULL, "print one JSON object", .flag = &a.json},
		{0, "live", NULL, "ask the server of the URL, and tell where "
		    "it differs from the policy, if there is one; with -X PUT "
		    "it gets that PUT, without a body", .flag = &a.live},
		{0, "preflight-only", NULL, "with --live: send the preflight "
		    "alone", .flag = &a.preflight_only},
		HTTP_CMD_OPTIONS(&a.http, &a.resolve),
		{.name = NULL},
	};
	const struct cmd_syntax syntax = {
		"explain",
		"preflightd explain [--live] [options] --origin ORIGIN URL\n"
		"       preflightd explain [--live] [options] --curl COMMAND",
		"Says what a browser does with a request that a page makes, "
		"and what to change in the policy where it is blocked.", NULL,
		"Exit status: 0 the browser goes on, 1 it is blocked, 2 usage "
		"or policy error, 3 a system call failed.", options,
	};
	int status;

	if (cmd_parse(argc, argv, &syntax, &status)) {
		a.url = optind < argc ? argv[optind] : NULL;
		a.http.resolve = a.resolve.items;
		a.http.nresolve = a.resolve.n;
		status = check_args(&a, argc, argv) == 0 ? explain(&a) :
		    STATUS_USAGE;
	}
	arena_clear(&a.arena);
	free(a.headers.items);
	free(a.reads.items);
	free(a.resolve.items);
	return status;
}
