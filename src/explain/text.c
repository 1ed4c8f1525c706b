#include "config.h"

#include "explain/explain.h"

#include "base/escape.h"

enum { TEXT_MAX = 2048, WIDTH = 78 };

struct printing {
	const struct explanation *e;
	FILE *to;
	bool colour;
	bool started; /* a section is there already */
};

/* ---- pieces ------------------------------------------------------------ */

static void
title(struct printing *p, const char *text)
{
	fprintf(p->to, "%s%s%s%s\n", p->started ? "\n" : "",
	    p->colour ? "\033[1m" : "", text, p->colour ? "\033[0m" : "");
	p->started = true;
}

/* A text of the user's or of a request, safe for a terminal. */
static void
put(struct printing *p, struct str s)
{
	escape_print(p->to, s);
}

/* Prints text in lines of WIDTH, the first behind `first` and all indented by
 * two. */
static void
wrap(struct printing *p, const char *first, struct str text)
{
	size_t column = 2 + strlen(first), start = column;

	fprintf(p->to, "  %s", first);
	while (text.n > 0) {
		const char *space = memchr(text.p, ' ', text.n);
		size_t n = space != NULL ? (size_t)(space - text.p) : text.n;

		if (column > start && column + 1 + n > WIDTH) {
			fprintf(p->to, "\n%*s", (int)start, "");
			column = start;
		} else if (column > start) {
			putc(' ', p->to);
			column++;
		}
		(void)fwrite(text.p, 1, n, p->to);
		column += n;
		text = str_from(text, n < text.n ? n + 1 : n);
	}
	putc('\n', p->to);
}

static void
put_headers(struct printing *p, const struct headers *h)
{
	for (size_t i = 0; i < h->count; i++) {
		fputs("    ", p->to);
		put(p, h->items[i].name);
		fputs(": ", p->to);
		put(p, h->items[i].value);
		putc('\n', p->to);
	}
}

static void
put_place(struct printing *p, struct place at)
{
	put(p, str_of(policy_set_file_name(p->e->set, at.file)));
	fprintf(p->to, ":%u", at.line);
}

/* ---- request and preflight --------------------------------------------- */

static void
print_request(struct printing *p)
{
	const struct explain_query *q = p->e->query;

	title(p, "REQUEST");
	fputs("  ", p->to);
	put(p, q->request.method);
	putc(' ', p->to);
	put(p, q->url.text);
	fputs("\n  by a page of ", p->to);
	put(p, q->request.origin);
	fprintf(p->to, ", %s credentials\n",
	    q->request.credentials ? "with" : "without");
	put_headers(p, &q->request.headers);
	for (size_t i = 0; i < q->nignored; i++) {
		fputs("  ", p->to);
		put(p, q->ignored[i].name);
		fprintf(p->to, " is ignored: %s\n", q->ignored[i].why);
	}
}

static void
print_triggers(struct printing *p)
{
	const struct browser_plan *plan = &p->e->plan;

	for (size_t i = 0; i < plan->ntriggers; i++) {
		const struct trigger *t = &plan->triggers[i];
		char space[TEXT_MAX], first[TEXT_MAX];
		struct buf text = BUF(space), label = BUF(first);

		buf_add(&label, STR("  "));
		if (t->kind == TRIGGER_VALUE) {
			buf_escaped(&label, t->name, 100);
			buf_add(&label, STR(": "));
		}
		trigger_explain(t, &text);
		wrap(p, buf_cstr(&label), buf_str(&text));
	}
}

static void
print_no_preflight(struct printing *p)
{
	const struct explain_query *q = p->e->query;

	if (!p->e->plan.cors) {
		wrap(p, "", STR("none: the page and the URL have the same "
		    "origin, so CORS does not apply"));
		return;
	}
	if (p->e->failures.count > 0 && p->e->failures.items[0].code ==
	    CODE_METHOD_FORBIDDEN) {
		wrap(p, "", STR("none: the browser refuses the call itself"));
		return;
	}
	fputs("  none: ", p->to);
	put(p, q->request.method);
	fputs(q->request.headers.count > 0 ?
	    " and these headers need no permission\n" :
	    " without special headers needs no permission\n", p->to);
}

static void
print_preflight(struct printing *p)
{
	title(p, "PREFLIGHT");
	if (!p->e->plan.preflight) {
		print_no_preflight(p);
		return;
	}
	fputs("  the browser sends a preflight, because\n", p->to);
	print_triggers(p);
	fputs("  it sends, without credentials\n    OPTIONS ", p->to);
	put(p, p->e->query->url.target);
	fputs(" HTTP/1.1\n", p->to);
	put_headers(p, &p->e->sent);
}

/* ---- policy and answer ------------------------------------------------- */

