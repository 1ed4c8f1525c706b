/* status.c - which requests are for the status page, the state of the server as
 * it is now, and the response; how it looks is for the files beside it. */
#include "config.h"

#include "status/status.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "core/target.h"
#include "log/log.h"

/* ---- which requests are for the status page ---------------------------- */

/* Bytes that every web server reads as they are. */
static bool
is_literal(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];
		if (c <= 0x20 || c >= 0x7f || strchr("%?#;*\"'!\\", c) != NULL)
			return false;
	}
	return true;
}

bool
status_path_valid(struct str path)
{
	char space[STATUS_PATH_MAX];
	struct str plain;

	return path.n > 1 && path.n <= STATUS_PATH_MAX &&
	    path.p[path.n - 1] != '/' && is_literal(path) &&
	    path_plain(path, space, sizeof space, &plain) &&
	    str_eq(plain, path);
}

/* A path that ends in '/' or in a dot segment is another, and an encoded slash
 * is none: web servers hold so too. */
static bool
is_at(struct str raw, struct str path)
{
	char space[4096];
	struct str plain;

	return !path_escapes_slash(raw) &&
	    path_plain(raw, space, sizeof space, &plain) &&
	    str_eq(plain, path);
}

/* Without REQUEST_URI there are only the two parts that CGI has, decoded. */
static bool
is_joined(const struct request *r, struct str path)
{
	return r->script_name.n + r->path_info.n == path.n &&
	    str_starts(path, r->script_name) && str_ends(path, r->path_info);
}

static bool
form_parse(struct str word, enum status_form *out)
{
	static const struct {
		struct str word;
		enum status_form form;
	} forms[] = {
		{{"text", 4}, STATUS_TEXT},
		{{"json", 4}, STATUS_JSON},
		{{"openmetrics", 11}, STATUS_METRICS},
		{{"html", 4}, STATUS_HTML},
	};

	/* Prometheus can only write ?openmetrics= */
	if (word.n > 0 && word.p[word.n - 1] == '=')
		word.n--;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (str_eq(word, forms[i].word)) {
			*out = forms[i].form;
			return true;
		}
	return false;
}

/* The first word of the query that names a form; text without one. */
static enum status_form
form_asked(struct str uri)
{
	enum status_form form = STATUS_TEXT;
	size_t at = str_find_any(uri, "?");
	struct str rest, word;

	if (at == uri.n)
		return form;
	rest = str_from(uri, at + 1);
	for (;;) {
		word = (struct str){rest.p, str_find_any(rest, "&")};
		if (form_parse(word, &form) || word.n == rest.n)
			return form;
		rest = str_from(rest, word.n + 1);
	}
}

bool
status_asked(struct str path, const struct request *r, struct status_ask *out)
{
	struct target t;

	if (path.n == 0 || r->uri_differs)
		return false;
	target_split(r->uri, &t);
	if (r->uri.n > 0 ? !is_at(t.path, path) : !is_joined(r, path))
		return false;
	out->form = form_asked(r->uri);
	out->head = str_eq(r->method, STR("HEAD"));
	out->refused = !out->head && !str_eq(r->method, STR("GET"));
	return true;
}

/* ---- refusals ---------------------------------------------------------- */

static const enum malformed malformed_kinds[REFUSED_KINDS] = {
	[REFUSED_ORIGINS] = MALFORMED_ORIGIN,
	[REFUSED_METHODS] = MALFORMED_METHOD,
	[REFUSED_HEADERS] = MALFORMED_HEADER,
};

/* Says why, in the words of the log, and where to change it: by the policies
 * that answer now, since those are what can be changed. */
static void
refusal_explain(const struct policy_set *policies, enum refused_kind kind,
    struct status_refused *x)
{
	struct str text = topk_text(&x->entry);
	struct decision d = {.reason = x->entry.reason, .offending = text};
	struct buf why = BUF(x->why);
	struct request r;
	struct place at = {0, 0, 0};

