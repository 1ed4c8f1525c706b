#include "config.h"

#include "cmd/explain_args.h"

#include <stdio.h>

#include "base/error.h"
#include "core/origin.h"
#include "explain/shell_words.h"

/* ---- messages ---------------------------------------------------------- */

static int
wrong(const char *what, struct str text, const char *hint)
{
	return fail_usage("explain", what, text, hint);
}

static int
no_memory(struct explain_asking *a)
{
	perror("preflightd explain");
	a->system_error = true;
	return -1;
}

/* The place of an argument in messages. */
static struct place
argument(struct explain_asking *a, const char *name)
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
		return wrong("there is no ':' in header",
		    text, "write -H 'Name: value'");
	out->name = str_trim((struct str){text.p, (size_t)(colon - text.p)});
	out->value = str_trim(str_from(text, (size_t)(colon - text.p) + 1));
	return 0;
}

/* What script cannot even hand over. */
static int
check_header(const struct header *h)
{
	if (!token_valid(h->name))
		return wrong("no header has the name",
		    h->name, "a name has letters, digits and !#$%&'*+-.^_`|~");
	for (size_t i = 0; i < h->value.n; i++)
		if (h->value.p[i] == '\r' || h->value.p[i] == '\n' ||
		    h->value.p[i] == '\0')
			return wrong("a line end is in "
			    "the value of header", h->name,
			    "write it in one line");
	return 0;
}

/* Why a header counts for nothing, or NULL. */
static const char *
why_ignored(enum browser_profile profile, const struct header *h, bool copied)
{
	if (copied && curl_header_is_browsers(h))
		return "the browser adds it by itself";
	if (str_eq_fold(h->name, str_of(private_network)))
		return "the browser sets it, not script";
	if (browser_header_dropped(BROWSER_SPEC, h))
		return "browsers let no script set it";
	if (browser_header_dropped(profile, h))
		return "this browser lets no script set it";
	return NULL;
}

/* Sorts the headers into those that count and the others. */
static int
take_headers(struct explain_asking *a, const struct headers *all, size_t copied)
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
	    browser_headers_join(&q->request.headers, &a->arena,
	        &q->request.headers) != 0)
		return no_memory(a);
	q->given = (struct headers){given, ngiven};
	q->ignored = ignored;
	return 0;
}

/* Those of the curl command, then those of the options. */
static int
collect_headers(struct explain_asking *a)
{
	size_t copied = a->curl.headers.count, n = copied;
	struct header *all = arena_array(&a->arena,
	    copied + a->args->nheaders + 1, sizeof(*all));

	if (all == NULL)
		return no_memory(a);
	if (copied > 0)
		memcpy(all, a->curl.headers.items, copied * sizeof(*all));
	for (size_t i = 0; i < a->args->nheaders; i++)
		if (parse_header(str_of(a->args->headers[i]), &all[n++]) != 0)
			return -1;
	return take_headers(a, &(struct headers){all, n}, copied);
}

static int
collect_reads(struct explain_asking *a)
{
	struct str *reads = arena_array(&a->arena, a->args->nreads + 1,
	    sizeof(*reads));

	if (reads == NULL)
		return no_memory(a);
	for (size_t i = 0; i < a->args->nreads; i++) {
		reads[i] = str_of(a->args->reads[i]);
		if (!token_valid(reads[i]))
			return wrong("no header has the "
			    "name", reads[i], "write --read X-Total-Count");
	}
	a->query.reads = reads;
	a->query.nreads = a->args->nreads;
	return 0;
}

/* ---- the curl command -------------------------------------------------- */

/* Standard input as a whole.  Returns 0, or -1 with a message. */
static int
read_input(struct explain_asking *a, struct str *out)
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
collect_curl(struct explain_asking *a)
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
parse_origin(struct explain_asking *a, struct str text, const char *name)
{
	struct origin o;

	if (origin_parse(text, &o, a->d, argument(a, name)) != 0)
		return -1;
	if (o.kind != ORIGIN_EXACT && o.kind != ORIGIN_NULL)
		return wrong("a page has no such origin:",
		    text,
		    "write that of one page, as in https://app.example.com");
	a->query.request.origin = text;
	return 0;
}

/* That of the option, else of the copied Origin, else of the Referer. */
static int
collect_origin(struct explain_asking *a)
{
	struct str copied = curl_command_header(&a->curl, STR("origin"));
	struct str referer = curl_command_header(&a->curl, STR("referer"));
	struct url page;

	if (a->args->origin != NULL)
		return parse_origin(a, str_of(a->args->origin), "--origin");
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
collect_url(struct explain_asking *a)
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
collect_method(struct explain_asking *a)
{
	struct str method = a->args->method != NULL ?
	    str_of(a->args->method) : a->curl.method;

	if (!token_valid(method))
		return wrong("there is no method", method,
		    "write -X PUT");
	a->query.request.method = method_normalize(method);
	return 0;
}

int
explain_collect(struct explain_asking *a)
{
	const struct explain_args *args = a->args;
	struct explain_query *q = &a->query;

	a->curl = (struct curl_command){.url = STR(""),
	    .method = STR("GET")};
	q->profile = args->profile;
	q->request.flag = args->stream ? FLAG_STREAM :
	    args->upload_listener ? FLAG_UPLOAD_LISTENER : FLAG_NONE;
	if (collect_curl(a) != 0 || collect_url(a) != 0 ||
	    collect_origin(a) != 0 || collect_method(a) != 0 ||
	    collect_headers(a) != 0 || collect_reads(a) != 0)
		return -1;
	q->request.credentials = args->credentials || a->curl.cookies;
	return 0;
}