static void
print_policy(struct printing *p)
{
	const struct explanation *e = p->e;

	title(p, "POLICY");
	if (e->policy != NULL) {
		fprintf(p->to, "  %.*s (", STR_ARG(e->policy->name));
		put_place(p, e->policy->section);
		fputs(")", p->to);
		if (e->host != NULL && e->path != NULL)
			fprintf(p->to, ", for host %.*s and path %.*s",
			    STR_ARG(e->host->text), STR_ARG(e->path->text));
		putc('\n', p->to);
	}
	fprintf(p->to, "  %s: %s", e->policy != NULL ? "it says" : "none",
	    reason_name(e->reason));
	if (e->rule.line > 0) {
		fputs(", at ", p->to);
		put_place(p, e->rule);
	}
	putc('\n', p->to);
	if (e->detail.n > 0)
		wrap(p, "", e->detail);
}

/* Says why there is no answer.  Returns false where there is one. */
static bool
print_no_answer(struct printing *p)
{
	if (p->e->live == NULL || p->e->live->no_answer.n == 0)
		return false;
	fputs("  no answer from the server: ", p->to);
	put(p, p->e->live->no_answer);
	putc('\n', p->to);
	return true;
}

static void
print_answer(struct printing *p)
{
	const struct explanation *e = p->e;

	if (!e->plan.preflight)
		return;
	title(p, e->live == NULL ? "ANSWER TO THE PREFLIGHT" :
	    "ANSWER TO THE PREFLIGHT, BY THE SERVER");
	if (!e->at_response && print_no_answer(p))
		return;
	fprintf(p->to, "    HTTP/1.1 %d\n", p->e->answer.status);
	put_headers(p, &p->e->answer.headers);
}

/* ---- the browser ------------------------------------------------------- */

/* The steps that a preflight's answer goes through, by their last codes. */
static const struct {
	enum browser_code first, last;
	const char *step, *text;
} steps[] = {
	{CODE_ACAO_MISSING, CODE_ACAC_INVALID, "9",
	    "the answer allows the page's origin"},
	{CODE_STATUS, CODE_REDIRECT, "10.2", "its status is 200 to 299"},
	{CODE_ACAM_SYNTAX, CODE_ACAH_SYNTAX, "10.3",
	    "its lists can be read"},
	{CODE_METHOD, CODE_METHOD, "10.5", "it allows the method"},
	{CODE_AUTHORIZATION, CODE_AUTHORIZATION, "10.6",
	    "Authorization is listed, or not sent"},
	{CODE_HEADER, CODE_HEADER, "10.7", "it allows the headers"},
};

/* Prints the failures from first to last.  Returns whether there are any. */
static bool
print_failures(struct printing *p, enum browser_code first,
    enum browser_code last)
{
	const struct browser_failures *all = &p->e->failures;
	bool found = false;

	for (size_t i = 0; i < all->count; i++) {
		const struct browser_failure *f = &all->items[i];
		char space[TEXT_MAX], label[32];
		struct buf text = BUF(space);

		if (f->code < first || f->code > last)
			continue;
		found = true;
		browser_failure_explain(f, &p->e->query->request, &text);
		(void)snprintf(label, sizeof(label), "FAIL  %-5s ",
		    browser_code_step(f->code));
		wrap(p, label, buf_str(&text));
	}
	return found;
}

static void
print_steps(struct printing *p)
{
	const struct explanation *e = p->e;
	size_t count = e->plan.preflight ? sizeof(steps) / sizeof(steps[0]) : 1;
	/* Those of the response come behind the steps of the preflight. */
	bool apart = e->plan.preflight && e->at_response;

	if (!e->plan.cors || (e->failures.count == 0 && !e->goes_on && !apart))
		return;
	if (print_failures(p, CODE_METHOD_FORBIDDEN, CODE_METHOD_FORBIDDEN))
		return;
	for (size_t i = 0; i < count; i++)
		if (apart ||
		    !print_failures(p, steps[i].first, steps[i].last))
			fprintf(p->to, "  ok    %-5s %s\n", steps[i].step,
			    steps[i].text);
	if (apart && e->failures.count > 0) {
		fputs("  and of the response to the request itself\n", p->to);
		(void)print_failures(p, CODE_ACAO_MISSING, CODE_COUNT);
	}
}

static const char *
verdict(const struct explanation *e)
{
	if (e->goes_on)
		return e->plan.preflight ?
		    "goes on: the request is sent and the page gets its "
		    "response" : "goes on: the page gets the response";
	if (e->failures.count == 0)
		return "blocked: there is no answer";
	if (e->failures.items[0].code == CODE_METHOD_FORBIDDEN)
		return "blocked: nothing is sent";
	return !e->at_response ?
	    "blocked: the request is not sent" :
	    "blocked: the request is sent, but the page does not get the "
	    "response";
}

