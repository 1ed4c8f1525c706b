/* notes.c - what is good to know beside the verdict: preflights that
 * could be saved, how long each browser keeps the answer, what CORS does not
 * decide. */
#include "config.h"

#include "explain/explain.h"

#include "base/buf.h"
#include "core/origin.h"

enum { NOTE_MAX = 1024, SHOWN = 160 };

/* ---- notes ------------------------------------------------------------- */

void
explain_note(struct explanation *e, struct str text)
{
	if (e->nnotes == EXPLAIN_NOTES_MAX)
		return;
	e->notes[e->nnotes] = arena_str(&e->arena, text);
	if (e->notes[e->nnotes].p == NULL)
		e->failed = true;
	else
		e->nnotes++;
}

static bool
has_name(const struct explanation *e, struct str name)
{
	for (size_t i = 0; i < e->plan.nnames; i++)
		if (str_eq(e->plan.names[i], name))
			return true;
	return false;
}

/* ---- beside CORS ------------------------------------------------------- */

static void
note_beside(struct explanation *e)
{
	const struct explain_query *q = e->query;
	struct str method = q->request.method;
	bool http = str_eq(q->url.scheme, STR("http"));
	struct origin o;

	if (http && str_starts(q->request.origin, STR("https://")) &&
	    !(origin_parse(q->url.origin, &o, NULL,
	          (struct place){0, 0, 0}) == 0 && origin_is_loopback(&o)))
		explain_note(e, STR("an https page may not call an http URL: "
		    "browsers block it as mixed content, whatever CORS says"));
	if (q->private_network)
		explain_note(e, STR("Access-Control-Request-Private-Network "
		    "belongs to Private Network Access, which browsers gave "
		    "up: Local Network Access asks the user instead, without "
		    "a preflight and without headers, so that there is "
		    "nothing to answer"));
	if (!e->plan.cors)
		explain_note(e, STR("browsers send Origin with methods other "
		    "than GET and HEAD even to the page's own origin: it is "
		    "no sign of CORS"));
	if (q->request.flag == FLAG_STREAM && (str_eq(method, STR("GET")) ||
	    str_eq(method, STR("HEAD"))))
		explain_note(e, STR("fetch() refuses a body with GET and "
		    "HEAD: give the method with -X"));
	else if (q->request.flag == FLAG_STREAM && http)
		explain_note(e, STR("Chromium sends a stream over HTTP/2 or "
		    "HTTP/3 only, so not to an http URL: after the preflight "
		    "it fails with ERR_ALPN_NEGOTIATION_FAILED, whatever CORS "
		    "says"));
}

/* ---- the preflight ----------------------------------------------------- */

/* Whether a trigger is one that pages often set without need. */
static const char *
needless(const struct trigger *t)
{
	if (str_eq(t->name, STR("x-requested-with")))
		return "few servers look at x-requested-with";
	if (t->why == WHY_ESSENCE &&
	    str_eq_fold(t->value, STR("application/json")))
		return "JSON can be sent as text/plain where the server "
		    "takes it";
	if (str_eq(t->name, STR("cache-control")) ||
	    str_eq(t->name, STR("pragma")))
		return "fetch() has the option cache: 'no-store' for it";
	if (t->why == WHY_LONG || t->why == WHY_SUM)
		return "a shorter value needs no permission";
	if (t->why == WHY_UPLOAD_LISTENER)
		return "without the listener on xhr.upload there is none";
	return NULL;
}

static void
note_needless(struct explanation *e)
{
	char space[NOTE_MAX];
	struct buf b = BUF(space);

	for (size_t i = 0; i < e->plan.ntriggers; i++)
		if (needless(&e->plan.triggers[i]) == NULL)
			return;
	if (!e->plan.preflight)
		return;
	buf_add(&b, STR("the preflight could be saved: "));
	for (size_t i = 0; i < e->plan.ntriggers; i++) {
		if (i > 0)
			buf_add(&b, STR("; "));
		buf_add(&b, str_of(needless(&e->plan.triggers[i])));
	}
	explain_note(e, buf_str(&b));
}

static void
note_sum(struct explanation *e)
{
	for (size_t i = 0; i < e->plan.ntriggers; i++)
		if (e->plan.triggers[i].why == WHY_SUM) {
			explain_note(e, STR("WebKit does not add the values "
			    "up: there the sum of 1024 bytes is ignored"));
			return;
		}
}

