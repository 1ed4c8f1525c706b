/* console.c - what the consoles of browsers say, so that who has the line finds
 * the rule.  The words themselves are in browser/engines.c. */
#include "config.h"

#include "explain/explain.h"

enum { SHOWN = 400 };

/* Whether an engine lets pass what the query's profile has blocked, by the
 * Authorization rule or for a header that it drops or safelists.  By its own
 * rules it has been judged already. */
static bool
passes(const struct explanation *e, enum browser_profile engine,
    const struct browser_failure *f)
{
	const struct browser_request *r = &e->query->request;

	if (f->code == CODE_AUTHORIZATION)
		return !browser_engines[engine].authorization_rule &&
		    !r->credentials && headers_list_has(&e->answer.headers,
		        STR("access-control-allow-headers"), STR("*"),
		        LIST_EXACT);
	if (f->code != CODE_HEADER || e->query->profile == engine)
		return false;
	for (size_t i = 0; i < r->headers.count; i++) {
		const struct header *h = &r->headers.items[i];

		if (str_eq_fold(h->name, f->subject))
			return browser_header_dropped(engine, h) ||
			    (browser_header_why(BROWSER_SPEC, h) == WHY_NAME &&
			    browser_header_why(engine, h) == WHY_SAFE);
	}
	return false;
}

const struct browser_failure *
console_failure(const struct explanation *e, enum browser_profile engine)
{
	for (size_t i = 0; i < e->failures.count; i++)
		if (!passes(e, engine, &e->failures.items[i]))
			return &e->failures.items[i];
	return NULL;
}

/* Adds a text of browser/engines.c, with what its marks stand for. */
static void
fill(const struct explanation *e, enum browser_profile engine,
    const struct browser_failure *f, const char *text, struct buf *out)
{
	for (const char *mark; (mark = strchr(text, '%')) != NULL;
	    text = mark + 2) {
		buf_add(out, (struct str){text, (size_t)(mark - text)});
		switch (mark[1]) {
		case 's':
			buf_escaped(out, f->subject, SHOWN);
			break;
		case 'u':
			buf_escaped(out, e->query->url.text, SHOWN);
			break;
		case 'o':
			buf_escaped(out, e->query->request.origin, SHOWN);
			break;
		case 'k':
			buf_add(out, e->query->request.flag ==
			    FLAG_UPLOAD_LISTENER ? STR("XMLHttpRequest") :
			    STR("fetch"));
			break;
		case 'r':
			fill(e, engine, f,
			    browser_engines[engine].reasons[f->code], out);
			break;
		case 'p': /* what the access check found in a preflight */
			if (!e->at_response && f->code <= CODE_REDIRECT)
				buf_add(out, STR("Response to preflight "
				    "request doesn't pass access control "
				    "check: "));
			break;
		case 'c':
			if (!e->plan.preflight || (f->code != CODE_STATUS &&
			    f->code != CODE_ACAO_MISSING))
				break;
			buf_add(out, STR(" Status code: "));
			buf_uint(out, (unsigned long)f->status);
			buf_char(out, '.');
			break;
		}
	}
	buf_add(out, str_of(text));
}

void
console_words(const struct explanation *e, enum browser_profile engine,
    const struct browser_failure *f, struct buf *out)
{
	const struct browser_engine *words = &browser_engines[engine];

	fill(e, engine, f, f->code != CODE_METHOD_FORBIDDEN ? words->blocked :
	    e->query->request.flag == FLAG_UPLOAD_LISTENER ?
	    words->refused_xhr : words->refused, out);
}