	if (x->entry.npolicy > 0) {
		d.policy = policy_set_named(policies, topk_policy(&x->entry));
		if (d.policy == NULL) {
			buf_add(&why, STR("its policy is not in use any more"));
			(void)buf_cstr(&why);
			return;
		}
		at = preflight_place(&d);
	}
	if (d.reason == REASON_MALFORMED) {
		d.malformed = malformed_kinds[kind];
	} else if (d.policy != NULL) {
		x->file = policy_set_file_name(policies, at.file);
		x->line = at.line;
	}
	x->allowed_now = d.policy != NULL && x->entry.length == text.n &&
	    preflight_allows(d.policy, d.reason, text);
	request_init(&r);
	r.origin = text;
	if (x->entry.length == text.n && !x->allowed_now)
		preflight_explain(&r, &d, &why);
	(void)buf_cstr(&why);
}

static void
refusals_gather(struct status *st, struct metrics *metrics)
{
	struct topk_entry best[STATUS_LISTED];
	struct status_refusals *to;

	for (size_t k = 0; k < REFUSED_KINDS; k++) {
		to = &st->refused[k];
		to->n = metrics_refused(metrics, (enum refused_kind)k, best,
		    STATUS_LISTED);
		for (size_t i = 0; i < to->n; i++) {
			to->at[i].entry = best[i];
			to->at[i].file = "";
			refusal_explain(st->policies, (enum refused_kind)k,
			    &to->at[i]);
		}
	}
}

/* ---- the rest ---------------------------------------------------------- */

static void
problems_find(struct status *st)
{
	const struct policy_load *p = st->load.policy;

	if (p[LOAD_LIVE].error[0] != '\0')
		st->problems[st->nproblems++] = "the last reload was refused: "
		    "the policy from before it answers";
	if (p[LOAD_SHADOW].error[0] != '\0')
		st->problems[st->nproblems++] =
		    "the shadow policy could not be loaded";
	if (st->server.open >= st->server.max_connections)
		st->problems[st->nproblems++] = "as many connections are open "
		    "as are allowed: the least recently active are closed";
}

/* What the candidate decides differently.  Returns 0, or -1 without memory. */
static int
differences_gather(struct status *st, const struct shadow *shadow)
{
	struct shadow_row row;
	size_t at = 0, n = 0;

	if (shadow == NULL)
		return 0;
	while (shadow_next(shadow, &at, &row))
		n++;
	st->differences = calloc(n + 1, sizeof *st->differences);
	if (st->differences == NULL)
		return -1;
	/* Others may come up between the two rounds. */
	for (at = 0; st->ndifferences < n && shadow_next(shadow, &at, &row);) {
		if (row.policy.n == 0)
			row.policy = STR("(none)");
		st->differences[st->ndifferences++] = row;
	}
	return 0;
}

static void
figures_gather(struct status *st, const struct status_input *in)
{
	for (size_t i = 0; i < COUNTERS; i++)
		st->server.counters[i] = metrics_total(in->metrics, i);
	st->server.open = in->open;
	st->server.max_connections = in->max_connections;
	st->server.threads = in->threads;
	st->server.uptime = clock_us() - st->load.started_us;
}

/* Returns 0, or -1 without memory. */
static int
gather(struct status *st, const struct status_input *in)
{
	struct origin_usage *usage = in->usage;
	ptrdiff_t n;

	st->now = (int64_t)time(NULL);
	st->policies = in->policies;
	load_state_get(&st->load);
	figures_gather(st, in);
	if ((n = metrics_rows(in->metrics, st->policies, &st->rows)) == -1)
		return -1;
	st->nrows = (size_t)n;
	refusals_gather(st, in->metrics);
	st->origins = usage->total;
	st->unseen = usage->total - atomic_load(&usage->count);
	st->nmissing = origin_usage_unused(usage, st->missing, STATUS_LISTED);
	metrics_last_hour(in->metrics, clock_us(), st->last_hour);
	st->log_lost = log_lost();
	problems_find(st);
	return differences_gather(st, in->shadow);
}

