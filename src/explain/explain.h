/* explain.h - the CORS debugger: a request that a page makes, taken through the
 * browser's side and the same decision and reply as serving. */
#ifndef PREFLIGHTD_EXPLAIN_EXPLAIN_H
#define PREFLIGHTD_EXPLAIN_EXPLAIN_H

#include <stdio.h>

#include "browser/browser.h"
#include "core/policy.h"
#include "core/preflight.h"
#include "explain/fix.h"
#include "explain/query.h"
#include "verify/check.h"
#include "verify/http.h"

enum { EXPLAIN_NOTES_MAX = 16 };

/* What a running server was asked and how it differs from the policy. */
struct explain_live {
	struct str no_answer;    /* why none came; n is 0: one did */
	bool sent;               /* the request itself, not only a preflight */
	struct verify_findings differences; /* none without a policy */
};

struct explanation {
	const struct explain_query *query;
	const struct policy_set *set;    /* NULL: live, without a policy */
	const struct explain_live *live; /* NULL: the policy answers */
	struct browser_plan plan;
	struct headers sent;          /* the preflight */
	const struct policy *policy;  /* NULL: none serves it, or not asked */
	const struct claim *host, *path; /* what of the policy matched */
	enum reason reason;
	struct str detail;            /* preflight_explain's, may be empty */
	struct place rule;            /* what decided; line 0: nothing */
	struct browser_answer answer; /* to the preflight, if there is one */
	struct browser_answer actual; /* what the actual response carries */
	struct browser_failures failures;
	bool at_response; /* the preflight, if any, has passed */
	bool goes_on;
	struct browser_readable readable; /* nothing where it is blocked */
	struct fixes fixes;
	struct str notes[EXPLAIN_NOTES_MAX];
	size_t nnotes;
	bool failed; /* no memory for a note */
	struct arena arena;
};

/* Fills *out, which refers to s and q as long as it is used; where s is NULL,
 * only what the browser does before any answer.  Returns 0, or -1 without
 * memory; explain_clear frees it in both cases. */
int explain_run(const struct policy_set *s, const struct explain_query *q,
    struct explanation *out);
void explain_clear(struct explanation *e);

/* Fills in what the browser makes of the answers.  Returns 0, or -1 without
 * memory. */
int explain_conclude(struct explanation *e);

/* live.c: what explain_run left in *e, which may be without a policy, becomes
 * what the server of the URL answers: to the preflight, if there is one, and,
 * with `whole` and if the browser goes on, to the request itself.  *live is
 * used as long as *e.  Returns 0, or -1 without memory. */
int explain_live(struct explanation *e, struct explain_live *live,
    struct http *http, bool whole);

/* notes.c: a note of the text, as far as there is room. */
void explain_note(struct explanation *e, struct str text);

/* notes.c: adds what is good to know.  Returns 0, or -1 without
 * memory. */
int explain_add_notes(struct explanation *e);

/* Whether the page reads the name and cannot. */
bool explain_is_unreadable(const struct explanation *e, struct str name);

/* console.c: the first failure for which an engine blocks the request, whether
 * or not its console's words are known; or NULL. */
const struct browser_failure *console_failure(const struct explanation *e,
    enum browser_profile engine);

/* Adds what the console of an engine says of it; its words must be known. */
void console_words(const struct explanation *e, enum browser_profile engine,
    const struct browser_failure *f, struct buf *out);

/* text.c: prints the sections, with colour if asked for. */
void explain_print_text(const struct explanation *e, bool colour, FILE *to);

/* json.c: prints one JSON object.  Returns 0, or -1 without memory. */
int explain_print_json(const struct explanation *e, FILE *to);

#endif
