/* explain.h - the CORS debugger: a request that a page makes, taken through the
 * browser's side and the same decision and reply as serving. */
#ifndef PREFLIGHTD_EXPLAIN_EXPLAIN_H
#define PREFLIGHTD_EXPLAIN_EXPLAIN_H

#include "browser/browser.h"
#include "browser/url.h"
#include "core/policy.h"
#include "core/preflight.h"
#include "explain/fix.h"
#include "verify/check.h"

/* A header that counts for nothing. */
struct explain_ignored {
	struct str name;
	const char *why;
};

struct explain_query {
	struct url url;
	struct browser_request request;
	struct headers given;  /* as asked for, for output */
	const struct explain_ignored *ignored;
	size_t nignored;
	const struct str *reads; /* response headers that script wants */
	size_t nreads;
	enum browser_profile profile;
	bool private_network;  /* Access-Control-Request-Private-Network */
};

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

/* live_compare.c: puts a server's answers in place of the policy's and judges
 * anew; NULL is one that was not asked for, or did not come.  *live is filled
 * but for the two members that say so, and is used as long as *e.  Returns 0,
 * or -1 without memory. */
int explain_take(struct explanation *e, struct explain_live *live,
    const struct browser_answer *preflight,
    const struct browser_answer *actual);

/* notes.c: adds a copy of the text to the notes, as far as there is
 * room.  Returns 0, or -1 without memory. */
int explain_note(struct explanation *e, struct str text);

/* notes.c: adds what is good to know.  Returns 0, or -1 without
 * memory. */
int explain_add_notes(struct explanation *e);

/* How well a claim of `host` fits a host: the longer, the more specific; 0:
 * not at all. */
size_t explain_host_rank(struct str claim, struct str host);

/* Whether the page reads the name and cannot. */
bool explain_is_unreadable(const struct explanation *e, struct str name);

#endif
