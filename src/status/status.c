/* status.c - gathers the state of the server and makes the response of it; how
 * it looks is for the status_*.c beside it. */
#include "config.h"

#include "status/status.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "log/log.h"

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
		    "as are allowed: the quietest are closed";
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