/* How long each browser keeps the answer. */
static void
note_cache(struct explanation *e)
{
	char space[NOTE_MAX];
	struct buf b = BUF(space);
	int found = 0;

	if (!e->plan.preflight || !e->goes_on)
		return;
	buf_add(&b, STR("seconds that browsers keep this answer, for this URL "
	    "with its query"));
	for (int i = 0; i < BROWSER_COUNT; i++) {
		if (browser_engines[i].title == NULL)
			continue;
		buf_add(&b, found++ > 0 ? STR(", ") : STR(": "));
		buf_add(&b, str_of(browser_engines[i].title));
		buf_char(&b, ' ');
		buf_uint(&b, browser_max_age((enum browser_profile)i,
		    &e->answer));
	}
	if (e->policy != NULL && e->policy->max_age == MAX_AGE_UNSET)
		buf_add(&b, STR("; max-age = 7200 would save most "
		    "preflights"));
	explain_note(e, buf_str(&b));
}

static void
note_firefox(struct explanation *e)
{
	const struct browser_request *r = &e->query->request;

	if (!e->plan.preflight || !e->goes_on ||
	    browser_max_age(BROWSER_FIREFOX, &e->answer) == 0 ||
	    browser_cache_covers(BROWSER_FIREFOX, r, &e->answer, r, &e->plan))
		return;
	explain_note(e,
	    STR("Firefox sends a preflight before every such "
	    "request: it finds no '*' in its cache; list the names instead"));
}

static void
note_authorization(struct explanation *e)
{
	if (!has_name(e, STR("authorization")) || e->policy == NULL ||
	    !e->policy->headers.any || e->policy->credentials ||
	    e->query->request.credentials ||
	    field_set_find(&e->policy->headers, STR("authorization")) != NULL)
		return;
	explain_note(e,
	    STR("by the Fetch standard '*' in allow-headers does "
	    "not cover Authorization; Chrome, Firefox and Safari let it "
	    "through as yet, so list it beside the '*'"));
}

/* What Chromium treats otherwise than the standard and other browsers. */
static void
note_chromium(struct explanation *e)
{
	char space[NOTE_MAX];
	struct buf b = BUF(space);
	const struct headers *h = &e->query->request.headers;

	for (size_t i = 0; e->plan.cors && i < h->count; i++) {
		if (browser_header_why(BROWSER_SPEC, &h->items[i]) ==
		    WHY_SAFE || browser_header_why(BROWSER_CHROMIUM,
		        &h->items[i]) != WHY_SAFE)
			continue;
		buf_add(&b, b.n > 0 ? STR(", ") : STR(""));
		buf_escaped(&b, h->items[i].name, SHOWN);
	}
	if (b.n == 0)
		return;
	buf_add(&b, STR(": Chromium needs no permission for it; by the Fetch "
	    "standard, and in other browsers, it needs one"));
	explain_note(e, buf_str(&b));
}

static void
note_user_agent(struct explanation *e)
{
	if (e->query->profile == BROWSER_CHROMIUM ||
	    !has_name(e, STR("user-agent")))
		return;
	explain_note(e,
	    STR("Chromium drops a User-Agent that script sets, and "
	    "so needs no permission for it"));
}

/* ---- the response ------------------------------------------------------ */

static void
note_side_effects(struct explanation *e)
{
	if (e->failures.count == 0 || !e->at_response || !e->plan.cors ||
	    e->failures.items[0].code == CODE_METHOD_FORBIDDEN)
		return;
	explain_note(e, e->plan.preflight ?
	    STR("the preflight has passed, so the request is carried out; "
	        "only its response is kept from the page") :
	    STR("without a preflight the request is sent and carried out; "
	        "only its response is kept from the page"));
}

static void
note_expose(struct explanation *e)
{
	if (!e->plan.cors || e->readable.count == 0 || e->readable.all ||
	    e->query->nreads > 0)
		return;
	explain_note(e,
	    STR("the page can read no response headers but those "
	    "above: others, such as Content-Disposition or X-Total-Count, "
	    "must be listed in expose-headers (--read NAME asks for one)"));
}

int
explain_add_notes(struct explanation *e)
{
	note_beside(e);
	note_needless(e);
	note_sum(e);
	note_cache(e);
	note_firefox(e);
	note_authorization(e);
	note_chromium(e);
	note_user_agent(e);
	note_side_effects(e);
	note_expose(e);
	return e->failed ? -1 : 0;
}
