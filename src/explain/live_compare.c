/* live_compare.c - a running server's answers in place of the policy's, and
 * where the two differ. */
#include "config.h"

#include "explain/explain.h"

#include "base/buf.h"
#include "browser/browser_impl.h"

enum { NOTE_MAX = 1024, SHOWN = 160 };

/* ---- differences ------------------------------------------------------- */

/* What of the request the comparison looks at. */
static struct verify_case
make_case(const struct explanation *e, enum verify_kind kind)
{
	const struct explain_query *q = e->query;
	bool preflight = kind == VERIFY_PREFLIGHT;

	return (struct verify_case){
	    .name = preflight ? "preflight" : "actual", .kind = kind,
	    .url = &q->url, .origin = q->request.origin,
	    .method = q->request.method,
	    .names = preflight ? e->plan.names : NULL,
	    .nnames = preflight ? e->plan.nnames : 0,
	    .joined = preflight ? e->plan.joined : STR(""),
	    .expected = {.reason = e->reason, .policy = e->policy,
	        .answer = preflight ? e->answer : e->actual}};
}

/* Adds how an answer differs from the policy's, which is still in *e. */
static int
compare(struct explanation *e, struct explain_live *live,
    enum verify_kind kind, const struct browser_answer *answer)
{
	struct verify_case *c = arena_alloc(&e->arena, sizeof(*c));
	struct verify_findings found;

	if (c == NULL)
		return -1;
	*c = make_case(e, kind);
	if (verify_judge(e->set, c, answer, &e->arena, &found) != 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (verify_findings_add(&live->differences, &found.items[i],
		    &e->arena) != 0)
			return -1;
	return 0;
}

/* ---- notes ------------------------------------------------------------- */

static int
note_not_sent(struct explanation *e)
{
	if (e->live->sent || !e->plan.cors || !e->goes_on)
		return 0;
	return explain_note(e,
	    STR("the request itself was not sent, so that its "
	    "response is not known"));
}

static int
note_redirect(struct explanation *e)
{
	struct header_lines location = headers_find(&e->actual.headers,
	    STR("location"));
	char space[NOTE_MAX];
	struct buf b = BUF(space);

	if (location.count == 0 || e->actual.status < 300 ||
	    e->actual.status > 399)
		return 0;
	buf_add(&b, STR("the browser follows the redirect, and CORS begins "
	    "anew: explain "));
	buf_escaped(&b, location.first->value, SHOWN);
	buf_add(&b, STR(" too; where it leads to a third host, the origin "
	    "becomes null"));
	return explain_note(e, buf_str(&b));
}

/* ---- the whole --------------------------------------------------------- */

int
explain_take(struct explanation *e, struct explain_live *live,
    const struct browser_answer *preflight,
    const struct browser_answer *actual)
{
	static const struct browser_answer none = {.status = 0};
	bool by_policy = e->goes_on;

	live->differences = (struct verify_findings){.count = 0};
	if (e->set != NULL && ((preflight != NULL &&
	        compare(e, live, VERIFY_PREFLIGHT, preflight) != 0) ||
	    (actual != NULL &&
	        compare(e, live, VERIFY_ACTUAL, actual) != 0)))
		return -1;
	e->live = live;
	e->answer = preflight != NULL ? *preflight : none;
	e->actual = actual != NULL ? *actual : none;
	e->nnotes = 0;
	if (live->no_answer.n > 0) {
		e->at_response = live->sent;
		e->failures.count = 0;
		e->readable.count = 0;
		e->readable.all = false;
		e->goes_on = false;
	} else if (explain_conclude(e) != 0) {
		return -1;
	}
	/* The changes are for what the policy says, not for what the server
	 * has made of it. */
	if (e->goes_on != by_policy)
		e->fixes.count = e->fixes.nremarks = 0;
	if (explain_add_notes(e) != 0 || note_not_sent(e) != 0)
		return -1;
	return note_redirect(e);
}