const char *
status_reload(const struct policy_load *p, int64_t *when)
{
	*when = 0;
	if (p->error[0] != '\0') {
		*when = p->refused_at;
		return "refused";
	}
	if (p->loads < 2)
		return "none";
	*when = p->loaded_at;
	return "good";
}

const char *
status_kind_name(enum refused_kind kind)
{
	static const char *const names[REFUSED_KINDS] = {
		[REFUSED_ORIGINS] = "origins",
		[REFUSED_METHODS] = "methods",
		[REFUSED_HEADERS] = "headers",
	};

	return names[kind];
}

void
status_key(struct buf *b, const char *name)
{
	for (; *name != '\0'; name++)
		buf_char(b, *name == '-' ? '_' : *name);
}

/* ---- the response ------------------------------------------------------ */

#define FIELDS                                                                 \
	"Cache-Control: no-store\r\n"                                          \
	"X-Content-Type-Options: nosniff\r\n"                                  \
	"Referrer-Policy: no-referrer\r\n"

static const struct {
	const char *type, *fields;
	void (*write)(const struct status *st, FILE *f);
} forms[] = {
	[STATUS_TEXT] = {"text/plain; charset=utf-8", "", status_write_text},
	[STATUS_JSON] = {"application/json", "", status_write_json},
	[STATUS_METRICS] = {
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
		"", status_write_metrics},
	[STATUS_HTML] = {"text/html; charset=utf-8",
		"Content-Security-Policy: default-src 'none'; "
		"style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
		"form-action 'none'; frame-ancestors 'none'\r\n",
		status_write_html},
};

/* Writes the body to memory.  Returns 0, or -1 without memory. */
static int
body_make(const struct status *st, enum status_form form,
    struct status_response *body)
{
	char *p = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&p, &n);
	bool failed;

	if (f == NULL)
		return -1;
	forms[form].write(st, f);
	failed = ferror(f) != 0;
	/* None of them is ever empty. */
	if (fclose(f) != 0 || failed || n == 0) {
		free(p);
		return -1;
	}
	*body = (struct status_response){p, n};
	return 0;
}

/* Puts the head before the body, which is left out for HEAD. */
static int
response_make(const struct status_ask *ask, struct status_response body,
    struct status_response *out)
{
	char *p = NULL;
	int n;

	n = asprintf(&p, "Status: 200 OK\r\nContent-Type: %s\r\n" FIELDS "%s"
	    "Content-Length: %zu\r\n\r\n%.*s", forms[ask->form].type,
	    forms[ask->form].fields, body.n, ask->head ? 0 : (int)body.n,
	    body.p);
	if (n == -1)
		return -1;
	*out = (struct status_response){p, (size_t)n};
	return 0;
}

static int
refuse(struct status_response *out)
{
	static const char text[] =
	    "The status page is for GET and HEAD.\n";
	char *p = NULL;
	int n;

	n = asprintf(&p, "Status: 405 Method Not Allowed\r\n"
	    "Allow: GET, HEAD, OPTIONS\r\nContent-Type: text/plain\r\n" FIELDS
	    "Content-Length: %zu\r\n\r\n%s", sizeof text - 1, text);
	if (n == -1)
		return -1;
	*out = (struct status_response){p, (size_t)n};
	return 0;
}

int
status_respond(const struct status_input *in, const struct status_ask *ask,
    struct status_response *out)
{
	struct status *st;
	struct status_response body = {NULL, 0};
	int ret = -1;

	if (ask->refused)
		return refuse(out);
	st = calloc(1, sizeof *st);
	if (st != NULL && gather(st, in) == 0 &&
	    body_make(st, ask->form, &body) == 0)
		ret = response_make(ask, body, out);
	free(body.p);
	if (st != NULL) {
		free(st->differences);
		free(st->rows);
	}
	free(st);
	return ret;
}