static void
print_console(struct printing *p)
{
	const struct explanation *e = p->e;
	bool any = false;

	if (e->failures.count == 0)
		return;
	for (int i = 0; i < BROWSER_COUNT; i++)
		any |= browser_engines[i].blocked != NULL &&
		    console_failure(e, (enum browser_profile)i) != NULL;
	if (!any)
		wrap(p, "", STR("today's browsers do not enforce this rule, "
		    "and show nothing"));
	for (int i = 0; any && i < BROWSER_COUNT; i++) {
		const struct browser_engine *engine = &browser_engines[i];
		const struct browser_failure *f = console_failure(e,
		    (enum browser_profile)i);
		char space[4 * TEXT_MAX];
		struct buf text = BUF(space);

		if (engine->blocked == NULL)
			continue;
		if (f == NULL) {
			fprintf(p->to, "  %s does not block it\n",
			    engine->product);
			continue;
		}
		console_words(e, (enum browser_profile)i, f, &text);
		fprintf(p->to, "  %s's console:\n    ", engine->product);
		(void)fwrite(text.p, 1, text.n, p->to);
		putc('\n', p->to);
	}
}

static void
print_browser(struct printing *p)
{
	const struct explanation *e = p->e;
	const char *colour = e->goes_on ? "\033[32m" : "\033[31m";

	title(p, e->plan.preflight ? "BROWSER" : "BROWSER, AT THE RESPONSE");
	print_steps(p);
	fprintf(p->to, "  %s%s%s\n", p->colour ? colour : "", verdict(e),
	    p->colour ? "\033[0m" : "");
	if (!e->goes_on)
		print_console(p);
}

/* What the server answers to the request itself. */
static void
print_response(struct printing *p)
{
	const struct explanation *e = p->e;

	if (e->live == NULL || !e->live->sent)
		return;
	title(p, "RESPONSE, BY THE SERVER");
	if (print_no_answer(p))
		return;
	fprintf(p->to, "    HTTP/1.1 %d\n", e->actual.status);
	put_headers(p, &e->actual.headers);
}

static void
print_actual(struct printing *p)
{
	const struct explanation *e = p->e;

	if (!e->goes_on || !e->plan.cors || e->readable.count == 0)
		return;
	title(p, "RESPONSE");
	if (e->live == NULL) {
		fputs("  it must carry\n", p->to);
		put_headers(p, &e->actual.headers);
	}
	fputs("  the page may read\n    ", p->to);
	for (size_t i = 0; i < e->readable.count; i++) {
		fputs(i > 0 ? ", " : "", p->to);
		put(p, e->readable.names[i]);
	}
	fputs(e->readable.all ? " and all others but set-cookie\n" : "\n",
	    p->to);
	for (size_t i = 0; i < e->query->nreads; i++)
		if (explain_is_unreadable(e, e->query->reads[i])) {
			fputs("  but not ", p->to);
			put(p, e->query->reads[i]);
			fputs(", which reads as null\n", p->to);
		}
}

/* ---- what to do -------------------------------------------------------- */

/* A change of several lines is shown as they are written. */
static void
print_fix(struct printing *p, const struct fix *f)
{
	struct str rest = f->write;

	fputs("  ", p->to);
	put(p, str_of(f->file));
	fprintf(p->to, ":%u: write%s%s ", f->line,
	    f->insert ? " after this line" : "",
	    f->in_defaults ? " in [defaults], for all that inherit it" : "");
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;

		if (rest.p > f->write.p || end != NULL)
			fputs("\n    ", p->to);
		put(p, (struct str){rest.p, n});
		rest = str_from(rest, end != NULL ? n + 1 : n);
	}
	putc('\n', p->to);
}

static void
print_fixes(struct printing *p)
{
	const struct fixes *f = &p->e->fixes;

	if (f->count == 0 && f->nremarks == 0)
		return;
	title(p, "FIX");
	for (size_t i = 0; i < f->count; i++)
		print_fix(p, &f->items[i]);
	for (size_t i = 0; i < f->nremarks; i++)
		wrap(p, "", str_of(f->remarks[i]));
}

static void
print_differences(struct printing *p)
{
	const struct verify_findings *f;

	if (p->e->live == NULL || p->e->live->differences.count == 0)
		return;
	f = &p->e->live->differences;
	title(p, "DIFFERENCES FROM THE POLICY FILE");
	for (size_t i = 0; i < f->count; i++) {
		wrap(p, "", f->items[i].text);
		wrap(p, "  ", str_of(verify_id_hint(f->items[i].id,
		    f->items[i].of->kind)));
	}
}

static void
print_notes(struct printing *p)
{
	if (p->e->nnotes == 0)
		return;
	title(p, "NOTES");
	for (size_t i = 0; i < p->e->nnotes; i++)
		wrap(p, "- ", p->e->notes[i]);
}

void
explain_print_text(const struct explanation *e, bool colour, FILE *to)
{
	struct printing p = {.e = e, .to = to, .colour = colour};

	print_request(&p);
	print_preflight(&p);
	if (e->plan.cors && e->set != NULL)
		print_policy(&p);
	print_answer(&p);
	print_response(&p);
	print_browser(&p);
	print_actual(&p);
	print_differences(&p);
	print_fixes(&p);
	print_notes(&p);
}
